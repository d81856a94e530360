//! Selling what is seized: beside arithmetic by hand, and beside brute force on small books.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, example, place, readings};
use plimsoll::{Jump, Left, Misasked, Said, Sales, Stays, Stress};
use plimsoll_core::{
    AccountId, Action, Amount, Book, Call, Decimal, Depth, DepthCurve, Failure, FeedKind, Feeds, Gas, How,
    Int, Kind, Lens, Lot, Mechanism, Receive, Rounding, Scenario, Shock, Silent, Target, Test, U256, Verdict,
};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

/// One account of the treasury: wstETH against USDC at Morpho, where the market's currency is USDC itself.
fn alone(name: &str) -> Book {
    let mut book = example("treasury");
    let at = place(&book, name);
    book.accounts = vec![book.accounts[at].clone()];
    book.accounts[0].account.id = AccountId(0);
    book
}

fn fall(factor: &str, liquidity: Option<&str>) -> Scenario {
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let target = Target::Assets { assets: texts(&["ETH", "WETH"]), currency: texts(&["USD"]), kinds };
    let shock = Shock { target, how: How::Factor(decimal(factor)), liquidity: None };
    let scenario = Scenario::of_prices("fall", texts(&["USDC"]), vec![shock]);
    Scenario { liquidity: liquidity.map(decimal), ..scenario }
}

fn depth(points: &[[&str; 2]], gas: &str) -> Depth {
    let curve = DepthCurve {
        assets: texts(&["wstETH"]),
        against: Vec::new(),
        price: decimal("1"),
        points: points.iter().map(|pair| pair.map(decimal)).collect(),
    };
    let gas = Gas { currency: texts(&["USD", "USDC"]), amount: decimal(gas) };
    let (name, sources, recovers) = ("test".into(), Vec::new(), decimal("0"));
    Depth { name, sources, curves: vec![curve], gas: vec![gas], recovers }
}

