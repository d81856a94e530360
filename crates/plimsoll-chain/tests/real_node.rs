//! Books of a real node with real contracts: fetched, compared with the chain, acted upon, compared again.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on has failed

mod node;

use node::crowd::Scene;
use node::{Node, morpho};
use plimsoll_chain::abi::{Address, Call, number_of};
use plimsoll_chain::against::{Report, compare};
use plimsoll_chain::fetch::{AT_ONCE, Request, Venue, fetch};
use plimsoll_chain::origin::Place;
use plimsoll_chain::{Intent, Origin, Reader};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Book, Call as Act, Decimal, Effects, Feeds, Int, Kind, Lens, Market,
    Mechanism, Party, Receive, Rounding, Silent, Test, Time, U256, Verdict,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Who liquidates: no account of any book.
const KEEPER: Address = Address([0xee; 20]);
const KEEPER_ID: AccountId = AccountId(u64::MAX);
const TREASURY: Address = Address([0x7e; 20]);

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("plimsoll-chain-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn request(scene: &Scene, state: PathBuf) -> Request {
    Request {
        block: None,
        chain: Some(31337),
        first: None,
        owners: Vec::new(),
        venues: vec![Venue::AaveV3(scene.aave.pool), Venue::MorphoBlue(scene.morpho.at, Vec::new())],
        form: None,
        state,
        at_once: AT_ONCE,
    }
}

/// The newest block as a book.
fn fetched(node: &Node, scene: &Scene, folder: &Path) -> (Book, Origin) {
    let _ = std::fs::remove_dir_all(folder.join("book"));
    let fetched = fetch(&node.client, &request(scene, folder.join("state")), &mut |_| {});
    let fetched = fetched.unwrap_or_else(|error| panic!("{} {error}", error.code()));
    fetched.save(&folder.join("book")).unwrap();
    opened(&folder.join("book"))
}

fn opened(folder: &Path) -> (Book, Origin) {
    let opened = plimsoll_io::book::open(folder);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    (opened.book, Origin::open(folder).unwrap())
}

fn compared(node: &Node, book: &Book, origin: &Origin) -> Report {
    let report = compare(&node.client, origin, book, &mut |_, _, _| {});
    report.unwrap_or_else(|error| panic!("{} {error}", error.code()))
}

/// Nothing of the book is not the chain's.
fn assert_equal(report: &Report) {
    for market in &report.markets {
        let first = market.differences.first();
        assert!(
            market.numbers == market.equal,
            "{}: {} of {} equal; {first:?}",
            market.market,
            market.equal,
            market.numbers
        );
    }
}

#[test]
fn a_fetched_book_is_the_chain_and_a_liquidation_is_its_forecast() {
    let node = Node::start();
    let scene = Scene::made(&node, 320);
    let folder = Scratch::new("whole");
    let (book, origin) = fetched(&node, &scene, &folder.0);
    let report = compared(&node, &book, &origin);
    for market in &report.markets {
        eprintln!("{}: {} accounts, {} numbers", market.market, market.accounts, market.numbers);
    }
    assert_equal(&report);
    assert!(book.markets.len() == 6 && book.accounts.len() > 600, "{}", book.accounts.len());
    let people: std::collections::BTreeSet<&str> =
        book.accounts.iter().map(|account| account.owner.as_str()).collect();
    assert!(people.len() >= 300, "{} people", people.len());
    let numbers: u64 = report.markets.iter().map(|market| market.numbers).sum();
    assert!(numbers > 10_000, "{numbers} numbers");
    let adaptive = book.markets.iter().filter(|market| {
        let mut kept = false;
        market.market.visit(&mut |_, name, _, value| kept |= name == "rate_at_target" && !value.is_zero());
        kept
    });
    assert_eq!(adaptive.count(), 3, "markets with an adaptive rate");
    let first = &book.markets[0].market;
    assert_eq!(first.instruments().len(), 27, "nine reserves");

    // Prices fall, some by a third; then whoever is below his line is liquidated by the transaction that was forecast.
    scene.fall(
        &node,
        &[(0, 6_700), (1, 6_500), (2, 6_000), (6, 5_000)],
        &[(0, 7_200), (1, 9_300), (2, 8_800), (3, 9_500), (4, 5_200)],
    );
    let mut fund = Vec::new();
    for asset in 0..scene.aave.reserves.len() {
        for by in [scene.aave.pool, scene.morpho.at] {
            scene.funded(KEEPER, asset, U256::new(10u128.pow(30)), by, &mut fund);
        }
    }
    node.block(1, &fund);
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..18 {
        let (book, origin) = fetched(&node, &scene, &folder.0);
        let next = next(book.clone(), &done);
        let Some(next) = next else { break };
        let market = book.markets[book.accounts[next.account].market].name.clone();
        liquidated(&node, &scene, &folder.0, (&book, &origin), &next);
        *done.entry(market).or_default() += 1;
    }
    eprintln!("liquidated {done:?}");
    assert!(done.len() >= 4 && done.values().sum::<usize>() >= 12, "{done:?}");
    topped_up(&node, &scene, &folder.0);
    let (book, origin) = fetched(&node, &scene, &folder.0);
    assert_equal(&compared(&node, &book, &origin));
}

