//! Holdings: `positions.csv`, or the list `positions` of a one-file book.

use crate::book::rows::Record;
use crate::book::venue::{Desk, Posting, SIDES, Side};
use crate::fault::{Code, Log, nearest, quoted};
use crate::scalar;
use crate::table::{Cell, Column, Holds};
use plimsoll_core::{Account, AccountId, InstrumentId, Int, ListedAccount, U256};
use std::collections::{HashMap, HashSet};

pub(super) const COLUMNS: &[Column] = &[
    Column { name: "account", needed: true, holds: Holds::Text },
    Column { name: "market", needed: true, holds: Holds::Text },
    Column { name: "kind", needed: true, holds: Holds::Text },
    Column { name: "asset", needed: true, holds: Holds::Text },
    Column { name: "quantity", needed: true, holds: Holds::Amount },
    Column { name: "unit", needed: true, holds: Holds::Text },
    Column { name: "owner", needed: false, holds: Holds::Text },
    Column { name: "as_collateral", needed: false, holds: Holds::Flag },
    Column { name: "mode", needed: false, holds: Holds::Text },
];

/// Where the columns stand in [`COLUMNS`].
pub(super) const ACCOUNT: usize = 0;
const MARKET: usize = 1;
const KIND: usize = 2;
const ASSET: usize = 3;
const QUANTITY: usize = 4;
const UNIT: usize = 5;
const OWNER: usize = 6;
const AS_COLLATERAL: usize = 7;
const MODE: usize = 8;

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
    /// By market, then by name. `None` where all accounts at a time have one name ([`Positions::grouped`]).
    by_name: Option<Vec<HashMap<String, usize>>>,
    /// The account of the row before.
    last: Option<usize>,
    /// Drafts that are done, whose memory serves the next.
    spare: Vec<Draft>,
    memo: Memo,
    /// Names that a row may have meant; accounts of these names are left out, whatever their market.
    spoiled: HashSet<String>,
}

struct Draft {
    /// Its owner is empty until a row says it.
    listed: ListedAccount,
    /// Empty for none.
    mode: String,
    seen: Vec<InstrumentId>,
    sound: bool,
}

impl Positions {
    pub(super) fn new(places: &[Place]) -> Positions {
        Positions {
            places: places.iter().enumerate().map(|(at, place)| (place.name.clone(), at)).collect(),
            accounts: Vec::new(),
            by_name: Some(vec![HashMap::new(); places.len()]),
            last: None,
            spare: Vec::new(),
            memo: Memo::new(),
            spoiled: HashSet::new(),
        }
    }

    /// For rows that come sorted by name: the accounts of one name at a time, taken out by [`Positions::take`].
    pub(super) fn grouped(places: &[Place]) -> Positions {
        Positions { by_name: None, ..Positions::new(places) }
    }

    /// Rows are missing, and nobody knows whose.
    pub(super) fn spoil(&mut self) {
        self.accounts.iter_mut().for_each(|draft| draft.sound = false);
    }

    /// Adds one row. If anything about it is wrong, its whole account is left out: an account without one of its
    /// debts would look safe.
    pub(super) fn read(&mut self, record: &Record<'_>, sound: bool, places: &[Place], log: &mut Log) {
        let before = log.count();
        let at = match self.again(record, places) {
            Some(at) => at,
            None => match self.place(record, log) {
                Some((name, market)) => self.draft(name, market, record),
                None => {
                    self.spoil_row(record, sound);
                    return;
                }
            },
        };
        if record.get(UNIT).is_none() {
            self.spoil_last();
        }
        if !sound {
            self.spoiled.extend(record.texts().map(str::to_string));
        }
        self.last = Some(at);
        let draft = &mut self.accounts[at];
        draft.join(record, log);
        let desk = &places[draft.listed.market].desk;
        if let Some(desk) = desk
            && sound
        {
            draft.post(record, &**desk, &mut self.memo, log);
        }
        draft.sound &= sound && log.count() == before && desk.is_some();
    }

    /// The account of the row before, where this row says the same name and market: most do.
    fn again(&self, record: &Record<'_>, places: &[Place]) -> Option<usize> {
        let at = self.last?;
        let listed = &self.accounts[at].listed;
        let same = record.text(ACCOUNT) == listed.name && record.text(MARKET) == places[listed.market].name;
        same.then_some(at)
    }

