//! What a policy does on history, by hand and against the exact markets.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // what a history shows is an estimate

mod common;

use common::{example, place};
use plimsoll::{
    PolicyKind, PolicyRule, PolicySetting, PolicySource, PolicySums, PolicyTest, Said, policy_test,
};
use plimsoll_core::{Book, Decimal};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Hourly bars from midnight on, each by its open, low, high and close.
fn history(bars: &[[f64; 4]]) -> History {
    let bar = |(at, [open, low, high, close]): (usize, &[f64; 4])| Bar {
        time: 1_600_041_600 + 3600 * at as i64,
        open: *open,
        high: *high,
        low: *low,
        close: *close,
    };
    let bars = Bars::new(3600, bars.iter().enumerate().map(bar).collect()).expect("bars");
    let series = Series { base: "ETH".into(), quote: "USD".into(), bars, ranged: true };
    History::new("USD".into(), vec![series], Vec::new(), "0".repeat(64))
}

/// Bars that go straight from close to close.
fn closes(closes: &[f64]) -> History {
    let mut last = closes[0];
    let bars: Vec<[f64; 4]> = closes
        .iter()
        .map(|close| {
            let open = std::mem::replace(&mut last, *close);
            [open, open.min(*close), open.max(*close), *close]
        })
        .collect();
    history(&bars)
}

/// Alice alone: 12.5 WETH at a threshold of 83 % against 31,000 USDC.
fn alice() -> Book {
    let mut book = example("treasury");
    let alice = place(&book, "alice");
    let mut listed = book.accounts[alice].clone();
    listed.account.id = plimsoll_core::AccountId(0);
    book.accounts = vec![listed];
    book
}

fn rule(below: &str, restore: &str, wallet: &str) -> PolicyRule {
    PolicyRule {
        name: "test".into(),
        trigger_below: decimal(below),
        restore_to: decimal(restore),
        trigger_above: None,
        target: None,
        prices: Vec::new(),
        sources: vec![PolicySource::Wallet(decimal(wallet))],
        delay: 0,
        cool_down: 0,
        gas: decimal("10"),
        gas_series: None,
        gas_cap: None,
        size_cap: None,
        leave_below: None,
        carry: decimal("0"),
        penalty: decimal("0.05"),
        close: decimal("0.5"),
    }
}

fn tried(history: &History, rule: &PolicyRule) -> PolicyTest {
    let said = Said { hold: vec!["USDC".into()], map: Vec::new() };
    policy_test(&alice(), history, rule, &PolicySetting { said, ..PolicySetting::default() })
        .expect("an answer")
}

fn sums(test: &PolicyTest, kind: PolicyKind) -> PolicySums {
    let found = test.tried.iter().find(|tried| tried.kind == kind).expect("the rule");
    found.sums.iter().find(|(currency, _)| currency == "USD").expect("dollars").1
}

/// Health is 1.443586 at the price of 4,312.57. At 0.8 of it 1.154869: what brings it to 1.5 is 1 - 1.154869 / 1.5 of the debt of
/// 30,994.27 dollars; doing it once costs one call.
#[test]
fn an_action_pays_back_what_the_exact_market_asks() {
    let history = closes(&[100.0, 100.0, 80.0, 80.0, 80.0]);
    let test = tried(&history, &rule("1.2", "1.5", "50000"));
    let policy = sums(&test, PolicyKind::Policy);
    assert_eq!((policy.acted, policy.liquidations, policy.late), (1, 0, 0));
    assert!((policy.gas - 10.0).abs() < 1e-9, "{policy:?}");
    let by_hand = 30_994.268_72 * (1.0 - 1.443_586_488_647_258 * 0.8 / 1.5);
    assert!((policy.repaid / by_hand - 1.0).abs() < 1e-6, "{} against {by_hand}", policy.repaid);
    // And what `restore` says at that price, by the pool's own integers.
    let book = example("treasury");
    let change =
        plimsoll::Change::Price { name: "ETH/USD".into(), to: plimsoll::NewPrice::Percent(decimal("-20")) };
    let fallen =
        plimsoll::whatif_all(&book, &[change], &plimsoll::Ladder::default()).expect("an answer").book;
    let answer = plimsoll::restore(&fallen, place(&book, "alice"), decimal("1.5"), 0).expect("an answer");
    let usdc = answer.repayments.iter().find(|way| way.asset == "USDC").expect("a repayment");
    let exact = usdc.now.expect("an amount").amount.to_u64().expect("small") as f64 / 1e6 * 0.999_815_12;
    assert!((policy.repaid / exact - 1.0).abs() < 1e-6, "{} against {exact}", policy.repaid);
    // The buffer was put up at once: health is 1.5 at the beginning.
    let buffer = sums(&test, PolicyKind::Buffer);
    let by_hand = 30_994.268_72 * (1.0 - 1.443_586_488_647_258 / 1.5);
    // A small difference of two large numbers: to a millionth of the debt.
    assert!((buffer.repaid - by_hand).abs() < 30_994.0 * 1e-6, "{} against {by_hand}", buffer.repaid);
}

