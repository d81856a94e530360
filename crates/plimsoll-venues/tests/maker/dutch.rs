//! The auctions of 2.0, by hand: what is seized, what it costs, where it ends.

use crate::world::*;
use plimsoll_core::{AccountId, Action, Effects, Int, Mechanism, Party, Reading, Refusal, Time, U256};
use plimsoll_venues::maker::{
    ART, Auction, Calc, Curve, Dutch, GEM, INK, Parameters, Revision, Status, VAT_DAI,
};

/// Everybody but the keeper has 100 ETH and 80,000 Dai at 150 %; then the price is 1,100. No fee, no rate.
fn world(dutch: Dutch) -> World {
    let usual = Parameters { duty: ray(1), mat: e(15, 26), dutch, ..rules() };
    let mut world = World::new(Revision::V2_0, usual);
    world.poke(wad(1_500));
    for who in 0..KEEPER {
        world.lock(who, wad(100)).unwrap();
        world.draw(who, wad(80_000)).unwrap();
    }
    world.fund(KEEPER, wad(1_000_000));
    world.poke(wad(1_100));
    world
}

fn usual() -> Dutch {
    rules().dutch
}

fn bark(world: &mut World, who: u64) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, who, Mechanism::Bark)
}

fn take(world: &mut World, auction: u64, amount: U256) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, KEEPER, Mechanism::Take { auction, amount, max_price: U256::MAX })
}

fn redo(world: &mut World, auction: u64) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, KEEPER, Mechanism::Redo { auction })
}

fn text(digits: &str) -> U256 {
    digits.parse().unwrap()
}

/// tab = 80,000 x 1.13; top = 1,100 x 1.2; reward = 250 + 90,400 / 1000.
#[test]
fn a_bark_by_hand() {
    let mut world = world(usual());
    let effects = bark(&mut world, 0).unwrap();
    let auction = *world.market.auction(1).unwrap();
    let expected = Auction {
        tab: rad(90_400),
        lot: wad(100),
        usr: AccountId(0),
        tic: START,
        top: ray(1_320),
        ..Auction::default()
    };
    assert_eq!(auction, expected);
    assert!(world.account(0).holdings().is_empty());
    let reward = e(3_404, 44);
    assert_eq!(effects.net(Party::Account(AccountId(KEEPER)), VAT_DAI), Some(reward.into()));
    let state = world.market.state();
    assert_eq!(state.vow_sin, rad(80_000).add(reward).unwrap());
    assert_eq!((state.dirt, state.total_dirt, state.kicks), (rad(90_400), rad(90_400), 1));
    assert_eq!(bark(&mut world, 0), Err(Refusal::NotLiquidatable));
}

/// Room for so much of 80,000 owed, with the penalty of 1.13 and at least 15,000 on each side.
#[test]
fn limits_cut_a_bark_and_dust_rounds_it() {
    let with_room = |room: u128| world(Dutch { hole: rad(room), ..usual() });
    // 45,200 / 1.13 = 40,000, and half of the collateral.
    let mut half = with_room(45_200);
    bark(&mut half, 0).unwrap();
    assert_eq!((half.held(0, INK), half.held(0, ART)), (wad(50), wad(40_000)));
    assert_eq!(half.market.auction(1).unwrap().tab, rad(45_200));
    assert_eq!(bark(&mut half, 1), Err(Refusal::AuctionLimit));
    // The system's own limit binds as well.
    let mut total = world(Dutch { total_hole: rad(45_200), ..usual() });
    bark(&mut total, 0).unwrap();
    assert_eq!(total.held(0, ART), wad(40_000));
    // 73,450 / 1.13 = 65,000 would leave 15,000, which is enough; one less left is not, and all is taken.
    let mut just = with_room(73_450);
    bark(&mut just, 0).unwrap();
    assert_eq!(just.held(0, ART), wad(15_000));
    let room = rad(73_450).add(e(113, 25)).unwrap();
    let mut all = world(Dutch { hole: room, ..usual() });
    bark(&mut all, 0).unwrap();
    assert_eq!(all.held(0, ART), U256::ZERO);
    assert_eq!(all.market.state().dirt, rad(90_400)); // above the limit
    // 16,950 / 1.13 = 15,000 is no dust; a bit less is.
    bark(&mut with_room(16_950), 0).unwrap();
    let room = rad(16_950).sub(U256::ONE).unwrap();
    let mut dusty = world(Dutch { hole: room, ..usual() });
    assert_eq!(bark(&mut dusty, 0), Err(Refusal::DustyAuction));
}

