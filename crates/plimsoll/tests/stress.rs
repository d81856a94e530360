//! Scenarios over whole books: the same as doing it and looking, for everybody.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{example, place, readings};
use plimsoll::{
    Change, Jump, Ladder, Mapping, Misasked, NewPrice, Said, Stress, check, liquidate, shocked, whatif_all,
};
use plimsoll_core::{
    AccountId, Action, Amount, Book, Call, Decimal, FeedKind, Feeds, How, Int, Kind, Lens, Lot, Mechanism,
    Receive, Scenario, Shock, Silent, Standing, Target, Test, U256, Verdict,
};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

const SEEN: [FeedKind; 2] = [FeedKind::Oracle, FeedKind::Market];

fn assets(names: &[&str], how: How) -> Shock {
    let target = Target::Assets { assets: texts(names), currency: texts(&["USD"]), kinds: SEEN.to_vec() };
    Shock { target, how, liquidity: None }
}

fn times(names: &[&str], factor: &str) -> Shock {
    assets(names, How::Factor(decimal(factor)))
}

fn scenario(hold: &[&str], shocks: Vec<Shock>) -> Scenario {
    Scenario::of_prices("test", texts(hold), shocks)
}

fn all_collateral(factor: &str, hold: &[&str]) -> Scenario {
    let target = Target::Collateral { kinds: SEEN.to_vec() };
    scenario(hold, vec![Shock { target, how: How::Factor(decimal(factor)), liquidity: None }])
}

/// The dollars, and euros, of the example books.
const DOLLARS: [&str; 11] =
    ["USDC", "USDT", "DAI", "USDS", "GHO", "BOLD", "EURC", "EURS", "UNI", "sUSDe", "MEME"];

const BOOKS: [&str; 8] =
    ["treasury", "lending", "compound_v3", "liquity", "maker", "hubs", "crash", "margin"];

/// Judges everybody in the book as it would be.
fn everybody(book: &Book) -> Vec<Option<Verdict>> {
    let readings: Vec<_> = (0..book.markets.len()).map(|market| readings(book, market, book.at)).collect();
    let judge = |listed: &plimsoll_core::ListedAccount| {
        let market = &*book.markets[listed.market].market;
        let standing = Standing::new(market, &readings[listed.market], Lens::Action, book.at);
        standing.expect("it stands").judge(&listed.account, Test::Liquidation).verdict()
    };
    book.accounts.iter().map(judge).collect()
}

fn jump(book: &Book, scenario: &Scenario, said: &Said) -> Jump {
    Stress::new(book).expect("a book").jump(scenario, said).unwrap_or_else(|why| panic!("{why}"))
}

/// The screen and the integers together say what the integers alone say, and the parts make the whole.
#[test]
fn the_answer_is_that_of_judging_everybody() {
    let (mut fallen, mut spared) = (0, 0);
    for name in BOOKS {
        let mut book = example(name);
        let stress_of = |book: &Book, factor: &str| {
            let scenario = all_collateral(factor, &DOLLARS);
            let jump = jump(book, &scenario, &Said::default());
            assert_eq!(jump.verdicts(), everybody(&jump.shocked.book), "{name} x {factor}");
            let count = |verdict| jump.verdicts().iter().filter(|it| **it == verdict).count() as u64;
            assert_eq!(jump.after.liquidatable, count(Some(Verdict::Unhealthy)), "{name}");
            assert_eq!(jump.after.unknown, count(None), "{name}");
            for counts in [jump.before, jump.after] {
                let parts = counts.healthy + counts.liquidatable + counts.no_debt + counts.unknown;
                assert_eq!((counts.accounts, parts), (book.accounts.len() as u64, counts.accounts), "{name}");
            }
            let sum = jump.markets.iter().map(|market| market.after.accounts).sum::<u64>();
            assert_eq!(sum, jump.after.accounts, "{name}");
            (jump.fallen().count(), book.accounts.len() as u64 - jump.judged)
        };
        for factor in ["1", "0.999", "0.97", "0.9", "0.8", "0.7", "0.5", "0.3", "0.1", "0.001", "1.4", "3"] {
            let (more, less) = stress_of(&book, factor);
            fallen += more;
            spared += less;
        }
        // Prices that nobody trusts: what is unknown stays so.
        book.at.0 += 30 * 86_400;
        for factor in ["0.9", "0.5"] {
            stress_of(&book, factor);
        }
        // A source that is unsure of itself.
        let book = observed(&book, |feed| {
            feed.max_age = None;
            feed.confidence = feed.price.map(|price| {
                let width = price.mantissa.div(Int::new(20), plimsoll_core::Rounding::Down).expect("small");
                Decimal { mantissa: width, ..price }
            });
        });
        for factor in ["1", "0.9", "0.6"] {
            stress_of(&book, factor);
        }
    }
    assert!(fallen > 100 && spared > 1_000, "{fallen} fell, {spared} were not judged");
}

