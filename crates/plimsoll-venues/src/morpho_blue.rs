//! Morpho Blue 1.0: one market, as `Morpho.sol` and its rate model `AdaptiveCurveIrm.sol` compute it.
//!
//! Units: loan and collateral in raw token units; shares of the two pools (a new share is 10^-6 raw unit); the
//! price P is loan raw units for one collateral raw unit, times 10^36; ratios and rates in wad (10^18), rates per
//! second. Everything that the contract stores for a market fits 128 bits, and is refused here where it does not.
//!
//! ```text
//! owed      = ceil(shares * (borrow assets + 1) / (borrow shares + 10^6))    toAssetsUp, for the lender
//! value     = floor(collateral * P / 10^36)                                  (loan raw)
//! maxBorrow = floor(value * lltv / 10^18)                                    two floors, for the lender
//! healthy  <=>  no borrow shares, or maxBorrow >= owed                       _isHealthy
//! ```
//!
//! There is one line: it decides borrowing, withdrawing collateral, and liquidation. Interest
//! (`_accrueInterest`, `MathLib.wTaylorCompounded`), over the seconds since the last update:
//!
//! ```text
//! x1 = rate * seconds;  x2 = floor(x1 * x1 / 2e18);  x3 = floor(x2 * x1 / 3e18)
//! interest   = floor(borrow assets * (x1 + x2 + x3) / 10^18)                 to both pools
//! fee        = floor(interest * fee / 10^18)
//! fee shares = floor(fee * (supply shares + 10^6) / (supply assets - fee + 1))
//! ```
//!
//! Liquidation (`liquidate`) has no close factor. With f = min(1.15, 1 / (1 - 0.3 * (1 - lltv))), floored:
//!
//! ```text
//! by seized: repaid shares = toSharesUp(ceil(ceil(seized * P / 10^36) * 10^18 / f))
//! by shares: seized        = floor(floor(toAssetsDown(shares) * f / 10^18) * 10^36 / P)
//! repaid     = toAssetsUp(repaid shares), in either case
//! bad debt   = what is still owed when no collateral is left: min(borrow assets, toAssetsUp(rest)),
//!              taken from both pools at once; the suppliers bear it
//! ```
//!
//! The rate models stand in `interest`, the calls in `act`, as the contracts stand in two repositories.
//!
//! `mulDivUp` is (x * y + (d - 1)) / d and overflows on the sum, not on the quotient: mirrored.
//!
//! **The form.** Row units are 10^-54 loan raw units. Backing is collateral * lltv times the node P, exact.
//! Requirement is shares * 10^10 times the node floor((borrow assets + 1) * 10^44 / (borrow shares + 10^6)), whose
//! error is below one. 10^44 is the finest power of ten at which that node always fits 256 bits; for 2^128 shares
//! the node's error is worth 3.4e-6 loan units. Slack: without roundings, backing - requirement is the row. The
//! inner floor of maxBorrow loses less than one unit of value, which is less than lltv of the result; the outer
//! floor and the ceiling of `owed` lose less than one each, all three against the account. So
//! 0 <= row - headroom < 2 + lltv loan units, and the node's floor adds to the row at most its error.
//! The verdict is monotone in P: no row and no verdict falls when it rises.
//!
//! Not modelled: authorisations (whoever calls may), callbacks, flash loans, token balances of the contract that
//! belong to other markets, tokens with fees. Not here either: rate models other than the three of [`Irm`].

mod act;
mod interest;

pub use interest::Interest;

use crate::table::{self, Field, put_u64, put_unsigned, put_up_to};
use act::Turn;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{self, Down, Up};
use plimsoll_core::{
    Account, AccountId, Accounts, Arithmetic, Assessment, Balance, Call, Cell, Compiled, Counting, Divisor,
    Effects, Encoded, Feeds, Figure, Form, Instrument, InstrumentId, Int, Kind, Lens, Linear, Nature, Node,
    NodeId, NodeSpec, PriceSlot, Question, Quoted, Range, Refusal, Silent, Subject, TermSpec, Test, Time,
    Trace, U256, Unit, Valid, Verdict, WAD, Why, WhyNot,
};

