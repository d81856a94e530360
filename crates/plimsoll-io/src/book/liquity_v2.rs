//! Liquity v2 in files: all branches of one deployment, its batches, and accounts that name each other.
//!
//! A trove's place in the list, its batch and its owner are other accounts. In memory they are numbers, in files names:
//! what a row says is kept as it stands until all accounts have numbers ([`Desk::link`]), and the writer puts names where
//! [`positions`] left `#number`.

mod accounts;
mod sound;

use crate::book::head;
use crate::book::venue::{
    Decoded, Desk, Named, Names, Position, Positions, Posting, Setting, Side, VenueFile,
};
use crate::book::write::{list as list_value, table};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use crate::tree::{Fields, Node, Value, list, text};
pub(super) use accounts::escaped;
use accounts::{Notes, mode_text};
use plimsoll_core::{
    Account, AccountId, Cell as Number, InstrumentId, Int, ListedAccount, Market as _, Time, U256, Unit,
};
use plimsoll_venues::liquity_v2::{
    BOLD, Batch, Branch, DEBT, MAX_FEE, MIN_CHANGE_PERIOD, MOST_BRANCHES, Market, NAME, PURSE, Parameters,
    SHARES, System, batch_object, collateral, deposit, gain, scale_object, surplus,
};
use sound::Stated;
use std::cell::RefCell;

pub(super) const FILE: VenueFile = VenueFile { name: NAME, revisions: &["1.0"], read, write, positions };

/// Numbers of a branch that its rules are.
const RULES: [&str; 6] = ["ccr", "mcr", "bcr", "scr", "penalty_pool", "penalty_redistribution"];
/// Numbers that follow from the accounts.
const DERIVED: [&str; 5] = ["troves", "last_zombie", "head", "tail", "unlisted_stakes"];
/// Numbers of the system that follow from the accounts.
const DERIVED_OF_SYSTEM: [&str; 1] = ["listed_stablecoin"];
/// Numbers of a batch that follow from the accounts.
const DERIVED_OF_BATCH: [&str; 2] = ["head", "tail"];
/// Numbers that are times.
const TIMES: [&str; 6] = [
    "last_interest_update",
    "last_fee_update",
    "shutdown_time",
    "last_fee_time",
    "last_debt_update",
    "last_change",
];

fn read(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let before = log.count();
    let stablecoin = fields.take("stablecoin");
    let stablecoin = stablecoin.map_or(Some("BOLD"), |node| scalar::name(text(node, log)?, node.span, log));
    let state = fields.take("state");
    let head = Span { end: fields.span.start + 1, ..fields.span };
    let nodes = fields.need("branches", log).and_then(|node| list(node, log))?;
    let mut read = Vec::new();
    for node in nodes {
        read.extend(BranchFile::read(node, log));
    }
    if read.len() != nodes.len() || nodes.len() > MOST_BRANCHES {
        if nodes.len() > MOST_BRANCHES {
            let found = format!("{} branches", nodes.len());
            log.at(Code::OutOfRange, head, found, format!("at most {MOST_BRANCHES}"));
        }
        return None;
    }
    for (at, branch) in read.iter().enumerate() {
        let twice = read[..at].iter().any(|other| other.collateral == branch.collateral);
        if twice || Some(branch.collateral) == stablecoin {
            let expected = "a collateral that stands nowhere else in the market";
            log.at(Code::DuplicateAsset, branch.span, quoted(branch.collateral), expected);
        }
    }
    if log.count() != before {
        return None;
    }
    let branches: Vec<_> = read.iter().map(|branch| (branch.collateral, Branch::new(branch.rules))).collect();
    let market = Market::new(stablecoin?, System::default(), &branches);
    let mut market = match market {
        Ok(market) => market,
        Err(refusal) => {
            log.at(Code::MarketRefused, head, refusal.to_string(), "numbers that the contracts can hold");
            return None;
        }
    };
    let mut stated =
        vec![state.and_then(|node| numbers(&mut market, 0, node, &DERIVED_OF_SYSTEM, setting.at, log))];
    for (at, branch) in read.iter().enumerate() {
        let without = [&RULES[..], &DERIVED[..]].concat();
        let node = branch.state;
        stated
            .push(node.and_then(|node| numbers(&mut market, at as u64 + 1, node, &without, setting.at, log)));
    }
    // A market that stands so from the beginning, whatever was set to make it.
    let branches: Vec<_> =
        read.iter().zip(market.branches()).map(|(branch, state)| (branch.collateral, *state)).collect();
    let mut market = Market::new(stablecoin?, *market.system(), &branches).ok()?;
    let (mut wires, mut batches) = (Vec::new(), Vec::new());
    for (at, branch) in read.into_iter().enumerate() {
        for node in branch.scales {
            scale(&mut market, at, node, log);
        }
        for node in branch.batches {
            batches.extend(batch(at, node, setting.at, log));
        }
        wires.push(branch.feed);
    }
    if log.count() != before {
        return None;
    }
    let desk = LiquityDesk { market, batches, stated, notes: RefCell::default(), at: setting.at };
    Some(Decoded::new(Box::new(desk), wires))
}

