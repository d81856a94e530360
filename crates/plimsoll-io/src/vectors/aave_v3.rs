//! Decoder of `aave-v3/accounts`, `aave-v3/liquidations` and `aave-v3/accruals`, for every revision.

use super::json::Document;
use super::{Answer, Decoder, Fault, Input, Record, Spell, spell_panic};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Effects, Feeds, InstrumentId, Int, Kind, Lens, Lot, Market,
    Mechanism, Party, Reading, Receive, Refusal, Silent, Time, U256, Why,
};
use plimsoll_venues::aave_v3::{
    Configuration, E_MODE, EMode, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG, asset,
    debt, receipt,
};

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "aave-v3/accounts", revisions: &Revision::NAMES, decode: accounts },
    Decoder { schema: "aave-v3/liquidations", revisions: &Revision::NAMES, decode: liquidations },
    Decoder { schema: "aave-v3/accruals", revisions: &Revision::NAMES, decode: accruals },
];

const USER: AccountId = AccountId(1);
const LIQUIDATOR: AccountId = AccountId(2);

/// The contracts' words for a refusal: numbered strings up to 3.3, named errors from 3.4 on.
fn spelling(revision: Revision) -> Spell {
    if revision <= Revision::V3_3 { numbered } else { named }
}

fn numbered(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::NotLiquidatable => &["45"],
        Refusal::NotSeizable(_) => &["46"],
        Refusal::NothingOwed(_) => &["47"],
        Refusal::LeavesDust => &["103"],
        Refusal::Inactive(_) => &["27"],
        Refusal::Paused(_) => &["29"],
        Refusal::GracePeriod { .. } => &["97"],
        // Receipts and debts that round to nothing cannot be burned.
        Refusal::AmountZero => &["25"],
        other => spell_arithmetic(other),
    }
}

fn named(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::NotLiquidatable => &["HealthFactorNotBelowThreshold"],
        Refusal::NotSeizable(_) => &["CollateralCannotBeLiquidated"],
        Refusal::NothingOwed(_) => &["SpecifiedCurrencyNotBorrowedByUser"],
        Refusal::LeavesDust => &["MustNotLeaveDust"],
        Refusal::SelfLiquidation => &["SelfLiquidation"],
        Refusal::Inactive(_) => &["ReserveInactive"],
        Refusal::Paused(_) => &["ReservePaused"],
        Refusal::GracePeriod { .. } => &["LiquidationGraceSentinelCheckFailed"],
        Refusal::AmountZero => &["InvalidBurnAmount"],
        other => spell_arithmetic(other),
    }
}

fn spell_arithmetic(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        // The pool subtracts what leaves from what is there.
        Refusal::InsufficientCash { .. } => &["panic 0x11"],
        other => spell_panic(other),
    }
}

/// A recorded market and the accounts that were recorded in it: what a benchmark or a search begins from.
#[derive(Clone, Debug)]
pub struct RecordedMarket {
    /// The market's place in its file.
    pub number: usize,
    /// The pool.
    pub pool: Pool,
    /// Its prices, by slot.
    pub readings: Vec<Reading>,
    /// The time it stood at.
    pub at: Time,
    /// Every account with the health factor that the contract gave (wad).
    pub accounts: Vec<(Account, U256)>,
}

/// Reads the markets and accounts of an `aave-v3/accounts` file, plain or gzipped, without comparing anything.
///
/// # Errors
/// As [`super::check`], and when the file is of another schema.
pub fn recorded_markets(bytes: &[u8]) -> Result<Vec<RecordedMarket>, Fault> {
    let value = super::parse(bytes)?;
    let document = Document::new(&value);
    let root = document.root();
    let schema = root.get("schema")?;
    if schema.text()? != DECODERS[0].schema {
        return Err(schema.fault(DECODERS[0].schema));
    }
    let meta = meta(&root)?;
    let mut markets = Vec::new();
    for (number, market) in root.get("markets")?.items()?.into_iter().enumerate() {
        let at = Time(market.get("timestamp")?.u64()?);
        let Scene { pool, readings, .. } =
            scene(&meta, &market.get("reserves")?.items()?, &market.get("emodes")?.items()?)?;
        markets.push(RecordedMarket { number, pool, readings, at, accounts: Vec::new() });
    }
    for case in root.get("accounts")?.items()? {
        let number = case.get("market")?;
        let place = usize::try_from(number.u64()?).ok();
        let market = place.and_then(|place| markets.get_mut(place));
        let market = market.ok_or_else(|| number.fault("a market of this file"))?;
        market.accounts.push((user(&case)?, case.get("out")?.get("healthFactor")?.u256()?));
    }
    Ok(markets)
}

