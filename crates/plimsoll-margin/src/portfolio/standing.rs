//! The market standing still: the assessment, step by step.

use super::array::{Inputs, NOW, SCENARIOS, array, wad};
use super::liquidate::price_of;
use super::measure::{Measured, Priced, headroom, measure, nothing, worst_day};
use super::position::{Ends, Position};
use super::{INITIAL, Market, Terms, UNIT, parts};
use crate::fixed::{ONE, mul};
use crate::ledger::{Judge, Ledger, Place, held, owed};
use crate::liquidation::{Bucket, may_be_done};
use crate::market::line;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Arithmetic, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Node, Operation, Outcome,
    Quoted, Range, Reading, Refusal, Rounding, Sheet, SheetGroup, Silent, Step, Subject, Test, Time, Trace,
    U256, Unit, Verdict, WAD, Why,
};

/// What a schedule says of who holds and of who owes.
const SCHEDULED: [&str; 2] = ["furthest fall by the schedule", "furthest rise by the schedule"];

const BEYOND: Refusal = Refusal::Overflow("values in units of 10^-18");

/// A portfolio-margin market with one set of prices, or with all between two.
pub(super) struct Standing<'m> {
    pub(super) market: &'m Market,
    at: Time,
    prices: Vec<Result<Ends, Why>>,
    nodes: Vec<Result<Node, Why>>,
    /// What each contract is worth in every column, where that was asked for once and for all.
    arrays: Vec<Result<Vec<Ends>, Refusal>>,
}

