//! Pairing of options, against every pairing there is.

#![allow(clippy::unwrap_used)]

mod common;

use common::Random;
use plimsoll_margin::black76::Right;
use plimsoll_margin::pairing::{Kind, Leg, MAINTENANCE, Pair, Rates, least, requirement, worst_payoff};

/// One lot, by what it is: the sign of the lot, and of an option call, strike, expiry and value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    long: bool,
    option: Option<(bool, i128, u64, i128)>,
}

fn up(of: i128, rate: u32) -> i128 {
    (of * i128::from(rate) + 999_999) / 1_000_000
}

/// The table of the crate's header, written down again: one lot alone.
fn alone(unit: Unit, u: i128, rates: &Rates) -> i128 {
    match unit.option {
        None if unit.long => up(u, rates.long),
        None => u + up(u, rates.short),
        Some(_) if unit.long => 0,
        Some((call, k, _, v)) => {
            let (out, base) = if call { ((k - u).max(0), u) } else { ((u - k).max(0), k) };
            v + (up(u, rates.naked) - out).max(up(base, rates.least))
        }
    }
}

/// Any two lots in either order.
fn two(x: Unit, y: Unit, u: i128, rates: &Rates) -> Option<i128> {
    let (a, b) = (alone(x, u, rates), alone(y, u, rates));
    match (x.long, x.option, y.long, y.option) {
        (false, Some((true, k, ..)), true, None) => Some(up(u.min(k), rates.long) + (u - k).max(0)),
        (false, Some((false, k, ..)), false, None) => Some(u + up(u, rates.short) + (k - u).max(0)),
        (false, Some((true, _, _, v)), false, Some((false, _, _, w))) => Some((a + w).max(b + v)),
        (false, Some((true, k, e, _)), true, Some((true, l, f, _))) if f >= e => Some((l - k).max(0)),
        (false, Some((false, k, e, _)), true, Some((false, l, f, _))) if f >= e => Some((k - l).max(0)),
        (true, Some((false, k, ..)), true, None) => Some(b.min(up(k, rates.protected) + (u - k).max(0))),
        (true, Some((true, k, ..)), false, None) => Some(b.min(u + up(k, rates.protected) + (k - u).max(0))),
        _ => None,
    }
}

/// The least of all ways to pair, by trying each: any two may go together, whichever side they are on.
fn tried(units: &[Unit], u: i128, rates: &Rates) -> i128 {
    let Some((first, rest)) = units.split_first() else { return 0 };
    let mut best = alone(*first, u, rates) + tried(rest, u, rates);
    for (place, other) in rest.iter().enumerate() {
        let pair = two(*first, *other, u, rates).or_else(|| two(*other, *first, u, rates));
        if let Some(pair) = pair {
            let mut left = rest.to_vec();
            left.remove(place);
            best = best.min(pair + tried(&left, u, rates));
        }
    }
    best
}

/// The pair that saves most first, then the next.
fn greedy(units: &[Unit], u: i128, rates: &Rates) -> i128 {
    let (mut left, mut asked) = (units.to_vec(), 0);
    loop {
        let mut best = (0, 0, 0);
        for x in 0..left.len() {
            for y in 0..left.len() {
                if let Some(pair) = two(left[x], left[y], u, rates).filter(|_| x != y) {
                    let saved = alone(left[x], u, rates) + alone(left[y], u, rates) - pair;
                    if saved > best.0 {
                        best = (saved, x, y);
                    }
                }
            }
        }
        let (saved, x, y) = best;
        if saved == 0 {
            return asked + left.iter().map(|unit| alone(*unit, u, rates)).sum::<i128>();
        }
        asked += two(left[x], left[y], u, rates).unwrap();
        left.remove(x.max(y));
        left.remove(x.min(y));
    }
}

