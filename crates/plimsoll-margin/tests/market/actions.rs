//! What may be done, what is refused by which name, and what a liquidation does.

use crate::world::{NOW, Random, account, difference, headroom, int, market, prices, readings, stand};
use num_bigint::BigInt;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Effects, Feeds, InstrumentId, Int, Lot, Market as _, Mechanism,
    Party, Reading, Receive, Refusal, Silent, Test, Time, U256, Verdict, Why,
};
use plimsoll_margin::market::{
    Asked, Asset, INITIAL, MAINTENANCE, Market, ONE, Perp, Spec, SpecError, Tier, Weights, asks, bids, held,
    owed,
};

fn usual(weight: u32, liability: u32) -> [Weights; 2] {
    [Weights { asset: weight, liability }; 2]
}

/// Dollars at par, SOL at 0.9, and a perp of 5 % that settles in dollars; prices have six digits.
pub(crate) fn desk() -> Market {
    let asset = |name: &str, decimals, weights, priced| Asset {
        name: name.into(),
        decimals,
        priced,
        weights,
        cap: U256::ZERO,
        lends: priced,
        bonus: 50_000,
    };
    let asked = |rate| Asked { profit: ONE, tiers: vec![Tier { from: U256::ZERO, rate }] };
    Market::new(Spec {
        currency: "USD".into(),
        price_decimals: 6,
        updated: NOW,
        assets: vec![
            asset("USD", 6, usual(ONE, ONE), false),
            asset("SOL", 9, usual(900_000, 1_100_000), true),
        ],
        perps: vec![Perp {
            name: "SOL-PERP".into(),
            decimals: 9,
            settles_in: 0,
            lot: U256::from(1_000_000_u64),
            fee: 10_000,
            asked: [asked(100_000), asked(50_000)],
        }],
        schedules: Vec::new(),
    })
    .unwrap()
}

/// 100 SOL, and 300 SOL-perp long for 30,000.
pub(crate) fn joint(market: &Market) -> Account {
    Account::new(AccountId(1))
        .with(held(1), int(100_000_000_000))
        .with(market.base(0), int(300_000_000_000))
        .with(market.quote(0), int(-30_000_000_000))
}

const KEEPER: AccountId = AccountId(u64::MAX);

fn does(
    market: &Market,
    account: &Account,
    readings: &[Reading],
    actor: AccountId,
    action: Action,
) -> Result<Effects, Refusal> {
    let call = Call { actor, account: account.id, at: NOW, action };
    market.act(&call, &vec![account.clone()], Feeds { readings }, &mut Silent)
}

fn own(market: &Market, account: &Account, prices: &[Int], action: Action) -> Result<Effects, Refusal> {
    does(market, account, &readings(prices), account.id, action)
}

fn after(account: &Account, effects: &Effects) -> Account {
    effects.apply_to(account).unwrap()
}

const P: i128 = 1_000_000;