/// Somebody at every market is helped: a part of his debt is repaid, and collateral is added, by the transactions for it.
fn topped_up(node: &Node, scene: &Scene, folder: &Path) {
    let markets = fetched(node, scene, folder).0.markets.len();
    for market in 0..markets {
        for repays in [true, false] {
            let (book, origin) = fetched(node, scene, folder);
            let mut later = book.clone();
            later.at = Time(book.at.0 + 12);
            let kind = if repays { Kind::Debt } else { Kind::Receipt };
            let instruments = book.markets[market].market.instruments();
            // Of what backs a debt, the last instrument of a kind: at Morpho that is collateral, not a supply.
            let of = |account: &Account| {
                let held = account.holdings().iter().map(|holding| holding.instrument);
                held.rev().find(|id| instruments[id.index()].kind == kind)
            };
            let owes = |account: &Account| {
                account
                    .holdings()
                    .iter()
                    .any(|holding| instruments[holding.instrument.index()].kind == Kind::Debt)
            };
            let here = book.accounts.iter().filter(|listed| listed.market == market && owes(&listed.account));
            // Who has most of it: of some a liquidation left dust.
            let found = here.filter_map(|listed| {
                let quantity = listed.account.quantity(of(&listed.account)?);
                Some((quantity.to_u256().unwrap(), listed.account.id.0 as usize))
            });
            let (_, account) = found.max().unwrap();
            let instrument = of(&book.accounts[account].account).unwrap();
            // A hundredth of a token.
            let asset = &instruments[instrument.index()].asset;
            let token =
                instruments.iter().find(|one| one.kind == Kind::Asset && one.asset == *asset).unwrap();
            let unit = U256::pow10(token.decimals).unwrap();
            let amount =
                Amount::Assets(unit.div(U256::new(100), Rounding::Down).unwrap().add(U256::ONE).unwrap());
            let action = match repays {
                true => Action::Repay { debt: instrument, amount },
                false => Action::Deposit { into: instrument, amount },
            };
            let next = Next { account, action, later };
            let (forecast, effects) = forecast(&next);
            let intent = sent(node, &origin, &book, &next);
            let (after, _) = fetched(node, scene, folder);
            assert_eq!(numbers(&*after.markets[market].market), numbers(&*forecast), "{}", intent.what);
            accounts(&book, &after, market, &effects);
        }
    }
}

/// What the market's own rules do, at the next block's time.
fn forecast(next: &Next) -> (Box<dyn Market>, Effects) {
    let later = &next.later;
    let listed = &later.accounts[next.account];
    let quotes = later.graph.quotes(later.at);
    let readings = later.readings(&later.markets[listed.market], &quotes);
    let call =
        Act { actor: KEEPER_ID, account: listed.account.id, at: later.at, action: next.action.clone() };
    let mut market = later.markets[listed.market].market.boxed_clone();
    let effects = market.act(&call, later, Feeds { readings: &readings }, &mut Silent);
    let effects = effects.unwrap_or_else(|refusal| panic!("{:?}: {refusal}", next.action));
    market.apply(&effects).unwrap();
    (market, effects)
}

/// The transaction, simulated first.
fn sent(node: &Node, origin: &Origin, book: &Book, next: &Next) -> Intent {
    let intent = Intent::of(origin, book, next.account, &next.action).unwrap();
    let reader = Reader::new(&node.client, node.client.block(None, None).unwrap()).unwrap();
    intent.simulated(&reader, KEEPER, next.later.at.0).unwrap_or_else(|error| panic!("{error}"));
    let receipts = node.block(12, &[(KEEPER, Some(intent.call.to), intent.call.data.clone())]);
    assert_eq!(receipts[0]["status"], "0x1", "{}", intent.what);
    intent
}

struct Next {
    account: usize,
    action: Action,
    /// The book at the time of the next block.
    later: Book,
}

