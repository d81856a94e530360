//! Stored prices: pokes, the delayed oracle hour by hour, both lenses, and what the queued price says.
//!
//! Of `osm.sol`: `pass` is now >= zzz + hop; `poke` moves next to current, takes the source's price as the next, and sets
//! zzz to now cut to whole hops; a source without a price changes nothing.

use crate::world::*;
use plimsoll_core::{
    Action, Certainty, Feeds, Int, Lens, Market as _, Reading, Refusal, Standing, Test, Time, U256, Verdict,
    Why,
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
        (Verdict::Unhealthy, Verdict::Unhealthy)
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

/// `Dog.bark` compares with the spot that is stored: who pokes a higher price first helps nobody but the vault.
#[test]
fn a_low_spot_that_is_stored_needs_no_poke() {
    let mut world = world();
    let state = State { spot: ray(700), ..*world.market.state() };
    world.market = market(Revision::V2_0, *world.market.parameters(), state);
    let seen = world.assess(0, Lens::Action).unwrap();
    assert_eq!((seen.verdict, seen.executable), (Verdict::Unhealthy, Ok(())));
    assert_eq!(seen.backing, rad(70_000).into());
    // Nor does a feed that is missing matter.
    world.price = Reading::unknown(None, Why::Missing);
    world.wait(50_000);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Unhealthy);
    world.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark).unwrap();
    // A spot of zero is one at which nobody is ever liquidated, so it is not the least that matters.
    let mut world = self::world();
    let state = State { spot: U256::ZERO, ..*world.market.state() };
    world.market = market(Revision::V2_0, *world.market.parameters(), state);
    assert_eq!(world.assess(0, Lens::Action).unwrap().backing, rad(100_000).into());
}

/// Two hops on, the feed's price may be the one in force: what it is decides, and where it is not known nothing is.
#[test]
fn after_two_hops_the_feed_decides() {
    let mut world = world();
    let state = State { next: stored(wad(1_500)), ..*world.market.state() };
    world.market = market(Revision::V2_0, *world.market.parameters(), state);
    world.price = Reading::certain(wad(900));
    let judge = |world: &World, at: u64, lens| {
        let readings = [world.price];
        let standing = Standing::new(&world.market, &readings, lens, Time(at)).unwrap();
        standing.judge(world.account(0), Test::Liquidation)
    };
    let second = START + 7_200;
    let coming = |world: &World| {
        let readings = [world.price];
        let quoted = world.market.at(Feeds { readings: &readings }, Lens::Action, world.at).unwrap();
        quoted.coming(world.account(0), Test::Liquidation).map(|it| (it.price.value, it.from))
    };
    assert_eq!(coming(&world), Some((wad(900).into(), Time(second))));
    assert_eq!(judge(&world, second - 1, Lens::Action).verdict(), Some(Verdict::Healthy));
    assert_eq!(judge(&world, second, Lens::Action).verdict(), Some(Verdict::Unhealthy));
    assert_eq!(judge(&world, second, Lens::View).verdict(), Some(Verdict::Healthy));
    // A keeper who comes at each hour and a second of it has it in force as early.
    let mut done = world.clone();
    for at in [START + 3_600, second] {
        done.at = Time(at);
        poke(&mut done, POKE_ORACLE).unwrap();
    }
    poke(&mut done, POKE_SPOT).unwrap();
    done.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark).unwrap();
    // Later in the hour it is the hour after that.
    world.wait(5_400);
    assert_eq!(coming(&world), Some((wad(900).into(), Time(second))));
    world.wait(1_800);
    // Stale, or missing: unknown, and never safe.
    world.price = Reading::unknown(Some(wad(1_500)), Why::Stale);
    assert_eq!(judge(&world, second - 1, Lens::Action).verdict(), Some(Verdict::Healthy));
    let stale = judge(&world, second, Lens::Action);
    assert_eq!(stale.own.unwrap().verdict, Verdict::Healthy);
    assert_eq!(stale.certainty, Certainty::Undetermined(Why::Stale));
    world.price = Reading::unknown(None, Why::Missing);
    assert_eq!(judge(&world, second, Lens::Action).verdict(), None);
    // Between bounds that are all well above the line it is safe, and below it lost.
    let bounds = |low, high| Reading {
        value: Some(wad(low)),
        doubt: Some(Why::Confidence),
        low: wad(low),
        high: Some(wad(high)),
    };
    world.price = bounds(1_400, 1_600);
    let safe = judge(&world, second, Lens::Action).certainty;
    // 100 ETH at 1,400 and 150 % against 80,000.
    assert_eq!(safe, Certainty::Safe { why: Why::Confidence, at_least: 116 });
    world.price = bounds(1_000, 1_100);
    assert_eq!(judge(&world, second, Lens::Action).certainty, Certainty::Unsafe(Why::Confidence));
    // An oracle that is stopped takes nothing.
    let rules = Parameters { osm_stopped: true, ..*world.market.parameters() };
    world.market = market(Revision::V2_0, rules, *world.market.state());
    world.price = Reading::certain(wad(900));
    assert_eq!(judge(&world, second, Lens::Action).verdict(), Some(Verdict::Healthy));
    assert_eq!(coming(&world), None);
}

