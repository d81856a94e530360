//! What the models promise beyond recorded answers: published examples, order of lines, and what no rounding may do.

#![allow(clippy::unwrap_used)]

mod common;

use common::Random;
use plimsoll_core::{Int, Rounding, U256};
use plimsoll_margin::dydx::{self, Caps, Risk, Transition, transition};
use plimsoll_margin::hyperliquid::{Tier, Tiers, liquidation_price};
use plimsoll_margin::mango::{Account, Line, ONE, Perp, PerpNode, Prices, Token, Weights};
use plimsoll_margin::{drift, mango, span};

fn mango_account(random: &mut Random) -> (Vec<Token>, Vec<Perp>) {
    let weights =
        |asset: i128, liability: i128| Weights { asset: ONE * asset / 100, liability: ONE * liability / 100 };
    let prices = |random: &mut Random| {
        let oracle = ONE * random.within(50, 5_000) / 100;
        Prices { oracle, stable: oracle * random.within(90, 110) / 100 }
    };
    let tokens = (0..3).map(|index| {
        let (asset, liability) = (random.within(40, 90), random.within(110, 150));
        Token {
            index,
            maintenance: weights(asset + 10, liability - 10),
            initial: weights(asset, liability),
            scaled: weights(asset - random.within(0, 20), liability + random.within(0, 20)),
            prices: prices(random),
            balance: ONE * random.within(-1_000, 1_000),
        }
    });
    let tokens: Vec<Token> = tokens.collect();
    let perps = (0..random.within(0, 2)).map(|_| Perp {
        settles_in: random.within(0, 2) as u64,
        maintenance: weights(95, 105),
        initial: weights(90, 110),
        maintenance_profit: ONE,
        initial_profit: ONE * random.within(0, 10) / 10,
        lot: random.within(1, 100) as i64,
        lots: random.within(-50, 50) as i64,
        bids: random.within(0, 20) as i64,
        asks: random.within(0, 20) as i64,
        quote: ONE * random.within(-5_000, 5_000),
        prices: prices(random),
    });
    let perps = perps.collect();
    (tokens, perps)
}

/// Initial <= end of a liquidation <= maintenance; what the program finds is no more than what the client finds, and within a few units of 2^-48 of it times
/// what they were multiplied by.
#[test]
fn mangos_lines_are_in_order() {
    let mut random = Random(41);
    let mut apart = 0;
    for _ in 0..20_000 {
        let (tokens, perps) = mango_account(&mut random);
        let account = Account { tokens: &tokens, perps: &perps };
        let health = |line, rounding| account.health(line, rounding).unwrap();
        let [initial, end, maintenance] = [Line::Initial, Line::LiquidationEnd, Line::Maintenance]
            .map(|line| health(line, Rounding::TowardZero));
        assert!(initial <= end + 1_000_000 && end <= maintenance + 1_000_000);
        let program = health(Line::Maintenance, Rounding::Down);
        apart += u32::from(program < maintenance);
        for line in [Line::Initial, Line::LiquidationEnd, Line::Maintenance] {
            for rounding in [Rounding::Down, Rounding::TowardZero] {
                let nodes: Vec<Weights> =
                    tokens.iter().map(|token| token.node(line, rounding).unwrap()).collect();
                let markets: Vec<PerpNode> = perps.iter().map(|perp| perp.node(line).unwrap()).collect();
                assert_eq!(account.health_on(&nodes, &markets, rounding), Some(health(line, rounding)));
                assert_eq!(account.health_on(&nodes[1..], &markets, rounding), None);
            }
        }
        assert!(program <= maintenance && maintenance - program < 1_000_000, "{program} {maintenance}");
    }
    assert!(apart > 5_000, "{apart}");
    let (tokens, mut perps) = mango_account(&mut Random(3));
    perps.resize(1, Perp { settles_in: 9, ..perps.first().copied().unwrap_or(lone()) });
    perps[0].settles_in = 9;
    assert_eq!(Account { tokens: &tokens, perps: &perps }.health(Line::Initial, Rounding::Down), None);
    let empty = Account { tokens: &[], perps: &[] };
    assert_eq!(empty.health(Line::Maintenance, Rounding::Down), Some(0));
    assert_eq!(empty.ratio(Line::Maintenance, Rounding::Down), Some(i128::MAX));
}

