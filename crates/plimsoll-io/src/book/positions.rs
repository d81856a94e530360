//! Holdings: `positions.csv`, or the list `positions` of a one-file book.

mod amounts;
mod memo;

pub(super) use amounts::{amount, decimals};

use crate::book::LeftOut;
use crate::book::rows::{Record, Shift};
use crate::book::totals::Sums;
use crate::book::venue::{Desk, LEGS, Leg, Posting, SIDES};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::{Cell, Column, Holds};
use amounts::alone;
use memo::Memo;
use plimsoll_core::{Account, AccountId, InstrumentId, Int, ListedAccount};
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
pub(super) const OWNER: usize = 6;
const AS_COLLATERAL: usize = 7;
const MODE: usize = 8;

const YES_NO: &[(&str, bool)] = &[("yes", true), ("no", false)];

/// A market that positions may name.
pub(super) struct Place {
    pub(super) name: String,
    /// Where the market begins.
    pub(super) span: Span,
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
    /// Rows of which it is not clear whose they are.
    unclear: Vec<Unclear>,
    /// Rows are missing: no account is known to be whole.
    torn: bool,
}

/// A row of which it is not clear whose it is.
#[derive(Default)]
struct Unclear {
    /// What its account may be called.
    names: Vec<String>,
    /// Whether it is called so to the letter; else letters and digits alone are compared.
    exact: bool,
    /// The markets it may be in; any, where there is none.
    markets: Vec<usize>,
    /// Whether one of the names is its account's for sure. If none is anybody's, and this is not sure either, every
    /// account of the markets may be meant.
    named: bool,
}

/// Letters and digits of a name, large and small alike: what is left of it under the strokes of a typing error.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

