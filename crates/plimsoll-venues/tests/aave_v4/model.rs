//! The amounts of a liquidation a second time, in unbounded integers, from the rules as people write them; and random
//! liquidations beside it, corners included that no recording reaches.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{
    AccountId, Action, Amount, Call, Feeds, Lot, Mechanism, Receive, Refusal, Silent, Time, U256,
};
use plimsoll_venues::aave_v4::{
    Done, LiquidationRules, MAP, Market, RISK_PREMIUM, Spec, configuration_key, debt, premium_offset,
    premium_shares, receipt,
};
use proptest::prelude::*;

/// One collateral and one debt, everything that decides how much is exchanged.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Decimals of collateral and debt.
    pub(crate) decimals: [u8; 2],
    pub(crate) prices: [u128; 2],
    /// Factor, highest bonus and fee (bps).
    pub(crate) version: [u32; 3],
    pub(crate) rules: LiquidationRules,
    /// Supplied (shares), and what all suppliers own and hold: assets, shares.
    pub(crate) supplied: u128,
    pub(crate) pot: [u128; 2],
    /// Drawn shares, premium shares, premium (raw x ray) and index.
    pub(crate) drawn: u128,
    pub(crate) premium_shares: u128,
    pub(crate) premium: u128,
    pub(crate) index: u128,
    /// What the liquidator would pay; all where there is none.
    pub(crate) cover: Option<u128>,
}

/// Drawn shares, premium (raw x ray), shares taken, shares of the liquidator, paid (raw).
pub(crate) type Amounts = [BigInt; 5];

#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Healthy,
    Dust,
    Done(Amounts),
}

impl Case {
    fn value(&self, side: usize, amount: &BigInt) -> BigInt {
        amount * big(self.prices[side]) * big(10).pow(18 - u32::from(self.decimals[side]))
    }

    fn assets(&self, shares: &BigInt, up: bool) -> BigInt {
        let (x, y) = (shares * (big(self.pot[0]) + 1_000_000), big(self.pot[1]) + 1_000_000);
        if up { ce(x, &y) } else { fl(x, &y) }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let (ray, wad, bps) = (big(RAY), big(WAD), big(10_000));
        let [factor, most, fee] = self.version.map(BigInt::from);
        let (index, held, owed, premium) =
            (big(self.index), big(self.supplied), big(self.drawn), big(self.premium));
        let weighted = self.value(0, &self.assets(&held, false)) * &factor;
        let debt = self.value(1, &(&owed * &index + &premium));
        let health = fl(weighted * big(WAD / 10_000) * &ray, &debt);
        if health >= wad {
            return Outcome::Healthy;
        }
        let cover = self.cover.map_or_else(|| big(1) << 256, big);
        let lowest = z(self.rules.health_for_max_bonus);
        let bonus = if health <= lowest {
            most
        } else {
            let least = fl((&most - &bps) * self.rules.bonus_factor, &bps) + &bps;
            &least + fl((&most - &least) * (&wad - &health), &(&wad - lowest))
        };
        let [cu, du] = self.decimals.map(|decimals| big(10).pow(decimals.into()));
        let [cp, dp] = self.prices.map(big);
        let goal = z(self.rules.target_health);
        let penalty = ce(&bonus * big(WAD / 10_000) * &factor, &bps);
        let target = ce(&debt * &du * (&goal - &health), &((goal - penalty) * &dp * &wad));
        let mut paid_premium = (ce(target.clone(), &ray) * &ray).min(premium.clone());
        if cover < ce(paid_premium.clone(), &ray) {
            paid_premium = &cover * &ray;
        }
        let mut drawn = BigInt::ZERO;
        if paid_premium == premium && paid_premium < target {
            let to_target = ce(&target - &paid_premium, &index);
            let covered = fl((&cover - ce(paid_premium.clone(), &ray)) * &ray, &index);
            drawn = to_target.min(covered).min(owed.clone());
        }
        let dust = big(1_000) * big(10).pow(26);
        let left = (&owed - &drawn) * &index + &premium - &paid_premium;
        if drawn < owed && self.value(1, &left) < &dust * &ray {
            (drawn, paid_premium) = (owed.clone(), premium.clone());
        }
        let shares_for = |drawn: &BigInt, premium: &BigInt| {
            let amount = fl((drawn * &index + premium) * &dp * &cu * &bonus, &(&du * &cp * &bps * &ray));
            fl(amount * (big(self.pot[1]) + 1_000_000), &(big(self.pot[0]) + 1_000_000))
        };
        let mut shares = shares_for(&drawn, &paid_premium);
        let dusty = shares < held && self.value(0, &self.assets(&(&held - &shares), false)) < dust;
        if shares > held || (dusty && drawn < owed) {
            shares = held.clone();
            let all = ce(self.assets(&shares, true) * &cp * &du * &bps * &ray, &(&dp * &cu * &bonus));
            if all <= premium {
                paid_premium = (ce(all, &ray) * &ray).min(premium.clone());
                drawn = BigInt::ZERO;
            } else {
                drawn = ce(all - &premium, &index);
                paid_premium = premium;
                if drawn > owed {
                    drawn = owed;
                    shares = shares_for(&drawn, &paid_premium).min(held);
                }
            }
        }
        let paid = ce(&drawn * &index, &ray) + ce(paid_premium.clone(), &ray);
        if cover < paid {
            return Outcome::Dust;
        }
        let to_liquidator = &shares - ce(&shares * fee * (&bonus - &bps), &(bonus * &bps));
        Outcome::Done([drawn, paid_premium, shares, to_liquidator, paid])
    }

