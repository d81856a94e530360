//! Prices and rates: `jug.sol`, `spot.sol`, `osm.sol` and `abaci.sol`.

use super::numbers::{Calc, Curve, Numbers, State, Stored};
use super::standing::unknown as missing;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, HalfUp};
use plimsoll_core::{Arithmetic, RAY, Reading, Refusal, Silent, Subject, Time, Trace, U256, Unit};

/// A wad times this is a ray.
const BILLION: U256 = U256::new(1_000_000_000);

/// The greatest number of an `int256`.
pub(super) fn is_int(value: U256) -> bool {
    value.bit_len() <= 255
}

/// Whose `rpow`: they differ in what they take for an overflow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Power {
    /// `Jug._rpow`: a square beyond 256 bits.
    Jug,
    /// `abaci.sol`: a square of a number beyond 128 bits.
    Abacus,
}

/// `factor^seconds` (ray), half up at every square and every product.
///
/// # Errors
/// [`Refusal::Overflow`] where the contract reverts.
pub(super) fn rpow<T: Trace + ?Sized>(
    t: &mut T,
    whose: Power,
    factor: U256,
    times: U256,
) -> Result<U256, Refusal> {
    let one = RAY.value();
    if times == U256::ZERO {
        return Ok(one);
    }
    if factor == U256::ZERO {
        return Ok(U256::ZERO);
    }
    let mut square = factor;
    let mut power = if times.bit(0) { factor } else { one };
    for bit in 1..times.bit_len() {
        let formula = "square of the square before";
        if whose == Power::Abacus && square.bit_len() > 128 {
            return Err(Refusal::Overflow(formula));
        }
        square = t.mul_div(formula, square, square, RAY, HalfUp, Unit::RAY)?;
        if times.bit(bit) {
            power = t.mul_div("power = power * square", power, square, RAY, HalfUp, Unit::RAY)?;
        }
    }
    Ok(power)
}

/// `x * y`, by a rounding-down divisor, as `rmul` and `rdiv` do.
fn spot_of_price<T: Trace + ?Sized>(t: &mut T, numbers: &Numbers, value: U256) -> Result<U256, Refusal> {
    let rules = &numbers.rules;
    let in_dai = in_dai(t, numbers, value)?;
    t.mul_div("spot = price in Dai / mat", in_dai, RAY.value(), rules.mat, Down, Unit::RAY)
}

/// The price of one of collateral in Dai (ray) (`Spotter.poke`, `Clipper.getPrice`).
pub(super) fn in_dai<T: Trace + ?Sized>(t: &mut T, numbers: &Numbers, value: U256) -> Result<U256, Refusal> {
    let ray = t.mul("price in ray = price * 1e9", value, BILLION, Unit::RAY)?;
    t.mul_div("price in Dai = price in ray / par", ray, RAY.value(), numbers.rules.par, Down, Unit::RAY)
}

/// What a price is to the contracts: nothing where the feed has none.
pub(super) fn peek(reading: Reading) -> Stored {
    Stored { value: reading.value.unwrap_or(U256::ZERO), valid: reading.value.is_some() }
}

/// What the delayed oracle keeps of a feed's price.
pub(super) fn taken(reading: Reading) -> Stored {
    let Stored { value, valid } = peek(reading);
    Stored { value: low_bits(value), valid }
}

/// A spot that calls of anybody bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// It.
    pub(super) spot: U256,
    /// The price of which the last poke made it; `None` where it is stored already.
    pub(super) poked: Option<Stored>,
    /// The price that the contracts find at the oracle then.
    pub(super) found: Stored,
}

/// Every spot that can be brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ways {
    /// Those that are known to be possible, in the order of the calls that they need.
    pub(super) sure: Vec<Way>,
    /// Another that may be lower than all of them, for want of a price.
    pub(super) unknown: Option<Refusal>,
}

