//! What stands against one collateral of a market: who owes how much of what he may, and the market's own numbers for it.

use crate::ask::{self, Number, numbers};
use crate::stress::value;
use plimsoll_core::{Book, Decimal, Int, Kind, Standing, Test, U256};
use std::collections::BTreeMap;

/// People's use of what they may borrow is told in steps of this.
const STEP: f64 = 0.05;

/// What stands against a collateral.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stand {
    /// Accounts that hold it as collateral and owe.
    pub accounts: u64,
    /// Its value, in whole units of the market's currency.
    pub collateral: f64,
    /// Their debt, of several collaterals the part that this one's value is.
    pub debt: f64,
    /// The largest single debt of these.
    pub largest: f64,
    /// How much of what they may borrow people do, each step with the part of the debt that is theirs; 1 is all.
    pub usage: Vec<(f64, f64)>,
    /// What is owed against it, the largest part first.
    pub owed: Vec<String>,
    /// Accounts of which the venue has no answer: in no sum.
    pub unknown: u64,
}

/// An integer of a unit as a float.
pub(super) fn real(value: Int, decimals: u8) -> f64 {
    Decimal { mantissa: value, decimals }.to_string().parse().unwrap_or(f64::NAN)
}

/// What is gathered of a collateral: the debt at each step of use, and of each asset that is owed.
#[derive(Default)]
struct Draft {
    stand: Stand,
    steps: BTreeMap<u64, f64>,
    owed: BTreeMap<String, f64>,
}

impl Draft {
    fn done(self) -> Stand {
        let all: f64 = self.steps.values().sum();
        let part = |(step, debt): (&u64, &f64)| ((*step as f64 * STEP).min(1.0), debt / all);
        let usage = self.steps.iter().map(part).collect();
        let mut owed: Vec<(String, f64)> = self.owed.into_iter().collect();
        owed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let owed = owed.into_iter().map(|(name, _)| name).collect();
        Stand { usage, owed, ..self.stand }
    }
}

/// What stands against each collateral of a market.
pub(super) fn stands(book: &Book, market: usize, standing: &Standing<'_>) -> BTreeMap<String, Stand> {
    let listed = &book.markets[market];
    let instruments = listed.market.instruments();
    let mut found: BTreeMap<String, Draft> = BTreeMap::new();
    for account in book.accounts.iter().filter(|account| account.market == market) {
        // Every collateral that counts, whether or not it has a value.
        let mut names: Vec<&str> = Vec::new();
        let mut held: Vec<(&str, f64)> = Vec::new();
        let mut owed: Vec<(&str, f64)> = Vec::new();
        for holding in account.account.holdings() {
            let Some(spec) = instruments.get(holding.instrument.index()) else { continue };
            let worth = || {
                let balance = standing.quoted().balance(&account.account, holding.instrument).ok()?;
                Some(real(balance.value?.into(), 0))
            };
            match spec.kind {
                Kind::Debt => owed.extend(worth().map(|worth| (spec.asset.as_str(), worth))),
                Kind::Receipt => {
                    let counts = listed.market.counting(&account.account, holding.instrument);
                    if counts.is_ok_and(|counting| counting.weight.is_some()) {
                        names.push(&spec.asset);
                        held.extend(worth().map(|worth| (spec.asset.as_str(), worth)));
                    }
                }
                _ => {}
            }
        }
        let judged =
            value(standing, account).zip(standing.quoted().verdict(&account.account, Test::Borrow).ok());
        let all: f64 = held.iter().map(|(_, worth)| worth).sum();
        let Some((([collateral, debt], decimals), seen)) =
            judged.filter(|_| all > 0.0 && held.len() == names.len())
        else {
            for name in names {
                found.entry(name.into()).or_default().stand.unknown += 1;
            }
            continue;
        };
        if debt.is_zero() {
            continue;
        }
        let [collateral, debt] = [collateral, debt].map(|sum| real(sum, decimals));
        let usage = real(seen.requirement, 0) / real(seen.backing, 0);
        let step = if usage.is_finite() {
            (usage.clamp(STEP, 1.0) / STEP).ceil() as u64
        } else {
            (1.0 / STEP) as u64
        };
        for (name, worth) in &held {
            let Draft { stand, steps, owed: debts } = found.entry((*name).into()).or_default();
            let part = worth / all;
            stand.accounts += 1;
            stand.collateral += part * collateral;
            stand.debt += part * debt;
            stand.largest = stand.largest.max(part * debt);
            *steps.entry(step).or_default() += part * debt;
            let owes: f64 = owed.iter().map(|(_, worth)| worth).sum();
            for (asset, worth) in owed.iter().filter(|_| owes > 0.0) {
                *debts.entry((*asset).into()).or_default() += part * debt * worth / owes;
            }
        }
    }
    found.into_iter().map(|(name, draft)| (name, draft.done())).collect()
}