/// Nobody can drip where the power does not fit, and what the rate was a moment before is not known.
#[test]
fn a_fee_that_does_not_fit_is_unknown() {
    let rules = Parameters { duty: e(105, 25), ..rules() };
    let mut world = World::new(Revision::V2_0, rules);
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(20_000)).unwrap();
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Healthy);
    // 1.05 a second: 137,931 are carried and 20,000 owed, which is 6.9 times as much, after 40 seconds.
    world.wait(39);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Healthy);
    world.wait(1);
    assert_eq!(world.verdict(0, Lens::Action), Verdict::Unhealthy);
    world.wait(86_400);
    assert!(matches!(world.action(0, 0, Action::Accrue), Err(Refusal::Overflow(_))));
    assert!(matches!(world.assess(0, Lens::Action), Err(Refusal::Overflow(_))));
    assert_eq!(world.verdict(0, Lens::View), Verdict::Healthy);
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

    /// The action lens is the worst of what keepers' calls can make of a vault, each call being made as a contract makes it:
    /// none of them is worse than it, and one of them is as bad.
    #[test]
    fn the_action_lens_is_the_worst_that_calls_bring_about(
        [stored_spot, current, next, feed] in prop::array::uniform4(500..3_000u128),
        wait in prop_oneof![0..12_000u64, Just(3_599), Just(3_600), Just(7_199), Just(7_200)],
        begun in 0..3_600u64,
        fees in any::<bool>(),
    ) {
        let usual = Parameters { duty: if fees { rules().duty } else { ray(1) }, ..rules() };
        let mut world = World::new(Revision::V2_0, with_oracle(usual));
        world.lock(0, wad(100)).unwrap();
        world.draw(0, wad(50_000)).unwrap();
        let begins = START - START % 3_600 + 3_600;
        let state = State {
            spot: spot(&usual, wad(stored_spot)),
            current: stored(wad(current)),
            next: stored(wad(next)),
            poked: begins,
            rho: begins + begun,
            ..*world.market.state()
        };
        world.market = market(Revision::V2_0, *world.market.parameters(), state);
        world.price = Reading::certain(wad(feed));
        world.at = Time(begins + begun + wait);
        // Of every moment that matters, whether the oracle is poked in it, and the spot.
        let moments: Vec<u64> = (0..5).map(|hour| begins + 3_600 * hour).chain([begins + begun, world.at.0]).collect();
        let mut moments: Vec<u64> = moments.into_iter().filter(|at| (begins + begun..=world.at.0).contains(at)).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut least: Option<plimsoll_core::Assessment> = None;
        for choice in 0..1u32 << (2 * moments.len()) {
            let mut then = world.clone();
            for (i, at) in moments.iter().enumerate() {
                then.at = Time(*at);
                for (bit, slot) in [POKE_ORACLE, POKE_SPOT].into_iter().enumerate() {
                    if choice >> (2 * i + bit) & 1 == 1 {
                        let _ = poke(&mut then, slot);
                    }
                }
            }
            then.action(KEEPER, KEEPER, Action::Accrue).unwrap();
            let seen = then.assess(0, Lens::View).unwrap();
            if least.is_none_or(|least| seen.backing < least.backing) {
                least = Some(seen);
            }
        }
        let (seen, least) = (world.assess(0, Lens::Action).unwrap(), least.unwrap());
        prop_assert_eq!((seen.backing, seen.requirement, seen.verdict), (least.backing, least.requirement, least.verdict));
    }

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
            // By the calls themselves.
            poke(&mut then, POKE_ORACLE).unwrap();
            poke(&mut then, POKE_SPOT).unwrap();
            let _ = then.action(KEEPER, KEEPER, Action::Accrue);
            prop_assert_eq!(then.assess(who, Lens::View), queued.assessment);
        }
    }
}
