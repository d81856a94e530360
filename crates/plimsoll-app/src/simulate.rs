//! `plimsoll simulate`: a crash played step by step against a real book.

mod json;
mod trace;

use crate::args::SimulateArgs;
use crate::ask::{print_foot, refuse};
use crate::check::counted;
use crate::exit;
use crate::progress::Progress;
use crate::show::{self, amount, errln, missing, outln};
use crate::whatif::table;
use plimsoll::{Replay, Said, Simulation, in_dollars};
use plimsoll_core::{Crash, Decimal, Int, U256};
use plimsoll_io::book::File;
use plimsoll_io::crash::{Opened, library, read, read_file};
use plimsoll_sim::outcome::{Distribution, Outcome, Quantile, Sums};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

pub(crate) fn run(args: &SimulateArgs) -> u8 {
    let (Some(path), Some(name)) = (args.book.as_deref().filter(|_| !args.list), &args.crash) else {
        return list(args.json);
    };
    let crash = match crash(name) {
        Ok(crash) => crash,
        Err(code) => return code,
    };
    let (book, _) = match crate::check::open(path, false) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    if let Err(code) = crate::history::known(&book, &args.hold, &args.map) {
        return code;
    }
    let depth = match args.depth.as_deref().map(crate::stress::open_depth).transpose() {
        Ok(depth) => depth,
        Err(code) => return code,
    };
    let said = Said { hold: args.hold.clone(), map: args.map.clone() };
    let history = match args.history.as_deref().map(crate::history::open).transpose() {
        Ok(history) => history,
        Err(code) => return code,
    };
    let times = [("--since", &args.since), ("--until", &args.until)];
    let [since, until] = times.map(|(name, text)| crate::correlations::moment(name, text.as_deref()));
    let (Some(since), Some(until)) = (since, until) else { return exit::USAGE };
    let replay = history.as_ref().zip(since.zip(until));
    let replay = replay.map(|(history, (since, until))| Replay { history, since, until });
    let simulation = match Simulation::new(&book, &crash, depth.as_ref(), &said, replay.as_ref(), args.seed) {
        Ok(simulation) => simulation,
        Err(why) => return refuse(&why),
    };
    let answered = if let Some(run) = args.trace {
        trace::print(&simulation, args, run)
    } else if let Some((name, values)) = &args.sweep {
        swept(&simulation, args, name, values)
    } else if let Some((what, most)) = args.reverse {
        reversed(&simulation, args, what, most)
    } else {
        distributions(&simulation, args, &crash, depth.is_some())
    };
    answered.unwrap_or_else(|why| refuse(&why))
}

/// A crash by name or file; the exit code where it cannot be had.
fn crash(name: &str) -> Result<Crash, u8> {
    let shipped = library().iter().find(|shipped| shipped.name == name);
    let opened = match shipped {
        Some(shipped) => read(shipped.name, shipped.text),
        None if Path::new(name).exists() || name.ends_with(".toml") => read_file(File::open(Path::new(name))),
        None => {
            errln!(
                "plimsoll: found no crash `{name}`; `plimsoll simulate --list` shows those that ship, others are files"
            );
            if let Some(near) = plimsoll_io::fault::nearest(name, library().iter().map(|it| it.name)) {
                errln!("  did you mean `{near}`?");
            }
            return Err(exit::USAGE);
        }
    };
    let Opened { crash, faults } = opened;
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    }
    crash.ok_or_else(|| {
        errln!("plimsoll: nothing was played: the crash is faulty");
        exit::FAULTY
    })
}

fn list(as_json: bool) -> u8 {
    let all = library().iter().filter_map(|shipped| read(shipped.name, shipped.text).crash);
    if as_json {
        outln!("{:#}", json::library(all));
        return exit::CALM;
    }
    let mut rows = table(&["crash", "steps", ""], 1..2);
    for crash in all {
        rows.add_row([crash.name, format!("{} x {}", crash.steps, show::age(crash.step)), crash.title]);
    }
    outln!("{}", rows.trim_fmt());
    exit::CALM
}

