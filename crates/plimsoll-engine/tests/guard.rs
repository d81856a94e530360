//! What stands in front of actions: properties 87 to 90, and that nobody who reduces his risk is held by any of it.
//!
//! Caps and throttle are judged by brute force: every window of what was let through is added up, and whatever was held would have been too much.

use plimsoll_engine::guard::{Act, Cap, Flips, Guards, Held, Kill, Kind, Limits, Scope, Waits};
use plimsoll_engine::random::Random;

const SECOND: u64 = 1_000_000_000;

fn act(kind: Kind, account: &str, value: u128) -> Act {
    Act {
        kind,
        market: "lending".into(),
        account: account.into(),
        asset: "WETH".into(),
        others: Vec::new(),
        strategy: "keeper".into(),
        value,
        of_depth: 1000,
        needs: Some(vec!["ETH/USD".into(), "USDC/USD".into()]),
        prices: [2490, 2500],
    }
}

/// Guards that let an ordinary liquidation through.
fn open() -> Guards {
    let mut guards = Guards::default();
    guards.collar = 10_000;
    guards.caps.limits =
        Limits { action: 1000, account: 1500, strategy: 3000, all: 4000, actions: 9, of_depth: 50_000 };
    (guards.throttle.most, guards.throttle.window) = (5, 600 * SECOND);
    (guards.breaker.accounts, guards.breaker.value, guards.breaker.least) = (100_000, 200_000, 2);
    guards.resume.grace = 30 * SECOND;
    guards.resume.is_fresh("ETH/USD", 0);
    guards.resume.is_fresh("USDC/USD", 0);
    guards
}

fn kill(by: &str) -> Kill {
    Kill { by: by.into(), reason: "a drill".into(), at: 7 }
}

#[test]
fn p87_after_a_kill_nothing_is_done_until_it_is_released() {
    let now = 100 * SECOND;
    let scopes = [
        Scope::All,
        Scope::Market("lending".into()),
        Scope::Strategy("keeper".into()),
        Scope::Account("lending:anna".into()),
        Scope::Asset("WETH".into()),
    ];
    for scope in scopes {
        let mut guards = open();
        guards.kill(scope.clone(), kill("bela"));
        guards.kill(scope.clone(), kill("somebody later"));
        for kind in [Kind::Liquidation, Kind::Protection] {
            let held = guards.check(&act(kind, "anna", 10), now);
            assert_eq!(held, Err(Held::Killed { scope: scope.clone(), kill: kill("bela") }));
        }
        let elsewhere = Act {
            market: "other".into(),
            account: "otto".into(),
            asset: "WBTC".into(),
            strategy: "desk".into(),
            ..act(Kind::Protection, "", 10)
        };
        assert_eq!(guards.check(&elsewhere, now).is_err(), scope == Scope::All);
        assert_eq!(guards.release(&scope), Some(kill("bela")));
        assert_eq!(guards.check(&act(Kind::Liquidation, "anna", 10), now), Ok(()));
    }
}

