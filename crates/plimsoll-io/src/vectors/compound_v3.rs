//! `compound-v3/all`: markets as they were configured, rates, quotes, accounts with what the getters said of them and
//! what absorbing them did, and sequences of calls, as Comet answered.

use super::{Answer, Decoder, Fault, Input, Record, Spell};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Feeds, Int, Lens, Market as _, Mechanism, Reading, Refusal,
    Silent, Test, Time, U256, Verdict,
};
use plimsoll_venues::compound_v3::{
    Absorbed, Asset, AssetRules, AssetTotals, DEBT, Market, Rates, Rules, SUPPLY, Spec, State,
    TRACKING_ACCRUED, TRACKING_INDEX, casts, collateral,
};

pub(super) const DECODERS: &[Decoder] =
    &[Decoder { schema: "compound-v3/all", revisions: &[], decode: decode_all }];

/// Which call an answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A getter.
    View,
    /// `quoteCollateral`.
    Quote,
    /// `absorb`.
    Absorb,
    /// `supply` of the base token, which also repays, and `accrueAccount`.
    Supply,
    /// `withdraw` of the base token, which also borrows.
    Withdraw,
}

/// The custom errors of `CometMainInterface.sol` and `CometMath.sol`, each where it can come up; the token's own word where
/// the market has too little of it. Arithmetic panics stand under one of their spellings.
fn words(asked: Asked, refusal: &Refusal) -> Option<&'static str> {
    use Asked::{Absorb, Supply, View, Withdraw};
    Some(match (asked, refusal) {
        (Absorb, Refusal::NotLiquidatable) => "NotLiquidatable",
        (Absorb | Supply | Withdraw, Refusal::ActionPaused(_)) => "Paused",
        (Withdraw, Refusal::BorrowTooSmall { .. }) => "BorrowTooSmall",
        (Withdraw, Refusal::OverCapacity { .. }) => "NotCollateralized",
        (Withdraw, Refusal::InsufficientCash { .. }) => "ERC20: transfer amount exceeds balance",
        // Nothing that is supplied is priced.
        (View | Asked::Quote | Absorb | Withdraw, Refusal::PriceUnknown { .. }) => "BadPrice",
        (_, Refusal::Overflow(what)) => match *what {
            casts::UINT64 => "InvalidUInt64",
            casts::UINT104 => "InvalidUInt104",
            casts::UINT128 => "InvalidUInt128",
            casts::INT104 => "InvalidInt104",
            casts::INT256 => "InvalidInt256",
            casts::TIMESTAMP => "TimestampTooLarge",
            _ => "panic 0x11",
        },
        // The seconds since the last accrual are one checked subtraction.
        (Absorb | Supply | Withdraw, Refusal::ClockWentBack { .. }) => "panic 0x11",
        (_, Refusal::DivisionByZero(_)) => "panic 0x12",
        _ => return None,
    })
}

fn refused(answer: &mut Answer, path: impl Into<String>, asked: Asked, refusal: Refusal) {
    answer.refused_as(path, refusal, words(asked, &refusal));
}

/// Every refusal of this venue's answers carries its words ([`refused`]).
const NO_WORDS: Spell = |_| &[];

const ANYBODY: AccountId = AccountId(9);

fn decode_all(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    file.labels(&["protocol", "source", "compiler", "evm"]);
    let markets = file.get("markets")?.items()?;
    let listed: Vec<Listed> = markets.iter().map(listed).collect::<Result<_, _>>()?;
    let mut records: Vec<Record> = markets
        .into_iter()
        .zip(&listed)
        .map(|(case, listed)| Record::new(case, NO_WORDS, |_| Ok(answer_market(listed))))
        .collect();
    let lists: [(&str, Decode); 4] =
        [("rates", rates), ("quotes", quotes), ("accounts", accounts), ("accrual", accrual)];
    for (list, decode) in lists {
        for case in file.get(list)?.items()? {
            records.push(Record::new(case, NO_WORDS, |case| decode(&case, &listed)));
        }
    }
    Ok(records)
}

