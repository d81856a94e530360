//! Liquidation: positions are closed at what they are worth, as many as bring the account back above its initial line and no more; hedges are kept.
//!
//! # Sizing
//! Closing at what a position is worth moves nothing but the fee, so along any one way of closing headroom is equity less a fee that is linear in
//! the lots less a requirement that is the greatest of linear functions of them (each scenario is one; what is asked of an expiry and of options sold is a sum of such):
//! it is **concave**. It need not rise: closing what covers something else makes it fall. So it rises up to a peak, which halving finds by the sign of one lot
//! more, and from there on it falls; whatever restores the line lies around the peak, and the least of it is found by halving below the peak. What is paid is rounded
//! to raw units of what it settles in, so the least is certain where one lot moves headroom by more than such a unit for each leg.
//!
//! # What is closed
//! `Reduce` closes one position. Where the peak is at nothing, the position covers others and is not closed alone.
//!
//! `Unwind` chooses. Where closing everything does not restore the line, everything is closed. Else there are several ways: parts one after the other (positions, pairs of one underlying
//! base for base and in the ratio in which they are held, the book of an underlying in its own ratio; the part that restores the line with the least notional, or where none does the one that gains the
//! most, to its peak); the same share of every position of an underlying, or of all; and everything. From each lots are given back, position by position, until **one lot less of any
//! position would not restore the line**; of what is left of the ways the one that closes the least notional is taken. That nothing else at all would close less is not said.

use super::array::NOW;
use super::measure::measure;
use super::position::Position;
use super::standing::Standing;
use super::{INITIAL, Market, ONE};
use crate::fixed::{mul, mul_div};
use crate::ledger::{Ledger, Turn, reducible};
use crate::liquidation::least;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Arithmetic, Effects, InstrumentId, Int, Liquidated, Mechanism, Party, Refusal, Rounding,
    Subject, Trace, U256, Unit,
};

const BEYOND: Refusal = Refusal::Overflow("what a liquidation closes");

/// No more pairs are looked at.
const MOST_PAIRS: usize = 400;
/// So fine are shares of a book.
const SHARES: u128 = 256;
/// So often every position is looked at again.
const MOST_PASSES: usize = 16;

/// The calls by which an account may be forced.
pub(super) fn forced(market: &Market, account: &Account) -> Vec<Mechanism> {
    let mut calls = reducible(market, account);
    if calls.len() > 1 {
        calls.insert(0, Mechanism::Unwind);
    }
    calls
}

/// One position while it is closed.
struct Held {
    contract: usize,
    base: Int,
    /// Lots, the last perhaps broken.
    lots: u128,
    /// What one is worth, and what its notional is counted at (10^-18).
    mark: i128,
    forward: i128,
}

/// Lots that are closed together, so many of each leg a step.
#[derive(Clone, Debug)]
struct Part {
    legs: Vec<(usize, u128)>,
    steps: u128,
}

/// So many steps of a part, with what they come to.
type Weighed = Option<(i128, Part, u128)>;

/// What can be closed of an account, at what it is worth.
pub(super) struct Desk<'a, 'm> {
    market: &'a Market,
    standing: &'a Standing<'m>,
    account: &'a Account,
    position: Position,
    held: Vec<Held>,
}

impl<'a, 'm> Desk<'a, 'm> {
    /// The columns of everything held should have been made.
    fn of(market: &'a Market, standing: &'a Standing<'m>, account: &'a Account) -> Result<Self, Refusal> {
        let position = Position::of(market, account)?;
        let mut held = Vec::new();
        for leg in position.legs.iter().filter(|leg| leg.base != [0; 2]) {
            let contract = leg.contract;
            let base = account.quantity(market.base_of(contract));
            let lots = base.magnitude().div(market.spec.contracts[contract].lot, Rounding::Up);
            held.push(Held {
                contract,
                base,
                lots: lots.and_then(U256::to_u128).ok_or(BEYOND)?,
                mark: standing.columns(contract)?[NOW][0],
                forward: standing.forward(contract)?,
            });
        }
        Ok(Desk { market, standing, account, position, held })
    }