/// What the file says once for all records.
struct Meta<'j> {
    revision: Revision,
    reserves: Vec<(usize, &'j str, RateCurve)>,
}

fn meta<'j>(root: &Input<'j>) -> Result<Meta<'j>, Fault> {
    let revision = root.get("revision")?;
    let revision = Revision::parse(revision.text()?).ok_or_else(|| revision.fault("a revision"))?;
    let meta = root.get("meta")?;
    meta.labels(&["protocol", "version", "seed", "baseCurrencyUnit"]);
    let mut reserves = Vec::new();
    for reserve in meta.get("reserves")?.items()? {
        reserve.labels(&["decimals"]);
        let curve = reserve.get("irParamsBps")?;
        let bps = |name: &str| -> Result<u32, Fault> {
            let value = curve.get(name)?;
            u32::try_from(value.u64()?).map_err(|_| value.fault("basis points"))
        };
        let curve = RateCurve {
            optimal: bps("optimal")?,
            base: bps("base")?,
            slope1: bps("slope1")?,
            slope2: bps("slope2")?,
        };
        reserves.push((place(&reserve.get("i")?)?, reserve.get("sym")?.text()?, curve));
    }
    Ok(Meta { revision, reserves })
}

fn place(value: &Input<'_>) -> Result<usize, Fault> {
    usize::try_from(value.u64()?).ok().filter(|i| *i < 128).ok_or_else(|| value.fault("a reserve's number"))
}

/// A pool and its prices, by slot.
struct Scene {
    pool: Pool,
    readings: Vec<Reading>,
    /// Reserve numbers in the file's order.
    order: Vec<usize>,
}

impl Scene {
    fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: &self.readings }
    }
}

fn scene(meta: &Meta<'_>, reserves: &[Input<'_>], modes: &[Input<'_>]) -> Result<Scene, Fault> {
    let mut listed: Vec<Reserve> = Vec::new();
    for (i, symbol, curve) in &meta.reserves {
        while listed.len() <= *i {
            listed.push(unlisted("?", *curve));
        }
        listed[*i] = unlisted(symbol, *curve);
    }
    let mut readings = vec![Reading::unknown(None, Why::Missing); listed.len()];
    let mut order = Vec::new();
    for reserve in reserves {
        let i = place(&reserve.get("i")?)?;
        let slot = listed.get_mut(i).ok_or_else(|| reserve.fault("a reserve that meta lists"))?;
        slot.configuration = Configuration(reserve.get("config")?.u256()?);
        slot.state = state(reserve)?;
        if let Some(price) = reserve.maybe("price") {
            readings[i] = Reading::certain(price.u256()?);
        }
        order.push(i);
    }
    let mut categories = Vec::new();
    for mode in modes {
        let (category, price) = category(mode)?;
        readings.extend(price.map(Reading::certain));
        categories.push(category);
    }
    let spec =
        PoolSpec { revision: meta.revision, currency: "USD".into(), reserves: listed, modes: categories };
    let first = reserves.first();
    let pool = Pool::new(spec).map_err(|_| match first {
        Some(reserve) => reserve.fault("a pool that can be opened"),
        None => Fault::Shape {
            path: String::new(),
            found: "no reserves".into(),
            expected: "a pool that can be opened",
        },
    })?;
    Ok(Scene { pool, readings, order })
}

