//! `plimsoll risk --parquet`: one row for each account that is shown, model and horizon. `docs/output.md` describes the columns.

use crate::exit;
use crate::part::Part;
use crate::show::errln;
use plimsoll::Chances;
use plimsoll_core::Book;
use plimsoll_io::book::WriteError;
use plimsoll_io::export::{Form, Table};
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 10] = [
    "account",
    "owner",
    "market",
    "health",
    "model",
    "days",
    "chance_share",
    "standard_error",
    "below_share",
    "not_estimable",
];

/// Writes the table; the exit code where it cannot be.
pub(super) fn write(path: &Path, book: &Book, answer: &Chances) -> Result<(), u8> {
    written(path, book, answer).map_err(|error| {
        errln!("plimsoll: {}: {error}", path.display());
        exit::UNWRITTEN
    })
}

fn written(path: &Path, book: &Book, answer: &Chances) -> Result<(), WriteError> {
    let part = Part::new(path);
    let file = File::create(&part.path).map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut table = Table::new(Form::Parquet, file, &COLUMNS)?;
    for one in &answer.accounts {
        let listed = &book.accounts[one.account];
        let head = || {
            let health = one.health.map_or_else(String::new, |health| health.to_string());
            [listed.name.clone(), listed.owner.clone(), book.markets[listed.market].name.clone(), health]
        };
        if one.models.is_empty() {
            let [account, owner, market, health] = head();
            let why = super::stands_words(&one.stands);
            let none = String::new;
            table.row(&[account, owner, market, health, none(), none(), none(), none(), none(), why])?;
        }
        for model in &one.models {
            for (at, day) in answer.days.iter().enumerate() {
                let chance = model.chances.as_ref().map(|chances| chances.get(at));
                let of = |number: fn(&plimsoll::Chance) -> Option<f64>| match chance {
                    Ok(Some(chance)) => number(chance).map_or_else(String::new, |number| number.to_string()),
                    _ => String::new(),
                };
                let [account, owner, market, health] = head();
                table.row(&[
                    account,
                    owner,
                    market,
                    health,
                    model.kind.name().into(),
                    day.to_string(),
                    of(|chance| Some(chance.estimate.chance)),
                    of(|chance| Some(chance.estimate.error)),
                    of(|chance| chance.beyond().then(|| chance.bound())),
                    model.chances.as_ref().err().cloned().unwrap_or_default(),
                ])?;
            }
        }
    }
    table.note("plimsoll.book", &answer.identity.book);
    table.note("plimsoll.book_hash", &answer.identity.hash);
    table.note("plimsoll.history", &answer.history);
    table.note("plimsoll.at", &answer.identity.at.0.to_string());
    table.note("plimsoll.program", &format!("plimsoll {}", answer.identity.program));
    table.finish()?;
    part.keep()
}
