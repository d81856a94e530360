//! A book of five venues, compiled and resident: how many accounts are healthy, liquidatable, without debt and unknown in each of
//! a thousand worlds, and what a crash leaves when its liquidations are played to their end.
//!
//! **Data.** `plimsoll demo` ([`plimsoll_io::book::demo`]), written once below the build's folder. A world moves ether and bitcoin
//! by one lognormal factor and each by a little of its own, staked ether down by up to a fifteenth, dollars hardly.
//!
//! **Answers.** `counts`: those of the venues' integers ([`plimsoll::Stress::counts`]). Floats tell who is surely on which side, and
//! whom they cannot tell is judged inside the time that is told. What agrees is every count of four worlds with judging everybody.
//! `compile`: judging the book as it stands and packing it; how long reading it took is told in the case. `outcomes`: a whole jump
//! ([`plimsoll::Stress::jump`]), which clones the book, judges the candidates and plays the liquidation of every account that
//! is below the line; the time of it is told by such account. What agrees are its counts with judging everybody.
//!
//! **Baselines.** `plain CSR`: one sum over sorted indices for each row of an account, one world at a time, as floats, which know no
//! rounding. `everybody in integers`: every account assessed in every world. Both in the same process, in turn, over four worlds.

pub(in crate::benches) mod data;

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, cpu_in_turn, cpu_seconds};
use crate::registry::{Context, Trouble};
use data::{Csr, Data, World, crash, written};
use plimsoll::{Counted, Counts, Jump, Said, Stress};
use plimsoll_core::{Book, Lens, Standing};
use plimsoll_kernel::Path;
use std::hint::black_box;

pub(crate) const NAME: &str = "stress_exact";

/// Worlds that baselines are run over; the time is the same for each.
const SAMPLE: usize = 4;

/// The crash whose liquidations are played.
const CRASH: &str = "2022-06-3ac-peak";

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(20_000, 1_000_000, 1_000_000);
    let worlds = context.sized(64, 1024, 1024);
    for seed in context.seeds() {
        let folder = written(accounts, seed)?;
        let begun = cpu_seconds();
        let data = Data::read(&folder)?;
        let loaded = begun.zip(cpu_seconds()).map_or(f64::NAN, |(begun, ended)| ended - begun);
        let bench = Bench { context, data: &data, accounts, seed };
        let stress = bench.compile(loaded, emit)?;
        bench.counts(&stress, &data.worlds(worlds, seed)?, emit)?;
        bench.outcomes(&stress, emit)?;
    }
    Ok(())
}

struct Bench<'a> {
    context: &'a Context,
    data: &'a Data,
    accounts: u64,
    seed: u64,
}

