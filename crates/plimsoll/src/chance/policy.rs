//! A policy of keeping accounts safe, tried on price history: how often it acts, what that costs, how often it comes too late; beside
//! doing nothing and a buffer that is put up once.
//!
//! Everything here is an estimate. An account is its venue's own row at today's nodes; prices move it as history moved them from
//! the first bar of a run. What is paid back, sold or borrowed scales the row's two sides, all debts and all holdings alike. Each
//! bar is seen at its close, at all lows and at all highs. Days whose extremes leave an account between its lines are not looked
//! into, so accounts to which nothing happens cost next to nothing.

mod follow;

use super::drivers::Drivers;
use super::ground::{self, Ground, Known};
use super::{Setting, float};
use crate::ask::Misasked;
use crate::identity::{Identity, identity};
use crate::shock::Said;
use crate::stress::readings;
use follow::{Days, Follow};
use plimsoll_core::{Book, Decimal, PriceId};
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::log;
use std::collections::BTreeMap;

/// When somebody acts, with what, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// Its name.
    pub name: String,
    /// At this health and below somebody acts …
    pub trigger_below: Decimal,
    /// … and brings it up to this.
    pub restore_to: Decimal,
    /// Above this health somebody borrows and buys more collateral, …
    pub trigger_above: Option<Decimal>,
    /// … down to this.
    pub target: Option<Decimal>,
    /// At these prices and below somebody acts as well: each by the name that the book has for it.
    pub prices: Vec<(String, Decimal)>,
    /// Where money comes from, in this order.
    pub sources: Vec<PolicySource>,
    /// From the bar that shows the trigger to the action \[s\].
    pub delay: u64,
    /// No action within so long of the one before \[s\].
    pub cool_down: u64,
    /// What a call costs, in the market's currency.
    pub gas: Decimal,
    /// Of history, what the cost of a call moves with: its close over its median.
    pub gas_series: Option<String>,
    /// No call that costs more.
    pub gas_cap: Option<Decimal>,
    /// No action of more value.
    pub size_cap: Option<Decimal>,
    /// Who is not brought up to this health by all that there is is left alone.
    pub leave_below: Option<Decimal>,
    /// What money out of the wallet costs a year, as a share.
    pub carry: Decimal,
    /// Of what a liquidation repays, what the account loses on top, as a share.
    pub penalty: Decimal,
    /// The part of the debt that a liquidation repays.
    pub close: Decimal,
}

/// Where money comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// A wallet with so much for each account, in its market's currency: it pays back debt.
    Wallet(Decimal),
    /// Collateral of the account, sold at a loss of this share: it pays back debt.
    Collateral(Decimal),
}

/// How a policy is tried.
#[derive(Clone, Debug, Default)]
pub struct PolicySetting {
    /// What whoever asks says of assets.
    pub said: Said,
    /// Every so often all accounts begin again as they stand in the book, at the prices of then \[s\]; 0: never.
    pub restart: u64,
    /// Only bars from then on, and before then \[s\].
    pub since: Option<i64>,
    /// See [`PolicySetting::since`].
    pub until: Option<i64>,
    /// Triggers and targets around the policy's own are tried as well.
    pub frontier: bool,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct PolicyTest {
    /// What it was computed from.
    pub identity: Identity,
    /// SHA-256 over the history's files.
    pub history: String,
    /// The series that prices moved with.
    pub series: Vec<String>,
    /// The first bar and the last \[s\], how many there are, and their length \[s\].
    pub bars: ([i64; 2], usize, u64),
    /// Times at which one of the series lacks a bar: nobody looked then.
    pub missing: usize,
    /// How often all accounts began.
    pub runs: usize,
    /// How many accounts were followed; of the others, what is in the way, and of how many.
    pub followed: usize,
    /// See [`PolicyTest::followed`].
    pub left_out: BTreeMap<String, usize>,
    /// Each rule, in each currency: nothing, a static buffer, the policy, and then the others of the frontier.
    pub tried: Vec<Tried>,
}

/// What became of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Which.
    pub kind: PolicyKind,
    /// Its trigger and what it restores, where it has them.
    pub levels: Option<[f64; 2]>,
    /// Sums by currency.
    pub sums: Vec<(String, PolicySums)>,
    /// Nothing that was tried has both fewer liquidations and less cost.
    pub efficient: bool,
}