/// "Unlimited" may not be the greatest number: the room is multiplied first.
#[test]
fn an_unlimited_limit_reverts() {
    let unlimited = |limit| world(Dutch { hole: limit, total_hole: limit, ..usual() });
    assert!(matches!(bark(&mut unlimited(U256::MAX), 0), Err(Refusal::Overflow(_))));
    let most = U256::MAX.div(wad(1), plimsoll_core::Rounding::Down).unwrap();
    assert!(bark(&mut unlimited(most), 0).is_ok());
    assert!(matches!(bark(&mut unlimited(most.add(U256::ONE).unwrap()), 0), Err(Refusal::Overflow(_))));
}

/// 99 % every 90 seconds: 1,320, then 1,306.8.
#[test]
fn a_purchase_by_hand() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    world.wait(90);
    let effects = take(&mut world, 1, wad(10)).unwrap();
    let keeper = Party::Account(AccountId(KEEPER));
    assert_eq!(effects.net(keeper, GEM), Some(wad(10).into()));
    assert_eq!(effects.net(keeper, VAT_DAI), Some(Int::from(rad(13_068)).neg()));
    let auction = world.market.auction(1).unwrap();
    assert_eq!((auction.tab, auction.lot), (rad(77_332), wad(90)));
    assert_eq!(world.market.state().vow_dai, rad(13_068));
    let liquidated = effects.liquidated.unwrap();
    assert_eq!((liquidated.repaid, liquidated.seized), (wad(13_068), wad(10)));
    // A limit on the price: 1,306.8 is still that.
    let most = |max_price| Mechanism::Take { auction: 1, amount: wad(1), max_price };
    let price = e(13_068, 26);
    let below = price.sub(U256::ONE).unwrap();
    let refused = world.liquidate(KEEPER, KEEPER, most(below));
    assert_eq!(refused, Err(Refusal::AuctionTooExpensive { price, most: below }));
    world.liquidate(KEEPER, KEEPER, most(price)).unwrap();
    // Nothing may be bought.
    take(&mut world, 1, U256::ZERO).unwrap();
}

/// 100 ETH at 1,320 are more than 90,400: the buyer gets 68.48… and the owner the rest, unlocked.
#[test]
fn nobody_pays_more_than_the_debt() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    let effects = take(&mut world, 1, wad(100)).unwrap();
    let slice = text("68484848484848484848");
    assert_eq!(effects.net(Party::Account(AccountId(KEEPER)), GEM), Some(slice.into()));
    assert_eq!(world.held(0, GEM), text("31515151515151515152"));
    assert!(world.market.auction(1).is_none());
    let state = world.market.state();
    assert_eq!((state.vow_dai, state.dirt), (rad(90_400), U256::ZERO));
    assert!(effects.liquidated.unwrap().bad_debt.is_empty());
}

/// chost = 15,000 x 1.13 = 16,950: a purchase that would leave less leaves exactly that.
#[test]
fn a_purchase_leaves_the_minimum() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    // 60 x 1,320 = 79,200 would leave 11,200; so it is 73,450 for 55.64… ETH.
    let effects = take(&mut world, 1, wad(60)).unwrap();
    assert_eq!(effects.net(Party::Treasury, VAT_DAI), Some(rad(73_450).into()));
    let slice = text("55643939393939393939");
    assert_eq!(effects.net(Party::Auction(1), GEM), Some(Int::from(slice).neg()));
    assert_eq!(world.market.auction(1).unwrap().tab, rad(16_950));
    // Now it is all or nothing.
    assert_eq!(take(&mut world, 1, wad(1)), Err(Refusal::NoPartialPurchase));
    take(&mut world, 1, wad(100)).unwrap();
    assert!(world.market.auction(1).is_none());
}

/// What all of the collateral does not bring stays with the system; its place among the auctions is free again.
#[test]
fn what_is_not_raised_stays_as_sin() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    world.poke(wad(500));
    world.wait(7_201);
    redo(&mut world, 1).unwrap();
    let sin = world.market.state().vow_sin;
    // 100 x 600 = 60,000 of 90,400.
    let effects = take(&mut world, 1, wad(100)).unwrap();
    assert_eq!(effects.liquidated.unwrap().bad_debt, [(ART, wad(30_400))]);
    let state = world.market.state();
    assert_eq!((state.vow_dai, state.vow_sin, state.dirt), (rad(60_000), sin, U256::ZERO));
}

