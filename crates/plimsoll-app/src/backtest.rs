//! `plimsoll backtest`: whether forecasts of losses were right.

pub(crate) mod report;

use crate::args::BacktestArgs;
use crate::correlations::moment;
use crate::exit;
use crate::figures::percent;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use plimsoll::{BacktestTerms, Backtested, DECAY, Forecasts, Found, REJECTS, backtests};
use plimsoll_core::Time;
use plimsoll_risk::backtest::{Tested, Zone};
use plimsoll_risk::history::History;
use serde_json::{Value, json};

pub(crate) fn run(args: &BacktestArgs) -> u8 {
    let history = match crate::history::open(&args.history) {
        Ok(history) => history,
        Err(code) => return code,
    };
    let (Some(since), Some(until)) =
        (moment("--since", args.since.as_deref()), moment("--until", args.until.as_deref()))
    else {
        return exit::USAGE;
    };
    let terms = BacktestTerms { level: args.level, window: args.window, since, until };
    let own = history
        .all()
        .iter()
        .filter(|series| series.quote == history.quote())
        .map(|series| series.base.clone());
    let assets: Vec<String> = if args.assets.is_empty() { own.collect() } else { args.assets.clone() };
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for asset in &assets {
        match backtests(&history, asset, &terms) {
            Ok(found) => all.push(found),
            Err(why) => missing.push(why),
        }
    }
    for why in &missing {
        errln!("plimsoll: {why}");
    }
    if let Some(path) = &args.report
        && let Err(code) = report::write(path, &all, &missing, &terms, &history)
    {
        return code;
    }
    if args.json {
        outln!("{:#}", as_json(&all, &missing, &terms, &history));
    } else {
        print(&all, &terms, &history);
    }
    if missing.is_empty() { exit::CALM } else { exit::UNKNOWN }
}

const HEADER: [&str; 10] = [
    "series",
    "method",
    "days",
    "expected",
    "beyond",
    "accepted",
    "Kupiec p",
    "Christoffersen p",
    "shortfall Z2",
    "verdict",
];

fn print(all: &[Backtested], terms: &BacktestTerms, history: &History) {
    let mut rows = table(&HEADER, 2..9);
    for one in all {
        for method in &one.methods {
            rows.add_row(cells(one, method, terms));
        }
    }
    outln!("{}\n", rows.trim_fmt());
    for line in all.iter().flat_map(|one| summary(one, terms)) {
        outln!("{line}");
    }
    outln!("\n{}", about(terms));
    outln!("history {} · plimsoll {}", &history.digest()[..16], env!("CARGO_PKG_VERSION"));
}

/// What the figures are.
fn about(terms: &BacktestTerms) -> String {
    format!(
        "value at risk of {} %, one day ahead, each from the {} daily returns before it (EWMA {DECAY}); a test rejects below {REJECTS}",
        percent(terms.level),
        terms.window
    )
}

fn cells(one: &Backtested, method: &Forecasts, terms: &BacktestTerms) -> [String; 10] {
    let test = &method.test;
    [
        one.series.clone(),
        method.method.into(),
        test.steps.to_string(),
        expected(test.steps, terms.level),
        test.exceeded.len().to_string(),
        format!("{} to {}", method.accepted.0, method.accepted.1),
        p(test.coverage),
        p(test.independence),
        format!("{:.2}", test.shortfall),
        verdict(method),
    ]
}

#[allow(clippy::float_arithmetic)] // shown, and nothing else
fn expected(steps: u64, level: f64) -> String {
    format!("{:.1}", steps as f64 * (1.0 - level))
}

/// A probability: small ones keep their digits.
fn p(test: Tested) -> String {
    if test.p < 0.001 { format!("{:.1e}", test.p) } else { format!("{:.3}", test.p) }
}

/// What the tests amount to, in words.
fn verdict(method: &Forecasts) -> String {
    let test = &method.test;
    match method.found {
        Found::Passes => "passes".into(),
        Found::TooMany => format!("REJECTED: too many losses beyond it (p {})", p(test.coverage)),
        Found::TooFew => format!("REJECTED: too few losses beyond it (p {})", p(test.coverage)),
        Found::Together => {
            format!("REJECTED: losses beyond it come together (p {})", p(test.independence))
        }
    }
}

/// One sentence a series.
fn summary(one: &Backtested, terms: &BacktestTerms) -> Option<String> {
    let (passes, rejected): (Vec<&Forecasts>, Vec<_>) =
        one.methods.iter().partition(|method| method.found == Found::Passes);
    let names = |methods: &[&Forecasts]| match methods {
        [] => "no method".to_string(),
        _ => methods.iter().map(|method| method.method).collect::<Vec<_>>().join(" and "),
    };
    let (first, last) = (one.days.first()?, one.days.last()?);
    let day = |at: i64| show::time(Time(at.unsigned_abs())).split('T').next().unwrap_or_default().to_string();
    let why = match rejected.as_slice() {
        [] => String::new(),
        some => format!("; {} {} rejected", names(some), if some.len() > 1 { "are" } else { "is" }),
    };
    let level = percent(terms.level);
    Some(format!(
        "{}, {} to {}: {} {} at {level} %{why}",
        one.series,
        day(*first),
        day(*last),
        names(&passes),
        if passes.len() > 1 { "pass" } else { "passes" },
    ))
}

fn as_json(all: &[Backtested], missing: &[String], terms: &BacktestTerms, history: &History) -> Value {
    let tested = |test: Tested| json!({"statistic": test.statistic, "p": test.p});
    let method = |one: &Backtested, method: &Forecasts| {
        let test = &method.test;
        json!({
            "method": method.method,
            "days": test.steps,
            "beyond": test.exceeded.len(),
            "beyond_days_s": test.exceeded.iter().map(|at| one.days[*at]).collect::<Vec<_>>(),
            "accepted": [method.accepted.0, method.accepted.1],
            "kupiec": tested(test.coverage),
            "christoffersen": tested(test.independence),
            "both": tested(test.conditional),
            "shortfall_z2": test.shortfall,
            "basel": {"at_most_so_many": method.basel.0, "zone": zone(method.basel.1)},
            "passes": method.found == Found::Passes,
            "verdict": verdict(method),
        })
    };
    json!({
        "format": 1,
        "provenance": {
            "kind": "estimate",
            "history_sha256": history.digest(),
            "program": format!("plimsoll {}", env!("CARGO_PKG_VERSION")),
        },
        "level": terms.level,
        "window_days": terms.window,
        "decay_a_day": DECAY,
        "rejects_below_p": REJECTS,
        "series": all.iter().map(|one| json!({
            "series": one.series,
            "first_day_s": one.days.first(),
            "last_day_s": one.days.last(),
            "summary": summary(one, terms),
            "methods": one.methods.iter().map(|each| method(one, each)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "not_estimable": missing,
    })
}

const fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::Green => "green",
        Zone::Yellow => "yellow",
        Zone::Red => "red",
    }
}
