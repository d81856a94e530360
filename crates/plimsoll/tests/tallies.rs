//! What a whole book looks like after a scenario, beside `check` and `exposure` of the same book.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::example;
use plimsoll::{Jump, Ladder, Misasked, Of, Said, Stands, Stress, Tallies, check, exposure};
use plimsoll_core::{Decimal, FeedKind, How, Int, Scenario, Shock, Target, U256, Verdict};
use std::collections::{BTreeMap, BTreeSet};

const BOOKS: [&str; 10] = [
    "treasury",
    "lending",
    "compound_v3",
    "liquity",
    "maker",
    "hubs",
    "crash",
    "loopers",
    "wrapped",
    "margin",
];

fn jumps(stress: &Stress<'_>) -> Vec<Jump> {
    let fall = |factor: &str| {
        let kinds = vec![FeedKind::Oracle, FeedKind::Market];
        let factor: Decimal = factor.parse().expect("a decimal");
        let shock = Shock { target: Target::Collateral { kinds }, how: How::Factor(factor), liquidity: None };
        Scenario::of_prices("fall", Vec::new(), vec![shock])
    };
    // What is not collateral stands still.
    let held = |factor: &str| {
        let mut said = Said::default();
        loop {
            match stress.jump(&fall(factor), &said) {
                Ok(jump) => return jump,
                Err(Misasked::Unsaid { missing, .. }) => {
                    said.hold.extend(missing.iter().map(|(name, _)| name.clone()));
                }
                Err(why) => panic!("{why}"),
            }
        }
    };
    vec![stress.stand().expect("it stands"), held("0.9"), held("0.6")]
}