fn unlisted(symbol: &str, curve: RateCurve) -> Reserve {
    let one = plimsoll_core::RAY.value();
    Reserve {
        symbol: symbol.into(),
        configuration: Configuration::default(),
        curve,
        grace_until: Time(0),
        state: State {
            liquidity_index: one,
            variable_borrow_index: one,
            liquidity_rate: U256::ZERO,
            variable_borrow_rate: U256::ZERO,
            last_update: Time(0),
            accrued_to_treasury: U256::ZERO,
            scaled_supply: U256::ZERO,
            scaled_debt: U256::ZERO,
            cash: U256::ZERO,
            virtual_balance: U256::ZERO,
            deficit: U256::ZERO,
            isolation_debt: U256::ZERO,
        },
    }
}

fn state(reserve: &Input<'_>) -> Result<State, Fault> {
    let amount = |name: &str| reserve.get(name)?.u256();
    let optional = |name: &str| match reserve.maybe(name) {
        Some(value) => value.u256(),
        None => Ok(U256::ZERO),
    };
    Ok(State {
        liquidity_index: amount("liquidityIndex")?,
        variable_borrow_index: amount("variableBorrowIndex")?,
        liquidity_rate: amount("liquidityRate")?,
        variable_borrow_rate: amount("variableBorrowRate")?,
        last_update: Time(reserve.get("lastUpdate")?.u64()?),
        accrued_to_treasury: amount("accruedToTreasury")?,
        scaled_supply: amount("scaledATokenSupply")?,
        scaled_debt: amount("scaledVariableDebt")?,
        cash: amount("underlyingInAToken")?,
        virtual_balance: optional("virtualBalance")?,
        deficit: optional("deficit")?,
        isolation_debt: amount("isolationModeTotalDebt")?,
    })
}

/// An e-mode category, and the price of its own source where it has one.
fn category(mode: &Input<'_>) -> Result<(EMode, Option<U256>), Fault> {
    let bps = |name: &str| -> Result<u16, Fault> {
        let value = mode.get(name)?;
        u16::try_from(value.u64()?).map_err(|_| value.fault("basis points"))
    };
    let bitmap = |name: &str| match mode.maybe(name) {
        Some(value) => value.u256(),
        None => Ok(U256::ZERO),
    };
    let id = mode.get("id")?;
    if let Some(source) = mode.maybe("priceSource") {
        source.text()?;
    }
    let price = match mode.maybe("price") {
        Some(price) => Some(price.u256()?).filter(|price| *price != U256::ZERO),
        None => None,
    };
    let isolated = match mode.maybe("isolated") {
        Some(isolated) => isolated.bool()?,
        None => false,
    };
    let category = EMode {
        id: u8::try_from(id.u64()?).map_err(|_| id.fault("an e-mode's number"))?,
        label: String::new(),
        ltv: bps("ltv")?,
        threshold: bps("liquidationThreshold")?,
        bonus: bps("liquidationBonus")?,
        price_slot: price.map(|_| 0),
        collateral: bitmap("collateralBitmap")?,
        borrowable: bitmap("borrowableBitmap")?,
        ltv_zero: bitmap("ltvzeroBitmap")?,
        isolated,
    };
    Ok((category, price))
}

fn user(holder: &Input<'_>) -> Result<Account, Fault> {
    let mut account = Account::new(USER);
    account.set_term(E_MODE, Int::from(holder.get("eMode")?.u256()?));
    account.set_term(USER_CONFIG, Int::from(holder.get("userConfig")?.u256()?));
    for (name, instrument) in [("a", receipt as fn(usize) -> InstrumentId), ("d", debt)] {
        for (i, quantity) in holder.get(name)?.entries()? {
            let reserve = i.parse().ok().filter(|i| *i < 128).ok_or_else(|| quantity.fault("a reserve"))?;
            account.set(instrument(reserve), Int::from(quantity.u256()?));
        }
    }
    Ok(account)
}

