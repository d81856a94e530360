//! What an account says beside its quantities, in the column `mode`: `trove=active; branch=WETH; rate=…; next=NAME`.

use super::places;
use super::sound;
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use plimsoll_core::{Account, AccountId, Int, ListedAccount, Market as _, TermId, Time, U256};
use plimsoll_venues::liquity_v2::{
    BATCH, BRANCH, Batch, DEBT, LAST_CHANGE, LAST_UPDATE, Market, NEXT, OWNER, PREVIOUS, RATE,
    SNAPSHOT_COLLATERAL, SNAPSHOT_DEBT, SNAPSHOT_PRODUCT, SNAPSHOT_SCALE, SNAPSHOT_SUM, SNAPSHOT_YIELD,
    STAKE, STATUS, Status, batch_object, collateral, deposit,
};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// A name that an account says.
pub(super) struct Reference {
    name: String,
    span: Span,
}

/// What accounts say until they have numbers. An account's terms are places in these lists and one.
#[derive(Default)]
pub(super) struct Notes {
    /// Names.
    references: Vec<Reference>,
    /// Where an account stands: its mode, or its first row. Its term is [`PREVIOUS`], which no file says.
    spans: Vec<Span>,
}

impl Notes {
    /// Keeps where an account stands.
    pub(super) fn stands(&mut self, account: &mut Account, span: Span) {
        if account.term(PREVIOUS).is_zero() {
            self.spans.push(span);
            account.set_term(PREVIOUS, Int::from(self.spans.len() as u64));
        }
    }

    fn name(&self, mark: &Int) -> Option<&Reference> {
        self.references.get(place_of(mark)?)
    }

    fn span(&self, account: &Account) -> Option<Span> {
        self.spans.get(place_of(&account.term(PREVIOUS))?).copied()
    }
}

fn place_of(mark: &Int) -> Option<usize> {
    usize::try_from(mark.to_u64()?).ok()?.checked_sub(1)
}

/// Statuses as files say them. The last zombie is one that a redemption left with some debt and that is redeemed first.
const STATUSES: [(&str, u64); 5] = [
    ("active", Status::Active as u64),
    ("closed", Status::Closed as u64),
    ("liquidated", Status::Liquidated as u64),
    ("zombie", Status::Zombie as u64),
    ("last_zombie", LAST_ZOMBIE),
];
/// Until the market knows which it is.
const LAST_ZOMBIE: u64 = 99;

/// Terms that are plain numbers, by the names that files give them.
const NUMBERS: [(&str, TermId); 10] = [
    ("rate", RATE),
    ("stake", STAKE),
    ("snapshot_collateral", SNAPSHOT_COLLATERAL),
    ("snapshot_debt", SNAPSHOT_DEBT),
    ("last_update", LAST_UPDATE),
    ("last_change", LAST_CHANGE),
    ("snapshot_product", SNAPSHOT_PRODUCT),
    ("snapshot_sum", SNAPSHOT_SUM),
    ("snapshot_yield", SNAPSHOT_YIELD),
    ("snapshot_scale", SNAPSHOT_SCALE),
];

/// Terms that are other accounts.
const NAMES: [(&str, TermId); 3] = [("owner", OWNER), ("batch", BATCH), ("next", NEXT)];

/// The branch of an account that is a trove.
pub(super) fn branch(account: &Account) -> Option<usize> {
    let branch = usize::try_from(account.term(BRANCH).to_u64()?).ok()?.checked_sub(1)?;
    (!account.term(STATUS).is_zero()).then_some(branch)
}

/// Whether a trove is active or a zombie.
pub(super) fn is_open(account: &Account) -> bool {
    let open = [Status::Active as u64, Status::Zombie as u64, LAST_ZOMBIE];
    account.term(STATUS).to_u64().is_some_and(|status| open.contains(&status))
}

fn key(term: TermId) -> Option<&'static str> {
    NUMBERS.iter().chain(&NAMES).find(|(_, known)| *known == term).map(|(name, _)| *name)
}

