//! What a whole book looks like in one world: everybody by health, what backs the liquidatable, and each owner's least healthy
//! account.
//!
//! Everybody is judged in the venues' integers, and no float takes part. Sums are of whole numbers in the markets' own units, so that
//! parts added in any order are the whole.

use super::{Jump, readings, standings, value, worse};
use crate::ask::Misasked;
use crate::brief::{scaled, units};
use crate::check::{Total, health};
use crate::ratio::Ratio;
use crate::survey::currency;
use plimsoll_core::{Decimal, Int, Kind, ListedAccount, Standing, Test, Verdict};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Where one class of health ends and the next begins (hundredths).
const EDGES: [u64; 10] = [50, 80, 90, 100, 105, 110, 120, 150, 200, 300];

/// A book in one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tallies {
    /// Everybody who owes, by health at the venue's own prices, the least healthy first.
    pub by_health: Vec<Class>,
    /// What backs the debts of the liquidatable, by currency and asset.
    pub at_risk: Vec<Backing>,
    /// Positions of the liquidatable that the venue cannot value: they are in no sum.
    pub unvalued: u64,
    /// Everybody who owes something, with the account that is least healthy; the worst first.
    pub owners: Vec<Lowest>,
    /// Accounts of which it cannot be told on which side of the line they are, or that have no health. They are in no class; their
    /// totals are at the prices that the venues would use.
    pub unknown: Class,
    /// Accounts that owe nothing.
    pub no_debt: u64,
}

/// Accounts whose health is from one number to below another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// From this health; `None` of the lowest class and of the unknown.
    pub from: Option<Decimal>,
    /// To below this one; `None` of the highest and of the unknown.
    pub below: Option<Decimal>,
    /// How many accounts.
    pub accounts: u64,
    /// What they have and owe at the venues' prices, by currency, in the finest unit of its markets; `accounts` of a total
    /// are those that the venue can value.
    pub totals: Vec<Total>,
}

/// Collateral of the liquidatable in one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backing {
    /// The currency.
    pub currency: String,
    /// Digits after the point.
    pub decimals: u8,
    /// The asset, as its markets call it.
    pub asset: String,
    /// Positions.
    pub positions: u64,
    /// Their value at the venues' prices.
    pub value: Int,
}

/// An owner and the least healthy of their accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowest {
    /// The owner.
    pub owner: String,
    /// The account's place in the book; `None` where of none that owes a health can be told.
    pub account: Option<usize>,
    /// Its health.
    pub health: Option<Ratio>,
    /// The owner's accounts of which it cannot be told on which side of the line they are, or that have no health.
    pub unknown: u64,
}

impl Jump {
    /// Judges everybody in the book as the scenario leaves it.
    ///
    /// # Errors
    /// When a market cannot stand there, or a sum is beyond 256 bits.
    pub fn tallies(&self) -> Result<Tallies, Misasked> {
        let book = &self.shocked.book;
        let readings = readings(book);
        let standings = standings(book, &readings)?;
        let too_great = || Misasked::NoPrice {
            price: self.scenario.name.clone(),
            found: "a sum of the book beyond 256 bits".into(),
            expected: "less".into(),
        };
        let mut gathered = Gathered::default();
        // Every sum of a currency is in the finest unit of its markets.
        for (listed, standing) in book.markets.iter().zip(&standings) {
            let finest = gathered.units.entry(currency(&*listed.market)).or_default();
            *finest = units(standing).fold(*finest, u8::max);
        }
        for (place, listed) in book.accounts.iter().enumerate() {
            let standing = &standings[listed.market];
            let currency = currency(&*book.markets[listed.market].market);
            gathered.add(place, listed, standing, currency).ok_or_else(too_great)?;
        }
        Ok(gathered.finish())
    }
}

#[derive(Default)]
struct Gathered<'b> {
    /// Digits after the point, of each currency.
    units: BTreeMap<String, u8>,
    /// The last is of the unknown.
    classes: [(u64, BTreeMap<String, Total>); EDGES.len() + 2],
    at_risk: BTreeMap<(String, String), Backing>,
    unvalued: u64,
    owners: BTreeMap<&'b str, Lowest>,
    no_debt: u64,
}

