//! The ways in which one account can be helped: where money comes from, and what it becomes.

use super::Doing;
use super::state::{State, Stop, amount};
use crate::ask::{asset_decimals, asset_of};
use plimsoll_core::{Amount, InstrumentId, Int, Kind, Refusal, Rounding, U256};

/// Where money comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The wallet.
    Wallet,
    /// An account's receipt is given back.
    Withdraw { account: usize, from: InstrumentId },
    /// An account takes a loan.
    Borrow { account: usize, debt: InstrumentId },
}

/// What it becomes in the account that is helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    /// A debt is paid.
    Repay(InstrumentId),
    /// It is put in.
    Deposit(InstrumentId),
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Money goes from somewhere, by way of a sale where the assets differ.
    Chain {
        source: Source,
        /// The asset that comes out of the source, and the digits of its market (the wallet's own, where it is that).
        of: (String, u8),
        sink: Sink,
        /// The asset that goes in, and the digits of its market.
        into: (String, u8),
    },
    /// A position is traded.
    Fill { instrument: InstrumentId, sells: bool, lot: U256, most: U256 },
}

impl Way {
    /// The way in words.
    pub(super) fn words(&self, state: &State<'_>, account: usize) -> String {
        let name = |account: usize| {
            let listed = &state.ground.book.accounts[account];
            format!("{}:{}", state.ground.book.markets[listed.market].name, listed.name)
        };
        match self {
            Way::Chain { source, of, sink, into } => {
                let from = match source {
                    Source::Wallet => format!("{} from the wallet", of.0),
                    Source::Withdraw { account, .. } => format!("{} out of {}", of.0, name(*account)),
                    Source::Borrow { account, .. } => format!("{} borrowed by {}", of.0, name(*account)),
                };
                let sold = if of.0 == into.0 { String::new() } else { format!(", sold for {}", into.0) };
                let does = match sink {
                    Sink::Repay(_) => "repays",
                    Sink::Deposit(_) => "is put into",
                };
                format!("{from}{sold} {does} {}", name(account))
            }
            Way::Fill { instrument, sells, .. } => {
                let spec = state.market_of(account).instruments().get(instrument.index());
                let word = if *sells { "sell" } else { "buy" };
                format!("{word} {}", spec.map_or("?", |spec| spec.name.as_str()))
            }
        }
    }

    /// Whether the account that is helped gives itself: several rounds of it may then do what one cannot.
    pub(super) fn is_own(&self, helped: usize) -> bool {
        matches!(self, Way::Chain { source: Source::Withdraw { account, .. }, .. } if *account == helped)
    }

    /// How many calls it takes.
    pub(super) fn calls(&self) -> u64 {
        match self {
            Way::Fill { .. } => 1,
            Way::Chain { source, .. } => {
                1 + u64::from(*source != Source::Wallet) + u64::from(self.sale().is_some())
            }
        }
    }

    /// Whether something is sold on the way.
    pub(super) fn sale(&self) -> Option<(&str, &str)> {
        match self {
            Way::Chain { of, into, .. } if of.0 != into.0 => Some((&of.0, &into.0)),
            _ => None,
        }
    }

    /// The digits of the amounts that it is asked for, and the asset.
    pub(super) fn counted(&self, state: &State<'_>, account: usize) -> (String, u8) {
        match self {
            Way::Chain { of, .. } => of.clone(),
            Way::Fill { instrument, .. } => {
                let spec = state.market_of(account).instruments().get(instrument.index());
                spec.map_or(("?".into(), 0), |spec| (spec.name.clone(), spec.decimals))
            }
        }
    }