/// The token that is lent.
pub const LOAN: InstrumentId = InstrumentId(0);
/// The token that secures the loans.
pub const COLLATERAL_TOKEN: InstrumentId = InstrumentId(1);
/// A supplier's claim on the loan tokens, in shares.
pub const SUPPLY: InstrumentId = InstrumentId(2);
/// Posted collateral, one for one.
pub const COLLATERAL: InstrumentId = InstrumentId(3);
/// A borrower's debt, in shares.
pub const BORROW: InstrumentId = InstrumentId(4);

/// The node of the collateral's price.
pub const PRICE_NODE: NodeId = NodeId(0);
/// The node of the debt per borrow share.
pub const DEBT_NODE: NodeId = NodeId(1);

/// The formula that [`Refusal::Overflow`] names where the contract says "max uint128 exceeded".
pub const MAX_UINT128: &str = "an amount within 128 bits";

/// The highest lltv: below one (wad) (`Morpho.enableLltv`).
pub const MAX_LLTV: U256 = U256::new(10u128.pow(18) - 1);

/// The highest fee on interest, 25 % (wad) (`ConstantsLib.MAX_FEE`).
pub const MAX_FEE: U256 = U256::new(250_000_000_000_000_000);

const VIRTUAL_SHARES: U256 = U256::new(1_000_000);
const VIRTUAL_ASSETS: U256 = U256::ONE;
const PRICE_SCALE: Divisor = Divisor::of(U256::new(10u128.pow(36)));
const LIQUIDATION_CURSOR: U256 = U256::new(300_000_000_000_000_000);
const MAX_INCENTIVE: U256 = U256::new(1_150_000_000_000_000_000);

const DEBT_NODE_SCALE: U256 = U256::new(10u128.pow(22)); // twice: 10^44
const DEBT_COEFFICIENT: U256 = U256::new(10u128.pow(10)); // 10^54 / 10^44
const SLACK_PER_LLTV: U256 = U256::new(10u128.pow(36)); // 10^54 / wad

/// How a market sets its borrow rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irm {
    /// No rate model: no interest, and only the time of the last update moves.
    Zero,
    /// `AdaptiveCurveIrm` of morpho-blue-irm.
    AdaptiveCurve,
    /// Utilisation per year: floor(floor(borrow * 10^18 / supply) / 31536000). Morpho's own test model.
    Utilisation,
}

/// What a market is made with and never changes; its id is the hash of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Decimals of the loan token.
    pub loan_decimals: u8,
    /// Decimals of the collateral token.
    pub collateral_decimals: u8,
    /// Liquidation loan-to-value (wad), below one.
    pub lltv: U256,
    /// The rate model.
    pub irm: Irm,
}

/// One of the two pools: what its shares stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Loan tokens, with interest to the last update (loan raw).
    pub assets: U256,
    /// Shares of all accounts (shares).
    pub shares: U256,
}

/// What changes in a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What suppliers own.
    pub supply: Pool,
    /// What borrowers owe.
    pub borrow: Pool,
    /// When interest was last added (s); never zero.
    pub last_update: u64,
    /// The adaptive model's rate at its target utilisation (wad per second); zero before its first call.
    pub rate_at_target: U256,
    /// The venue's part of the interest (wad).
    pub fee: U256,
    /// The account that receives it; `None` where it is none of the book: [`plimsoll_core::Party::Treasury`].
    pub fee_recipient: Option<AccountId>,
    /// What the treasury has received (supply shares).
    pub treasury_shares: U256,
}

/// Every number of a market: one row of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    rules: Parameters,
    state: State,
}

/// How many fields at the head of [`FIELDS`] are rules, not state: changing one voids forms.
const RULES: u16 = 5;

