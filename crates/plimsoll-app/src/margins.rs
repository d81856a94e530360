//! `plimsoll margins`: margins day by day, and what they did.

use crate::args::{MarginsArgs, Reads, ToolName};
use crate::check::counted;
use crate::exit;
use crate::figures::{part_up, percent, two};
use crate::show::{self, errln, outln};
use crate::whatif::table;
use plimsoll::{Costs, MarginTerms, Measure, Procyclicality, Schedule, Tool, schedules};
use plimsoll_core::Time;
use plimsoll_risk::history::History;
use serde_json::{Value, json};
use std::fmt::Write;

pub(crate) fn run(args: &MarginsArgs) -> u8 {
    let history = match crate::history::open(&args.history) {
        Ok(history) => history,
        Err(code) => return code,
    };
    let measure = match args.measure {
        Reads::Es => Measure::Shortfall,
        Reads::Var => Measure::Value,
    };
    let terms = MarginTerms {
        level: args.level,
        days: args.days,
        measure,
        rise: args.rise,
        ..MarginTerms::default()
    };
    let mut all = Vec::new();
    for asset in &args.assets {
        match schedules(&history, asset, &terms) {
            Ok(found) => all.extend(found),
            Err(why) => {
                errln!("plimsoll: {why}");
                return exit::UNKNOWN;
            }
        }
    }
    let chosen = |schedule: &&Schedule| schedule.tool == tool(args.tool);
    if let Some(path) = &args.out {
        let written: Vec<&Schedule> = all.iter().filter(chosen).collect();
        if let Err(error) = crate::part::save(path, &file(&written, &terms, &history)) {
            errln!("plimsoll: {}: {error}", path.display());
            return exit::UNWRITTEN;
        }
    }
    if args.json {
        outln!("{:#}", answer(&all, &terms, &history));
    } else {
        print(&all, &terms, tool(args.tool));
        outln!("history {} · plimsoll {}", &history.digest()[..16], env!("CARGO_PKG_VERSION"));
    }
    exit::CALM
}

const fn tool(name: ToolName) -> Tool {
    match name {
        ToolName::Base => Tool::Base,
        ToolName::Floor => Tool::Floor,
        ToolName::Stressed => Tool::Stressed,
        ToolName::Buffer => Tool::Buffer,
    }
}

const fn tool_name(tool: Tool) -> &'static str {
    match tool {
        Tool::Base => "base",
        Tool::Floor => "floor",
        Tool::Stressed => "stressed",
        Tool::Buffer => "buffer",
    }
}

const fn side(costs: Costs) -> &'static str {
    match costs {
        Costs::Owed => "owed",
        Costs::Held | Costs::Logarithm => "held",
    }
}

/// What the margins are, in words.
fn words(terms: &MarginTerms) -> String {
    let measure = if terms.measure == Measure::Shortfall { "expected shortfall" } else { "value at risk" };
    let (percent, days) = (percent(terms.level), counted(terms.days as u64, "day"));
    let (decay, window) = (terms.decay, terms.window);
    format!("{percent} % {measure} over {days}, filtered history: EWMA {decay}, {window} daily returns")
}

fn day(at: i64) -> String {
    show::time(Time(at.unsigned_abs())).split('T').next().unwrap_or_default().to_string()
}

/// How many assets there are; each has as many schedules.
fn assets(all: &[Schedule]) -> usize {
    all.chunk_by(|a, b| a.asset == b.asset).count().max(1)
}

const HEADER: [&str; 10] = [
    "asset",
    "side",
    "tool",
    "in force %",
    "mean %",
    "peak to trough",
    "rise 1 d %",
    "rise 5 d %",
    "breaches",
    "expected of VaR",
];

