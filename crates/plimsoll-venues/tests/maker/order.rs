//! What `Vat.frob` and `Vat.fork` ask first: random calls that break several rules at once, against a restatement of the
//! contract's order in whole numbers without an end. And `rpow`, step by step as the contracts have it.

use crate::world::*;
use num_bigint::{BigInt, Sign};
use plimsoll_core::{Account, AccountId, Action, Int, Refusal, Silent, Time, U256};
use plimsoll_venues::maker::words::consent;
use plimsoll_venues::maker::{ART, Calc, Curve, GEM, HOPE, INK, Parameters, Revision, State, VAT_DAI};
use proptest::prelude::*;

fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::BorrowCap(_) => "ceiling-exceeded",
        Refusal::OverCapacity { .. } => "not-safe",
        Refusal::ReceiverOverCapacity { .. } => "not-safe-dst",
        Refusal::NoConsent(consent::POSITION) => "not-allowed-u",
        Refusal::NoConsent(consent::COLLATERAL_PARTY) => "not-allowed-v",
        Refusal::NoConsent(consent::DEBT_PARTY) => "not-allowed-w",
        Refusal::LeavesDust => "dust",
        Refusal::ReceiverDust => "dust-dst",
        Refusal::Overflow(_) | Refusal::AmountTooLarge { .. } => "revert",
        other => panic!("{other:?}"),
    }
}