    /// What the market says of the same, or why not.
    pub(crate) fn liquidated(&self) -> Result<Amounts, Refusal> {
        let it = self.done()?.liquidation.unwrap();
        Ok([it.drawn_shares, it.premium.restored, it.shares, it.to_liquidator, it.paid].map(z))
    }

    pub(crate) fn done(&self) -> Result<Done, Refusal> {
        let market = self.market();
        let mut account = plimsoll_core::Account::new(AccountId(0));
        let flags = U256::ZERO.with_bit(1, true).with_bit(2, true);
        account.set_term(MAP, flags.into());
        account.set_term(configuration_key(0), plimsoll_core::Int::ZERO);
        account.set(receipt(0), u(self.supplied).into());
        account.set(debt(1), u(self.drawn).into());
        account.set_term(premium_shares(1), u(self.premium_shares).into());
        account.set_term(premium_offset(1), self.offset());
        // What premium shares are made by does not matter to the amounts.
        account.set_term(RISK_PREMIUM, plimsoll_core::Int::new(500));
        let amount = self.cover.map_or(Amount::All, |cover| Amount::Assets(u(cover)));
        let (repay, seize, receive) = (debt(1), receipt(0), Receive::Asset);
        let mechanism = Mechanism::Discount { repay, seize, lot: Lot::Repay(amount), receive };
        let action = Action::Liquidate(mechanism);
        let call = Call { actor: AccountId(1), account: AccountId(0), at: Time(START), action };
        let readings = readings(&self.prices.map(u));
        market.call(&call, &vec![account], Feeds { readings: &readings }, &mut Silent)
    }

    /// The offset at which so many premium shares owe the premium.
    fn offset(&self) -> plimsoll_core::Int {
        let grown = u(self.premium_shares).mul(u(self.index)).unwrap();
        plimsoll_core::Int::from(grown).sub(u(self.premium).into()).unwrap()
    }

