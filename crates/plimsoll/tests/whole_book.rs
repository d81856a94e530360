//! Stress tests of whole books at their edges: bounds of feeds on a path, prices of two legs, numbers that do not fit, ties, and
//! what a book's hash speaks of.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, example, readings};
use plimsoll::{Along, Curve, Misasked, Said, Step, Stress, curve, identity, shocked};
use plimsoll_core::{
    AccountId, Book, Decimal, Depth, DepthCurve, FeedKind, Gas, How, Int, Lens, Observation, Origin, Price,
    PriceId, PriceUnit, Scenario, Shock, Standing, Target, Test, U256, Verdict,
};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

fn asset(name: &str, factor: &str, hold: &[&str]) -> Scenario {
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let target = Target::Assets { assets: texts(&[name]), currency: texts(&["USD"]), kinds };
    let shock = Shock { target, how: How::Factor(decimal(factor)), liquidity: None };
    Scenario::of_prices("test", texts(hold), vec![shock])
}

fn feed(book: &Book, name: &str) -> (PriceId, Observation) {
    let id = book.graph.find(name).expect("the price");
    let Some(Origin::Feed(feed)) = book.graph.origin(id) else { panic!("{name} is no feed") };
    (id, feed.clone())
}

/// The book with something else observed of a feed.
fn observed(book: &Book, name: &str, change: impl Fn(&mut Observation)) -> Book {
    let mut book = book.clone();
    let (id, mut feed) = feed(&book, name);
    change(&mut feed);
    book.graph.observe(id, feed).expect("the price");
    book
}

/// The accounts of one market, rows in this order.
fn only(book: &Book, market: &str, reversed: bool) -> Book {
    let mut book = book.clone();
    let market = book.markets.iter().position(|listed| listed.name == market).expect("the market");
    book.accounts.retain(|listed| listed.market == market);
    if reversed {
        book.accounts.reverse();
    }
    for (at, listed) in book.accounts.iter_mut().enumerate() {
        listed.account.id = AccountId(at as u64);
    }
    book
}

fn weth_depth() -> Depth {
    let curve = DepthCurve {
        assets: texts(&["WETH"]),
        against: Vec::new(),
        price: decimal("1"),
        points: [["100", "99"], ["500", "450"], ["2000", "1200"]].iter().map(|p| p.map(decimal)).collect(),
    };
    let gas = Gas { currency: texts(&["USD", "USDC", "DAI", "BOLD"]), amount: decimal("5") };
    let (name, sources, recovers) = ("test".into(), Vec::new(), decimal("0"));
    Depth { name, sources, curves: vec![curve], gas: vec![gas], recovers }
}

/// Prices go to the shock, and a feed's bound holds each step, not the way: before it binds it changes nothing, and where it
/// does whoever hangs on it is unknown, as after a jump to that price.
#[test]
fn a_bound_holds_steps_and_not_the_way() {
    let book = example("crash");
    // 2250, 1500, 750 of 3000 at a half, on the way 2625, 2250, 1875, 1500.
    for (bound, factor, free) in [("1900", "0.5", 2), ("3800", "1.5", 2)] {
        let down = factor == "0.5";
        let held = observed(&book, "WETH/USD", |feed| {
            *(if down { &mut feed.floor } else { &mut feed.ceiling }) = Some(decimal(bound));
        });
        let scenario = asset("WETH", factor, &["USDC", "DAI", "BOLD"]);
        let walk = |book: &Book, steps: u32| {
            let stress = Stress::new(book).expect("a book").sold_into(weth_depth()).expect("gas");
            stress.walk(&scenario, &Said::default(), steps).expect("a path")
        };
        let [whole, stopped] = [&book, &held].map(|book| walk(book, 4));
        assert_eq!(whole.at_once[..free], stopped.at_once[..free], "{bound}");
        assert_eq!(whole.sold[..free], stopped.sold[..free], "{bound}");
        for stride in stopped.at_once[free..].iter().chain(&stopped.sold[free..]) {
            // Beyond a ceiling all that is held here is worth more still.
            assert_eq!(stride.found.unknown > 0, down, "{bound}: {:?}", stride.found);
        }
        assert!(!down || whole.at_once[free - 1].found.liquidatable > 0);
        // The last step is the jump.
        let jump = Stress::new(&held).expect("a book").jump(&scenario, &Said::default()).expect("a jump");
        assert_eq!(jump.after.unknown > 0, down);
        assert_eq!(walk(&held, 1).at_once[0].found, jump.after);
    }
}