/// What a row of the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Nobody does anything.
    Nothing,
    /// The sources pay back at the beginning what brings health to `restore_to`, and nothing more is done.
    Buffer,
    /// The policy as it was said.
    Policy,
    /// The policy at other levels.
    Other,
}

/// Sums over accounts and runs (currency units).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PolicySums {
    /// Accounts times years that were followed.
    pub years: f64,
    /// Runs of an account in which it was liquidated at least once.
    pub struck: u64,
    /// Runs of an account.
    pub runs: u64,
    /// Liquidations.
    pub liquidations: u64,
    /// Of them those that came before the action did: while it was on its way, in its cool-down, or in the bar that showed the trigger. The
    /// others had no means: nothing left, a call too dear, too little to be worth it.
    pub late: u64,
    /// Actions that paid debt back.
    pub acted: u64,
    /// Actions that borrowed more.
    pub raised: u64,
    /// Actions that were not made because a call cost more than the cap.
    pub dear: u64,
    /// Accounts that were left alone because all there was would not have been enough, times bars.
    pub left: u64,
    /// What calls cost.
    pub gas: f64,
    /// What sales lost.
    pub impact: f64,
    /// What money out of the wallet cost.
    pub carry: f64,
    /// What liquidations took.
    pub penalty: f64,
    /// Debt that was paid back by actions.
    pub repaid: f64,
}

impl PolicySums {
    /// What the policy costs, without what liquidations take.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.gas + self.impact + self.carry
    }

    fn add(&mut self, more: &PolicySums) {
        self.years += more.years;
        self.struck += more.struck;
        self.runs += more.runs;
        self.liquidations += more.liquidations;
        self.late += more.late;
        self.acted += more.acted;
        self.raised += more.raised;
        self.dear += more.dear;
        self.left += more.left;
        self.gas += more.gas;
        self.impact += more.impact;
        self.carry += more.carry;
        self.penalty += more.penalty;
        self.repaid += more.repaid;
    }
}

/// A rule in floats.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    kind: PolicyKind,
    below: f64,
    restore: f64,
    above: f64,
    target: f64,
    prices: Vec<(PriceId, f64)>,
    sources: Vec<PolicySource>,
    /// In bars.
    delay: usize,
    cool: usize,
    gas: f64,
    gas_cap: f64,
    size_cap: f64,
    leave_below: f64,
    carry: f64,
    penalty: f64,
    close: f64,
}

/// Levels around the policy's own: parts of the distance of its trigger from the line, and of its target from its trigger.
const AROUND: [f64; 5] = [0.25, 0.5, 1.0, 1.5, 2.5];
/// See [`AROUND`].
const ROOM: [f64; 3] = [0.5, 1.0, 2.0];

