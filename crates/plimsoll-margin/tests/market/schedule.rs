//! Margins of perps that change with time.

use crate::actions::{desk, joint};
use crate::world::{NOW, int};
use plimsoll_core::{
    Compiled, Encoded, Feeds, Lens, Market as _, Question, Reading, Refusal, Step, Subject, Test, Time,
    Trace, U256, Venue,
};
use plimsoll_margin::market::{Cross, Market, SpecError};
use plimsoll_margin::schedule::{Schedule, Side};

fn schedule(side: Side, step: u32, rows: &[(u64, u32)]) -> Schedule {
    let rows = rows.iter().map(|(from, rate)| (Time(NOW.0 + from), *rate)).collect();
    Schedule { of: 0, side, step, keeps: 500_000, rows }
}

fn with(schedules: &[Schedule]) -> Result<Market, SpecError> {
    let mut spec = desk().spec().clone();
    spec.schedules = schedules.to_vec();
    Market::new(spec)
}

/// What `joint` is short of or has free at a time, at prices of 100, in dollars.
fn free(market: &Market, at: Time, test: Test) -> i128 {
    let readings = vec![Reading::certain(U256::from(100_000_000_u64)); 2];
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
    let seen = quoted.verdict(&joint(market), test).unwrap();
    let unit = plimsoll_core::Int::from(U256::pow10(seen.unit.decimals).unwrap());
    let free = seen.backing.sub(seen.requirement).unwrap().div(unit, plimsoll_core::Rounding::Exact).unwrap();
    let dollars = i128::try_from(free.magnitude().to_u128().unwrap()).unwrap();
    if free.is_negative() { -dollars } else { dollars }
}

/// A step of at most a tenth: from 10 % to at most 11 %, and then to no less than 9.9 %, whatever the rows say.
#[test]
fn a_step_goes_no_further_than_its_limit() {
    let limited =
        schedule(Side::Held, 100_000, &[(0, 100_000), (1, 200_000), (2, 50_000), (3, 98_000)]).limited();
    let rates: Vec<u32> = limited.iter().map(|(_, rate)| *rate).collect();
    assert_eq!(rates, [100_000, 110_000, 99_000, 98_000]);
    let free = schedule(Side::Held, 0, &[(0, 100_000), (1, 200_000)]).limited();
    assert_eq!(free[1].1, 200_000);
}

/// 100 SOL and 300 SOL-PERP at 100: 9,000 of collateral less what is asked of 30,000. The market's own 10 % and 5 % until the first row; then 20 % and 10 % of it, and where
/// both sides have one, the greater.
#[test]
fn the_row_in_force_is_what_is_asked() {
    let market = with(&[
        schedule(Side::Held, 0, &[(100, 200_000), (300, 120_000)]),
        schedule(Side::Owed, 0, &[(200, 250_000)]),
    ])
    .unwrap();
    for (at, rate) in
        [(0, 100_000), (99, 100_000), (100, 200_000), (199, 200_000), (200, 250_000), (400, 250_000)]
    {
        let at = Time(NOW.0 + at);
        assert_eq!(free(&market, at, Test::Borrow), 9_000 - 30_000 * rate / 1_000_000, "{at:?}");
        assert_eq!(free(&market, at, Test::Liquidation), 9_000 - 15_000 * rate / 1_000_000, "{at:?}");
    }
    // With only the last row ahead, nothing changes any more.
    let question = |at| Question { test: Test::Liquidation, lens: Lens::Action, at: Time(NOW.0 + at) };
    assert!(matches!(market.compile(&joint(&market), question(0)), Ok(Compiled::Opaque)));
    let settled = with(&[schedule(Side::Held, 0, &[(0, 200_000)])]).unwrap();
    assert!(matches!(settled.compile(&joint(&settled), question(0)), Ok(Compiled::Rows(_))));
}

#[derive(Default)]
struct Steps(Vec<(&'static str, plimsoll_core::Int)>);

impl Trace for Steps {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, step: Step) {
        self.0.push((step.formula, step.value));
    }
}

#[test]
fn the_row_in_force_is_told() {
    let market = with(&[schedule(Side::Held, 0, &[(0, 150_000), (100, 200_000)])]).unwrap();
    let readings = vec![Reading::certain(U256::from(100_000_000_u64)); 2];
    let at = Time(NOW.0 + 100);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
    let mut steps = Steps::default();
    quoted.assess(&joint(&market), Test::Liquidation, &mut steps).unwrap();
    let said = |name: &str| steps.0.iter().find(|(formula, _)| *formula == name).map(|(_, value)| *value);
    assert_eq!(said("margin by the schedule"), Some(int(200_000)));
    assert_eq!(said("in force by the schedule since"), Some(int(i128::from(at.0))));
}

#[test]
fn a_market_with_schedules_opens_the_same() {
    let rows = [(0, 100_000), (10, 110_000), (20, 90_000)];
    let market = with(&[schedule(Side::Owed, 50_000, &rows), schedule(Side::Held, 0, &rows[..1])]).unwrap();
    let mut bytes = Vec::new();
    market.encode(&mut bytes);
    assert!(Encoded::read(&bytes).is_some());
    let again = Cross.open(&bytes).unwrap();
    assert_eq!(Market::of(&*again).unwrap().spec(), market.spec());
    let wrong = |one: Schedule| assert_eq!(with(&[one]).unwrap_err().what, "schedules");
    wrong(schedule(Side::Held, 0, &[]));
    wrong(schedule(Side::Held, 0, &[(1, 100_000), (1, 100_000)]));
    wrong(schedule(Side::Held, 0, &[(1, 1_000_000)]));
    wrong(Schedule { of: 1, ..schedule(Side::Held, 0, &rows) });
    let twice = [schedule(Side::Held, 0, &rows), schedule(Side::Held, 0, &rows)];
    assert_eq!(with(&twice).unwrap_err().what, "schedules");
    // Rates that would not rise from tier to tier any more are none.
    let at = market.at(Feeds { readings: &[] }, Lens::Action, Time(0));
    assert!(matches!(at.err(), Some(Refusal::ClockWentBack { .. })));
}
