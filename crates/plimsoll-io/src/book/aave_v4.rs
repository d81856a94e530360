//! Aave v4 in files: hub assets, spokes, and reserves, each a hub asset as a spoke offers it.

mod mode;
mod read;
mod write;

use crate::book::venue::{Beside, Desk, Posting, Side, VenueFile, cell, raise};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, InstrumentId, Int, Market as _, RAY, Rounding, U256};
use plimsoll_venues::aave_v4::{
    AssetViews, MAP, Market, NAME, RISK_PREMIUM, configuration_key, debt, premium_offset, premium_shares,
    receipt,
};

pub(super) const FILE: VenueFile = VenueFile {
    name: NAME,
    revisions: &["0.5.11"],
    read: read::market,
    write: write::market,
    positions: write::positions,
};

/// Hub shares have this many bits at most.
const SHARE_BITS: usize = 120;

struct HubDesk {
    market: Market,
    /// For each reserve, its hub asset at the book's time.
    views: Vec<AssetViews>,
}

impl HubDesk {
    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.market.reserves().iter().map(|reserve| reserve.name.as_str())
    }
}

impl Desk for HubDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    /// A row names a reserve; a supply and a collateral are one receipt, and a flag says which.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let name = &*posting.asset.text;
        let Some(place) = self.names().position(|listed| listed == name) else {
            let expected = "a reserve that the market lists";
            let fault = log.at(Code::UnknownAsset, posting.asset.span, quoted(name), expected);
            if let Some(near) = nearest(name, self.names()) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return None;
        };
        Some(match posting.side {
            Side::Supply | Side::Collateral => receipt(place),
            Side::Debt => debt(place),
        })
    }

    fn stored(&self, _: InstrumentId) -> Option<&'static str> {
        Some("shares")
    }

    fn bits(&self, _: InstrumentId) -> usize {
        SHARE_BITS
    }

    /// What a supply would get now, and what a loan would owe.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        let views = self.views.get(instrument.index() / 3)?;
        let shares = match instrument.0 % 3 {
            2 => views.drawn_shares_of(raw, Rounding::Up),
            _ => views.shares_of(raw, Rounding::Down),
        };
        shares.ok()
    }

    fn mark(&self, account: &mut Account, posting: &Posting<'_>, instrument: InstrumentId, log: &mut Log) {
        let place = instrument.index() / 3;
        let reserve = &self.market.reserves()[place];
        let others = self.market.reserves().iter().enumerate();
        let mut held = others.filter(|(other, _)| {
            let quantity = |id| !account.quantity(id).is_zero();
            quantity(receipt(*other)) || quantity(debt(*other))
        });
        if let Some((_, other)) = held.find(|(_, other)| other.spoke != reserve.spoke) {
            let spoke = |of: usize| &self.market.spokes()[of].name;
            let found = format!("{}, of spoke {}", posting.asset.text, spoke(reserve.spoke));
            let expected =
                format!("reserves of one spoke, as {} of spoke {}", other.name, spoke(other.spoke));
            log.at(Code::Contradiction, posting.asset.span, found, expected)
                .help("who is in two spokes has two accounts");
        }
        let said = mode::of(posting.mode, &reserve.name);
        let counts = match (posting.side, posting.as_collateral) {
            (Side::Debt, None) => return self.owe(account, place, said),
            (Side::Debt, Some((_, span))) => {
                log.at(Code::Contradiction, span, "a choice", "nothing beside a debt");
                return;
            }
            (Side::Collateral, Some((false, span))) => {
                log.at(Code::Contradiction, span, "\"no\"", "yes, or nothing, beside the kind collateral")
                    .help("a supply that does not count is of the kind supply");
                false
            }
            (_, Some((yes, _))) => yes,
            (side, None) => side == Side::Collateral,
        };
        if !counts {
            return;
        }
        flag(account, 2 * place + 1);
        let key = match (said.version, reserve.configurations.as_slice()) {
            (Some(key), _) => key,
            (None, [(only, _)]) => *only,
            (None, _) => {
                let found = format!("collateral {} without a version", quoted(&reserve.name));
                let expected =
                    format!("`version {}=NUMBER` in the column mode, as it has several", reserve.name);
                log.at(Code::UnknownMode, posting.asset.span, found, expected);
                return;
            }
        };
        account.set_term(configuration_key(place), Int::from(u64::from(key)));
    }

    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()> {
        for &(instrument, sum) in sums {
            let place = instrument.index() / 3;
            let asset = self.market.reserves()[place].asset;
            let (views, owed) = (self.views[place], instrument.0 % 3 == 2);
            let total = if owed { "drawn_shares" } else { "added_shares" };
            let growth = raise(&mut self.market, write::RESERVES + place as u64, total, sum)?;
            let (_, before) = cell(&self.market, asset as u64, total)?;
            raise(&mut self.market, asset as u64, total, before.add(growth)?)?;
            // What was supplied lies in the hub; loans are taken out of it as far as it goes.
            let (held, liquidity) = cell(&self.market, asset as u64, "liquidity")?;
            let liquidity = if owed {
                liquidity.sub_or_zero(views.drawn_of(growth, Rounding::Down).ok()?)
            } else {
                liquidity.add(views.assets_of(growth, Rounding::Up).ok()?)?
            };
            self.market.set(held, Some(Int::from(liquidity))).ok()?;
        }
        Some(())
    }

    /// Premium shares and what is owed as premium, of each reserve, by the index of now; where nothing was drawn through a spoke, its
    /// state was left out.
    fn beside(&self) -> Vec<Beside> {
        let mut list = Vec::new();
        for (place, reserve) in self.market.reserves().iter().enumerate() {
            let (link, index) = (&reserve.link, self.views[place].drawn_index);
            let said = |total: Option<U256>| total.filter(|_| link.drawn_shares != U256::ZERO);
            let name = &reserve.name;
            list.push(Beside {
                what: format!("(shares) of premium of {name}"),
                parts: vec![(premium_shares(place), Int::ONE)],
                total: said(Some(link.premium_shares)),
            });
            list.push(Beside {
                what: format!("(raw x 10^27) owed as premium of {name}"),
                parts: vec![
                    (premium_shares(place), Int::from(index)),
                    (premium_offset(place), Int::ONE.neg()),
                ],
                total: said(Some(owed(link.premium_shares, link.premium_offset, index).unwrap_or_default())),
            });
        }
        list
    }

    /// Spoke and hub asset get as many premium shares more as the spoke's accounts have, and owe as much more for them.
    fn cover_beside(&mut self, sums: &[Int]) -> Option<()> {
        for (place, pair) in sums.chunks_exact(2).enumerate() {
            let reserve = &self.market.reserves()[place];
            let (link, asset, index) = (reserve.link, reserve.asset, self.views[place].drawn_index);
            let [shares, premium] = [pair[0].to_u256()?, pair[1].to_u256()?];
            let known = owed(link.premium_shares, link.premium_offset, index)?;
            let shares = shares.sub_or_zero(link.premium_shares);
            let offset = Int::from(shares.mul(index)?).sub(Int::from(premium.sub_or_zero(known)))?;
            for object in [write::RESERVES + place as u64, asset as u64] {
                for (name, more) in [("premium_shares", Int::from(shares)), ("premium_offset_ray", offset)] {
                    let mut found = None;
                    self.market.visit(&mut |cell, known, _, value| {
                        if cell.object == object && known == name {
                            found = Some((cell, value));
                        }
                    });
                    let (cell, before) = found?;
                    self.market.set(cell, Some(before.add(more)?)).ok()?;
                }
            }
        }
        Some(())
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        mode::read(&self.market, account, mode, log);
    }

    /// A spoke pays premium before drawn shares and clears it with the last of them, and what premium shares owe is never less
    /// than their offset.
    fn settle(&self, account: &Account, mode: Span, log: &mut Log) {
        for (place, name) in self.names().enumerate() {
            let (shares, offset) = (account.term(premium_shares(place)), account.term(premium_offset(place)));
            let found = || format!("premium {name}={shares}/{offset}");
            if account.quantity(debt(place)).is_zero() {
                if !shares.is_zero() || !offset.is_zero() {
                    let expected =
                        format!("a debt of {name} beside it: premium is paid before what was drawn");
                    log.at(Code::Contradiction, mode, found(), expected);
                }
                continue;
            }
            // Of 120 and 120 bits at most.
            let grown = shares.mul(self.views[place].drawn_index.into()).unwrap_or_default();
            if grown < offset {
                let expected =
                    format!("an offset of at most {grown}, which its shares stand for at the book's time");
                log.at(Code::Contradiction, mode, found(), expected)
                    .help("an offset counts raw units x 10^27");
            }
        }
    }
}

