//! A book judged account by account, with nothing kept but the sums: the same verdicts, tiers and totals as
//! [`check`](crate::check), which is this with every row kept.

use crate::check::{Ladder, MarketInfo, Row, Seen, Severity, Tier, Total, coming, market_info, row};
use crate::identity::{Hashing, Identity};
use plimsoll_core::{
    Assessment, Book, Int, Lens, ListedAccount, Market, Quote, Reading, Refusal, Standing, Test, Time, U256,
    Verdict,
};
use std::collections::BTreeMap;

/// A market that cannot stand at the time asked about: its name, and why.
pub type Unsound = (String, Refusal);

/// A book's markets standing still, and the sums over the accounts that were judged.
pub struct Survey<'b> {
    book: &'b Book,
    at: Time,
    ladder: Ladder,
    quotes: Vec<Quote>,
    readings: Vec<Vec<Reading>>,
    /// As the liquidating call would find each market, and as its getter answers.
    standings: Vec<(Standing<'b>, Standing<'b>)>,
    currencies: Vec<String>,
    hashing: Hashing,
    tiers: BTreeMap<Tier, u64>,
    totals: BTreeMap<(String, u8), Total>,
    accounts: u64,
    coming: u64,
    unhealthy: bool,
}

/// What a survey came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// What it was computed from; the hash is that of the same book read whole.
    pub identity: Identity,
    /// The markets.
    pub markets: Vec<MarketInfo>,
    /// Sums, by currency.
    pub totals: Vec<Total>,
    /// How many accounts are in each tier.
    pub tiers: BTreeMap<Tier, u64>,
    /// How many accounts there are.
    pub accounts: u64,
    /// How many are above their line, and will be below it by a price that is on its way to their venue.
    pub coming: u64,
    /// The worst of it.
    pub severity: Severity,
}