const FIELDS: &[Field<Numbers>] = &[
    Field::new(
        "loan_decimals",
        in_nothing,
        |r| Int::new(r.rules.loan_decimals.into()),
        |r, v| put_decimals(&mut r.rules.loan_decimals, v),
    ),
    Field::new(
        "collateral_decimals",
        in_nothing,
        |r| Int::new(r.rules.collateral_decimals.into()),
        |r, v| put_decimals(&mut r.rules.collateral_decimals, v),
    ),
    Field::new("lltv", in_wad, |r| r.rules.lltv.into(), |r, v| put_up_to(&mut r.rules.lltv, v, MAX_LLTV)),
    Field::new(
        "irm",
        in_nothing,
        |r| Int::new(r.rules.irm as i128),
        |r, v| {
            r.rules.irm =
                *[Irm::Zero, Irm::AdaptiveCurve, Irm::Utilisation].get(usize::try_from(v.to_u64()?).ok()?)?;
            Some(())
        },
    ),
    Field::new("fee", in_wad, |r| r.state.fee.into(), |r, v| put_up_to(&mut r.state.fee, v, MAX_FEE)),
    // An account's number, or -1 for the treasury.
    Field::new(
        "fee_recipient",
        in_nothing,
        |r| recipient_number(&r.state),
        |r, v| {
            r.state.fee_recipient = if *v == Int::new(-1) { None } else { Some(AccountId(v.to_u64()?)) };
            Some(())
        },
    ),
    Field::new(
        "total_supply_assets",
        in_loan,
        |r| r.state.supply.assets.into(),
        |r, v| put_unsigned(&mut r.state.supply.assets, v, 128),
    ),
    Field::new(
        "total_supply_shares",
        in_shares,
        |r| r.state.supply.shares.into(),
        |r, v| put_unsigned(&mut r.state.supply.shares, v, 128),
    ),
    Field::new(
        "total_borrow_assets",
        in_loan,
        |r| r.state.borrow.assets.into(),
        |r, v| put_unsigned(&mut r.state.borrow.assets, v, 128),
    ),
    Field::new(
        "total_borrow_shares",
        in_shares,
        |r| r.state.borrow.shares.into(),
        |r, v| put_unsigned(&mut r.state.borrow.shares, v, 128),
    ),
    Field::new(
        "last_update",
        |_| Unit::SECONDS,
        |r| r.state.last_update.into(),
        |r, v| put_u64(&mut r.state.last_update, Some(v).filter(|time| !time.is_zero())?),
    ),
    Field::new(
        "rate_at_target",
        in_wad,
        |r| r.state.rate_at_target.into(),
        |r, v| put_unsigned(&mut r.state.rate_at_target, v, 128),
    ),
    Field::new(
        "treasury_shares",
        in_shares,
        |r| r.state.treasury_shares.into(),
        |r, v| put_unsigned(&mut r.state.treasury_shares, v, 128),
    ),
];

fn in_nothing(_: &Numbers) -> Unit {
    Unit::NUMBER
}

fn in_wad(_: &Numbers) -> Unit {
    Unit::WAD
}

fn in_loan(row: &Numbers) -> Unit {
    row.rules.loan_unit()
}

fn in_shares(row: &Numbers) -> Unit {
    row.rules.share_unit()
}

fn recipient_number(state: &State) -> Int {
    state.fee_recipient.map_or(Int::new(-1), |id| Int::from(id.0))
}

/// No token has more decimals than this; the price's 36 + loan - collateral then lies between 0 and 72.
const MOST_DECIMALS: u8 = 36;

fn put_decimals(place: &mut u8, value: &Int) -> Option<()> {
    let small = u8::try_from(value.to_u64()?).ok()?;
    *place = Some(small).filter(|decimals| *decimals <= MOST_DECIMALS)?;
    Some(())
}

impl Parameters {
    const fn loan_unit(&self) -> Unit {
        Unit::raw(self.loan_decimals)
    }

    const fn share_unit(&self) -> Unit {
        Unit::shares(self.loan_decimals + 6)
    }

    /// A price of one whole collateral token in whole loan tokens is read times 10 to this.
    const fn price_decimals(&self) -> u8 {
        36 + self.loan_decimals - self.collateral_decimals
    }

    /// What a liquidator receives for one unit of value repaid (wad, floored) (`liquidate`).
    ///
    /// # Errors
    /// Never for parameters of a [`Market`].
    pub fn incentive<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        let one = WAD.value();
        let rest = t.sub("1 - lltv", one, self.lltv, Unit::WAD)?;
        let cut = t.mul_div("cut = 0.3 * (1 - lltv)", LIQUIDATION_CURSOR, rest, WAD, Down, Unit::WAD)?;
        let kept = t.sub("1 - cut", one, cut, Unit::WAD)?;
        let factor = t.mul_div("1 / (1 - cut)", one, one, kept, Down, Unit::WAD)?;
        Ok(t.min("incentive = min(1.15, 1 / (1 - cut))", factor, MAX_INCENTIVE, Unit::WAD))
    }
}

