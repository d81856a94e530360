//! Paths across accounts: each path of prices is drawn once and every account is walked along it. A path is wholly of one thread and results
//! stand in the order of paths, so that they are the same on any number of threads.

use super::buffer::Policy;
use super::ground::{Ground, Known, Rows};
use plimsoll_kernel::{PlainRows, PlainTerms, total};
use plimsoll_risk::log;
use plimsoll_risk::tracks::{Track, Tracks};

/// How to walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) paths: u64,
    pub(super) seed: u64,
    /// The horizons in days, rising.
    pub(super) days: &'a [u32],
    pub(super) threads: usize,
    /// Health at the end of each day of each chosen account is kept, for the fan.
    pub(super) fan: bool,
}

/// What came of all paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Walked {
    /// Of each account of the book, how many paths had crossed by each horizon; empty where only the chosen were walked.
    pub(super) crossed: Vec<Vec<u64>>,
    /// Of each path, of each horizon, of each currency: collateral of those who crossed, and their debt beyond it, each at the look at
    /// which it crossed.
    pub(super) losses: Vec<[f64; 2]>,
    /// Of each chosen account, of each horizon, of each path: the logarithm of the least health seen.
    pub(super) least: Vec<Vec<Vec<f64>>>,
    /// Of each chosen account, of each day, of each path: health at its end.
    pub(super) fan: Vec<Vec<Vec<f32>>>,
}

/// Whom to walk.
pub(super) struct Walkers<'a> {
    pub(super) ground: &'a Ground,
    /// Series of the tracks.
    pub(super) tracks: &'a dyn Tracks,
    /// Accounts that are looked at closely, by place in the book.
    pub(super) chosen: &'a [usize],
    /// All accounts are walked.
    pub(super) book: bool,
}

/// What one path sees of the world: all nodes at every look, as prices close, and at their lows and highs.
struct Seen {
    track: Track,
    values: Vec<f64>,
    moved: Vec<f64>,
    /// Of each look, of each view, all nodes.
    worlds: Vec<f64>,
    /// Of each day, the least and the greatest of every node; of all days first.
    boxes: Vec<[Vec<f64>; 2]>,
}

impl Walkers<'_> {
    pub(super) fn walk(&self, plan: Plan<'_>) -> Walked {
        let threads = plan.threads.clamp(1, plan.paths.max(1) as usize);
        let share = |at: u64| plan.paths * at / threads as u64;
        let parts: Vec<Walked> = std::thread::scope(|scope| {
            let part = |at: u64| scope.spawn(move || self.part(plan, share(at)..share(at + 1)));
            let handles: Vec<_> = (0..threads as u64).map(part).collect();
            handles
                .into_iter()
                .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut all = Walked::default();
        for part in parts {
            if all.crossed.is_empty() {
                all.crossed = part.crossed;
            } else {
                for (sum, more) in all.crossed.iter_mut().zip(part.crossed) {
                    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                }
            }
            all.losses.extend(part.losses);
            append(&mut all.least, part.least);
            append(&mut all.fan, part.fan);
        }
        all
    }

    fn part(&self, plan: Plan<'_>, paths: std::ops::Range<u64>) -> Walked {
        let ground = self.ground;
        let (horizons, currencies) = (plan.days.len(), ground.currencies.len());
        let days = plan.days.last().map_or(0, |day| *day as usize);
        let looks = self.tracks.looks();
        let mut seen = Seen::new(self, days, looks);
        let walked: Vec<&Rows> = ground.known.iter().filter_map(Known::rows).collect();
        let places: Vec<usize> =
            (0..ground.known.len()).filter(|at| ground.known[*at].rows().is_some()).collect();
        let accounts = if self.book { ground.known.len() } else { 0 };
        let mut part = Walked {
            crossed: vec![vec![0; horizons]; accounts],
            losses: Vec::new(),
            least: vec![vec![Vec::new(); horizons]; self.chosen.len()],
            fan: vec![vec![Vec::new(); if plan.fan { days } else { 0 }]; self.chosen.len()],
        };
        for path in paths {
            seen.draw(self, plan.seed, path, days);
            for (at, account) in self.chosen.iter().enumerate() {
                let Some(rows) = ground.known[*account].rows() else { continue };
                seen.closely(rows, plan.days, looks, &mut part.least[at], &mut part.fan[at]);
            }
            if !self.book {
                continue;
            }
            let mut sums = vec![[0.0; 2]; horizons * currencies];
            for (rows, place) in walked.iter().zip(&places) {
                let Some(look) = seen.crosses(&rows.rows, looks) else { continue };
                let [collateral, debt] = seen.worth(rows, look);
                let day = (look / looks) as u32 + 1;
                for (horizon, _) in plan.days.iter().enumerate().filter(|(_, until)| day <= **until) {
                    part.crossed[*place][horizon] += 1;
                    let sum = &mut sums[horizon * currencies + rows.currency];
                    sum[0] += collateral;
                    sum[1] += (debt - collateral).max(0.0);
                }
            }
            part.losses.extend(sums);
        }
        part
    }
}

/// What became of a policy on one path by a horizon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Policed {
    /// A top-up came too late.
    pub(super) late: bool,
    /// Without the policy the account would have crossed.
    pub(super) crossed: bool,
    pub(super) top_ups: u32,
    /// What was repaid (currency units).
    pub(super) repaid: f64,
}

