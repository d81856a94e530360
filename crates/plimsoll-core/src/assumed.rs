//! What somebody assumes of assets beyond their prices, before any book is looked at: how much circulates, and what may fail at once.

use crate::num::Decimal;
use alloc::string::String;
use alloc::vec::Vec;

/// How much of an asset there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Names of the asset.
    pub assets: Vec<String>,
    /// What circulates (whole tokens).
    pub circulating: Decimal,
    /// It is meant to keep its value.
    pub stable: bool,
}

/// Something that may fail at once, and take value with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// What it is called.
    pub name: String,
    /// What kind of thing fails.
    pub kind: HazardKind,
    /// Names of the assets that it strikes; whatever is built on them is struck, too.
    pub assets: Vec<String>,
    /// How often a year it happens, as an intensity.
    pub a_year: Decimal,
    /// The part of the value that is lost then, from 0 to 1.
    pub loses: Decimal,
    /// Hazards of one group are one event: they happen together.
    pub group: Option<String>,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HazardKind {
    /// A smart contract.
    Contract,
    /// Who issued it.
    Issuer,
    /// A bridge.
    Bridge,
}

impl HazardKind {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HazardKind::Contract => "contract",
            HazardKind::Issuer => "issuer",
            HazardKind::Bridge => "bridge",
        }
    }
}