fn lone() -> Perp {
    let one = Weights { asset: ONE, liability: ONE };
    let prices = Prices { oracle: ONE, stable: ONE };
    let (maintenance_profit, initial_profit) = (ONE, ONE);
    let (lot, lots, bids, asks, quote) = (1, 0, 0, 0, 0);
    Perp {
        settles_in: 0,
        maintenance: one,
        initial: one,
        maintenance_profit,
        initial_profit,
        lot,
        lots,
        bids,
        asks,
        quote,
        prices,
    }
}

/// w x min(1, S / D) and w x max(1, B / S).
#[test]
fn mangos_scaled_weights() {
    assert_eq!(mango::scaled_asset_weight(ONE * 8 / 10, 50, 100), Some(ONE * 8 / 10));
    assert_eq!(mango::scaled_asset_weight(ONE * 8 / 10, 400, 100), Some(ONE * 2 / 10));
    assert_eq!(mango::scaled_liability_weight(2 * ONE, 400, 100), Some(8 * ONE));
    assert_eq!(mango::scaled_liability_weight(2 * ONE, 4, 0), None);
}

/// A long 2 with bids for 1 more and asks for 5: short 3 is the worse at the same price; in a market of 0 to 1 at 0.9, long 3 is: 2.7 against 0.3.
#[test]
fn drifts_worst_side() {
    let one = drift::BASE as i64;
    let perp = drift::Perp { base: 2 * one, bids: one, asks: 6 * one, orders: 2, prediction: false };
    assert_eq!(perp.worst(900_000), Some((-4 * i128::from(one), 3_600_000)));
    let perp = drift::Perp { prediction: true, ..perp };
    assert_eq!(perp.worst(900_000), Some((3 * i128::from(one), 2_700_000)));
    // 2.7 at a tenth, and two cents for two orders; the user's own ratio if it is higher.
    let dollar = drift::StrictPrice { now: 1_000_000, mean: 990_000 };
    assert_eq!(perp.requirement(900_000, dollar, 0, 1_000, 0), Some(290_000));
    assert_eq!(perp.requirement(900_000, dollar, 0, 1_000, 2_000), Some(560_000));
    assert_eq!(drift::profit_counts(-5, 1, true), Some(-5));
    assert_eq!(drift::profit_counts(500_000_000, 10_000, true), Some(100_000_000));
    assert_eq!(drift::profit_counts(500_000_000, 5_000, false), Some(250_000_000));
    assert_eq!(drift::profit_weight(10_000, 400, 100), Some(2_500));
    assert_eq!(drift::scaled_asset_weight(8_000, 400, 100), Some(2_000));
    // What is owed is worth the more, what is held the less of both prices, rounded against the account; its weighted part is cut toward zero.
    let price = drift::StrictPrice { now: 1_000_001, mean: 1_000_000 };
    assert_eq!(drift::spot_value(1_000_000, 1_000_000, price, 8_000), Some(800_000));
    assert_eq!(drift::spot_value(-1_000_000, 1_000_000, price, 12_000), Some(-1_200_001));
    let margin = drift::Margin { collateral: 102, requirement: 100, negatives: 0, liabilities: 200 };
    assert!(
        !margin.may_be_liquidated()
            && margin.may_leave(200) == Some(false)
            && margin.may_leave(100) == Some(true)
    );
    assert!(drift::Margin { collateral: 99, ..margin }.may_be_liquidated());
    assert!(drift::Margin { collateral: -1, requirement: 0, ..margin }.may_be_liquidated());
}

/// Where both sides owe the same, the venue takes the asks'.
#[test]
fn drifts_sides_tie_on_the_asks() {
    let one = drift::BASE as i64;
    let perp = drift::Perp { base: 0, bids: one, asks: one, orders: 2, prediction: false };
    assert_eq!(perp.worst(900_000), Some((-i128::from(one), 900_000)));
}