/// The book with each of its observed prices changed.
fn observed(book: &Book, change: impl Fn(&mut plimsoll_core::Observation)) -> Book {
    let mut book = book.clone();
    for price in 0..book.graph.prices().len() {
        let id = plimsoll_core::PriceId(price as u32);
        if let plimsoll_core::Origin::Feed(feed) = &book.graph.price(id).expect("a price").origin {
            let mut feed = feed.clone();
            change(&mut feed);
            book.graph.observe(id, feed).expect("a price");
        }
    }
    book
}

/// A doubt that the shock itself brings: a feed that can say no less. And numbers at which contracts revert.
#[test]
fn what_a_shock_makes_unknown_is_unknown() {
    let part = |price: Decimal| Decimal {
        mantissa: price.mantissa.mul(Int::new(95)).expect("small"),
        decimals: price.decimals + 2,
    };
    let (mut unknown, mut reverted) = (0, 0);
    for name in BOOKS {
        let floored = observed(&example(name), |feed| {
            feed.floor = feed.price.filter(|_| feed.scale == plimsoll_core::Scale::Decimal).map(part);
        });
        // The floor itself has too many digits for a market: cut as a price is.
        let floored = observed(&floored, |feed| feed.floor = feed.floor.map(|floor| floor.cut(6)));
        let jump = jump(&floored, &all_collateral("0.9", &DOLLARS), &Said::default());
        assert_eq!(jump.verdicts(), everybody(&jump.shocked.book), "{name}");
        assert!(jump.shocked.moved.iter().any(|moved| moved.bound), "{name}");
        unknown += jump.after.unknown - jump.before.unknown;
        for bits in [60, 100, 140, 180, 220, 250] {
            let mut book = example(name);
            for listed in book.accounts.iter_mut().step_by(3) {
                for holding in listed.account.holdings().to_vec() {
                    let factor = U256::ZERO.with_bit(bits, true);
                    let more = holding.quantity.magnitude().mul(factor).unwrap_or(factor);
                    let more = Int::from_parts(holding.quantity.is_negative(), more);
                    listed.account.set(holding.instrument, more);
                }
            }
            for factor in ["0.5", "4000000000000", "100000000000000000000000000000000000000", "0.00000001"] {
                let Ok(jump) = Stress::new(&book)
                    .expect("a book")
                    .jump(&all_collateral(factor, &DOLLARS), &Said::default())
                else {
                    continue;
                };
                assert_eq!(jump.verdicts(), everybody(&jump.shocked.book), "{name} {bits} {factor}");
                reverted += jump.after.unknown;
            }
        }
    }
    assert!(unknown > 100 && reverted > 100, "{unknown} {reverted}");
}

/// A fall of one feed is what `whatif` makes of the same fall.
#[test]
fn a_jump_is_what_whatif_makes_of_the_same_prices() {
    let book = example("treasury");
    for (factor, percent) in [("0.9", "-10"), ("0.7", "-30"), ("0.5", "-50")] {
        let jump = jump(&book, &scenario(&["USDC"], vec![times(&["WETH"], factor)]), &Said::default());
        let change = Change::Price { name: "ETH/USD".into(), to: NewPrice::Percent(decimal(percent)) };
        let answer = whatif_all(&book, &[change], &Ladder::default()).expect("an answer");
        let value =
            |book: &Book| book.graph.quotes(book.at).iter().map(|quote| quote.value).collect::<Vec<_>>();
        assert_eq!(value(&jump.shocked.book), value(&answer.book), "{percent}");
        let seen = check(&answer.book, answer.book.at, &Ladder::default()).expect("an answer");
        let liquidatable = seen.tiers.get(&plimsoll::Tier::Liquidatable).copied().unwrap_or(0);
        assert_eq!(jump.after.liquidatable, liquidatable, "{percent}");
        for total in &seen.totals {
            let risk = jump.risks.iter().find(|risk| risk.currency == total.currency);
            let collateral = risk.map_or(Int::ZERO, |risk| risk.collateral[1]);
            assert_eq!(collateral, total.collateral_liquidatable, "{percent} {}", total.currency);
        }
        let fallen: Vec<usize> = jump.fallen().map(|below| below.account).collect();
        let rows = seen.rows.iter().filter(|row| row.tier == plimsoll::Tier::Liquidatable);
        assert_eq!(fallen, rows.map(|row| row.account).collect::<Vec<_>>(), "{percent}");
    }
}

