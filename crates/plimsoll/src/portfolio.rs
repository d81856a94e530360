//! One owner's accounts side by side. Their health is never pooled: collateral at one venue does not protect debt at
//! another.

use crate::Misasked;
use crate::check::{Ladder, Row, row_of};
use crate::identity::Identity;
use crate::outlook::{Distance, Lookout, Outlook};
use crate::restore::{Restore, restore};
use crate::survey::{Unsound, currency};
use plimsoll_core::{Book, Decimal, Int, PriceId, Verdict};
use std::collections::BTreeMap;

/// Everything that one owner has in a book.
#[derive(Clone, Debug)]
pub struct Portfolio {
    /// What it was computed from.
    pub identity: Identity,
    /// Their accounts, in the book's order.
    pub positions: Vec<Position>,
    /// For each feed that moves any of them, which dies first.
    pub first: Vec<First>,
    /// Sums by currency; they say what is owned, not how safe it is.
    pub sums: Vec<Net>,
}

/// One of the accounts.
#[derive(Clone, Debug)]
pub struct Position {
    /// As `check` says.
    pub row: Row,
    /// What stands ahead of it.
    pub outlook: Outlook,
}

/// Who dies first when a feed moves, with all that is derived from it.
#[derive(Clone, Debug)]
pub struct First {
    /// The feed.
    pub leaf: PriceId,
    /// When it falls: the place among the positions, and how far it is.
    pub fall: Option<(usize, Distance)>,
    /// When it rises.
    pub rise: Option<(usize, Distance)>,
}

/// Sums of the accounts of one currency and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// The currency.
    pub currency: String,
    /// Digits after the point.
    pub decimals: u8,
    /// All collateral at full value.
    pub collateral: Int,
    /// All debt.
    pub debt: Int,
    /// The difference.
    pub equity: Int,
    /// Interest of a year that holdings earn; `None` where a price is missing.
    pub earned: Option<Int>,
    /// Interest of a year that is owed.
    pub paid: Option<Int>,
}

/// The accounts of an owner of a book, at the book's own time.
///
/// # Errors
/// When a market cannot stand at that time. Names the market.
pub fn portfolio(book: &Book, owner: &str, ladder: &Ladder) -> Result<Portfolio, Unsound> {
    let lookout = Lookout::new(book, book.at)?;
    let mut positions = Vec::new();
    for (place, listed) in book.accounts.iter().enumerate().filter(|(_, listed)| listed.owner == owner) {
        let row = row_of(book, place, ladder);
        let row = row.map_err(|refusal| (book.markets[listed.market].name.clone(), refusal))?;
        positions.push(Position { row, outlook: lookout.of(place) });
    }
    Ok(Portfolio {
        identity: lookout.identity(),
        first: first(&positions),
        sums: sums(book, &positions),
        positions,
    })
}

fn first(positions: &[Position]) -> Vec<First> {
    let mut found: BTreeMap<PriceId, First> = BTreeMap::new();
    for (at, position) in positions.iter().enumerate() {
        for factor in position.outlook.factors.iter().filter(|f| f.boundary.today == Verdict::Healthy) {
            let leaf = factor.leaf;
            let entry = found.entry(leaf).or_insert(First { leaf, fall: None, rise: None });
            for (place, distance) in [(&mut entry.fall, factor.down), (&mut entry.rise, factor.up)] {
                let Some(distance) = distance else { continue };
                let nearer =
                    place.is_none_or(|(_, known)| distance.parts.magnitude() < known.parts.magnitude());
                if nearer {
                    *place = Some((at, distance));
                }
            }
        }
    }
    found.into_values().collect()
}

fn sums(book: &Book, positions: &[Position]) -> Vec<Net> {
    let mut sums: BTreeMap<(String, u8), Net> = BTreeMap::new();
    for position in positions {
        let Ok(seen) = position.row.borrowing.own else { continue };
        let market = &*book.markets[book.accounts[position.row.account].market].market;
        let (currency, decimals) = (currency(market), seen.unit.decimals);
        let net = sums.entry((currency.clone(), decimals)).or_insert_with(|| Net {
            currency,
            decimals,
            collateral: Int::ZERO,
            debt: Int::ZERO,
            equity: Int::ZERO,
            earned: Some(Int::ZERO),
            paid: Some(Int::ZERO),
        });
        let add = |sum: &mut Int, value: Int| *sum = sum.add(value).unwrap_or(*sum);
        add(&mut net.collateral, seen.collateral);
        add(&mut net.debt, seen.debt);
        net.equity = net.collateral.sub(net.debt).unwrap_or(Int::ZERO);
        let carry = position.outlook.carry.filter(|carry| carry.decimals == decimals);
        let more = |sum: Option<Int>, value: Option<Int>| sum?.add(value?);
        net.earned = more(net.earned, carry.map(|carry| carry.earned));
        net.paid = more(net.paid, carry.map(|carry| carry.paid));
    }
    sums.into_values().collect()
}

/// What brings each of an owner's accounts to a health, those that have it already left out: see [`restore`].
///
/// # Errors
/// As [`restore`].
pub fn restore_all(
    book: &Book,
    owner: &str,
    target: Decimal,
    seconds: u64,
) -> Result<Vec<Restore>, Misasked> {
    let mut answers = Vec::new();
    for place in (0..book.accounts.len()).filter(|&place| book.accounts[place].owner == owner) {
        let answer = restore(book, place, target, seconds)?;
        let short = answer.health.is_some_and(|health| health.is_below(target));
        if short {
            answers.push(answer);
        }
    }
    Ok(answers)
}