/// What `getUserAccountData` answers, under `path`.
fn answer_account(answer: &mut Answer, path: &str, scene: &Scene, account: &Account, at: Time) {
    let figures = scene.pool.at(scene.feeds(), Lens::View, at).and_then(|quoted| quoted.figures(account));
    match figures {
        Ok(figures) => {
            for figure in figures {
                answer.value(format!("{path}.{}", figure.name), figure.value);
            }
        }
        Err(refusal) => answer.rest_refused(refusal),
    }
}

/// Both indices of a reserve at a time: the recording took them from the getters, we recompute them.
fn answer_indices(answer: &mut Answer, path: &str, state: &State, revision: Revision, at: Time) {
    match state.income_index(&mut Silent, at) {
        Ok(index) => answer.value(format!("{path}.normalizedIncome"), index),
        Err(refusal) => answer.refused(format!("{path}.normalizedIncome"), refusal),
    }
    match state.debt_index(&mut Silent, revision, at) {
        Ok(index) => answer.value(format!("{path}.normalizedDebt"), index),
        Err(refusal) => answer.refused(format!("{path}.normalizedDebt"), refusal),
    }
}

fn accounts(root: Input<'_>) -> Result<Vec<Record>, Fault> {
    let meta = meta(&root)?;
    let mut records = Vec::new();
    let mut scenes = Vec::new();
    for market in root.get("markets")?.items()? {
        let at = Time(market.get("timestamp")?.u64()?);
        let scene = scene(&meta, &market.get("reserves")?.items()?, &market.get("emodes")?.items()?)?;
        records.push(Record::new(market, spelling(meta.revision), |market| {
            market.labels(&["id", "label"]);
            let mut answer = Answer::default();
            for (k, &i) in scene.order.iter().enumerate() {
                let state = &scene.pool.reserves()[i].state;
                answer_indices(&mut answer, &format!("reserves[{k}]"), state, meta.revision, at);
            }
            Ok(answer)
        }));
        scenes.push((scene, at));
    }
    for case in root.get("accounts")?.items()? {
        records.push(Record::new(case, spelling(meta.revision), |case| {
            case.labels(&["user", "kind"]);
            let market = case.get("market")?;
            let scene = usize::try_from(market.u64()?).ok().and_then(|market| scenes.get(market));
            let (scene, at) = scene.ok_or_else(|| market.fault("a market of this file"))?;
            let mut answer = Answer::default();
            answer_account(&mut answer, "out", scene, &user(&case)?, *at);
            Ok(answer)
        }));
    }
    Ok(records)
}

fn liquidations(root: Input<'_>) -> Result<Vec<Record>, Fault> {
    let meta = meta(&root)?;
    let cases = root.get("liquidations")?.items()?;
    Ok(cases
        .into_iter()
        .map(|case| Record::new(case, spelling(meta.revision), |case| liquidation(&meta, &case)))
        .collect())
}

fn liquidation(meta: &Meta<'_>, case: &Input<'_>) -> Result<Answer, Fault> {
    case.labels(&["label", "user", "kind"]);
    let at = Time(case.get("timestamp")?.u64()?);
    let scene = scene(meta, &case.get("reserves")?.items()?, &case.get("emodes")?.items()?)?;
    let account = user(&case.get("before")?)?;
    let (seized, repaid) = (place(&case.get("collateral")?)?, place(&case.get("debt")?)?);
    let to_cover = case.get("debtToCover")?;
    let amount = if to_cover.text()? == "max" { Amount::All } else { Amount::Assets(to_cover.u256()?) };
    let receive = if case.get("receiveAToken")?.bool()? { Receive::Receipt } else { Receive::Asset };
    let mechanism =
        Mechanism::Discount { repay: debt(repaid), seize: receipt(seized), lot: Lot::Repay(amount), receive };
    let call = Call { actor: LIQUIDATOR, account: USER, at, action: Action::Liquidate(mechanism) };

    let mut answer = Answer::default();
    for (k, &i) in scene.order.iter().enumerate() {
        let state = &scene.pool.reserves()[i].state;
        answer_indices(&mut answer, &format!("reserves[{k}]"), state, meta.revision, at);
    }
    answer_account(&mut answer, "before.out", &scene, &account, at);
    match scene.pool.act(&call, &vec![account.clone()], scene.feeds(), &mut Silent) {
        Ok(effects) => {
            answer.value("ok", true);
            answer.absent("error");
            answer_effects(&mut answer, &scene, &account, &effects, seized, repaid, receive, at)
                .unwrap_or_else(|refusal| answer.rest_refused(refusal));
        }
        Err(refusal) => {
            answer.value("ok", false);
            answer.refused("error", refusal);
            answer.rest_refused(refusal);
        }
    }
    Ok(answer)
}

