//! `plimsoll selfcheck`: how an engine stands, for whoever answers for it.

pub(crate) mod controls;

use crate::args::SelfcheckArgs;
use crate::audit::{Seen, hex, told_alert, walk, words};
use crate::exit;
use crate::show::outln;
use controls::CONTROLS;
use plimsoll_engine::Stamp;
use plimsoll_engine::record::{Entry, Event, Release};
use plimsoll_engine::state::{Stage, State};
use plimsoll_io::time::show_stamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What only the records tell.
#[derive(Default)]
struct History {
    killed: Option<Value>,
    released: Option<Value>,
    starts: u64,
    records: u64,
    /// Records whose clock's offset was known.
    measured: u64,
    /// Records that were refused since the clock had gone back.
    back: u64,
    /// The clock's last comparison, and how far off it ever was (ns).
    compared: Option<Value>,
    furthest: u64,
    /// How long each write took; each alert until it was delivered; each intent until it was sent, and then until it was resolved (ns).
    writes: Vec<u64>,
    alerts: Vec<u64>,
    sent: Vec<u64>,
    resolved: Vec<u64>,
    raised: BTreeMap<u64, Stamp>,
    intended: BTreeMap<u64, Stamp>,
    program: String,
}

/// How many, the middle one, that which 99 of 100 do not exceed, and the longest, in seconds.
fn spans(all: &mut [u64]) -> Value {
    all.sort_unstable();
    let at = |hundredths: usize| {
        let place = (all.len() * hundredths).div_ceil(100).saturating_sub(1);
        all.get(place).map(|span| words::decimal((*span).into(), 9))
    };
    json!({"count": all.len(), "median_s": at(50), "p99_s": at(99), "longest_s": at(100)})
}

impl History {
    fn see(&mut self, seen: &Seen<'_>) {
        self.records += 1;
        let Entry::Decided(record) = seen.entry else { return };
        self.program.clone_from(&record.program);
        self.measured += u64::from(record.offset.is_some());
        let went_back = matches!(record.refused, Some(plimsoll_engine::record::Refused::ClockBack { .. }));
        self.back += u64::from(went_back);
        self.writes.extend(record.waited);
        for event in &record.events {
            self.time(record.at, event);
            let told =
                || json!({"record": seen.number, "at": show_stamp(record.at), "by": record.request.by.name});
            match event {
                Event::Killed { scope, kill } => {
                    let mut row = told();
                    (row["scope"], row["reason"]) = (json!(scope.to_string()), json!(kill.reason));
                    self.killed = Some(row);
                }
                Event::Released(Release::Kill(scope)) => {
                    let mut row = told();
                    row["scope"] = json!(scope.to_string());
                    self.released = Some(row);
                }
                Event::Started => self.starts += 1,
                Event::Compared { offset, source } => {
                    let mut row = told();
                    (row["offset_s"], row["source"]) = (json!(words::nanoseconds(*offset)), json!(source));
                    self.compared = Some(row);
                    self.furthest = self.furthest.max(offset.unsigned_abs());
                }
                _ => {}
            }
        }
    }

    /// How long things took, as far as the records' own times say.
    fn time(&mut self, at: Stamp, event: &Event) {
        let since = |begun: Option<Stamp>| begun.map(|begun| at.saturating_sub(begun));
        match event {
            Event::Alert { alert, .. } => {
                self.raised.insert(*alert, at);
            }
            Event::Told { alert, to: Ok(_) } => self.alerts.extend(since(self.raised.remove(alert))),
            Event::Intended { intent, .. } => {
                self.intended.insert(*intent, at);
            }
            Event::Sent { intent, .. } => self.sent.extend(since(self.intended.insert(*intent, at))),
            Event::Resolved { intent, .. } => self.resolved.extend(since(self.intended.remove(intent))),
            _ => {}
        }
    }
}

pub(crate) fn run(args: &SelfcheckArgs) -> u8 {
    let mut history = History::default();
    let state = match walk(&args.data, &mut |seen| history.see(&seen)) {
        Ok((_, Some(state))) => state,
        Ok((_, None)) => return exit::FAULTY,
        Err(code) => return code,
    };
    let report = report(&state, &mut history, crate::log::drills(&args.data));
    if args.json {
        outln!("{report:#}");
    } else {
        print(&report);
    }
    exit::CALM
}

