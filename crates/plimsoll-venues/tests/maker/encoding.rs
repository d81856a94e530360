//! Canonical bytes, cells, and opening.

use crate::world::*;
use plimsoll_core::{Cell, Int, Market as _, Refusal, Unit, Venue as _};
use plimsoll_venues::maker::{Auction, Maker, Market, Parameters, Revision, State};
use proptest::prelude::*;

fn bytes(market: &dyn plimsoll_core::Market) -> Vec<u8> {
    let mut bytes = Vec::new();
    market.encode(&mut bytes);
    bytes
}

fn cells(market: &Market) -> Vec<(Cell, &'static str, Unit, Int)> {
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, unit, value| cells.push((cell, name, unit, value)));
    cells
}

proptest! {
    #![proptest_config(cases(30))]

    /// A market that is written and opened again is the same, in the middle of its auctions too, and goes on the same.
    #[test]
    fn encoded_pool_opens_and_acts_the_same((revision, rules, ops) in life(), cut in any::<prop::sample::Index>()) {
        let mut world = begin(revision, rules);
        for op in ops {
            let before = bytes(&world.market);
            let opened = Maker.open(&before).unwrap();
            prop_assert_eq!(&bytes(&*opened), &before);
            prop_assert!(Maker.open(&before[..cut.index(before.len())]).is_err());
            let op = world.aimed(op);
            if matches!(op, Op::Sink { .. }) {
                // This one sets a number of the market's from outside.
                let _ = world.step(op);
                continue;
            }
            let Ok(Some(effects)) = world.step(op) else {
                prop_assert_eq!(bytes(&world.market), before);
                continue;
            };
            let mut opened = opened;
            opened.apply(&effects).unwrap();
            prop_assert_eq!(bytes(&*opened), bytes(&world.market));
        }
    }
}

/// Every number that the market shows can be set to what it shows; rules move the epoch, state does not.
#[test]
fn what_is_shown_can_be_set() {
    let usual = rules();
    let auction = Auction { pos: 0, tab: rad(1), lot: wad(1), ..Auction::default() };
    let kicked = State { kicks: 3, ..state(&usual) };
    let whole = market(Revision::V2_0, usual, kicked).with_auction(2, auction).unwrap();
    let mut market = whole.clone();
    let state_names = [
        "chost",
        "total_art",
        "rate",
        "spot",
        "rho",
        "debt",
        "vice",
        "vow_dai",
        "vow_sin",
        "dirt",
        "total_dirt",
        "kicks",
        "current_price",
        "current_valid",
        "next_price",
        "next_valid",
        "poked",
    ];
    let mut rules_seen = 0;
    for (cell, name, _, value) in cells(&whole) {
        let epoch = market.epoch();
        assert_eq!(market.set(cell, Some(value)), Ok(()), "{name}");
        let rule = cell.object == 0 && !state_names.contains(&name);
        rules_seen += u32::from(rule);
        assert_eq!(market.epoch() > epoch, rule, "{name}");
        assert_eq!(market.set(cell, Some(Int::new(-2))), Err(Refusal::NoSuchCell), "{name}");
        if cell.object == 0 {
            assert_eq!(market.set(cell, None), Err(Refusal::NoSuchCell));
        }
    }
    assert_eq!(rules_seen, 29);
    assert_eq!(cells(&market), cells(&whole));
    for (object, field) in [(0, 46), (2, 9)] {
        let beyond = Cell { object, field };
        assert_eq!(market.set(beyond, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
    }
    market.set(Cell { object: 2, field: 0 }, None).unwrap();
    assert_eq!(market.auctions().count(), 0);
    assert_eq!(market.set(Cell { object: 2, field: 0 }, None), Err(Refusal::NoSuchCell));
}

/// An auction has a number that was given, and a place of its own.
#[test]
fn auctions_are_numbered_and_placed() {
    let usual = rules();
    let made = || market(Revision::V2_0, usual, State { kicks: 2, ..state(&usual) });
    let auction = Auction { tab: rad(1), lot: wad(1), ..Auction::default() };
    assert!(made().with_auction(0, auction).is_err());
    assert!(made().with_auction(3, auction).is_err());
    let one = made().with_auction(1, auction).unwrap();
    assert!(one.clone().with_auction(2, auction).is_err());
    assert!(one.clone().with_auction(1, Auction { pos: 1, ..auction }).is_err());
    assert!(one.with_auction(2, Auction { pos: 1, ..auction }).is_ok());
}

#[test]
fn other_bytes_do_not_open() {
    assert_eq!(Maker.name(), "maker");
    assert_eq!(Maker.revisions(), ["1.0", "1.2", "2.0"]);
    let usual = Parameters { ..rules() };
    for revision in [Revision::V1_0, Revision::V1_2, Revision::V2_0] {
        let one = market(revision, usual, state(&usual));
        let mut bytes = bytes(&one);
        let opened = Maker.open(&bytes).unwrap();
        assert_eq!(opened.venue(), ("maker", revision.name()));
        assert_eq!(opened.names(), one.names());
        bytes.push(0);
        assert!(Maker.open(&bytes).is_err());
    }
    assert!(Maker.open(b"").is_err());
}