    /// A row's name and market, if it has both.
    fn place<'r>(&self, record: &'r Record<'_>, log: &mut Log) -> Option<(&'r str, usize)> {
        let account = record.need(ACCOUNT, log);
        let named = account.is_some_and(|cell| scalar::name(&cell.text, cell.span, log).is_some());
        let market = record.need(MARKET, log).and_then(|cell| self.market(&cell, log));
        market.filter(|_| named).map(|market| (record.text(ACCOUNT), market))
    }

    /// A row that is nobody's for sure: whoever it may belong to is left out.
    fn spoil_row(&mut self, record: &Record<'_>, sound: bool) {
        if record.get(ACCOUNT).is_none() || record.get(UNIT).is_none() {
            self.spoil_last();
        }
        if !sound {
            self.spoiled.extend(record.texts().map(str::to_string));
        }
        self.spoiled.extend(record.get(ACCOUNT).map(|cell| cell.text.to_string()));
    }

    /// In spreadsheets an empty cell often stands for the one above it, and a row that is too short may have lost any
    /// cell.
    fn spoil_last(&mut self) {
        if let Some(last) = self.last {
            self.accounts[last].sound = false;
        }
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

    /// The account of this name in this market.
    fn draft(&mut self, name: &str, market: usize, record: &Record<'_>) -> usize {
        let known = match &self.by_name {
            Some(by_name) => by_name[market].get(name).copied(),
            None => {
                let same = |draft: &Draft| draft.listed.market == market && draft.listed.name == name;
                self.accounts.iter().position(same)
            }
        };
        if let Some(at) = known {
            return at;
        }
        let at = self.accounts.len();
        if let Some(by_name) = &mut self.by_name {
            by_name[market].insert(name.to_string(), at);
        }
        let mut draft = self.spare.pop().unwrap_or_else(Draft::empty);
        draft.begin(name, market, record.text(MODE));
        self.accounts.push(draft);
        at
    }

    /// The sound accounts, numbered, and how many were left out.
    pub(super) fn finish(self) -> (Vec<ListedAccount>, u64) {
        let all = self.accounts.len() as u64;
        let spoiled = self.spoiled;
        let sound =
            self.accounts.into_iter().filter(|draft| draft.sound && !spoiled.contains(&draft.listed.name));
        let accounts = list_accounts(sound.map(Draft::done));
        let left_out = all - accounts.len() as u64;
        (accounts, left_out)
    }

    /// The name that all accounts at hand have, where there are any.
    pub(super) fn group(&self) -> Option<&str> {
        self.accounts.first().map(|draft| draft.listed.name.as_str())
    }

    /// Takes all accounts at hand out. They are known to be sound. `room` are accounts that nobody needs any more:
    /// their memory serves the next.
    pub(super) fn take(&mut self, room: &mut Vec<ListedAccount>, mut give: impl FnMut(ListedAccount)) {
        self.last = None;
        for mut draft in self.accounts.drain(..) {
            give(draft.replace(room.pop().unwrap_or_else(nobody)));
            self.spare.push(draft);
        }
    }
}

