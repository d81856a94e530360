//! What is missing from an answer about a faulty book: its faults, and the accounts that were left out.

use crate::check::{self, counted};
use crate::exit;
use crate::show::{errln, outln};
use plimsoll::Severity;
use plimsoll_io::book::LeftOut;
use plimsoll_io::fault::{Fault, Faults};
use serde_json::{Value, json};

/// Names shown in a line; JSON has more of them.
const SHOWN: usize = 20;

/// What stands in no answer.
#[derive(Default)]
pub(crate) struct Gaps {
    pub(crate) faults: Faults,
    pub(crate) left_out: LeftOut,
    /// No account of the book is left: nothing in it is sound.
    pub(crate) all: bool,
}

impl Gaps {
    /// How many are left out: all of them, where a file that has them cannot be read, and nobody knows how many.
    pub(crate) fn counted(&self) -> String {
        match &self.left_out.markets[..] {
            _ if self.all && self.left_out.count() == 0 => "every account".into(),
            [] => counted(self.left_out.count(), "account"),
            markets => {
                let by_name = match self.left_out.count() {
                    0 => String::new(),
                    count => format!("{} by name and ", counted(count, "account")),
                };
                format!("{by_name}every account of {}", markets.join(", "))
            }
        }
    }

    /// The exit code of an answer about so many accounts: what is known to be unhealthy first, then what is not known
    /// because the book is faulty. Where nobody was judged nothing is calm; that is told.
    pub(crate) fn code(&self, severity: Severity, accounts: u64) -> u8 {
        match severity {
            Severity::Calm | Severity::Unknown if !self.faults.is_empty() => exit::FAULTY,
            Severity::Calm if accounts == 0 => {
                errln!("plimsoll: nothing was judged: the book has no accounts");
                exit::UNKNOWN
            }
            severity => check::code(severity),
        }
    }

    /// The exit code of an answer about an account that is not known to be unhealthy.
    pub(crate) fn code_of(&self, code: u8) -> u8 {
        if self.faults.is_empty() { code } else { exit::FAULTY }
    }

    /// Whether an account of this name, or `MARKET:NAME`, is known to be left out.
    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        let same =
            |full: &String| full == name || full.split_once(':').is_some_and(|(_, account)| account == name);
        self.left_out.accounts.iter().any(same)
    }

    /// What is missing, as lines of the answer; none where nothing is.
    pub(crate) fn print(&self) {
        if self.faults.is_empty() {
            return;
        }
        let LeftOut { accounts, markets, .. } = &self.left_out;
        let left_out = self.counted();
        let mut names = accounts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = self.left_out.count().saturating_sub(SHOWN as u64);
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        let names = if names.is_empty() { names } else { format!(": {names}") };
        let faults = counted(self.faults.count(), "fault");
        if left_out == "0 accounts" {
            outln!(
                "\nFAULTY BOOK: {faults}, told on stderr; no account is left out, and what is faulty is in the answer"
            );
        } else {
            outln!("\nFAULTY BOOK: {faults}, told on stderr; {left_out} left out and not judged{names}");
        }
        if !markets.is_empty() {
            outln!("every account of {} is left out: a faulty row may be of any of them", markets.join(", "));
        }
    }

    /// The same for programs.
    pub(crate) fn add_to(&self, json: &mut Value) {
        json["faults"] = self.faults.list.iter().map(fault_json).collect();
        json["fault_count"] = json!(self.faults.count());
        json["left_out"] = json!({
            "count": self.left_out.count(),
            "accounts": self.left_out.accounts,
            "markets": self.left_out.markets,
        });
    }
}

pub(crate) fn fault_json(fault: &Fault) -> Value {
    json!({
        "code": fault.code.name(),
        "file": fault.file,
        "line": fault.place.map(|place| place.line),
        "column": fault.place.map(|place| place.column),
        "row": fault.record.as_ref().and_then(|record| record.row),
        "field": fault.record.as_ref().and_then(|record| record.column.as_deref()),
        "found": fault.found,
        "expected": fault.expected,
        "help": fault.help,
    })
}