    /// No more than this can be taken, before anything else is asked.
    pub(super) fn upper(&self, state: &State<'_>, helped: usize) -> U256 {
        match self {
            Way::Fill { most, .. } => *most,
            Way::Chain { source, of, sink, into } => {
                let there = match source {
                    Source::Wallet => state.has(&of.0),
                    Source::Withdraw { account, from } => state.balance(*account, *from).unwrap_or_default(),
                    Source::Borrow { .. } => U256::MAX,
                };
                // Of one asset no more than is owed serves; what is sold first is not bounded by that here.
                let owed = match sink {
                    Sink::Repay(debt) if of.0 == into.0 => state
                        .balance(helped, *debt)
                        .and_then(|raw| state.fine(&into.0, raw, into.1))
                        .and_then(|fine| up(state, &of.0, fine, of.1)),
                    _ => None,
                };
                there.min(owed.unwrap_or(U256::MAX))
            }
        }
    }

    /// Goes the way with so much. The state is that before where it cannot be gone.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn go<'g>(&self, state: &State<'g>, helped: usize, raw: U256) -> Result<State<'g>, Stop> {
        if raw == U256::ZERO {
            return Err(Stop::Nothing);
        }
        let mut next = state.clone();
        let beyond = Stop::Refused(Refusal::Overflow("an amount"));
        match self {
            Way::Fill { instrument, sells, lot, .. } => {
                let whole = raw.div(*lot, Rounding::Down).and_then(|lots| lots.mul(*lot)).ok_or(beyond)?;
                if whole == U256::ZERO {
                    return Err(Stop::Nothing);
                }
                next.fill(helped, *instrument, Int::from_parts(*sells, whole))?;
            }
            Way::Chain { source, of, sink, into } => {
                let came = match source {
                    Source::Wallet => raw,
                    Source::Withdraw { account, from } => {
                        let all = next.balance(*account, *from).unwrap_or_default();
                        let doing = Doing::Withdraw { from: *from, amount: amount(raw, all) };
                        gives(&mut next, helped, *account, doing, &of.0)?
                    }
                    Source::Borrow { account, debt } => {
                        let doing = Doing::Borrow { debt: *debt, amount: Amount::Assets(raw) };
                        gives(&mut next, helped, *account, doing, &of.0)?
                    }
                };
                let comes = if of.0 == into.0 { came } else { next.swap(&of.0, came, &into.0)? };
                let raw = next.coarse(&into.0, comes, into.1).ok_or(beyond)?;
                next.put(helped, *sink, raw)?;
            }
        }
        Ok(next)
    }
}

/// What an account gives to the wallet, in the wallet's digits; where it is another than the one that is helped, it stays at
/// the target.
fn gives(
    state: &mut State<'_>,
    helped: usize,
    account: usize,
    doing: Doing,
    asset: &str,
) -> Result<U256, Stop> {
    let flowed = state.take(account, doing, U256::ZERO)?;
    if account != helped && !state.reaches(account) {
        return Err(Stop::Gives(account));
    }
    let came = flowed.iter().find(|flow| flow.asset == asset).ok_or(Stop::Nothing)?;
    state.fine(asset, came.received, came.decimals).ok_or(Stop::Nothing)
}

/// The wallet's digits in raw units of a market, raised.
fn up(state: &State<'_>, asset: &str, fine: U256, decimals: u8) -> Option<U256> {
    fine.div(U256::pow10(state.digits(asset).saturating_sub(decimals))?, Rounding::Up)
}

impl State<'_> {
    /// Puts so much (raw) of the wallet into an account.
    pub(super) fn put(&mut self, account: usize, sink: Sink, raw: U256) -> Result<(), Stop> {
        if raw == U256::ZERO {
            return Err(Stop::Nothing);
        }
        let doing = match sink {
            Sink::Deposit(into) => Doing::Deposit { into, amount: Amount::Assets(raw) },
            Sink::Repay(debt) => {
                let owed = self.balance(account, debt).unwrap_or(U256::MAX);
                Doing::Repay { debt, amount: amount(raw, owed) }
            }
        };
        self.take(account, doing, U256::ZERO).map(|_| ())
    }
}

