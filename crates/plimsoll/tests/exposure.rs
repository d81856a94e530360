//! What is looked through: positions, sums, blind prices; and what scenarios and doubts do to wrapped collateral.
//!
//! Figures of `examples/wrapped` are by Python's whole numbers, from the formulas that docs/book-format.md names.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{example, place, readings};
use plimsoll::{
    Exposed, Exposure, Ladder, Lookout, Of, Said, Source, Stands, Tier, check, exposure, shocked,
};
use plimsoll_core::{
    Book, Decimal, FeedKind, Feeds, How, Int, Lens, Observation, Origin, Price, PriceId, RateCap, Rounding,
    Scenario, Shock, Sight, Target, Time, U256,
};

const BOOKS: [&str; 10] = [
    "treasury",
    "lending",
    "compound_v3",
    "liquity",
    "maker",
    "hubs",
    "crash",
    "loopers",
    "wrapped",
    "margin",
];

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn of(book: &Book, account: &str) -> Exposure {
    exposure(book, Of::Account(place(book, account))).expect("it stands")
}

fn id(book: &Book, name: &str) -> PriceId {
    book.graph.find(name).expect("a price")
}

fn feed<'b>(book: &'b Book, name: &str) -> &'b Observation {
    match book.graph.origin(id(book, name)) {
        Some(Origin::Feed(feed)) => feed,
        other => panic!("{name}: {other:?}"),
    }
}

/// What each source carries and moves of a position.
fn pulls(book: &Book, exposed: &Exposed) -> Vec<(String, i128, i128)> {
    let number = |number: Int| number.to_string().parse::<i128>().expect("a small number");
    let name = |source: Source| match source {
        Source::Price(id) => book.graph.price(id).expect("a price").name.clone(),
        other => format!("{other:?}"),
    };
    let pulls = exposed.pulls.iter();
    pulls.map(|pull| (name(pull.source), number(pull.carries), number(pull.moves))).collect()
}

#[test]
fn positions_are_shared_among_what_their_prices_rest_on() {
    let book = example("wrapped");
    let vault = of(&book, "cleo-vault");
    let held: Vec<_> = vault.held.iter().map(|held| (held.stands, held.value)).collect();
    let u = |value: u64| U256::from(value);
    assert_eq!(
        held,
        [
            (Stands::Collateral, u(37_930_810_500_000)),
            (Stands::Debt, u(209_961_175_200_000)),
            (Stands::Collateral, u(421_791_131_310_000)),
        ]
    );
    let half = 210_895_565_655_000_i128;
    let all = 421_791_131_310_000_i128;
    let expected: Vec<(String, i128, i128)> = [
        ("ETH/USD", half, half),
        ("USDC/USD", half, half),
        ("ETH in the pool", 0, half),
        ("USDC in the pool", 0, half),
        ("POOL shares", 0, -all),
        ("POOL in yPOOL", 0, all),
        ("yPOOL shares", 0, -all),
        ("one dollar", 0, -all),
    ]
    .into_iter()
    .map(|(name, carries, moves)| (name.to_string(), carries, moves))
    .collect();
    let mut found = pulls(&book, &vault.held[2]);
    let order = |name: &String| expected.iter().position(|(known, ..)| known == name);
    found.sort_by_key(|(name, ..)| order(name));
    assert_eq!(found, expected);
    // The dollar's cap does not bind: it moves nothing now.
    let seen = vault.seen.iter().find(|seen| seen.asset == "yPOOL").expect("its price");
    let look = seen.look.as_ref().expect("every value is there");
    assert_eq!(look.idle, [id(&book, "most of USDC")]);
    assert_eq!((look.depth, look.sight), (3, Sight::Partial));
}

