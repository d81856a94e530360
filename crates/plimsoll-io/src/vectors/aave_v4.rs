//! `aave-v4/accounts`, `/accruals`, `/liquidations`: a spoke's users, and one call each on a spoke or its hub, as the
//! contracts answered, with what hubs told of it.

mod scene;
mod shown;

use super::{Answer, Decoder, Fault, Input, Record, spell_panic};
use plimsoll_core::{
    Account, Action, Amount, Call, Int, Lot, Mechanism, Receive, Refusal, Rounding, Silent, Time, U256,
};
use plimsoll_venues::aave_v4::{
    Curve, Done, HALTED, HubCall, NEGATIVE_PREMIUM, NO_LIMIT, SHARES, TOO_WIDE, debt, receipt,
};
use scene::{LIQUIDATOR, Scene, USER};

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "aave-v4/accounts", revisions: REVISIONS, decode: accounts },
    Decoder { schema: "aave-v4/accruals", revisions: REVISIONS, decode: accruals },
    Decoder { schema: "aave-v4/liquidations", revisions: REVISIONS, decode: liquidations },
];

const REVISIONS: &[&str] = &["0.5.11"];

/// The contracts' word for a refusal, where every call has the same.
fn word(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::Paused(_) => "ReservePaused",
        Refusal::Frozen(_) => "ReserveFrozen",
        Refusal::NotBorrowable(_) => "ReserveNotBorrowable",
        Refusal::Inactive(_) => "SpokeNotActive",
        Refusal::ActionPaused(what) if *what == HALTED => "SpokeHalted",
        Refusal::ActionPaused(what) if *what == SHARES => "CannotReceiveShares",
        Refusal::SupplyCap(_) => "AddCapExceeded",
        Refusal::BorrowCap(_) => "DrawCapExceeded",
        Refusal::InsufficientCash { .. } => "InsufficientLiquidity",
        Refusal::WouldBeUnhealthy => "HealthFactorBelowThreshold",
        Refusal::TooManyReserves { .. } => "MaximumUserReservesExceeded",
        Refusal::RiskPremiumLimit(_) => "InvalidPremiumChange",
        Refusal::InconsistentAccount(_) => "InvalidPremiumChange",
        Refusal::NoShares => "InvalidShares",
        Refusal::AmountZero => "InvalidAmount",
        Refusal::SelfLiquidation => "SelfLiquidation",
        Refusal::NotLiquidatable => "HealthFactorNotBelowThreshold",
        Refusal::NotSeizable(_) => "ReserveNotEnabledAsCollateral",
        Refusal::LeavesDust => "MustNotLeaveDust",
        Refusal::PriceUnknown { .. } => "InvalidPrice",
        Refusal::Overflow(what) if *what == NEGATIVE_PREMIUM => "SafeCastOverflowedIntToUint",
        Refusal::Overflow(what) if *what == TOO_WIDE => "SafeCastOverflowedUintDowncast",
        other => return spell_panic(other).first().copied(),
    })
}

/// What a call was refused with; a failed call leaves nothing.
fn refused(answer: &mut Answer, refusal: Refusal, words: Option<&'static str>) {
    answer.value("ok", false);
    answer.refused_as("error", refusal, words);
    answer.rest_refused(refusal);
}

// ---- accounts ------------------------------------------------------------------------------------------------------

fn accounts(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    labels(&file)?;
    let mut records = Vec::new();
    let mut scenes = Vec::new();
    for market in file.get("markets")?.items()? {
        let scene = Scene::of(&market.get("reserves")?, Some(&market.get("liquidationConfig")?), NO_LIMIT)?;
        let at = time(&market)?;
        records.push(Record::new(
            market,
            |_| &[],
            |market| {
                market.labels(&["label", "spoke"]);
                let mut answer = Answer::default();
                for (k, reserve) in market.get("reserves")?.items()?.into_iter().enumerate() {
                    views(&mut answer, &scene, k, &reserve.get("views")?, at)?;
                }
                Ok(answer)
            },
        ));
        scenes.push((scene, at));
    }
    for case in file.get("accounts")?.items()? {
        records.push(Record::new(
            case,
            |_| &[],
            |case| {
                case.labels(&["spoke", "user"]);
                let market = case.get("market")?;
                let scene = usize::try_from(market.u64()?).ok().and_then(|market| scenes.get(market));
                let (scene, at) = scene.ok_or_else(|| market.fault("a market of this file"))?;
                let account = scene.account(&case.get("state")?)?;
                let mut answer = Answer::default();
                shown::account(&mut answer, "out.account", &scene.market, &account, scene, *at);
                positions(&mut answer, scene, &account, &case.get("out")?, *at)?;
                Ok(answer)
            },
        ));
    }
    Ok(records)
}

