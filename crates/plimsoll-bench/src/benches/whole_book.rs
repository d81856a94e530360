//! A book of a million accounts (or ten), compiled and resident: who is below the line in one world, and in a thousand.
//!
//! **Data.** Seeded accounts in a recorded Aave v3 market of ten reserves, as books are: two to seven holdings (four in the
//! mean), a fifth with one collateral and one debt, a tenth loopers at a health of 1.02 to 1.3, the rest at one and a lognormal
//! distance. A scenario moves all prices by one lognormal factor and each by a little of its own.
//!
//! **Answers.** Counts of unhealthy accounts by the venue's own integers: floats tell who is surely below the line, and the
//! accounts that they cannot tell are asked one by one, inside the time that is told (`exact`). What agrees is a sample of
//! what floats decided, one of so many accounts, with the venue's verdict; the baseline's counts, which know no rounding, may
//! differ by the accounts that the venue decides.
//!
//! **Baselines.** `plain CSR`: what a good engineer writes first, one sum over sorted indices an account and scenario, in
//! the same process, in turn. `memory`: as many bytes as our pass reads, held alike and read as fast as can be; the ratio is the
//! share of that speed that the pass reaches. Times are those of the processor.

mod beside;
mod data;

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, cpu_in_turn};
use crate::registry::{Context, Trouble};
use data::Data;
use plimsoll_core::{Quoted, Test, Verdict};
use plimsoll_kernel::{Path, Plan, Swept, Threads, World, Worlds, Yardstick};
use std::hint::black_box;

pub(crate) const CHECK_1M: &str = "check_1m";
pub(crate) const CHECK_10M: &str = "check_10m";
pub(crate) const SWEEP_DENSE: &str = "sweep_dense";
pub(crate) const SWEEP: &str = "sweep";

/// 9 x 10^5 updates a second (ns).
const UPDATE_GOAL: f64 = 1111.0;

const MILLION: usize = 1_000_000;
/// Scenarios that the baseline is run over; its time is the same for each.
const BASELINE_SCENARIOS: usize = 4;

pub(crate) fn run_check_1m(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let mut lines = Vec::new();
    check(context, CHECK_1M, context.sized(20_000, MILLION, MILLION), &mut beside::kept(&mut lines, emit))?;
    beside::check(context, &lines, emit)
}

pub(crate) fn run_check_10m(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    check(context, CHECK_10M, context.sized(50_000, 10 * MILLION, 10 * MILLION), emit)
}

pub(crate) fn run_sweep_dense(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let plan = Plan { money: false, prune: false, pairs: false, path: Path::best() };
    let (plans, mut lines) = ([("counts", plan), ("money", Plan { money: true, ..plan })], Vec::new());
    sweep(context, SWEEP_DENSE, &plans, &mut beside::kept(&mut lines, emit))?;
    beside::sweep(context, &lines, emit)
}

pub(crate) fn run_sweep(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let plan = Plan { money: false, prune: true, pairs: true, path: Path::best() };
    let (plans, mut lines) = ([("counts", plan), ("money", Plan { money: true, ..plan })], Vec::new());
    sweep(context, SWEEP, &plans, &mut beside::kept(&mut lines, emit))?;
    beside::sweep(context, &lines, emit)
}