    fn market(&self) -> Market {
        let [factor, bonus, fee] = self.version;
        let versions = [version(factor as u16, bonus, fee as u16)];
        let mut collateral = asset("core", "C", self.decimals[0]);
        collateral.state.liquidity = u(self.pot[0]);
        collateral.state.added_shares = u(self.pot[1]);
        let mut owed = asset("core", "D", self.decimals[1]);
        owed.state.drawn_index = u(self.index);
        owed.state.drawn_shares = u(self.drawn);
        owed.state.premium_shares = u(self.premium_shares);
        owed.state.premium_offset = self.offset();
        let mut spoke = spoke("main");
        spoke.liquidation = self.rules;
        let mut reserves = vec![reserve("C", 0, 0, 500, &versions), reserve("D", 0, 1, 0, &versions)];
        reserves[0].link.added_shares = u(self.pot[1]);
        let link = &mut reserves[1].link;
        link.drawn_shares = owed.state.drawn_shares;
        (link.premium_shares, link.premium_offset) = (owed.state.premium_shares, owed.state.premium_offset);
        Market::new(Spec {
            currency: "USD".into(),
            assets: vec![collateral, owed],
            spokes: vec![spoke],
            reserves,
        })
        .unwrap()
    }
}

/// The market and the model say the same.
pub(crate) fn agree(case: &Case) {
    let expected = case.outcome();
    match (case.liquidated(), &expected) {
        (Ok(amounts), Outcome::Done(expected)) => assert_eq!(&amounts, expected, "{case:?}"),
        (Err(Refusal::NotLiquidatable), Outcome::Healthy) | (Err(Refusal::LeavesDust), Outcome::Dust) => {}
        // What is taken must be worth a unit of what is there.
        (Err(Refusal::AmountZero), Outcome::Done(amounts)) => {
            assert_eq!(case.assets(&amounts[3], false).min(amounts[4].clone()), BigInt::ZERO, "{case:?}");
        }
        other => panic!("{other:?} {case:?}"),
    }
}

/// An account of so many thousand USD of debt at about a health, with prices, shares and indices that are not round.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let decimals = prop_oneof![Just(18u8), Just(8), Just(6), Just(2), Just(11)];
    let version = (5_000..9_300u32, 0..1_000u32, 0..=10_000u32);
    let rules = (0..300u128, 0..1_000u128, 0..=10_000u16);
    let debt = (prop_oneof![1..5_000u128, 1..2_000_000u128], 0..1_000u128, 700..1_005u128);
    let rest = (1..10u128.pow(14), 1..10u128.pow(14), 0..RAY / 2, 0..1_000u128);
    (prop::array::uniform2(decimals), version, rules, debt, rest, prop::option::of(0..1_300u128)).prop_map(
        |(decimals, (factor, bonus, fee), (target, lowest, part), (usd, premium, health), rest, cover)| {
            let (cp, dp, more, growth) = rest;
            // As little a unit of the dearer tokens is: prices of whole tokens between 1e-5 and 1e6 USD.
            let prices = [cp.max(1_000), dp.max(1_000)];
            let most = (10_000 + bonus).min(9_990 * 10_000 / factor);
            let unit = 10u128.pow(decimals[1].into());
            let owed = (usd * 10u128.pow(8)).saturating_mul(unit) / prices[1] + 1;
            let index = RAY + more;
            let drawn = owed / 1_000 * (1_000 - premium / 2) + 1;
            let collateral: BigInt =
                big(usd) * 100_000_000 * big(health) * 10 * big(10).pow(decimals[0].into())
                    / (big(prices[0]) * factor);
            let supplied: u128 = collateral.to_string().parse::<u128>().unwrap() + 1;
            let pot = [supplied * 3 + supplied / 1_000 * growth + 5, supplied * 3 + 5];
            Case {
                decimals,
                prices,
                version: [factor, most, fee],
                rules: LiquidationRules {
                    target_health: u(WAD + target * WAD / 1_000),
                    health_for_max_bonus: u(lowest * WAD / 1_000),
                    bonus_factor: part,
                },
                supplied,
                pot,
                drawn,
                premium_shares: drawn / 7,
                premium: (owed / 1_000 * (premium / 2)).min(10u128.pow(11)) * RAY + more % RAY,
                index,
                cover: cover.map(|part| owed / 1_000 * part + 1),
            }
        },
    )
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_liquidation_is_what_the_rules_say(case in case()) {
        agree(&case);
    }
}
