//! The fault table of a feed: whatever happens to it, its state says so and its value starts nothing; and what no fault is goes through.

#![allow(clippy::expect_used)] // a feed that cannot be made has failed the test

use plimsoll_engine::feed::{Feed, Quote, Refused, Rule, State};
use plimsoll_engine::random::Random;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;
/// A dollar.
const USD: u128 = 100_000_000;

fn rule() -> Rule {
    Rule {
        max_age: 60 * SECOND,
        max_ahead: SECOND,
        floor: 10 * USD,
        ceiling: 1_000_000 * USD,
        confidence: 5000,
        jump: 100_000,
        quorum: 3,
        jump_quorum: 3,
    }
}

fn quote(source: &str, origin: &str, value: u128, observed: u64) -> Quote {
    Quote { source: source.into(), origin: origin.into(), value, unsure: 0, observed }
}

/// Three origins at 2500.
fn feed() -> Feed {
    let mut feed = Feed::new(rule()).expect("a rule that can be met");
    for origin in ["oracle", "kraken", "coinbase"] {
        feed.hear(quote(origin, origin, 2500 * USD, HOUR), HOUR).expect("taken");
    }
    assert_eq!(feed.state(HOUR), (State::Fresh, Some(2500 * USD)));
    feed
}

/// Event F3 (Compound, 2020-11-26): one venue 30 % too high for an hour. The value does not move, and nothing starts.
#[test]
fn f3_one_venue_moves_nothing() {
    let mut feed = feed();
    for minute in 1..60 {
        let now = HOUR + minute * 50 * SECOND;
        for origin in ["oracle", "kraken"] {
            feed.hear(quote(origin, origin, 2500 * USD, now), now).expect("taken");
        }
        feed.hear(quote("coinbase", "coinbase", 3250 * USD, now), now).expect("taken");
        assert_eq!(feed.value(now), Some(2500 * USD));
    }
}

/// Event F11 (UwU, 2024-06): five of eleven sources read one pool. They are one voice.
#[test]
fn f11_sources_of_one_origin_are_one_voice() {
    let mut feed = feed();
    for source in 0..5 {
        let name = format!("pool {source}");
        feed.hear(quote(&name, "curve", 4000 * USD, HOUR), HOUR).expect("taken");
    }
    // Four voices, of which one is at 4000: the mean of the two in the middle.
    assert_eq!(feed.value(HOUR), Some(2500 * USD));
    assert_eq!(feed.hear(quote("pool 0", "kraken", 4000 * USD, HOUR), HOUR), Err(Refused::OtherOrigin));
}

/// Event F7 (Venus, LUNA 2022-05): a feed that rests on its floor has failed.
#[test]
fn f7_a_feed_at_its_floor_has_failed() {
    let mut fallen = feed();
    let mut price = 2500 * USD;
    let mut now = HOUR;
    while price > 10 * USD {
        price = (price - price / 11).max(10 * USD);
        now += SECOND;
        for origin in ["oracle", "kraken", "coinbase"] {
            fallen.hear(quote(origin, origin, price, now), now).expect("taken");
        }
    }
    assert_eq!(fallen.value(now), None);
    assert!(matches!(fallen.state(now), (State::OutOfBounds { value }, Some(_)) if value == 10 * USD));
}

/// Events F17, F18 and F20: a price a million times too high, one without a factor, one of zero.
#[test]
fn f17_f18_f20_jumps_and_zeros_are_not_believed() {
    for (wrong, too_few) in [(2_500_000_000, 2), (1, 2), (3000, 1)] {
        let mut feed = feed();
        let now = HOUR + SECOND;
        for origin in ["oracle", "kraken", "coinbase"].iter().take(too_few) {
            feed.hear(quote(origin, origin, wrong * USD, now), now).expect("taken");
        }
        // One wrong origin of three moves no median; two do, and are too few for a jump.
        let believed = feed.value(now);
        assert_eq!(believed, if too_few == 1 { Some(2500 * USD) } else { None }, "{wrong}");
    }
    let mut feed = feed();
    assert_eq!(feed.hear(quote("oracle", "oracle", 0, HOUR), HOUR), Err(Refused::Zero));
    assert_eq!(feed.value(HOUR), Some(2500 * USD), "what was said before stands");
}

