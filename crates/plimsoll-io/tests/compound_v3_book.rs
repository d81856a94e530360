//! Compound v3 in books: the example, round trips of any account, and every fault where it stands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, cover, file, files, sound};
use plimsoll_core::{Account, AccountId, Book, Int, Lens, ListedAccount, Standing, Test, U256, Verdict};
use plimsoll_io::book::{self, File, Opened};
use plimsoll_venues::compound_v3::{DEBT, SUPPLY, TRACKING_ACCRUED, TRACKING_INDEX, collateral};
use proptest::prelude::*;
use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/compound_v3")
}

fn example() -> Book {
    sound(book::open(&folder()))
}

fn verdict(book: &Book, name: &str, lens: Lens) -> Option<Verdict> {
    let quotes = book.graph.quotes(book.at);
    let listed = book.accounts.iter().find(|account| account.name == name).unwrap();
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &quotes);
    let standing = Standing::new(&*market.market, &readings, lens, book.at).unwrap();
    standing.judge(&listed.account, Test::Liquidation).verdict()
}

#[test]
fn the_example_has_an_account_on_each_side() {
    let book = example();
    assert_eq!((book.markets.len(), book.accounts.len()), (2, 12));
    for (name, expected) in [
        ("lender", Some(Verdict::NoDebt)),
        ("bitcoin-desk", Some(Verdict::Healthy)),
        ("near-the-line", Some(Verdict::Healthy)),
        ("comp-farmer", Some(Verdict::Unhealthy)),
        ("uni-not-needed", Some(Verdict::Healthy)),
        ("uni-needed", None),
        ("idle-collateral", Some(Verdict::NoDebt)),
        ("wsteth-loop", Some(Verdict::Healthy)),
    ] {
        assert_eq!(verdict(&book, name, Lens::Action), expected, "{name}");
    }
    // Ten minutes' interest that the getter does not see.
    assert_eq!(verdict(&book, "late-by-a-block", Lens::View), Some(Verdict::Healthy));
    assert_eq!(verdict(&book, "late-by-a-block", Lens::Action), Some(Verdict::Unhealthy));
}

/// A deposit of tokens becomes the principal that the venue would record at the book's time: a claim down, a debt up.
#[test]
fn tokens_become_principal() {
    let book = example();
    let of = |name: &str, instrument| {
        let listed = book.accounts.iter().find(|account| account.name == name).unwrap();
        let quoted_at = &book.markets[listed.market].market;
        let quoted = quoted_at.at(plimsoll_core::Feeds { readings: &[] }, Lens::Action, book.at).unwrap();
        let account = listed.account.clone();
        let one_more = account.clone().with(instrument, account.quantity(instrument).add(Int::ONE).unwrap());
        let one_less = account.clone().with(instrument, account.quantity(instrument).sub(Int::ONE).unwrap());
        [one_less, account, one_more].map(|account| quoted.balance(&account, instrument).unwrap().raw)
    };
    let [_, supplied, more] = of("lender", SUPPLY);
    assert!(supplied <= U256::new(2_500_000_000_000) && more > U256::new(2_500_000_000_000));
    let [less, owed, _] = of("comp-farmer", DEBT);
    assert!(owed >= U256::new(590_000_000_000) && less < U256::new(590_000_000_000));
}

fn account() -> impl Strategy<Value = Account> {
    let posted = proptest::array::uniform6(any::<Option<u128>>());
    (any::<u128>(), 0..3u8, posted, any::<[u64; 2]>(), any::<bool>()).prop_map(
        |(size, side, posted, terms, tracked)| {
            let mut account = Account::new(AccountId(0));
            // So that the sums of six accounts fit the market's own totals.
            let size = U256::new(size >> 28);
            match side {
                0 => account.set(SUPPLY, size.into()),
                1 => account.set(DEBT, size.into()),
                _ => {}
            }
            for (asset, posted) in posted.into_iter().enumerate() {
                account.set(collateral(asset), U256::new(posted.unwrap_or(0) >> 3).into());
            }
            if tracked {
                account.set_term(TRACKING_INDEX, Int::from(terms[0]));
                account.set_term(TRACKING_ACCRUED, Int::from(terms[1]));
            }
            account
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_book_comes_back_from_both_its_forms(
        accounts in proptest::collection::vec(account(), 0..6),
        numbers in proptest::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 0..40u32), 0..12),
    ) {
        let mut made = example();
        for (place, value, shift) in numbers {
            let mut cells = Vec::new();
            made.markets[0].market.visit(&mut |cell, name, _, _| cells.push((cell, name)));
            let (cell, name) = cells[place.index(cells.len())];
            // A state of later, or of higher indices, cannot be added up to the book's time.
            if !["last_accrual_time", "base_decimals", "decimals"].contains(&name) && !name.ends_with("index") {
                let _ = made.markets[0].market.set(cell, Some(Int::from(value >> shift)));
            }
        }
        made.accounts = accounts.into_iter().zip(0..).map(|(mut account, id)| {
            account.id = AccountId(id);
            let name = format!("account {id}");
            ListedAccount { owner: name.clone(), name, market: 0, account }
        }).collect();
        cover(&mut made);
        let written = book::write(&made).expect("it can be written");
        let opened = book::read(files(&written));
        // Rates that no contract could add up are told, and not lost in silence.
        prop_assume!(opened.faults.is_empty());
        // A rule that was set has moved the epoch, which files do not keep: what they say is compared.
        let again = sound(opened);
        prop_assert_eq!(&book::write(&again).expect("it can be written"), &written);
        let cells = |book: &Book| {
            let mut cells = Vec::new();
            book.markets[0].market.visit(&mut |cell, name, _, value| cells.push((cell, name, value)));
            let accounts: Vec<Account> = book.accounts.iter().map(|listed| listed.account.clone()).collect();
            (cells, accounts)
        };
        prop_assert_eq!(cells(&again), cells(&made));
        let json = book::write_json(&made).expect("it can be written");
        prop_assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&again));
    }
}