impl Numbers {
    /// Every spot that anybody can bring about by a time: what is stored, where that is not zero, at which nobody is ever
    /// liquidated; what a poke makes of the price in force; of the next one, once the delayed oracle lets it in; and of the
    /// feed's, where that is the oracle or may have gone through it. A poke that would revert is one that nobody makes.
    pub(super) fn ways(&self, feed: Reading, at: Time) -> Ways {
        let State { spot, current, next, .. } = self.state;
        let stored = Way { spot, poked: None, found: self.pip(feed) };
        let mut sure: Vec<Way> = Some(stored).filter(|way| way.spot != U256::ZERO).into_iter().collect();
        let poked = |price: Stored| {
            let spot = self.spot(&mut Silent, price).ok()?;
            Some(Way { spot, poked: Some(price), found: price })
        };
        let mut unknown = None;
        if let Some(from) = self.passes() {
            sure.extend(poked(current));
            let next = Some(next).filter(|next| !self.rules.osm_stopped && at >= from && *next != current);
            let next = next.and_then(poked);
            let lower = next.filter(|next| sure.iter().all(|way| next.spot < way.spot));
            // The oracle takes nothing while its source has no price; whether that is so is not known here.
            if lower.is_some() && feed.value.is_none() {
                unknown = Some(missing(feed));
            } else {
                sure.extend(next);
            }
        }
        if self.feed_counts(at) {
            match feed.value {
                Some(_) if self.rules.hop == 0 => sure.extend(poked(peek(feed))),
                Some(_) => sure.extend(poked(taken(feed))),
                None => unknown = Some(missing(feed)),
            }
        }
        Ways { sure, unknown }
    }

    /// Whether a poke may find the feed's own price: at once, or once two hops have passed.
    pub(super) fn feed_counts(&self, at: Time) -> bool {
        self.rules.hop == 0
            || (!self.rules.osm_stopped && self.feed_comes(Time(0)).is_some_and(|from| at >= from))
    }

    /// From when the delayed oracle may have the feed's price in force, where it takes it at a time or as soon after as it
    /// may: the next hop lets it in behind the queued price, the one after that in front. Nothing was taken before the last
    /// drip that is known of. `None` where the feed is read directly.
    pub(super) fn feed_comes(&self, at: Time) -> Option<Time> {
        let (hop, from) = (self.rules.hop, self.passes()?);
        let queued = from.max(at).max(Time(self.state.rho));
        Some(Time((queued.0 - queued.0 % hop).saturating_add(hop)))
    }

    /// The rate after a drip at a time. One that would revert for fees that nobody could pay back is one that nobody makes,
    /// and the stored rate stands.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] where the drip reverts though debt grows: what it was before it did is not known.
    pub(super) fn rate_at(&self, at: Time) -> Result<U256, Refusal> {
        let shrinks = self.rules.base.add(self.rules.duty).is_some_and(|factor| factor < RAY.value());
        match self.drip(&mut Silent, at) {
            Ok(state) => Ok(state.rate),
            Err(_) if shrinks => Ok(self.state.rate),
            Err(refusal) => Err(refusal),
        }
    }

    /// Seconds since the last drip.
    pub(super) fn seconds_to(&self, at: Time) -> Result<u64, Refusal> {
        let state = Time(self.state.rho);
        at.since(state).ok_or(Refusal::ClockWentBack { state, asked: at })
    }

    /// Brings the rate to `at` (`Jug.drip`, `Vat.fold`).
    pub(super) fn drip<T: Trace + ?Sized>(&self, t: &mut T, at: Time) -> Result<State, Refusal> {
        let seconds = self.seconds_to(at)?;
        if !self.rules.live {
            return Err(Refusal::ShutDown);
        }
        let mut state = self.state;
        t.about(Subject::Market);
        t.given("rate, at the last drip", state.rate, Unit::RAY);
        t.given("seconds since the last drip", seconds, Unit::SECONDS);
        let factor = t.add("factor a second = base + duty", self.rules.base, self.rules.duty, Unit::RAY)?;
        let power = rpow(t, Power::Jug, factor, seconds.into())?;
        let rate = t.mul_div("rate = power * rate", power, state.rate, RAY, Down, Unit::RAY)?;
        let formula = "rate within int256";
        if !is_int(rate) || !is_int(state.rate) {
            return Err(Refusal::Overflow(formula));
        }
        let (grew, change) = match rate.sub(state.rate) {
            Some(change) => (true, change),
            None => (false, state.rate.sub_or_zero(rate)),
        };
        let formula = "fees = total art * change of the rate";
        let fees = state.total_art.mul(change).filter(|fees| is_int(*fees) && is_int(state.total_art));
        let fees = fees.ok_or(Refusal::Overflow(formula))?;
        let moved = |place: U256| if grew { place.add(fees) } else { place.sub(fees) };
        state.vow_dai = moved(state.vow_dai).ok_or(Refusal::Overflow("dai of the vow + fees"))?;
        state.debt = moved(state.debt).ok_or(Refusal::Overflow("debt + fees"))?;
        state.rate = rate;
        state.rho = at.0;
        Ok(state)
    }

