//! A market standing still: verdicts, boxes, figures and balances.

use super::numbers::{Numbers, RAD, State, Stored};
use super::position::{Line, Position};
use super::{ART, GEM, INK, Market, Parameters, Revision, VAT_DAI, dutch, english};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Account, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Lens, Node, Quoted, RAY, Range, Reading,
    Refusal, Silent, Test, Time, Trace, U256, Unit, Verdict, Why,
};

/// 10^25 is one: a ray, shown in per cent.
const PERCENT: Unit = Unit { name: "%", decimals: 25 };

/// A Maker market at one time, with one price.
pub(super) struct Standing<'m> {
    market: &'m Market,
    lens: Lens,
    at: Time,
    rate: U256,
    /// The oracle's price, where the contracts would find one.
    price: Result<Stored, Refusal>,
    spot: Result<U256, Refusal>,
    nodes: [Result<Node, Why>; 3],
}

pub(super) const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
}

/// The price that the contracts would find at the oracle when a keeper's calls have been made.
pub(super) fn price_of(numbers: &Numbers, feed: Reading, lens: Lens, at: Time) -> Result<Stored, Refusal> {
    let unknown = Refusal::PriceUnknown { slot: 0, why: feed.doubt.unwrap_or(Why::Missing) };
    let Some(from) = numbers.passes() else {
        return feed.value.map(|value| Stored { value, valid: true }).ok_or(unknown);
    };
    let State { current, next, .. } = numbers.state;
    let shifts = lens == Lens::Action && numbers.rules.live && !numbers.rules.osm_stopped && at >= from;
    match (shifts, feed.value) {
        (false, _) => Ok(current),
        (true, Some(_)) => Ok(next),
        // The oracle takes nothing while its source has no price; whether that is so is not known here.
        (true, None) if current == next => Ok(current),
        (true, None) => Err(unknown),
    }
}

impl<'m> Standing<'m> {
    pub(super) fn new(
        market: &'m Market,
        feed: Reading,
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        let price = price_of(&market.numbers, feed, lens, at);
        Standing::with_price(market, price, feed, lens, at)
    }

    /// With this at the oracle.
    pub(super) fn with_price(
        market: &'m Market,
        price: Result<Stored, Refusal>,
        feed: Reading,
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        let numbers = &market.numbers;
        numbers.seconds_to(at)?;
        let stored = &numbers.state;
        let moves = lens == Lens::Action && numbers.rules.live;
        let (rate, spot) = if moves {
            // A drip that would revert is one that nobody makes.
            let rate = numbers.drip(&mut Silent, at).map_or(stored.rate, |state| state.rate);
            (rate, price.and_then(|price| numbers.spot(&mut Silent, price)))
        } else {
            (stored.rate, Ok(stored.spot))
        };
        let node = |value: U256| Node::exact(value.into());
        let why = |refusal| match refusal {
            Refusal::PriceUnknown { why, .. } => why,
            _ => Why::Missing,
        };
        let shown = if market.reads_feed(lens) { Ok(stored.spot) } else { spot };
        let feed = feed.value.ok_or(feed.doubt.unwrap_or(Why::Missing));
        let nodes = [shown.map(node).map_err(why), feed.map(node), Ok(node(rate))];
        Ok(Standing { market, lens, at, rate, price, spot, nodes })
    }