#[test]
fn refusals_by_name() {
    let market = desk();
    let joint = joint(&market);
    let at = [int(100 * P), int(100 * P)];
    let base = market.base(0);
    let fill = |quantity: i128, price: i128| Action::Fill {
        instrument: base,
        quantity: int(quantity),
        price: int(price),
    };
    let refused = |action| own(&market, &joint, &at, action).unwrap_err();
    let assets = |amount: u64| Amount::Assets(U256::from(amount));
    assert_eq!(refused(Action::Deposit { into: held(1), amount: assets(0) }), Refusal::AmountZero);
    assert_eq!(
        refused(Action::Deposit { into: owed(1), amount: assets(1) }),
        Refusal::NoSuchInstrument(owed(1))
    );
    assert_eq!(refused(Action::Deposit { into: base, amount: assets(1) }), Refusal::NoSuchInstrument(base));
    assert_eq!(
        refused(Action::Withdraw { from: held(0), amount: Amount::All }),
        Refusal::NothingHeld(held(0))
    );
    assert!(matches!(
        refused(Action::Withdraw { from: held(1), amount: assets(100_000_000_001) }),
        Refusal::AmountTooLarge { .. }
    ));
    assert!(matches!(
        refused(Action::Withdraw { from: held(1), amount: Amount::All }),
        Refusal::OverCapacity { .. }
    ));
    assert_eq!(refused(Action::Borrow { debt: owed(0), amount: assets(1) }), Refusal::NotBorrowable(owed(0)));
    assert!(matches!(
        refused(Action::Borrow { debt: owed(1), amount: assets(300_000_000_000) }),
        Refusal::OverCapacity { .. }
    ));
    assert_eq!(refused(Action::Repay { debt: owed(1), amount: Amount::All }), Refusal::NothingOwed(owed(1)));
    assert_eq!(refused(fill(1, 100 * P)), Refusal::NotInLots { lot: U256::from(1_000_000_u64) });
    assert_eq!(refused(fill(0, 100 * P)), Refusal::AmountZero);
    assert_eq!(refused(fill(1_000_000, 0)), Refusal::AmountZero);
    assert!(matches!(refused(fill(700_000_000_000, 100 * P)), Refusal::OverCapacity { .. }));
    let order = |term, value: i128| Action::SetTerm { term, value: int(value) };
    assert_eq!(refused(order(bids(0), -1_000_000)), Refusal::ModeNotAllowed);
    assert_eq!(refused(order(bids(1), 0)), Refusal::ModeNotAllowed);
    assert!(matches!(refused(order(bids(0), 700_000_000_000)), Refusal::OverCapacity { .. }));
    assert_eq!(refused(Action::Accrue), Refusal::NotAtThisVenue);
    let reduce =
        |size: u64| Action::Liquidate(Mechanism::Reduce { instrument: base, size: U256::from(size) });
    assert_eq!(refused(reduce(1_000_000)), Refusal::SelfLiquidation);
    let keeper =
        |prices: &[Int], action| does(&market, &joint, &readings(prices), KEEPER, action).unwrap_err();
    assert_eq!(keeper(&at, reduce(1_000_000)), Refusal::NotLiquidatable);
    let low = [int(70 * P), int(70 * P)];
    assert_eq!(keeper(&low, reduce(1)), Refusal::AmountZero);
    let seize = |seize, lot| {
        Action::Liquidate(Mechanism::Discount { repay: owed(1), seize, lot, receive: Receive::Asset })
    };
    assert_eq!(keeper(&low, seize(base, Lot::Repay(Amount::All))), Refusal::NotSeizable(base));
    assert_eq!(keeper(&low, seize(held(0), Lot::Repay(Amount::All))), Refusal::NothingOwed(owed(1)));
    let early = Call { actor: joint.id, account: joint.id, at: Time(1), action: fill(1_000_000, P) };
    let readings = readings(&at);
    let early = market.act(&early, &vec![joint.clone()], Feeds { readings: &readings }, &mut Silent);
    assert!(matches!(early, Err(Refusal::ClockWentBack { .. })));
}