// ---- faults ---------------------------------------------------------------------------------------------------

const HEAD: &str = "format = 1\nname = \"faults\"\nat = 1760097600\n";
const FEEDS: &str = "feed,kind,price,unit,source,observed_at,max_age,confidence\n\
    USDC/USD,oracle,1.00,USD/USDC,test,1760097500,,\nWETH/USD,oracle,2500.00,USD/WETH,test,1760097500,,\n";
const MARKET: &str = r#"venue = "compound_v3"
revision = "3.0"
currency = "USD"
base = { asset = "USDC", decimals = 6, feed = "USDC/USD" }
store_front_price_factor = "600000000000000000"
base_borrow_min = "100000000"
target_reserves = "20000000000000"
paused = ["absorb"]

[borrow_rates]
kink = "900000000000000000"
slope_low = "1055936073"
slope_high = "126839167935"
base = "485159817"

[rewards]
tracking_index_scale = "1000000000000000"
supply_speed = "289351851851"
borrow_speed = "0"
min_for_rewards = "1000000000000"

[state]
base_supply_index = "1093417744092118"
base_borrow_index = "1172608415560233"
total_supply_base = "412600000000000"
total_borrow_base = "318900000000000"
last_accrual_time = 1760097000
base_balance = "83449337490249"

[[collateral]]
asset = "WETH"
decimals = 18
feed = "WETH/USD"
borrow_collateral_factor = "830000000000000000"
liquidate_collateral_factor = "900000000000000000"
liquidation_factor = "950000000000000000"
supply_cap = "500000000000000000000000"
total_supply = "61384000000000000000000"
"#;
const POSITIONS: &str = "account,market,kind,asset,quantity,unit,as_collateral,mode\n";

fn opened(market: &str, rows: &str) -> Opened {
    let texts: [(&str, String); 4] = [
        ("book.toml", HEAD.into()),
        ("feeds.csv", FEEDS.into()),
        ("markets/comet.toml", market.into()),
        ("positions.csv", format!("{POSITIONS}{rows}")),
    ];
    let files: Vec<File> = texts.into_iter().map(|(name, text)| file(name, text)).collect();
    book::read(files)
}

/// What is told of a book, as `code: found`.
fn told(opened: &Opened) -> String {
    opened.faults.render(false).to_string()
}

#[test]
fn the_market_of_the_fault_tests_is_sound() {
    let book = sound(opened(MARKET, "a,comet,supply,USDC,5,token,,\nb,comet,collateral,WETH,1,token,,\n"));
    assert_eq!(book.accounts.len(), 2);
    // Without a state, rates or rewards the market is new, and pays nothing.
    let plain: String = MARKET
        .split("\n\n")
        .filter(|part| !part.starts_with('[') || part.starts_with("[["))
        .collect::<Vec<_>>()
        .join("\n\n");
    let book = sound(opened(&plain, "a,comet,debt,USDC,5,token,,\n"));
    assert_eq!(book.accounts[0].account.quantity(DEBT), Int::new(5_000_000));
}

