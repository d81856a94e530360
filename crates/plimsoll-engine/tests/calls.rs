//! Margin calls: scenes by hand, and random lives judged by what a call promises.

use plimsoll_engine::calls::{Cause, Event, Level, Life, Policy, Seen, State};
use plimsoll_engine::random::Random;

const GRACE: u64 = 1000;
const POLICY: Policy = Policy { grace: GRACE, escalates: true };

fn seen(level: Level, missing: u128, cause: Cause) -> Seen {
    Seen { level: Some(level), missing, cause }
}

fn world(level: Level, missing: u128) -> Seen {
    seen(level, missing, Cause::World)
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
    live(&mut life, &POLICY, &world(Level::Call, 70), 0);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), 999), [Event::Withdrawn]);
    live(&mut life, &POLICY, &world(Level::Call, 70), 1000);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 1999), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 2000), [Event::Escalated]);
    assert!(life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 2001), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Warning, 0), 2002), [Event::Settled, Event::Warned]);
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
    live(&mut life, &POLICY, &world(Level::Call, 70), 0);
    assert_eq!(live(&mut life, &POLICY, &UNKNOWN, 5000), []);
    assert!(!life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &world(Level::Line, 0), 5001), [Event::BelowLine]);
    life.apply(&Event::Intended { intent: 9 });
    assert_eq!(life.state, State::Liquidating { intent: 9, by_call: false });
    for level in [Level::Above, Level::Call, Level::Line, Level::Bad] {
        assert_eq!(live(&mut life, &POLICY, &seen(level, 0, Cause::World), 5002), []);
    }
    assert!(!life.may_be_liquidated(), "one intent at a time");
    life.apply(&Event::Abandoned);
    assert!(life.may_be_liquidated());
    assert_eq!(live(&mut life, &POLICY, &world(Level::Bad, 0), 5003), [Event::BecameBad]);
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
        // The deadline of a call that falling below the line ended.
        let mut fell = None;
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
                        assert_eq!(deadline, fell.unwrap_or(now + policy.grace), "seed {seed}");
                        call = Some(deadline);
                    }
                    Event::Met
                    | Event::Withdrawn
                    | Event::Escalated
                    | Event::BelowLine
                    | Event::BecameBad => {
                        let deadline = call.take();
                        fell = deadline.or(fell);
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
                    Event::PartlyMet { .. }
                    | Event::Widened { .. }
                    | Event::Moved { .. }
                    | Event::Overdue => {
                        assert!(call.is_some(), "seed {seed}: {event:?} of no call");
                    }
                    _ => {}
                }
            }
            known = level.unwrap_or(known);
            if !matches!(life.state, State::Called { .. } | State::Liquidatable { .. }) {
                fell = None;
            }
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

/// A dip below the line and back gives nobody a later deadline, and one that passed meanwhile has passed.
#[test]
fn a_dip_below_the_line_moves_no_deadline() {
    let mut life = Life::default();
    let deadline = GRACE;
    let called = Event::Called { deadline, missing: 70 };
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 0), [called]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Line, 0), 10), [Event::BelowLine]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), 20), [Event::Recovered, called]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Line, 0), 30), [Event::BelowLine]);
    let late = [Event::Recovered, called, Event::Escalated];
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), GRACE), late);
    // Escalated, it can still fall below the line, and that is told.
    assert_eq!(live(&mut life, &POLICY, &world(Level::Line, 0), GRACE + 1), [Event::BelowLine]);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), GRACE + 2), [Event::Recovered]);
    // Above every level it is forgotten: what comes then is a new call.
    assert_eq!(live(&mut life, &POLICY, &world(Level::Line, 0), GRACE + 3), [Event::BelowLine]);
    let called = Event::Called { deadline: 2 * GRACE + 4, missing: 70 };
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), GRACE + 4), [Event::Recovered, called]);
}

/// An account that was called and holds nothing any more is closed; one that was never called goes without a word.
#[test]
fn what_is_emptied_is_closed() {
    let mut life = Life::default();
    assert_eq!(live(&mut life, &POLICY, &world(Level::Gone, 0), 0), []);
    live(&mut life, &POLICY, &world(Level::Call, 70), 1);
    let gone = seen(Level::Gone, 0, Cause::Owner);
    assert_eq!(live(&mut life, &POLICY, &gone, 2), [Event::Met, Event::Closed]);
    assert_eq!(life.state, State::Closed);
    assert_eq!(live(&mut life, &POLICY, &gone, 3), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), 4), [Event::Cleared]);
    assert_eq!(life.state, State::Healthy);
}

/// An intent on an account whose call had passed, and that comes to nothing, leaves it as it was.
#[test]
fn what_was_liquidatable_by_its_call_still_is_when_an_intent_is_abandoned() {
    let mut life = Life::default();
    live(&mut life, &POLICY, &world(Level::Call, 70), 0);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), GRACE), [Event::Escalated]);
    life.apply(&Event::Intended { intent: 1 });
    life.apply(&Event::Abandoned);
    assert_eq!(life.state, State::Liquidatable { by_call: true });
    assert_eq!(live(&mut life, &POLICY, &world(Level::Call, 70), GRACE + 1), []);
    assert_eq!(live(&mut life, &POLICY, &world(Level::Above, 0), GRACE + 2), [Event::Settled]);
}
