//! The auctions of 1.0 and 1.2. The cases named after `flip.t.sol` are the contract's own tests, restated.

use crate::world::*;
use plimsoll_core::{AccountId, Effects, Mechanism, Party, Refusal, Time, U256};
use plimsoll_venues::maker::words::{bid, phase};
use plimsoll_venues::maker::{ART, Auction, English, GEM, INK, Parameters, Revision, State, VAT_DAI};

const ALI: u64 = 1;
const BOB: u64 = 2;
const HOUR: u64 = 3_600;

/// One auction of 100 ETH for 50 Dai of account 0's; Ali and Bob have 200 Dai each.
fn kicked(revision: Revision, tab: U256) -> World {
    let mut world = World::new(revision, of_revision(revision, rules()));
    let auction = Auction { tab, lot: wad(100), end: START + 48 * HOUR, ..Auction::default() };
    let state = State { kicks: 1, total_dirt: rad(5_000_000), ..*world.market.state() };
    let rules = *world.market.parameters();
    world.market = market(revision, rules, state).with_auction(1, auction).unwrap();
    world.fund(ALI, wad(200));
    world.fund(BOB, wad(200));
    world
}

fn tend(world: &mut World, by: u64, lot: U256, bid: U256) -> Result<Effects, Refusal> {
    world.liquidate(by, by, Mechanism::Tend { auction: 1, lot, bid })
}

fn dent(world: &mut World, by: u64, lot: U256, bid: U256) -> Result<Effects, Refusal> {
    world.liquidate(by, by, Mechanism::Dent { auction: 1, lot, bid })
}

fn deal(world: &mut World) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, KEEPER, Mechanism::Deal { auction: 1 })
}

fn tick(world: &mut World) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, KEEPER, Mechanism::Redo { auction: 1 })
}

fn yank(world: &mut World) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, KEEPER, Mechanism::Yank { auction: 1 })
}

/// `test_tend`, `testFail_tend_empty`, `test_tend_later`.
#[test]
fn a_higher_bid_pays_the_last_bidder() {
    for revision in [Revision::V1_0, Revision::V1_2] {
        let mut world = kicked(revision, rad(50));
        let empty = Mechanism::Tend { auction: 42, lot: U256::ZERO, bid: U256::ZERO };
        assert_eq!(world.liquidate(ALI, ALI, empty), Err(Refusal::NoSuchAuction { auction: 42 }));
        world.wait(5 * HOUR);
        tend(&mut world, ALI, wad(100), rad(1)).unwrap();
        assert_eq!((world.held(ALI, VAT_DAI), world.market.state().vow_dai), (rad(199), rad(1)));
        tend(&mut world, BOB, wad(100), rad(2)).unwrap();
        assert_eq!((world.held(BOB, VAT_DAI), world.held(ALI, VAT_DAI)), (rad(198), rad(200)));
        assert_eq!(world.market.state().vow_dai, rad(2));
        world.wait(5 * HOUR);
        let effects = deal(&mut world).unwrap();
        assert_eq!(world.held(BOB, GEM), wad(100));
        assert!(world.market.auction(1).is_none());
        let done = effects.liquidated.unwrap();
        assert_eq!((done.repaid, done.seized), (wad(2), wad(100)));
        assert_eq!(done.bad_debt, [(ART, wad(48))]);
    }
}

/// `test_dent`: 5 of the collateral are spared and go to the owner; the last bidder is paid in full.
#[test]
fn a_smaller_lot_spares_collateral() {
    let mut world = kicked(Revision::V1_2, rad(50));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    let early = dent(&mut world, BOB, wad(95), rad(1));
    assert_eq!(early, Err(Refusal::AuctionPhase(phase::TEND_NOT_FINISHED)));
    tend(&mut world, BOB, wad(100), rad(50)).unwrap();
    let other = dent(&mut world, ALI, wad(95), rad(49));
    assert_eq!(other, Err(Refusal::BidRefused(bid::NOT_MATCHING_BID)));
    dent(&mut world, ALI, wad(95), rad(50)).unwrap();
    assert_eq!(world.held(0, GEM), wad(5));
    assert_eq!((world.held(ALI, VAT_DAI), world.held(BOB, VAT_DAI)), (rad(150), rad(200)));
    world.wait(4 * HOUR);
    let effects = deal(&mut world).unwrap();
    assert_eq!(world.held(ALI, GEM), wad(95));
    assert!(effects.liquidated.unwrap().bad_debt.is_empty());
}

