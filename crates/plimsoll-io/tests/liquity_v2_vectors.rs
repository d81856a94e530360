//! What `verify` sees in a Liquity file beyond equal numbers: the very reason of each refusal, and that every unit of every
//! recorded liquidation adds up. Ours equal the recorded states to the unit (`vectors_match_chain_liquity_v2`), so what
//! holds of these holds of ours.
#![allow(clippy::unwrap_used)]

use plimsoll_core::{Int, Rounding, U256};
use plimsoll_io::vectors::{Checked, Found, Leaf, Outcome, Record, check, tally};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

fn recorded() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/bold_scenarios.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn checked(file: &Value) -> Checked {
    check(&serde_json::to_vec(file).unwrap()).unwrap()
}

// ---- reasons ----------------------------------------------------------------------------------------------------

/// Every word that the contracts may refuse one of the recorded operations with, neighbours of one meaning side by side.
const WORDS: &[&str] = &[
    "TroveNotActive",
    "TroveNotOpen",
    "TroveNotZombie",
    "TroveExists",
    "ERC721: invalid token ID",
    "NotOwnerNorRemoveManager",
    "NotOwnerNorInterestManager",
    "NotBorrower",
    "NotEnoughBoldBalance",
    "ERC20: transfer amount exceeds balance",
    "ERC20: burn amount exceeds balance",
    "ZeroAdjustment",
    "ZeroAmount",
    "StabilityPool: Amount must be non-zero",
    "CollateralRegistry: Amount must be greater than zero",
    "EmptyData",
    "NothingToLiquidate",
    "OnlyOneTroveLeft",
    "CollSurplusPool: No collateral available to claim",
    "StabilityPool: User must have a non-zero deposit",
    "StabilityPool: User must have no deposit",
    "Withdrawal must leave totalBoldDeposits >= MIN_BOLD_IN_SP",
    "P must never decrease to 0",
    "AnnualManagementFeeTooHigh",
    "NewFeeNotLower",
    "Max fee percentage must be between 0.5% and 100%",
    "CR: Fee exceeded provided maximum",
    "MinGeMax",
    "InterestNotInRange",
    "InterestRateTooLow",
    "InterestRateTooHigh",
    "InterestRateNotNew",
    "BatchInterestRateChangePeriodNotPassed",
    "MinInterestRateChangePeriodTooLow",
    "InvalidInterestBatchManager",
    "BatchManagerExists",
    "TroveInBatch",
    "TroveNotInBatch",
    "BatchSharesRatioTooHigh",
    "ICRBelowMCR",
    "ICRBelowMCRPlusBCR",
    "TCRBelowCCR",
    "TCRNotBelowSCR",
    "IsShutDown",
    "NotShutDown",
    "DebtBelowMin",
    "TroveWithZeroDebt",
    "CollWithdrawalTooHigh",
    "RepaymentNotMatchingCollWithdrawal",
    "Panic(0x11)",
    "Panic(0x12)",
];

/// The words that a record would accept as the reason of its refusal.
fn accepted(record: &Record) -> Vec<&'static str> {
    let leaf = record.leaves.iter().find(|leaf| leaf.path == "error").unwrap();
    let said = |word: &str| Leaf { expected: Some(word.to_string()), ..leaf.clone() };
    WORDS.iter().copied().filter(|word| record.outcome(&said(word)) == Outcome::Equal).collect()
}

/// Whatever reason was recorded, no other passes for it.
#[test]
fn no_other_reason_passes_for_a_recorded_one() {
    let mut seen = 0;
    for record in &checked(&recorded()).records {
        let Some(leaf) = record.leaves.iter().find(|leaf| leaf.path == "error") else { continue };
        if matches!(leaf.found, Found::Refused(_)) {
            assert_eq!(accepted(record), [leaf.expected.as_deref().unwrap()], "{}", record.path);
            seen += 1;
        }
    }
    let steps = |scenario: &Value| scenario["steps"].as_array().unwrap().clone();
    let file = recorded();
    let all = file["scenarios"].as_array().unwrap().iter().flat_map(steps);
    assert_eq!(seen, all.filter(|step| !step["error"].is_null()).count());
}

