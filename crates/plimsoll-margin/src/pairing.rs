//! Margin by strategy: options and their underlying are paired so that the least is asked in all. Exact.
//!
//! Rules of this kind (those of the US exchanges: Cboe's margin manual, FINRA 4210) ask less of two legs that are held together than of each alone: a spread, a
//! straddle, a covered call. Which legs go together is the rule's to leave open and the account's to choose, and pairing the best-looking two first is not the
//! best in all. [`least`] is.
//!
//! # Why it is a flow
//! Every strategy of two legs sets one that gains as the price rises against one that gains as it falls. So each leg stands on one of two sides,
//!
//! ```text
//! gains as it falls: short calls, long puts, short underlying       gains as it rises: short puts, long calls, long underlying
//! ```
//!
//! and a pair has one of each: covered call, call spread and straddle (short call with long underlying, long call, short put), put spread and covered put
//! (short put with long put, short underlying), protective put and call (underlying with a long option). What pairing saves, a number of lots times a saving a
//! pair, is greatest where a transport between the two sides is: paths of greatest gain are added one after the other, each as wide as it goes, until none gains.
//! The textbook's proof holds: after each, no cycle of exchanges gains, so that no other pairing of as many lots is better, and gains never rise again.
//!
//! # What is asked
//! Of backing that counts cash, with what was received for options sold in it, and long underlying at its price. Options that were bought are paid for: they ask
//! nothing and count nothing. All per lot, rates in millionths, each rounded up; U the underlying's price, K a strike, V an option's value:
//!
//! | legs | asked |
//! |---|---|
//! | short option | V + max(naked x U - what it is out of the money, least x U of a call or K of a put) |
//! | long, short underlying | long x U; U + short x U |
//! | short call, long underlying | long x min(U, K) + max(0, U - K) |
//! | short put, short underlying | U + short x U + max(0, K - U) |
//! | short call, short put | the greater of both with the other's V |
//! | short option, long one of the same right that does not expire before it | how far the long strike is the worse |
//! | underlying, long option against it | min(protected x K + what it is out of the money, what the underlying alone asks), a short one with U besides |
//!
//! # Combos
//! What is left of a book of one expiry is a function of one price, broken at the strikes. If it does not fall beyond the last, its worst is at 0 or at a strike:
//! [`worst_payoff`]. Condors, butterflies and boxes of any number of legs are that, and [`requirement`] is the lesser of both.
//! A book of which one part is best as a combo and the rest in pairs is not looked for: what is said is then more than the least, never less than what one of both rules asks.

use crate::black76::Right;
use crate::fixed::mul_div;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use plimsoll_core::Rounding;

/// What is asked of a leg, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of the underlying's price, for a naked short option.
    pub naked: u32,
    /// The least: of the underlying's price for a call, of the strike for a put.
    pub least: u32,
    /// Of long underlying.
    pub long: u32,
    /// Of short underlying, besides its price.
    pub short: u32,
    /// Of the strike of a long option that stands against underlying.
    pub protected: u32,
}

/// The maintenance rates of the US exchanges: 20 % and 10 %, 25 % long, 30 % short, 10 % of a protecting strike.
pub const MAINTENANCE: Rates =
    Rates { naked: 200_000, least: 100_000, long: 250_000, short: 300_000, protected: 100_000 };

/// What a leg is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// So much of the underlying as one option is on.
    Underlying,
    /// An option.
    Option {
        /// Call or put.
        right: Right,
        /// The strike, for a lot.
        strike: i128,
        /// When it expires, in any order of the caller's.
        expiry: u64,
        /// What a lot is worth.
        value: i128,
    },
}

/// A leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What it is in.
    pub kind: Kind,
    /// Lots, short where negative.
    pub lots: i128,
}

/// Two legs that are held together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The place of the leg that gains as the price falls.
    pub falling: usize,
    /// The place of the leg that gains as it rises.
    pub rising: usize,
    /// How many lots of each.
    pub lots: i128,
}

/// A pairing that asks the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// What it asks in all.
    pub asked: i128,
    /// Its pairs, in the order of their legs.
    pub pairs: Vec<Pair>,
}