impl Pool {
    /// `shares * (assets + 1) / (shares of all + 10^6)` (`SharesMathLib.toAssetsDown`, `toAssetsUp`).
    fn to_assets<T: Trace + ?Sized>(
        self,
        t: &mut T,
        formula: &'static str,
        shares: U256,
        rounding: Rounding,
        unit: Unit,
    ) -> Result<U256, Refusal> {
        let (assets, all) = self.with_virtual(formula)?;
        match rounding {
            Up => mul_div_up(t, formula, shares, assets, all, unit),
            _ => t.mul_div(formula, shares, assets, all, rounding, unit),
        }
    }

    /// `assets * (shares of all + 10^6) / (assets of all + 1)` (`SharesMathLib.toSharesDown`, `toSharesUp`).
    fn to_shares<T: Trace + ?Sized>(
        self,
        t: &mut T,
        formula: &'static str,
        assets: U256,
        rounding: Rounding,
        unit: Unit,
    ) -> Result<U256, Refusal> {
        let (all, shares) = self.with_virtual(formula)?;
        match rounding {
            Up => mul_div_up(t, formula, assets, shares, all, unit),
            _ => t.mul_div(formula, assets, shares, all, rounding, unit),
        }
    }

    fn with_virtual(self, formula: &'static str) -> Result<(U256, U256), Refusal> {
        let assets = self.assets.add(VIRTUAL_ASSETS).ok_or(Refusal::Overflow(formula))?;
        let shares = self.shares.add(VIRTUAL_SHARES).ok_or(Refusal::Overflow(formula))?;
        Ok((assets, shares))
    }
}

/// `(x * y + (by - 1)) / by`, which overflows where that sum does (`MathLib.mulDivUp`).
#[inline]
fn mul_div_up<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: U256,
    y: U256,
    by: U256,
    unit: Unit,
) -> Result<U256, Refusal> {
    if x.mul(y).and_then(|product| product.add(by.sub_or_zero(U256::ONE))).is_none() {
        return Err(Refusal::Overflow(formula));
    }
    t.mul_div(formula, x, y, by, Up, unit)
}

/// `UtilsLib.toUint128`.
fn cast(value: U256) -> Result<U256, Refusal> {
    if value.bit_len() <= 128 { Ok(value) } else { Err(Refusal::Overflow(MAX_UINT128)) }
}

/// `place += by.toUint128()` for a place of 128 bits.
fn grow(place: &mut U256, by: U256, formula: &'static str) -> Result<(), Refusal> {
    let sum = place.add(cast(by)?).filter(|sum| sum.bit_len() <= 128);
    *place = sum.ok_or(Refusal::Overflow(formula))?;
    Ok(())
}

/// `place -= by.toUint128()`: a panic where there is less, told as who asked too much of what.
fn shrink(place: &mut U256, by: U256) -> Result<(), Refusal> {
    let asked = cast(by)?;
    *place = place.sub(asked).ok_or(Refusal::AmountTooLarge { held: *place, asked })?;
    Ok(())
}

// ---- positions and their line ---------------------------------------------------------------------------------

/// What one account holds of the market.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    supply_shares: U256,
    collateral: U256,
    borrow_shares: U256,
}

impl Position {
    fn of(account: &Account) -> Result<Position, Refusal> {
        let mut position = Position::default();
        for holding in account.holdings() {
            let place = match holding.instrument {
                SUPPLY => &mut position.supply_shares,
                COLLATERAL => &mut position.collateral,
                BORROW => &mut position.borrow_shares,
                other => return Err(Refusal::NoSuchInstrument(other)),
            };
            let quantity = holding.quantity.to_u256().filter(|quantity| quantity.bit_len() <= 128);
            *place = quantity
                .ok_or(Refusal::InconsistentAccount("a holding that is negative or beyond 128 bits"))?;
        }
        Ok(position)
    }

    fn of_known(accounts: &dyn Accounts, id: AccountId) -> Result<Position, Refusal> {
        accounts.get(id).map_or(Ok(Position::default()), Position::of)
    }
}

/// The numbers that `_isHealthy` compares, and the value behind them (loan raw).
struct Line {
    owed: U256,
    value: U256,
    max_borrow: U256,
}

