//! Cross margin in files: assets at weights, perps, and accounts that hold, owe, are long and short.

mod mode;
mod model;
mod presets;
mod read;
mod write;

use crate::book::margin::Ledger;
use crate::book::venue::VenueFile;
use crate::fault::Log;
use crate::table::Cell;
use plimsoll_core::{Account, InstrumentId};
use plimsoll_margin::market::{Market, NAME, REVISIONS};

pub(in crate::book) use model::read as read_model;
pub(in crate::book) use presets::{other, preset, presets};
pub(in crate::book) use write::positions;

pub(super) const FILE: VenueFile = VenueFile {
    name: NAME,
    revisions: REVISIONS,
    read: read::market,
    write: write::market,
    positions: write::positions,
};

/// What a market takes of one holding.
const BITS: usize = 127;

impl Ledger for Market {
    const WORDS: [&'static str; 2] = ["a perp that the market lists", "an asset as kind supply or debt"];
    const BITS: usize = BITS;

    fn asset_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.spec().assets.iter().map(|asset| asset.name.as_str())
    }

    fn contract_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.spec().perps.iter().map(|perp| perp.name.as_str())
    }

    fn base_of(&self, contract: usize) -> InstrumentId {
        self.base(contract)
    }

    fn quote_of(&self, contract: usize) -> InstrumentId {
        self.quote(contract)
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        mode::read(self, account, mode, log);
    }
}