/// The column's text, with `#number` where a name shall stand; `None` for what no text says. The inner `None` is no mode.
pub(super) fn mode_text(market: &dyn plimsoll_core::Market, account: &Account) -> Option<Option<String>> {
    let mut parts = Vec::new();
    if let Some(branch) = branch(account) {
        let status = account.term(STATUS).to_u64()?;
        let mut status = STATUSES.iter().find(|(_, number)| *number == status)?.0;
        let mut last = Int::ZERO;
        market.visit(&mut |cell, name, _, value| {
            if cell.object == branch as u64 + 1 && name == "last_zombie" {
                last = value;
            }
        });
        if last == Int::from(account.id.0.checked_add(1)?) {
            status = "last_zombie";
        }
        let (_, _, name) = market.names().into_iter().nth(branch + 1)?;
        parts.push(format!("trove={status}; branch={name}"));
        if account.term(RATE).is_zero() && account.term(BATCH).is_zero() && is_open(account) {
            parts.push("rate=0".into());
        }
    }
    for &(term, value) in account.terms() {
        // The trove before is the one whose next this is.
        let Some(key) = key(term) else { continue };
        parts.push(match NAMES.iter().any(|(_, known)| *known == term) {
            true => format!("{key}=#{}", value.to_u64()?.checked_sub(1)?),
            false => format!("{key}={value}"),
        });
    }
    Some((!parts.is_empty()).then(|| parts.join("; ")))
}

/// Reads the column; names are kept for [`link`].
pub(super) fn mode(
    market: &Market,
    notes: &RefCell<Notes>,
    account: &mut Account,
    mode: &Cell<'_>,
    log: &mut Log,
) {
    if mode.text.trim().is_empty() {
        return;
    }
    notes.borrow_mut().stands(account, mode.span);
    let mut seen = Vec::new();
    for part in mode.text.split(';') {
        let Some((key, value)) = part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            log.at(Code::UnknownMode, mode.span, quoted(part.trim()), "`name=value`, parted by `;`");
            return;
        };
        if seen.contains(&key) {
            log.at(Code::UnknownMode, mode.span, format!("{key} twice"), "each name once");
        }
        seen.push(key);
        let number = NUMBERS.iter().find(|(name, _)| *name == key);
        let name = NAMES.iter().find(|(name, _)| *name == key);
        match (key, number, name) {
            ("trove", _, _) => {
                if let Some(status) = scalar::word(value, mode.span, &STATUSES, log) {
                    account.set_term(STATUS, Int::from(status));
                }
            }
            ("branch", _, _) => match market.collaterals().iter().position(|name| name == value) {
                Some(branch) => account.set_term(BRANCH, Int::from(branch as u64 + 1)),
                None => {
                    log.at(Code::UnknownAsset, mode.span, quoted(value), "the collateral of a branch");
                }
            },
            (_, Some((_, term)), _) => {
                let Some(number) = scalar::integer(value, 256, mode.span, log) else { continue };
                let [least, most] = Batch::RATES;
                // Nothing accrues at a rate of zero: no contract opens such a trove, and a made-up one may be.
                if *term == RATE && number != U256::ZERO && !(least..=most).contains(&number) {
                    let expected = format!("from {least} to {most}");
                    log.at(Code::OutOfRange, mode.span, format!("rate={number}"), expected);
                }
                account.set_term(*term, number.into());
            }
            (_, _, Some((_, term))) => {
                let references = &mut notes.borrow_mut().references;
                references.push(Reference { name: unescaped(value), span: mode.span });
                account.set_term(*term, Int::from(references.len() as u64));
            }
            _ => {
                let known = ["trove", "branch"].into_iter();
                let known: Vec<&str> =
                    known.chain(NUMBERS.iter().chain(&NAMES).map(|(name, _)| *name)).collect();
                let expected = format!("one of {}", known.join(", "));
                let fault = log.at(Code::UnknownMode, mode.span, quoted(key), expected);
                if let Some(near) = nearest(key, known) {
                    fault.help(format!("did you mean `{near}`?"));
                }
            }
        }
    }
    if account.term(STATUS).is_zero() != account.term(BRANCH).is_zero() {
        log.at(Code::UnknownMode, mode.span, quoted(&mode.text), "`trove=…` and `branch=…` together");
    }
    if is_open(account) && !seen.contains(&"rate") && !seen.contains(&"batch") {
        let expected = "`rate=…`, wad a year, or `batch=…`, the manager who sets it";
        log.at(Code::UnknownMode, mode.span, quoted(&mode.text), expected);
    }
}

