//! The words with which Maker's refusals name what stands in the way.

/// What [`plimsoll_core::Refusal::Overflow`] names for a seizure that is too large: `Dog/overflow`.
pub const SEIZED_INT256: &str = "what is seized within int256";

/// Whose consent is missing ([`plimsoll_core::Refusal::NoConsent`]).
pub mod consent {
    /// `Vat/not-allowed-u`, `Vat/not-allowed`.
    pub const POSITION: &str = "of the position's owner";
    /// `Vat/not-allowed-v`.
    pub const COLLATERAL_PARTY: &str = "of the party that gives the collateral";
    /// `Vat/not-allowed-w`.
    pub const DEBT_PARTY: &str = "of the party that pays the debt";
}

/// Which rule a bid breaks ([`plimsoll_core::Refusal::BidRefused`]).
pub mod bid {
    /// `Flipper/lot-not-matching`.
    pub const LOT_NOT_MATCHING: &str = "a higher bid is for all of the collateral";
    /// `Flipper/higher-than-tab`.
    pub const HIGHER_THAN_TAB: &str = "no bid is above the debt with the penalty";
    /// `Flipper/bid-not-higher`.
    pub const BID_NOT_HIGHER: &str = "the next bid is above the last";
    /// `Flipper/insufficient-increase`.
    pub const INSUFFICIENT_INCREASE: &str = "the next bid is `beg` times the last, or the whole debt";
    /// `Flipper/not-matching-bid`.
    pub const NOT_MATCHING_BID: &str = "who asks for less collateral bids as much Dai";
    /// `Flipper/lot-not-lower`.
    pub const LOT_NOT_LOWER: &str = "the next bid is for less collateral";
    /// `Flipper/insufficient-decrease`.
    pub const INSUFFICIENT_DECREASE: &str = "the last bid's collateral is `beg` times the next bid's";
}

/// What a phase of an auction asks for ([`plimsoll_core::Refusal::AuctionPhase`]).
pub mod phase {
    /// `Flipper/tend-not-finished`.
    pub const TEND_NOT_FINISHED: &str = "the whole debt is bid first";
    /// `Flipper/already-dent-phase`.
    pub const ALREADY_DENT: &str = "it can be called off before the whole debt is bid";
    /// `Flipper/bid-already-placed`.
    pub const ALREADY_BID: &str = "it can be restarted before the first bid";
}
