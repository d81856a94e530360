//! What to close, against every way there is.

#![allow(clippy::unwrap_used)]

mod common;

use common::Random;
use plimsoll_core::Int;
use plimsoll_margin::black76::Right;
use plimsoll_margin::choose::{Part, choose, whole};
use plimsoll_margin::liquidation::{Bucket, may_be_done};
use plimsoll_margin::pairing::{Kind, Leg, MAINTENANCE, least};

/// Every choice of lots.
fn every(parts: &[Part]) -> Vec<Vec<i128>> {
    parts.iter().fold(vec![vec![]], |all, part| {
        let longer = |lots: &Vec<i128>| {
            let lots = lots.clone();
            (0..=part.lots).map(move |more| lots.iter().copied().chain([more]).collect())
        };
        all.iter().flat_map(longer).collect()
    })
}

fn sum(parts: &[Part], lots: &[i128], of: fn(&Part) -> i128) -> i128 {
    parts.iter().zip(lots).map(|(part, lots)| of(part) * lots).sum()
}

#[test]
fn the_choice_is_the_cheapest_of_all() {
    let mut random = Random(81);
    let (mut dearer, mut none) = (0, 0);
    for number in 0..4_000 {
        let parts: Vec<Part> = (0..random.within(1, 4))
            .map(|_| Part {
                lots: random.within(0, 4),
                freed: random.within(-5, 30),
                cost: random.within(0, 9),
            })
            .collect();
        let missing = random.within(-5, 80);
        let gain = |part: &Part| part.freed - part.cost;
        let restoring = every(&parts).into_iter().filter(|lots| sum(&parts, lots, gain) >= missing);
        let cheapest = restoring.map(|lots| sum(&parts, &lots, |part| part.cost)).min();
        let found = choose(&parts, missing);
        assert_eq!(found.as_ref().map(|found| found.cost), cheapest, "{number}: {parts:?} {missing}");
        let Some(found) = found else {
            none += 1;
            continue;
        };
        assert!(found.is_least && found.lots.len() == parts.len());
        assert_eq!(found.gained, sum(&parts, &found.lots, gain));
        assert_eq!(found.cost, sum(&parts, &found.lots, |part| part.cost));
        assert!(found.gained >= missing);
        for (part, lots) in parts.iter().zip(&found.lots) {
            // Nothing that asks more of the rest, and nothing that is not needed.
            assert!(*lots == 0 || (gain(part) > 0 && found.gained - gain(part) < missing));
        }
        // The cheapest for its gain first is not always enough: whole lots of it may go too far.
        let mut order: Vec<&Part> = parts.iter().filter(|part| gain(part) > 0).collect();
        order.sort_by_key(|part| part.cost * 1_000 / gain(part));
        let (mut left, mut cost) = (missing, 0);
        for part in order {
            let lots = (left.max(0) + gain(part) - 1).div_euclid(gain(part)).min(part.lots);
            (left, cost) = (left - lots * gain(part), cost + lots * part.cost);
        }
        dearer += u32::from(cost > found.cost);
    }
    assert!(dearer > 100 && none > 300, "{dearer} {none}");
}

/// Missing 10: one lot that gains 9 at 9 is the cheapest for its gain with a second one, 18 in all; 10 at 11 alone is enough.
#[test]
fn the_cheapest_part_first_may_cost_more() {
    let part = |freed, cost, lots| Part { lots, freed, cost };
    let found = choose(&[part(18, 9, 2), part(21, 11, 1)], 10).unwrap();
    assert_eq!((found.lots, found.cost, found.gained), (vec![0, 1], 11, 10));
    // Equals by place.
    let found = choose(&[part(7, 2, 3), part(7, 2, 3)], 20).unwrap();
    assert_eq!((found.lots, found.cost), (vec![3, 1], 8));
    assert_eq!(choose(&[part(7, 2, 3)], 16), None);
    assert_eq!(choose(&[part(7, -2, 3)], 1), None);
    assert_eq!(choose(&[part(i128::MAX, 0, 2)], 1), None);
    assert_eq!(choose(&[], 0).unwrap().lots, Vec::<i128>::new());
    // Many of a kind, and a number that no sum of them meets: given up, and said.
    let many: Vec<Part> = (0..24).map(|at| part(2_000 + 2 * at, 1_000 + at, 9)).collect();
    let found = choose(&many, 50_001).unwrap();
    assert!(found.gained >= 50_001 && found.cost >= 50_001);
}

/// A call spread, and a put on something else. The long call alone may be sold, but then the short one asks as a naked one does: the spread is closed whole, or the
/// put is, and what is left asks no more than before.
#[test]
fn hedges_are_kept() {
    let option =
        |right, strike, value, lots| Leg { kind: Kind::Option { right, strike, expiry: 1, value }, lots };
    let spread = [option(Right::Call, 1_000, 50, -4), option(Right::Call, 1_200, 10, 4)];
    let put = option(Right::Put, 900, 20, -3);
    let after = |[short, long, puts]: [i128; 3]| {
        let [sold, bought] = spread;
        let calls = [Leg { lots: sold.lots + short, ..sold }, Leg { lots: bought.lots - long, ..bought }];
        let asked = |legs: &[Leg]| least(legs, 1_000, &MAINTENANCE).unwrap().asked;
        asked(&calls) + asked(&[Leg { lots: put.lots + puts, ..put }])
    };
    let before = after([0; 3]);
    assert_eq!(before, 4 * 200 + 3 * 120);
    let spreads = whole(&[(-4, -1), (4, 1)]).unwrap();
    // A lot of each: the long call, the spread, the put. Buying back costs what is owed and a fee of 3, selling the fee less the value.
    let part = |closed, lots, cost| Part { lots, freed: before - after(closed), cost };
    let parts = [part([0, 1, 0], 4, 0), part([1, 1, 0], spreads, 46), part([0, 0, 1], 3, 23)];
    assert_eq!(parts.map(|part| part.freed), [-50, 200, 120]);
    for missing in [1, 90, 200, 400, 500, 900] {
        let found = choose(&parts, missing).unwrap();
        assert_eq!(found.lots[0], 0);
        let closed = [found.lots[1], found.lots[1], found.lots[2]];
        let left = after(closed);
        assert!(left < before && before - left - found.cost >= missing, "{missing} {found:?}");
        let bucket =
            |backing, requirement| Bucket { backing: Int::new(backing), requirement: Int::new(requirement) };
        let backing = before - missing;
        assert!(may_be_done(&[(bucket(backing, before), bucket(backing - found.cost, left))]));
    }
    assert_eq!(whole(&[(7, 2), (-9, -3)]), Some(3));
    assert_eq!((whole(&[(7, 2), (9, -3)]), whole(&[(7, 0)]), whole(&[])), (Some(0), Some(0), None));
}