/// A name in the column: `;` parts what stands there, so it is written as `%3B`.
pub(in crate::book) fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(';', "%3B")
}

fn unescaped(name: &str) -> String {
    name.replace("%3B", ";").replace("%25", "%")
}

/// Names become numbers, and the list of troves whole.
pub(super) fn link(
    market: &mut Market,
    listed: &mut [ListedAccount],
    number: usize,
    notes: &Notes,
    at: Time,
    log: &mut Log,
) {
    let before = log.count();
    let numbers: HashMap<String, AccountId> = listed
        .iter()
        .filter(|one| one.market == number)
        .map(|one| (one.name.clone(), one.account.id))
        .collect();
    for one in listed.iter_mut().filter(|one| one.market == number) {
        let span = notes.span(&one.account);
        one.account.set_term(PREVIOUS, Int::ZERO);
        for (_, term) in NAMES {
            let Some(reference) = notes.name(&one.account.term(term)) else { continue };
            let id = numbers.get(&reference.name);
            if id.is_none() {
                log.at(
                    Code::UnknownAccount,
                    reference.span,
                    quoted(&reference.name),
                    "an account of this market",
                );
            }
            one.account.set_term(term, id.map_or(Int::ZERO, |id| Int::from(id.0.saturating_add(1))));
        }
        defaults(market, &mut one.account, at);
        if let Some(span) = span {
            sound::account(market, &mut one.account, span, at, log);
        }
    }
    for branch in 0..market.branches().len() {
        let span = notes.references.first().map(|reference| reference.span);
        // A faulty account is missing in its list: that is no fault of its own.
        let mut quiet = Log::default();
        let log = if log.count() == before { &mut *log } else { &mut quiet };
        link_branch(market, branch, listed, number, span, log);
    }
}

/// What a trove or deposit says nothing of is as if it were opened at the book's time and nothing had ever been
/// redistributed or offset.
fn defaults(market: &Market, account: &mut Account, at: Time) {
    if let Some(branch) = branch(account) {
        let open = is_open(account);
        let untouched =
            [STAKE, LAST_UPDATE, LAST_CHANGE].into_iter().all(|term| account.term(term).is_zero());
        if open && untouched {
            account.set_term(STAKE, account.quantity(collateral(branch)));
            account.set_term(LAST_UPDATE, Int::from(at.0));
            account.set_term(LAST_CHANGE, Int::from(at.0));
        }
        // A debt of its own that was never brought up to date would bear interest since 1970.
        let own = account.term(BATCH).is_zero() && !account.quantity(DEBT).is_zero();
        if open && own && account.term(LAST_UPDATE).is_zero() {
            account.set_term(LAST_UPDATE, Int::from(at.0));
        }
        return;
    }
    for (branch, state) in market.branches().iter().enumerate() {
        let held = !account.quantity(deposit(branch)).is_zero();
        if held && account.term(SNAPSHOT_PRODUCT).is_zero() {
            let scale = market.scale(branch, state.scale);
            account.set_term(SNAPSHOT_PRODUCT, state.product.into());
            account.set_term(SNAPSHOT_SUM, scale.collateral.into());
            account.set_term(SNAPSHOT_YIELD, scale.interest.into());
            account.set_term(SNAPSHOT_SCALE, Int::from(state.scale));
        }
    }
}