impl<'m> Standing<'m> {
    /// At the prices that the venue uses, with the columns of no contract made yet.
    pub(super) fn new(market: &'m Market, feeds: Feeds<'_>, at: Time) -> Standing<'m> {
        Standing::with(market, feeds, at, |reading, _| {
            let value = reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))?;
            Ok([value; 2])
        })
    }

    /// At all prices between the ends of what is read.
    fn between(market: &'m Market, feeds: Feeds<'_>, at: Time) -> Standing<'m> {
        Standing::with(market, feeds, at, |reading, highest| {
            Ok([reading.low, reading.high.unwrap_or(highest)])
        })
    }

    fn with(
        market: &'m Market,
        feeds: Feeds<'_>,
        at: Time,
        ends: impl Fn(Reading, U256) -> Result<[U256; 2], Why>,
    ) -> Standing<'m> {
        let of = |(slot, spec): (usize, &plimsoll_core::PriceSlot)| {
            let [low, high] = ends(feeds.get(slot), spec.highest)?;
            // No price within its slot's highest is beyond 127 bits.
            let fits = |raw| wad(raw, spec.decimals).unwrap_or(i128::MAX);
            Ok([fits(low), fits(high)])
        };
        let prices: Vec<Result<Ends, Why>> = market.slots.iter().enumerate().map(of).collect();
        let node = |slot: usize| {
            let reading = feeds.get(slot);
            let value = reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))?;
            Ok(Node::exact(value.into()))
        };
        let nodes = (0..market.slots.len()).map(node).collect();
        Standing { market, at, prices, nodes, arrays: Vec::new() }
    }

    /// The same with the columns of every contract made, for many accounts.
    pub(super) fn prepared(mut self) -> Standing<'m> {
        self.arrays = (0..self.market.spec.contracts.len()).map(|contract| self.made(contract)).collect();
        self
    }

    /// The same with the columns of what an account holds made, for one account that is asked many times; others are not asked.
    pub(super) fn prepared_for(mut self, position: &Position) -> Standing<'m> {
        let held = |contract: usize| position.legs.iter().any(|leg| leg.contract == contract);
        let made = |contract: usize| match held(contract) {
            true => self.made(contract),
            false => Err(Refusal::NoSuchInstrument(self.market.base_of(contract))),
        };
        self.arrays = (0..self.market.spec.contracts.len()).map(made).collect();
        self
    }

    /// The price of a perp, or the forward of what expires.
    pub(super) fn forward(&self, contract: usize) -> Result<i128, Refusal> {
        Ok(self.price(self.market.price_slot(contract))?[0])
    }

    /// What is held and what positions are worth, less what is owed, without haircuts.
    pub(super) fn worth(&self, position: &Position) -> Result<i128, Refusal> {
        let [above, below] = full(&self.measured(position)?).ok_or(BEYOND)?;
        above.checked_sub(below).ok_or(BEYOND)
    }

    fn price(&self, slot: usize) -> Result<Ends, Refusal> {
        let price = self.prices.get(slot).copied().unwrap_or(Err(Why::Missing));
        price.map_err(|why| Refusal::PriceUnknown { slot, why })
    }

    pub(super) fn asset_price(&self, asset: usize) -> Result<Ends, Refusal> {
        self.market.asset_slots[asset].map_or(Ok([ONE; 2]), |slot| self.price(slot))
    }

    pub(super) fn spot(&self, underlying: usize) -> Result<Ends, Refusal> {
        self.price(self.market.spot_slot(underlying))
    }

    /// What a contract is worth in every column.
    pub(super) fn columns(&self, contract: usize) -> Result<Cow<'_, [Ends]>, Refusal> {
        match self.arrays.get(contract) {
            Some(Ok(columns)) => Ok(Cow::Borrowed(columns)),
            Some(Err(refusal)) => Err(*refusal),
            None => self.made(contract).map(Cow::Owned),
        }
    }

    fn made(&self, contract: usize) -> Result<Vec<Ends>, Refusal> {
        let market = self.market;
        let terms = market.spec.contracts[contract].terms;
        let seconds = match terms.expiry().map(|expiry| market.spec.expiries[expiry].at.since(self.at)) {
            None => 0,
            Some(Some(seconds)) if seconds > 0 => seconds,
            Some(_) => return Err(Refusal::Expired(market.base_of(contract))),
        };
        let forward = self.price(market.price_slot(contract))?;
        let vol = market.vol_slot(contract).map_or(Ok([0; 2]), |slot| self.price(slot))?;
        array(market, contract, &Inputs { forward, vol, seconds }).ok_or(BEYOND)
    }

    /// An account in numbers; who owes nothing needs no price, and without one it is not told what is held.
    fn measured(&self, position: &Position) -> Result<Measured<'_>, Refusal> {
        match measure(self, position) {
            Err(_) if position.owes_nothing() => Ok(nothing()),
            measured => measured,
        }
    }

    fn asks(&self, measured: &Measured<'_>, line: usize) -> Result<Ends, Refusal> {
        if line == INITIAL {
            return Ok(measured.initial);
        }
        let part = parts(self.market.spec.model.maintenance);
        let part = |asked: i128| mul(asked, part, Rounding::Up).ok_or(BEYOND);
        Ok([part(measured.initial[0])?, part(measured.initial[1])?])
    }

    fn assess_with(
        &self,
        position: &Position,
        line: usize,
        t: &mut dyn Trace,
    ) -> Result<Assessment, Refusal> {
        let measured = self.measured(position)?;
        let (backing, requirement) = (measured.equity[0], self.asks(&measured, line)?[0]);
        if t.listens() {
            self.tell(&measured, line, t)?;
        }
        let [collateral, debt] = full(&measured).ok_or(BEYOND)?;
        let verdict = match position.owes_nothing() {
            true => Verdict::NoDebt,
            false if backing >= requirement => Verdict::Healthy,
            false => Verdict::Unhealthy,
        };
        let [backing, requirement, collateral, debt] = [backing, requirement, collateral, debt].map(Int::new);
        Ok(Assessment { verdict, backing, requirement, collateral, debt, unit: UNIT, executable: Ok(()) })
    }

    /// The steps of the sums, and of the worst outcome of each underlying.
    fn tell(&self, measured: &Measured<'_>, line: usize, t: &mut dyn Trace) -> Result<(), Refusal> {
        let spec = &self.market.spec;
        let mut equity = 0;
        for one in &measured.owned {
            let owes = one.net[0] < 0;
            t.about(Subject::Holding(if owes { owed(one.asset) } else { held(one.asset) }));
            t.given("amount, below zero where it is owed", Int::new(one.net[0]), UNIT);
            t.given("price", Int::new(one.price[0]), UNIT);
            let value = product(t, "value = amount * price", one.net[0], one.price[0])?;
            let haircut = parts(spec.assets[one.asset].haircut);
            let weight = if owes { ONE + haircut } else { ONE - haircut };
            let counted = product(t, "counted = value * weight after the haircut", value, weight)?;
            equity = sum(t, "backing of the account", equity, counted)?;
        }
        for Priced { leg, columns } in &measured.priced {
            t.about(Subject::Holding(self.market.base_of(leg.contract)));
            t.given("price of the contract", Int::new(columns[NOW][0]), UNIT);
            let value = product(t, "value = base * price", leg.base[0], columns[NOW][0])?;
            equity = sum(t, "backing of the account", equity, value)?;
        }
        t.about(Subject::Account);
        let _ = sum(t, "backing with the quotes of all positions", equity, measured.quotes[0])?;
        let mut asked = 0;
        for group in &measured.groups {
            let binding = group.binding();
            if let Some(place) = binding.filter(|place| *place < spec.model.scenarios.len()) {
                self.tell_worst(measured, group.underlying, place, t)?;
            }
            t.about(Subject::Account);
            let worst = binding.map_or(0, |place| group.outcomes[place][0]);
            t.given("worst outcome of an underlying, dampened", Int::new(worst), UNIT);
            let risk = difference(t, "risk = less the worst outcome", 0, worst)?;
            asked = sum(t, "asked of the initial line", asked, risk)?;
            if group.shorts[0] != 0 {
                t.given("asked for options sold", Int::new(group.shorts[0]), UNIT);
                asked = sum(t, "asked of the initial line", asked, group.shorts[0])?;
            }
        }
        if line != INITIAL {
            let part = parts(spec.model.maintenance);
            let formula = "requirement = asked of the initial line * maintenance";
            let value = mul(asked, part, Rounding::Up).ok_or(BEYOND)?;
            step(t, formula, of_product(asked, part), Rounding::Up, value);
        }
        Ok(())
    }

    /// What each position gains in the scenario that binds.
    fn tell_worst(
        &self,
        measured: &Measured<'_>,
        underlying: usize,
        place: usize,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let spec = &self.market.spec;
        let mut outcome = 0;
        let scenario = &spec.model.scenarios[place];
        for Priced { leg, columns } in &measured.priced {
            if spec.contracts[leg.contract].underlying != underlying {
                continue;
            }
            t.about(Subject::Holding(self.market.base_of(leg.contract)));
            let (then, now) = (columns[SCENARIOS + place][0], columns[NOW][0]);
            t.given("price in the worst scenario", Int::new(then), UNIT);
            let there = product(t, "value in it = base * price in it", leg.base[0], then)?;
            let here = product(t, "value = base * price", leg.base[0], now)?;
            let gain = difference(t, "gain = value in it - value", there, here)?;
            outcome = sum(t, "outcome of the worst scenario", outcome, gain)?;
        }
        let moves = self.market.moved(underlying, scenario);
        for (row, what) in self.market.since.get(underlying).into_iter().flatten().zip(SCHEDULED) {
            if let Some((since, rate)) = row {
                t.given(what, Int::from(u64::from(*rate)), crate::market::MILLIONTHS);
                t.given("in force by the schedule since", Int::from(since.0), Unit::SECONDS);
            }
        }
        for one in measured.owned.iter().filter(|one| spec.assets[one.asset].underlying == Some(underlying)) {
            t.about(Subject::Holding(held(one.asset)));
            let value = product(t, "value = amount * price", one.net[0], one.price[0])?;
            let gain = product(t, "gain = value * move", value, moves)?;
            outcome = sum(t, "outcome of the worst scenario", outcome, gain)?;
        }
        t.about(Subject::Account);
        let _ = product(t, "dampened = outcome * what counts of it", outcome, parts(scenario.counts))?;
        Ok(())
    }

    pub(super) fn bucket(&self, position: &Position, line: usize) -> Result<Bucket, Refusal> {
        let measured = measure(self, position)?;
        let requirement = Int::new(self.asks(&measured, line)?[0]);
        Ok(Bucket { backing: Int::new(measured.equity[0]), requirement })
    }

    /// Nothing but options that were bought and assets that do not move with them: they can be lost and no more, so nobody is asked more
    /// than they are worth, whatever prices are.
    fn only_holds(&self, position: &Position) -> bool {
        let spec = &self.market.spec;
        let option = |contract: usize| matches!(spec.contracts[contract].terms, Terms::Option { .. });
        position.assets.iter().all(|(asset, net)| net[0] >= 0 && spec.assets[*asset].underlying.is_none())
            && position.legs.iter().all(|leg| {
                leg.quote[0] >= 0 && (leg.base == [0; 2] || (leg.base[0] > 0 && option(leg.contract)))
            })
    }

    /// The words of an outcome of a group, by its place.
    fn outcome(&self, underlying: usize, place: usize) -> String {
        let scenarios = &self.market.spec.model.scenarios;
        let named = |scenario| self.market.named(underlying, scenario);
        scenarios.get(place).map_or_else(|| "each expiry by itself".into(), named)
    }
}