/// `require`s that hold, in order; the first that does not has the say.
fn first(asked: &[(bool, &'static str)]) -> Option<&'static str> {
    asked.iter().find(|(holds, _)| !holds).map(|(_, word)| *word)
}

fn fits(value: &BigInt) -> bool {
    value.sign() != Sign::Minus && value.bits() <= 256
}

#[derive(Clone, Debug)]
struct Vat {
    /// Of the two positions: ink, art, gem, dai.
    held: [[u64; 4]; 2],
    rate: u64,
    spot: u64,
    /// Whether the spot is so high that no collateral can be multiplied by it.
    steep: bool,
    dust: u64,
    line: u64,
    total_line: u64,
    others: u64,
    debt: u64,
}

fn vat() -> impl Strategy<Value = Vat> {
    let held =
        prop::array::uniform2((0..20u64, 0..20u64, 0..40u64, 0..60u64).prop_map(|(a, b, c, d)| [a, b, c, d]));
    let limits = (0..60u64, 0..250u64, 0..350u64, 0..30u64, 0..250u64);
    (held, 1..5u64, 0..6u64, prop::bool::weighted(0.1), limits).prop_map(
        |(held, rate, spot, steep, (dust, line, total_line, others, debt))| Vat {
            held,
            rate,
            spot,
            steep,
            dust,
            line,
            total_line,
            others,
            debt,
        },
    )
}

impl Vat {
    fn spot(&self) -> U256 {
        if self.steep { U256::ZERO.with_bit(255, true) } else { self.spot.into() }
    }

    fn total_art(&self) -> u64 {
        self.held[0][1] + self.held[1][1] + self.others
    }

    /// Two positions; the first may have hoped the second, and the second the first.
    fn world(&self, hopes: [bool; 2]) -> World {
        let rules = Parameters {
            dust: self.dust.into(),
            line: self.line.into(),
            total_line: self.total_line.into(),
            ..rules()
        };
        let state = State {
            rate: self.rate.into(),
            spot: self.spot(),
            total_art: self.total_art().into(),
            debt: self.debt.into(),
            ..state(&rules)
        };
        let mut world = World::new(Revision::V2_0, rules);
        world.market = market(Revision::V2_0, rules, state);
        for ((id, [ink, art, gem, dai]), hope) in (0..).zip(self.held).zip(hopes) {
            let account = Account::new(AccountId(id)).with(INK, ink.into()).with(ART, art.into());
            let mut account = account.with(GEM, gem.into()).with(VAT_DAI, dai.into());
            if hope {
                account.set_term(HOPE, Int::from(2 - id));
            }
            world.accounts[id as usize] = account;
        }
        world
    }

    /// `Vat.frob` of the first position.
    fn frob(
        &self,
        actor: usize,
        hopes: [bool; 2],
        [v, w]: [usize; 2],
        dink: i64,
        dart: i64,
    ) -> Option<&'static str> {
        let [ink, art, ..] = self.held[0];
        let wish = |who: usize| who == actor || hopes[who];
        let big = |value: u64| BigInt::from(value);
        let (ink, art) = (big(ink) + dink, big(art) + dart);
        let total = big(self.total_art()) + dart;
        let dtab = big(self.rate) * dart;
        let (tab, debt) = (big(self.rate) * &art, big(self.debt) + &dtab);
        let carried = &ink * z(self.spot());
        let safer = dart <= 0 && dink >= 0;
        first(&[
            ([&ink, &art, &total, &debt].into_iter().all(fits), "revert"),
            (
                dart <= 0 || (&total * self.rate <= big(self.line) && debt <= big(self.total_line)),
                "ceiling-exceeded",
            ),
            (fits(&carried), "revert"),
            (safer || tab <= carried, "not-safe"),
            (safer || wish(0), "not-allowed-u"),
            (dink <= 0 || wish(v), "not-allowed-v"),
            (dart >= 0 || wish(w), "not-allowed-w"),
            (art == BigInt::ZERO || tab >= big(self.dust), "dust"),
            (fits(&(big(self.held[v][2]) - dink)), "revert"),
            (fits(&(big(self.held[w][3]) + dtab)), "revert"),
        ])
    }

    /// `Vat.fork` from the first to the second.
    fn fork(&self, actor: usize, hopes: [bool; 2], dink: i64, dart: i64) -> Option<&'static str> {
        let wish = |who: usize| who == actor || hopes[who];
        let big = |value: u64| BigInt::from(value);
        let sides = [(0, -1), (1, 1)].map(|(who, sign): (usize, i64)| {
            let [ink, art, ..] = self.held[who];
            let (ink, art) = (big(ink) + sign * dink, big(art) + sign * dart);
            let (tab, carried) = (big(self.rate) * &art, &ink * z(self.spot()));
            (ink, art, tab, carried)
        });
        let [(ink, art, tab, carried), (ink_to, art_to, tab_to, carried_to)] = &sides;
        first(&[
            ([ink, art, ink_to, art_to].into_iter().all(fits), "revert"),
            (wish(0) && wish(1), "not-allowed-u"),
            (fits(carried), "revert"),
            (tab <= carried, "not-safe"),
            (fits(carried_to), "revert"),
            (tab_to <= carried_to, "not-safe-dst"),
            (*tab >= big(self.dust) || *art == BigInt::ZERO, "dust"),
            (*tab_to >= big(self.dust) || *art_to == BigInt::ZERO, "dust-dst"),
        ])
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn frob_asks_in_the_contracts_order(
        vat in vat(),
        actor in 0..2usize,
        hopes in any::<[bool; 2]>(),
        parties in [0..2usize, 0..2usize],
        dink in -25..25i64,
        dart in -25..25i64,
    ) {
        let [v, w] = parties.map(|party| AccountId(party as u64));
        let action = Action::Adjust {
            collateral: (INK, Int::new(dink.into())),
            debt: (ART, Int::new(dart.into())),
            collateral_party: v,
            debt_party: w,
        };
        let done = vat.world(hopes).action(actor as u64, 0, action);
        prop_assert_eq!(done.as_ref().err().map(word), vat.frob(actor, hopes, parties, dink, dart));
    }

    #[test]
    fn fork_asks_in_the_contracts_order(
        vat in vat(),
        actor in 0..2usize,
        hopes in any::<[bool; 2]>(),
        dink in -25..25i64,
        dart in -25..25i64,
    ) {
        let action = Action::Fork { collateral: (INK, Int::new(dink.into())), debt: (ART, Int::new(dart.into())), to: AccountId(1) };
        let done = vat.world(hopes).action(actor as u64, 0, action);
        prop_assert_eq!(done.as_ref().err().map(word), vat.fork(actor, hopes, dink, dart));
    }
}

// ---- rpow -------------------------------------------------------------------------------------------------------------

fn one() -> BigInt {
    BigInt::from(10).pow(27)
}

/// `rpow(x, n, 10^27)` as the assembly has it: half up at every square and every product; `None` where it reverts.
/// `narrow` is the abaci's: no square of a number beyond 128 bits.
fn rpow(x: BigInt, n: u64, narrow: bool) -> Option<BigInt> {
    let half = one() / 2;
    if x == BigInt::ZERO {
        return Some(if n == 0 { one() } else { x });
    }
    let checked = |product: BigInt| -> Option<BigInt> {
        let rounded: BigInt = product + &half;
        (rounded.bits() <= 256).then(|| rounded / one())
    };
    let mut z = if n % 2 == 1 { x.clone() } else { one() };
    let (mut x, mut n) = (x, n / 2);
    while n != 0 {
        if narrow && x.bits() > 128 {
            return None;
        }
        x = checked(&x * &x)?;
        if n % 2 == 1 {
            z = checked(&z * &x)?;
        }
        n /= 2;
    }
    Some(z)
}

/// Factors near one, as rates are, and any others.
fn factor() -> impl Strategy<Value = U256> {
    let near = (any::<bool>(), bits(90)).prop_map(|(above, by)| {
        let one = ray(1);
        if above { one.add(by).unwrap() } else { one.sub_or_zero(by) }
    });
    prop_oneof![near, bits(140)]
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn fees_grow_half_up_step_by_step(factor in factor(), seconds in prop_oneof![0..64u64, any::<u32>().prop_map(u64::from)]) {
        let rules = Parameters { base: U256::ZERO, duty: factor, ..rules() };
        let market = market(Revision::V2_0, rules, state(&rules));
        let found = market.dripped(Time(START + seconds)).ok().map(|state| z(state.rate));
        // `rmul(rpow, rate)` of a rate of one; nothing is owed.
        let power = rpow(z(factor), seconds, false).filter(|power| (power * one()).bits() <= 256);
        prop_assert_eq!(found, power.filter(|power| power.bits() <= 255));
    }

    #[test]
    fn auctions_fall_half_up_step_by_step(cut in factor(), seconds in prop_oneof![0..64u64, any::<u32>().prop_map(u64::from)]) {
        let calc = Calc { curve: Curve::Exponential, cut, ..Calc::default() };
        let found = calc.price(&mut Silent, ray(1), seconds.into()).ok().map(z);
        let power = rpow(z(cut), seconds, true).filter(|power| (power * one()).bits() <= 256);
        prop_assert_eq!(found, power);
    }
}
