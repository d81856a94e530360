//! A market standing still: verdicts, boxes, figures and balances.

use super::numbers::{Numbers, RAD, State, Stored};
use super::position::{Line, Position};
use super::prices::{self, Way, Ways};
use super::{ART, GEM, INK, Market, Parameters, Revision, VAT_DAI, dutch, english};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Account, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Lens, NextPrice, Node, Quoted, RAY,
    Range, Reading, Refusal, Silent, Test, Time, Trace, U256, Unit, Verdict, Why,
};

/// 10^25 is one: a ray, shown in per cent.
const PERCENT: Unit = Unit { name: "%", decimals: 25 };

/// A Maker market at one time, with one price.
pub(super) struct Standing<'m> {
    market: &'m Market,
    lens: Lens,
    at: Time,
    rate: Result<U256, Refusal>,
    /// What anybody can bring about; under the view lens what is stored.
    ways: Vec<Way>,
    /// The least spot; a refusal where a price decides it that is not known.
    spot: Result<U256, Refusal>,
    feed: Reading,
    nodes: [Result<Node, Why>; 3],
}

pub(super) const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
}

/// The least of some spots, and how it comes about.
fn least(ways: &[Way]) -> Option<&Way> {
    ways.iter().min_by_key(|way| way.spot)
}

