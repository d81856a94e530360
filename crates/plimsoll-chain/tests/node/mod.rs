//! A real node with real contracts: `anvil`, Aave v3 as its own artifacts, Morpho Blue compiled from its own sources.
//!
//! The packages are installed once, into a folder outside of the clone, at the versions and with the hashes of
//! `package-lock.json`. Nothing is skipped where that cannot be done: the test fails and says what is missing.

// Each test binary uses its own part of it; a test that cannot go on has failed; the digits behind a point stand apart.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::inconsistent_digit_grouping)]

pub mod aave;
pub mod crowd;
pub mod morpho;

use plimsoll_chain::abi::{Address, Call, Value, encode, hex, keccak, unhex};
use plimsoll_chain::{Client, Settings};
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Where packages and compiled contracts are kept: the first of these that is set.
fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("PLIMSOLL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("plimsoll")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/plimsoll")))
        .expect("PLIMSOLL_CACHE, XDG_CACHE_HOME or HOME says where the node's packages are kept")
}

/// The packages and the compiled contracts.
pub struct Packages {
    folder: PathBuf,
    compiled: Json,
}

const MISSING: &str = "these tests run a real node with real contracts: they need npm and node (18 or later; on \
    Debian `apt-get install nodejs npm`) and, once, the npm registry";

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}\n{MISSING}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what} failed: {}{}\n{MISSING}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Installs and compiles what is not there yet.
pub fn packages() -> &'static Packages {
    static PACKAGES: OnceLock<Packages> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plimsoll-chain/tests/node");
        let digest = |names: &[&str]| {
            let read = |name: &&str| fs::read(here.join(name)).expect("a file of the tests");
            hex(&keccak(&names.iter().map(read).collect::<Vec<_>>().concat()))[2..18].to_string()
        };
        let lists = ["package.json", "package-lock.json"];
        let folder = cache().join(format!("node-{}", digest(&lists)));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        // Two tests may begin at once: the second waits for the first one's packages.
        let lock = File::create(folder.join("lock")).expect("a lock file");
        lock.lock().expect("a lock");
        let installed = folder.join("installed");
        if !installed.exists() {
            for name in lists {
                fs::copy(here.join(name), folder.join(name)).expect("a copy");
            }
            let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
            run(Command::new("npm").args(install).current_dir(&folder), "npm ci");
            fs::write(&installed, "").expect("a mark");
        }
        let compiled = folder.join(format!("contracts-{}.json", digest(&["compile.js", "Own.sol"])));
        if !compiled.exists() {
            let mut compile = Command::new("node");
            compile.arg(here.join("compile.js")).arg(folder.join("node_modules")).arg(here.join("Own.sol"));
            run(compile.arg(&compiled), "node compile.js");
        }
        drop(lock);
        let compiled = serde_json::from_slice(&fs::read(&compiled).expect("contracts.json")).expect("JSON");
        Packages { folder, compiled }
    })
}

impl Packages {
    /// The code of a contract that was compiled here.
    pub fn compiled(&self, name: &str) -> Vec<u8> {
        let code = self.compiled[name]["bytecode"].as_str().unwrap_or_else(|| panic!("no contract {name}"));
        unhex(&format!("0x{code}")).expect("bytecode")
    }

    /// What such a contract runs once it is deployed.
    pub fn runtime(&self, name: &str) -> String {
        format!("0x{}", self.compiled[name]["runtime"].as_str().expect("a contract"))
    }

    /// The code of one of Aave's own artifacts, linked.
    pub fn artifact(&self, path: &str, libraries: &BTreeMap<String, Address>) -> Vec<u8> {
        let name = path.rsplit('/').next().expect("a name");
        let file = self.folder.join("node_modules/@aave/core-v3/artifacts/contracts");
        let file = file.join(format!("{path}.sol/{name}.json"));
        let text = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let artifact: Json = serde_json::from_slice(&text).expect("an artifact");
        let mut code = artifact["bytecode"].as_str().expect("bytecode").as_bytes().to_vec();
        for libraries_of in artifact["linkReferences"].as_object().expect("references").values() {
            for (library, places) in libraries_of.as_object().expect("libraries") {
                let at = libraries.get(library).unwrap_or_else(|| panic!("{name} needs {library}"));
                for place in places.as_array().expect("places") {
                    let start = 2 + 2 * place["start"].as_u64().expect("a start") as usize;
                    code[start..start + 40].copy_from_slice(&at.to_string().as_bytes()[2..]);
                }
            }
        }
        unhex(std::str::from_utf8(&code).expect("digits")).unwrap_or_else(|| panic!("{name} is not linked"))
    }
}

/// A node of its own, gone when this is.
pub struct Node {
    process: RefCell<Child>,
    pub url: String,
    pub client: Client,
    nonces: RefCell<BTreeMap<Address, u64>>,
    pub time: Cell<u64>,
    /// Transactions that reverted so far.
    pub reverted: Cell<usize>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

pub const ADMIN: Address = Address([0xad; 20]);

impl Node {
    /// Starts a node on which nothing is.
    pub fn start() -> Node {
        Node::start_at(0)
    }

