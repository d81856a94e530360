//! An engine's decisions: scenes on a desk, each judged by what its venue's integers say.

#![allow(clippy::expect_used)] // what a scene needs and does not find has failed the test

mod scene;

use plimsoll_core::{Action, InstrumentId, Mechanism, U256};
use plimsoll_engine::calls::State as Life;
use plimsoll_engine::guard::{Held, Scope};
use plimsoll_engine::record::{Command, Outcome, Refused, Release};
use scene::{HOUR, SECOND, Scene};

fn reduce(scene: &Scene, perp: &str, whole: u64) -> Action {
    let market = &scene.engine.state().book.markets[0].market;
    let at = market.instruments().iter().position(|one| one.name.contains(perp)).expect("a perp");
    let decimals = market.instruments()[at].decimals;
    let size = U256::from(whole).mul(U256::pow10(decimals).expect("a power")).expect("a size");
    Action::Liquidate(Mechanism::Reduce { instrument: InstrumentId(at as u32), size })
}

fn intend(scene: &mut Scene, account: &str) -> plimsoll_engine::record::Answer {
    let action = reduce(scene, "SOL-PERP", 300);
    let (market, account, strategy) = ("desk".into(), account.into(), "reduce".into());
    scene.ask(Command::Intend { market, account, action, strategy, price: None })
}

#[test]
fn an_account_is_warned_called_and_liquidated_back_to_its_line() {
    let mut scene = Scene::desk(|_| {});
    assert_eq!(scene.life("joint"), Life::Healthy);
    // 390 P - 30,000 stands against 15 P: 1.2 times that at 80.645, 1.1 times at 80.321.
    scene.price("SOL/USD", "80.65");
    assert_eq!(scene.life("joint"), Life::Healthy);
    scene.price("SOL/USD", "80.64");
    assert_eq!(scene.life("joint"), Life::Warned);
    scene.price("SOL/USD", "80.33");
    assert_eq!(scene.life("joint"), Life::Warned);
    scene.price("SOL/USD", "80.32");
    // What is missing: 16.5 x 80.32 - (390 x 80.32 - 30,000) = 0.48, in millionths.
    assert_eq!(scene.life("joint"), Life::Called { deadline: scene.now + HOUR, missing: 480_000 });
    assert!(matches!(intend(&mut scene, "joint").outcome, Err(Refused::NotLiquidatable { .. })));
    // The last healthy price of the example is 80.00 (docs/margin.md).
    scene.price("SOL/USD", "80.00");
    assert!(!matches!(scene.life("joint"), Life::Liquidatable { .. }), "{:?}", scene.life("joint"));
    scene.price("SOL/USD", "79.99");
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: false });
    let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
    assert_eq!(scene.life("joint"), Life::Liquidating { intent, by_call: false });
    assert!(matches!(intend(&mut scene, "joint").outcome, Err(Refused::NotLiquidatable { .. })));
    scene.done(Command::Send { intent, external: "order 7".into() });
    scene.done(Command::Resolve { intent, outcome: Outcome::Carried });
    assert!(!matches!(scene.life("joint"), Life::Liquidatable { .. } | Life::Liquidating { .. }));
    assert_eq!(scene.engine.machine().watch().below(scene.place("joint")), Some(false));
    // Resolved once.
    let again = scene.ask(Command::Resolve { intent, outcome: Outcome::Carried });
    assert_eq!(again.outcome, Err(Refused::IsResolved));
}

#[test]
fn a_call_that_passes_its_deadline_is_escalated_by_the_clock() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "80.20");
    let Life::Called { deadline, .. } = scene.life("joint") else { panic!("{:?}", scene.life("joint")) };
    assert_eq!(deadline, scene.now + HOUR);
    scene.pass(HOUR - SECOND);
    assert!(matches!(scene.life("joint"), Life::Called { .. }));
    scene.pass(SECOND);
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: true });
    scene.price("SOL/USD", "100.00");
    assert!(!matches!(scene.life("joint"), Life::Liquidatable { .. }));
}

#[test]
fn what_is_not_known_is_not_acted_on() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "79.00");
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: false });
    // Nobody speaks for longer than the feed allows: the account is unknown, and keeps its state.
    scene.now += 301 * SECOND;
    scene.done(Command::Tick);
    assert_eq!(scene.engine.machine().watch().below(scene.place("joint")), None);
    assert!(matches!(intend(&mut scene, "joint").outcome, Err(Refused::Unknown { .. })));
    scene.pass(0);
    intend(&mut scene, "joint").outcome.expect("known again");
}

#[test]
fn p82_the_same_id_is_one_command() {
    use plimsoll_engine::record::Request;
    let mut scene = Scene::desk(|_| {});
    let request = |reason: &str| Request {
        id: "once".into(),
        by: scene::by("desk"),
        command: Command::Kill { scope: Scope::Account("joint".into()), reason: reason.into() },
        said: None,
    };
    let first = scene.engine.submit(scene.now, vec![request("why"), request("why")]).expect("durable");
    assert_eq!(first[0], first[1]);
    let next = scene.engine.log().next();
    let again = scene.engine.submit(scene.now + 1, vec![request("why")]).expect("durable");
    assert_eq!((again[0].clone(), scene.engine.log().next()), (first[0].clone(), next));
    let other = scene.engine.submit(scene.now, vec![request("another")]).expect("durable");
    assert!(matches!(other[0].outcome, Err(Refused::Unfit(_))));
    assert_eq!(scene.engine.log().next(), next);
}

