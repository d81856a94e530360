//! `maker/poke`, `/drip`, `/frob`, `/fork`, `/abaci`: one call each; `maker/liquidations`: whole lives of auctions, the
//! state after every step. As the contracts of dss answered.

mod liquidations;

use super::{Answer, Decoder, Fault, Input, Record};
use plimsoll_core::{
    Account, AccountId, Action, Call, Effects, Feeds, Int, Market as _, Reading, Refusal, Silent, Time, U256,
    Why,
};
use plimsoll_venues::maker::words::consent;
use plimsoll_venues::maker::{
    ART, Calc, Curve, GEM, HOPE, INK, Market, Names, POKE_SPOT, Parameters, Revision, State, VAT_DAI,
};

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "maker/poke", revisions: &[], decode: |file| decode(&file, spell_plain, poke) },
    Decoder { schema: "maker/drip", revisions: &[], decode: |file| decode(&file, spell_drip, drip) },
    Decoder { schema: "maker/frob", revisions: &[], decode: |file| decode(&file, spell_frob, frob) },
    Decoder { schema: "maker/fork", revisions: &[], decode: |file| decode(&file, spell_fork, fork) },
    Decoder { schema: "maker/abaci", revisions: &[], decode: |file| decode(&file, spell_plain, abaci) },
    Decoder {
        schema: "maker/liquidations",
        revisions: &[],
        // Its refusals carry their words: they depend on the call.
        decode: |file| decode(&file, |_| &[], liquidations::answer),
    },
];

/// When the recorded calls happen that have no time of their own (s).
const START: u64 = 1_700_000_000;

const OWNER: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);

/// The contracts' arithmetic reverts without a word, and so does a balance that does not suffice.
fn spell_plain(refusal: &Refusal) -> &'static [&'static str] {
    if silent(refusal) { &["revert"] } else { &[] }
}

const fn silent(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Overflow(_) | Refusal::DivisionByZero(_) | Refusal::AmountTooLarge { .. })
}

fn spell_drip(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::ClockWentBack { .. } => &["Jug/invalid-now"],
        // `Vat.fold`
        Refusal::ShutDown => &["Vat/not-live"],
        other => spell_plain(other),
    }
}

fn spell_frob(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::ShutDown => &["Vat/not-live"],
        Refusal::Inactive(_) => &["Vat/ilk-not-init"],
        Refusal::BorrowCap(_) => &["Vat/ceiling-exceeded"],
        Refusal::OverCapacity { .. } => &["Vat/not-safe"],
        Refusal::NoConsent(consent::POSITION) => &["Vat/not-allowed-u"],
        Refusal::NoConsent(consent::COLLATERAL_PARTY) => &["Vat/not-allowed-v"],
        Refusal::NoConsent(consent::DEBT_PARTY) => &["Vat/not-allowed-w"],
        Refusal::LeavesDust => &["Vat/dust"],
        other => spell_plain(other),
    }
}

fn spell_fork(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::NoConsent(_) => &["Vat/not-allowed"],
        Refusal::OverCapacity { .. } => &["Vat/not-safe-src"],
        Refusal::ReceiverOverCapacity { .. } => &["Vat/not-safe-dst"],
        Refusal::LeavesDust => &["Vat/dust-src"],
        Refusal::ReceiverDust => &["Vat/dust-dst"],
        other => spell_plain(other),
    }
}

fn decode<'j>(
    file: &Input<'j>,
    spell: super::Spell,
    answer: impl Fn(&Input<'j>) -> Result<Answer, Fault>,
) -> Result<Vec<Record>, Fault> {
    file.labels(&["protocol", "source", "compiler", "evm", "section"]);
    let cases = file.get("vectors")?.items()?;
    Ok(cases.into_iter().map(|case| Record::new(case, spell, |case| answer(&case))).collect())
}

// ---- one call -------------------------------------------------------------------------------------------------

fn poke(case: &Input<'_>) -> Result<Answer, Fault> {
    let value = case.get("val")?.u256()?;
    let valid = case.get("has")?.bool()?;
    let (par, mat) = (case.get("par")?.u256()?, case.get("mat")?.u256()?);
    let rules = Parameters { par, mat, live: true, ..Parameters::default() };
    let feed = if valid { Reading::certain(value) } else { Reading::unknown(None, Why::Missing) };
    let outcome = market(rules, State { rate: ONE, rho: START, ..State::default() })
        // Neither number may be zero here; the contract would divide by it.
        .map_err(|_| Refusal::DivisionByZero("spot"))
        .and_then(|market| done(&market, &[], feed, OTHER, OTHER, Action::Poke { slot: POKE_SPOT }));
    let mut answer = Answer::default();
    let spot = outcome.as_ref().ok().map(|done| done.market.state().spot);
    value_or_null(&mut answer, "spot", spot);
    answer_error(&mut answer, "error", outcome.err());
    Ok(answer)
}