/// A branch as its file has it.
struct BranchFile<'t> {
    collateral: &'t str,
    span: Span,
    feed: Option<(String, Span)>,
    rules: Parameters,
    state: Option<&'t Node>,
    scales: &'t [Node],
    batches: &'t [Node],
}

impl<'t> BranchFile<'t> {
    fn read(node: &'t Node, log: &mut Log) -> Option<BranchFile<'t>> {
        let mut fields = Fields::of(node, log)?;
        let collateral = fields.need("collateral", log);
        let span = collateral.map(|node| node.span);
        let collateral = collateral.and_then(|node| scalar::name(text(node, log)?, node.span, log));
        let feed = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
        let mut rule = |name| rule(&mut fields, name, log);
        let [ccr, mcr, bcr, scr, penalty_pool, penalty_redistribution] = RULES.map(&mut rule);
        // The contract asks for the first; the others hold of every branch that was deployed, and one exchanged for the
        // other is a slip.
        let pairs = [
            (&penalty_pool, "penalty_redistribution", &penalty_redistribution),
            (&mcr, "ccr", &ccr),
            (&scr, "mcr", &mcr),
        ];
        for (low, name, high) in pairs {
            let (Some((low, span)), Some((high, _))) = (low, high) else { continue };
            if low > high {
                log.at(Code::OutOfRange, *span, low.to_string(), format!("at most {name}, {high}"));
            }
        }
        let [ccr, mcr, bcr, scr, penalty_pool, penalty_redistribution] =
            [ccr, mcr, bcr, scr, penalty_pool, penalty_redistribution].map(|read| Some(read?.0));
        let state = fields.take("state");
        let scales = fields.take("scales").map_or(Some(&[][..]), |node| list(node, log));
        let batches = fields.take("batches").map_or(Some(&[][..]), |node| list(node, log));
        fields.finish(log);
        Some(BranchFile {
            collateral: collateral?,
            span: span?,
            feed,
            rules: Parameters {
                ccr: ccr?,
                mcr: mcr?,
                bcr: bcr?,
                scr: scr?,
                penalty_pool: penalty_pool?,
                penalty_redistribution: penalty_redistribution?,
            },
            state,
            scales: scales?,
            batches: batches?,
        })
    }
}

/// A number that a branch is deployed with, and its place.
fn rule(fields: &mut Fields<'_>, name: &'static str, log: &mut Log) -> Option<(U256, Span)> {
    let node = fields.need(name, log)?;
    let value = scalar::whole(node, 256, log)?;
    let range = match name {
        "bcr" => Parameters::BUFFERS,
        "penalty_pool" | "penalty_redistribution" => Parameters::PENALTIES,
        _ => Parameters::RATIOS,
    };
    within(value, range, node.span, log).then_some((value, node.span))
}

/// Whether a number is in a range; told where it is not.
fn within(value: U256, [least, most]: [U256; 2], span: Span, log: &mut Log) -> bool {
    let fits = (least..=most).contains(&value);
    if !fits {
        log.at(Code::OutOfRange, span, value.to_string(), format!("from {least} to {most}"));
    }
    fits
}

/// The numbers of one object of a market that are not left out, with their places.
fn places(
    market: &dyn plimsoll_core::Market,
    object: u64,
    without: &[&str],
) -> Vec<(Number, &'static str, Int)> {
    let mut places = Vec::new();
    market.visit(&mut |cell, name, _: Unit, value| {
        if cell.object == object && !without.contains(&name) {
            places.push((cell, name, value));
        }
    });
    places
}

/// A number of a table, or the fault that it is none; zero where it does not stand there.
fn number(fields: &mut Fields<'_>, name: &'static str, at: Time, log: &mut Log) -> Option<(U256, Span)> {
    let node = fields.take(name)?;
    if !TIMES.contains(&name) {
        return Some((scalar::whole(node, 256, log)?, node.span));
    }
    // No shutdown is at the time zero.
    if crate::tree::digits(node, &mut Log::default()) == Some("0") {
        return Some((U256::ZERO, node.span));
    }
    let time = head::time(node, log)?;
    if time > at {
        log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
        return None;
    }
    Some((time.0.into(), node.span))
}

/// Reads numbers of one object; those that do not stand there stay as they are. Where they stand.
fn numbers(
    market: &mut Market,
    object: u64,
    node: &Node,
    without: &[&str],
    at: Time,
    log: &mut Log,
) -> Option<Stated> {
    let mut fields = Fields::of(node, log)?;
    let mut stated = Stated { whole: node.span, fields: Vec::new() };
    for (cell, name, _) in places(market, object, without) {
        let Some((value, span)) = number(&mut fields, name, at, log) else { continue };
        if market.set(cell, Some(value.into())).is_err() {
            log.at(Code::OutOfRange, span, value.to_string(), "a number that the contract can hold");
        }
        stated.fields.push((name, span));
    }
    fields.finish(log);
    Some(stated)
}

/// `{ scale = 0, collateral = "…", interest = "…" }`.
fn scale(market: &mut Market, branch: usize, node: &Node, log: &mut Log) {
    let Some(mut fields) = Fields::of(node, log) else { return };
    let which = fields.need("scale", log).and_then(|node| scalar::between(node, 0, 1 << 40, log));
    let mut sum = |name| fields.need(name, log).and_then(|node| scalar::whole(node, 256, log));
    let sums = [sum("collateral"), sum("interest")];
    fields.finish(log);
    let (Some(which), [Some(collateral), Some(interest)]) = (which, sums) else { return };
    let Some(object) = scale_object(branch, which) else { return };
    if !places(market, object, &[]).is_empty() {
        log.at(Code::DuplicateName, node.span, format!("scale {which} again"), "each scale once");
        return;
    }
    for (field, value) in [(0, collateral), (1, interest)] {
        // Every number of 256 bits can stand here.
        let _ = market.set(Number { object, field }, Some(value.into()));
    }
}

/// A batch as its file has it, before its manager has a number.
struct BatchFile {
    branch: usize,
    manager: String,
    span: Span,
    /// Field, value, and where it stands.
    numbers: Vec<(u16, U256, Span)>,
}

fn batch(branch: usize, node: &Node, at: Time, log: &mut Log) -> Option<BatchFile> {
    let mut fields = Fields::of(node, log)?;
    let manager = fields.need("manager", log);
    let span = manager.map(|node| node.span);
    let manager = manager.and_then(|node| scalar::name(text(node, log)?, node.span, log));
    let (mut numbers, mut read) = (Vec::new(), Vec::new());
    for name in ["rate", "fee", "min_rate", "max_rate", "change_period"] {
        // Taken below; whether it is there is asked here.
        fields.need(name, log)?;
    }
    let mut scratch = scratch()?;
    for (cell, name, _) in places(&scratch.clone(), cell_of_batch()?, &DERIVED_OF_BATCH) {
        let Some((value, span)) = number(&mut fields, name, at, log) else { continue };
        let sound = match name {
            "rate" | "min_rate" | "max_rate" => within(value, Batch::RATES, span, log),
            "fee" => within(value, [U256::ZERO, MAX_FEE], span, log),
            "change_period" => within(value, [MIN_CHANGE_PERIOD.into(), u64::MAX.into()], span, log),
            _ => true,
        };
        if sound && scratch.set(cell, Some(value.into())).is_err() {
            log.at(Code::OutOfRange, span, value.to_string(), "a number that the contract can hold");
        }
        if sound {
            read.push((name, value, span));
        }
        numbers.push((cell.field, value, span));
    }
    let named =
        |name| read.iter().find(|(known, _, _)| *known == name).map(|(_, value, span)| (*value, *span));
    if let (Some((least, _)), Some((most, span))) = (named("min_rate"), named("max_rate")) {
        if least >= most {
            log.at(Code::OutOfRange, span, most.to_string(), format!("above min_rate, {least}"));
        } else if let Some((rate, span)) = named("rate") {
            within(rate, [least, most], span, log);
        }
    }
    fields.finish(log);
    Some(BatchFile { branch, manager: manager?.to_string(), span: span?, numbers })
}

fn cell_of_batch() -> Option<u64> {
    batch_object(0, AccountId(0))
}

/// A market with one batch of zeros: to know what a batch has.
fn scratch() -> Option<Market> {
    let rules = Parameters {
        ccr: Parameters::RATIOS[0],
        mcr: Parameters::RATIOS[0],
        bcr: Parameters::BUFFERS[0],
        scr: Parameters::RATIOS[0],
        penalty_pool: Parameters::PENALTIES[0],
        penalty_redistribution: Parameters::PENALTIES[0],
    };
    let mut market = Market::new("BOLD", System::default(), &[("", Branch::new(rules))]).ok()?;
    market.set(Number { object: cell_of_batch()?, field: 0 }, Some(Int::ZERO)).ok()?;
    Some(market)
}

struct LiquityDesk {
    market: Market,
    batches: Vec<BatchFile>,
    /// Where the numbers of the system and of each branch stand, if any do.
    stated: Vec<Option<Stated>>,
    notes: RefCell<Notes>,
    at: Time,
}

impl Desk for LiquityDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    fn needs_accounts(&self) -> bool {
        true
    }

