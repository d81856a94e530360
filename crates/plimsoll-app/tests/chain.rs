//! `fetch`, `check --against-chain` and `liquidate --transaction-from`, as a person runs them, against a real node.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot run the program has failed

#[path = "../../plimsoll-chain/tests/node/mod.rs"]
mod node;

use node::Node;
use node::crowd::{Scene, person};
use plimsoll_chain::abi::{Address, unhex};
use plimsoll_core::U256;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const KEEPER: Address = Address([0xee; 20]);

/// A folder that is gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("plimsoll-app-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
        std::fs::create_dir_all(&folder).expect("a folder");
        Scratch(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn plimsoll(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).env_remove("ETH_RPC_URL").stdin(Stdio::null());
    command
}

fn output(command: &mut Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.output().expect("plimsoll runs");
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    stdout + &stderr
}

/// All files of a book.
fn files(book: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [book.to_path_buf(), book.join("markets")] {
        for entry in std::fs::read_dir(folder).expect("a book") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                files.push((
                    path.strip_prefix(book).unwrap().display().to_string(),
                    std::fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_treasurys_first_day_a_kill_and_a_liquidation() {
    let node = Node::start();
    let scene = Scene::made(&node, 60);
    let scratch = Scratch::new("session");
    let path = |name: &str| scratch.path(name).display().to_string();
    let (pool, morpho) = (scene.aave.pool.to_string(), scene.morpho.at.to_string());
    let venues = ["--aave-v3", &pool, "--morpho-blue", &morpho];

    // My accounts.
    let mine = path("mine");
    let owners = [person(3).to_string(), person(8).to_string()];
    let mut fetch = plimsoll(&["fetch", &mine, "--owner", &owners[0], &owners[1]]);
    output(fetch.args(venues).env("ETH_RPC_URL", &node.url), 0);
    let told = output(&mut plimsoll(&["check", &mine]), 0);
    assert!(told.contains(&owners[0]) && told.contains("aave-v3"), "{told}");
    let told = output(&mut plimsoll(&["check", &mine, "--against-chain", "--rpc", &node.url]), 0);
    assert!(told.ends_with("every number is the chain's\n"), "{told}");

    // Everybody; killed on the way, and begun again.
    let whole = path("whole");
    let all = |out: &str, more: &[&str]| {
        let mut fetch = plimsoll(&["fetch", out, "--rpc", &node.url]);
        fetch.args(venues).args(more);
        fetch
    };
    let told = output(&mut all(&whole, &["--json"]), 0);
    // The market of a rate model that nobody knows is left out, and stderr says so.
    let (told, note) = told.split_once("plimsoll: note: ").expect("a note");
    assert!(note.contains("the rate model"), "{note}");
    let told: Value = serde_json::from_str(told).expect("JSON");
    assert!(told["accounts"].as_u64().unwrap() > 100 && told["chain"] == 31337, "{told}");
    let killed = path("killed");
    let mut slow =
        all(&killed, &["--batch", "1", "--per-second", "40"]).stdout(Stdio::null()).spawn().unwrap();
    let journal = scratch.path("killed.fetch").join("read.journal");
    let begun = Instant::now();
    while std::fs::metadata(&journal).map_or(0, |file| file.len()) < 400 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing is kept");
        std::thread::sleep(Duration::from_millis(5));
    }
    slow.kill().unwrap();
    slow.wait().unwrap();
    assert!(!Path::new(&killed).exists());
    node.block(12, &[]);
    output(&mut all(&killed, &[]), 0);
    assert_eq!(files(Path::new(&killed)), files(Path::new(&whole)));
    assert!(!journal.exists());

    // Prices fall. What is offered is what goes through.
    scene.fall(&node, &[(0, 6_500), (1, 6_300), (2, 6_000)], &[(0, 7_000), (2, 8_000)]);
    let mut fund = Vec::new();
    for asset in 0..scene.aave.reserves.len() {
        for by in [scene.aave.pool, scene.morpho.at] {
            scene.funded(KEEPER, asset, U256::new(10u128.pow(30)), by, &mut fund);
        }
    }
    node.block(1, &fund);
    let fallen = path("fallen");
    output(&mut all(&fallen, &["--to", "parquet"]), 0);
    let told = output(&mut plimsoll(&["check", &fallen, "--tier", "liquidatable", "--json"]), 1);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let below = told["accounts"].as_array().unwrap();
    let mut done = 0;
    for market in ["aave-v3", "morpho-WETH"] {
        let of = |account: &&Value| account["market"].as_str().unwrap().starts_with(market);
        let account = below.iter().find(of).unwrap_or_else(|| panic!("nobody at {market} is below the line"));
        let name =
            format!("{}:{}", account["market"].as_str().unwrap(), account["account"].as_str().unwrap());
        let from = KEEPER.to_string();
        let offered = ["liquidate", &fallen, &name, "--after", "12s", "--transaction-from", &from, "--json"];
        let told = output(plimsoll(&offered).args(["--rpc", &node.url]), 1);
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let sale = &told["pairs"][0]["sale"];
        let sent = &told["transaction"]["unsigned"];
        let to: Address = sent["to"].as_str().unwrap().parse().unwrap();
        let receipts = node.block(12, &[(KEEPER, Some(to), unhex(sent["data"].as_str().unwrap()).unwrap())]);
        assert_eq!(receipts[0]["status"], "0x1", "{sent}");
        // The token that the keeper paid left his hands by just what was forecast.
        let repaid: u128 = sale["repaid"].as_str().unwrap().parse().unwrap();
        let logs = receipts[0]["logs"].as_array().unwrap();
        let paid = logs.iter().any(|log| {
            let data = log["data"].as_str().unwrap();
            log["topics"][1] == format!("0x{:0>64}", &from[2..])
                && log["address"] == told["transaction"]["takes"]
                && data.len() == 66
                && u128::from_str_radix(&data[2..], 16) == Ok(repaid)
        });
        assert!(paid, "{repaid} in {logs:?}");
        done += 1;
        // The next one is of the chain as it is now.
        std::fs::remove_dir_all(&fallen).unwrap();
        output(&mut all(&fallen, &[]), 0);
    }
    assert_eq!(done, 2);
    // Somebody without the tokens is offered nothing.
    let name = below.iter().rev().find(|account| account["market"] == "aave-v3").unwrap()["account"].clone();
    let name = format!("aave-v3:{}", name.as_str().unwrap());
    let poor = person(7_777).to_string();
    let told = output(
        plimsoll(&["liquidate", &fallen, &name, "--transaction-from", &poor]).args(["--rpc", &node.url]),
        3,
    );
    assert!(told.contains("would fail") && told.contains("[PL0646]"), "{told}");
    output(&mut plimsoll(&["check", &fallen, "--against-chain", "--rpc", &node.url]), 0);
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let scratch = Scratch::new("told");
    let out = scratch.path("book").display().to_string();
    let pool = person(1).to_string();
    let check = |args: &[&str], code: i32, words: &[&str]| {
        let told = output(plimsoll(&["fetch", &out]).args(args), code);
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    };
    check(&["--aave-v3", &pool], 2, &["ETH_RPC_URL", "[PL0645]"]);
    check(&["--rpc", "http://127.0.0.1:1"], 2, &["--aave-v3", "[PL0645]"]);
    check(&["--rpc", "x", "--aave-v3", &pool], 2, &["http://", "[PL0645]"]);
    check(&["--rpc", "http://127.0.0.1:1", "--aave-v3", "0x12"], 2, &["an address", "[PL0645]"]);
    let nobody = ["--rpc", "http://127.0.0.1:1", "--retries", "0", "--aave-v3", &pool];
    check(&nobody, 3, &["127.0.0.1:1 does not answer", "[PL0630]", "nothing was written"]);
    let node = Node::start();
    check(&["--rpc", &node.url, "--aave-v3", &pool], 3, &["is not the venue's contract", "[PL0638]"]);
    check(&["--rpc", &node.url, "--aave-v3", &pool, "--chain", "1"], 3, &["expected chain 1", "[PL0635]"]);
    check(&["--rpc", &node.url, "--aave-v3", &pool, "--block", "99"], 3, &["block 99", "[PL0637]"]);
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury").display().to_string();
    let told = output(&mut plimsoll(&["check", &book, "--against-chain", "--rpc", &node.url]), 3);
    assert!(told.contains("[PL0644]"), "{told}");
    output(&mut plimsoll(&["check", &book, "--rpc", &node.url]), 2);
}
