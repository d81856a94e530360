//! Accounts that together hold more than their market says exists: one of the two is wrong, and nobody knows which.
//!
//! Less is no fault: a book is mostly a part of what there is. Asked of every instrument of which a market keeps a total
//! ([`Market::total`](plimsoll_core::Market::total)), whichever the venue. A total of zero says nothing: it is what stands in
//! a market whose state the book leaves out. What accounts have beside their holdings is summed by the venue's own list
//! ([`Desk::beside`](crate::book::venue::Desk::beside)).

use crate::book::positions::Place;
use crate::book::venue::{Beside, Desk};
use crate::fault::{Code, Log, quoted};
use plimsoll_core::{Account, InstrumentId, Int, ListedAccount, TermId, U256};

/// What accounts hold together, by market: of each instrument, and beside them.
pub(super) struct Sums(Vec<Of>);

#[derive(Default)]
struct Of {
    held: Vec<Sum>,
    beside: Vec<(String, Sum)>,
    /// Which of those a term counts in, and how many times; by term.
    terms: Vec<(TermId, usize, Int)>,
}

struct Sum {
    /// As much as 256 bits hold.
    held: U256,
    total: Option<U256>,
    /// The account that has the most of it, and how much.
    largest: Option<(String, U256)>,
}

impl Sum {
    fn of(total: Option<U256>) -> Sum {
        Sum { held: U256::ZERO, total, largest: None }
    }

    fn add(&mut self, name: &str, own: U256) {
        if self.total.is_some() {
            self.held = self.held.add(own).unwrap_or(U256::MAX);
            if self.largest.as_ref().is_none_or(|(_, most)| own > *most) {
                self.largest = Some((name.into(), own));
            }
        }
    }

    fn sound(&self) -> bool {
        self.total.is_none_or(|total| self.held <= total)
    }

    /// What is found of `what` where it is more than there is, and what was expected.
    fn fault(&self, what: &str, place: &str) -> Option<[String; 2]> {
        let total = self.total.filter(|_| !self.sound())?;
        let most = self.largest.as_ref();
        let most =
            most.map_or_else(String::new, |(name, own)| format!(", of which {own} in {}", quoted(name)));
        let found = format!("{} {what} in all accounts of {place}{most}", self.held);
        Some([found, format!("at most {total}, which is all that the market itself says exists")])
    }
}

/// Which of a list a term counts in, and how many times; by term.
fn by_term(list: &[Beside]) -> Vec<(TermId, usize, Int)> {
    let parts = |(at, beside): (usize, &Beside)| {
        beside.parts.iter().map(|(term, times)| (*term, at, *times)).collect::<Vec<_>>()
    };
    let mut terms: Vec<_> = list.iter().enumerate().flat_map(parts).collect();
    terms.sort_unstable_by_key(|(term, at, _)| (term.0, *at));
    terms
}

/// What an account adds to each of a list; `None` for more than 256 bits hold.
fn own(terms: &[(TermId, usize, Int)], account: &Account) -> Vec<(usize, Option<Int>)> {
    let mut sums: Vec<(usize, Option<Int>)> = Vec::new();
    for (term, value) in account.terms() {
        let from = terms.partition_point(|(other, ..)| other.0 < term.0);
        for (_, at, times) in terms[from..].iter().take_while(|(other, ..)| other == term) {
            let part = value.mul(*times);
            match sums.iter_mut().find(|(known, _)| known == at) {
                Some((_, sum)) => *sum = sum.zip(part).and_then(|(sum, part)| sum.add(part)),
                None => sums.push((*at, part)),
            }
        }
    }
    sums
}

/// What accounts of a market have together of each of its desk's [`Desk::beside`]; `None` beyond 256 bits.
pub(super) fn beside<'a>(desk: &dyn Desk, accounts: impl Iterator<Item = &'a Account>) -> Option<Vec<Int>> {
    let list = desk.beside();
    let (terms, mut sums) = (by_term(&list), vec![Int::ZERO; list.len()]);
    for account in accounts {
        for (at, own) in own(&terms, account) {
            sums[at] = sums[at].add(own?)?;
        }
    }
    Some(sums)
}

impl Sums {
    /// Of nobody yet.
    pub(super) fn new(places: &[Place]) -> Sums {
        let of = |place: &Place| {
            let Some(desk) = &place.desk else { return Of::default() };
            let listed = 0..desk.market().instruments().len() as u32;
            let said = |total: &U256| *total != U256::ZERO;
            let total = |id| desk.market().total(InstrumentId(id)).filter(said);
            let list = desk.beside();
            let terms = by_term(&list);
            let beside = list.into_iter().map(|beside| (beside.what, Sum::of(beside.total))).collect();
            Of { held: listed.map(|id| Sum::of(total(id))).collect(), beside, terms }
        };
        Sums(places.iter().map(of).collect())
    }

    /// Adds an account, whose market is the number of a place.
    pub(super) fn add(&mut self, listed: &ListedAccount) {
        let Some(sums) = self.0.get_mut(listed.market) else { return };
        for holding in listed.account.holdings() {
            if let Some(sum) = sums.held.get_mut(holding.instrument.index()) {
                sum.add(&listed.name, holding.quantity.magnitude());
            }
        }
        if !sums.terms.is_empty() {
            for (at, own) in own(&sums.terms, &listed.account) {
                let own = own.map_or(U256::MAX, |own| own.to_u256().unwrap_or_default());
                sums.beside[at].1.add(&listed.name, own);
            }
        }
    }

    /// Whether no market has less than its accounts.
    pub(super) fn sound(&self) -> bool {
        self.0
            .iter()
            .all(|sums| sums.held.iter().chain(sums.beside.iter().map(|(_, sum)| sum)).all(Sum::sound))
    }

    /// Tells every sum of a market that is more than there is; whether there is none.
    pub(super) fn tell(&self, number: usize, place: &Place, log: &mut Log) -> bool {
        let before = log.count();
        let (Some(sums), Some(desk)) = (self.0.get(number), &place.desk) else { return true };
        let held =
            sums.held.iter().zip((0..).zip(desk.market().instruments())).map(|(sum, (id, instrument))| {
                let unit = desk.stored(InstrumentId(id)).unwrap_or("raw");
                sum.fault(&format!("({unit}) of {}", instrument.name), &place.name)
            });
        let beside = sums.beside.iter().map(|(what, sum)| sum.fault(what, &place.name));
        for [found, expected] in held.chain(beside).flatten() {
            log.at(Code::MoreThanAll, place.span, found, expected);
        }
        log.count() == before
    }
}
