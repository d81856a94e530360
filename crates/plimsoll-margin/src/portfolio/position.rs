//! What an account has, or has between two ends, in units of 10^-18.

use super::{Market, wad};
use crate::ledger::{Ledger, Place};
use alloc::vec::Vec;
use plimsoll_core::{Account, Int, Refusal};

/// From the least to the greatest; a point is both.
pub(super) type Ends = [i128; 2];

const BEYOND: Refusal = Refusal::Overflow("amounts in units of 10^-18");

/// One contract of an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) contract: usize,
    /// Its base.
    pub(super) base: Ends,
    /// What was received for it, below zero what was paid.
    pub(super) quote: Ends,
}

/// What one account has of a market.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// By asset: held less owed.
    pub(super) assets: Vec<(usize, Ends)>,
    pub(super) legs: Vec<Leg>,
}

/// A quantity of so many decimals.
fn amount(quantity: Int, decimals: u8) -> Result<i128, Refusal> {
    if quantity.magnitude().bit_len() > 126 {
        return Err(Refusal::InconsistentAccount("a holding beyond 126 bits"));
    }
    let magnitude = wad(quantity.magnitude(), decimals).ok_or(BEYOND)?;
    Ok(if quantity.is_negative() { -magnitude } else { magnitude })
}

impl Position {
    pub(super) fn of(market: &Market, account: &Account) -> Result<Position, Refusal> {
        Position::between(market, account, account)
    }

    /// Every account that holds of each instrument as much as two others or something in between.
    pub(super) fn between(market: &Market, low: &Account, high: &Account) -> Result<Position, Refusal> {
        if !low.terms().is_empty() || !high.terms().is_empty() {
            return Err(Refusal::InconsistentAccount("a term, of which this venue has none"));
        }
        let mut ids: Vec<_> =
            low.holdings().iter().chain(high.holdings()).map(|holding| holding.instrument).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut position = Position::default();
        for id in ids {
            let place = market.place_of(id).ok_or(Refusal::NoSuchInstrument(id))?;
            let decimals = match place {
                Place::Token(_) => return Err(Refusal::NoSuchInstrument(id)),
                Place::Held(asset) | Place::Owed(asset) => market.spec.assets[asset].decimals,
                Place::Base(contract) => market.spec.contracts[contract].decimals,
                Place::Quote(_) => market.spec.assets[market.spec.settles_in].decimals,
            };
            let ends = [amount(low.quantity(id), decimals)?, amount(high.quantity(id), decimals)?];
            if ends[0] > ends[1] {
                return Err(Refusal::InconsistentAccount("a low end that holds more than the high one"));
            }
            let negative = ends[0] < 0;
            match place {
                Place::Held(_) | Place::Owed(_) if negative => {
                    return Err(Refusal::InconsistentAccount("a holding that is negative"));
                }
                Place::Token(_) => {}
                Place::Held(asset) => position.add(asset, ends)?,
                Place::Owed(asset) => position.add(asset, [-ends[1], -ends[0]])?,
                Place::Base(contract) => position.leg(contract).base = ends,
                Place::Quote(contract) => position.leg(contract).quote = ends,
            }
        }
        Ok(position)
    }

    fn add(&mut self, asset: usize, ends: Ends) -> Result<(), Refusal> {
        let at = match self.assets.iter().position(|(known, _)| *known == asset) {
            Some(at) => at,
            None => {
                self.assets.push((asset, [0; 2]));
                self.assets.len() - 1
            }
        };
        let there = self.assets[at].1;
        let sum = |end: usize| there[end].checked_add(ends[end]).ok_or(BEYOND);
        self.assets[at].1 = [sum(0)?, sum(1)?];
        Ok(())
    }

    fn leg(&mut self, contract: usize) -> &mut Leg {
        let at = match self.legs.iter().position(|leg| leg.contract == contract) {
            Some(at) => at,
            None => {
                self.legs.push(Leg { contract, base: [0; 2], quote: [0; 2] });
                self.legs.len() - 1
            }
        };
        &mut self.legs[at]
    }

    /// Nothing is owed at any price: no loan, no position, no quote that is to be paid.
    pub(super) fn owes_nothing(&self) -> bool {
        self.assets.iter().all(|(_, net)| net[0] >= 0)
            && self.legs.iter().all(|leg| leg.base == [0; 2] && leg.quote[0] >= 0)
    }

    /// Everybody between the ends has a loan, a position or a quote to be paid.
    pub(super) fn owes(&self) -> bool {
        self.assets.iter().any(|(_, net)| net[1] < 0)
            || self.legs.iter().any(|leg| leg.base[0] > 0 || leg.base[1] < 0 || leg.quote[1] < 0)
    }
}
