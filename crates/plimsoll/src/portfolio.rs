//! One owner's accounts side by side. Their health is never pooled: collateral at one venue does not protect debt at
//! another.

use crate::Misasked;
use crate::check::{Ladder, Row, row_of};
use crate::identity::Identity;
use crate::outlook::{Distance, Good, Lookout, Outlook};
use crate::restore::{Restore, restore};
use crate::survey::{Unsound, currency, one_a_currency};
use plimsoll_core::{
    Assessment, Book, Decimal, Int, Kind, ListedMarket, PriceId, Reading, Refusal, Verdict, Why,
};
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
    /// The places of those among the positions that are below their line already.
    pub dead: Vec<usize>,
    /// The places of those that owe, or may owe, and that the venue has no answer about, with its reason: they stand in
    /// none of `first`, `sums` and [`restore_all`].
    pub unknown: Vec<(usize, Refusal)>,
    /// The places of those that are in no sum, and why not: something that they hold or owe has no value.
    pub unsummed: Vec<(usize, Refusal)>,
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
    /// How many accounts are in the sums.
    pub accounts: u64,
    /// All collateral at full value.
    pub collateral: Int,
    /// All that is owned, collateral or not.
    pub owned: Int,
    /// All debt.
    pub debt: Int,
    /// Owned less debt.
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
    let (sums, unsummed) = sums(book, &positions);
    let judged = || positions.iter().map(|position| &position.row.liquidation).enumerate();
    let dead = judged().filter(|(_, judgement)| {
        judgement.verdict() == Some(Verdict::Unhealthy)
            || judgement.own.is_ok_and(|own| own.verdict == Verdict::Unhealthy)
    });
    let owing = judged().filter(|(_, judgement)| judgement.verdict() != Some(Verdict::NoDebt));
    Ok(Portfolio {
        identity: lookout.identity(),
        first: first(&positions),
        dead: dead.map(|(at, _)| at).collect(),
        unknown: owing.filter_map(|(at, judgement)| Some((at, judgement.own.err()?))).collect(),
        sums,
        unsummed,
        positions,
    })
}

fn first(positions: &[Position]) -> Vec<First> {
    let mut found: BTreeMap<PriceId, First> = BTreeMap::new();
    for (at, position) in positions.iter().enumerate() {
        // Who is below the line already is told as that.
        if position.row.liquidation.own.is_ok_and(|own| own.verdict == Verdict::Unhealthy) {
            continue;
        }
        for factor in position.outlook.factors.iter().filter(|f| f.boundary.today == Verdict::Healthy) {
            let leaf = factor.leaf;
            let entry = found.entry(leaf).or_insert(First { leaf, fall: None, rise: None });
            for (place, distance) in [(&mut entry.fall, factor.down), (&mut entry.rise, factor.up)] {
                let Some(distance) = distance.filter(|distance| !distance.is_dust()) else { continue };
                if place.is_none_or(|(_, known)| distance.way < known.way) {
                    *place = Some((at, distance));
                }
            }
        }
    }
    found.into_values().collect()
}

/// The sums, and who is in none of them.
fn sums(book: &Book, positions: &[Position]) -> (Vec<Net>, Vec<(usize, Refusal)>) {
    let quotes = book.graph.quotes(book.at);
    let mut sums: BTreeMap<(String, u8), Net> = BTreeMap::new();
    let mut unsummed = Vec::new();
    for (at, position) in positions.iter().enumerate() {
        let listed = &book.markets[book.accounts[position.row.account].market];
        let added = position.row.borrowing.own.and_then(|seen| {
            let owned = owned(book, listed, position, &book.readings(listed, &quotes))?;
            let (currency, decimals) = (currency(&*listed.market), seen.unit.decimals);
            let net = sums.entry((currency.clone(), decimals)).or_insert_with(|| Net {
                currency,
                decimals,
                accounts: 0,
                collateral: Int::ZERO,
                owned: Int::ZERO,
                debt: Int::ZERO,
                equity: Int::ZERO,
                earned: Some(Int::ZERO),
                paid: Some(Int::ZERO),
            });
            *net = net.with(&seen, owned, position).ok_or(Refusal::Overflow("the sum of the accounts"))?;
            Ok(())
        });
        unsummed.extend(added.err().map(|why| (at, why)));
    }
    let sums = sums.into_values().filter(|net| net.accounts > 0);
    (one_a_currency(sums, |net| (&net.currency, net.decimals), Net::sum), unsummed)
}

impl Net {
    /// Two sums, each times a factor, in the unit of the first.
    fn sum(&self, other: &Net, [one, by]: [Int; 2]) -> Option<Net> {
        let add = |x: Int, y: Int| x.mul(one)?.add(y.mul(by)?);
        let open = |x: Option<Int>, y: Option<Int>| add(x?, y?);
        Some(Net {
            currency: self.currency.clone(),
            decimals: self.decimals,
            accounts: self.accounts + other.accounts,
            collateral: add(self.collateral, other.collateral)?,
            owned: add(self.owned, other.owned)?,
            debt: add(self.debt, other.debt)?,
            equity: add(self.equity, other.equity)?,
            earned: open(self.earned, other.earned),
            paid: open(self.paid, other.paid),
        })
    }

    /// The sums with one account more; `None` beyond 256 bits.
    fn with(&self, seen: &Assessment, owned: Int, position: &Position) -> Option<Net> {
        let carry = position.outlook.carry.filter(|carry| carry.decimals == self.decimals);
        let more = |sum: Option<Int>, value: Option<Int>| sum?.add(value?);
        let (owned, debt) = (self.owned.add(owned)?, self.debt.add(seen.debt)?);
        Some(Net {
            currency: self.currency.clone(),
            decimals: self.decimals,
            accounts: self.accounts + 1,
            collateral: self.collateral.add(seen.collateral)?,
            owned,
            debt,
            equity: owned.sub(debt)?,
            earned: more(self.earned, carry.map(|carry| carry.earned)),
            paid: more(self.paid, carry.map(|carry| carry.paid)),
        })
    }
}

/// The value of all that an account owns, whether or not it counts as collateral (account unit).
fn owned(
    book: &Book,
    listed: &ListedMarket,
    position: &Position,
    readings: &[Reading],
) -> Result<Int, Refusal> {
    let account = &book.accounts[position.row.account].account;
    let mut sum = Int::ZERO;
    for Good { instrument, balance, .. } in &position.outlook.holdings {
        let spec = listed.market.instruments().get(instrument.index());
        let spec = spec.ok_or(Refusal::NoSuchInstrument(*instrument))?;
        let owes = match spec.kind {
            Kind::Asset | Kind::Receipt => false,
            Kind::Debt => true,
            Kind::Balance | Kind::Derivative => account.quantity(*instrument).is_negative(),
        };
        if owes {
            continue;
        }
        let missing = || {
            let slot = listed.market.slots().iter().position(|slot| slot.asset == spec.asset).unwrap_or(0);
            let why = readings.get(slot).and_then(|reading| reading.doubt).unwrap_or(Why::Missing);
            Refusal::PriceUnknown { slot, why }
        };
        let value = (*balance)?.value.ok_or_else(missing)?;
        sum = sum.add(Int::from(value)).ok_or(Refusal::Overflow("the sum of the holdings"))?;
    }
    Ok(sum)
}

/// What brings each of an owner's accounts to a health, those left out that have it already or of which none is known:
/// see [`restore`] and [`Portfolio::unknown`].
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