/// Which price moves: a frozen oracle keeps the accounts, and sales fetch less.
#[test]
fn kinds_of_prices_move_apart() {
    let book = example("treasury");
    let value = |book: &Book, name: &str| {
        let id = book.graph.find(name).expect("a price");
        book.graph.quotes(book.at)[id.0 as usize].value.expect("a value").trimmed().to_string()
    };
    let all = shocked(&book, &scenario(&["USDC"], vec![times(&["ETH"], "0.5")]), &Said::default());
    let all = all.expect("said of everything").book;
    assert_eq!(value(&all, "ETH/USD"), "2156.285");
    // 1.215303844905127633 x 2156.285, cut to 8 digits
    assert_eq!(value(&all, "wstETH/USD"), "2620.54145121");
    // The constant is blind, the rate is the issuer's, the pool's price is in ether.
    assert_eq!(value(&all, "USDC by assumption"), "1");
    assert_eq!(value(&all, "wstETH/stETH rate"), "1.215303844905127633");
    assert_eq!(value(&all, "stETH/ETH"), "0.99962");
    let stopped = Shock {
        target: Target::Assets {
            assets: texts(&["ETH"]),
            currency: texts(&["USD"]),
            kinds: vec![FeedKind::Oracle],
        },
        how: How::Frozen,
        liquidity: None,
    };
    let frozen = scenario(&["USDC"], vec![times(&["ETH"], "0.5"), stopped.clone()]);
    let frozen = shocked(&book, &frozen, &Said::default()).expect("said of everything");
    assert_eq!((value(&frozen.book, "ETH/USD"), frozen.moved.len()), ("4312.57".into(), 0));
    let wrong =
        scenario(&["USDC"], vec![times(&["ETH"], "0.5"), assets(&["ETH"], How::Wrong(decimal("1.5")))]);
    let wrong = shocked(&book, &wrong, &Said::default()).expect("said of everything").book;
    assert_eq!(value(&wrong, "ETH/USD"), "3234.4275");
    let discount = Shock {
        target: Target::Assets {
            assets: texts(&["stETH"]),
            currency: texts(&["WETH", "ETH"]),
            kinds: SEEN.to_vec(),
        },
        how: How::Value(decimal("0.939")),
        liquidity: None,
    };
    let discount =
        shocked(&book, &scenario(&["USDC"], vec![times(&["ETH"], "0.5"), discount]), &Said::default());
    assert_eq!(value(&discount.expect("said of everything").book, "stETH/ETH"), "0.939");
    // USDC falls in dollars: the feed moves, what was written down does not.
    let usdc = scenario(&["ETH"], vec![assets(&["USDC"], How::Value(decimal("0.8748")))]);
    let usdc = shocked(&book, &usdc, &Said::default()).expect("said of everything");
    assert_eq!(value(&usdc.book, "USDC/USD"), "0.8748");
    let prices: Vec<&str> = usdc.moved.iter().map(|moved| moved.name.as_str()).collect();
    assert_eq!(prices, ["USDC/USD"]);
    // Beyond its floor a feed says the floor.
    let low = scenario(&["ETH"], vec![assets(&["USDC"], How::Value(decimal("0.001")))]);
    let low = shocked(&book, &low, &Said::default()).expect("said of everything");
    assert_eq!((value(&low.book, "USDC/USD"), low.moved[0].bound), ("0.01".into(), true));
}