    /// Collateral by its asset, debts as `BOLD` or as shares of a batch, everything else by its own name.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let all = self.market.instruments();
        let known: Vec<(String, InstrumentId)> = match posting.side {
            Side::Collateral => {
                let names = self.market.collaterals().iter().enumerate();
                names.map(|(branch, name)| (name.clone(), collateral(branch))).collect()
            }
            Side::Debt => [DEBT, SHARES].map(|id| (all[id.index()].name.clone(), id)).into(),
            Side::Supply => {
                let branches = 0..self.market.branches().len();
                let own = branches.flat_map(|branch| [deposit(branch), gain(branch), surplus(branch)]);
                let named = own.map(|id| (all[id.index()].name.clone(), id));
                [(all[BOLD.index()].asset.clone(), BOLD)].into_iter().chain(named).collect()
            }
        };
        if let Some((_, id)) = known.iter().find(|(name, _)| *name == posting.asset.text) {
            return Some(*id);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        let expected = format!("of kind {} one of {}", posting.kind.text, names.join(", "));
        let fault = log.at(Code::UnknownAsset, posting.asset.span, quoted(&posting.asset.text), expected);
        if let Some(near) = nearest(&posting.asset.text, names) {
            fault.help(format!("did you mean `{near}`?"));
        }
        None
    }

