//! The cheapest way back to safety: steps through the exact markets, from a wallet, other accounts and what is held, that bring
//! accounts to a health.
//!
//! A plan is a list of steps that leaves nothing to choose. Every way is a *chain*: money comes from the wallet, out of an
//! account (withdrawn or borrowed), is sold for another asset where it must be, and pays a debt or becomes collateral; or
//! a position in a derivative is reduced. Chains are tried one after the other, each whole but the last, whose amount is
//! the least that reaches the target. Every amount goes through the markets' own integers; what a curve bends at is tried
//! as an amount as well, because between two points of it nothing is gained by stopping.
//!
//! What is cheapest is what loses least value to prices, fees and calls, and of equals what takes least out of the wallet.

mod chain;
mod choose;
mod prices;
mod replay;
mod search;
mod settle;
mod state;
mod trim;

pub use replay::{Broken, Difference, Replay};

use crate::ask::Misasked;
use crate::bounds::Target;
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::restore::{Enough, Hindrance};
use crate::stress::pools::Pools;
use plimsoll_core::{
    Action, Amount, Book, Decimal, Depth, InstrumentId, Int, Judgement, Lens, Refusal, Scenario, Standing,
    Test, U256, Verdict,
};
use prices::{Prices, VALUE};
use state::{Ground, State};
use std::collections::BTreeMap;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct PlanAsk<'a> {
    /// Who shall reach the target; who has it already gives, but stays there.
    pub accounts: Vec<usize>,
    /// The health to be reached.
    pub target: Decimal,
    /// What may be spent, by asset.
    pub wallet: Vec<(String, Decimal)>,
    /// What sales bring; without it nothing is sold and no position is reduced.
    pub depth: Option<&'a Depth>,
    /// What each call costs, in the currency. Of nothing said what the depth says of it.
    pub gas: Option<Decimal>,
    /// What costs are counted in.
    pub currency: String,
    /// No step takes an account that gives below this health, or one that is below it further down; 1 is the line.
    pub floor: Decimal,
    /// The part of what leaves the wallet that counts as cost; 0 where money may stay there as well as elsewhere.
    pub carry: Decimal,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it was computed from.
    pub identity: Identity,
    /// The health to be reached.
    pub target: Decimal,
    /// What costs are counted in.
    pub currency: String,
    /// How each account stood, in the order of the question.
    pub before: Vec<(usize, Judgement)>,
    /// The plan, or why there is none.
    pub outcome: Result<Plan, Short>,
}