/// A figure of all runs, by name: how it is read from a run's sums.
type Figure = (&'static str, fn(&Sums) -> Int);

const FIGURES: [Figure; 6] = [
    ("bad debt", |sums| sums.bad_debt),
    ("debt repaid", |sums| sums.repaid),
    ("collateral seized", |sums| sums.seized),
    ("cost to borrowers", |sums| sums.cost),
    ("keepers' profit", |sums| sums.profit),
    ("paid in or back", |sums| sums.rescued),
];

/// All runs summed up.
struct Answer<'a> {
    simulation: &'a Simulation,
    crash: &'a Crash,
    /// Whether depth was given: else nothing can be sold.
    deep: bool,
    outcomes: Vec<Outcome>,
    /// Each figure in dollars as at the start.
    figures: Vec<(&'static str, Distribution)>,
    /// Counts and times, one number a run.
    counts: Vec<(&'static str, Distribution)>,
    /// Of each driver: the lowest price, the same without sales, the deepest press [1e18].
    drivers: Vec<[Distribution; 3]>,
}

fn distributions(
    simulation: &Simulation,
    args: &SimulateArgs,
    crash: &Crash,
    deep: bool,
) -> Result<u8, plimsoll::Misasked> {
    let progress = Mutex::new(Progress::new("runs", args.runs));
    let done = |done: u64| {
        if let Ok(mut progress) = progress.lock() {
            progress.at(done);
        }
    };
    let outcomes = simulation.play(args.runs, args.threads.max(1), &done)?;
    drop(progress);
    let of = |figure: &dyn Fn(&Outcome) -> Int| Distribution::of(outcomes.iter().map(figure).collect());
    let dollars = |outcome: &Outcome, read: fn(&Sums) -> Int| {
        let all = outcome.sums.iter();
        let all = all.filter_map(|(currency, sums)| in_dollars(&simulation.plan, currency, read(sums)));
        all.fold(Int::ZERO, |sum, it| sum.add(it).unwrap_or(sum))
    };
    let figures = FIGURES.iter().filter_map(|(name, read)| Some((*name, of(&|run| dollars(run, *read))?)));
    let figures = figures.collect();
    let count = |name, figure: fn(&Outcome) -> u64| Some((name, of(&|run| Int::from(figure(run)))?));
    let counts = [
        count("accounts that fell", |run| run.fell),
        count("left below at the end", |run| run.left),
        count("liquidating calls", |run| run.calls),
        count("longest time below (s)", |run| run.clearing),
        count("borrowers who acted", |run| run.rescues),
    ];
    let counts = counts.into_iter().flatten().collect();
    let drivers = (0..simulation.plan.drivers.len()).filter_map(|at| {
        let of = |read: fn(&Outcome) -> &Vec<U256>| of(&|run| Int::from(read(run)[at]));
        Some([of(|run| &run.lowest)?, of(|run| &run.lowest_alone)?, of(|run| &run.impact)?])
    });
    let drivers = drivers.collect();
    let answer = Answer { simulation, crash, deep, drivers, figures, counts, outcomes };
    if args.json {
        outln!("{:#}", json::answer(&answer));
    } else {
        print(&answer);
    }
    // Somebody's debt is lost in some run: as where an account is unhealthy.
    let lost = answer.figures.iter().any(|(name, of)| *name == "bad debt" && of.above_zero > 0);
    let unknown = answer.outcomes.iter().any(|outcome| outcome.unknown > 0);
    Ok(match (lost, unknown) {
        (true, _) => exit::UNHEALTHY,
        (false, true) => exit::UNKNOWN,
        (false, false) => exit::CALM,
    })
}

/// A quantile with its interval, where the sample has one.
fn interval(of: &Quantile, tell: &dyn Fn(Int) -> String) -> String {
    let end = |end: Option<Int>| end.map_or_else(|| "?".into(), tell);
    format!("{} ({} to {})", tell(of.value), end(of.low), end(of.high))
}

fn print(answer: &Answer<'_>) {
    let Answer { simulation, crash, deep, outcomes, figures, counts, drivers } = answer;
    outln!("{}", crash.title);
    outln!(
        "{} of {}, {} x {}, seed {}\n",
        counted(outcomes.len() as u64, "run"),
        crash.name,
        crash.steps,
        show::age(crash.step),
        simulation.plan.seed
    );
    let money = |it: Int| if it.is_negative() { amount(it, 18, 0) } else { missing(it, 18, 0) };
    let mut rows = table(
        &["USD as at the start", "runs above 0", "mean", "median", "VaR 95 %", "VaR 99 %", "most"],
        1..7,
    );
    for (name, of) in figures {
        rows.add_row(row(name, of, &money));
    }
    outln!("{}\n", rows.trim_fmt());
    let mut rows = table(&["", "runs above 0", "mean", "median", "95 %", "99 %", "most"], 1..7);
    let whole = |it: Int| show::grouped(&it.to_string());
    for (name, of) in counts {
        rows.add_row(row(name, of, &whole));
    }
    outln!("{}\n", rows.trim_fmt());
    let percent = |it: Int| amount(it, 16, 2) + " %";
    let mut rows = table(&["of the price at the start", "", "least", "median"], 2..4);
    for (name, [lowest, alone, impact]) in simulation.plan.drivers.iter().zip(drivers) {
        let least = |of: &Distribution| [percent(of.ends[0]), percent(of.quantiles[0].value)];
        for (what, of) in [("lowest", lowest), ("lowest without what sales did", alone)] {
            let [least, median] = least(of);
            rows.add_row([name.clone(), what.into(), least, median]);
        }
        let most = percent(impact.ends[1]);
        rows.add_row([
            name.clone(),
            "pressed down by sales, at most".into(),
            most,
            percent(impact.quantiles[0].value),
        ]);
    }
    outln!("{}\n", rows.trim_fmt());
    passed(outcomes, *deep);
    let mut rows = table(&["given", "", "", ""], 0..0);
    for stated in &simulation.stated {
        let from = stated.measured.as_ref().map_or("assumed".to_string(), |from| format!("measured: {from}"));
        rows.add_row([stated.of.clone(), stated.name.clone(), stated.value.clone(), from]);
    }
    outln!("{}", rows.trim_fmt());
    notes(simulation);
    print_foot(&simulation.identity);
    outln!(
        "quantiles are order statistics; in brackets, order statistics that hold the true one with 95 % (`?`: the sample is too small)"
    );
}

fn row(name: &str, of: &Distribution, tell: &dyn Fn(Int) -> String) -> [String; 7] {
    let mean = of.mean.map_or_else(|| "?".into(), tell);
    let [middle, high, highest] = &of.quantiles;
    let quantiles = [middle, high, highest].map(|it| interval(it, tell));
    let [middle, high, highest] = quantiles;
    [name.into(), format!("{} of {}", of.above_zero, of.runs), mean, middle, high, highest, tell(of.ends[1])]
}

/// Why accounts below their line were left.
fn passed(outcomes: &[Outcome], deep: bool) {
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let rows = [
        ("no keeper was there, or gas was too dear", sum(|run| run.passed.nobody)),
        ("it did not pay", sum(|run| run.passed.unprofitable)),
        ("nobody has so much", sum(|run| run.passed.capital)),
        ("no market, or more than anybody has measured", sum(|run| run.passed.unsold)),
        ("the venue refused", sum(|run| run.passed.refused)),
    ];
    let rows: Vec<String> =
        rows.iter().filter(|(_, count)| *count > 0).map(|(why, count)| format!("{why} {count}")).collect();
    if !rows.is_empty() {
        outln!("accounts below their line that were left at a look, over all runs: {}\n", rows.join("; "));
    }
    if !deep {
        outln!(
            "without --depth nobody knows what a sale brings: nothing is sold but into pools of the crash\n"
        );
    }
    let unknown = outcomes.iter().map(|run| run.unknown).max().unwrap_or(0);
    if unknown > 0 {
        outln!("{} cannot be judged: unknown, and in no figure\n", counted(unknown, "account"));
    }
}

fn notes(simulation: &Simulation) {
    let list = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            outln!("{what}: {}", names.join(", "));
        }
    };
    let still = simulation.still.iter().map(|(name, why)| format!("{name} ({})", why.name()));
    outln!();
    list("stand still", still.collect());
    list("move no price of the book", simulation.without_effect.clone());
    list("have no price in USD, so that thresholds and sums count one for one", simulation.unpriced.clone());
}

