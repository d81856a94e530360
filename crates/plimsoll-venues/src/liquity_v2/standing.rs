//! The system at one time, with one set of prices.

use super::arith::{RAW, add, mul, ratio, share};
use super::deposit::{Deposit, check_person};
use super::position::{Latest, Trove, is_trove, marked};
use super::state::Branch;
use super::{
    BOLD, DEBT, Market, ONE, PLACE_COLLATERAL, PLACE_DEPOSIT, PLACE_GAIN, PLACE_SURPLUS, PLACE_TOKEN, SHARES,
    form, of_instrument,
};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Account, Accounts, Arithmetic, Assessment, Balance, BranchHealth, Feeds, Figure, InstrumentId, Int, Lens,
    Node, Queue, Queued, Quoted, Range, Refusal, Silent, Subject, Test, Time, Trace, U256, Unit, Verdict,
    WAD, Why,
};

/// 10^-36 BOLD: collateral times price, before the contract's division.
const FINE_UNIT: Unit = Unit::raw(36);

pub(super) struct Standing<'m> {
    market: &'m Market,
    lens: Lens,
    at: Time,
    prices: Vec<Result<U256, Why>>,
    nodes: Vec<Result<Node, Why>>,
}

const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
}

impl<'m> Standing<'m> {
    pub(super) fn new(
        market: &'m Market,
        feeds: Feeds<'_>,
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        market.check_clock(at)?;
        let price = |branch| {
            let reading = feeds.get(branch);
            reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))
        };
        let prices: Vec<_> = (0..market.branches.len()).map(price).collect();
        let nodes = form::values(market, &prices, at)?;
        Ok(Standing { market, lens, at, prices, nodes })
    }

    fn price(&self, branch: usize) -> Result<U256, Refusal> {
        let price = self.prices.get(branch).copied().unwrap_or(Err(Why::Missing));
        price.map_err(|why| Refusal::PriceUnknown { slot: branch, why })
    }

    fn state(&self, branch: usize) -> Result<&'m Branch, Refusal> {
        self.market.branches.get(branch).ok_or(Refusal::InconsistentInput)
    }

    /// The trove that an account is, where it is an open one.
    fn trove(&self, account: &Account) -> Result<Option<Trove>, Refusal> {
        if !is_trove(account) {
            check_person(account, self.market.branches.len())?;
            return Ok(None);
        }
        let trove = Trove::of(account, self.market)?;
        Ok(trove.is_open().then_some(trove))
    }

    fn assess_with<T: Trace + ?Sized>(
        &self,
        account: &Account,
        test: Test,
        t: &mut T,
    ) -> Result<Assessment, Refusal> {
        let loans = matches!(test, Test::Borrow | Test::Fill);
        let unit = if loans { RAW } else { FINE_UNIT };
        let zero = Int::ZERO;
        let mut assessment = Assessment {
            verdict: Verdict::NoDebt,
            backing: zero,
            requirement: zero,
            collateral: zero,
            debt: zero,
            unit,
            executable: Ok(()),
        };
        let Some(trove) = self.trove(account)? else { return Ok(assessment) };
        let latest = self.market.latest(&trove, self.at, t)?;
        let least = form::least(self.market, &trove, test)?;
        t.about(Subject::Account);
        if latest.debt == U256::ZERO {
            // Nothing is owed, whatever the price is.
            if let Ok(price) = self.price(trove.branch)
                && let Ok(line) = Line::of(t, &latest, least, price, loans)
            {
                assessment.backing = line.backing.into();
                assessment.collateral = line.backing.into();
            }
            return Ok(assessment);
        }
        let price = self.price(trove.branch)?;
        let line = Line::of(t, &latest, least, price, loans)?;
        assessment.verdict = if line.healthy { Verdict::Healthy } else { Verdict::Unhealthy };
        assessment.backing = line.backing.into();
        assessment.requirement = line.requirement.into();
        assessment.collateral = line.backing.into();
        let debt = if loans { latest.debt } else { mul(latest.debt, ONE, "debt * 1e18")? };
        assessment.debt = debt.into();
        assessment.executable = self.executable(&trove, test, line.healthy, price);
        Ok(assessment)
    }

    fn executable(&self, trove: &Trove, test: Test, healthy: bool, price: U256) -> Result<(), Refusal> {
        let branch = self.state(trove.branch)?;
        if !matches!(test, Test::Borrow | Test::Fill) {
            return if !healthy && branch.troves == 1 { Err(Refusal::LastPosition) } else { Ok(()) };
        }
        if branch.is_shut_down() {
            return Err(Refusal::BranchShutDown);
        }
        let (tcr, least) = (branch.tcr(price, self.at)?, branch.rules.ccr);
        if tcr < least { Err(Refusal::BranchBelowCcr { ratio: tcr, least }) } else { Ok(()) }
    }

    /// The ratios of a branch, and the part of a redemption that falls to it.
    fn branch_figures(&self, branch: usize, figures: &mut Vec<Figure>) -> Result<(), Refusal> {
        let state = self.state(branch)?;
        if let Ok(price) = self.price(branch) {
            figures.push(figure("TCR", state.tcr(price, self.at)?.into(), Unit::WAD));
        }
        let rules = &state.rules;
        for (name, value) in [("CCR", rules.ccr), ("MCR", rules.mcr), ("SCR", rules.scr)] {
            figures.push(figure(name, value.into(), Unit::WAD));
        }
        if let Some(part) = self.unbacked_share(branch)? {
            figures.push(figure("unbackedShare", part.into(), Unit::WAD));
        }
        let fee = super::System::fee_at(self.market.system.decayed(self.at)?)?;
        figures.push(figure("redemptionRateWithDecay", fee.into(), Unit::WAD));
        Ok(())
    }

    /// The branch's part of all debt that no stability pool backs (wad, floored), over the branches that are redeemed
    /// from, or, where all of it is backed, its part of all their debt, by which a redemption then goes; `None` where a
    /// price is not known, or nobody owes anything.
    fn unbacked_share(&self, branch: usize) -> Result<Option<U256>, Refusal> {
        for part_of in [Branch::unbacked, Branch::entire_debt] {
            let (mut own, mut all) = (U256::ZERO, U256::ZERO);
            for (at, state) in self.market.branches.iter().enumerate() {
                let Ok(price) = self.price(at) else { return Ok(None) };
                if state.is_shut_down() || state.tcr(price, self.at)? < state.rules.scr {
                    continue;
                }
                let part = part_of(state, self.at)?;
                all = add(all, part, "debt of all branches")?;
                if at == branch {
                    own = part;
                }
            }
            if all != U256::ZERO {
                return share(own, ONE, all, "debt of the branch / all").map(Some);
            }
        }
        Ok(None)
    }

    fn trove_figures(&self, trove: &Trove, figures: &mut Vec<Figure>) -> Result<(), Refusal> {
        let latest = self.market.latest(trove, self.at, &mut Silent)?;
        figures.extend([
            figure("entireColl", latest.collateral.into(), RAW),
            figure("entireDebt", latest.debt.into(), RAW),
            figure("annualInterestRate", latest.rate.into(), Unit::WAD),
            figure("redistBoldDebtGain", latest.redistributed_debt.into(), RAW),
            figure("redistCollGain", latest.redistributed_collateral.into(), RAW),
            figure("accruedInterest", latest.interest.into(), RAW),
        ]);
        if trove.batch.is_some() {
            figures.push(figure("accruedBatchManagementFee", latest.fee.into(), RAW));
        }
        self.branch_figures(trove.branch, figures)?;
        // The venue's own number stands last.
        if let Ok(price) = self.price(trove.branch) {
            figures.push(figure("ICR", latest.icr(price)?.into(), Unit::WAD));
        }
        Ok(())
    }

    /// The yield of a deposit: the view without interest that nobody minted yet, the action with it.
    fn deposit_figures(
        &self,
        account: &Account,
        branch: usize,
        figures: &mut Vec<Figure>,
    ) -> Result<(), Refusal> {
        let now = self.market.deposit(account, branch, self.at)?;
        let stash = Deposit::of(account, branch)?.stash;
        let interest = match self.lens {
            Lens::View => figure("getDepositorYieldGain", now.yield_gain.into(), RAW),
            Lens::Action => figure("getDepositorYieldGainWithPending", now.yield_with_pending.into(), RAW),
        };
        figures.extend([
            figure("getCompoundedBoldDeposit", now.compounded.into(), RAW),
            interest,
            figure("getDepositorCollGain", now.collateral_gain.into(), RAW),
            figure("stashedColl", stash.into(), RAW),
        ]);
        self.branch_figures(branch, figures)
    }

    fn worth(&self, branch: usize, raw: U256) -> Result<Option<U256>, Refusal> {
        match self.price(branch) {
            Ok(price) => share(raw, price, ONE, "value = collateral * price").map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// The two integers that are compared, in the unit of the line.
struct Line {
    backing: U256,
    requirement: U256,
    healthy: bool,
}

impl Line {
    fn of<T: Trace + ?Sized>(
        t: &mut T,
        latest: &Latest,
        least: U256,
        price: U256,
        loans: bool,
    ) -> Result<Line, Refusal> {
        if !loans {
            let formula = "requirement = debt * MCR";
            let requirement = t.mul(formula, latest.debt, least, FINE_UNIT)?;
            let backing = t.mul("backing = collateral * price", latest.collateral, price, FINE_UNIT)?;
            return Ok(Line { backing, requirement, healthy: backing >= requirement });
        }
        let formula = "requirement = debt * ratio of a new loan";
        let requirement = t.mul_div(formula, latest.debt, least, WAD, Up, RAW)?;
        let backing = t.mul_div("backing = collateral * price", latest.collateral, price, WAD, Down, RAW)?;
        // The contract's own comparison is of the ratio.
        let healthy = ratio(latest.collateral, latest.debt, price)? >= least;
        Ok(Line { backing, requirement, healthy })
    }
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

    /// A trove between two: every number of it, terms included, between theirs. Of one branch, one status and one batch.
    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        let nothing =
            Range { verdict: Some(Verdict::NoDebt), backing: [Int::ZERO; 2], requirement: [Int::ZERO; 2] };
        let ends = [self.trove(low)?, self.trove(high)?];
        let [Some(one), Some(other)] = ends else {
            return match ends {
                [None, None] => Ok(nothing),
                _ => Err(Refusal::InconsistentAccount("a box from a trove to something else")),
            };
        };
        let alike = one.branch == other.branch && one.batch == other.batch && one.status == other.status;
        let ordered =
            one.collateral <= other.collateral && one.debt <= other.debt && one.shares <= other.shares;
        if !alike || !ordered {
            return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
        }
        // Less of a stake, and a later snapshot and update, leave less of both sides.
        let end = |pick: fn(U256, U256) -> U256, late: fn(U256, U256) -> U256| {
            let time =
                late(one.last_update.into(), other.last_update.into()).to_u64().unwrap_or(one.last_update);
            Trove {
                collateral: pick(one.collateral, other.collateral),
                debt: pick(one.debt, other.debt),
                shares: pick(one.shares, other.shares),
                rate: pick(one.rate, other.rate),
                stake: pick(one.stake, other.stake),
                snapshot_collateral: late(one.snapshot_collateral, other.snapshot_collateral),
                snapshot_debt: late(one.snapshot_debt, other.snapshot_debt),
                last_update: time,
                ..one
            }
        };
        let troves = [end(U256::min, U256::max), end(U256::max, U256::min)];
        let [low, high] =
            [&troves[0], &troves[1]].map(|trove| self.market.latest(trove, self.at, &mut Silent));
        let (low, high) = (low?, high?);
        let least = form::least(self.market, &one, test)?;
        let loans = matches!(test, Test::Borrow | Test::Fill);
        let reading = feeds.get(one.branch);
        let slot = self.market.slots.get(one.branch).ok_or(Refusal::InconsistentInput)?;
        let prices = [reading.low, reading.high.unwrap_or(slot.highest)];
        let line = |latest: &Latest, price| Line::of(&mut Silent, latest, least, price, loans);
        let (below, above) = match (line(&low, prices[0]), line(&high, prices[1])) {
            (Ok(below), Ok(above)) => (below, above),
            _ if high.debt == U256::ZERO => return Ok(nothing),
            (Err(refusal), _) | (_, Err(refusal)) => return Err(refusal),
        };
        let worst = Latest { debt: high.debt, ..low };
        let best = Latest { debt: low.debt, ..high };
        let verdict = match (low.debt == U256::ZERO, high.debt == U256::ZERO) {
            (_, true) => Some(Verdict::NoDebt),
            (true, false) => None,
            _ if line(&worst, prices[0])?.healthy => Some(Verdict::Healthy),
            _ if !line(&best, prices[1])?.healthy => Some(Verdict::Unhealthy),
            _ => None,
        };
        Ok(Range {
            verdict,
            backing: [below.backing.into(), above.backing.into()],
            requirement: [below.requirement.into(), above.requirement.into()],
        })
    }

    /// Of the branch of an open trove. The ratio falls below SCR where collateral * price < SCR * debt, to the unit: floor(x) < n
    /// is x < n for a whole n.
    fn branch(&self, account: &Account) -> Result<Option<BranchHealth>, Refusal> {
        let Some(trove) = self.trove(account)? else { return Ok(None) };
        let state = self.state(trove.branch)?;
        let since = state.is_shut_down().then_some(Time(state.shutdown_time));
        let ratio = match self.price(trove.branch) {
            Ok(price) => Some(state.tcr(price, self.at)?),
            Err(_) => None,
        };
        let (held, owed, scr) = (state.entire_collateral()?, state.entire_debt(self.at)?, state.rules.scr);
        let price = mul(owed, scr, "debt of the branch * SCR")?.div(held, Up);
        let highest = price.and_then(|price| price.sub(U256::ONE)).filter(|price| *price != U256::ZERO);
        let falls_at = highest.filter(|_| since.is_none()).map(|price| (trove.branch, price));
        Ok(Some(BranchHealth { ratio, restricted: state.rules.ccr, shut_down: scr, since, falls_at }))
    }

    /// Of a trove what `getLatestTroveData` returns; of a deposit its getters; of the branch `TCR` beside what it asks
    /// (`CCR`, `MCR`, `SCR`), its part of a redemption (`unbackedShare`), and the fee of the next one; last a trove's `ICR`.
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let mut figures = Vec::new();
        if let Some(trove) = self.trove(account)? {
            self.trove_figures(&trove, &mut figures)?;
        } else if let Some(branch) = Deposit::branch_of(account).filter(|_| !is_trove(account)) {
            self.deposit_figures(account, branch, &mut figures)?;
        }
        Ok(figures)
    }

    /// A debt with everything that has accrued to it; a deposit as offsets have left it, worth that and the yield that its
    /// next touch would bring.
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let quantity = || {
            let quantity = account.quantity(instrument).to_u256();
            quantity.ok_or(Refusal::InconsistentAccount("a holding that is negative"))
        };
        let latest = || {
            let trove = self.trove(account)?;
            trove.map(|trove| self.market.latest(&trove, self.at, &mut Silent)).transpose()
        };
        let Some((branch, place)) = of_instrument(instrument) else {
            let raw = match instrument {
                BOLD => quantity()?,
                DEBT | SHARES => latest()?.map_or(U256::ZERO, |latest| latest.debt),
                other => return Err(Refusal::NoSuchInstrument(other)),
            };
            return Ok(Balance { raw, value: Some(raw) });
        };
        if branch >= self.market.branches.len() {
            return Err(Refusal::NoSuchInstrument(instrument));
        }
        let raw = match place {
            PLACE_COLLATERAL => {
                let own = self.trove(account)?.filter(|trove| trove.branch == branch);
                let latest = own.map(|trove| self.market.latest(&trove, self.at, &mut Silent)).transpose()?;
                latest.map_or(U256::ZERO, |latest| latest.collateral)
            }
            PLACE_DEPOSIT => {
                let now = self.market.deposit(account, branch, self.at)?;
                let value = add(now.compounded, now.yield_with_pending, "deposit + yield")?;
                return Ok(Balance { raw: now.compounded, value: Some(value) });
            }
            PLACE_GAIN => {
                let gained = self.market.deposit(account, branch, self.at)?.collateral_gain;
                add(quantity()?, gained, "collateral gain")?
            }
            PLACE_SURPLUS | PLACE_TOKEN => quantity()?,
            _ => return Err(Refusal::NoSuchInstrument(instrument)),
        };
        Ok(Balance { raw, value: self.worth(branch, raw)? })
    }
}