fn print(all: &[Schedule], terms: &MarginTerms, tool: Tool) {
    outln!("{}", words(terms));
    let mut rows = table(&HEADER, 3..10);
    let mut row = |schedule: &Schedule, name: String, last: Option<&f64>, did: &Procyclicality, rise: f64| {
        rows.add_row([
            schedule.asset.clone(),
            side(schedule.costs).into(),
            name,
            last.map_or_else(String::new, |last| percent(*last)),
            percent(did.mean),
            two(did.peak_to_trough),
            percent(did.rise_1),
            percent(rise),
            format!("{} of {}", did.breaches, schedule.days),
            two(schedule.expected),
        ]);
    };
    for schedule in all {
        row(schedule, tool_name(schedule.tool).into(), schedule.margins.last(), &schedule.did, schedule.rise);
        if let Some(limited) = &schedule.limited {
            row(schedule, "  rises limited".into(), limited.margins.last(), &limited.did, limited.rise);
        }
    }
    outln!("{}", rows.trim_fmt());
    outln!(
        "of each day with what was known before it; losses of {} in a row overlap",
        counted(terms.days as u64, "day")
    );
    for schedule in all.iter().step_by(all.len() / assets(all)) {
        let [first, last] =
            [schedule.from.first(), schedule.from.last()].map(|at| day(at.copied().unwrap_or(0)));
        let gaps = counted(schedule.gaps as u64, "day");
        outln!(
            "{}: series {}, margins of {first} to {last}; {gaps} without a return",
            schedule.asset,
            schedule.series
        );
    }
    for schedule in all.iter().filter(|schedule| schedule.tool == tool) {
        let Some(limited) = &schedule.limited else { continue };
        let most = percent(terms.rise.unwrap_or_default());
        let added = counted(limited.added.len() as u64, "breach");
        outln!(
            "{} {}, {}: rises of at most {most} % a day add {added}",
            schedule.asset,
            side(schedule.costs),
            tool_name(tool)
        );
        for (at, margin, loss) in &limited.added {
            outln!("  {}: margin {} %, loss {} %", day(*at), percent(*margin), percent(*loss));
        }
    }
}

fn did_json(did: &Procyclicality, rise: f64) -> Value {
    json!({
        "peak_to_trough_ratio": did.peak_to_trough,
        "largest_rise_1_day_share": did.rise_1,
        "largest_rise_5_days_share": rise,
        "mean_share": did.mean,
        "breaches": did.breaches,
    })
}

fn answer(all: &[Schedule], terms: &MarginTerms, history: &History) -> Value {
    let one = |schedule: &Schedule| {
        let mut value = json!({
            "asset": schedule.asset,
            "series": schedule.series,
            "days_without_return": schedule.gaps,
            "side": side(schedule.costs),
            "tool": tool_name(schedule.tool),
            "from_s": schedule.from,
            "margins_share": schedule.margins,
            "report": did_json(&schedule.did, schedule.rise),
            "days": schedule.days,
            "breaches_expected": schedule.expected,
            "limited": null,
        });
        if let Some(limited) = &schedule.limited {
            let added = limited
                .added
                .iter()
                .map(|(at, margin, loss)| json!({"from_s": at, "margin_share": margin, "loss_share": loss}));
            value["limited"] = json!({
                "margins_share": limited.margins,
                "report": did_json(&limited.did, limited.rise),
                "breaches_added": added.collect::<Vec<_>>(),
            });
        }
        value
    };
    json!({
        "format": 1,
        "provenance": {"history": history.digest(), "program": env!("CARGO_PKG_VERSION"), "kind": "estimate"},
        "terms": {
            "level_share": terms.level,
            "days": terms.days,
            "measure": if terms.measure == Measure::Shortfall { "es" } else { "var" },
            "window_days": terms.window,
            "decay_share": terms.decay,
            "rise_limit_share": terms.rise,
        },
        "schedules": all.iter().map(one).collect::<Vec<_>>(),
    })
}

/// The file for a margin engine: each margin from the second on at which it is another one.
fn file(all: &[&Schedule], terms: &MarginTerms, history: &History) -> String {
    let mut text = String::from("format = 1\nname = \"margins\"\n");
    // Names of assets are those of series: letters, digits and signs that a TOML text takes as they are.
    let _ = writeln!(text, "sources = [{:?}]", format!("price history {}", history.digest())); // a text takes everything
    let _ = writeln!(text, "about = {:?}", words(terms));
    if let Some(rise) = terms.rise {
        let _ = writeln!(text, "rise = \"{rise}\"");
    }
    for schedule in all {
        let margins = schedule.limited.as_ref().map_or(&schedule.margins, |limited| &limited.margins);
        let (asset, side, tool) = (&schedule.asset, side(schedule.costs), tool_name(schedule.tool));
        let _ =
            write!(text, "\n[[margin]]\nasset = {asset:?}\nside = \"{side}\"\ntool = \"{tool}\"\nfrom = [\n");
        let mut last = String::new();
        for (at, margin) in schedule.from.iter().zip(margins) {
            let part = part_up(*margin);
            if part != last {
                let _ = writeln!(text, "  [{at}, \"{part}\"],");
                last = part;
            }
        }
        text.push_str("]\n");
    }
    text
}
