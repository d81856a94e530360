//! The market standing still: the assessment, step by step.

use super::position::{Leg, Net, Position};
use super::work::{above, least, less, plus, times};
use super::{Asked, Market, ONE, power, span};
use crate::ledger::Place;
use crate::liquidation::Bucket;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Arithmetic, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Node, Quoted, Range, Refusal,
    Rounding, Silent, Subject, Test, Trace, U256, Unit, Verdict, WAD, Why,
};

/// A cross-margin market with one set of prices.
pub(super) struct Standing<'m> {
    pub(super) market: &'m Market,
    prices: Vec<Result<U256, Why>>,
    nodes: Vec<Result<Node, Why>>,
}

/// The four numbers of an assessment.
#[derive(Clone, Copy)]
struct Sums {
    backing: Int,
    requirement: Int,
    collateral: Int,
    debt: Int,
}

/// A perp's part: with its weight, in the asset that it settles in.
struct Part {
    backing: Int,
    requirement: Int,
}

impl<'m> Standing<'m> {
    pub(super) fn new(market: &'m Market, feeds: Feeds<'_>) -> Standing<'m> {
        let price = |slot| {
            let reading = feeds.get(slot);
            reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))
        };
        let prices: Vec<Result<U256, Why>> = (0..market.slots.len()).map(price).collect();
        let nodes = prices.iter().map(|price| price.map(|price| Node::exact(price.into()))).collect();
        Standing { market, prices, nodes }
    }

    /// The same once more.
    pub(super) fn copy(&self) -> Standing<'m> {
        Standing { market: self.market, prices: self.prices.clone(), nodes: Vec::new() }
    }

    /// The price in a slot; one where there is none.
    pub(super) fn price(&self, slot: Option<usize>) -> Result<Int, Refusal> {
        let Some(slot) = slot else { return Ok(self.market.unit_price()) };
        let price = self.prices.get(slot).copied().unwrap_or(Err(Why::Missing));
        price.map(Int::from).map_err(|why| Refusal::PriceUnknown { slot, why })
    }

    /// The assessment of a position by one line.
    pub(super) fn assess_with<T: Trace + ?Sized>(
        &self,
        position: &Position,
        line: usize,
        t: &mut T,
    ) -> Result<Assessment, Refusal> {
        let nothing = position.owes_nothing();
        let sums = match self.sums(position, line, t) {
            Ok(sums) => sums,
            // Who owes nothing needs no price; without one it is not told what is held.
            Err(_) if nothing => {
                Sums { backing: Int::ZERO, requirement: Int::ZERO, collateral: Int::ZERO, debt: Int::ZERO }
            }
            Err(refusal) => return Err(refusal),
        };
        let Sums { backing, requirement, collateral, debt } = sums;
        let verdict = match nothing {
            true => Verdict::NoDebt,
            false if backing >= requirement => Verdict::Healthy,
            false => Verdict::Unhealthy,
        };
        let unit = self.market.unit();
        Ok(Assessment { verdict, backing, requirement, collateral, debt, unit, executable: Ok(()) })
    }

    fn sums<T: Trace + ?Sized>(&self, position: &Position, line: usize, t: &mut T) -> Result<Sums, Refusal> {
        let zero = Int::ZERO;
        let mut sums = Sums { backing: zero, requirement: zero, collateral: zero, debt: zero };
        for net in &position.assets {
            self.net(net, line, &mut sums, t)?;
        }
        Ok(sums)
    }

    /// One asset with what settles in it.
    fn net<T: Trace + ?Sized>(
        &self,
        net: &Net,
        line: usize,
        sums: &mut Sums,
        t: &mut T,
    ) -> Result<(), Refusal> {
        let market = self.market;
        let (asset, unit) = (&market.spec.assets[net.asset], market.unit());
        let weights = asset.weights[line];
        let fine = Unit::raw(market.finest());
        // A position comes with two weights and a price more than an amount does.
        let whole = market.unit_price().mul(power(12)).ok_or(Refusal::Overflow("units"))?;
        let mut backing = net.net.max(Int::ZERO).mul(whole).ok_or(Refusal::Overflow("units"))?;
        let mut requirement = net.net.neg().max(Int::ZERO).mul(whole).ok_or(Refusal::Overflow("units"))?;
        for leg in &net.perps {
            let part = self.leg(leg, line, t)?;
            t.about(Subject::Holding(super::held(net.asset)));
            backing = plus(
                t,
                "backing in the asset = backing + the position's",
                backing,
                part.backing,
                parts(market),
            )?;
            requirement = plus(
                t,
                "asked in the asset = asked + the position's",
                requirement,
                part.requirement,
                parts(market),
            )?;
            self.legs(leg, net.asset, sums)?;
        }
        let owed = net.net.is_negative();
        t.about(Subject::Holding(if owed { super::owed(net.asset) } else { super::held(net.asset) }));
        t.given("held less owed", net.net, fine);
        let price = self.price(market.asset_slots[net.asset])?;
        t.given("price", price, Unit::raw(market.spec.price_decimals));
        self.value(net, price, sums)?;
        let balance = backing.sub(requirement).ok_or(Refusal::Overflow("balance"))?;
        let weight =
            Int::from(u64::from(if balance.is_negative() { weights.liability } else { weights.asset }));
        t.given(
            if balance.is_negative() { "liability weight" } else { "asset weight" },
            weight,
            super::MILLIONTHS,
        );
        if asset.cap != U256::ZERO && !owed {
            let value = times(t, "value = amount * price", net.net, price, cents(market))?;
            let cap = times(t, "cap in this unit", asset.cap.into(), power(market.finest()), cents(market))?;
            let counted = least(t, "counted = min(value, cap)", value, cap, cents(market))?;
            let factor = weight.mul(whole).ok_or(Refusal::Overflow("backing = counted * weight"))?;
            let counted = times(t, "backing = counted * weight", counted, factor, unit)?;
            sums.backing = plus(t, "backing of the account", sums.backing, counted, unit)?;
            return Ok(());
        }
        let factor = times(t, "price * weight", price, weight, Unit::raw(market.spec.price_decimals + 6))?;
        if !backing.is_zero() {
            let counted = times(t, "backing = amount * price * weight", backing, factor, unit)?;
            sums.backing = plus(t, "backing of the account", sums.backing, counted, unit)?;
        }
        if !requirement.is_zero() {
            let asked = times(t, "requirement = amount * price * weight", requirement, factor, unit)?;
            sums.requirement = plus(t, "requirement of the account", sums.requirement, asked, unit)?;
        }
        Ok(())
    }

    /// What a perp backs and asks, both with the weight of its profit or loss.
    fn leg<T: Trace + ?Sized>(&self, leg: &Leg, line: usize, t: &mut T) -> Result<Part, Refusal> {
        let market = self.market;
        let perp = &market.spec.perps[leg.perp];
        let asked = &perp.asked[line];
        let million = Int::from(u64::from(ONE));
        let worth = Unit::raw(market.finest() + market.spec.price_decimals);
        let unit = Unit::raw(worth.decimals + 6);
        t.about(Subject::Holding(market.base(leg.perp)));
        t.given("quote", leg.quote, Unit::raw(market.finest()));
        let quote = times(t, "quote in this unit", leg.quote, market.unit_price(), worth)?;
        if leg.is_closed() {
            // No index moves what is closed.
            let weight = Int::from(u64::from(if quote.is_negative() { ONE } else { asked.profit }));
            let kept = quote.mul(million).ok_or(Refusal::Overflow("quote"))?;
            let kept = times(t, "kept = quote * profit weight", kept, weight, parts(market))?;
            return Ok(Part { backing: kept.max(Int::ZERO), requirement: kept.neg().max(Int::ZERO) });
        }
        let index = self.price(Some(market.index_slot(leg.perp)))?;
        t.given("index", index, Unit::raw(market.spec.price_decimals));
        if let Some((since, rate)) = market.since.get(leg.perp).copied().flatten() {
            t.given("in force by the schedule since", Int::from(since.0), Unit::SECONDS);
            t.given("margin by the schedule", Int::from(u64::from(rate)), super::MILLIONTHS);
        }
        let value = times(t, "value = base * index", leg.base, index, worth)?;
        let kept = plus(t, "kept = quote + value", quote, value, worth)?;
        let kept = times(t, "kept in this unit", kept, million, unit)?;
        let notional = times(t, "notional = size of the worse side * index", leg.size, index, worth)?;
        let first = asked.tiers.first().map_or(0, |tier| tier.rate);
        let ask = times(t, "asked = notional * first rate", notional, Int::from(u64::from(first)), unit)?;
        let surcharge = self.surcharge(asked, leg, notional, t)?;
        let kept = less(t, "kept less surcharge", kept, surcharge, unit)?;
        let profit = less(t, "counted profit = kept - asked", kept, ask, unit)?;
        let weight = if profit.is_negative() { ONE } else { asked.profit };
        let weight = Int::from(u64::from(weight));
        t.given("weight of the profit or loss", weight, super::MILLIONTHS);
        let backing = times(t, "the position's backing = kept * weight", kept, weight, parts(market))?;
        let requirement =
            times(t, "the position's requirement = asked * weight", ask, weight, parts(market))?;
        Ok(Part { backing, requirement })
    }

    /// What tiers above the first ask (worth in millionths).
    fn surcharge<T: Trace + ?Sized>(
        &self,
        asked: &Asked,
        leg: &Leg,
        notional: Int,
        t: &mut T,
    ) -> Result<Int, Refusal> {
        let market = self.market;
        let unit = Unit::raw(market.finest() + market.spec.price_decimals + 6);
        let mut sum = Int::ZERO;
        for (slope, from) in steps(market, leg.perp, asked) {
            let above_it = above(t, "notional above the tier", notional, from, Unit::raw(unit.decimals - 6))?;
            let more = times(t, "surcharge of the tier = above * rate more", above_it, slope, unit)?;
            sum = plus(t, "surcharge", sum, more, unit)?;
        }
        Ok(sum)
    }

    /// An asset at full value.
    fn value(&self, net: &Net, price: Int, sums: &mut Sums) -> Result<(), Refusal> {
        let value = self.full(net.net, price)?;
        add(value, sums)
    }

    /// Both legs of a perp at full value.
    fn legs(&self, leg: &Leg, settles_in: usize, sums: &mut Sums) -> Result<(), Refusal> {
        let price = self.price(self.market.asset_slots[settles_in])?;
        add(self.full(leg.quote, price)?, sums)?;
        if !leg.base.is_zero() {
            add(self.base_value(leg.base, leg.perp)?, sums)?;
        }
        Ok(())
    }

    /// An amount in the finest unit at a price, in the unit of the account.
    fn full(&self, amount: Int, price: Int) -> Result<Int, Refusal> {
        let value = amount.mul(price).and_then(|value| value.mul(self.market.unit_price())?.mul(power(18)));
        value.ok_or(Refusal::Overflow("value = amount * price"))
    }

    /// A base in the finest unit at its index and the price of what it settles in.
    fn base_value(&self, base: Int, perp: usize) -> Result<Int, Refusal> {
        let market = self.market;
        let index = self.price(Some(market.index_slot(perp)))?;
        let settles = self.price(market.asset_slots[market.spec.perps[perp].settles_in])?;
        let value = base.mul(index).and_then(|value| value.mul(settles)?.mul(power(18)));
        value.ok_or(Refusal::Overflow("value = base * index"))
    }

    /// A position as a bucket of the rule of [`crate::liquidation`]: what backs it if nothing is asked and nothing owed, and all that asking and owing takes
    /// of that. Closing at the index leaves the one and lowers the other, also where a profit or a balance changes its weight: both
    /// weights make a concave sum, so that less taken takes no more.
    pub(super) fn bucket(&self, position: &Position, line: usize) -> Result<Bucket, Refusal> {
        let seen = self.assess_with(position, line, &mut Silent)?;
        let whole = self.unasked(position, line)?;
        let requirement = seen.requirement.sub(seen.backing).and_then(|missing| missing.add(whole));
        let requirement = requirement.ok_or(Refusal::Overflow("requirement = backing - headroom"))?;
        Ok(Bucket { backing: whole, requirement })
    }

    /// What backs a position if nothing is asked and no asset owed.
    fn unasked(&self, position: &Position, line: usize) -> Result<Int, Refusal> {
        let (market, million) = (self.market, Int::from(u64::from(ONE)));
        let beyond = Refusal::Overflow("backing");
        let mut sum = Int::ZERO;
        for net in &position.assets {
            let asset = &market.spec.assets[net.asset];
            let price = self.price(market.asset_slots[net.asset])?;
            let whole = market.unit_price().mul(power(12)).ok_or(beyond)?;
            let mut balance = net.net.max(Int::ZERO).mul(whole).ok_or(beyond)?;
            for leg in &net.perps {
                let mut kept = leg.quote.mul(market.unit_price()).ok_or(beyond)?;
                if !leg.base.is_zero() {
                    let index = self.price(Some(market.index_slot(leg.perp)))?;
                    kept = leg.base.mul(index).and_then(|value| value.add(kept)).ok_or(beyond)?;
                }
                let profit = market.spec.perps[leg.perp].asked[line].profit;
                let weight = if kept.is_negative() { ONE } else { profit };
                let counted = kept.mul(million).and_then(|kept| kept.mul(Int::from(u64::from(weight))));
                balance = counted.and_then(|counted| balance.add(counted)).ok_or(beyond)?;
            }
            let weights = asset.weights[line];
            let weight = if balance.is_negative() { weights.liability } else { weights.asset };
            let mut value = balance.mul(price).ok_or(beyond)?;
            if asset.cap != U256::ZERO {
                let cap = Int::from(asset.cap).mul(power(market.finest())).and_then(|cap| cap.mul(whole));
                value = value.min(cap.ok_or(beyond)?);
            }
            let counted = value.mul(Int::from(u64::from(weight)));
            sum = counted.and_then(|counted| sum.add(counted)).ok_or(beyond)?;
        }
        Ok(sum)
    }

    /// What an account is worth, in its unit.
    pub(super) fn equity(&self, position: &Position) -> Result<Int, Refusal> {
        let Sums { collateral, debt, .. } = self.sums(position, super::MAINTENANCE, &mut Silent)?;
        collateral.sub(debt).ok_or(Refusal::Overflow("equity = collateral - debt"))
    }
}

