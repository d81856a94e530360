//! What our side shows: accounts, positions, events of hubs, the state after.

use super::scene::Scene;
use crate::vectors::Answer;
use plimsoll_core::{Account, Int, Lens, Market as _, Refusal, Time, U256};
use plimsoll_venues::aave_v4::{
    HubAsset, HubChange, HubEvent, Link, MAP, Market, PremiumDelta, RISK_PREMIUM, configuration_key, debt,
    premium_offset, premium_shares, receipt,
};

/// What `getUserAccountData` answers.
const ACCOUNT: [&str; 7] = [
    "riskPremium",
    "avgCollateralFactor",
    "healthFactor",
    "totalCollateralValue",
    "totalDebtValueRay",
    "activeCollateralCount",
    "borrowCount",
];

pub(super) fn account(
    answer: &mut Answer,
    path: &str,
    market: &Market,
    account: &Account,
    scene: &Scene,
    at: Time,
) {
    match market.at(scene.feeds(), Lens::Action, at).and_then(|quoted| quoted.figures(account)) {
        Ok(figures) => {
            for figure in figures.iter().filter(|figure| ACCOUNT.contains(&figure.name)) {
                answer.value(format!("{path}.{}", figure.name), figure.value);
            }
        }
        Err(refusal) => answer.rest_refused(refusal),
    }
}

/// The bonus at the account's own health, where that is below one.
pub(super) fn bonus_now(scene: &Scene, account: &Account, place: usize, at: Time) -> Option<U256> {
    let figures = scene.market.at(scene.feeds(), Lens::Action, at).ok()?.figures(account).ok()?;
    let health = figures.iter().find(|figure| figure.name == "healthFactor")?.value.to_u256()?;
    if health >= U256::new(10u128.pow(18)) {
        return None;
    }
    scene.market.liquidation_bonus(place, scene.key(account, place), health).ok()
}

/// What a spoke's views answer of one position.
pub(super) fn position(
    scene: &Scene,
    account: &Account,
    place: usize,
    at: Time,
) -> Result<Vec<(&'static str, U256)>, Refusal> {
    let quoted = scene.market.at(scene.feeds(), Lens::View, at)?;
    let (supplied, owed) =
        (quoted.balance(account, receipt(place))?.raw, quoted.balance(account, debt(place))?.raw);
    let views = scene.market.assets()[scene.market.reserves()[place].asset].views(at)?;
    let beyond = Refusal::Overflow("premium of the position");
    let drawn = views.drawn_of(account.quantity(debt(place)).magnitude(), plimsoll_core::Rounding::Up)?;
    let shares = account.term(premium_shares(place)).magnitude();
    let grown = shares.mul(views.drawn_index).map(Int::from).ok_or(beyond)?;
    let premium = grown.sub(account.term(premium_offset(place))).and_then(Int::to_u256).ok_or(beyond)?;
    Ok(vec![
        ("suppliedAssets", supplied),
        ("drawnDebt", drawn),
        ("premiumDebt", owed.sub(drawn).ok_or(beyond)?),
        ("totalDebt", owed),
        ("premiumDebtRay", premium),
    ])
}

/// A list of texts; an empty one is a leaf of its own.
pub(super) fn list(answer: &mut Answer, path: &str, items: Vec<String>) {
    if items.is_empty() {
        answer.value(path, "[]");
    }
    for (k, item) in items.into_iter().enumerate() {
        answer.value(format!("{path}[{k}]"), item);
    }
}

pub(super) fn events(answer: &mut Answer, scene: &Scene, events: &[HubEvent]) {
    if events.is_empty() {
        answer.value("hubEvents", "[]");
    }
    for (k, HubEvent { asset, what }) in events.iter().enumerate() {
        let path = format!("hubEvents[{k}]");
        let (hub, number) = scene.assets[*asset];
        answer.value(format!("{path}.hub"), hub);
        answer.value(format!("{path}.assetId"), number);
        let mut amounts: Vec<(&str, U256)> = Vec::new();
        let mut delta: Option<&PremiumDelta> = None;
        let name = match what {
            HubChange::Add { shares, amount } => {
                amounts.extend([("shares", *shares), ("amount", *amount)]);
                "Add"
            }
            HubChange::Remove { shares, amount } => {
                amounts.extend([("shares", *shares), ("amount", *amount)]);
                "Remove"
            }
            HubChange::Draw { shares, amount } => {
                amounts.extend([("drawnShares", *shares), ("drawnAmount", *amount)]);
                "Draw"
            }
            HubChange::Restore { shares, premium, drawn, paid } => {
                amounts.extend([("drawnShares", *shares), ("drawnAmount", *drawn), ("premiumAmount", *paid)]);
                delta = Some(premium);
                "Restore"
            }
            HubChange::ReportDeficit { shares, premium, deficit } => {
                amounts.extend([("drawnShares", *shares), ("deficitAmountRay", *deficit)]);
                delta = Some(premium);
                "ReportDeficit"
            }
            HubChange::RefreshPremium { premium } => {
                delta = Some(premium);
                "RefreshPremium"
            }
            HubChange::TransferShares { shares } => {
                amounts.push(("shares", *shares));
                "TransferShares"
            }
            HubChange::MintFeeShares { shares, assets } => {
                amounts.extend([("shares", *shares), ("assets", *assets)]);
                "MintFeeShares"
            }
            HubChange::EliminateDeficit { shares, deficit } => {
                amounts.extend([("shares", *shares), ("deficitAmountRay", *deficit)]);
                "EliminateDeficit"
            }
        };
        answer.value(format!("{path}.event"), name);
        for (name, amount) in amounts {
            answer.value(format!("{path}.{name}"), amount);
        }
        if let Some(PremiumDelta { shares, offset, restored }) = delta {
            let items = vec![shares.to_string(), offset.to_string(), restored.to_string()];
            list(answer, &format!("{path}.premiumDelta"), items);
        }
    }
}