/// A file in which each reason is another of the same kind has so many mismatches.
#[test]
fn swapped_reasons_are_mismatches() {
    let swaps = [
        ("ERC20: transfer amount exceeds balance", "NotEnoughBoldBalance"),
        ("NotEnoughBoldBalance", "ERC20: burn amount exceeds balance"),
        ("TroveNotActive", "ERC721: invalid token ID"),
        (
            "CollSurplusPool: No collateral available to claim",
            "StabilityPool: User must have a non-zero deposit",
        ),
        ("CR: Fee exceeded provided maximum", "Max fee percentage must be between 0.5% and 100%"),
        ("ZeroAdjustment", "ZeroAmount"),
        ("ICRBelowMCR", "ICRBelowMCRPlusBCR"),
        ("Panic(0x12)", "Panic(0x11)"),
    ];
    let mut file = recorded();
    let mut swapped = 0;
    for scenario in file["scenarios"].as_array_mut().unwrap() {
        for step in scenario["steps"].as_array_mut().unwrap() {
            let Some((_, other)) = swaps.iter().find(|(word, _)| step["error"] == *word) else { continue };
            step["error"] = json!(other);
            swapped += 1;
        }
    }
    let tally = tally(&checked(&file));
    assert_eq!((tally.mismatched, tally.skipped), (swapped, 0));
    assert!(swapped > 25, "{swapped}");
}

const START: u64 = 1_750_000_000;

fn bold(whole: u64) -> String {
    format!("{whole}{}", "0".repeat(18))
}

/// So many thousandths.
fn wad(thousandths: u64) -> String {
    format!("{thousandths}{}", "0".repeat(15))
}

fn step(op: &str, args: Value) -> Value {
    let branch = if ["transferBold", "redeemCollateral"].contains(&op) { Value::Null } else { json!("0") };
    json!({"now": (START + 60).to_string(), "op": op, "branch": branch, "args": args, "error": null, "events": []})
}

fn open(actor: &str, lent: u64, rate: u64) -> Value {
    step("openTrove", json!({"actor": actor, "coll": bold(100), "bold": bold(lent), "rate": wad(rate)}))
}

/// A branch with a trove of actor 0 (1), one that a redemption left small (2), one that was closed (3), and one that is
/// in the batch of manager 0 (4).
fn story() -> Vec<Value> {
    vec![
        step("setPrice", json!({"price": bold(2_000)})),
        step("registerBatch", json!({"manager": "0", "rate": wad(50), "fee": wad(20)})),
        open("0", 50_000, 50),
        open("1", 5_000, 10),
        open("2", 5_000, 60),
        step("transferBold", json!({"frm": "0", "to": "2", "amount": bold(1_000)})),
        step("closeTrove", json!({"actor": "2", "trove": "3"})),
        step("openTrove", json!({"actor": "3", "coll": bold(100), "bold": bold(5_000), "batch": "0"})),
        step("transferBold", json!({"frm": "3", "to": "1", "amount": bold(5_000)})),
        step(
            "redeemCollateral",
            json!({"actor": "0", "amount": bold(4_000), "maxIterationsPerCollateral": "0",
                "maxFeePercentage": wad(1_000)}),
        ),
        step("provideToSP", json!({"actor": "0", "amount": bold(10_000), "claim": true})),
    ]
}

/// A branch that was shut down: its price fell.
fn shut_down() -> Vec<Value> {
    let mut steps = story();
    steps.push(step("setPrice", json!({"price": bold(100)})));
    steps.push(step("shutdown", json!({})));
    steps
}

/// The words that are accepted for what is done at last.
fn reasons(file: &Value, mut steps: Vec<Value>, last: Value) -> Vec<&'static str> {
    steps.push(last);
    let first = &file["scenarios"][0];
    let (rules, initial) = (&file["scenarios"][1]["branchParams"], &first["initial"]);
    let scenario = json!({"branchParams": rules, "initial": initial, "steps": steps});
    let made = json!({"schema": "liquity-v2/scenarios", "scenarios": [scenario]});
    let checked = checked(&made);
    // Everything before it went through.
    let (last, before) = checked.records.split_last().unwrap();
    for record in &before[1..] {
        let error = record.leaves.iter().find(|leaf| leaf.path == "error").unwrap();
        assert_eq!(record.outcome(error), Outcome::Equal, "{} {error:?}", record.path);
    }
    assert_eq!(last.fault, None);
    accepted(last)
}