    fn stored(&self, instrument: InstrumentId) -> Option<&'static str> {
        (instrument == SHARES).then_some("shares")
    }

    /// What is recorded is what is held; what shares stand for depends on the batch.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        (instrument != SHARES).then_some(raw)
    }

    /// Who has BOLD listed pays out of it.
    fn mark(&self, account: &mut Account, posting: &Posting<'_>, instrument: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            let expected = "nothing: here collateral is a kind of its own";
            log.at(Code::Contradiction, span, "a choice", expected);
        }
        self.notes.borrow_mut().stands(account, posting.asset.span);
        if instrument == BOLD {
            account.set_term(PURSE, Int::ONE);
        }
    }

    /// No list of troves follows from a table of amounts.
    fn cover(&mut self, _: &[(InstrumentId, U256)]) -> Option<()> {
        None
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        accounts::mode(&self.market, &self.notes, account, mode, log);
    }

    fn link(&mut self, listed: &mut [ListedAccount], number: usize, log: &mut Log) {
        let before = log.count();
        let mut spans = Vec::new();
        for batch in std::mem::take(&mut self.batches) {
            let found = listed.iter().find(|one| one.market == number && one.name == batch.manager);
            let Some(object) = found.and_then(|one| batch_object(batch.branch, one.account.id)) else {
                log.at(Code::UnknownAccount, batch.span, quoted(&batch.manager), "an account of this market");
                continue;
            };
            if !places(&self.market, object, &[]).is_empty() {
                let expected = "each manager once in a branch";
                log.at(Code::DuplicateName, batch.span, quoted(&batch.manager), expected);
                continue;
            }
            // The third number of a batch is its shares.
            let shares = batch.numbers.iter().find(|(field, _, _)| *field == 2);
            spans.push((batch.branch, object, shares.map_or(batch.span, |(_, _, span)| *span)));
            for (field, value, _) in batch.numbers {
                // Each was tried on another batch.
                let _ = self.market.found(Number { object, field }, value.into());
            }
        }
        let (notes, market, at) = (self.notes.take(), &mut self.market, self.at);
        accounts::link(market, listed, number, &notes, at, log);
        // Sums without a faulty account say nothing.
        let mut quiet = Log::default();
        let log = if log.count() == before { log } else { &mut quiet };
        let own: Vec<&Account> =
            listed.iter().filter(|one| one.market == number).map(|one| &one.account).collect();
        for branch in 0..market.branches().len() {
            let stated = self.stated.get(branch + 1).and_then(Option::as_ref);
            let batches: Vec<(u64, Span)> = spans
                .iter()
                .filter(|(of, _, _)| *of == branch)
                .map(|(_, object, span)| (*object, *span))
                .collect();
            sound::branch_totals(market, branch, &own, stated, &batches, at, log);
        }
        sound::supply(market, &own, self.stated.first().and_then(Option::as_ref), at, log);
    }
}