fn jump(book: &Book, depth: Depth, scenario: &Scenario) -> Jump {
    let stress = Stress::new(book).expect("a book").sold_into(depth).expect("gas in every currency");
    stress.jump(scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"))
}

fn sales(jump: &Jump) -> &Sales {
    &jump.risks[0].sales
}

const ENDLESS: [[&str; 2]; 1] = [["1000000000", "1000000000"]];

/// Where nothing moves the price and gas is free, what is left is what acting at once leaves: the same liquidations at the same prices.
#[test]
fn endless_depth_at_the_venues_price_leaves_what_acting_at_once_leaves() {
    let book = alone("acme-usdc");
    for factor in ["0.9", "0.85", "0.8", "0.75", "0.7", "0.6", "0.4"] {
        let jump = jump(&book, depth(&ENDLESS, "0"), &fall(factor, None));
        if jump.after.liquidatable == 0 {
            continue;
        }
        let risk = &jump.risks[0];
        assert_eq!(sales(&jump).left, [Left::default(); 5], "{factor}");
        // A price of a sale is cut to other digits than the venue's own: by less than a millionth of what is sold.
        let apart = risk.sales.bad_debt.sub(risk.bad_debt).expect("small").magnitude();
        let least = risk.sales.sold.magnitude().div(U256::new(1_000_000), Rounding::Up).expect("small");
        assert!(apart <= least, "{factor}: {:?}", risk);
        assert_eq!(risk.sales.brought, risk.sales.sold, "{factor}");
    }
}

/// Without a curve, or beyond its last point, nothing is sold, and what would have been is told.
#[test]
fn beyond_the_data_nothing_is_done() {
    let book = alone("acme-usdc");
    let scenario = fall("0.8", None);
    let nothing = Depth { curves: Vec::new(), ..depth(&ENDLESS, "0") };
    let short = depth(&[["0.001", "0.001"]], "0");
    for (depth, why) in [(nothing, Stays::NoCurve), (short, Stays::Beyond)] {
        let jump = jump(&book, depth, &scenario);
        let risk = &jump.risks[0];
        let left = sales(&jump).left_for(why);
        assert_eq!((sales(&jump).calls, sales(&jump).sold), (0, Int::ZERO));
        assert_eq!((left.accounts, left.collateral, left.debt), (1, risk.collateral[1], risk.debt[1]));
        // It owes less than it has: nobody has lost anything yet.
        assert_eq!(sales(&jump).bad_debt, Int::ZERO);
    }
    // The scenario leaves nothing of the liquidity.
    let jump = jump(&book, depth_of("1"), &fall("0.8", Some("0")));
    assert_eq!(sales(&jump).left_for(Stays::Beyond).accounts, 1);
}

/// A curve of ETH is a curve of WETH where the book wires WETH to the feed of ETH; what no market has is told.
#[test]
fn a_curve_is_found_under_the_names_that_the_book_has() {
    let book = alone("alice");
    let sold = |name: &str| {
        let mut depth = depth(&ENDLESS, "0");
        depth.curves[0].assets = texts(&[name]);
        let stress = Stress::new(&book).expect("a book").sold_into(depth).expect("gas in every currency");
        let jump = stress.jump(&fall("0.5", None), &Said::default()).unwrap_or_else(|why| panic!("{why}"));
        (jump.risks, stress.curves_unused())
    };
    let (risks, unused) = sold("WETH");
    assert!(risks[0].sales.calls > 0 && unused.is_empty(), "{risks:?} {unused:?}");
    assert_eq!(sold("ETH"), (risks, unused));
    let (risks, unused) = sold("stETHH");
    assert_eq!(unused, ["stETHH"]);
    // Nobody owes what it is sold for.
    let mut owed = depth(&ENDLESS, "0");
    owed.curves[0].against = texts(&["USD"]);
    let stress = Stress::new(&book).expect("a book").sold_into(owed).expect("gas in every currency");
    assert_eq!(stress.curves_unused(), ["wstETH for USD"]);
    assert!(risks[0].sales.calls == 0 && risks[0].sales.left_for(Stays::NoCurve).accounts == 1, "{risks:?}");
}

/// A curve of ETH for USDC is one of WETH for USDC although WETH has a curve for whatever is owed, which brings half; a curve of the
/// very name for the same goes before.
#[test]
fn what_counts_is_the_name_and_what_it_is_sold_for() {
    let book = alone("alice");
    let sold = |curves: &[(&str, &[&str], &str)]| {
        let mut depth = depth(&ENDLESS, "0");
        let curve = depth.curves[0].clone();
        depth.curves = Vec::from_iter(curves.iter().map(|(name, against, brought)| {
            let points = vec![[curve.points[0][0], decimal(brought)]];
            DepthCurve { assets: texts(&[name]), against: texts(against), points, ..curve.clone() }
        }));
        sales(&jump(&book, depth, &fall("0.5", None))).clone()
    };
    let whole = ENDLESS[0][1];
    let half = "1";
    let good = sold(&[("WETH", &["USDC"], whole)]);
    assert!(good.calls > 0 && good.brought > Int::ZERO, "{good:?}");
    assert_eq!(sold(&[("ETH", &["USDC"], whole), ("WETH", &[], half)]), good);
    assert_eq!(sold(&[("WETH", &[], half), ("ETH", &["USDC"], whole)]), good);
    // Both names for USDC: the very one, in any order, though the other is for USDT as well.
    assert_eq!(sold(&[("ETH", &["USDC", "USDT"], half), ("WETH", &["USDC"], whole)]), good);
    assert_eq!(sold(&[("WETH", &["USDC"], whole), ("ETH", &["USDC", "USDT"], half)]), good);
}

/// A market's price that is too old is no price of a sale, and the oracle's is not taken for it.
#[test]
fn a_doubtful_market_price_is_not_replaced_by_the_oracles() {
    let sold = |age: u64| {
        let mut book = alone("alice");
        let feed = plimsoll_core::Observation {
            kind: FeedKind::Market,
            price: Some(decimal("4312.57")),
            scale: plimsoll_core::Scale::Decimal,
            source: "test".into(),
            observed_at: Some(plimsoll_core::Time(book.at.0 - age)),
            max_age: Some(3600),
            confidence: None,
            floor: None,
            ceiling: None,
        };
        let unit = plimsoll_core::PriceUnit::parse("USD/WETH").expect("a unit");
        let origin = plimsoll_core::Origin::Feed(feed);
        book.graph.add(plimsoll_core::Price { name: "W/USD".into(), unit, origin }).expect("a price");
        let mut depth = depth_of("0");
        depth.curves[0].assets = texts(&["WETH"]);
        sales(&jump(&book, depth, &fall("0.5", None))).clone()
    };
    assert!(sold(3600).calls > 0);
    let old = sold(3601);
    assert_eq!((old.calls, old.left_for(Stays::Unpriced).accounts), (0, 1), "{old:?}");
}

/// A market's price of ETH is one of WETH there, too; one of the very name goes before it.
#[test]
fn a_market_price_is_found_under_the_names_that_the_book_has() {
    let sold = |units: &[(&str, &str)]| {
        let mut book = alone("alice");
        for (unit, price) in units {
            let feed = plimsoll_core::Observation {
                kind: FeedKind::Market,
                price: Some(decimal(price)),
                scale: plimsoll_core::Scale::Decimal,
                source: "test".into(),
                observed_at: Some(book.at),
                max_age: None,
                confidence: None,
                floor: None,
                ceiling: None,
            };
            let (name, origin) = (format!("{unit} of a market"), plimsoll_core::Origin::Feed(feed));
            let unit = plimsoll_core::PriceUnit::parse(unit).expect("a unit");
            book.graph.add(plimsoll_core::Price { name, unit, origin }).expect("a price");
        }
        let mut depth = depth_of("0");
        depth.curves[0].assets = texts(&["WETH", "wstETH"]);
        let sales = sales(&jump(&book, depth, &fall("0.5", None))).clone();
        assert!(sales.calls > 0 && sales.sold > Int::ZERO, "{units:?}: {sales:?}");
        sales.sold
    };
    let by_name = sold(&[("USD/WETH", "4500")]);
    assert_ne!(by_name, sold(&[]));
    assert_eq!(by_name, sold(&[("USD/ETH", "4500")]));
    assert_eq!(by_name, sold(&[("USD/ETH", "4400"), ("USD/WETH", "4500")]));
}

fn depth_of(gas: &str) -> Depth {
    depth(&ENDLESS, gas)
}

/// 100 ether at 1800 against 200 000 are 20 000 short. Who takes all of it at a bonus of 5 % repays 180 000 / 1.05 = 171 428.57 and
/// leaves 28 571.43: acting at once is no bound, and where nobody can sell, nobody acts and less is left.
#[test]
fn bonuses_make_bad_debt_that_not_acting_does_not() {
    let book = example("crash");
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let shock =
        Shock { target: Target::Collateral { kinds }, how: How::Factor(decimal("0.6")), liquidity: None };
    let scenario = Scenario::of_prices("fall", texts(&["USDC", "DAI", "BOLD"]), vec![shock]);
    let nothing = Depth { curves: Vec::new(), gas: Vec::new(), ..depth(&ENDLESS, "0") };
    let jump = jump(&book, nothing, &scenario);
    let mut at_five = 0;
    for impact in jump.markets.iter().filter(|impact| impact.after.liquidatable > 0) {
        let risk = &impact.risk;
        let unit = U256::pow10(risk.decimals - 2).expect("small");
        let hundredths = |value: Int| value.magnitude().div(unit, Rounding::HalfUp).expect("a unit");
        assert_eq!(hundredths(risk.uncovered[1]), U256::new(2_000_000), "{}", impact.market);
        assert_eq!(risk.uncovered[0], Int::ZERO, "{}", impact.market);
        if hundredths(risk.bad_debt) == U256::new(2_857_143) {
            assert!(risk.sales.bad_debt < risk.bad_debt, "{}: {risk:?}", impact.market);
            assert_eq!(hundredths(risk.sales.bad_debt), U256::new(2_000_000), "{}", impact.market);
            at_five += 1;
        }
    }
    assert!(at_five > 0, "{:?}", jump.risks);
}

/// A shock that a later one replaces leaves no word on liquidity; one of another kind of price, or of a wrong feed, does.
#[test]
fn a_shock_that_is_replaced_says_nothing_of_liquidity() {
    let book = alone("acme-usdc");
    let dry = |shock: Shock, kinds: &[FeedKind]| {
        let first = Shock { liquidity: Some(decimal("0")), ..ether(&BOTH) };
        let Target::Assets { assets, currency, .. } = shock.target else { panic!("of assets") };
        let shock = Shock { target: Target::Assets { assets, currency, kinds: kinds.to_vec() }, ..shock };
        let scenario = Scenario::of_prices("fall", texts(&["USDC"]), vec![first, shock]);
        let mut curves = depth_of("0");
        curves.curves[0].assets = texts(&["ETH", "wstETH"]);
        sales(&jump(&book, curves, &scenario)).left_for(Stays::Beyond).accounts
    };
    assert_eq!(dry(ether(&BOTH), &BOTH), 0);
    assert_eq!(dry(ether(&BOTH), &BOTH[..1]), 1);
    let wrong = Shock { how: How::Wrong(decimal("0.99")), ..ether(&BOTH) };
    assert_eq!(dry(wrong, &BOTH), 1);
}

const BOTH: [FeedKind; 2] = [FeedKind::Oracle, FeedKind::Market];

fn ether(kinds: &[FeedKind]) -> Shock {
    fall("0.8", None)
        .shocks
        .into_iter()
        .map(|shock| {
            let Target::Assets { assets, currency, .. } = shock.target else { panic!("of assets") };
            Shock { target: Target::Assets { assets, currency, kinds: kinds.to_vec() }, ..shock }
        })
        .next()
        .expect("a shock")
}

/// At 86 % the incentive of Morpho is 1 / (1 - 0.3 x (1 - 0.86)) - 1 = 4.38 %: an impact of 3 % pays, one of 5 % does not.
#[test]
fn liquidators_stay_away_where_impact_and_gas_are_more_than_the_bonus() {
    let book = alone("acme-usdc");
    let scenario = fall("0.89", None);
    let with = |impact: &str, gas: &str| {
        let left = decimal("1").plus(Decimal { mantissa: decimal(impact).mantissa.neg(), ..decimal(impact) });
        let most = left.and_then(|left| left.times(decimal("1000000000"))).expect("small").to_string();
        jump(&book, depth(&[["1000000000", &most]], gas), &scenario)
    };
    let none = with("0", "0");
    let bonus = none.risks[0].sales.clone();
    assert!(bonus.calls > 0 && none.after.liquidatable == 1);
    assert_eq!(with("0.03", "0").risks[0].sales.calls, bonus.calls);
    let away = with("0.05", "0");
    assert_eq!((sales(&away).calls, sales(&away).left_for(Stays::Away).accounts), (0, 1));
    let gas = with("0", "100000000000");
    assert_eq!((sales(&gas).calls, sales(&gas).left_for(Stays::Away).accounts), (0, 1));
}

/// A second by hand, in integers: the account's debt asset is the currency, so that nothing but the sale has a price.
struct ByHand {
    calls: u64,
    brought: U256,
    left: bool,
    debt_left: Int,
}

/// Down the curve by hand: halves of the lot, each asked of the market itself.
fn by_hand(book: &Book, points: &[[u128; 2]], gas: u128) -> ByHand {
    let mut book = book.clone();
    let mut sold = U256::ZERO;
    let mut all = ByHand { calls: 0, brought: U256::ZERO, left: false, debt_left: Int::ZERO };
    // 18 digits of sold and of brought, as the points are.
    let brings = |at: U256| -> Option<U256> {
        let scale = U256::pow10(18).expect("small");
        let mut last = [U256::ZERO; 2];
        for [x, y] in points {
            let next = [U256::new(*x).mul(scale).expect("small"), U256::new(*y).mul(scale).expect("small")];
            if at <= next[0] {
                let (dy, dx) = (next[1].sub(last[1])?, next[0].sub(last[0])?);
                return last[1].add(dy.mul_div_wide(at.sub(last[0])?, dx, Rounding::Down)?);
            }
            last = next;
        }
        None
    };
    let price = {
        let id = book.graph.find("wstETH/USDC").expect("a price");
        book.graph.quotes(book.at)[id.0 as usize].value.expect("a value")
    };
    loop {
        let listed = book.accounts[0].clone();
        let market = &*book.markets[listed.market].market;
        let readings = readings(&book, listed.market, book.at);
        let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
        let seen = quoted.verdict(&listed.account, Test::Liquidation).expect("a verdict");
        let worth = quoted.verdict(&listed.account, Test::Borrow).expect("a verdict");
        all.debt_left = worth.debt.sub(worth.collateral).expect("small").max(Int::ZERO);
        if seen.verdict != Verdict::Unhealthy {
            return all;
        }
        let held = |kind: Kind| {
            let mut ids = listed.account.holdings().iter().map(|holding| holding.instrument);
            ids.find(|id| market.instruments()[id.index()].kind == kind)
        };
        let (Some(repay), Some(seize)) = (held(Kind::Debt), held(Kind::Receipt)) else { return all };
        let raw = quoted.balance(&listed.account, seize).expect("a balance").raw;
        let ask = |lot| {
            let action =
                Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive: Receive::Asset });
            let call = Call { actor: AccountId(1 << 40), account: listed.account.id, at: book.at, action };
            market.act(&call, &book, Feeds { readings: &readings }, &mut Silent).ok()
        };
        let whole = [ask(Lot::Repay(Amount::All)), ask(Lot::Seize(raw))].into_iter().flatten();
        let whole = whole.max_by_key(|effects| effects.liquidated.as_ref().map(|does| does.repaid));
        let Some(whole) = whole else { return all };
        let does = whole.liquidated.as_ref().expect("a liquidation");
        let (mut repaid, mut seized) = (does.repaid, does.seized);
        let mut lot = Some(whole);
        let mut done = None;
        for _ in 0..7 {
            if let Some(effects) = &lot {
                let does = effects.liquidated.as_ref().expect("a liquidation");
                let after = sold.add(does.seized).expect("small");
                if let Some(end) = brings(after) {
                    let got = end.sub(brings(sold).expect("before")).expect("more");
                    // USDC has six digits, the price as many as it has: got / 1e18 x price x 1e6.
                    let scale = U256::pow10(18 - 6 + price.decimals).expect("small");
                    let value =
                        got.mul_div_wide(price.mantissa.magnitude(), scale, Rounding::Down).expect("small");
                    let needs = does.repaid.add(U256::new(gas)).expect("small");
                    if value >= needs {
                        done = Some((effects.clone(), after, value));
                        break;
                    }
                }
            }
            (repaid, seized) = (repaid.half(), seized.half());
            // Morpho takes what is seized, or shares.
            lot = ask(Lot::Repay(Amount::Assets(repaid))).or_else(|| ask(Lot::Seize(seized)));
        }
        let Some((effects, after, value)) = done else {
            all.left = true;
            return all;
        };
        drop(quoted);
        sold = after;
        all.calls += 1;
        all.brought = all.brought.add(value).expect("small");
        book = common::after(&book, listed.market, book.at, &effects);
        assert!(all.calls < 300, "it ends");
    }
}

