//! Margin calls: scenes by hand, and random lives judged by what a call promises.

use plimsoll_engine::calls::{Cause, Event, Level, Life, Policy, Seen, State};
use plimsoll_engine::random::Random;

const GRACE: u64 = 1000;
const POLICY: Policy = Policy { grace: GRACE, escalates: true };

fn seen(level: Level, missing: u128, cause: Cause) -> Seen {
    Seen { level: Some(level), missing, cause }
}

const UNKNOWN: Seen = Seen { level: None, missing: 0, cause: Cause::World };

fn live(life: &mut Life, policy: &Policy, seen: &Seen, now: u64) -> Vec<Event> {
    let events = life.decide(policy, seen, now);
    events.iter().for_each(|event| life.apply(event));
    events
}

#[test]
fn a_call_is_partly_met_and_met() {
    let mut life = Life::default();
    let world = |level, missing| seen(level, missing, Cause::World);
    let owner = |level, missing| seen(level, missing, Cause::Owner);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Warning, 0), 1), [Event::Warned]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Warning, 0), 2), []);
    assert_eq!(
        live(&mut life, &POLICY, &world(Level::Call, 70), 3),
        [Event::Called { deadline: 1003, missing: 70 }]
    );
    assert_eq!(live(&mut life, &POLICY, &owner(Level::Call, 30), 4), [Event::PartlyMet { missing: 30 }]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 40), 5), [Event::Moved { missing: 40 }]);
    assert_eq!(life.state, State::Called { deadline: 1003, missing: 40 }, "the deadline stays");
    assert_eq!(live(&mut life, &POLICY, &owner(Level::Warning, 0), 6), [Event::Met, Event::Warned]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), 7), [Event::Cleared]);
    assert_eq!(life, Life::default());
}

#[test]
fn a_call_is_withdrawn_when_prices_recover_and_escalated_when_they_do_not() {
    let mut life = Life::default();
    let world = |level, missing| seen(level, missing, Cause::World);
    live(&mut life, &POLICY, &world(Level::Call, 70), 0);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), 999), [Event::Withdrawn]);
    live(&mut life, &POLICY, &world(Level::Call, 70), 1000);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 1999), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 2000), [Event::Escalated]);
    assert!(life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 2001), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Warning, 0), 2002), [Event::Recovered, Event::Warned]);
    // A policy that does not escalate tells it once.
    let patient = Policy { escalates: false, ..POLICY };
    let mut life = Life::default();
    live(&mut life, &patient, &world(Level::Call, 70), 0);
    assert_eq!(live(&mut life, &patient, &world(Level::Call, 70), 1000), [Event::Overdue]);
    assert_eq!(live(&mut life, &patient, &world(Level::Call, 60), 1001), [Event::Moved { missing: 60 }]);
    assert_eq!(live(&mut life, &patient, &world(Level::Line, 0), 1002), [Event::BelowLine]);
}

/// While nothing is known nothing happens, at the deadline neither; an intent that is out is left to its outcome.
#[test]
fn what_is_unknown_or_under_way_is_left_alone() {
    let mut life = Life::default();
    live(&mut life, &POLICY, &seen(Level::Call, 70, Cause::World), 0);
    assert_eq!(live(&mut life, &POLICY, &UNKNOWN, 5000), []);
    assert!(!life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &seen(Level::Line, 0, Cause::World), 5001), [Event::BelowLine]);
    life.apply(&Event::Intended { intent: 9 });
    assert_eq!(life.state, State::Liquidating { intent: 9 });
    for level in [Level::Above, Level::Call, Level::Line, Level::Bad] {
        assert_eq!(live(&mut life, &POLICY, &seen(level, 0, Cause::World), 5002), []);
    }
    assert!(!life.may_be_liquidated(), "one intent at a time");
    life.apply(&Event::Abandoned);
    assert!(life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &seen(Level::Bad, 0, Cause::World), 5003), [Event::BecameBad]);
}

/// A life judged by its events alone: every call ends once, as it may; nobody is liquidatable whose last known level was above the call;
/// no deadline moves; deciding twice says nothing new.
#[test]
fn every_call_ends_once_and_nobody_healthy_is_liquidated() {
    let mut ends = [0; 4];
    for seed in 0..4000 {
        let mut random = Random(seed);
        let policy = Policy { grace: 1 + random.below(50), escalates: random.below(2) == 0 };
        let (mut life, mut now, mut known, mut call) = (Life::default(), 0, Level::Above, None);
        for _ in 0..60 {
            now += random.below(20);
            let levels = [
                Level::NoDebt,
                Level::Above,
                Level::Warning,
                Level::Call,
                Level::Call,
                Level::Line,
                Level::Bad,
            ];
            let level = (random.below(6) > 0).then(|| levels[random.below(7) as usize]);
            let cause = [Cause::Owner, Cause::World][random.below(2) as usize];
            let seen = Seen { level, missing: random.below(9).into(), cause };
            for event in live(&mut life, &policy, &seen, now) {
                match event {
                    Event::Called { deadline, .. } => {
                        assert_eq!(call, None, "seed {seed}: called while it is called");
                        assert_eq!(deadline, now + policy.grace);
                        call = Some(deadline);
                    }
                    Event::Met
                    | Event::Withdrawn
                    | Event::Escalated
                    | Event::BelowLine
                    | Event::BecameBad => {
                        let deadline = call.take();
                        if event == Event::Escalated {
                            assert!(
                                policy.escalates && deadline.is_some_and(|deadline| now >= deadline),
                                "seed {seed}"
                            );
                        }
                        if matches!(event, Event::Met | Event::Withdrawn) {
                            assert!(deadline.is_some(), "seed {seed}: {event:?} of no call");
                        }
                        let place = [Event::Met, Event::Withdrawn, Event::Escalated, Event::BelowLine];
                        if let Some(place) = place.iter().position(|one| *one == event) {
                            ends[place] += usize::from(deadline.is_some());
                        }
                    }
                    Event::PartlyMet { .. } | Event::Moved { .. } | Event::Overdue => {
                        assert!(call.is_some(), "seed {seed}: {event:?} of no call");
                    }
                    _ => {}
                }
            }
            known = level.unwrap_or(known);
            if let State::Called { deadline, .. } = life.state {
                assert_eq!(Some(deadline), call, "seed {seed}: the deadline moved");
            }
            if life.may_be_liquidated() {
                assert!(known >= Level::Call, "seed {seed}: liquidatable at {known:?}");
            }
            if known == Level::Line && level.is_some() {
                assert!(life.may_be_liquidated(), "seed {seed}");
            }
            assert_eq!(life.decide(&policy, &seen, now), [], "seed {seed}: decided twice");
        }
    }
    assert!(ends.iter().all(|times| *times > 500), "{ends:?}");
}
