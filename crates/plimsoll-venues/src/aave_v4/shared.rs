//! The hub's side of a market: what came into each of its assets, is lent and was lost through every spoke. A loss stays in
//! the asset's own sum (`deficitRay`, inside `totalAddedAssets`) until somebody covers it, so that no share is written down: all who
//! supply the asset bear it together, whichever spoke lost it, and who withdraws last finds it missing.

use super::hub::{drawn, premium, whole};
use super::{HubAsset, Market};
use alloc::format;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Figure, Int, PoolMember, Refusal, SharedPool, Silent, Time, U256, Unit};

/// What of a debt is told: drawn shares, premium shares and their offset, and what nobody owes any more (raw x ray).
struct Owed {
    shares: U256,
    premium_shares: U256,
    offset: Int,
    deficit: U256,
}

/// Every asset of every hub with the spokes that share it, in the hub's order.
pub(super) fn pools(market: &Market, at: Time) -> Result<Vec<SharedPool>, Refusal> {
    market.assets.iter().enumerate().map(|(place, asset)| pool(market, place, asset, at)).collect()
}

fn pool(market: &Market, place: usize, asset: &HubAsset, at: Time) -> Result<SharedPool, Refusal> {
    let (views, state) = (asset.views(at)?, &asset.state);
    let raw = |name, value: U256| Figure { name, value: value.into(), unit: Unit::raw(asset.decimals) };
    let mut members = Vec::new();
    for reserve in market.reserves.iter().filter(|reserve| reserve.asset == place) {
        let link = &reserve.link;
        let debt = Owed {
            shares: link.drawn_shares,
            premium_shares: link.premium_shares,
            offset: link.premium_offset,
            deficit: link.deficit,
        };
        let mut figures = alloc::vec![raw("supplied", views.assets_of(link.added_shares, Down)?)];
        figures.extend(owed(asset, views.drawn_index, &debt)?);
        let name = market.spokes[reserve.spoke].name.clone();
        members.push(PoolMember { name, figures, bears: [state.added_shares, link.added_shares] });
    }
    if state.fee_shares != U256::ZERO {
        let figures = alloc::vec![raw("supplied", views.assets_of(state.fee_shares, Down)?)];
        let bears = [state.added_shares, state.fee_shares];
        members.push(PoolMember { name: "fee receiver".into(), figures, bears });
    }
    let debt = Owed {
        shares: state.drawn_shares,
        premium_shares: state.premium_shares,
        offset: state.premium_offset,
        deficit: state.deficit,
    };
    let mut figures = alloc::vec![raw("supplied", views.added_assets)];
    figures.extend(owed(asset, views.drawn_index, &debt)?);
    figures.push(raw("liquidity", state.liquidity));
    Ok(SharedPool { name: format!("{}/{}", asset.hub, asset.symbol), figures, members })
}

/// Drawn, premium and deficit, each raised to a whole unit as the hub's views do.
fn owed(asset: &HubAsset, index: U256, debt: &Owed) -> Result<[Figure; 3], Refusal> {
    let (t, decimals) = (&mut Silent, asset.decimals);
    let raw = |name, value: U256| Figure { name, value: value.into(), unit: Unit::raw(decimals) };
    let grown = premium(t, debt.premium_shares, debt.offset, index, decimals)?;
    Ok([
        raw("drawn", drawn(t, debt.shares, index, decimals)?),
        raw("premium", whole(t, "premium = premium / 1e27", grown, decimals)?),
        raw("deficit", whole(t, "deficit = deficit / 1e27", debt.deficit, decimals)?),
    ])
}