/// Two assets in each other: the one's move over the other's.
#[test]
fn a_price_between_two_assets_moves_by_both() {
    let book = example("lending");
    let hold = ["AAVE", "EURC", "EURS", "USDT", "MEME", "DAI", "SILO", "sUSDe", "USDC", "LINK", "wstETH"];
    let both = scenario(&hold, vec![times(&["WETH"], "0.5"), times(&["WBTC"], "0.8")]);
    let both = shocked(&book, &both, &Said::default()).expect("said of everything");
    let ratio = |name: &str| {
        let moved = both.moved.iter().find(|moved| moved.name == name).expect("it moved");
        (moved.from.mantissa.magnitude(), moved.to.mantissa.magnitude())
    };
    let part = |from: U256, times: u128, over: u128| {
        from.mul_div_wide(U256::new(times), U256::new(over), plimsoll_core::Rounding::Down).expect("256 bits")
    };
    for (name, times, over) in
        [("WBTC/WETH", 8, 5), ("WETH/USDC", 1, 2), ("LINK/WBTC", 5, 4), ("WBTC/USDC", 4, 5)]
    {
        let (from, to) = ratio(name);
        assert_eq!(to, part(from, times, over), "{name}");
    }
    assert!(!both.moved.iter().any(|moved| moved.name == "USDC/DAI"));
}