/// 0.99^80 = 0.4475…, above the cusp of 0.4: only the tail ends it. Both ends are strict.
#[test]
fn an_auction_runs_out() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    world.wait(7_200);
    assert_eq!(redo(&mut world, 1), Err(Refusal::AuctionStillRuns));
    take(&mut world.clone(), 1, wad(1)).unwrap();
    world.wait(1);
    assert_eq!(take(&mut world, 1, wad(1)), Err(Refusal::AuctionRanOut));
    redo(&mut world, 1).unwrap();
    let auction = world.market.auction(1).unwrap();
    assert_eq!((auction.tic, auction.top), (START + 7_201, ray(1_320)));
    take(&mut world, 1, wad(1)).unwrap();

    // By the cusp: 0.99 of the first price is not below 0.99.
    for (cusp, ran_out) in [(e(99, 25), false), (e(99, 25).add(U256::ONE).unwrap(), true)] {
        let mut world = self::world(Dutch { cusp, ..usual() });
        bark(&mut world, 0).unwrap();
        world.wait(90);
        let status = world.market.status(1, world.at).unwrap();
        assert_eq!(status, Status { price: e(13_068, 26), ran_out });
    }
}

/// A restart is paid where debt and collateral are both worth as much as chost.
#[test]
fn a_restart_is_rewarded_for_enough() {
    let reward = |tab: U256, lot: U256| {
        let mut world = world(usual());
        bark(&mut world, 0).unwrap();
        let auction = Auction { tab, lot, ..*world.market.auction(1).unwrap() };
        let (rules, state) = (*world.market.parameters(), *world.market.state());
        world.market = market(Revision::V2_0, rules, state).with_auction(1, auction).unwrap();
        world.wait(7_201);
        signed(redo(&mut world, 1).unwrap().net(Party::Mint, VAT_DAI).unwrap())
    };
    let chost = rad(16_950);
    // 16,950 / 1,100 = 15.409090… ETH.
    let enough = text("15409090909090909091");
    let less = |x: U256| x.sub(U256::ONE).unwrap();
    assert_eq!(reward(chost, enough), -z(e(26_695, 43))); // 250 + 16.95
    assert_eq!(reward(less(chost), enough), 0.into());
    assert_eq!(reward(chost, less(enough)), 0.into());
}

/// Debt cached: what counts is what `dust` times `chop` was at the last `upchost`.
#[test]
fn the_minimum_is_cached() {
    let mut world = world(usual());
    let dust = rad(20_000);
    let (rules, state) = (*world.market.parameters(), *world.market.state());
    world.market = market(Revision::V2_0, Parameters { dust, ..rules }, state);
    assert_eq!(world.market.state().chost, rad(16_950));
    world.liquidate(KEEPER, KEEPER, Mechanism::Upchost).unwrap();
    assert_eq!(world.market.state().chost, rad(22_600));
}

/// What people see of the auctions that run, in both houses.
#[test]
fn running_auctions_are_shown() {
    use plimsoll_core::Market as _;
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    let shown = world.market.running(Time(START + 90));
    let [one] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((one.number, one.account, one.lot), (1, AccountId(0), (GEM, wad(100))));
    assert_eq!((one.raises.value, one.asks.unwrap().value), (rad(90_400).into(), e(13_068, 26).into()));
    assert_eq!(one.open, Ok(()));
    assert_eq!(world.market.running(Time(START + 7_201))[0].open, Err(Refusal::AuctionRanOut));

    let auction = Auction { tab: rad(50), lot: wad(9), bid: rad(7), end: START + 10, ..Auction::default() };
    let state = plimsoll_venues::maker::State { kicks: 4, ..*world.market.state() };
    let english = market(Revision::V1_2, *world.market.parameters(), state).with_auction(4, auction).unwrap();
    let one = english.running(Time(START))[0];
    assert_eq!((one.number, one.asks.unwrap().value, one.open), (4, rad(7).into(), Ok(())));
    assert_eq!(english.running(Time(START + 10))[0].open, Err(Refusal::BiddingOver));
}

/// The list of running auctions: the last takes the place of the one that ends.
#[test]
fn the_last_takes_the_place_of_the_one_that_ends() {
    let mut world = world(usual());
    for who in 0..KEEPER {
        bark(&mut world, who).unwrap();
    }
    let places = |world: &World| -> Vec<(u64, u64)> {
        world.market.auctions().map(|(number, auction)| (auction.pos, number)).collect()
    };
    assert_eq!(places(&world), [(0, 1), (1, 2), (2, 3)]);
    let effects = world.liquidate(KEEPER, KEEPER, Mechanism::Yank { auction: 1 }).unwrap();
    assert_eq!(effects.net(Party::Account(AccountId(KEEPER)), GEM), Some(wad(100).into()));
    assert_eq!(places(&world), [(1, 2), (0, 3)]);
    assert_eq!(world.market.state().dirt, rad(180_800));
    world.liquidate(KEEPER, KEEPER, Mechanism::Yank { auction: 2 }).unwrap();
    assert_eq!(places(&world), [(0, 3)]);
    world.liquidate(KEEPER, KEEPER, Mechanism::Yank { auction: 3 }).unwrap();
    assert_eq!(places(&world), []);
    let told = world.liquidate(KEEPER, KEEPER, Mechanism::Yank { auction: 3 });
    assert_eq!(told, Err(Refusal::NoSuchAuction { auction: 3 }));
}