/// `test_tend_dent_same_bidder`: since 1.2 one may raise his own bid with what is missing; before, he had to have the
/// last bid once more.
#[test]
fn outbidding_oneself() {
    let mut world = kicked(Revision::V1_2, rad(200));
    tend(&mut world, ALI, wad(100), rad(190)).unwrap();
    assert_eq!(world.held(ALI, VAT_DAI), rad(10));
    tend(&mut world, ALI, wad(100), rad(200)).unwrap();
    assert_eq!(world.held(ALI, VAT_DAI), U256::ZERO);
    dent(&mut world, ALI, wad(80), rad(200)).unwrap();

    let mut world = kicked(Revision::V1_0, rad(200));
    tend(&mut world, ALI, wad(100), rad(190)).unwrap();
    let told = tend(&mut world, ALI, wad(100), rad(200));
    assert_eq!(told, Err(Refusal::AmountTooLarge { held: rad(10), asked: rad(190) }));
    world.fund(ALI, wad(180));
    tend(&mut world, ALI, wad(100), rad(200)).unwrap();
    assert_eq!(world.held(ALI, VAT_DAI), rad(180));
}

/// `test_beg`: the next bid is 5 % higher, or the whole debt.
#[test]
fn bids_rise_by_steps() {
    let mut world = kicked(Revision::V1_2, rad(50));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    let little = Err(Refusal::BidRefused(bid::INSUFFICIENT_INCREASE));
    assert_eq!(tend(&mut world, BOB, wad(100), e(101, 43)), little);
    assert_eq!(tend(&mut world, ALI, wad(100), e(101, 43)), little);
    assert_eq!(tend(&mut world, BOB, wad(100), e(105, 43).sub(U256::ONE).unwrap()), little);
    tend(&mut world.clone(), BOB, wad(100), e(105, 43)).unwrap();
    tend(&mut world, BOB, wad(100), e(107, 43)).unwrap();
    tend(&mut world, ALI, wad(100), rad(49)).unwrap();
    tend(&mut world, BOB, wad(100), rad(50)).unwrap();
    let same = dent(&mut world, ALI, wad(100), rad(50));
    assert_eq!(same, Err(Refusal::BidRefused(bid::LOT_NOT_LOWER)));
    let little = dent(&mut world, ALI, wad(99), rad(50));
    assert_eq!(little, Err(Refusal::BidRefused(bid::INSUFFICIENT_DECREASE)));
    // 100 / 1.05 = 95.238095…
    let most: U256 = "95238095238095238095".parse().unwrap();
    let little = dent(&mut world, ALI, most.add(U256::ONE).unwrap(), rad(50));
    assert_eq!(little, Err(Refusal::BidRefused(bid::INSUFFICIENT_DECREASE)));
    dent(&mut world, ALI, most, rad(50)).unwrap();
}

#[test]
fn a_bid_is_for_all_and_not_above_the_debt() {
    let mut world = kicked(Revision::V1_2, rad(50));
    let told = tend(&mut world, ALI, wad(99), rad(1));
    assert_eq!(told, Err(Refusal::BidRefused(bid::LOT_NOT_MATCHING)));
    let told = tend(&mut world, ALI, wad(100), rad(50).add(U256::ONE).unwrap());
    assert_eq!(told, Err(Refusal::BidRefused(bid::HIGHER_THAN_TAB)));
    // Property 40: a bid of nothing never wins.
    let told = tend(&mut world, ALI, wad(100), U256::ZERO);
    assert_eq!(told, Err(Refusal::BidRefused(bid::BID_NOT_HIGHER)));
}

