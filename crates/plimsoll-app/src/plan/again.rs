//! A recorded plan, done on a book as it is now, and what the plan of now does otherwise.

use super::{does, health, json};
use crate::args::PlanArgs;
use crate::ask::{refuse, words};
use crate::exit;
use crate::explain::full_name;
use crate::show::{errln, outln};
use plimsoll::{Broken, Difference, PlanAsk, Planned};
use plimsoll_core::Book;
use std::path::Path;

pub(super) fn run(
    args: &PlanArgs,
    path: &Path,
    book: &Book,
    ask: &PlanAsk<'_>,
    now: &Planned,
) -> Result<u8, u8> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        errln!("plimsoll: {}: {error} [PL0692]", path.display());
        exit::FAULTY
    })?;
    let recorded = json::read(&text, book).map_err(|why| {
        errln!("plimsoll: {}: {why} [PL0692]", path.display());
        exit::FAULTY
    })?;
    let replay = recorded.replay(book, ask, false).map_err(|why| refuse(&why))?;
    let differences = now.outcome.as_ref().ok().map(|now| recorded.differences(now));
    let broken = replay.broken.map(|broken| told(book, broken));
    if args.json {
        let other = |difference: &Difference| match difference {
            Difference::Only(step) => serde_json::json!({"only": does(book, step)}),
            Difference::New(step) => serde_json::json!({"new": does(book, step)}),
            Difference::Amount(was, is) => {
                serde_json::json!({"do": was.doing.word(), "was": does(book, was), "is": does(book, is)})
            }
        };
        let differences = differences.map(|all| all.iter().map(other).collect::<Vec<_>>());
        let after = replay.after.iter().map(|(account, ratio)| {
            serde_json::json!({"account": full_name(book, *account), "health": ratio.map(|ratio| ratio.digits(0, 18))})
        });
        outln!(
            "{:#}",
            serde_json::json!({
                "format": 1,
                "done": replay.done,
                "of": recorded.steps.len(),
                "holds": broken.is_none(),
                "broken": broken,
                "after": after.collect::<Vec<_>>(),
                "differences": differences,
            })
        );
    } else {
        outln!("{} of {} steps were done on the book as it is", replay.done, recorded.steps.len());
        for (account, ratio) in &replay.after {
            outln!("then     {}  {}", full_name(book, *account), health(*ratio));
        }
        match &broken {
            Some(why) => outln!("DOES NOT HOLD  {why} [PL0691]"),
            None => outln!(
                "it holds: every step is taken, nobody is below his line in between, and the target is reached"
            ),
        }
        for difference in differences.iter().flatten() {
            match difference {
                Difference::Only(step) => outln!("-  {} {}", step.doing.word(), does(book, step)),
                Difference::New(step) => outln!("+  {} {}", step.doing.word(), does(book, step)),
                Difference::Amount(was, is) => {
                    outln!("~  {} {} -> {}", was.doing.word(), does(book, was), does(book, is));
                }
            }
        }
    }
    Ok(if broken.is_some() { exit::UNHEALTHY } else { exit::CALM })
}

fn told(book: &Book, broken: Broken) -> String {
    match broken {
        Broken::Before(at) => {
            format!("before step {} its account stands elsewhere than the plan says", at + 1)
        }
        Broken::Refused(at, why) => format!("step {} is refused: {}", at + 1, words(&why)),
        Broken::Wallet(at) => format!("the wallet has less than step {} pays", at + 1),
        Broken::Brings(at) => format!("the sale of step {} brings less than the plan counts on", at + 1),
        Broken::Line(at) => format!("an account would be below its line after step {}", at + 1),
        Broken::After(at) => format!("after step {} its account stands elsewhere than the plan says", at + 1),
        Broken::Target(account) => format!("{} does not reach the target", full_name(book, account)),
    }
}