#[allow(clippy::too_many_arguments)] // one caller, and every one of them is an input of the case
fn answer_effects(
    answer: &mut Answer,
    scene: &Scene,
    account: &Account,
    effects: &Effects,
    seized: usize,
    repaid: usize,
    receive: Receive,
    at: Time,
) -> Result<(), Refusal> {
    let too_large = Refusal::Overflow("a flow");
    let net = |party, instrument| effects.net(party, instrument).ok_or(too_large);
    let quoted = scene.pool.at(scene.feeds(), Lens::Action, at)?;
    let liquidated = effects.liquidated.clone().unwrap_or_default();
    let owed = quoted.balance(account, debt(repaid))?.raw;
    answer.value("collateralBalanceBefore", quoted.balance(account, receipt(seized))?.raw);
    answer.value("debtBalanceBefore", owed);
    answer.value("debtRepaid", liquidated.repaid);
    answer.value("event.debtToCover", liquidated.repaid);
    let received = liquidated.seized.sub_or_zero(liquidated.fee);
    answer.value("event.liquidatedCollateralAmount", received);
    let paid_out = net(Party::Wallet(LIQUIDATOR), asset(seized))?;
    if seized == repaid {
        answer.absent("collateralReceivedUnderlying");
    } else {
        answer.value("collateralReceivedUnderlying", paid_out);
    }
    let received_scaled = net(Party::Account(LIQUIDATOR), receipt(seized))?;
    let fee_scaled = net(Party::Treasury, receipt(seized))?;
    answer.value("collateralReceivedScaled", received_scaled);
    answer.value("protocolFeeScaled", fee_scaled);
    let bps = liquidated.repaid.mul_div(U256::new(10_000), owed, plimsoll_core::Rounding::Down);
    answer.value("repaidBpsOfReserveDebtFloor", bps.ok_or(too_large)?);

    let index = scene.pool.reserves()[seized].state.income_index(&mut Silent, at)?;
    let mut moves = Vec::new();
    if receive == Receive::Receipt {
        moves.push(("liquidator", received_scaled));
    }
    if liquidated.fee != U256::ZERO {
        moves.push(("treasury", fee_scaled));
    }
    answer_list(answer, "balanceTransferEvents", &moves, |answer, path, (to, scaled)| {
        answer.value(format!("{path}.to"), to);
        answer.value(format!("{path}.value"), scaled);
        answer.value(format!("{path}.index"), index);
    });
    answer_list(answer, "deficitCreated", &liquidated.bad_debt, |answer, path, (instrument, amount)| {
        answer.value(format!("{path}.reserve"), instrument.index() / 3);
        answer.value(format!("{path}.amount"), amount);
    });

    let mut pool = scene.pool.clone();
    pool.apply(effects)?;
    let after = effects.apply_to(account).ok_or(too_large)?;
    let scene = Scene { pool, readings: scene.readings.clone(), order: scene.order.clone() };
    answer_holder(answer, "after", &scene, &after);
    answer_account(answer, "after.out", &scene, &after, at);
    for (k, &i) in scene.order.iter().enumerate() {
        answer_reserve(answer, &format!("reservesAfter[{k}]"), &scene, i, at);
    }
    Ok(())
}

fn answer_list<Item: Copy>(
    answer: &mut Answer,
    path: &str,
    items: &[Item],
    mut one: impl FnMut(&mut Answer, String, Item),
) {
    if items.is_empty() {
        answer.value(path, "[]");
    }
    for (k, item) in items.iter().enumerate() {
        one(answer, format!("{path}[{k}]"), *item);
    }
}