    fn parameters(&self) -> &'m Parameters {
        &self.market.numbers.rules
    }

    fn assess_with<T: Trace + ?Sized>(
        &self,
        account: &Account,
        test: Test,
        t: &mut T,
    ) -> Result<Assessment, Refusal> {
        let position = Position::of(account)?;
        if t.listens() {
            self.explain(t)?;
        }
        let mut assessment = Assessment {
            verdict: Verdict::NoDebt,
            backing: Int::ZERO,
            requirement: Int::ZERO,
            collateral: Int::ZERO,
            debt: Int::ZERO,
            unit: RAD,
            executable: Ok(()),
        };
        if position.art == U256::ZERO {
            // Nobody asks a price here, and so a missing one, or one that overflows, is no refusal: the value is then
            // not told.
            if let Ok(spot) = self.spot
                && let Ok(line) = position.line(t, self.rate, spot)
            {
                assessment.backing = line.carried.into();
                assessment.collateral = self.full_value(position.ink, spot).into();
            }
            return Ok(assessment);
        }
        let spot = self.spot?;
        let line = position.line(t, self.rate, spot)?;
        assessment.backing = line.carried.into();
        assessment.requirement = line.tab.into();
        assessment.collateral = self.full_value(position.ink, spot).into();
        assessment.debt = line.tab.into();
        assessment.verdict = if line.safe() { Verdict::Healthy } else { Verdict::Unhealthy };
        if !line.safe() && test == Test::Liquidation {
            assessment.executable = self.executable(&position, spot);
        }
        Ok(assessment)
    }

    /// The same calculations that made this, now with their steps.
    fn explain<T: Trace + ?Sized>(&self, t: &mut T) -> Result<(), Refusal> {
        let numbers = &self.market.numbers;
        if self.lens == Lens::Action && numbers.rules.live {
            if numbers.drip(&mut Silent, self.at).is_ok() {
                numbers.drip(t, self.at)?;
            }
            if let (Ok(price), Ok(_)) = (self.price, self.spot) {
                numbers.spot(t, price)?;
            }
        } else {
            t.about(plimsoll_core::Subject::Market);
            plimsoll_core::Arithmetic::given(t, "rate, as stored", numbers.state.rate, Unit::RAY);
            plimsoll_core::Arithmetic::given(t, "spot, as stored", numbers.state.spot, Unit::RAY);
        }
        Ok(())
    }

    /// Whether a keeper's call would go through now.
    fn executable(&self, position: &Position, spot: U256) -> Result<(), Refusal> {
        let stored = &self.market.numbers;
        let state = State { rate: self.rate, spot, ..stored.state };
        let numbers = Numbers { state, rules: stored.rules };
        if !numbers.rules.live {
            return Err(Refusal::ShutDown);
        }
        if spot == U256::ZERO {
            return Err(Refusal::NoValidPrice);
        }
        match self.market.revision {
            Revision::V2_0 => {
                let seized = dutch::seized(&mut Silent, &numbers, position.ink, position.art)?;
                dutch::may_start(&numbers, &seized)?;
                dutch::first_price(&mut Silent, &numbers, self.price?).map(|_| ())
            }
            revision => {
                english::seized(&mut Silent, revision, &numbers, position.ink, position.art).map(|_| ())
            }
        }
    }

    /// Collateral at its whole price (rad): at the lowest that makes the spot which the lens sees. What it carries where
    /// 256 bits do not hold that.
    fn full_value(&self, ink: U256, spot: U256) -> U256 {
        let whole = spot.mul_div_wide(self.parameters().mat, RAY.value(), Up);
        let value = whole.and_then(|price| ink.mul(price));
        value.unwrap_or(ink.mul(spot).unwrap_or(U256::MAX))
    }

    /// The lowest price at which the account is safe (wad), by the inverse of the spot's floors; `None` where there is none.
    fn lowest_safe_price(&self, line: &Line, ink: U256) -> Option<U256> {
        let spot = line.tab.div(ink, Up)?;
        let in_dai = spot.mul_div_wide(self.parameters().mat, RAY.value(), Up)?;
        in_dai.mul_div_wide(self.parameters().par, U256::new(10u128.pow(36)), Up)
    }

    /// The spot at both ends of a reading, where the market reads it; the one spot otherwise.
    fn spots(&self, feeds: Feeds<'_>) -> [Result<U256, Refusal>; 2] {
        if !self.market.reads_feed(self.lens) {
            return [self.spot; 2];
        }
        let reading = feeds.get(0);
        let highest = reading.high.unwrap_or(self.market.slots[0].highest);
        let spot = |value| self.market.numbers.spot(&mut Silent, Stored { value, valid: true });
        [spot(reading.low), spot(highest)]
    }
}