/// Random curves and gas: the same calls, the same money, the same end.
#[test]
fn sales_are_those_of_doing_it_by_hand() {
    let book = alone("acme-usdc");
    let mut dice = Dice(11);
    let (mut partly, mut none, mut whole) = (0, 0, 0);
    for case in 0..120 {
        // Impact grows along the curve: each piece brings a smaller part than the one before.
        let (mut points, mut at, mut part) = (Vec::new(), [0_u128; 2], 1000_u128);
        for _ in 0..=dice.below(4) {
            let step = 100_000 * (1 + u128::from(dice.below(40)));
            part -= u128::from(dice.below(60)).min(part - 1);
            at = [at[0] + step / 1000, at[1] + step * part / 1_000_000];
            points.push(at);
        }
        let gas = u128::from(dice.below(3)) * u128::from(dice.below(20_000_000_000));
        let factor = ["0.89", "0.85", "0.8", "0.7", "0.5"][dice.below(5) as usize];
        let shown: Vec<[String; 2]> = points.iter().map(|pair| pair.map(|it| it.to_string())).collect();
        let shown: Vec<[&str; 2]> = shown.iter().map(|pair| [pair[0].as_str(), pair[1].as_str()]).collect();
        let price = Decimal { mantissa: Int::from(U256::new(gas)), decimals: 6 }.to_string();
        let jump = jump(&book, depth(&shown, &price), &fall(factor, None));
        let hand = by_hand(&jump.shocked.book, &points, gas);
        let found = sales(&jump);
        let words = format!("{case}: {points:?} gas {gas} at {factor}: {found:?}");
        assert_eq!((found.calls, found.brought), (hand.calls, hand.brought.into()), "{words}");
        assert_eq!(found.left.iter().map(|left| left.accounts).sum::<u64>(), u64::from(hand.left), "{words}");
        match (hand.calls, hand.left) {
            (0, true) => none += 1,
            (_, true) => partly += 1,
            (_, false) => whole += 1,
        }
    }
    assert!(partly > 5 && none > 5 && whole > 5, "{partly} in part, {none} not, {whole} whole");
}