struct Draft {
    /// Its owner is empty until a row says it.
    listed: ListedAccount,
    /// Empty for none.
    mode: String,
    /// Where it stands.
    mode_at: Span,
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
            unclear: Vec::new(),
            torn: false,
        }
    }

    /// For rows that come sorted by name: the accounts of one name at a time, taken out by [`Positions::take`].
    pub(super) fn grouped(places: &[Place]) -> Positions {
        Positions { by_name: None, ..Positions::new(places) }
    }

    /// Rows are missing, and nobody knows whose.
    pub(super) fn spoil(&mut self) {
        self.torn = true;
    }

    /// Adds one row. If anything about it is wrong, its whole account is left out: an account without one of its
    /// debts would look safe.
    pub(super) fn read(&mut self, record: &Record<'_>, sound: bool, places: &[Place], log: &mut Log) {
        if let Some(shift) = &record.shift {
            let unclear = self.shifted(record, shift);
            self.unclear.push(unclear);
            return;
        }
        let before = log.count();
        let at = match self.again(record, places) {
            // A quotation mark out of place may have cut the name.
            Some(at) if sound || !record.text(ACCOUNT).contains('"') => at,
            _ => match self.place(record, sound, log) {
                Ok((name, market)) => self.draft(name, market, record),
                Err(unclear) => {
                    self.unclear.push(unclear);
                    return;
                }
            },
        };
        self.last = Some(at);
        let draft = &mut self.accounts[at];
        draft.join(record, log);
        let desk = &places[draft.listed.market].desk;
        match desk {
            Some(desk) if sound => draft.post(record, &**desk, &mut self.memo, log),
            None if sound => alone(record, log),
            _ => {}
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

    /// A row's name and market, if it has both; else what can be said of whose it is.
    fn place<'r>(
        &mut self,
        record: &'r Record<'_>,
        sound: bool,
        log: &mut Log,
    ) -> Result<(&'r str, usize), Unclear> {
        let cell = record.need(ACCOUNT, log);
        let named = cell.as_ref().is_some_and(|cell| scalar::name(&cell.text, cell.span, log).is_some());
        let name = named.then(|| record.text(ACCOUNT));
        let market = record.need(MARKET, log).and_then(|cell| self.market(&cell, log));
        if cell.is_none() {
            self.spoil_last();
        }
        let markets = Vec::from_iter(market);
        match (name, market) {
            (Some(name), _) if !sound && name.contains('"') => {
                Err(Unclear { names: vec![letters(name)], markets, ..Unclear::default() })
            }
            (Some(name), Some(market)) => Ok((name, market)),
            (Some(name), None) => {
                Err(Unclear { names: vec![name.to_string()], exact: true, markets, named: true })
            }
            (None, _) => {
                let name = cell.map_or_else(String::new, |cell| letters(&cell.text));
                let named = !name.is_empty();
                Err(Unclear { names: vec![name], exact: false, markets, named })
            }
        }
    }

    /// A row with too many or too few cells.
    fn shifted(&self, record: &Record<'_>, shift: &Shift<'_>) -> Unclear {
        let names = shift.may_be(ACCOUNT).iter().map(|name| letters(name)).collect();
        let markets: Vec<usize> =
            shift.may_be(MARKET).iter().filter_map(|name| self.places.get(name).copied()).collect();
        // The cell behind the name is a market: what was torn stands further on.
        let named = shift.adjacent([ACCOUNT, MARKET])
            && record.get(ACCOUNT).is_some()
            && self.places.contains_key(record.text(MARKET));
        Unclear { names, exact: false, markets, named }
    }

    /// In spreadsheets an empty cell often stands for the one above it.
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
        let mode_at = record.get(MODE).map_or(record.span, |cell| cell.span);
        draft.begin(name, market, (record.text(MODE), mode_at));
        self.accounts.push(draft);
        at
    }

    /// The sound accounts, numbered, and who was left out. A market whose accounts hold more than it says exists is as
    /// faulty as any, and they are left out with it.
    pub(super) fn finish(mut self, places: &mut [Place], log: &mut Log) -> (Vec<ListedAccount>, LeftOut) {
        self.settle(places, log);
        let mut left_out = LeftOut::default();
        let mut lost = vec![self.torn; places.len()];
        self.clear(&mut lost, places, &mut left_out);
        let named = places.iter().zip(&lost).filter(|(_, lost)| **lost);
        left_out.markets = named.map(|(place, _)| place.name.clone()).collect();
        let mut sums = Sums::new(places);
        for draft in self.accounts.iter().filter(|draft| draft.sound && !lost[draft.listed.market]) {
            sums.add(&draft.listed);
        }
        for (number, place) in places.iter_mut().enumerate() {
            if !sums.tell(number, place, log) {
                (place.desk, lost[number]) = (None, true);
            }
        }
        let mut sound = Vec::new();
        for draft in self.accounts {
            let Draft { listed: ListedAccount { name, market, .. }, sound: whole, .. } = &draft;
            if *whole && !lost[*market] {
                sound.push(draft.done());
            } else {
                left_out.push(format!("{}:{name}", places[*market].name));
            }
        }
        (list_accounts(sound), left_out)
    }

    /// The sound accounts, unnumbered, for whoever has seen that nothing is faulty.
    pub(super) fn sound(self) -> Vec<ListedAccount> {
        self.accounts.into_iter().filter(|draft| draft.sound).map(Draft::done).collect()
    }

    /// Leaves out whoever a row may belong to of which it is not clear whose it is.
    fn clear(&mut self, lost: &mut [bool], places: &[Place], left_out: &mut LeftOut) {
        if self.unclear.is_empty() {
            return;
        }
        let mut exact: HashMap<String, Vec<usize>> = HashMap::new();
        let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, draft) in self.accounts.iter().enumerate() {
            exact.entry(draft.listed.name.clone()).or_default().push(at);
            alike.entry(letters(&draft.listed.name)).or_default().push(at);
        }
        let mut nobody = HashSet::new();
        // What was asked once is not asked again: many rows may mean the same many accounts.
        let mut asked: HashMap<(bool, String, Vec<usize>), bool> = HashMap::new();
        for Unclear { names, exact: to_the_letter, markets, named } in std::mem::take(&mut self.unclear) {
            let known = if to_the_letter { &exact } else { &alike };
            let mut meant = false;
            for name in names.iter().filter(|name| !name.is_empty()) {
                let question = (to_the_letter, name.clone(), markets.clone());
                meant |= *asked.entry(question).or_insert_with(|| {
                    let mut found = false;
                    for &at in known.get(name).into_iter().flatten() {
                        let draft = &mut self.accounts[at];
                        if markets.is_empty() || markets.contains(&draft.listed.market) {
                            draft.sound = false;
                            found = true;
                        }
                    }
                    found
                });
            }
            match (meant, named) {
                (true, _) => {}
                (false, true) => {
                    let market = markets.first().map_or("?", |market| &places[*market].name);
                    let account = format!("{market}:{}", names.first().map_or("?", String::as_str));
                    if nobody.insert(account.clone()) {
                        left_out.push(account);
                    }
                }
                (false, false) if markets.is_empty() => lost.fill(true),
                (false, false) => markets.iter().for_each(|market| lost[*market] = true),
            }
        }
    }

    /// Tells what sound accounts at hand say as a whole that cannot be; no row of theirs is still to come.
    pub(super) fn settle(&mut self, places: &[Place], log: &mut Log) {
        for draft in self.accounts.iter_mut().filter(|draft| draft.sound && !draft.mode.is_empty()) {
            let Some(desk) = &places[draft.listed.market].desk else { continue };
            let before = log.count();
            desk.settle(&draft.listed.account, draft.mode_at, log);
            draft.sound = log.count() == before;
        }
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
        let mode_at = Span { source: 0, start: 0, end: 0 };
        Draft { listed: nobody(), mode: String::new(), mode_at, seen: Vec::new(), sound: true }
    }

    /// Begins another account, in the room that the last one had.
    fn begin(&mut self, name: &str, market: usize, (mode, mode_at): (&str, Span)) {
        let ListedAccount { name: named, owner, market: place, account } = &mut self.listed;
        named.clear();
        named.push_str(name);
        owner.clear();
        *place = market;
        account.clear(AccountId(0));
        self.mode.clear();
        self.mode.push_str(mode);
        self.mode_at = mode_at;
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
        if let Some((_, leg)) = LEGS.iter().find(|(word, _)| *word == record.text(KIND)) {
            return self.post_leg(*leg, record, desk, log);
        }
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
        let posting = Posting { side, kind: &kind, asset: &asset, as_collateral, mode: record.text(MODE) };
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
        if !self.see(instrument, record, (&kind, &asset), desk, log) {
            return;
        }
        if let Some(stored) = amount(&quantity, &unit, instrument, desk, log) {
            self.listed.account.set(instrument, Int::from(stored));
            desk.mark(&mut self.listed.account, &posting, instrument, log);
        }
    }
}