#[test]
fn a_market_that_cannot_be_is_refused() {
    let wrong = |change: fn(&mut Spec), what: &'static str| {
        let mut spec = desk().spec().clone();
        change(&mut spec);
        let place = Market::new(spec).unwrap_err();
        assert_eq!(place.what, what);
    };
    wrong(|spec| spec.assets[1].weights[MAINTENANCE].asset = ONE + 1, "asset_weight");
    wrong(|spec| spec.assets[1].weights[INITIAL].asset = 950_000, "asset_weight");
    wrong(|spec| spec.assets[1].weights[MAINTENANCE].liability = ONE - 1, "liability_weight");
    wrong(|spec| spec.assets[1].weights[INITIAL].liability = ONE, "liability_weight");
    wrong(|spec| spec.assets[0].cap = U256::ONE, "settles_in");
    wrong(|spec| spec.perps[0].settles_in = 2, "settles_in");
    wrong(|spec| spec.perps[0].asked[0].tiers.clear(), "tiers");
    wrong(|spec| spec.perps[0].asked[1].tiers[0].from = U256::ONE, "tiers");
    wrong(|spec| spec.perps[0].asked[1].tiers[0].rate = 0, "tiers");
    wrong(|spec| spec.perps[0].asked[1].profit = 1, "profit_weight");
    wrong(|spec| spec.perps[0].lot = U256::ZERO, "lot");
    wrong(|spec| spec.perps[0].fee = ONE + 1, "liquidation_fee");
    wrong(|spec| spec.price_decimals = 13, "price_decimals");
    wrong(|spec| spec.assets[0].decimals = 19, "decimals");
    let mut spec = desk().spec().clone();
    spec.perps.clear();
    spec.assets.truncate(1);
    assert_eq!(Market::new(spec).unwrap_err(), SpecError { what: "no price at all", place: 0 });
}

/// Without any price, what pays in or cancels goes through, and what takes on risk does not.
#[test]
fn a_missing_price_blocks_no_payment_and_no_cancellation() {
    let market = desk();
    let account = joint(&market).with(owed(0), int(5)).with_term(bids(0), int(2_000_000));
    let nothing = vec![Reading::unknown(None, Why::Missing); 2];
    let act = |action| does(&market, &account, &nothing, account.id, action);
    let one = Amount::Assets(U256::ONE);
    assert!(act(Action::Deposit { into: held(1), amount: one }).is_ok());
    assert!(act(Action::Repay { debt: owed(0), amount: one }).is_ok());
    assert!(act(Action::SetTerm { term: bids(0), value: int(1_000_000) }).is_ok());
    assert!(matches!(
        act(Action::SetTerm { term: bids(0), value: int(3_000_000) }),
        Err(Refusal::PriceUnknown { .. })
    ));
    assert!(matches!(
        act(Action::Withdraw { from: held(1), amount: one }),
        Err(Refusal::PriceUnknown { .. })
    ));
    // Who owes nothing takes out what he likes.
    let free = Account::new(AccountId(1)).with(held(1), int(7));
    assert!(
        does(&market, &free, &nothing, free.id, Action::Withdraw { from: held(1), amount: Amount::All })
            .is_ok()
    );
}

/// A deposit pays what is owed first, a loan takes what is held first.
#[test]
fn held_and_owed_are_one_balance() {
    let market = desk();
    let at = [int(100 * P), int(100 * P)];
    let owing = Account::new(AccountId(1)).with(held(0), int(900_000_000)).with(owed(1), int(5));
    let done = own(
        &market,
        &owing,
        &at,
        Action::Deposit { into: held(1), amount: Amount::Assets(U256::from(8_u64)) },
    );
    let then = after(&owing, &done.unwrap());
    assert_eq!((then.quantity(owed(1)), then.quantity(held(1))), (Int::ZERO, int(3)));
    let done = own(
        &market,
        &then,
        &at,
        Action::Borrow { debt: owed(1), amount: Amount::Assets(U256::from(10_u64)) },
    );
    let then = after(&then, &done.unwrap());
    assert_eq!((then.quantity(owed(1)), then.quantity(held(1))), (int(7), Int::ZERO));
}

/// Base and quote of a fill go against each other; what is paid is rounded up, what is received down.
#[test]
fn a_fill_moves_base_against_quote() {
    let market = desk();
    let at = [int(100 * P), int(100 * P)];
    let rich = Account::new(AccountId(1)).with(held(0), int(1_000_000_000));
    let (base, quote) = (market.base(0), market.quote(0));
    // 0.001 SOL at 33.333333 is 0.033333333 dollars.
    for (quantity, paid) in [(1_000_000_i128, -33_334_i128), (-1_000_000, 33_333)] {
        let action = Action::Fill { instrument: base, quantity: int(quantity), price: int(33_333_333) };
        let done = own(&market, &rich, &at, action).unwrap();
        assert_eq!(done.net(Party::Account(rich.id), base), Some(int(quantity)));
        assert_eq!(done.net(Party::Account(rich.id), quote), Some(int(paid)));
        for id in [base, quote] {
            assert_eq!(done.net(Party::Pool, id), done.net(Party::Account(rich.id), id).map(Int::neg));
        }
    }
}

