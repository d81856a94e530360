//! What people and programs may not do to an engine, and what they must be told: each a way around a guard that was found and closed.

#![allow(clippy::expect_used)] // what a scene needs and does not find has failed the test

mod scene;

use plimsoll_core::{Action, Amount, Cell, InstrumentId, Int, Kind, Mechanism, U256};
use plimsoll_engine::calls::State as Life;
use plimsoll_engine::config::{Change, Founding, Terms, Voice};
use plimsoll_engine::disk::Disk;
use plimsoll_engine::engine::Engine;
use plimsoll_engine::feed::{Quote, State};
use plimsoll_engine::guard::{Held, Scope};
use plimsoll_engine::record::{Alert, Answer, Command, Outcome, Position, Refused, Request, Step};
use plimsoll_engine::snapshot::{self, Snapshot};
use plimsoll_engine::{Settings, Stamp, Storage as _};
use scene::{HOUR, SECOND, Scene, VENUES, book, by};
use std::collections::{BTreeMap, BTreeSet};

fn place(scene: &Scene, name: &str, kind: Kind) -> InstrumentId {
    let market = &scene.engine.state().book.markets[0].market;
    let at = market.instruments().iter().position(|one| one.kind == kind && one.asset == name);
    InstrumentId(at.expect("an instrument") as u32)
}

fn units(scene: &Scene, instrument: InstrumentId, whole: u64) -> U256 {
    let decimals = scene.engine.state().book.markets[0].market.instruments()[instrument.index()].decimals;
    U256::pow10(decimals).and_then(|one| one.mul(U256::from(whole))).expect("an amount")
}

fn reduce(scene: &Scene, perp: &str, whole: u64) -> Action {
    let instrument = place(scene, perp, Kind::Derivative);
    Action::Liquidate(Mechanism::Reduce { instrument, size: units(scene, instrument, whole) })
}

fn intend_as(scene: &mut Scene, account: &str, strategy: &str, whole: u64) -> Answer {
    let perp = if account == "alone" { "SOL-ALONE" } else { "SOL-PERP" };
    let action = reduce(scene, perp, whole);
    let (market, account, strategy) = ("desk".into(), account.into(), strategy.into());
    scene.ask(Command::Intend { market, account, action, strategy, price: None })
}

fn intend(scene: &mut Scene, account: &str) -> Answer {
    intend_as(scene, account, "reduce", 300)
}

fn count(scene: &Scene, of: impl Fn(&Alert) -> bool) -> usize {
    scene.engine.state().alerts.values().filter(|raised| of(&raised.of)).count()
}

fn told(scene: &Scene, account: &str, word: &str) -> usize {
    let name = format!("desk:{account}");
    count(
        scene,
        |alert| matches!(alert, Alert::Account { account, what } if *account == name && what == word),
    )
}

fn says(scene: &mut Scene, who: &str, [source, origin]: [&str; 2], price: u64) -> Answer {
    let decimals = scene.engine.state().feeds["SOL/USD"].decimals;
    let value = u128::from(price) * 10_u128.pow(decimals.into());
    let (source, origin, observed) = (source.into(), origin.into(), scene.now);
    let quote = Quote { source, origin, value, unsure: 0, observed };
    scene.ask_as(who, Command::Quote { feed: "SOL/USD".into(), quote })
}

/// The number of a market that its tests call by this name.
fn weight(scene: &Scene) -> Cell {
    let mut found = None;
    let market = &scene.engine.state().book.markets[0].market;
    let names = market.names();
    let sol = names.iter().find(|(_, _, name)| name == "SOL").map(|(object, _, _)| *object).expect("SOL");
    market.visit(&mut |cell, name, _, _| {
        if name == "asset_weight" && cell.object == sol {
            found = Some(cell);
        }
    });
    found.expect("a weight")
}