    /// Base of a leg that so many lots are (raw).
    fn size(&self, leg: usize, lots: u128) -> Option<U256> {
        let held = &self.held[leg];
        let size = U256::new(lots).mul(self.market.spec.contracts[held.contract].lot)?;
        Some(size.min(held.base.magnitude()))
    }

    /// The same in units of 10^-18.
    fn amount(&self, leg: usize, lots: u128) -> Option<i128> {
        super::wad(self.size(leg, lots)?, self.market.spec.contracts[self.held[leg].contract].decimals)
    }

    /// What is closed counts as much of what the contracts are on (10^-18).
    fn notional(&self, closed: &[u128]) -> Option<i128> {
        closed.iter().enumerate().try_fold(0_i128, |sum, (leg, lots)| {
            sum.checked_add(mul(self.amount(leg, *lots)?, self.held[leg].forward, Rounding::Up)?)
        })
    }

    /// Headroom less what closing does not move, without the rounding of payments: concave along every part.
    fn room(&self, closed: &[u128]) -> Option<i128> {
        let mut position = self.position.clone();
        for (leg, lots) in closed.iter().enumerate() {
            let (held, amount) = (&self.held[leg], self.amount(leg, *lots)?);
            let of_it = position.legs.iter_mut().find(|one| one.contract == held.contract)?;
            let signed = if held.base.is_negative() { amount } else { amount.checked_neg()? };
            of_it.base = [of_it.base[0].checked_add(signed)?; 2];
        }
        let asked = measure(self.standing, &position).ok()?.initial[0];
        let fee = mul_div(self.notional(closed)?, self.market.spec.fee.into(), ONE.into(), Rounding::Up)?;
        asked.checked_add(fee)?.checked_neg()
    }

    /// What closing so many lots of each leg does.
    fn effects(&self, closed: &[u128]) -> Result<Effects, Refusal> {
        let mut effects = Effects::default();
        let party = Party::Account(self.account.id);
        let settles = self.market.spec.assets[self.market.spec.settles_in].decimals;
        for (leg, lots) in closed.iter().enumerate().filter(|(_, lots)| **lots > 0) {
            let held = &self.held[leg];
            let size = self.size(leg, *lots).ok_or(BEYOND)?;
            let decimals = self.market.spec.contracts[held.contract].decimals;
            let buys = held.base.is_negative();
            let rounding = if buys { Rounding::Up } else { Rounding::Down };
            let by = U256::pow10(decimals + (18 - settles)).ok_or(BEYOND)?;
            let quote = size.mul_div_wide(U256::new(held.mark.unsigned_abs()), by, rounding).ok_or(BEYOND)?;
            let (gives, takes) = if buys { (Party::Pool, party) } else { (party, Party::Pool) };
            effects.flow(self.market.base_of(held.contract), size, gives, takes);
            effects.flow(self.market.quote_of(held.contract), quote, takes, gives);
        }
        let mut left = self.worth(&effects)?;
        let mut fees = U256::ZERO;
        for (leg, lots) in closed.iter().enumerate().filter(|(_, lots)| **lots > 0) {
            let notional = self.amount(leg, *lots).and_then(|amount| {
                let value = mul(amount, self.held[leg].forward, Rounding::Down)?;
                U256::new(value.unsigned_abs()).div(U256::pow10(18 - settles)?, Rounding::Down)
            });
            let rate = U256::from(self.market.spec.fee);
            let whole = notional.and_then(|value| value.mul_div(rate, U256::from(ONE), Rounding::Down));
            // A fee that would take more than what is left takes that.
            let fee = whole.ok_or(BEYOND)?.min(left);
            left = left.sub_or_zero(fee);
            fees = fees.add(fee).ok_or(BEYOND)?;
            effects.flow(self.market.quote_of(self.held[leg].contract), fee, party, Party::Keeper);
        }
        let seized = closed.iter().enumerate().filter(|(_, lots)| **lots > 0);
        let seized =
            seized.map(|(leg, lots)| self.size(leg, *lots)).collect::<Option<Vec<_>>>().ok_or(BEYOND)?;
        let seized = if let [one] = seized[..] { one } else { U256::ZERO };
        effects.liquidated = Some(Liquidated { seized, ..Liquidated::default() });
        Ok(effects)
    }