/// A list of steps that brings every account asked about to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In their order.
    pub steps: Vec<Step>,
    /// Value lost to price impact and fees (10^-18 of the currency).
    pub lost: U256,
    /// What the calls cost.
    pub gas: U256,
    /// What leaves the wallet, less what comes back to it.
    pub drawn: Int,
    /// All that counts as cost: the first two, and the part of the third that was asked for.
    pub cost: U256,
    /// The wallet before and after: asset, digits, raw amounts.
    pub wallet: Vec<(String, u8, [U256; 2])>,
    /// Health of each account afterwards; `None` where it owes nothing.
    pub after: Vec<(usize, Option<Ratio>)>,
    /// Whether it is proven that no smaller amount of any account's last step will do.
    pub proven: bool,
    /// How many ways were tried.
    pub tried: u64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose; `None` where it is the wallet's own.
    pub account: Option<usize>,
    /// What is done.
    pub doing: Doing,
    /// What the wallet pays: asset, digits, raw amount.
    pub paid: Vec<(String, u8, U256)>,
    /// What it receives.
    pub received: Vec<(String, u8, U256)>,
    /// Health of the account before it, and …
    pub before: Option<Ratio>,
    /// … after it.
    pub after: Option<Ratio>,
    /// Value lost by it (10^-18 of the currency).
    pub lost: U256,
    /// What the call costs.
    pub gas: U256,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Puts an asset in.
    Deposit {
        /// What is received for it.
        into: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Pays a debt.
    Repay {
        /// Which.
        debt: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Takes an asset out.
    Withdraw {
        /// What is given back for it.
        from: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Takes a loan.
    Borrow {
        /// What is owed then.
        debt: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Trades a derivative.
    Fill {
        /// Which.
        instrument: InstrumentId,
        /// How much of its base is bought; sold where negative.
        quantity: Int,
        /// At which price (raw).
        price: Int,
    },
    /// The wallet sells one asset for another.
    Swap {
        /// What is sold.
        from: String,
        /// What is received.
        to: String,
        /// How much is sold (in the wallet's digits).
        amount: U256,
        /// What it must bring at least.
        at_least: U256,
    },
}

impl Doing {
    /// The venue's action; `None` of what is no venue's.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match *self {
            Doing::Deposit { into, amount } => Action::Deposit { into, amount },
            Doing::Repay { debt, amount } => Action::Repay { debt, amount },
            Doing::Withdraw { from, amount } => Action::Withdraw { from, amount },
            Doing::Borrow { debt, amount } => Action::Borrow { debt, amount },
            Doing::Fill { instrument, quantity, price } => Action::Fill { instrument, quantity, price },
            Doing::Swap { .. } => return None,
        })
    }

    /// The word that people read.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Doing::Deposit { .. } => "deposit",
            Doing::Repay { .. } => "repay",
            Doing::Withdraw { .. } => "withdraw",
            Doing::Borrow { .. } => "borrow",
            Doing::Fill { .. } => "fill",
            Doing::Swap { .. } => "swap",
        }
    }
}

/// Why no plan was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The account that is not brought to the target.
    pub account: usize,
    /// The best health that any way brings it to, once all that serves is used; `None` where it cannot be judged.
    pub reaches: Option<Ratio>,
    /// What every way that was looked at ran into.
    pub binds: Vec<Bound>,
    /// What would be enough on top of that, of each asset that can be put in or paid back.
    pub enough: Vec<(Top, Result<Enough, Hindrance>)>,
    /// Where the account itself cannot be judged.
    pub unknown: Option<Refusal>,
}

/// A payment that would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// Whether it pays a debt.
    pub repays: bool,
    /// Its asset, and the digits of it.
    pub asset: (String, u8),
}

/// A way, and what it ran into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The way in words, such as `repay USDC from the wallet`.
    pub way: String,
    /// The most that it takes: asset, digits, raw amount.
    pub most: (String, u8, U256),
    /// What stops it there.
    pub by: Binding,
}

/// What stops a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The wallet has no more.
    Wallet,
    /// No more is held.
    Held,
    /// No more is owed.
    Owed,
    /// The curve ends.
    Depth,
    /// An account would be below its line on the way.
    Line(usize),
    /// An account that gives would be below the target.
    Gives(usize),
    /// It does not make the account any better.
    NoBetter,
    /// The venue.
    Refused(Refusal),
}