/// Whatever can make an answer another one makes the hash another one; the order of prices can not.
#[test]
fn the_hash_covers_what_changes_an_answer() {
    let book = example("crash");
    let hash = |book: &Book| {
        let all: Vec<_> = (0..book.markets.len()).map(|market| readings(book, market, book.at)).collect();
        identity(book, book.at, &all).hash
    };
    let usd = |change: fn(&mut Observation)| observed(&book, "WETH/USD", change);
    let mut others = vec![
        usd(|feed| feed.floor = Some(decimal("1900"))),
        usd(|feed| feed.ceiling = Some(decimal("1900000"))),
        usd(|feed| feed.max_age = Some(7_200)),
        usd(|feed| feed.max_age = None),
        usd(|feed| feed.confidence = Some(decimal("0"))),
        usd(|feed| feed.kind = FeedKind::Market),
        usd(|feed| feed.source = "another".into()),
        usd(|feed| feed.observed_at.as_mut().expect("dated").0 -= 1),
        usd(|feed| feed.price = Some(decimal("3000.000000001"))),
    ];
    // A price of a sale that no market reads.
    let market = Price {
        name: "WETH market".into(),
        unit: PriceUnit::parse("USD/WETH").expect("a unit"),
        origin: Origin::Feed(Observation { kind: FeedKind::Market, ..feed(&book, "WETH/USD").1 }),
    };
    let add = |price: &Price| {
        let mut book = book.clone();
        book.graph.add(price.clone()).expect("a new name");
        book
    };
    others.push(add(&market));
    let mut older = market.clone();
    if let Origin::Feed(feed) = &mut older.origin {
        feed.price = Some(decimal("2500"));
    }
    others.push(add(&older));
    others.push(add(&Price { unit: PriceUnit::parse("USDC/WETH").expect("a unit"), ..market.clone() }));
    others.push(add(&Price { name: "another name".into(), ..market.clone() }));
    // Rules that read the same today: another leg, digits, a bound beside it, another wiring.
    let [weth, usdc] = ["WETH/USD", "USDC by assumption"].map(|name| book.graph.find(name).expect("a price"));
    let constant = |name: &str| {
        let origin = Origin::Constant(decimal("1"));
        Price { name: name.into(), unit: PriceUnit::parse("USD/USDC").expect("a unit"), origin }
    };
    let with_one = add(&constant("one"));
    let one = with_one.graph.find("one").expect("it stands");
    let derived = |name: &str, origin: Origin| {
        let mut book = with_one.clone();
        let unit = PriceUnit::parse("USDC/WETH").expect("a unit");
        book.graph.add(Price { name: name.into(), unit, origin }).expect("a new name");
        book
    };
    let down = plimsoll_core::Rounding::Down;
    let quotient = |by, decimals, rounding| Origin::Quotient { of: weth, by, decimals, rounding };
    others.push(with_one.clone());
    others.push(derived("x", quotient(usdc, 8, down)));
    others.push(derived("x", quotient(one, 8, down)));
    others.push(derived("x", quotient(one, 9, down)));
    others.push(derived("x", quotient(one, 9, plimsoll_core::Rounding::Up)));
    let dollars = |origin: fn(Vec<PriceId>) -> Origin| {
        let mut book = with_one.clone();
        let unit = PriceUnit::parse("USD/USDC").expect("a unit");
        book.graph
            .add(Price { name: "x".into(), unit, origin: origin(vec![usdc, one]) })
            .expect("a new name");
        book
    };
    others.push(dollars(|legs| Origin::Least { legs }));
    others.push(dollars(|legs| Origin::Greatest { legs }));
    let mut rewired = derived("x", quotient(one, 8, down));
    let x = rewired.graph.find("x").expect("it stands");
    let was = rewired.graph.find("WETH/USDC");
    for wired in rewired.markets.iter_mut().flat_map(|listed| &mut listed.wiring) {
        if *wired == was {
            *wired = Some(x);
        }
    }
    others.push(rewired);
    let mut hashes: Vec<String> = others.iter().chain([&book]).map(hash).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
    // 3000.0 is 3000, and prices may stand in another order.
    let zeros = usd(|feed| feed.price = Some(decimal("3000.0")));
    assert_eq!(hash(&zeros), hash(&book));
    let two = |first: &str, second: &str| {
        let mut book = book.clone();
        for name in [first, second] {
            book.graph.add(constant(name)).expect("a new name");
        }
        hash(&book)
    };
    assert_eq!(two("one", "two"), two("two", "one"));
}

/// A price of two legs is not said by one of them.
#[test]
fn a_pair_is_said_when_both_its_legs_are() {
    let book = only(&example("crash"), "morpho-weth-usdc", false);
    let mut book = book.clone();
    let id = book.graph.find("USDC by assumption").expect("the price");
    let dollar = Observation { kind: FeedKind::Oracle, ..feed(&book, "USDC/USD").1 };
    book.graph.observe(id, dollar).expect("the price");
    for (moved, other) in [("WETH", "USDC"), ("USDC", "WETH")] {
        let Err(Misasked::Unsaid { missing, .. }) =
            shocked(&book, &asset(moved, "0.5", &[]), &Said::default())
        else {
            panic!("{other} is not said")
        };
        let [(name, why)] = &missing[..] else { panic!("{missing:?}") };
        assert_eq!(name, other);
        assert!(why.contains("morpho-weth-usdc reads WETH/USDC"), "{why}");
        let done = shocked(&book, &asset(moved, "0.5", &[other]), &Said::default()).expect("all is said");
        assert_eq!(done.moved.len(), 2 - usize::from(moved == "WETH"), "{:?}", done.moved);
    }
    // What an issuer pays moves where a shock says so: a wrapper of what fell is said.
    let treasury = example("treasury");
    shocked(&treasury, &asset("ETH", "0.5", &["USDC"]), &Said::default()).expect("all is said");
}

