//! What a keeper may do to an account at venues that do not sell a collateral for a debt: absorb, bark, offset; and buy
//! what was taken.

use crate::ratio::Ratio;
use crate::world::{Moved, World};
use crate::worth::{PricedBy, Worth};
use plimsoll_core::{
    Account, AccountId, Action, Call, Decimal, Effects, Feeds, Flow, Holding, InstrumentId, Int, Kind, Lens,
    Liquidated, Market, Mechanism, Party, Quoted, Reading, Refusal, Rounding, U256,
};

/// A call that forces an account, or buys what was taken of it.
#[derive(Clone, Debug)]
pub struct Forced {
    /// The call.
    pub call: Mechanism,
    /// What it does, or why it cannot be.
    pub outcome: Result<Dealt, Refusal>,
    /// The position that it reduces, and the decimals of its base; `None` where it reduces none.
    pub reduces: Option<(String, u8)>,
    /// What it opens the way to.
    pub then: Vec<Forced>,
}

/// What a forcing call does.
#[derive(Clone, Debug)]
pub struct Dealt {
    /// The account's side, in amounts of the assets.
    pub does: Liquidated,
    /// What the keeper pays and receives.
    pub moved: Vec<Moved>,
    /// Value of what he receives, rounded down; `None` where a price is not known.
    pub received: Option<Int>,
    /// Value of what he pays, rounded up.
    pub cost: Option<Int>,
    /// Received less cost, and less gas where this is the first call: what it opens the way to bears none of its own.
    pub profit: Option<Int>,
    /// How what he pays and receives is priced.
    pub priced: Vec<(String, PricedBy)>,
    /// The account's health afterwards; `None` where it owes nothing more.
    pub health_after: Option<Ratio>,
    /// What the account's holdings are worth less its debts, before and after; what is left to be claimed counts to what is
    /// after. `None` where a price is not known.
    pub equity: Option<[Int; 2]>,
    /// What is left to be claimed by whoever it belongs to.
    pub claims: Vec<Claim>,
    /// Positions of which something is closed.
    pub closes: Vec<Closed>,
}

/// How much of a position a call closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its name.
    pub position: String,
    /// The decimals of its base.
    pub decimals: u8,
    /// How much base is closed (raw); below zero of a short one.
    pub size: Int,
    /// What the contract is worth, in the digits in which orders name prices; `None` where the market does not say.
    pub price: Option<Decimal>,
    /// At which price of it alone the account would be worth nothing, on the side on which it is not below; `None` where no price that is not negative is one.
    pub bankruptcy: Option<Decimal>,
}

/// An amount that a call leaves to be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it is.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// How much (raw), with all that it has earned.
    pub amount: U256,
}

/// A keeper who is no account of any book: he has in his wallet what he needs.
const KEEPER: AccountId = AccountId(u64::MAX);

/// The calls that the account's market names, with what each does and what it opens the way to.
pub(crate) fn forced(
    world: &World,
    account: usize,
    readings: &[Reading],
    worth: &Worth<'_>,
    gas: Int,
) -> Vec<Forced> {
    let asked = Asked { account, readings, worth, gas };
    let market = world.book.accounts[account].market;
    if world.book.markets[market].market.prepared(Feeds { readings }, world.book.at).is_empty() {
        return asked.all(world, &[]);
    }
    let mut world = world.clone();
    prepare(&mut world, account, readings);
    asked.all(&world, &[])
}

/// Does what anybody may do first, in its order and at its times.
pub(crate) fn prepare(world: &mut World, account: usize, readings: &[Reading]) {
    let market = world.book.accounts[account].market;
    for (at, action) in world.book.markets[market].market.prepared(Feeds { readings }, world.book.at) {
        let id = world.book.accounts[account].account.id;
        let call = Call { actor: KEEPER, account: id, at, action };
        // One that is not due changes nothing.
        let done = world.call(market, &call, readings).and_then(|effects| world.apply(market, &effects));
        let _ = done;
    }
}

/// The effects of a call that forces an account.
pub(crate) fn forcing(
    world: &World,
    account: usize,
    readings: &[Reading],
    mechanism: &Mechanism,
) -> Result<Effects, Refusal> {
    let listed = &world.book.accounts[account];
    let action = Action::Liquidate(mechanism.clone());
    let call = Call { actor: KEEPER, account: listed.account.id, at: world.book.at, action };
    world.call(listed.market, &call, readings)
}

struct Asked<'a> {
    account: usize,
    readings: &'a [Reading],
    worth: &'a Worth<'a>,
    gas: Int,
}

