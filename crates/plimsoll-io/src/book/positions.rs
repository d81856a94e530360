//! Holdings: `positions.csv`, or the list `positions` of a one-file book.

use crate::book::rows::Record;
use crate::book::venue::{Desk, Posting, SIDES};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::{Cell, Column};
use plimsoll_core::{Account, AccountId, InstrumentId, Int, ListedAccount, U256};
use std::collections::{HashMap, HashSet};

pub(super) const COLUMNS: &[Column] = &[
    Column { name: "account", needed: true },
    Column { name: "market", needed: true },
    Column { name: "kind", needed: true },
    Column { name: "asset", needed: true },
    Column { name: "quantity", needed: true },
    Column { name: "unit", needed: true },
    Column { name: "owner", needed: false },
    Column { name: "as_collateral", needed: false },
    Column { name: "mode", needed: false },
];

const YES_NO: &[(&str, bool)] = &[("yes", true), ("no", false)];

/// A venue's integers for one holding fit so many bits.
const HOLDING_BITS: usize = 128;

/// A market that positions may name.
pub(super) struct Place {
    pub(super) name: String,
    /// `None` for a market that is itself faulty: its accounts are left out with it.
    pub(super) desk: Option<Box<dyn Desk>>,
}

/// All accounts while their rows are read.
pub(super) struct Positions {
    places: HashMap<String, usize>,
    accounts: Vec<Draft>,
    /// By market, then by name.
    by_name: Vec<HashMap<String, usize>>,
    /// The account of the row before.
    last: Option<usize>,
    /// Names that a row may have meant; accounts of these names are left out, whatever their market.
    spoiled: HashSet<String>,
}

struct Draft {
    name: String,
    market: usize,
    account: Account,
    owner: Option<String>,
    mode: Option<String>,
    seen: Vec<InstrumentId>,
    sound: bool,
}

impl Positions {
    pub(super) fn new(places: &[Place]) -> Positions {
        Positions {
            places: places.iter().enumerate().map(|(at, place)| (place.name.clone(), at)).collect(),
            accounts: Vec::new(),
            by_name: vec![HashMap::new(); places.len()],
            last: None,
            spoiled: HashSet::new(),
        }
    }

    /// Rows are missing, and nobody knows whose.
    pub(super) fn spoil(&mut self) {
        self.accounts.iter_mut().for_each(|draft| draft.sound = false);
    }

    /// Adds one row. If anything about it is wrong, its whole account is left out: an account without one of its
    /// debts would look safe.
    pub(super) fn read(&mut self, record: &Record<'_>, sound: bool, places: &[Place], log: &mut Log) {
        let before = log.count();
        let account = record.need(0, log).and_then(|cell| scalar::name(&cell.text, cell.span, log));
        let market = record.need(1, log).and_then(|cell| self.market(cell, log));
        if record.get(0).is_none() || record.get(5).is_none() {
            // In spreadsheets an empty cell often stands for the one above it, and a row that is too short may have
            // lost any cell.
            if let Some(last) = self.last {
                self.accounts[last].sound = false;
            }
        }
        if !sound {
            self.spoiled.extend(record.texts().map(str::to_string));
        }
        let (Some(name), Some(market)) = (account, market) else {
            self.spoiled.extend(account.map(str::to_string));
            return;
        };
        let at = self.draft(name, market, record, log);
        self.last = Some(at);
        let draft = &mut self.accounts[at];
        if let Some(desk) = &places[market].desk
            && sound
        {
            draft.post(record, &**desk, log);
        }
        draft.sound &= sound && log.count() == before && places[market].desk.is_some();
    }

