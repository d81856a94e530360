//! Incidents of other systems about configuration, feeds and control, played here: with the guard off there is the damage, with it on
//! there is none. Which they are stands in docs/engine.md.

#![allow(clippy::expect_used)] // what a scene needs and does not find has failed the test

mod leaky;
mod scene;

use plimsoll_core::{
    Action, Amount, Decimal, GraphError, InstrumentId, Origin, Price, PriceUnit, Rounding, U256,
};
use plimsoll_engine::calls::State as Life;
use plimsoll_engine::config::{Change, Founding};
use plimsoll_engine::feed::Quote;
use plimsoll_engine::guard::{Held, Waits};
use plimsoll_engine::random::Random;
use plimsoll_engine::record::{Alert, Answer, Command, Outcome, Refused, Release, Step};
use plimsoll_engine::{Stamp, keeper};
use scene::{HOUR, SECOND, Scene};

/// Two origins of three, a jump of 5 %, and nothing older than two minutes.
fn guarded(founding: &mut Founding) {
    for source in &mut founding.sources {
        let rule = &mut source.rule;
        (rule.quorum, rule.jump_quorum, rule.jump, rule.max_age) = (2, 2, 50_000, 120 * SECOND);
    }
}

/// What one source says.
fn says(scene: &mut Scene, feed: &str, [source, origin]: [&str; 2], price: &str, observed: Stamp) -> Answer {
    let decimals = scene.engine.state().feeds[feed].decimals;
    let price: Decimal = price.parse().expect("a price");
    let value = price.scaled_amount(decimals).ok().and_then(|value| value.to_u128()).expect("fits");
    let quote = Quote { source: source.into(), origin: origin.into(), value, unsure: 0, observed };
    scene.ask(Command::Quote { feed: feed.into(), quote })
}

/// Every feed, from three origins, as the example has it but for one.
fn hear(scene: &mut Scene, but: &str, prices: [&str; 3]) {
    let feeds = [
        ("SOL/USD", "100"),
        ("SOL index", "100"),
        ("ETH/USD", "2500"),
        ("BTC/USD", "90000"),
        ("BTC/ETH", "36"),
    ];
    for (feed, usual) in feeds {
        let prices = if feed == but { prices } else { [usual; 3] };
        for (origin, price) in ["north", "east", "south"].into_iter().zip(prices) {
            let now = scene.now;
            says(scene, feed, [origin, origin], price, now);
        }
    }
}

/// Everything that a plain keeper can have done now.
fn keep(scene: &mut Scene) -> Vec<Answer> {
    let places: Vec<u32> = keeper::liquidatable(scene.engine.state()).collect();
    let mut answers = Vec::new();
    for place in places {
        let Some(action) = keeper::plan(scene.engine.state(), place) else { continue };
        let account = scene.engine.state().book.accounts[place as usize].name.clone();
        let (market, strategy) = ("desk".into(), "plain".into());
        answers.push(scene.ask(Command::Intend { market, account, action, strategy, price: None }));
    }
    answers
}

fn acted(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.outcome.is_ok()).count()
}

fn alerts(scene: &Scene, of: impl Fn(&Alert) -> bool) -> usize {
    scene.engine.state().alerts.values().filter(|raised| of(&raised.of)).count()
}

fn receipt(scene: &Scene, asset: &str) -> InstrumentId {
    let market = &scene.engine.state().book.markets[0].market;
    let found = market
        .instruments()
        .iter()
        .position(|one| one.asset == asset && one.kind == plimsoll_core::Kind::Receipt);
    InstrumentId(found.expect("an asset") as u32)
}

fn tokens(scene: &Scene, asset: &str, whole: u64) -> Amount {
    let market = &scene.engine.state().book.markets[0].market;
    let decimals = market.instruments()[receipt(scene, asset).index()].decimals;
    Amount::Assets(U256::pow10(decimals).and_then(|one| one.mul(U256::from(whole))).expect("an amount"))
}

