//! Every unit of every recorded liquidation adds up. Ours equal the recorded states to the unit (`vectors_match_chain`),
//! so what holds of these holds of ours.
#![allow(clippy::unwrap_used)]

use plimsoll_core::{Int, Rounding, U256};
use serde_json::Value;
use std::io::Read;
use std::path::Path;

fn scenarios() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/dss_liquidations.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["vectors"].take().as_array().unwrap().clone()
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
