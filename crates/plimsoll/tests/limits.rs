//! Limits where they are hard to find: indices so large that small amounts do not count, and averages that are cut to
//! whole basis points, so that more may be withdrawn where less may not.

#![allow(clippy::expect_used)] // a pool that cannot be built has failed the test

mod common;

use common::Dice;
use plimsoll::{Limit, borrowable, withdrawable};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Feeds, InstrumentId, Int, Lens, Market, RAY, Reading, Rounding,
    Silent, Time, U256,
};
use plimsoll_venues::aave_v3::{
    Configuration, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG, debt, receipt,
};

const NOW: Time = Time(1_000_000);
/// The reserves: what carries much, what carries little, and what is owed.
const MUCH: usize = 0;
const LITTLE: usize = 1;
const OWED: usize = 2;

fn u(value: u128) -> U256 {
    U256::new(value)
}

/// One account in a pool of three reserves.
struct Scene {
    pool: Pool,
    readings: Vec<Reading>,
    account: Account,
}

fn reserve(symbol: &str, decimals: u64, threshold: u64) -> Reserve {
    let fields = [
        (Configuration::LTV, threshold - 1),
        (Configuration::THRESHOLD, threshold),
        (Configuration::BONUS, 10_500),
        (Configuration::DECIMALS, decimals),
        (Configuration::ACTIVE, 1),
        (Configuration::BORROWING, 1),
        (Configuration::VIRTUAL_ACCOUNTING, 1),
    ];
    let word =
        fields.iter().try_fold(Configuration::default(), |word, &(field, value)| word.with(field, value));
    Reserve {
        symbol: symbol.into(),
        configuration: word.expect("fields that fit"),
        curve: RateCurve { optimal: 8000, base: 0, slope1: 400, slope2: 6000 },
        grace_until: Time(0),
        state: State {
            liquidity_index: RAY.value(),
            variable_borrow_index: RAY.value(),
            liquidity_rate: U256::ZERO,
            variable_borrow_rate: U256::ZERO,
            last_update: NOW,
            accrued_to_treasury: U256::ZERO,
            scaled_supply: u(10u128.pow(24)),
            scaled_debt: u(10u128.pow(20)),
            cash: u(10u128.pow(24)),
            virtual_balance: u(10u128.pow(24)),
            deficit: U256::ZERO,
            isolation_debt: U256::ZERO,
        },
    }
}

/// 10 of MUCH at 2 000, 1 of LITTLE at 50 000, and so much of OWED at 1 in raw units of 6 decimals.
fn scene(
    revision: Revision,
    [much, little]: [u64; 2],
    owed: u128,
    change: impl FnOnce(&mut [Reserve]),
) -> Scene {
    let mut reserves =
        vec![reserve("MUCH", 18, much), reserve("LITTLE", 8, little), reserve("OWED", 6, 7_000)];
    change(&mut reserves);
    let spec = PoolSpec { revision, currency: "USD".into(), reserves, modes: Vec::new() };
    let readings = [2_000, 50_000, 1].map(|price| Reading::certain(u(price * 100_000_000))).to_vec();
    let account = Account::new(AccountId(0))
        .with(receipt(MUCH), Int::from(u(10u128.pow(19))))
        .with(receipt(LITTLE), Int::from(u(10u128.pow(8))))
        .with(debt(OWED), Int::from(u(owed)))
        .with_term(USER_CONFIG, Int::from(0b10_10_u64 | u64::from(owed != 0) << 4));
    Scene { pool: Pool::new(spec).expect("a pool"), readings, account }
}

impl Scene {
    fn takes(&self, action: Action) -> bool {
        let call = Call { actor: self.account.id, account: self.account.id, at: NOW, action };
        let feeds = Feeds { readings: &self.readings };
        self.pool.act(&call, &vec![self.account.clone()], feeds, &mut Silent).is_ok()
    }

    fn lends(&self, reserve: usize, amount: U256) -> bool {
        self.takes(Action::Borrow { debt: debt(reserve), amount: Amount::Assets(amount) })
    }

    fn lets_go(&self, reserve: usize, amount: U256) -> bool {
        self.takes(Action::Withdraw { from: receipt(reserve), amount: Amount::Assets(amount) })
    }

    fn borrowable(&self, reserve: usize) -> Limit {
        limit_of(borrowable(&self.pool, &self.readings, &self.account, &[NOW]), debt(reserve))
    }

    fn withdrawable(&self, reserve: usize) -> Limit {
        limit_of(withdrawable(&self.pool, &self.readings, &self.account, &[NOW]), receipt(reserve))
    }

    /// The average threshold of the account with so much less of a receipt, at an index of one (bps).
    fn average_without(&self, reserve: usize, amount: U256) -> U256 {
        let left = self.account.quantity(receipt(reserve)).sub(Int::from(amount)).expect("held");
        let account = self.account.clone().with(receipt(reserve), left);
        let quoted = self.pool.at(Feeds { readings: &self.readings }, Lens::Action, NOW).expect("a time");
        let figures = quoted.figures(&account).expect("figures");
        let figure = figures.iter().find(|figure| figure.name == "currentLiquidationThreshold");
        figure.expect("the average threshold").value.magnitude()
    }