/// A kill of an account is of the account that alerts and answers name, and of no other of that name.
#[test]
fn a_kill_of_an_account_stops_it() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "79.90");
    scene.done(Command::Kill { scope: Scope::Account("other:joint".into()), reason: "a drill".into() });
    scene.done(Command::Kill { scope: Scope::Account("desk:joint".into()), reason: "a drill".into() });
    let held = intend(&mut scene, "joint").outcome;
    assert!(
        matches!(held, Err(Refused::Held(Held::Killed { scope: Scope::Account(name), .. })) if name == "desk:joint")
    );
}

/// Rules of a market that is kept here change by two people alone.
#[test]
fn no_fact_changes_the_rules_of_a_market_that_is_kept_here() {
    let mut scene = Scene::desk(|_| {});
    let cells = vec![(weight(&scene), Some(Int::from(890_000_u64)))];
    let answer = scene.ask_as("nobody", Command::Cells { market: "desk".into(), cells: cells.clone() });
    assert!(matches!(answer.outcome, Err(Refused::Unfit(_))), "{answer:?}");
    assert_eq!(scene.life("joint"), Life::Healthy);
    let change = Change::Rules { market: "desk".into(), cells };
    let proposal = scene.done_as("ann", Command::Propose(change)).expect("a number");
    scene.done_as("bob", Command::Approve { proposal });
}

/// A client that uses the id of the engine's own next start keeps no restart from being one.
#[test]
fn no_clients_id_takes_the_place_of_a_start() {
    let mut scene = Scene::desk(|founding| founding.config.grace = 60 * SECOND);
    scene.price("SOL/USD", "79.90");
    let next = scene.engine.log().next();
    for number in next..next + 5 {
        let id = format!("start {number}");
        let request = Request { id, by: by("client"), command: Command::Tick, said: None };
        scene.engine.submit(scene.now, vec![request]).expect("durable");
    }
    let Scene { engine, now, .. } = scene;
    let disk = engine.close().expect("sealed").crash();
    let opened = Engine::open(disk, Settings::default(), VENUES, now).expect("opens");
    let heard = &opened.engine.state().feeds["SOL/USD"];
    assert_eq!((&heard.state, heard.feed.quotes().len()), (&State::Stale, 0));
    // And that feeds are no longer believed is told at once (F27).
    let feeds = opened.engine.state().alerts.values();
    assert_eq!(feeds.filter(|raised| matches!(raised.of, Alert::Feed { fresh: false, .. })).count(), 5);
}

/// A clock that is late keeps nobody from stopping, from lowering a risk, or from saying what became of an intent.
#[test]
fn what_stops_is_never_too_late() {
    let mut scene = Scene::desk(|_| {});
    let request = |id: &str, command| Request { id: id.into(), by: by("desk"), command, said: None };
    let kill = Command::Kill { scope: Scope::All, reason: "a drill".into() };
    let early = scene.now - HOUR;
    let tick = || vec![request("t", Command::Tick)];
    let answers = scene.engine.submit(early, vec![request("k", kill)]).expect("durable");
    assert_eq!((answers[0].outcome.clone(), answers[0].at), (Ok(None), scene.now));
    assert!(scene.engine.state().guards.kills().next().is_some());
    // What is refused for its clock may be asked again under its id.
    let refused = scene.engine.submit(early, tick()).expect("durable");
    assert!(matches!(refused[0].outcome, Err(Refused::ClockBack { .. })));
    let again = scene.engine.submit(scene.now, tick()).expect("durable");
    assert_eq!(again[0].outcome, Ok(None));
}

/// Each call is told, whatever was told before and has not arrived.
#[test]
fn every_call_is_told() {
    let mut scene = Scene::desk(|_| {});
    for round in 1..=3 {
        scene.price("SOL/USD", "80.32");
        assert!(matches!(scene.life("joint"), Life::Called { .. }));
        let last = scene.engine.state().alerts.last_key_value().map(|(_, raised)| raised.of.clone());
        let called = Alert::Account { account: "desk:joint".into(), what: "called".into() };
        assert_eq!(last, Some(called), "round {round}");
        scene.price("SOL/USD", "100");
        assert_eq!(told(&scene, "joint", "called"), 1, "the older word gave way");
    }
}