/// A crash is a jump that all see, and is believed at once; what only two see waits for the third or for a person.
#[test]
fn a_crash_that_all_see_is_believed() {
    let mut feed = feed();
    let now = HOUR + SECOND;
    for (place, origin) in ["oracle", "kraken", "coinbase"].into_iter().enumerate() {
        feed.hear(quote(origin, origin, 1700 * USD, now), now).expect("taken");
        match place {
            0 => assert_eq!(feed.value(now), Some(2500 * USD)),
            1 => assert!(matches!(feed.state(now).0, State::Jumped { origins: 2, .. })),
            _ => assert_eq!(feed.value(now), Some(1700 * USD)),
        }
    }
    let mut waiting = self::feed();
    for origin in ["oracle", "kraken"] {
        waiting.hear(quote(origin, origin, 1700 * USD, now), now).expect("taken");
    }
    assert_eq!(waiting.value(now), None);
    assert_eq!(waiting.confirm(now), Some(1700 * USD));
    assert_eq!(waiting.value(now), Some(1700 * USD));
}

#[test]
fn silence_disorder_doubt_and_people_are_told() {
    let mut feed = feed();
    assert_eq!(feed.value(HOUR + 60 * SECOND), Some(2500 * USD));
    assert_eq!(feed.state(HOUR + 60 * SECOND + 1), (State::Stale, Some(2500 * USD)));
    let late = HOUR + 50 * SECOND;
    feed.hear(quote("oracle", "oracle", 2500 * USD, late), late).expect("taken");
    let two = State::Degraded { origins: 1, quorum: 3 };
    assert_eq!(feed.state(HOUR + 61 * SECOND), (two, Some(2500 * USD)));
    let old = quote("oracle", "oracle", 2400 * USD, HOUR);
    assert_eq!(feed.hear(old, late), Err(Refused::OutOfOrder));
    let ahead = quote("oracle", "oracle", 2400 * USD, late + 2 * SECOND);
    assert_eq!(feed.hear(ahead, late), Err(Refused::Ahead));
    let unsure = Quote { unsure: 13 * USD, ..quote("kraken", "kraken", 2500 * USD, late) };
    feed.hear(unsure, late).expect("heard");
    assert!(matches!(feed.state(late).0, State::Degraded { origins: 2, .. }), "0.52 % is more than 0.5 %");
    assert_eq!(feed.skew(late), 50 * SECOND);
    let mut impaired = self::feed();
    impaired.impair(Some(("anna".into(), "minted without backing".into())));
    assert!(matches!(impaired.state(HOUR).0, State::Impaired { .. }));
    assert_eq!(impaired.value(HOUR), None);
    impaired.impair(None);
    assert_eq!(impaired.value(HOUR), Some(2500 * USD));
    for wrong in [
        Rule { quorum: 0, ..rule() },
        Rule { floor: USD, ceiling: USD, ..rule() },
        Rule { jump_quorum: 2, ..rule() },
    ] {
        assert_eq!(Feed::new(wrong), None);
    }
}

/// Of seven origins any three may say anything: the value stays between the least and the greatest of the other four.
#[test]
fn p60_a_minority_of_origins_moves_nothing_beyond_the_others() {
    let mut random = Random(60);
    for _ in 0..2000 {
        let mut feed = Feed::new(Rule { jump: u64::MAX, ..rule() }).expect("a rule that can be met");
        let mut honest = Vec::new();
        for origin in 0..7 {
            let name = format!("origin {origin}");
            let value = if origin < 4 {
                honest.push(2400 * USD + u128::from(random.below(200)) * USD);
                honest[origin]
            } else {
                1 + u128::from(random.bits()) * u128::from(1 + random.below(1 << 20))
            };
            feed.hear(quote(&name, &name, value, HOUR), HOUR).expect("taken");
        }
        let value = feed.value(HOUR).expect("seven origins");
        let (low, high) = (honest.iter().min().expect("four"), honest.iter().max().expect("four"));
        assert!(low <= &value && &value <= high, "{value} of {honest:?}");
    }
}