/// The contracts ask in this order, and each in its own words: of `BorrowerOperations.sol` unless said.
#[test]
fn each_operation_has_its_own_word() {
    let file = recorded();
    let check = |op: &str, args: Value, word: &str| {
        assert_eq!(reasons(&file, story(), step(op, args.clone())), [word], "{op} {args}");
    };
    let after_shutdown = |op: &str, args: Value, word: &str| {
        assert_eq!(reasons(&file, shut_down(), step(op, args.clone())), [word], "{op} {args}");
    };
    // Who opened it, in the story.
    let owner = |trove: &str| ["3", "0", "1", "2"][trove.parse::<usize>().unwrap() % 4];
    let adjust = |trove: &str, held: String, up: bool, owed: String, more: bool| {
        json!({"actor": owner(trove), "trove": trove, "collChange": held, "isCollIncrease": up, "debtChange": owed,
            "isDebtIncrease": more})
    };
    let rate = |trove: &str, rate: u64| json!({"actor": owner(trove), "trove": trove, "rate": wad(rate)});
    let zero = || "0".to_string();

    // adjustTrove: active, open branch, balance, nothing, too much.
    check("adjustTrove", adjust("3", bold(1), true, zero(), true), "TroveNotActive");
    check("adjustTrove", adjust("2", bold(1), true, zero(), true), "TroveNotActive");
    check("adjustTrove", adjust("1", zero(), true, bold(40_000), false), "NotEnoughBoldBalance");
    check("adjustTrove", adjust("1", zero(), true, zero(), true), "ZeroAdjustment");
    check("adjustTrove", adjust("1", bold(1_000), false, zero(), true), "CollWithdrawalTooHigh");
    after_shutdown("adjustTrove", adjust("2", bold(1), true, zero(), true), "TroveNotActive");
    after_shutdown("adjustTrove", adjust("1", bold(1), true, zero(), true), "IsShutDown");
    check("adjustZombieTrove", adjust("1", bold(1), true, zero(), true), "TroveNotZombie");
    check("adjustZombieTrove", adjust("3", bold(1), true, zero(), true), "TroveNotZombie");
    check("adjustZombieTrove", adjust("2", zero(), true, zero(), true), "ZeroAdjustment");
    check("adjustZombieTrove", adjust("2", zero(), true, bold(1), false), "ZeroAdjustment");

    // adjustTroveInterestRate: open branch, rate, batch, owner, active, another rate.
    check("adjustTroveInterestRate", rate("3", 1), "InterestRateTooLow");
    check("adjustTroveInterestRate", rate("3", 3_000), "InterestRateTooHigh");
    check("adjustTroveInterestRate", rate("4", 50), "TroveInBatch");
    check("adjustTroveInterestRate", rate("3", 50), "ERC721: invalid token ID");
    check("adjustTroveInterestRate", rate("2", 50), "TroveNotActive");
    check("adjustTroveInterestRate", rate("1", 50), "InterestRateNotNew");
    after_shutdown("adjustTroveInterestRate", rate("3", 1), "IsShutDown");

    // closeTrove: owner, balance. applyPendingDebt: open branch, open trove.
    check("closeTrove", json!({"actor": "2", "trove": "3"}), "ERC721: invalid token ID");
    check("closeTrove", json!({"actor": "0", "trove": "1"}), "NotEnoughBoldBalance");
    after_shutdown("closeTrove", json!({"actor": "2", "trove": "3"}), "ERC721: invalid token ID");
    check("applyPendingDebt", json!({"trove": "3"}), "TroveNotOpen");
    after_shutdown("applyPendingDebt", json!({"trove": "3"}), "IsShutDown");

    // setInterestBatchManager: active, manager, batch. removeFromBatch: active, rate, batch.
    let join =
        |trove: &str, manager: &str| json!({"actor": owner(trove), "trove": trove, "manager": manager});
    check("setInterestBatchManager", join("3", "1"), "TroveNotActive");
    check("setInterestBatchManager", join("4", "1"), "InvalidInterestBatchManager");
    check("setInterestBatchManager", join("4", "0"), "TroveInBatch");
    check("removeFromBatch", rate("2", 1), "TroveNotActive");
    check("removeFromBatch", rate("1", 1), "InterestRateTooLow");
    check("removeFromBatch", rate("1", 50), "TroveNotInBatch");

    // A trove that never was: the branch is asked first, then the rate.
    after_shutdown("applyPendingDebt", json!({"trove": "77"}), "IsShutDown");
    after_shutdown("adjustTroveInterestRate", rate("77", 50), "IsShutDown");
    after_shutdown("setInterestBatchManager", join("77", "0"), "IsShutDown");
    after_shutdown("removeFromBatch", rate("77", 50), "IsShutDown");
    after_shutdown("adjustTrove", adjust("77", bold(1), true, zero(), true), "TroveNotActive");
    check("adjustTroveInterestRate", rate("77", 1), "InterestRateTooLow");
    check("adjustTroveInterestRate", rate("77", 50), "ERC721: invalid token ID");
    check("applyPendingDebt", json!({"trove": "77"}), "TroveNotOpen");
    check("setInterestBatchManager", join("77", "1"), "TroveNotActive");
    check("removeFromBatch", rate("77", 1), "TroveNotActive");
    check("closeTrove", json!({"actor": "0", "trove": "77"}), "ERC721: invalid token ID");

    // Another than the owner: after what is asked of the branch and, but for rates and closing, of the status.
    let by = |actor: &str, mut args: Value| {
        args["actor"] = json!(actor);
        args
    };
    check("adjustTrove", by("1", adjust("1", bold(1_000), false, zero(), true)), "NotOwnerNorRemoveManager");
    check("adjustTrove", by("1", adjust("1", zero(), true, bold(1), true)), "NotOwnerNorRemoveManager");
    // Nobody was named who alone may put in and repay: the next check answers.
    check("adjustTrove", by("4", adjust("1", zero(), true, bold(1), false)), "NotEnoughBoldBalance");
    after_shutdown("adjustTrove", by("1", adjust("1", bold(1), false, zero(), true)), "IsShutDown");
    check("adjustZombieTrove", by("0", adjust("2", zero(), true, bold(1), true)), "NotOwnerNorRemoveManager");
    check("adjustTroveInterestRate", by("1", rate("1", 1)), "InterestRateTooLow");
    check("adjustTroveInterestRate", by("1", rate("4", 50)), "TroveInBatch");
    check("adjustTroveInterestRate", by("1", rate("1", 50)), "NotOwnerNorInterestManager");
    check("adjustTroveInterestRate", by("0", rate("2", 50)), "NotOwnerNorInterestManager");
    check("closeTrove", json!({"actor": "4", "trove": "1"}), "NotOwnerNorRemoveManager");
    check("setInterestBatchManager", by("1", join("1", "1")), "NotBorrower");
    check("setInterestBatchManager", by("0", join("2", "1")), "TroveNotActive");
    check("removeFromBatch", by("1", rate("1", 1)), "NotBorrower");

    // registerBatchManager: manager, range, rate, fee, period. lowerBatchManagementFee: manager, lower.
    let batch = |manager: &str, least: u64, most: u64, rate: u64, fee: u64, period: &str| {
        json!({"manager": manager, "minRate": wad(least), "maxRate": wad(most), "rate": wad(rate), "fee": wad(fee),
            "period": period})
    };
    check("registerBatch", batch("0", 1, 1, 1, 200, "1"), "BatchManagerExists");
    check("registerBatch", batch("1", 1, 1, 1, 200, "1"), "InterestRateTooLow");
    check("registerBatch", batch("1", 10, 3_000, 1, 200, "1"), "InterestRateTooHigh");
    check("registerBatch", batch("1", 10, 10, 1, 200, "1"), "MinGeMax");
    check("registerBatch", batch("1", 10, 100, 1, 200, "1"), "InterestNotInRange");
    check("registerBatch", batch("1", 10, 100, 50, 200, "1"), "AnnualManagementFeeTooHigh");
    check("registerBatch", batch("1", 10, 100, 50, 20, "1"), "MinInterestRateChangePeriodTooLow");
    check("lowerBatchManagementFee", json!({"manager": "1", "fee": "0"}), "InvalidInterestBatchManager");
    check("lowerBatchManagementFee", json!({"manager": "0", "fee": wad(20)}), "NewFeeNotLower");
    check(
        "setBatchManagerAnnualInterestRate",
        json!({"manager": "0", "rate": wad(60)}),
        "BatchInterestRateChangePeriodNotPassed",
    );

    // StabilityPool.sol, BoldToken.sol, CollSurplusPool.sol.
    let pool = |actor: &str, amount: String| json!({"actor": actor, "amount": amount, "claim": true});
    check("provideToSP", pool("0", zero()), "StabilityPool: Amount must be non-zero");
    check("provideToSP", pool("4", bold(1)), "ERC20: transfer amount exceeds balance");
    check("withdrawFromSP", pool("4", bold(1)), "StabilityPool: User must have a non-zero deposit");
    check(
        "withdrawFromSP",
        pool("0", bold(10_000)),
        "Withdrawal must leave totalBoldDeposits >= MIN_BOLD_IN_SP",
    );
    let send = json!({"frm": "4", "to": "0", "amount": bold(1)});
    check("transferBold", send, "ERC20: transfer amount exceeds balance");
    check("claimCollateral", json!({"actor": "0"}), "CollSurplusPool: No collateral available to claim");

    // CollateralRegistry.sol: the highest fee, the amount, the fee, and the token's own check when all is done.
    let redeem = |actor: &str, amount: u64, most: u64| json!({"actor": actor, "amount": bold(amount), "maxIterationsPerCollateral": "0", "maxFeePercentage": wad(most)});
    let out_of_range = "Max fee percentage must be between 0.5% and 100%";
    check("redeemCollateral", redeem("4", 0, 4), out_of_range);
    check("redeemCollateral", redeem("4", 0, 1_001), out_of_range);
    check("redeemCollateral", redeem("4", 0, 5), "CollateralRegistry: Amount must be greater than zero");
    check("redeemCollateral", redeem("4", 1_000, 5), "CR: Fee exceeded provided maximum");
    check("redeemCollateral", redeem("4", 1_000, 1_000), "ERC20: burn amount exceeds balance");

    // TroveManager.sol.
    let urgent = |amount: String| json!({"actor": "4", "amount": amount, "troves": ["1"]});
    check("urgentRedemption", urgent(zero()), "NotShutDown");
    after_shutdown("urgentRedemption", urgent(zero()), "ZeroAmount");
    after_shutdown("urgentRedemption", urgent(bold(1)), "NotEnoughBoldBalance");
    check("batchLiquidateTroves", json!({"troves": []}), "EmptyData");
    check("batchLiquidateTroves", json!({"troves": ["1", "3"]}), "NothingToLiquidate");
    check("shutdown", json!({}), "TCRNotBelowSCR");
    after_shutdown("shutdown", json!({}), "IsShutDown");

    // openTrove: rate or manager, open branch, least debt, ratio.
    let more = |lent: u64, last: (&str, Value)| {
        let mut args = json!({"actor": "4", "coll": bold(10), "bold": bold(lent)});
        args[last.0] = last.1;
        args
    };
    check("openTrove", more(1, ("rate", json!(wad(1)))), "InterestRateTooLow");
    check("openTrove", more(1, ("batch", json!("1"))), "InvalidInterestBatchManager");
    check("openTrove", more(1, ("batch", json!("0"))), "DebtBelowMin");
    check("openTrove", more(19_000, ("batch", json!("0"))), "ICRBelowMCRPlusBCR");
    check("openTrove", more(19_000, ("rate", json!(wad(50)))), "ICRBelowMCR");
    after_shutdown("openTrove", more(1, ("rate", json!(wad(1)))), "InterestRateTooLow");
    after_shutdown("openTrove", more(1, ("batch", json!("0"))), "IsShutDown");
}