/// What a hub's and a spoke's views answer of one reserve; `x` is what the previews are asked about.
fn views(answer: &mut Answer, scene: &Scene, k: usize, given: &Input<'_>, at: Time) -> Result<(), Fault> {
    let x = given.get("x")?.u256()?;
    let path = format!("reserves[{k}].views");
    let reserve = &scene.market.reserves()[k];
    let asset = &scene.market.assets()[reserve.asset];
    let (up, down) = (Rounding::Up, Rounding::Down);
    let one = U256::new(10u128.pow(27));
    let computed = || -> Result<Vec<(&'static str, U256)>, Refusal> {
        let views = asset.views(at)?;
        let link = &reserve.link;
        let too_much = Refusal::Overflow("a view");
        let whole = |fine: U256| fine.div(one, up).ok_or(too_much);
        let offset = link.premium_offset;
        let premium = link.premium_shares.mul(views.drawn_index).map(Int::from).and_then(|it| it.sub(offset));
        let premium = premium.and_then(Int::to_u256).ok_or(too_much)?;
        let owed = views.drawn.add(whole(views.premium)?).ok_or(too_much)?;
        Ok(vec![
            ("drawnIndex", views.drawn_index),
            ("addedAssets", views.added_assets),
            ("assetDrawn", views.drawn),
            ("assetPremium", whole(views.premium)?),
            ("assetTotalOwed", owed),
            ("assetPremiumRay", views.premium),
            ("accruedFees", views.fees),
            ("drawnRate", views.drawn_rate),
            ("spokeAddedAssets", views.assets_of(link.added_shares, down)?),
            ("spokeDrawn", views.drawn_of(link.drawn_shares, up)?),
            ("spokePremium", whole(premium)?),
            ("spokePremiumRay", premium),
            ("previewAddByAssets", views.shares_of(x, down)?),
            ("previewAddByShares", views.assets_of(x, up)?),
            ("previewRemoveByAssets", views.shares_of(x, up)?),
            ("previewRemoveByShares", views.assets_of(x, down)?),
            ("previewDrawByAssets", views.drawn_shares_of(x, up)?),
            ("previewDrawByShares", views.drawn_of(x, down)?),
            ("previewRestoreByAssets", views.drawn_shares_of(x, down)?),
            ("previewRestoreByShares", views.drawn_of(x, up)?),
        ])
    };
    match computed() {
        Ok(values) => {
            values.into_iter().for_each(|(name, value)| answer.value(format!("{path}.{name}"), value))
        }
        Err(refusal) => answer.rest_refused(refusal),
    }
    Ok(())
}

fn positions(
    answer: &mut Answer,
    scene: &Scene,
    account: &Account,
    out: &Input<'_>,
    at: Time,
) -> Result<(), Fault> {
    for (id, _) in out.get("reserves")?.entries()? {
        let place = scene.place(id).ok_or_else(|| out.fault("reserves of the market"))?;
        match shown::position(scene, account, place, at) {
            Ok(values) => {
                for (name, value) in values {
                    answer.value(format!("out.reserves.{id}.{name}"), value);
                }
            }
            Err(refusal) => answer.rest_refused(refusal),
        }
    }
    let bonuses = out.get("liquidationBonus")?;
    for (id, pairs) in bonuses.entries()? {
        let place = scene.place(id).ok_or_else(|| out.fault("reserves of the market"))?;
        let key = scene.key(account, place);
        for (k, pair) in pairs.items()?.into_iter().enumerate() {
            let [health, _] = &pair.items()?[..] else { return Err(pair.fault("a health and its bonus")) };
            let path = format!("out.liquidationBonus.{id}[{k}][1]");
            match scene.market.liquidation_bonus(place, key, health.u256()?) {
                Ok(bonus) => answer.value(path, bonus),
                Err(refusal) => answer.refused(path, refusal),
            }
        }
    }
    Ok(())
}

// ---- accruals ------------------------------------------------------------------------------------------------------

fn accruals(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    labels(&file)?;
    Ok(file
        .get("accruals")?
        .items()?
        .into_iter()
        .map(|case| Record::new(case, |_| &[], |case| accrual(&case)))
        .collect())
}

