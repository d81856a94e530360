//! Accounts that together hold more than their market says exists: one of the two is wrong, and nobody knows which.
//!
//! Less is no fault: a book is mostly a part of what there is. Asked of every instrument of which a market keeps a total
//! ([`Market::total`](plimsoll_core::Market::total)), whichever the venue. A total of zero says nothing: it is what stands in
//! a market whose state the book leaves out.

use crate::book::positions::Place;
use crate::fault::{Code, Log, quoted};
use plimsoll_core::{InstrumentId, ListedAccount, U256};

/// What accounts hold together, by market and instrument.
pub(super) struct Sums(Vec<Vec<Sum>>);

struct Sum {
    /// As much as 256 bits hold.
    held: U256,
    total: Option<U256>,
    /// The account that has the most of it, and how much.
    largest: Option<(String, U256)>,
}

impl Sums {
    /// Of nobody yet.
    pub(super) fn new(places: &[Place]) -> Sums {
        let of = |place: &Place| {
            let Some(desk) = &place.desk else { return Vec::new() };
            let listed = 0..desk.market().instruments().len() as u32;
            let said = |total: &U256| *total != U256::ZERO;
            let total = |id| desk.market().total(InstrumentId(id)).filter(said);
            listed.map(|id| Sum { held: U256::ZERO, total: total(id), largest: None }).collect()
        };
        Sums(places.iter().map(of).collect())
    }

    /// Adds an account, whose market is the number of a place.
    pub(super) fn add(&mut self, listed: &ListedAccount) {
        let Some(sums) = self.0.get_mut(listed.market) else { return };
        for holding in listed.account.holdings() {
            if let Some(sum) = sums.get_mut(holding.instrument.index())
                && sum.total.is_some()
            {
                let own = holding.quantity.magnitude();
                sum.held = sum.held.add(own).unwrap_or(U256::MAX);
                if sum.largest.as_ref().is_none_or(|(_, most)| own > *most) {
                    sum.largest = Some((listed.name.clone(), own));
                }
            }
        }
    }

    /// Whether no market has less than its accounts.
    pub(super) fn sound(&self) -> bool {
        self.0.iter().flatten().all(|sum| sum.total.is_none_or(|total| sum.held <= total))
    }

    /// Tells every sum of a market that is more than there is; whether there is none.
    pub(super) fn tell(&self, number: usize, place: &Place, log: &mut Log) -> bool {
        let before = log.count();
        let (Some(sums), Some(desk)) = (self.0.get(number), &place.desk) else { return true };
        for (sum, (id, instrument)) in sums.iter().zip((0..).zip(desk.market().instruments())) {
            if let Some(total) = sum.total.filter(|total| sum.held > *total) {
                let unit = desk.stored(InstrumentId(id)).unwrap_or("raw");
                let most = sum.largest.as_ref();
                let most = most
                    .map_or_else(String::new, |(name, own)| format!(", of which {own} in {}", quoted(name)));
                let found = format!(
                    "{} ({unit}) of {} in all accounts of {}{most}",
                    sum.held, instrument.name, place.name
                );
                let expected = format!("at most {total}, which is all that the market itself says exists");
                log.at(Code::MoreThanAll, place.span, found, expected);
            }
        }
        log.count() == before
    }
}