#[test]
fn every_fault_of_a_market_is_told_where_it_stands() {
    for (from, to, code, line) in [
        ("currency = \"USD\"\n", "", "PL0510", 1),
        ("currency = \"USD\"", "currency = 3", "PL0511", 3),
        ("decimals = 6,", "decimals = 5,", "PL0574", 4),
        ("decimals = 6,", "decimals = 19,", "PL0574", 4),
        ("base = { asset = \"USDC\", decimals = 6,", "base = { decimals = 6,", "PL0510", 4),
        ("600000000000000000\"", "1000000000000000001\"", "PL0515", 5),
        ("base_borrow_min = \"100000000\"", "base_borrow_min = \"-1\"", "PL0516", 6),
        ("base_borrow_min", "base_borow_min", "PL0509", 6),
        ("[\"absorb\"]", "[\"absorbing\"]", "PL0520", 8),
        ("[\"absorb\"]", "\"absorb\"", "PL0511", 8),
        ("slope_high = \"126839167935\"", "slope_high = \"18446744073709551616\"", "PL0515", 13),
        ("slope_high = \"126839167935\"\n", "", "PL0510", 10),
        ("tracking_index_scale = \"1000000000000000\"", "tracking_index_scale = 0", "PL0515", 17),
        ("min_for_rewards = \"1000000000000\"", "min_for_rewards = \"0\"", "PL0515", 20),
        ("1093417744092118", "999999999999999", "PL0573", 23),
        ("last_accrual_time = 1760097000", "last_accrual_time = 1760097601", "PL0576", 27),
        ("base_balance = \"83449337490249\"\n", "", "PL0510", 22),
        ("asset = \"WETH\"", "asset = \"USDC\"", "PL0575", 30),
        ("decimals = 18\n", "decimals = 20\n", "PL0574", 32),
        ("830000000000000000", "900000000000000000", "PL0570", 34),
        ("830000000000000000", "830050000000000000", "PL0515", 34),
        ("\"900000000000000000\"\nliquidation", "\"1000100000000000000\"\nliquidation", "PL0515", 35),
        ("950000000000000000", "6553600000000000000", "PL0515", 36),
        ("feed = \"WETH/USD\"", "feed = \"WETHUSD\"", "PL0541", 33),
        ("slope_low = \"1055936073\"", "slope_low = \"1055936073\"\nslope_lower = 1", "PL0509", 13),
        ("base = \"485159817\"", "base = \"18446744073709551615\"", "PL0579", 1),
    ] {
        assert!(MARKET.contains(from), "{from}");
        let told = told(&opened(&MARKET.replacen(from, to, 1), ""));
        assert!(told.contains(code), "{from} -> {to}: {told}");
        assert!(told.contains(&format!("markets/comet.toml:{line}:")), "{from} -> {to}: {told}");
    }
    let again = MARKET.find("[[collateral]]").map(|at| &MARKET[at..]).unwrap();
    assert!(told(&opened(&format!("{MARKET}\n{again}"), "")).contains("PL0575"));
    let many: String = (0..24)
        .map(|place| {
            format!(
                "\n{}",
                again.replace("\"WETH\"", &format!("\"A{place}\"")).replace("feed = \"WETH/USD\"\n", "")
            )
        })
        .collect();
    assert!(told(&opened(&format!("{MARKET}{many}"), "")).contains("PL0503"));
}

#[test]
fn every_fault_of_a_position_is_told_where_it_stands() {
    for (rows, code, place) in [
        ("a,comet,supply,WETH,1,token,,\n", "PL0558", "2:16"),
        ("a,comet,debt,WETH,1,token,,\n", "PL0558", "2:14"),
        ("a,comet,collateral,USDC,1,token,,\n", "PL0558", "2:9"),
        ("a,comet,collateral,WHET,1,token,,\n", "PL0553", "2:20"),
        ("a,comet,supply,USDC,1,shares,,\n", "PL0521", "2:23"),
        ("a,comet,supply,USDC,1,token,yes,\n", "PL0559", "2:29"),
        ("a,comet,supply,USDC,1,token,,\na,comet,debt,USDC,1,token,,\n", "PL0559", "3:9"),
        ("a,comet,supply,USDC,20282409603651670423947251286016,scaled,,\n", "PL0515", "2:16"),
        ("a,comet,supply,USDC,1,token,,emode=1\n", "PL0554", "2:30"),
        ("a,comet,supply,USDC,1,token,,rewards=1\n", "PL0554", "2:30"),
        ("a,comet,supply,USDC,1,token,,rewards=01/2\n", "PL0554", "2:30"),
        ("a,comet,supply,USDC,1,token,,rewards=1/18446744073709551616\n", "PL0554", "2:30"),
        ("a,comet,collateral,WETH,0.0000000000000000001,token,,\n", "PL0517", "2:25"),
    ] {
        let opened = opened(MARKET, rows);
        let told = told(&opened);
        assert!(told.contains(code) && told.contains(&format!("positions.csv:{place}")), "{rows}: {told}");
        assert_eq!(opened.book.accounts.len(), 0, "{rows}");
    }
}