impl<'b> Survey<'b> {
    /// Makes the book's markets stand at a time. Its own accounts are not looked at: whoever reads them hands them to
    /// [`Survey::judge`] or [`Survey::row`], in the order of the book.
    ///
    /// # Errors
    /// When a market cannot stand at that time: it is before the market's own state, or an index overflows. Names the
    /// market.
    pub fn new(book: &'b Book, at: Time, ladder: &Ladder) -> Result<Survey<'b>, Unsound> {
        let quotes = book.graph.quotes(at);
        let readings: Vec<Vec<Reading>> =
            book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
        let mut standings = Vec::with_capacity(book.markets.len());
        for (listed, readings) in book.markets.iter().zip(&readings) {
            let stand = |lens| {
                Standing::new(&*listed.market, readings, lens, at)
                    .map_err(|refusal| (listed.name.clone(), refusal))
            };
            standings.push((stand(Lens::Action)?, stand(Lens::View)?));
        }
        let currencies = book.markets.iter().map(|listed| currency(&*listed.market)).collect();
        let hashing = Hashing::new(book, &readings);
        let (tiers, totals) = (BTreeMap::new(), BTreeMap::new());
        let (accounts, coming, unhealthy, ladder) = (0, 0, false, *ladder);
        Ok(Survey {
            book,
            at,
            ladder,
            quotes,
            readings,
            standings,
            currencies,
            hashing,
            tiers,
            totals,
            accounts,
            coming,
            unhealthy,
        })
    }

    /// Judges the next account for the sums alone; what is seen of it on the way.
    pub fn judge(&mut self, listed: &ListedAccount) -> Seen {
        let (action, _) = &self.standings[listed.market];
        let liquidation = action.judge(&listed.account, Test::Liquidation);
        let health = crate::check::health(&liquidation);
        let tier = self.ladder.tier(&liquidation, health.as_ref());
        let borrowing = action.quoted().verdict(&listed.account, Test::Borrow);
        self.coming += u64::from(coming(action, &listed.account, &liquidation).is_some());
        let seen = Seen {
            account: self.accounts as usize,
            tier,
            health,
            verdict: liquidation.verdict(),
            own: liquidation.own.ok().map(|own| own.verdict),
            debt: borrowing.map_or(Int::ZERO, |own| own.debt),
        };
        self.add(listed, tier, liquidation.own.as_ref().ok(), borrowing.as_ref().ok());
        seen
    }

    /// Judges the next account and tells all about it.
    pub fn row(&mut self, listed: &ListedAccount) -> Row {
        let row = self.row_of(self.accounts as usize, listed);
        self.coming += u64::from(row.coming.is_some());
        self.add(listed, row.tier, row.liquidation.own.as_ref().ok(), row.borrowing.own.as_ref().ok());
        row
    }

    /// All about an account that was judged before, at its place in the book; it is not counted again.
    #[must_use]
    pub fn row_of(&self, place: usize, listed: &ListedAccount) -> Row {
        let (action, view) = &self.standings[listed.market];
        row(place, &listed.account, &self.readings[listed.market], action, view, &self.ladder)
    }

    fn add(
        &mut self,
        listed: &ListedAccount,
        tier: Tier,
        liquidation: Option<&Assessment>,
        borrowing: Option<&Assessment>,
    ) {
        self.accounts += 1;
        self.hashing.account(listed);
        *self.tiers.entry(tier).or_insert(0) += 1;
        // An account that we doubt may be unhealthy by the venue's own test all the same.
        self.unhealthy |= liquidation.is_some_and(|own| own.verdict == Verdict::Unhealthy);
        let Some(assessed) = borrowing else { return };
        let (currency, decimals) = (&self.currencies[listed.market], assessed.unit.decimals);
        let known = self.totals.iter_mut().find(|((c, d), _)| c == currency && *d == decimals);
        let total = match known {
            Some((_, total)) => total,
            None => {
                let fresh = Total { currency: currency.clone(), decimals, ..Total::default() };
                self.totals.entry((currency.clone(), decimals)).or_insert(fresh)
            }
        };
        let add = |sum: &mut Int, value: Int| *sum = sum.add(value).unwrap_or(*sum);
        total.accounts += 1;
        add(&mut total.collateral, assessed.collateral);
        add(&mut total.debt, assessed.debt);
        let lost = assessed.debt.sub(assessed.collateral).unwrap_or(Int::ZERO).max(Int::ZERO);
        add(&mut total.uncovered, lost);
        if tier == Tier::Liquidatable {
            add(&mut total.collateral_liquidatable, assessed.collateral);
            add(&mut total.debt_liquidatable, assessed.debt);
        }
    }

    /// What it came to, all accounts being judged.
    #[must_use]
    pub fn finish(self) -> Surveyed {
        let Survey { book, at, quotes, readings, .. } = self;
        let markets =
            (0..book.markets.len()).map(|m| market_info(book, m, &quotes, &readings[m], at)).collect();
        let some = |tier: Tier| self.tiers.get(&tier).is_some_and(|count| *count > 0);
        let severity = match () {
            () if some(Tier::Liquidatable) || self.unhealthy || self.coming > 0 => Severity::Unhealthy,
            () if some(Tier::Unknown) => Severity::Unknown,
            () => Severity::Calm,
        };
        let totals =
            one_a_currency(self.totals.into_values(), |total| (&total.currency, total.decimals), Total::sum);
        let identity = self.hashing.finish(book, at);
        let (tiers, accounts, coming) = (self.tiers, self.accounts, self.coming);
        Surveyed { identity, markets, totals, tiers, accounts, coming, severity }
    }
}

/// Sums of one currency as one sum in the finest of their units; as they are where 256 bits do not hold it.
pub(crate) fn one_a_currency<Sum: Clone>(
    sums: impl Iterator<Item = Sum>,
    unit: fn(&Sum) -> (&String, u8),
    sum: fn(&Sum, &Sum, [Int; 2]) -> Option<Sum>,
) -> Vec<Sum> {
    let mut merged: Vec<Sum> = Vec::new();
    // In the order of their currencies, and of one currency the finest last.
    for next in sums {
        let joined = merged.last().filter(|last| unit(last).0 == unit(&next).0).and_then(|last| {
            let gap = unit(&next).1.checked_sub(unit(last).1)?;
            sum(&next, last, [Int::ONE, Int::from(U256::pow10(gap)?)])
        });
        match joined {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(next),
        }
    }
    merged
}

/// The currency that a market counts values in.
pub(crate) fn currency(market: &dyn Market) -> String {
    market.slots().first().map_or_else(String::new, |slot| slot.currency.clone())
}