impl Line {
    /// `Morpho._isHealthy` with a price.
    #[inline]
    fn of<T: Trace + ?Sized>(
        t: &mut T,
        parameters: &Parameters,
        borrow: &Pool,
        position: &Position,
        price: U256,
    ) -> Result<Line, Refusal> {
        let unit = parameters.loan_unit();
        t.about(Subject::Holding(BORROW));
        let formula = "owed = shares * (borrow assets + 1) / (borrow shares + 1e6)";
        let owed = borrow.to_assets(t, formula, position.borrow_shares, Up, unit)?;
        t.about(Subject::Holding(COLLATERAL));
        let formula = "value = collateral * price / 1e36";
        let value = t.mul_div(formula, position.collateral, price, PRICE_SCALE, Down, unit)?;
        t.about(Subject::Account);
        let max_borrow = t.mul_div("maxBorrow = value * lltv", value, parameters.lltv, WAD, Down, unit)?;
        Ok(Line { owed, value, max_borrow })
    }

    fn healthy(&self) -> bool {
        self.max_borrow >= self.owed
    }
}

// ---- the market -----------------------------------------------------------------------------------------------

/// One market of Morpho Blue.
#[derive(Clone, Debug)]
pub struct Market {
    numbers: Numbers,
    names: [String; 2],
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: [PriceSlot; 1],
    nodes: [NodeSpec; 2],
}

impl Market {
    /// A market of these parameters in this state; `names` are the loan token's and the collateral token's.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] for numbers that the contract cannot hold: an lltv of one or more, a fee above 25 %,
    /// a total beyond 128 bits, a last update of zero; more than 36 decimals.
    pub fn new(names: [&str; 2], parameters: Parameters, state: State) -> Result<Market, Refusal> {
        let numbers = Numbers { rules: parameters, state };
        if !table::holds(FIELDS, &numbers) {
            return Err(Refusal::NoSuchCell);
        }
        let [loan, collateral] = names;
        let (loan_decimals, collateral_decimals) = (parameters.loan_decimals, parameters.collateral_decimals);
        let instrument = |name: String, kind, asset: &str, decimals| {
            let asset = asset.into();
            Instrument { name, kind, asset, decimals }
        };
        let instruments = vec![
            instrument(loan.into(), Kind::Asset, loan, loan_decimals),
            instrument(collateral.into(), Kind::Asset, collateral, collateral_decimals),
            instrument(format!("{loan} supply shares"), Kind::Receipt, loan, loan_decimals + 6),
            instrument(format!("{collateral} collateral"), Kind::Receipt, collateral, collateral_decimals),
            instrument(format!("{loan} borrow shares"), Kind::Debt, loan, loan_decimals + 6),
        ];
        let decimals = parameters.price_decimals();
        let slot = PriceSlot {
            asset: collateral.into(),
            currency: loan.into(),
            decimals,
            // 10^12 whole loan tokens for one whole collateral token, as far as 256 bits go.
            highest: U256::pow10(decimals + 12).unwrap_or(U256::MAX),
        };
        let nodes = [
            NodeSpec { name: format!("{collateral} price"), slot: Some(0) },
            NodeSpec { name: format!("{loan} debt per share"), slot: None },
        ];
        let names = [loan.into(), collateral.into()];
        Ok(Market { numbers, names, epoch: 0, instruments, slots: [slot], nodes })
    }