#[test]
fn nothing_stands_still_by_silence() {
    let book = example("lending");
    let fall = scenario(&["USDC"], vec![times(&["WETH"], "0.5")]);
    let Err(Misasked::Unsaid { missing, .. }) = shocked(&book, &fall, &Said::default()) else {
        panic!("much is not said")
    };
    let names: Vec<&str> = missing.iter().map(|(asset, _)| asset.as_str()).collect();
    for name in ["WBTC", "LINK", "DAI", "wstETH", "USDT", "sUSDe"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    assert!(!names.contains(&"WETH") && !names.contains(&"USDC"), "{names:?}");
    // Each of them held or mapped, nothing is missing, and both are told.
    let (last, rest) = names.split_last().expect("some");
    let mut said = Said { hold: texts(rest), map: Vec::new() };
    let Err(Misasked::Unsaid { missing, .. }) = shocked(&book, &fall, &said) else {
        panic!("{last} is not said")
    };
    assert_eq!(missing.len(), 1);
    said.map.push(Mapping { asset: (*last).to_string(), like: "WETH".into(), times: decimal("1.3") });
    let done = shocked(&book, &fall, &said).expect("all is said");
    assert_eq!(done.mapped, said.map);
    assert!(rest.iter().all(|name| done.held.iter().any(|held| held == name)), "{:?}", done.held);
    let moved = done
        .moved
        .iter()
        .find(|moved| moved.unit.per.as_deref() == Some(*last) && moved.unit.currency == "USD");
    if let Some(moved) = moved {
        // 1 - 1.3 x 0.5
        let expected = moved.from.times(decimal("0.35")).expect("small").cut(8).trimmed();
        assert_eq!(moved.to, expected);
    }
    // Names that the book does not have, and moves that leave nothing.
    let no_such = Said { hold: texts(&["WETHH"]), map: Vec::new() };
    assert!(matches!(shocked(&book, &fall, &no_such), Err(Misasked::NoSuch { .. })));
    let mapping = |like: &str, times: &str| Said {
        hold: Vec::new(),
        map: vec![Mapping { asset: "LINK".into(), like: like.into(), times: decimal(times) }],
    };
    assert!(matches!(shocked(&book, &fall, &mapping("AAVE", "1")), Err(Misasked::NoSuch { .. })));
    assert!(matches!(shocked(&book, &fall, &mapping("WETH", "2")), Err(Misasked::NoPrice { .. })));
    // What is built on something that moves cannot be held.
    let treasury = example("treasury");
    let held = Said { hold: texts(&["wstETH"]), map: Vec::new() };
    assert!(matches!(shocked(&treasury, &fall, &held), Err(Misasked::NoPrice { .. })));
}

/// WETH is wired to the price of ETH: whoever says something of the one says it of the other.
#[test]
fn names_of_one_price_are_one_asset() {
    let mut book = example("treasury");
    let ether = |book: &Book, shocks: Vec<Shock>, said: &Said| -> Result<String, Misasked> {
        let done = shocked(book, &scenario(&["USDC"], shocks), said)?;
        let found = done.moved.iter().find(|moved| moved.name == "ETH/USD");
        Ok(found.map_or_else(|| "stands".into(), |moved| moved.to.to_string()))
    };
    let map = |asset: &str, like: &str, times: &str| Mapping {
        asset: asset.into(),
        like: like.into(),
        times: decimal(times),
    };
    let said = |hold: &[&str], map: Vec<Mapping>| Said { hold: texts(hold), map };
    let of = |shocks: Vec<Shock>| ether(&book, shocks, &Said::default()).expect("all is said");
    // 4312.57 x 0.4, whichever name comes first.
    for [first, last] in [["ETH", "WETH"], ["WETH", "ETH"]] {
        assert_eq!(of(vec![times(&[first], "0.9"), times(&[last], "0.4")]), "1725.028");
        let wrong = |names: &[&str]| assets(names, How::Wrong(decimal("0.5")));
        // x 0.9 x 0.5, and once where both names are said.
        assert_eq!(of(vec![times(&[first], "0.9"), wrong(&[last])]), "1940.6565");
        assert_eq!(of(vec![assets(&[first], How::Frozen), wrong(&[first, last])]), "2156.285");
        // By how much it is wrong says nothing of what it would be.
        let answer = ether(&book, vec![wrong(&[first, last])], &Said::default());
        assert!(matches!(answer, Err(Misasked::Unsaid { .. })), "{answer:?}");
        // 1 - 1.3 x 0.511 = 0.3357
        let fall = vec![times(&[first], "0.489")];
        let mapped = said(&[], vec![map(last, first, "1.3")]);
        assert_eq!(ether(&book, fall.clone(), &mapped).expect("all is said"), "1447.729749");
        let told = shocked(&book, &scenario(&["USDC"], fall), &mapped).expect("all is said");
        assert_eq!(told.overridden, [last]);
    }
    // Two words on one asset.
    let fall = || vec![times(&["ETH"], "0.9")];
    for (hold, map) in [
        (&["ETH"][..], vec![map("ETH", "USDC", "1")]),
        (&["ETH"], vec![map("WETH", "USDC", "1")]),
        (&[], vec![map("ETH", "USDC", "1"), map("ETH", "USDC", "2")]),
        (&[], vec![map("ETH", "USDC", "1"), map("WETH", "stETH", "1")]),
    ] {
        let answer = ether(&book, fall(), &said(hold, map));
        assert!(matches!(answer, Err(Misasked::NoPrice { .. })), "{hold:?} {answer:?}");
    }
    let twice = said(&[], vec![map("ETH", "USDC", "1"), map("WETH", "USDC", "1.0")]);
    assert_eq!(ether(&book, fall(), &twice).expect("all is said"), "stands");
    // With a feed of its own WETH is told apart, and its oracle is not mapped by silence.
    let own = plimsoll_core::Observation {
        kind: FeedKind::Market,
        price: Some(decimal("4300")),
        scale: plimsoll_core::Scale::Decimal,
        source: "test".into(),
        observed_at: Some(book.at),
        max_age: None,
        confidence: None,
        floor: None,
        ceiling: None,
    };
    let unit = plimsoll_core::PriceUnit::parse("USD/WETH").expect("a unit");
    let origin = plimsoll_core::Origin::Feed(own);
    book.graph.add(plimsoll_core::Price { name: "WETH/USD".into(), unit, origin }).expect("a price");
    let apart = vec![times(&["ETH"], "0.9"), times(&["WETH"], "0.4")];
    assert_eq!(ether(&book, apart, &Said::default()).expect("all is said"), "3881.313");
    let mapped = ether(&book, fall(), &said(&[], vec![map("WETH", "ETH", "1.3")]));
    assert!(matches!(mapped, Err(Misasked::NoPrice { .. })), "{mapped:?}");
    assert_eq!(
        ether(&book, fall(), &said(&[], vec![map("WETH", "ETH", "1")])).expect("all is said"),
        "3881.313"
    );
}

/// A feed without a price moves nowhere, whatever is said of it.
#[test]
fn what_has_no_price_is_told_as_said_in_vain() {
    let book = observed(&example("treasury"), |feed| {
        if feed.source.contains("USDC") {
            feed.price = None;
        }
    });
    let told = |hold: &[&str], shocks: Vec<Shock>, map: Vec<Mapping>| {
        let said = Said { hold: Vec::new(), map };
        shocked(&book, &scenario(hold, shocks), &said).expect("all is said").without_effect
    };
    // Of oracles alone: on the market what is written down of USDC moves, for sales.
    let oracle = |shock: Shock| {
        let Target::Assets { assets, currency, .. } = shock.target else { panic!("of assets") };
        Shock { target: Target::Assets { assets, currency, kinds: vec![FeedKind::Oracle] }, ..shock }
    };
    let fall = || oracle(times(&["ETH"], "0.9"));
    assert_eq!(told(&["USDC"], vec![fall()], Vec::new()), Vec::<String>::new());
    let three = oracle(assets(&["USDC"], How::Value(decimal("3"))));
    assert_eq!(told(&[], vec![fall(), three], Vec::new()), ["USDC"]);
    let mapping = Mapping { asset: "USDC".into(), like: "ETH".into(), times: decimal("1") };
    assert_eq!(told(&[], vec![fall()], vec![mapping]), ["USDC"]);
    let named = Shock {
        target: Target::Prices(texts(&["USDC/USD"])),
        how: How::Factor(decimal("0.5")),
        liquidity: None,
    };
    assert_eq!(told(&["USDC"], vec![fall(), named], Vec::new()), ["USDC/USD"]);
}

/// Liquidates an account by hand, always the pair that `liquidate` finds to seize most, until it is over; what is owed then
/// beyond what is held, with what was written off: one debt asset at one dollar in sixth digits.
fn by_hand(book: &Book, account: usize) -> (Int, Int) {
    let mut book = book.clone();
    let listed = book.accounts[account].clone();
    let verdict = |book: &Book, test: Test| {
        let market = &*book.markets[listed.market].market;
        let readings = readings(book, listed.market, book.at);
        let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
        quoted.verdict(&book.accounts[account].account, test).expect("a verdict")
    };
    let (mut first, mut lost) = (None, Int::ZERO);
    while verdict(&book, Test::Liquidation).verdict == Verdict::Unhealthy {
        let market = &*book.markets[listed.market].market;
        let held = |kind: Kind| {
            let mut holdings = listed.account.holdings().iter().map(|holding| holding.instrument);
            let id = holdings.find(|id| market.instruments()[id.index()].kind == kind);
            id.expect("one of each")
        };
        let (repay, seize) = (held(Kind::Debt), held(Kind::Receipt));
        let answer = liquidate(&book, account, decimal("0")).expect("an answer");
        let [pair] = &answer.pairs[..] else { panic!("one pair") };
        let Ok(_) = &pair.outcome else { break };
        // All that goes: the whole debt, or the whole collateral.
        let readings = readings(&book, listed.market, book.at);
        let ask = |lot| {
            let receive = Receive::Asset;
            let action = Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive });
            let call = Call { actor: AccountId(1 << 40), account: listed.account.id, at: book.at, action };
            market.act(&call, &book, Feeds { readings: &readings }, &mut Silent)
        };
        let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
        let raw = quoted.balance(&book.accounts[account].account, seize).expect("a balance").raw;
        let effects = [ask(Lot::Repay(Amount::All)), ask(Lot::Seize(raw))].into_iter().flatten();
        let effects = effects.max_by_key(|effects| effects.liquidated.as_ref().map(|does| does.repaid));
        let effects = effects.expect("one is accepted");
        drop(quoted);
        let does = effects.liquidated.clone().expect("a liquidation");
        first.get_or_insert(does.seized);
        for (_, raw) in &does.bad_debt {
            lost = lost.add(Int::from(*raw)).expect("small");
        }
        let market = listed.market;
        let at = book.at;
        book = common::after(&book, market, at, &effects);
    }
    let left = verdict(&book, Test::Borrow);
    let left = left.debt.sub(left.collateral).expect("small").max(Int::ZERO);
    (Int::from(first.unwrap_or_default()), left.add(lost).expect("small"))
}