fn swept(
    simulation: &Simulation,
    args: &SimulateArgs,
    name: &str,
    values: &[Decimal],
) -> Result<u8, plimsoll::Misasked> {
    let found = plimsoll::sweep(simulation, name, values, args.runs, args.threads.max(1))?;
    if args.json {
        outln!("{:#}", json::swept(simulation, name, &found));
        return Ok(exit::CALM);
    }
    tried(simulation, name, &found);
    Ok(exit::CALM)
}

/// One line a value.
fn tried(simulation: &Simulation, name: &str, found: &[plimsoll::Swept]) {
    let money = |it: Int| if it.is_negative() { amount(it, 18, 0) } else { missing(it, 18, 0) };
    let header = [
        name,
        "accounts that fell",
        "bad debt, mean",
        "median",
        "VaR 95 %",
        "VaR 99 %",
        "keepers' profit, median",
    ];
    let mut rows = table(&header, 0..7);
    for it in found {
        let [middle, high, highest] = it.bad_debt.quantiles.each_ref().map(|of| interval(of, &money));
        let mean = it.bad_debt.mean.map_or_else(|| "?".into(), money);
        rows.add_row([
            it.value.trimmed().to_string(),
            it.fell.to_string(),
            mean,
            middle,
            high,
            highest,
            money(it.profit.quantiles[0].value),
        ]);
    }
    outln!("{}", rows.trim_fmt());
    notes(simulation);
    print_foot(&simulation.identity);
}