/// What lasts is told once until it is over, delivered or not.
#[test]
fn what_lasts_is_told_once() {
    let mut scene = Scene::desk(|founding| founding.config.late = 60 * SECOND);
    scene.price("SOL/USD", "79.90");
    let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
    scene.done(Command::Send { intent, external: "7".into() });
    let late = |scene: &Scene| {
        let alerts = scene.engine.state().alerts.iter();
        alerts
            .filter(|(_, raised)| raised.of == Alert::Late(intent))
            .map(|(alert, _)| *alert)
            .collect::<Vec<_>>()
    };
    scene.pass(61 * SECOND);
    let [alert] = late(&scene)[..] else { panic!("told once") };
    scene.done(Command::Delivered { alert, to: Ok("ann".into()) });
    scene.pass(SECOND);
    assert!(late(&scene).is_empty());
    scene.done(Command::Resolve { intent, outcome: Outcome::Carried });
    assert!(late(&scene).is_empty());
}

/// Between the intent and the sending the world goes on: what may not be intended now may not be sent.
#[test]
fn an_intent_is_looked_at_again_before_it_is_sent() {
    let send = |intent| Command::Send { intent, external: "7".into() };
    let intended = || {
        let mut scene = Scene::desk(|founding| founding.config.late = 600 * SECOND);
        scene.price("SOL/USD", "79.90");
        let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
        (scene, intent)
    };
    let (mut scene, intent) = intended();
    scene.price("SOL/USD", "100");
    assert!(matches!(scene.ask(send(intent)).outcome, Err(Refused::NotLiquidatable { .. })), "it is healthy");
    let (mut scene, intent) = intended();
    scene.done(Command::Impair { feed: "SOL/USD".into(), reason: "halted".into() });
    assert!(matches!(scene.ask(send(intent)).outcome, Err(Refused::Unknown { .. })), "nobody knows");
    // What nobody sends in time is abandoned, and holds the account no longer.
    let (mut scene, intent) = intended();
    scene.pass(601 * SECOND);
    assert_eq!(scene.ask(send(intent)).outcome, Err(Refused::IsResolved));
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: false });
    let (mut scene, intent) = intended();
    scene.done(send(intent));
}

/// A call that passed lets the desk close for the account, above its venue's line, and no further than it holds.
#[test]
fn an_escalated_account_can_be_closed() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "80.20");
    scene.pass(HOUR);
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: true });
    let beyond = intend_as(&mut scene, "joint", "reduce", 301).outcome;
    assert!(matches!(beyond, Err(Refused::Market { .. })), "{beyond:?}");
    let intent = intend_as(&mut scene, "joint", "reduce", 200).outcome.expect("intended").expect("a number");
    scene.done(Command::Send { intent, external: "7".into() });
    scene.done(Command::Resolve { intent, outcome: Outcome::Carried });
    let account = &scene.engine.state().book.accounts[scene.place("joint") as usize].account;
    let perp = place(&scene, "SOL-PERP", Kind::Derivative);
    assert_eq!(account.quantity(perp), Int::from(units(&scene, perp, 100)));
    assert_eq!(scene.life("joint"), Life::Healthy);
}

/// The second person sees whom a change touches, and agrees to that alone.
#[test]
fn an_approval_is_of_what_was_shown() {
    let mut scene = Scene::desk(|founding| {
        for source in &mut founding.sources {
            (source.rule.jump, source.rule.jump_quorum) = (100_000, 2);
        }
    });
    // A held jump that another rule would let through.
    scene.price("SOL/USD", "79.90");
    assert!(matches!(scene.engine.state().feeds["SOL/USD"].state, State::Jumped { .. }));
    let mut source =
        scene.founding.sources.iter().find(|source| source.price == "SOL/USD").expect("it").clone();
    source.rule.jump = 500_000;
    let proposal = scene.done_as("ann", Command::Propose(Change::Source(source.clone()))).expect("a number");
    let shown = &scene.engine.state().proposals[&proposal].impact;
    assert!(shown.first.contains(&"desk:joint".to_string()), "{shown:?}");
    // Another change in between: what was proposed was proposed under other rules.
    let other = scene.done_as("ann", Command::Propose(Change::Collar(60_000))).expect("a number");
    scene.done_as("bob", Command::Approve { proposal: other });
    assert!(matches!(scene.ask_as("bob", Command::Approve { proposal }).outcome, Err(Refused::Unfit(_))));
    // Proposed again it comes in force, and the price is believed.
    let proposal = scene.done_as("ann", Command::Propose(Change::Source(source))).expect("a number");
    scene.done_as("bob", Command::Approve { proposal });
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: false });
}

