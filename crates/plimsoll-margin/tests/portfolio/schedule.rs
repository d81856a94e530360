//! Margins of underlyings that change with time.

use crate::world::{NOW, Random, account, market, prices, readings};
use plimsoll_core::{Assessment, Feeds, Lens, Market as _, Test, Time, Venue};
use plimsoll_margin::portfolio::{Market, Model, Portfolio, Scenario, Spec, Vol};
use plimsoll_margin::schedule::{Schedule, Side};

fn of(moves: [i32; 2]) -> Model {
    let mut scenarios = Vec::new();
    for moves in [moves[0], moves[0] / 2, 0, moves[1] / 2, moves[1]] {
        scenarios.extend(Vol::ALL.map(|vol| Scenario { moves, vol, counts: 1_000_000 }));
    }
    // What is dampened stays as it is.
    scenarios.push(Scenario { moves: -660_000, vol: Vol::Up, counts: 200_000 });
    Model {
        scenarios,
        vol_up: 500_000,
        vol_down: 250_000,
        short_power: 300_000,
        long_power: 130_000,
        basis: 3_000,
        basis_per_year: 30_000,
        short_options: 10_000,
        maintenance: 800_000,
        days: Vec::new(),
    }
}

fn asks(market: &Market, account: &plimsoll_core::Account, prices: &[u64], at: Time) -> [Assessment; 2] {
    let readings = readings(prices);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
    [Test::Liquidation, Test::Borrow].map(|test| quoted.verdict(account, test).unwrap())
}

/// A model of 16 % whose bitcoin has margins of 20 % for who holds and 10 % for who owes asks what a model of -20 % and +10 % asks of who only has bitcoin, from the second on at
/// which they come into force; before, and of who only has ether, what it always asked.
#[test]
fn scheduled_margins_scale_the_scenarios() {
    let mut random = Random(91);
    let (mut moved, mut other) = (0, 0);
    for case in 0..60 {
        let (at, rows) = (Time(NOW.0 + 50), |rate| vec![(Time(NOW.0 + 50), rate)]);
        let base: Spec = market(&mut random).spec().clone();
        let plain = Market::new(Spec { model: of([-160_000, 160_000]), ..base.clone() }).unwrap();
        let wider = Market::new(Spec { model: of([-200_000, 100_000]), ..base.clone() }).unwrap();
        let schedule = |side, rate| Schedule { of: 0, side, step: 0, keeps: 1_000_000, rows: rows(rate) };
        let schedules = vec![schedule(Side::Held, 200_000), schedule(Side::Owed, 100_000)];
        let scheduled = Market::new(Spec { schedules, ..plain.spec().clone() }).unwrap();
        let mut bytes = Vec::new();
        scheduled.encode(&mut bytes);
        assert_eq!(Market::of(&*Portfolio.open(&bytes).unwrap()).unwrap().spec(), scheduled.spec());
        let (mut one, prices) = (account(&mut random, &plain), prices(&mut random));
        let bitcoin = case % 2 == 0;
        for contract in 0..base.contracts.len() {
            if (base.contracts[contract].underlying == 0) != bitcoin {
                one.set(plain.base(contract), plimsoll_core::Int::ZERO);
            }
        }
        assert_eq!(
            asks(&scheduled, &one, &prices, Time(NOW.0 + 49)),
            asks(&plain, &one, &prices, Time(NOW.0 + 49)),
            "{case}"
        );
        let expected = if bitcoin { &wider } else { &plain };
        let found = asks(&scheduled, &one, &prices, at);
        assert_eq!(found, asks(expected, &one, &prices, at), "{case}");
        moved += usize::from(bitcoin && found != asks(&plain, &one, &prices, at));
        other += usize::from(!bitcoin);
    }
    assert!(moved > 15 && other > 15, "{moved} {other}");
}
