//! Accounts, effects, bytes: data that keeps its shape.

use crate::check;
use crate::num::{any_int, any_u256};
use plimsoll_core::{
    Account, AccountId, Accounts, Cell, Effects, Encoded, Feeds, InstrumentId, Int, Party, Reading, Refusal,
    TermId, Time, U256, Why,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn few_ints() -> impl Strategy<Value = Int> {
    prop_oneof![Just(Int::ZERO), any_int()]
}

/// Whatever is put in, in whatever order: sorted, once each, without zeros, and read back.
#[test]
fn accounts_stay_sorted_without_zeros() {
    let steps = vec((any::<bool>(), 0u16..6, few_ints()), 0..24);
    check(20_000, steps, |steps| {
        let mut account = Account::new(AccountId(3));
        let (mut holdings, mut terms) = (BTreeMap::new(), BTreeMap::new());
        for (term, key, value) in steps {
            if term {
                account.set_term(TermId(key), value);
                terms.insert(TermId(key), value);
            } else {
                account = account.with(InstrumentId(key.into()), value);
                holdings.insert(InstrumentId(key.into()), value);
            }
        }
        for key in 0..7u16 {
            let held = holdings.get(&InstrumentId(key.into())).copied().unwrap_or(Int::ZERO);
            let term = terms.get(&TermId(key)).copied().unwrap_or(Int::ZERO);
            prop_assert_eq!(
                (account.quantity(InstrumentId(key.into())), account.term(TermId(key))),
                (held, term)
            );
        }
        holdings.retain(|_, value| !value.is_zero());
        terms.retain(|_, value| !value.is_zero());
        let found: Vec<_> =
            account.holdings().iter().map(|holding| (holding.instrument, holding.quantity)).collect();
        prop_assert_eq!(found, holdings.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(account.terms(), terms.into_iter().collect::<Vec<_>>());
        Ok(())
    });
}

/// Flows change holdings by their net, conserve each instrument over all parties, and nothing else moves.
#[test]
fn effects_move_what_their_flows_say() {
    let party = || (0u64..3).prop_map(|id| if id == 2 { Party::Pool } else { Party::Account(AccountId(id)) });
    let flow = (0u32..3, 0u128..1_000, party(), party());
    check(20_000, vec(flow, 0..12), |flows| {
        let mut effects = Effects::default();
        for &(instrument, amount, from, to) in &flows {
            effects.flow(InstrumentId(instrument), U256::new(amount), from, to);
        }
        prop_assert!(effects.flows.iter().all(|flow| flow.amount != U256::ZERO));
        effects.terms.push((AccountId(0), TermId(1), Int::new(7)));
        for id in 0..2 {
            let before = Account::new(AccountId(id)).with(InstrumentId(1), Int::new(500));
            let after = effects.apply_to(&before).expect("small numbers");
            for instrument in 0..3 {
                let moved: i128 = flows
                    .iter()
                    .filter(|flow| flow.0 == instrument)
                    .map(|&(_, amount, from, to)| {
                        let me = Party::Account(AccountId(id));
                        amount as i128 * (i128::from(to == me) - i128::from(from == me))
                    })
                    .sum();
                let instrument = InstrumentId(instrument);
                prop_assert_eq!(
                    effects.net(Party::Account(AccountId(id)), instrument),
                    Some(Int::new(moved))
                );
                let held = before.quantity(instrument).add(Int::new(moved));
                prop_assert_eq!(Some(after.quantity(instrument)), held);
            }
            prop_assert_eq!(after.term(TermId(1)), Int::new(if id == 0 { 7 } else { 0 }));
        }
        Ok(())
    });
    let mut effects = Effects::default();
    effects.flow(InstrumentId(0), U256::MAX, Party::Mint, Party::Account(AccountId(0)));
    let full = Account::new(AccountId(0)).with(InstrumentId(0), Int::ONE);
    assert_eq!(effects.apply_to(&full), None);
    effects.flow(InstrumentId(0), U256::ONE, Party::Mint, Party::Account(AccountId(0)));
    assert_eq!(effects.net(Party::Account(AccountId(0)), InstrumentId(0)), None);
}

#[test]
fn encoded_comes_back_and_nothing_else_is_read() {
    let names = vec((any::<u64>(), "[a-zé]{0,6}", ".{0,6}"), 0..4);
    let cells = vec((any::<u64>(), any::<u16>(), any_int()), 0..6);
    check(8_000, ("[a-z_0-9]{0,9}", "[0-9.]{0,4}", any::<u64>(), names, cells, any::<u16>()), |input| {
        let (venue, revision, epoch, names, cells, cut) = input;
        let cells = cells.into_iter().map(|(object, field, value)| (Cell { object, field }, value)).collect();
        let encoded = Encoded { venue, revision, epoch, names, cells };
        let mut bytes = Vec::new();
        encoded.write(&mut bytes);
        prop_assert_eq!(Encoded::read(&bytes), Some(encoded.clone()));
        prop_assert_eq!(Encoded::read(&bytes[..usize::from(cut) % bytes.len()]), None);
        for (object, what, name) in &encoded.names {
            prop_assert!(encoded.name(*object, what).is_some_and(|found| found.len() <= 24 || found == name));
        }
        bytes.push(0);
        prop_assert_eq!(Encoded::read(&bytes), None);
        Ok(())
    });
    // Minus zero, and a sign that is none, are not canonical; a length beyond the end is no text.
    let zero = Encoded {
        venue: "v".into(),
        revision: "1".into(),
        epoch: 0,
        names: vec![],
        cells: vec![(Cell { object: 1, field: 2 }, Int::ZERO)],
    };
    let mut bytes = Vec::new();
    zero.write(&mut bytes);
    let sign = bytes.len() - 33;
    for (byte, read) in [(0, true), (1, false), (2, false)] {
        bytes[sign] = byte;
        assert_eq!(Encoded::read(&bytes).is_some(), read, "sign {byte}");
    }
    bytes[0] = 255;
    assert_eq!(Encoded::read(&bytes), None);
}

#[test]
fn numbers_keep_their_bytes() {
    check(10_000, any_u256(), |value| {
        prop_assert_eq!(U256::from_le_bytes(value.to_le_bytes()), value);
        Ok(())
    });
}

#[test]
fn accounts_and_feeds_answer_for_what_is_there() {
    let accounts = vec![Account::new(AccountId(4)), Account::new(AccountId(2))];
    assert_eq!(Accounts::get(&accounts, AccountId(2)).map(|account| account.id), Some(AccountId(2)));
    assert_eq!(Accounts::get(accounts.as_slice(), AccountId(3)), None);
    let readings = [Reading::certain(U256::ONE)];
    let feeds = Feeds { readings: &readings };
    assert_eq!(feeds.get(0).value, Some(U256::ONE));
    assert_eq!(feeds.get(1), Reading::unknown(None, Why::Missing));
    assert_eq!((Time(5).since(Time(3)), Time(3).since(Time(5))), (Some(2), None));
}

/// Codes are stable and each is its own.
#[test]
fn refusals_have_codes_of_their_own() {
    let i = InstrumentId(1);
    let (held, asked) = (U256::ONE, U256::MAX);
    let all = [
        (Refusal::NotLiquidatable, "PL0101"),
        (Refusal::NotSeizable(i), "PL0102"),
        (Refusal::NothingOwed(i), "PL0103"),
        (Refusal::NothingHeld(i), "PL0104"),
        (Refusal::LeavesDust, "PL0105"),
        (Refusal::WouldBeUnhealthy, "PL0106"),
        (Refusal::OverCapacity { debt: held, capacity: asked }, "PL0107"),
        (Refusal::InsufficientCash { held, asked }, "PL0108"),
        (Refusal::AmountZero, "PL0109"),
        (Refusal::AmountTooLarge { held, asked }, "PL0110"),
        (Refusal::SupplyCap(i), "PL0111"),
        (Refusal::BorrowCap(i), "PL0112"),
        (Refusal::Paused(i), "PL0113"),
        (Refusal::Frozen(i), "PL0114"),
        (Refusal::Inactive(i), "PL0115"),
        (Refusal::BeyondReceipts { receipts: held, lent: asked }, "PL0128"),
        (Refusal::NothingToSeize, "PL0129"),
        (Refusal::BorrowTooSmall { owed: U256::ZERO, least: U256::ONE }, "PL0130"),
        (Refusal::ActionPaused("an action"), "PL0131"),
        (Refusal::SelfTransfer, "PL0132"),
        (Refusal::NotForSale { reserves: U256::ONE, target: U256::ZERO }, "PL0133"),
        (Refusal::PriceUnknown { slot: 0, why: Why::Stale }, "PL0201"),
        (Refusal::ClockWentBack { state: Time(2), asked: Time(1) }, "PL0202"),
        (Refusal::Overflow("x"), "PL0301"),
        (Refusal::DivisionByZero("x"), "PL0302"),
        (Refusal::NotAtThisVenue, "PL0401"),
    ];
    let back = Refusal::ClockWentBack { state: Time(1_772_366_279), asked: Time(0) };
    let told = "the state is of 2026-03-01T11:57:59Z, later than the 1970-01-01T00:00:00Z asked about";
    assert_eq!(back.to_string(), told);
    for (refusal, code) in all {
        assert_eq!(refusal.code(), code);
        let text = refusal.to_string();
        assert!(!text.is_empty() && !text.contains("Refusal"), "{text}");
        assert!(refusal.instrument().is_none_or(|found| found == i));
    }
}