/// Millionths as per cent.
fn percent(rate: u32) -> String {
    let (whole, rest) = (rate / 10_000, rate % 10_000);
    if rest == 0 {
        return format!("{whole}");
    }
    let digits = format!("{rest:04}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

fn add(value: Int, sums: &mut Sums) -> Result<(), Refusal> {
    let place = if value.is_negative() { &mut sums.debt } else { &mut sums.collateral };
    *place = place.add(value.magnitude().into()).ok_or(Refusal::Overflow("values"))?;
    Ok(())
}

/// The unit of a position's parts: with both its weights.
fn parts(market: &Market) -> Unit {
    Unit::raw(market.finest() + market.spec.price_decimals + 12)
}

/// The unit of an amount times a price.
fn cents(market: &Market) -> Unit {
    Unit::raw(market.finest() + market.spec.price_decimals)
}

/// Tiers above the first: by how much the rate rises there (millionths), and the notional from which on (amount times price).
pub(super) fn steps<'a>(
    market: &Market,
    perp: usize,
    asked: &'a Asked,
) -> impl Iterator<Item = (Int, Int)> + use<'a> {
    let settles = &market.spec.assets[market.spec.perps[perp].settles_in];
    // 128 bits, 18 and 12 digits: far from 256 bits.
    let unit = market.pad(settles.decimals).mul(market.unit_price()).unwrap_or(Int::ONE);
    let pairs = asked.tiers.iter().zip(asked.tiers.iter().skip(1));
    pairs.map(move |(before, tier)| {
        let from = Int::from(tier.from).mul(unit).unwrap_or(Int::from(U256::MAX));
        (Int::from(u64::from(tier.rate - before.rate)), from)
    })
}