fn act(scene: &mut Scene, account: &str, action: Action) -> Answer {
    let steps = vec![Step { actor: account.into(), account: account.into(), action }];
    scene.ask(Command::Act { market: "desk".into(), steps })
}

#[test]
fn f2_what_is_late_is_told_and_the_rest_is_the_share_that_is_protected() {
    let mut scene = Scene::desk(|founding| founding.config.late = 10 * 60 * SECOND);
    let mut random = Random(2);
    let (mut late, mut told) = (0, 0);
    for _ in 0..30 {
        scene.pass(60 * SECOND);
        scene.price("SOL/USD", "79.90");
        let Some(Answer { outcome: Ok(Some(intent)), .. }) = keep(&mut scene).first().cloned() else {
            scene.price("SOL/USD", "100");
            continue;
        };
        scene.done(Command::Send { intent, external: format!("order {intent}") });
        let minutes = 1 + random.below(60);
        for _ in 0..minutes {
            scene.pass(60 * SECOND);
        }
        late += usize::from(minutes > 10);
        told += alerts(&scene, |alert| *alert == Alert::Late(intent));
        scene.done(Command::Resolve {
            intent,
            outcome: Outcome::Abandoned { why: "the chain is full".into() },
        });
        scene.price("SOL/USD", "100");
    }
    assert!(late > 5, "{late}");
    assert_eq!(told, late);
}

#[test]
fn f3_one_venue_at_a_third_more_for_an_hour() {
    let play = |guard: fn(&mut Founding)| {
        let mut scene = Scene::desk(guard);
        hear(&mut scene, "", ["", "", ""]);
        // Two of the example are below their lines as it is.
        assert_eq!(acted(&keep(&mut scene)), 2);
        let mut actions = 0;
        for minute in 0..60 {
            scene.now += 60 * SECOND;
            hear(&mut scene, "SOL/USD", ["70", "100", "100.1"]);
            if minute == 0 {
                assert_eq!(
                    alerts(&scene, |alert| matches!(alert, Alert::Deviates { .. })),
                    1,
                    "told at once"
                );
            }
            actions += acted(&keep(&mut scene));
        }
        actions
    };
    assert_eq!(play(guarded), 0);
    // Who listens to that venue alone acts.
    let mut scene = Scene::desk(|_| {});
    keep(&mut scene);
    scene.price("SOL/USD", "70");
    assert!(acted(&keep(&mut scene)) > 0);
}

/// Euler 2023 and Abracadabra 2025: an operation, or an order of operations, that leaves out the check.
#[test]
fn f9_f10_no_batch_leaves_a_healthy_account_below_its_line() {
    let book = scene::book("margin");
    let mut scene = leaky::desk(&book);
    let mut random = Random(9);
    let mut refused = 0;
    for _ in 0..300 {
        let accounts = scene.engine.state().book.accounts.len() as u64;
        let book = &scene.engine.state().book;
        let listed = &book.accounts[random.below(accounts) as usize];
        let receipts: Vec<_> = {
            let market = &book.markets[0].market;
            let kind = |id: InstrumentId| market.instruments()[id.index()].kind;
            let held = listed.account.holdings().iter();
            held.filter(|held| kind(held.instrument) == plimsoll_core::Kind::Receipt).copied().collect()
        };
        let steps: Vec<Step> = (0..1 + random.below(4))
            .filter_map(|_| {
                let held = receipts.get(random.below(receipts.len() as u64) as usize)?;
                let part = U256::from(1 + random.below(60));
                let amount = held.quantity.magnitude().mul_div(part, U256::from(100_u64), Rounding::Down)?;
                let (account, amount) = (listed.name.clone(), Amount::Assets(amount));
                let action = match random.below(3) {
                    0 => Action::Deposit { into: held.instrument, amount },
                    // The hole: it asks nobody about health.
                    _ => Action::Withdraw { from: held.instrument, amount },
                };
                Some(Step { actor: account.clone(), account, action })
            })
            .collect();
        let below = |scene: &Scene| -> Vec<u32> {
            let all = 0..scene.engine.state().book.accounts.len() as u32;
            all.filter(|place| scene.engine.machine().watch().below(*place) == Some(true)).collect()
        };
        let before = below(&scene);
        let answer = scene.ask(Command::Act { market: "desk".into(), steps });
        refused += usize::from(matches!(answer.outcome, Err(Refused::WouldBeUnhealthy { .. })));
        assert!(below(&scene).iter().all(|place| before.contains(place)), "{answer:?}");
    }
    assert!(refused > 20, "the market's own hole was open {refused} times");
}

