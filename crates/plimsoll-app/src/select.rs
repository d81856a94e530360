//! Which accounts `check` shows, and in which order. Totals and exit codes are of the whole book all the same.

use crate::args::{CheckArgs, Order};
use crate::ask::no_such;
use plimsoll::{Ladder, Lookout, Outlook, Row, Seen, Tier};
use plimsoll_core::{Book, Decimal, ListedAccount, Verdict};
use std::cmp::Reverse;

/// An account that is shown.
pub(crate) struct Shown<'a> {
    pub(crate) row: &'a Row,
    pub(crate) outlook: Outlook,
}

/// What was asked for.
pub(crate) struct Choice<'a> {
    tiers: Vec<Tier>,
    owner: Option<&'a str>,
    market: Option<&'a str>,
    order: Order,
    top: usize,
    /// Carry and holdings too.
    whole: bool,
}

impl CheckArgs {
    /// The tiers' beginnings, in percent of the line.
    pub(crate) fn ladder(&self) -> Result<Ladder, String> {
        let steps: Option<Vec<u64>> = self.tiers.split(',').map(percent).collect();
        match steps.as_deref() {
            Some(&[safe, moderate, high]) if safe >= moderate && moderate >= high && high >= 100 => {
                Ok(Ladder { safe, moderate, high })
            }
            _ => Err(format!(
                "--tiers {}: expected three numbers from 1 on, none above the one before it, with at most two digits after the point, such as 2,1.5,1.2",
                self.tiers
            )),
        }
    }
}

/// In which order distances are read: of an unhealthy account they lead out of danger, and of one without an answer
/// there are none.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unhealthy,
    Unknown,
    Healthy,
    NoDebt,
}

fn rank(seen: &Seen) -> Rank {
    match (seen.verdict, seen.own) {
        (Some(Verdict::Unhealthy), _) | (_, Some(Verdict::Unhealthy)) => Rank::Unhealthy,
        (Some(Verdict::NoDebt), _) | (_, Some(Verdict::NoDebt)) => Rank::NoDebt,
        (_, None) => Rank::Unknown,
        (_, Some(Verdict::Healthy)) => Rank::Healthy,
    }
}

fn percent(text: &str) -> Option<u64> {
    text.trim().parse::<Decimal>().ok()?.scaled_amount(2).ok()?.to_u64()
}

impl<'a> Choice<'a> {
    pub(crate) fn of(args: &'a CheckArgs) -> Result<Choice<'a>, String> {
        let tier = |name: &String| {
            let name = name.trim();
            Tier::ALL.into_iter().find(|tier| tier.name() == name).ok_or_else(|| {
                let known = Tier::ALL.map(Tier::name).join(", ");
                format!("--tier {name}: expected one of {known}")
            })
        };
        Ok(Choice {
            tiers: args.tier.iter().map(tier).collect::<Result<_, _>>()?,
            owner: args.owner.as_deref(),
            market: args.market.as_deref(),
            order: args.sort,
            top: args.top.unwrap_or(usize::MAX),
            whole: args.json,
        })
    }

    /// The places of the chosen accounts, in order, of all accounts worst first. Without a lookout nobody is chosen.
    pub(crate) fn places(&self, book: &Book, seen: &[Seen], lookout: Option<&Lookout<'_>>) -> Vec<usize> {
        let Some(lookout) = lookout else { return Vec::new() };
        let takes = |seen: &&Seen| self.takes(book, &book.accounts[seen.account], seen.tier);
        let mut chosen: Vec<&Seen> = seen.iter().filter(takes).collect();
        let name = |seen: &Seen| &book.accounts[seen.account].name;
        match self.order {
            Order::Health => {}
            Order::Name => chosen.sort_by(|x, y| name(x).cmp(name(y))),
            Order::Debt => {
                chosen.sort_by_key(|seen| (book.accounts[seen.account].market, Reverse(seen.debt)));
            }
            Order::Distance => chosen.sort_by_cached_key(|seen| {
                let rank = rank(seen);
                if rank != Rank::Healthy {
                    return (rank, false, None);
                }
                let listed = &book.accounts[seen.account];
                let factors = lookout.factors(listed.market, &listed.account);
                let nearest = factors.first().and_then(|factor| Some(factor.nearest()?.way));
                (rank, nearest.is_none(), nearest)
            }),
        }
        chosen.truncate(self.top);
        chosen.into_iter().map(|seen| seen.account).collect()
    }

    /// The chosen accounts' rows, each with its outlook.
    pub(crate) fn shown<'c>(&self, book: &Book, rows: &'c [Row], lookout: &Lookout<'_>) -> Vec<Shown<'c>> {
        let outlook = |row: &Row| {
            let listed = &book.accounts[row.account];
            if self.whole { lookout.of(row.account) } else { lookout.glance(listed.market, &listed.account) }
        };
        rows.iter().map(|row| Shown { row, outlook: outlook(row) }).collect()
    }

    /// The exit code where the book has no owner or market of the name asked for; told.
    pub(crate) fn unknown(&self, book: &Book) -> Option<u8> {
        let mut owners = book.accounts.iter().map(|listed| listed.owner.as_str());
        self.unknown_owner(&mut owners).or_else(|| self.unknown_market(book))
    }

    /// The same of the owner alone, of whom these are all that there are.
    pub(crate) fn unknown_owner(&self, owners: &mut dyn Iterator<Item = &str>) -> Option<u8> {
        self.owner.and_then(|owner| no_such("owner", owner, owners))
    }

    /// The same of the market alone.
    pub(crate) fn unknown_market(&self, book: &Book) -> Option<u8> {
        let mut markets = book.markets.iter().map(|listed| listed.name.as_str());
        self.market.and_then(|market| no_such("market", market, &mut markets))
    }

    /// The owner asked for.
    pub(crate) fn owner(&self) -> Option<&'a str> {
        self.owner
    }

    /// Whether an account of a tier is chosen.
    pub(crate) fn takes(&self, book: &Book, listed: &ListedAccount, tier: Tier) -> bool {
        (self.any_tier() || self.tiers.contains(&tier)) && self.takes_of(book, listed)
    }

    /// Whether tiers are no matter of the choice.
    pub(crate) fn any_tier(&self) -> bool {
        self.tiers.is_empty()
    }

    /// Whether an account of some tier is chosen.
    pub(crate) fn takes_of(&self, book: &Book, listed: &ListedAccount) -> bool {
        self.owner.is_none_or(|owner| listed.owner == owner)
            && self.market.is_none_or(|market| book.markets[listed.market].name == market)
    }
}