/// Tries a policy on history.
///
/// # Errors
/// When a level is none, a price or a series is unknown, or history has no bar that all series have in common.
pub fn policy_test(
    book: &Book,
    history: &History,
    rule: &PolicyRule,
    setting: &PolicySetting,
) -> Result<PolicyTest, Misasked> {
    let ground_setting =
        Setting { days: vec![1], look: 86_400, said: setting.said.clone(), ..Setting::default() };
    let mut met = Drivers::new(book, history, &setting.said);
    let moves = ground::leaves(book, &mut met, None);
    let series: Vec<&Series> = met.series.clone();
    let sound: Vec<Result<Series, String>> = series.iter().map(|one| Ok((*one).clone())).collect();
    let ground = Ground::new(book, &moves, &sound, &ground_setting)?;
    let wrong = |found: String, expected: &str| Misasked::NoEstimate { found, expected: expected.into() };
    let gas = match &rule.gas_series {
        None => None,
        Some(name) => Some(
            history
                .series(name)
                .ok_or_else(|| wrong(format!("no series {name}"), "a series of the history"))?,
        ),
    };
    let Common { times, places, missing, step } = common(&series, setting);
    if times.len() < 2 {
        return Err(wrong("no bars in common".into(), "bars that all series have that prices move with"));
    }
    let rules = rules(book, rule, step, setting.frontier)?;
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    let mut accounts = Vec::new();
    for known in &ground.known {
        match known {
            Known::Rows(rows) => accounts.push(rows),
            Known::NoDebt => *left_out.entry("nothing is owed".into()).or_default() += 1,
            Known::Below => *left_out.entry("below the line already".into()).or_default() += 1,
            Known::Nothing(why) => *left_out.entry(why.clone()).or_default() += 1,
        }
    }
    let costs = costs(gas, &times);
    let mut follow = Follow::new(&ground, &accounts, &rules, step);
    // A run ends where the next begins; a day is 24 hours of bars.
    let per_day = usize::try_from((86_400 / step.max(1)).max(1)).unwrap_or(1);
    let mut runs = 0;
    let mut first = 0;
    while first + 1 < times.len() {
        let ends = match setting.restart {
            0 => times.len(),
            every => {
                let until = times[first].saturating_add(i64::try_from(every).unwrap_or(i64::MAX));
                times.partition_point(|time| *time < until).max(first + 2).min(times.len())
            }
        };
        let base: Vec<f64> = series
            .iter()
            .zip(&places)
            .map(|(one, places)| log(one.bars.bars()[places[first]].close))
            .collect();
        follow.begin();
        runs += 1;
        let mut from = first + 1;
        while from < ends {
            let to = (from + per_day * follow::DAYS_AT_ONCE).min(ends);
            let bars = from..to;
            let looks = bars.clone().map(|bar| {
                let of = |pick: fn(&plimsoll_risk::bars::Bar) -> f64| -> Vec<f64> {
                    let one = series.iter().zip(&places).zip(&base);
                    one.map(|((one, places), base)| log(pick(&one.bars.bars()[places[bar]])) - base).collect()
                };
                [of(|bar| bar.close), of(|bar| bar.low), of(|bar| bar.high)]
            });
            let days = Days::new(&ground, looks.collect(), &costs[bars], per_day, &rules);
            follow.through(&days);
            from = to;
        }
        follow.end();
        first = ends;
    }
    let mut tried = follow.told(&ground.currencies);
    efficient(&mut tried);
    Ok(PolicyTest {
        identity: identity(book, book.at, &readings(book)),
        history: history.digest().to_string(),
        series: series.iter().map(|one| one.name()).collect(),
        bars: ([times[0], times[times.len() - 1]], times.len(), step),
        missing,
        runs,
        followed: accounts.len(),
        left_out,
        tried,
    })
}

/// The rules that are tried side by side.
fn rules(book: &Book, rule: &PolicyRule, step: u64, frontier: bool) -> Result<Vec<Rule>, Misasked> {
    let wrong = |found: String, expected: &str| Misasked::NoEstimate { found, expected: expected.into() };
    let bars = |seconds: u64| usize::try_from(seconds.div_ceil(step.max(1))).unwrap_or(usize::MAX);
    let most = |cap: Option<Decimal>| cap.map_or(f64::INFINITY, float);
    let mut prices = Vec::new();
    for (name, at) in &rule.prices {
        prices.push((crate::ask::price(book, None, name)?, float(*at)));
    }
    let mut own = Rule {
        kind: PolicyKind::Policy,
        below: float(rule.trigger_below),
        restore: float(rule.restore_to),
        above: most(rule.trigger_above),
        target: rule.target.map_or(f64::INFINITY, float),
        prices,
        sources: rule.sources.clone(),
        delay: bars(rule.delay),
        cool: bars(rule.cool_down),
        gas: float(rule.gas),
        gas_cap: most(rule.gas_cap),
        size_cap: most(rule.size_cap),
        leave_below: rule.leave_below.map_or(0.0, float),
        carry: float(rule.carry),
        penalty: float(rule.penalty),
        close: float(rule.close),
    };
    if own.restore <= own.below || own.below < 1.0 {
        let found = format!("trigger_below {} and restore_to {}", rule.trigger_below, rule.restore_to);
        return Err(wrong(found, "a trigger of 1 or more, and more than that to restore"));
    }
    if own.above.is_finite() && !(own.target < own.above && own.target > own.below) {
        let found = format!("trigger_above {} and target {}", own.above, own.target);
        return Err(wrong(found, "a target between the two triggers"));
    }
    if own.close <= 0.0 || own.close > 1.0 {
        return Err(wrong(format!("close {}", rule.close), "a part from above 0 to 1"));
    }
    if !own.above.is_finite() {
        own.target = f64::INFINITY;
    }
    let never = Rule { below: 0.0, above: f64::INFINITY, prices: Vec::new(), ..own.clone() };
    let mut all = vec![
        Rule { kind: PolicyKind::Nothing, ..never.clone() },
        Rule { kind: PolicyKind::Buffer, ..never },
        own.clone(),
    ];
    if frontier {
        for part in AROUND {
            for room in ROOM {
                let below = 1.0 + (own.below - 1.0) * part;
                let restore = below + (own.restore - own.below) * room;
                // What is borrowed down to must stay between.
                let crosses = own.above.is_finite() && (own.target <= below || restore >= own.above);
                if (part, room) != (1.0, 1.0) && !crosses {
                    all.push(Rule { kind: PolicyKind::Other, below, restore, ..own.clone() });
                }
            }
        }
    }
    Ok(all)
}

