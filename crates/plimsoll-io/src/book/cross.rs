//! Cross margin in files: assets at weights, perps, and accounts that hold, owe, are long and short.

mod mode;
mod presets;
mod read;
mod write;

use crate::book::venue::{Desk, Leg, Posting, Side, VenueFile};
use crate::fault::{Code, Log, nearest, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, InstrumentId, U256};
use plimsoll_margin::market::{Market, NAME, REVISIONS, held, owed};

pub(super) const FILE: VenueFile = VenueFile {
    name: NAME,
    revisions: REVISIONS,
    read: read::market,
    write: write::market,
    positions: write::positions,
};

/// What a market takes of one holding.
const BITS: usize = 127;

struct CrossDesk {
    market: Market,
}

impl CrossDesk {
    fn assets(&self) -> impl Iterator<Item = &str> + Clone {
        self.market.spec().assets.iter().map(|asset| asset.name.as_str())
    }

    fn perps(&self) -> impl Iterator<Item = &str> + Clone {
        self.market.spec().perps.iter().map(|perp| perp.name.as_str())
    }
}

/// The place of a name in a list, or a fault.
fn place<'n>(
    cell: &Cell<'_>,
    mut known: impl Iterator<Item = &'n str> + Clone,
    others: impl Iterator<Item = &'n str> + Clone,
    [expected, instead]: [&str; 2],
    log: &mut Log,
) -> Option<usize> {
    let all = known.clone();
    let found = known.position(|name| name == cell.text);
    if found.is_none() && others.clone().any(|name| name == cell.text) {
        log.at(Code::NotHeldHere, cell.span, quoted(&cell.text), instead);
    } else if found.is_none() {
        let fault = log.at(Code::UnknownAsset, cell.span, quoted(&cell.text), expected);
        if let Some(near) = nearest(&cell.text, all.chain(others)) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

impl Desk for CrossDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    /// What is supplied backs: both kinds are one.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let words = ["an asset that the market lists", "a position in it as kind long or short"];
        let asset = place(posting.asset, self.assets(), self.perps(), words, log)?;
        Some(if posting.side == Side::Debt { owed(asset) } else { held(asset) })
    }

    fn leg(&self, leg: Leg, _: &Cell<'_>, asset: &Cell<'_>, log: &mut Log) -> Option<InstrumentId> {
        let words = ["a perp that the market lists", "an asset as kind supply or debt"];
        let perp = place(asset, self.perps(), self.assets(), words, log)?;
        Some(match leg {
            Leg::Long | Leg::Short => self.market.base(perp),
            Leg::Paid | Leg::Received => self.market.quote(perp),
        })
    }

    fn stored(&self, _: InstrumentId) -> Option<&'static str> {
        None
    }

    fn bits(&self, _: InstrumentId) -> usize {
        BITS
    }

    fn convert(&self, _: InstrumentId, raw: U256) -> Option<U256> {
        Some(raw)
    }

    fn mark(&self, _: &mut Account, posting: &Posting<'_>, _: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            log.at(Code::Contradiction, span, "a choice", "nothing: all that is held backs the account");
        }
    }

    /// The market keeps no totals.
    fn cover(&mut self, _: &[(InstrumentId, U256)]) -> Option<()> {
        Some(())
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        mode::read(&self.market, account, mode, log);
    }
}
