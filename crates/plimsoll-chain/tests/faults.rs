//! Endpoints that fail: what is tried again, what is asked in smaller parts, what is told and how.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on has failed

mod server;

use plimsoll_chain::abi::{Address, keccak};
use plimsoll_chain::logs::{Filter, Stretch, Walk};
use plimsoll_chain::{ChainError, Client, Settings};
use serde_json::{Value as Json, json};
use server::{Says, Server, each};
use std::time::{Duration, Instant};

fn settings(urls: &[&Server]) -> Settings {
    Settings {
        urls: urls.iter().map(|server| server.url.clone()).collect(),
        retries: 2,
        pause: Duration::from_millis(1),
        timeout: Duration::from_millis(500),
        ..Settings::of("")
    }
}

fn client(server: &Server) -> Client {
    Client::new(settings(&[server])).unwrap()
}

/// A server that always says the same.
fn always(says: fn() -> Says) -> Server {
    Server::new(move |_| says())
}

#[test]
fn errors_are_explained() {
    let status = |status: u16| move || Says::Status(status, "", "sorry".into());
    let of = |server: Server| client(&server).ask("eth_chainId", json!([])).unwrap_err();
    let check = |error: ChainError, code: &str, words: &str| {
        let told = error.to_string();
        assert_eq!(error.code(), code, "{told}");
        assert!(told.contains(words), "{told}");
        // The path of an endpoint is often a key.
        assert!(!told.contains("secret"), "{told}");
    };
    check(
        of(Server::new({
            let says = status(401);
            move |_| says()
        })),
        "PL0631",
        "wants a key",
    );
    check(
        of(Server::new({
            let says = status(404);
            move |_| says()
        })),
        "PL0631",
        "no JSON-RPC at this path",
    );
    check(
        of(Server::new({
            let says = status(429);
            move |_| says()
        })),
        "PL0631",
        "too many requests",
    );
    check(
        of(Server::new({
            let says = status(503);
            move |_| says()
        })),
        "PL0631",
        "failed there",
    );
    check(of(always(|| Says::Body("<html>".into()))), "PL0632", "<html>");
    check(of(always(|| Says::Body("7".into()))), "PL0632", "expected an answer of JSON-RPC");
    check(of(always(|| Says::Body("{\"id\":9,\"result\":1}".into()))), "PL0632", "no answer of id 0");
    check(of(always(|| Says::Body("{\"id\":0}".into()))), "PL0632", "expected a result or an error");
    check(of(always(|| Says::Closes)), "PL0630", "does not answer");
    check(of(always(|| Says::Hangs(700))), "PL0630", "does not answer");
    check(of(Server::of(|_, _| Err((-32601, "no such method")))), "PL0633", "no such method");
    let nobody = Client::new(Settings { retries: 0, ..Settings::of("http://127.0.0.1:1/secret") }).unwrap();
    check(nobody.ask("eth_chainId", json!([])).unwrap_err(), "PL0630", "127.0.0.1:1");
    for wrong in ["ftp://x", "http://", "127.0.0.1:8545"] {
        assert_eq!(Client::new(Settings::of(wrong)).err().unwrap().code(), "PL0645");
    }
    // A node that keeps no old states says so in its own words.
    for words in
        ["missing trie node 0x12", "state is not available, it is pruned", "requires an archive node"]
    {
        let server = node(7, "aa", move || Err((-32000, words)));
        let client = client(&server);
        let block = client.block(Some(7), None).unwrap();
        let error = plimsoll_chain::Reader::new(&client, block).err().unwrap();
        check(error, "PL0634", "expected an archive node");
    }
    let server = node(7, "aa", || Err((-32000, "header not found")));
    let client = client(&server);
    let block = client.block(Some(7), None).unwrap();
    check(plimsoll_chain::Reader::new(&client, block).err().unwrap(), "PL0637", "header not found");
}