#[test]
fn p88_caps_hold_over_every_window_and_hold_nobody_else() {
    let mut guards = open();
    guards.throttle.most = u32::MAX;
    let limits = guards.caps.limits;
    let (mut random, mut now) = (Random(88), 0);
    let mut done: Vec<(u64, Act)> = Vec::new();
    let mut held = [0; 6];
    for _ in 0..40_000 {
        // Bursts of small ones too, which only their number holds.
        let burst = random.below(4) > 0 && (now / (300 * SECOND)).is_multiple_of(2);
        now += random.below(if burst { SECOND } else { 12 * SECOND });
        let accounts = ["anna", "bela", "cleo", "dora"];
        let mut one = act(
            Kind::Protection,
            accounts[random.below(4) as usize],
            random.below(if burst { 60 } else { 1100 }).into(),
        );
        one.strategy = ["keeper", "desk"][random.below(2) as usize].into();
        one.asset = ["WETH", "WBTC"][random.below(2) as usize].into();
        one.of_depth = random.below(if burst { 300 } else { 30_000 });
        // The window that would end with it, by brute force.
        let window: Vec<&Act> =
            done.iter().rev().take_while(|(at, _)| now - at < 60 * SECOND).map(|(_, one)| one).collect();
        let sum = |of: &dyn Fn(&Act) -> bool| -> u128 {
            window.iter().filter(|other| of(other)).map(|other| other.value).sum()
        };
        let depth: u64 =
            window.iter().filter(|other| other.asset == one.asset).map(|other| other.of_depth).sum();
        let beyond = [
            one.value > limits.action,
            depth + one.of_depth > limits.of_depth,
            window.len() + 1 > limits.actions,
            sum(&|other| other.account == one.account) + one.value > limits.account,
            sum(&|other| other.strategy == one.strategy) + one.value > limits.strategy,
            sum(&|_| true) + one.value > limits.all,
        ];
        match guards.check(&one, now) {
            Ok(()) => {
                assert!(!beyond.contains(&true), "{beyond:?} {one:?}");
                guards.take(&one, now);
                done.push((now, one));
            }
            Err(Held::Capped(Cap { which, limit, used, asked })) => {
                let place = beyond.iter().position(|beyond| *beyond);
                assert!(place.is_some(), "held within every cap: {which} {limit} {used} {asked}");
                held[place.unwrap_or(0)] += 1;
                assert!(used + asked > limit);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(done.len() > 1000 && held.iter().all(|times| *times > 20), "{} {held:?}", done.len());
}

/// An executor that echoes: every answer makes it act again (Knight Capital 2012).
#[test]
fn p88_who_repeats_is_stopped_until_a_person_releases() {
    let mut guards = open();
    guards.caps.limits = Limits {
        action: 1000,
        account: u128::MAX,
        strategy: u128::MAX,
        all: u128::MAX,
        actions: usize::MAX,
        of_depth: u64::MAX,
    };
    let one = act(Kind::Liquidation, "anna", 1);
    let mut times = 0;
    for second in 100..10_000 {
        if guards.check(&one, second * SECOND).is_ok() {
            guards.take(&one, second * SECOND);
            times += 1;
        }
    }
    // Not five in each of many windows: five in all, for hours.
    assert_eq!(times, 5);
    let other = act(Kind::Liquidation, "bela", 1);
    let held = guards.check(&other, 10_000 * SECOND);
    assert!(
        matches!(&held, Err(Held::Throttled(repeated)) if repeated.times == 5),
        "all that the strategy does"
    );
    let others = Act { strategy: "desk".into(), ..one.clone() };
    assert_eq!(guards.check(&others, 10_000 * SECOND), Ok(()));
    assert_eq!(guards.throttle.stopped().count(), 1);
    assert!(guards.throttle.release("keeper").is_some());
    assert_eq!(guards.check(&one, 10_000 * SECOND), Ok(()));
}

#[test]
fn p89_mass_flips_hold_every_liquidation() {
    let mut guards = open();
    let flips = |accounts, value| Flips { accounts, value };
    // A tenth of the accounts and a fifth of the value are allowed; one more is not.
    assert!(!guards.breaker.trips(&flips([10, 100], [20, 100])));
    assert!(guards.breaker.trips(&flips([11, 100], [0, 100])));
    assert!(guards.breaker.trips(&flips([3, 100], [21, 100])));
    assert!(!guards.breaker.trips(&flips([2, 3], [100, 100])), "two accounts are no mass");
    assert!(guards.breaker.trips(&flips([3, 100], [u128::MAX, u128::MAX])), "what does not fit is too much");
    let now = 100 * SECOND;
    guards.breaker.trip(flips([90, 100], [1, 1]), now);
    guards.breaker.trip(flips([1, 100], [1, 1]), now + 1);
    let held = guards.check(&act(Kind::Liquidation, "anna", 10), now);
    assert!(matches!(held, Err(Held::Broken(tripped)) if tripped.flips.accounts == [90, 100]));
    assert_eq!(guards.check(&act(Kind::Protection, "anna", 10), now), Ok(()));
    assert!(guards.breaker.release().is_some());
    assert_eq!(guards.check(&act(Kind::Liquidation, "anna", 10), now), Ok(()));
}

#[test]
fn p90_after_a_start_nothing_is_liquidated_before_all_feeds_are_back_for_a_while() {
    let mut guards = open();
    let one = act(Kind::Liquidation, "anna", 10);
    assert!(guards.check(&one, 29 * SECOND + 999_999_999).is_err());
    assert_eq!(guards.check(&one, 30 * SECOND), Ok(()));
    guards.resume.restart();
    let feed = |feed: &str| Err(Held::Waits(Waits::Feed { feed: feed.into() }));
    assert_eq!(guards.check(&one, 1000 * SECOND), feed("ETH/USD"));
    guards.resume.is_fresh("ETH/USD", 1000 * SECOND);
    assert_eq!(guards.check(&one, 2000 * SECOND), feed("USDC/USD"));
    guards.resume.is_fresh("USDC/USD", 2000 * SECOND);
    guards.resume.is_fresh("USDC/USD", 2010 * SECOND);
    let grace = Waits::Grace { feed: "USDC/USD".into(), until: 2030 * SECOND };
    assert_eq!(guards.check(&one, 2029 * SECOND), Err(Held::Waits(grace)));
    assert_eq!(guards.check(&one, 2030 * SECOND), Ok(()));
    guards.resume.is_not_fresh("ETH/USD");
    assert_eq!(guards.check(&one, 3000 * SECOND), feed("ETH/USD"));
    let elsewhere = Act { needs: None, ..one };
    assert_eq!(guards.check(&elsewhere, 3000 * SECOND), Err(Held::Waits(Waits::Unknown)));
}

#[test]
fn a_price_beyond_its_collar_is_no_price_to_act_at() {
    let guards = open();
    let at = |price, reference| {
        let one = Act { prices: [price, reference], ..act(Kind::Liquidation, "anna", 10) };
        guards.check(&one, 100 * SECOND).is_ok()
    };
    // One per cent of 2500 is 25.
    assert!(at(2475, 2500) && at(2525, 2500) && !at(2474, 2500) && !at(2526, 2500));
    assert!(!at(1, 0) && !at(0, 2500) && !at(u128::MAX, 1));
}

/// Everything is down, and who reduces his risk is let through; and guards that nobody set up let nothing else through.
#[test]
fn nobody_who_reduces_his_risk_is_held() {
    let mut guards = Guards::default();
    let one = act(Kind::Liquidation, "anna", 1);
    assert!(guards.check(&one, 0).is_err());
    assert!(guards.check(&act(Kind::Protection, "anna", 1), 0).is_err());
    guards.kill(Scope::All, kill("bela"));
    guards.breaker.trip(Flips::default(), 0);
    for value in [1, u128::MAX] {
        let reduction = act(Kind::Reduction, "anna", value);
        assert_eq!(guards.check(&reduction, 0), Ok(()));
        guards.take(&reduction, 0);
    }
    assert_eq!(guards.throttle.stopped().count(), 0);
}
