//! Stored prices: pokes, the delayed oracle hour by hour, both lenses, and what the queued price says.
//!
//! Of `osm.sol`: `pass` is now >= zzz + hop; `poke` moves next to current, takes the source's price as the next, and sets
//! zzz to now cut to whole hops; a source without a price changes nothing.

use crate::world::*;
use plimsoll_core::{
    Action, Feeds, Int, Lens, Market as _, Reading, Refusal, Test, Time, U256, Verdict, Why,
};
use plimsoll_venues::maker::{GEM, INK, POKE_ORACLE, POKE_SPOT, Parameters, Revision, State, Stored};
use proptest::prelude::*;

/// 100 ETH and 80,000 Dai at 150 %: safe down to 1,200 dollars. Current 1,500, next 1,100, taken on the hour.
fn world() -> World {
    let usual = Parameters { duty: ray(1), mat: e(15, 26), ..rules() };
    let mut world = World::new(Revision::V2_0, with_oracle(usual));
    let state = State {
        spot: ray(1_000),
        current: stored(wad(1_500)),
        next: stored(wad(1_100)),
        ..*world.market.state()
    };
    world.market = market(Revision::V2_0, *world.market.parameters(), state);
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(80_000)).unwrap();
    world.price = Reading::certain(wad(1_300));
    world
}

fn poke(world: &mut World, slot: usize) -> Result<(), Refusal> {
    world.action(KEEPER, KEEPER, Action::Poke { slot }).map(|_| ())
}

#[test]
fn the_queued_price_liquidates_in_so_many_minutes() {
    let mut world = world();
    world.wait(1_500);
    assert_eq!(world.verdict(0, Lens::View), Verdict::Healthy);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Healthy);
    let queued = world.market.queued(world.account(0), Test::Liquidation, world.at).unwrap();
    assert_eq!(queued.price.value, wad(1_100).into());
    assert_eq!(queued.from.0 - world.at.0, 2_100); // 35 minutes
    let then = queued.assessment.unwrap();
    assert_eq!((then.verdict, then.executable), (Verdict::Unhealthy, Ok(())));
    // 100 ETH at 1,100 and 150 %: floor(1100e27 / 1.5) a whole one.
    let carried: U256 = "73333333333333333333333333333300000000000000000000".parse().unwrap();
    assert_eq!(then.backing, carried.into());

    world.wait(2_099);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Healthy);
    let from = Time(START + 3_600);
    assert_eq!(poke(&mut world, POKE_ORACLE), Err(Refusal::OracleTooEarly { from }));
    world.wait(1);
    // The hour has passed: a keeper may let the price in now, and the getter does not know yet.
    assert_eq!(world.verdict(0, Lens::View), Verdict::Healthy);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Unhealthy);
    let queued = world.market.queued(world.account(0), Test::Liquidation, world.at).unwrap();
    assert_eq!(queued.from, world.at);

    let bark = |world: &mut World| world.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark).map(|_| ());
    assert_eq!(bark(&mut world), Err(Refusal::NotLiquidatable));
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(bark(&mut world), Err(Refusal::NotLiquidatable));
    poke(&mut world, POKE_SPOT).unwrap();
    let state = *world.market.state();
    assert_eq!(
        (state.current, state.next, state.poked),
        (stored(wad(1_100)), stored(wad(1_300)), START + 3_600)
    );
    assert_eq!(bark(&mut world), Ok(()));
    // 1,100 times 1.2.
    assert_eq!(world.market.auction(1).unwrap().top, ray(1_320));
}

/// One call a window: half an hour late, the next window still begins on the hour.
#[test]
fn windows_begin_on_the_hour() {
    let mut world = world();
    world.wait(3_600 + 1_800);
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(world.market.state().poked, START + 3_600);
    let from = Time(START + 7_200);
    assert_eq!(poke(&mut world, POKE_ORACLE), Err(Refusal::OracleTooEarly { from }));
    world.wait(1_800);
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(world.market.state().current, stored(wad(1_300)));
    // Many hours later it is still one step.
    world.wait(36_000);
    world.price = Reading::certain(wad(900));
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(
        (world.market.state().current, world.market.state().next),
        (stored(wad(1_300)), stored(wad(900)))
    );
}

#[test]
fn a_source_without_a_price_stops_the_queue() {
    let mut world = world();
    world.wait(3_600);
    world.price = Reading::unknown(None, Why::Stale);
    let before = *world.market.state();
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(*world.market.state(), before);
    // Whether it has none is not known here: neither price is shown as the one.
    let refusal = Refusal::PriceUnknown { slot: 0, why: Why::Stale };
    assert_eq!(world.assess(0, Lens::Action), Err(refusal));
    assert_eq!(world.verdict(0, Lens::View), Verdict::Healthy);
    // A doubtful price is one all the same, and lets the next through.
    world.price = Reading::unknown(Some(wad(1)), Why::Stale);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Unhealthy);
}