fn report(state: &State, history: &mut History, [backup, restore]: [Option<Value>; 2]) -> Value {
    let feeds = state.feeds.iter().map(|(name, heard)| {
        json!({
            "feed": name,
            "state": words::feed_state(&heard.state, heard.decimals),
            "rule": words::rule(heard.feed.rule(), heard.decimals),
            "skew_s": words::decimal(heard.feed.skew(state.now).into(), 9),
        })
    });
    let intents = state.intents.iter().map(|(number, intent)| {
        let sent = match &intent.stage {
            Stage::Intended => Value::Null,
            Stage::Sent(external) => json!(external),
        };
        json!({
            "intent": number,
            "account": state.called(intent.place),
            "strategy": intent.act.strategy,
            "since": show_stamp(intent.since),
            "external_id": sent,
        })
    });
    let proposals = state.proposals.iter().map(|(number, proposal)| {
        json!({"proposal": number, "by": proposal.by, "impact": words::impact(&proposal.impact)})
    });
    let alerts =
        state.alerts.iter().map(|(number, alert)| json!({"alert": number, "since": show_stamp(alert.at), "what": told_alert(&alert.of)}));
    let kills = state.guards.kills().map(|(scope, kill)| {
        json!({"scope": scope.to_string(), "by": kill.by, "reason": kill.reason, "at": show_stamp(kill.at)})
    });
    let controls = CONTROLS.iter().map(|control| {
        json!({"source": control.source, "control": control.what, "tests": control.tests, "missing": control.missing})
    });
    json!({
        "format": 1,
        "program": history.program,
        "records": history.records,
        "state_hash": hex(&state.hash()),
        "as_of": show_stamp(state.now),
        "config_hash": hex(&state.config_hash()),
        "config": words::config(&state.config),
        "feeds": feeds.collect::<Vec<_>>(),
        "kills": kills.collect::<Vec<_>>(),
        "breaker": state.guards.breaker.check().err().map(|tripped| tripped.to_string()),
        "stopped_strategies": state.guards.throttle.stopped().map(ToString::to_string).collect::<Vec<_>>(),
        "last_kill": history.killed,
        "last_release": history.released,
        "last_backup": backup,
        "last_restore": restore,
        "open_intents": intents.collect::<Vec<_>>(),
        "proposals": proposals.collect::<Vec<_>>(),
        "undelivered_alerts": alerts.collect::<Vec<_>>(),
        "clock": {
            "starts": history.starts,
            "records_with_offset": history.measured,
            "last_comparison": history.compared,
            "furthest_off_s": words::decimal(history.furthest.into(), 9),
            "refused_as_it_went_back": history.back,
        },
        "latency": {
            "write": spans(&mut history.writes),
            "alert_to_delivered": spans(&mut history.alerts),
            "intent_to_sent": spans(&mut history.sent),
            "sent_to_resolved": spans(&mut history.resolved),
        },
        "unknown_accounts": unknown(state),
        "controls": controls.collect::<Vec<_>>(),
    })
}

/// Accounts of which nobody can say where they stand now: how many, and the first of them.
fn unknown(state: &State) -> Value {
    let Ok(machine) = plimsoll_engine::machine::Machine::new(state.clone(), "") else { return Value::Null };
    let watch = machine.watch();
    let places: Vec<u32> = watch.owing().filter(|place| watch.below(*place).is_none()).collect();
    let first: Vec<String> = places.iter().take(20).map(|place| state.called(*place)).collect();
    json!({"count": places.len(), "first": first})
}

