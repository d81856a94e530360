//! One price moves: who of a book crossed a line. Nanoseconds a tick, the boxes of who was touched made anew included; and an
//! account changed: nanoseconds an update.
//!
//! **Data.** A seeded book ([`book`]) with three levels for every account; each tick moves one random asset by a twentieth of a percent
//! up or down, each on its own walk, which is harder than prices that move together. Whoever must be asked is judged in exact
//! integers, within the time.
//!
//! **Baselines.** `dense pass`: the kernel's screen of all accounts, the fastest path, for *one* of the three levels. `brute force of
//! holders`: everybody who has the asset is judged again in 64-bit integers, and compared with what he was. `goal` where a figure is
//! beside what we want.
//!
//! **What agrees.** At the end of every pass each account's verdicts with those of exact integers, all levels; the
//! events of one tick of each pass with those of brute force; the dense pass with the first level.

mod book;

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, sum_up, thread_nanoseconds};
use crate::random::Random;
use crate::registry::{Context, Trouble};
use book::{ASSETS, Book, LEVELS, ROWS};
use plimsoll_kernel::{Candidate, Event, Index, Layout, Level, Packed, Packing, Path};

pub(crate) const NAME: &str = "ticks_1m";
pub(crate) const NAME_10M: &str = "ticks_10m";
pub(crate) const UPDATES: &str = "updates_1m";

/// Accounts touched for an event, bytes of an account's line and boxes, and nanoseconds of an update that we want at most.
const TOUCHED_GOAL: f64 = 11.0;
const BYTES_GOAL: f64 = 256.0;
const UPDATE_GOAL: f64 = 1e9 / 9e5;
/// Ticks of a pass.
const TICKS: usize = 500;
/// Updates of a pass.
const CHANGED: usize = 40_000;

pub(crate) fn run_1m(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(20_000, 1_000_000, 1_000_000);
    each_seed(context, |seed| {
        for levels in [&LEVELS[..1], &LEVELS] {
            Bench::new(NAME, accounts, levels, seed)?.ticks(context.runs(), true, emit)?;
        }
        Ok(())
    })
}

pub(crate) fn run_10m(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(50_000, 10_000_000, 10_000_000);
    let runs = context.sized(5, 21, 21);
    each_seed(context, |seed| Bench::new(NAME_10M, accounts, &LEVELS[..1], seed)?.ticks(runs, false, emit))
}

pub(crate) fn run_updates(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(20_000, 1_000_000, 1_000_000);
    each_seed(context, |seed| Bench::new(UPDATES, accounts, &LEVELS, seed)?.updates(context.runs(), emit))
}

fn each_seed(context: &Context, mut run: impl FnMut(u64) -> Result<(), Trouble>) -> Result<(), Trouble> {
    context.seeds().try_for_each(&mut run)
}

/// What this thread has used: on a shared machine the neighbours are in nobody's figure.
fn now() -> Result<f64, Trouble> {
    thread_nanoseconds().ok_or_else(|| Trouble::NoData("the system does not tell CPU time".into()))
}

struct Bench {
    name: &'static str,
    seed: u64,
    random: Random,
    book: Book,
    layout: Layout,
    index: Index,
    /// What was compared, and how much of it was equal.
    checked: u64,
    agreed: u64,
}

impl Bench {
    fn new(name: &'static str, accounts: u64, levels: &'static [Level], seed: u64) -> Result<Bench, Trouble> {
        let mut random = Random::new(seed);
        let book = Book::new(accounts, levels, &mut random);
        let layout = Book::layout().ok_or_else(|| Trouble::NoData("no layout".into()))?;
        let index = Index::new(&layout, book.world(&layout), levels);
        let mut index = index.ok_or_else(|| Trouble::NoData("no index".into()))?;
        index.reserve(accounts as u32);
        let mut bench = Bench { name, seed, random, book, layout, index, checked: 0, agreed: 0 };
        for account in 0..bench.book.len() as u32 {
            let decide = |asked: &mut [Candidate]| bench.book.decide(asked);
            let updated = bench.index.update(account, &bench.book.compiled(account), &ROWS, decide);
            updated.ok_or_else(|| Trouble::NoData("no room".into()))?;
        }
        bench.compare_all();
        Ok(bench)
    }