/// One world at a time: today's, and one a fifth lower.
fn check(
    context: &Context,
    name: &'static str,
    accounts: usize,
    emit: &mut dyn FnMut(Line),
) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let data = Data::new(accounts, seed)?;
        let yardstick = Yardstick::new(data.packed.bytes());
        for (case, thousandths) in [("today", 1000), ("a fifth lower", 800)] {
            let readings = data.moved(&vec![thousandths; data.readings.len()]);
            let quoted = data.stand(&readings)?;
            let world = World::new(&data.layout, [quoted.nodes()]);
            let floats = data.csr.world(&*quoted);
            let (mut candidates, mut plainly) = (0, 0);
            let [ours, theirs, memory] = cpu_in_turn(
                context.runs(),
                accounts as u64,
                [
                    &mut || {
                        let screened = data.packed.screen(black_box(&world), Path::best());
                        candidates = screened.below.len() + screened.undecided.len();
                    },
                    &mut || plainly = data.csr.below(black_box(&floats)),
                    &mut || {
                        black_box(yardstick.read(Path::best()));
                    },
                ],
            );
            let screened = data.packed.screen(&world, Path::best());
            let (agreed, checked) = agreement(&data, &*quoted, &screened.below, &screened.undecided);
            let off = (candidates as i64 - plainly as i64).unsigned_abs();
            if off > screened.undecided.len() as u64 {
                return Err(Trouble::Wrong(format!(
                    "{candidates} candidates where a plain sum finds {plainly}"
                )));
            }
            let case = format!(
                "{case}: {accounts} accounts of {} shapes, {candidates} candidates, {:.1} bytes each",
                data.packed.shapes(),
                data.packed.bytes() as f64 / accounts as f64
            );
            let plain = line(name, case, [ours, theirs], (agreed, checked), accounts, accounts, seed);
            emit(plain.clone());
            emit(Line { baseline: "memory".into(), baseline_value: memory.median, ..plain });
        }
        if name == CHECK_1M {
            emit(updates(context, data, seed)?);
        }
    }
    Ok(())
}

/// Accounts whose rows are replaced, one after the other, from compiled forms; the book is then screened as before.
fn updates(context: &Context, mut data: Data, seed: u64) -> Result<Line, Trouble> {
    let every = (data.accounts.len() / 20_000).max(1);
    let changes = data.compiled(every)?;
    let world = World::new(&data.layout, [data.stand(&data.readings)?.nodes()]);
    let before = data.packed.screen(&world, Path::best());
    let [ours] = cpu_in_turn(
        context.runs(),
        changes.len() as u64,
        [&mut || {
            for (account, compiled) in &changes {
                black_box(data.packed.update(*account, compiled, &data.rows));
            }
        }],
    );
    let same = data.packed.screen(&world, Path::best()) == before;
    // An update of a place in the order of pairs moves it, once.
    let case =
        format!("one account changed: its row replaced, {} of {} moved", data.packed.moved(), changes.len());
    let n = changes.len();
    let plain = line(CHECK_1M, case, [ours, ours], (u64::from(same), 1), n, n, seed);
    Ok(Line { baseline: "goal".into(), baseline_value: UPDATE_GOAL, ..plain })
}

fn sweep(
    context: &Context,
    name: &'static str,
    plans: &[(&str, Plan)],
    emit: &mut dyn FnMut(Line),
) -> Result<(), Trouble> {
    let (accounts, scenarios) = context.sized((20_000, 128), (MILLION, 1024), (MILLION, 1024));
    for seed in context.seeds() {
        let data = Data::new(accounts, seed)?;
        let scenarios = data.scenarios(scenarios, seed);
        let quoted = scenarios.iter().map(|readings| data.stand(readings)).collect::<Result<Vec<_>, _>>()?;
        let worlds: Vec<World> =
            quoted.iter().map(|quoted| World::new(&data.layout, [quoted.nodes()])).collect();
        let floats: Vec<_> =
            quoted.iter().take(BASELINE_SCENARIOS).map(|quoted| data.csr.world(&**quoted)).collect();
        for (case, plan) in plans {
            let mut counts = Vec::new();
            let mut swept = Swept::default();
            let items = (accounts * worlds.len()) as u64;
            let runs = context.sized(3, 9, 9);
            let mut plainly = Vec::new();
            let [ours, mut theirs] = cpu_in_turn(
                runs,
                items,
                [
                    &mut || {
                        let laid = Worlds::new(black_box(&worlds), &data.packed);
                        swept = data.packed.sweep(&laid, *plan, &Threads::one());
                        counts = exact(&data, &quoted, &swept);
                    },
                    &mut || {
                        plainly = floats.iter().map(|world| data.csr.below(black_box(world))).collect();
                    },
                ],
            );
            let baseline = accounts * floats.len();
            theirs.median *= items as f64 / baseline as f64;
            for (scenario, (&exact, &plain)) in counts.iter().zip(&plainly).enumerate() {
                let open = swept.undecided.iter().filter(|(s, _)| *s as usize == scenario).count() as u64;
                if exact.abs_diff(plain as u64) > open {
                    return Err(Trouble::Wrong(format!(
                        "scenario {scenario}: {exact} unhealthy, a plain sum finds {plain}"
                    )));
                }
            }
            let (agreed, checked) = sampled(&data, &quoted, &worlds, seed);
            let total: u64 = counts.iter().sum();
            let case = format!(
                "{case}, exact: {accounts} accounts, {} scenarios, {total} unhealthy, {} decided by integers",
                worlds.len(),
                swept.undecided.len()
            );
            emit(line(
                name,
                case,
                [ours, theirs],
                (agreed, checked),
                accounts * worlds.len(),
                baseline,
                seed,
            ));
        }
    }
    Ok(())
}