/// 10 000 wstETH at the price bring 10 000, the next 10 000 bring 9 000: 15 000 sold bring 10 000 + 4 500 = 14 500.
/// With liquidity at 0.3 the same curve ends at 6 000: 4 500 sold bring 3 000 + 1 500 x 0.9 = 4 350.
#[test]
fn a_sale_brings_what_paper_says() {
    let book = alone("acme-usdc");
    let curve = [["10000", "10000"], ["20000", "19000"]];
    // All of the collateral is taken where it is worth less than the debt with its bonus; the part that is beyond the first point
    // brings nine tenths.
    let scale = U256::pow10(18).expect("small");
    for (liquidity, factor) in [(None, "0.85"), (Some("0.3"), "0.85")] {
        let jump = jump(&book, depth(&curve, "0"), &fall(factor, liquidity));
        let id = jump.shocked.book.graph.find("wstETH/USDC").expect("a price");
        let price = jump.shocked.book.graph.quotes(book.at)[id.0 as usize].value.expect("a value");
        let found = sales(&jump);
        // What was sold, in tokens, back from its value: by less than a unit of the price.
        let token = found.sold.magnitude().mul_div_wide(
            U256::pow10(12 + price.decimals).expect("small"),
            price.mantissa.magnitude(),
            Rounding::Down,
        );
        let token = token.expect("small");
        let knee = U256::new(if liquidity.is_some() { 3_000 } else { 10_000 }).mul(scale).expect("small");
        let beyond = token.sub_or_zero(knee);
        let tenth = beyond.div(U256::new(10), Rounding::Down).expect("small");
        let brings = token.sub(tenth).expect("less");
        let value = brings.mul_div_wide(
            price.mantissa.magnitude(),
            U256::pow10(12 + price.decimals).expect("small"),
            Rounding::Down,
        );
        let apart = found.brought.sub(value.expect("small").into()).expect("small").magnitude();
        assert!(apart <= U256::new(found.calls.into()).add(U256::new(2)).expect("small"), "{found:?}");
        assert!(found.calls > 0);
    }
}

