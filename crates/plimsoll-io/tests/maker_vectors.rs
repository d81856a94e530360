//! Every unit of every recorded liquidation adds up. Ours equal the recorded states to the unit (`vectors_match_chain`),
//! so what holds of these holds of ours.
#![allow(clippy::unwrap_used)]

use plimsoll_core::{Int, Rounding, U256};
use plimsoll_io::vectors::{Checked, Leaf, Outcome, check, tally};
use serde_json::Value;
use std::io::Read;
use std::path::Path;

fn scenarios() -> Vec<Value> {
    recorded("dss_liquidations")["vectors"].take().as_array().unwrap().clone()
}

fn number(value: &Value) -> Int {
    value.as_str().unwrap().parse().unwrap()
}

fn sum(values: impl Iterator<Item = Int>) -> Int {
    values.fold(Int::ZERO, |sum, value| sum.add(value).unwrap())
}

/// The sums that a step may not change, or may change by what is known.
struct Sums {
    /// Collateral of everybody and of the auctions.
    gem: Int,
    /// Debt less what nobody backs less what vaults owe: always what it was.
    unowned: Int,
    /// Debt less the Dai of everybody whom the recording looks at.
    elsewhere: Int,
    /// What vaults owe, without fees.
    art: Int,
    /// Sin less vice.
    sin: Int,
    /// On auction: by the dog, less by the sales.
    dirt: [Int; 2],
}

fn sums(state: &Value) -> Sums {
    let (vat, dog, clip) = (&state["vat"], &state["dog"], &state["clip"]);
    let list = |key: &str| vat[key].as_array().unwrap().clone();
    let of_urns = |key: &str| sum(list("urns").iter().map(|urn| number(&urn[key])));
    let get = |key: &str| number(&vat[key]);
    let unlocked = sum(list("gemUrns").iter().map(number));
    let gem = sum([of_urns("ink"), unlocked, get("gemClip"), get("gemKeeper")].into_iter());
    let owed = number(&vat["ilk"]["Art"]).mul(number(&vat["ilk"]["rate"])).unwrap();
    let unowned = get("debt").sub(get("vice")).unwrap().sub(owed).unwrap();
    let elsewhere = get("debt").sub(get("daiKeeper")).unwrap().sub(get("daiVow")).unwrap();
    let sales = clip["sales"].as_object().unwrap();
    let of_sales = |key: &str| sum(sales.values().map(|sale| number(&sale[key])));
    assert_eq!(of_sales("lot"), get("gemClip"));
    let tabs = of_sales("tab");
    let dirt = ["Dirt", "dirt"].map(|key| number(&dog[key]).sub(tabs).unwrap());
    let art = number(&vat["ilk"]["Art"]).sub(of_urns("art")).unwrap();
    Sums { gem, unowned, elsewhere, art, sin: get("sinVow").sub(get("vice")).unwrap(), dirt }
}