impl<'b> Gathered<'b> {
    /// One account more; `None` beyond 256 bits.
    fn add(
        &mut self,
        place: usize,
        listed: &'b ListedAccount,
        standing: &Standing<'_>,
        currency: String,
    ) -> Option<()> {
        let judgement = standing.judge(&listed.account, Test::Liquidation);
        if judgement.verdict() == Some(Verdict::NoDebt) {
            self.no_debt += 1;
            return Some(());
        }
        let lowest = self.owners.entry(&listed.owner).or_insert_with(|| Lowest {
            owner: listed.owner.clone(),
            account: None,
            health: None,
            unknown: 0,
        });
        let known = judgement.verdict().zip(health(&judgement));
        let liquidatable = judgement.verdict() == Some(Verdict::Unhealthy);
        let class = match &known {
            Some((_, health)) => {
                EDGES.iter().filter(|edge| health.compare(**edge, 100) != Ordering::Less).count()
            }
            // Its backing is below zero: no health is lower.
            None if liquidatable => 0,
            None => EDGES.len() + 1,
        };
        let sunk = lowest.account.is_some() && lowest.health.is_none();
        match known {
            Some((_, health)) if !sunk && lowest.health.as_ref().is_none_or(|least| health < *least) => {
                (lowest.account, lowest.health) = (Some(place), Some(health));
            }
            Some(_) => {}
            None if liquidatable && !sunk => (lowest.account, lowest.health) = (Some(place), None),
            None if liquidatable => {}
            None => lowest.unknown += 1,
        }
        let (accounts, totals) = &mut self.classes[class];
        *accounts += 1;
        let decimals = self.units.get(&currency).copied().unwrap_or_default();
        if let Some(([collateral, debt], from)) = value(standing, listed) {
            let [collateral, debt] = [scaled(collateral, from, decimals)?, scaled(debt, from, decimals)?];
            let none = Int::ZERO;
            let uncovered = debt.sub(collateral)?.max(none);
            let [at_risk, owed] = [collateral, debt].map(|it| if liquidatable { it } else { none });
            let one = Total {
                currency: currency.clone(),
                decimals,
                accounts: 1,
                collateral,
                debt,
                collateral_liquidatable: at_risk,
                debt_liquidatable: owed,
                uncovered,
            };
            let sum = match totals.get(&currency) {
                Some(known) => known.sum(&one, [Int::ONE; 2])?,
                None => one,
            };
            totals.insert(currency.clone(), sum);
        }
        if liquidatable {
            self.backing(listed, standing, &currency)?;
        }
        Some(())
    }

    /// What backs the debts of one who is liquidatable.
    fn backing(&mut self, listed: &ListedAccount, standing: &Standing<'_>, currency: &str) -> Option<()> {
        let (market, quoted) = (standing.market(), standing.quoted());
        let decimals = self.units.get(currency).copied().unwrap_or_default();
        let unit = value(standing, listed).map(|(_, unit)| unit);
        for holding in listed.account.holdings() {
            let spec = market.instruments().get(holding.instrument.index())?;
            let held =
                (spec.kind != Kind::Debt) && !holding.quantity.is_zero() && !holding.quantity.is_negative();
            let counts = market.counting(&listed.account, holding.instrument);
            if !held || counts.is_ok_and(|counts| counts.weight.is_none()) {
                continue;
            }
            let balance = quoted.balance(&listed.account, holding.instrument).ok();
            let (Some(value), Some(unit)) = (balance.and_then(|balance| balance.value), unit) else {
                self.unvalued += 1;
                continue;
            };
            let key = (currency.to_string(), spec.asset.clone());
            let sum = self.at_risk.entry(key).or_insert_with(|| Backing {
                currency: currency.to_string(),
                decimals,
                asset: spec.asset.clone(),
                positions: 0,
                value: Int::ZERO,
            });
            sum.positions += 1;
            sum.value = sum.value.add(scaled(value.into(), unit, decimals)?)?;
        }
        Some(())
    }

    fn finish(self) -> Tallies {
        let edge = |at: usize| {
            let edge = EDGES.get(at)?;
            Some(Decimal { mantissa: Int::from(*edge), decimals: 2 }.trimmed())
        };
        let mut by_health: Vec<Class> = Vec::with_capacity(EDGES.len() + 2);
        for (at, (accounts, totals)) in self.classes.into_iter().enumerate() {
            let totals = totals.into_values().collect();
            let known = at <= EDGES.len();
            let from = at.checked_sub(1).filter(|_| known).and_then(edge);
            by_health.push(Class { from, below: edge(at), accounts, totals });
        }
        let unknown =
            by_health.pop().unwrap_or(Class { from: None, below: None, accounts: 0, totals: Vec::new() });
        let mut owners: Vec<Lowest> = self.owners.into_values().collect();
        // Who has only accounts of which nothing is known comes last.
        owners.sort_by(|x, y| {
            let unknown = |lowest: &Lowest| lowest.account.is_none();
            unknown(x).cmp(&unknown(y)).then_with(|| worse(x.health.as_ref(), y.health.as_ref()))
        });
        Tallies {
            by_health,
            at_risk: self.at_risk.into_values().collect(),
            unvalued: self.unvalued,
            owners,
            unknown,
            no_debt: self.no_debt,
        }
    }
}