#[test]
fn f11_sources_of_one_origin_are_one() {
    let play = |one_pool: bool| {
        let mut scene = Scene::desk(|founding| {
            guarded(founding);
            founding.sources.iter_mut().for_each(|source| source.rule.jump = 200_000);
        });
        hear(&mut scene, "SOL/USD", ["80.5", "80.5", "80.5"]);
        scene.now += 10 * SECOND;
        let now = scene.now;
        // Six honest sources around 80.5, where the account stands; five that read one pool, which somebody moved by a tenth.
        for (at, price) in ["79.9", "80.3", "80.5", "80.6", "80.7", "80.9"].iter().enumerate() {
            let name = format!("honest {at}");
            says(&mut scene, "SOL/USD", [&name, &name], price, now);
        }
        for source in ["north", "east", "south"] {
            says(&mut scene, "SOL/USD", [source, source], "80.5", now - 200 * SECOND);
        }
        for at in 0..5 {
            let name = format!("pool {at}");
            let origin = if one_pool { "pool".to_string() } else { name.clone() };
            says(&mut scene, "SOL/USD", [&name, &origin], "72", now);
        }
        scene.now += 115 * SECOND;
        scene.done(Command::Tick);
        scene.life("joint")
    };
    assert!(!matches!(play(true), Life::Liquidatable { .. }));
    assert!(matches!(play(false), Life::Liquidatable { .. }));
}

/// zkLend and Balancer 2025: amounts so small that rounding is all of them, again and again.
#[test]
fn f12_small_amounts_gain_nobody_anything() {
    let mut scene = Scene::desk(|_| {});
    let usdc = receipt(&scene, "USDC");
    let held = |scene: &Scene| {
        scene.engine.state().book.accounts[scene.place("idle") as usize].account.quantity(usdc)
    };
    let (before, mut random, mut paid, mut got) = (held(&scene), Random(12), U256::ZERO, U256::ZERO);
    for _ in 0..2_000 {
        let amount = U256::from(1 + random.below(32));
        if random.below(2) == 0 {
            let answer =
                act(&mut scene, "idle", Action::Deposit { into: usdc, amount: Amount::Assets(amount) });
            paid = if answer.outcome.is_ok() { paid.add(amount).expect("fits") } else { paid };
        } else {
            let answer =
                act(&mut scene, "idle", Action::Withdraw { from: usdc, amount: Amount::Assets(amount) });
            got = if answer.outcome.is_ok() { got.add(amount).expect("fits") } else { got };
        }
    }
    let gained = held(&scene).sub(before).expect("fits");
    let given = plimsoll_core::Int::from(paid).sub(plimsoll_core::Int::from(got)).expect("fits");
    assert!(gained <= given, "{gained} came of {given}");
}

