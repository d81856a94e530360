//! A crash, as somebody wrote it down, before any book is looked at: how prices move, what oracles make of them, where things are sold, who
//! acts. Decimals and seconds; `docs/simulate.md` says what each number means.

use crate::num::Decimal;
use alloc::string::String;
use alloc::vec::Vec;

/// A crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// Where its figures are from.
    pub sources: Vec<String>,
    /// Assets that keep their price in USD.
    pub hold: Vec<String>,
    /// So many steps.
    pub steps: u32,
    /// Of so many seconds each.
    pub step: u64,
    /// Jumps a year, of all assets at once.
    pub jumps: Decimal,
    /// The correlation of what is drawn between jumps, from 0 to 1.
    pub together: Decimal,
    /// What moves.
    pub assets: Vec<CrashAsset>,
    /// What oracles do; of two that name an asset the later counts.
    pub oracles: Vec<CrashOracle>,
    /// What depth does as it is sold into.
    pub street: CrashStreet,
    /// How many times gas rises for each part that the deepest asset fell in an hour.
    pub surge: Decimal,
    /// Who liquidates.
    pub keepers: Vec<CrashKeeper>,
    /// Borrowers who act.
    pub borrowers: Vec<CrashBorrowers>,
    /// Pools with real reserves.
    pub pools: Vec<CrashPool>,
}

/// How an asset moves in USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashAsset {
    /// Its names.
    pub names: Vec<String>,
    /// Where its price is, as a part of that at the start, at some seconds; straight lines of its logarithm between.
    pub way: Vec<(u64, Decimal)>,
    /// Only what a sale fetches moves, beside what oracles would say: a discount that no oracle sees.
    pub blind: bool,
    /// Volatility a year, as a share.
    pub volatility: Decimal,
    /// What a jump leaves of the price, in the middle.
    pub jump: Decimal,
    /// The standard deviation of a jump's logarithm.
    pub spread: Decimal,
    /// Where it was measured; nothing where it is assumed.
    pub measured: Option<String>,
}

/// What an oracle makes of a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashOracle {
    /// Of these assets; none for all.
    pub assets: Vec<String>,
    /// It publishes at least this often \[s\].
    pub heartbeat: u64,
    /// And when it has moved by this part.
    pub deviation: Decimal,
    /// What it publishes is acted on so much later \[s\].
    pub delay: u64,
    /// It is the mean of so many seconds.
    pub mean: u64,
    /// It goes at most this part at once; nothing for no bound.
    pub cap: Option<Decimal>,
    /// It publishes nothing from this second on.
    pub frozen: Option<u64>,
    /// From one second to another it is so many times the price.
    pub wrong: Option<(u64, u64, Decimal)>,
    /// Where it was measured.
    pub measured: Option<String>,
}

/// What depth curves do as they are sold into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashStreet {
    /// Half of what was sold has buyers again after so many seconds; 0 for never.
    pub half_life: u64,
    /// The part of depth that goes for each part that its asset fell.
    pub withdraws: Decimal,
    /// The part of a curve's displacement that the market's price shows.
    pub spills: Decimal,
    /// Where it was measured.
    pub measured: Option<String>,
}

/// A keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashKeeper {
    /// His name.
    pub name: String,
    /// What he can repay in one call, in the market's currency; nothing where he borrows it for the call.
    pub capital: Option<Decimal>,
    /// The least that he acts for, in the market's currency.
    pub least: Decimal,
    /// The highest gas price that he pays, in times the calm one; nothing for any.
    pub gas_most: Option<Decimal>,
    /// Calls in one step.
    pub calls: u32,
    /// How likely he is to be there at a step.
    pub awake: Decimal,
    /// Where that was measured.
    pub measured: Option<String>,
}

/// Borrowers who act when they come near their line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashBorrowers {
    /// They pay in more collateral (true) or pay back debt.
    pub pays_in: bool,
    /// The part of all who owe.
    pub share: Decimal,
    /// They act below this health.
    pub trigger: Decimal,
    /// And bring it to this.
    pub target: Decimal,
    /// So many seconds later.
    pub delay: u64,
    /// So often at most.
    pub times: u32,
    /// Where that was measured.
    pub measured: Option<String>,
}

/// A pool of two assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPool {
    /// Its name.
    pub name: String,
    /// The assets.
    pub assets: [String; 2],
    /// Whole tokens of each.
    pub reserves: [Decimal; 2],
    /// The fee, as a part.
    pub fee: Decimal,
    /// StableSwap with this amplification; nothing where the product is constant.
    pub amplification: Option<u64>,
    /// Somebody brings it back to the market every so many seconds; 0 for never.
    pub latency: u64,
    /// Where that was measured.
    pub measured: Option<String>,
}
