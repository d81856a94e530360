//! `plimsoll brief`: what changed since an older book.

mod json;
mod page;
mod sections;

use crate::args::BriefArgs;
use crate::ask::{no_such, refuse};
use crate::check::{open, refused};
use crate::exit;
use crate::show::{self, errln, outln};
use plimsoll::{AccountChange, Brief, Compared, Ladder, Lookout, Misasked, Outlook, brief};
use plimsoll_core::{Book, Verdict};

pub(crate) fn run(args: &BriefArgs) -> u8 {
    let (newer, gaps) = match open(&args.book, false) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let older = match open(&args.since, false) {
        Ok((older, _)) => older,
        Err(code) => return code,
    };
    if let Some(owner) = &args.owner {
        let mut owners = newer.accounts.iter().chain(&older.accounts).map(|listed| listed.owner.as_str());
        if let Some(code) = no_such("owner", owner, &mut owners) {
            return code;
        }
    }
    let asked = Compared { ladder: Ladder::default(), owner: args.owner.as_deref(), top: args.top };
    let answer = match brief(&older, &newer, &asked) {
        Ok(answer) => answer,
        Err(Misasked::Order { older, newer }) => {
            errln!(
                "plimsoll: --since {}: found a book of {}, expected one of {} or before, the time of {} [PL0202]",
                args.since.display(),
                show::time(older),
                show::time(newer),
                args.book.display()
            );
            return exit::USAGE;
        }
        Err(why) => return refuse(&why),
    };
    let lookout = match Lookout::new(&newer, newer.at) {
        Ok(lookout) => lookout,
        Err(unsound) => return refused(&unsound),
    };
    let told = Told { answer: &answer, newer: &newer, lookout: &lookout, owner: args.owner.as_deref() };
    if let Some(path) = &args.report
        && let Err(code) = page::write(path, &told)
    {
        return code;
    }
    if args.json {
        outln!("{:#}", json::answer(&told));
    } else {
        sections::print(&told);
    }
    gaps.code(answer.severity, answer.accounts)
}

/// An answer, and what it takes to tell what is ahead of its accounts.
struct Told<'a> {
    answer: &'a Brief,
    newer: &'a Book,
    lookout: &'a Lookout<'a>,
    owner: Option<&'a str>,
}

impl Told<'_> {
    /// What is ahead of an account of the newer book, and the venue's own verdict on it now.
    fn ahead(&self, one: &AccountChange) -> Option<(Outlook, Option<Verdict>)> {
        let place = one.places[1]?;
        let listed = &self.newer.accounts[place];
        let own = self.lookout.judge(place).ok().and_then(|judgement| judgement.own.ok());
        Some((self.lookout.glance(listed.market, &listed.account), own.map(|own| own.verdict)))
    }
}
