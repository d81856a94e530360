//! A spoke's limit of premium shares, to the share: where it refuses, and what is proven to be refused between two amounts.

use crate::world::*;
use plimsoll_core::{AccountId, Action, Amount, Call, Feeds, Int, Market as _, Refusal, Time};
use plimsoll_venues::aave_v4::{RISK_PREMIUM, debt, premium_offset, premium_shares};

/// Others owe 10,000 drawn shares of USDC with 400 premium shares; person 0 owes 1,000 with 50, at 5 %. The limit is 4 %: who
/// owes d after a repayment is refused where 400 + ce(d x 5 %) > ce((10,000 + d) x 4 %) = 400 + ce(d x 4 %).
fn owing() -> World {
    let offset = |shares: u128| Int::from(u(shares).mul(u(RAY)).unwrap());
    let mut spec = spec();
    let (state, link) = (&mut spec.assets[1].state, &mut spec.reserves[1].link);
    (state.drawn_shares, state.premium_shares, state.premium_offset) = (u(11_000), u(450), offset(450));
    (link.drawn_shares, link.premium_shares, link.premium_offset) = (u(11_000), u(450), offset(450));
    link.risk_premium_threshold = 400;
    let mut world = World::of(spec);
    let account = world.give(0, &[], &[(1, 1_000)]);
    account.set_term(RISK_PREMIUM, Int::new(500));
    account.set_term(premium_shares(1), Int::new(50));
    account.set_term(premium_offset(1), offset(50));
    world
}

fn left(owed: u128) -> Call {
    let amount = Amount::Assets(u(1_000 - owed));
    let (actor, account) = (AccountId(0), AccountId(0));
    Call { actor, account, at: Time(START), action: Action::Repay { debt: debt(1), amount } }
}

/// Whether the repayment that leaves so much is refused by the limit.
fn refused(owed: u128) -> bool {
    match owing().call(0, 0, left(owed).action) {
        Ok(_) => false,
        Err(refusal) => {
            assert_eq!(refusal, Refusal::RiskPremiumLimit(debt(1)));
            true
        }
    }
}

fn proven(ends: [u128; 2]) -> bool {
    let world = owing();
    let readings = readings(&world.prices);
    let [one, other] = ends.map(left);
    world.market.refuses_between([&one, &other], &world.accounts, Feeds { readings: &readings })
}

/// One amount is asked itself, with both ceilings.
#[test]
fn one_amount_is_refused_to_the_share() {
    // 5 % and 4 % of 20 are 1 and 0.8; of 21, 1.05 and 0.84; of 26, 1.3 and 1.04.
    for (owed, expected) in [(20, false), (21, true), (25, true), (26, false)] {
        assert_eq!(refused(owed), expected, "{owed}");
        assert_eq!(proven([owed, owed]), expected, "{owed}");
    }
}

/// Between two amounts a whole share must be over at both: 400 + 5 % of d >= 400 + 4 % of d + 1, which is d >= 100.
#[test]
fn between_two_amounts_both_ends_decide() {
    assert!(proven([200, 100]) && proven([100, 200]));
    for owed in 100..=200 {
        assert!(refused(owed), "{owed}");
    }
    // 20 is taken, whichever end it is.
    assert!(!proven([20, 200]) && !proven([200, 20]));
    // Repayments at two times are not compared.
    let world = owing();
    let later = Call { at: Time(START + 1), ..left(200) };
    let readings = readings(&world.prices);
    let feeds = Feeds { readings: &readings };
    assert!(!world.market.refuses_between([&left(100), &later], &world.accounts, feeds));
}

/// Of 10^18 + 1 drawn shares 5 % are raised on both sides: as many premium shares as the limit lets in, to the share.
#[test]
fn a_limit_is_raised_as_premium_shares_are() {
    let mut world = World::new();
    world.supply(0, 0, 10 * WAD).unwrap();
    world.supply(1, 1, 50_000_000_000).unwrap();
    world.use_it(1, 1, true).unwrap();
    world.set(2_000, "risk_premium_threshold", Int::new(500)).unwrap();
    world.borrow(1, 0, WAD + 1).unwrap();
    assert_eq!(world.accounts[1].term(premium_shares(0)), Int::from(u(WAD / 20 + 1)));
    assert_eq!(world.market.reserves()[0].link.premium_shares, u(WAD / 20 + 1));
}