impl Walkers<'_> {
    /// Follows a policy of the account along every path; a top-up arrives so many looks after the one at which health fell to its trigger.
    pub(super) fn police(
        &self,
        plan: Plan<'_>,
        rows: &Rows,
        policy: &Policy,
        delay: usize,
    ) -> Vec<Vec<Policed>> {
        let days = plan.days.last().map_or(0, |day| *day as usize);
        let looks = self.tracks.looks();
        let mut seen = Seen::new(self, days, looks);
        let path = |path| {
            seen.draw(self, plan.seed, path, days);
            seen.police(rows, plan.days, looks, policy, delay)
        };
        (0..plan.paths).map(path).collect()
    }
}

fn append<T>(all: &mut Vec<Vec<Vec<T>>>, more: Vec<Vec<Vec<T>>>) {
    if all.is_empty() {
        *all = more;
        return;
    }
    for (all, more) in all.iter_mut().zip(more) {
        for (all, more) in all.iter_mut().zip(more) {
            all.extend(more);
        }
    }
}

impl Known {
    pub(super) fn rows(&self) -> Option<&Rows> {
        match self {
            Known::Rows(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Seen {
    fn new(walkers: &Walkers<'_>, days: usize, looks: usize) -> Seen {
        let (width, views) = (walkers.ground.width(), if walkers.tracks.ranged() { 3 } else { 1 });
        let pair = || [vec![0.0; width], vec![0.0; width]];
        Seen {
            track: Track::default(),
            values: Vec::new(),
            moved: vec![0.0; walkers.tracks.prices()],
            worlds: vec![0.0; days * looks * views * width],
            boxes: (0..=days).map(|_| pair()).collect(),
        }
    }

    fn width(&self) -> usize {
        self.boxes[0][0].len()
    }

    fn views(&self) -> usize {
        if self.track.range.is_some() { 3 } else { 1 }
    }

    fn draw(&mut self, walkers: &Walkers<'_>, seed: u64, path: u64, days: usize) {
        let looks = walkers.tracks.looks();
        walkers.tracks.draw(seed, path, days, &mut self.track);
        let (width, views, prices) = (self.width(), self.views(), walkers.tracks.prices());
        for [low, high] in &mut self.boxes {
            low.fill(f64::INFINITY);
            high.fill(f64::NEG_INFINITY);
        }
        for look in 0..days * looks {
            for view in 0..views {
                let from = match (&self.track.range, view) {
                    (Some([low, _]), 1) => low,
                    (Some([_, high]), 2) => high,
                    _ => &self.track.close,
                };
                self.moved.copy_from_slice(&from[look * prices..(look + 1) * prices]);
                let at = (look * views + view) * width;
                let world = &mut self.worlds[at..at + width];
                walkers.ground.world(look + 1, &self.moved, &mut self.values, world);
                let [low, high] = &mut self.boxes[look / looks + 1];
                for ((low, high), value) in low.iter_mut().zip(high).zip(&*world) {
                    *low = low.min(*value);
                    *high = high.max(*value);
                }
            }
        }
        let (whole, days) = self.boxes.split_at_mut(1);
        for [low, high] in days {
            whole[0][0].iter_mut().zip(low).for_each(|(whole, day)| *whole = whole.min(*day));
            whole[0][1].iter_mut().zip(high).for_each(|(whole, day)| *whole = whole.max(*day));
        }
    }

    fn world(&self, look: usize, view: usize) -> &[f64] {
        let (width, views) = (self.width(), self.views());
        let at = (look * views + view) * width;
        &self.worlds[at..at + width]
    }

    /// The first look at which an account is below its line. A day whose extremes taken together leave it above is not looked into.
    fn crosses(&self, rows: &PlainRows, looks: usize) -> Option<usize> {
        let [low, high] = &self.boxes[0];
        if above(rows, low, high) {
            return None;
        }
        for (day, [low, high]) in self.boxes[1..].iter().enumerate() {
            if above(rows, low, high) {
                continue;
            }
            for look in day * looks..(day + 1) * looks {
                if (0..self.views()).any(|view| below(rows, self.world(look, view))) {
                    return Some(look);
                }
            }
        }
        None
    }

    /// Collateral and debt at a look, in the view in which the account is least healthy (currency units).
    fn worth(&self, rows: &Rows, look: usize) -> [f64; 2] {
        let views = (0..self.views()).map(|view| self.world(look, view));
        let worst = views.min_by(|a, b| rows.rows.health(a).total_cmp(&rows.rows.health(b)));
        worst.map_or([0.0; 2], |world| {
            [&rows.rows.collateral, &rows.rows.debt].map(|terms| total(terms, world) * rows.unit)
        })
    }

    /// One path of a policy. What is repaid raises health at every later look by the same factor.
    fn police(&self, rows: &Rows, days: &[u32], looks: usize, policy: &Policy, delay: usize) -> Vec<Policed> {
        let mut now = Policed::default();
        let mut all = Vec::with_capacity(days.len());
        let (mut raised, mut due) = (1.0, None);
        for look in 0..(self.boxes.len() - 1) * looks {
            let health = |view: usize| rows.rows.health(self.world(look, view));
            let least = (0..self.views()).map(health).fold(f64::INFINITY, f64::min);
            now.crossed |= least < 1.0;
            now.late |= least * raised < 1.0;
            if !now.late && due.is_none() && least * raised <= policy.trigger {
                due = Some(look.saturating_add(delay));
            }
            if !now.late && due.is_some_and(|due| due <= look) {
                due = None;
                let close = health(0) * raised;
                if close < policy.target {
                    // Of the debt that there then is, which was divided by what health was raised by.
                    let debt = total(&rows.rows.debt, self.world(look, 0)) * rows.unit / raised;
                    now.repaid += debt * (1.0 - close / policy.target);
                    now.top_ups += 1;
                    raised *= policy.target / close;
                }
            }
            if days.iter().any(|day| *day as usize * looks == look + 1) {
                all.push(now);
            }
        }
        all
    }

    /// Follows one account through every look.
    fn closely(&self, rows: &Rows, days: &[u32], looks: usize, least: &mut [Vec<f64>], fan: &mut [Vec<f32>]) {
        let mut lowest = f64::INFINITY;
        let mut horizon = 0;
        for day in 0..self.boxes.len() - 1 {
            for look in day * looks..(day + 1) * looks {
                for view in 0..self.views() {
                    lowest = lowest.min(rows.rows.health(self.world(look, view)));
                }
            }
            if let Some(ends) = fan.get_mut(day) {
                ends.push(rows.rows.health(self.world((day + 1) * looks - 1, 0)) as f32);
            }
            while days.get(horizon).is_some_and(|until| *until as usize == day + 1) {
                least[horizon].push(if lowest > 0.0 { log(lowest) } else { f64::NEG_INFINITY });
                horizon += 1;
            }
        }
    }
}

/// Whether no row of an account is below zero in any world of a box.
fn above(rows: &PlainRows, low: &[f64], high: &[f64]) -> bool {
    let sum = |terms: &PlainTerms, low: &[f64], high: &[f64]| {
        let of = |(node, coefficient): &(u32, f64)| {
            coefficient * if *coefficient > 0.0 { low[*node as usize] } else { high[*node as usize] }
        };
        terms.iter().map(of).sum::<f64>()
    };
    rows.rows.iter().all(|row| {
        let hinges: f64 = row.hinges.iter().map(|hinge| sum(hinge, high, low).max(0.0)).sum();
        sum(&row.backing, low, high) - hinges >= sum(&row.requirement, high, low)
    })
}

/// Whether an account is below its line.
pub(super) fn below(rows: &PlainRows, world: &[f64]) -> bool {
    rows.rows.iter().any(|row| {
        let [backing, requirement] = row.sides(world);
        backing < requirement
    })
}