    fn market(&self, cell: &Cell<'_>, log: &mut Log) -> Option<usize> {
        let found = self.places.get(&*cell.text).copied();
        if found.is_none() {
            let fault = log.at(Code::UnknownMarket, cell.span, quoted(&cell.text), "a market of the book");
            if let Some(near) = nearest(&cell.text, self.places.keys().map(String::as_str)) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        found
    }

    fn draft(&mut self, name: &str, market: usize, record: &Record<'_>, log: &mut Log) -> usize {
        let owner = record.get(6).and_then(|cell| {
            scalar::name(&cell.text, cell.span, log).map(|name| (name.to_string(), cell.span))
        });
        let mode = record.get(8);
        let at = match self.by_name[market].get(name) {
            Some(at) => *at,
            None => {
                self.by_name[market].insert(name.to_string(), self.accounts.len());
                self.accounts.push(Draft {
                    name: name.to_string(),
                    market,
                    account: Account::new(AccountId(0)),
                    owner: None,
                    mode: mode.map(|cell| cell.text.to_string()),
                    seen: Vec::new(),
                    sound: true,
                });
                self.accounts.len() - 1
            }
        };
        let draft = &mut self.accounts[at];
        if let Some((owner, span)) = owner {
            match &draft.owner {
                Some(first) if *first != owner => {
                    let expected = format!("{}, as in the account's rows before", quoted(first));
                    log.at(Code::OwnerDiffers, span, quoted(&owner), expected);
                }
                _ => draft.owner = Some(owner),
            }
        }
        let text = mode.map(|cell| &*cell.text);
        if text != draft.mode.as_deref() {
            let span = mode.map_or(record.span, |cell| cell.span);
            let said = |mode: Option<&str>| mode.map_or("no mode".to_string(), quoted);
            let expected = format!("{}, as in the account's rows before", said(draft.mode.as_deref()));
            log.at(Code::ModeDiffers, span, said(text), expected);
        }
        at
    }

    /// The sound accounts, numbered, and how many were left out.
    pub(super) fn finish(self) -> (Vec<ListedAccount>, u64) {
        let all = self.accounts.len() as u64;
        let spoiled = self.spoiled;
        let sound = self.accounts.into_iter().filter(|draft| draft.sound && !spoiled.contains(&draft.name));
        let accounts = list_accounts(sound.map(|draft| {
            let owner = draft.owner.unwrap_or_else(|| draft.name.clone());
            ListedAccount { name: draft.name, owner, market: draft.market, account: draft.account }
        }));
        let left_out = all - accounts.len() as u64;
        (accounts, left_out)
    }
}

/// Accounts with their numbers: their places in the book.
pub(super) fn list_accounts(accounts: impl IntoIterator<Item = ListedAccount>) -> Vec<ListedAccount> {
    (0..)
        .zip(accounts)
        .map(|(id, mut listed)| {
            listed.account.id = AccountId(id);
            listed
        })
        .collect()
}

impl Draft {
    fn post(&mut self, record: &Record<'_>, desk: &dyn Desk, log: &mut Log) {
        let kind = record.need(2, log);
        let side = kind.and_then(|cell| scalar::word(&cell.text, cell.span, SIDES, log));
        let (asset, quantity, unit) = (record.need(3, log), record.need(4, log), record.need(5, log));
        let as_collateral = record
            .get(7)
            .and_then(|cell| scalar::word(&cell.text, cell.span, YES_NO, log).map(|yes| (yes, cell.span)));
        let (Some(kind), Some(side), Some(asset), Some(quantity), Some(unit)) =
            (kind, side, asset, quantity, unit)
        else {
            return;
        };
        let posting = Posting { side, kind, asset, as_collateral };
        let Some(instrument) = desk.instrument(&posting, log) else { return };
        if self.seen.is_empty()
            && let Some(mode) = record.get(8)
        {
            desk.mode(&mut self.account, mode, log);
        }
        if self.seen.contains(&instrument) {
            let found = format!("{} {} again", kind.text, quoted(&asset.text));
            let span = Span { end: asset.span.end.max(asset.span.start), ..asset.span };
            log.at(Code::DuplicateHolding, span, found, "each holding of an account in one row")
                .help("add the quantities up");
            return;
        }
        self.seen.push(instrument);
        if let Some(stored) = amount(quantity, unit, instrument, desk, log) {
            self.account.set(instrument, Int::from(stored));
            desk.mark(&mut self.account, &posting, instrument, log);
        }
    }
}

/// A quantity in the venue's own integers.
pub(super) fn amount(
    quantity: &Cell<'_>,
    unit: &Cell<'_>,
    instrument: InstrumentId,
    desk: &dyn Desk,
    log: &mut Log,
) -> Option<U256> {
    let stored = desk.stored(instrument);
    let raw = match &*unit.text {
        "token" => token(quantity, instrument, desk, log)?,
        "raw" => scalar::integer(&quantity.text, 256, quantity.span, log)?,
        word if Some(word) == stored => {
            return scalar::integer(&quantity.text, HOLDING_BITS, quantity.span, log);
        }
        word => {
            let words: Vec<&str> = ["token", "raw"].into_iter().chain(stored).collect();
            let expected = format!("one of {}", words.join(", "));
            let fault = log.at(Code::NotAUnit, unit.span, quoted(word), expected);
            if let Some(near) = nearest(word, words) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return None;
        }
    };
    let stored = desk.convert(instrument, raw).filter(|stored| stored.bit_len() <= HOLDING_BITS);
    if stored.is_none() {
        log.at(Code::OutOfRange, quantity.span, quoted(&quantity.text), "an amount that fits 128 bits");
    }
    stored
}

/// A decimal number of tokens as raw units.
fn token(quantity: &Cell<'_>, instrument: InstrumentId, desk: &dyn Desk, log: &mut Log) -> Option<U256> {
    let number = scalar::amount(&quantity.text, quantity.span, log)?;
    let decimals = decimals(desk, instrument);
    match number.scaled_amount(decimals) {
        Ok(raw) => Some(raw),
        Err(plimsoll_core::num::DecimalError::TooFine { found, allowed }) => {
            let expected = format!("at most {allowed}, as the token has");
            log.at(Code::TooFine, quantity.span, format!("{found} digits after the point"), expected);
            None
        }
        Err(_) => {
            log.at(Code::OutOfRange, quantity.span, quoted(&quantity.text), "an amount that fits 256 bits");
            None
        }
    }
}

/// Decimals of the token behind an instrument.
pub(super) fn decimals(desk: &dyn Desk, instrument: InstrumentId) -> u8 {
    let all = desk.market().instruments();
    let Some(held) = all.get(instrument.index()) else { return 0 };
    let token =
        all.iter().find(|other| other.kind == plimsoll_core::Kind::Asset && other.asset == held.asset);
    token.unwrap_or(held).decimals
}