fn accrual(case: &Input<'_>) -> Result<Answer, Fault> {
    case.labels(&["label", "spoke", "user", "reserveId"]);
    let before = case.get("before")?;
    let limit = case.maybe("maxUserReserves").map_or(Ok(u64::from(NO_LIMIT)), |limit| limit.u64())?;
    let limit = u16::try_from(limit).map_err(|_| case.fault("a limit of 16 bits"))?;
    let mut scene = Scene::of(&before.get("reserves")?, None, limit)?;
    let at = time(case)?;
    let user = before.get("user")?;
    let account = if user.peek().is_null() { Account::new(USER) } else { scene.account(&user)? };
    if user.peek().is_null() {
        user.read_all();
    }
    let named = case.get("action")?;
    let name = named.text()?;
    let id = case.get("reserveId")?;
    let place = match id.peek().as_u64() {
        Some(id) => scene.place(&id.to_string()).ok_or_else(|| case.fault("a reserve of the case"))?,
        None => 0,
    };
    let arguments = case.get("args")?.items()?;
    let amount = || arguments.first().ok_or_else(|| case.fault("an amount"))?.u256();
    let done = match name.strip_prefix("hub.") {
        Some(call) => {
            let what = match call {
                "mintFeeShares" => HubCall::MintFeeShares,
                "eliminateDeficit" => HubCall::EliminateDeficit(amount()?),
                "sweep" => HubCall::Sweep(amount()?),
                "reclaim" => HubCall::Reclaim(amount()?),
                "setInterestRateData" => HubCall::SetCurve(curve(arguments.first(), case)?),
                _ => return Err(named.fault("a call of the hub")),
            };
            if let Some(who) = arguments.get(1) {
                who.text()?;
            }
            scene.market.hub(place, what, at)
        }
        None => {
            let action = match name {
                "supply" => Action::Deposit { into: receipt(place), amount: Amount::Assets(amount()?) },
                "withdraw" => Action::Withdraw { from: receipt(place), amount: Amount::Assets(amount()?) },
                "borrow" => Action::Borrow { debt: debt(place), amount: Amount::Assets(amount()?) },
                "repay" => Action::Repay { debt: debt(place), amount: Amount::Assets(amount()?) },
                "setUsingAsCollateral" => {
                    let on = arguments.first().ok_or_else(|| case.fault("true or false"))?.bool()?;
                    Action::UseAsCollateral { instrument: receipt(place), on }
                }
                "updateUserRiskPremium" => Action::Refresh { rules: false },
                "updateUserDynamicConfig" => Action::Refresh { rules: true },
                _ => return Err(named.fault("a call of the spoke")),
            };
            let call = Call { actor: USER, account: USER, at, action };
            scene.market.call(&call, &vec![account.clone()], scene.feeds(), &mut Silent)
        }
    };
    let mut answer = Answer::default();
    match done {
        Err(refusal) => {
            // Of one who owes or holds nothing a call asks its hub for nothing.
            let nothing = matches!(refusal, Refusal::NothingHeld(_) | Refusal::NothingOwed(_));
            refused(&mut answer, refusal, if nothing { Some("InvalidAmount") } else { word(&refusal) });
            answer.value("after", "null");
        }
        Ok(done) => {
            answer.value("ok", true);
            answer.absent("error");
            shown::list(&mut answer, "result", done.answer.iter().map(U256::to_string).collect());
            let overflow = scene.apply(&done);
            if let Err(refusal) = overflow {
                answer.rest_refused(refusal);
                return Ok(answer);
            }
            shown::events(&mut answer, &scene, &done.events);
            let after = done.effects.apply_to(&account).unwrap_or(account);
            let with_user = case
                .maybe("after")
                .and_then(|after| after.maybe("user"))
                .is_some_and(|user| !user.peek().is_null());
            shown::state(&mut answer, "after", &scene, with_user.then_some(&after));
        }
    }
    Ok(answer)
}

fn curve(of: Option<&Input<'_>>, case: &Input<'_>) -> Result<Curve, Fault> {
    let items = of.ok_or_else(|| case.fault("a curve"))?.items()?;
    let [optimal, base, before, after] = &items[..] else {
        return Err(case.fault("four numbers of a curve"));
    };
    let bps = |it: &Input<'_>| u32::try_from(it.u64()?).map_err(|_| it.fault("basis points"));
    Ok(Curve {
        optimal_usage: u16::try_from(bps(optimal)?).map_err(|_| optimal.fault("basis points"))?,
        base_rate: bps(base)?,
        growth_before: bps(before)?,
        growth_after: bps(after)?,
    })
}

// ---- liquidations --------------------------------------------------------------------------------------------------

fn liquidations(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    labels(&file)?;
    let cases = file.get("liquidations")?.items()?;
    Ok(cases.into_iter().map(|case| Record::new(case, |_| &[], |case| liquidation(&case))).collect())
}