/// A rounding that health does not do is no health, and is not another rounding's.
#[test]
fn mango_rounds_down_or_toward_zero_only() {
    let (tokens, perps) = mango_account(&mut Random(3));
    let account = Account { tokens: &tokens, perps: &perps };
    for rounding in [Rounding::Up, Rounding::HalfUp, Rounding::Exact] {
        assert_eq!(account.health(Line::Maintenance, rounding), None);
        assert_eq!(account.ratio(Line::Maintenance, rounding), None);
        assert_eq!(tokens[0].node(Line::Maintenance, rounding), None);
    }
}

fn risk(collateral: i128, initial: u128, maintenance: u128) -> Risk {
    Risk {
        collateral: Int::new(collateral),
        initial: U256::new(initial),
        maintenance: U256::new(maintenance),
    }
}

#[test]
fn dydxs_rule_of_updates() {
    let before = risk(50, 200, 100);
    assert!(before.may_be_liquidated() && !risk(100, 200, 100).may_be_liquidated());
    assert!(!risk(-1, 0, 0).may_be_liquidated());
    // Half closed without loss, half closed with half of the collateral, one unit more.
    assert_eq!(transition(&before, &risk(50, 100, 50)), Transition::NoWorse);
    assert_eq!(transition(&before, &risk(25, 100, 50)), Transition::NoWorse);
    assert_eq!(transition(&before, &risk(24, 100, 50)), Transition::Refused);
    assert_eq!(transition(&before, &risk(90, 202, 101)), Transition::Refused);
    assert_eq!(transition(&before, &risk(300, 202, 101)), Transition::Collateralised);
    // In order before, out of order after.
    assert_eq!(transition(&risk(200, 200, 100), &risk(150, 160, 80)), Transition::Refused);
    // Under water, closing at the mark is refused by this rule; the general one allows it (`liquidation`).
    assert_eq!(transition(&risk(-10, 200, 100), &risk(-10, 100, 50)), Transition::Refused);
    assert!(
        risk(10, 0, 30).compare(&risk(10, 0, 20)).is_lt() && risk(10, 0, 20).compare(&risk(5, 0, 10)).is_gt()
    );
}

/// At the bankruptcy price of all of a position the account has nothing left; fees take no more than what lies between.
#[test]
fn dydxs_bankruptcy_and_fillable_price() {
    // Long worth 1,000 with 100 of collateral in all, maintenance 30 of which this position is all.
    let account = risk(100, 60, 30);
    let quote = dydx::bankruptcy_quote(&account, Int::new(-1_000), Int::new(-30)).unwrap();
    assert_eq!(quote, Int::new(900)); // sold for 900, the account is at 100 - 1,000 + 900 = 0
    let half = dydx::bankruptcy_quote(&account, Int::new(-500), Int::new(-15)).unwrap();
    assert_eq!(half, Int::new(450));
    assert_eq!(dydx::bankruptcy_quote(&risk(1, 0, 0), Int::new(1), Int::new(1)), None);
    assert_eq!(dydx::fee(Int::new(950), Int::new(900), 100_000), Some(U256::new(50)));
    assert_eq!(dydx::fee(Int::new(950), Int::new(900), 10_000), Some(U256::new(9)));
    assert_eq!(dydx::fee(Int::new(890), Int::new(900), 10_000), Some(U256::ZERO));
    // Collateral 15 of 30 asked: half of the spread, 10 % x 30 x 1/2 = 1.5 below 1,000, for 10: 99.85.
    let account = risk(15, 60, 30);
    let (above, below) =
        dydx::fillable(&account, Int::new(1_000), U256::new(30), Int::new(10), 1_000_000, 100_000).unwrap();
    let hundredths = above.mul(U256::new(100)).unwrap().div_rem(below).unwrap();
    assert_eq!((hundredths.0.to_int(), hundredths.1.to_int()), (Some(Int::new(9_985)), Some(Int::ZERO)));
    let both =
        Risk::of(Int::new(-1_000), dydx::Tier { initial: 50_000, maintenance: 600_000 }, U256::ZERO, None, 0)
            .unwrap()
            .plus(risk(1_100, 0, 0));
    assert_eq!(both, Some(risk(100, 50, 30)));
    assert_eq!(dydx::share(Int::new(-1), 100_000), Some(U256::ONE)); // rounded up
    let caps = Caps { lower: U256::new(10), upper: U256::new(20) };
    assert_eq!(dydx::initial_fraction(200_000, U256::new(15), Some(caps)), Some(600_000));
}