    fn ticks(mut self, runs: u32, dense: bool, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
        let packed = if dense { Some(self.packed()?) } else { None };
        let holders = self.book.holders();
        let (mut ours, mut dense, mut brute) = (Vec::new(), Vec::new(), Vec::new());
        let (mut touched, mut events, mut quiet, mut all) = (0, 0, 0, 0.0);
        for run in 0..=runs {
            let steps = self.steps();
            let begun = now()?;
            for (asset, price) in &steps {
                self.book.prices[*asset] = *price;
                let moved = [(ROWS.base + *asset as u32, book::node(*price))];
                let (ticked, found) = self.index.tick(&moved, |asked| self.book.decide(asked));
                touched += ticked.touched;
                events += found.len() as u64;
                quiet += u64::from(ticked.touched == 0);
            }
            let time = (now()? - begun) / TICKS as f64;
            all += time * TICKS as f64;
            self.compare_all();
            let brutally = self.one_by_brute_force(&holders)?;
            let densely = packed.as_ref().map(|packed| self.one_by_dense_pass(packed)).transpose()?;
            // The first one warms up.
            if run > 0 {
                ours.push(time);
                brute.push(brutally);
                dense.extend(densely);
            }
        }
        let ours = sum_up(&ours);
        let ticks = TICKS * (runs as usize + 1);
        let each = all / touched.max(1) as f64;
        eprintln!("{}: {ticks} ticks, {quiet} touched nobody; {events} events", self.name);
        eprintln!("{}: {touched} accounts touched, {each:.0} ns each", self.name);
        if !dense.is_empty() {
            emit(self.line("tick", ours, "ns", "dense pass", sum_up(&dense).median));
        }
        emit(self.line("tick", ours, "ns", "brute force of holders", sum_up(&brute).median));
        let an_event = Timing { median: touched as f64 / events.max(1) as f64, spread: 0.0, runs };
        emit(self.line("touched an event", an_event, "accounts", "goal", TOUCHED_GOAL));
        emit(self.bytes());
        self.done()
    }

    /// The steps of a pass, made before it.
    fn steps(&mut self) -> Vec<(usize, i64)> {
        let prices = self.book.prices;
        let mut one = || {
            let asset = self.book.step(&mut self.random);
            (asset, self.book.prices[asset])
        };
        let steps = (0..TICKS).map(|_| one()).collect();
        self.book.prices = prices;
        steps
    }

    /// Nanoseconds of a tick by brute force; its events beside ours.
    fn one_by_brute_force(&mut self, holders: &[Vec<u32>]) -> Result<f64, Trouble> {
        let mut states: Vec<u8> =
            (0..self.book.len() as u32).map(|account| self.index.verdicts(account)).collect();
        let asset = self.book.step(&mut self.random);
        let begun = now()?;
        let mut theirs = Vec::new();
        for &account in &holders[asset] {
            let (is, was) = (self.book.verdicts(account), states[account as usize]);
            if is != was {
                states[account as usize] = is;
                for level in (0..self.book.levels.len() as u8).filter(|level| (is ^ was) >> level & 1 == 1) {
                    theirs.push(Event { account, level, unhealthy: is >> level & 1 == 1 });
                }
            }
        }
        let time = now()? - begun;
        let moved = [(ROWS.base + asset as u32, book::node(self.book.prices[asset]))];
        let (_, found) = self.index.tick(&moved, |asked| self.book.decide(asked));
        self.checked += 1;
        self.agreed += u64::from(found == theirs);
        Ok(time)
    }

    fn packed(&self) -> Result<Packed, Trouble> {
        let mut packing = Packing::default();
        for account in 0..self.book.len() as u32 {
            let packed = packing.push(&self.book.compiled(account), &ROWS);
            packed.ok_or_else(|| Trouble::NoData("no room".into()))?;
        }
        Ok(packing.finish(&self.book.world(&self.layout)))
    }