fn liquidation(case: &Input<'_>) -> Result<Answer, Fault> {
    case.labels(&["label", "spoke"]);
    let before = case.get("before")?;
    let mut scene = Scene::of(&before.get("reserves")?, Some(&case.get("liquidationConfig")?), NO_LIMIT)?;
    let at = time(case)?;
    let account = scene.account(&before.get("user")?)?;
    let place = |key| -> Result<usize, Fault> {
        let id = case.get(key)?;
        scene.place(&id.u64()?.to_string()).ok_or_else(|| id.fault("a reserve of the case"))
    };
    let (seized, repaid) = (place("collateralReserveId")?, place("debtReserveId")?);
    let cover = case.get("debtToCover")?;
    let amount = if cover.text()? == "max" { Amount::All } else { Amount::Assets(cover.u256()?) };
    let receive = if case.get("receiveShares")?.bool()? { Receive::Receipt } else { Receive::Asset };
    let itself = case.get("user")?.text()? == case.get("liquidator")?.text()?;
    let actor = if itself { USER } else { LIQUIDATOR };
    let mechanism =
        Mechanism::Discount { repay: debt(repaid), seize: receipt(seized), lot: Lot::Repay(amount), receive };
    let call = Call { actor, account: USER, at, action: Action::Liquidate(mechanism) };
    let mut answer = Answer::default();
    shown::account(&mut answer, "before.account", &scene.market, &account, &scene, at);
    if let Some(bonus) = shown::bonus_now(&scene, &account, seized, at) {
        answer.value("liquidationBonus", bonus);
    }
    match scene.market.call(&call, &vec![account.clone()], scene.feeds(), &mut Silent) {
        Err(refusal) => {
            let words = match refusal {
                Refusal::NothingHeld(_) => Some("ReserveNotSupplied"),
                Refusal::NothingOwed(_) => Some("ReserveNotBorrowed"),
                Refusal::AmountZero if amount == Amount::Assets(U256::ZERO) => Some("InvalidDebtToCover"),
                _ => word(&refusal),
            };
            refused(&mut answer, refusal, words);
        }
        Ok(done) => match liquidated(&mut answer, &mut scene, &done, &account, [seized, repaid], at) {
            Ok(()) => {}
            Err(refusal) => answer.rest_refused(refusal),
        },
    }
    Ok(answer)
}

fn liquidated(
    answer: &mut Answer,
    scene: &mut Scene,
    done: &Done,
    account: &Account,
    [seized, repaid]: [usize; 2],
    at: Time,
) -> Result<(), Refusal> {
    let beyond = Refusal::Overflow("the account after");
    let it = done.liquidation.ok_or(beyond)?;
    answer.value("ok", true);
    answer.absent("error");
    for (name, value) in [
        ("debtAmountRestored", it.paid),
        ("drawnSharesLiquidated", it.drawn_shares),
        ("collateralAmountRemoved", it.seized),
        ("collateralSharesLiquidated", it.shares),
        ("collateralSharesToLiquidator", it.to_liquidator),
        ("premiumDelta.restoredPremiumRay", it.premium.restored),
    ] {
        answer.value(format!("event.{name}"), value);
    }
    answer.value("event.premiumDelta.sharesDelta", it.premium.shares);
    answer.value("event.premiumDelta.offsetRayDelta", it.premium.offset);
    let liquidator = done.effects.apply_to(&Account::new(LIQUIDATOR)).ok_or(beyond)?;
    answer.value("liquidatorSuppliedSharesDelta", liquidator.quantity(receipt(seized)));
    // Net of each other where both reserves hold the same token.
    let (got, paid) = (Int::from(it.received), Int::from(it.paid));
    let net = got.sub(paid).ok_or(beyond)?;
    let same = scene.symbol(seized) == scene.symbol(repaid);
    answer.value("liquidatorCollateralTokenDelta", if same { net } else { got });
    answer.value("liquidatorDebtTokenDelta", if same { net } else { paid.neg() });
    let deficits: Vec<U256> = scene.market.reserves().iter().map(|reserve| reserve.link.deficit).collect();
    scene.apply(done)?;
    let mut created = false;
    for (place, before) in deficits.into_iter().enumerate() {
        let grown = scene.market.reserves()[place].link.deficit.sub(before).ok_or(beyond)?;
        if grown != U256::ZERO {
            created = true;
            answer.value(format!("deficitRayCreated.{}", scene.ids[place]), grown);
        }
    }
    if !created {
        answer.value("deficitRayCreated", "{}");
    }
    shown::events(answer, scene, &done.events);
    let after = done.effects.apply_to(account).ok_or(beyond)?;
    shown::state(answer, "after", scene, Some(&after));
    shown::account(answer, "after.account", &scene.market, &after, scene, at);
    Ok(())
}

fn labels(file: &Input<'_>) -> Result<(), Fault> {
    file.get("meta")?.read_all();
    Ok(())
}

fn time(case: &Input<'_>) -> Result<Time, Fault> {
    Ok(Time(case.get("timestamp")?.u64()?))
}
