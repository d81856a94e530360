//! Every unit of random liquidations adds up, at each venue: the property `liquidation_conserves_quantities` of the venues' own tests,
//! on as many cases as make a hundred thousand liquidations a venue in a soak, and on the gate's own number elsewhere.
//!
//! The property lives with the venues' tests, where the independent models are that it compares with; this runs it there, seed by seed,
//! and counts what it says it saw. A case is a venue, its figure the runs that failed, its baseline the goal of none.

use crate::line::{Better, Line, isa};
use crate::registry::{Context, Trouble};
use std::path::Path;
use std::process::Command;

pub(crate) const NAME: &str = "conservation";

const PROPERTY: &str = "liquidation_conserves_quantities";

/// Each venue's tests, and how many times the gate's cases make a hundred thousand liquidations.
const VENUES: [(&str, u32); 6] = [
    ("aave_v3", 200),
    ("aave_v4", 200),
    ("morpho_blue", 200),
    ("compound_v3", 20),
    ("maker", 20),
    ("liquity_v2", 20),
];

/// Liquidations that a soak of one seed must have seen.
const ENOUGH: u64 = 100_000;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        for (venue, times) in VENUES {
            let times = context.sized(1, 1, times);
            let said = ask(venue, times, seed)?;
            let seen = seen(&said.text);
            let enough = said.passed && (seen >= ENOUGH || context.sized(true, true, false));
            emit(line(venue, seen, enough, seed));
            if !said.passed {
                return Err(Trouble::Wrong(said.text));
            }
            if !enough {
                return Err(Trouble::Wrong(format!("{venue}: {seen} liquidations, fewer than {ENOUGH}")));
            }
        }
    }
    Ok(())
}

struct Said {
    passed: bool,
    text: String,
}

/// Runs the property with so many times the cases.
fn ask(venue: &str, times: u32, seed: u64) -> Result<Said, Trouble> {
    let missing =
        |error: std::io::Error| Trouble::NoBaseline { baseline: "cargo test", why: error.to_string() };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let asked = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--quiet", "--locked", "-p", "plimsoll-venues", "--test", venue, PROPERTY])
        .args(["--", "--nocapture"])
        .env("PLIMSOLL_CASES", times.to_string())
        .env("PLIMSOLL_SEED", seed.to_string())
        .env("PROPTEST_RNG_SEED", seed.to_string())
        .current_dir(workspace)
        .output()
        .map_err(missing)?;
    let text = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    Ok(Said { passed: asked.status.success(), text })
}

/// The last count that was told.
fn seen(said: &str) -> u64 {
    let told = said.lines().filter_map(|line| line.strip_suffix(" liquidations added up")?.parse().ok());
    told.max().unwrap_or(0)
}

fn line(venue: &str, seen: u64, sound: bool, seed: u64) -> Line {
    Line {
        bench: NAME,
        case: format!("{venue}, liquidations that add up to the unit"),
        value: if sound { 0.0 } else { 1.0 },
        unit: "failures",
        better: Better::Lower,
        baseline: "goal".into(),
        baseline_value: 0.0,
        agreed: if sound { seen } else { 0 },
        checked: seen,
        runs: 1,
        spread: 0.0,
        threads: 1,
        isa: isa(),
        n: seen,
        sample: seen,
        seed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_is_what_was_seen() {
        assert_eq!(seen("running 1 test\n1000 liquidations added up\n2000 liquidations added up\nok"), 2000);
        assert_eq!(seen("ok"), 0);
    }
}
