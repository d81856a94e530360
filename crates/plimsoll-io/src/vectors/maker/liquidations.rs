//! `maker/liquidations`: a few positions, one keeper, and everything that happens to their auctions.

use super::{Done, answer_ilk, answer_urn, calc, done_at, ilk, market, nothing, silent, urn, value_or_null};
use crate::vectors::{Answer, Fault, Input};
use plimsoll_core::{
    Account, AccountId, Action, Cell, Effects, Int, Market as _, Mechanism, Party, Reading, Refusal, Time,
    U256,
};
use plimsoll_venues::maker::words::SEIZED_INT256;
use plimsoll_venues::maker::{ART, Auction, Dutch, GEM, INK, Market, Parameters, State, VAT_DAI};

/// Who starts, restarts and buys.
const KEEPER: AccountId = AccountId(1_000);
/// Who calls auctions off; nobody looks at what he holds.
const GOVERNANCE: AccountId = AccountId(2_000);

/// Whose position an auction was that runs at the start: the file does not say it.
const UNNAMED: AccountId = AccountId(3_000);

/// Every auction that ever was has a row in every state.
const MOST_KICKS: u64 = 1_000;

/// A call of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Bark,
    Take,
    Redo,
    Yank,
    Upchost,
}

/// The words of `dog.sol` and `clip.sol`, each where its call says it.
fn words(op: Op, refusal: &Refusal) -> Option<&'static str> {
    use Op::{Bark, Redo, Take, Yank};
    Some(match (op, refusal) {
        (Bark, Refusal::ShutDown) => "Dog/not-live",
        (Bark, Refusal::NotLiquidatable) => "Dog/not-unsafe",
        (Bark, Refusal::AuctionLimit) => "Dog/liquidation-limit-hit",
        (Bark, Refusal::DustyAuction) => "Dog/dusty-auction-from-partial-liquidation",
        (Bark, Refusal::NullAuction) => "Dog/null-auction",
        (Bark, Refusal::Overflow(SEIZED_INT256)) => "Dog/overflow",
        (Bark, Refusal::NothingToRaise) => "Clipper/zero-tab",
        (Bark | Redo, Refusal::NoValidPrice) => "Clipper/invalid-price",
        (Bark | Redo, Refusal::FirstPriceZero) => "Clipper/zero-top-price",
        (Bark | Redo | Take, Refusal::AuctionsStopped) => "Clipper/stopped-incorrect",
        (Redo | Take | Yank, Refusal::NoSuchAuction { .. }) => "Clipper/not-running-auction",
        (Redo, Refusal::AuctionStillRuns) => "Clipper/cannot-reset",
        (Take, Refusal::AuctionRanOut) => "Clipper/needs-reset",
        (Take, Refusal::AuctionTooExpensive { .. }) => "Clipper/too-expensive",
        (Take, Refusal::NoPartialPurchase) => "Clipper/no-partial-purchase",
        // The seconds since an auction's start are one checked subtraction.
        (Redo | Take, Refusal::ClockWentBack { .. }) => "revert",
        (_, refusal) if silent(refusal) => "revert",
        _ => return None,
    })
}

/// A scenario: its start is given, every step's state is compared. What an auction leaves over whose owner is not in the
/// file is some position's: from there on what positions hold unlocked is skipped.
pub(super) fn answer(case: &Input<'_>) -> Result<Answer, Fault> {
    let mut world = start(case)?;
    let mut answer = Answer::default();
    for (number, step) in case.get("steps")?.items()?.iter().enumerate() {
        let path = format!("steps[{number}]");
        let at = Time(step.get("now")?.u64()?);
        let dust_said = file(&mut world.market, step)?;
        let told = take_step(&mut world, step, at)?;
        answer_step(&mut answer, &path, &told);
        let after = format!("{path}.after");
        answer_state(&mut answer, &after, &world, at);
        if dust_said {
            answer.value(format!("{after}.vat.ilk.dust"), world.market.parameters().dust);
        }
    }
    Ok(answer)
}

struct World {
    market: Market,
    /// The positions, and last the keeper.
    accounts: Vec<Account>,
    /// Nobody knows which position some collateral went to.
    strayed: bool,
}

/// What a step answered.
enum Told {
    Refused(Op, Refusal),
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
    let unlocked = vat.get("gemUrns")?.items()?;
    let mut accounts = Vec::new();
    for (id, place) in (0..).zip(vat.get("urns")?.items()?) {
        let gem = unlocked.get(accounts.len()).ok_or_else(|| place.fault("unlocked collateral of each"))?;
        accounts.push(urn(&place, AccountId(id))?.with(GEM, gem.int()?));
    }
    let keeper = Account::new(KEEPER).with(GEM, vat.get("gemKeeper")?.int()?);
    accounts.push(keeper.with(VAT_DAI, vat.get("daiKeeper")?.int()?));
    let mut market =
        market(rules, state).map_err(|_| initial.fault("a state that the contracts can hold"))?;
    let mut lots = U256::ZERO;
    for (pos, number) in (0..).zip(clip.get("active")?.items()?) {
        let sale = clip.get("sales")?.get(number.text()?)?;
        let (tab, lot, top) =
            (self::number(&sale, "tab")?, self::number(&sale, "lot")?, self::number(&sale, "top")?);
        let tic = sale.get("tic")?.u64()?;
        let auction = Auction { pos, tab, lot, usr: UNNAMED, tic, top, ..Auction::default() };
        let refused = |_| sale.fault("an auction that can run");
        market = market.with_auction(number.u64()?, auction).map_err(refused)?;
        lots = lots.add(lot).ok_or_else(|| sale.fault("a lot that fits beside the others"))?;
    }
    let (house, clipped) = (vat.get("gemClip")?, vat.get("gemClip")?.u256()?);
    if clipped != lots {
        return Err(house.fault("as much as is on auction"));
    }
    ended(&clip.get("sales")?, &market)?;
    Ok(World { market, accounts, strayed: false })
}