/// The list of one branch: by what each trove says of its next, or, where none says anything, by rate.
fn link_branch(
    market: &mut Market,
    branch: usize,
    listed: &mut [ListedAccount],
    number: usize,
    span: Option<Span>,
    log: &mut Log,
) {
    let mut open = 0_u64;
    let mut active: Vec<usize> = Vec::new();
    let mut last_zombie = 0;
    for (at, one) in listed.iter_mut().enumerate() {
        if one.market != number || self::branch(&one.account) != Some(branch) {
            continue;
        }
        match one.account.term(STATUS).to_u64() {
            Some(status) if status == Status::Active as u64 => active.push(at),
            Some(status) if status == Status::Zombie as u64 => {}
            Some(LAST_ZOMBIE) => {
                one.account.set_term(STATUS, Int::from(Status::Zombie as u64));
                last_zombie = one.account.id.0.saturating_add(1);
            }
            _ => continue,
        }
        open += 1;
    }
    let ordered = match order(market, branch, listed, &active) {
        Some(ordered) => ordered,
        None => {
            let found = format!("{} active troves of {}", active.len(), market.collaterals()[branch]);
            let expected = "each but the last names the next one, all in one chain, or none names any";
            match span {
                Some(span) => log.at(Code::Contradiction, span, found, expected),
                None => log.file(Code::Contradiction, "positions", found, expected),
            };
            return;
        }
    };
    let mark = |at: Option<&usize>| at.map_or(0, |at| listed[*at].account.id.0.saturating_add(1));
    let marks: Vec<u64> = ordered.iter().map(|at| mark(Some(at))).collect();
    let cells = [
        ("troves", Int::from(open)),
        ("last_zombie", Int::from(last_zombie)),
        ("head", Int::from(marks.first().copied().unwrap_or(0))),
        ("tail", Int::from(marks.last().copied().unwrap_or(0))),
    ];
    place(market, branch as u64 + 1, &cells);
    let mut ends: HashMap<u64, (u64, u64)> = HashMap::new();
    for (place, at) in ordered.iter().enumerate() {
        let account = &mut listed[*at].account;
        let before = place.checked_sub(1).and_then(|place| marks.get(place)).copied().unwrap_or(0);
        let after = marks.get(place + 1).copied().unwrap_or(0);
        account.set_term(PREVIOUS, Int::from(before));
        account.set_term(NEXT, Int::from(after));
        if let Some(manager) = account.term(BATCH).to_u64().and_then(|mark| mark.checked_sub(1)) {
            ends.entry(manager).or_insert((marks[place], 0)).1 = marks[place];
        }
    }
    for (manager, (head, tail)) in ends {
        if let Some(object) = batch_object(branch, AccountId(manager)) {
            place(market, object, &[("head", Int::from(head)), ("tail", Int::from(tail))]);
        }
    }
}

/// Sets numbers of an object, each of which fits its place.
pub(super) fn place(market: &mut Market, object: u64, numbers: &[(&str, Int)]) {
    for (cell, name, _) in places(market, object, &[]) {
        if let Some((_, number)) = numbers.iter().find(|(known, _)| *known == name) {
            let _ = market.set(cell, Some(*number));
        }
    }
}

/// The active troves of a branch, first the head; `None` where what they say makes no list.
fn order(market: &Market, branch: usize, listed: &[ListedAccount], active: &[usize]) -> Option<Vec<usize>> {
    let account = |at: usize| &listed[at].account;
    let next = |at: usize| account(at).term(NEXT).to_u64().and_then(|mark| mark.checked_sub(1));
    if active.iter().all(|at| next(*at).is_none()) {
        let rate = |at: usize| -> U256 {
            let manager = account(at).term(BATCH).to_u64().and_then(|mark| mark.checked_sub(1));
            let batch = manager.and_then(|manager| {
                market
                    .batches()
                    .find(|(of, id, _)| *of == branch && id.0 == manager)
                    .map(|(_, _, batch)| batch.rate)
            });
            batch.unwrap_or_else(|| account(at).term(RATE).magnitude())
        };
        // The members of a batch stand together, where its first stands.
        let batch = |at: usize| account(at).term(BATCH).to_u64().filter(|mark| *mark != 0);
        let mut firsts: HashMap<u64, usize> = HashMap::new();
        for &at in active {
            if let Some(batch) = batch(at) {
                firsts.entry(batch).or_insert(at);
            }
        }
        let first = |at: usize| batch(at).and_then(|batch| firsts.get(&batch).copied()).unwrap_or(at);
        let mut ordered = active.to_vec();
        ordered.sort_by_cached_key(|at| (std::cmp::Reverse(rate(*at)), first(*at), *at));
        return Some(ordered);
    }
    let places: HashMap<u64, usize> = active.iter().map(|at| (account(*at).id.0, *at)).collect();
    let followers: HashSet<usize> = active.iter().filter_map(|at| places.get(&next(*at)?).copied()).collect();
    let head = active.iter().find(|at| !followers.contains(at))?;
    let mut ordered = vec![*head];
    while let Some(id) = ordered.last().and_then(|at| next(*at)) {
        if ordered.len() > active.len() {
            return None;
        }
        ordered.push(*places.get(&id)?);
    }
    (ordered.len() == active.len()).then_some(ordered)
}