/// Below a line nothing that lowers risk is refused, and nothing is accepted after which the account is below a line and worse.
#[test]
fn risk_may_be_reduced_and_not_added_to() {
    let mut random = Random(88);
    let (mut closed, mut refused) = (0, 0);
    for case in 0..3_000 {
        let market = market(&mut random, false);
        let at = prices(&mut random);
        let account =
            account(&mut random, &market, &at).with_term(bids(0), Int::ZERO).with_term(asks(0), Int::ZERO);
        let base = account.quantity(market.base(0));
        let below = [INITIAL, MAINTENANCE].map(|line| headroom(&market, &account, &at, line) < BigInt::ZERO);
        let lots = base.magnitude().to_u64().unwrap() / 10;
        if lots > 0 {
            let part = int(random.within(1, lots) as i128 * 10);
            // A price a little better than the index outweighs the rounding of the quote.
            let long = !base.is_negative();
            let better = if long { int(1) } else { int(-1) };
            let price = at[2].add(better).unwrap();
            let quantity = if long { part.neg() } else { part };
            let done =
                own(&market, &account, &at, Action::Fill { instrument: market.base(0), quantity, price });
            assert!(done.is_ok(), "{case}: {done:?} {account:?}");
            closed += usize::from(below[0]);
        }
        let more = int(random.within(1, 900) as i128 * 10_000_000);
        let done = own(
            &market,
            &account,
            &at,
            Action::Fill { instrument: market.base(0), quantity: more, price: at[2] },
        );
        match done {
            Ok(done) => {
                let after = after(&account, &done);
                for (line, below) in [INITIAL, MAINTENANCE].into_iter().zip(below) {
                    let headroom = headroom(&market, &after, &at, line);
                    assert!(headroom >= BigInt::ZERO || below, "{case}");
                }
            }
            Err(refusal) => {
                assert!(matches!(refusal, Refusal::OverCapacity { .. }), "{case} {refusal:?}");
                refused += 1;
            }
        }
    }
    assert!(closed > 200 && refused > 300, "{closed} {refused}");
}

/// Everything that moves comes from somebody and goes to somebody.
fn adds_up(effects: &Effects) {
    let mut instruments: Vec<InstrumentId> = effects.flows.iter().map(|flow| flow.instrument).collect();
    instruments.sort_unstable();
    instruments.dedup();
    for id in instruments {
        let mut parties: Vec<Party> = effects.flows.iter().flat_map(|flow| [flow.from, flow.to]).collect();
        parties.sort_unstable();
        parties.dedup();
        let sum =
            parties.iter().fold(Int::ZERO, |sum, party| sum.add(effects.net(*party, id).unwrap()).unwrap());
        assert_eq!(sum, Int::ZERO);
    }
}