/// JELLY 2025: one account may not take the others' collateral with it. What stands behind an account is its own; a loss beyond is told
/// as bad debt, and the stages that bear it are the waterfall's (`p74_stages_in_their_order_bear_the_loss`).
#[test]
fn f13_a_loss_beyond_an_account_touches_no_other() {
    let mut scene = Scene::desk(|_| {});
    let others = |scene: &Scene| -> Vec<_> {
        let accounts = &scene.engine.state().book.accounts;
        accounts.iter().filter(|listed| listed.name != "sunk").map(|listed| listed.account.clone()).collect()
    };
    let before = others(&scene);
    scene.price("SOL/USD", "99");
    for answer in keep(&mut scene) {
        if let Ok(Some(intent)) = answer.outcome {
            let mine = scene.engine.state().intents[&intent].act.account == "sunk";
            let outcome = if mine { Outcome::Carried } else { Outcome::Abandoned { why: "not now".into() } };
            scene.ask(Command::Resolve { intent, outcome });
        }
    }
    assert_eq!(others(&scene), before);
}

#[test]
fn f15_after_a_halt_nothing_is_done_on_old_prices() {
    let mut scene = Scene::desk(|founding| {
        guarded(founding);
        founding.config.grace = 60 * SECOND;
    });
    hear(&mut scene, "", ["", "", ""]);
    scene.now += HOUR * 8;
    // It resumes with what it had, twenty percent off: nothing is known, and nothing done.
    let disk = scene.engine.close().expect("closed");
    let opened = plimsoll_engine::engine::Engine::open(
        disk,
        plimsoll_engine::Settings::default(),
        scene::VENUES,
        scene.now,
    );
    scene.engine = opened.expect("opens").engine;
    scene.done(Command::Tick);
    assert_eq!(acted(&keep(&mut scene)), 0);
    assert_eq!(scene.engine.machine().watch().below(scene.place("joint")), None);
    // One source of three is back, then two: known, and held until all have been back for a while.
    let now = scene.now;
    says(&mut scene, "SOL/USD", ["north", "north"], "79", now);
    assert_eq!(scene.engine.machine().watch().below(scene.place("joint")), None);
    hear(&mut scene, "SOL/USD", ["79", "79", "79"]);
    let held = keep(&mut scene);
    assert!(!held.is_empty());
    assert!(
        held.iter()
            .all(|answer| matches!(answer.outcome, Err(Refused::Held(Held::Waits(Waits::Grace { .. })))))
    );
    scene.now += 60 * SECOND;
    hear(&mut scene, "SOL/USD", ["79", "79", "79"]);
    assert!(acted(&keep(&mut scene)) > 0);
}

#[test]
fn f17_a_price_a_million_times_too_high_buys_nothing() {
    let borrow = |scene: &mut Scene| {
        let usdc = tokens(scene, "USDC", 5_000_000);
        let market = &scene.engine.state().book.markets[0].market;
        let debt = market
            .instruments()
            .iter()
            .position(|one| one.asset == "USDC" && one.kind == plimsoll_core::Kind::Debt);
        let debt = InstrumentId(debt.expect("a debt") as u32);
        act(scene, "borrower", Action::Borrow { debt, amount: usdc })
    };
    let mut scene = Scene::desk(guarded);
    hear(&mut scene, "", ["", "", ""]);
    hear(&mut scene, "ETH/USD", ["2500000000", "2500", "2500"]);
    assert!(borrow(&mut scene).outcome.is_err(), "the others know better");
    scene.now += 10 * SECOND;
    hear(&mut scene, "ETH/USD", ["2500000000", "2500", "2500"]);
    assert!(borrow(&mut scene).outcome.is_err());
    let mut scene = Scene::desk(|_| {});
    scene.price("ETH/USD", "2500000000");
    borrow(&mut scene).outcome.expect("the damage");
}

/// A graph in which one price is something else.
fn other(scene: &Scene, name: &str, origin: Origin) -> Result<plimsoll_core::Graph, GraphError> {
    let mut graph = plimsoll_core::Graph::default();
    for price in scene.engine.state().book.graph.prices() {
        let origin = if price.name == name { origin.clone() } else { price.origin.clone() };
        graph.add(Price { origin, ..price.clone() })?;
    }
    Ok(graph)
}

