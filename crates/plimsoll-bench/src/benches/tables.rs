//! A whole book beside what people reach for first: `scipy.sparse`, and the tables of DuckDB and Polars, each with one thread
//! in a process of its own. `peers/tables` has the script and the pinned packages.
//!
//! A time is a peer's CPU time of a pass over data that it has in memory in its own form. What agrees is its count of accounts
//! below the line: no fewer than floats prove, and no more than they cannot rule out. Where Python or a package cannot be had
//! the line says `not run`, has no figure and agrees with nothing. The quick form leaves them out: they take longer to install
//! than all else to run.

use crate::line::Line;
use crate::measure::sum_up;
use crate::peers::PythonPeer;
use crate::registry::{Context, Scale};
use serde_json::{Value, json};

const PEER: PythonPeer = PythonPeer {
    name: "scipy.sparse, DuckDB, Polars",
    folder: "tables",
    requirements: include_str!("../../peers/tables/requirements.txt"),
    script: include_str!("../../peers/tables/peer.py"),
};

/// Passes of a peer that count.
const PASSES: u32 = 7;

/// A book of rows, as sorted indices: where each row ends, then nodes and coefficients.
pub(crate) struct Rows<'a> {
    pub(crate) ends: &'a [u32],
    pub(crate) nodes: &'a [u32],
    pub(crate) coefficients: &'a [f64],
}

/// A world, and the fewest and most accounts that can be below the line in it.
pub(crate) struct Place {
    pub(crate) nodes: Vec<f64>,
    pub(crate) below: [u64; 2],
}

/// One world a line: what it says of us stands already, and the peers take the baseline's place.
pub(crate) fn check(rows: &Rows<'_>, places: &[Place], lines: &[Line], emit: &mut dyn FnMut(Line)) {
    let names = [("scipy", "scipy.sparse"), ("duckdb", "DuckDB"), ("polars", "Polars")];
    let answer = ask(rows, places, true);
    for (number, (place, line)) in places.iter().zip(lines).enumerate() {
        for (key, name) in names {
            let figure = answer.as_ref().map(|answer| {
                let peer = &answer[key];
                let passes = numbers(&peer["passes"][number]);
                let agreed = u64::from(agrees(&peer["below"][number], place));
                (format!("{name} {}", text(&peer["version"])), sum_up(&passes).median, agreed, 1)
            });
            emit(beside(line, name, figure, rows.ends.len()));
        }
    }
}

/// All worlds, one after another and at once, for every line.
pub(crate) fn sweep(rows: &Rows<'_>, places: &[Place], lines: &[Line], emit: &mut dyn FnMut(Line)) {
    let names = [("scipy", "scipy.sparse"), ("scipy_many", "scipy.sparse, all columns at once")];
    let answer = ask(rows, places, false);
    for line in lines {
        for (key, name) in names {
            let figure = answer.as_ref().map(|answer| {
                let peer = &answer[key];
                let each: Vec<f64> =
                    list(&peer["passes"]).iter().map(|passes| sum_up(&numbers(passes)).median).collect();
                let agreed =
                    places.iter().zip(list(&peer["below"])).filter(|(place, below)| agrees(below, place));
                let name = format!("{name} {}", text(&answer["scipy"]["version"]));
                (name, each.iter().sum(), agreed.count() as u64, places.len() as u64)
            });
            emit(beside(line, name, figure, rows.ends.len() * places.len()));
        }
    }
}

/// Whether these peers take part.
pub(crate) fn asked(context: &Context) -> bool {
    context.child_peers && context.scale != Scale::Quick
}

/// Our line beside a peer's name, time of a pass (ns), and how many of how many answers agree; `None` where it did not run.
fn beside(line: &Line, name: &str, figure: Option<(String, f64, u64, u64)>, sample: usize) -> Line {
    let (baseline, time, agreed, checked) =
        figure.unwrap_or_else(|| (format!("{name}, not run"), f64::NAN, 0, 0));
    let baseline_value = time / sample as f64;
    Line { baseline, baseline_value, agreed, checked, sample: sample as u64, ..line.clone() }
}

/// The peers' answer; `None` where they cannot be had, which is told.
fn ask(rows: &Rows<'_>, places: &[Place], tables: bool) -> Option<Value> {
    let floats = |all: &mut dyn Iterator<Item = f64>| all.flat_map(f64::to_le_bytes).collect::<Vec<u8>>();
    let words = |all: &[u32]| all.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let arrays = [
        ("ends.bin", words(rows.ends)),
        ("nodes.bin", words(rows.nodes)),
        ("coefficients.bin", floats(&mut rows.coefficients.iter().copied())),
        ("worlds.bin", floats(&mut places.iter().flat_map(|place| place.nodes.iter().copied()))),
    ];
    let input = json!({ "worlds": places.len(), "passes": PASSES, "tables": tables });
    PEER.run(&input, &arrays).map_err(|trouble| eprintln!("plimsoll-bench: {trouble}")).ok()
}

fn agrees(below: &Value, place: &Place) -> bool {
    let [least, most] = place.below;
    below.as_u64().is_some_and(|below| (least..=most).contains(&below))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().filter_map(Value::as_f64).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_has_no_figure_and_agrees_with_nothing() {
        let line = beside(&crate::line::tests::sample(), "DuckDB", None, 10);
        assert!(!line.agrees() && line.json().contains("\"baseline_value\":null"));
        assert!(line.json().contains("DuckDB, not run"));
    }

    #[test]
    fn a_count_out_of_what_floats_prove_disagrees() {
        let place = Place { nodes: Vec::new(), below: [3, 5] };
        let said = |below: u64| agrees(&json!(below), &place);
        assert_eq!([2, 3, 5, 6].map(said), [false, true, true, false]);
        assert!(!agrees(&Value::Null, &place));
    }
}