fn reversed(
    simulation: &Simulation,
    args: &SimulateArgs,
    what: plimsoll::Reverse,
    most: Decimal,
) -> Result<u8, plimsoll::Misasked> {
    let raw = most.cut(18).scaled_amount(18).unwrap_or(U256::MAX);
    let (found, tries) = plimsoll::reverse(simulation, what, raw.into(), args.runs, args.threads.max(1))?;
    let of = match what {
        plimsoll::Reverse::Fall => "so many times the fall",
        plimsoll::Reverse::Book => "so many times the book",
    };
    if args.json {
        outln!("{:#}", json::reversed(simulation, of, most, found, &tries));
        return Ok(exit::CALM);
    }
    match found {
        Some(multiple) => outln!(
            "{of}, {multiple}, is the first that was tried at which VaR 95 % of bad debt is above {most} USD\n"
        ),
        None => outln!("VaR 95 % of bad debt is not above {most} USD up to four times\n"),
    }
    tried(simulation, of, &tries);
    Ok(exit::CALM)
}

/// `spills=0,0.5,1`.
pub(crate) fn sweep(text: &str) -> Result<(String, Vec<Decimal>), String> {
    let expected =
        format!("expected one of {} and values, such as spills=0,0.5,1", plimsoll::SWEPT.join(", "));
    let (name, values) = text.split_once('=').ok_or(expected.clone())?;
    if !plimsoll::SWEPT.contains(&name) {
        return Err(expected);
    }
    let values: Result<Vec<Decimal>, String> = values
        .split(',')
        .map(|word| word.parse().map_err(|error| format!("found `{word}`: {error}")))
        .collect();
    Ok((name.into(), values?))
}

/// `fall:1000000`, `book:1000000`.
pub(crate) fn reverse(text: &str) -> Result<(plimsoll::Reverse, Decimal), String> {
    let expected = "expected what grows and the loss that is too much, such as fall:1000000 or book:1000000";
    let (what, most) = text.split_once(':').ok_or(expected)?;
    let what = match what {
        "fall" => plimsoll::Reverse::Fall,
        "book" => plimsoll::Reverse::Book,
        _ => return Err(expected.into()),
    };
    let most: Decimal = most.parse().map_err(|error| format!("found `{most}`: {error}"))?;
    if most.mantissa.is_negative() {
        return Err(expected.into());
    }
    Ok((what, most))
}

/// `aave-core:ada@3600`.
pub(crate) fn moment(text: &str) -> Result<(String, u64), String> {
    let expected = "expected an account and seconds since the start, such as aave-core:ada@3600";
    let (name, after) = text.rsplit_once('@').ok_or(expected)?;
    let after = plimsoll_io::time::parse_duration(after).ok_or(expected)?;
    if name.is_empty() { Err(expected.into()) } else { Ok((name.into(), after)) }
}
