//! What a market is made of, and what must hold of it.

use crate::schedule::Schedule;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{Time, U256};

/// One, of weights and rates.
pub const ONE: u32 = crate::cross::WEIGHT;
/// No asset or perp has more decimals.
pub const MOST_DECIMALS: u8 = 18;
/// No price has more.
pub const MOST_PRICE_DECIMALS: u8 = 12;
/// Most assets, most perps, and most tiers of a perp.
pub const MOST: usize = 1_000;

/// Of a number for each line: the one that new risk must leave the account above.
pub const INITIAL: usize = 0;
/// The one below which it is liquidated.
pub const MAINTENANCE: usize = 1;

/// What counts of an asset on one line (millionths).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Of what is held.
    pub asset: u32,
    /// Of what is owed.
    pub liability: u32,
}

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its name.
    pub name: String,
    /// Decimals of its raw unit.
    pub decimals: u8,
    /// Whether the market reads a price of it; otherwise it is worth one of the currency.
    pub priced: bool,
    /// Its weights on both lines.
    pub weights: [Weights; 2],
    /// No more value of one account counts than this, before the weight (currency, in the decimals of prices); zero for no cap.
    pub cap: U256,
    /// Whether it can be borrowed.
    pub lends: bool,
    /// What a liquidator receives of it beyond what he repays (millionths).
    pub bonus: u32,
}

/// From some notional on, so much is asked of what is above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The notional (raw units of the asset that the perp settles in).
    pub from: U256,
    /// The rate (millionths).
    pub rate: u32,
}

/// What one line asks of a perp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What counts of a profit (millionths).
    pub profit: u32,
    /// Rates that rise with the notional, the first from nothing on.
    pub tiers: Vec<Tier>,
}

/// A perp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Perp {
    /// Its name.
    pub name: String,
    /// Decimals of its base.
    pub decimals: u8,
    /// The asset that it settles in, as a place among the market's.
    pub settles_in: usize,
    /// The least by which a position changes (raw base).
    pub lot: U256,
    /// What a liquidator takes of the notional that he closes (millionths).
    pub fee: u32,
    /// What both lines ask.
    pub asked: [Asked; 2],
}

/// What a market is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What prices and values are counted in.
    pub currency: String,
    /// Decimals of prices.
    pub price_decimals: u8,
    /// When it was like this.
    pub updated: Time,
    /// Its assets.
    pub assets: Vec<Asset>,
    /// Its perps.
    pub perps: Vec<Perp>,
    /// Margins of perps that change with time: in force is the greater of both sides, as the first tier's rate; the further tiers ask as much more as before.
    pub schedules: Vec<Schedule>,
}

/// Why no market can be made of a [`Spec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// What is wrong, as a number of the asset or perp named.
    pub what: &'static str,
    /// The place of the asset or perp.
    pub place: usize,
}

/// What [`super::Market::new`] asks of a spec.
pub(super) fn sound(spec: &Spec) -> Result<(), SpecError> {
    let wrong = |what, place| Err(SpecError { what, place });
    if spec.price_decimals > MOST_PRICE_DECIMALS {
        return wrong("price_decimals", 0);
    }
    if spec.assets.len() > MOST || spec.perps.len() > MOST {
        return wrong("their number", MOST);
    }
    if spec.perps.is_empty() && !spec.assets.iter().any(|asset| asset.priced) {
        return wrong("no price at all", 0);
    }
    for (place, asset) in spec.assets.iter().enumerate() {
        let [initial, maintenance] = asset.weights;
        if asset.decimals > MOST_DECIMALS {
            return wrong("decimals", place);
        }
        if maintenance.asset > ONE || initial.asset > maintenance.asset {
            return wrong("asset_weight", place);
        }
        if maintenance.liability < ONE
            || initial.liability < maintenance.liability
            || initial.liability > 100 * ONE
        {
            return wrong("liability_weight", place);
        }
        if asset.cap.bit_len() > 128 {
            return wrong("collateral_cap", place);
        }
        if asset.bonus > ONE {
            return wrong("liquidation_bonus", place);
        }
    }
    for (place, perp) in spec.perps.iter().enumerate() {
        let Some(settles) = spec.assets.get(perp.settles_in) else { return wrong("settles_in", place) };
        if perp.decimals > MOST_DECIMALS {
            return wrong("decimals", place);
        }
        if settles.cap != U256::ZERO {
            return wrong("settles_in", place);
        }
        if perp.lot == U256::ZERO || perp.lot.bit_len() > 127 {
            return wrong("lot", place);
        }
        if perp.fee > ONE {
            return wrong("liquidation_fee", place);
        }
        let [initial, maintenance] = &perp.asked;
        if maintenance.profit > ONE || initial.profit > maintenance.profit {
            return wrong("profit_weight", place);
        }
        if perp.asked.iter().any(|asked| !rising(&asked.tiers)) {
            return wrong("tiers", place);
        }
    }
    scheduled(&spec.schedules, spec.perps.len())
}

/// Whether schedules are sound, of things that there are, each side of them once.
pub(crate) fn scheduled(schedules: &[Schedule], listed: usize) -> Result<(), SpecError> {
    for (place, one) in schedules.iter().enumerate() {
        let twice = schedules[..place].iter().any(|known| (known.of, known.side) == (one.of, one.side));
        if let Some(what) = one.unsound() {
            return Err(SpecError { what, place });
        }
        if one.of >= listed || twice {
            return Err(SpecError { what: "schedules", place });
        }
    }
    Ok(())
}

/// Whether tiers rise from nothing on, and the first asks something.
fn rising(tiers: &[Tier]) -> bool {
    let Some(first) = tiers.first() else { return false };
    let pairs = || tiers.iter().zip(tiers.iter().skip(1));
    tiers.len() <= MOST
        && first.from == U256::ZERO
        && first.rate > 0
        && pairs().all(|(one, next)| one.from < next.from && one.rate < next.rate)
        && tiers.iter().all(|tier| tier.rate <= ONE && tier.from.bit_len() <= 128)
}
