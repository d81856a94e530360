//! The recorded answers of the Aave v3 contracts, every revision, against ours.

use plimsoll_core::{
    Account, AccountId, Action, Amount, Arithmetic, Call, Feeds, Int, Lens, Lot, Market, Mechanism,
    Operation, Reading, Receive, Silent, Step, Subject, Test, Time, Trace, U256, Why,
};
use plimsoll_io::vectors::{Outcome, check, tally};
use plimsoll_venues::aave_v3::{
    Configuration, E_MODE, EMode, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG, debt,
    receipt,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

/// Every Aave v3 vector file of the project: name and unpacked bytes.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the project's vectors") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("aave_v3") {
            let packed = std::fs::read(&path).expect("a file");
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("gzip");
            files.push((name, bytes));
        }
    }
    files.sort();
    files
}

#[test]
fn vectors_match_chain() {
    let mut checks: BTreeMap<String, u64> = BTreeMap::new();
    for (name, bytes) in files() {
        let file = check(&bytes).expect("a vector file");
        for record in &file.records {
            assert_eq!(record.fault, None, "{name} {}", record.path);
            for (leaf, outcome) in record.differences() {
                assert_eq!(outcome, Outcome::Equal, "{name} {}: {leaf:?}", record.path);
            }
        }
        *checks.entry(file.schema.clone()).or_default() += tally(&file).checked;
    }
    assert_eq!(checks.len(), 3 * Revision::ALL.len(), "three kinds of every revision: {checks:?}");
    println!("{} checks: {checks:?}", checks.values().sum::<u64>());
}

// ---- every step of every trace -------------------------------------------------------------------------------

/// Recomputes each step as it is taken.
#[derive(Default)]
struct Pencil {
    steps: u64,
    wrong: Vec<Step>,
}

impl Trace for Pencil {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, step: Step) {
        self.steps += 1;
        if step.operation != Operation::Given && step.recompute() != Some(step.value) {
            self.wrong.push(step);
        }
    }
}

fn number(value: &Value) -> U256 {
    match value {
        Value::String(text) => text.parse().expect("digits"),
        Value::Number(number) => U256::from(number.as_u64().expect("unsigned")),
        Value::Null => U256::ZERO,
        other => panic!("{other} is no number"),
    }
}

fn small(value: &Value) -> u64 {
    number(value).to_u64().expect("64 bits")
}

/// A pool and its prices from the lists of a vector file; read here once more, apart from the decoder.
fn pool(meta: &Value, revision: Revision, reserves: &Value, modes: &Value) -> (Pool, Vec<Reading>) {
    let curve = |i: usize| {
        let p = &meta["reserves"][i]["irParamsBps"];
        let bps = |name: &str| small(&p[name]) as u32;
        RateCurve { optimal: bps("optimal"), base: bps("base"), slope1: bps("slope1"), slope2: bps("slope2") }
    };
    let listed = meta["reserves"].as_array().expect("reserves").len();
    let one = plimsoll_core::RAY.value();
    let reserve = |i: usize| {
        let none = Value::Null;
        let given = reserves.as_array().expect("reserves").iter().find(|r| small(&r["i"]) == i as u64);
        let get = |name: &str| number(given.map_or(&none, |r| &r[name]));
        let index = |name: &str| if given.is_some() { get(name) } else { one };
        let state = State {
            liquidity_index: index("liquidityIndex"),
            variable_borrow_index: index("variableBorrowIndex"),
            liquidity_rate: get("liquidityRate"),
            variable_borrow_rate: get("variableBorrowRate"),
            last_update: Time(get("lastUpdate").to_u64().expect("64 bits")),
            accrued_to_treasury: get("accruedToTreasury"),
            scaled_supply: get("scaledATokenSupply"),
            scaled_debt: get("scaledVariableDebt"),
            cash: get("underlyingInAToken"),
            virtual_balance: get("virtualBalance"),
            deficit: get("deficit"),
            isolation_debt: get("isolationModeTotalDebt"),
        };
        let configuration = Configuration(get("config"));
        let reserve =
            Reserve { symbol: i.to_string(), configuration, curve: curve(i), grace_until: Time(0), state };
        let price = given.filter(|r| !r["price"].is_null()).map(|r| Reading::certain(number(&r["price"])));
        (reserve, price.unwrap_or(Reading::unknown(None, Why::Missing)))
    };
    let (reserves, mut readings): (Vec<_>, Vec<_>) = (0..listed).map(reserve).unzip();
    let modes = modes.as_array().expect("emodes").iter().map(|m| {
        let price = number(&m["price"]);
        let own = price != U256::ZERO;
        readings.extend(own.then_some(Reading::certain(price)));
        EMode {
            id: small(&m["id"]) as u8,
            label: String::new(),
            ltv: small(&m["ltv"]) as u16,
            threshold: small(&m["liquidationThreshold"]) as u16,
            bonus: small(&m["liquidationBonus"]) as u16,
            price_slot: own.then_some(0),
            collateral: number(&m["collateralBitmap"]),
            borrowable: number(&m["borrowableBitmap"]),
            ltv_zero: number(&m["ltvzeroBitmap"]),
            isolated: m["isolated"].as_bool().unwrap_or(false),
        }
    });
    let modes = modes.collect();
    (Pool::new(PoolSpec { revision, currency: "USD".into(), reserves, modes }).expect("a pool"), readings)
}