fn drip(case: &Input<'_>) -> Result<Answer, Fault> {
    let number = |key| case.get(key)?.u256();
    let (base, duty) = (number("base")?, number("duty")?);
    let seconds = case.get("dt")?.u64()?;
    let (rate, total_art, debt) = (number("rate")?, number("Art")?, number("debtBefore")?);
    let rules = Parameters { base, duty, mat: ONE, par: ONE, live: true, ..Parameters::default() };
    let state = State { rate, total_art, debt, rho: START, ..State::default() };
    let market = market(rules, state).map_err(|_| case.fault("a state that the contracts can hold"))?;
    let at = START.checked_add(seconds).map(Time).ok_or_else(|| case.fault("a time that can be"))?;
    let outcome = done_at(&market, &[], nothing(), OTHER, OTHER, at, Action::Accrue);
    let mut answer = Answer::default();
    let after = outcome.as_ref().map_or(market.state(), |done| done.market.state());
    value_or_null(&mut answer, "newRate", outcome.as_ref().ok().map(|_| after.rate));
    answer.value("vowDai", after.vow_dai);
    answer.value("debtAfter", after.debt);
    answer_error(&mut answer, "error", outcome.err());
    Ok(answer)
}

fn abaci(case: &Input<'_>) -> Result<Answer, Fault> {
    let calc = calc(case)?;
    let (top, seconds) = (case.get("top")?.u256()?, case.get("dur")?.u256()?);
    let outcome = calc.price(&mut Silent, top, seconds);
    let mut answer = Answer::default();
    value_or_null(&mut answer, "price", outcome.ok());
    answer_error(&mut answer, "error", outcome.err());
    Ok(answer)
}

fn frob(case: &Input<'_>) -> Result<Answer, Fault> {
    case.labels(&["note"]);
    let before = case.get("before")?;
    let (rules, state) = ilk(&before.get("ilk")?)?;
    let rules = Parameters { total_line: before.get("Line")?.u256()?, ..rules };
    let state = State { debt: before.get("debt")?.u256()?, ..state };
    let market = market(rules, state).map_err(|_| before.fault("a state that the contracts can hold"))?;
    let owner = urn(&before.get("urn")?, OWNER)?
        .with(GEM, before.get("gem")?.int()?)
        .with(VAT_DAI, before.get("dai")?.int()?);
    let (dink, dart) = (case.get("dink")?.int()?, case.get("dart")?.int()?);
    let actor = if case.get("callerIsOwner")?.bool()? { OWNER } else { OTHER };
    let action = Action::Adjust {
        collateral: (INK, dink),
        debt: (ART, dart),
        collateral_party: OWNER,
        debt_party: OWNER,
    };
    let accounts = [owner, Account::new(OTHER)];
    let outcome = done(&market, &accounts, nothing(), actor, OWNER, action);
    let mut answer = Answer::default();
    match &outcome {
        Ok(Done { market, accounts, .. }) => {
            answer_ilk(&mut answer, "after.ilk", market);
            answer.value("after.ilk.dust", market.parameters().dust);
            answer_urn(&mut answer, "after.urn", &accounts[0]);
            answer.value("after.debt", market.state().debt);
            answer.value("after.gem", accounts[0].quantity(GEM));
            answer.value("after.dai", accounts[0].quantity(VAT_DAI));
        }
        Err(_) => answer.value("after", "null"),
    }
    answer_error(&mut answer, "error", outcome.err());
    Ok(answer)
}

/// The one who forks acts for both positions.
fn fork(case: &Input<'_>) -> Result<Answer, Fault> {
    let (rules, state) = ilk(&case.get("ilk")?)?;
    let market = market(rules, state).map_err(|_| case.fault("a state that the contracts can hold"))?;
    let from = urn(&case.get("src")?, OWNER)?;
    let to = urn(&case.get("dst")?, OTHER)?.with_term(HOPE, Int::from(OWNER.0 + 1));
    let (dink, dart) = (case.get("dink")?.int()?, case.get("dart")?.int()?);
    let action = Action::Fork { collateral: (INK, dink), debt: (ART, dart), to: OTHER };
    let accounts = [from, to];
    let outcome = done(&market, &accounts, nothing(), OWNER, OWNER, action);
    let after = outcome.as_ref().map_or(accounts.as_slice(), |done| &done.accounts);
    let mut answer = Answer::default();
    answer_urn(&mut answer, "srcAfter", &after[0]);
    answer_urn(&mut answer, "dstAfter", &after[1]);
    answer_error(&mut answer, "error", outcome.err());
    Ok(answer)
}

