//! Files of schema `risk/NAME`: published or recomputed figures of risk methods, against ours.
//!
//! They are checked here and not with the venues' files because the methods stand above `io` and their figures are floats: each leaf is near
//! enough or not, by the tolerance of its method. The accounting is the same: every leaf is an input, a check or a skip.

#![allow(clippy::float_arithmetic)] // differences to what is written, never a verdict on an account

mod cascades;
mod events;
mod joint;
mod options;
mod passage;
mod pools;
mod rules;
mod series;
mod tables;
mod variance;

pub(super) use tables::Folders;

use plimsoll_io::vectors::{Answer, Decode, Fault, Input, Record};
use plimsoll_risk::Unfit;
use std::fmt::Display;

type Method = fn(&Input<'_>, &Folders) -> Result<Vec<Record>, Fault>;

/// How files of a schema are checked, with data from these folders.
pub(super) fn decoder<'a>(schema: &str, folders: &'a Folders) -> Option<Decode<'a>> {
    let method: Method = match schema {
        "risk/ewma" => series::ewma,
        "risk/var-es-backtest" => series::backtests,
        "risk/apc-margin" => series::margins,
        "risk/evt-gpd-btc-daily" => series::tails,
        "risk/garch" => variance::garch,
        "risk/ledoit-wolf" => joint::shrinkage,
        "risk/dependence" => joint::dependence,
        "risk/t-copula" => joint::copula,
        "risk/hawkes-aave-liquidations-2025" => events::hawkes,
        "risk/first-passage-gbm" => passage::one_asset,
        "risk/first-passage-two-asset" => passage::two_assets,
        "risk/first-passage-kou" => passage::jumps,
        "risk/quantlib-published-barrier-digital" => options::published,
        "risk/smart-ltv" => rules::smart_ltv,
        "risk/sobol" => rules::points,
        "risk/curve-steth-pool-prices" => pools::stable_swap,
        "risk/llamma-crvusdsim" => pools::llamma,
        "risk/almgren-chriss" => pools::almgren_chriss,
        "risk/riskdao-sim-eth" => cascades::riskdao,
        _ => return None,
    };
    Some(Box::new(move |file| method(&file, folders)))
}

/// How near is near enough: the larger of a share of what is written and an amount.
#[derive(Clone, Copy)]
struct Within {
    share: f64,
    amount: f64,
}

const EXACT: Within = Within { share: 0.0, amount: 0.0 };

fn share(share: f64) -> Within {
    Within { share, amount: 0.0 }
}

fn amount(amount: f64) -> Within {
    Within { share: 0.0, amount }
}

fn either(tolerance: f64) -> Within {
    Within { share: tolerance, amount: tolerance }
}

impl Within {
    fn holds(self, written: f64, found: f64) -> bool {
        (found - written).abs() <= (self.share * written.abs()).max(self.amount)
    }
}

/// One record while it is answered.
struct Case<'j> {
    at: Input<'j>,
    answer: Answer,
}

impl<'j> Case<'j> {
    /// Reads and answers one part of a file.
    fn record(at: Input<'j>, answer: impl FnOnce(&mut Case<'j>) -> Result<(), Fault>) -> Record {
        Record::plain(at, |at| {
            let mut case = Case { at, answer: Answer::default() };
            answer(&mut case)?;
            Ok(case.answer)
        })
    }

    /// An input of this name.
    fn number(&self, name: &str) -> Result<f64, Fault> {
        number(&self.at.get(name)?)
    }

    /// The place of a leaf inside the record.
    fn place(&self, leaf: &Input<'j>) -> String {
        let path = leaf.path().strip_prefix(self.at.path()).unwrap_or_default();
        path.strip_prefix('.').unwrap_or(path).to_string()
    }

    /// Compares a leaf with what a method found.
    fn near(&mut self, leaf: &Input<'j>, found: Result<f64, Unfit>, within: Within) {
        let place = self.place(leaf);
        match (found, written(leaf)) {
            (Ok(found), Some(written)) => self.answer.judged(place, found, within.holds(written, found)),
            (Ok(found), None) => self.answer.judged(place, found, false),
            (Err(unfit), _) => self.answer.judged(place, unfit, false),
        }
    }

    /// Compares a member, if the record has it.
    fn near_if_there(&mut self, name: &str, found: Result<f64, Unfit>, within: Within) {
        if let Some(leaf) = self.at.maybe(name) {
            self.near(&leaf, found, within);
        }
    }

    /// Compares a member, which must be there.
    fn near_at(&mut self, name: &str, found: Result<f64, Unfit>, within: Within) -> Result<(), Fault> {
        let leaf = self.at.get(name)?;
        self.near(&leaf, found, within);
        Ok(())
    }

    /// Compares a list with as many values, one by one.
    fn near_list(&mut self, list: &Input<'j>, found: &[f64], within: Within) -> Result<(), Fault> {
        let items = list.items()?;
        if items.len() != found.len() {
            return Err(list.fault("as many values as the method has"));
        }
        for (leaf, found) in items.iter().zip(found) {
            self.near(leaf, Ok(*found), within);
        }
        Ok(())
    }

    /// Compares a leaf that is exact.
    fn equal_at(&mut self, name: &str, found: impl Display) -> Result<(), Fault> {
        let leaf = self.at.get(name)?;
        let place = self.place(&leaf);
        self.answer.value(place, found);
        Ok(())
    }
}

/// A number as it is written, also as a text of digits; the leaf is not read by this.
fn written(leaf: &Input<'_>) -> Option<f64> {
    let value = leaf.peek();
    value.as_f64().or_else(|| parsed(value.as_str()?)).filter(|number| number.is_finite())
}

/// Digits, or a quotient or product that is written out: `100/3`, `15.0000*std::exp(-0.05)`.
fn parsed(text: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some((above, below)) = text.split_once('/') {
        return Some(number(above)? / number(below)?);
    }
    if let Some((factor, power)) = text.split_once("*std::exp(") {
        return Some(number(factor)? * number(power.strip_suffix(')')?)?.exp());
    }
    number(text)
}

/// A number that is read as an input.
fn number(leaf: &Input<'_>) -> Result<f64, Fault> {
    leaf.read_all();
    written(leaf).ok_or_else(|| leaf.fault("a number"))
}

/// Words that say where figures come from and how they are defined.
fn describe(file: &Input<'_>) {
    file.labels(&[
        "schema",
        "package",
        "note",
        "input",
        "data",
        "source",
        "commit",
        "columns",
        "formula",
        "def",
        "definition",
        "kernel",
        "seed",
        "quantile_rule",
        "directions",
    ]);
}

/// A record whose data are not there: everything in it is skipped, and told why.
fn skipped(at: Input<'_>, fault: Fault) -> Record {
    Record::plain(at, |_| Err(fault))
}
