//! One row an account: the columns of `check --csv` and `check --parquet`. `docs/results.md` describes each of them.
//!
//! A new column is one line in [`COLUMNS`] and one in the docs; a test holds them together.

use crate::{check, show};
use plimsoll::{Ratio, Row};
use plimsoll_core::{Assessment, Book, Certainty, Figure, Int, ListedAccount, Refusal, Verdict};

/// An account and what was found of it.
pub(crate) struct Result<'r> {
    pub(crate) book: &'r Book,
    pub(crate) listed: &'r ListedAccount,
    pub(crate) row: &'r Row,
}

/// A column: what it is called, what its cells count, and how a cell is made. A cell that is empty has no value.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Only the docs say it, and a test reads them.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) unit: &'static str,
    pub(crate) cell: fn(&Result<'_>) -> String,
}

const fn column(name: &'static str, unit: &'static str, cell: fn(&Result<'_>) -> String) -> Column {
    Column { name, unit, cell }
}

/// All columns, in their order. Numbers are exact, or cut where a fraction does not end.
pub(crate) const COLUMNS: &[Column] = &[
    column("account", "name", |r| r.listed.name.clone()),
    column("owner", "name", |r| r.listed.owner.clone()),
    column("market", "name", |r| r.book.markets[r.listed.market].name.clone()),
    column("tier", "word", |r| r.row.tier.name().into()),
    column("verdict", "word", |r| r.row.liquidation.verdict().map_or("unknown", check::word).into()),
    column("certainty", "word", |r| certainty(&r.row.liquidation.certainty).into()),
    column("doubt", "word", |r| doubt(&r.row.liquidation.certainty)),
    column("venue_verdict", "word", |r| own(r).map_or("", |own| check::word(own.verdict)).into()),
    column("venue_refusal", "code", |r| refusal(r).map_or("", |why| why.code()).into()),
    column("executable", "yes or no", |r| unhealthy(r).map_or("", |own| yes(own.executable.is_ok())).into()),
    column("health", "fraction", |r| fraction(r.row.health.as_ref())),
    column("ratio", "fraction", |r| fraction(r.row.ratio.as_ref())),
    column("minimum", "fraction", |r| fraction(r.row.minimum.as_ref())),
    column("buffer", "percentage points", |r| r.row.buffer.map_or_else(String::new, |b| show::exact(b, 4))),
    column("currency", "name", |r| {
        let slots = r.book.markets[r.listed.market].market.slots();
        slots.first().map_or_else(String::new, |slot| slot.currency.clone())
    }),
    column("backing", "currency", |r| money(r, own(r).map(|own| own.backing))),
    column("requirement", "currency", |r| money(r, own(r).map(|own| own.requirement))),
    column("collateral", "currency", |r| money(r, own(r).map(|own| own.collateral))),
    column("debt", "currency", |r| money(r, own(r).map(|own| own.debt))),
    column("excess", "currency", |r| money(r, r.row.excess)),
    column("available", "currency", |r| match (r.row.available, r.row.borrowing.own) {
        (Some(available), Ok(borrowing)) => show::exact(available, borrowing.unit.decimals),
        _ => String::new(),
    }),
    column("own_name", "name", |r| headline(r).map_or("", |figure| figure.name).into()),
    column("own", "the venue's", |r| {
        headline(r).map_or_else(String::new, |figure| show::exact(figure.value, figure.unit.decimals))
    }),
    column("getter_verdict", "word", |r| r.row.view.map_or("", |view| check::word(view.verdict)).into()),
    column("below_from", "time", |r| {
        r.row.coming.as_ref().map_or_else(String::new, |it| show::time(it.from))
    }),
];

fn own(result: &Result<'_>) -> Option<Assessment> {
    result.row.liquidation.own.ok()
}

/// The venue's own answer where it calls the account unhealthy: of any other there is nothing to execute.
fn unhealthy(result: &Result<'_>) -> Option<Assessment> {
    own(result).filter(|own| own.verdict == Verdict::Unhealthy)
}

/// Why the venue has no verdict, or would not liquidate now what it calls unhealthy.
fn refusal(result: &Result<'_>) -> Option<Refusal> {
    result.row.liquidation.own.err().or_else(|| unhealthy(result)?.executable.err())
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn fraction(ratio: Option<&Ratio>) -> String {
    ratio.map_or_else(String::new, |ratio| ratio.digits(0, 18))
}

fn money(result: &Result<'_>, value: Option<Int>) -> String {
    let decimals = own(result).map_or(0, |own| own.unit.decimals);
    value.map_or_else(String::new, |value| show::exact(value, decimals))
}

/// The venue's own number, by convention the last of its figures; of an account without debt there is none.
fn headline<'r>(result: &Result<'r>) -> Option<&'r Figure> {
    result.row.own.last().filter(|_| result.row.health.is_some())
}

fn certainty(certainty: &Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "certain",
        Certainty::NoDebt => "no debt",
        Certainty::Safe { .. } => "safe",
        Certainty::Unsafe(_) => "unsafe",
        Certainty::Undetermined(_) => "undetermined",
        Certainty::Unanswered => "unanswered",
    }
}

fn doubt(certainty: &Certainty) -> String {
    match certainty {
        Certainty::Certain | Certainty::NoDebt | Certainty::Unanswered => String::new(),
        Certainty::Safe { why, .. } | Certainty::Unsafe(why) | Certainty::Undetermined(why) => {
            why.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::COLUMNS;

    #[test]
    fn every_column_is_described_in_order_with_its_unit() {
        let docs = include_str!("../../../docs/results.md");
        let described: Vec<[&str; 2]> = docs
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|');
                Some([cells.next()?.trim().trim_end_matches('`'), cells.next()?.trim()])
            })
            .collect();
        let columns: Vec<[&str; 2]> = COLUMNS.iter().map(|column| [column.name, column.unit]).collect();
        assert_eq!(described, columns);
    }
}