/// The line is at 69.27 % of the price. A bar that falls through trigger and line is too late for anybody; one whose low alone does, too.
#[test]
fn what_falls_through_both_lines_in_one_bar_comes_too_late() {
    let at_once = closes(&[100.0, 100.0, 65.0, 65.0]);
    let low = history(&[[100.0; 4], [100.0; 4], [100.0, 65.0, 100.0, 99.0], [99.0; 4]]);
    for history in [at_once, low] {
        let test = tried(&history, &rule("1.2", "1.5", "50000"));
        for kind in [PolicyKind::Nothing, PolicyKind::Policy] {
            let sums = sums(&test, kind);
            assert!(sums.liquidations >= 1, "{kind:?}: {sums:?}");
            assert_eq!(sums.struck, 1);
        }
        assert_eq!(sums(&test, PolicyKind::Policy).late, sums(&test, PolicyKind::Policy).liquidations);
    }
}

/// A fall in two hours: with no delay the action of the first hour saves the account, with one of two hours it does not.
#[test]
fn a_delay_decides() {
    let history = closes(&[100.0, 100.0, 80.0, 65.0, 65.0, 65.0]);
    let prompt = rule("1.2", "1.5", "50000");
    assert_eq!(sums(&tried(&history, &prompt), PolicyKind::Policy).struck, 0);
    let slow = PolicyRule { delay: 7200, ..prompt.clone() };
    let slow = sums(&tried(&history, &slow), PolicyKind::Policy);
    assert!(slow.struck == 1 && slow.late == slow.liquidations, "{slow:?}");
    // Who has no means is not late but without them.
    let poor = rule("1.2", "1.5", "10");
    let poor = sums(&tried(&history, &poor), PolicyKind::Policy);
    assert!(poor.struck == 1 && poor.late < poor.liquidations + 1, "{poor:?}");
    // A call that costs more than the cap is not made.
    let dear = PolicyRule { gas_cap: Some(decimal("5")), ..prompt.clone() };
    let dear = sums(&tried(&history, &dear), PolicyKind::Policy);
    assert!(dear.struck == 1 && dear.acted == 0 && dear.dear > 0, "{dear:?}");
    // Half a loaf is left where it is.
    let alone = PolicyRule { leave_below: Some(decimal("1.3")), ..rule("1.2", "1.5", "100") };
    let alone = sums(&tried(&history, &alone), PolicyKind::Policy);
    assert!(alone.acted == 0 && alone.left > 0 && alone.repaid == 0.0, "{alone:?}");
    // A price that falls to its level calls as a health does.
    let priced =
        PolicyRule { prices: vec![("ETH/USD".into(), decimal("3500"))], ..rule("1.0001", "1.5", "50000") };
    let priced = sums(&tried(&history, &priced), PolicyKind::Policy);
    assert!(priced.struck == 0 && priced.acted >= 1, "{priced:?}");
}

