//! Portfolio margin in files: assets at haircuts, what contracts are on, when they expire, the contracts, and the model that margins them.

mod model;
mod presets;
mod read;
mod write;

use crate::book::cross;
use crate::book::margin::Ledger;
use crate::book::venue::VenueFile;
use crate::fault::{Code, Log, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, InstrumentId};
use plimsoll_margin::portfolio::{Market, NAME, REVISIONS};

pub(super) use model::read as read_model;
pub(super) use presets::{other, preset, presets};

pub(super) const FILE: VenueFile = VenueFile {
    name: NAME,
    revisions: REVISIONS,
    read: read::market,
    write: write::market,
    positions: cross::positions,
};

impl Ledger for Market {
    const WORDS: [&'static str; 2] = ["a contract that the market lists", "an asset as kind supply or debt"];
    const BITS: usize = 126;

    fn asset_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.spec().assets.iter().map(|asset| asset.name.as_str())
    }

    fn contract_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.spec().contracts.iter().map(|contract| contract.name.as_str())
    }

    fn base_of(&self, contract: usize) -> InstrumentId {
        self.base(contract)
    }

    fn quote_of(&self, contract: usize) -> InstrumentId {
        self.quote(contract)
    }

    fn mode(&self, _: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        log.at(Code::UnknownMode, mode.span, quoted(&mode.text), "no mode, as this venue has none");
    }
}