/// Collateral and debt in full: both legs of each position, assets without a haircut.
fn full(measured: &Measured<'_>) -> Option<[i128; 2]> {
    let mut sums = [0_i128; 2];
    let mut add = |value: i128| {
        let place = &mut sums[usize::from(value < 0)];
        *place = place.checked_add(value.checked_abs()?)?;
        Some(())
    };
    for one in &measured.owned {
        add(mul(one.net[0], one.price[0], Rounding::Down)?)?;
    }
    for Priced { leg, columns } in &measured.priced {
        add(mul(leg.base[0], columns[NOW][0], Rounding::Down)?)?;
    }
    add(measured.quotes[0])?;
    Some(sums)
}

fn step(t: &mut dyn Trace, formula: &'static str, operation: Operation, rounding: Rounding, value: i128) {
    t.step(Step { formula, operation, rounding, value: Int::new(value), unit: UNIT });
}

fn of_product(x: i128, y: i128) -> Operation {
    Operation::MulDiv { x: Int::new(x), y: Int::new(y), by: Int::from(WAD.value()) }
}

fn product(t: &mut dyn Trace, formula: &'static str, x: i128, y: i128) -> Result<i128, Refusal> {
    let value = mul(x, y, Rounding::Down).ok_or(Refusal::Overflow(formula))?;
    step(t, formula, of_product(x, y), Rounding::Down, value);
    Ok(value)
}