/// Everything that a call can change.
pub(super) fn state(answer: &mut Answer, path: &str, scene: &Scene, account: Option<&Account>) {
    for (place, reserve) in scene.market.reserves().iter().enumerate() {
        let at = format!("{path}.reserves[{place}]");
        let asset = &scene.market.assets()[reserve.asset];
        let (hub, number) = scene.assets[reserve.asset];
        answer.value(format!("{at}.id"), scene.ids[place]);
        answer.value(format!("{at}.hub"), hub);
        answer.value(format!("{at}.assetId"), number);
        answer.value(format!("{at}.dynamicConfigKey"), reserve.newest);
        answer.value(format!("{at}.feeReceiver.addedShares"), asset.state.fee_shares);
        answer.value(format!("{at}.feeReceiver.active"), asset.state.fee_receiver_active);
        hub_asset(answer, &format!("{at}.asset"), asset);
        link(answer, &format!("{at}.spoke"), &reserve.link);
    }
    match account {
        Some(account) => user(answer, &format!("{path}.user"), scene, account),
        None => answer.value(format!("{path}.user"), "null"),
    }
}

fn hub_asset(answer: &mut Answer, path: &str, asset: &HubAsset) {
    let state = &asset.state;
    for (name, value) in [
        ("liquidity", state.liquidity),
        ("realizedFees", state.realized_fees),
        ("addedShares", state.added_shares),
        ("swept", state.swept),
        ("drawnShares", state.drawn_shares),
        ("premiumShares", state.premium_shares),
        ("liquidityFee", U256::from(u64::from(state.liquidity_fee))),
        ("drawnIndex", state.drawn_index),
        ("drawnRate", state.drawn_rate),
        ("lastUpdateTimestamp", U256::from(state.last_update)),
        ("deficitRay", state.deficit),
    ] {
        answer.value(format!("{path}.{name}"), value);
    }
    answer.value(format!("{path}.premiumOffsetRay"), state.premium_offset);
}

fn link(answer: &mut Answer, path: &str, link: &Link) {
    for (name, value) in [
        ("drawnShares", link.drawn_shares),
        ("premiumShares", link.premium_shares),
        ("addedShares", link.added_shares),
        ("deficitRay", link.deficit),
        ("addCap", U256::from(link.add_cap)),
        ("drawCap", U256::from(link.draw_cap)),
        ("riskPremiumThreshold", U256::from(link.risk_premium_threshold)),
    ] {
        answer.value(format!("{path}.{name}"), value);
    }
    answer.value(format!("{path}.premiumOffsetRay"), link.premium_offset);
    answer.value(format!("{path}.active"), link.active);
    answer.value(format!("{path}.halted"), link.halted);
}

fn user(answer: &mut Answer, path: &str, scene: &Scene, account: &Account) {
    let map = account.term(MAP).magnitude();
    let mut word = U256::ZERO;
    for (place, id) in scene.ids.iter().enumerate() {
        for bit in 0..2 {
            word = word.with_bit(2 * *id as usize + bit, map.bit(2 * place + bit));
        }
    }
    answer.value(format!("{path}.map"), word);
    answer.value(format!("{path}.riskPremium"), account.term(RISK_PREMIUM));
    for (place, id) in scene.ids.iter().enumerate() {
        for (name, value) in [
            ("drawnShares", account.quantity(debt(place))),
            ("premiumShares", account.term(premium_shares(place))),
            ("premiumOffsetRay", account.term(premium_offset(place))),
            ("suppliedShares", account.quantity(receipt(place))),
            ("dynamicConfigKey", account.term(configuration_key(place))),
        ] {
            answer.value(format!("{path}.positions.{id}.{name}"), value);
        }
    }
}