/// Every way to help an account, in the order in which they are tried: what puts nobody nearer to a line first.
pub(super) fn ways(state: &State<'_>, helped: usize, others: &[usize]) -> Vec<Way> {
    let mut all: Vec<(u8, Way)> = Vec::new();
    let own = state.account(helped);
    let sells = |from: &str, to: &str| {
        state.ground.pools.as_ref().is_some_and(|pools| pools.curve(from, to).is_some())
            && state.ground.prices.of(from).is_some()
            && state.ground.prices.of(to).is_some()
    };
    let sinks = sinks(state, helped);
    let debts: Vec<&str> = sinks
        .iter()
        .filter(|(sink, _)| matches!(sink, Sink::Repay(_)))
        .map(|(_, of)| of.0.as_str())
        .collect();
    for (sink, into) in &sinks {
        let repays = matches!(sink, Sink::Repay(_));
        // What is sold pays a debt or goes to what is held already; elsewhere only where no debt can be paid by selling it.
        let is_held = matches!(sink, Sink::Deposit(id) if !own.quantity(*id).is_zero());
        let sells = |from: &str, to: &str| {
            let pays = debts.iter().any(|debt| *debt == from || sells(from, debt));
            sells(from, to) && (repays || (is_held && !debts.contains(&from)) || !pays)
        };
        let chain =
            |source: Source, of: (String, u8)| Way::Chain { source, of, sink: *sink, into: into.clone() };
        for (asset, held) in &state.purse {
            let same = *asset == into.0;
            if *held != U256::ZERO && (same || sells(asset, &into.0)) {
                let rank = if same { 0 } else { 2 } + u8::from(!repays);
                all.push((rank, chain(Source::Wallet, (asset.clone(), state.digits(asset)))));
            }
        }
        for &other in others.iter().filter(|other| **other != helped) {
            if !state.reaches(other) {
                continue;
            }
            for (from, of) in held(state, other, Kind::Receipt) {
                if of.0 == into.0 || sells(&of.0, &into.0) {
                    let rank = if of.0 == into.0 { 4 } else { 6 };
                    all.push((rank, chain(Source::Withdraw { account: other, from }, of)));
                }
            }
            // A debt moves to where there is room for it.
            for (debt, of) in listed(state, other, Kind::Debt) {
                if repays && of.0 == into.0 {
                    all.push((5, chain(Source::Borrow { account: other, debt }, of)));
                }
            }
        }
        for (from, of) in held(state, helped, Kind::Receipt) {
            let itself = matches!(sink, Sink::Deposit(to) if *to == from);
            if !itself && (of.0 == into.0 || sells(&of.0, &into.0)) {
                let rank = if repays { 8 } else { 9 };
                all.push((rank, chain(Source::Withdraw { account: helped, from }, of)));
            }
        }
    }
    all.extend(fills(state, helped).into_iter().map(|way| (7, way)));
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter().map(|(_, way)| way).collect()
}

/// Debts that an account has, and receipts that it may be given.
pub(super) fn sinks(state: &State<'_>, account: usize) -> Vec<(Sink, (String, u8))> {
    let debts = held(state, account, Kind::Debt).into_iter().map(|(id, of)| (Sink::Repay(id), of));
    let mut sinks: Vec<_> = debts.collect();
    for (id, of) in listed(state, account, Kind::Receipt) {
        // What has no place in such an account (another branch's collateral) takes not even a unit.
        let mut tried = state.clone();
        let one = match U256::pow10(of.1) {
            Some(one) => one,
            None => continue,
        };
        tried.purse.insert(of.0.clone(), U256::pow10(60).unwrap_or(U256::MAX));
        let refused = tried.put(account, Sink::Deposit(id), one).err();
        let none_of_it = matches!(
            refused,
            Some(Stop::Refused(
                Refusal::NoSuchInstrument(_)
                    | Refusal::NotAtThisVenue
                    | Refusal::InconsistentAccount(_)
                    | Refusal::AnotherAccount(_)
                    | Refusal::Paused(_)
                    | Refusal::Frozen(_)
                    | Refusal::Inactive(_)
            ))
        );
        // Nor does what leaves it no better.
        let idle = refused.is_none() && gain(state, &tried, account) == Some(false);
        if !none_of_it && !idle {
            sinks.push((Sink::Deposit(id), of));
        }
    }
    sinks
}