/// Whom nobody can judge counts as one that flips.
#[test]
fn a_change_that_nobody_can_judge_is_refused() {
    let mut scene = Scene::desk(|founding| {
        (founding.config.flips, founding.config.flips_least) = (500_000, 1);
    });
    for feed in ["SOL/USD", "SOL index", "ETH/USD", "BTC/USD", "BTC/ETH"] {
        scene.done(Command::Impair { feed: feed.into(), reason: "halted".into() });
    }
    let cells = vec![(weight(&scene), Some(Int::from(890_000_u64)))];
    let answer = scene.ask_as("ann", Command::Propose(Change::Rules { market: "desk".into(), cells }));
    let Err(Refused::TooMuch(impact)) = answer.outcome else { panic!("{answer:?}") };
    assert!(impact.unjudged > 3, "{impact:?}");
}

/// Whoever would be escalated by another policy is shown.
#[test]
fn a_policy_that_would_escalate_says_whom() {
    let mut scene = Scene::desk(|founding| {
        founding.config.terms.values_mut().for_each(|terms| terms.policy.escalates = false);
    });
    scene.price("SOL/USD", "80.20");
    scene.pass(HOUR);
    let (group, terms) = scene.founding.config.terms.first_key_value().expect("a policy");
    let terms =
        Terms { policy: plimsoll_engine::calls::Policy { escalates: true, ..terms.policy }, ..*terms };
    let proposal = scene.done_as("ann", Command::Propose(Change::Terms(group.clone(), terms))).expect("it");
    let overdue =
        scene.engine.state().rows.iter().filter(|row| matches!(row.life.state, Life::Called { .. }));
    let overdue = overdue.count() as u64;
    assert!(overdue > 0);
    assert_eq!(scene.engine.state().proposals[&proposal].impact.escalated, overdue);
}

/// Nobody is kept in: what closes or pays in goes through, however deep an account is and whatever is unknown.
#[test]
fn what_lowers_a_risk_goes_through() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "80");
    let perp = place(&scene, "SOL-PERP", Kind::Derivative);
    let decimals = scene.engine.state().feeds["SOL/USD"].decimals;
    let price = Int::from(U256::from(80 * 10_u128.pow(decimals.into())));
    let close = |scene: &Scene, whole: u64| {
        let quantity = Int::from(units(scene, perp, whole)).neg();
        Action::Fill { instrument: perp, quantity, price }
    };
    let act = |scene: &mut Scene, account: &str, action: Action| {
        let steps = vec![Step { actor: account.into(), account: account.into(), action }];
        scene.ask(Command::Act { market: "desk".into(), steps }).outcome
    };
    // `sunk` has 500 and 100 x (80 - 120): 3,500 below zero.
    let half = close(&scene, 50);
    assert_eq!(act(&mut scene, "sunk", half), Ok(None));
    // Under a dead feed whoever is below his line for certain still pays in.
    let into = place(&scene, "USDC", Kind::Receipt);
    scene.done(Command::Impair { feed: "SOL/USD".into(), reason: "halted".into() });
    let amount = Amount::Assets(units(&scene, into, 10));
    assert_eq!(act(&mut scene, "sunk", Action::Deposit { into, amount }), Ok(None));
}

