//! Margin systems whose parameters ship, one file a system; and those whose rule this model is not, by name with the reason.

use crate::book::margin::DIGITS;
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use plimsoll_core::{Decimal, U256};
use plimsoll_margin::market::{Model, PerpRule, Tier};
use std::sync::LazyLock;

/// One perp of a system.
pub(super) struct Known {
    name: String,
    pub(super) decimals: u8,
    /// From which notional on, in what the perp settles in, and the maintenance rate (millionths).
    tiers: Vec<(Decimal, u32)>,
}

/// A system.
pub(super) struct Preset {
    word: &'static str,
    perps: Vec<Known>,
}

static PRESETS: LazyLock<[Preset; 1]> =
    LazyLock::new(|| [parse("hyperliquid", include_str!("presets/hyperliquid.csv"))]);

/// Systems that people ask for, and what stands between their rule and this one.
const OTHERS: &[(&str, &str)] = &[
    ("mango_v4", "its initial line also has a stable price, which follows the oracle by the hour"),
    ("drift", "its weights grow with the root of the size"),
    ("dydx_v4", "it rounds each requirement up, and its initial line grows with the open interest"),
    ("derive_pmrm_2", "it asks what the worst of its scenarios costs"),
    ("span", "it asks what the worst of its scenarios costs"),
];

/// The names of those that ship.
pub(in crate::book) fn presets() -> impl Iterator<Item = &'static str> {
    let all: &'static [Preset] = &*PRESETS;
    all.iter().map(|preset| preset.word)
}

/// Decimals of tiers in a model.
pub(super) const TIER_DECIMALS: u8 = 18;

/// What a system asks of each of its perps to keep it.
pub(in crate::book) fn preset(word: &str) -> Option<Model> {
    let preset = PRESETS.iter().find(|preset| preset.word == word)?;
    let perp = |known: &Known| {
        let (name, profit) = (known.name.clone(), [None; 2]);
        Some(PerpRule { name, tiers: [None, Some(known.maintenance(TIER_DECIMALS)?)], profit })
    };
    let perps = preset.perps.iter().map(perp).collect::<Option<Vec<_>>>()?;
    Some(Model { decimals: TIER_DECIMALS, assets: Vec::new(), perps })
}

/// Why no model of this kind is what a name stands for.
pub(in crate::book) fn other(word: &str) -> Option<&'static str> {
    OTHERS.iter().find(|(other, _)| *other == word).map(|(_, why)| *why)
}

/// A preset by its name.
pub(super) fn find(word: &str, span: Span, log: &mut Log) -> Option<&'static Preset> {
    let all: &'static [Preset] = &*PRESETS;
    if let Some(found) = all.iter().find(|preset| preset.word == word) {
        return Some(found);
    }
    let known: Vec<&str> = all.iter().map(|preset| preset.word).collect();
    let expected = format!("one of {}", known.join(", "));
    let other = OTHERS.iter().find(|(other, _)| *other == word);
    let fault = log.at(Code::UnknownWord, span, quoted(word), expected);
    if let Some((_, why)) = other {
        fault.help(format!("no market of this model is {word}: {why}"));
    } else if let Some(near) = nearest(word, known) {
        fault.help(format!("did you mean `{near}`?"));
    }
    None
}

impl Preset {
    /// A perp of the system.
    pub(super) fn perp(&self, name: &str, span: Span, log: &mut Log) -> Option<&Known> {
        let found = self.perps.iter().find(|known| known.name == name);
        if found.is_none() {
            let names: Vec<&str> = self.perps.iter().map(|known| known.name.as_str()).collect();
            let expected = format!("a perp that the preset {} has: {}", self.word, names.join(", "));
            log.at(Code::UnknownAsset, span, quoted(name), expected);
        }
        found
    }
}

impl Known {
    /// The tiers of maintenance, in raw units of what the perp settles in; `None` where those are coarser.
    pub(super) fn maintenance(&self, decimals: u8) -> Option<Vec<Tier>> {
        let tier = |(from, rate): &(Decimal, u32)| {
            Some(Tier { from: from.scaled_amount(decimals).ok()?, rate: *rate })
        };
        self.tiers.iter().map(tier).collect()
    }
}

/// Rows of `perp,decimals,from,maintenance`; lines that begin with `#` say where they are from. A row that is none is left out, which a test would
/// see.
fn parse(word: &'static str, text: &str) -> Preset {
    let mut perps: Vec<Known> = Vec::new();
    let nowhere = Span { source: 0, start: 0, end: 0 };
    for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [name, decimals, from, rate] = cells.as_slice() else { continue };
        let mut log = Log::default();
        let [from, rate] = [from, rate].map(|text| scalar::amount(text, nowhere, &mut log));
        let rate = rate.and_then(|rate| rate.scaled_amount(DIGITS).ok()).and_then(U256::to_u64);
        let rate = rate.and_then(|rate| u32::try_from(rate).ok());
        let (Some(from), Some(rate), Ok(decimals)) = (from, rate, decimals.parse()) else { continue };
        match perps.iter_mut().find(|known| known.name == *name) {
            Some(known) => known.tiers.push((from, rate)),
            None => perps.push(Known { name: (*name).to_string(), decimals, tiers: vec![(from, rate)] }),
        }
    }
    Preset { word, perps }
}
