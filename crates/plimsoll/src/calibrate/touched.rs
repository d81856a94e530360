//! Whom a step of a market's numbers would touch: asked of the venue's own integers, as `stress --set` asks.

use super::stand::{Rules, Stated};
use crate::change::Change;
use crate::check::Ladder;
use crate::ratio::Ratio;
use crate::stress::{Jump, Stress};
use crate::whatif::whatif_all;
use plimsoll_core::Book;

/// Accounts that a change makes liquidatable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The numbers that change, as `--set` takes them.
    pub set: Vec<String>,
    /// The hash of the changed book.
    pub hash: String,
    /// Accounts that are liquidatable in the changed book alone, worst first: their places, and health before and after.
    pub accounts: Vec<(usize, Option<Ratio>, Option<Ratio>)>,
}

/// Does the step to a copy of the book and looks.
pub(super) fn touched(
    book: &Book,
    before: &Jump,
    rules: &Rules,
    threshold: f64,
    ltv: f64,
) -> Result<Touched, String> {
    let number = |told: &Option<Stated>, part: f64| {
        let told = told.as_ref()?;
        Some((told.path.clone(), told.integer(part)?))
    };
    // A venue may want the LTV below the threshold at every time: what falls goes first.
    let mut numbers: Vec<_> =
        number(&rules.ltv, ltv).into_iter().chain(number(&rules.threshold, threshold)).collect();
    if rules.threshold.as_ref().is_some_and(|told| threshold > told.value) {
        numbers.reverse();
    }
    if numbers.is_empty() {
        return Err("the market has no number of these names".into());
    }
    let set = numbers.iter().map(|(path, value)| format!("{path}={value}")).collect();
    let changes: Vec<Change> =
        numbers.into_iter().map(|(number, value)| Change::Set { number, value }).collect();
    let answer = whatif_all(book, &changes, &Ladder::default()).map_err(|why| why.to_string())?;
    if let Some(refusal) = answer.refused {
        return Err(refusal.to_string());
    }
    let stress = Stress::new(&answer.book).map_err(|why| why.to_string())?;
    let after = stress.stand().map_err(|why| why.to_string())?;
    let accounts =
        after.not_in(before).map(|below| (below.account, before.health_of(below.account), below.after));
    Ok(Touched { set, accounts: accounts.collect(), hash: stress.identity.hash.clone() })
}