/// Auctions that have ended are rows of zeros.
fn ended(sales: &Input<'_>, market: &Market) -> Result<(), Fault> {
    for (number, sale) in sales.entries()? {
        let number: u64 = number.parse().map_err(|_| sale.fault("the number of an auction before it"))?;
        if market.auction(number).is_some() {
            continue;
        }
        let all = ["tab", "lot", "tic", "top"].map(|key| self::number(&sale, key));
        let zeros = all.into_iter().collect::<Result<Vec<_>, _>>()?.iter().all(|value| *value == U256::ZERO);
        if !zeros || number == 0 || number > market.state().kicks {
            return Err(sale.fault("an auction that is active, or zeros for one that has ended"));
        }
    }
    Ok(())
}

fn number(place: &Input<'_>, key: &str) -> Result<U256, Fault> {
    place.get(key)?.u256()
}

/// What governance set before the step, and whether an argument says `dust`. Where none does, it may have been set before
/// any step, a refused one as well, and only the state after it tells: there it is an input and no answer.
fn file(market: &mut Market, step: &Input<'_>) -> Result<bool, Fault> {
    let args = step.get("args")?;
    let said = args.maybe("dust");
    let dust_said = said.is_some();
    let dust = said.map_or_else(|| step.get("after")?.get("vat")?.get("ilk")?.get("dust"), Ok)?;
    set(market, "dust", &dust)?;
    if let Some(cusp) = args.maybe("cuspSetBefore") {
        set(market, "cusp", &cusp)?;
    }
    Ok(dust_said)
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
    let (op, actor, account, mechanism) = match op.text()? {
        "bark" => {
            let urn = args.get("urn")?;
            let id = AccountId(urn.u64()?);
            if world.accounts.iter().all(|account| account.id != id || id == KEEPER) {
                return Err(urn.fault("the number of a position"));
            }
            (Op::Bark, KEEPER, id, Mechanism::Bark)
        }
        "take" => {
            let (auction, amount) = (number("id")?, args.get("amt")?.u256()?);
            (
                Op::Take,
                KEEPER,
                KEEPER,
                Mechanism::Take { auction, amount, max_price: args.get("max")?.u256()? },
            )
        }
        "redo" => (Op::Redo, KEEPER, KEEPER, Mechanism::Redo { auction: number("id")? }),
        "yank" => (Op::Yank, GOVERNANCE, KEEPER, Mechanism::Yank { auction: number("id")? }),
        "upchost" => (Op::Upchost, KEEPER, KEEPER, Mechanism::Upchost),
        _ => return Err(op.fault("bark, take, redo, yank or upchost")),
    };
    let action = Action::Liquidate(mechanism.clone());
    let outcome = done_at(&world.market, &world.accounts, feed, actor, account, at, action);
    let Done { market, accounts, effects } = match outcome {
        Ok(done) => done,
        Err(refusal) => return Ok(Told::Refused(op, refusal)),
    };
    let before = std::mem::replace(&mut world.market, market);
    world.accounts = accounts;
    world.strayed |= effects.net(Party::Account(UNNAMED), GEM) != Some(Int::ZERO);
    let told = events(&before, &world.market, &effects, &mechanism, at);
    Ok(told.unwrap_or_else(|refusal| Told::Refused(op, refusal)))
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
    let error = format!("{path}.error");
    let (result, events) = match told {
        Told::Refused(op, refusal) => {
            answer.refused_as(error, *refusal, words(*op, refusal));
            (None, &[][..])
        }
        Told::Done(result, events) => {
            answer.value(error, "null");
            (*result, events.as_slice())
        }
    };
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
    let World { market, accounts, strayed } = world;
    let (rules, state) = (market.parameters(), market.state());
    let vat = format!("{path}.vat");
    answer_ilk(answer, &format!("{vat}.ilk"), market);
    let keeper = accounts.iter().find(|account| account.id == KEEPER);
    let urns = accounts.iter().filter(|account| account.id != KEEPER);
    for (number, urn) in urns.enumerate() {
        answer_urn(answer, &format!("{vat}.urns[{number}]"), urn);
        if !strayed {
            answer.value(format!("{vat}.gemUrns[{number}]"), urn.quantity(GEM));
        }
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