// ---- conservation -----------------------------------------------------------------------------------------------

fn number(value: &Value) -> Int {
    value.as_str().unwrap().parse().unwrap()
}

fn sum(values: impl IntoIterator<Item = Int>) -> Int {
    values.into_iter().fold(Int::ZERO, |sum, value| sum.add(value).unwrap())
}

fn less(x: Int, y: Int) -> Int {
    x.sub(y).unwrap()
}

/// `x * y / by`, down.
fn share(x: Int, y: Int, by: Int) -> Int {
    x.magnitude().mul_div(y.magnitude(), by.magnitude(), Rounding::Down).unwrap().into()
}

fn year_wad() -> Int {
    Int::from(U256::new(31_536_000 * 10u128.pow(18)))
}

/// A batch while its troves are liquidated one by one: debt, shares and the time of both.
struct Batch<'v> {
    recorded: &'v Value,
    debt: Int,
    shares: Int,
    updated: Int,
}

impl Batch<'_> {
    /// What a trove of it owes without what was redistributed; the trove leaves it.
    fn leave(&mut self, trove: &Value, until: Int) -> Int {
        let (own, seconds) = (number(&trove["batchDebtShares"]), since(self.updated, until));
        let due =
            |rate: &str| share(self.debt.mul(number(&self.recorded[rate])).unwrap(), seconds, year_wad());
        let [interest, fee] = ["annualInterestRate", "annualManagementFee"].map(due);
        let owed = sum([self.debt, interest, fee].map(|part| share(part, own, self.shares)));
        self.debt = less(sum([self.debt, interest, fee]), owed);
        self.shares = less(self.shares, own);
        self.updated = until;
        owed
    }
}