/// BTC as documented: 40x to 150 million, 20x above: 1.25 % and 2.5 %, so that at 200 million 3.125 are asked.
#[test]
fn hyperliquids_tiers_and_price() {
    let million = 1_000_000_u128;
    let tiers = [Tier { lower: 0, leverage: 40 }, Tier { lower: 150 * million, leverage: 20 }];
    let tiers = Tiers::new(&tiers).unwrap();
    let asks = |notional: u128| tiers.maintenance(U256::new(notional)).unwrap();
    let units = |quote: u128| U256::new(quote).mul(tiers.denominator()).unwrap();
    assert_eq!(asks(150 * million), units(150 * million / 80));
    assert_eq!(asks(200 * million), units(3_125_000));
    assert_eq!(tiers.keeps(Int::new(3_125_000), U256::new(200 * million)), Some(true));
    assert_eq!(tiers.keeps(Int::new(3_124_999), U256::new(200 * million)), Some(false));
    // Long 2 at 100 with 10 of its own: 10 + 2 (x - 100) = 2 x / 80: x = 190 / 1.975 = 96.2025..., kept from 97 on.
    let found = |size, value| {
        liquidation_price(
            U256::new(100),
            Int::new(size),
            Int::new(value),
            tiers.lines()[0],
            tiers.denominator(),
        )
    };
    assert_eq!(found(2, 10), Some(U256::new(97)));
    // Short: 10 - 2 (x - 100) = 2 x / 80: x = 210 / 2.025 = 103.70..., kept up to 103.
    assert_eq!(found(-2, 10), Some(U256::new(103)));
    assert_eq!(found(2, 500), None);
    // 200 + 2 (x - 100) = 2 x / 80 at x = 0, which is no positive price.
    assert_eq!((found(2, 200), found(-2, -200)), (None, None));
    assert_eq!(Tiers::new(&[Tier { lower: 5, leverage: 3 }]), None);
    assert_eq!(Tiers::new(&[Tier { lower: 0, leverage: 3 }, Tier { lower: 5, leverage: 4 }]), None);
    assert_eq!(Tiers::new(&[]), None);
}

/// Deltas that a spread took are not there for the next: +5, -3, -2 by the table (1, 2), (1, 3) are 3 and 2 spreads, and nothing is left.
#[test]
fn spans_spreads_are_spent_in_order() {
    let one = plimsoll_margin::fixed::ONE;
    let position = |expiry, contracts| span::Position {
        option: false,
        expiry,
        contracts,
        price: 0,
        losses: [0; 16],
        delta: one,
    };
    let spread = |near, far, charge: i128| span::Spread { near, far, charge: charge * one };
    let positions = [position(0, 5), position(1, -3), position(2, -2)];
    let mut deltas = [0; 3];
    let spreads = [spread(0, 1, 10), spread(0, 2, 100), spread(1, 2, 1_000)];
    let found = span::requirement(&positions, &spreads, 0, &mut deltas).unwrap();
    assert_eq!((found.calendar, found.total, deltas), (230 * one, 230 * one, [0; 3]));
    let other = [spreads[1], spreads[0]];
    assert_eq!(span::requirement(&positions[..2], &other, 0, &mut deltas).unwrap().calendar, 30 * one);
    assert_eq!(deltas, [2 * one, 0, 0]);
    assert_eq!(span::requirement(&positions, &spreads, 0, &mut deltas[..2]), None);
}