/// Whether an account stands better in one state than in another.
pub(super) fn gain(before: &State<'_>, after: &State<'_>, account: usize) -> Option<bool> {
    let aim = before.ground.aim;
    let (was, is) = (before.seen(account).ok()?, after.seen(account).ok()?);
    if aim.reached(&is) {
        return Some(true);
    }
    Some(aim.gap(&is)? > aim.gap(&was)?)
}

fn listed(state: &State<'_>, account: usize, kind: Kind) -> Vec<(InstrumentId, (String, u8))> {
    let market = state.market_of(account);
    let of_kind = (0..).zip(market.instruments()).filter(|(_, spec)| spec.kind == kind);
    of_kind.map(|(id, _)| (InstrumentId(id), asset_of(market, InstrumentId(id)))).collect()
}

fn held(state: &State<'_>, account: usize, kind: Kind) -> Vec<(InstrumentId, (String, u8))> {
    let own = state.account(account);
    listed(state, account, kind).into_iter().filter(|(id, _)| !own.quantity(*id).is_zero()).collect()
}

/// Trades of derivatives: what is held is closed; of what is not, no more than all that is held is worth, either way.
fn fills(state: &State<'_>, account: usize) -> Vec<Way> {
    let market = state.market_of(account);
    let own = state.account(account);
    let Some(pools) = &state.ground.pools else { return Vec::new() };
    let feeds = state.feeds(account);
    let mut bases = Vec::new();
    for (id, spec) in (0..).map(InstrumentId).zip(market.instruments()) {
        if spec.kind != Kind::Derivative || asset_decimals(market, &spec.asset).is_some() {
            continue;
        }
        let Some(slot) = market.slots().iter().position(|slot| slot.asset == spec.asset) else { continue };
        let Some(mark) = feeds.get(slot).value.filter(|mark| *mark != U256::ZERO) else { continue };
        if pools.curve(&spec.asset, &market.slots()[slot].currency).is_some() {
            bases.push((id, spec.decimals, mark, own.quantity(id)));
        }
    }
    let value = |&(_, decimals, mark, held): &(InstrumentId, u8, U256, Int)| {
        held.magnitude().mul_div_wide(mark, U256::pow10(decimals)?, Rounding::Down)
    };
    let all = bases.iter().filter_map(value).try_fold(U256::ZERO, U256::add).unwrap_or_default();
    let mut ways = Vec::new();
    for &(instrument, decimals, mark, held) in &bases {
        let probe = Doing::Fill { instrument, quantity: Int::ONE, price: Int::from(mark) };
        let lot = match state.clone().take(account, probe, U256::ZERO) {
            Err(Stop::Refused(Refusal::NotInLots { lot })) => lot,
            Err(Stop::Refused(Refusal::NotAtThisVenue | Refusal::NoSuchInstrument(_))) => continue,
            _ => U256::ONE,
        };
        if !held.is_zero() {
            ways.push(Way::Fill { instrument, sells: !held.is_negative(), lot, most: held.magnitude() });
            continue;
        }
        let most = U256::pow10(decimals).and_then(|one| all.mul_div_wide(one, mark, Rounding::Down));
        let most = most.and_then(|most| most.div(lot, Rounding::Down)?.mul(lot)).unwrap_or_default();
        if most != U256::ZERO {
            ways.extend([true, false].map(|sells| Way::Fill { instrument, sells, lot, most }));
        }
    }
    ways
}
