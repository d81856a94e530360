//! What this crate knows of each venue: how its markets and positions stand in files.
//!
//! A new venue is one file beside this one and one line in [`VENUES`].

use crate::book::{aave_v3, aave_v4, compound_v3, cross, liquity_v2, maker, morpho_blue, portfolio};
use crate::fault::{Code, Log, Span, quoted};
use crate::table;
use crate::tree::{Fields, Value};
use plimsoll_core::{Account, Cell, Decimal, InstrumentId, Int, ListedAccount, Market, TermId, Time, U256};

/// All venues that books can have markets of.
pub(super) const VENUES: &[VenueFile] = &[
    aave_v3::FILE,
    aave_v4::FILE,
    morpho_blue::FILE,
    compound_v3::FILE,
    maker::FILE,
    liquity_v2::FILE,
    cross::FILE,
    portfolio::FILE,
];

/// One venue's files.
pub(super) struct VenueFile {
    /// The venue's name in files.
    pub(super) name: &'static str,
    /// Its revisions, oldest first.
    pub(super) revisions: &'static [&'static str],
    /// Reads the fields of a market that are the venue's own. `None` when no market can be made of them; the
    /// reasons are told.
    pub(super) read: fn(&mut Fields<'_>, &Setting, &mut Log) -> Option<Decoded>,
    /// The fields that [`VenueFile::read`] reads back to the same market. `None` for another venue's market.
    pub(super) write: fn(&dyn Market, &Names<'_>) -> Option<Named>,
    /// The rows that [`Desk`] reads back to the same account.
    pub(super) positions: fn(&dyn Market, &Account) -> Option<Positions>,
}

/// Values by name, to be written.
pub(super) type Named = Vec<(&'static str, Value)>;

/// What a market's reading depends on.
pub(super) struct Setting {
    /// The time of the book.
    pub(super) at: Time,
    /// Which of [`VenueFile::revisions`].
    pub(super) revision: usize,
}

/// A market that was read, before its positions are.
pub(super) struct Decoded {
    /// The market, typed.
    pub(super) desk: Box<dyn Desk>,
    /// For each price slot, the name of the price it is wired to.
    pub(super) wires: Vec<Option<(String, Span)>>,
    /// The accounts that cells of the market name, to be filled in when accounts have numbers.
    pub(super) accounts: Vec<(Cell, String, Span)>,
    /// Slots that read a volatility.
    pub(super) vols: Vec<VolWire>,
}

impl Decoded {
    /// A market that names no account and reads no volatility.
    pub(super) fn new(desk: Box<dyn Desk>, wires: Vec<Option<(String, Span)>>) -> Decoded {
        Decoded { desk, wires, accounts: Vec::new(), vols: Vec::new() }
    }
}

/// A slot that reads a point of a surface.
pub(super) struct VolWire {
    pub(super) slot: usize,
    /// What the options are on.
    pub(super) underlying: String,
    /// What their strikes are counted in.
    pub(super) currency: String,
    /// The surface's name, and where it stands.
    pub(super) surface: (String, Span),
    pub(super) expiry: Time,
    pub(super) strike: Decimal,
}

/// How an account comes by a holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A deposit.
    Supply,
    /// Collateral.
    Collateral,
    /// What is owed.
    Debt,
}

pub(super) const SIDES: &[(&str, Side)] =
    &[("supply", Side::Supply), ("collateral", Side::Collateral), ("debt", Side::Debt)];

/// How an account comes by a part of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    /// Base held.
    Long,
    /// Base sold that is not held.
    Short,
    /// Quote paid for the base.
    Paid,
    /// Quote received for it.
    Received,
}

impl Leg {
    /// Whether its quantity counts below zero.
    pub(super) const fn is_negative(self) -> bool {
        matches!(self, Leg::Short | Leg::Paid)
    }
}

/// At venues with positions beside [`SIDES`].
pub(super) const LEGS: &[(&str, Leg)] =
    &[("long", Leg::Long), ("short", Leg::Short), ("paid", Leg::Paid), ("received", Leg::Received)];

/// What a row says beside the quantity.
pub(super) struct Posting<'r> {
    pub(super) side: Side,
    pub(super) kind: &'r table::Cell<'r>,
    pub(super) asset: &'r table::Cell<'r>,
    pub(super) as_collateral: Option<(bool, Span)>,
    /// The account's column `mode`, for venues whose words in it are about single holdings.
    pub(super) mode: &'r str,
}