/// A source is heard as it is named: neither invented ones nor whoever speaks for another make a quorum.
#[test]
fn one_writer_makes_no_quorum() {
    let voice = |origin: &str, by: &str| Voice { origin: origin.into(), by: BTreeSet::from([by.into()]) };
    let mut scene = Scene::desk(|founding| {
        let names = [
            ("example", "example", "desk"),
            ("kraken", "kraken", "north"),
            ("coinbase", "coinbase", "south"),
        ];
        founding.config.sources = names
            .into_iter()
            .map(|(source, origin, by)| (source.into(), voice(origin, by)))
            .collect::<BTreeMap<_, _>>();
    });
    for (who, names) in
        [("north", ["x1", "x1"]), ("north", ["coinbase", "coinbase"]), ("north", ["kraken", "other"])]
    {
        assert!(matches!(says(&mut scene, who, names, 50).outcome, Err(Refused::Unfit(_))), "{names:?}");
    }
    assert_eq!(says(&mut scene, "north", ["kraken", "kraken"], 100).outcome, Ok(None));
}

/// What flips within the window flips at once: neither many small quotes nor accounts that come in parts lead around the breaker.
#[test]
fn the_breaker_counts_over_its_window() {
    let breaker = |window: Stamp| {
        move |founding: &mut Founding| {
            let config = &mut founding.config;
            (config.flips, config.flips_least, config.flips_within) = (300_000, 1, window);
        }
    };
    let fall = |scene: &mut Scene| {
        for tenth in (780..1000).rev().step_by(5) {
            scene.now += SECOND / 1000;
            scene.price("SOL/USD", &format!("{}.{}", tenth / 10, tenth % 10));
        }
        scene.engine.state().guards.breaker.check().is_err()
    };
    assert!(!fall(&mut Scene::desk(breaker(0))), "each quote by itself flips too few");
    let mut scene = Scene::desk(breaker(60 * SECOND));
    assert!(fall(&mut scene));
    assert_eq!(count(&scene, |alert| *alert == Alert::Breaker), 1);
}

/// Strategies that are named are all that there are: another name each time is none.
#[test]
fn a_strategy_that_nobody_named_is_refused() {
    let mut scene = Scene::desk(|founding| founding.config.strategies = BTreeSet::from(["reduce".into()]));
    scene.price("SOL/USD", "79.90");
    let refused = intend_as(&mut scene, "joint", "reduce 2", 300).outcome;
    assert!(matches!(refused, Err(Refused::NoSuch { what, .. }) if what == "strategy"));
    assert!(intend(&mut scene, "joint").outcome.is_ok());
}

/// Prices of different times are not put together (p59).
#[test]
fn p59_prices_that_were_observed_apart_liquidate_nobody() {
    let mut scene = Scene::desk(|founding| founding.config.skew = Some(5 * SECOND));
    scene.now += 6 * SECOND;
    // The perp by its own index, the coin that backs it by another feed (docs/margin.md: 73.684).
    scene.price("SOL index", "73.00");
    let held = intend(&mut scene, "alone").outcome;
    assert!(
        matches!(held, Err(Refused::Held(Held::Skewed { apart, .. })) if apart == 6 * SECOND),
        "{held:?}"
    );
    scene.price("SOL/USD", "100");
    assert!(intend(&mut scene, "alone").outcome.is_ok());
}

/// A clock that was compared stands in every record for as long as that is worth something, and is told when it is off.
#[test]
fn the_clocks_offset_stands_in_records() {
    let mut scene = Scene::desk(|founding| founding.config.clock = Some(SECOND / 1000));
    assert_eq!(count(&scene, |alert| *alert == Alert::Unmeasured), 0, "not in its first minutes");
    scene.done(Command::Clock { offset: -1200, source: "chrony".into() });
    assert_eq!(scene.engine.state().offset(), Some(-1200));
    scene.pass(120 * SECOND);
    assert_eq!(scene.engine.state().offset(), Some(-1200));
    scene.pass(SECOND);
    assert_eq!(scene.engine.state().offset(), None);
    assert_eq!(count(&scene, |alert| *alert == Alert::Unmeasured), 1);
    scene.done(Command::Clock { offset: 2_000_000, source: "chrony".into() });
    assert_eq!(count(&scene, |alert| *alert == Alert::Clock), 1);
}