/// At one market and one account the sums are those of doing it by hand.
#[test]
fn seizable_and_bad_debt_are_what_doing_it_leaves() {
    let treasury = example("treasury");
    let mut book = treasury.clone();
    let at = place(&book, "acme-usdc");
    book.accounts = vec![treasury.accounts[at].clone()];
    book.accounts[0].account.id = AccountId(0);
    let mut lost = 0;
    for factor in ["0.9", "0.85", "0.8", "0.75", "0.7", "0.6", "0.4"] {
        let jump = jump(&book, &scenario(&["USDC"], vec![times(&["ETH"], factor)]), &Said::default());
        if jump.after.liquidatable == 0 {
            assert_eq!(jump.risks, [], "{factor}");
            continue;
        }
        let (seized, left) = by_hand(&jump.shocked.book, 0);
        let [risk] = &jump.risks[..] else { panic!("one currency: {:?}", jump.risks) };
        assert_eq!((risk.decimals, risk.bad_debt), (6, left), "{factor}");
        // Raw wstETH at the market's price of it, in millionths of a USDC.
        let id = jump.shocked.book.graph.find("wstETH/USDC").expect("a price");
        let price = jump.shocked.book.graph.quotes(book.at)[id.0 as usize].value.expect("a value");
        let scale = U256::pow10(18 - 6 + price.decimals).expect("small");
        let value =
            seized.magnitude().mul_div_wide(price.mantissa.magnitude(), scale, plimsoll_core::Rounding::Down);
        assert_eq!(risk.seizable, value.expect("small").into(), "{factor}");
        lost += usize::from(left > Int::ZERO);
    }
    assert!(lost >= 2, "bad debt in {lost} cases");
}

