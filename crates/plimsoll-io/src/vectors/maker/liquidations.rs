//! `maker/liquidations`: a few positions, one keeper, and everything that happens to their auctions.

use super::{
    Done, answer_error, answer_ilk, answer_urn, calc, done_at, ilk, market, nothing, spell_plain, urn,
    value_or_null,
};
use crate::vectors::{Answer, Fault, Input};
use plimsoll_core::{
    Account, AccountId, Action, Cell, Effects, Int, Market as _, Mechanism, Party, Reading, Refusal, Time,
    U256,
};
use plimsoll_venues::maker::{ART, Auction, Dutch, GEM, INK, Market, Parameters, State, VAT_DAI};

/// Who starts, restarts and buys.
const KEEPER: AccountId = AccountId(1_000);
/// Who calls auctions off; nobody looks at what he holds.
const GOVERNANCE: AccountId = AccountId(2_000);

/// Every auction that ever was has a row in every state.
const MOST_KICKS: u64 = 1_000;

/// `dog.sol` and `clip.sol`.
pub(super) fn spell(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::ShutDown => &["Dog/not-live"],
        Refusal::NotLiquidatable => &["Dog/not-unsafe"],
        Refusal::AuctionLimit => &["Dog/liquidation-limit-hit"],
        Refusal::DustyAuction => &["Dog/dusty-auction-from-partial-liquidation"],
        Refusal::NullAuction => &["Dog/null-auction", "Clipper/zero-tab"],
        Refusal::AuctionsStopped => &["Clipper/stopped-incorrect"],
        Refusal::NoValidPrice => &["Clipper/invalid-price", "Clipper/zero-top-price"],
        Refusal::NoSuchAuction { .. } => &["Clipper/not-running-auction"],
        Refusal::AuctionRanOut => &["Clipper/needs-reset"],
        Refusal::AuctionStillRuns => &["Clipper/cannot-reset"],
        Refusal::AuctionTooExpensive { .. } => &["Clipper/too-expensive"],
        Refusal::NoPartialPurchase => &["Clipper/no-partial-purchase"],
        other => spell_plain(other),
    }
}

/// A scenario: its start is given, every step's state is compared.
pub(super) fn answer(case: &Input<'_>) -> Result<Answer, Fault> {
    let mut world = start(case)?;
    let mut answer = Answer::default();
    for (number, step) in case.get("steps")?.items()?.iter().enumerate() {
        let path = format!("steps[{number}]");
        let at = Time(step.get("now")?.u64()?);
        file(&mut world.market, step)?;
        let told = take_step(&mut world, step, at)?;
        answer_step(&mut answer, &path, &told);
        answer_state(&mut answer, &format!("{path}.after"), &world, at);
    }
    Ok(answer)
}

struct World {
    market: Market,
    /// The positions, and last the keeper.
    accounts: Vec<Account>,
}

/// What a step answered.
enum Told {
    Refused(Refusal),
    /// Its result, and its events with their numbers.
    Done(Option<u64>, Vec<Event>),
}

