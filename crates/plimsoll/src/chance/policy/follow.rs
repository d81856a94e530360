//! Accounts along the bars of history, under several rules side by side.

use super::super::float;
use super::super::ground::{Ground, Rows};
use super::{PolicyKind, PolicySource, PolicySums, Rule, Tried};
use plimsoll_kernel::{PlainRows, PlainTerms, total};

/// So many days are looked at together: what all nodes are at each look is kept for so long.
pub(super) const DAYS_AT_ONCE: usize = 32;
/// Close, low and high.
const VIEWS: usize = 3;

/// What the world is at some bars.
pub(super) struct Days {
    bars: usize,
    per_day: usize,
    width: usize,
    /// Of each bar, of each view, all nodes.
    worlds: Vec<f64>,
    /// Of each day, the least and the greatest of every node.
    boxes: Vec<[Vec<f64>; 2]>,
    /// By how much a call costs more than usual at each bar.
    costs: Vec<f64>,
    /// Of each rule with prices, whether one of them is at its level at a bar.
    called: Vec<Vec<bool>>,
}

impl Days {
    pub(super) fn new(
        ground: &Ground,
        looks: Vec<[Vec<f64>; 3]>,
        costs: &[f64],
        per_day: usize,
        rules: &[Rule],
    ) -> Days {
        let (bars, width) = (looks.len(), ground.width());
        let mut days = Days {
            bars,
            per_day,
            width,
            worlds: vec![0.0; bars * VIEWS * width],
            boxes: Vec::new(),
            costs: costs.to_vec(),
            called: vec![vec![false; bars]; rules.len()],
        };
        days.boxes = (0..bars.div_ceil(per_day))
            .map(|_| [vec![f64::INFINITY; width], vec![f64::NEG_INFINITY; width]])
            .collect();
        let mut values = Vec::new();
        for (bar, views) in looks.iter().enumerate() {
            for (view, moved) in views.iter().enumerate() {
                let at = (bar * VIEWS + view) * width;
                let world = &mut days.worlds[at..at + width];
                ground.world(0, moved, &mut values, world);
                let [low, high] = &mut days.boxes[bar / per_day];
                for ((low, high), value) in low.iter_mut().zip(high).zip(&*world) {
                    *low = low.min(*value);
                    *high = high.max(*value);
                }
                for (rule, called) in rules.iter().zip(&mut days.called) {
                    called[bar] |= rule
                        .prices
                        .iter()
                        .any(|(id, at)| ground.price(&values, *id).is_some_and(|price| price <= *at));
                }
            }
        }
        days
    }

    fn world(&self, bar: usize, view: usize) -> &[f64] {
        let at = (bar * VIEWS + view) * self.width;
        &self.worlds[at..at + self.width]
    }
}

/// One account under one rule.
#[derive(Clone, Debug)]
struct Account {
    /// What the row's two sides are multiplied by: what is held, and what is owed.
    held: f64,
    owed: f64,
    /// What each source still has.
    left: Vec<f64>,
    /// Out of the wallet (currency units).
    drawn: f64,
    /// Bars until the action arrives.
    due: Option<usize>,
    /// Bars until another one may be begun.
    rest: usize,
    struck: bool,
    /// The last action that was due was not made: nothing was left, a call cost too much, or it would not have been enough.
    failed: bool,
    sums: PolicySums,
}