    /// What the account is worth after such effects, without haircuts; raw units of what it settles in, nothing below zero.
    fn worth(&self, effects: &Effects) -> Result<U256, Refusal> {
        let after = effects.apply_to(self.account).ok_or(BEYOND)?;
        let worth = self.standing.worth(&Position::of(self.market, &after)?)?.max(0);
        let settles = self.market.spec.assets[self.market.spec.settles_in].decimals;
        let unit = U256::pow10(18 - settles).ok_or(BEYOND)?;
        U256::new(worth.unsigned_abs()).div(unit, Rounding::Down).ok_or(BEYOND)
    }

    /// Whether the account is above its initial line then.
    fn restored(&self, closed: &[u128]) -> bool {
        let kept = self.effects(closed).and_then(|effects| {
            let after = effects.apply_to(self.account).ok_or(BEYOND)?;
            Ok(self.standing.bucket(&Position::of(self.market, &after)?, INITIAL)?.is_kept())
        });
        kept.unwrap_or(false)
    }

    /// So many steps of a part beside what is closed already.
    fn with(&self, closed: &[u128], part: &Part, steps: u128) -> Option<Vec<u128>> {
        let mut all = closed.to_vec();
        for (leg, each) in &part.legs {
            all[*leg] = all[*leg].checked_add(each.checked_mul(steps)?)?.min(self.held[*leg].lots);
        }
        Some(all)
    }

    /// The step at which a part has headroom at its highest, and the least that restores the line.
    fn along(&self, closed: &[u128], part: &Part) -> (u128, Option<u128>) {
        let room = |steps: u128| self.room(&self.with(closed, part, steps)?);
        let past = |steps: u128| {
            // Where a number does not fit nothing is known to be gained.
            steps >= part.steps || room(steps).zip(room(steps + 1)).is_none_or(|(here, next)| next <= here)
        };
        let peak = least(part.steps, past).unwrap_or(0);
        let restored = |steps: u128| self.with(closed, part, steps).is_some_and(|all| self.restored(&all));
        (peak, least(peak, restored))
    }

    /// What may be closed together, of what is left.
    fn parts(&self, closed: &[u128]) -> Vec<Part> {
        let left: Vec<u128> = self.held.iter().zip(closed).map(|(held, lots)| held.lots - lots).collect();
        let open: Vec<usize> = (0..left.len()).filter(|leg| left[*leg] > 0).collect();
        let underlying = |leg: usize| self.market.spec.contracts[self.held[leg].contract].underlying;
        let in_ratio = |legs: &[usize]| {
            let steps = legs.iter().map(|leg| left[*leg]).min().unwrap_or(0);
            let legs = legs.iter().map(|leg| (*leg, left[*leg] / steps.max(1))).collect();
            Part { legs, steps }
        };
        let mut all: Vec<Part> =
            open.iter().map(|leg| Part { legs: vec![(*leg, 1)], steps: left[*leg] }).collect();
        let mut pairs = 0;
        for (at, one) in open.iter().enumerate() {
            for other in open[at + 1..].iter().filter(|other| underlying(*one) == underlying(**other)) {
                pairs += 1;
                if pairs > MOST_PAIRS {
                    break;
                }
                all.extend(self.base_for_base([*one, *other], &left));
                all.push(in_ratio(&[*one, *other]));
            }
        }
        for place in 0..self.market.spec.underlyings.len() {
            let book: Vec<usize> = open.iter().copied().filter(|leg| underlying(*leg) == place).collect();
            if book.len() > 1 {
                all.push(in_ratio(&book));
            }
        }
        all
    }