/// Of every account of every example: what carries a position is all of it, and the positions are what `check` counts.
#[test]
fn the_parts_are_the_whole_and_the_whole_is_what_is_judged() {
    let mut positions = 0;
    for name in BOOKS {
        let book = example(name);
        let judged = check(&book, book.at, &Ladder::default()).expect("it stands");
        let mut sums = Vec::new();
        for row in &judged.rows {
            let answer = exposure(&book, Of::Account(row.account)).expect("it stands");
            let mut sides = [Int::ZERO; 3];
            for held in &answer.held {
                let carried = held.pulls.iter().try_fold(Int::ZERO, |sum, pull| sum.add(pull.carries));
                assert_eq!(carried, Some(held.value.into()), "{name}");
                let side = &mut sides[held.stands as usize];
                *side = side.add(held.value.into()).expect("256 bits");
                positions += 1;
            }
            let account = &book.accounts[row.account];
            if let (Ok(own), true) = (row.borrowing.own, answer.unknown.is_empty()) {
                let scale = own.unit.decimals;
                assert!(answer.held.iter().all(|held| held.decimals == scale), "{name}");
                // The venue cuts each value once more where it weighs or converts it.
                let near = |x: Int, y: Int| {
                    let apart = x.sub(y).expect("256 bits").magnitude();
                    apart <= U256::from(answer.held.len() as u64)
                };
                assert!(near(sides[0], own.collateral), "{name} {}: {sides:?} {own:?}", account.name);
                if book.markets[account.market].market.venue().0 == "aave_v4" {
                    // It values what is owed to a part of a raw unit (10^-27 of it), and a position is whole units, rounded up.
                    let units = answer.held.iter().filter(|held| held.stands == Stands::Debt);
                    let units = units.map(|held| raw_unit(&book, held));
                    let most = units.fold(Int::ZERO, |sum, unit| sum.add(unit).expect("256 bits"));
                    let more = sides[2].sub(own.debt).expect("256 bits");
                    assert!(
                        !more.is_negative() && more <= most,
                        "{name} {}: {sides:?} {own:?}",
                        account.name
                    );
                } else {
                    assert!(near(sides[2], own.debt), "{name} {}: {sides:?} {own:?}", account.name);
                }
            }
            sums.push(answer);
        }
        // Everybody's sums are those of each.
        let whole = exposure(&book, Of::Book).expect("it stands");
        assert!(whole.held.is_empty());
        assert_eq!(whole.accounts, book.accounts.len() as u64);
        assert_eq!(whole.unknown.len(), sums.iter().map(|one| one.unknown.len()).sum::<usize>(), "{name}");
        for total in &whole.sums {
            for side in 0..3 {
                let parts =
                    sums.iter().flat_map(|one| &one.sums).filter(|sum| sum.currency == total.currency);
                let parts = parts.map(|sum| {
                    let up = U256::pow10(total.decimals - sum.decimals).expect("small");
                    sum.values[side].mul(up.into()).expect("256 bits")
                });
                assert_eq!(
                    parts.fold(Int::ZERO, |sum, part| sum.add(part).expect("256 bits")),
                    total.values[side]
                );
                let carried = total.sources.values().map(|sides| sides[side].0);
                let carried = carried.fold(Int::ZERO, |sum, part| sum.add(part).expect("256 bits"));
                assert_eq!(carried, total.values[side], "{name}");
            }
        }
    }
    assert!(positions > 700, "{positions}");
}

/// What one raw unit of a position is worth, rounded up.
fn raw_unit(book: &Book, held: &Exposed) -> Int {
    let listed = &book.accounts[held.account];
    let market = &*book.markets[listed.market].market;
    let readings = readings(book, listed.market, book.at);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
    let raw = quoted.balance(&listed.account, held.instrument).expect("a balance").raw;
    held.value.div(raw, Rounding::Up).expect("it owes").into()
}