/// A stale spot does not matter to an auction, only to the bark: it starts at the oracle's price of now.
#[test]
fn an_auction_starts_at_the_oracles_price() {
    let mut world = world(usual());
    world.price = Reading::certain(wad(2_000));
    bark(&mut world, 0).unwrap();
    assert_eq!(world.market.auction(1).unwrap().top, ray(2_400));
    world.price = Reading::unknown(None, plimsoll_core::Why::Missing);
    assert_eq!(bark(&mut world, 1), Err(Refusal::NoValidPrice));
    // Below the line by the stored spot, and yet nobody can act on it.
    let why = plimsoll_core::Why::Missing;
    let seen = world.assess(1, plimsoll_core::Lens::View).unwrap();
    assert_eq!(seen.verdict, plimsoll_core::Verdict::Unhealthy);
    assert_eq!(seen.executable, Err(Refusal::PriceUnknown { slot: 0, why }));
    world.price = Reading::certain(U256::ZERO);
    assert_eq!(bark(&mut world, 1), Err(Refusal::FirstPriceZero));
    let seen = world.assess(1, plimsoll_core::Lens::View).unwrap();
    assert_eq!(seen.executable, Err(Refusal::FirstPriceZero));
}

/// Nothing stays unsold for want of a price: at zero all of it goes for nothing, where cusp and tail allow it.
#[test]
fn a_straight_line_ends_at_zero() {
    let calc = Calc { curve: Curve::Linear, ..usual().calc };
    let mut world = world(Dutch { calc, cusp: U256::ZERO, tail: u(50_000), ..usual() });
    bark(&mut world, 0).unwrap();
    let price = |world: &World, seconds: u64| world.market.status(1, Time(START + seconds)).unwrap().price;
    assert_eq!(price(&world, 0), ray(1_320));
    assert_eq!(price(&world, 10_800), ray(660));
    // 21,599 / 21,600 is 0.999953703703703703703703703 at 27 digits, and that 1,320 times.
    assert_eq!(price(&world, 1), text("1319938888888888888888888887960"));
    assert_eq!((price(&world, 21_600), price(&world, 30_000)), (U256::ZERO, U256::ZERO));
    world.wait(21_600);
    let effects = take(&mut world, 1, wad(100)).unwrap();
    let done = effects.liquidated.unwrap();
    assert_eq!((done.repaid, done.seized), (U256::ZERO, wad(100)));
    assert_eq!(done.bad_debt, [(ART, wad(90_400))]);
}

#[test]
fn breakers_stop_one_thing_after_another() {
    for stopped in 0..4u64 {
        let mut world = world(usual());
        bark(&mut world, 0).unwrap();
        let auction = *world.market.auction(1).unwrap();
        let rules = *world.market.parameters();
        let rules = Parameters { dutch: Dutch { stopped, ..rules.dutch }, ..rules };
        world.market = market(Revision::V2_0, rules, *world.market.state()).with_auction(1, auction).unwrap();
        let told = |outcome: Result<Effects, Refusal>, level: u64| {
            assert_eq!(outcome.err(), (stopped >= level).then_some(Refusal::AuctionsStopped), "{stopped}");
        };
        told(bark(&mut world, 1), 1);
        let mut late = world.clone();
        late.wait(8_000);
        told(redo(&mut late, 1), 2);
        told(take(&mut world, 1, wad(1)), 3);
    }
}

/// A keeper needs Dai in the vat; one whom the book does not know has it.
#[test]
fn a_buyer_pays_out_of_the_vat() {
    let mut world = world(usual());
    bark(&mut world, 0).unwrap();
    let buy = Mechanism::Take { auction: 1, amount: wad(10), max_price: U256::MAX };
    let told = world.liquidate(1, 1, buy.clone());
    assert_eq!(told, Err(Refusal::AmountTooLarge { held: U256::ZERO, asked: rad(13_200) }));
    let stranger = 1_000;
    let call = plimsoll_core::Call {
        actor: AccountId(stranger),
        account: AccountId(0),
        at: world.at,
        action: Action::Liquidate(buy),
    };
    let effects = world.call(&call).unwrap();
    let wallet = Party::Wallet(AccountId(stranger));
    assert_eq!(effects.net(wallet, GEM), Some(wad(10).into()));
    assert_eq!(effects.net(wallet, VAT_DAI), Some(Int::from(rad(13_200)).neg()));
}