    /// The spot that a poke would store for a price (`Spotter.poke`).
    pub(super) fn spot<T: Trace + ?Sized>(&self, t: &mut T, price: Stored) -> Result<U256, Refusal> {
        t.about(Subject::Market);
        t.given("price", price.value, Unit::WAD);
        if price.valid { spot_of_price(t, self, price.value) } else { Ok(U256::ZERO) }
    }

    /// The stored spot as `then`, other numbers of the market, would have it of the same price (ray, down): poked under its
    /// rules where its own spot was, and else as it is.
    pub(super) fn spot_under(&self, then: &Numbers) -> U256 {
        let spot = self.state.spot;
        let same = self.rules.mat == then.rules.mat && self.rules.par == then.rules.par;
        let poked = |numbers: &Numbers| {
            numbers.spot(&mut Silent, numbers.state.current).is_ok_and(|made| made == numbers.state.spot)
        };
        // Where the feed is read directly nothing says of which price a spot was made.
        let again = if then.rules.hop == 0 { then.state.spot != spot } else { poked(then) };
        if same || !again {
            return spot;
        }
        if poked(self) {
            return then.spot(&mut Silent, self.state.current).unwrap_or(spot);
        }
        let scaled = spot.mul_div_wide(self.rules.mat, then.rules.mat, Down);
        scaled.and_then(|spot| spot.mul_div_wide(self.rules.par, then.rules.par, Down)).unwrap_or(spot)
    }

    /// From when the delayed oracle takes a new price (`OSM.pass`); `None` where the feed is read directly.
    pub(super) fn passes(&self) -> Option<Time> {
        let hop = Some(self.rules.hop).filter(|hop| *hop != 0)?;
        Some(Time(self.state.poked.saturating_add(hop)))
    }

    /// The price that the contracts find at the oracle: the delayed one's current, or the feed itself (`pip.peek`).
    pub(super) fn pip(&self, feed: Reading) -> Stored {
        if self.rules.hop == 0 { peek(feed) } else { self.state.current }
    }
}

impl State {
    /// The delayed oracle takes its next price and the feed's (`OSM.poke`); nothing happens while the feed has none.
    pub(super) fn take_next(&mut self, feed: Stored, hop: u64, at: Time) {
        if !feed.valid {
            return;
        }
        self.current = self.next;
        self.next = Stored { value: low_bits(feed.value), valid: true };
        self.poked = at.0.saturating_sub(at.0 % hop);
    }
}

/// `uint128(value)`: what is above is cut off.
fn low_bits(value: U256) -> U256 {
    let mut bytes = value.to_le_bytes();
    bytes[16..].fill(0);
    U256::from_le_bytes(bytes)
}

impl Calc {
    /// The price of an auction `seconds` after its start (ray) (`LinearDecrease.price`,
    /// `StairstepExponentialDecrease.price`, `ExponentialDecrease.price`).
    ///
    /// # Errors
    /// [`Refusal::Overflow`] and [`Refusal::DivisionByZero`] where the contract reverts.
    pub fn price<T: Trace + ?Sized>(&self, t: &mut T, top: U256, seconds: U256) -> Result<U256, Refusal> {
        let left = match self.curve {
            Curve::Linear => {
                let Some(rest) = self.tau.sub(seconds).filter(|rest| *rest != U256::ZERO) else {
                    return Ok(U256::ZERO);
                };
                let formula = "part left = (tau - seconds) / tau";
                t.mul_div(formula, rest, RAY.value(), self.tau, Down, Unit::RAY)?
            }
            Curve::Stairstep => {
                let formula = "steps = seconds / step";
                let steps = t.mul_div(formula, seconds, U256::ONE, self.step, Down, Unit::NUMBER)?;
                rpow(t, Power::Abacus, self.cut, steps)?
            }
            Curve::Exponential => rpow(t, Power::Abacus, self.cut, seconds)?,
        };
        t.mul_div("price = first price * part left", top, left, RAY, Down, Unit::RAY)
    }
}