/// Somebody below his line, at the market of which fewest were liquidated; forecast for the next block.
fn next(mut book: Book, done: &BTreeMap<String, usize>) -> Option<Next> {
    book.at = Time(book.at.0 + 12);
    let quotes = book.graph.quotes(book.at);
    let mut below: Vec<(usize, usize)> = Vec::new();
    for (place, listed) in book.accounts.iter().enumerate() {
        let market = &book.markets[listed.market];
        let readings = book.readings(market, &quotes);
        let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, book.at).unwrap();
        if quoted.verdict(&listed.account, Test::Liquidation).unwrap().verdict == Verdict::Unhealthy {
            below.push((done.get(&market.name).copied().unwrap_or(0), place));
        }
    }
    below.sort_unstable();
    for (_, account) in below {
        let answer = plimsoll::liquidate(&book, account, Decimal::whole(Int::ZERO)).unwrap();
        // Of whom everything was taken there is nothing left to take.
        let Some((pair, Ok(sale))) = answer.pairs.first().map(|pair| (pair, &pair.outcome)) else { continue };
        let mechanism = Mechanism::Discount {
            repay: pair.debt.instrument,
            seize: pair.collateral.instrument,
            lot: sale.lot,
            receive: sale.receive,
        };
        return Some(Next { account, action: Action::Liquidate(mechanism), later: book });
    }
    None
}

/// Sends the transaction, and compares the chain with the forecast.
fn liquidated(node: &Node, scene: &Scene, folder: &Path, (book, origin): (&Book, &Origin), next: &Next) {
    let listed = &book.accounts[next.account];
    let (name, at) = (&book.markets[listed.market].name, listed.market);
    let (market, effects) = forecast(next);
    let done = effects.liquidated.clone().unwrap();
    let before = held(node, scene);
    let intent = sent(node, origin, book, next);
    // The chain afterwards.
    let (after, _) = fetched(node, scene, folder);
    assert_eq!(after.at, next.later.at);
    assert_eq!(numbers(&*after.markets[at].market), numbers(&*market), "{name}: {}", intent.what);
    accounts(book, &after, at, &effects);
    // What the keeper paid and received.
    let Action::Liquidate(Mechanism::Discount { repay, seize, receive, .. }) = next.action else {
        unreachable!()
    };
    let (paid, got) = match &origin.markets[name] {
        Place::AaveV3 { .. } => (repay.index() / 3, seize.index() / 3),
        Place::MorphoBlue { id, .. } => {
            let market = scene.morpho.markets.iter().find(|market| market.id == *id).unwrap();
            (market.loan, market.collateral)
        }
    };
    let after = held(node, scene);
    let mut expected = before;
    let change = |held: &mut U256, less: U256, more: U256| *held = held.sub(less).unwrap().add(more).unwrap();
    change(&mut expected[paid], done.repaid, U256::ZERO);
    if receive == Receive::Asset {
        change(&mut expected[got], U256::ZERO, done.seized.sub(done.fee).unwrap());
    }
    assert_eq!(after, expected, "{name}: what the keeper has");
}

/// What the keeper has of every token.
fn held(node: &Node, scene: &Scene) -> Vec<U256> {
    let tokens = scene.aave.reserves.iter().map(|(token, _)| *token);
    let of = |token| Call::new(token, "balanceOf(address)").address(KEEPER);
    tokens.map(|token| number_of(&node.call(&of(token)).try_into().unwrap())).collect()
}

/// Every number of a market.
fn numbers(market: &dyn Market) -> Vec<(u64, &'static str, String)> {
    let mut numbers = Vec::new();
    market.visit(&mut |cell, name, _, value| {
        // A place in a book, which the fee's recipient may have changed.
        if name != "fee_recipient" {
            numbers.push((cell.object, name, value.to_string()));
        }
    });
    numbers
}

/// Every account of the market is what it was with what was done to it, and the treasury has its fee.
fn accounts(before: &Book, after: &Book, at: usize, effects: &Effects) {
    let of = |book: &Book| -> BTreeMap<String, Account> {
        let here = book.accounts.iter().filter(|listed| listed.market == at);
        here.map(|listed| (listed.name.clone(), listed.account.clone())).collect()
    };
    let (was, mut is) = (of(before), of(after));
    for (name, account) in was {
        let mut expected = effects.apply_to(&account).unwrap();
        if name == TREASURY.to_string() {
            for instrument in 0..before.markets[at].market.instruments().len() as u32 {
                let instrument = plimsoll_core::InstrumentId(instrument);
                let fee = effects.net(Party::Treasury, instrument).unwrap();
                expected.set(instrument, expected.quantity(instrument).add(fee).unwrap());
            }
        }
        match is.remove(&name) {
            Some(found) if name == TREASURY.to_string() => {
                assert_eq!(found.holdings(), expected.holdings(), "{name}");
            }
            Some(found) => assert!(found.is_like(&expected), "{name}: {found:?}, expected {expected:?}"),
            None => assert!(expected.holdings().is_empty(), "{name} is gone"),
        }
    }
    // Who first receives a fee was no account before.
    is.retain(|name, _| *name != TREASURY.to_string() && *name != morpho::RECIPIENT.to_string());
    assert!(is.is_empty(), "{is:?}");
}