/// A market while positions are read into it.
pub(super) trait Desk {
    /// The market.
    fn market(&self) -> &dyn Market;
    /// The market, when all is read.
    fn release(self: Box<Self>) -> Box<dyn Market>;
    /// The instrument that a row means, or why there is none.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId>;
    /// The instrument that a row of a position means, or why there is none.
    fn leg(
        &self,
        _: Leg,
        kind: &table::Cell<'_>,
        _asset: &table::Cell<'_>,
        log: &mut Log,
    ) -> Option<InstrumentId> {
        let expected = "one of supply, collateral, debt: this venue has no positions";
        log.at(Code::UnknownWord, kind.span, quoted(&kind.text), expected);
        None
    }
    /// The word for the venue's own integers of an instrument, where they are not raw tokens: `scaled`, `shares`.
    fn stored(&self, instrument: InstrumentId) -> Option<&'static str>;
    /// How many bits the venue's integers for one holding have at most.
    fn bits(&self, _: InstrumentId) -> usize {
        128
    }
    /// What the venue would record now for so many raw tokens; `None` beyond 256 bits.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256>;
    /// Sets whatever the venue keeps beside the quantity: flags of collateral and debt.
    fn mark(&self, account: &mut Account, posting: &Posting<'_>, instrument: InstrumentId, log: &mut Log);
    /// Makes the market's totals at least what all accounts together hold, as if they had come by it today. Only
    /// imports need it: a template knows nothing of a table's accounts.
    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()>;
    /// What else of accounts adds up to a total of the market, beside what they hold.
    fn beside(&self) -> Vec<Beside> {
        Vec::new()
    }
    /// As [`Desk::cover`], of what [`Desk::beside`] lists, in its order.
    fn cover_beside(&mut self, _sums: &[Int]) -> Option<()> {
        Some(())
    }
    /// Sets the account's mode from its text, such as `emode=1`.
    fn mode(&self, account: &mut Account, mode: &table::Cell<'_>, log: &mut Log);
    /// Tells what an account whose rows were all read says as a whole and its venue cannot keep; `mode` is where its mode stands.
    fn settle(&self, _account: &Account, _mode: Span, _log: &mut Log) {}
    /// Puts in place what accounts and the market say of other accounts, now that all of the book have numbers; this
    /// market's are those of the given market number. Only needed where accounts name each other.
    fn link(&mut self, _accounts: &mut [ListedAccount], _number: usize, _log: &mut Log) {}
    /// Whether the market cannot be understood without its accounts.
    fn needs_accounts(&self) -> bool {
        false
    }
}

/// Something that the terms of all accounts add up to.
pub(super) struct Beside {
    /// What it is, with its unit.
    pub(super) what: String,
    /// It is the sum of these terms, each so many times.
    pub(super) parts: Vec<(TermId, Int)>,
    /// How much of it the market says there is; `None` where it says nothing.
    pub(super) total: Option<U256>,
}

/// A number of a market by its object and name.
pub(super) fn cell(market: &dyn Market, object: u64, name: &str) -> Option<(Cell, U256)> {
    let mut found = None;
    market.visit(&mut |cell, known, _, value| {
        if cell.object == object && known == name {
            found = value.to_u256().map(|value| (cell, value));
        }
    });
    found
}

/// Raises a number of a market to at least `least`; how much that was.
pub(super) fn raise(market: &mut dyn Market, object: u64, name: &str, least: U256) -> Option<U256> {
    let (cell, value) = self::cell(market, object, name)?;
    let growth = least.sub_or_zero(value);
    if growth != U256::ZERO {
        market.set(cell, Some(Int::from(least))).ok()?;
    }
    Some(growth)
}

/// Names for what a market's numbers point at.
pub(super) struct Names<'b> {
    /// For each price slot, the price it is wired to.
    pub(super) prices: Vec<Option<&'b str>>,
    /// The name of an account.
    pub(super) account: &'b dyn Fn(u64) -> Option<&'b str>,
}

/// An account's rows.
pub(super) struct Positions {
    /// The column `mode`; `#number` behind a `=` stands for the name of the account of that number.
    pub(super) mode: Option<String>,
    pub(super) rows: Vec<Position>,
    /// What it has of positions.
    pub(super) legs: Vec<LegRow>,
}

/// A row of a position, in raw units.
pub(super) struct LegRow {
    pub(super) leg: Leg,
    pub(super) asset: String,
    pub(super) quantity: U256,
}

/// One row, in the venue's own integers.
pub(super) struct Position {
    pub(super) side: Side,
    pub(super) asset: String,
    pub(super) quantity: U256,
    pub(super) unit: &'static str,
    pub(super) as_collateral: Option<bool>,
}