#[test]
fn a_liquidation_restores_the_initial_line_and_no_more() {
    let mut random = Random(55);
    let (mut restored, mut whole, mut sold) = (0, 0, 0);
    for case in 0..3_000 {
        let market = market(&mut random, case % 3 == 0);
        let at = prices(&mut random);
        let account = account(&mut random, &market, &at);
        let seen = stand(&market, &at, |quoted| quoted.verdict(&account, Test::Liquidation)).unwrap();
        let is_below = |account: &Account| headroom(&market, account, &at, INITIAL) < BigInt::ZERO;
        for perp in 0..3 {
            let instrument = market.base(perp);
            let size = account.quantity(instrument).magnitude();
            let reduce = |size| Action::Liquidate(Mechanism::Reduce { instrument, size });
            let done = does(&market, &account, &readings(&at), KEEPER, reduce(size));
            if seen.verdict != Verdict::Unhealthy {
                assert_eq!(done, Err(Refusal::NotLiquidatable), "{case}");
                continue;
            }
            if size == U256::ZERO {
                assert!(matches!(done, Err(Refusal::NothingHeld(_))), "{case}");
                continue;
            }
            let Ok(done) = done else { panic!("{case}: {done:?} {account:?}") };
            adds_up(&done);
            let then = after(&account, &done);
            let left = then.quantity(instrument).magnitude();
            assert!(left <= size && !then.terms().iter().any(|(_, value)| !value.is_zero()), "{case}");
            let quote = market.quote(perp);
            let fee = done.net(Party::Keeper, quote).unwrap();
            let notional = done.net(Party::Pool, quote).unwrap().magnitude();
            assert!(!fee.is_negative(), "{case}");
            let most =
                notional.to_u64().unwrap() as u128 * u128::from(market.spec().perps[perp].fee) / 1_000_000;
            assert!(fee <= int(most as i128), "{case}");
            // No fee takes what is not there.
            let worth = stand(&market, &at, |quoted| quoted.verdict(&then, Test::Liquidation)).unwrap();
            if !fee.is_zero() {
                assert!(worth.collateral >= worth.debt, "{case}");
            }
            if left == U256::ZERO {
                whole += 1;
            }
            if !is_below(&then) {
                restored += 1;
                let closed = size.sub(left).unwrap();
                if let Some(less) = closed.sub(U256::from(10_u64)).filter(|less| *less != U256::ZERO) {
                    let fewer = does(&market, &account, &readings(&at), KEEPER, reduce(less)).unwrap();
                    assert!(is_below(&after(&account, &fewer)), "{case}");
                }
            }
        }
        if seen.verdict != Verdict::Unhealthy {
            continue;
        }
        for (debt, collateral) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            let action = Action::Liquidate(Mechanism::Discount {
                repay: owed(debt),
                seize: held(collateral),
                lot: Lot::Repay(Amount::All),
                receive: Receive::Asset,
            });
            let Ok(done) = does(&market, &account, &readings(&at), KEEPER, action) else { continue };
            adds_up(&done);
            let then = after(&account, &done);
            let does = done.liquidated.unwrap();
            sold += 1;
            assert_eq!(
                account.quantity(owed(debt)).sub(then.quantity(owed(debt))),
                Some(does.repaid.into()),
                "{case}"
            );
            assert!(!then.quantity(held(collateral)).is_negative(), "{case}");
        }
    }
    assert!(restored > 100 && whole > 150 && sold > 150, "{restored} {whole} {sold}");
}

/// Between the lines only what is no worse goes through: the example's account, at 85.
#[test]
fn between_the_lines_only_less_is_allowed() {
    let market = desk();
    let account = joint(&market);
    let at = [int(85 * P), int(85 * P)];
    let seen = |test| stand(&market, &at, |quoted| quoted.verdict(&account, test)).unwrap();
    assert_eq!(seen(Test::Liquidation).verdict, Verdict::Healthy);
    // 90 x 85 - 30,000 + 300 x 85 = 3,150 of backing, 0.1 x 25,500 = 2,550 asked.
    assert_eq!(difference(&seen(Test::Borrow)).to_string(), format!("600{}", "0".repeat(9 + 12 + 18)));
    let fill = |quantity: i128| {
        let action = Action::Fill { instrument: market.base(0), quantity: int(quantity), price: int(85 * P) };
        own(&market, &account, &at, action)
    };
    // 600 carry 6,000 of notional more, which is 70.588 SOL.
    assert!(fill(70_588_000_000).is_ok());
    assert!(matches!(fill(70_589_000_000), Err(Refusal::OverCapacity { .. })));
}