/// All accounts under all rules.
pub(super) struct Follow<'a> {
    accounts: &'a [&'a Rows],
    rules: &'a [Rule],
    ground: &'a Ground,
    /// A bar in years.
    bar: f64,
    /// Of each rule, each account.
    states: Vec<Vec<Account>>,
    /// Of each rule, of each currency.
    sums: Vec<Vec<PolicySums>>,
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        ground: &'a Ground,
        accounts: &'a [&'a Rows],
        rules: &'a [Rule],
        step: u64,
    ) -> Follow<'a> {
        let sums = vec![vec![PolicySums::default(); ground.currencies.len()]; rules.len()];
        Follow { accounts, rules, ground, bar: step as f64 / 31_557_600.0, states: Vec::new(), sums }
    }

    /// All accounts as they stand in the book.
    pub(super) fn begin(&mut self) {
        let mut nodes = vec![0.0; self.ground.width()];
        self.ground.today(&mut nodes);
        self.states = self
            .rules
            .iter()
            .map(|rule| {
                let account = |rows: &&Rows| {
                    let mut account = Account {
                        held: 1.0,
                        owed: 1.0,
                        left: rule
                            .sources
                            .iter()
                            .map(|source| match source {
                                PolicySource::Wallet(amount) => float(*amount),
                                PolicySource::Collateral(_) => f64::INFINITY,
                            })
                            .collect(),
                        drawn: 0.0,
                        due: None,
                        rest: 0,
                        struck: false,
                        failed: false,
                        sums: PolicySums { runs: 1, ..PolicySums::default() },
                    };
                    if rule.kind == PolicyKind::Buffer {
                        let unlimited = Rule { leave_below: 0.0, size_cap: f64::INFINITY, ..rule.clone() };
                        account.restore(rows, &unlimited, &nodes, 1.0, true);
                    }
                    account
                };
                self.accounts.iter().map(account).collect()
            })
            .collect();
    }

    /// Follows everybody through some days.
    pub(super) fn through(&mut self, days: &Days) {
        for ((rule, states), called) in self.rules.iter().zip(&mut self.states).zip(&days.called) {
            for (account, rows) in states.iter_mut().zip(self.accounts) {
                for (day, [low, high]) in days.boxes.iter().enumerate() {
                    let from = day * days.per_day;
                    let to = (from + days.per_day).min(days.bars);
                    account.sums.years += self.bar * (to - from) as f64;
                    account.sums.carry += account.drawn * rule.carry * self.bar * (to - from) as f64;
                    let quiet = account.due.is_none()
                        && !called[from..to].iter().any(|called| *called)
                        && account.is_between(&rows.rows, rule, low, high);
                    if quiet {
                        account.rest = account.rest.saturating_sub(to - from);
                        continue;
                    }
                    for (bar, called) in (from..to).zip(&called[from..to]) {
                        account.look(rows, rule, days, bar, *called);
                    }
                }
            }
        }
    }

    /// A run is over: what became of it is added up.
    pub(super) fn end(&mut self) {
        for (sums, states) in self.sums.iter_mut().zip(&self.states) {
            for (account, rows) in states.iter().zip(self.accounts) {
                let struck = u64::from(account.struck);
                sums[rows.currency].add(&PolicySums { struck, ..account.sums });
            }
        }
    }

    /// What became of each rule, in the currencies in which anybody was followed.
    pub(super) fn told(&self, currencies: &[String]) -> Vec<Tried> {
        let told = |(rule, sums): (&Rule, &Vec<PolicySums>)| {
            let levels = match rule.kind {
                PolicyKind::Nothing => None,
                PolicyKind::Buffer => Some([rule.restore; 2]),
                _ => Some([rule.below, rule.restore]),
            };
            let sums = currencies.iter().cloned().zip(sums.iter().copied());
            let sums = sums.filter(|(_, sums)| sums.runs > 0).collect();
            Tried { kind: rule.kind, levels, sums, efficient: false }
        };
        self.rules.iter().zip(&self.sums).map(told).collect()
    }
}

impl Account {
    /// Whether health stays between the rule's lines, and above the venue's, at all prices of a box.
    fn is_between(&self, rows: &PlainRows, rule: &Rule, low: &[f64], high: &[f64]) -> bool {
        let scale = self.held / self.owed;
        let least = bound(rows, low, high, true) * scale;
        // What is no number is looked into.
        let above_all = least > rule.below.max(1.0);
        above_all && (rule.above.is_infinite() || bound(rows, low, high, false) * scale < rule.above)
    }

    /// One bar: liquidation first, then the trigger, then what arrives.
    fn look(&mut self, rows: &Rows, rule: &Rule, days: &Days, bar: usize, called: bool) {
        self.rest = self.rest.saturating_sub(1);
        let scale = self.held / self.owed;
        let health = |view: usize| rows.rows.health(days.world(bar, view)) * scale;
        let all = [health(0), health(1), health(2)];
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let fell = least <= rule.below || called;
        if least < 1.0 {
            let view = if all[1] <= all[2] { 1 } else { 2 };
            let world = days.world(bar, if all[0] <= all[view] { 0 } else { view });
            self.sums.late += u64::from(rule.below > 0.0 && !self.failed);
            self.liquidated(rows, rule, world);
            self.due = None;
            return;
        }
        self.failed &= fell;
        if fell && self.due.is_none() && self.rest == 0 {
            self.due = Some(rule.delay);
        }
        if let Some(left) = self.due {
            if left > 0 {
                self.due = Some(left - 1);
                return;
            }
            self.due = None;
            let cost = days.costs[bar];
            if rule.gas * cost > rule.gas_cap {
                // Tried again at the next bar while the trigger shows.
                self.sums.dear += 1;
                self.failed = true;
                return;
            }
            let acted = self.restore(rows, rule, days.world(bar, 0), cost, false);
            self.failed = !acted;
            if acted {
                self.rest = rule.cool;
            }
            return;
        }
        if all[0] > rule.above
            && self.rest == 0
            && self.raise(rows, rule, days.world(bar, 0), days.costs[bar])
        {
            self.rest = rule.cool;
        }
    }

    /// What is held and what is owed (currency units), and health.
    fn stands(&self, rows: &Rows, world: &[f64]) -> [f64; 3] {
        let held = total(&rows.rows.collateral, world) * rows.unit * self.held;
        let owed = total(&rows.rows.debt, world) * rows.unit * self.owed;
        [held, owed, rows.rows.health(world) * self.held / self.owed]
    }

