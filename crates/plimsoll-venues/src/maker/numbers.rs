//! Every number of a market, and the tables through which they are read and written.

use crate::table::{Field, put_u64, put_unsigned, put_up_to};
use plimsoll_core::{AccountId, Int, RAY, U256, Unit};

/// 10^45 is one: what the vat counts Dai, debts and limits in.
pub const RAD: Unit = Unit { name: "rad", decimals: 45 };

/// Which way an auction's price falls (`abaci.sol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// In a straight line to zero at `tau`.
    #[default]
    Linear,
    /// By the factor `cut` at the end of every `step`.
    Stairstep,
    /// By the factor `cut` every second.
    Exponential,
}

const CURVES: [Curve; 3] = [Curve::Linear, Curve::Stairstep, Curve::Exponential];

/// The price curve of the auctions, with the numbers that it needs; the others do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calc {
    /// Its kind.
    pub curve: Curve,
    /// Seconds after which the straight line is at zero (s).
    pub tau: U256,
    /// Seconds between two drops (s).
    pub step: U256,
    /// What is left of the price after a drop (ray), at most one.
    pub cut: U256,
}

/// What governance sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Value that must stand behind one of debt (ray) (`Spotter.ilks.mat`); not zero.
    pub mat: U256,
    /// What one Dai is worth in the currency of prices (ray) (`Spotter.par`); not zero.
    pub par: U256,
    /// Part of the factor by which debt grows a second, the same for all collateral (ray) (`Jug.base`).
    pub base: U256,
    /// The collateral's own part of that factor (ray) (`Jug.ilks.duty`).
    pub duty: U256,
    /// Debt ceiling of this collateral (rad) (`Vat.ilks.line`).
    pub line: U256,
    /// Debt ceiling of the whole system (rad) (`Vat.Line`).
    pub total_line: U256,
    /// Least debt of a position that owes anything (rad) (`Vat.ilks.dust`).
    pub dust: U256,
    /// Not shut down (`Vat.live`, `Dog.live`, `Cat.live`).
    pub live: bool,
    /// Seconds between two prices of the delayed oracle (s) (`OSM.hop`); zero where the price feed is read directly.
    pub hop: u64,
    /// The delayed oracle takes no new price (`OSM.stopped`).
    pub osm_stopped: bool,
    /// Debt with the penalty, for one of debt (wad; ray before 1.2) (`Dog.ilks.chop`, `Cat.ilks.chop`).
    pub chop: U256,
    /// The auction house from 2021 on.
    pub dutch: Dutch,
    /// The auction house before.
    pub english: English,
}

/// The auctions of liquidations 2.0: one falling price, sold at once (`Dog`, `Clipper`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dutch {
    /// Most that may be on auction of this collateral (rad) (`Dog.ilks.hole`).
    pub hole: U256,
    /// Most that may be on auction in the whole system (rad) (`Dog.Hole`).
    pub total_hole: U256,
    /// First price over the oracle's (ray) (`Clipper.buf`).
    pub buf: U256,
    /// Seconds until an auction must be restarted (s) (`Clipper.tail`).
    pub tail: U256,
    /// Part of the first price below which it must be (ray) (`Clipper.cusp`).
    pub cusp: U256,
    /// Part of the debt that a keeper gets for a start (wad) (`Clipper.chip`); 64 bits.
    pub chip: U256,
    /// What he gets besides (rad) (`Clipper.tip`); 192 bits.
    pub tip: U256,
    /// 0: all runs; from 1 on no new auctions, from 2 on no restart, from 3 on no purchase (`Clipper.stopped`).
    pub stopped: u64,
    /// How the price falls (`Clipper.calc`).
    pub calc: Calc,
}

/// The auctions of liquidations 1.0 and 1.2: bids (`Cat`, `Flipper`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct English {
    /// 1.0: most collateral in one auction (wad) (`Cat.ilks.lump`).
    pub lump: U256,
    /// 1.2: most debt, with the penalty, in one auction (rad) (`Cat.ilks.dunk`).
    pub dunk: U256,
    /// 1.2: most that may be on auction in the whole system (rad) (`Cat.box`).
    pub most: U256,
    /// Least next bid for one of the last (wad) (`Flipper.beg`).
    pub beg: U256,
    /// Seconds that a bid stands (s) (`Flipper.ttl`); 48 bits.
    pub ttl: u64,
    /// Seconds that an auction lasts (s) (`Flipper.tau`); 48 bits.
    pub tau: u64,
}

/// A price of the delayed oracle (`OSM.Feed`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The price of one whole token in the currency (wad); 128 bits.
    pub value: U256,
    /// Whether it is one.
    pub valid: bool,
}