fn leg(unit: Unit, lots: i128) -> Leg {
    let kind = match unit.option {
        None => Kind::Underlying,
        Some((call, strike, expiry, value)) => {
            Kind::Option { right: if call { Right::Call } else { Right::Put }, strike, expiry, value }
        }
    };
    Leg { kind, lots: if unit.long { lots } else { -lots } }
}

fn random_unit(random: &mut Random, u: i128) -> Unit {
    let long = random.next().is_multiple_of(2);
    if random.next().is_multiple_of(4) {
        return Unit { long, option: None };
    }
    let (call, strike) = (random.next().is_multiple_of(2), random.within(80, 120));
    let inside = if call { u - strike } else { strike - u };
    let value = inside.max(0) + random.within(0, 6);
    Unit { long, option: Some((call, strike, random.within(0, 2) as u64, value)) }
}

#[test]
fn a_pairing_asks_the_least_of_all() {
    let mut random = Random(91);
    let (mut paired, mut dearer) = (0, 0);
    for number in 0..3_000 {
        let u = random.within(85, 115);
        let rates = Rates {
            naked: random.within(50_000, 300_000) as u32,
            least: random.within(0, 150_000) as u32,
            long: random.within(0, 500_000) as u32,
            short: random.within(0, 500_000) as u32,
            protected: random.within(0, 200_000) as u32,
        };
        let (mut units, mut legs): (Vec<Unit>, Vec<Leg>) = (Vec::new(), Vec::new());
        for _ in 0..random.within(3, 7) {
            let (unit, lots) = (random_unit(&mut random, u), random.within(0, 2));
            if units.len() + lots as usize <= 8 {
                units.extend((0..lots).map(|_| unit));
                legs.push(leg(unit, lots));
            }
        }
        let found = least(&legs, u, &rates).unwrap();
        assert_eq!(found.asked, tried(&units, u, &rates), "{number}: {u} {rates:?} {legs:?}");
        // The pairs are there, and ask what is said.
        let mut left: Vec<i128> = legs.iter().map(|leg| leg.lots.abs()).collect();
        for pair in &found.pairs {
            left[pair.falling] -= pair.lots;
            left[pair.rising] -= pair.lots;
        }
        assert!(left.iter().all(|left| *left >= 0));
        paired += usize::from(!found.pairs.is_empty());
        dearer += usize::from(greedy(&units, u, &rates) > found.asked);
    }
    assert!(paired > 1_500 && dearer > 20, "{paired} {dearer}");
}

/// Many lots and legs: the flow gives what it gives lot by lot, and its pairs in any order of the legs.
#[test]
fn lots_are_counted_and_not_listed() {
    let mut random = Random(92);
    for _ in 0..300 {
        let legs: Vec<Leg> = (0..10)
            .map(|_| {
                let unit = random_unit(&mut random, 100);
                leg(unit, random.within(0, 9))
            })
            .collect();
        let asked = |legs: &[Leg]| least(legs, 100, &MAINTENANCE).unwrap().asked;
        let one_by_one: Vec<Leg> = legs
            .iter()
            .flat_map(|leg| (0..leg.lots.abs()).map(|_| Leg { lots: leg.lots.signum(), ..*leg }))
            .collect();
        let many: Vec<Leg> =
            legs.iter().map(|leg| Leg { lots: leg.lots * 1_000_000_000_000, ..*leg }).collect();
        let mut turned = legs.clone();
        turned.reverse();
        assert_eq!(asked(&legs), asked(&one_by_one));
        assert_eq!(asked(&legs), asked(&turned));
        assert_eq!(asked(&legs) * 1_000_000_000_000, asked(&many));
    }
}

fn option(long: bool, call: bool, strike: i128, value: i128) -> Unit {
    Unit { long, option: Some((call, strike, 1, value)) }
}