type Decode = fn(&Input<'_>, &[Listed]) -> Result<Answer, Fault>;

// ---- markets --------------------------------------------------------------------------------------------------

/// A market as the file configures it.
struct Listed {
    rules: Rules,
    assets: Vec<AssetRules>,
    base_price: U256,
    prices: Vec<U256>,
}

fn listed(market: &Input<'_>) -> Result<Listed, Fault> {
    let number = |key| market.get(key)?.u256();
    let rates = |kink, year| {
        let place = market.get(year)?;
        let year: Vec<U256> = place.items()?.iter().map(Input::u256).collect::<Result<_, Fault>>()?;
        let [low, high, base] = year.as_slice() else { return Err(place.fault("low, high and base")) };
        Ok(Rates::per_year(number(kink)?, *low, *high, *base))
    };
    let rules = Rules {
        base_decimals: decimals(market, "baseDecimals")?,
        store_front_price_factor: number("storeFrontPriceFactor")?,
        supply: rates("supplyKink", "supplyPerYear")?,
        borrow: rates("borrowKink", "borrowPerYear")?,
        tracking_index_scale: number("trackingIndexScale")?,
        base_tracking_supply_speed: number("baseTrackingSupplySpeed")?,
        base_tracking_borrow_speed: number("baseTrackingBorrowSpeed")?,
        base_min_for_rewards: number("baseMinForRewards")?,
        base_borrow_min: number("baseBorrowMin")?,
        target_reserves: number("targetReserves")?,
        pause_flags: 0,
    };
    let assets = market.get("assets")?.items()?;
    let asset = |asset: &Input<'_>| {
        let number = |key| asset.get(key)?.u256();
        let factors = [number("borrowCF")?, number("liquidateCF")?, number("liquidationFactor")?];
        Ok(AssetRules::packed(decimals(asset, "decimals")?, factors, number("supplyCap")?))
    };
    let prices: Result<_, Fault> = assets.iter().map(|asset| asset.get("price0")?.u256()).collect();
    Ok(Listed {
        rules,
        assets: assets.iter().map(asset).collect::<Result<_, Fault>>()?,
        base_price: number("basePrice0")?,
        prices: prices?,
    })
}

fn decimals(place: &Input<'_>, key: &str) -> Result<u8, Fault> {
    let place = place.get(key)?;
    let decimals = place.u64()?;
    u8::try_from(decimals)
        .ok()
        .filter(|decimals| *decimals < 78)
        .ok_or_else(|| place.fault("a number of decimals"))
}

fn answer_market(listed: &Listed) -> Answer {
    let mut answer = Answer::default();
    let unit = |decimals| U256::pow10(decimals).unwrap_or(U256::ZERO);
    answer.value("baseScale", unit(listed.rules.base_decimals));
    for (path, rates) in
        [("supplyRatePerSecond", listed.rules.supply), ("borrowRatePerSecond", listed.rules.borrow)]
    {
        answer.value(format!("{path}.kink"), rates.kink);
        answer.value(format!("{path}.slopeLow"), rates.slope_low);
        answer.value(format!("{path}.slopeHigh"), rates.slope_high);
        answer.value(format!("{path}.base"), rates.base);
    }
    for (place, asset) in listed.assets.iter().enumerate() {
        let mut value = |key: &str, value: U256| answer.value(format!("assets[{place}].{key}"), value);
        value("scale", unit(asset.decimals));
        value("borrowCF_eff", asset.borrow_factor);
        value("liquidateCF_eff", asset.liquidate_factor);
        value("liquidationFactor_eff", asset.liquidation_factor);
        value("supplyCap_eff", asset.supply_cap);
    }
    answer
}