impl<'m> Standing<'m> {
    pub(super) fn new(
        market: &'m Market,
        feed: Reading,
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        let numbers = &market.numbers;
        numbers.seconds_to(at)?;
        let stored = &numbers.state;
        let (rate, ways, spot) = if lens == Lens::Action && numbers.rules.live {
            let Ways { sure, unknown } = numbers.ways(feed, at);
            let overflow = Refusal::Overflow("spot = price in Dai / mat");
            let spot = unknown.map_or_else(|| least(&sure).map(|way| way.spot).ok_or(overflow), Err);
            (numbers.rate_at(at), sure, spot)
        } else {
            let way = Way { spot: stored.spot, poked: None, found: numbers.pip(feed) };
            (Ok(stored.rate), vec![way], Ok(stored.spot))
        };
        let node = |value: U256| Node::exact(value.into());
        let why = |refusal| match refusal {
            Refusal::PriceUnknown { why, .. } => why,
            _ => Why::Missing,
        };
        // A form that was made before the feed counted has nothing else that doubts it.
        let doubt = feed.doubt.filter(|_| market.reads_feed(lens, at));
        let shown = spot.map(node).map_err(why).and_then(|node| doubt.map_or(Ok(node), Err));
        let price = feed.value.ok_or(feed.doubt.unwrap_or(Why::Missing));
        let nodes = [shown, price.map(node), rate.map(node).map_err(why)];
        Ok(Standing { market, lens, at, rate, ways, spot, feed, nodes })
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
            if let (Ok(spot), Ok(rate)) = (self.spot, self.rate)
                && let Ok(line) = position.line(t, rate, spot)
            {
                assessment.backing = line.carried.into();
                assessment.collateral = self.full_value(position.ink, spot).into();
            }
            return Ok(assessment);
        }
        let rate = self.rate?;
        let spot = self.spot.or_else(|refusal| self.surely_unsafe(&position, rate).ok_or(refusal))?;
        let line = position.line(t, rate, spot)?;
        assessment.backing = line.carried.into();
        assessment.requirement = line.tab.into();
        assessment.collateral = self.full_value(position.ink, spot).into();
        assessment.debt = line.tab.into();
        assessment.verdict = if line.safe() { Verdict::Healthy } else { Verdict::Unhealthy };
        if !line.safe() && test == Test::Liquidation {
            assessment.executable = self.executable(&position, rate);
        }
        Ok(assessment)
    }

    /// The least spot that can be brought about for sure, where the account is below its line by it: what is not known
    /// can then only be worse.
    fn surely_unsafe(&self, position: &Position, rate: U256) -> Option<U256> {
        let spot = least(&self.ways)?.spot;
        let line = position.line(&mut Silent, rate, spot).ok()?;
        (!line.safe()).then_some(spot)
    }

    /// The same calculations that made this, now with their steps.
    fn explain<T: Trace + ?Sized>(&self, t: &mut T) -> Result<(), Refusal> {
        let numbers = &self.market.numbers;
        let moves = self.lens == Lens::Action && numbers.rules.live;
        if moves && numbers.drip(&mut Silent, self.at).is_ok() {
            numbers.drip(t, self.at)?;
        } else {
            t.about(plimsoll_core::Subject::Market);
            plimsoll_core::Arithmetic::given(t, "rate, as stored", numbers.state.rate, Unit::RAY);
        }
        match least(&self.ways) {
            Some(Way { poked: Some(price), .. }) => numbers.spot(t, *price).map(|_| ()),
            Some(Way { spot, poked: None, .. }) => {
                t.about(plimsoll_core::Subject::Market);
                plimsoll_core::Arithmetic::given(t, "spot, as stored", *spot, Unit::RAY);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether a keeper's call would go through now, after whichever pokes help him; why not after those that make the
    /// least spot.
    fn executable(&self, position: &Position, rate: U256) -> Result<(), Refusal> {
        let mut ways: Vec<&Way> = self.ways.iter().collect();
        ways.sort_by_key(|way| way.spot);
        let mut refused = Err(Refusal::NotLiquidatable);
        for (at, way) in ways.into_iter().enumerate() {
            match self.barks(position, rate, way) {
                Ok(()) => return Ok(()),
                Err(refusal) if at == 0 => refused = Err(refusal),
                Err(_) => {}
            }
        }
        refused
    }

    /// Whether the call goes through at a rate, after the pokes of a way.
    fn barks(&self, position: &Position, rate: U256, way: &Way) -> Result<(), Refusal> {
        let stored = &self.market.numbers;
        let state = State { rate, spot: way.spot, ..stored.state };
        let numbers = Numbers { state, rules: stored.rules };
        if !numbers.rules.live {
            return Err(Refusal::ShutDown);
        }
        if way.spot == U256::ZERO {
            return Err(Refusal::NoValidPrice);
        }
        match self.market.revision {
            Revision::V2_0 => {
                let seized = dutch::seized(&mut Silent, &numbers, position.ink, position.art)?;
                dutch::may_start(&numbers, &seized)?;
                if stored.rules.hop == 0 && self.feed.value.is_none() {
                    return Err(unknown(self.feed));
                }
                dutch::first_price(&mut Silent, &numbers, way.found).map(|_| ())
            }
            revision => {
                english::seized(&mut Silent, revision, &numbers, position.ink, position.art).map(|_| ())
            }
        }
    }

    /// What a price says of an account that owes, at a time to come and with interest to then, nothing else being stored.
    fn later(&self, position: &Position, price: Stored, from: Time) -> Result<Assessment, Refusal> {
        let numbers = &self.market.numbers;
        let (rate, spot) = (numbers.rate_at(from)?, numbers.spot(&mut Silent, price)?);
        let line = position.line(&mut Silent, rate, spot)?;
        let (verdict, executable) = if line.safe() {
            (Verdict::Healthy, Ok(()))
        } else {
            let way = Way { spot, poked: Some(price), found: price };
            (Verdict::Unhealthy, self.barks(position, rate, &way))
        };
        let (backing, requirement) = (line.carried.into(), line.tab.into());
        let collateral = self.full_value(position.ink, spot).into();
        Ok(Assessment { verdict, backing, requirement, collateral, debt: requirement, unit: RAD, executable })
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

    /// The least spot at both ends of a reading.
    fn spots(&self, feeds: Feeds<'_>) -> [Result<U256, Refusal>; 2] {
        let reading = feeds.get(0);
        let highest = reading.high.unwrap_or(self.market.slots[0].highest);
        [reading.low, highest].map(|price| {
            Standing::new(self.market, Reading::certain(price), self.lens, self.at)
                .and_then(|standing| standing.spot)
        })
    }
}

/// That a price is not known.
pub(super) fn unknown(feed: Reading) -> Refusal {
    Refusal::PriceUnknown { slot: 0, why: feed.doubt.unwrap_or(Why::Missing) }
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
            |position: &Position, spot: Result<U256, Refusal>| position.line(&mut Silent, self.rate?, spot?);
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
        let found = least(&self.ways).map(|way| way.found);
        if let Some(Stored { value, valid: true }) = found {
            figures.push(figure("currentPrice", value.into(), Unit::WAD));
        }
        let waits = found == Some(numbers.state.current);
        if let (Some(from), true, true) = (numbers.passes(), waits, numbers.state.next.valid) {
            figures.push(figure("nextPrice", numbers.state.next.value.into(), Unit::WAD));
            figures.push(figure("nextPriceFrom", from.0.into(), Unit::SECONDS));
        }
        let ratio = figure("liquidationRatio", rules.mat.into(), PERCENT);
        if position.art == U256::ZERO {
            figures.push(ratio);
            return Ok(figures);
        }
        let rate = self.rate?;
        let spot = self.spot.or_else(|refusal| self.surely_unsafe(&position, rate).ok_or(refusal))?;
        let line = position.line(&mut Silent, rate, spot)?;
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
                let tab = held.mul(self.rate?).ok_or(overflow)?;
                Ok(Balance { raw: tab.div(RAY, Up).ok_or(overflow)?, value: Some(tab) })
            }
            VAT_DAI => Ok(Balance { raw: held.div(RAY, Down).ok_or(overflow)?, value: Some(held) }),
            other => Err(Refusal::NoSuchInstrument(other)),
        }
    }

    /// The queued price from the next hop on, and the feed's of now from the hop after that, each with interest to then.
    fn coming(&self, account: &Account, test: Test) -> Option<NextPrice> {
        let numbers = &self.market.numbers;
        let position = Position::of(account).ok().filter(|position| position.art != U256::ZERO)?;
        if test != Test::Liquidation
            || self.lens != Lens::Action
            || !numbers.rules.live
            || numbers.rules.osm_stopped
        {
            return None;
        }
        let queued = numbers.passes().map(|from| (from.max(self.at), numbers.state.next, "nextPrice"));
        let fed = numbers.feed_comes(self.at).map(|from| (from, prices::taken(self.feed), "feedPrice"));
        [queued, fed].into_iter().flatten().filter(|(_, price, _)| price.valid).find_map(
            |(from, price, name)| {
                let seen = self.later(&position, price, from).ok()?;
                let price = figure(name, price.value.into(), Unit::WAD);
                (seen.verdict == Verdict::Unhealthy).then_some(NextPrice {
                    price,
                    from,
                    assessment: Ok(seen),
                })
            },
        )
    }
}