fn since(then: Int, until: Int) -> Int {
    let seconds = less(until, then);
    if seconds.is_negative() { Int::ZERO } else { seconds }
}

/// Collateral to whoever liquidates, to the stability pool, to all other troves and left over is what the troves held;
/// debt that the pool pays and that all others take over is what they owed; and every total moves with it.
#[test]
fn every_recorded_liquidation_adds_up() {
    let file = recorded();
    let mut seen = [0; 4];
    for scenario in file["scenarios"].as_array().unwrap() {
        let initial = scenario["initial"]["branches"].as_array().unwrap();
        let mut branches: Vec<Value> = initial.clone();
        let mut glob = scenario["initial"]["glob"].clone();
        for step in scenario["steps"].as_array().unwrap() {
            let before = (branches.clone(), glob.clone());
            for (branch, state) in step["branches"].as_object().unwrap() {
                branches[branch.parse::<usize>().unwrap()] = state.clone();
            }
            glob = step["glob"].clone();
            if step["op"] == "batchLiquidateTroves" && step["error"].is_null() {
                adds_up(step, [&before.1, &glob], [&before.0, &branches], &mut seen);
            }
        }
    }
    // Calls, troves, and of the calls those that the pool paid and those that were shared out: as the file has them.
    assert_eq!(seen, [46, 47, 34, 22]);
}