fn sum(t: &mut dyn Trace, formula: &'static str, x: i128, y: i128) -> Result<i128, Refusal> {
    let value = x.checked_add(y).ok_or(Refusal::Overflow(formula))?;
    step(t, formula, Operation::Add { x: Int::new(x), y: Int::new(y) }, Rounding::Exact, value);
    Ok(value)
}

fn difference(t: &mut dyn Trace, formula: &'static str, x: i128, y: i128) -> Result<i128, Refusal> {
    let value = x.checked_sub(y).ok_or(Refusal::Overflow(formula))?;
    let operation = Operation::Sub { x: Int::new(x), y: Int::new(y), floor_at_zero: false };
    step(t, formula, operation, Rounding::Exact, value);
    Ok(value)
}

impl Judge for Standing<'_> {
    /// Above both lines afterwards, or no worse than before by the rule of [`crate::liquidation`].
    fn allows(&self, before: &Account, after: &Account, t: &mut dyn Trace) -> Result<(), Refusal> {
        let [before, after] = [Position::of(self.market, before)?, Position::of(self.market, after)?];
        if after.owes_nothing() {
            return Ok(());
        }
        // Told of the line that new risk is measured by.
        let seen = self.assess_with(&after, INITIAL, t)?;
        let bucket = |line| Ok((self.bucket(&before, line)?, self.bucket(&after, line)?));
        if may_be_done(&[bucket(INITIAL)?, bucket(crate::market::MAINTENANCE)?]) {
            return Ok(());
        }
        let capacity = seen.backing.to_u256().unwrap_or(U256::ZERO);
        Err(Refusal::OverCapacity { debt: seen.requirement.magnitude(), capacity })
    }
}

