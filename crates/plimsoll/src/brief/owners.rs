//! Whose accounts stand side by side: sums, and the least healthy of them. Health is never pooled.

use super::amounts::SumChange;
use super::{AccountChange, Looking, Seen};
use crate::check::Tier;
use std::collections::{BTreeSet, HashMap};

/// An owner of several accounts.
#[derive(Clone, Debug)]
pub struct OwnerChange {
    /// Whose accounts.
    pub owner: String,
    /// How many in each book.
    pub accounts: [u64; 2],
    /// How many of those in the newer book are unknown.
    pub unknown: u64,
    /// The worst of them as they stand.
    pub worst: AccountChange,
    /// Sums by currency.
    pub sums: Vec<SumChange>,
}

/// The owners of several of these accounts, which come worst first: so many of them, and how many there are.
pub(super) fn owners(looking: &Looking<'_>, seen: &[Seen], top: usize) -> (Vec<OwnerChange>, u64) {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for one in seen {
        *counts.entry(looking.owner(one)).or_insert(0) += 1;
    }
    let several = counts.values().filter(|count| **count > 1).count() as u64;
    let mut chosen: Vec<&str> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for one in seen {
        let owner = looking.owner(one);
        if chosen.len() == top {
            break;
        }
        if counts.get(owner).is_some_and(|count| *count > 1) && known.insert(owner) {
            chosen.push(owner);
        }
    }
    let mut of: HashMap<&str, Vec<&Seen>> = HashMap::new();
    for one in seen.iter().filter(|one| known.contains(looking.owner(one))) {
        of.entry(looking.owner(one)).or_default().push(one);
    }
    let told = chosen.into_iter().filter_map(|owner| change(looking, owner, of.get(owner)?));
    (told.collect(), several)
}

fn change(looking: &Looking<'_>, owner: &str, seen: &[&Seen]) -> Option<OwnerChange> {
    let mut sums = looking.no_sums();
    for one in seen {
        sums[one.pair].add(one.tiers, &looking.split(one));
    }
    let listed = |end: usize| seen.iter().filter(|one| one.places[end].is_some()).count() as u64;
    Some(OwnerChange {
        owner: owner.to_string(),
        accounts: [listed(0), listed(1)],
        unknown: seen.iter().filter(|one| one.tiers[1] == Some(Tier::Unknown)).count() as u64,
        worst: looking.tell(seen.first()?),
        sums: super::by_currency(sums),
    })
}
