//! What one account has of a market, netted and in the finest unit.

use super::{Market, asks, bids};
use crate::ledger::Place;
use alloc::vec::Vec;
use plimsoll_core::{Account, Int, Refusal};

/// Amounts of an account in the market's finest unit, without what is nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// By asset: held less owed, and its perps. Every asset that a perp here settles in stands in it.
    pub(super) assets: Vec<Net>,
}

/// One asset.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) asset: usize,
    /// Held less owed.
    pub(super) net: Int,
    /// The perps that settle in it.
    pub(super) perps: Vec<Leg>,
}

/// One perp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) perp: usize,
    pub(super) base: Int,
    pub(super) quote: Int,
    /// What is asked for: the greater of both sides.
    pub(super) size: Int,
}

impl Leg {
    /// Neither base nor orders: what its quote is, is all that there is.
    pub(super) fn is_closed(&self) -> bool {
        self.base.is_zero() && self.size.is_zero()
    }
}

/// Amounts that an account may have at most: so many bits.
const BITS: usize = 127;

fn small(value: Int) -> Result<Int, Refusal> {
    if value.magnitude().bit_len() <= BITS {
        return Ok(value);
    }
    Err(Refusal::InconsistentAccount("a holding beyond 127 bits"))
}

/// The greater of both sides of a position with orders.
pub(super) fn size(base: Int, bids: Int, asks: Int) -> Option<Int> {
    let side = |filled: Int| Int::from(filled.magnitude());
    Some(side(base.add(bids)?).max(side(base.sub(asks)?)))
}

impl Position {
    pub(super) fn of(market: &Market, account: &Account) -> Result<Position, Refusal> {
        let mut position = Position::default();
        for holding in account.holdings() {
            let quantity = small(holding.quantity)?;
            let unsigned = |quantity: Int| match quantity.is_negative() {
                true => Err(Refusal::InconsistentAccount("a holding that is negative")),
                false => Ok(quantity),
            };
            let place = market.place(holding.instrument);
            match place.ok_or(Refusal::NoSuchInstrument(holding.instrument))? {
                Place::Token(_) => return Err(Refusal::NoSuchInstrument(holding.instrument)),
                Place::Held(asset) => position.add(market, asset, unsigned(quantity)?)?,
                Place::Owed(asset) => position.add(market, asset, unsigned(quantity)?.neg())?,
                Place::Base(perp) => {
                    let pad = market.pad(market.spec.perps[perp].decimals);
                    position.leg(market, perp).base = quantity.mul(pad).ok_or(BEYOND)?;
                }
                Place::Quote(perp) => {
                    let settles = &market.spec.assets[market.spec.perps[perp].settles_in];
                    let quote = quantity.mul(market.pad(settles.decimals)).ok_or(BEYOND)?;
                    position.leg(market, perp).quote = quote;
                }
            }
        }
        for &(term, value) in account.terms() {
            let perp = usize::from(term.0 / 2);
            if perp >= market.spec.perps.len() || small(value)?.is_negative() {
                return Err(Refusal::InconsistentAccount(
                    "orders of a perp that is not listed, or fewer than none",
                ));
            }
            position.leg(market, perp);
        }
        for leg in position.assets.iter_mut().flat_map(|net| &mut net.perps) {
            let pad = market.pad(market.spec.perps[leg.perp].decimals);
            let orders = |term| account.term(term).mul(pad);
            let found = orders(bids(leg.perp)).zip(orders(asks(leg.perp)));
            leg.size = found.and_then(|(bids, asks)| size(leg.base, bids, asks)).ok_or(BEYOND)?;
        }
        Ok(position)
    }

    fn net(&mut self, asset: usize) -> &mut Net {
        let at = match self.assets.binary_search_by_key(&asset, |net| net.asset) {
            Ok(at) => at,
            Err(at) => {
                self.assets.insert(at, Net { asset, net: Int::ZERO, perps: Vec::new() });
                at
            }
        };
        &mut self.assets[at]
    }

    fn add(&mut self, market: &Market, asset: usize, quantity: Int) -> Result<(), Refusal> {
        let amount = quantity.mul(market.pad(market.spec.assets[asset].decimals)).ok_or(BEYOND)?;
        let net = self.net(asset);
        net.net = net.net.add(amount).ok_or(BEYOND)?;
        Ok(())
    }

    fn leg(&mut self, market: &Market, perp: usize) -> &mut Leg {
        let legs = &mut self.net(market.spec.perps[perp].settles_in).perps;
        let at = match legs.binary_search_by_key(&perp, |leg| leg.perp) {
            Ok(at) => at,
            Err(at) => {
                legs.insert(at, Leg { perp, base: Int::ZERO, quote: Int::ZERO, size: Int::ZERO });
                at
            }
        };
        &mut legs[at]
    }

    /// Nothing is owed at any price: no loan, no position, no order, no quote that is to be paid.
    pub(super) fn owes_nothing(&self) -> bool {
        self.assets.iter().all(|net| {
            !net.net.is_negative() && net.perps.iter().all(|leg| leg.is_closed() && !leg.quote.is_negative())
        })
    }
}

const BEYOND: Refusal = Refusal::Overflow("amounts in the finest unit");