/// `test_deal`: after the bid's time or after the auction's, both strict.
#[test]
fn the_winner_takes_it_when_time_is_over() {
    let mut world = kicked(Revision::V1_2, rad(50));
    assert_eq!(deal(&mut world), Err(Refusal::AuctionStillRuns));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    world.wait(3 * HOUR);
    assert_eq!(deal(&mut world), Err(Refusal::AuctionStillRuns));
    // In that last second nobody can bid either.
    assert_eq!(tend(&mut world, BOB, wad(100), rad(2)), Err(Refusal::BiddingOver));
    world.wait(1);
    deal(&mut world).unwrap();

    let mut world = kicked(Revision::V1_2, rad(50));
    world.wait(44 * HOUR);
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    assert_eq!(deal(&mut world), Err(Refusal::AuctionStillRuns));
    world.wait(24 * HOUR);
    deal(&mut world).unwrap();
    assert_eq!(world.held(ALI, GEM), wad(100));
}

/// `test_tick`, `test_no_deal_after_end`: without a bid it is never over, only restarted.
#[test]
fn an_auction_without_a_bid_is_restarted() {
    let mut world = kicked(Revision::V1_2, rad(50));
    assert_eq!(tick(&mut world), Err(Refusal::AuctionStillRuns));
    world.wait(48 * HOUR);
    assert_eq!(tick(&mut world), Err(Refusal::AuctionStillRuns));
    world.wait(12 * 24 * HOUR);
    assert_eq!(tend(&mut world, ALI, wad(100), rad(1)), Err(Refusal::BiddingOver));
    assert_eq!(deal(&mut world), Err(Refusal::AuctionStillRuns));
    tick(&mut world).unwrap();
    assert_eq!(world.market.auction(1).unwrap().end, world.at.0 + 48 * HOUR);
    assert_eq!(deal(&mut world), Err(Refusal::AuctionStillRuns));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    world.wait(49 * HOUR);
    assert_eq!(tick(&mut world), Err(Refusal::AuctionPhase(phase::ALREADY_BID)));
}

/// `test_yank_tend`, `test_yank_dent`: who calls it off pays the bidder and has the collateral; not once the whole debt
/// is bid.
#[test]
fn an_auction_is_called_off_before_the_debt_is_bid() {
    let mut world = kicked(Revision::V1_2, rad(50));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    world.fund(KEEPER, wad(1));
    yank(&mut world).unwrap();
    assert_eq!((world.held(ALI, VAT_DAI), world.held(KEEPER, VAT_DAI)), (rad(200), U256::ZERO));
    assert_eq!(world.held(KEEPER, GEM), wad(100));
    assert_eq!(world.market.state().total_dirt, rad(5_000_000 - 50));

    let mut world = kicked(Revision::V1_2, rad(50));
    tend(&mut world, ALI, wad(100), rad(1)).unwrap();
    tend(&mut world, BOB, wad(100), rad(50)).unwrap();
    dent(&mut world, ALI, wad(95), rad(50)).unwrap();
    assert_eq!(yank(&mut world), Err(Refusal::AuctionPhase(phase::ALREADY_DENT)));
    assert_eq!(world.market.state().total_dirt, rad(5_000_000));
}

/// 100 ETH and 80,000 Dai at 150 %; then 1,100 dollars.
fn sunk(revision: Revision, english: English) -> World {
    let usual = Parameters { duty: ray(1), mat: e(15, 26), english, ..rules() };
    let mut world = World::new(revision, of_revision(revision, usual));
    world.poke(wad(1_500));
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(80_000)).unwrap();
    world.poke(wad(1_100));
    world
}

fn bite(world: &mut World) -> Result<Effects, Refusal> {
    world.liquidate(KEEPER, 0, Mechanism::Bark)
}

/// 1.0: a lump of 30 ETH with its part of the debt, 24,000, and 13 %: 27,120. The last one takes what is left.
#[test]
fn a_bite_of_so_much_collateral() {
    let mut world = sunk(Revision::V1_0, English { lump: wad(30), ..rules().english });
    for number in 1..=3 {
        bite(&mut world).unwrap();
        let auction = *world.market.auction(number).unwrap();
        assert_eq!((auction.lot, auction.tab, auction.bid), (wad(30), rad(27_120), U256::ZERO));
        assert_eq!((auction.end, auction.tic, auction.guy), (START + 48 * HOUR, 0, None));
    }
    bite(&mut world).unwrap();
    assert_eq!(world.market.auction(4).unwrap().lot, wad(10));
    assert!(world.account(0).holdings().is_empty());
    assert_eq!(world.market.state().vow_sin, rad(80_000));
    assert_eq!(bite(&mut world), Err(Refusal::NotLiquidatable));
}