fn pick<'l>(case: &Input<'_>, markets: &'l [Listed]) -> Result<&'l Listed, Fault> {
    let index = case.get("market")?;
    let listed = usize::try_from(index.u64()?).ok().and_then(|index| markets.get(index));
    listed.ok_or_else(|| index.fault("the number of a market"))
}

impl Listed {
    /// The market in a state, with so much of each asset posted by all.
    fn market(
        &self,
        totals: &Input<'_>,
        base_balance: Option<U256>,
        posted: &[U256],
    ) -> Result<Market, Fault> {
        let number = |key| totals.get(key)?.u256();
        let mut state = State {
            base_supply_index: number("baseSupplyIndex")?,
            base_borrow_index: number("baseBorrowIndex")?,
            tracking_supply_index: number("trackingSupplyIndex")?,
            tracking_borrow_index: number("trackingBorrowIndex")?,
            total_supply_base: number("totalSupplyBase")?,
            total_borrow_base: number("totalBorrowBase")?,
            last_accrual_time: totals.get("lastAccrualTime")?.u64()?,
            base_balance: U256::ZERO,
        };
        // Before anybody has borrowed, the contract holds what was supplied.
        state.base_balance = base_balance.or_else(|| state.supplied().ok()).unwrap_or_default();
        let assets = self.assets.iter().zip(posted).enumerate();
        let assets = assets.map(|(place, (rules, posted))| Asset {
            symbol: format!("asset{place}"),
            rules: *rules,
            totals: AssetTotals { total_supply: *posted, reserves: U256::ZERO },
        });
        let spec = Spec {
            base: "base".into(),
            currency: "USD".into(),
            rules: self.rules,
            state,
            assets: assets.collect(),
        };
        Market::new(spec).map_err(|_| totals.fault("a state that the contract can hold"))
    }

    /// As many amounts as there are assets.
    fn amounts(&self, place: &Input<'_>) -> Result<Vec<U256>, Fault> {
        let amounts: Vec<U256> = place.items()?.iter().map(Input::u256).collect::<Result<_, _>>()?;
        if amounts.len() == self.assets.len() {
            Ok(amounts)
        } else {
            Err(place.fault("an amount for each asset of the market"))
        }
    }
}

fn readings(base: U256, assets: &[U256]) -> Vec<Reading> {
    std::iter::once(&base).chain(assets).map(|price| Reading::certain(*price)).collect()
}

// ---- rates and quotes -----------------------------------------------------------------------------------------

fn rates(case: &Input<'_>, markets: &[Listed]) -> Result<Answer, Fault> {
    let Listed { rules, .. } = pick(case, markets)?;
    let utilisation = case.get("utilization")?.u256()?;
    let mut answer = Answer::default();
    said(&mut answer, "supplyRate", rules.supply.at(utilisation));
    said(&mut answer, "borrowRate", rules.borrow.at(utilisation));
    Ok(answer)
}

fn quotes(case: &Input<'_>, markets: &[Listed]) -> Result<Answer, Fault> {
    let listed = pick(case, markets)?;
    let place = case.get("asset")?;
    let asset = usize::try_from(place.u64()?).ok().filter(|asset| *asset < listed.assets.len());
    let asset = asset.ok_or_else(|| place.fault("the number of an asset"))?;
    let (price, base) = (case.get("assetPrice")?.u256()?, case.get("basePrice")?.u256()?);
    let pay = case.get("baseAmount")?.u256()?;
    let mut prices = vec![U256::ZERO; listed.assets.len()];
    prices[asset] = price;
    let market = listed.unused(case)?;
    let quote = market.quote_collateral(asset, pay, Feeds { readings: &readings(base, &prices) });
    let mut answer = Answer::default();
    match quote {
        Ok(amount) => {
            answer.value("quote", amount);
            answer.value("error", "null");
        }
        Err(refusal) => {
            answer.value("quote", "null");
            refused(&mut answer, "error", Asked::Quote, refusal);
        }
    }
    Ok(answer)
}