/// What changes in a market beside its auctions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Debt of all positions without fees (wad) (`Vat.ilks.Art`).
    pub total_art: U256,
    /// Debt for one of it, at the last drip (ray) (`Vat.ilks.rate`).
    pub rate: U256,
    /// Debt that one of collateral carries, at the last poke (ray) (`Vat.ilks.spot`).
    pub spot: U256,
    /// When the rate was last brought up to date (s) (`Jug.ilks.rho`).
    pub rho: u64,
    /// All Dai of the system (rad) (`Vat.debt`).
    pub debt: U256,
    /// All of it that nothing backs (rad) (`Vat.vice`).
    pub vice: U256,
    /// Dai of the system's own purse (rad) (`Vat.dai[vow]`).
    pub vow_dai: U256,
    /// Debt of the system itself (rad) (`Vat.sin[vow]`).
    pub vow_sin: U256,
    /// On auction of this collateral, with the penalty (rad) (`Dog.ilks.dirt`).
    pub dirt: U256,
    /// On auction in the whole system (rad) (`Dog.Dirt`; `Cat.litter` in 1.2).
    pub total_dirt: U256,
    /// `dust` times `chop`, when it was last asked for (rad) (`Clipper.chost`).
    pub chost: U256,
    /// Auctions so far (`Clipper.kicks`, `Flipper.kicks`).
    pub kicks: u64,
    /// The delayed oracle's price (`OSM.cur`).
    pub current: Stored,
    /// The one that it takes next (`OSM.nxt`).
    pub next: Stored,
    /// When it took the last (s) (`OSM.zzz`).
    pub poked: u64,
}

/// A running auction (`Clipper.Sale`, `Flipper.Bid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auction {
    /// Its place in the list of running auctions (`Sale.pos`).
    pub pos: u64,
    /// Debt with the penalty that it shall bring (rad).
    pub tab: U256,
    /// Collateral on auction (wad).
    pub lot: U256,
    /// Whose position it was; what is left over goes there.
    pub usr: AccountId,
    /// 2.0: when it started. Before: until when the last bid stands, zero before the first (s).
    pub tic: u64,
    /// 2.0: the first price (ray).
    pub top: U256,
    /// Before 2.0: the highest bid (rad).
    pub bid: U256,
    /// Before 2.0: who bids it; nobody before the first bid.
    pub guy: Option<AccountId>,
    /// Before 2.0: when it ends (s).
    pub end: u64,
}

/// Any row will do to be filled.
impl Default for Auction {
    fn default() -> Auction {
        let (zero, usr) = (U256::ZERO, AccountId(0));
        Auction { pos: 0, tab: zero, lot: zero, usr, tic: 0, top: zero, bid: zero, guy: None, end: 0 }
    }
}

/// Every number of a market but its auctions: one row of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) rules: Parameters,
    pub(super) state: State,
}

/// How many fields at the head of [`FIELDS`] are rules, not state: changing one voids forms.
pub(super) const RULES: u16 = 29;

/// The fields that are prices: what the last poke stored, and the delayed oracle's with its clock.
pub(super) const PRICES: [&str; 6] =
    ["spot", "current_price", "current_valid", "next_price", "next_valid", "poked"];

/// A field of 256 bits or fewer.
macro_rules! word {
    ($name:literal, $unit:expr, $bits:literal, $($place:ident).+) => {
        Field::new(
            $name,
            |_| $unit,
            |row| row.$($place).+.into(),
            |row, value| put_unsigned(&mut row.$($place).+, value, $bits),
        )
    };
}

/// A field of 64 bits.
macro_rules! small {
    ($name:literal, $unit:expr, $($place:ident).+) => {
        Field::new(
            $name,
            |_| $unit,
            |row| row.$($place).+.into(),
            |row, value| put_u64(&mut row.$($place).+, value),
        )
    };
}

/// A field that is zero or one.
macro_rules! flag {
    ($name:literal, $($place:ident).+) => {
        Field::new(
            $name,
            |_| Unit::NUMBER,
            |row| Int::from(u64::from(row.$($place).+)),
            |row, value| put_flag(&mut row.$($place).+, value),
        )
    };
}