impl<'a> Bench<'a> {
    /// Judges and packs the book, beside judging alone.
    fn compile(&self, loaded: f64, emit: &mut dyn FnMut(Line)) -> Result<Stress<'a>, Trouble> {
        let standings = self.data.stand(&self.data.today())?;
        let (mut stress, mut counts) = (None, Counts::default());
        let timings = cpu_in_turn(
            self.context.sized(1, 3, 3),
            self.accounts,
            [&mut || stress = Some(Stress::new(&self.data.book)), &mut || {
                counts = self.data.everybody(&standings)
            }],
        );
        let stress = stress.ok_or_else(|| wrong("nothing was compiled"))?.map_err(wrong)?;
        let same = stress.counts(&[self.data.today()]).map_err(wrong)?.counts == [counts];
        let case = format!("compile: {} accounts, read in {loaded:.1} s of CPU time", self.accounts);
        emit(self.line(case, timings, "everybody in integers, once", [u64::from(same), 1], self.accounts));
        Ok(stress)
    }

    /// Every world's counts.
    fn counts(
        &self,
        stress: &Stress<'_>,
        worlds: &[World],
        emit: &mut dyn FnMut(Line),
    ) -> Result<(), Trouble> {
        let step = (worlds.len() / SAMPLE).max(1);
        let some: Vec<&World> = worlds.iter().step_by(step).take(SAMPLE).collect();
        let stood = some.iter().map(|world| self.data.stand(world)).collect::<Result<Vec<_>, _>>()?;
        let csr = Csr::of(self.data)?;
        let floats: Vec<Vec<f64>> = stood.iter().map(|standings| csr.world(standings)).collect();
        let items = self.accounts * worlds.len() as u64;
        let (mut counted, mut below, mut exact) = (Ok(Counted::default()), Vec::new(), Vec::new());
        let [ours, mut plain, mut everybody] = cpu_in_turn(
            self.context.sized(3, 5, 5),
            items,
            [
                &mut || counted = stress.counts(black_box(worlds)),
                &mut || below = floats.iter().map(|world| csr.below(black_box(world))).collect::<Vec<_>>(),
                &mut || exact = stood.iter().map(|world| self.data.everybody(black_box(world))).collect(),
            ],
        );
        for theirs in [&mut plain, &mut everybody] {
            theirs.median *= worlds.len() as f64 / some.len() as f64;
        }
        let Counted { counts, judged } = counted.map_err(wrong)?;
        // Floats know no roundings.
        let off = below.iter().zip(&exact).map(|(floats, exact)| floats.abs_diff(exact.liquidatable)).max();
        if off.is_none_or(|off| off > self.accounts / 1000) {
            return Err(wrong(format!("a plain sum finds {below:?} where integers find {exact:?}")));
        }
        let same = exact.iter().zip(counts.iter().step_by(step)).filter(|(exact, ours)| exact == ours);
        let agreed = [same.count() as u64, exact.len() as u64];
        let fell: u64 = counts.iter().map(|counts| counts.liquidatable).sum();
        let case = format!(
            "counts: {} accounts, {} worlds in {:.2} s, {fell} liquidatable, {judged} judged by integers ({:.4} %)",
            self.accounts,
            worlds.len(),
            ours.median * items as f64 / 1e9,
            100.0 * judged as f64 / items as f64,
        );
        for (theirs, baseline) in [(plain, "plain CSR"), (everybody, "everybody in integers")] {
            let line = self.line(case.clone(), [ours, theirs], baseline, agreed, items);
            emit(Line { sample: self.accounts * some.len() as u64, ..line });
        }
        Ok(())
    }

    /// One crash, its liquidations played to their end.
    fn outcomes(&self, stress: &Stress<'_>, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
        let crash = crash(CRASH)?;
        let shocked = stress.jump(&crash, &Said::default()).map_err(wrong)?.shocked.book;
        let standings = standing(&shocked)?;
        let (mut jump, mut seen) = (None, Counts::default());
        let [mut ours, mut judging] = cpu_in_turn(
            self.context.sized(1, 1, 3),
            1,
            [&mut || jump = Some(stress.jump(black_box(&crash), &Said::default())), &mut || {
                seen = self.data.everybody(black_box(&standings))
            }],
        );
        let jump = jump.ok_or_else(|| wrong("nothing was played"))?.map_err(wrong)?;
        let fell = jump.below.len() as u64;
        for timing in [&mut ours, &mut judging] {
            timing.median /= fell.max(1) as f64;
        }
        let Jump { judged, after, .. } = jump;
        let case = format!(
            "outcomes: {CRASH}, {} accounts, {fell} liquidations played, {judged} judged",
            self.accounts
        );
        let agreed = [u64::from(seen == after), 1];
        emit(self.line(case, [ours, judging], "everybody judged, nothing played", agreed, fell));
        Ok(())
    }

    fn line(
        &self,
        case: String,
        [ours, theirs]: [Timing; 2],
        baseline: &str,
        [agreed, checked]: [u64; 2],
        n: u64,
    ) -> Line {
        Line {
            bench: NAME,
            case,
            value: ours.median,
            unit: "ns",
            better: Better::Lower,
            baseline: baseline.into(),
            baseline_value: theirs.median,
            agreed,
            checked,
            runs: ours.runs,
            spread: ours.spread,
            threads: 1,
            isa: format!("{} run as {}", isa(), Path::best().name()),
            n,
            sample: n,
            seed: self.seed,
        }
    }
}

fn wrong(why: impl std::fmt::Display) -> Trouble {
    Trouble::Wrong(why.to_string())
}

/// A book's markets as they stand.
fn standing(book: &Book) -> Result<Vec<Standing<'_>>, Trouble> {
    let quotes = book.graph.quotes(book.at);
    let mut standings = Vec::with_capacity(book.markets.len());
    for listed in &book.markets {
        let readings = book.readings(listed, &quotes);
        standings.push(Standing::new(&*listed.market, &readings, Lens::Action, book.at)?);
    }
    Ok(standings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Scale;

    #[test]
    fn a_small_book_is_measured_and_agrees() {
        let context = Context { scale: Scale::Quick, seed: 3, child_peers: false, data: None };
        let mut lines = Vec::new();
        run(&context, &mut |line| lines.push(line)).expect("measured");
        assert_eq!(lines.len(), 4);
        for line in lines {
            assert!(line.agrees(), "{}", line.json());
        }
    }
}
