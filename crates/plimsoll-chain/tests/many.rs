//! Many accounts in few round trips. `PLIMSOLL_ACCOUNTS` says how many; `plimsoll-bench chain_fetch` asks for a hundred thousand.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on has failed

mod node;

use node::{ADMIN, Node, aave, drawn};
use plimsoll_chain::abi::{Address, Call, Value, encode, keccak};
use plimsoll_chain::against::compare;
use plimsoll_chain::fetch::{AT_ONCE, Request, Venue, fetch};
use plimsoll_chain::reader::Together;
use plimsoll_chain::{Client, Origin, Reader, Settings};
use plimsoll_core::U256;
use std::time::Instant;

/// So many accounts lend by one transaction.
const TOGETHER: u64 = 250;
/// So many are asked about by a plain loop.
const SAMPLE: u64 = 250;

#[test]
fn many_accounts_take_few_round_trips() {
    let accounts: u64 =
        std::env::var("PLIMSOLL_ACCOUNTS").map_or(2_000, |text| text.parse().expect("a number"));
    let node = Node::start();
    let pool = aave::deploy(&node);
    let tokens: Vec<Value> = pool.reserves.iter().map(|(token, _)| (*token).into()).collect();
    let crowd = node.own("Crowd", &[Value::List(tokens), pool.pool.into()]);
    // Everybody lends WETH, most of them something else as well.
    let mut sent = Vec::new();
    for from in (0..accounts).step_by(TOGETHER as usize) {
        let count = TOGETHER.min(accounts - from);
        for asset in [0, 1 + (drawn("second", from) % 8) as usize] {
            let decimals = aave::LISTINGS[asset].decimals;
            let call = Call::new(crowd, "lend(address,address,uint256,uint256,uint256)").address(pool.pool);
            let amount = U256::pow10(decimals).unwrap();
            let call = call.address(pool.reserves[asset].0).number(amount).number(from).number(count);
            sent.push((ADMIN, Some(call.to), call.data));
        }
    }
    for part in sent.chunks(20) {
        let receipts = node.block(12, part);
        assert!(receipts.iter().all(|receipt| receipt["status"] == "0x1"), "{:?}", receipts[0]["gasUsed"]);
    }
    node.block(12, &[]);

    let folder = std::env::temp_dir().join(format!("plimsoll-many-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let request = Request {
        block: None,
        chain: None,
        first: None,
        owners: Vec::new(),
        venues: vec![Venue::AaveV3(pool.pool)],
        form: None,
        state: folder.join("state"),
        at_once: AT_ONCE,
    };
    // As many requests in a round trip as public nodes take.
    let client = Client::new(Settings::of(&node.url)).unwrap();
    let begun = Instant::now();
    let fetched = fetch(&client, &request, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    let block = fetched.block.clone();
    assert_eq!(fetched.accounts as u64, accounts);
    let asked = fetched.asked;
    fetched.save(&folder.join("book")).unwrap();
    let took = begun.elapsed();

    // A plain loop: one call a round trip.
    let alone = Client::new(Settings { batch: 1, ..Settings::of(&node.url) }).unwrap();
    let reader = Reader::new(&alone, block).unwrap().by(Together::Batches);
    let begun = Instant::now();
    for number in 0..SAMPLE {
        let word = encode(&[number.into()]);
        let owner = Address(keccak(&word)[12..].try_into().unwrap());
        let call = Call::new(pool.pool, "getUserConfiguration(address)").address(owner);
        assert!(reader.read(&[call]).unwrap()[0].is_ok());
    }
    let plain = begun.elapsed();

    let begun = Instant::now();
    let book = plimsoll_io::book::open(&folder.join("book"));
    assert!(book.faults.is_empty(), "{}", book.faults.render(false));
    let report =
        compare(&client, &Origin::open(&folder.join("book")).unwrap(), &book.book, &mut |_, _, _| {});
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert!(report.equal(), "{:?}", report.markets[0].differences.first());
    std::fs::remove_dir_all(&folder).unwrap();
    println!(
        "accounts {accounts} calls {} round_trips {} milliseconds {} plain_calls {SAMPLE} plain_milliseconds {} \
         numbers {} compared_milliseconds {}",
        asked.calls,
        asked.round_trips,
        took.as_millis(),
        plain.as_millis(),
        report.markets[0].numbers,
        begun.elapsed().as_millis(),
    );
    assert!(asked.calls >= 50 * asked.round_trips, "{asked:?}");
}