/// At 60 each short call asks 1 + 6. The one at 120 is covered in full by the long one at 103, which saves 7, more than any other pair; but then the one at 100
/// has only the long one at 121, which is no help. Paired by neighbours, they ask 3 and 1.
#[test]
fn the_best_pair_first_is_not_the_best_of_all() {
    let units = [
        option(false, true, 100, 1),
        option(false, true, 120, 1),
        option(true, true, 103, 1),
        option(true, true, 121, 1),
    ];
    let legs = units.map(|unit| leg(unit, 1));
    assert_eq!(greedy(&units, 60, &MAINTENANCE), 7);
    let found = least(&legs, 60, &MAINTENANCE).unwrap();
    let pair = |falling, rising| Pair { falling, rising, lots: 1 };
    assert_eq!((found.asked, found.pairs), (4, vec![pair(0, 2), pair(1, 3)]));
}

/// The worst of a combo of one expiry is that of a scan of every price; a condor asks the wider of its spreads, and two spreads ask both.
#[test]
fn combos_are_asked_for_their_worst() {
    let mut random = Random(93);
    let (mut bounded, mut lower) = (0, 0);
    for _ in 0..3_000 {
        let u = random.within(85, 115);
        let legs: Vec<Leg> = (0..random.within(1, 5))
            .map(|_| {
                let mut unit = random_unit(&mut random, u);
                unit.option = unit.option.map(|(call, strike, _, value)| (call, strike, 1, value));
                leg(unit, random.within(1, 2))
            })
            .collect();
        let payoff = |settled: i128| -> i128 {
            let one = |leg: &Leg| match leg.kind {
                Kind::Underlying => settled - u,
                Kind::Option { right: Right::Call, strike, .. } => (settled - strike).max(0),
                Kind::Option { right: Right::Put, strike, .. } => (strike - settled).max(0),
            };
            legs.iter().map(|leg| leg.lots * one(leg)).sum()
        };
        let worst = (0..=400).map(|settled| -payoff(settled)).max().unwrap().max(0);
        let found = worst_payoff(&legs, u);
        if payoff(401) < payoff(400) {
            assert_eq!(found, None);
        } else {
            assert_eq!(found, Some(worst), "{u} {legs:?}");
            bounded += 1;
        }
        let paired = least(&legs, u, &MAINTENANCE).unwrap().asked;
        let asked = requirement(&legs, u, &MAINTENANCE).unwrap();
        assert_eq!(asked, found.map_or(paired, |worst| worst.min(paired)));
        lower += u32::from(asked < paired);
    }
    assert!(bounded > 800 && lower > 100, "{bounded} {lower}");
    let condor = [
        option(true, false, 85, 1),
        option(false, false, 90, 3),
        option(false, true, 110, 3),
        option(true, true, 113, 1),
    ]
    .map(|unit| leg(unit, 1));
    assert_eq!(least(&condor, 100, &MAINTENANCE).unwrap().asked, 8);
    assert_eq!(requirement(&condor, 100, &MAINTENANCE), Some(5));
    let mut calendar = condor;
    if let Kind::Option { expiry, .. } = &mut calendar[3].kind {
        *expiry = 2;
    }
    assert_eq!(worst_payoff(&calendar, 100), None);
    assert_eq!(requirement(&calendar, 100, &MAINTENANCE), Some(8));
}

#[test]
fn what_cannot_be_is_none() {
    let call = leg(option(false, true, 100, 5), 1);
    assert_eq!(least(&[call], -1, &MAINTENANCE), None);
    assert_eq!(least(&[leg(option(true, true, -1, 5), 1)], 1, &MAINTENANCE), None);
    assert_eq!(least(&[leg(option(true, true, 1, -5), 1)], 1, &MAINTENANCE), None);
    assert_eq!(least(&[Leg { lots: i128::MIN, ..call }], 1, &MAINTENANCE), None);
    assert_eq!(worst_payoff(&[Leg { lots: i128::MAX, ..call }; 2], 1), None);
    assert_eq!(least(&[], 1, &MAINTENANCE).map(|found| found.asked), Some(0));
    assert_eq!(worst_payoff(&[], 1), Some(0));
}