/// A snapshot that somebody made beside the log is passed over: the log has the hash of those that were written by an engine.
#[test]
fn a_snapshot_that_the_log_does_not_vouch_for_is_passed_over() {
    let mut scene = Scene::desk(|_| {});
    scene.done(Command::Kill { scope: Scope::All, reason: "a drill".into() });
    scene.engine.snapshot().expect("written");
    let honest = scene.engine.state().bytes();
    let Scene { mut engine, now, .. } = scene;
    let next = engine.log().next() - 1;
    let mut forged = engine.state().clone();
    let _ = forged.guards.release(&Scope::All);
    let id = *engine.log().id();
    let mut disk = engine.close().expect("sealed");
    let (found, _) = snapshot::newest(&disk, &id, u64::MAX).expect("a folder");
    let Snapshot { chain, state, .. } = found.expect("a snapshot");
    assert_eq!(Some(&state), honest.as_ref());
    disk.remove(&snapshot::name(next)).expect("removed");
    let state = forged.bytes().expect("bytes");
    snapshot::write(&mut disk, &id, &Snapshot { next, chain, state }).expect("written");
    let opened = Engine::open(disk.crash(), Settings::default(), VENUES, now).expect("opens");
    assert_eq!(opened.unsound.len(), 1, "{:?}", opened.unsound);
    assert!(opened.engine.state().guards.kills().next().is_some());
}

/// One price can turn every account of a large book: that is one record, and it is written.
#[test]
fn a_crash_of_a_large_book_is_one_record() {
    let example = book("margin");
    let mut scene = Scene::on(Disk::new(1), &example, |_| {});
    let joint = example.accounts.iter().find(|listed| listed.name == "joint").expect("an account");
    for thousand in 0..60 {
        let positions = (0..1000).map(|number| Position {
            account: format!("joint {thousand} {number}"),
            owner: "desk".into(),
            group: String::new(),
            holds: joint.account.clone(),
        });
        scene.done(Command::Positions { market: "desk".into(), positions: positions.collect() });
    }
    let before = scene.engine.log().next();
    scene.price("SOL/USD", "80.20");
    let called = scene.engine.state().rows.iter().filter(|row| matches!(row.life.state, Life::Called { .. }));
    assert!(called.count() > 60_000);
    assert_eq!(scene.engine.log().next(), before + 1);
}

/// An account that a followed market was told about too long ago is told to be unknown, with its market.
#[test]
fn who_is_not_seen_is_told() {
    let mut scene = Scene::desk(|founding| {
        founding.config.followed = BTreeSet::from(["desk".into()]);
        founding.config.sight = 60 * SECOND;
    });
    scene.pass(61 * SECOND);
    let unseen = |scene: &Scene| {
        count(scene, |alert| matches!(alert, Alert::Unseen { market, .. } if market == "desk"))
    };
    assert_eq!(unseen(&scene), 1);
    assert_eq!(scene.engine.machine().watch().below(scene.place("joint")), None);
    let intend = intend(&mut scene, "joint").outcome;
    assert!(matches!(intend, Err(Refused::Unknown { .. })), "unknown, and not healthy: {intend:?}");
}