/// The cheapest plan that brings accounts to a health, at the book's own time and at the prices that the venues would use.
///
/// Each step went through its market's own rules and was looked at after it: no account is below its line in between that
/// was not before, and none that was is further below it. Of the last step of each account no smaller amount reaches the
/// target, as far as [`Plan::proven`] says. All orders of up to three chains are tried for an account, each but the last whole
/// or up to a point of its curve.
///
/// # Errors
/// When a name is none of the book's, an amount does not fit its asset, or a market cannot be asked.
pub fn plan(book: &Book, ask: &PlanAsk<'_>) -> Result<Planned, Misasked> {
    let aim = Target::of(ask.target).ok_or(Misasked::NoTarget { found: ask.target })?;
    let floor = Target::of(ask.floor).ok_or(Misasked::NoTarget { found: ask.floor })?;
    let quotes = book.graph.quotes(book.at);
    let all: Vec<_> = book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let readings = Ground::readings(book, &quotes);
    let prices = Prices::new(book, &quotes, &readings, &ask.currency);
    let digits = Ground::digits(book);
    let purse = purse(ask, &digits, &prices)?;
    let money = |amount: Decimal| {
        amount.scaled_amount(VALUE).map_err(|error| Misasked::NoAmount {
            asset: ask.currency.clone(),
            found: amount,
            error,
        })
    };
    let said = ask.depth.and_then(|depth| depth.gas_in(&ask.currency));
    let gas = money(ask.gas.or(said).unwrap_or(Decimal::whole(Int::ZERO)))?;
    let carry = money(ask.carry)?;
    let nothing = Scenario::of_prices("", Vec::new(), Vec::new());
    let own: Vec<usize> = ask.depth.iter().flat_map(|depth| &depth.curves).map(|c| c.assets.len()).collect();
    let pools = ask.depth.and_then(|depth| Pools::new(depth, &own, &nothing));
    let mut before = Vec::new();
    for &account in &ask.accounts {
        let listed = &book.accounts[account];
        let named = &book.markets[listed.market];
        let stands = |refusal| Misasked::Stands { market: named.name.clone(), refusal };
        let standing = Standing::new(&*named.market, &all[listed.market], Lens::Action, book.at);
        before.push((account, standing.map_err(stands)?.judge(&listed.account, Test::Liquidation)));
    }
    let ground = Ground { book, readings, prices, pools, gas, carry, aim, floor, digits };
    let state = State::new(&ground, purse.clone());
    let unknown = before.iter().find_map(|(account, judgement)| {
        let owes = judgement.verdict() != Some(Verdict::NoDebt);
        judgement.own.err().filter(|_| owes).map(|refusal| (*account, refusal))
    });
    let outcome = match unknown {
        Some((account, refusal)) => Err(Short {
            account,
            reaches: None,
            binds: Vec::new(),
            enough: Vec::new(),
            unknown: Some(refusal),
        }),
        None => choose::cheapest(state, &ask.accounts).map_err(|why| *why).map(|(state, proven, tried)| {
            let wallet = purse.keys().chain(state.purse.keys()).collect::<std::collections::BTreeSet<_>>();
            let held = |asset: &String| {
                let had = purse.get(asset).copied().unwrap_or_default();
                (asset.clone(), state.digits(asset), [had, state.has(asset)])
            };
            let wallet = wallet.into_iter().map(held).collect();
            let healths = ask
                .accounts
                .iter()
                .map(|&account| (account, state.seen(account).ok().and_then(|seen| state::health(&seen))));
            Plan {
                lost: state.lost,
                gas: state.gas,
                drawn: state.drawn,
                cost: state.cost().unwrap_or(U256::MAX),
                wallet,
                after: healths.collect(),
                proven,
                tried,
                steps: state.steps.iter().map(|step| (**step).clone()).collect(),
            }
        }),
    };
    Ok(Planned {
        identity: identity(book, book.at, &all),
        target: ask.target,
        currency: ask.currency.clone(),
        before,
        outcome,
    })
}

/// The wallet in the digits of its assets.
fn purse(
    ask: &PlanAsk<'_>,
    digits: &BTreeMap<String, u8>,
    prices: &Prices,
) -> Result<BTreeMap<String, U256>, Misasked> {
    let mut purse: BTreeMap<String, U256> = BTreeMap::new();
    for (asset, amount) in &ask.wallet {
        let Some(digits) = digits.get(asset) else {
            let known = digits.keys().cloned().collect();
            return Err(Misasked::NoSuch { what: "asset of a market".into(), found: asset.clone(), known });
        };
        if prices.of(asset).is_none() {
            let expected = format!("an asset that the book can count in {}", ask.currency);
            return Err(Misasked::NoEstimate { found: asset.clone(), expected });
        }
        let wrong = |error| Misasked::NoAmount { asset: asset.clone(), found: *amount, error };
        let raw = amount.scaled_amount(*digits).map_err(wrong)?;
        let held = purse.entry(asset.clone()).or_default();
        *held = held.add(raw).ok_or_else(|| wrong(plimsoll_core::num::DecimalError::TooLarge))?;
    }
    Ok(purse)
}