fn adds_up(step: &Value, globs: [&Value; 2], branches: [&Vec<Value>; 2], seen: &mut [usize; 4]) {
    let at: usize = step["branch"].as_str().unwrap().parse().unwrap();
    let [before, after] = branches.map(|branches| &branches[at]);
    let what = step.to_string().chars().take(120).collect::<String>();
    let event = &step["events"][0][1];
    let [offset, redistributed, reserve, reward, to_pool, taken_over, surplus] = [
        "_debtOffsetBySP",
        "_debtRedistributed",
        "_boldGasCompensation",
        "_collGasCompensation",
        "_collSentToSP",
        "_collRedistributed",
        "_collSurplus",
    ]
    .map(|name| number(&event[name]));

    // What the liquidated troves held and owed at that time, by what was recorded of them before.
    let (now, stop) = (number(&step["now"]), number(&before["troveManager"]["shutdownTime"]));
    // Interest stands where the branch was shut down.
    let until = if stop.is_zero() { now } else { stop };
    let mut batches = std::collections::BTreeMap::new();
    let (mut held, mut owed, mut gains, mut gone) = (Int::ZERO, Int::ZERO, [Int::ZERO; 2], Vec::new());
    for label in step["args"]["troves"].as_array().unwrap() {
        let label = label.as_str().unwrap();
        // 3: closed by a liquidation.
        if gone.contains(&label)
            || after["troves"][label]["status"] != "3"
            || before["troves"][label]["status"] == "3"
        {
            continue;
        }
        let trove = &before["troves"][label];
        gone.push(label);
        gains[0] = sum([gains[0], number(&trove["redistDebtGain"])]);
        gains[1] = sum([gains[1], number(&trove["redistCollGain"])]);
        held = sum([held, number(&trove["entireColl"])]);
        let own = match trove.get("batch") {
            Some(manager) => {
                let manager = manager.as_str().unwrap();
                let recorded = &before["batches"][manager];
                let batch = batches.entry(manager).or_insert_with(|| Batch {
                    recorded,
                    debt: number(&recorded["recordedDebt"]),
                    shares: number(&recorded["totalDebtShares"]),
                    updated: number(&recorded["lastDebtUpdateTime"]),
                });
                batch.leave(trove, until)
            }
            None => {
                let debt = number(&trove["debt"]);
                let weighted = debt.mul(number(&trove["annualInterestRate"])).unwrap();
                let seconds = since(number(&trove["lastDebtUpdateTime"]), until);
                sum([debt, share(weighted, seconds, year_wad())])
            }
        };
        owed = sum([owed, own, number(&trove["redistDebtGain"])]);
    }
    assert!(!gone.is_empty(), "{what}");
    assert_eq!(sum([reward, to_pool, taken_over, surplus]), held, "collateral: {what}");
    assert_eq!(sum([offset, redistributed]), owed, "debt: {what}");
    assert_eq!(reserve, Int::from(37_500_000_000_000_000 * gone.len() as u64), "{what}");

    // What the totals did.
    let grew = |place: &[&str]| {
        let get = |state: &Value| number(place.iter().fold(state, |state, key| &state[*key]));
        less(get(after), get(before))
    };
    let minus = Int::neg;
    let pool = |key| grew(&["stabilityPool", key]);
    assert_eq!(pool("totalBoldDeposits"), minus(offset), "deposits: {what}");
    assert_eq!(pool("collBalance"), to_pool, "collateral of the pool: {what}");
    assert_eq!(grew(&["defaultPool", "boldDebt"]), less(redistributed, gains[0]), "{what}");
    assert_eq!(grew(&["defaultPool", "collBalance"]), less(taken_over, gains[1]), "{what}");
    assert_eq!(grew(&["activePool", "collBalance"]), less(gains[1], held), "active: {what}");
    let listed = |value: &Value| sum(value.as_array().unwrap().iter().map(number));
    assert_eq!(less(listed(&after["surplus"]), listed(&before["surplus"])), surplus, "{what}");
    let [then, now] = globs.map(|glob| glob["liquidatorColl"].as_array().unwrap());
    for (branch, (then, now)) in then.iter().zip(now).enumerate() {
        let own = if branch == at { reward } else { Int::ZERO };
        // The gas reserve is in the first branch's collateral.
        let due = if branch == 0 { sum([own, reserve]) } else { own };
        assert_eq!(less(number(now), number(then)), due, "{what}");
    }
    // Interest that the call minted is with the router, the pool and the managers; what the pool paid was burned.
    let grew_all = |key: &str| less(listed(&globs[1][key]), listed(&globs[0][key]));
    let grew_one = |key: &str| less(number(&globs[1][key]), number(&globs[0][key]));
    let minted = sum([
        grew_one("interestRouterBold"),
        grew_all("batchManagerBold"),
        pool("yieldGainsOwed"),
        pool("yieldGainsPending"),
    ]);
    assert_eq!(grew_all("boldBalances"), Int::ZERO, "{what}");
    assert_eq!(grew_one("boldSupply"), less(minted, offset), "supply: {what}");
    let grown = grew(&["activePool", "aggRecordedDebt"]);
    assert_eq!(grown, sum([minted, gains[0], minus(owed)]), "debt of the branch: {what}");
    seen[0] += 1;
    seen[1] += gone.len();
    seen[2] += usize::from(!offset.is_zero());
    seen[3] += usize::from(!redistributed.is_zero());
}