// ---- what the files have in common ----------------------------------------------------------------------------

const ONE: U256 = U256::new(10u128.pow(27));

fn market(rules: Parameters, state: State) -> Result<Market, Refusal> {
    let names = Names { gem: "GEM", dai: "DAI", currency: "USD" };
    Market::new(Revision::V2_0, names, rules, state)
}

/// No price.
fn nothing() -> Reading {
    Reading::unknown(None, Why::Missing)
}

fn ilk(place: &Input<'_>) -> Result<(Parameters, State), Fault> {
    let number = |key| place.get(key)?.u256();
    let (line, dust) = (number("line")?, number("dust")?);
    let rules = Parameters { line, dust, mat: ONE, par: ONE, duty: ONE, live: true, ..Parameters::default() };
    let (total_art, rate, spot) = (number("Art")?, number("rate")?, number("spot")?);
    Ok((rules, State { total_art, rate, spot, rho: START, ..State::default() }))
}

fn urn(place: &Input<'_>, id: AccountId) -> Result<Account, Fault> {
    Ok(Account::new(id).with(INK, place.get("ink")?.int()?).with(ART, place.get("art")?.int()?))
}

fn calc(place: &Input<'_>) -> Result<Calc, Fault> {
    let (kind, params) = (place.get("kind")?, place.get("params")?);
    let number = |key| params.get(key)?.u256();
    let calc = Calc::default();
    match kind.text()? {
        "LinearDecrease" => Ok(Calc { curve: Curve::Linear, tau: number("tau")?, ..calc }),
        "StairstepExponentialDecrease" => {
            Ok(Calc { curve: Curve::Stairstep, step: number("step")?, cut: number("cut")?, ..calc })
        }
        "ExponentialDecrease" => Ok(Calc { curve: Curve::Exponential, cut: number("cut")?, ..calc }),
        _ => Err(kind.fault("one of the three price curves")),
    }
}

/// A world after a call.
struct Done {
    market: Market,
    accounts: Vec<Account>,
    effects: Effects,
}

fn done(
    market: &Market,
    accounts: &[Account],
    feed: Reading,
    actor: AccountId,
    account: AccountId,
    action: Action,
) -> Result<Done, Refusal> {
    done_at(market, accounts, feed, actor, account, Time(START), action)
}

fn done_at(
    market: &Market,
    accounts: &[Account],
    feed: Reading,
    actor: AccountId,
    account: AccountId,
    at: Time,
    action: Action,
) -> Result<Done, Refusal> {
    let call = Call { actor, account, at, action };
    let known = accounts.to_vec();
    let effects = market.act(&call, &known, Feeds { readings: &[feed] }, &mut Silent)?;
    let mut market = market.clone();
    market.apply(&effects)?;
    let accounts = known.iter().map(|account| effects.apply_to(account)).collect::<Option<Vec<_>>>();
    let accounts = accounts.ok_or(Refusal::Overflow("the accounts after"))?;
    Ok(Done { market, accounts, effects })
}

fn value_or_null(answer: &mut Answer, path: &str, value: Option<U256>) {
    answer.value(path, value.map_or_else(|| "null".into(), |value| value.to_string()));
}

fn answer_error(answer: &mut Answer, path: &str, refusal: Option<Refusal>) {
    match refusal {
        Some(refusal) => answer.refused(path, refusal),
        None => answer.value(path, "null"),
    }
}

/// All of it but the dust limit.
fn answer_ilk(answer: &mut Answer, path: &str, market: &Market) {
    let (rules, state) = (market.parameters(), market.state());
    answer.value(format!("{path}.Art"), state.total_art);
    answer.value(format!("{path}.rate"), state.rate);
    answer.value(format!("{path}.spot"), state.spot);
    answer.value(format!("{path}.line"), rules.line);
}

fn answer_urn(answer: &mut Answer, path: &str, account: &Account) {
    answer.value(format!("{path}.ink"), account.quantity(INK));
    answer.value(format!("{path}.art"), account.quantity(ART));
}