#[test]
fn recorded_liquidations_conserve_quantities() {
    let (mut barks, mut takes, mut ends) = (0, 0, 0);
    for scenario in scenarios() {
        let mut before = scenario["initial"].clone();
        for step in scenario["steps"].as_array().unwrap() {
            let after = &step["after"];
            let (was, is) = (sums(&before), sums(after));
            let id = step["args"]["id"].as_str().unwrap_or("0");
            // Only governance takes collateral away, with the auction that it calls off.
            let yanked = step["op"] == "yank" && step["error"].is_null();
            let taken = if yanked { number(&before["clip"]["sales"][id]["lot"]) } else { Int::ZERO };
            assert_eq!(is.gem.add(taken), Some(was.gem));
            assert_eq!((is.unowned, is.art, is.sin), (was.unowned, was.art, was.sin));
            // Rewards are the only new Dai, and keepers get them.
            assert_eq!(is.elsewhere, was.elsewhere);
            assert_eq!(is.dirt, was.dirt);
            let vat = |state: &Value, key: &str| number(&state["vat"][key]);
            for event in step["events"].as_array().unwrap() {
                let told = |key: &str| number(&event[1][key]);
                match event[0].as_str().unwrap() {
                    "Kick" | "Redo" => {
                        let rewarded = vat(after, "daiKeeper").sub(vat(&before, "daiKeeper")).unwrap();
                        assert_eq!(rewarded, told("coin"));
                        barks += 1;
                    }
                    "Take" => {
                        let paid = vat(&before, "daiKeeper").sub(vat(after, "daiKeeper")).unwrap();
                        let earned = vat(after, "daiVow").sub(vat(&before, "daiVow")).unwrap();
                        assert_eq!((paid, earned), (told("owe"), told("owe")));
                        // Never more than the price of what is bought, and less by less than one unit of it.
                        let bought = vat(after, "gemKeeper").sub(vat(&before, "gemKeeper")).unwrap();
                        let worth = bought.mul(told("price")).unwrap();
                        let spare = told("owe").sub(worth).unwrap();
                        assert!(
                            !spare.is_negative() && (spare.is_zero() || spare < told("price")),
                            "{spare}"
                        );
                        takes += 1;
                        let over = told("lot").is_zero() || told("tab").is_zero();
                        let sale = &after["clip"]["sales"][id];
                        assert_eq!(number(&sale["tab"]).is_zero() && number(&sale["lot"]).is_zero(), over);
                        ends += u32::from(over);
                    }
                    "Bark" => {
                        let chop = number(&before["dog"]["chop"]).magnitude();
                        let due = told("due").magnitude();
                        let one = U256::pow10(18).unwrap();
                        let tab = due.mul_div(chop, one, Rounding::Down).unwrap();
                        let sale = &after["clip"]["sales"][step["result"].as_str().unwrap()];
                        assert_eq!(number(&sale["tab"]), tab.into());
                    }
                    other => panic!("{other}"),
                }
            }
            before = after.clone();
        }
    }
    assert!(barks > 100 && takes > 90 && ends > 30, "{barks} {takes} {ends}");
}

fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../vectors/{name}.json.gz"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn checked(file: &Value) -> Checked {
    check(file.to_string().as_bytes()).unwrap()
}

/// Every word with which the contracts refuse one of the recorded calls.
const WORDS: &[&str] = &[
    "revert",
    "Jug/invalid-now",
    "Vat/not-live",
    "Vat/ilk-not-init",
    "Vat/ceiling-exceeded",
    "Vat/not-safe",
    "Vat/not-allowed-u",
    "Vat/not-allowed-v",
    "Vat/not-allowed-w",
    "Vat/dust",
    "Vat/not-allowed",
    "Vat/not-safe-src",
    "Vat/not-safe-dst",
    "Vat/dust-src",
    "Vat/dust-dst",
    "Dog/not-live",
    "Dog/not-unsafe",
    "Dog/liquidation-limit-hit",
    "Dog/dusty-auction-from-partial-liquidation",
    "Dog/null-auction",
    "Dog/overflow",
    "Clipper/stopped-incorrect",
    "Clipper/zero-tab",
    "Clipper/invalid-price",
    "Clipper/zero-top-price",
    "Clipper/not-running-auction",
    "Clipper/cannot-reset",
    "Clipper/needs-reset",
    "Clipper/too-expensive",
    "Clipper/no-partial-purchase",
];