    /// Two legs, as much base of the one as of the other.
    fn base_for_base(&self, pair: [usize; 2], left: &[u128]) -> Option<Part> {
        let [one, other] = pair.map(|leg| {
            let contract = &self.market.spec.contracts[self.held[leg].contract];
            super::wad(contract.lot, contract.decimals).map(i128::unsigned_abs)
        });
        let (one, other) = (one?, other?);
        let common = common(one, other);
        let each = [other / common, one / common];
        let steps = (left[pair[0]] / each[0]).min(left[pair[1]] / each[1]);
        (steps > 0).then(|| Part { legs: vec![(pair[0], each[0]), (pair[1], each[1])], steps })
    }

    /// What is closed so that the line is restored, or everything where not even that does; lots of each leg.
    fn chosen(&self) -> Result<Vec<u128>, Refusal> {
        let everything: Vec<u128> = self.held.iter().map(|held| held.lots).collect();
        if !self.restored(&everything) {
            return Ok(everything);
        }
        let mut ways: Vec<Vec<u128>> = self.found().into_iter().collect();
        for place in 0..self.market.spec.underlyings.len() {
            let of_it = |leg: usize| self.market.spec.contracts[self.held[leg].contract].underlying == place;
            ways.extend(self.share(&of_it));
        }
        ways.extend(self.share(&|_| true));
        ways.push(everything);
        let mut best: Option<(i128, Vec<u128>)> = None;
        for way in ways {
            let way = self.refined(way);
            let notional = self.notional(&way).ok_or(BEYOND)?;
            if best.as_ref().is_none_or(|(least, _)| notional < *least) {
                best = Some((notional, way));
            }
        }
        best.map(|(_, way)| way).ok_or(BEYOND)
    }

    /// The same share of each of some legs, cut to lots, with which the line is restored and with one 256th less is not; `None` where all of them do not restore it.
    fn share(&self, of_it: &dyn Fn(usize) -> bool) -> Option<Vec<u128>> {
        let at = |share: u128| -> Option<Vec<u128>> {
            let lots = |(leg, held): (usize, &Held)| match of_it(leg) {
                true => held.lots.checked_mul(share).map(|lots| lots / SHARES),
                false => Some(0),
            };
            self.held.iter().enumerate().map(lots).collect()
        };
        let share = least(SHARES, |share| at(share).is_some_and(|closed| self.restored(&closed)))?;
        at(share)
    }

    /// Gives back lots of one position after the other, the greatest first, until one lot less of any of them would not restore the line. It was restored: the numbers of
    /// lots of one position with which it is, all others as they are, are a stretch, to which the present one belongs.
    fn refined(&self, mut closed: Vec<u128>) -> Vec<u128> {
        let alone = |leg: usize, lots: u128| {
            let mut one = vec![0; self.held.len()];
            one[leg] = lots;
            self.notional(&one).unwrap_or(i128::MAX)
        };
        let mut order: Vec<usize> = (0..closed.len()).collect();
        order.sort_by_key(|leg| core::cmp::Reverse(alone(*leg, closed[*leg])));
        for _ in 0..MOST_PASSES {
            let before = closed.clone();
            for leg in &order {
                let mut tried = closed.clone();
                let enough = least(closed[*leg], |lots| {
                    tried[*leg] = lots;
                    self.restored(&tried)
                });
                closed[*leg] = enough.unwrap_or(closed[*leg]);
            }
            if closed == before {
                break;
            }
        }
        closed
    }

