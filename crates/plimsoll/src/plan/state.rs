//! A book on the way through a plan: markets and accounts as the steps so far left them, the wallet, the curves.
//!
//! Only what changed is kept beside the book, so that a way that is tried and dropped costs next to nothing.

use super::prices::{Prices, VALUE};
use super::{Doing, Step};
use crate::ask::asset_decimals;
use crate::bounds::Target;
use crate::ratio::Ratio;
use crate::stress::pools::Pools;
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Assessment, Book, Call, Decimal, Effects, Feeds,
    InstrumentId, Int, Lens, Market, Party, Quote, Reading, Refusal, Rounding, Silent, Test, U256, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What does not change on the way.
pub(super) struct Ground<'b> {
    pub(super) book: &'b Book,
    /// What each market reads, at the price that it would use.
    pub(super) readings: Vec<Vec<Reading>>,
    pub(super) prices: Prices,
    /// The curves before anything is sold; `None` where none were given.
    pub(super) pools: Option<Pools<'b>>,
    /// What a call costs (10^-18 of the currency).
    pub(super) gas: U256,
    /// What is counted as cost of each unit of value that leaves the wallet (10^-18).
    pub(super) carry: U256,
    pub(super) aim: Target,
    /// The least health that a step may leave behind where it lowers it.
    pub(super) floor: Target,
    /// Digits in which the wallet counts each asset: the most that any of its markets has.
    pub(super) digits: BTreeMap<String, u8>,
}

impl<'b> Ground<'b> {
    /// What every market of a book reads, as points.
    pub(super) fn readings(book: &Book, quotes: &[Quote]) -> Vec<Vec<Reading>> {
        let read = |listed| crate::bounds::points(&book.readings(listed, quotes));
        book.markets.iter().map(read).collect()
    }

    /// The most digits that any market has of each asset.
    pub(super) fn digits(book: &Book) -> BTreeMap<String, u8> {
        let mut digits: BTreeMap<String, u8> = BTreeMap::new();
        for listed in &book.markets {
            for spec in listed.market.instruments() {
                if let Some(found) = asset_decimals(&*listed.market, &spec.asset) {
                    let most = digits.entry(spec.asset.clone()).or_insert(found);
                    *most = found.max(*most);
                }
            }
        }
        digits
    }
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The venue refuses it.
    Refused(Refusal),
    /// The account that acts would be below its line afterwards, or further below it.
    Line(usize),
    /// An account that gives would be below the target.
    Gives(usize),
    /// The curve ends before so much.
    Depth,
    /// The wallet has less.
    Wallet,
    /// It comes to nothing.
    Nothing,
}

impl From<Refusal> for Stop {
    fn from(why: Refusal) -> Stop {
        Stop::Refused(why)
    }
}

/// Where things stand after some steps.
#[derive(Clone)]
pub(super) struct State<'g> {
    pub(super) ground: &'g Ground<'g>,
    markets: BTreeMap<usize, Arc<dyn Market>>,
    accounts: BTreeMap<u64, Account>,
    pub(super) purse: BTreeMap<String, U256>,
    sold: Vec<U256>,
    /// Shared, so that a copy of where things stand costs little.
    pub(super) steps: Vec<Arc<Step>>,
    /// Value lost to price impact and fees so far (10^-18).
    pub(super) lost: U256,
    pub(super) gas: U256,
    /// Value out of the wallet less what came back, so far.
    pub(super) drawn: Int,
}

impl Accounts for State<'_> {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id.0).or_else(|| self.ground.book.get(id))
    }
}

/// What a call moved for the wallet, in raw units of the asset of its market.
pub(super) struct Flowed {
    pub(super) asset: String,
    pub(super) decimals: u8,
    pub(super) paid: U256,
    pub(super) received: U256,
}