#[test]
fn f18_a_feed_without_its_factor_is_refused_before_it_is_in_force() {
    let mut scene =
        Scene::desk(|founding| (founding.config.flips, founding.config.flips_value) = (100_000, 100_000));
    // The ratio alone, taken for dollars: the unit says no.
    let mut graph = plimsoll_core::Graph::default();
    let unit = |text| PriceUnit::parse(text).expect("a unit");
    let ratio = Origin::Constant("1.12".parse().expect("a number"));
    let leg = graph
        .add(Price { name: "cbETH/ETH".into(), unit: unit("ETH/cbETH"), origin: ratio })
        .expect("a price");
    let product = Origin::Product { legs: vec![leg], decimals: 8, rounding: Rounding::Down };
    let wrong = graph.add(Price { name: "cbETH/USD".into(), unit: unit("USD/cbETH"), origin: product });
    assert!(matches!(wrong, Err(GraphError::Unit { .. })), "{wrong:?}");
    // Where the unit is claimed to be right, the book says no: 2,500 becomes 1.12.
    let graph = other(&scene, "ETH/USD", Origin::Constant("1.12".parse().expect("a number")))
        .expect("units that fit");
    let answer = scene.ask_as("ann", Command::Propose(Change::Prices(graph)));
    let Err(Refused::TooMuch(impact)) = answer.outcome else { panic!("{answer:?}") };
    assert!(impact.first.contains(&"desk:borrower".to_string()), "{impact:?}");
    assert_eq!(scene.life("borrower"), Life::Healthy);
}

#[test]
fn f19_a_change_says_whom_it_touches_and_takes_two() {
    let mut scene = Scene::desk(|_| {});
    // 2.85 % low, as the cap of March 2026 was; at 88.00 that is the line of nobody, at 82.30 of one account.
    scene.price("SOL/USD", "82.30");
    let graph = other(&scene, "SOL/USD", Origin::Constant("79.95".parse().expect("a number"))).expect("fits");
    let proposal = scene.done_as("ann", Command::Propose(Change::Prices(graph))).expect("a number");
    let impact = &scene.engine.state().proposals[&proposal].impact;
    assert_eq!(
        (impact.flips.accounts[0], impact.first.as_slice()),
        (1, ["desk:joint".to_string()].as_slice())
    );
    assert_eq!(scene.life("joint"), Life::Healthy, "nothing is in force");
    let same = scene.ask_as("ann", Command::Approve { proposal });
    assert_eq!(same.outcome, Err(Refused::SamePerson));
    assert_eq!(scene.ask_as("desk", Command::Approve { proposal }).outcome, Err(Refused::NotAPerson));
    scene.done_as("bob", Command::Reject { proposal });
    assert_eq!(scene.life("joint"), Life::Healthy);
}

#[test]
fn f20_a_price_of_zero_liquidates_nobody() {
    let mut scene = Scene::desk(guarded);
    hear(&mut scene, "", ["", "", ""]);
    let kept = acted(&keep(&mut scene));
    let now = scene.now;
    let zero = says(&mut scene, "BTC/USD", ["north", "north"], "0", now);
    assert!(matches!(zero.outcome, Err(Refused::Quote(_))));
    assert_eq!(
        (acted(&keep(&mut scene)), scene.engine.machine().watch().counts()[1]),
        (0, 0),
        "{kept} before"
    );
    // As good as zero, from all: so many flip at once that it is the price.
    let mut scene = Scene::desk(|founding| {
        (founding.config.flips, founding.config.flips_value, founding.config.flips_least) =
            (150_000, 200_000, 1);
    });
    for feed in ["BTC/USD", "ETH/USD", "SOL/USD"] {
        scene.price(feed, "0.01");
    }
    let held = keep(&mut scene);
    assert!(
        held.iter().all(|answer| matches!(answer.outcome, Err(Refused::Held(Held::Broken(_))))),
        "{held:?}"
    );
    assert!(!held.is_empty());
    assert_eq!(alerts(&scene, |alert| *alert == Alert::Breaker), 1);
    scene.done_as("ann", Command::Release(Release::Breaker));
    assert!(acted(&keep(&mut scene)) > 0, "a person has looked");
}

