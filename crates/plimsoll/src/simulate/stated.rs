//! Every number that agents and markets of a crash are given, and whether it was measured.

use plimsoll_core::{Crash, Decimal, Depth};
use plimsoll_sim::plan::Stated;

/// Rows as they are collected: of whom, and where that was measured.
struct Rows(Vec<Stated>);

impl Rows {
    fn add(&mut self, of: &str, measured: Option<&String>, numbers: &[(&str, String)]) {
        for (name, value) in numbers {
            self.0.push(Stated {
                of: of.into(),
                name: (*name).into(),
                value: value.clone(),
                measured: measured.cloned(),
            });
        }
    }
}

fn number(of: Decimal) -> String {
    of.trimmed().to_string()
}

fn time(seconds: u64) -> String {
    format!("{seconds} s")
}

/// All of them, in the order of the file; depth and gas are as their file says.
pub(super) fn all(crash: &Crash, depth: Option<&Depth>) -> Vec<Stated> {
    let mut rows = Rows(Vec::new());
    let paths = [
        ("jumps", number(crash.jumps)),
        ("together", number(crash.together)),
        ("surge", number(crash.surge)),
    ];
    rows.add("prices and gas", None, &paths);
    for asset in &crash.assets {
        let of = format!("asset {}", asset.names.join(", "));
        let way: Vec<String> = asset.way.iter().map(|(at, left)| format!("{at} s {left}")).collect();
        let numbers = [
            ("way", if way.is_empty() { "none".into() } else { way.join(", ") }),
            ("volatility", number(asset.volatility)),
            ("jump", number(asset.jump)),
            ("spread", number(asset.spread)),
        ];
        rows.add(&of, asset.measured.as_ref(), &numbers);
    }
    for oracle in &crash.oracles {
        let of = if oracle.assets.is_empty() {
            "every oracle".into()
        } else {
            format!("oracle of {}", oracle.assets.join(", "))
        };
        let mut numbers = vec![
            ("heartbeat", time(oracle.heartbeat)),
            ("deviation", number(oracle.deviation)),
            ("delay", time(oracle.delay)),
            ("mean", time(oracle.mean)),
        ];
        numbers.extend(oracle.cap.map(|cap| ("cap", number(cap))));
        numbers.extend(oracle.frozen.map(|from| ("frozen", time(from))));
        numbers.extend(
            oracle.wrong.map(|(from, to, times)| ("wrong", format!("{from} s to {to} s, {times} times"))),
        );
        rows.add(&of, oracle.measured.as_ref(), &numbers);
    }
    let street = &crash.street;
    let numbers = [
        ("half_life", time(street.half_life)),
        ("withdraws", number(street.withdraws)),
        ("spills", number(street.spills)),
    ];
    rows.add("street", street.measured.as_ref(), &numbers);
    if let Some(depth) = depth {
        let from = depth.sources.join("; ");
        let curves = format!("{} curves", depth.curves.len());
        rows.add(&format!("depth {}", depth.name), Some(&from), &[("curves", curves)]);
    }
    for keeper in &crash.keepers {
        let any = || "any".to_string();
        let numbers = [
            ("capital", keeper.capital.map_or_else(|| "borrowed for the call".into(), number)),
            ("least", number(keeper.least)),
            ("gas_most", keeper.gas_most.map_or_else(any, number)),
            ("calls", keeper.calls.to_string()),
            ("awake", number(keeper.awake)),
        ];
        rows.add(&format!("keeper {}", keeper.name), keeper.measured.as_ref(), &numbers);
    }
    for of in &crash.borrowers {
        let numbers = [
            ("share", number(of.share)),
            ("trigger", number(of.trigger)),
            ("target", number(of.target)),
            ("delay", time(of.delay)),
            ("times", of.times.to_string()),
        ];
        let who = if of.pays_in { "borrowers who pay in" } else { "borrowers who pay back" };
        rows.add(who, of.measured.as_ref(), &numbers);
    }
    for pool in &crash.pools {
        let numbers = [
            (
                "reserves",
                format!("{} {}, {} {}", pool.reserves[0], pool.assets[0], pool.reserves[1], pool.assets[1]),
            ),
            ("fee", number(pool.fee)),
            (
                "amplification",
                pool.amplification.map_or_else(|| "constant product".into(), |a| a.to_string()),
            ),
            ("latency", time(pool.latency)),
        ];
        rows.add(&format!("pool {}", pool.name), pool.measured.as_ref(), &numbers);
    }
    rows.0
}
