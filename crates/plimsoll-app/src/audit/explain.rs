//! `plimsoll audit explain`: one record in words, and what followed from it, from the log alone.

use super::{Seen, hex, told, walk};
use crate::args::AuditExplainArgs;
use crate::check::counted;
use crate::exit;
use crate::show::{errln, outln};
use plimsoll_engine::guard::Scope;
use plimsoll_engine::record::{Entry, Event, Record, Release};
use plimsoll_io::time::show_stamp;
use std::collections::BTreeSet;

/// So much of what followed is told.
const FOLLOWED: usize = 20;

pub(crate) fn run(args: &AuditExplainArgs) -> u8 {
    let (mut lines, mut followed) = (Vec::new(), Vec::new());
    let mut about = About::default();
    let walked = walk(&args.data, &mut |seen| match seen.entry {
        Entry::Founded(founding) if seen.number == args.record => {
            lines.push(format!("record {} of {}", seen.number, show_stamp(founding.at)));
            lines.push(format!("founded an engine on the book {} by {}", founding.book, founding.program));
            for listed in &seen.state.book.markets {
                let (venue, revision) = listed.market.venue();
                lines.push(format!("  market {} of {venue} {revision}", listed.name));
            }
            lines.push(format!("  {}", counted(founding.sources.len() as u64, "feed")));
        }
        Entry::Decided(record) if seen.number == args.record => {
            lines = explained(&seen, record);
            about = About::of(record);
        }
        Entry::Decided(record) if seen.number > args.record => {
            for event in record.events.iter().filter(|event| about.concerns(event)) {
                followed.push(format!("  record {}: {}", seen.number, told::happened(seen.state, event)));
            }
        }
        _ => {}
    });
    match walked {
        Err(code) => return code,
        Ok((scanned, _)) if lines.is_empty() => {
            errln!(
                "plimsoll: found no record {}, expected one from 0 to {}",
                args.record,
                scanned.next.saturating_sub(1)
            );
            return exit::USAGE;
        }
        Ok(_) => {}
    }
    lines.iter().for_each(|line| outln!("{line}"));
    if !followed.is_empty() {
        outln!("what followed");
        followed.iter().take(FOLLOWED).for_each(|line| outln!("{line}"));
        if followed.len() > FOLLOWED {
            outln!("  and {} more", followed.len() - FOLLOWED);
        }
    }
    exit::CALM
}

fn explained(seen: &Seen<'_>, record: &Record) -> Vec<String> {
    let request = &record.request;
    let key = if request.by.key.is_empty() { String::new() } else { format!(", by key {}", request.by.key) };
    let mut lines = vec![
        format!("record {} of {}, decided by {}", seen.number, show_stamp(record.at), record.program),
        format!("configuration {}", &hex(&record.config)[..16]),
        format!("asked by {}{key}, as {}", request.by.name, request.id),
        format!("  {}", told::asked(seen.state, &request.command)),
    ];
    let mut stood: Vec<String> =
        record.events.iter().flat_map(|event| told::grounds(seen.state, &record.prices, event)).collect();
    let mut told = BTreeSet::new();
    stood.retain(|line| told.insert(line.clone()));
    if !stood.is_empty() {
        lines.push("what stood behind it".into());
        lines.extend(stood.into_iter().map(|line| format!("  {line}")));
    }
    match &record.refused {
        Some(refused) => lines.push(format!("it was refused: {refused} [{}]", refused.code())),
        None => lines.push("it was done".into()),
    }
    if !record.events.is_empty() {
        lines.push("what happened".into());
        lines.extend(record.events.iter().map(|event| format!("  {}", told::happened(seen.state, event))));
    }
    lines
}

/// What a record is about.
#[derive(Default)]
struct About {
    accounts: BTreeSet<u32>,
    intents: BTreeSet<u64>,
    proposals: BTreeSet<u64>,
    alerts: BTreeSet<u64>,
    scopes: BTreeSet<Scope>,
    breaker: bool,
}

impl About {
    fn of(record: &Record) -> About {
        let mut about = About::default();
        for event in &record.events {
            match event {
                Event::Lived { place, .. } => {
                    about.accounts.insert(*place);
                }
                Event::Intended { intent, place, .. } => {
                    about.accounts.insert(*place);
                    about.intents.insert(*intent);
                }
                Event::Sent { intent, .. } | Event::Resolved { intent, .. } => {
                    about.intents.insert(*intent);
                }
                Event::Proposed { proposal, .. } | Event::Closed { proposal, .. } => {
                    about.proposals.insert(*proposal);
                }
                Event::Alert { alert, .. } => {
                    about.alerts.insert(*alert);
                }
                Event::Killed { scope, .. } => {
                    about.scopes.insert(scope.clone());
                }
                Event::Tripped(_) => about.breaker = true,
                _ => {}
            }
        }
        about
    }

    fn concerns(&self, event: &Event) -> bool {
        match event {
            Event::Lived { place, .. } => self.accounts.contains(place),
            Event::Intended { place, .. } => self.accounts.contains(place),
            Event::Sent { intent, .. } | Event::Resolved { intent, .. } => self.intents.contains(intent),
            Event::Closed { proposal, .. } => self.proposals.contains(proposal),
            Event::Told { alert, .. } => self.alerts.contains(alert),
            Event::Released(Release::Kill(scope)) => self.scopes.contains(scope),
            Event::Released(Release::Breaker) => self.breaker,
            _ => false,
        }
    }
}
