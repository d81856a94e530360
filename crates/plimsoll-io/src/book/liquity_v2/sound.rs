//! Whether a book contradicts itself: each account alone, and all of them against the totals of their market.
//!
//! On chain the stakes, the collateral and the weighted debt of a branch are, to the unit, the sums over its open troves. A
//! book may list a part of them: then its sums are below the totals. Above them they never are, and where all stakes are
//! there, all troves are.

use super::accounts::{branch, is_open, place};
use crate::fault::{Code, Log, Span, quoted};
use plimsoll_core::{Account, AccountId, Int, Market as _, TermId, Time, U256};
use plimsoll_venues::liquity_v2::{
    BATCH, BOLD, Branch, DEBT, LAST_CHANGE, LAST_UPDATE, MIN_DEBT, Market, OWNER, RATE, SHARES,
    SNAPSHOT_COLLATERAL, SNAPSHOT_DEBT, SNAPSHOT_PRODUCT, SNAPSHOT_SCALE, SNAPSHOT_SUM, SNAPSHOT_YIELD,
    STAKE, STATUS, Status, batch_object, collateral, deposit, gain, surplus,
};

/// Where a table of numbers stands, and which it says.
pub(super) struct Stated {
    pub(super) whole: Span,
    pub(super) fields: Vec<(&'static str, Span)>,
}

impl Stated {
    fn span(&self, name: &str) -> Span {
        self.fields.iter().find(|(known, _)| *known == name).map_or(self.whole, |(_, span)| *span)
    }
}

/// Shares of a batch are cut down, at most 10^9 raw a call: so much may a thousand calls take off a trove's debt (raw).
const SHARE_ROUNDINGS: U256 = U256::new(1_000_000_000_000);

/// What no account has: whoever judges a faulty one in spite of its fault knows nothing of it.
const NO_STATUS: u64 = 98;

// ---- accounts ---------------------------------------------------------------------------------------------------

/// What contradicts itself in an account whose names have numbers.
pub(super) fn account(market: &Market, account: &mut Account, span: Span, at: Time, log: &mut Log) {
    let before = log.count();
    match branch(account) {
        Some(branch) => trove(market, account, branch, span, at, log),
        None => person(market, account, span, log),
    }
    if log.count() != before {
        account.set_term(STATUS, Int::from(NO_STATUS));
    }
}

fn trove(market: &Market, account: &Account, branch: usize, span: Span, at: Time, log: &mut Log) {
    let name = &market.collaterals()[branch];
    let mut fault = |code, found: &str, expected: String| _ = log.at(code, span, found, expected);
    let holds = |id| !account.quantity(id).is_zero();
    let own = [DEBT, SHARES, collateral(branch)];
    let is_open = is_open(account);
    if !is_open && own.into_iter().any(holds) {
        fault(Code::Contradiction, "a trove that is closed, with collateral or debt", "rows of zero".into());
    }
    let other = account.holdings().iter().any(|held| {
        !held.quantity.is_zero()
            && ![DEBT, SHARES, collateral(branch), surplus(branch)].contains(&held.instrument)
    });
    if other {
        let expected = format!("collateral of {name}, debt, and a surplus of {name}");
        fault(Code::Contradiction, "a trove that holds something else", expected);
    }
    let manager = account.term(BATCH).to_u64().and_then(|mark| mark.checked_sub(1));
    match manager {
        Some(manager) => {
            let known = market.batches().any(|(of, id, _)| of == branch && id.0 == manager);
            if !known {
                let expected = format!("the manager of a batch of {name}");
                fault(Code::Contradiction, "`batch` with an account that has none", expected);
            }
            if holds(DEBT) {
                let expected = format!(
                    "{}, as troves of a batch owe",
                    quoted(&market.instruments()[SHARES.index()].name)
                );
                fault(Code::Contradiction, "a debt of its own in a batch", expected);
            }
            if !account.term(RATE).is_zero() {
                fault(
                    Code::Contradiction,
                    "`rate` and `batch`",
                    "one of them: the rate is the batch's".into(),
                );
            }
        }
        None if holds(SHARES) => {
            fault(Code::Contradiction, "shares of a batch without `batch`", "`batch=…`, its manager".into());
        }
        None => {}
    }
    for (term, what) in [(LAST_UPDATE, "last_update"), (LAST_CHANGE, "last_change")] {
        let time = account.term(term);
        if time.to_u64().is_none_or(|time| time > at.0) {
            let expected = format!("a time up to the book's, {}", at.0);
            fault(Code::Future, &format!("{what}={time}"), expected);
        }
    }
    let state = market.branches()[branch];
    let sums = [
        (
            SNAPSHOT_COLLATERAL,
            "snapshot_collateral",
            state.redistributed_collateral,
            "redistributed_collateral",
        ),
        (SNAPSHOT_DEBT, "snapshot_debt", state.redistributed_debt, "redistributed_debt"),
    ];
    for (term, what, most, total) in sums {
        up_to(account, term, what, most, &format!("the branch's {total}"), span, log);
    }
    owes_enough(market, account, branch, span, at, log);
}

/// An active trove owes the minimum: a redemption that leaves less makes a zombie of it, a liquidation and a closing close it.
/// Only urgent redemptions, of a branch that was shut down, leave less.
fn owes_enough(market: &Market, account: &Account, branch: usize, span: Span, at: Time, log: &mut Log) {
    let active = account.term(STATUS) == Int::from(Status::Active as u64);
    if !active || market.branches()[branch].is_shut_down() {
        return;
    }
    let Ok(Some(now)) = market.trove(account, at) else { return };
    let in_batch = !account.term(BATCH).is_zero();
    let least = if in_batch { MIN_DEBT.sub_or_zero(SHARE_ROUNDINGS) } else { MIN_DEBT };
    if now.debt < least {
        let owes =
            if now.debt == U256::ZERO { "no debt".into() } else { format!("a debt of {} raw", now.debt) };
        let expected = format!("at least {MIN_DEBT} raw (2000), or `trove=zombie` after a redemption");
        log.at(Code::Contradiction, span, format!("an active trove with {owes}"), expected);
    }
}

fn person(market: &Market, account: &Account, span: Span, log: &mut Log) {
    let branches = 0..market.branches().len();
    let mut of_troves = branches.clone().map(collateral).chain([DEBT, SHARES]);
    if of_troves.any(|id| !account.quantity(id).is_zero()) {
        let expected = "`trove=…; branch=…` in the column `mode`";
        log.at(Code::UnknownMode, span, "collateral or debt of no trove", expected);
        return;
    }
    let deposits: Vec<usize> = branches.filter(|of| !account.quantity(deposit(*of)).is_zero()).collect();
    if deposits.len() > 1 {
        let expected = "a deposit in one pool; another is another account's";
        log.at(Code::Contradiction, span, format!("deposits in {} pools", deposits.len()), expected);
        return;
    }
    for (term, name) in [(RATE, "rate"), (BATCH, "batch"), (OWNER, "owner"), (STAKE, "stake")] {
        if !account.term(term).is_zero() {
            log.at(Code::UnknownMode, span, format!("`{name}` of no trove"), "`trove=…; branch=…` beside it");
        }
    }
    let Some(&branch) = deposits.first() else { return };
    let state = market.branches()[branch];
    if !up_to(account, SNAPSHOT_SCALE, "snapshot_scale", state.scale.into(), "the pool's scale", span, log) {
        return;
    }
    let scale = account.term(SNAPSHOT_SCALE).to_u64().unwrap_or(0);
    let sums = market.scale(branch, scale);
    let of_scale = |what: &str| format!("the pool's {what} at scale {scale}");
    up_to(account, SNAPSHOT_SUM, "snapshot_sum", sums.collateral, &of_scale("collateral"), span, log);
    up_to(account, SNAPSHOT_YIELD, "snapshot_yield", sums.interest, &of_scale("interest"), span, log);
    let product = account.term(SNAPSHOT_PRODUCT);
    if scale == state.scale && product.to_u256().is_none_or(|product| product < state.product) {
        // P only falls.
        let expected = format!("at least the pool's product, {}", state.product);
        log.at(Code::OutOfRange, span, format!("snapshot_product={product}"), expected);
    }
}

/// Whether a number of an account is at most one of the market; told where it is not.
fn up_to(
    account: &Account,
    term: TermId,
    what: &str,
    most: U256,
    whose: &str,
    span: Span,
    log: &mut Log,
) -> bool {
    let value = account.term(term);
    let fits = value.to_u256().is_some_and(|value| value <= most);
    if !fits {
        log.at(Code::OutOfRange, span, format!("{what}={value}"), format!("at most {whose}, {most}"));
    }
    fits
}

// ---- totals -----------------------------------------------------------------------------------------------------

/// Sums over the accounts of one branch.
#[derive(Default)]
struct Sums {
    troves: u64,
    stakes: U256,
    held: U256,
    recorded: U256,
    weighted: U256,
    deposits: U256,
    gains: U256,
    surplus: U256,
}

/// A sum that is beyond 256 bits is above every total.
fn plus(x: U256, y: U256) -> U256 {
    x.add(y).unwrap_or(U256::MAX)
}

fn times(x: U256, y: U256) -> U256 {
    x.mul(y).unwrap_or(U256::MAX)
}

fn held(account: &Account, id: plimsoll_core::InstrumentId) -> U256 {
    account.quantity(id).to_u256().unwrap_or(U256::ZERO)
}

impl Sums {
    fn of(market: &Market, branch: usize, accounts: &[&Account], at: Time) -> Sums {
        let mut sums = Sums::default();
        for account in accounts {
            sums.surplus = plus(sums.surplus, held(account, surplus(branch)));
            if super::accounts::branch(account) == Some(branch) && is_open(account) {
                sums.troves = sums.troves.saturating_add(1);
                sums.stakes = plus(sums.stakes, account.term(STAKE).magnitude());
                sums.held = plus(sums.held, held(account, collateral(branch)));
                let debt = held(account, DEBT);
                sums.recorded = plus(sums.recorded, debt);
                sums.weighted = plus(sums.weighted, times(debt, account.term(RATE).magnitude()));
            } else if let Ok(now) = market.deposit(account, branch, at) {
                sums.deposits = plus(sums.deposits, now.compounded);
                sums.gains = plus(sums.gains, plus(now.collateral_gain, held(account, gain(branch))));
            }
        }
        for (_, _, batch) in market.batches().filter(|(of, _, _)| *of == branch) {
            sums.recorded = plus(sums.recorded, batch.debt);
            sums.weighted = plus(sums.weighted, times(batch.debt, batch.rate));
        }
        sums
    }
}

/// Compares the totals of one branch with its accounts; where the market's file says none, they follow from them.
pub(super) fn branch_totals(
    market: &mut Market,
    branch: usize,
    accounts: &[&Account],
    stated: Option<&Stated>,
    batches: &[(u64, Span)],
    at: Time,
    log: &mut Log,
) {
    let sums = Sums::of(market, branch, accounts, at);
    let state: Branch = market.branches()[branch];
    let whole = stated.is_none() || sums.stakes == state.total_stakes;
    for (object, span) in batches {
        shares(market, branch, accounts, *object, whole, *span, log);
    }
    let Some(stated) = stated else {
        follow(market, branch, accounts, &sums, at);
        return;
    };
    let mut total = |name: &str, total: U256, sum: U256, exact: bool| {
        let what = "what the accounts listed add up to";
        if sum > total {
            let expected = format!("at least {sum}, {what}");
            log.at(Code::Totals, stated.span(name), format!("{name} = {total}"), expected);
        } else if exact && sum < total {
            let expected = format!("{sum}, {what}, as all stakes are among them");
            log.at(Code::Totals, stated.span(name), format!("{name} = {total}"), expected);
        }
    };
    total("total_stakes", state.total_stakes, sums.stakes, false);
    total("active_collateral", state.active_collateral, sums.held, whole);
    total("weighted_debt", state.weighted_debt, sums.weighted, whole);
    total("recorded_debt", state.recorded_debt, sums.recorded, false);
    total("deposits", state.deposits, sums.deposits, false);
    total("pool_collateral", state.pool_collateral, sums.gains, false);
    total("surplus", state.surplus, sums.surplus, false);
    let unlisted = state.total_stakes.sub_or_zero(sums.stakes);
    if unlisted != U256::ZERO {
        // There is at least one trove more.
        let troves = Int::from(sums.troves.saturating_add(1));
        place(market, branch as u64 + 1, &[("unlisted_stakes", unlisted.into()), ("troves", troves)]);
    }
}

/// Compares the shares of a batch with those of its troves.
fn shares(
    market: &Market,
    branch: usize,
    accounts: &[&Account],
    object: u64,
    whole: bool,
    span: Span,
    log: &mut Log,
) {
    let found = market.batches().find(|(of, id, _)| batch_object(*of, *id) == Some(object));
    let Some((_, AccountId(manager), batch)) = found else { return };
    let own = accounts.iter().filter(|account| {
        super::accounts::branch(account) == Some(branch)
            && account.term(BATCH).to_u64() == Some(manager.saturating_add(1))
    });
    let sum = own.fold(U256::ZERO, |sum, account| plus(sum, held(account, SHARES)));
    if sum > batch.shares || (whole && sum < batch.shares) {
        let expected = format!("{sum}, what its troves hold");
        log.at(Code::Totals, span, format!("shares = {}", batch.shares), expected);
    }
}

/// Totals of a branch that has no other accounts than these, brought up to the book's time.
fn follow(market: &mut Market, branch: usize, accounts: &[&Account], sums: &Sums, at: Time) {
    let mut debt = U256::ZERO;
    let mut weighted_fees = U256::ZERO;
    for account in accounts.iter().filter(|account| account.term(BATCH).is_zero()) {
        if super::accounts::branch(account) == Some(branch)
            && let Ok(Some(now)) = market.trove(account, at)
        {
            debt = plus(debt, now.debt);
        }
    }
    let batches: Vec<_> = market.batches().map(|(of, id, batch)| (of, id, *batch)).collect();
    for (_, id, batch) in batches.into_iter().filter(|(of, _, _)| *of == branch) {
        debt = plus(debt, market.batch(branch, id, at).map_or(U256::MAX, |now| now.debt));
        weighted_fees = plus(weighted_fees, times(batch.debt, batch.fee));
    }
    let nobody = sums.troves == 0;
    let time = Int::from(if nobody { 0 } else { at.0 });
    let totals = [
        ("active_collateral", sums.held.into()),
        ("recorded_debt", debt.into()),
        ("weighted_debt", sums.weighted.into()),
        ("last_interest_update", time),
        ("weighted_batch_fees", weighted_fees.into()),
        ("last_fee_update", time),
        ("total_stakes", sums.stakes.into()),
        ("deposits", sums.deposits.into()),
        ("pool_collateral", sums.gains.into()),
        ("surplus", sums.surplus.into()),
    ];
    place(market, branch as u64 + 1, &totals);
}

/// Compares all BOLD with what is known of it; where the market's file does not say it, it is what all troves owe, and no
/// less than what is known.
pub(super) fn supply(
    market: &mut Market,
    accounts: &[&Account],
    stated: Option<&Stated>,
    at: Time,
    log: &mut Log,
) {
    let listed = accounts.iter().map(|account| held(account, BOLD)).fold(U256::ZERO, plus);
    place(market, 0, &[("listed_stablecoin", listed.into())]);
    let system = *market.system();
    let in_pools =
        market.branches().iter().flat_map(|state| [state.deposits, state.yield_owed, state.yield_pending]);
    let known = in_pools.chain([listed]).fold(system.router, plus);
    let Some(stated) = stated else {
        let owed = market.branches().iter().map(|state| state.entire_debt(at).unwrap_or(U256::MAX));
        let owed = owed.fold(U256::ZERO, plus);
        place(market, 0, &[("supply", owed.max(known).into())]);
        return;
    };
    if known > system.supply {
        let expected = format!("at least {known}, which is with accounts, pools and the router");
        log.at(Code::Totals, stated.span("supply"), format!("supply = {}", system.supply), expected);
    }
}