/// A number of a market as it is: where it stands, and what part of one it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Its value.
    pub value: f64,
    /// The digits after the point of its own integers.
    pub decimals: u8,
}

impl Stated {
    /// A part of one in the number's own integers, cut to at most nine digits: no line is set above what was found. What a float is off by
    /// in its last places is rounded away first, so that no number that fits falls by a unit.
    pub(super) fn integer(&self, part: f64) -> Option<Int> {
        let mut text = format!("{:.12}", part.max(0.0));
        let digits = usize::from(self.decimals.min(9));
        text.truncate(text.find('.')? + 1 + digits);
        let whole = text.trim_end_matches('.').parse::<Decimal>().ok()?.scaled_amount(self.decimals).ok()?;
        Some(whole.into())
    }
}

/// A market's own numbers for a collateral, by the names that files have for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// The liquidation threshold.
    pub threshold: Option<Stated>,
    /// What may be borrowed at first.
    pub ltv: Option<Stated>,
    /// The bonus, as a part of what is repaid.
    pub bonus: Option<f64>,
    /// The most that may be supplied, in whole tokens or in the market's own integers.
    pub supply_cap: Option<Stated>,
}

const THRESHOLDS: [&str; 4] =
    ["liquidation_threshold", "liquidate_collateral_factor", "lltv", "collateral_factor"];
const LTVS: [&str; 2] = ["ltv", "borrow_collateral_factor"];
/// A bonus that is told on top of one.
const BONUSES: [&str; 1] = ["liquidation_bonus"];

/// What a market says of a collateral.
pub(super) fn rules(book: &Book, market: usize, asset: &str) -> Rules {
    let listed = &book.markets[market];
    let all = numbers(listed);
    let single =
        listed.market.slots().iter().map(|slot| &slot.asset).collect::<std::collections::BTreeSet<_>>().len()
            <= 2;
    let find = |names: &[&str]| -> Option<Stated> {
        names.iter().find_map(|name| {
            let path = format!("{}/{asset}/{name}", listed.name);
            let alone = format!("{}/{name}", listed.name);
            let named = all.iter().map(|named| named.path(&listed.name));
            let found = named.into_iter().find(|known| *known == path || (single && *known == alone));
            let path = found.unwrap_or(path);
            let (_, number) = ask::number(book, &path).ok()?;
            told(&path, &number)
        })
    };
    Rules {
        threshold: find(&THRESHOLDS),
        ltv: find(&LTVS),
        bonus: find(&BONUSES).map(|told| told.value - 1.0).filter(|bonus| *bonus > 0.0),
        // No cap is written as 0.
        supply_cap: find(&["supply_cap"]).filter(|told| told.value > 0.0),
    }
}

fn told(path: &str, number: &Number) -> Option<Stated> {
    let decimals = number.unit.decimals;
    let value = real(number.value(), decimals);
    U256::pow10(decimals)?;
    Some(Stated { path: path.into(), value, decimals })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No line is set above what was found, and no number that fits falls by a unit.
    #[test]
    fn a_part_is_cut_to_the_numbers_own_integers() {
        let of = |decimals, part| {
            let told = Stated { path: String::new(), value: 0.5, decimals };
            told.integer(part)
        };
        for (decimals, part, expected) in [
            (4, 0.805_59, 8_055),
            (4, 0.83, 8_300),
            (4, 0.8 + 0.03, 8_300),
            (2, 0.29, 29),
            (2, 0.299, 29),
            (4, -0.1, 0),
            (18, 0.86, 860_000_000_000_000_000),
            (18, 0.123_456_789_9, 123_456_789_000_000_000),
        ] {
            assert_eq!(of(decimals, part), Some(Int::new(expected)), "{decimals} {part}");
        }
    }
}