impl Quoted for Standing<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(&Position::of(self.market, account)?, line(test), trace)
    }

    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal> {
        self.assess_with(&Position::of(self.market, account)?, line(test), &mut Silent)
    }

    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        let position = Position::between(self.market, low, high)?;
        let standing = Standing::between(self.market, feeds, self.at);
        let measured = standing.measured(&position)?;
        let line = line(test);
        let (backing, requirement) = (measured.equity, standing.asks(&measured, line)?);
        let part = if line == INITIAL { ONE } else { parts(self.market.spec.model.maintenance) };
        let point = backing[0] == backing[1] && requirement[0] == requirement[1];
        let room = match point {
            true => [backing[0].checked_sub(requirement[0]).ok_or(BEYOND)?; 2],
            false => headroom(&standing, &measured, part).ok_or(BEYOND)?,
        };
        let free = position.owes_nothing();
        let verdict = match () {
            () if free => Some(Verdict::NoDebt),
            () if position.owes() && self.only_holds(&position) => Some(Verdict::Healthy),
            // Whoever owes nothing is not below.
            () if room[1] < 0 => Some(Verdict::Unhealthy),
            () if position.owes() && room[0] >= 0 => Some(Verdict::Healthy),
            () => None,
        };
        Ok(Range { verdict, backing: backing.map(Int::new), requirement: requirement.map(Int::new) })
    }

    /// `accountValue`, what counts for it; what both lines ask, and by how much it is above each; what is lost if every underlying has its worst
    /// day on record; and where something is asked, `health` = backing / requirement on the line of liquidation (down).
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let [initial, maintenance] =
            [self.verdict(account, Test::Borrow)?, self.verdict(account, Test::Liquidation)?];
        let figure = |name, value: Option<Int>| {
            Ok(Figure { name, value: value.ok_or(Refusal::Overflow("a figure"))?, unit: UNIT })
        };
        let mut figures = vec![
            figure("accountValue", Some(maintenance.backing))?,
            figure("initialMargin", Some(initial.requirement))?,
            figure("maintenanceMargin", Some(maintenance.requirement))?,
            figure("freeInitial", initial.backing.sub(initial.requirement))?,
            figure("freeMaintenance", maintenance.backing.sub(maintenance.requirement))?,
        ];
        if let Some(lost) = self.sheet(account)?.and_then(|sheet| sheet.worst_days()) {
            figures.push(figure("lossOnWorstDays", Some(lost))?);
        }
        let asked = maintenance.requirement;
        if maintenance.verdict != Verdict::NoDebt && !asked.is_zero() {
            let wide = maintenance.backing.mul_wide(Int::from(WAD.value()));
            let health = wide.div_down(asked.magnitude()).ok_or(Refusal::Overflow("health"))?;
            figures.push(Figure { name: "health", value: health, unit: Unit::WAD });
        }
        Ok(figures)
    }

    fn sheet(&self, account: &Account) -> Result<Option<Sheet>, Refusal> {
        let position = Position::of(self.market, account)?;
        let measured = self.measured(&position)?;
        let days = &self.market.spec.model.days;
        let groups = measured.groups.iter().map(|group| {
            let name = self.market.spec.underlyings[group.underlying].name.clone();
            let outcome = |(place, outcome): (usize, &Ends)| Outcome {
                name: self.outcome(group.underlying, place),
                value: Int::new(outcome[0]),
            };
            let worst_day = worst_day(group).map(|(number, outcome)| Outcome {
                name: format!("{}: {}", days[number].name, super::model::percent(days[number].moves)),
                value: Int::new(outcome),
            });
            SheetGroup {
                name,
                outcomes: group.outcomes.iter().enumerate().map(outcome).collect(),
                binding: group.binding(),
                charges: vec![("options sold", Int::new(group.shorts[0]))],
                worst_day,
            }
        });
        Ok(Some(Sheet {
            unit: UNIT,
            equity: Int::new(measured.equity[0]),
            initial: Int::new(measured.initial[0]),
            maintenance: Int::new(self.asks(&measured, crate::market::MAINTENANCE)?[0]),
            groups: groups.collect(),
        }))
    }

    fn mark(&self, instrument: InstrumentId, rounding: Rounding) -> Result<Option<(Int, u8)>, Refusal> {
        let Some(Place::Base(contract)) = self.market.place_of(instrument) else {
            return Err(Refusal::NoSuchInstrument(instrument));
        };
        let price = price_of(self.market, self.columns(contract)?[NOW][0], rounding).ok_or(BEYOND)?;
        Ok(Some((price, self.market.spec.price_decimals)))
    }

    /// Amounts as they are held; of a position its base at what the contract is worth, and its quote beside.
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let spec = &self.market.spec;
        let place = self.market.place_of(instrument).ok_or(Refusal::NoSuchInstrument(instrument))?;
        let raw = account.quantity(instrument).magnitude();
        let (decimals, price) = match place {
            Place::Token(asset) | Place::Held(asset) | Place::Owed(asset) => {
                (spec.assets[asset].decimals, self.asset_price(asset))
            }
            Place::Base(contract) => {
                (spec.contracts[contract].decimals, self.columns(contract).map(|columns| columns[NOW]))
            }
            Place::Quote(_) => (spec.assets[spec.settles_in].decimals, Ok([ONE; 2])),
        };
        let value = match price {
            Ok(price) => {
                let amount = wad(raw, decimals).ok_or(BEYOND)?;
                let value = mul(amount, price[0], Rounding::Down).ok_or(BEYOND)?;
                Some(U256::new(value.unsigned_abs()))
            }
            Err(Refusal::PriceUnknown { .. }) => None,
            Err(refusal) => return Err(refusal),
        };
        Ok(Balance { raw, value })
    }
}

/// The slots that an account's positions and assets read.
pub(super) fn reads(market: &Market, position: &Position) -> Vec<usize> {
    let mut slots: Vec<usize> = Vec::new();
    slots.extend(position.assets.iter().filter_map(|(asset, _)| market.asset_slots[*asset]));
    for leg in position.legs.iter().filter(|leg| leg.base != [0; 2]) {
        let contract = &market.spec.contracts[leg.contract];
        slots.push(market.price_slot(leg.contract));
        slots.extend(market.vol_slot(leg.contract));
        if matches!(contract.terms, Terms::Option { .. }) {
            slots.push(market.spot_slot(contract.underlying));
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}