/// The troves of a branch in the order in which redemptions reach them, each with its debt: the last zombie, then from
/// the lowest rate upward; without those below 100 %, which are passed over.
pub(super) fn queue(
    market: &Market,
    branch: usize,
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
    at: Time,
) -> Queue {
    market.check_clock(at)?;
    let state = market.branches.get(branch).ok_or(Refusal::InconsistentInput)?;
    let price = super::price(feeds, branch)?;
    let mut queue = vec![];
    // Nobody is redeemed in a branch that stands too low, or was shut down.
    if state.is_shut_down() || state.tcr(price, at)? < state.rules.scr {
        return Ok(queue);
    }
    if state.unlisted != U256::ZERO {
        return Err(Refusal::AccountsMissing);
    }
    let (mut next, mut left) = (state.last_zombie, state.troves);
    let mut zombie = next != 0;
    if !zombie {
        next = state.tail;
    }
    while let Some(id) = marked(next) {
        let broken = Refusal::InconsistentAccount("the list of troves is broken");
        left = left.checked_sub(1).ok_or(broken)?;
        let trove = Trove::of(accounts.get(id).ok_or(broken)?, market)?;
        next = if zombie { state.tail } else { trove.previous };
        zombie = false;
        let latest = market.latest(&trove, at, &mut Silent)?;
        if latest.icr(price)? >= ONE {
            queue.push(Queued { account: id, debt: latest.debt });
        }
    }
    Ok(queue)
}
