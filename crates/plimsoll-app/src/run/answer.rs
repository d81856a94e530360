//! What stands on a line of answers.

use super::ask::Bad;
use crate::audit::words;
use crate::gaps::fault_json;
use plimsoll_engine::Stamp;
use plimsoll_engine::record::{Alert, Answer, Refused};
use plimsoll_engine::state::State;
use plimsoll_io::time::show_stamp;
use serde_json::{Value, json};

/// What an answer is to.
pub(super) struct Of {
    /// The line's number.
    pub(super) number: u32,
    /// Its id.
    pub(super) id: String,
    /// The time that it was decided at.
    pub(super) at: Stamp,
    /// What a number in the answer is of.
    pub(super) makes: &'static str,
}

/// The answer to a command that is durable; `first` is the number of the first record of its batch.
pub(super) fn answer(state: &State, of: Of, answer: &Answer, first: u64) -> Value {
    let Of { number, id, at, makes } = of;
    let again = answer.record < first;
    let mut line = json!({"line": number, "id": id, "record": answer.record, "done": answer.outcome.is_ok()});
    if again {
        line["again"] = json!(true);
    } else {
        line["at"] = json!(show_stamp(at));
    }
    match &answer.outcome {
        Ok(Some(made)) if !makes.is_empty() => {
            line[makes] = json!(made);
            if let Some(proposal) = state.proposals.get(made).filter(|_| makes == "proposal") {
                line["impact"] = words::impact(&proposal.impact);
            }
        }
        Ok(_) => {}
        Err(refused) => {
            line["code"] = json!(refused.code());
            line["why"] = json!(refused.to_string());
            if let Refused::TooMuch(impact) | Refused::Moved(impact) = refused {
                line["impact"] = words::impact(impact);
            }
        }
    }
    line
}

/// The answer to a line that is no command.
pub(super) fn faulty(number: u32, bad: &Bad) -> Value {
    let mut line = json!({"line": number, "id": bad.id, "record": null, "done": false});
    let faults: Vec<Value> = bad.faults.list.iter().map(fault_json).collect();
    line["why"] = match (&bad.why, bad.faults.list.first()) {
        (Some((why, _)), _) => json!(why),
        (None, Some(fault)) => json!(fault.to_string()),
        (None, None) => json!("it cannot be read"),
    };
    if let Some((_, Some(help))) = &bad.why {
        line["help"] = json!(help);
    }
    if !faults.is_empty() {
        line["faults"] = json!(faults);
    }
    line
}

/// What somebody is to be told.
pub(super) fn alert(number: u64, alert: &Alert) -> Value {
    let mut line = words::alert(alert);
    line["alert"] = json!(number);
    line
}