    /// The same at a port; 0 for any that is free.
    pub fn start_at(port: u16) -> Node {
        let anvil = packages().folder.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        let start = 1_700_000_000;
        let mut process = Command::new(anvil)
            .args([
                "--port",
                &port.to_string(),
                "--no-mining",
                "--order",
                "fifo",
                "--accounts",
                "1",
                "--auto-impersonate",
            ])
            .args(["--block-base-fee-per-gas", "0", "--gas-price", "0", "--gas-limit", "3000000000"])
            .args(["--disable-code-size-limit", "--disable-min-priority-fee", "--no-request-size-limit"])
            .args(["--chain-id", "31337", "--timestamp", &start.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = loop {
            let line = lines.next().expect("anvil says where it listens").expect("a line");
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().to_string();
            }
        };
        // Whatever else it says must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{address}");
        let client = Client::new(Settings { batch: 1000, ..Settings::of(&url) }).expect("a client");
        let (process, nonces) = (RefCell::new(process), RefCell::default());
        Node { process, url, client, nonces, time: Cell::new(start), reverted: Cell::new(0) }
    }

    pub fn kill(&self) {
        let mut process = self.process.borrow_mut();
        let _ = process.kill();
        let _ = process.wait();
    }

    pub fn ask(&self, method: &'static str, params: Json) -> Json {
        self.client.ask(method, params).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sends transactions, of anybody, and mines them into one block so many seconds later. Those that revert are counted.
    pub fn block(&self, later: u64, transactions: &[(Address, Option<Address>, Vec<u8>)]) -> Vec<Json> {
        self.time.set(self.time.get() + later);
        self.ask("evm_setNextBlockTimestamp", json!([self.time.get()]));
        let mut hashes = Vec::new();
        for part in transactions.chunks(1000) {
            let asks: Vec<_> = part
                .iter()
                .map(|(from, to, data)| {
                    let mut nonces = self.nonces.borrow_mut();
                    let nonce = nonces.entry(*from).or_insert(0);
                    *nonce += 1;
                    let what = json!({
                        "from": from.to_string(),
                        "to": to.map(|to| to.to_string()),
                        "data": hex(data),
                        // Two million for people, a hundred for whoever deploys.
                        "gas": if *from == ADMIN { "0x5f5e100" } else { "0x1e8480" },
                        "gasPrice": "0x0",
                        "nonce": format!("{:#x}", *nonce - 1),
                    });
                    ("eth_sendTransaction", json!([what]))
                })
                .collect();
            let sent = self.client.batch(&asks).expect("the node answers");
            hashes.extend(sent.into_iter().map(|hash| hash.unwrap_or_else(|error| panic!("{error:?}"))));
        }
        self.ask("evm_mine", json!([]));
        let asks: Vec<_> = hashes.iter().map(|hash| ("eth_getTransactionReceipt", json!([hash]))).collect();
        let receipts = self.client.batch(&asks).expect("the node answers");
        let receipts: Vec<Json> = receipts.into_iter().map(|receipt| receipt.expect("a receipt")).collect();
        assert!(receipts.iter().all(Json::is_object), "not every transaction was mined");
        let reverted = receipts.iter().filter(|receipt| receipt["status"] != "0x1").count();
        self.reverted.set(self.reverted.get() + reverted);
        receipts
    }

    /// The admin's calls, all of which must go through.
    pub fn admin(&self, calls: &[Call]) {
        let sent: Vec<_> = calls.iter().map(|call| (ADMIN, Some(call.to), call.data.clone())).collect();
        let receipts = self.block(1, &sent);
        for (call, receipt) in calls.iter().zip(&receipts) {
            assert_eq!(
                receipt["status"],
                "0x1",
                "{} of {} reverted: {}",
                call.function,
                call.to,
                self.why(call)
            );
        }
    }

    fn why(&self, call: &Call) -> String {
        let what = json!({"from": ADMIN.to_string(), "to": call.to.to_string(), "data": hex(&call.data)});
        format!("{:?}", self.client.batch(&[("eth_call", json!([what, "latest"]))]))
    }

    /// Deploys code with arguments.
    pub fn deploy(&self, code: Vec<u8>, arguments: &[Value]) -> Address {
        let mut data = code;
        data.extend(encode(arguments));
        let receipts = self.block(1, &[(ADMIN, None, data)]);
        assert_eq!(receipts[0]["status"], "0x1", "a deployment reverted");
        receipts[0]["contractAddress"].as_str().expect("an address").parse().expect("an address")
    }

    /// Deploys a contract that was compiled here.
    pub fn own(&self, name: &str, arguments: &[Value]) -> Address {
        self.deploy(packages().compiled(name), arguments)
    }

    /// What a call gives at the newest block.
    pub fn call(&self, call: &Call) -> Vec<u8> {
        let what = json!({"to": call.to.to_string(), "data": hex(&call.data)});
        let answer = self.ask("eth_call", json!([what, "latest"]));
        unhex(answer.as_str().expect("bytes")).expect("bytes")
    }

    /// The first address that a call gives.
    pub fn address(&self, to: Address, function: &'static str) -> Address {
        let answer = self.call(&Call::new(to, function));
        Address(answer[12..32].try_into().expect("an address"))
    }
}

/// The digits of a number in hexadecimal, of which nothing but its spread is asked: the same at every run.
pub fn drawn(seed: &str, number: u64) -> u64 {
    let hash = keccak(format!("{seed} {number}").as_bytes());
    u64::from_be_bytes(hash[..8].try_into().expect("eight bytes"))
}

/// The addresses of a set, for messages.
pub fn listed(addresses: &BTreeSet<Address>) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(" ")
}