/// Of three branches one has BOLD in its pool that may be used: 4000 less the one that stays. At a penalty of 5 % its depositors take
/// collateral for at most 3999 x 1.05, and whoever calls a 200th of what the pool pays for, which is at most 1.2 times the debt: less
/// than 4223 in all. The rest goes to other troves: it is not sold, and nobody stays away for want of a curve or of a profit.
#[test]
fn what_is_redistributed_is_not_sold() {
    let book = example("liquity");
    let target = Target::Collateral { kinds: vec![FeedKind::Oracle, FeedKind::Market] };
    let shock = Shock { target, how: How::Factor(decimal("0.6")), liquidity: None };
    let scenario = Scenario::of_prices("fall", texts(&["BOLD"]), vec![shock]);
    let free = |assets: &[&str]| {
        let mut depth = Depth { gas: Vec::new(), ..depth(&ENDLESS, "0") };
        depth.curves[0].assets = texts(assets);
        depth
    };
    let all = jump(&book, free(&["WETH", "wstETH", "rETH"]), &scenario);
    let [risk] = &all.risks[..] else { panic!("one currency: {:?}", all.risks) };
    let whole = |value: u128| {
        Int::from(U256::new(value).mul(U256::pow10(risk.decimals).expect("small")).expect("small"))
    };
    assert!(risk.collateral[1] > whole(100_000), "{risk:?}");
    assert!(risk.sales.sold > whole(3_000) && risk.sales.sold <= whole(4_223), "{risk:?}");
    // Of each branch the venue lets one trove stand.
    let left = &risk.sales.left;
    let refused = risk.sales.left_for(Stays::Refused).accounts;
    assert_eq!(left.iter().map(|left| left.accounts).sum::<u64>(), refused, "{risk:?}");
    assert!(refused <= 3, "{risk:?}");
    // Nothing of the other branches is sold.
    let one = jump(&book, free(&["wstETH"]), &scenario);
    assert_eq!(one.risks, all.risks);
}