/// Two origins that contradict each other are no quorum of two, and no price between them is believed (nobody said it).
#[test]
fn of_two_that_contradict_each_other_nobody_is_believed() {
    let mut feed = Feed::new(Rule { quorum: 2, jump_quorum: 2, jump: 300_000, ..rule() }).expect("a rule");
    for origin in ["a", "b"] {
        feed.hear(quote(origin, origin, 2000 * USD, HOUR), HOUR).expect("taken");
    }
    let now = HOUR + SECOND;
    feed.hear(quote("a", "a", 1000 * USD, now), now).expect("taken");
    assert_eq!(feed.state(now), (State::Apart { agree: 0, origins: 2 }, Some(2000 * USD)));
    assert_eq!(feed.deviating(now), ["a", "b"]);
    // Near enough to their mean, and not to each other: 55 and 100 are no 77.5.
    let mut pair = Feed::new(Rule { quorum: 2, jump_quorum: 2, jump: 300_000, ..rule() }).expect("a rule");
    for origin in ["a", "b"] {
        pair.hear(quote(origin, origin, 100 * USD, HOUR), HOUR).expect("taken");
    }
    pair.hear(quote("a", "a", 55 * USD, now), now).expect("taken");
    assert!(matches!(pair.state(now).0, State::Apart { .. }));
    // A third that agrees with one of them decides.
    feed.hear(quote("c", "c", 2010 * USD, now), now).expect("taken");
    assert_eq!(feed.value(now), Some(2000 * USD));
}

/// A flight of stairs is a jump: six steps of 4 % within milliseconds lead nowhere that one of 22 % does not.
#[test]
fn a_jump_in_small_steps_is_a_jump() {
    let mut feed = Feed::new(Rule { quorum: 1, jump_quorum: 3, jump: 50_000, ..rule() }).expect("a rule");
    feed.hear(quote("a", "a", 100 * USD, HOUR), HOUR).expect("taken");
    let (mut price, mut now) = (100 * USD, HOUR);
    for _ in 0..6 {
        (price, now) = (price * 96 / 100, now + SECOND / 1000);
        feed.hear(quote("a", "a", price, now), now).expect("taken");
    }
    // The second step is 7.8 % from where it began, and so is every one after it further.
    assert!(matches!(feed.state(now), (State::Jumped { .. }, Some(believed)) if believed == 96 * USD));
    // The right price is none, for what was believed on the way is near it.
    feed.hear(quote("a", "a", 99 * USD, now), now).expect("taken");
    assert_eq!(feed.value(now), Some(99 * USD));
    // Slowly, it may fall as far as it likes.
    for _ in 0..60 {
        (price, now) = (feed.value(now).expect("believed") * 99 / 100, now + 59 * SECOND);
        feed.hear(quote("a", "a", price, now), now).expect("taken");
    }
    assert!(price < 55 * USD && feed.value(now) == Some(price));
}

/// Another rule forgets neither what was heard nor what jumps are measured from.
#[test]
fn another_rule_forgets_nothing() {
    let feed = feed().under(Rule { max_age: 2 * HOUR, ..rule() });
    assert_eq!(feed.state(2 * HOUR), (State::Fresh, Some(2500 * USD)));
    let mut feed = feed.under(Rule { quorum: 1, ..rule() });
    let now = 2 * HOUR;
    feed.hear(quote("oracle", "oracle", USD * 100, now), now).expect("taken");
    assert!(matches!(feed.state(now).0, State::Jumped { from, .. } if from == 2500 * USD));
}

/// A dip and its recovery are no jump, when no step is one: what is measured from is a minute old, and not the lowest since.
#[test]
fn a_dip_that_comes_back_is_believed() {
    let mut feed = Feed::new(Rule { quorum: 1, jump_quorum: 2, jump: 300_000, ..rule() }).expect("a rule");
    for (step, price) in [100, 90, 80, 75, 80, 90, 100, 101].into_iter().enumerate() {
        let now = HOUR + step as u64 * 4 * SECOND;
        feed.hear(quote("a", "a", price * USD, now), now).expect("taken");
        assert_eq!(feed.value(now), Some(price * USD));
    }
}
