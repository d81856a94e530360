//! What the column `mode` says of an account: words with `;` between.
//!
//! `risk_premium=BPS` is the premium that its premium shares are made by, `version RESERVE=NUMBER` the version of a
//! reserve's configuration that is in force for it, `premium RESERVE=SHARES/OFFSET` its premium shares there (drawn shares)
//! and their offset (raw x ray).

use super::read::MOST_RISK;
use crate::fault::{Code, Log, nearest, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, Int};
use plimsoll_venues::aave_v4::{Market, RISK_PREMIUM, configuration_key, premium_offset, premium_shares};

/// Between words, and so in no name of a reserve.
pub(super) const BETWEEN: char = ';';

pub(super) const RISK: &str = "risk_premium=";
pub(super) const VERSION: &str = "version ";
pub(super) const PREMIUM: &str = "premium ";

/// What the words say of one reserve.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    /// The version in force.
    pub(super) version: Option<u32>,
    /// Whether its premium is said.
    pub(super) premium: bool,
}

/// What a mode says of a reserve; what cannot be read is told by [`read`].
pub(super) fn of(mode: &str, name: &str) -> Said {
    let mut said = Said::default();
    for word in mode.split(BETWEEN).map(str::trim) {
        if let Some(number) = value(word, VERSION, name) {
            said.version = number.parse().ok();
        }
        said.premium |= value(word, PREMIUM, name).is_some();
    }
    said
}

fn value<'w>(word: &'w str, kind: &str, name: &str) -> Option<&'w str> {
    word.strip_prefix(kind)?.strip_prefix(name)?.strip_prefix('=')
}

pub(super) fn read(market: &Market, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
    let mut seen: Vec<&str> = Vec::new();
    for word in mode.text.split(BETWEEN).map(str::trim) {
        let left = word.rsplit_once('=').map_or(word, |(left, _)| left);
        if seen.contains(&left) {
            log.at(Code::UnknownMode, mode.span, quoted(word), "each of its words once");
        }
        seen.push(left);
        one(market, account, word, mode, log);
    }
}

fn one(market: &Market, account: &mut Account, word: &str, mode: &Cell<'_>, log: &mut Log) {
    let mut wrong = |expected: String| {
        log.at(Code::UnknownMode, mode.span, quoted(word), expected);
    };
    if let Some(number) = word.strip_prefix(RISK) {
        match number.parse::<u32>().ok().filter(|bps| u64::from(*bps) <= MOST_RISK) {
            Some(bps) => account.set_term(RISK_PREMIUM, Int::from(u64::from(bps))),
            None => wrong(format!("basis points up to {MOST_RISK}, as of a collateral")),
        }
        return;
    }
    let (kind, rest) = if let Some(rest) = word.strip_prefix(VERSION) {
        (VERSION, rest)
    } else if let Some(rest) = word.strip_prefix(PREMIUM) {
        (PREMIUM, rest)
    } else {
        return wrong("risk_premium=BPS, version RESERVE=NUMBER or premium RESERVE=SHARES/OFFSET".into());
    };
    let Some((name, value)) = rest.rsplit_once('=') else { return wrong("`=` and a number".into()) };
    let names = || market.reserves().iter().map(|reserve| reserve.name.as_str());
    let Some(place) = names().position(|listed| listed == name) else {
        let near = nearest(name, names()).map_or_else(String::new, |near| format!(", such as {near}"));
        return wrong(format!("a reserve that the market lists{near}"));
    };
    if kind == VERSION {
        let reserve = &market.reserves()[place];
        let key = value.parse::<u32>().ok();
        let key = key.filter(|key| reserve.configurations.iter().any(|(listed, _)| listed == key));
        match key {
            Some(key) => account.set_term(configuration_key(place), Int::from(u64::from(key))),
            None => wrong("a version that the reserve has".into()),
        }
        return;
    }
    let numbers = value.split_once('/').and_then(|(shares, offset)| {
        let shares: Int = shares.parse().ok().filter(|shares: &Int| !shares.is_negative())?;
        let offset: Int = offset.parse().ok()?;
        let fits = shares.magnitude().bit_len() <= super::SHARE_BITS && offset.magnitude().bit_len() < 200;
        fits.then_some((shares, offset))
    });
    match numbers {
        Some((shares, offset)) => {
            account.set_term(premium_shares(place), shares);
            account.set_term(premium_offset(place), offset);
        }
        None => wrong("SHARES/OFFSET, of 120 bits and of 199 with a sign".into()),
    }
}