/// Bars that all series have.
struct Common {
    times: Vec<i64>,
    /// Of each series, where each of those bars stands.
    places: Vec<Vec<usize>>,
    missing: usize,
    step: u64,
}

fn common(series: &[&Series], setting: &PolicySetting) -> Common {
    let step = series.iter().map(|one| one.bars.step()).max().unwrap_or(3600);
    let mut times: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for one in series {
        for (at, bar) in one.bars.bars().iter().enumerate() {
            let within = setting.since.is_none_or(|since| bar.time >= since)
                && setting.until.is_none_or(|until| bar.time < until);
            // Of finer bars the one that opens with a coarser one; its lows alone are then seen.
            if within && bar.time.rem_euclid(step) == 0 {
                times.entry(bar.time).or_default().push(at);
            }
        }
    }
    let all = times.len();
    times.retain(|_, places| places.len() == series.len());
    let missing = all - times.len();
    let mut places = vec![Vec::with_capacity(times.len()); series.len()];
    for found in times.values() {
        for (one, at) in places.iter_mut().zip(found) {
            one.push(*at);
        }
    }
    Common { times: times.into_keys().collect(), places, missing, step: u64::try_from(step).unwrap_or(3600) }
}

/// By how much a call costs more than usual at each time.
fn costs(gas: Option<&Series>, times: &[i64]) -> Vec<f64> {
    let Some(gas) = gas else { return vec![1.0; times.len()] };
    let mut closes: Vec<f64> = gas.bars.bars().iter().map(|bar| bar.close).collect();
    closes.sort_by(f64::total_cmp);
    let median = closes.get(closes.len() / 2).copied().filter(|median| *median > 0.0).unwrap_or(1.0);
    let mut last = 1.0;
    let bars = gas.bars.bars();
    times
        .iter()
        .map(|time| {
            let until = bars.partition_point(|bar| bar.time <= *time);
            if let Some(bar) = until.checked_sub(1).map(|at| bars[at]) {
                last = bar.close / median;
            }
            last
        })
        .collect()
}

/// Marks what nothing else beats in both cost and liquidations. Of several currencies all must be beaten.
fn efficient(tried: &mut [Tried]) {
    let points: Vec<Vec<(f64, u64)>> = tried
        .iter()
        .map(|one| one.sums.iter().map(|(_, sums)| (sums.cost(), sums.liquidations)).collect())
        .collect();
    for (at, one) in tried.iter_mut().enumerate() {
        let beats = |other: &Vec<(f64, u64)>| {
            let no_worse = other.iter().zip(&points[at]).all(|(a, b)| a.0 <= b.0 && a.1 <= b.1);
            let better = other.iter().zip(&points[at]).any(|(a, b)| a.0 < b.0 || a.1 < b.1);
            no_worse && better
        };
        one.efficient = !points.iter().any(beats);
    }
}