impl Asked<'_> {
    /// Every call that the market names now and had not named before.
    fn all(&self, world: &World, before: &[Mechanism]) -> Vec<Forced> {
        let listed = &world.book.accounts[self.account];
        let feeds = Feeds { readings: self.readings };
        let calls = world.book.markets[listed.market].market.forced(&listed.account, feeds);
        // A position that has got smaller is the same call.
        let same = |call: &Mechanism, known: &Mechanism| match (call, known) {
            (Mechanism::Reduce { instrument, .. }, Mechanism::Reduce { instrument: other, .. }) => {
                instrument == other
            }
            _ => call == known,
        };
        let new = calls.iter().filter(|call| !before.iter().any(|known| same(call, known)));
        new.map(|call| self.one(world, call, &calls, before.is_empty())).collect()
    }

    fn one(&self, world: &World, call: &Mechanism, known: &[Mechanism], first: bool) -> Forced {
        let effects = forcing(world, self.account, self.readings, call);
        let then = match &effects {
            Ok(effects) if first => {
                let mut after = world.clone();
                let market = after.book.accounts[self.account].market;
                after.apply(market, effects).map_or_else(|_| Vec::new(), |()| self.all(&after, known))
            }
            _ => Vec::new(),
        };
        // Gas is that of the whole: the call that opens the way has paid it.
        let gas = if first { self.gas } else { Int::ZERO };
        let reduces = match call {
            Mechanism::Reduce { instrument, .. } => {
                let listed = &world.book.accounts[self.account];
                let instruments = world.book.markets[listed.market].market.instruments();
                instruments.get(instrument.index()).map(|spec| (spec.name.clone(), spec.decimals))
            }
            _ => None,
        };
        Forced {
            call: call.clone(),
            reduces,
            outcome: effects.and_then(|effects| self.dealt(world, &effects, gas)),
            then,
        }
    }

    fn dealt(&self, world: &World, effects: &Effects, gas: Int) -> Result<Dealt, Refusal> {
        let listed = &world.book.accounts[self.account];
        let market = &*world.book.markets[listed.market].market;
        let mut seen: Vec<InstrumentId> = effects.flows.iter().map(|flow| flow.instrument).collect();
        seen.sort_unstable();
        seen.dedup();
        let mut moved = Vec::new();
        for instrument in seen {
            let his = [Party::Wallet(KEEPER), Party::Account(KEEPER), Party::Keeper];
            let nets = his.map(|party| effects.net(party, instrument));
            let net = nets.into_iter().try_fold(Int::ZERO, |sum, net| sum.add(net?));
            let net = net.ok_or(Refusal::Overflow("received - paid"))?;
            if let Some(spec) = market.instruments().get(instrument.index()).filter(|_| !net.is_zero()) {
                let (paid, received) = if net.is_negative() {
                    (net.magnitude(), U256::ZERO)
                } else {
                    (U256::ZERO, net.magnitude())
                };
                moved.push(Moved { asset: spec.asset.clone(), decimals: spec.decimals, paid, received });
            }
        }
        let (mut received, mut cost, mut priced) = (Some(Int::ZERO), Some(Int::ZERO), Vec::new());
        for it in &moved {
            let price = self.worth.price(&it.asset);
            let value = |raw: U256, rounding: Rounding| {
                let (price, _) = price.as_ref()?;
                self.worth.value_of(raw, it.decimals, *price, rounding).map(Int::from)
            };
            received =
                received.zip(value(it.received, Rounding::Down)).and_then(|(sum, value)| sum.add(value));
            cost = cost.zip(value(it.paid, Rounding::Up)).and_then(|(sum, value)| sum.add(value));
            priced.extend(price.map(|(_, by)| (it.asset.clone(), by)));
        }
        let profit = received.zip(cost).and_then(|(received, cost)| received.sub(cost)?.sub(gas));
        let health_after = world.health_after(self.account, effects, self.readings)?;
        let does = effects.liquidated.clone().unwrap_or_default();
        let (equity, claims) = self.left(world, effects).unwrap_or_default();
        let closes = self.closed(world, effects, equity);
        Ok(Dealt { does, moved, received, cost, profit, priced, health_after, equity, claims, closes })
    }

    /// The positions that get smaller.
    fn closed(&self, world: &World, effects: &Effects, equity: Option<[Int; 2]>) -> Vec<Closed> {
        let listed = &world.book.accounts[self.account];
        let market = &*world.book.markets[listed.market].market;
        let quoted = market.at(Feeds { readings: self.readings }, Lens::Action, world.book.at).ok();
        let decimals = self.worth.decimals;
        let one = |held: &Holding| {
            let spec = market.instruments().get(held.instrument.index())?;
            let net = effects.net(Party::Account(listed.account.id), held.instrument)?;
            if spec.kind != Kind::Derivative || net.is_zero() {
                return None;
            }
            // Rounded as whoever closes it pays.
            let rounding = if held.quantity.is_negative() { Rounding::Up } else { Rounding::Down };
            let mark = quoted.as_ref().and_then(|quoted| quoted.mark(held.instrument, rounding).ok()?);
            let bankruptcy = mark.zip(equity).and_then(|((price, digits), [equity, _])| {
                // price - equity / base, in the digits of prices.
                let scale = U256::pow10(spec.decimals.checked_add(digits)?)?;
                let unit = U256::pow10(decimals)?;
                let per = equity.mul_wide(Int::from(scale));
                let by = held.quantity.magnitude().mul(unit)?;
                // Rounded down it leaves a long position's price too high and a short one's too low, where the account is not below.
                let part = per.div_down(by)?;
                let found = if held.quantity.is_negative() { price.add(part)? } else { price.sub(part)? };
                (!found.is_negative()).then_some(Decimal { mantissa: found, decimals: digits })
            });
            Some(Closed {
                position: spec.name.clone(),
                decimals: spec.decimals,
                size: net.neg(),
                price: mark.map(|(mantissa, decimals)| Decimal { mantissa, decimals }),
                bankruptcy,
            })
        };
        listed.account.holdings().iter().filter_map(one).collect()
    }

    /// Worth less debts, before and after, and what is left to be claimed; `None` where the account cannot be followed.
    fn left(&self, world: &World, effects: &Effects) -> Option<(Option<[Int; 2]>, Vec<Claim>)> {
        let listed = &world.book.accounts[self.account];
        let before = &*world.book.markets[listed.market].market;
        let mut after = before.boxed_clone();
        after.apply(effects).ok()?;
        let mut account = effects.apply_to(&listed.account)?;
        let stored = left_over(before, effects);
        // Whoever may claim it, it was the account's; where that is the account itself it is not counted twice.
        for &(id, amount) in &stored {
            account.set(id, listed.account.quantity(id).add(amount.into())?);
        }
        let feeds = Feeds { readings: self.readings };
        let was = before.at(feeds, Lens::Action, world.book.at).ok()?;
        let is = after.at(feeds, Lens::Action, world.book.at).ok()?;
        let claim = |(id, _): (InstrumentId, U256)| {
            let spec = before.instruments().get(id.index())?;
            let raw = |quoted: &dyn Quoted, account: &Account| match account.quantity(id).is_zero() {
                true => Some(U256::ZERO),
                false => quoted.balance(account, id).ok().map(|balance| balance.raw),
            };
            let amount = raw(&*is, &account)?.sub(raw(&*was, &listed.account)?)?;
            Some(Claim { asset: spec.asset.clone(), decimals: spec.decimals, amount })
        };
        let claims = stored.into_iter().map(claim).collect::<Option<Vec<_>>>()?;
        let worth = |quoted: &dyn Quoted, account: &Account| {
            account.holdings().iter().try_fold(Int::ZERO, |sum, held| {
                let value = Int::from(quoted.balance(account, held.instrument).ok()?.value?);
                match before.instruments().get(held.instrument.index())?.kind {
                    Kind::Debt => sum.sub(value),
                    Kind::Asset | Kind::Receipt => sum.add(value),
                    Kind::Balance | Kind::Derivative if held.quantity.is_negative() => sum.sub(value),
                    Kind::Balance | Kind::Derivative => sum.add(value),
                }
            })
        };
        let equity = worth(&*was, &listed.account).zip(worth(&*is, &account));
        Some((equity.map(|(was, is)| [was, is]), claims))
    }
}

/// Receipts that come to be by a forcing call, as they are stored: nobody deposits in it, so they are what it leaves over.
fn left_over(market: &dyn Market, effects: &Effects) -> Vec<(InstrumentId, U256)> {
    let receipt = |flow: &&Flow| {
        let spec = market.instruments().get(flow.instrument.index());
        spec.is_some_and(|spec| spec.kind == Kind::Receipt)
            && flow.from == Party::Mint
            && matches!(flow.to, Party::Account(_))
            && flow.amount != U256::ZERO
    };
    effects.flows.iter().filter(receipt).map(|flow| (flow.instrument, flow.amount)).collect()
}