/// Collateral s sold at a loss of 1 %: health x (1 - s / held) = 1.5 x (1 - 0.99 s / owed).
#[test]
fn collateral_pays_its_own_debt() {
    let history = closes(&[100.0, 100.0, 80.0, 80.0]);
    let sold =
        PolicyRule { sources: vec![PolicySource::Collateral(decimal("0.01"))], ..rule("1.2", "1.5", "0") };
    let found = sums(&tried(&history, &sold), PolicyKind::Policy);
    let (held, owed, health) = (53_907.125 * 0.8, 30_994.268_72, 1.443_586_488_647_258 * 0.8);
    let amount = (1.5 - health) / (1.5 * 0.99 / owed - health / held);
    assert!(
        (found.impact / (amount * 0.01) - 1.0).abs() < 1e-5,
        "{} against {}",
        found.impact,
        amount * 0.01
    );
    assert!((found.repaid / (amount * 0.99) - 1.0).abs() < 1e-5, "{}", found.repaid);
    assert_eq!(found.acted, 1);
}

/// What rises is borrowed against again, down to the target.
#[test]
fn a_trigger_above_borrows_down_to_the_target() {
    let history = closes(&[100.0, 100.0, 150.0, 150.0]);
    let both = PolicyRule {
        trigger_above: Some(decimal("2")),
        target: Some(decimal("1.8")),
        ..rule("1.2", "1.5", "0")
    };
    let found = sums(&tried(&history, &both), PolicyKind::Policy);
    // 1.443586 x 1.5 = 2.165 is above 2: once.
    assert_eq!((found.raised, found.acted), (1, 0));
}

/// Days that are not looked into change nothing: many bars at once give what bar by bar gives, which a plain loop written here says.
#[test]
fn a_quiet_day_hides_nothing() {
    let mut dice = common::Dice(17);
    let mut price = 100.0_f64;
    let mut path = vec![price];
    for _ in 0..24 * 400 {
        let step = (dice.below(2001) as f64 - 1000.0) / 1000.0 * 0.012;
        price *= 1.0 + step;
        path.push(price);
    }
    let history = closes(&path);
    let policy = rule("1.15", "1.3", "20000");
    let found = tried(&history, &policy);
    let policy = sums(&found, PolicyKind::Policy);
    let nothing = sums(&found, PolicyKind::Nothing);
    // The plain loop: health is in proportion to the price, lows and highs are those of two closes.
    let start = path[0];
    let [mut acts, mut struck, mut late, mut left, mut scale] = [0_u64, 0, 0, 0, 0].map(|x| x as f64);
    left += 20_000.0;
    let mut failed = false;
    scale += 1.0;
    let mut owed = 30_994.268_72;
    let mut held = 53_907.125;
    for pair in path.windows(2) {
        let health = |price: f64| 1.443_586_488_647_258 * price / start * scale;
        let low = health(pair[0].min(pair[1]));
        let fell = low <= 1.15;
        if low < 1.0 {
            late += f64::from(u8::from(!failed));
            struck += 1.0;
            let worth = held * pair[0].min(pair[1]) / start;
            let repaid = (owed * 0.5_f64).min(worth / 1.05);
            let before = (held, owed);
            owed -= repaid;
            held *= 1.0 - repaid * 1.05 / worth;
            scale *= (held / before.0) / (owed / before.1);
            continue;
        }
        failed &= fell;
        if fell {
            let close = health(pair[1]);
            let needed = owed * (1.0 - close / 1.3);
            let paid = needed.min(left);
            if needed > 0.0 && paid > 0.0 {
                left -= paid;
                scale *= 1.0 / (1.0 - paid / owed);
                owed -= paid;
                acts += 1.0;
                failed = false;
            } else {
                failed = true;
            }
        }
    }
    assert_eq!((policy.acted as f64, policy.liquidations as f64, policy.late as f64), (acts, struck, late));
    assert!(acts > 0.0 && nothing.liquidations > 0, "{acts} {nothing:?}");
}