impl HubDesk {
    /// A debt counts, and its premium shares are made by the account's risk premium; where the file does not say what was
    /// owed as premium by the book's time, it is nothing.
    fn owe(&self, account: &mut Account, place: usize, said: mode::Said) {
        if account.quantity(debt(place)).is_zero() {
            return;
        }
        flag(account, 2 * place);
        if said.premium {
            return;
        }
        let (drawn, risk) =
            (account.quantity(debt(place)).magnitude(), account.term(RISK_PREMIUM).magnitude());
        let shares = drawn.mul_div(risk, U256::new(10_000), Rounding::Up).unwrap_or_default();
        let offset = shares.mul(self.views[place].drawn_index).unwrap_or_default();
        account.set_term(premium_shares(place), Int::from(shares));
        account.set_term(premium_offset(place), Int::from(offset));
    }
}

/// What premium shares owe beyond their offset (raw x ray); `None` below zero.
fn owed(shares: U256, offset: Int, index: U256) -> Option<U256> {
    Int::from(shares.mul(index)?).sub(offset)?.to_u256()
}

fn flag(account: &mut Account, bit: usize) {
    let map = account.term(MAP).magnitude().with_bit(bit, true);
    account.set_term(MAP, Int::from(map));
}

/// One (ray).
const ONE: U256 = RAY.value();