impl<'g> State<'g> {
    pub(super) fn new(ground: &'g Ground<'g>, purse: BTreeMap<String, U256>) -> State<'g> {
        let mut markets: BTreeMap<usize, Arc<dyn Market>> = BTreeMap::new();
        // What a wallet has is in the plan's own books: no market is asked whether it is there.
        for (place, listed) in ground.book.markets.iter().enumerate() {
            if let Some(endowed) = listed.market.endowed() {
                markets.insert(place, Arc::from(endowed));
            }
        }
        let sold = ground.pools.as_ref().map_or_else(Vec::new, Pools::mark);
        let (accounts, steps) = (BTreeMap::new(), Vec::new());
        let (lost, gas, drawn) = (U256::ZERO, U256::ZERO, Int::ZERO);
        State { ground, markets, accounts, purse, sold, steps, lost, gas, drawn }
    }

    pub(super) fn market(&self, market: usize) -> &dyn Market {
        match self.markets.get(&market) {
            Some(changed) => &**changed,
            None => &*self.ground.book.markets[market].market,
        }
    }

    pub(super) fn market_of(&self, account: usize) -> &dyn Market {
        self.market(self.ground.book.accounts[account].market)
    }

    pub(super) fn account(&self, account: usize) -> &Account {
        let listed = &self.ground.book.accounts[account].account;
        self.accounts.get(&listed.id.0).unwrap_or(listed)
    }

    pub(super) fn feeds(&self, account: usize) -> Feeds<'g> {
        Feeds { readings: &self.ground.readings[self.ground.book.accounts[account].market] }
    }

    /// How an account stands, by the line of liquidation.
    pub(super) fn seen(&self, account: usize) -> Result<Assessment, Refusal> {
        let quoted = self.market_of(account).at(self.feeds(account), Lens::Action, self.ground.book.at)?;
        quoted.verdict(self.account(account), Test::Liquidation)
    }

    /// What of an instrument an account holds or owes (raw units of its asset).
    pub(super) fn balance(&self, account: usize, instrument: InstrumentId) -> Option<U256> {
        let held = self.account(account);
        if held.quantity(instrument).is_zero() {
            return Some(U256::ZERO);
        }
        let quoted =
            self.market_of(account).at(self.feeds(account), Lens::Action, self.ground.book.at).ok()?;
        quoted.balance(held, instrument).ok().map(|balance| balance.raw)
    }

    pub(super) fn digits(&self, asset: &str) -> u8 {
        self.ground.digits.get(asset).copied().unwrap_or(VALUE)
    }

    pub(super) fn has(&self, asset: &str) -> U256 {
        self.purse.get(asset).copied().unwrap_or_default()
    }

    /// Raw units of a market in the wallet's digits; `None` beyond 256 bits.
    pub(super) fn fine(&self, asset: &str, raw: U256, decimals: u8) -> Option<U256> {
        raw.mul(U256::pow10(self.digits(asset).saturating_sub(decimals))?)
    }

    /// The wallet's digits in raw units of a market, cut.
    pub(super) fn coarse(&self, asset: &str, fine: U256, decimals: u8) -> Option<U256> {
        fine.div(U256::pow10(self.digits(asset).saturating_sub(decimals))?, Rounding::Down)
    }

    /// The whole cost so far, and what it is compared by: cost, then money out of the wallet, then steps.
    pub(super) fn cost(&self) -> Option<U256> {
        let drawn = self.drawn.to_u256().unwrap_or_default();
        let one = U256::pow10(VALUE)?;
        let carried = drawn.mul_div_wide(self.ground.carry, one, Rounding::Up)?;
        self.lost.add(self.gas)?.add(carried)
    }

    pub(super) fn key(&self) -> (U256, Int, usize) {
        (self.cost().unwrap_or(U256::MAX), self.drawn, self.steps.len())
    }

    /// What an action of an account's own would do, and what of it the wallet sees.
    fn act(&self, account: usize, action: &Action) -> Result<(Effects, Vec<Flowed>), Stop> {
        let own = self.ground.book.accounts[account].account.id;
        let market = self.market_of(account);
        let ask = |actor: AccountId| {
            let call = Call { actor, account: own, at: self.ground.book.at, action: action.clone() };
            market.act(&call, self, self.feeds(account), &mut Silent).map(|effects| (actor, effects))
        };
        let (actor, effects) = match ask(own) {
            Ok(done) => done,
            Err(why) => match self.ground.book.caller(account) {
                caller if caller != own => ask(caller)?,
                _ => return Err(why.into()),
            },
        };
        // Nobody else's holdings are touched: what the owner has at the venue itself is not the wallet that was named.
        let strange = |party: Party| matches!(party, Party::Account(id) if id != own);
        if effects.flows.iter().any(|flow| strange(flow.from) || strange(flow.to)) {
            return Err(Stop::Refused(Refusal::NotAtThisVenue));
        }
        let mut flowed: Vec<Flowed> = Vec::new();
        for flow in &effects.flows {
            let (out, back) = (flow.from == Party::Wallet(actor), flow.to == Party::Wallet(actor));
            if !out && !back {
                continue;
            }
            let (asset, decimals) = crate::ask::asset_of(market, flow.instrument);
            let known = flowed.iter().position(|known| known.asset == asset);
            let at = known.unwrap_or(flowed.len());
            if known.is_none() {
                flowed.push(Flowed { asset, decimals, paid: U256::ZERO, received: U256::ZERO });
            }
            let side = if out { &mut flowed[at].paid } else { &mut flowed[at].received };
            *side = side.add(flow.amount).ok_or(Refusal::Overflow("paid + paid"))?;
        }
        Ok((effects, flowed))
    }

    /// Does one action of an account through its market; nothing has changed where it is not done.
    ///
    /// # Errors
    /// The venue's refusal; a wallet that has less; an account that would be below its line, or further below it.
    pub(super) fn take(&mut self, account: usize, doing: Doing, lost: U256) -> Result<Vec<Flowed>, Stop> {
        let before = self.seen(account)?;
        let action = doing.action().ok_or(Stop::Nothing)?;
        let (effects, flowed) = self.act(account, &action)?;
        let beyond = Stop::Refused(Refusal::Overflow("the wallet"));
        let (mut purse, mut drawn) = (self.purse.clone(), self.drawn);
        for flow in &flowed {
            let fine = |raw| self.fine(&flow.asset, raw, flow.decimals).ok_or(beyond);
            let held = self.has(&flow.asset).add(fine(flow.received)?).ok_or(beyond)?;
            let left = held.sub(fine(flow.paid)?).ok_or(Stop::Wallet)?;
            purse.insert(flow.asset.clone(), left);
            let value = |raw, rounding| {
                self.ground.prices.value(&flow.asset, raw, flow.decimals, rounding).unwrap_or_default()
            };
            drawn = drawn.add(value(flow.paid, Rounding::Up).into()).ok_or(beyond)?;
            drawn = drawn.sub(value(flow.received, Rounding::Down).into()).ok_or(beyond)?;
        }
        let place = self.ground.book.accounts[account].market;
        let mut market = self.market(place).boxed_clone();
        market.apply(&effects)?;
        let market: Arc<dyn Market> = Arc::from(market);
        let mut after = Vec::new();
        let own = self.account(account);
        after.push((own.id.0, effects.apply_to(own).ok_or(Refusal::Overflow("held + received"))?));
        // Neighbours in a list that the venue keeps (Liquity) have new terms, and no new holdings.
        for &(id, _, _) in &effects.terms {
            let known = after.iter().any(|(other, _)| *other == id.0);
            if let Some(other) = self.get(id).filter(|_| !known) {
                let changed = effects.apply_to(other).ok_or(Refusal::Overflow("held + received"))?;
                after.push((id.0, changed));
            }
        }
        let quoted = market.at(self.feeds(account), Lens::Action, self.ground.book.at)?;
        let seen = quoted.verdict(&after[0].1, Test::Liquidation)?;
        if !is_no_worse(&before, &seen) || !(self.ground.floor.reached(&seen) || is_no_lower(&before, &seen))
        {
            return Err(Stop::Line(account));
        }
        drop(quoted);
        self.markets.insert(place, market);
        self.accounts.extend(after);
        (self.purse, self.drawn) = (purse, drawn);
        self.lost = self.lost.add(lost).ok_or(beyond)?;
        self.gas = self.gas.add(self.ground.gas).ok_or(beyond)?;
        self.steps.push(Arc::new(Step {
            account: Some(account),
            doing,
            paid: flowed.iter().filter(|f| f.paid != U256::ZERO).map(|f| stake(f, f.paid)).collect(),
            received: flowed
                .iter()
                .filter(|f| f.received != U256::ZERO)
                .map(|f| stake(f, f.received))
                .collect(),
            before: health(&before),
            after: health(&seen),
            lost,
            gas: self.ground.gas,
        }));
        Ok(flowed)
    }

    /// Sells so much of an asset (in the wallet's digits) for another; what that brings, likewise.
    ///
    /// # Errors
    /// Where there is no curve or it ends before, the wallet has less, or nothing comes of it.
    pub(super) fn swap(&mut self, from: &str, amount: U256, to: &str) -> Result<U256, Stop> {
        let left = self.has(from).sub(amount).ok_or(Stop::Wallet)?;
        let brought = self.quote(from, amount, to)?;
        let ground = self.ground;
        let beyond = Stop::Refused(Refusal::Overflow("the wallet"));
        let worth = ground.prices.value(from, amount, self.digits(from), Rounding::Up).ok_or(beyond)?;
        let comes = ground.prices.value(to, brought.amount, self.digits(to), Rounding::Down).ok_or(beyond)?;
        let lost = worth.sub_or_zero(comes);
        let has = self.has(to).add(brought.amount).ok_or(beyond)?;
        self.purse.insert(from.into(), left);
        self.purse.insert(to.into(), has);
        self.drawn = self.drawn.add(worth.into()).and_then(|sum| sum.sub(comes.into())).ok_or(beyond)?;
        self.sold[brought.curve] = brought.sold;
        self.lost = self.lost.add(lost).ok_or(beyond)?;
        self.gas = self.gas.add(ground.gas).ok_or(beyond)?;
        let moved = |asset: &str, amount| (asset.to_string(), self.digits(asset), amount);
        self.steps.push(Arc::new(Step {
            account: None,
            doing: Doing::Swap { from: from.into(), to: to.into(), amount, at_least: brought.amount },
            paid: vec![moved(from, amount)],
            received: vec![moved(to, brought.amount)],
            before: None,
            after: None,
            lost,
            gas: ground.gas,
        }));
        Ok(brought.amount)
    }

    /// What a sale would bring.
    fn quote(&self, from: &str, amount: U256, to: &str) -> Result<Brought, Stop> {
        let ground = self.ground;
        let pools = ground.pools.as_ref().ok_or(Stop::Depth)?;
        let curve = pools.curve(from, to).ok_or(Stop::Depth)?;
        let price = ground.prices.of(from).ok_or(Stop::Depth)?;
        let sold = (amount, self.digits(from));
        let (value, after) = pools.sale(curve, self.sold[curve], sold, price, VALUE).ok_or(Stop::Depth)?;
        let amount = ground.prices.amount(to, value, self.digits(to)).ok_or(Stop::Depth)?;
        if amount == U256::ZERO {
            return Err(Stop::Nothing);
        }
        Ok(Brought { amount, curve, sold: after })
    }

    /// What is left of a curve in its own units (10^-18 of whole tokens), to each of its points that lie ahead.
    pub(super) fn points(&self, from: &str, to: &str) -> Vec<U256> {
        let Some(pools) = &self.ground.pools else { return Vec::new() };
        let Some(curve) = pools.curve(from, to) else { return Vec::new() };
        let sold = self.sold[curve];
        let digits = self.digits(from);
        let points = pools.depth.curves[curve].points.iter();
        let ahead =
            points.filter_map(|[at, _]| at.scaled_amount(plimsoll_core::Depth::DECIMALS).ok()?.sub(sold));
        let raw = ahead.filter_map(|at| match plimsoll_core::Depth::DECIMALS.checked_sub(digits) {
            Some(finer) => at.div(U256::pow10(finer)?, Rounding::Down),
            None => at.mul(U256::pow10(digits - plimsoll_core::Depth::DECIMALS)?),
        });
        raw.filter(|at| *at != U256::ZERO).collect()
    }

    /// A fill of a derivative at a price that is worse than the market's by what the curve of it says.
    ///
    /// # Errors
    /// As [`State::take`], and where no curve says what so much brings.
    pub(super) fn fill(
        &mut self,
        account: usize,
        instrument: InstrumentId,
        quantity: Int,
    ) -> Result<(), Stop> {
        let ground = self.ground;
        let market = self.market_of(account);
        let spec = market.instruments().get(instrument.index()).ok_or(Stop::Nothing)?.clone();
        let slot = market.slots().iter().position(|slot| slot.asset == spec.asset).ok_or(Stop::Nothing)?;
        let (decimals, currency) = (market.slots()[slot].decimals, market.slots()[slot].currency.clone());
        let mark = self.feeds(account).get(slot).value.ok_or(Stop::Nothing)?;
        let pools = ground.pools.as_ref().ok_or(Stop::Depth)?;
        let curve = pools.curve(&spec.asset, &currency).ok_or(Stop::Depth)?;
        // At a price of one: the part of the whole that is brought.
        let one = Decimal::whole(Int::ONE);
        let whole = quantity.magnitude();
        let before = self.sold[curve];
        let sale = pools.sale(curve, before, (whole, spec.decimals), one, VALUE);
        let (brought, sold) = sale.ok_or(Stop::Depth)?;
        let full = whole.mul_div_wide(
            U256::pow10(VALUE).ok_or(Stop::Nothing)?,
            U256::pow10(spec.decimals).ok_or(Stop::Nothing)?,
            Rounding::Up,
        );
        let full = full.filter(|full| *full != U256::ZERO).ok_or(Stop::Nothing)?;
        let received = mark.mul_div_wide(brought.min(full), full, Rounding::Down).ok_or(Stop::Nothing)?;
        // Who buys back pays as much more as who sells gets less.
        let price = if quantity.is_negative() {
            received
        } else {
            mark.add(mark.sub_or_zero(received)).ok_or(Stop::Nothing)?
        };
        let worse = mark.sub_or_zero(received);
        let beyond = Stop::Refused(Refusal::Overflow("base x price"));
        let lost_quote = whole
            .mul_div_wide(worse, U256::pow10(spec.decimals).ok_or(beyond)?, Rounding::Up)
            .ok_or(beyond)?;
        let lost = ground.prices.value(&currency, lost_quote, decimals, Rounding::Up).ok_or(Stop::Nothing)?;
        self.take(account, Doing::Fill { instrument, quantity, price: price.into() }, lost)?;
        self.sold[curve] = sold;
        Ok(())
    }

    /// Whether an account reaches the target.
    pub(super) fn reaches(&self, account: usize) -> bool {
        self.seen(account).is_ok_and(|seen| self.ground.aim.reached(&seen))
    }
}

struct Brought {
    amount: U256,
    /// Which curve it went down, and how far.
    curve: usize,
    sold: U256,
}

fn stake(flowed: &Flowed, raw: U256) -> (String, u8, U256) {
    (flowed.asset.clone(), flowed.decimals, raw)
}

/// Backing over requirement; `None` where nothing is owed.
pub(super) fn health(seen: &Assessment) -> Option<Ratio> {
    if seen.verdict == Verdict::NoDebt { None } else { Ratio::of(seen.backing, seen.requirement) }
}

/// Above the line afterwards, or no further below it than before.
pub(super) fn is_no_worse(before: &Assessment, after: &Assessment) -> bool {
    after.verdict != Verdict::Unhealthy
        || (before.verdict == Verdict::Unhealthy && is_no_lower(before, after))
}

/// Health is no lower afterwards.
fn is_no_lower(before: &Assessment, after: &Assessment) -> bool {
    after.backing.mul_wide(before.requirement) >= before.backing.mul_wide(after.requirement)
}

/// All of an amount, where it is all that there is.
pub(super) fn amount(wanted: U256, all: U256) -> Amount {
    if wanted >= all { Amount::All } else { Amount::Assets(wanted) }
}
