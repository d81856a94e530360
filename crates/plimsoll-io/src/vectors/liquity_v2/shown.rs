//! The whole state of a scenario, as the recording tells it.

use super::super::{Answer, Input};
use super::world::{World, actor, depositor, manager, manager_label, trove, trove_label};
use plimsoll_core::{
    Account, AccountId, Accounts as _, Feeds, InstrumentId, Lens, Market as _, Refusal, TermId,
};
use plimsoll_venues::liquity_v2::{
    BATCH, BOLD, Branch, DEBT, LAST_CHANGE, LAST_UPDATE, NEXT, RATE, SHARES, SNAPSHOT_COLLATERAL,
    SNAPSHOT_DEBT, SNAPSHOT_PRODUCT, SNAPSHOT_SCALE, SNAPSHOT_SUM, SNAPSHOT_YIELD, STAKE, STATUS, System,
    collateral, deposit, gain, surplus,
};
use std::fmt::Display;

type Said = Result<(), Refusal>;

fn quantity(account: &Account, instrument: InstrumentId) -> String {
    account.quantity(instrument).to_string()
}

fn term(account: &Account, term: TermId) -> String {
    account.term(term).to_string()
}

fn marked(account: &Account, term: TermId) -> Option<AccountId> {
    account.term(term).to_u64()?.checked_sub(1).map(AccountId)
}

/// An answer under a path.
struct Place<'a> {
    answer: &'a mut Answer,
    path: String,
}

impl Place<'_> {
    fn value(&mut self, key: &str, value: impl Display) {
        self.answer.value(format!("{}.{key}", self.path), value);
    }

    fn or_refused(&mut self, key: &str, value: Result<impl Display, Refusal>) {
        match value {
            Ok(value) => self.value(key, value),
            Err(refusal) => self.answer.refused(format!("{}.{key}", self.path), refusal),
        }
    }

    fn list(&mut self, key: &str, values: impl IntoIterator<Item = impl Display>) {
        let mut count = 0;
        for value in values {
            self.value(&format!("{key}[{count}]"), value);
            count += 1;
        }
        if count == 0 {
            self.value(key, "[]");
        }
    }

    fn at(&mut self, key: &str) -> Place<'_> {
        Place { path: format!("{}.{key}", self.path), answer: self.answer }
    }
}

impl World {
    /// Everything, and of the branches the one that the step is of, all where it is of none, and whatever else it shows.
    pub(super) fn show(&self, step: &Input<'_>, answer: &mut Answer) {
        self.show_glob(&mut Place { answer, path: "glob".into() });
        let one = step.maybe("branch").and_then(|branch| branch.u64().ok());
        for branch in 0..self.opened.len() {
            let branches = step.maybe("branches");
            let listed = branches.as_ref().is_some_and(|branches| branches.peek().is_array());
            let shown = branches.is_some_and(|branches| branches.maybe(&branch.to_string()).is_some());
            let named = shown || one.is_none_or(|one| one == branch as u64);
            let path = if listed { format!("branches[{branch}]") } else { format!("branches.{branch}") };
            if listed || named {
                let mut place = Place { answer, path };
                if let Err(refusal) = self.show_branch(branch, &mut place) {
                    place.answer.rest_refused(refusal);
                }
            }
        }
    }

    fn show_glob(&self, place: &mut Place<'_>) {
        let system = self.market.system();
        place.value("now", self.now.0);
        place.value("baseRate", system.base_rate);
        place.value("lastFeeOperationTime", system.last_fee_time);
        let rate = system.decayed(self.now).and_then(System::fee_at);
        place.or_refused("redemptionRateWithDecay", rate);
        place.value("boldSupply", system.supply);
        let bold = |id| quantity(&self.person(id), BOLD);
        place.list("boldBalances", (0..self.actors).map(|number| bold(actor(number))));
        place.value("interestRouterBold", system.router);
        place.list("batchManagerBold", (0..self.managers).map(|number| bold(manager(number))));
        place.list("liquidatorColl", &self.rewards);
    }

    fn show_branch(&self, branch: usize, place: &mut Place<'_>) -> Said {
        let state = &self.market.branches()[branch];
        let price = self.price(branch);
        place.value("price", price);
        place.or_refused("TCR", state.tcr(price, self.now));
        place.or_refused("entireBranchColl", state.entire_collateral());
        place.or_refused("entireBranchDebt", state.entire_debt(self.now));
        self.show_pools(state, place)?;

        let mut troves = place.at("troves");
        for label in 1..=self.opened[branch] {
            let account = self.person(trove(branch, label));
            self.show_trove(branch, &account, &mut troves.at(&label.to_string()))?;
        }
        if self.opened[branch] == 0 {
            place.value("troves", "{}");
        }
        let mut list = Vec::new();
        let mut next = state.head.checked_sub(1).map(AccountId);
        while let Some(id) = next.filter(|_| list.len() as u64 <= state.troves) {
            list.push(trove_label(Some(id)));
            next = self.people.get(id).and_then(|account| marked(account, NEXT));
        }
        place.list("sortedTroves", list);
        self.show_batches(branch, place)?;
        self.show_stability_pool(branch, state, &mut place.at("stabilityPool"))?;
        let claims = (0..self.actors).map(|number| quantity(&self.person(actor(number)), surplus(branch)));
        place.list("surplus", claims);
        Ok(())
    }