/// A node with blocks up to a number, whose hashes begin so.
fn node(
    newest: u64,
    hash: &'static str,
    other: impl Fn() -> Result<Json, (i64, &'static str)> + Send + 'static,
) -> Server {
    Server::of(move |method, params| match method {
        "eth_chainId" => Ok(json!("0x1")),
        "eth_blockNumber" => Ok(json!(format!("{newest:#x}"))),
        "eth_getBlockByNumber" => {
            let number = u64::from_str_radix(&params[0].as_str().unwrap()[2..], 16).unwrap();
            let hash = format!("0x{hash}{number:062x}");
            let block = json!({"hash": hash, "number": params[0], "timestamp": "0x65"});
            Ok(if number <= newest { block } else { Json::Null })
        }
        _ => other(),
    })
}

#[test]
fn what_passes_is_tried_again() {
    let faults: [fn() -> Says; 5] = [
        || Says::Status(429, "retry-after: 0\r\n", "slow down".into()),
        || Says::Status(502, "", "<html>".into()),
        || Says::Closes,
        || {
            Says::Body(
                "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32005,\"message\":\"limit exceeded\"}}"
                    .into(),
            )
        },
        || Says::Body("{".into()),
    ];
    for fault in faults {
        let mut failures = 2;
        let server = Server::new(move |body| {
            if failures > 0 {
                failures -= 1;
                return fault();
            }
            Says::Body(each(body, &|_, _| Ok(json!("0x1"))).to_string())
        });
        let client = client(&server);
        assert_eq!(client.ask("eth_chainId", json!([])), Ok(json!("0x1")));
        assert_eq!((server.count(), client.asked().repeated), (3, 2));
    }
    // Of a batch only what was refused.
    let mut first = true;
    let server = Server::new(move |body| {
        let refuse = std::mem::take(&mut first);
        let answer = move |_: &str, params: &Json| {
            if refuse && params[0] != 1 { Err((429, "too many requests")) } else { Ok(params[0].clone()) }
        };
        Says::Body(each(body, &answer).to_string())
    });
    let asks: Vec<_> = (0..4).map(|number| ("x", json!([number]))).collect();
    let answers = client(&server).batch(&asks).unwrap();
    assert_eq!(answers, (0..4).map(|number| Ok(json!(number))).collect::<Vec<_>>());
    let heard = server.heard.lock().unwrap();
    assert_eq!(heard.iter().map(|body| body.as_array().map_or(1, Vec::len)).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn another_endpoint_is_asked_when_one_fails() {
    let broken = always(|| Says::Status(500, "", String::new()));
    let sound = Server::of(|_, _| Ok(json!("0x1")));
    let client = Client::new(settings(&[&broken, &sound])).unwrap();
    for _ in 0..3 {
        assert_eq!(client.ask("eth_chainId", json!([])), Ok(json!("0x1")));
    }
    assert_eq!((broken.count(), sound.count()), (1, 3));
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    for whole in [true, false] {
        let server = Server::new(move |body| {
            match body {
            Json::Array(requests) if requests.len() > 3 && whole => {
                Says::Body(json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "batch too large"}}).to_string())
            }
            Json::Array(requests) if requests.len() > 3 => Says::Status(413, "", String::new()),
            body => Says::Body(each(body, &|_, params| Ok(params[0].clone())).to_string()),
        }
        });
        let asks: Vec<_> = (0..10).map(|number| ("x", json!([number]))).collect();
        let answers = client(&server).batch(&asks).unwrap();
        assert_eq!(answers, (0..10).map(|number| Ok(json!(number))).collect::<Vec<_>>());
    }
}