// ---- writing --------------------------------------------------------------------------------------------------

fn write(market: &dyn plimsoll_core::Market, names: &Names<'_>) -> Option<Named> {
    let texts = |object, without: &[&str]| -> Vec<(&'static str, Value)> {
        let numbers = places(market, object, without).into_iter();
        numbers.map(|(_, name, value)| (name, Value::Text(value.to_string()))).collect()
    };
    let mut objects = Vec::new();
    market.visit(&mut |cell, _, _, _| {
        if cell.field == 0 {
            objects.push(cell.object);
        }
    });
    let all = market.names();
    let ((_, _, stablecoin), collaterals) = all.split_first()?;
    let mut branches = Vec::new();
    for (branch, (object, _, name)) in collaterals.iter().enumerate() {
        let mut fields = vec![("collateral", Value::Text(name.clone()))];
        if let Some(price) = names.prices.get(branch).copied().flatten() {
            fields.push(("feed", Value::Text(price.to_string())));
        }
        let rules = texts(*object, &[]).into_iter().filter(|(name, _)| RULES.contains(name));
        fields.extend(rules);
        fields.push(("state", table(texts(*object, &[&RULES[..], &DERIVED[..]].concat()))));
        let (mut scales, mut batches) = (Vec::new(), Vec::new());
        for object in &objects {
            if let Some((of, scale)) = plimsoll_venues::liquity_v2::scale_of_object(*object)
                && of == branch
            {
                let head = ("scale", Value::Number(scale.to_string()));
                scales.push(table([head].into_iter().chain(texts(*object, &[])).collect()));
            }
            if let Some((of, manager)) = plimsoll_venues::liquity_v2::batch_of_object(*object)
                && of == branch
            {
                let head = ("manager", Value::Text((names.account)(manager.0)?.to_string()));
                batches.push(table([head].into_iter().chain(texts(*object, &DERIVED_OF_BATCH)).collect()));
            }
        }
        if !scales.is_empty() {
            fields.push(("scales", list_value(scales)));
        }
        if !batches.is_empty() {
            fields.push(("batches", list_value(batches)));
        }
        branches.push(table(fields));
    }
    Some(vec![
        ("stablecoin", Value::Text(stablecoin.clone())),
        ("state", table(texts(0, &DERIVED_OF_SYSTEM))),
        ("branches", list_value(branches)),
    ])
}

fn positions(market: &dyn plimsoll_core::Market, account: &Account) -> Option<Positions> {
    let all = market.instruments();
    let branches = market.names().len().checked_sub(1)?;
    let mode = mode_text(market, account)?;
    let row = |id: InstrumentId, quantity: U256| {
        let instrument = all.get(id.index())?;
        let is_collateral = (0..branches).any(|branch| id == collateral(branch));
        let (side, asset, unit) = match id {
            BOLD => (Side::Supply, instrument.asset.clone(), "raw"),
            DEBT => (Side::Debt, instrument.name.clone(), "raw"),
            SHARES => (Side::Debt, instrument.name.clone(), "shares"),
            _ if is_collateral => (Side::Collateral, instrument.asset.clone(), "raw"),
            _ => (Side::Supply, instrument.name.clone(), "raw"),
        };
        Some(Position { side, asset, quantity, unit, as_collateral: None })
    };
    let mut rows = Vec::new();
    // An account is in the file by its rows: one that holds nothing needs a row of nothing.
    let empty = match accounts::branch(account) {
        Some(branch) => Some(collateral(branch)),
        None if account.term(PURSE) == Int::ONE => Some(BOLD),
        None => None,
    };
    if let Some(id) = empty.filter(|id| account.quantity(*id).is_zero()) {
        rows.push(row(id, U256::ZERO)?);
    }
    for holding in account.holdings() {
        rows.push(row(holding.instrument, holding.quantity.to_u256()?)?);
    }
    Some(Positions { mode, rows, legs: Vec::new() })
}