    fn show_pools(&self, state: &Branch, place: &mut Place<'_>) -> Said {
        let mut pool = place.at("activePool");
        pool.value("collBalance", state.active_collateral);
        pool.value("boldDebt", state.active_debt(self.now)?);
        pool.value("pendingAggInterest", state.pending_interest(self.now)?);
        pool.value("aggRecordedDebt", state.recorded_debt);
        pool.value("aggWeightedDebtSum", state.weighted_debt);
        pool.value("lastAggUpdateTime", state.last_update);
        pool.value("aggBatchManagementFees", state.batch_fees);
        pool.value("aggWeightedBatchManagementFeeSum", state.weighted_batch_fees);
        pool.value("lastAggBatchManagementFeesUpdateTime", state.last_fee_update);
        let mut pool = place.at("defaultPool");
        pool.value("collBalance", state.default_collateral);
        pool.value("boldDebt", state.default_debt);
        let mut troves = place.at("troveManager");
        troves.value("totalStakes", state.total_stakes);
        troves.value("totalStakesSnapshot", state.total_stakes_snapshot);
        troves.value("totalCollateralSnapshot", state.total_collateral_snapshot);
        troves.value("L_coll", state.redistributed_collateral);
        troves.value("L_boldDebt", state.redistributed_debt);
        troves.value("lastCollError", state.collateral_error);
        troves.value("lastBoldDebtError", state.debt_error);
        troves.value("lastZombieTroveId", trove_label(state.last_zombie.checked_sub(1).map(AccountId)));
        troves.value("shutdownTime", state.shutdown_time);
        Ok(())
    }

    fn show_trove(&self, branch: usize, account: &Account, place: &mut Place<'_>) -> Said {
        place.value("status", term(account, STATUS));
        let Some(now) = self.market.trove(account, self.now)? else { return Ok(()) };
        place.value("debt", quantity(account, DEBT));
        place.value("coll", quantity(account, collateral(branch)));
        place.value("stake", term(account, STAKE));
        place.value("lastDebtUpdateTime", term(account, LAST_UPDATE));
        place.value("lastInterestRateAdjTime", term(account, LAST_CHANGE));
        place.value("annualInterestRate", term(account, RATE));
        place.value("snapColl", term(account, SNAPSHOT_COLLATERAL));
        place.value("snapDebt", term(account, SNAPSHOT_DEBT));
        place.value("entireDebt", now.debt);
        place.value("entireColl", now.collateral);
        place.value("redistDebtGain", now.redistributed_debt);
        place.value("redistCollGain", now.redistributed_collateral);
        place.value("accruedInterest", now.interest);
        place.value("ICR", self.figure(account, "ICR")?);
        if let Some(manager) = marked(account, BATCH) {
            place.value("batch", manager_label(manager));
            place.value("batchDebtShares", quantity(account, SHARES));
            place.value("accruedBatchManagementFee", now.batch_fee);
        }
        Ok(())
    }

    /// A number of the account in the venue's own words, as `explain` shows it.
    fn figure(&self, account: &Account, name: &str) -> Result<String, Refusal> {
        let quoted = self.market.at(Feeds { readings: &self.prices }, Lens::View, self.now)?;
        let figures = quoted.figures(account)?;
        let found = figures.iter().find(|figure| figure.name == name);
        found.map(|figure| figure.value.to_string()).ok_or(Refusal::NotAtThisVenue)
    }

    fn show_batches(&self, branch: usize, place: &mut Place<'_>) -> Said {
        let mut none = true;
        for (_, id, batch) in self.market.batches().filter(|(of, _, _)| *of == branch) {
            none = false;
            let now = self.market.batch(branch, id, self.now)?;
            let mut place = place.at("batches");
            let mut place = place.at(&manager_label(id).to_string());
            place.value("totalDebtShares", batch.shares);
            place.value("entireDebtWithoutRedistribution", now.debt);
            place.value("entireCollWithoutRedistribution", batch.collateral);
            place.value("accruedInterest", now.interest);
            place.value("recordedDebt", batch.debt);
            place.value("annualInterestRate", batch.rate);
            place.value("weightedRecordedDebt", now.weighted);
            place.value("annualManagementFee", batch.fee);
            place.value("accruedManagementFee", now.fee);
            place.value("weightedRecordedBatchManagementFee", now.weighted_fee);
            place.value("lastDebtUpdateTime", batch.last_update);
            place.value("lastInterestRateAdjTime", batch.last_change);
        }
        if none {
            place.value("batches", "{}");
        }
        Ok(())
    }

    fn show_stability_pool(&self, branch: usize, state: &Branch, place: &mut Place<'_>) -> Said {
        place.value("totalBoldDeposits", state.deposits);
        place.value("P", state.product);
        place.value("currentScale", state.scale);
        let scales = || (0..=state.scale).map(|scale| self.market.scale(branch, scale));
        place.list("S", scales().map(|scale| scale.collateral));
        place.list("B", scales().map(|scale| scale.interest));
        place.value("collBalance", state.pool_collateral);
        place.value("yieldGainsOwed", state.yield_owed);
        place.value("yieldGainsPending", state.yield_pending);
        let mut none = true;
        for number in 0..self.actors {
            let account = self.person(depositor(branch, number));
            if account.holdings().is_empty() {
                continue;
            }
            none = false;
            let now = self.market.deposit(&account, branch, self.now)?;
            let mut place = place.at("deposits");
            let mut place = place.at(&number.to_string());
            place.value("initialValue", quantity(&account, deposit(branch)));
            place.value("P", term(&account, SNAPSHOT_PRODUCT));
            place.value("S", term(&account, SNAPSHOT_SUM));
            place.value("B", term(&account, SNAPSHOT_YIELD));
            place.value("scale", term(&account, SNAPSHOT_SCALE));
            place.value("stashedColl", quantity(&account, gain(branch)));
            place.value("compounded", now.compounded);
            place.value("collGain", now.collateral_gain);
            place.value("yieldGain", now.yield_gain);
            place.value("yieldGainWithPending", now.yield_with_pending);
        }
        if none {
            place.value("deposits", "{}");
        }
        Ok(())
    }
}