#[test]
fn ranges_of_logs_halve_and_none_is_lost() {
    // One log a block; no more than seven blocks, and no more than three logs from block 50 on.
    let server = Server::of(|_, params| {
        let number = |name: &str| u64::from_str_radix(&params[0][name].as_str().unwrap()[2..], 16).unwrap();
        let (from, to) = (number("fromBlock"), number("toBlock"));
        if to - from >= 7 {
            return Err((-32602, "block range is too wide"));
        }
        if to >= 50 && to - from >= 3 {
            return Err((-32005, "query returned more than 3 results"));
        }
        let log = |block: u64| {
            let topic = format!("0x{block:064x}");
            json!({"address": Address::ZERO.to_string(), "topics": [topic], "data": "0x", "blockNumber": format!("{block:#x}")})
        };
        Ok((from..=to).map(log).collect())
    });
    let client = client(&server);
    let filter = Filter { addresses: vec![Address::ZERO], topics: [vec![keccak(b"x")], Vec::new()] };
    let mut walk = Walk::new(&client, filter.clone(), 3, 90);
    let mut seen = Vec::new();
    let mut next = 3;
    while let Some(Stretch { from, to, logs }) = walk.step().unwrap() {
        assert_eq!(from, next);
        next = to + 1;
        seen.extend(logs.iter().map(|log| log.topics[0][31]));
    }
    assert_eq!(seen, (3..=90).collect::<Vec<u8>>());
    // Of 88 blocks: what is refused once is not asked again at every step.
    let trips = client.asked().round_trips;
    assert!(trips < 60, "{trips} round trips");
    assert_eq!(client.asked().repeated, 0, "a range that is too wide does not pass");
    // A node that refuses a single block is told.
    let server = Server::of(|_, _| Err((-32602, "no logs here")));
    let client = self::client(&server);
    let error = Walk::new(&client, filter, 3, 90).step().unwrap_err();
    assert_eq!(error, ChainError::NoLogs(3, "no logs here".into()));
    assert_eq!(error.code(), "PL0640");
}

#[test]
fn a_quorum_agrees_on_the_block() {
    let at = |newest, hash| node(newest, hash, || Ok(json!("0x")));
    let hash = |hash: &str, number: u64| format!("0x{hash}{number:062x}");
    let of = |servers: &[&Server], quorum| Client::new(Settings { quorum, ..settings(servers) }).unwrap();
    // One is behind: the newest block is what all have.
    let (behind, ahead) = (at(7, "aa"), at(9, "aa"));
    let block = of(&[&ahead, &behind], 2).block(None, Some(1)).unwrap();
    assert_eq!((block.number, block.hash, block.time), (7, hash("aa", 7), 0x65));
    // One has another block: it is not asked any more.
    let (one, other, third) = (at(9, "aa"), at(9, "bb"), at(9, "aa"));
    let client = of(&[&other, &one, &third], 2);
    assert_eq!(client.block(Some(9), None).unwrap().hash, hash("aa", 9));
    let before = other.count();
    client.ask("eth_gasPrice", json!([])).unwrap();
    assert_eq!(other.count(), before);
    // No two agree.
    let (one, other, third) = (at(9, "aa"), at(9, "bb"), always(|| Says::Closes));
    let error = of(&[&one, &other, &third], 2).block(Some(9), None).unwrap_err();
    assert_eq!(error.code(), "PL0636");
    assert!(
        error.to_string().contains(&hash("aa", 9)) && error.to_string().contains(&hash("bb", 9)),
        "{error}"
    );
    // Of another chain.
    let error = of(&[&one], 1).block(None, Some(10)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is of chain 1, expected chain 10", &one.url[7..one.url.len() - 14])
    );
    assert_eq!(error.code(), "PL0635");
    // A block that is not there yet.
    assert_eq!(of(&[&one], 1).block(Some(10), None).unwrap_err().code(), "PL0637");
    assert_eq!(Client::new(Settings { quorum: 2, ..settings(&[&one]) }).err().unwrap().code(), "PL0645");
}

#[test]
fn no_more_round_trips_are_made_than_a_second_lets() {
    let server = Server::of(|_, _| Ok(json!("0x1")));
    let client = Client::new(Settings { per_second: Some(50), ..settings(&[&server]) }).unwrap();
    let begun = Instant::now();
    for _ in 0..6 {
        client.ask("eth_chainId", json!([])).unwrap();
    }
    // Five pauses of 20 ms.
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
}

#[test]
fn every_code_of_a_chain_has_its_section() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let page = std::fs::read_to_string(page).unwrap();
    for code in ChainError::CODES {
        assert!(page.contains(&format!("\n## {code}: ")), "{code}");
    }
}
