//! The history of a book's assets: which series is whose, and hourly returns of it.

use crate::shock::known_as;
use plimsoll_core::Book;
use plimsoll_risk::bars::Bars;
use plimsoll_risk::history::{History, Series};
use std::collections::{BTreeMap, BTreeSet};

/// An hour \[s\].
pub(super) const HOUR: i64 = 3600;

/// Finds series by the names that a book has for its assets.
pub(super) struct Prices<'a> {
    history: &'a History,
    known_as: BTreeMap<String, BTreeSet<String>>,
    like: BTreeMap<String, String>,
    until: i64,
}

impl<'a> Prices<'a> {
    pub(super) fn new(
        book: &Book,
        history: &'a History,
        like: &[(String, String)],
        until: i64,
    ) -> Prices<'a> {
        Prices { history, known_as: known_as(book), like: like.iter().cloned().collect(), until }
    }

    /// The names of an asset: what whoever asks says goes first, then its own, then the book's others.
    pub(super) fn names(&self, asset: &str) -> Vec<String> {
        let said = self.like.get(asset).cloned();
        let others = self.known_as.get(asset).into_iter().flatten().cloned();
        said.into_iter().chain([asset.to_string()]).chain(others).collect()
    }

    /// Whether an asset is what prices are counted in.
    pub(super) fn is_unit(&self, asset: &str) -> bool {
        asset.eq_ignore_ascii_case(self.history.quote())
    }

    /// The series of an asset in the history's own quote.
    pub(super) fn series(&self, asset: &str) -> Option<&'a Series> {
        self.names(asset).iter().find_map(|name| self.history.series(name))
    }

    /// All series that count an asset in another one.
    pub(super) fn bases(&self, asset: &str) -> Vec<&'a Series> {
        let names = self.names(asset);
        let of = |series: &&Series| names.iter().any(|name| name.eq_ignore_ascii_case(&series.base));
        self.history.all().iter().filter(|series| series.quote != self.history.quote()).filter(of).collect()
    }

    /// Hourly bars of a series up to the time that is looked at; `None` where its bars are longer, or an hour is no whole number of them.
    pub(super) fn hours(&self, series: &Series) -> Option<Bars> {
        series.bars.until(self.until).joined(HOUR).ok()
    }
}
