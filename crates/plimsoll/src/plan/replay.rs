//! A plan done step by step on a book, with every condition looked at; and what tells two plans apart.

use super::prices::Prices;
use super::state::{Ground, State, Stop};
use super::{Doing, Plan, PlanAsk, Step};
use crate::ask::Misasked;
use crate::bounds::Target;
use crate::ratio::Ratio;
use crate::stress::pools::Pools;
use plimsoll_core::{Book, Decimal, Int, Refusal, Scenario, U256};

/// A plan that was done on a book.
#[derive(Clone, Debug)]
pub struct Replay {
    /// How many of its steps were done.
    pub done: usize,
    /// Health of each account asked about, then.
    pub after: Vec<(usize, Option<Ratio>)>,
    /// The wallet then: asset, digits, raw amount.
    pub wallet: Vec<(String, u8, U256)>,
    /// The first condition that does not hold; `None` where the plan does what it says.
    pub broken: Option<Broken>,
}

/// A condition of a plan that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The account of this step does not stand where the plan found it.
    Before(usize),
    /// The venue does not take this step.
    Refused(usize, Refusal),
    /// The wallet has less than this step pays.
    Wallet(usize),
    /// The sale of this step brings less than the plan counts on.
    Brings(usize),
    /// An account would be below its line after this step.
    Line(usize),
    /// The account of this step does not stand where the plan says.
    After(usize),
    /// This account is not at the target at the end.
    Target(usize),
}

/// One line in which two plans differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The first has this step, and the second does not.
    Only(Step),
    /// The second has this step, and the first does not.
    New(Step),
    /// Both do the same with another amount.
    Amount(Box<Step>, Box<Step>),
}

impl Plan {
    /// Does the plan on a book, through the exact markets, and looks at every condition: each account stands where the step
    /// found it, the venue takes the step, no account falls below its line, each stands afterwards where the plan says, and all
    /// reach the target in the end. `strict` is whether the first and the last but one of these must hold to the unit: of a book
    /// that has moved since they do not, and the plan may serve all the same.
    ///
    /// # Errors
    /// When the target is none.
    pub fn replay(&self, book: &Book, ask: &PlanAsk<'_>, strict: bool) -> Result<Replay, Misasked> {
        let aim = Target::of(ask.target).ok_or(Misasked::NoTarget { found: ask.target })?;
        let floor = Target::of(ask.floor).ok_or(Misasked::NoTarget { found: ask.floor })?;
        let quotes = book.graph.quotes(book.at);
        let readings = Ground::readings(book, &quotes);
        let prices = Prices::new(book, &quotes, &readings, &ask.currency);
        let digits = Ground::digits(book);
        let purse = super::purse(ask, &digits, &prices)?;
        let nothing = Scenario::of_prices("", Vec::new(), Vec::new());
        let own: Vec<usize> =
            ask.depth.iter().flat_map(|depth| &depth.curves).map(|curve| curve.assets.len()).collect();
        let pools = ask.depth.and_then(|depth| Pools::new(depth, &own, &nothing));
        let zero = U256::ZERO;
        let ground = Ground { book, readings, prices, pools, gas: zero, carry: zero, aim, floor, digits };
        let mut state = State::new(&ground, purse);
        let mut broken = None;
        for (at, step) in self.steps.iter().enumerate() {
            if let Err(why) = one(&mut state, at, step, strict) {
                broken = Some(why);
                break;
            }
        }
        let done = state.steps.len();
        let short = ask.accounts.iter().find(|account| !state.reaches(**account));
        let broken = broken.or(short.map(|account| Broken::Target(*account)));
        let seen = |account: usize| state.seen(account).ok().and_then(|seen| super::state::health(&seen));
        let after = ask.accounts.iter().map(|&account| (account, seen(account))).collect();
        let wallet =
            state.purse.iter().map(|(asset, held)| (asset.clone(), state.digits(asset), *held)).collect();
        Ok(Replay { done, after, wallet, broken })
    }

    /// In what another plan differs from this one, in the order of their steps.
    #[must_use]
    pub fn differences(&self, other: &Plan) -> Vec<Difference> {
        let mut left: Vec<Option<&Step>> = other.steps.iter().map(Some).collect();
        let mut found = Vec::new();
        for step in &self.steps {
            let same = left.iter().position(|known| known.is_some_and(|known| alike(known, step)));
            match same.and_then(|at| left[at].take()) {
                Some(known) if known.doing == step.doing => {}
                Some(known) => {
                    found.push(Difference::Amount(Box::new(step.clone()), Box::new(known.clone())));
                }
                None => found.push(Difference::Only(step.clone())),
            }
        }
        found.extend(left.into_iter().flatten().map(|step| Difference::New(step.clone())));
        found
    }
}

/// Whether two steps do the same but for the amount.
fn alike(one: &Step, other: &Step) -> bool {
    let same = match (&one.doing, &other.doing) {
        (Doing::Deposit { into: a, .. }, Doing::Deposit { into: b, .. }) => a == b,
        (Doing::Repay { debt: a, .. }, Doing::Repay { debt: b, .. })
        | (Doing::Borrow { debt: a, .. }, Doing::Borrow { debt: b, .. }) => a == b,
        (Doing::Withdraw { from: a, .. }, Doing::Withdraw { from: b, .. }) => a == b,
        (Doing::Fill { instrument: a, .. }, Doing::Fill { instrument: b, .. }) => a == b,
        (Doing::Swap { from: a, to: b, .. }, Doing::Swap { from: c, to: d, .. }) => a == c && b == d,
        _ => false,
    };
    same && one.account == other.account
}

fn one(state: &mut State<'_>, at: usize, step: &Step, strict: bool) -> Result<(), Broken> {
    let Some(account) = step.account else {
        let Doing::Swap { from, to, amount, at_least } = &step.doing else { return Ok(()) };
        let brought = state.swap(from, *amount, to).map_err(|why| told(at, why))?;
        return if brought < *at_least { Err(Broken::Brings(at)) } else { Ok(()) };
    };
    let stands = |state: &State<'_>| state.seen(account).ok().and_then(|seen| super::state::health(&seen));
    if strict && stands(state) != step.before {
        return Err(Broken::Before(at));
    }
    state.take(account, step.doing.clone(), step.lost).map_err(|why| told(at, why))?;
    if strict && stands(state) != step.after {
        return Err(Broken::After(at));
    }
    Ok(())
}

fn told(at: usize, why: Stop) -> Broken {
    match why {
        Stop::Refused(refusal) => Broken::Refused(at, refusal),
        Stop::Line(_) | Stop::Gives(_) => Broken::Line(at),
        Stop::Wallet | Stop::Nothing => Broken::Wallet(at),
        Stop::Depth => Broken::Brings(at),
    }
}

impl Step {
    /// The amount of it, and the digits that it has in the account's market or the wallet.
    #[must_use]
    pub fn quantity(&self) -> (String, Decimal) {
        let side = match self.doing {
            Doing::Withdraw { .. } | Doing::Borrow { .. } => self.received.first(),
            _ => self.paid.first(),
        };
        match (&self.doing, side) {
            (_, Some((asset, decimals, raw))) => {
                (asset.clone(), Decimal { mantissa: Int::from(*raw), decimals: *decimals })
            }
            (Doing::Fill { quantity, .. }, None) => (String::new(), Decimal::whole(*quantity)),
            (_, None) => (String::new(), Decimal::whole(Int::ZERO)),
        }
    }
}