#[test]
fn f24_who_repeats_himself_is_stopped_until_a_person_lets_him_go_on() {
    let mut scene = Scene::desk(|founding| founding.config.repeats = 5);
    scene.price("SOL/USD", "79");
    let mut intents = 0;
    for _ in 0..212 {
        let answers = keep(&mut scene);
        for answer in &answers {
            if let Ok(Some(intent)) = answer.outcome {
                intents += usize::from(scene.engine.state().intents[&intent].act.account == "joint");
                scene.done(Command::Resolve { intent, outcome: Outcome::Abandoned { why: "lost".into() } });
            }
        }
    }
    assert!(intents <= 5, "{intents}");
    assert_eq!(alerts(&scene, |alert| matches!(alert, Alert::Throttled(_))), 1);
    scene.done_as("bob", Command::Release(Release::Strategy("plain".into())));
    assert!(acted(&keep(&mut scene)) > 0);
}

#[test]
fn f25_nobody_is_kept_in_by_a_dead_feed() {
    let mut scene = Scene::desk(|_| {});
    scene.now += HOUR;
    scene.done(Command::Tick);
    assert_eq!(scene.engine.machine().watch().below(scene.place("borrower")), None);
    let market = &scene.engine.state().book.markets[0].market;
    let debt = market
        .instruments()
        .iter()
        .position(|one| one.asset == "USDC" && one.kind == plimsoll_core::Kind::Debt);
    let (debt, amount) = (InstrumentId(debt.expect("a debt") as u32), tokens(&scene, "USDC", 1000));
    act(&mut scene, "borrower", Action::Repay { debt, amount }).outcome.expect("a repayment");
    let eth = receipt(&scene, "ETH");
    let amount = tokens(&scene, "ETH", 1);
    act(&mut scene, "borrower", Action::Deposit { into: eth, amount }).outcome.expect("a deposit");
    // What takes on risk waits.
    let amount = tokens(&scene, "ETH", 1);
    assert!(act(&mut scene, "borrower", Action::Withdraw { from: eth, amount }).outcome.is_err());
    // Who owes nothing needs no price.
    let (usdc, amount) = (receipt(&scene, "USDC"), tokens(&scene, "USDC", 25_000));
    act(&mut scene, "idle", Action::Withdraw { from: usdc, amount }).outcome.expect("all of it");
}

#[test]
fn f26_a_feed_that_an_account_does_not_hold_does_not_block_it() {
    let mut scene = Scene::desk(|_| {});
    scene.done(Command::Impair { feed: "BTC/USD".into(), reason: "a test".into() });
    scene.price("SOL/USD", "79");
    assert_eq!(scene.life("joint"), Life::Liquidatable { by_call: false });
    assert_eq!(scene.engine.machine().watch().below(scene.place("whale")), None);
    assert!(acted(&keep(&mut scene)) > 0);
}

#[test]
fn f27_silence_is_told_before_a_second_period_is_over() {
    let mut scene = Scene::desk(|_| {});
    let max_age = scene.founding.sources.iter().map(|source| source.rule.max_age).max().expect("a feed");
    scene.now += max_age + 1;
    scene.done(Command::Tick);
    let feeds = scene.engine.state().feeds.len();
    assert_eq!(alerts(&scene, |alert| matches!(alert, Alert::Feed { fresh: false, .. })), feeds);
}

#[test]
fn f28_one_failure_locks_nobody_out() {
    let mut scene = Scene::desk(|_| {});
    scene.price("SOL/USD", "79");
    let intent =
        keep(&mut scene).iter().find_map(|answer| answer.outcome.clone().ok().flatten()).expect("an intent");
    scene.done(Command::Resolve { intent, outcome: Outcome::Abandoned { why: "a transient error".into() } });
    scene.now += SECOND;
    assert!(acted(&keep(&mut scene)) > 0, "the next second may try again");
}
