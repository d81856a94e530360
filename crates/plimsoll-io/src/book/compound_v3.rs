//! Compound v3 in files: one market of a base token and its collateral assets.

mod read;
mod write;

use crate::book::venue::{Desk, Posting, Side, VenueFile, cell, raise};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, InstrumentId, Int, Market as _, Rounding, U256};
use plimsoll_venues::compound_v3::{
    DEBT, Market, NAME, PAUSE_ABSORB, PAUSE_BUY, PAUSE_SUPPLY, PAUSE_TRANSFER, PAUSE_WITHDRAW, SUPPLY, State,
    TRACKING_ACCRUED, TRACKING_INDEX, collateral,
};

pub(super) const FILE: VenueFile = VenueFile {
    name: NAME,
    revisions: &["3.0"],
    read: read::market,
    write: write::market,
    positions: write::positions,
};

/// What can be stopped, by the words of files.
const PAUSES: &[(&str, u8)] = &[
    ("supply", PAUSE_SUPPLY),
    ("transfer", PAUSE_TRANSFER),
    ("withdraw", PAUSE_WITHDRAW),
    ("absorb", PAUSE_ABSORB),
    ("buy", PAUSE_BUY),
];

/// 10^15: an index of one.
const INDEX_ONE: U256 = U256::new(10u128.pow(15));

/// The contract holds no principal of more bits, sign apart.
const PRINCIPAL_BITS: usize = 103;

/// What an account's mode begins with: `rewards=INDEX/ACCRUED`.
const REWARDS: &str = "rewards=";

struct CometDesk {
    market: Market,
    /// With the indices of the book's time.
    projected: State,
}

impl CometDesk {
    fn symbols(&self) -> impl Iterator<Item = &str> + Clone {
        std::iter::once(self.market.base())
            .chain(self.market.assets().iter().map(|asset| asset.symbol.as_str()))
    }
}

impl Desk for CometDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    /// The base token is supplied or owed, everything else is collateral.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let symbol = &*posting.asset.text;
        let place = self.symbols().position(|listed| listed == symbol);
        let base = self.market.base();
        match (place, posting.side) {
            (Some(0), Side::Supply) => Some(SUPPLY),
            (Some(0), Side::Debt) => Some(DEBT),
            (Some(0), Side::Collateral) => {
                let expected = format!("supply or debt beside {base}, which is never collateral here");
                log.at(Code::NotHeldHere, posting.kind.span, quoted(&posting.kind.text), expected);
                None
            }
            (Some(place), Side::Collateral) => Some(collateral(place - 1)),
            (Some(_), _) => {
                let expected = format!("{base}, the only asset of kind {} here", posting.kind.text);
                log.at(Code::NotHeldHere, posting.asset.span, quoted(symbol), expected)
                    .help("what secures a loan here is of the kind collateral");
                None
            }
            (None, _) => {
                let expected = "an asset that the market lists";
                let fault = log.at(Code::UnknownAsset, posting.asset.span, quoted(symbol), expected);
                if let Some(near) = nearest(symbol, self.symbols()) {
                    fault.help(format!("did you mean `{near}`?"));
                }
                None
            }
        }
    }

    fn stored(&self, instrument: InstrumentId) -> Option<&'static str> {
        matches!(instrument, SUPPLY | DEBT).then_some("scaled")
    }

    /// `principalValue` by the indices of the book's time: a claim rounded down, a debt up.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        let (index, rounding) = match instrument {
            SUPPLY => (self.projected.base_supply_index, Rounding::Down),
            DEBT => (self.projected.base_borrow_index, Rounding::Up),
            _ => return Some(raw),
        };
        raw.mul_div(INDEX_ONE, index, rounding)
    }

    fn mark(&self, account: &mut Account, posting: &Posting<'_>, instrument: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            let expected = "nothing: here collateral is a kind of its own";
            log.at(Code::Contradiction, span, "a choice", expected);
        }
        if !matches!(instrument, SUPPLY | DEBT) {
            return;
        }
        let quantity = account.quantity(instrument);
        if quantity.magnitude().bit_len() > PRINCIPAL_BITS {
            let expected = format!("a principal below 2^{PRINCIPAL_BITS}");
            log.at(Code::OutOfRange, posting.asset.span, quantity.to_string(), expected);
        }
        if !account.quantity(SUPPLY).is_zero() && !account.quantity(DEBT).is_zero() {
            let found = format!("{} both supplied and owed", posting.asset.text);
            log.at(
                Code::Contradiction,
                posting.kind.span,
                found,
                "one of the two: the venue keeps one balance",
            )
            .help("what is supplied pays the debt");
        }
    }

    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()> {
        let sum =
            |instrument| sums.iter().find(|(id, _)| *id == instrument).map_or(U256::ZERO, |(_, sum)| *sum);
        let State { base_supply_index, base_borrow_index, .. } = self.projected;
        let supplied = raise(&mut self.market, 0, "total_supply_base", sum(SUPPLY))?;
        let owed = raise(&mut self.market, 0, "total_borrow_base", sum(DEBT))?;
        // What was supplied lies in the market; loans are taken out of it as far as it goes.
        let come = supplied.mul_div(base_supply_index, INDEX_ONE, Rounding::Up)?;
        let gone = owed.mul_div(base_borrow_index, INDEX_ONE, Rounding::Down)?;
        let (held, balance) = cell(&self.market, 0, "base_balance")?;
        let balance = balance.add(come)?.sub_or_zero(gone);
        self.market.set(held, Some(Int::from(balance))).ok()?;
        for asset in 0..self.market.assets().len() {
            raise(&mut self.market, asset as u64 + 1, "total_supply", sum(collateral(asset)))?;
        }
        Some(())
    }

    /// What the venue keeps for an account's rewards; without it they are counted from the market's beginning.
    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        let numbers = mode.text.strip_prefix(REWARDS).and_then(|rest| rest.split_once('/'));
        let parsed = numbers.and_then(|(index, accrued)| Some((small(index)?, small(accrued)?)));
        match parsed {
            Some((index, accrued)) => {
                account.set_term(TRACKING_INDEX, index);
                account.set_term(TRACKING_ACCRUED, accrued);
            }
            None => {
                let expected =
                    "rewards=INDEX/ACCRUED: the account's baseTrackingIndex and baseTrackingAccrued";
                log.at(Code::UnknownMode, mode.span, quoted(&mode.text), expected);
            }
        }
    }
}

/// A whole number of 64 bits, written as it is written back.
fn small(text: &str) -> Option<Int> {
    let number = text.parse::<u64>().ok()?;
    (number.to_string() == text).then(|| Int::from(number))
}

/// The first character of a table, to point at when no field of it is meant.
fn head(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}