/// Where a market failed nobody acts, the debt stays, and each owner loses what is not paid.
#[test]
fn a_market_that_fails_takes_what_is_there() {
    let book = example("treasury");
    let failure = Failure { markets: texts(&["aave-core"]), pays: decimal("0.25") };
    let scenario =
        Scenario { failures: vec![failure], ..Scenario::of_prices("failure", Vec::new(), Vec::new()) };
    let scenario = Scenario { hold: texts(&["ETH", "USDC"]), ..scenario };
    let stress = Stress::new(&book).expect("a book");
    let jump = stress.jump(&scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"));
    assert!(!jump.losses.is_empty());
    for loss in &jump.losses {
        assert_eq!(loss.market, "aave-core");
        // Three quarters, rounded up.
        let times = loss.held.mul(Int::new(3)).expect("small").div(Int::new(4), Rounding::Up);
        assert!(loss.accounts == 1 || loss.owner != "alice");
        let apart = loss.lost.sub(times.expect("small")).expect("small");
        assert!(apart >= Int::ZERO && apart <= Int::new(loss.accounts.into()), "{loss:?}");
    }
    let fallen = Scenario { shocks: fall("0.4", None).shocks, ..scenario.clone() };
    let stress = stress.sold_into(depth_of("0")).expect("gas");
    let jump = stress.jump(&Scenario { hold: texts(&["USDC"]), ..fallen }, &Said::default()).expect("a jump");
    let aave = jump.markets.iter().find(|impact| impact.market == "aave-core").expect("it is there");
    assert_eq!(aave.risk.seizable, Int::ZERO);
    let left = aave.risk.sales.left_for(Stays::Refused);
    assert_eq!((left.accounts, left.debt), (aave.after.liquidatable, aave.risk.debt[1]));
    let nowhere = Failure { markets: texts(&["aave-cor"]), pays: decimal("0") };
    let scenario = Scenario { failures: vec![nowhere], ..scenario };
    assert!(matches!(stress.jump(&scenario, &Said::default()), Err(Misasked::NoSuch { .. })));
}

/// What a call costs must be said in every currency that a market counts in.
#[test]
fn gas_is_said_in_every_currency_or_in_none() {
    let book = alone("acme-usdc");
    let gas = vec![Gas { currency: texts(&["USD"]), amount: decimal("5") }];
    let dear = Stress::new(&book).expect("a book").sold_into(Depth { gas, ..depth_of("0") });
    assert!(matches!(dear, Err(Misasked::NoGas { .. })));
    assert!(
        Stress::new(&book).expect("a book").sold_into(Depth { gas: Vec::new(), ..depth_of("0") }).is_ok()
    );
}
