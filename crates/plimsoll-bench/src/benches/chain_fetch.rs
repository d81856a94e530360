//! Many accounts fetched from a real node, beside a plain loop of single calls.
//!
//! Node, contracts and accounts live with the tests of the chain's crate (`tests/many.rs`); this runs them there, at a size, and tells
//! what they counted. The plain loop makes one round trip a call: how many there are is counted, and what they would
//! take follows from a sample of them at the same node. A soak is of a hundred thousand accounts.

use crate::line::{Better, Line, isa};
use crate::registry::{Context, Trouble};
use std::path::Path;
use std::process::Command;

pub(crate) const NAME: &str = "chain_fetch";

const TEST: &str = "many_accounts_take_few_round_trips";

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts: u32 = context.sized(500, 20_000, 100_000);
    let missing =
        |error: std::io::Error| Trouble::NoBaseline { baseline: "cargo test", why: error.to_string() };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let asked = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--quiet", "--locked", "-p", "plimsoll-chain", "--test", "many", TEST])
        .args(["--", "--nocapture"])
        .env("PLIMSOLL_ACCOUNTS", accounts.to_string())
        .current_dir(workspace)
        .output()
        .map_err(missing)?;
    let text = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    let said = Said::read(&text).filter(|_| asked.status.success());
    let said = said.ok_or(Trouble::Wrong(text))?;
    emit(said.line("round trips", "round trips", said.round_trips, said.calls));
    let plain = said.plain_milliseconds * said.calls / said.plain_calls.max(1.0);
    emit(said.line("time", "ms", said.milliseconds, plain));
    Ok(())
}

/// What the test counted.
#[derive(Debug, PartialEq)]
struct Said {
    accounts: f64,
    calls: f64,
    round_trips: f64,
    milliseconds: f64,
    plain_calls: f64,
    plain_milliseconds: f64,
    numbers: f64,
}

impl Said {
    fn read(text: &str) -> Option<Said> {
        let line = text.lines().find(|line| line.starts_with("accounts "))?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let of = |name: &str| {
            let place = words.iter().position(|word| *word == name)?;
            words.get(place + 1)?.parse().ok()
        };
        Some(Said {
            accounts: of("accounts")?,
            calls: of("calls")?,
            round_trips: of("round_trips")?,
            milliseconds: of("milliseconds")?,
            plain_calls: of("plain_calls")?,
            plain_milliseconds: of("plain_milliseconds")?,
            numbers: of("numbers")?,
        })
    }

    /// Every number of the book was compared with the chain's, or the test had failed.
    fn line(&self, what: &str, unit: &'static str, value: f64, baseline_value: f64) -> Line {
        let count = |number: f64| number as u64;
        Line {
            bench: NAME,
            case: format!("{} accounts of Aave v3 from a local node, {what}", count(self.accounts)),
            value,
            unit,
            better: Better::Lower,
            baseline: "plain loop".into(),
            baseline_value,
            agreed: count(self.numbers),
            checked: count(self.numbers),
            runs: 1,
            spread: 0.0,
            threads: 1,
            isa: isa(),
            n: count(self.calls),
            sample: count(self.plain_calls),
            seed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read() {
        let text = "running 1 test\naccounts 500 calls 2000 round_trips 20 milliseconds 30 plain_calls 250 \
                    plain_milliseconds 125 numbers 7000 compared_milliseconds 9\n.";
        let said = Said::read(text).expect("a line");
        assert_eq!((said.calls, said.round_trips, said.numbers), (2000.0, 20.0, 7000.0));
        assert_eq!(Said::read("accounts x"), None);
    }
}
