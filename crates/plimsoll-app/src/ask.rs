//! What commands that ask about an account share: names that do not fit, and amounts as people read them.

use crate::exit;
use crate::show::{errln, outln};
use crate::steps::Steps;
use plimsoll::{Identity, Ladder, Misasked, Ratio};
use plimsoll_core::{Book, Certainty, Judgement, NextPrice, Refusal, U256, Unit, Verdict, Why};
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
    Ok((after(book, Some(account), first)?, account))
}

/// The book after changes, of one account's or of prices, parameters and time alone.
pub(crate) fn after(book: Book, account: Option<usize>, first: &Steps) -> Result<Book, u8> {
    if first.0.is_empty() {
        return Ok(book);
    }
    let changes: Vec<_> = first.0.iter().map(|(_, change)| change.clone()).collect();
    let ladder = Ladder::default();
    let done = match account {
        Some(account) => plimsoll::whatif(&book, account, &changes, &ladder)
            .map(|answer| (answer.refused, answer.done.len(), answer.book)),
        None => plimsoll::whatif_all(&book, &changes, &ladder)
            .map(|answer| (answer.refused, answer.done.len(), answer.book)),
    };
    let (refused, done, book) = done.map_err(|why| refuse(&why))?;
    if let Some(refusal) = refused {
        let step = first.0.get(done).map_or("", |(said, _)| said);
        errln!("plimsoll: {step}: {}", words(&refusal));
        return Err(exit::FAULTY);
    }
    crate::whatif::possible(&changes, &book)?;
    Ok(book)
}

/// Prints an answer about one account; the exit code.
pub(crate) fn tell<Answer>(
    asked: Result<Answer, Misasked>,
    judgement: fn(&Answer) -> &Judgement,
    print: impl FnOnce(&Answer),
) -> u8 {
    match asked {
        Ok(answer) => {
            print(&answer);
            crate::explain::code(judgement(&answer), None)
        }
        Err(why) => refuse(&why),
    }
}

/// The exit code where no name of these is the one asked for; told, with the nearest.
pub(crate) fn no_such(what: &str, asked: &str, known: &mut dyn Iterator<Item = &str>) -> Option<u8> {
    let known: Vec<&str> = known.collect();
    if known.contains(&asked) {
        return None;
    }
    errln!("plimsoll: found no {what} `{asked}`");
    if let Some(near) = plimsoll_io::fault::nearest(asked, known) {
        errln!("  did you mean `{near}`?");
    }
    Some(exit::USAGE)
}

/// The reason to doubt what is said at the venue's own prices, if there is one.
pub(crate) fn doubt(judgement: &Judgement) -> Option<Why> {
    match judgement.certainty {
        Certainty::Certain | Certainty::NoDebt | Certainty::Unanswered => None,
        Certainty::Safe { why, .. } | Certainty::Unsafe(why) | Certainty::Undetermined(why) => Some(why),
    }
}

/// Why the health of an account that owes, or may owe, cannot be told; `None` where it can, or nothing is owed.
pub(crate) fn unknown_health(judgement: &Judgement) -> Option<Refusal> {
    judgement.own.err().filter(|_| judgement.verdict() != Some(Verdict::NoDebt))
}

/// Backing over requirement as it stands, in words: nothing owed and nothing known are two things.
pub(crate) fn health_words(judgement: &Judgement, health: Option<Ratio>) -> String {
    match (health, unknown_health(judgement), judgement.own) {
        (Some(health), ..) => health.to_string(),
        (None, Some(refusal), _) => format!("unknown: {}", words(&refusal)),
        // Owing what the venue values at nothing.
        (None, None, Ok(own)) if own.verdict != Verdict::NoDebt => "-".into(),
        (None, None, _) => "no debt".into(),
    }
}

/// Account, market and doubt in the lines that stand above an answer.
pub(crate) fn print_head(book: &Book, account: usize, judgement: &Judgement) {
    let listed = &book.accounts[account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    outln!("account  {} of {}, in {} ({venue} {revision})", listed.name, listed.owner, market.name);
    if let (Some(why), Some(_)) = (doubt(judgement), unknown_health(judgement)) {
        outln!("UNKNOWN  a price is {why}: the venue has no answer");
    } else if let Some(why) = doubt(judgement) {
        outln!("DOUBT    a price is {why}: what follows holds at the price that the venue would use");
    }
    if let Some(coming) = coming(book, account) {
        outln!("COMING   {}", crate::outlook::arriving(book.at, &coming));
    }
    if let Some(renewed) = plimsoll::renewed_for(book, account) {
        outln!("NOTE     {}", crate::check::renewed(&renewed));
    }
}

/// How an account stands under parameters that are not in force for it yet, for programs.
pub(crate) fn renewed_json(book: &Book, account: usize) -> Value {
    plimsoll::renewed_for(book, account).as_ref().map_or(Value::Null, crate::check::renewed_json)
}

/// The price on its way to the venue at which an account of a book will be below its line.
pub(crate) fn coming(book: &Book, account: usize) -> Option<NextPrice> {
    plimsoll::coming_for(book, account).ok().flatten()
}

/// The same for programs.
pub(crate) fn coming_json(book: &Book, account: usize) -> Value {
    coming(book, account).as_ref().map_or(Value::Null, crate::outlook::arriving_json)
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
    let nearest = |what: &str, found: &str, known: &mut dyn Iterator<Item = &str>| match what {
        "price" => plimsoll_io::fault::nearest_price(found, known).map(String::from),
        _ => plimsoll_io::fault::nearest(found, known).map(String::from),
    };
    if let Misasked::NoSuch { found, known, what } = why
        && let Some(near) = nearest(what, found, &mut known.iter().flat_map(|name| said(name)))
    {
        errln!("  did you mean `{near}`?");
    }
    match why {
        Misasked::Stands { .. } => exit::FAULTY,
        _ => exit::USAGE,
    }
}

/// A name as it may have been said: with its market's, or without.
fn said(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(name).chain(name.split_once(':').map(|(_, name)| name))
}

/// A refusal in words, with its code.
pub(crate) fn words(refusal: &Refusal) -> String {
    format!("{refusal} [{}]", refusal.code())
}

/// The same where the market's account unit has so many digits that nobody reads them: sums in whole units, what is needed raised and what there is cut.
pub(crate) fn told(refusal: &Refusal, unit: Option<Unit>) -> String {
    match (refusal, unit) {
        (Refusal::OverCapacity { debt, capacity }, Some(unit)) if unit.decimals >= FINE => {
            let debt = crate::show::missing((*debt).into(), unit.decimals, 2);
            let capacity = crate::show::amount((*capacity).into(), unit.decimals, 2);
            format!("debt of {debt} where the collateral carries {capacity} [{}]", refusal.code())
        }
        _ => words(refusal),
    }
}

/// From so many digits after the point on, an account unit is not read as whole numbers.
const FINE: u8 = 18;

pub(crate) fn refusal_json(refusal: &Refusal) -> Value {
    json!({"code": refusal.code(), "message": refusal.to_string()})
}

/// A raw amount as so many whole tokens, exact.
pub(crate) fn tokens(raw: U256, decimals: u8) -> String {
    crate::show::exact(raw.into(), decimals)
}
