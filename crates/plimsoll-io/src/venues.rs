//! Every venue that markets can be of.

use plimsoll_core::Venue;

/// All venues: whoever opens markets from their canonical bytes needs them.
#[must_use]
pub const fn venues() -> &'static [&'static dyn Venue] {
    &[
        &plimsoll_venues::aave_v3::AaveV3,
        &plimsoll_venues::aave_v4::AaveV4,
        &plimsoll_venues::morpho_blue::MorphoBlue,
        &plimsoll_venues::compound_v3::CompoundV3,
        &plimsoll_venues::maker::Maker,
        &plimsoll_venues::liquity_v2::LiquityV2,
        &plimsoll_margin::market::Cross,
    ]
}