/// Where a recorded call was refused, exactly the recorded word is equalled: no other of the contracts, and not success.
#[test]
fn one_word_for_each_refusal() {
    let mut refused = 0;
    for name in ["dss_poke", "dss_drip", "dss_frob", "dss_fork", "dss_abaci", "dss_liquidations"] {
        let file = checked(&recorded(name));
        for record in &file.records {
            for leaf in record.leaves.iter().filter(|leaf| leaf.path.ends_with("error")) {
                let said = leaf.expected.as_deref().unwrap();
                assert_eq!(record.outcome(leaf), Outcome::Equal, "{name} {}: {said}", record.path);
                for other in WORDS.iter().chain(&["null"]).filter(|other| **other != said) {
                    let swapped = Leaf { expected: Some((*other).into()), ..leaf.clone() };
                    assert_eq!(record.outcome(&swapped), Outcome::Different, "{name}: {said} as {other}");
                }
                refused += u32::from(said != "null");
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

/// The words of `Clipper.kick` that no recording has: a price that is valid and zero, and nothing to raise.
#[test]
fn what_only_a_few_barks_are_refused_for() {
    let file = recorded("dss_liquidations");
    let is_bark = |step: &&Value| step["op"] == "bark" && step["error"] == "Clipper/invalid-price";
    let scenarios = file["vectors"].as_array().unwrap();
    let scenario =
        scenarios.iter().find(|it| it["steps"].as_array().unwrap().iter().any(|step| is_bark(&step)));
    let (mut scenario, mut file) = (scenario.unwrap().clone(), file.clone());
    let error_of = |scenario: &Value, file: &mut Value, error: &str| {
        let mut scenario = scenario.clone();
        scenario["steps"][0]["error"] = error.into();
        file["vectors"] = vec![scenario].into();
        let checked = checked(file);
        let record = &checked.records[0];
        assert!(record.fault.is_none(), "{:?}", record.fault);
        let leaf = record.leaves.iter().find(|leaf| leaf.path == "steps[0].error").unwrap();
        record.outcome(leaf)
    };
    let steps = scenario["steps"].as_array().unwrap();
    let at = steps.iter().position(|step| is_bark(&step)).unwrap();
    let (before, mut bark) = (
        if at == 0 { scenario["initial"].clone() } else { steps[at - 1]["after"].clone() },
        steps[at].clone(),
    );
    assert!(before["clip"]["active"].as_array().unwrap().is_empty());
    scenario["initial"] = before;
    bark["pip"] = serde_json::json!(["0", true]);
    scenario["steps"] = vec![bark].into();
    for (word, outcome) in
        [("Clipper/zero-top-price", Outcome::Equal), ("Clipper/invalid-price", Outcome::Different)]
    {
        assert_eq!(error_of(&scenario, &mut file, word), outcome, "{word}");
    }
    // One unit of debt a unit of Dai, and next to no penalty: `tab = due * chop / 1e18` is nothing.
    let urn = scenario["steps"][0]["args"]["urn"].as_str().unwrap().parse::<usize>().unwrap();
    let state = &mut scenario["initial"];
    state["vat"]["urns"][urn] = serde_json::json!({ "ink": "10", "art": "1000" });
    for (key, value) in [("rate", "1"), ("spot", "1"), ("dust", "0")] {
        state["vat"]["ilk"][key] = value.into();
    }
    for (key, value) in
        [("chop", "1"), ("hole", "1000000"), ("Hole", "1000000"), ("dirt", "0"), ("Dirt", "0")]
    {
        state["dog"][key] = value.into();
    }
    scenario["steps"][0]["after"]["vat"]["ilk"]["dust"] = "0".into();
    for (word, outcome) in [("Clipper/zero-tab", Outcome::Equal), ("Dog/null-auction", Outcome::Different)] {
        assert_eq!(error_of(&scenario, &mut file, word), outcome, "{word}");
    }
}

/// Scenarios cut in two where auctions run: the second half begins with them. All of it is compared, but for what
/// positions hold unlocked once an auction has left something over: whose it was is not in the file.
#[test]
fn a_scenario_may_begin_with_running_auctions() {
    let mut file = recorded("dss_liquidations");
    let mut cut = Vec::new();
    for scenario in file["vectors"].as_array().unwrap() {
        let steps = scenario["steps"].as_array().unwrap();
        let runs = |step: &Value| !step["after"]["clip"]["active"].as_array().unwrap().is_empty();
        for at in (0..steps.len() - 1).filter(|at| runs(&steps[*at])) {
            let mut second = scenario.clone();
            second["initial"] = steps[at]["after"].clone();
            second["steps"] = steps[at + 1..].to_vec().into();
            cut.push(second);
        }
    }
    assert!(cut.len() > 100, "{}", cut.len());
    file["vectors"] = cut.into();
    let checked = checked(&file);
    let sum = tally(&checked);
    assert_eq!(sum.mismatched, 0);
    for record in &checked.records {
        assert!(record.fault.is_none(), "{:?}", record.fault);
        for (leaf, outcome) in record.differences() {
            assert_eq!(outcome, Outcome::Skipped);
            assert!(leaf.path.contains(".after.vat.gemUrns["), "{}", leaf.path);
        }
    }
    assert!(sum.skipped > 0 && sum.checked > 50 * sum.skipped, "{sum:?}");
    // More on auction than the auctions have is told.
    file["vectors"][0]["initial"]["vat"]["gemClip"] = "1".into();
    assert!(check(file.to_string().as_bytes()).unwrap().records[0].fault.is_some());
}
