//! So much of one asset for several accounts: the split that makes the least healthy of them as healthy as can be.

use crate::ask::{Misasked, Sum, asset_decimals};
use crate::bounds;
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::restore::{Enough, Hindrance, least};
use plimsoll_core::{
    Assessment, Book, Decimal, InstrumentId, Int, Judgement, Kind, Lens, Reading, Refusal, Standing, Test,
    U256, Verdict,
};

/// Healths are tried in steps of 10^-`STEP`.
const STEP: u8 = 6;
/// No health above a thousand is aimed at.
const HIGHEST: u64 = 1_000_000_000;

/// The answer.
#[derive(Clone, Debug)]
pub struct Split {
    /// What it was computed from.
    pub identity: Identity,
    /// The asset.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// How much of it there is (raw).
    pub with: U256,
    /// The health that every account that it can help has afterwards, in steps of 1e-6: a step more would take more
    /// than there is. `None` where there is none to help.
    pub health: Option<Decimal>,
    /// Who gets how much.
    pub parts: Vec<Part>,
    /// The health is the highest that is aimed at, and what is left might bring more.
    pub highest: bool,
    /// What is left (raw).
    pub left: U256,
    /// What is said of each account of the owner as it stands, by its place in the book: where a price is doubtful,
    /// what is said of it here holds at the price that the venue would use.
    pub judgements: Vec<(usize, Judgement)>,
    /// Accounts that owe and that the asset cannot help to a better health, with the health they have.
    pub stuck: Vec<(usize, Option<Ratio>)>,
    /// Accounts that owe, or may owe, and that the venue has no answer about, with its reason: they get nothing, and the
    /// health is of the others.
    pub unknown: Vec<(usize, Refusal)>,
}

/// What one account gets.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The account's place in the book.
    pub account: usize,
    /// What the asset becomes there: a receipt that it is put into, or a debt that is paid.
    pub instrument: InstrumentId,
    /// Whether a debt is paid.
    pub repays: bool,
    /// How much (raw), and what it brings about.
    pub enough: Enough,
}

/// An account that owes, with the ways in which the asset may help it.
struct Side {
    account: usize,
    health: Option<Ratio>,
    ways: Vec<(InstrumentId, Kind)>,
}

