//! So much of one asset for several accounts: the split that makes the least healthy of them as healthy as can be.

use crate::ask::{Misasked, Sum, asset_decimals, total};
use crate::bounds;
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::restore::{Enough, Hindrance, least};
use crate::world::World;
use plimsoll_core::{
    Action, Amount, Assessment, Book, Call, Decimal, InstrumentId, Int, Judgement, Kind, Lens, Party,
    Reading, Refusal, Standing, Test, U256, Verdict,
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
    /// Its decimals, where it has most.
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
    /// A step more is proven to take more than there is, or cannot be reached. Not where the least amounts for it are not
    /// proven to be the least ([`Enough::no_less_than`]).
    pub proven: bool,
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
    /// The asset's decimals at that market.
    pub decimals: u8,
    /// How much (raw), and what it brings about: of an account that gets two parts, the later of both.
    pub enough: Enough,
}

/// An account that owes, with the ways in which the asset may help it.
struct Side {
    account: usize,
    health: Option<Ratio>,
    /// The asset's decimals at its market, …
    decimals: u8,
    /// … and by how much an amount there is multiplied to count in the finest.
    scale: U256,
    ways: Vec<(InstrumentId, Kind)>,
    /// The debts in the asset that can be paid whole: what that takes, and the book afterwards.
    whole: Vec<(InstrumentId, U256, Book)>,
}

