//! What stands on a line of answers.

use super::ask::Bad;
use crate::audit::words;
use crate::gaps::fault_json;
use plimsoll_engine::calls::State as Life;
use plimsoll_engine::record::{Alert, Answer, Refused};
use plimsoll_engine::state::{Raised, State};
use plimsoll_io::time::show_stamp;
use serde_json::{Value, json};

/// What an answer is to.
pub(super) struct Of {
    /// The line's number.
    pub(super) number: u32,
    /// Its id.
    pub(super) id: String,
    /// What a number in the answer is of.
    pub(super) makes: &'static str,
    /// It was answered before.
    pub(super) again: bool,
}

/// The answer to a command that is durable.
pub(super) fn answer(state: &State, of: Of, answer: &Answer) -> Value {
    let Of { number, id, makes, again } = of;
    let mut line = json!({"line": number, "id": id, "record": answer.record, "done": answer.outcome.is_ok()});
    line["at"] = json!(show_stamp(answer.at));
    if again {
        line["again"] = json!(true);
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
pub(super) fn alert(state: &State, number: u64, raised: &Raised) -> Value {
    let mut line = words::alert(&raised.of);
    line["alert"] = json!(number);
    line["since"] = json!(show_stamp(raised.at));
    // How its call stands, where the account has one now.
    if let Alert::Account { account, what } = &raised.of
        && what == "called"
        && let Some(Life::Called { deadline, missing }) = life(state, account)
    {
        line["deadline"] = json!(show_stamp(deadline));
        line["missing"] = words::value(missing);
    }
    line
}

/// How an account lives that is named as people write it.
fn life(state: &State, called: &str) -> Option<Life> {
    let place = (0..).zip(&state.book.markets).find_map(|(number, listed)| {
        state.account(number, called.strip_prefix(&listed.name)?.strip_prefix(':')?)
    })?;
    state.rows.get(place as usize).map(|row| row.life.state)
}