impl Draft {
    /// A row of one leg of a position.
    fn post_leg(&mut self, leg: Leg, record: &Record<'_>, desk: &dyn Desk, log: &mut Log) {
        let parts = [KIND, ASSET, QUANTITY, UNIT].map(|column| record.need(column, log));
        let [Some(kind), Some(asset), Some(quantity), Some(unit)] = parts else { return };
        if let Some(cell) = record.get(AS_COLLATERAL) {
            log.at(Code::Contradiction, cell.span, quoted(&cell.text), "nothing beside a position");
        }
        let Some(instrument) = desk.leg(leg, &kind, &asset, log) else { return };
        if !self.see(instrument, record, (&kind, &asset), desk, log) {
            return;
        }
        if let Some(stored) = amount(&quantity, &unit, instrument, desk, log) {
            self.listed.account.set(instrument, Int::from_parts(leg.is_negative(), stored));
        }
    }

    /// Takes note of a holding, and of the mode with the first; `false` where it is there already.
    fn see(
        &mut self,
        instrument: InstrumentId,
        record: &Record<'_>,
        (kind, asset): (&Cell<'_>, &Cell<'_>),
        desk: &dyn Desk,
        log: &mut Log,
    ) -> bool {
        if self.seen.is_empty()
            && let Some(mode) = record.get(MODE)
        {
            desk.mode(&mut self.listed.account, &mode, log);
        }
        if self.seen.contains(&instrument) {
            let found = format!("{} {} again", kind.text, quoted(&asset.text));
            log.at(Code::DuplicateHolding, asset.span, found, "each holding of an account in one row")
                .help("add the quantities up");
            return false;
        }
        self.seen.push(instrument);
        true
    }
}