    /// The largest withdrawal up to `most`, stretch by stretch: while the average stands, more is never better.
    fn largest_of_every_stretch(&self, reserve: usize, most: U256) -> U256 {
        let (mut from, mut largest) = (U256::ONE, U256::ZERO);
        while from <= most {
            let average = self.average_without(reserve, from);
            let end = last(from, most, |amount| self.average_without(reserve, amount) == average);
            if self.lets_go(reserve, from) {
                largest = last(from, end, |amount| self.lets_go(reserve, amount));
            }
            from = end.add(U256::ONE).expect("256 bits");
        }
        largest
    }
}

fn limit_of(limits: Vec<Limit>, instrument: InstrumentId) -> Limit {
    limits.into_iter().find(|limit| limit.instrument == instrument).expect("a limit of everything")
}

/// The last amount that holds, of which all before it do.
fn last(low: U256, high: U256, holds: impl Fn(U256) -> bool) -> U256 {
    if holds(high) {
        return high;
    }
    let (mut yes, mut no) = (low, high);
    loop {
        let gap = no.sub(yes).expect("in order");
        if gap == U256::ONE {
            return yes;
        }
        let middle = yes.add(gap.div(u(2), Rounding::Down).expect("not by zero")).expect("256 bits");
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
}

/// The limit was once nothing wherever the least amount that counts was not a power of two, or more than 255: one unit of
/// scaled debt is 5, 12 or 600 units here, and the pool has that much and a little more.
#[test]
fn a_limit_begins_at_the_first_amount_that_counts() {
    for revision in Revision::ALL {
        for (index, cash) in [(5, 3), (5, 6), (12, 7), (12, 100), (600, 299), (600, 300), (600, 1_000_000)] {
            let little_cash = |reserve: &mut Reserve| {
                (reserve.state.cash, reserve.state.virtual_balance) = (u(cash), u(cash));
            };
            let index = RAY.value().mul(u(index)).expect("256 bits");
            let lending = scene(revision, [8_000, 7_000], 0, |reserves| {
                little_cash(&mut reserves[OWED]);
                reserves[OWED].state.variable_borrow_index = index;
            });
            let holding = scene(revision, [8_000, 7_000], 1_000, |reserves| {
                little_cash(&mut reserves[LITTLE]);
                reserves[LITTLE].state.liquidity_index = index;
            });
            let all = |takes: &dyn Fn(U256) -> bool| {
                (1..=cash + 2).rev().map(u).find(|amount| takes(*amount)).unwrap_or(U256::ZERO)
            };
            let limit = lending.borrowable(OWED);
            assert_eq!(
                limit.amount,
                all(&|x| lending.lends(OWED, x)),
                "{revision:?} {index} {cash} {limit:?}"
            );
            let limit = holding.withdrawable(LITTLE);
            assert_eq!(
                limit.amount,
                all(&|x| holding.lets_go(LITTLE, x)),
                "{revision:?} {index} {cash} {limit:?}"
            );
        }
    }
}

/// Up to 3.4 health is a sawtooth in what is withdrawn of the lesser collateral. The limit was once the first refusal less
/// one, though more than a hundred times as much was accepted; it is the largest of all.
#[test]
fn a_limit_is_the_largest_beyond_every_tooth() {
    let mut dice = Dice(77);
    let mut beyond = 0;
    for revision in Revision::ALL {
        for thresholds in [[9_500, 1_000], [9_500, 100], [9_000, 4_000], [8_300, 6_500]] {
            for _ in 0..8 {
                // What is carried, less up to a basis point of all collateral.
                let [much, little] = thresholds.map(u128::from);
                let carried = (20_000 * much + 50_000 * little) * 100;
                let owed = carried - u128::from(dice.below(7_000_000));
                let scene = scene(revision, thresholds, owed, |_| {});
                let limit = scene.withdrawable(LITTLE);
                // Cutting the average is worth less than another basis point, 7: nothing beyond 14 of what counts.
                let most = u(14 * 10_000 * 10u128.pow(8) / (50_000 * little) + 1);
                let expected = scene.largest_of_every_stretch(LITTLE, most);
                assert_eq!(
                    (limit.amount, limit.no_more_than),
                    (expected, expected),
                    "{revision:?} {thresholds:?} {owed}: {limit:?}"
                );
                let refused = (1..=1_000).map(|part| expected.mul_div(u(part), u(1_001), Rounding::Up));
                let refused = refused.flatten().filter(|amount| *amount < expected);
                beyond += u64::from(refused.into_iter().any(|amount| !scene.lets_go(LITTLE, amount)));
            }
        }
    }
    assert!(beyond > 20, "{beyond} accounts had a refusal below their limit");
}