const USER: AccountId = AccountId(1);

fn account(holder: &Value) -> Account {
    let mut account = Account::new(USER);
    account.set_term(E_MODE, number(&holder["eMode"]).into());
    account.set_term(USER_CONFIG, number(&holder["userConfig"]).into());
    for (name, instrument) in [("a", receipt as fn(usize) -> _), ("d", debt)] {
        for (i, quantity) in holder[name].as_object().expect("holdings") {
            account.set(instrument(i.parse().expect("a reserve")), Int::from(number(quantity)));
        }
    }
    account
}

fn traced_accounts(file: &Value, revision: Revision, pencil: &mut Pencil) {
    for case in file["accounts"].as_array().into_iter().flatten() {
        let market = &file["markets"][small(&case["market"]) as usize];
        let (pool, readings) = pool(&file["meta"], revision, &market["reserves"], &market["emodes"]);
        let at = Time(small(&market["timestamp"]));
        let quoted = pool.at(Feeds { readings: &readings }, Lens::Action, at).expect("a time");
        let account = account(case);
        for test in [Test::Borrow, Test::Liquidation] {
            let heard = quoted.assess(&account, test, pencil);
            assert_eq!(heard, quoted.verdict(&account, test), "listening changes nothing");
            heard.expect("an assessment");
        }
    }
}

fn traced_liquidations(file: &Value, revision: Revision, pencil: &mut Pencil) {
    for case in file["liquidations"].as_array().into_iter().flatten() {
        let (pool, readings) = pool(&file["meta"], revision, &case["reserves"], &case["emodes"]);
        let amount = match &case["debtToCover"] {
            Value::String(text) if text == "max" => Amount::All,
            amount => Amount::Assets(number(amount)),
        };
        let mechanism = Mechanism::Discount {
            repay: debt(small(&case["debt"]) as usize),
            seize: receipt(small(&case["collateral"]) as usize),
            lot: Lot::Repay(amount),
            receive: if case["receiveAToken"] == true { Receive::Receipt } else { Receive::Asset },
        };
        let at = Time(small(&case["timestamp"]));
        let call = Call { actor: AccountId(2), account: USER, at, action: Action::Liquidate(mechanism) };
        let accounts = vec![account(&case["before"])];
        let feeds = Feeds { readings: &readings };
        let heard = pool.act(&call, &accounts, feeds, pencil);
        assert_eq!(heard, pool.act(&call, &accounts, feeds, &mut Silent), "listening changes nothing");
        assert_eq!(heard.is_ok(), case["ok"] == true);
    }
}

fn traced_accruals(file: &Value, revision: Revision, pencil: &mut Pencil) {
    for case in file["accruals"].as_array().into_iter().flatten() {
        let before = Value::Array(vec![case["before"].clone()]);
        let (pool, readings) = pool(&file["meta"], revision, &before, &Value::Array(vec![]));
        let into = receipt(small(&case["reserve"]) as usize);
        let action = Action::Deposit { into, amount: Amount::Assets(number(&case["amount"])) };
        let call = Call { actor: USER, account: USER, at: Time(small(&case["timestamp"])), action };
        let feeds = Feeds { readings: &readings };
        pool.act(&call, &Vec::new(), feeds, pencil).expect("a deposit");
    }
}

#[test]
fn every_traced_step_recomputes() {
    let mut pencil = Pencil::default();
    for (_, bytes) in files() {
        let file: Value = serde_json::from_slice(&bytes).expect("json");
        let revision = Revision::parse(file["revision"].as_str().expect("a revision")).expect("a revision");
        traced_accounts(&file, revision, &mut pencil);
        traced_liquidations(&file, revision, &mut pencil);
        traced_accruals(&file, revision, &mut pencil);
    }
    assert_eq!(pencil.wrong, []);
    assert!(pencil.steps > 100_000, "{} steps", pencil.steps);
    println!("{} steps", pencil.steps);
}

/// The pencil itself: a step with a wrong value is seen.
#[test]
fn a_wrong_step_does_not_recompute() {
    let mut steps = Pencil::default();
    let unit = plimsoll_core::Unit::NUMBER;
    steps
        .mul_div("x", U256::new(7), U256::new(3), U256::new(2), plimsoll_core::Rounding::Up, unit)
        .expect("11");
    assert_eq!(steps.wrong, []);
    let operation = Operation::MulDiv { x: Int::new(7), y: Int::new(3), by: Int::new(2) };
    let rounding = plimsoll_core::Rounding::Down;
    steps.step(Step { formula: "x", operation, rounding, value: Int::new(11), unit });
    assert_eq!(steps.wrong.len(), 1);
}