/// A millionth more on a feed: every position goes as far as is said to move with it.
#[test]
fn a_position_moves_with_a_feed_as_far_as_is_said() {
    let book = example("wrapped");
    for feed_name in ["ETH/USD", "USDC/USD", "wstETH rate", "USDe in sUSDe", "POOL in yPOOL", "yPOOL shares"]
    {
        let moving = id(&book, feed_name);
        let mut moved = book.clone();
        let seen = feed(&book, feed_name).clone();
        let price = seen.price.and_then(|price| price.times(decimal("1.0001")));
        moved
            .graph
            .observe(moving, Observation { price: price.map(|price| price.cut(18)), ..seen })
            .expect("a feed");
        // Feeds that the market reads as they are have no more digits than it takes.
        let digits = if feed_name.ends_with("/USD") { 8 } else { 18 };
        let seen = feed(&moved, feed_name).clone();
        let price = seen.price.map(|price| price.cut(digits));
        moved.graph.observe(moving, Observation { price, ..seen }).expect("a feed");
        for place in 0..book.accounts.len() {
            let [before, after] =
                [&book, &moved].map(|book| exposure(book, Of::Account(place)).expect("it stands").held);
            for (was, is) in before.iter().zip(&after) {
                let number = |value: U256| value.to_string().parse::<i128>().expect("small");
                let way = (number(is.value) - number(was.value)) * 10_000;
                let said = pulls(&book, was).into_iter().find(|(name, ..)| name == feed_name);
                let said = said.map_or(0, |(_, _, moves)| moves);
                // Two digits of a price are rounded, and a root or a quotient bends.
                assert!((way - said).abs() <= said.abs() / 1_000 + 10_000, "{feed_name}: {way} {said}");
            }
        }
    }
}

/// What is hard-coded or follows a rate only is told, with what it would be worth at the market's price.
#[test]
fn blind_collateral_is_told_with_what_a_market_says() {
    let book = example("wrapped");
    let lookout = Lookout::new(&book, book.at).expect("it stands");
    let blind = |account: &str| lookout.of(place(&book, account)).blind;
    let told = |account: &str| -> Vec<(String, Sight, Option<String>)> {
        let difference =
            |blind: &plimsoll::Blind| blind.at_market.as_ref().map(|at| at.difference.to_string());
        blind(account).iter().map(|one| (one.asset.clone(), one.sight, difference(one))).collect()
    };
    // 500,000 at 0.9230 and not at 1: 46150000000000 - 50000000000000.
    assert_eq!(told("dora"), [("USDe".into(), Sight::Fixed, Some("-3850000000000".into()))]);
    assert_eq!(told("bela"), [("sUSDe".into(), Sight::Rate, None)]);
    for account in ["anna", "cleo-pool", "cleo-vault", "emil"] {
        assert_eq!(told(account), [], "{account}");
    }
    // A sale's price that is doubtful says nothing.
    let mut late = book.clone();
    late.at = Time(book.at.0 + 601);
    let lookout = Lookout::new(&late, late.at).expect("it stands");
    assert_eq!(lookout.of(place(&late, "dora")).blind[0].at_market, None);
    let of_dora = of(&book, "dora");
    assert_eq!(of_dora.sums[0].blind, [Int::from(50_000_000_000_000_u64), Int::ZERO, Int::ZERO]);
    let (source, share) = of_dora.sums[0].largest().expect("collateral");
    assert_eq!((source, share.digits(2, 2).as_str()), (Source::Price(id(&book, "USDe at par")), "92.98"));
    let seen = |asset: &str| of_dora.seen.iter().find(|seen| seen.asset == asset).expect("its price");
    assert_eq!(seen("USDe").sale.map(|(id, _)| id), Some(id(&book, "USDe/USD")));
}

