//! What a keeper may do to an account at venues that do not sell a collateral for a debt: absorb, bark, offset; and buy
//! what was taken.

use crate::ratio::Ratio;
use crate::world::{Moved, World};
use crate::worth::{PricedBy, Worth};
use plimsoll_core::{
    AccountId, Action, Call, Effects, Feeds, InstrumentId, Int, Liquidated, Mechanism, Party, Reading,
    Refusal, Rounding, U256,
};

/// A call that forces an account, or buys what was taken of it.
#[derive(Clone, Debug)]
pub struct Forced {
    /// The call.
    pub call: Mechanism,
    /// What it does, or why it cannot be.
    pub outcome: Result<Dealt, Refusal>,
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
    /// Received less cost less gas.
    pub profit: Option<Int>,
    /// How what he pays and receives is priced.
    pub priced: Vec<(String, PricedBy)>,
    /// The account's health afterwards; `None` where it owes nothing more.
    pub health_after: Option<Ratio>,
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
    if world.book.markets[market].market.prepared().is_empty() {
        return asked.all(world, &[]);
    }
    let mut world = world.clone();
    prepare(&mut world, account, readings);
    asked.all(&world, &[])
}

/// Does what anybody may do first in the same transaction.
pub(crate) fn prepare(world: &mut World, account: usize, readings: &[Reading]) {
    let market = world.book.accounts[account].market;
    for action in world.book.markets[market].market.prepared() {
        let id = world.book.accounts[account].account.id;
        let call = Call { actor: KEEPER, account: id, at: world.book.at, action };
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
        let new = calls.iter().filter(|call| !before.contains(call));
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
        Forced { call: call.clone(), outcome: effects.and_then(|effects| self.dealt(world, &effects)), then }
    }

    fn dealt(&self, world: &World, effects: &Effects) -> Result<Dealt, Refusal> {
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
        let profit = received.zip(cost).and_then(|(received, cost)| received.sub(cost)?.sub(self.gas));
        let health_after = world.health_after(self.account, effects, self.readings)?;
        let does = effects.liquidated.clone().unwrap_or_default();
        Ok(Dealt { does, moved, received, cost, profit, priced, health_after })
    }
}
