//! Cross margin in books: the example by hand, its round trip, presets, and every fault where it stands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, example_folder, file, files, sound};
use plimsoll_core::{Book, Certainty, Lens, Standing, Test, Verdict};
use plimsoll_io::book::{self, File, Opened};

fn folder() -> std::path::PathBuf {
    example_folder("margin")
}

fn example() -> Book {
    sound(book::open(&folder()))
}

/// The example with one text put for another in one file.
#[track_caller]
fn with(name: &str, from: &str, to: &str) -> Opened {
    common::with("margin", name, from, to)
}

#[track_caller]
fn fault(name: &str, from: &str, to: &str, code: &str, found: &str) {
    common::fault("margin", name, [from, to], code, found);
}

/// Headroom of each account on both lines, in dollars, by the header of the market and a pencil.
#[test]
fn the_example_is_what_a_pencil_says() {
    let book = example();
    let quotes = book.graph.quotes(book.at);
    let market = &book.markets[0];
    let readings = book.readings(market, &quotes);
    let standing = Standing::new(&*market.market, &readings, Lens::Action, book.at).unwrap();
    let dollars = |text: &str| {
        let number: plimsoll_core::Decimal = text.parse().unwrap();
        number.scaled(52).unwrap()
    };
    for (name, maintenance, initial, verdict) in [
        // 100 x 100 x 0.9 less 5 % of 30,000; at 0.8 less 10 %.
        ("joint", "7500", "5000", Verdict::Healthy),
        ("alone", "7500", "5000", Verdict::Healthy),
        // 36,000 less a loss of 1,000 and 5 % of 38,000; 32,000 less 1,000 and 3,800.
        ("hedged", "33100", "27200", Verdict::Healthy),
        // 60,000 and a profit of 10,000, less 2.5 % of 1,800,000, 2.5 % more of 800,000, and 5 % of 20,000 ordered; 5 %, 5 % more and 10 %.
        ("basis", "4000", "-62000", Verdict::Healthy),
        ("borrower", "25000", "20000", Verdict::Healthy),
        // 45 x 100 x 0.9 less a loss of 1,000 and 2.5 % of 135,000; 3,600 less 1,000 and 6,750.
        ("under", "-325", "-4150", Verdict::Unhealthy),
        ("sunk", "-2000", "-2500", Verdict::Unhealthy),
        // (10 + 0.4 - 0.18) x 2,500 x 0.95; (10 + 0.4 - 0.36) x 2,500 x 0.9.
        ("ether", "24272.5", "22590", Verdict::Healthy),
        // Of 1,800,000 one million counts, at 0.9.
        ("whale", "50000", "50000", Verdict::Healthy),
        ("idle", "25000", "25000", Verdict::NoDebt),
    ] {
        let account = book.accounts.iter().find(|account| account.name == name).unwrap();
        for (test, expected) in [(Test::Liquidation, maintenance), (Test::Borrow, initial)] {
            let judged = standing.judge(&account.account, test);
            let seen = judged.own.unwrap();
            assert_eq!(seen.unit.decimals, 52);
            assert_eq!(seen.backing.sub(seen.requirement), Some(dollars(expected)), "{name} {test:?}");
            assert_eq!(judged.certainty, Certainty::Certain, "{name}");
        }
        let seen = standing.judge(&account.account, Test::Liquidation);
        assert_eq!(seen.verdict(), Some(verdict), "{name}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let book = example();
    let again = sound(book::read(files(&book::write(&book).unwrap())));
    assert_eq!(all_of(&again), all_of(&book));
    let json = book::write_json(&book).unwrap();
    let one = sound(book::read(vec![file("book.json", json)]));
    assert_eq!(all_of(&one), all_of(&book));
}

/// Maintenance as the venue states it: a leverage of 40 up to 150 million and of 20 above, half of it.
#[test]
fn a_preset_is_its_systems_tiers_and_others_are_refused_by_name() {
    let desk = r#"venue = "cross"
revision = "1"
currency = "USD"
preset = "hyperliquid"

[[assets]]
asset = "USDC"
decimals = 6
at_par = true
asset_weight = "1"
liability_weight = "1"

[[perps]]
perp = "BTC"
settles_in = "USDC"
feed = "BTC/USD"
initial = "0.025"
"#;
    let open = |desk: String| {
        book::read(vec![
            file("book.toml", "format = 1\nname = \"x\"\nat = \"2026-06-01T12:00:00Z\"\n"),
            file(
                "feeds.csv",
                "feed,kind,price,unit,source,observed_at,max_age,confidence\nBTC/USD,oracle,100000,USD/BTC,x,,,\n",
            ),
            file("markets/desk.toml", desk),
            file(
                "positions.csv",
                "account,market,kind,asset,quantity,unit\na,desk,supply,USDC,5000000,token\na,desk,long,BTC,2000,token\n\
                 a,desk,paid,BTC,200000000,token\n",
            ),
        ])
    };
    let book = sound(open(desk.to_string()));
    let quotes = book.graph.quotes(book.at);
    let readings = book.readings(&book.markets[0], &quotes);
    let standing = Standing::new(&*book.markets[0].market, &readings, Lens::Action, book.at).unwrap();
    let seen = standing.judge(&book.accounts[0].account, Test::Liquidation).own.unwrap();
    // 1.25 % of 150 million and 2.5 % of 50 million more: 3,125,000 of 5,000,000.
    let expected: plimsoll_core::Decimal = "1875000".parse().unwrap();
    let unit = seen.unit.decimals;
    assert_eq!(seen.backing.sub(seen.requirement), Some(expected.scaled(unit).unwrap()));
    for other in ["mango_v4", "drift", "dydx_v4", "derive_pmrm_2", "span", "hyperlikwid"] {
        let told = open(desk.replace("hyperliquid", other)).faults.render(false);
        assert!(told.contains(other) && told.contains("PL0"), "{told}");
        assert_eq!(told.contains("no market of this model is"), other != "hyperlikwid", "{told}");
    }
    let told = open(desk.replace("perp = \"BTC\"", "perp = \"ETH\"")).faults.render(false);
    assert!(told.contains("a perp that the preset hyperliquid has: BTC"), "{told}");
}

#[test]
fn every_fault_is_told_where_it_stands() {
    let (desk, rows) = ("markets/desk.toml", "positions.csv");
    fault(desk, "asset_weight = \"0.9\"", "asset_weight = \"1.1\"", "PL0515", "1.1");
    fault(desk, "asset_weight = \"0.9\"", "asset_weight = \"0.1234567\"", "PL0517", "0.1234567");
    fault(
        desk,
        "initial_asset_weight = \"0.8\"",
        "initial_asset_weight = \"0.91\"",
        "PL0579",
        "asset_weight of \"SOL\"",
    );
    fault(
        desk,
        "liability_weight = \"1\"",
        "liability_weight = \"0.9\"",
        "PL0579",
        "liability_weight of \"USDC\"",
    );
    fault(desk, "at_par = true", "at_par = true\nfeed = \"SOL/USD\"", "PL0523", "feed");
    fault(desk, "settles_in = \"USDC\"", "settles_in = \"USDT\"", "PL0553", "USDT");
    fault(desk, "settles_in = \"USDC\"", "settles_in = \"BTC\"", "PL0579", "settles_in of \"SOL-PERP\"");
    fault(desk, "perp = \"SOL-ALONE\"", "perp = \"SOL-PERP\"", "PL0540", "SOL-PERP");
    fault(desk, "perp = \"SOL-ALONE\"", "perp = \"SOL\"", "PL0540", "SOL");
    fault(desk, "perp = \"SOL-ALONE\"", "perp = \"SOL;X\"", "PL0522", "SOL;X");
    fault(desk, "maintenance = \"0.05\"", "maintenance = \"0\"", "PL0579", "tiers of \"SOL-PERP\"");
    fault(desk, "maintenance = \"0.05\"", "", "PL0510", "nothing");
    fault(
        desk,
        "{ from = \"0\", rate = \"0.05\" }, { from = \"1000000\"",
        "{ from = \"1\", rate = \"0.05\" }, { from = \"1000000\"",
        "PL0579",
        "tiers of \"BTC-PERP\"",
    );
    fault(desk, "collateral_cap = \"1000000\"", "collateral_cap = \"0\"", "PL0515", "0");
    fault(desk, "decimals = 18", "decimals = 19", "PL0515", "19");
    fault(desk, "lot = \"0.01\"", "lot = \"0\"", "PL0579", "lot of \"SOL-PERP\"");
    fault(desk, "feed = \"BTC/ETH\"", "feed = \"BTC/USD\"", "PL0545", "USD/BTC");
    fault(desk, "feed = \"SOL/USD\"", "feed = \"ETH/USD\"", "PL0549", "ETH");
    fault(desk, "lot = ", "lott = ", "PL0509", "lott");
    fault(rows, "joint,desk,long,SOL-PERP", "joint,desk,long,SOL", "PL0558", "SOL");
    fault(rows, "joint,desk,long,SOL-PERP", "joint,desk,long,SOL-PERK", "PL0553", "SOL-PERK");
    fault(rows, "joint,desk,supply,SOL,", "joint,desk,supply,SOL-PERP,", "PL0558", "SOL-PERP");
    fault(rows, "joint,desk,long", "joint,desk,lang", "PL0520", "lang");
    fault(
        rows,
        "joint,desk,paid,SOL-PERP,30000",
        "joint,desk,paid,SOL-PERP,30000.0000001",
        "PL0517",
        "7 digits",
    );
    fault(rows, "joint,desk,paid,SOL-PERP,30000", "joint,desk,paid,SOL-PERP,-30000", "PL0516", "-30000");
    // Long and short are one holding.
    fault(rows, "joint,desk,paid,SOL-PERP,30000", "joint,desk,short,SOL-PERP,30000", "PL0555", "again");
    fault(rows, "asks SOL-PERP=200", "asks SOL-PORP=200", "PL0554", "asks SOL-PORP=200");
    fault(rows, "asks SOL-PERP=200", "bids BTC-PERP=200", "PL0554", "bids BTC-PERP=200");
    fault(rows, "asks SOL-PERP=200", "asks SOL-PERP=0.0000000001", "PL0554", "asks SOL-PERP");
    fault(
        rows,
        "joint,desk,supply,SOL,100,token,desk,,",
        "joint,desk,supply,SOL,100,token,desk,yes,",
        "PL0559",
        "",
    );
}

/// A faulty row leaves its account out, and positions are none of a lending venue's.
#[test]
fn a_position_is_none_of_a_lending_venue() {
    let opened = with("positions.csv", "joint,desk,long,SOL-PERP,300", "joint,desk,long,SOL-PERP,x");
    assert!(opened.book.accounts.iter().all(|account| account.name != "joint"));
    let folder = example_folder("treasury");
    let mut read: Vec<File> = book::write(&sound(book::open(&folder)))
        .unwrap()
        .files
        .into_iter()
        .map(|(name, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            file(&name, text.replacen(",debt,", ",short,", 1))
        })
        .collect();
    let told = book::read(std::mem::take(&mut read)).faults.render(false);
    assert!(told.contains("PL0520") && told.contains("this venue has no positions"), "{told}");
}