/// Unknown travels through a cap, a pool and a vault to whoever holds what is built on them, and to nobody else.
#[test]
fn what_is_unknown_reaches_who_holds_it() {
    let book = example("wrapped");
    let unknown = |book: &Book| -> Vec<String> {
        let answer = check(book, book.at, &Ladder::default()).expect("it stands");
        let rows = answer.rows.iter().filter(|row| row.tier == Tier::Unknown);
        let mut names: Vec<_> = rows.map(|row| book.accounts[row.account].name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(unknown(&book), [""; 0]);
    let stale = |name: &str| {
        let mut book = book.clone();
        let seen = feed(&book, name).clone();
        let long_ago = Some(Time(book.at.0 - 100_000));
        book.graph.observe(id(&book, name), Observation { observed_at: long_ago, ..seen }).expect("a feed");
        book
    };
    assert_eq!(unknown(&stale("USDC in the pool")), ["cleo-pool", "cleo-vault"]);
    assert_eq!(unknown(&stale("POOL in yPOOL")), ["cleo-vault"]);
    assert_eq!(unknown(&stale("sUSDe shares")), ["bela"]);
    // A snapshot from the future: the adapter would revert.
    let mut future = book.clone();
    future.graph = plimsoll_core::Graph::default();
    for price in book.graph.prices() {
        let origin = match &price.origin {
            Origin::RateCap(cap) => Origin::RateCap(RateCap { taken_at: Time(book.at.0 + 1), ..*cap }),
            other => other.clone(),
        };
        future.graph.add(Price { origin, ..price.clone() }).expect("as it was");
    }
    assert_eq!(unknown(&future), ["anna"]);
    let anna = exposure(&future, Of::Account(place(&future, "anna"))).expect("it stands");
    assert_eq!((anna.held.len(), anna.unknown.len()), (1, 1));
    assert_eq!(anna.held[0].stands, Stands::Debt);
}

fn scenario(shocks: Vec<Shock>, hold: &[&str]) -> Scenario {
    let hold = hold.iter().map(|name| (*name).to_string()).collect();
    Scenario::of_prices("test", hold, shocks)
}

fn named(price: &str, factor: &str) -> Shock {
    Shock { target: Target::Prices(vec![price.into()]), how: How::Factor(decimal(factor)), liquidity: None }
}

fn ether(factor: &str) -> Shock {
    let (assets, currency) = (vec!["ETH".to_string(), "WETH".into()], vec!["USD".to_string()]);
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    Shock {
        target: Target::Assets { assets, currency, kinds },
        how: How::Factor(decimal(factor)),
        liquidity: None,
    }
}

fn after(scenario: &Scenario) -> impl Fn(&str) -> String + use<> {
    let shocked =
        shocked(&example("wrapped"), scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"));
    let (graph, at) = (shocked.book.graph.clone(), shocked.book.at);
    let constant: Vec<String> = shocked.constant.iter().map(|(_, asset, _)| asset.clone()).collect();
    assert_eq!(constant, ["USDe", "sUSDe"], "told as what no shock of a market moves");
    move |name| {
        let place = graph.find(name).expect("a price").0 as usize;
        graph.quotes(at)[place].value.expect("a value").to_string()
    }
}

/// A pool's share follows the root of its legs, a vault's rate stands, a cap binds where the rate would pass it.
#[test]
fn scenarios_move_what_is_wrapped() {
    let half = after(&scenario(vec![ether("0.5")], &["USDC", "USDe"]));
    assert_eq!(half("ETH/USD"), "1887.105");
    assert_eq!(half("pool/USD"), "94.12248336");
    assert_eq!(half("yPOOL rate"), "1.056252656236796841");
    assert_eq!(half("yPOOL/USD"), "99.41712306");
    assert_eq!(half("wstETH/USD"), "2293.40596223");
    assert_eq!(half("sUSDe/USD"), "1.19807999");
    // The rate rises by a tenth, and counts for no more than its cap: 1.240157330164148396 * 3774.21, cut.
    let risen = after(&scenario(vec![named("wstETH rate", "1.1"), ether("1")], &["USDC", "USDe"]));
    assert_eq!(risen("wstETH rate, capped"), "1.240157330164148396");
    assert_eq!(risen("wstETH/USD"), "4680.61419707");
    // A vault that lost a tenth: 1.198079990095125862 * 0.9, cut, and what stands on it.
    let lost = after(&scenario(vec![named("sUSDe rate", "0.9"), ether("1")], &["USDC", "USDe"]));
    assert_eq!(lost("sUSDe rate"), "1.078271991085613275");
    assert_eq!(lost("sUSDe/USD"), "1.07827199");
}