/// The pairing that asks the least of legs on one underlying at this price. `None` where a number is negative that cannot be, or does not fit.
#[must_use]
pub fn least(legs: &[Leg], price: i128, rates: &Rates) -> Option<Pairing> {
    let side = |falls: bool| -> Vec<usize> {
        (0..legs.len()).filter(|place| legs[*place].lots != 0 && legs[*place].falls() == falls).collect()
    };
    let (falling, rising) = (side(true), side(false));
    let mut asked = 0_i128;
    let mut alone = Vec::with_capacity(legs.len());
    for leg in legs {
        let one = leg.alone(price, rates)?;
        asked = asked.checked_add(one.checked_mul(leg.lots.checked_abs()?)?)?;
        alone.push(one);
    }
    let mut savings = vec![0; falling.len() * rising.len()];
    for (row, one) in falling.iter().enumerate() {
        for (column, other) in rising.iter().enumerate() {
            if let Some(together) = together(&legs[*one], &legs[*other], price, rates)? {
                let saved = alone[*one].checked_add(alone[*other])?.checked_sub(together)?;
                savings[row * rising.len() + column] = saved.max(0);
            }
        }
    }
    let room = |side: &[usize]| side.iter().map(|place| legs[*place].lots.abs()).collect();
    let mut flow = Flow { left: [room(&falling), room(&rising)], lots: vec![0; savings.len()], savings };
    while let Some(saved) = flow.widen()? {
        asked = asked.checked_sub(saved)?;
    }
    let place = |at: usize| (falling[at / rising.len()], rising[at % rising.len()]);
    let pairs = flow.lots.iter().enumerate().filter(|(_, lots)| **lots > 0).map(|(at, lots)| {
        let (falling, rising) = place(at);
        Pair { falling, rising, lots: *lots }
    });
    Some(Pairing { asked, pairs: pairs.collect() })
}

/// What is asked of legs on one underlying: by the best pairing or as one combo, whichever is less.
#[must_use]
pub fn requirement(legs: &[Leg], price: i128, rates: &Rates) -> Option<i128> {
    let paired = least(legs, price, rates)?.asked;
    Some(worst_payoff(legs, price).map_or(paired, |worst| worst.min(paired)))
}

/// The most that legs of one expiry can lose by then, underlying counted from this price: the greatest loss at 0 and at the strikes, at least nothing. `None` where a
/// loss has no bound, where there are several expiries, or where a number does not fit.
#[must_use]
pub fn worst_payoff(legs: &[Leg], price: i128) -> Option<i128> {
    let mut expiries = legs.iter().filter_map(|leg| match leg.kind {
        Kind::Option { expiry, .. } if leg.lots != 0 => Some(expiry),
        _ => None,
    });
    let first = expiries.next();
    if expiries.any(|expiry| Some(expiry) != first) {
        return None;
    }
    // Beyond all strikes calls and underlying move with the price.
    let slope = legs.iter().try_fold(0_i128, |sum, leg| match leg.kind {
        Kind::Option { right: Right::Put, .. } => Some(sum),
        _ => sum.checked_add(leg.lots),
    })?;
    if slope < 0 {
        return None;
    }
    let strikes = legs.iter().filter_map(|leg| match leg.kind {
        Kind::Option { strike, .. } => Some(strike),
        Kind::Underlying => None,
    });
    let mut worst = 0;
    for settled in strikes.chain([0]) {
        let mut payoff = 0_i128;
        for leg in legs {
            let one = match leg.kind {
                Kind::Underlying => settled.checked_sub(price)?,
                Kind::Option { right: Right::Call, strike, .. } => settled.checked_sub(strike)?.max(0),
                Kind::Option { right: Right::Put, strike, .. } => strike.checked_sub(settled)?.max(0),
            };
            payoff = payoff.checked_add(one.checked_mul(leg.lots)?)?;
        }
        worst = worst.max(payoff.checked_neg()?);
    }
    Some(worst)
}

/// A share of a number, rounded up.
fn share(of: i128, rate: u32) -> Option<i128> {
    mul_div(of, rate.into(), 1_000_000, Rounding::Up)
}

impl Leg {
    /// Whether it gains as the price falls.
    fn falls(&self) -> bool {
        let rises_when_long = !matches!(self.kind, Kind::Option { right: Right::Put, .. });
        rises_when_long == (self.lots < 0)
    }

    /// What a lot asks alone.
    fn alone(&self, price: i128, rates: &Rates) -> Option<i128> {
        match (self.kind, self.lots < 0) {
            _ if price < 0 => None,
            (Kind::Option { strike, value, .. }, _) if strike < 0 || value < 0 => None,
            (Kind::Underlying, false) => share(price, rates.long),
            (Kind::Underlying, true) => price.checked_add(share(price, rates.short)?),
            (Kind::Option { .. }, false) => Some(0),
            (Kind::Option { right, strike, value, .. }, true) => {
                let (out, base) = match right {
                    Right::Call => (strike - price, price),
                    Right::Put => (price - strike, strike),
                };
                let asked = share(price, rates.naked)?.checked_sub(out.max(0))?;
                value.checked_add(asked.max(share(base, rates.least)?))
            }
        }
    }
}

