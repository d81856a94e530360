//! What commands that ask about an account share: names that do not fit, and amounts as people read them.

use crate::exit;
use crate::show::{errln, outln};
use crate::steps::Steps;
use plimsoll::{Identity, Ladder, Misasked};
use plimsoll_core::{Book, Certainty, Judgement, Refusal, U256};
use serde_json::{Value, json};
use std::path::Path;

/// The book as it stands at the time asked about, and the account's place in it; the exit code where that cannot be.
pub(crate) fn opened(path: &Path, at: Option<&str>, name: &str) -> Result<(Book, usize), u8> {
    let (mut book, _) = crate::check::open(path, false)?;
    book.at = crate::check::time_of(&book, at).ok_or(exit::USAGE)?;
    let account = plimsoll::account(&book, name).map_err(|why| refuse(&why))?;
    Ok((book, account))
}

/// The book after changes to it, and the account's place in it; the exit code where that cannot be.
pub(crate) fn changed(path: &Path, name: &str, first: &Steps) -> Result<(Book, usize), u8> {
    let (book, account) = opened(path, None, name)?;
    if first.0.is_empty() {
        return Ok((book, account));
    }
    let changes: Vec<_> = first.0.iter().map(|(_, change)| change.clone()).collect();
    let answer =
        plimsoll::whatif(&book, account, &changes, &Ladder::default()).map_err(|why| refuse(&why))?;
    if let Some(refusal) = &answer.refused {
        let step = first.0.get(answer.done.len()).map_or("", |(said, _)| said);
        errln!("plimsoll: {step}: {}", words(refusal));
        return Err(exit::FAULTY);
    }
    crate::whatif::possible(&changes, &answer.book)?;
    Ok((answer.book, account))
}

/// Account, market and doubt in the lines that stand above an answer.
pub(crate) fn print_head(book: &Book, account: usize, judgement: &Judgement) {
    let listed = &book.accounts[account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    outln!("account  {} of {}, in {} ({venue} {revision})", listed.name, listed.owner, market.name);
    match judgement.certainty {
        Certainty::Certain | Certainty::NoDebt | Certainty::Unanswered => {}
        Certainty::Safe { why, .. } | Certainty::Unsafe(why) | Certainty::Undetermined(why) => {
            outln!("DOUBT    a price is {why}: what follows holds at the price that the venue would use");
        }
    }
}

/// What an answer rests on, in a line.
pub(crate) fn print_foot(identity: &Identity) {
    let Identity { book, hash, at, program } = identity;
    outln!("\nas of {} · book {book} · hash {} · plimsoll {program}", crate::show::time(*at), &hash[..16]);
}

/// Tells why a question cannot be put, and which name was most likely meant; the exit code.
pub(crate) fn refuse(why: &Misasked) -> u8 {
    match why {
        Misasked::NoSuch { what, .. } if what.starts_with("account") => errln!("plimsoll: {why} [PL0403]"),
        _ => errln!("plimsoll: {why}"),
    }
    if let Misasked::NoSuch { found, known, .. } = why
        && let Some(near) = plimsoll_io::fault::nearest(found, known.iter().map(String::as_str))
    {
        errln!("  did you mean `{near}`?");
    }
    match why {
        Misasked::Stands { .. } => exit::FAULTY,
        _ => exit::USAGE,
    }
}

/// A refusal in words, with its code.
pub(crate) fn words(refusal: &Refusal) -> String {
    format!("{refusal} [{}]", refusal.code())
}

pub(crate) fn refusal_json(refusal: &Refusal) -> Value {
    json!({"code": refusal.code(), "message": refusal.to_string()})
}

/// A raw amount as so many whole tokens, exact.
pub(crate) fn tokens(raw: U256, decimals: u8) -> String {
    crate::show::exact(raw.into(), decimals)
}