fn answer_holder(answer: &mut Answer, path: &str, scene: &Scene, account: &Account) {
    for (name, term) in [("userConfig", USER_CONFIG), ("eMode", E_MODE)] {
        answer.value(format!("{path}.{name}"), account.term(term));
    }
    for (name, kind) in [("a", Kind::Receipt), ("d", Kind::Debt)] {
        let held: Vec<_> = account
            .holdings()
            .iter()
            .filter(|holding| {
                let listed = scene.pool.instruments().get(holding.instrument.index());
                listed.is_some_and(|instrument| instrument.kind == kind)
            })
            .collect();
        if held.is_empty() {
            answer.value(format!("{path}.{name}"), "{}");
        }
        for holding in held {
            let reserve = holding.instrument.index() / 3;
            answer.value(format!("{path}.{name}.{reserve}"), holding.quantity);
        }
    }
}

/// A whole reserve as the recording shows it.
fn answer_reserve(answer: &mut Answer, path: &str, scene: &Scene, i: usize, at: Time) {
    let revision = scene.pool.revision();
    let Reserve { configuration, state, .. } = &scene.pool.reserves()[i];
    answer.value(format!("{path}.i"), i);
    answer.value(format!("{path}.config"), configuration.0);
    answer_indices(answer, path, state, revision, at);
    for (name, value) in [
        ("liquidityIndex", state.liquidity_index),
        ("variableBorrowIndex", state.variable_borrow_index),
        ("liquidityRate", state.liquidity_rate),
        ("variableBorrowRate", state.variable_borrow_rate),
        ("lastUpdate", U256::from(state.last_update.0)),
        ("accruedToTreasury", state.accrued_to_treasury),
        ("isolationModeTotalDebt", state.isolation_debt),
        ("scaledATokenSupply", state.scaled_supply),
        ("scaledVariableDebt", state.scaled_debt),
        ("underlyingInAToken", state.cash),
    ] {
        answer.value(format!("{path}.{name}"), value);
    }
    if let Some(price) = scene.readings[i].value {
        answer.value(format!("{path}.price"), price);
    }
    if revision >= Revision::V3_1 {
        answer.value(format!("{path}.virtualBalance"), state.virtual_balance);
    }
    if revision >= Revision::V3_3 {
        answer.value(format!("{path}.deficit"), state.deficit);
    }
}

fn accruals(root: Input<'_>) -> Result<Vec<Record>, Fault> {
    let meta = meta(&root)?;
    let cases = root.get("accruals")?.items()?;
    Ok(cases
        .into_iter()
        .map(|case| Record::new(case, spelling(meta.revision), |case| accrual(&meta, &case)))
        .collect())
}

fn accrual(meta: &Meta<'_>, case: &Input<'_>) -> Result<Answer, Fault> {
    let at = Time(case.get("timestamp")?.u64()?);
    let number = case.get("reserve")?;
    let reserve = place(&number)?;
    let action = case.get("action")?;
    if action.text()? != "supply" {
        return Err(action.fault("supply"));
    }
    let amount = Amount::Assets(case.get("amount")?.u256()?);
    let before = case.get("before")?;
    let mut scene = scene(meta, std::slice::from_ref(&before), &[])?;
    let action = Action::Deposit { into: receipt(reserve), amount };
    let call = Call { actor: USER, account: USER, at, action };
    let mut answer = Answer::default();
    let listed =
        scene.pool.reserves().get(reserve).ok_or_else(|| number.fault("a reserve that meta lists"))?;
    answer_indices(&mut answer, "before", &listed.state, meta.revision, at);
    let applied = scene
        .pool
        .act(&call, &vec![Account::new(USER)], scene.feeds(), &mut Silent)
        .and_then(|effects| scene.pool.apply(&effects));
    match applied {
        Ok(()) => answer_reserve(&mut answer, "after", &scene, reserve, at),
        Err(refusal) => answer.rest_refused(refusal),
    }
    Ok(answer)
}