/// `void`: no price at all. The spot is then zero, nobody can draw, and nobody can be liquidated.
#[test]
fn a_void_oracle_liquidates_nobody() {
    let mut world = world();
    let void = Stored { value: U256::ZERO, valid: false };
    let state = State { current: void, next: void, ..*world.market.state() };
    world.market =
        market(Revision::V2_0, Parameters { osm_stopped: true, ..*world.market.parameters() }, state);
    let seen = world.assess(0, Lens::Action).unwrap();
    assert_eq!((seen.verdict, seen.executable), (Verdict::Unhealthy, Err(Refusal::NoValidPrice)));
    assert_eq!(poke(&mut world, POKE_ORACLE), Err(Refusal::Paused(GEM)));
    assert_eq!(world.market.queued(world.account(0), Test::Liquidation, world.at), None);
    poke(&mut world, POKE_SPOT).unwrap();
    assert_eq!(world.market.state().spot, U256::ZERO);
    let bark = world.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark);
    assert_eq!(bark, Err(Refusal::NotLiquidatable));
    let free = Action::Withdraw { from: INK, amount: plimsoll_core::Amount::Assets(u(1)) };
    assert!(matches!(world.action(0, 0, free), Err(Refusal::OverCapacity { .. })));
}

/// `uint128(wut)`.
#[test]
fn the_queue_holds_128_bits() {
    let mut world = world();
    world.wait(3_600);
    world.price = Reading::certain(U256::ZERO.with_bit(128, true).with_bit(3, true));
    poke(&mut world, POKE_ORACLE).unwrap();
    assert_eq!(world.market.state().next, stored(u(8)));
}

/// With no delay the feed is the oracle: the action lens reads it, the view lens what was poked.
#[test]
fn without_delay_the_feed_decides() {
    let mut world = World::new(Revision::V2_0, Parameters { duty: ray(1), mat: e(15, 26), ..rules() });
    world.poke(wad(1_500));
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(80_000)).unwrap();
    world.price = Reading::certain(wad(1_200));
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Healthy);
    world.price = Reading::certain(wad(1_200).sub(U256::ONE).unwrap());
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Unhealthy);
    assert_eq!(world.verdict(0, Lens::View), Verdict::Healthy);
    assert_eq!(world.market.queued(world.account(0), Test::Liquidation, world.at), None);
    assert_eq!(poke(&mut world, POKE_ORACLE), Err(Refusal::NotAtThisVenue));
    // A stored spot can be the worse one for the borrower: then no poke is needed.
    poke(&mut world, POKE_SPOT).unwrap();
    world.price = Reading::certain(wad(1_500));
    assert_eq!(
        (world.verdict(0, Lens::View), world.verdict(0, Lens::Action)),
        (Verdict::Unhealthy, Verdict::Healthy)
    );
    world.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark).unwrap();
}

/// Fees that would be taken out of an empty purse revert: nobody drips, and the stored rate stands.
#[test]
fn a_drip_that_reverts_is_not_made() {
    let shrinking = Parameters { duty: e(99, 25), ..rules() };
    let mut world = World::new(Revision::V2_0, shrinking);
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(20_000)).unwrap();
    world.wait(1);
    assert!(matches!(world.action(0, 0, Action::Accrue), Err(Refusal::Overflow(_))));
    assert_eq!(world.assess(0, Lens::Action).unwrap().debt, rad(20_000).into());
    let draw = world.draw(0, wad(1));
    assert!(matches!(draw, Err(Refusal::Overflow(_))), "{draw:?}");
}

#[test]
fn time_does_not_go_back() {
    let world = world();
    let (state, asked) = (Time(START), Time(START - 1));
    let feeds = Feeds { readings: &[] };
    let told = world.market.at(feeds, Lens::View, asked).map(|_| ()).err();
    assert_eq!(told, Some(Refusal::ClockWentBack { state, asked }));
}

proptest! {
    #![proptest_config(cases(200))]

    /// What the queue is said to bring is what the calls find: at the first moment, and with the interest to then.
    #[test]
    fn the_queued_verdict_is_what_happens(
        (_, rules, ops) in life().prop_filter("one house is enough", |(revision, ..)| *revision == Revision::V2_0),
        next in 500..3_000u128,
        wait in 0..8_000u64,
    ) {
        let mut world = begin(Revision::V2_0, with_oracle(rules));
        for op in ops.into_iter().take(10) {
            let _ = world.step(op);
        }
        let state = State { next: stored(wad(next)), current: stored(wad(2_000)), ..*world.market.state() };
        let auctions: Vec<_> = world.market.auctions().map(|(number, auction)| (number, *auction)).collect();
        world.market = auctions.into_iter().fold(market(Revision::V2_0, *world.market.parameters(), state), |market, (number, auction)| {
            market.with_auction(number, auction).unwrap()
        });
        world.wait(wait);
        for who in 0..PEOPLE {
            let queued = world.market.queued(world.account(who), Test::Liquidation, world.at).unwrap();
            prop_assert_eq!(queued.price.value, Int::from(wad(next)));
            prop_assert_eq!(queued.from.0, world.at.0.max(state.poked + 3_600));
            let mut then = world.clone();
            then.at = queued.from;
            let seen = then.assess(who, Lens::Action);
            prop_assert_eq!(&seen, &queued.assessment);
            // And by the calls themselves.
            poke(&mut then, POKE_ORACLE).unwrap();
            poke(&mut then, POKE_SPOT).unwrap();
            let _ = then.action(KEEPER, KEEPER, Action::Accrue);
            prop_assert_eq!(then.assess(who, Lens::View), queued.assessment);
        }
    }
}
