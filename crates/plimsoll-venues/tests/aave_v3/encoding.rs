//! A pool as bytes, and back.

use crate::tape::check;
use crate::world::{ORDINARY, WILD, World, u};
use plimsoll_core::{Action, Amount, Cell, Encoded, Int, Market, Refusal, Silent, U256, Venue};
use plimsoll_venues::aave_v3::{AaveV3, Revision};

fn bytes(market: &dyn Market) -> Vec<u8> {
    let mut bytes = Vec::new();
    market.encode(&mut bytes);
    bytes
}

/// Opened again, a pool has the same bytes, answers a call the same way, and is the same pool afterwards.
#[test]
fn encoded_pool_opens_and_acts_the_same() {
    check("encoded_pool_opens_and_acts_the_same", 3_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let shape = if tape.once_in(2) { WILD } else { ORDINARY };
        let mut world = World::random(tape, revision, shape);
        world.drift(tape);
        if tape.once_in(2) {
            world.pool.move_epoch();
        }
        let first = bytes(&world.pool);
        let mut opened = AaveV3.open(&first).map_err(|refusal| format!("{revision:?}: {refusal:?}"))?;
        if bytes(&*opened) != first
            || opened.epoch() != world.pool.epoch()
            || opened.names() != world.pool.names()
        {
            return Err(format!("{revision:?}: other bytes"));
        }
        let lists = opened.slots() == world.pool.slots() && opened.nodes() == world.pool.nodes();
        if !lists || opened.instruments() != world.pool.instruments() || opened.venue() != world.pool.venue()
        {
            return Err(format!("{revision:?}: other lists"));
        }
        for account in &world.accounts {
            let question = plimsoll_core::Question {
                test: plimsoll_core::Test::Liquidation,
                lens: plimsoll_core::Lens::Action,
                at: world.at,
            };
            if opened.compile(account, question) != world.pool.compile(account, question) {
                return Err(format!("{revision:?}: another form"));
            }
        }
        let call = world.random_call(tape);
        let (here, there) =
            (world.act(&call), opened.act(&call, &world.accounts, world.feeds(), &mut Silent));
        if here != there {
            return Err(format!("{revision:?}: {here:?} and {there:?}"));
        }
        if let Ok(effects) = &here {
            opened.apply(effects).expect("effects of this pool");
            let after = world.with(effects);
            if bytes(&*opened) != bytes(&after.pool) {
                return Err(format!("{revision:?}: other bytes after {call:?}"));
            }
        }
        Ok(1)
    });
}

fn deposit(amount: U256) -> Action {
    Action::Deposit { into: plimsoll_venues::aave_v3::receipt(0), amount: Amount::Assets(amount) }
}

/// Regression, found by the test above. Numbers that the contract stores in 128 bits were bounded where a pool is set,
/// but not where an action computes them: the action went through and its effects could not be applied. Now the action
/// is refused, as the contract reverts.
#[test]
fn what_the_contract_cannot_store_is_refused() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision >= Revision::V3_1) {
        let world = crate::scenes::plain(revision).rebuilt(|spec| {
            let state = &mut spec.reserves[0].state;
            (state.cash, state.virtual_balance) = (u(u128::MAX - 10), u(u128::MAX - 10));
        });
        let stored = world.then(2, 2, deposit(u(10))).expect("a deposit");
        assert_eq!(stored.state(0).virtual_balance, u(u128::MAX), "{revision:?}");
        let more = world.then(2, 2, deposit(u(11))).err();
        assert!(matches!(more, Some(Refusal::Overflow(_))), "{revision:?}: {more:?}");
    }
}

/// What is cut short, prolonged, of another venue or out of range does not open.
#[test]
fn other_bytes_do_not_open() {
    let world = crate::scenes::plain(Revision::V3_2).with_mode(&[0, 1]);
    let whole = bytes(&world.pool);
    for length in 0..whole.len() {
        assert_eq!(AaveV3.open(&whole[..length]).err(), Some(Refusal::NoSuchCell), "{length} bytes");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(AaveV3.open(&longer).err(), Some(Refusal::NoSuchCell));
    let change = |change: &dyn Fn(&mut Encoded)| {
        let mut encoded = Encoded::read(&whole).expect("what was written");
        change(&mut encoded);
        let mut bytes = Vec::new();
        encoded.write(&mut bytes);
        AaveV3.open(&bytes).err()
    };
    assert_eq!(change(&|_| {}), None);
    assert_eq!(change(&|e| e.venue = "aave_v2".into()), Some(Refusal::NoSuchCell));
    assert_eq!(change(&|e| e.revision = "3.8".into()), Some(Refusal::NoSuchCell));
    assert_eq!(change(&|e| e.names.clear()), Some(Refusal::NoSuchCell));
    assert_eq!(
        change(&|e| e.cells.push((Cell { object: 7, field: 0 }, Int::ONE))),
        Some(Refusal::NoSuchCell)
    );
    assert_eq!(change(&|e| e.cells.swap(1, 2)), Some(Refusal::NoSuchCell));
    // The income index, field 6, is at least 1 ray; rates have 128 bits.
    let field = |number: u16, value: &Int| {
        change(&|e| {
            e.cells
                .iter_mut()
                .filter(|(c, _)| c.field == number && c.object == 0)
                .for_each(|(_, v)| *v = *value)
        })
    };
    let ray = plimsoll_core::RAY.value();
    assert_eq!(field(6, &Int::from(ray)), None);
    assert_eq!(field(6, &ray.sub(u(1)).expect("positive").into()), Some(Refusal::NoSuchCell));
    assert_eq!(field(8, &u(u128::MAX).into()), None);
    assert_eq!(field(8, &u(u128::MAX).add(u(1)).expect("256 bits").into()), Some(Refusal::NoSuchCell));
    assert_eq!(field(9, &Int::new(-1)), Some(Refusal::NoSuchCell));
}

/// Setting a number and reading it back; what is no number of the pool is refused.
#[test]
fn numbers_are_set_one_by_one() {
    let mut pool = crate::scenes::plain(Revision::V3_2).with_mode(&[0, 1]).pool;
    let mut cells = Vec::new();
    pool.visit(&mut |cell, name, _, value| cells.push((cell, name, value)));
    assert_eq!(cells.len(), 3 * 18 + 8);
    for (cell, name, value) in cells {
        assert_eq!(pool.set(cell, Some(value)), Ok(()), "{name}");
        assert_eq!(pool.set(cell, None), Err(Refusal::NoSuchCell), "{name}");
    }
    for cell in [
        Cell { object: 3, field: 0 },
        Cell { object: 0, field: 18 },
        Cell { object: 1_000, field: 0 },
        Cell { object: 1_001, field: 8 },
        Cell { object: 1_002, field: 0 },
        Cell { object: 5_000, field: 0 },
    ] {
        assert_eq!(pool.set(cell, Some(Int::ONE)), Err(Refusal::NoSuchCell), "{cell:?}");
    }
}