/// Splits an amount of an asset among the accounts of an owner, at the book's own time, so that the smallest health
/// of them becomes as large as it can be.
///
/// Health is backing over requirement, by each venue's own integers after its own action; the least amounts are those
/// of [`restore`](crate::restore).
///
/// # Errors
/// When no market of theirs knows the asset, the amount is not one of it, or a market cannot be asked.
pub fn split(book: &Book, owner: &str, asset: &str, with: Sum) -> Result<Split, Misasked> {
    let quotes = book.graph.quotes(book.at);
    let all: Vec<Vec<Reading>> = book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let readings: Vec<Vec<Reading>> = all.iter().map(|readings| bounds::points(readings)).collect();
    let mine: Vec<usize> =
        (0..book.accounts.len()).filter(|&place| book.accounts[place].owner == owner).collect();
    let markets = mine.iter().map(|&place| &*book.markets[book.accounts[place].market].market);
    let decimals = markets.filter_map(|market| asset_decimals(market, asset)).next().ok_or_else(|| {
        Misasked::NoSuch { what: format!("asset of {owner}"), found: asset.into(), known: Vec::new() }
    })?;
    let Sum::Exactly(sum) = with else {
        return Err(Misasked::NoSuch { what: "amount".into(), found: "all".into(), known: Vec::new() });
    };
    let wrong = |error| Misasked::NoAmount { asset: asset.into(), found: sum, error };
    let with = sum.scaled_amount(decimals).map_err(wrong)?;
    let (mut sides, mut judgements, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for &place in &mine {
        let listed = &book.accounts[place];
        let named = &book.markets[listed.market];
        let stands = |refusal| Misasked::Stands { market: named.name.clone(), refusal };
        let standing = Standing::new(&*named.market, &all[listed.market], Lens::Action, book.at);
        let judgement = standing.map_err(stands)?.judge(&listed.account, Test::Liquidation);
        judgements.push((place, judgement));
        match judgement.own {
            Ok(seen) if seen.verdict != Verdict::NoDebt => sides.push(side(book, place, &seen, asset)),
            Err(refusal) if judgement.verdict() != Some(Verdict::NoDebt) => unknown.push((place, refusal)),
            _ => {}
        }
    }
    let ask = |side: &Side, target: Decimal| {
        let readings = &readings[book.accounts[side.account].market];
        cheapest(book, side, readings, target)
    };
    // Who gains nothing from the smallest step is not helped by the asset at all.
    let one_better = |side: &Side| {
        let now = side.health.as_ref().and_then(steps).unwrap_or(0);
        ask(side, step(now + 1)).is_ok()
    };
    let (helped, stuck): (Vec<Side>, Vec<Side>) = sides.into_iter().partition(one_better);
    let plan = |target: u64| -> Option<Vec<Part>> {
        let parts: Result<Vec<Part>, Hindrance> = helped.iter().map(|side| ask(side, step(target))).collect();
        let parts = parts.ok()?;
        let total = parts.iter().try_fold(U256::ZERO, |sum, part| sum.add(part.enough.amount))?;
        (total <= with).then_some(parts)
    };
    // The more health, the more it takes: halves between what there is and what is too much.
    let mut best = helped.iter().filter_map(|side| side.health.as_ref().and_then(steps)).min().unwrap_or(0);
    let mut parts = Vec::new();
    let mut beyond = HIGHEST;
    while !helped.is_empty() && beyond - best > 1 {
        let middle = best.midpoint(beyond);
        match plan(middle) {
            Some(found) => (best, parts) = (middle, found),
            None => beyond = middle,
        }
    }
    let spent = parts.iter().try_fold(U256::ZERO, |sum, part| sum.add(part.enough.amount));
    Ok(Split {
        identity: identity(book, book.at, &all),
        asset: asset.into(),
        decimals,
        with,
        health: (!helped.is_empty()).then(|| step(best)),
        highest: !helped.is_empty() && best + 1 == HIGHEST,
        left: spent.and_then(|spent| with.sub(spent)).unwrap_or(U256::ZERO),
        judgements,
        parts: parts.into_iter().filter(|part| part.enough.amount != U256::ZERO).collect(),
        stuck: stuck.into_iter().map(|side| (side.account, side.health)).collect(),
        unknown,
    })
}

/// A health of so many steps.
fn step(steps: u64) -> Decimal {
    Decimal { mantissa: Int::from(steps), decimals: STEP }
}

/// Whole steps of a health, cut.
fn steps(health: &Ratio) -> Option<u64> {
    health.parts(1_000_000).filter(|steps| *steps < HIGHEST)
}

fn side(book: &Book, account: usize, seen: &Assessment, asset: &str) -> Side {
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let ways = (0..).zip(named.market.instruments()).filter(|(_, instrument)| instrument.asset == asset);
    let useful = ways.filter(|(id, instrument)| match instrument.kind {
        Kind::Receipt => true,
        Kind::Debt => !listed.account.quantity(InstrumentId(*id)).is_zero(),
        _ => false,
    });
    let ways = useful.map(|(id, instrument)| (InstrumentId(id), instrument.kind)).collect();
    Side { account, health: Ratio::of(seen.backing, seen.requirement), ways }
}

/// The way that takes least; any hindrance where none will do.
fn cheapest(book: &Book, side: &Side, readings: &[Reading], target: Decimal) -> Result<Part, Hindrance> {
    let mut best: Result<Part, Hindrance> = Err(Hindrance::NotCounted);
    for &(instrument, kind) in &side.ways {
        match least(book, side.account, readings, target, instrument, kind) {
            Ok(enough) => {
                let part = Part { account: side.account, instrument, repays: kind == Kind::Debt, enough };
                if best.as_ref().map_or(true, |best| enough.amount < best.enough.amount) {
                    best = Ok(part);
                }
            }
            Err(why) if best.is_err() => best = Err(why),
            Err(_) => {}
        }
    }
    best
}