/// Splits an amount of an asset among the accounts of an owner, at the book's own time, so that the smallest health
/// of them becomes as large as it can be: paid back, put in, or a debt in it paid whole and the rest put in. (To reach a
/// health above the asset's weight a unit paid back does more than one put in, so that no other mixture takes less. Below
/// it, and where a cap stops the deposit, one might; those are not tried.)
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
    let decimals = markets.filter_map(|market| asset_decimals(market, asset)).max().ok_or_else(|| {
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
            Ok(seen) if seen.verdict != Verdict::NoDebt => {
                sides.push(side(book, place, &seen, asset, decimals))
            }
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
    let plan = |target: u64| -> Option<Found> {
        let mut all = Found { parts: Vec::new(), takes: U256::ZERO, no_less_than: U256::ZERO };
        for side in &helped {
            let found = ask(side, step(target)).ok()?;
            all.takes = all.takes.add(found.takes)?;
            all.no_less_than = all.no_less_than.add(found.no_less_than)?;
            all.parts.extend(found.parts);
        }
        Some(all)
    };
    // The more health, the more it takes: halves between what there is and what is too much.
    let mut best = helped.iter().filter_map(|side| side.health.as_ref().and_then(steps)).min().unwrap_or(0);
    let (mut parts, mut spent) = (Vec::new(), U256::ZERO);
    let (mut beyond, mut proven) = (HIGHEST, true);
    while !helped.is_empty() && beyond - best > 1 {
        let middle = best.midpoint(beyond);
        match plan(middle) {
            Some(found) if found.takes <= with => (best, parts, spent) = (middle, found.parts, found.takes),
            more => {
                beyond = middle;
                proven = more.is_none_or(|more| more.no_less_than > with);
            }
        }
    }
    Ok(Split {
        identity: identity(book, book.at, &all),
        asset: asset.into(),
        decimals,
        with,
        health: (!helped.is_empty()).then(|| step(best)),
        highest: !helped.is_empty() && best + 1 == HIGHEST,
        proven,
        left: with.sub_or_zero(spent),
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

fn side(book: &Book, account: usize, seen: &Assessment, asset: &str, finest: u8) -> Side {
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let ways = (0..).zip(named.market.instruments()).filter(|(_, instrument)| instrument.asset == asset);
    let useful = ways.filter(|(id, instrument)| match instrument.kind {
        Kind::Receipt => true,
        Kind::Debt => !listed.account.quantity(InstrumentId(*id)).is_zero(),
        _ => false,
    });
    let ways: Vec<_> = useful.map(|(id, instrument)| (InstrumentId(id), instrument.kind)).collect();
    let debts = ways.iter().filter(|(_, kind)| *kind == Kind::Debt);
    let whole = debts.filter_map(|&(debt, _)| paid_whole(book, account, debt)).collect();
    let decimals = asset_decimals(&*named.market, asset).unwrap_or(finest);
    let scale = U256::pow10(finest.saturating_sub(decimals)).unwrap_or(U256::ONE);
    Side { account, health: Ratio::of(seen.backing, seen.requirement), decimals, scale, ways, whole }
}

/// A debt paid whole out of what is to be split: what it takes, and the book afterwards; `None` where the venue does not
/// take it.
fn paid_whole(book: &Book, account: usize, debt: InstrumentId) -> Option<(InstrumentId, U256, Book)> {
    let mut world = World { book: book.clone() };
    let (market, id) = (book.accounts[account].market, book.accounts[account].account.id);
    if let Some(endowed) = book.markets[market].market.endowed() {
        world.book.markets[market].market = endowed;
    }
    let action = Action::Repay { debt, amount: Amount::All };
    let call = Call { actor: id, account: id, at: book.at, action };
    let effects = world.call(market, &call, &world.readings(market)).ok()?;
    let wallet = Party::Wallet(id);
    let paid = effects.flows.iter().filter(|flow| flow.from == wallet).map(|flow| flow.amount);
    let paid = total(paid, "paid").ok()?;
    world.apply(market, &effects).ok()?;
    Some((debt, paid, world.book))
}

/// What brings one account to a target, and how much of the asset that takes, in its finest units.
struct Found {
    parts: Vec<Part>,
    takes: U256,
    /// No way takes less than this, so far as that is proven.
    no_less_than: U256,
}

/// The way that takes least; any hindrance where none will do.
fn cheapest(book: &Book, side: &Side, readings: &[Reading], target: Decimal) -> Result<Found, Hindrance> {
    let part = |instrument, kind, enough| Part {
        account: side.account,
        instrument,
        repays: kind == Kind::Debt,
        decimals: side.decimals,
        enough,
    };
    let mut best: Result<Found, Hindrance> = Err(Hindrance::NotCounted);
    let mut see = |found: Result<Vec<Part>, Hindrance>| match found {
        Ok(parts) => {
            let sum = |of: fn(&Enough) -> U256| {
                let raw = parts.iter().try_fold(U256::ZERO, |sum, part| sum.add(of(&part.enough)));
                raw.and_then(|raw| raw.mul(side.scale))
            };
            let (takes, least) = (sum(|enough| enough.amount), sum(|enough| enough.no_less_than));
            // Beyond 256 bits it is more than anybody has.
            let (Some(takes), Some(least)) = (takes, least) else { return };
            let no_less_than = best.as_ref().map_or(least, |best| best.no_less_than.min(least));
            match &mut best {
                Ok(best) if best.takes <= takes => best.no_less_than = no_less_than,
                _ => best = Ok(Found { parts, takes, no_less_than }),
            }
        }
        Err(why) if best.is_err() => best = Err(why),
        Err(_) => {}
    };
    for &(instrument, kind) in &side.ways {
        let found = least(book, side.account, readings, target, instrument, kind);
        // Not even all of a debt: all of it, and the rest put in.
        let whole = side.whole.iter().find(|(debt, ..)| *debt == instrument);
        if let (Err(Hindrance::NotEnough { .. }), Some((debt, paid, after))) = (&found, whole) {
            let all = Enough { amount: *paid, all: true, no_less_than: *paid, health: None };
            for &(receipt, kind) in side.ways.iter().filter(|(_, kind)| *kind == Kind::Receipt) {
                let rest = least(after, side.account, readings, target, receipt, kind);
                let both = |rest: Enough| {
                    let all = Enough { health: rest.health, ..all };
                    vec![part(*debt, Kind::Debt, all), part(receipt, kind, rest)]
                };
                see(rest.map(both));
            }
        }
        see(found.map(|enough| vec![part(instrument, kind, enough)]));
    }
    best
}