/// At Morpho a price has 36 digits, as many as 2^120: what the screen lets go must fit there too.
#[test]
fn what_does_not_fit_after_a_shock_is_unknown() {
    let book = only(&example("lending"), "morpho-wbtc-weth", false);
    let market = &book.markets[book.accounts[0].market].market;
    let (mut unknown, mut healthy) = (0, 0);
    for bits in 40..128 {
        let mut book = book.clone();
        book.accounts.truncate(1);
        let place = market
            .instruments()
            .iter()
            .position(|i| i.kind == plimsoll_core::Kind::Receipt && i.asset == "WBTC");
        let instrument = plimsoll_core::InstrumentId(place.expect("collateral") as u32);
        book.accounts[0].account.set(instrument, Int::from(U256::new(1 << bits)));
        let stress = Stress::new(&book).expect("a book");
        for factor in [1_u64 << 28, 1 << 31, 1 << 33] {
            let target = Target::Prices(texts(&["WBTC/WETH"]));
            let how = How::Factor(Decimal::whole(Int::from(factor)));
            let shocks = vec![Shock { target, how, liquidity: None }];
            let jump = stress
                .jump(&Scenario::of_prices("test", Vec::new(), shocks), &Said::default())
                .expect("a jump");
            let after = &jump.shocked.book;
            let m = after.accounts[0].market;
            let read = readings(after, m, after.at);
            let standing = Standing::new(&*after.markets[m].market, &read, Lens::Action, after.at);
            let judged = standing.expect("it stands").judge(&after.accounts[0].account, Test::Liquidation);
            assert_eq!(jump.verdicts()[0], judged.verdict(), "2^{bits} x {factor}");
            unknown += u32::from(judged.verdict().is_none());
            healthy += u32::from(judged.verdict() == Some(Verdict::Healthy));
        }
    }
    assert!(unknown > 50 && healthy > 50, "{unknown} {healthy}");
}

/// The book with more accounts at the very ratios of others, and of other sizes.
fn tied(reversed: bool) -> Book {
    let mut book = example("crash");
    let dice = &mut Dice(5);
    let of: Vec<usize> = ["ada", "ben"]
        .iter()
        .map(|name| {
            let morpho = book.markets.iter().position(|listed| listed.name == "morpho-weth-usdc");
            let found =
                book.accounts.iter().position(|listed| listed.name == *name && Some(listed.market) == morpho);
            found.expect("an account")
        })
        .collect();
    for n in 0..12 {
        let mut listed = book.accounts[of[n % 2]].clone();
        let times = Int::from(1 + dice.below(9));
        for holding in listed.account.clone().holdings() {
            listed.account.set(holding.instrument, holding.quantity.mul(times).expect("small"));
        }
        listed.name = format!("tied-{}", (n * 7) % 12);
        listed.account.id = AccountId(book.accounts.len() as u64);
        book.accounts.push(listed);
    }
    only(&book, "morpho-weth-usdc", reversed)
}

/// Of accounts of one health the name says who comes first, so that the order of a file's rows decides nothing.
#[test]
fn the_order_of_rows_changes_no_figure() {
    let [one, other] = [false, true].map(tied);
    let name = |book: &Book, account: usize| book.accounts[account].name.clone();
    for factor in ["0.7", "0.5", "0.3"] {
        let scenario = asset("WETH", factor, &["USDC"]);
        let looked = |book: &Book| {
            let stress = Stress::new(book).expect("a book").sold_into(weth_depth()).expect("gas");
            let jump = stress.jump(&scenario, &Said::default()).expect("a jump");
            let walk = stress.walk(&scenario, &Said::default(), 5).expect("a path");
            let below: Vec<String> = jump.below.iter().map(|below| name(book, below.account)).collect();
            (below, jump.markets, walk.at_once, walk.sold)
        };
        let [one, other] = [&one, &other].map(looked);
        assert!(one.0.len() > 5, "{:?}", one.0);
        assert_eq!(one, other, "{factor}");
    }
    let told = |book: &Book| -> Vec<Vec<(String, Step)>> {
        let found: Curve =
            curve(book, Along::Asset("WETH".into()), &texts(&["USDC"]), &Said::default()).expect("a curve");
        let steps = |steps: Vec<Step>| {
            steps.into_iter().map(|step| (name(book, step.account), Step { account: 0, ..step })).collect()
        };
        vec![steps(found.now), steps(found.down), steps(found.up)]
    };
    assert!(told(&one)[1].len() > 12);
    assert_eq!(told(&one), told(&other));
    // Also of those who are liquidatable today.
    let fallen = |book: &Book| observed(book, "WETH/USD", |feed| feed.price = Some(decimal("1200")));
    let [one, other] = [&one, &other].map(fallen);
    assert!(told(&one)[0].len() > 5);
    assert_eq!(told(&one), told(&other));
}