/// A path of one step is the jump, and at every step the parts make the whole.
#[test]
fn a_path_of_one_step_is_the_jump() {
    for name in BOOKS {
        let book = example(name);
        let stress = Stress::new(&book).expect("a book");
        for factor in ["0.9", "0.7", "0.4"] {
            let scenario = all_collateral(factor, &DOLLARS);
            let jump = stress.jump(&scenario, &Said::default()).expect("a jump");
            let walk = stress.walk(&scenario, &Said::default(), 1).expect("a path");
            let [step] = &walk.at_once[..] else { panic!("one step") };
            assert_eq!(
                (step.found, &step.markets, &step.risks),
                (jump.after, &jump.markets, &jump.risks),
                "{name}"
            );
            let walk = stress.walk(&scenario, &Said::default(), 5).expect("a path");
            for step in &walk.at_once {
                for counts in [step.found, step.left] {
                    let parts = counts.healthy + counts.liquidatable + counts.no_debt + counts.unknown;
                    assert_eq!(
                        (counts.accounts, parts),
                        (book.accounts.len() as u64, counts.accounts),
                        "{name}"
                    );
                }
                assert!(step.left.liquidatable <= step.found.liquidatable, "{name} {factor}");
            }
            assert_eq!(walk.sold, []);
        }
    }
}

/// Each step judges who is there then as judging everybody would; what was liquidated stays so.
#[test]
fn steps_stand_on_what_was_liquidated_before() {
    let mut done = 0;
    for name in BOOKS {
        let book = example(name);
        let stress = Stress::new(&book).expect("a book");
        let scenario = all_collateral("0.5", &DOLLARS);
        let walk = stress.walk(&scenario, &Said::default(), 6).expect("a path");
        // Bad debt of all steps never falls by more than what prices give back: here they only fall.
        let mut last = std::collections::BTreeMap::new();
        for step in &walk.at_once {
            for market in &step.markets {
                let before = last.insert(market.market.clone(), market.risk.clone());
                let Some(before) = before.filter(|_| market.risk.decimals > 0) else { continue };
                let slack = Int::new(1_000);
                let least = before.bad_debt.sub(slack).expect("small");
                assert!(
                    market.risk.bad_debt >= least,
                    "{name} {}: {before:?} {:?}",
                    market.market,
                    market.risk
                );
            }
            done += step.found.liquidatable - step.left.liquidatable;
        }
        // The prices of the last step are the shock's.
        let jump = stress.jump(&scenario, &Said::default()).expect("a jump");
        assert_eq!(walk.shocked.moved, jump.shocked.moved);
    }
    assert!(done > 30, "{done}");
}

/// Half of the way from 4312.57 to half of it: 3234.4275.
#[test]
fn prices_go_on_a_straight_line() {
    let book = example("treasury");
    let stress = Stress::new(&book).expect("a book");
    let scenario = scenario(&["USDC"], vec![times(&["ETH"], "0.5")]);
    let walk = stress.walk(&scenario, &Said::default(), 4).expect("a path");
    // The second of four steps is the jump to three quarters of today's price, where nothing was liquidated before it.
    let three = stress.jump(&self::scenario(&["USDC"], vec![times(&["ETH"], "0.875")]), &Said::default());
    let three = three.expect("a jump");
    assert_eq!((walk.at_once[0].found, &walk.at_once[0].risks), (three.after, &three.risks));
}