    /// What restores the line, part by part; `None` where it is not found.
    fn found(&self) -> Option<Vec<u128>> {
        let mut closed = vec![0; self.held.len()];
        // Each round but the last closes a part to its peak.
        for _ in 0..=2 * self.held.len() {
            let (mut best, mut most): (Weighed, Weighed) = (None, None);
            let here = self.room(&closed)?;
            for part in self.parts(&closed) {
                let (peak, enough) = self.along(&closed, &part);
                let at = |steps: u128| self.with(&closed, &part, steps);
                if let Some(steps) = enough {
                    let notional = self.notional(&at(steps)?)?;
                    if best.as_ref().is_none_or(|(least, ..)| notional < *least) {
                        best = Some((notional, part, steps));
                    }
                } else if peak > 0 {
                    let gained = self.room(&at(peak)?)?.checked_sub(here)?;
                    if gained > 0 && most.as_ref().is_none_or(|(most, ..)| gained > *most) {
                        most = Some((gained, part, peak));
                    }
                }
            }
            let done = best.is_some();
            let (_, part, steps) = best.or(most)?;
            closed = self.with(&closed, &part, steps)?;
            if done {
                return Some(closed);
            }
        }
        None
    }
}

/// The greatest number that divides both; the numbers are not zero.
fn common(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

impl Turn<'_, Market, Standing<'_>> {
    fn below(&self) -> Result<(), Refusal> {
        if self.call.actor == self.call.account {
            return Err(Refusal::SelfLiquidation);
        }
        let position = Position::of(self.market, &self.account)?;
        let line = crate::market::MAINTENANCE;
        if position.owes_nothing() || self.standing.bucket(&position, line)?.is_kept() {
            return Err(Refusal::NotLiquidatable);
        }
        Ok(())
    }

    /// Closes at most `size` of a position, where that makes the account no worse.
    pub(super) fn reduce(
        &mut self,
        instrument: InstrumentId,
        size: U256,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let contract = self.traded(instrument)?;
        self.below()?;
        let desk = Desk::of(self.market, &self.standing, &self.account)?;
        let leg = desk.held.iter().position(|held| held.contract == contract);
        let leg = leg.ok_or(Refusal::NothingHeld(instrument))?;
        let lots = match size >= desk.held[leg].base.magnitude() {
            true => Some(desk.held[leg].lots),
            false => {
                size.div(self.market.spec.contracts[contract].lot, Rounding::Down).and_then(U256::to_u128)
            }
        };
        let steps = lots.filter(|lots| *lots > 0).ok_or(Refusal::AmountZero)?;
        let (none, part) = (vec![0; desk.held.len()], Part { legs: vec![(leg, 1)], steps });
        let (peak, enough) = desk.along(&none, &part);
        let lots = enough.unwrap_or(peak);
        if lots == 0 {
            return Err(Refusal::HedgeKept(instrument));
        }
        t.about(Subject::Instrument(instrument));
        t.given("lots closed, no more than restore the initial line", U256::new(lots), Unit::NUMBER);
        let closed = desk.with(&none, &part, lots).ok_or(BEYOND)?;
        let effects = desk.effects(&closed)?;
        self.effects = effects;
        Ok(())
    }

    /// Closes what restores the account.
    pub(super) fn unwind(&mut self, t: &mut dyn Trace) -> Result<(), Refusal> {
        self.below()?;
        let desk = Desk::of(self.market, &self.standing, &self.account)?;
        let closed = desk.chosen()?;
        if closed.iter().all(|lots| *lots == 0) {
            return Err(Refusal::NothingToSeize);
        }
        for (held, lots) in desk.held.iter().zip(&closed).filter(|(_, lots)| **lots > 0) {
            t.about(Subject::Instrument(self.market.base_of(held.contract)));
            t.given("lots closed, no more than restore the initial line", U256::new(*lots), Unit::NUMBER);
        }
        let effects = desk.effects(&closed)?;
        self.effects = effects;
        Ok(())
    }
}

/// What one whole unit of a contract is worth in the digits of prices; an order names no price of nothing.
pub(super) fn price_of(market: &Market, mark: i128, rounding: Rounding) -> Option<Int> {
    let unit = U256::pow10(18_u8.checked_sub(market.spec.price_decimals)?)?;
    let price = U256::new(mark.max(0).unsigned_abs()).div(unit, rounding)?;
    Some(Int::from(price.max(U256::ONE)))
}