impl Quoted for Standing<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(account, test, trace)
    }

    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal> {
        self.assess_with(account, test, &mut Silent)
    }

    /// What is owed rises with `art` alone, what is carried with `ink` and the price: both ends are exact.
    fn over(&self, low: &Account, high: &Account, _: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        let (least, most) = (Position::of(low)?, Position::of(high)?);
        // What lies unlocked in the vat counts for nothing, and what a repayment leaves of it goes up and down.
        if low.terms() != high.terms() || least.ink > most.ink || least.art > most.art {
            return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
        }
        let [low_spot, high_spot] = self.spots(feeds);
        let line =
            |position: &Position, spot: Result<U256, Refusal>| position.line(&mut Silent, self.rate, spot?);
        let range = |verdict, [low, high]: [&Line; 2]| Range {
            verdict,
            backing: [low.carried.into(), high.carried.into()],
            requirement: [low.tab.into(), high.tab.into()],
        };
        let (low, high) = match (line(&least, low_spot), line(&most, high_spot)) {
            (Ok(low), Ok(high)) => (low, high),
            // Without debt nobody asks a price.
            _ if most.art == U256::ZERO => return Ok(range(Some(Verdict::NoDebt), [&Line::default(); 2])),
            (Err(refusal), _) | (_, Err(refusal)) => return Err(refusal),
        };
        let verdict = match (least.art == U256::ZERO, most.art == U256::ZERO) {
            (_, true) => Some(Verdict::NoDebt),
            (true, false) => None,
            _ if low.carried >= high.tab => Some(Verdict::Healthy),
            _ if high.carried < low.tab => Some(Verdict::Unhealthy),
            _ => None,
        };
        Ok(range(verdict, [&low, &high]))
    }

    /// As the vat and its users name them: `ink` and `art` as stored; `spot` by this lens; the oracle's `currentPrice`,
    /// and with a delayed oracle the `nextPrice` and `nextPriceFrom`, the second from which anybody may let it in; with
    /// debt `tab` = art * rate, and `liquidationPrice`, the lowest at which the account is safe; `liquidationRatio` (mat),
    /// and last, with debt, `collateralizationRatio` (down).
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let position = Position::of(account)?;
        let (rules, numbers) = (self.parameters(), &self.market.numbers);
        let mut figures = vec![
            figure("ink", position.ink.into(), Unit::WAD),
            figure("art", position.art.into(), Unit::WAD),
        ];
        if let Ok(spot) = self.spot {
            figures.push(figure("spot", spot.into(), Unit::RAY));
        }
        if let Ok(Stored { value, valid: true }) = self.price {
            figures.push(figure("currentPrice", value.into(), Unit::WAD));
        }
        let waits = self.price == Ok(numbers.state.current);
        if let (Some(from), true, true) = (numbers.passes(), waits, numbers.state.next.valid) {
            figures.push(figure("nextPrice", numbers.state.next.value.into(), Unit::WAD));
            figures.push(figure("nextPriceFrom", from.0.into(), Unit::SECONDS));
        }
        let ratio = figure("liquidationRatio", rules.mat.into(), PERCENT);
        if position.art == U256::ZERO {
            figures.push(ratio);
            return Ok(figures);
        }
        let spot = self.spot?;
        let line = position.line(&mut Silent, self.rate, spot)?;
        figures.push(figure("tab", line.tab.into(), RAD));
        if let Some(price) = self.lowest_safe_price(&line, position.ink) {
            figures.push(figure("liquidationPrice", price.into(), Unit::WAD));
        }
        figures.push(ratio);
        let value = self.full_value(position.ink, spot);
        if let Some(ratio) = value.mul_div_wide(RAY.value(), line.tab, Down) {
            figures.push(figure("collateralizationRatio", ratio.into(), PERCENT));
        }
        Ok(figures)
    }

    /// Debt is rounded up to whole tokens, as it takes them to pay it; Dai in the vat down, as it pays out.
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let mut position = Position::of(account)?;
        let held = *position.place(instrument)?;
        let worth = |wad| self.spot.ok().map(|spot| self.full_value(wad, spot));
        let overflow = Refusal::Overflow("tab = art * rate");
        match instrument {
            INK | GEM => Ok(Balance { raw: held, value: worth(held) }),
            ART => {
                let tab = held.mul(self.rate).ok_or(overflow)?;
                Ok(Balance { raw: tab.div(RAY, Up).ok_or(overflow)?, value: Some(tab) })
            }
            VAT_DAI => Ok(Balance { raw: held.div(RAY, Down).ok_or(overflow)?, value: Some(held) }),
            other => Err(Refusal::NoSuchInstrument(other)),
        }
    }
}
