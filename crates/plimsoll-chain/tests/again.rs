//! Fetches that are interrupted, blocks that are replaced, books that are not the chain, and the ways in which calls are put together.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on has failed

mod node;
mod server;

use node::Node;
use node::crowd::{Scene, person};
use plimsoll_chain::abi::Call;
use plimsoll_chain::against::compare;
use plimsoll_chain::fetch::{Request, Venue, fetch};
use plimsoll_chain::reader::{MULTICALL3, Together};
use plimsoll_chain::{ChainError, Client, Origin, Reader, Settings};
use plimsoll_core::U256;
use serde_json::json;
use server::{Says, Server};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-again-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn request(scene: &Scene, state: &Path) -> Request {
    Request {
        block: None,
        chain: None,
        first: None,
        owners: Vec::new(),
        venues: vec![Venue::AaveV3(scene.aave.pool), Venue::MorphoBlue(scene.morpho.at, Vec::new())],
        form: None,
        state: state.into(),
        at_once: 12,
    }
}

/// The node, as long as round trips are left; ranges of more than 40 blocks of logs are refused.
fn proxy(node: &Node, left: Arc<AtomicUsize>) -> Server {
    let url = node.url.clone();
    Server::new(move |body| {
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Says::Closes;
        }
        let block = |name: &str| {
            let text = body["params"][0][name].as_str().unwrap_or("0x0");
            u64::from_str_radix(&text[2..], 16).unwrap()
        };
        if body["method"] == "eth_getLogs" && block("toBlock") - block("fromBlock") >= 40 {
            let error = json!({"code": -32602, "message": "block range is too wide"});
            return Says::Body(json!({"jsonrpc": "2.0", "id": body["id"], "error": error}).to_string());
        }
        let mut answer =
            ureq::post(&url).header("content-type", "application/json").send(body.to_string()).unwrap();
        Says::Body(answer.body_mut().read_to_string().unwrap())
    })
}

fn one_try(server: &Server) -> Client {
    Client::new(Settings { retries: 0, pause: Duration::ZERO, ..Settings::of(&server.url) }).unwrap()
}