impl Quoted for Standing<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(&Position::of(self.market, account)?, super::line(test), trace)
    }

    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal> {
        self.assess_with(&Position::of(self.market, account)?, super::line(test), &mut Silent)
    }

    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        span::over(self.market, [low, high], super::line(test), feeds)
    }

    /// `accountValue`, what it is worth; `freeInitial` and `freeMaintenance`, by how much it is above each line; and where something is asked,
    /// `health` = backing / requirement on the line of liquidation (down).
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let [initial, maintenance] =
            [self.verdict(account, Test::Borrow)?, self.verdict(account, Test::Liquidation)?];
        let unit = maintenance.unit;
        let figure = |name, value: Option<Int>| {
            let value = value.ok_or(Refusal::Overflow("a figure"))?;
            Ok(Figure { name, value, unit })
        };
        let mut figures = vec![
            figure("accountValue", maintenance.collateral.sub(maintenance.debt))?,
            figure("freeInitial", initial.backing.sub(initial.requirement))?,
            figure("freeMaintenance", maintenance.backing.sub(maintenance.requirement))?,
        ];
        let asked = maintenance.requirement;
        if maintenance.verdict != Verdict::NoDebt && !asked.is_zero() {
            let wide = maintenance.backing.mul_wide(Int::from(WAD.value()));
            let health = wide.div_down(asked.magnitude()).ok_or(Refusal::Overflow("health"))?;
            figures.push(Figure { name: "health", value: health, unit: Unit::WAD });
        }
        Ok(figures)
    }

    /// A perp is worth its index, in what it settles in.
    fn mark(&self, instrument: InstrumentId, _: Rounding) -> Result<Option<(Int, u8)>, Refusal> {
        let Some(Place::Base(perp)) = self.market.place(instrument) else {
            return Err(Refusal::NoSuchInstrument(instrument));
        };
        Ok(Some((self.price(Some(self.market.index_slot(perp)))?, self.market.spec.price_decimals)))
    }

    /// The perp that is asked the most, with the highest of its tiers that is reached, or the asset of which a weight takes the most.
    fn binds(&self, account: &Account) -> Result<Option<[String; 2]>, Refusal> {
        let (market, line) = (self.market, super::INITIAL);
        let position = Position::of(market, account)?;
        let beyond = Refusal::Overflow("what is asked");
        let mut most: Option<(Int, [String; 2])> = None;
        let mut see = |asked: Int, of: [String; 2]| {
            if !asked.is_zero() && most.as_ref().is_none_or(|(most, _)| asked > *most) {
                most = Some((asked, of));
            }
        };
        for net in &position.assets {
            let price = self.price(market.asset_slots[net.asset])?;
            for leg in net.perps.iter().filter(|leg| !leg.is_closed()) {
                let perp = &market.spec.perps[leg.perp];
                let asked = &perp.asked[line];
                let index = self.price(Some(market.index_slot(leg.perp)))?;
                let notional = leg.size.mul(index).ok_or(beyond)?;
                let first = Int::from(u64::from(asked.tiers.first().map_or(0, |tier| tier.rate)));
                let more = self.surcharge(asked, leg, notional, &mut Silent)?;
                let asks = notional.mul(first).and_then(|ask| ask.add(more)?.mul(price)).ok_or(beyond)?;
                let reached = 1 + steps(market, leg.perp, asked).filter(|(_, from)| notional > *from).count();
                let rate = asked.tiers.get(reached - 1).map_or(0, |tier| tier.rate);
                see(asks, [perp.name.clone(), format!("tier {reached}, {} %", percent(rate))]);
            }
            let asset = &market.spec.assets[net.asset];
            let weights = asset.weights[line];
            let weight = if net.net.is_negative() { weights.liability } else { weights.asset };
            let taken = Int::from(u64::from(weight.abs_diff(ONE)));
            let value =
                Int::from(net.net.magnitude()).mul(price).and_then(|value| value.mul(market.unit_price()));
            let asks = value.and_then(|value| value.mul(taken)).ok_or(beyond)?;
            see(asks, [asset.name.clone(), format!("weight of {} %", percent(weight))]);
        }
        Ok(most.map(|(_, of)| of))
    }

    /// Amounts as they are held; of a position its base at the index, and its quote beside.
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let market = self.market;
        let place = market.place(instrument).ok_or(Refusal::NoSuchInstrument(instrument))?;
        let raw = account.quantity(instrument).magnitude();
        let padded =
            |decimals: u8| Int::from(raw).mul(market.pad(decimals)).ok_or(Refusal::Overflow("amount"));
        let value = match place {
            // Of the token itself: what the venue says that it is worth.
            Place::Token(asset) | Place::Held(asset) | Place::Owed(asset) => {
                let amount = padded(market.spec.assets[asset].decimals)?;
                self.price(market.asset_slots[asset]).and_then(|price| self.full(amount, price))
            }
            Place::Base(perp) => self.base_value(padded(market.spec.perps[perp].decimals)?, perp),
            Place::Quote(perp) => {
                let settles = market.spec.perps[perp].settles_in;
                let amount = padded(market.spec.assets[settles].decimals)?;
                self.price(market.asset_slots[settles]).and_then(|price| self.full(amount, price))
            }
        };
        let value = match value {
            Ok(value) => Some(value.magnitude()),
            Err(Refusal::PriceUnknown { .. }) => None,
            Err(refusal) => return Err(refusal),
        };
        Ok(Balance { raw, value })
    }
}

/// The price of an asset for one raw unit of it, in the unit of the account: what a raw unit is worth.
pub(super) fn worth_of_raw(standing: &Standing<'_>, asset: usize) -> Result<Int, Refusal> {
    let market = standing.market;
    let price = standing.price(market.asset_slots[asset])?;
    standing.full(market.pad(market.spec.assets[asset].decimals), price)
}

/// A quotient of whole numbers in a named rounding.
pub(super) fn over(x: Int, by: Int, rounding: Rounding, what: &'static str) -> Result<Int, Refusal> {
    x.div(by, rounding).ok_or(Refusal::DivisionByZero(what))
}
