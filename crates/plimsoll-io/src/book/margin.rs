//! What the files of margin venues have in common: decimals in quotation marks, names, and the rows of an account's assets and contracts.

use crate::book::venue::{Desk, Leg, Posting, Side};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use crate::tree::{Fields, Node, Value, text};
use plimsoll_core::{Account, Decimal, InstrumentId, Market, U256};
use plimsoll_margin::market::{MOST_DECIMALS, ONE, held, owed};
use std::collections::HashSet;

/// Between words of a mode, and so in no name of a contract.
pub(super) const BETWEEN: char = ';';

/// Decimals of prices where the file does not say them.
pub(super) const PRICE_DECIMALS: u8 = 8;

/// Digits of weights and rates.
pub(super) const DIGITS: u8 = 6;

/// A decimal number as raw units; `None` with too many digits.
pub(super) fn raw(word: &str, decimals: u8) -> Option<U256> {
    let mut log = Log::default();
    let nowhere = Span { source: 0, start: 0, end: 0 };
    scalar::amount(word, nowhere, &mut log)?.scaled_amount(decimals).ok()
}

/// A decimal number in a text or bare, of so many digits after the point.
pub(super) fn number(node: &Node, decimals: u8, log: &mut Log) -> Option<U256> {
    let word = match &node.value {
        Value::Text(word) | Value::Number(word) => word,
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a number in quotation marks");
            return None;
        }
    };
    let amount: Decimal = scalar::amount(word, node.span, log)?;
    let raw = amount.scaled_amount(decimals).ok();
    if raw.is_none() {
        let expected = format!("at most {decimals} digits after the point");
        log.at(Code::TooFine, node.span, quoted(word), expected);
    }
    raw
}

/// A weight or a rate (millionths).
pub(super) fn rate(node: &Node, most: u32, log: &mut Log) -> Option<u32> {
    let number = number(node, DIGITS, log)?;
    let fits = number.to_u64().and_then(|number| u32::try_from(number).ok()).filter(|rate| *rate <= most);
    if fits.is_none() {
        let found = Decimal { mantissa: number.into(), decimals: DIGITS }.trimmed().to_string();
        log.at(Code::OutOfRange, node.span, found, format!("at most {}", most / ONE));
    }
    fits
}

/// A rate that may be left out.
pub(super) fn rate_or(
    fields: &mut Fields<'_>,
    name: &'static str,
    most: u32,
    unsaid: u32,
    log: &mut Log,
) -> Option<u32> {
    fields.take(name).map_or(Some(unsaid), |node| rate(node, most, log))
}

pub(super) fn name(node: &Node, log: &mut Log) -> Option<String> {
    let name = scalar::name(text(node, log)?, node.span, log)?;
    if name.contains([BETWEEN, '=', '/']) {
        let expected = "a name without `;`, `=` and `/`, which stand between names";
        log.at(Code::BadName, node.span, quoted(name), expected);
        return None;
    }
    Some(name.to_string())
}

/// A name that no other asset or perp has.
pub(super) fn new_name(node: &Node, names: &mut HashSet<String>, log: &mut Log) -> Option<String> {
    let name = name(node, log)?;
    if !names.insert(name.clone()) {
        log.at(Code::DuplicateName, node.span, quoted(&name), "a name that no other asset or perp has");
        return None;
    }
    Some(name)
}

pub(super) fn decimals(node: &Node, log: &mut Log) -> Option<u8> {
    scalar::between(node, 0, MOST_DECIMALS.into(), log).map(|decimals| decimals as u8)
}

/// A market whose accounts hold and owe assets and have contracts.
pub(super) trait Ledger: Market + Sized + 'static {
    /// What a market lists beside assets, and what an asset stands for in its place.
    const WORDS: [&'static str; 2];
    /// What the venue's integers for one holding have at most.
    const BITS: usize;
    fn asset_names(&self) -> impl Iterator<Item = &str> + Clone;
    fn contract_names(&self) -> impl Iterator<Item = &str> + Clone;
    fn base_of(&self, contract: usize) -> InstrumentId;
    fn quote_of(&self, contract: usize) -> InstrumentId;
    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log);
}

/// Such a market while positions are read into it.
pub(super) struct LedgerDesk<M> {
    pub(super) market: M,
}

/// The place of a name in a list, or a fault.
fn place<'n>(
    cell: &Cell<'_>,
    mut known: impl Iterator<Item = &'n str> + Clone,
    others: impl Iterator<Item = &'n str> + Clone,
    [expected, instead]: [&str; 2],
    log: &mut Log,
) -> Option<usize> {
    let all = known.clone();
    let found = known.position(|name| name == cell.text);
    if found.is_none() && others.clone().any(|name| name == cell.text) {
        log.at(Code::NotHeldHere, cell.span, quoted(&cell.text), instead);
    } else if found.is_none() {
        let fault = log.at(Code::UnknownAsset, cell.span, quoted(&cell.text), expected);
        if let Some(near) = nearest(&cell.text, all.chain(others)) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

impl<M: Ledger> Desk for LedgerDesk<M> {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    /// What is supplied backs: both kinds are one.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let words = ["an asset that the market lists", "a position in it as kind long or short"];
        let (assets, contracts) = (self.market.asset_names(), self.market.contract_names());
        let asset = place(posting.asset, assets, contracts, words, log)?;
        Some(if posting.side == Side::Debt { owed(asset) } else { held(asset) })
    }

    fn leg(&self, leg: Leg, _: &Cell<'_>, asset: &Cell<'_>, log: &mut Log) -> Option<InstrumentId> {
        let (assets, contracts) = (self.market.asset_names(), self.market.contract_names());
        let contract = place(asset, contracts, assets, M::WORDS, log)?;
        Some(match leg {
            Leg::Long | Leg::Short => self.market.base_of(contract),
            Leg::Paid | Leg::Received => self.market.quote_of(contract),
        })
    }

    fn stored(&self, _: InstrumentId) -> Option<&'static str> {
        None
    }

    fn bits(&self, _: InstrumentId) -> usize {
        M::BITS
    }

    fn convert(&self, _: InstrumentId, raw: U256) -> Option<U256> {
        Some(raw)
    }

    fn mark(&self, _: &mut Account, posting: &Posting<'_>, _: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            log.at(Code::Contradiction, span, "a choice", "nothing: all that is held backs the account");
        }
    }

    /// The market keeps no totals.
    fn cover(&mut self, _: &[(InstrumentId, U256)]) -> Option<()> {
        Some(())
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        self.market.mode(account, mode, log);
    }
}