/// What was not sent was not carried out, and a trade as an agent closes what is held when it is carried out.
#[test]
fn what_is_carried_out_was_sent_and_opens_nothing() {
    let escalated = || {
        let mut scene = Scene::desk(|_| {});
        scene.price("SOL/USD", "80.20");
        scene.pass(HOUR);
        let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
        (scene, intent)
    };
    let carried = |intent| Command::Resolve { intent, outcome: Outcome::Carried };
    let (mut scene, intent) = escalated();
    assert!(matches!(scene.ask(carried(intent)).outcome, Err(Refused::Unfit(_))));
    let (mut scene, intent) = escalated();
    scene.done(Command::Send { intent, external: "7".into() });
    // The owner pays in and closes most of it himself.
    let (into, perp) = (place(&scene, "USDC", Kind::Receipt), place(&scene, "SOL-PERP", Kind::Derivative));
    let decimals = scene.engine.state().feeds["SOL/USD"].decimals;
    let price = Int::from(U256::from(8020 * 10_u128.pow(u32::from(decimals) - 2)));
    let steps = [
        Action::Deposit { into, amount: Amount::Assets(units(&scene, into, 50_000)) },
        Action::Fill { instrument: perp, quantity: Int::from(units(&scene, perp, 250)).neg(), price },
    ];
    let step = |action| Step { actor: "joint".into(), account: "joint".into(), action };
    scene.done(Command::Act { market: "desk".into(), steps: steps.map(step).to_vec() });
    assert!(matches!(scene.ask(carried(intent)).outcome, Err(Refused::Unfit(_))));
    let account = &scene.engine.state().book.accounts[scene.place("joint") as usize].account;
    assert_eq!(account.quantity(perp), Int::from(units(&scene, perp, 50)));
}

/// A slice of what is to be closed ends no escalation, and gives nobody a later deadline.
#[test]
fn a_part_ends_nothing() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "80.20");
    scene.pass(HOUR);
    for _ in 0..2 {
        let intent =
            intend_as(&mut scene, "joint", "reduce", 1).outcome.expect("intended").expect("a number");
        scene.done(Command::Send { intent, external: "7".into() });
        scene.done(Command::Resolve { intent, outcome: Outcome::Carried });
        assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: true });
    }
}

/// Silence that nobody was told of is an outage all the same: the first price after it liquidates nobody, and a deadline that passed
/// meanwhile has passed.
#[test]
fn what_time_brought_about_comes_before_what_is_heard() {
    let mut scene = Scene::desk(|founding| founding.config.grace = 60 * SECOND);
    scene.now += HOUR;
    scene.price("SOL/USD", "79.90");
    let held = intend(&mut scene, "joint").outcome;
    assert!(matches!(held, Err(Refused::Held(Held::Waits(_)) | Refused::Unknown { .. })), "{held:?}");
    // Paid in a second after the deadline, with nothing said in between.
    let mut scene = Scene::desk(|founding| {
        founding.sources.iter_mut().for_each(|source| source.rule.max_age = 10 * HOUR);
    });
    scene.price("SOL/USD", "80.20");
    scene.now += HOUR + SECOND;
    let perp = place(&scene, "SOL-PERP", Kind::Derivative);
    let mut holds = scene.engine.state().book.accounts[scene.place("joint") as usize].account.clone();
    holds.set(perp, Int::from(units(&scene, perp, 10)));
    let positions =
        vec![Position { account: "joint".into(), owner: "desk".into(), group: String::new(), holds }];
    scene.done(Command::Positions { market: "desk".into(), positions });
    assert_eq!((told(&scene, "joint", "escalated"), told(&scene, "joint", "met")), (1, 0));
}

/// Whoever was shown to be called is named: another in his place, or more of what they hold, is another change.
#[test]
fn an_approval_names_whom_it_calls() {
    let mut scene = Scene::desk(|_| {});
    let (group, terms) = scene.founding.config.terms.first_key_value().expect("a policy");
    let (group, terms) = (group.clone(), Terms { warning: (60, 10), call: (50, 10), ..*terms });
    scene.price("SOL/USD", "97");
    let proposal = scene.done_as("ann", Command::Propose(Change::Terms(group, terms))).expect("a number");
    let shown = scene.engine.state().proposals[&proposal].impact.called;
    scene.price("SOL/USD", "82");
    let answer = scene.ask_as("bob", Command::Approve { proposal }).outcome;
    let Err(Refused::Moved(now)) = answer else { panic!("{answer:?}, shown {shown}") };
    assert!(now.called > shown, "{now:?}");
}