/// Counts by the venue's integers: those surely below, and of the others who are.
fn exact(data: &Data, quoted: &[Box<dyn Quoted + '_>], swept: &Swept) -> Vec<u64> {
    let mut counts = swept.markets[0].below.clone();
    for &(scenario, account) in &swept.undecided {
        let verdict = quoted[scenario as usize].verdict(&data.accounts[account as usize], Test::Liquidation);
        counts[scenario as usize] += u64::from(verdict.is_ok_and(|seen| seen.verdict == Verdict::Unhealthy));
    }
    counts
}

/// A sample of those whom floats decided, beside the venue's verdict.
fn agreement(data: &Data, quoted: &dyn Quoted, below: &[u32], undecided: &[u32]) -> (u64, u64) {
    let every = (data.accounts.len() / 20_000).max(1);
    let (mut agreed, mut checked) = (0, 0);
    for (number, account) in data.accounts.iter().enumerate().step_by(every) {
        let number = number as u32;
        if undecided.binary_search(&number).is_ok() {
            continue;
        }
        let unhealthy =
            quoted.verdict(account, Test::Liquidation).is_ok_and(|seen| seen.verdict == Verdict::Unhealthy);
        agreed += u64::from(unhealthy == below.binary_search(&number).is_ok());
        checked += 1;
    }
    (agreed, checked)
}

/// The same in some of the scenarios.
fn sampled(data: &Data, quoted: &[Box<dyn Quoted + '_>], worlds: &[World], seed: u64) -> (u64, u64) {
    let step = (worlds.len() / 8).max(1);
    let first = seed as usize % step;
    let (mut agreed, mut checked) = (0, 0);
    for scenario in (first..worlds.len()).step_by(step) {
        let screened = data.packed.screen(&worlds[scenario], Path::best());
        let (some, of) = agreement(data, &*quoted[scenario], &screened.below, &screened.undecided);
        agreed += some;
        checked += of;
    }
    (agreed, checked)
}

fn line(
    bench: &'static str,
    case: String,
    [ours, theirs]: [Timing; 2],
    (agreed, checked): (u64, u64),
    n: usize,
    sample: usize,
    seed: u64,
) -> Line {
    Line {
        bench,
        case,
        value: ours.median,
        unit: "ns",
        better: Better::Lower,
        baseline: "plain CSR".into(),
        baseline_value: theirs.median,
        agreed,
        checked,
        runs: ours.runs,
        spread: ours.spread,
        threads: 1,
        isa: format!("{} run as {}", isa(), Path::best().name()),
        n: n as u64,
        sample: sample as u64,
        seed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Scale;

    #[test]
    fn small_books_are_measured_and_agree() {
        let context = Context { scale: Scale::Quick, seed: 5, child_peers: false, data: None };
        let mut lines = Vec::new();
        for run in [run_check_1m, run_sweep_dense, run_sweep] {
            run(&context, &mut |line| lines.push(line)).expect("measured");
        }
        assert_eq!(lines.len(), 9);
        for line in lines {
            assert!(line.agrees() && (line.checked > 1000 || line.baseline == "goal"), "{}", line.json());
        }
    }
}