/// Everybody is in one class, unknown, or without debt; classes are cut where they say; money is that of `check`, and what backs the
/// liquidatable that of `exposure`.
#[test]
fn every_account_is_tallied_once_and_its_money_with_it() {
    let (mut classes, mut backed, mut bankrupt) = (0, 0, 0);
    for name in BOOKS {
        let book = example(name);
        let stress = Stress::new(&book).expect("a book");
        for jump in jumps(&stress) {
            let Tallies { by_health, at_risk, unvalued, owners, unknown, no_debt } =
                jump.tallies().expect("it stands");
            let after = &jump.shocked.book;
            let judged = check(after, after.at, &Ladder::default()).expect("it stands");
            let all: u64 = by_health.iter().map(|class| class.accounts).sum();
            assert_eq!(all + unknown.accounts + no_debt, after.accounts.len() as u64, "{name}");
            assert_eq!(no_debt, jump.after.no_debt, "{name}");
            assert!(unknown.accounts >= jump.after.unknown, "{name}");
            // Each class by the health that `check` shows.
            let known = |row: &&plimsoll::Row| {
                let sunk = row.liquidation.verdict() == Some(Verdict::Unhealthy);
                (row.health.is_some() || sunk)
                    && !matches!(row.liquidation.verdict(), None | Some(Verdict::NoDebt))
            };
            for class in &by_health {
                let inside = judged.rows.iter().filter(known).filter(|row| {
                    // Whose backing is below zero is in the lowest.
                    let Some(health) = row.health.as_ref() else { return class.from.is_none() };
                    class.from.is_none_or(|from| !health.is_below(from))
                        && class.below.is_none_or(|below| health.is_below(below))
                });
                assert_eq!(
                    inside.count() as u64,
                    class.accounts,
                    "{name} {:?} {:?}",
                    class.from,
                    class.below
                );
                classes += usize::from(class.accounts > 0);
            }
            // Money, by currency: in one unit in all classes, and once in each.
            let mut money: BTreeMap<&str, [Int; 4]> = BTreeMap::new();
            let all = || by_health.iter().chain([&unknown]);
            let units: BTreeMap<&str, u8> = all()
                .flat_map(|class| &class.totals)
                .map(|total| (total.currency.as_str(), total.decimals))
                .collect();
            for class in all() {
                let names: BTreeSet<&str> =
                    class.totals.iter().map(|total| total.currency.as_str()).collect();
                assert_eq!(names.len(), class.totals.len(), "{name}");
                let one_unit =
                    class.totals.iter().all(|total| units[total.currency.as_str()] == total.decimals);
                assert!(one_unit, "{name}: {:?}", class.totals);
            }
            let assets: BTreeSet<(&str, &str)> =
                at_risk.iter().map(|it| (it.currency.as_str(), it.asset.as_str())).collect();
            assert_eq!(assets.len(), at_risk.len(), "{name}: {at_risk:?}");
            for total in all().flat_map(|class| &class.totals) {
                let sums = money.entry(&total.currency).or_insert([Int::ZERO; 4]);
                let parts =
                    [total.debt, total.uncovered, total.collateral_liquidatable, total.debt_liquidatable];
                for (sum, part) in sums.iter_mut().zip(parts) {
                    *sum = sum.add(part).expect("small");
                }
            }
            for total in &judged.totals {
                let up = units.get(total.currency.as_str()).map_or(0, |finest| finest - total.decimals);
                let up = Int::from(U256::pow10(up).expect("small"));
                let sums = money.get(total.currency.as_str()).copied().unwrap_or([Int::ZERO; 4]);
                let told =
                    [total.debt, total.uncovered, total.collateral_liquidatable, total.debt_liquidatable];
                let told = told.map(|it| it.mul(up).expect("small"));
                assert_eq!(sums, told, "{name} {}", total.currency);
            }
            // What backs them, position by position.
            let mut value: BTreeMap<(String, String), (u64, Int)> = BTreeMap::new();
            let mut without = 0;
            for below in &jump.below {
                let listed = &after.accounts[below.account];
                let market = &*after.markets[listed.market].market;
                let answer = exposure(after, Of::Account(below.account)).expect("it stands");
                without += answer.unknown.len() as u64;
                for held in answer.held.iter().filter(|held| held.stands == Stands::Collateral) {
                    let asset = market.instruments()[held.instrument.index()].asset.clone();
                    let currency = market.slots()[0].currency.clone();
                    let sum = value.entry((currency, asset)).or_insert((0, Int::ZERO));
                    let up = units[market.slots()[0].currency.as_str()] - held.decimals;
                    let value = Int::from(held.value).mul(Int::from(U256::pow10(up).expect("small")));
                    *sum = (sum.0 + 1, sum.1.add(value.expect("small")).expect("small"));
                    backed += 1;
                }
            }
            let row =
                |it: &plimsoll::Backing| ((it.currency.clone(), it.asset.clone()), (it.positions, it.value));
            let mut told: BTreeMap<(String, String), (u64, Int)> = at_risk.iter().map(row).collect();
            assert!(unvalued <= without, "{name}: {unvalued} of {without}");
            value.retain(|_, (_, value)| !value.is_zero());
            told.retain(|_, (_, value)| !value.is_zero());
            assert_eq!(told.keys().collect::<Vec<_>>(), value.keys().collect::<Vec<_>>(), "{name}");
            assert!(told.iter().all(|(key, (_, sum))| value[key].1 == *sum), "{name}: {told:?} {value:?}");
            // Each owner once, with the least of their healths, the worst first.
            let mut least: BTreeMap<&str, Option<plimsoll::Ratio>> = BTreeMap::new();
            let mut sunk: BTreeSet<&str> = BTreeSet::new();
            for row in judged.rows.iter().filter(|row| row.liquidation.verdict() != Some(Verdict::NoDebt)) {
                let known = row.health.filter(|_| row.liquidation.verdict().is_some());
                if row.health.is_none() && row.liquidation.verdict() == Some(Verdict::Unhealthy) {
                    sunk.insert(after.accounts[row.account].owner.as_str());
                }
                let lowest = least.entry(&after.accounts[row.account].owner).or_insert(None);
                *lowest = match (*lowest, known) {
                    (Some(x), Some(y)) => Some(x.min(y)),
                    (x, y) => x.or(y),
                };
            }
            assert_eq!(owners.len(), least.len(), "{name}");
            bankrupt += sunk.len();
            // Before all others those whose backing is below zero.
            let (first, owners) = owners.split_at(sunk.len());
            assert!(first.iter().all(|one| one.health.is_none() && one.account.is_some()), "{name}");
            assert!(first.iter().all(|one| sunk.contains(one.owner.as_str())), "{name}");
            for lowest in owners {
                let known = least[lowest.owner.as_str()];
                assert_eq!(lowest.health.map(|it| it.to_string()), known.map(|it| it.to_string()), "{name}");
            }
            let healths: Vec<_> = owners.iter().map_while(|lowest| lowest.health).collect();
            assert!(healths.is_sorted(), "{name}");
            assert!(owners[healths.len()..].iter().all(|lowest| lowest.health.is_none()), "{name}");
        }
    }
    assert!(classes > 60 && backed > 50 && bankrupt > 0, "{classes} {backed} {bankrupt}");
}
