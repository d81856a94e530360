//! `plimsoll audit export`: every record as a JSON line.

use super::{Seen, hex, walk, words};
use crate::args::AuditExportArgs;
use crate::exit;
use crate::show::{errln, outln};
use plimsoll_engine::record::Entry;
use plimsoll_io::time::{parse_stamp, show_stamp};
use serde_json::{Value, json};

/// Up to where.
#[derive(Clone, Copy)]
enum Until {
    All,
    Record(u64),
    Time(u64),
}

pub(crate) fn run(args: &AuditExportArgs) -> u8 {
    let until = match args.as_of.as_deref() {
        None => Until::All,
        // What is too small to be nanoseconds is a record's number.
        Some(text) => match (parse_stamp(text), text.parse()) {
            (Some(at), _) => Until::Time(at),
            (None, Ok(number)) => Until::Record(number),
            (None, Err(_)) => {
                errln!(
                    "plimsoll: --as-of {text}: expected a record's number, or a time such as 2026-06-01T12:00:00Z"
                );
                return exit::USAGE;
            }
        },
    };
    let walked = walk(&args.data, &mut |seen| {
        let at = match seen.entry {
            Entry::Founded(founding) => founding.at,
            Entry::Decided(record) => record.at,
            Entry::Marked(_) => seen.state.now,
        };
        let wanted = match until {
            Until::All => true,
            Until::Record(last) => seen.number <= last,
            Until::Time(last) => at <= last,
        };
        if wanted {
            outln!("{}", line(&seen));
        }
    });
    walked.map_or_else(|code| code, |_| exit::CALM)
}

/// One record.
pub(super) fn line(seen: &Seen<'_>) -> Value {
    let mut line = json!({"format": 1, "record": seen.number, "chain": hex(seen.chain)});
    match seen.entry {
        Entry::Founded(founding) => {
            line["at"] = json!(show_stamp(founding.at));
            line["offset_ns"] = Value::Null;
            line["kind"] = json!("founding");
            line["program"] = json!(founding.program);
            line["config_hash"] = json!(hex(&seen.state.config_hash()));
            line["founding"] = words::founding(founding, seen.state);
        }
        Entry::Decided(record) => {
            let request = &record.request;
            line["at"] = json!(show_stamp(record.at));
            line["offset_ns"] = json!(record.offset);
            line["kind"] = json!(words::kind(&request.command));
            line["actor"] = json!(request.by.name);
            line["key"] = json!(request.by.key);
            line["client_id"] = json!(request.id);
            line["program"] = json!(record.program);
            line["config_hash"] = json!(hex(&record.config));
            line["command"] = words::command(seen.state, &request.command);
            line["done"] = json!(record.refused.is_none());
            if let Some(refused) = &record.refused {
                line["code"] = json!(refused.code());
                line["why"] = json!(refused.to_string());
            }
            let events = record.events.iter().map(|event| words::event(seen.state, &record.prices, event));
            line["events"] = events.collect();
            line["write_before_ns"] = json!(record.waited);
        }
        Entry::Marked(hash) => {
            line["kind"] = json!("snapshot");
            line["state_hash"] = json!(hex(hash));
        }
    }
    line
}