impl Listed {
    /// The market as it is deployed.
    fn unused(&self, case: &Input<'_>) -> Result<Market, Fault> {
        let one = U256::new(10u128.pow(15));
        let state = State { base_supply_index: one, base_borrow_index: one, ..State::default() };
        let assets = self.assets.iter().enumerate().map(|(place, rules)| Asset {
            symbol: format!("asset{place}"),
            rules: *rules,
            totals: AssetTotals::default(),
        });
        let (base, currency) = ("base".into(), "USD".into());
        let spec = Spec { base, currency, rules: self.rules, state, assets: assets.collect() };
        Market::new(spec).map_err(|_| case.fault("a market that the contract can be"))
    }
}

fn said<V: ToString>(answer: &mut Answer, path: &str, value: Result<V, Refusal>) {
    match value {
        Ok(value) => answer.value(path, value.to_string()),
        Err(refusal) => refused(answer, path, Asked::View, refusal),
    }
}

// ---- accounts -------------------------------------------------------------------------------------------------

fn accounts(case: &Input<'_>, markets: &[Listed]) -> Result<Answer, Fault> {
    let listed = pick(case, markets)?;
    // Boundaries that the recording aimed at, and what its own model made of them.
    case.labels(&["note", "liquidityBorrow", "liquidityLiquidate"]);
    let at = Time(case.get("now")?.u64()?);
    let prices = listed.amounts(&case.get("assetPrices")?)?;
    let readings = readings(case.get("basePrice")?.u256()?, &prices);
    let posted = listed.amounts(&case.get("collateral")?)?;
    let balance = case.get("baseTokenBalance")?.u256()?;
    let market = listed.market(&case.get("totals")?, Some(balance), &posted)?;
    let account = account(AccountId(0), case.get("principal")?.int()?, &posted);
    let feeds = Feeds { readings: &readings };
    let mut answer = Answer::default();
    answer_views(&mut answer, &market, &account, feeds, at);

    let recorded = case.get("absorb")?;
    let action = Action::Liquidate(Mechanism::Absorb { accounts: vec![account.id] });
    let call = Call { actor: ANYBODY, account: account.id, at, action };
    let outcome = market.absorb(&call, &vec![account.clone()], feeds).and_then(|(effects, absorbed)| {
        let mut after = market.clone();
        after.apply(&effects)?;
        let account = effects.apply_to(&account).ok_or(Refusal::Overflow("the account after"))?;
        Ok((after, account, absorbed))
    });
    match outcome {
        Ok((after, account, absorbed)) => {
            answer.absent("absorb.error");
            if let Some(stock) = recorded.maybe("collateralReserves") {
                // The stock that the recording's market happened to have.
                listed.amounts(&stock)?;
            }
            answer_absorbed(&mut answer, &after, &account, &absorbed, at);
        }
        Err(refusal) => {
            refused(&mut answer, "absorb.error", Asked::Absorb, refusal);
            answer.rest_refused(refusal);
        }
    }
    Ok(answer)
}

fn account(id: AccountId, principal: Int, posted: &[U256]) -> Account {
    let side = if principal.is_negative() { DEBT } else { SUPPLY };
    let mut account = Account::new(id).with(side, principal.magnitude().into());
    for (asset, amount) in posted.iter().enumerate() {
        account.set(collateral(asset), (*amount).into());
    }
    account
}

/// The contract's one number for the two sides.
fn principal(account: &Account) -> Int {
    if account.quantity(DEBT).is_zero() { account.quantity(SUPPLY) } else { account.quantity(DEBT).neg() }
}