#[test]
fn p87_after_a_kill_what_was_not_sent_is_not() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "79.00");
    let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
    scene.done(Command::Kill { scope: Scope::All, reason: "a drill".into() });
    assert!(scene.engine.state().intents.is_empty());
    assert_eq!(scene.ask(Command::Send { intent, external: "7".into() }).outcome, Err(Refused::IsResolved));
    assert!(matches!(intend(&mut scene, "joint").outcome, Err(Refused::Held(Held::Killed { .. }))));
    let release = Command::Release(Release::Kill(Scope::All));
    assert_eq!(scene.ask(release.clone()).outcome, Err(Refused::NotAPerson));
    scene.done_as("ann", release);
    intend(&mut scene, "joint").outcome.expect("intended again");
}

#[test]
fn p46_the_clock_does_not_go_back() {
    let mut scene = Scene::desk(|_| {});
    let was = scene.now;
    scene.now -= 1;
    assert_eq!(scene.ask(Command::Tick).outcome, Err(Refused::ClockBack { was }));
}

/// A whole day of random prices, actions and silence: after each command the index says of every account what its venue's integers do.
#[test]
fn what_is_watched_is_what_judging_everybody_says() {
    let mut random = plimsoll_engine::random::Random(7);
    let mut scene = Scene::desk(|_| {});
    for step in 0..400 {
        let feed = ["SOL/USD", "ETH/USD", "BTC/USD", "SOL index"][random.below(4) as usize];
        let around = match feed {
            "BTC/USD" => 90_000,
            "ETH/USD" => 2_500,
            _ => 85,
        };
        match random.below(5) {
            0 => scene.pass(random.below(200) * SECOND),
            1 => scene.now += random.below(100) * SECOND,
            _ => {
                let thousandths: u64 = around * (850 + random.below(300));
                scene.price(feed, &format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
            }
        }
        scene.done(Command::Tick);
        let state = scene.engine.state();
        let mut seen = [0; 3];
        for place in 0..state.book.accounts.len() as u32 {
            let sight = plimsoll_engine::watch::Watch::see(state, place);
            use plimsoll_engine::calls::Level;
            let below = sight.level.map(|level| matches!(level, Level::Line | Level::Bad));
            assert_eq!(
                scene.engine.machine().watch().below(place),
                below,
                "step {step}, account {place}: {sight:?}"
            );
            let life = state.rows[place as usize].life.state;
            let agrees = match below {
                Some(true) => matches!(life, Life::Liquidatable { .. } | Life::BadDebt),
                Some(false) => !matches!(life, Life::Liquidatable { by_call: false } | Life::BadDebt),
                None => true,
            };
            assert!(agrees, "step {step}, account {place}: {life:?}, {sight:?}");
            seen[below.map_or(2, usize::from)] += 1;
        }
        assert_eq!(scene.engine.machine().watch().counts()[1], seen[2], "step {step}");
    }
}

/// Whatever the log holds, replaying it gives the state that wrote it; from a snapshot too.
#[test]
fn p79_a_replay_is_the_life() {
    use plimsoll_engine::engine::Engine;
    use plimsoll_engine::{Settings, scan};
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "80.30");
    scene.price("SOL/USD", "79.00");
    let intent = intend(&mut scene, "joint").outcome.expect("intended").expect("a number");
    scene.done(Command::Send { intent, external: "7".into() });
    let at = scene.engine.snapshot().expect("stored");
    scene.pass(60 * SECOND);
    scene.done(Command::Resolve { intent, outcome: Outcome::Carried });
    let (live, now) = (scene.engine.state().hash(), scene.now);
    let mut disk = scene.engine.close().expect("closed");
    let replay = |disk: &plimsoll_engine::disk::Disk, since| {
        let mut machine = None;
        scan(disk, 0, None, &mut |number, payload, _| {
            plimsoll_engine::engine::replay(&mut machine, number, payload, scene::VENUES).expect("a record");
            if Some(number + 1) == since {
                let bytes = machine.as_ref().and_then(plimsoll_engine::state::State::bytes).expect("bytes");
                machine = plimsoll_engine::state::State::read(&bytes, scene::VENUES).ok();
            }
        })
        .expect("a log");
        machine.expect("a state").hash()
    };
    assert_eq!(replay(&disk, None), live);
    assert_eq!(replay(&disk, Some(at)), live, "a snapshot in the middle changes nothing");
    let full = Engine::open(&mut disk, Settings::default(), scene::VENUES, now).expect("opens");
    assert!(full.replayed > 0 && full.replayed < at, "only what comes after the snapshot is replayed");
    let with_start = full.engine.state().hash();
    let disk = full.engine.close().expect("closed");
    assert_eq!(replay(disk, None), with_start);
}