#[test]
fn a_fetch_that_was_interrupted_anywhere_goes_on_to_the_same_bytes() {
    let node = Node::start();
    let scene = Scene::made(&node, 40);
    let folder = scratch("interrupted");
    let whole = fetch(&node.client, &request(&scene, &folder.join("whole")), &mut |_| {}).unwrap();
    assert!(whole.accounts > 70, "{}", whole.accounts);
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let server = proxy(&node, left.clone());
    // How many round trips it takes when nothing fails.
    let client = one_try(&server);
    let pinned = |state: &Path| Request { block: Some(whole.block.number), ..request(&scene, state) };
    let same = fetch(&client, &pinned(&folder.join("counted")), &mut |_| {}).unwrap();
    assert_eq!(same.written, whole.written);
    let trips = client.asked().round_trips as usize;
    assert!(trips > 30, "{trips}");
    let mut least = trips;
    for cut in 0..trips {
        let state = folder.join(format!("cut-{cut}"));
        left.store(cut, Ordering::SeqCst);
        let failed = fetch(&one_try(&server), &pinned(&state), &mut |_| {});
        assert!(matches!(failed, Err(ChainError::Unreachable(..))), "{cut}");
        // The chain goes on; the fetch does not move with it.
        if cut % 8 == 0 {
            let mut lends = Vec::new();
            scene.supply(person(3), 0, U256::new(10u128.pow(18)), &mut lends);
            let receipts = node.block(12, &lends);
            assert_eq!(receipts[2]["status"], "0x1");
        }
        left.store(usize::MAX, Ordering::SeqCst);
        let client = one_try(&server);
        // Where the fetch had not said which block it is of, it is asked of the same one.
        let request = if cut < 2 { pinned(&state) } else { request(&scene, &state) };
        let again = fetch(&client, &request, &mut |_| {});
        let again = again.unwrap_or_else(|error| panic!("{cut}: {error}"));
        assert_eq!(again.written, whole.written, "cut after {cut} round trips");
        least = least.min(client.asked().round_trips as usize);
    }
    assert!(least * 10 < trips * 9, "what was read is asked again: {least} of {trips}");
    // Another question is not mixed in.
    let other = Request { owners: vec![person(1)], ..request(&scene, &folder.join("whole")) };
    assert_eq!(fetch(&node.client, &other, &mut |_| {}).err().unwrap().code(), "PL0642");
    // Written whole, or not at all; what was kept for it is gone.
    whole.save(&folder.join("book")).unwrap();
    assert!(!folder.join("whole").exists() && !folder.join("book.writing").exists());
    let full = same.save(&folder.join("book")).unwrap_err();
    assert_eq!(full.code(), "PL0642");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_block_that_was_replaced_is_told() {
    let node = Node::start();
    let scene = Scene::made(&node, 5);
    let folder = scratch("replaced");
    node.block(12, &[]);
    let snapshot = node.ask("evm_snapshot", json!([]));
    for _ in 0..5 {
        node.block(12, &[]);
    }
    let fetched = fetch(&node.client, &request(&scene, &folder.join("done")), &mut |_| {}).unwrap();
    let block = fetched.block.clone();
    fetched.save(&folder.join("book")).unwrap();
    // Another one is interrupted.
    let left = Arc::new(AtomicUsize::new(25));
    let server = proxy(&node, left.clone());
    assert!(fetch(&one_try(&server), &request(&scene, &folder.join("state")), &mut |_| {}).is_err());
    // Five blocks are taken back, and others come.
    node.ask("evm_revert", json!([snapshot]));
    node.time.set(node.time.get() - 60);
    for _ in 0..6 {
        node.block(13, &[]);
    }
    let replaced = |error: ChainError| {
        assert_eq!(error.code(), "PL0637", "{error}");
        assert!(error.to_string().contains(&block.hash), "{error}");
    };
    left.store(usize::MAX, Ordering::SeqCst);
    replaced(fetch(&node.client, &request(&scene, &folder.join("state")), &mut |_| {}).err().unwrap());
    let origin = Origin::open(&folder.join("book")).unwrap();
    let book = plimsoll_io::book::open(&folder.join("book")).book;
    replaced(compare(&node.client, &origin, &book, &mut |_, _, _| {}).err().unwrap());
    // A fetch anew is of the chain that is there.
    let anew = fetch(&node.client, &request(&scene, &folder.join("anew")), &mut |_| {}).unwrap();
    assert_ne!(anew.block.hash, block.hash);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn calls_give_the_same_however_they_are_put_together() {
    let node = Node::start();
    let scene = Scene::made(&node, 20);
    let block = node.client.block(None, None).unwrap();
    let mut calls = Vec::new();
    for number in 0..20 {
        let of = |to, function| Call::new(to, function).address(person(number));
        calls.push(of(scene.aave.pool, "getUserAccountData(address)"));
        calls.push(of(scene.token(3), "balanceOf(address)"));
        // One that reverts, and one of nobody.
        calls.push(of(scene.token(3), "noSuchFunction(address)"));
        calls.push(of(person(number), "balanceOf(address)"));
    }
    calls.push(Call::new(scene.token(0), "symbol()"));
    let reader = Reader::new(&node.client, block.clone()).unwrap();
    assert_eq!(reader.together(), Together::Program);
    let given = reader.read(&calls).unwrap();
    assert!(given[0].as_ref().is_ok_and(|data| data.len() == 192) && given[2].is_err());
    assert_eq!(given[3], Ok(Vec::new()));
    let alone = Reader::new(&node.client, block).unwrap().by(Together::Batches);
    assert_eq!(alone.read(&calls).unwrap(), given);
    // Where Multicall3 stands it is used.
    let code = json!([MULTICALL3.to_string(), node::packages().runtime("Aggregator")]);
    node.ask("anvil_setCode", code);
    node.block(12, &[]);
    let reader = Reader::new(&node.client, node.client.block(None, None).unwrap()).unwrap();
    assert_eq!(reader.together(), Together::Multicall3);
    let now = reader.read(&calls).unwrap();
    let then = Reader::new(&node.client, reader.block().clone()).unwrap().by(Together::Program);
    assert_eq!(now, then.read(&calls).unwrap());
    // Six hundred calls go in one round trip.
    let many: Vec<Call> = calls.iter().cycle().take(600).cloned().collect();
    let before = node.client.asked().round_trips;
    assert_eq!(reader.read(&many).unwrap().len(), 600);
    assert_eq!(node.client.asked().round_trips - before, 1);
}

#[test]
fn a_market_of_an_unknown_model_is_left_out_and_told() {
    let node = Node::start();
    let scene = Scene::made(&node, 5);
    let folder = scratch("model");
    let all = fetch(&node.client, &request(&scene, &folder.join("all")), &mut |_| {}).unwrap();
    assert!(
        all.notes.iter().any(|note| note.contains("is left out") && note.contains("the rate model")),
        "{:?}",
        all.notes
    );
    let markets = all.written.files.iter().filter(|(name, _)| name.starts_with("markets/morpho")).count();
    assert_eq!(markets, 5);
    let venues = vec![Venue::MorphoBlue(scene.morpho.at, vec![scene.morpho.other])];
    let asked = Request { venues, ..request(&scene, &folder.join("asked")) };
    assert_eq!(fetch(&node.client, &asked, &mut |_| {}).err().unwrap().code(), "PL0639");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_book_of_some_owners_is_the_chain_and_a_changed_book_is_not() {
    let node = Node::start();
    let scene = Scene::made(&node, 40);
    let folder = scratch("owners");
    let owners = vec![person(3), person(8), person(11)];
    let some = Request { owners: owners.clone(), ..request(&scene, &folder.join("some")) };
    fetch(&node.client, &some, &mut |_| {}).unwrap().save(&folder.join("mine")).unwrap();
    fetch(&node.client, &request(&scene, &folder.join("all")), &mut |_| {})
        .unwrap()
        .save(&folder.join("book"))
        .unwrap();
    let open = |name: &str| {
        let opened = plimsoll_io::book::open(&folder.join(name));
        assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
        (opened.book, Origin::open(&folder.join(name)).unwrap())
    };
    let compared = |name: &str| {
        let (book, origin) = open(name);
        compare(&node.client, &origin, &book, &mut |_, _, _| {}).unwrap()
    };
    assert!(compared("mine").equal(), "{:?}", compared("mine").markets[0].differences.first());
    assert!(compared("book").equal(), "{:?}", compared("book").markets[0].differences.first());
    let (mine, whole) = (open("mine").0, open("book").0);
    assert!(mine.accounts.len() >= 4 && mine.accounts.len() < whole.accounts.len());
    for account in &mine.accounts {
        let market = &mine.markets[account.market].name;
        let same = whole
            .accounts
            .iter()
            .find(|other| other.name == account.name && whole.markets[other.market].name == *market);
        assert!(same.unwrap().account.is_like(&account.account), "{}", account.name);
        assert!(owners.iter().any(|owner| owner.to_string() == account.owner));
    }

    // Each slip is found: less of somebody's debt, somebody gone, a price, a rate.
    let slips: [(&str, Slip<'_>, &str); 4] = [
        (
            "positions.csv",
            &|text| edit(text, |line| line.contains(",debt,") && line.contains("aave"), less),
            "getUserAccountData",
        ),
        (
            "positions.csv",
            &|text| {
                let gone = person(8).to_string();
                text.lines().filter(|line| !line.starts_with(&gone)).map(|line| format!("{line}\n")).collect()
            },
            "of all accounts",
        ),
        ("feeds.csv", &|text| text.replacen(",oracle,0.9", ",oracle,0.8", 1), "getAssetPrice"),
        (
            "markets/aave-v3.toml",
            &|text| {
                let at = text.find("variable_borrow_rate = \"").unwrap() + 24;
                format!("{}1{}", &text[..at], &text[at..])
            },
            "getReserveNormalizedVariableDebt",
        ),
    ];
    for (number, (file, slip, what)) in slips.into_iter().enumerate() {
        let name = format!("slip-{number}");
        let to = folder.join(&name);
        std::fs::create_dir_all(to.join("markets")).unwrap();
        for source in ["book.toml", "feeds.csv", "positions.csv", "chain.json"] {
            std::fs::copy(folder.join("book").join(source), to.join(source)).unwrap();
        }
        for market in std::fs::read_dir(folder.join("book/markets")).unwrap() {
            let market = market.unwrap();
            std::fs::copy(market.path(), to.join("markets").join(market.file_name())).unwrap();
        }
        let text = std::fs::read_to_string(to.join(file)).unwrap();
        let slipped = slip(&text);
        assert_ne!(text, slipped, "{file}");
        std::fs::write(to.join(file), slipped).unwrap();
        let report = compared(&name);
        let told: Vec<&str> = report
            .markets
            .iter()
            .flat_map(|market| &market.differences)
            .map(|one| one.what.as_str())
            .collect();
        assert!(!report.equal() && told.iter().any(|told| told.contains(what)), "{file}: {told:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A change of a file.
type Slip<'a> = &'a dyn Fn(&str) -> String;

/// The first such line of a table, changed.
fn edit(text: &str, which: fn(&str) -> bool, change: fn(&str) -> String) -> String {
    let mut done = false;
    let line = |line: &str| {
        if !done && which(line) {
            done = true;
            return change(line) + "\n";
        }
        format!("{line}\n")
    };
    text.lines().map(line).collect()
}

/// A row whose quantity lacks its last digit: more than there is the reader of books would refuse itself.
fn less(line: &str) -> String {
    let mut cells: Vec<String> = line.split(',').map(str::to_string).collect();
    cells[4].pop();
    cells.join(",")
}