fn answer_views(answer: &mut Answer, market: &Market, account: &Account, feeds: Feeds<'_>, at: Time) {
    let quoted = market.at(feeds, Lens::View, at);
    let verdict = |test| quoted.as_ref().map_err(|why| *why)?.verdict(account, test).map(|it| it.verdict);
    let collateralised = verdict(Test::Borrow).map(|verdict| verdict != Verdict::Unhealthy);
    said(answer, "views.isBorrowCollateralized", collateralised);
    said(
        answer,
        "views.isLiquidatable",
        verdict(Test::Liquidation).map(|verdict| verdict == Verdict::Unhealthy),
    );
    let balance = |side| quoted.as_ref().map_err(|why| *why)?.balance(account, side).map(|it| it.raw);
    said(answer, "views.borrowBalanceOf", balance(DEBT));
    said(answer, "views.balanceOf", balance(SUPPLY));
    let projected = market.projected(at);
    said(answer, "views.totalSupply", projected.and_then(|state| state.supplied()));
    said(answer, "views.totalBorrow", projected.and_then(|state| state.borrowed()));
    said(answer, "views.getUtilization", market.state().utilisation());
    said(answer, "views.getReserves", projected.and_then(|state| state.reserves()));
}

fn answer_absorbed(answer: &mut Answer, market: &Market, account: &Account, absorbed: &[Absorbed], at: Time) {
    answer_totals(answer, "absorb.totals", market.state());
    let mut value = |key: &str, value: String| answer.value(format!("absorb.{key}"), value);
    value("principal", principal(account).to_string());
    value("baseTrackingIndex", account.term(TRACKING_INDEX).to_string());
    value("baseTrackingAccrued", account.term(TRACKING_ACCRUED).to_string());
    let mut assets_in = U256::ZERO;
    for asset in 0..market.assets().len() {
        let held = account.quantity(collateral(asset));
        assets_in = assets_in.with_bit(asset, !held.is_zero());
        value(&format!("collateral[{asset}]"), held.to_string());
    }
    value("assetsIn", assets_in.to_string());
    for one in absorbed {
        for (place, seized) in one.seized.iter().enumerate() {
            let numbers = [seized.asset.to_string(), seized.amount.to_string(), seized.value.to_string()];
            for (column, number) in numbers.into_iter().enumerate() {
                value(&format!("absorbCollateral[{place}][{column}]"), number);
            }
        }
        if one.seized.is_empty() {
            value("absorbCollateral", "[]".into());
        }
        value("basePaidOut", one.base_paid_out.to_string());
        value("usdValueOfBasePaidOut", one.value_paid_out.to_string());
    }
    let reserves = market.projected(at).and_then(|state| state.reserves());
    said(answer, "absorb.getReserves", reserves);
}

fn answer_totals(answer: &mut Answer, path: &str, state: &State) {
    let mut value = |key: &str, value: String| answer.value(format!("{path}.{key}"), value);
    value("baseSupplyIndex", state.base_supply_index.to_string());
    value("baseBorrowIndex", state.base_borrow_index.to_string());
    value("trackingSupplyIndex", state.tracking_supply_index.to_string());
    value("trackingBorrowIndex", state.tracking_borrow_index.to_string());
    value("totalSupplyBase", state.total_supply_base.to_string());
    value("totalBorrowBase", state.total_borrow_base.to_string());
    value("lastAccrualTime", state.last_accrual_time.to_string());
}

// ---- sequences ------------------------------------------------------------------------------------------------