    /// Nanoseconds of a dense pass; what it says beside our first level.
    fn one_by_dense_pass(&mut self, packed: &Packed) -> Result<f64, Trouble> {
        let world = self.book.world(&self.layout);
        let begun = now()?;
        let screened = packed.screen(&world, Path::best());
        let time = now()? - begun;
        let undecided = screened.undecided.iter().filter(|account| self.book.unhealthy(**account, 0));
        let mut theirs: Vec<u32> = screened.below.iter().chain(undecided).copied().collect();
        theirs.sort_unstable();
        let ours = (0..self.book.len() as u32).filter(|account| self.index.verdicts(*account) & 1 == 1);
        self.checked += 1;
        self.agreed += u64::from(ours.eq(theirs.iter().copied()));
        Ok(time)
    }

    /// Every account's verdicts beside exact integers.
    fn compare_all(&mut self) {
        for account in 0..self.book.len() as u32 {
            self.checked += 1;
            self.agreed += u64::from(self.index.verdicts(account) == self.book.verdicts(account));
        }
    }

    fn updates(mut self, runs: u32, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
        let mut ours = Vec::new();
        for run in 0..=runs {
            let changed: Vec<_> = (0..CHANGED).map(|_| self.changed()).collect();
            let begun = now()?;
            for (account, compiled) in &changed {
                let updated = self.index.update(*account, compiled, &ROWS, |asked| self.book.decide(asked));
                updated.ok_or_else(|| Trouble::NoData("no room".into()))?;
            }
            let time = (now()? - begun) / CHANGED as f64;
            // Prices go on, so that boxes are what ticks make of them.
            for (asset, price) in self.steps().into_iter().take(50) {
                self.book.prices[asset] = price;
                let moved = [(ROWS.base + asset as u32, book::node(price))];
                self.index.tick(&moved, |asked| self.book.decide(asked));
            }
            self.compare_all();
            if run > 0 {
                ours.push(time);
            }
        }
        emit(self.line("update", sum_up(&ours), "ns", "goal", UPDATE_GOAL));
        emit(self.bytes());
        self.done()
    }

    /// A random account of which one amount is another.
    fn changed(&mut self) -> (u32, plimsoll_core::Compiled) {
        let account = self.random.below(self.book.len() as u64) as u32;
        let range = self.book.range(account);
        let at = range.start + self.random.below(range.len() as u64) as usize;
        let coefficient = &mut self.book.coefficients[at];
        *coefficient += coefficient.signum()
            * (*coefficient / 100).abs().max(1)
            * if self.random.below(2) == 0 { 1 } else { -1 };
        if *coefficient == 0 {
            *coefficient = 100;
        }
        (account, self.book.compiled(account))
    }

    fn bytes(&self) -> Line {
        let bytes = self.index.bytes() as f64 / self.book.len() as f64;
        let bytes = Timing { median: bytes, spread: 0.0, runs: 1 };
        self.line("line and boxes", bytes, "bytes an account", "goal", BYTES_GOAL)
    }

    fn line(&self, case: &str, time: Timing, unit: &'static str, baseline: &str, theirs: f64) -> Line {
        let n = self.book.len() as u64;
        let levels = if self.book.levels.len() == 1 { "liquidation" } else { "three levels" };
        Line {
            bench: self.name,
            case: format!("{case}, {levels}, {ASSETS} assets, {n} accounts"),
            value: time.median,
            unit,
            better: Better::Lower,
            baseline: baseline.into(),
            baseline_value: theirs,
            agreed: self.agreed,
            checked: self.checked,
            runs: time.runs,
            spread: time.spread,
            threads: 1,
            isa: isa(),
            n,
            sample: n,
            seed: self.seed,
        }
    }

    fn done(&self) -> Result<(), Trouble> {
        if self.agreed == self.checked {
            return Ok(());
        }
        Err(Trouble::Wrong(format!("{} of {} answers agree", self.agreed, self.checked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_book_ticks_and_agrees() {
        let mut lines = Vec::new();
        let mut emit = |line| lines.push(line);
        Bench::new(NAME, 3000, &LEVELS, 5).expect("made").ticks(3, true, &mut emit).expect("agrees");
        Bench::new(UPDATES, 3000, &LEVELS, 5).expect("made").updates(3, &mut emit).expect("agrees");
        assert!(lines.len() == 6 && lines.iter().all(Line::agrees));
    }
}
