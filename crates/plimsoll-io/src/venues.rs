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
        &plimsoll_margin::portfolio::Portfolio,
    ]
}

#[cfg(test)]
mod tests {
    use super::venues;

    /// Whatever a book can have, an engine can open again.
    #[test]
    fn every_venue_of_a_book_is_here() {
        let mut here: Vec<&str> = venues().iter().map(|venue| venue.name()).collect();
        let mut files: Vec<&str> = crate::book::venue_names().collect();
        here.sort_unstable();
        files.sort_unstable();
        assert_eq!(here, files);
    }
}