/// What a lot of each asks together; `None` inside where no strategy has the two.
fn together(falling: &Leg, rising: &Leg, price: i128, rates: &Rates) -> Option<Option<i128>> {
    use Kind::{Option as Opt, Underlying};
    let (falls, rises) = ((falling.kind, falling.lots < 0), (rising.kind, rising.lots < 0));
    let asked = match (falls, rises) {
        // Covered.
        ((Opt { strike, .. }, true), (Underlying, false)) => {
            share(price.min(strike), rates.long)?.checked_add((price - strike).max(0))?
        }
        ((Underlying, true), (Opt { strike, .. }, true)) => {
            falling.alone(price, rates)?.checked_add((strike - price).max(0))?
        }
        // Straddle.
        ((Opt { value: call, .. }, true), (Opt { value: put, .. }, true)) => {
            let with_put = falling.alone(price, rates)?.checked_add(put)?;
            with_put.max(rising.alone(price, rates)?.checked_add(call)?)
        }
        // Spreads.
        ((Opt { strike: sold, expiry: ends, .. }, true), (Opt { strike: bought, expiry, .. }, false))
            if expiry >= ends =>
        {
            (bought - sold).max(0)
        }
        ((Opt { strike: bought, expiry, .. }, false), (Opt { strike: sold, expiry: ends, .. }, true))
            if expiry >= ends =>
        {
            (sold - bought).max(0)
        }
        // Protected.
        ((Opt { strike, .. }, false), (Underlying, false)) => {
            let protected = share(strike, rates.protected)?.checked_add((price - strike).max(0))?;
            protected.min(rising.alone(price, rates)?)
        }
        ((Underlying, true), (Opt { strike, .. }, false)) => {
            let protected = share(strike, rates.protected)?.checked_add((strike - price).max(0))?;
            price.checked_add(protected)?.min(falling.alone(price, rates)?)
        }
        _ => return Some(None),
    };
    Some(Some(asked))
}

/// A transport between the two sides.
struct Flow {
    /// Lots of each leg that are in no pair, of both sides.
    left: [Vec<i128>; 2],
    /// What a lot of a pair saves, row by row; 0 where it is none.
    savings: Vec<i128>,
    /// Lots of each pair.
    lots: Vec<i128>,
}

/// How a leg was reached: what is gained on the way, and from which leg of the other side.
type Reached = Option<(i128, Option<usize>)>;

impl Flow {
    /// Adds the path of greatest gain, as wide as it goes, and gives what it saves; `None` inside where no path gains.
    fn widen(&mut self) -> Option<Option<i128>> {
        let columns = self.left[1].len();
        let mut falling: Vec<Reached> =
            self.left[0].iter().map(|left| (*left > 0).then_some((0, None))).collect();
        let mut rising: Vec<Reached> = vec![None; columns];
        // No cycle gains, so a path of greatest gain passes no leg twice, and this settles.
        let mut changed = true;
        while changed {
            changed = false;
            for at in 0..self.savings.len() {
                let (row, column) = (at / columns, at % columns);
                if let Some((gain, _)) = falling[row].filter(|_| self.savings[at] > 0) {
                    let gain = gain.checked_add(self.savings[at])?;
                    changed |= better(&mut rising[column], gain, row);
                }
                if let Some((gain, _)) = rising[column].filter(|_| self.lots[at] > 0) {
                    let gain = gain.checked_sub(self.savings[at])?;
                    changed |= better(&mut falling[row], gain, column);
                }
            }
        }
        let ends = (0..columns).filter(|column| self.left[1][*column] > 0);
        let ends = ends.filter_map(|column| Some((rising[column]?.0, Reverse(column))));
        let Some((gain, Reverse(end))) = ends.max().filter(|(gain, _)| *gain > 0) else {
            return Some(None);
        };
        // Back along the path: pairs that are made and pairs that are given up.
        let (mut made, mut given_up) = (Vec::new(), Vec::new());
        let (mut column, mut wide) = (end, self.left[1][end]);
        loop {
            let row = rising[column]?.1?;
            made.push(row * columns + column);
            let Some(before) = falling[row]?.1 else {
                wide = wide.min(self.left[0][row]);
                self.left[0][row] -= wide;
                break;
            };
            wide = wide.min(self.lots[row * columns + before]);
            given_up.push(row * columns + before);
            column = before;
        }
        self.left[1][end] -= wide;
        made.iter().for_each(|at| self.lots[*at] += wide);
        given_up.iter().for_each(|at| self.lots[*at] -= wide);
        Some(Some(gain.checked_mul(wide)?))
    }
}

/// Notes a way that gains more.
fn better(reached: &mut Reached, gain: i128, from: usize) -> bool {
    let more = reached.is_none_or(|(known, _)| gain > known);
    if more {
        *reached = Some((gain, Some(from)));
    }
    more
}