fn print(report: &Value) {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let line = |name: &str, text: String| outln!("{name:<20}{text}");
    line("program", word(&report["program"]));
    line("as of", format!("{}, {} records", word(&report["as_of"]), report["records"]));
    line("state", word(&report["state_hash"]));
    line("configuration", word(&report["config_hash"]));
    let config = &report["config"];
    let people = config["people"].as_array().into_iter().flatten().map(word);
    line("people", people.collect::<Vec<_>>().join(", "));
    let limits = &config["limits"];
    let caps = ["action", "account", "strategy", "all", "actions", "of_depth"];
    let caps = caps.map(|cap| format!("{cap} {}", word(&limits[cap])));
    line("caps", format!("{} ({})", caps.join(", "), word(&config["currency"])));
    line("throttle", format!("{} in {} s", config["repeats"], word(&config["window_s"])));
    line("collar", word(&config["collar"]));
    let breaker = &config["breaker"];
    let parts = ["accounts", "value", "least"].map(|part| format!("{part} {}", word(&breaker[part])));
    line("breaker", parts.join(", "));
    line("grace", format!("{} s", word(&config["grace_s"])));
    for policy in config["policies"].as_array().into_iter().flatten() {
        let [market, group, warning, call, grace] =
            ["market", "group", "warning", "call", "grace_s"].map(|field| word(&policy[field]));
        let then = if policy["escalates"] == true { "then liquidatable" } else { "then overdue" };
        let group = if group.is_empty() { group } else { format!(" group {group}") };
        line(
            "policy",
            format!("{market}{group}: warned below {warning}, called below {call}, {grace} s, {then}"),
        );
    }
    for feed in report["feeds"].as_array().into_iter().flatten() {
        let rule = &feed["rule"];
        let parts = ["max_age_s", "quorum", "jump", "jump_quorum", "floor", "ceiling"];
        let parts = parts.map(|part| format!("{part} {}", word(&rule[part])));
        line("feed", format!("{}: {}; {}", word(&feed["feed"]), word(&feed["state"]), parts.join(", ")));
    }
    for (name, field) in [
        ("stopped", "kills"),
        ("open intent", "open_intents"),
        ("proposal", "proposals"),
        ("undelivered alert", "undelivered_alerts"),
        ("stopped strategy", "stopped_strategies"),
    ] {
        let all = report[field].as_array();
        match all.map(Vec::as_slice) {
            None | Some([]) => line(name, "none".into()),
            Some(all) => all.iter().for_each(|one| line(name, listed(one))),
        }
    }
    line("breaker tripped", report["breaker"].as_str().unwrap_or("no").into());
    for (name, field) in [
        ("last kill", "last_kill"),
        ("last release", "last_release"),
        ("last backup", "last_backup"),
        ("last restore", "last_restore"),
    ] {
        let told = &report[field];
        line(name, if told.is_null() { "never".into() } else { listed(told) });
    }
    let clock = &report["clock"];
    line(
        "clock",
        match clock["records_with_offset"].as_u64() {
            Some(0) | None => "how far it is off was never measured".into(),
            Some(count) => format!("how far it is off stands in {count} records"),
        },
    );
    if !clock["last_comparison"].is_null() {
        let furthest = word(&clock["furthest_off_s"]);
        line(
            "clock compared",
            format!("{}; never further off than {furthest} s", listed(&clock["last_comparison"])),
        );
    }
    for (name, field) in [
        ("write took", "write"),
        ("alert arrived in", "alert_to_delivered"),
        ("intent sent in", "intent_to_sent"),
        ("resolved in", "sent_to_resolved"),
    ] {
        let spans = &report["latency"][field];
        let said = match spans["count"].as_u64() {
            None | Some(0) => "never measured".into(),
            Some(count) => {
                let [median, p99, longest] =
                    ["median_s", "p99_s", "longest_s"].map(|field| word(&spans[field]));
                format!("{median} s in the middle, {p99} s at the 99th, {longest} s at most, of {count}")
            }
        };
        line(name, said);
    }
    let unknown = &report["unknown_accounts"];
    let first = unknown["first"].as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join(", ");
    line(
        "unknown accounts",
        if first.is_empty() { "none".into() } else { format!("{}: {first}", unknown["count"]) },
    );
    line("clock went back", format!("{} times, each refused", clock["refused_as_it_went_back"]));
    for control in report["controls"].as_array().into_iter().flatten() {
        let tests =
            control["tests"].as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join(", ");
        let missing = control["missing"].as_str().map_or(String::new(), |why| format!(" MISSING: {why}"));
        let tests = if tests.is_empty() { "no test".into() } else { tests };
        line(
            "control",
            format!("{}: {} [{tests}]{missing}", word(&control["source"]), word(&control["control"])),
        );
    }
}

/// The fields of a row that say something.
fn listed(row: &Value) -> String {
    let Some(fields) = row.as_object() else { return row.as_str().unwrap_or_default().into() };
    let said = fields.iter().filter(|(_, value)| value.is_string() || value.is_number());
    let said = said.map(|(name, value)| {
        format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), String::from))
    });
    said.collect::<Vec<_>>().join(", ")
}