    /// Brings health up to what is to be restored, from the sources in their order.
    fn restore(&mut self, rows: &Rows, rule: &Rule, world: &[f64], cost: f64, buffer: bool) -> bool {
        let before = self.clone();
        let mut room = rule.size_cap;
        let mut calls = 0.0;
        for (at, source) in rule.sources.iter().enumerate() {
            let [held, owed, health] = self.stands(rows, world);
            if health >= rule.restore || owed <= 0.0 || room <= 0.0 {
                break;
            }
            let paid = match *source {
                PolicySource::Wallet(_) => {
                    let needed = owed * (1.0 - health / rule.restore);
                    let paid = needed.min(self.left[at]).min(room);
                    self.left[at] -= paid;
                    self.drawn += paid;
                    paid
                }
                PolicySource::Collateral(loses) => {
                    let loses = float(loses);
                    // health x (1 - s / held) = restore x (1 - s (1 - loses) / owed)
                    let slope = rule.restore * (1.0 - loses) / owed - health / held;
                    if slope <= 0.0 {
                        continue;
                    }
                    let sold =
                        ((rule.restore - health) / slope).min(room).min(held).min(owed / (1.0 - loses));
                    self.held *= 1.0 - sold / held;
                    self.sums.impact += sold * loses;
                    sold * (1.0 - loses)
                }
            };
            if paid > 0.0 {
                self.owed *= (1.0 - paid / owed).max(0.0);
                self.sums.repaid += paid;
                room -= paid;
                calls += 1.0;
            }
        }
        let [_, owed, health] = self.stands(rows, world);
        if calls <= 0.0 {
            return false;
        }
        if owed > 0.0 && health < rule.leave_below {
            *self = before;
            self.sums.left += 1;
            return false;
        }
        self.sums.gas += rule.gas * cost * calls;
        self.sums.acted += u64::from(!buffer);
        true
    }

    /// Borrows and buys collateral down to the target; what the dearest sale loses is lost here as well.
    fn raise(&mut self, rows: &Rows, rule: &Rule, world: &[f64], cost: f64) -> bool {
        if rule.gas * cost > rule.gas_cap {
            return false;
        }
        let loses = rule.sources.iter().find_map(|source| match source {
            PolicySource::Collateral(loses) => Some(float(*loses)),
            PolicySource::Wallet(_) => None,
        });
        let loses = loses.unwrap_or(0.0);
        let [held, owed, health] = self.stands(rows, world);
        // health x (1 + x (1 - loses) / held) = target x (1 + x / owed)
        let slope = rule.target / owed - health * (1.0 - loses) / held;
        if owed <= 0.0 || held <= 0.0 || slope <= 0.0 {
            return false;
        }
        let more = ((health - rule.target) / slope).min(rule.size_cap);
        if more <= 0.0 {
            return false;
        }
        self.owed *= 1.0 + more / owed;
        self.held *= 1.0 + more * (1.0 - loses) / held;
        self.sums.impact += more * loses;
        self.sums.gas += rule.gas * cost;
        self.sums.raised += 1;
        true
    }

    /// A keeper repays a part of the debt and takes its worth and a penalty of what is held.
    fn liquidated(&mut self, rows: &Rows, rule: &Rule, world: &[f64]) {
        let [held, owed, _] = self.stands(rows, world);
        self.struck = true;
        self.sums.liquidations += 1;
        if owed <= 0.0 {
            return;
        }
        // Of one who has not enough for all of it, all that he has.
        let repaid = (owed * rule.close).min(held / (1.0 + rule.penalty));
        let taken = (repaid * (1.0 + rule.penalty)).min(held);
        self.sums.penalty += taken - repaid;
        self.owed *= (1.0 - repaid / owed).max(0.0);
        self.held *= if held > 0.0 { 1.0 - taken / held } else { 0.0 };
        // What is left without collateral is nobody's to keep.
        if self.held <= 1e-9 || self.owed <= 1e-9 {
            (self.held, self.owed) = (1.0, 0.0);
        }
    }
}

/// The least health in a box, or the greatest.
fn bound(rows: &PlainRows, low: &[f64], high: &[f64], least: bool) -> f64 {
    let sum = |terms: &PlainTerms, down: bool| {
        let of = |(node, coefficient): &(u32, f64)| {
            let at = *node as usize;
            coefficient * if (*coefficient > 0.0) == down { low[at] } else { high[at] }
        };
        terms.iter().map(of).sum::<f64>()
    };
    let of_row = |row: &plimsoll_kernel::PlainRow| {
        let hinges: f64 = row.hinges.iter().map(|hinge| sum(hinge, !least).max(0.0)).sum();
        let (backing, requirement) = (sum(&row.backing, least) - hinges, sum(&row.requirement, !least));
        if requirement > 0.0 { backing / requirement } else { f64::INFINITY }
    };
    rows.rows.iter().map(of_row).fold(f64::INFINITY, f64::min)
}