/// Collateral of nothing: 1.0 divides by it.
#[test]
fn a_bite_of_nothing_reverts() {
    let mut world = sunk(Revision::V1_0, rules().english);
    world.accounts[0].set(INK, plimsoll_core::Int::ZERO);
    assert!(matches!(bite(&mut world), Err(Refusal::DivisionByZero(_))));
    let mut world = sunk(Revision::V1_2, rules().english);
    world.accounts[0].set(INK, plimsoll_core::Int::ZERO);
    assert_eq!(bite(&mut world), Err(Refusal::NullAuction));
}

/// 1.2: 22,600 of debt with the penalty are 20,000 of debt and a quarter of the collateral.
#[test]
fn a_bite_of_so_much_debt() {
    let english = English { dunk: rad(22_600), most: rad(50_000), ..rules().english };
    let mut world = sunk(Revision::V1_2, english);
    bite(&mut world).unwrap();
    let auction = *world.market.auction(1).unwrap();
    assert_eq!((auction.lot, auction.tab), (wad(25), rad(22_600)));
    assert_eq!((world.held(0, INK), world.held(0, ART)), (wad(75), wad(60_000)));
    bite(&mut world).unwrap();
    assert_eq!(world.market.state().total_dirt, rad(45_200));
    // 4,800 of room are less than dust.
    assert_eq!(bite(&mut world), Err(Refusal::AuctionLimit));
    let mut full = sunk(Revision::V1_2, English { most: U256::ZERO, ..english });
    assert_eq!(bite(&mut full), Err(Refusal::AuctionLimit));
    // A bite may leave dust, and room between dust and dunk cuts it.
    let english = English { dunk: rad(79_100), most: rad(16_950), ..english };
    let mut cut = sunk(Revision::V1_2, english);
    bite(&mut cut).unwrap();
    assert_eq!(cut.held(0, ART), wad(65_000));
    let mut dusty = sunk(Revision::V1_2, English { most: rad(1_000_000), ..english });
    bite(&mut dusty).unwrap();
    assert_eq!(dusty.held(0, ART), wad(10_000));
}

/// 12 March 2020: one bidder, the smallest bid, and three hours later all of the collateral is his.
#[test]
fn nobody_else_bids() {
    let mut world = sunk(Revision::V1_0, English { ttl: 600, tau: 21_600, lump: wad(50), ..rules().english });
    bite(&mut world).unwrap();
    world.fund(ALI, wad(1));
    tend(&mut world, ALI, wad(50), U256::ONE).unwrap();
    world.wait(601);
    let effects = deal(&mut world).unwrap();
    assert_eq!(world.held(ALI, GEM), wad(50));
    assert_eq!(world.market.state().vow_dai, U256::ONE);
    // 45,200 with the penalty, to the last unit of a rad; in tokens rounded up.
    assert_eq!(effects.liquidated.unwrap().bad_debt, [(ART, wad(45_200))]);
    let won = effects.flows.iter().any(|flow| flow.to == Party::Account(AccountId(ALI)));
    assert!(won);
}

/// The same revisions know nothing of the falling price, and the other way round.
#[test]
fn houses_do_not_mix() {
    let take = Mechanism::Take { auction: 1, amount: wad(1), max_price: U256::MAX };
    let mut world = kicked(Revision::V1_2, rad(50));
    assert_eq!(world.liquidate(ALI, ALI, take), Err(Refusal::NotAtThisVenue));
    assert_eq!(world.liquidate(ALI, ALI, Mechanism::Upchost), Err(Refusal::NotAtThisVenue));
    let mut world = World::new(Revision::V2_0, rules());
    assert_eq!(tend(&mut world, ALI, wad(1), rad(1)), Err(Refusal::NotAtThisVenue));
    assert_eq!(deal(&mut world), Err(Refusal::NotAtThisVenue));
    assert_eq!(Time(START), world.at);
}