fn accrual(case: &Input<'_>, markets: &[Listed]) -> Result<Answer, Fault> {
    let listed = pick(case, markets)?;
    let initial = case.get("initial")?;
    let posted = listed.amounts(&initial.get("user1Collateral")?)?;
    let mut market = listed.market(&initial.get("totals")?, None, &posted)?;
    let now = initial.get("now")?;
    if now.u64()? < market.state().last_accrual_time {
        return Err(now.fault("a time from the last accrual on"));
    }
    let mut people = vec![
        account(AccountId(0), initial.get("user0Principal")?.int()?, &[]),
        account(AccountId(1), Int::ZERO, &posted),
    ];
    let readings = readings(listed.base_price, &listed.prices);
    let feeds = Feeds { readings: &readings };
    let mut answer = Answer::default();
    for (place, step) in case.get("steps")?.items()?.iter().enumerate() {
        let at = Time(step.get("now")?.u64()?);
        let call = call(step, at)?;
        let path = format!("steps[{place}]");
        let outcome = market.act(&call, &people, feeds, &mut Silent).and_then(|effects| {
            let after: Option<Vec<Account>> = people.iter().map(|one| effects.apply_to(one)).collect();
            let after = after.ok_or(Refusal::Overflow("the account after"))?;
            market.apply(&effects)?;
            people = after;
            Ok(())
        });
        match outcome {
            Ok(()) => answer.value(format!("{path}.error"), "null"),
            Err(refusal) => refused(&mut answer, format!("{path}.error"), asked(&call.action), refusal),
        }
        answer_step(&mut answer, &path, &market, &people, feeds, at);
    }
    Ok(answer)
}

fn call(step: &Input<'_>, at: Time) -> Result<Call, Fault> {
    let op = step.get("op")?;
    let amount = step.get("amount")?.u256()?;
    let place = step.get("user")?;
    // `accrue` is the keeper's: it touches the second account whoever the step names.
    let user = match (op.text()?, place.u64()?) {
        ("accrue", _) => 1,
        (_, user @ 0..=1) => user,
        _ => return Err(place.fault("0 or 1")),
    };
    // The contract reads the highest number as "all": of a debt when supplying, of a claim when withdrawing.
    let all = amount == U256::MAX;
    let assets = Amount::Assets(amount);
    let action = match op.text()? {
        "accrue" => Action::Accrue,
        "supply" | "repay" if all => Action::Repay { debt: DEBT, amount: Amount::All },
        "supply" => Action::Deposit { into: SUPPLY, amount: assets },
        "repay" => Action::Repay { debt: DEBT, amount: assets },
        "withdraw" | "borrow" if all => Action::Withdraw { from: SUPPLY, amount: Amount::All },
        "withdraw" => Action::Withdraw { from: SUPPLY, amount: assets },
        "borrow" => Action::Borrow { debt: DEBT, amount: assets },
        _ => return Err(op.fault("accrue, supply, withdraw, borrow or repay")),
    };
    Ok(Call { actor: AccountId(user), account: AccountId(user), at, action })
}

fn asked(action: &Action) -> Asked {
    match action {
        Action::Withdraw { .. } | Action::Borrow { .. } => Asked::Withdraw,
        _ => Asked::Supply,
    }
}

fn answer_step(
    answer: &mut Answer,
    path: &str,
    market: &Market,
    people: &[Account],
    feeds: Feeds<'_>,
    at: Time,
) {
    answer_totals(answer, &format!("{path}.totals"), market.state());
    said(answer, &format!("{path}.utilization"), market.state().utilisation());
    let reserves = market.projected(at).and_then(|state| state.reserves());
    said(answer, &format!("{path}.reserves"), reserves);
    answer.value(format!("{path}.baseTokenBalance"), market.state().base_balance);
    let quoted = market.at(feeds, Lens::View, at);
    for (place, account) in people.iter().enumerate() {
        let path = format!("{path}.users[{place}]");
        answer.value(format!("{path}.principal"), principal(account));
        answer.value(format!("{path}.baseTrackingIndex"), account.term(TRACKING_INDEX));
        answer.value(format!("{path}.baseTrackingAccrued"), account.term(TRACKING_ACCRUED));
        for (key, side) in [("balanceOf", SUPPLY), ("borrowBalanceOf", DEBT)] {
            let balance =
                quoted.as_ref().map_err(|why| *why).and_then(|quoted| quoted.balance(account, side));
            said(answer, &format!("{path}.{key}"), balance.map(|balance| balance.raw));
        }
    }
}