    /// What never changes.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.numbers.rules
    }

    /// What does.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.numbers.state
    }

    /// The state with interest to `at`, and what was added.
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`]; [`Refusal::Overflow`] where the contract reverts.
    pub fn accrued(&self, at: Time) -> Result<(State, Option<Interest>), Refusal> {
        self.numbers.accrue(at, &mut Silent)
    }

    /// The same market with these numbers.
    fn with(&self, numbers: Numbers) -> Result<Market, Refusal> {
        let [loan, collateral] = &self.names;
        let market = Market::new([loan, collateral], numbers.rules, numbers.state)?;
        Ok(Market { epoch: self.epoch, ..market })
    }
}

/// A Morpho market at one time, with one price.
struct Standing<'m> {
    market: &'m Market,
    lens: Lens,
    at: Time,
    price: Result<U256, Why>,
    state: State,
    fee_shares: U256,
    nodes: [Result<Node, Why>; 2],
}

const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
}

fn price_of(feeds: Feeds<'_>) -> Result<U256, Why> {
    let reading = feeds.get(0);
    reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))
}

fn known(price: Result<U256, Why>) -> Result<U256, Refusal> {
    price.map_err(|why| Refusal::PriceUnknown { slot: 0, why })
}

impl<'m> Standing<'m> {
    fn new(market: &'m Market, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Standing<'m>, Refusal> {
        market.numbers.seconds_to(at)?;
        let (state, interest) = match lens {
            Lens::Action => market.accrued(at)?,
            Lens::View => (market.numbers.state, None),
        };
        let price = price_of(feeds);
        let (assets, shares) = state.borrow.with_virtual("debt per share")?;
        // (assets + 1) <= 2^128 and (shares + 10^6) >= 10^6, so 10^44 times their quotient stays below 2^255.
        let debt = assets
            .mul(DEBT_NODE_SCALE)
            .and_then(|x| x.mul_div_wide(DEBT_NODE_SCALE, shares, Down))
            .ok_or(Refusal::Overflow("debt per share"))?;
        let debt = Node { mantissa: Int::from(debt), error: U256::ONE };
        let nodes = [price.map(|price| Node::exact(price.into())), Ok(debt)];
        let fee_shares = interest.map_or(U256::ZERO, |interest| interest.fee_shares);
        Ok(Standing { market, lens, at, price, state, fee_shares, nodes })
    }

    fn parameters(&self) -> &'m Parameters {
        &self.market.numbers.rules
    }

    fn assess_with<T: Trace + ?Sized>(&self, account: &Account, t: &mut T) -> Result<Assessment, Refusal> {
        let position = Position::of(account)?;
        if t.listens() && self.lens == Lens::Action {
            // The same calculation that made `self.state`, now with its steps.
            self.market.numbers.accrue(self.at, t)?;
        }
        let unit = self.parameters().loan_unit();
        let mut assessment = Assessment {
            verdict: Verdict::NoDebt,
            backing: Int::ZERO,
            requirement: Int::ZERO,
            collateral: Int::ZERO,
            debt: Int::ZERO,
            unit,
            executable: Ok(()),
        };
        let (parameters, pool) = (self.parameters(), &self.state.borrow);
        if position.borrow_shares == U256::ZERO {
            // The contract asks no price here, and so a missing one, or one that overflows, is no refusal: the
            // value is then not told.
            if let Ok(price) = self.price
                && let Ok(line) = Line::of(t, parameters, pool, &position, price)
            {
                assessment.backing = line.max_borrow.into();
                assessment.collateral = line.value.into();
            }
            return Ok(assessment);
        }
        let line = Line::of(t, parameters, pool, &position, known(self.price)?)?;
        assessment.verdict = if line.healthy() { Verdict::Healthy } else { Verdict::Unhealthy };
        assessment.backing = line.max_borrow.into();
        assessment.requirement = line.owed.into();
        assessment.collateral = line.value.into();
        assessment.debt = line.owed.into();
        Ok(assessment)
    }
}

impl Quoted for Standing<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, _: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(account, trace)
    }

    fn verdict(&self, account: &Account, _: Test) -> Result<Assessment, Refusal> {
        self.assess_with(account, &mut Silent)
    }

    /// What is owed rises with shares alone, what may be with collateral and price: both ends are exact.
    fn over(&self, low: &Account, high: &Account, _: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        let ends = [Position::of(low)?, Position::of(high)?];
        let [least, most] = &ends;
        if low.terms() != high.terms()
            || least.collateral > most.collateral
            || least.borrow_shares > most.borrow_shares
        {
            return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
        }
        let reading = feeds.get(0);
        let prices = [reading.low, reading.high.unwrap_or(self.market.slots[0].highest)];
        let line = |end: usize| {
            let (parameters, pool) = (self.parameters(), &self.state.borrow);
            Line::of(&mut Silent, parameters, pool, &ends[end], prices[end])
        };
        let range = |verdict, [low, high]: [&Line; 2]| Range {
            verdict,
            backing: [low.max_borrow.into(), high.max_borrow.into()],
            requirement: [low.owed.into(), high.owed.into()],
        };
        let nothing = Line { owed: U256::ZERO, value: U256::ZERO, max_borrow: U256::ZERO };
        let (low, high) = match (line(0), line(1)) {
            (Ok(low), Ok(high)) => (low, high),
            // Without debt the contract asks no price.
            _ if most.borrow_shares == U256::ZERO => return Ok(range(Some(Verdict::NoDebt), [&nothing; 2])),
            (Err(refusal), _) | (_, Err(refusal)) => return Err(refusal),
        };
        let verdict = match (least.borrow_shares == U256::ZERO, most.borrow_shares == U256::ZERO) {
            (_, true) => Some(Verdict::NoDebt),
            (true, false) => None,
            _ if low.max_borrow >= high.owed => Some(Verdict::Healthy),
            _ if high.max_borrow < low.owed => Some(Verdict::Unhealthy),
            _ => None,
        };
        Ok(range(verdict, [&low, &high]))
    }

    /// As the contract and its periphery name them: `borrowedAssets` (up) and `maxBorrow` (down) of `_isHealthy`,
    /// `supplyAssets` (down; the fee recipient's with the fee that this lens sees), `collateral`, and where there
    /// is debt `ltv` = owed / value (up) and `healthFactor` = maxBorrow / owed (down). An `ltv` against
    /// collateral that is worth nothing is 2^256 - 1.
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let position = Position::of(account)?;
        let assessment = self.assess_with(account, &mut Silent)?;
        let unit = assessment.unit;
        let supply = self.balance(account, SUPPLY)?.raw;
        let collateral_unit = Unit::raw(self.parameters().collateral_decimals);
        let mut figures = vec![
            figure("borrowedAssets", assessment.debt, unit),
            figure("supplyAssets", supply.into(), unit),
            figure("collateral", position.collateral.into(), collateral_unit),
        ];
        if self.price.is_ok() {
            figures.push(figure("maxBorrow", assessment.backing, unit));
        }
        if assessment.verdict != Verdict::NoDebt {
            let (owed, one) = (assessment.debt.magnitude(), WAD.value());
            let ltv = owed.mul_div_wide(one, assessment.collateral.magnitude(), Up).unwrap_or(U256::MAX);
            figures.push(figure("ltv", ltv.into(), Unit::WAD));
            let health = assessment.backing.magnitude().mul_div_wide(one, owed, Down);
            let health = health.ok_or(Refusal::DivisionByZero("healthFactor = maxBorrow / owed"))?;
            figures.push(figure("healthFactor", health.into(), Unit::WAD));
        }
        Ok(figures)
    }

    /// Supply is rounded down and debt up, as the contract pays out and asks.
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let position = Position::of(account)?;
        let (unit, t) = (self.parameters().loan_unit(), &mut Silent);
        let raw = match instrument {
            SUPPLY => {
                let fees =
                    if self.state.fee_recipient == Some(account.id) { self.fee_shares } else { U256::ZERO };
                let shares = t.add("shares + fee shares", position.supply_shares, fees, unit)?;
                self.state.supply.to_assets(t, "supply assets of the account", shares, Down, unit)?
            }
            BORROW => {
                let shares = position.borrow_shares;
                self.state.borrow.to_assets(t, "borrow assets of the account", shares, Up, unit)?
            }
            COLLATERAL => {
                let value = match self.price {
                    Ok(price) => {
                        let formula = "value = collateral * price / 1e36";
                        Some(t.mul_div(formula, position.collateral, price, PRICE_SCALE, Down, unit)?)
                    }
                    Err(_) => None,
                };
                return Ok(Balance { raw: position.collateral, value });
            }
            other => return Err(Refusal::NoSuchInstrument(other)),
        };
        Ok(Balance { raw, value: Some(raw) })
    }
}

impl plimsoll_core::Market for Market {
    fn venue(&self) -> (&'static str, &'static str) {
        (NAME, REVISIONS[0])
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    fn slots(&self) -> &[PriceSlot] {
        &self.slots
    }

    fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    fn terms(&self) -> &[TermSpec] {
        &[]
    }

    /// Of collateral the contract keeps no total.
    fn total(&self, instrument: InstrumentId) -> Option<U256> {
        match instrument {
            SUPPLY => Some(self.numbers.state.supply.shares),
            BORROW => Some(self.numbers.state.borrow.shares),
            _ => None,
        }
    }

    /// Utilisation moves both rates.
    fn rated(&self) -> &'static [InstrumentId] {
        &[SUPPLY, BORROW]
    }

    fn updated(&self) -> Time {
        Time(self.numbers.state.last_update)
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        Ok(Box::new(Standing::new(self, feeds, lens, at)?))
    }

    /// One line for every test; the form holds at every node and time while the rules stand.
    fn compile(&self, account: &Account, _: Question) -> Result<Compiled, Refusal> {
        let position = Position::of(account)?;
        if position.borrow_shares == U256::ZERO {
            return Ok(Compiled::NoDebt);
        }
        let overflow = Refusal::Overflow("the form's coefficients");
        let lltv = self.numbers.rules.lltv;
        let backing = position.collateral.mul(lltv).ok_or(overflow)?;
        let requirement = position.borrow_shares.mul(DEBT_COEFFICIENT).ok_or(overflow)?;
        let scale = U256::pow10(54).ok_or(overflow)?;
        let slack = scale.mul(U256::new(2)).and_then(|two| two.add(lltv.mul(SLACK_PER_LLTV)?));
        let value = position.collateral.mul(WAD.value()).ok_or(overflow)?;
        let term =
            |node, coefficient: U256| Linear { terms: vec![(node, coefficient.into())], constant: Int::ZERO };
        Ok(Compiled::Rows(vec![Form {
            backing: term(PRICE_NODE, backing),
            requirement: term(DEBT_NODE, requirement),
            collateral: term(PRICE_NODE, value),
            debt: term(DEBT_NODE, requirement),
            hinges: Vec::new(),
            slack: Linear { terms: Vec::new(), constant: slack.ok_or(overflow)?.into() },
            scale,
            valid: Valid { boxes: Vec::new(), epoch: self.epoch },
        }]))
    }

    /// Posted collateral counts by the market's lltv; what is lent out never does.
    fn counting(&self, _: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let (weight, why_not) = match instrument {
            COLLATERAL => (Some(self.numbers.rules.lltv), None),
            SUPPLY => (None, Some(WhyNot::NeverCollateral)),
            BORROW => (None, None),
            other => return Err(Refusal::NoSuchInstrument(other)),
        };
        Ok(Counting { weight, unit: Unit::WAD, why_not, frozen: false, paused: false })
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        Turn::new(self, call, accounts, feeds, trace)?.act(&call.action)
    }

    /// A changed rule (lltv, rate model, fee, decimals) moves the epoch.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        if cell.object != 0 {
            return Err(Refusal::NoSuchCell);
        }
        let mut numbers = self.numbers;
        table::set(FIELDS, &mut numbers, cell.field, value.as_ref())?;
        if cell.field < RULES {
            *self = self.with(numbers)?;
            self.move_epoch();
        }
        self.numbers = numbers;
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        table::visit(FIELDS, 0, &self.numbers, see);
    }

    /// Who gets the fee is an account's number, which is each book's own, and no rule of this sort.
    fn nature(&self, cell: Cell) -> Nature {
        if cell.field < RULES { Nature::Rule } else { Nature::State }
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let [loan, collateral] = &self.names;
        vec![(0, "loan", loan.clone()), (0, "collateral", collateral.clone())]
    }

    fn move_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    fn boxed_clone(&self) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.clone())
    }
}

// ---- opening --------------------------------------------------------------------------------------------------

/// The venue's name in files.
pub const NAME: &str = "morpho_blue";
const REVISIONS: &[&str] = &["1.0"];

/// Opens Morpho Blue markets.
#[derive(Clone, Copy, Debug)]
pub struct MorphoBlue;

impl plimsoll_core::Venue for MorphoBlue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn revisions(&self) -> &'static [&'static str] {
        REVISIONS
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn plimsoll_core::Market>, Refusal> {
        let encoded = Encoded::read(bytes).ok_or(Refusal::NoSuchCell)?;
        if encoded.venue != NAME || !REVISIONS.contains(&encoded.revision.as_str()) {
            return Err(Refusal::NotAtThisVenue);
        }
        let [(0, loan_key, loan), (0, collateral_key, collateral)] = encoded.names.as_slice() else {
            return Err(Refusal::NoSuchCell);
        };
        if loan_key != "loan" || collateral_key != "collateral" {
            return Err(Refusal::NoSuchCell);
        }
        // Any row will do to be filled: every field is written below.
        let parameters =
            Parameters { loan_decimals: 0, collateral_decimals: 0, lltv: U256::ZERO, irm: Irm::Zero };
        let mut numbers = Numbers { rules: parameters, state: State::default() };
        let rest = table::fill(FIELDS, 0, &mut numbers, &encoded.cells)?;
        if !rest.is_empty() {
            return Err(Refusal::NoSuchCell);
        }
        let market = Market::new([loan, collateral], numbers.rules, numbers.state)?;
        Ok(Box::new(Market { epoch: encoded.epoch, ..market }))
    }
}