fn nobody() -> ListedAccount {
    let account = Account::new(AccountId(0));
    ListedAccount { name: String::new(), owner: String::new(), market: 0, account }
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
    /// Of no account yet.
    fn empty() -> Draft {
        Draft { listed: nobody(), mode: String::new(), seen: Vec::new(), sound: true }
    }

    /// Begins another account, in the room that the last one had.
    fn begin(&mut self, name: &str, market: usize, mode: &str) {
        let ListedAccount { name: named, owner, market: place, account } = &mut self.listed;
        named.clear();
        named.push_str(name);
        owner.clear();
        *place = market;
        account.clear(AccountId(0));
        self.mode.clear();
        self.mode.push_str(mode);
        self.seen.clear();
        self.sound = true;
    }

    fn done(mut self) -> ListedAccount {
        self.replace(nobody())
    }

    /// Gives the account away and takes another, for its room.
    fn replace(&mut self, room: ListedAccount) -> ListedAccount {
        let mut listed = std::mem::replace(&mut self.listed, room);
        if listed.owner.is_empty() {
            listed.owner.clone_from(&listed.name);
        }
        listed
    }

    /// What a row says of the account as a whole, which must be what its other rows say.
    fn join(&mut self, record: &Record<'_>, log: &mut Log) {
        if let Some(cell) = record.get(OWNER)
            && *cell.text != *self.listed.owner
            && let Some(owner) = scalar::name(&cell.text, cell.span, log)
        {
            if self.listed.owner.is_empty() {
                self.listed.owner.push_str(owner);
            } else {
                let expected = format!("{}, as in the account's rows before", quoted(&self.listed.owner));
                log.at(Code::OwnerDiffers, cell.span, quoted(owner), expected);
            }
        }
        let mode = record.text(MODE);
        if mode != self.mode {
            let span = record.get(MODE).map_or(record.span, |cell| cell.span);
            let said = |mode: &str| if mode.is_empty() { "no mode".to_string() } else { quoted(mode) };
            let expected = format!("{}, as in the account's rows before", said(&self.mode));
            log.at(Code::ModeDiffers, span, said(mode), expected);
        }
    }

    fn post(&mut self, record: &Record<'_>, desk: &dyn Desk, memo: &mut Memo, log: &mut Log) {
        let key = record.key(KIND).zip(record.key(ASSET));
        let known = key.and_then(|key| memo.get(self.listed.market, key));
        let kind = record.need(KIND, log);
        let side = match known {
            Some((side, _)) => Some(side),
            None => kind.as_ref().and_then(|cell| scalar::word(&cell.text, cell.span, SIDES, log)),
        };
        let (asset, quantity, unit) =
            (record.need(ASSET, log), record.need(QUANTITY, log), record.need(UNIT, log));
        let as_collateral = record
            .get(AS_COLLATERAL)
            .and_then(|cell| scalar::word(&cell.text, cell.span, YES_NO, log).map(|yes| (yes, cell.span)));
        let (Some(kind), Some(side), Some(asset), Some(quantity), Some(unit)) =
            (kind, side, asset, quantity, unit)
        else {
            return;
        };
        let posting = Posting { side, kind: &kind, asset: &asset, as_collateral };
        let instrument = match known {
            Some((_, instrument)) => instrument,
            None => {
                let Some(instrument) = desk.instrument(&posting, log) else { return };
                if let Some(key) = key {
                    memo.put(self.listed.market, key, (side, instrument));
                }
                instrument
            }
        };
        if self.seen.is_empty()
            && let Some(mode) = record.get(MODE)
        {
            desk.mode(&mut self.listed.account, &mode, log);
        }
        if self.seen.contains(&instrument) {
            let found = format!("{} {} again", kind.text, quoted(&asset.text));
            log.at(Code::DuplicateHolding, asset.span, found, "each holding of an account in one row")
                .help("add the quantities up");
            return;
        }
        self.seen.push(instrument);
        if let Some(stored) = amount(&quantity, &unit, instrument, desk, log) {
            self.listed.account.set(instrument, Int::from(stored));
            desk.mark(&mut self.listed.account, &posting, instrument, log);
        }
    }
}

/// What kinds and assets were found to mean, so that a million rows ask their market a few dozen times.
struct Memo(Vec<Option<(MemoKey, (Side, InstrumentId))>>);

/// A market, and what only equal texts of a row's kind and asset have in common.
type MemoKey = (usize, (u128, u128));

/// Places of a memo; a new one takes an old one's.
const MEMO: usize = 256;

impl Memo {
    fn new() -> Memo {
        Memo(vec![None; MEMO])
    }

    fn place((market, (kind, asset)): MemoKey) -> usize {
        // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        let folded =
            (kind ^ (kind >> 64)) as u64 ^ ((asset ^ (asset >> 61)) as u64).rotate_left(23) ^ market as u64;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }

    fn get(&self, market: usize, texts: (u128, u128)) -> Option<(Side, InstrumentId)> {
        let key = (market, texts);
        self.0[Memo::place(key)].filter(|(known, _)| *known == key).map(|(_, meaning)| meaning)
    }

    fn put(&mut self, market: usize, texts: (u128, u128), meaning: (Side, InstrumentId)) {
        let key = (market, texts);
        self.0[Memo::place(key)] = Some((key, meaning));
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
