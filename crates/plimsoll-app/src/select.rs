//! Which accounts `check` shows, and in which order. Totals and exit codes are of the whole book all the same.

use crate::args::{CheckArgs, Order};
use crate::ask::no_such;
use plimsoll::{Check, Ladder, Lookout, Outlook, Row, Tier};
use plimsoll_core::{Book, Decimal, Int, ListedAccount, Verdict};
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

fn rank(row: &Row) -> Rank {
    match (row.liquidation.verdict(), row.liquidation.own.map(|own| own.verdict)) {
        (Some(Verdict::Unhealthy), _) | (_, Ok(Verdict::Unhealthy)) => Rank::Unhealthy,
        (Some(Verdict::NoDebt), _) | (_, Ok(Verdict::NoDebt)) => Rank::NoDebt,
        (_, Err(_)) => Rank::Unknown,
        (_, Ok(Verdict::Healthy)) => Rank::Healthy,
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

    /// The chosen accounts in order, each with its outlook.
    pub(crate) fn rows<'c>(&self, book: &Book, answer: &'c Check, lookout: &Lookout<'_>) -> Vec<Shown<'c>> {
        let mut rows: Vec<&Row> = answer
            .rows
            .iter()
            .filter(|row| self.takes(book, &book.accounts[row.account], row.tier))
            .collect();
        let name = |row: &Row| &book.accounts[row.account].name;
        match self.order {
            Order::Health => {}
            Order::Name => rows.sort_by(|x, y| name(x).cmp(name(y))),
            Order::Debt => rows.sort_by_key(|row| {
                let debt = row.borrowing.own.map_or(Int::ZERO, |own| own.debt);
                (book.accounts[row.account].market, Reverse(debt))
            }),
            Order::Distance => rows.sort_by_cached_key(|row| {
                let rank = rank(row);
                if rank != Rank::Healthy {
                    return (rank, false, None);
                }
                let listed = &book.accounts[row.account];
                let factors = lookout.factors(listed.market, &listed.account);
                let nearest = factors.first().and_then(|factor| Some(factor.nearest()?.way));
                (rank, nearest.is_none(), nearest)
            }),
        }
        rows.truncate(self.top);
        let outlook = |row: &Row| {
            let listed = &book.accounts[row.account];
            if self.whole { lookout.of(row.account) } else { lookout.glance(listed.market, &listed.account) }
        };
        rows.into_iter().map(|row| Shown { row, outlook: outlook(row) }).collect()
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
        (self.tiers.is_empty() || self.tiers.contains(&tier))
            && self.owner.is_none_or(|owner| listed.owner == owner)
            && self.market.is_none_or(|market| book.markets[listed.market].name == market)
    }
}