struct Event {
    name: &'static str,
    numbers: Vec<(&'static str, U256)>,
}

fn start(case: &Input<'_>) -> Result<World, Fault> {
    let initial = case.get("initial")?;
    let (vat, dog, clip) = (initial.get("vat")?, initial.get("dog")?, initial.get("clip")?);
    let number = |place: &Input<'_>, key| place.get(key)?.u256();
    let (rules, state) = ilk(&vat.get("ilk")?)?;
    let dutch = Dutch {
        hole: number(&dog, "hole")?,
        total_hole: number(&dog, "Hole")?,
        buf: number(&clip, "buf")?,
        tail: number(&clip, "tail")?,
        cusp: number(&clip, "cusp")?,
        chip: number(&clip, "chip")?,
        tip: number(&clip, "tip")?,
        stopped: clip.get("stopped")?.u64()?,
        calc: calc(&case.get("calc")?)?,
    };
    let (mat, par) = (number(case, "mat")?, number(case, "par")?);
    let rules = Parameters { mat, par, chop: number(&dog, "chop")?, dutch, ..rules };
    let state = State {
        rho: initial.get("now")?.u64()?,
        debt: number(&vat, "debt")?,
        vice: number(&vat, "vice")?,
        vow_dai: number(&vat, "daiVow")?,
        vow_sin: number(&vat, "sinVow")?,
        dirt: number(&dog, "dirt")?,
        total_dirt: number(&dog, "Dirt")?,
        chost: number(&clip, "chost")?,
        kicks: clip.get("kicks")?.u64()?,
        ..state
    };
    if state.kicks > MOST_KICKS {
        return Err(clip.fault("few auctions before the start"));
    }
    // Whose position a running auction was is not in the file: there must be none.
    let (active, sales) = (clip.get("active")?, clip.get("sales")?);
    if !active.items()?.is_empty() || !sales.entries()?.is_empty() || number(&vat, "gemClip")? != U256::ZERO {
        return Err(active.fault("no auction at the start"));
    }
    let unlocked = vat.get("gemUrns")?.items()?;
    let mut accounts = Vec::new();
    for (id, place) in (0..).zip(vat.get("urns")?.items()?) {
        let gem = unlocked.get(accounts.len()).ok_or_else(|| place.fault("unlocked collateral of each"))?;
        accounts.push(urn(&place, AccountId(id))?.with(GEM, gem.int()?));
    }
    let keeper = Account::new(KEEPER).with(GEM, vat.get("gemKeeper")?.int()?);
    accounts.push(keeper.with(VAT_DAI, vat.get("daiKeeper")?.int()?));
    let market = market(rules, state).map_err(|_| initial.fault("a state that the contracts can hold"))?;
    Ok(World { market, accounts })
}

/// What governance set before the step: `dust` is read off the state after it, where no argument says it.
fn file(market: &mut Market, step: &Input<'_>) -> Result<(), Fault> {
    let args = step.get("args")?;
    let dust = match args.maybe("dust") {
        Some(dust) => dust,
        None => step.get("after")?.get("vat")?.get("ilk")?.get("dust")?,
    };
    set(market, "dust", &dust)?;
    match args.maybe("cuspSetBefore") {
        Some(cusp) => set(market, "cusp", &cusp),
        None => Ok(()),
    }
}

fn set(market: &mut Market, name: &str, place: &Input<'_>) -> Result<(), Fault> {
    let value = place.int()?;
    let mut found: Option<Cell> = None;
    market.visit(&mut |cell, known, _, _| found = found.or((known == name).then_some(cell)));
    let set = found.and_then(|cell| market.set(cell, Some(value)).ok());
    set.ok_or_else(|| place.fault("a number that the contracts can hold"))
}

fn take_step(world: &mut World, step: &Input<'_>, at: Time) -> Result<Told, Fault> {
    let args = step.get("args")?;
    let feed = match step.get("pip")?.items()?.as_slice() {
        [value, valid] => {
            let value = value.u256()?;
            if valid.bool()? { Reading::certain(value) } else { nothing() }
        }
        _ => return Err(step.fault("a price and whether it is valid")),
    };
    let op = step.get("op")?;
    let number = |key| args.get(key)?.u64();
    let (actor, account, mechanism) = match op.text()? {
        "bark" => {
            let urn = args.get("urn")?;
            let id = AccountId(urn.u64()?);
            if world.accounts.iter().all(|account| account.id != id || id == KEEPER) {
                return Err(urn.fault("the number of a position"));
            }
            (KEEPER, id, Mechanism::Bark)
        }
        "take" => {
            let (auction, amount) = (number("id")?, args.get("amt")?.u256()?);
            (KEEPER, KEEPER, Mechanism::Take { auction, amount, max_price: args.get("max")?.u256()? })
        }
        "redo" => (KEEPER, KEEPER, Mechanism::Redo { auction: number("id")? }),
        "yank" => (GOVERNANCE, KEEPER, Mechanism::Yank { auction: number("id")? }),
        "upchost" => (KEEPER, KEEPER, Mechanism::Upchost),
        _ => return Err(op.fault("bark, take, redo, yank or upchost")),
    };
    let action = Action::Liquidate(mechanism.clone());
    let outcome = done_at(&world.market, &world.accounts, feed, actor, account, at, action);
    let Done { market, accounts, effects } = match outcome {
        Ok(done) => done,
        Err(refusal) => return Ok(Told::Refused(refusal)),
    };
    let before = std::mem::replace(&mut world.market, market);
    world.accounts = accounts;
    let told = events(&before, &world.market, &effects, &mechanism, at);
    Ok(told.unwrap_or_else(Told::Refused))
}

/// The events that the contracts would have emitted, from what changed.
fn events(
    before: &Market,
    after: &Market,
    effects: &Effects,
    mechanism: &Mechanism,
    at: Time,
) -> Result<Told, Refusal> {
    let overflow = Refusal::Overflow("what moved");
    let moved = |from: Party, instrument| {
        let net = effects.net(from, instrument).ok_or(overflow)?;
        net.neg().to_u256().ok_or(overflow)
    };
    let running = |number| after.auction(number).copied().ok_or(Refusal::NoSuchAuction { auction: number });
    match *mechanism {
        Mechanism::Bark => {
            let number = after.state().kicks;
            let Auction { top, tab, lot, usr, .. } = running(number)?;
            let coin = moved(Party::Mint, VAT_DAI)?;
            let (ink, art) = (moved(Party::Account(usr), INK)?, moved(Party::Account(usr), ART)?);
            let due = art.mul(before.state().rate).ok_or(overflow)?;
            let kick = vec![("top", top), ("tab", tab), ("lot", lot), ("coin", coin)];
            let bark = vec![("ink", ink), ("art", art), ("due", due)];
            let events = vec![Event { name: "Kick", numbers: kick }, Event { name: "Bark", numbers: bark }];
            Ok(Told::Done(Some(number), events))
        }
        Mechanism::Redo { auction } => {
            let Auction { top, tab, lot, .. } = running(auction)?;
            let coin = moved(Party::Mint, VAT_DAI)?;
            let numbers = vec![("top", top), ("tab", tab), ("lot", lot), ("coin", coin)];
            Ok(Told::Done(None, vec![Event { name: "Redo", numbers }]))
        }
        Mechanism::Take { auction, max_price, .. } => {
            let price = before.status(auction, at)?.price;
            let Auction { tab, lot, .. } =
                before.auction(auction).copied().ok_or(Refusal::NoSuchAuction { auction })?;
            let owe = moved(Party::Account(KEEPER), VAT_DAI)?;
            let received = effects.net(Party::Account(KEEPER), GEM).and_then(Int::to_u256);
            let slice = received.ok_or(overflow)?;
            let numbers = vec![
                ("max", max_price),
                ("price", price),
                ("owe", owe),
                ("tab", tab.sub(owe).ok_or(overflow)?),
                ("lot", lot.sub(slice).ok_or(overflow)?),
            ];
            Ok(Told::Done(None, vec![Event { name: "Take", numbers }]))
        }
        _ => Ok(Told::Done(None, Vec::new())),
    }
}

fn answer_step(answer: &mut Answer, path: &str, told: &Told) {
    let (refusal, result, events) = match told {
        Told::Refused(refusal) => (Some(*refusal), None, &[][..]),
        Told::Done(result, events) => (None, *result, events.as_slice()),
    };
    answer_error(answer, &format!("{path}.error"), refusal);
    value_or_null(answer, &format!("{path}.result"), result.map(U256::from));
    if events.is_empty() {
        answer.value(format!("{path}.events"), "[]");
    }
    for (at, Event { name, numbers }) in events.iter().enumerate() {
        answer.value(format!("{path}.events[{at}][0]"), name);
        for (key, value) in numbers {
            answer.value(format!("{path}.events[{at}][1].{key}"), value);
        }
    }
}

fn answer_state(answer: &mut Answer, path: &str, world: &World, at: Time) {
    let World { market, accounts } = world;
    let (rules, state) = (market.parameters(), market.state());
    let vat = format!("{path}.vat");
    answer_ilk(answer, &format!("{vat}.ilk"), market);
    let keeper = accounts.iter().find(|account| account.id == KEEPER);
    let urns = accounts.iter().filter(|account| account.id != KEEPER);
    for (number, urn) in urns.enumerate() {
        answer_urn(answer, &format!("{vat}.urns[{number}]"), urn);
        answer.value(format!("{vat}.gemUrns[{number}]"), urn.quantity(GEM));
    }
    let mut value = |key: &str, value: String| answer.value(format!("{path}.{key}"), value);
    value("now", at.0.to_string());
    let lots = market.auctions().map(|(_, auction)| auction.lot).try_fold(U256::ZERO, U256::add);
    value("vat.gemClip", lots.map_or_else(String::new, |lots| lots.to_string()));
    if let Some(keeper) = keeper {
        value("vat.gemKeeper", keeper.quantity(GEM).to_string());
        value("vat.daiKeeper", keeper.quantity(VAT_DAI).to_string());
    }
    for (key, number) in [
        ("vat.daiVow", state.vow_dai),
        ("vat.sinVow", state.vow_sin),
        ("vat.debt", state.debt),
        ("vat.vice", state.vice),
        ("dog.Hole", rules.dutch.total_hole),
        ("dog.Dirt", state.total_dirt),
        ("dog.chop", rules.chop),
        ("dog.hole", rules.dutch.hole),
        ("dog.dirt", state.dirt),
        ("clip.buf", rules.dutch.buf),
        ("clip.tail", rules.dutch.tail),
        ("clip.cusp", rules.dutch.cusp),
        ("clip.chip", rules.dutch.chip),
        ("clip.tip", rules.dutch.tip),
        ("clip.chost", state.chost),
        ("clip.stopped", rules.dutch.stopped.into()),
        ("clip.kicks", state.kicks.into()),
    ] {
        value(key, number.to_string());
    }
    let mut active: Vec<(u64, u64)> =
        market.auctions().map(|(number, auction)| (auction.pos, number)).collect();
    active.sort_unstable();
    for (place, (_, number)) in active.iter().enumerate() {
        value(&format!("clip.active[{place}]"), number.to_string());
    }
    if active.is_empty() {
        value("clip.active", "[]".into());
    }
    if state.kicks == 0 {
        value("clip.sales", "{}".into());
    }
    // One that has ended is a row of zeros.
    for number in 1..=state.kicks {
        let Auction { tab, lot, tic, top, .. } = market.auction(number).copied().unwrap_or_default();
        for (key, of) in [("tab", tab), ("lot", lot), ("tic", tic.into()), ("top", top)] {
            value(&format!("clip.sales.{number}.{key}"), of.to_string());
        }
    }
}