pub(super) const FIELDS: &[Field<Numbers>] = &[
    Field::new("mat", |_| Unit::RAY, |r| r.rules.mat.into(), |r, v| put_positive(&mut r.rules.mat, v)),
    Field::new("par", |_| Unit::RAY, |r| r.rules.par.into(), |r, v| put_positive(&mut r.rules.par, v)),
    word!("base", Unit::RAY, 256, rules.base),
    word!("duty", Unit::RAY, 256, rules.duty),
    word!("line", RAD, 256, rules.line),
    word!("total_line", RAD, 256, rules.total_line),
    word!("dust", RAD, 256, rules.dust),
    flag!("live", rules.live),
    Field::new("hop", |_| Unit::SECONDS, |r| r.rules.hop.into(), |r, v| put_within(&mut r.rules.hop, v, 16)),
    flag!("osm_stopped", rules.osm_stopped),
    word!("chop", Unit::WAD, 256, rules.chop),
    word!("hole", RAD, 256, rules.dutch.hole),
    word!("total_hole", RAD, 256, rules.dutch.total_hole),
    word!("buf", Unit::RAY, 256, rules.dutch.buf),
    word!("tail", Unit::SECONDS, 256, rules.dutch.tail),
    word!("cusp", Unit::RAY, 256, rules.dutch.cusp),
    word!("chip", Unit::WAD, 64, rules.dutch.chip),
    word!("tip", RAD, 192, rules.dutch.tip),
    small!("stopped", Unit::NUMBER, rules.dutch.stopped),
    Field::new(
        "calc",
        |_| Unit::NUMBER,
        |r| Int::new(r.rules.dutch.calc.curve as i128),
        |r, v| {
            r.rules.dutch.calc.curve = *CURVES.get(usize::try_from(v.to_u64()?).ok()?)?;
            Some(())
        },
    ),
    word!("calc_tau", Unit::SECONDS, 256, rules.dutch.calc.tau),
    word!("calc_step", Unit::SECONDS, 256, rules.dutch.calc.step),
    Field::new(
        "calc_cut",
        |_| Unit::RAY,
        |r| r.rules.dutch.calc.cut.into(),
        |r, v| put_up_to(&mut r.rules.dutch.calc.cut, v, RAY.value()),
    ),
    word!("lump", Unit::WAD, 256, rules.english.lump),
    word!("dunk", RAD, 256, rules.english.dunk),
    word!("box", RAD, 256, rules.english.most),
    word!("beg", Unit::WAD, 256, rules.english.beg),
    Field::new(
        "ttl",
        |_| Unit::SECONDS,
        |r| r.rules.english.ttl.into(),
        |r, v| put_within(&mut r.rules.english.ttl, v, 48),
    ),
    Field::new(
        "tau",
        |_| Unit::SECONDS,
        |r| r.rules.english.tau.into(),
        |r, v| put_within(&mut r.rules.english.tau, v, 48),
    ),
    word!("chost", RAD, 256, state.chost),
    word!("total_art", Unit::WAD, 256, state.total_art),
    word!("rate", Unit::RAY, 256, state.rate),
    word!("spot", Unit::RAY, 256, state.spot),
    small!("rho", Unit::SECONDS, state.rho),
    word!("debt", RAD, 256, state.debt),
    word!("vice", RAD, 256, state.vice),
    word!("vow_dai", RAD, 256, state.vow_dai),
    word!("vow_sin", RAD, 256, state.vow_sin),
    word!("dirt", RAD, 256, state.dirt),
    word!("total_dirt", RAD, 256, state.total_dirt),
    small!("kicks", Unit::NUMBER, state.kicks),
    word!("current_price", Unit::WAD, 128, state.current.value),
    flag!("current_valid", state.current.valid),
    word!("next_price", Unit::WAD, 128, state.next.value),
    flag!("next_valid", state.next.valid),
    small!("poked", Unit::SECONDS, state.poked),
];

pub(super) const AUCTION: &[Field<Auction>] = &[
    small!("pos", Unit::NUMBER, pos),
    word!("tab", RAD, 256, tab),
    word!("lot", Unit::WAD, 256, lot),
    Field::new(
        "usr",
        |_| Unit::NUMBER,
        |r| r.usr.0.into(),
        |r, v| {
            r.usr = AccountId(v.to_u64()?);
            Some(())
        },
    ),
    small!("tic", Unit::SECONDS, tic),
    word!("top", Unit::RAY, 256, top),
    word!("bid", RAD, 256, bid),
    // An account's number, or -1 before the first bid.
    Field::new(
        "guy",
        |_| Unit::NUMBER,
        |r| r.guy.map_or(Int::new(-1), |id| id.0.into()),
        |r, v| {
            r.guy = if *v == Int::new(-1) { None } else { Some(AccountId(v.to_u64()?)) };
            Some(())
        },
    ),
    small!("end", Unit::SECONDS, end),
];

fn put_positive(place: &mut U256, value: &Int) -> Option<()> {
    *place = value.to_u256().filter(|value| *value != U256::ZERO)?;
    Some(())
}

fn put_within(place: &mut u64, value: &Int, bits: usize) -> Option<()> {
    *place = value.to_u256().filter(|value| value.bit_len() <= bits)?.to_u64()?;
    Some(())
}

fn put_flag(place: &mut bool, value: &Int) -> Option<()> {
    *place = match value.to_u64()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(())
}
