//! What holds of every market, account and price.

use crate::world::{NOW, Random, account, market, prices, readings, stand};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Compiled, Feeds, Int, Lens, Market as _, Operation, Question,
    Reading, Refusal, Silent, Step, Subject, Test, Trace, U256, Venue, Verdict, Why,
};
use plimsoll_margin::portfolio::{Market, Portfolio, Terms, held};

const TESTS: [Test; 2] = [Test::Liquidation, Test::Borrow];

#[derive(Default)]
struct Steps(Vec<Step>);

impl Trace for Steps {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, step: Step) {
        self.0.push(step);
    }
}

/// Whoever follows the steps with a pencil comes to the same numbers, and ends at what the lines compare.
#[test]
fn every_step_can_be_recomputed() {
    let mut random = Random(71);
    for case in 0..400 {
        let market = market(&mut random);
        let (account, prices) = (account(&mut random, &market), prices(&mut random));
        for test in TESTS {
            let mut steps = Steps::default();
            let seen = stand(&market, &prices, |quoted| quoted.assess(&account, test, &mut steps).unwrap());
            assert_eq!(seen, stand(&market, &prices, |quoted| quoted.verdict(&account, test).unwrap()));
            for step in &steps.0 {
                if step.operation != Operation::Given {
                    assert_eq!(step.recompute(), Some(step.value), "{case} {step:?}");
                }
            }
            let last = |words: &str| {
                steps
                    .0
                    .iter()
                    .rev()
                    .find(|step| step.formula.starts_with(words))
                    .map_or(Int::ZERO, |step| step.value)
            };
            assert_eq!(last("backing with the quotes"), seen.backing, "{case}");
            let asked =
                if test == Test::Borrow { "asked of the initial line" } else { "requirement = asked" };
            assert_eq!(last(asked), seen.requirement, "{case}");
        }
    }
}

/// Between two accounts and two sets of prices nothing is beyond the ends, and a verdict that is told holds throughout; where both are one, the
/// ends are the numbers.
#[test]
fn no_point_of_a_box_contradicts_it() {
    let mut random = Random(72);
    let (mut told, mut all) = ([0; 2], 0);
    for case in 0..600 {
        let market = market(&mut random);
        let (low, low_prices) = (account(&mut random, &market), prices(&mut random));
        let (mut high, mut high_prices) = (low.clone(), low_prices.clone());
        for price in &mut high_prices {
            if random.chance(3) {
                let most = [1, 1_000, 100_000_000][random.within(0, 2) as usize];
                *price += random.within(0, most.min(*price / 3));
            }
        }
        for holding in low.holdings() {
            if random.chance(4) {
                let more = Int::from(random.within(0, 1_000));
                high.set(holding.instrument, holding.quantity.add(more).unwrap());
            }
        }
        let ends: Vec<Reading> = low_prices
            .iter()
            .zip(&high_prices)
            .map(|(low, high)| {
                let (low, high) = (U256::from(*low), U256::from(*high));
                Reading { value: Some(low), doubt: None, low, high: Some(high) }
            })
            .collect();
        for test in TESTS {
            let range = stand(&market, &low_prices, |quoted| {
                quoted.over(&low, &high, test, Feeds { readings: &ends }).unwrap()
            });
            all += 1;
            told[usize::from(range.verdict == Some(Verdict::Healthy))] +=
                usize::from(range.verdict.is_some());
            for _ in 0..6 {
                let mut between = |low: u64, high: u64| match random.within(0, 3) {
                    0 => low,
                    1 => high,
                    _ => random.within(low, high),
                };
                let point: Vec<u64> =
                    low_prices.iter().zip(&high_prices).map(|(low, high)| between(*low, *high)).collect();
                let mut one = low.clone();
                for holding in high.holdings() {
                    let from = low.quantity(holding.instrument);
                    let width = holding.quantity.sub(from).unwrap().to_u64().unwrap();
                    one.set(holding.instrument, from.add(Int::from(between(0, width))).unwrap());
                }
                let seen = stand(&market, &point, |quoted| quoted.verdict(&one, test).unwrap());
                assert!(
                    range.verdict.is_none_or(|verdict| verdict == seen.verdict),
                    "{case} {range:?} {seen:?}"
                );
                assert!(range.backing[0] <= seen.backing && seen.backing <= range.backing[1], "{case}");
                let [least, most] = range.requirement;
                assert!(least <= seen.requirement && seen.requirement <= most, "{case}");
            }
            let exact = readings(&low_prices);
            let point = stand(&market, &low_prices, |quoted| {
                let seen = quoted.verdict(&low, test).unwrap();
                (quoted.over(&low, &low, test, Feeds { readings: &exact }).unwrap(), seen)
            });
            let (range, seen) = point;
            assert_eq!(range.backing, [seen.backing; 2]);
            assert_eq!(range.requirement, [seen.requirement; 2]);
            assert_eq!(range.verdict, Some(seen.verdict), "{case}");
        }
    }
    // Neither empty nor trivial.
    assert!(told.iter().all(|count| *count > all / 20), "{told:?} of {all}");
}

/// A narrow box is settled: liquidation prices are searched for by halving.
#[test]
fn a_narrow_box_has_a_verdict() {
    let mut random = Random(73);
    let (mut settled, mut all) = (0, 0);
    for _ in 0..300 {
        let market = market(&mut random);
        let (account, prices) = (account(&mut random, &market), prices(&mut random));
        let ends: Vec<Reading> = prices
            .iter()
            .map(|price| {
                let low = U256::from(*price);
                Reading { value: Some(low), doubt: None, low, high: low.add(U256::ONE) }
            })
            .collect();
        let range = stand(&market, &prices, |quoted| {
            quoted.over(&account, &account, Test::Liquidation, Feeds { readings: &ends }).unwrap()
        });
        settled += usize::from(range.verdict.is_some());
        all += 1;
    }
    assert!(settled * 100 >= all * 98, "{settled} of {all}");
}

#[test]
fn a_market_that_was_written_opens_the_same() {
    let mut random = Random(74);
    for _ in 0..40 {
        let market = market(&mut random);
        let mut bytes = Vec::new();
        market.encode(&mut bytes);
        let again = Portfolio.open(&bytes).unwrap();
        let again = Market::of(&*again).unwrap();
        assert_eq!(again.spec(), market.spec());
        let mut changed = market.clone();
        market.visit(&mut |cell, _, _, value| changed.set(cell, Some(value)).unwrap());
        assert_eq!(changed.spec(), market.spec());
    }
}

/// What is bought and paid can be lost and no more, so nothing more is asked for it.
#[test]
fn options_that_are_only_held_never_call_anybody() {
    let mut random = Random(75);
    for case in 0..300 {
        let market = market(&mut random);
        let prices = prices(&mut random);
        let mut account = Account::new(AccountId(1));
        for (place, contract) in market.spec().contracts.iter().enumerate() {
            if matches!(contract.terms, Terms::Option { .. }) && random.chance(2) {
                account.set(market.base(place), Int::from(random.within(1, 900_000)));
            }
        }
        for test in TESTS {
            let seen = stand(&market, &prices, |quoted| quoted.verdict(&account, test).unwrap());
            assert_ne!(seen.verdict, Verdict::Unhealthy, "{case} {seen:?}");
            // And that is known of all prices at once.
            let anything =
                vec![
                    Reading { value: None, doubt: None, low: U256::ONE, high: Some(U256::from(1_u64 << 40)) };
                    prices.len()
                ];
            let range = stand(&market, &prices, |quoted| {
                quoted.over(&account, &account, test, Feeds { readings: &anything })
            });
            assert_eq!(range.unwrap().verdict, Some(seen.verdict), "{case}");
        }
    }
}

/// Without rows nobody is screened out; who owes nothing is told apart, and needs no price.
#[test]
fn who_owes_is_opaque_and_who_does_not_needs_no_price() {
    let market = market(&mut Random(76));
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: NOW };
    let mut account = Account::new(AccountId(1));
    account.set(held(1), Int::from(5_u64));
    assert!(matches!(market.compile(&account, question), Ok(Compiled::NoDebt)));
    let feeds = Feeds { readings: &[] };
    let quoted = plimsoll_core::Market::at(&market, feeds, Lens::Action, NOW).unwrap();
    assert_eq!(quoted.verdict(&account, Test::Liquidation).unwrap().verdict, Verdict::NoDebt);
    account.set(market.base(2), Int::from(5_u64));
    assert!(matches!(market.compile(&account, question), Ok(Compiled::Opaque)));
    let refusal = quoted.verdict(&account, Test::Liquidation).unwrap_err();
    assert!(matches!(refusal, Refusal::PriceUnknown { why: Why::Missing, .. }), "{refusal:?}");
}

fn call(market: &Market, account: &Account, prices: &[u64], action: Action) -> Result<Account, Refusal> {
    let readings = readings(prices);
    let call = Call { actor: account.id, account: account.id, action, at: NOW };
    let feeds = Feeds { readings: &readings };
    let effects = market.act(&call, &vec![account.clone()], feeds, &mut Silent)?;
    Ok(effects.apply_to(account).unwrap())
}

/// Below its line an account may close at the price of valuation whatever lowers what is asked; paying in is never refused; and what is done leaves it
/// above both lines or no worse.
#[test]
fn what_lowers_risk_is_never_refused() {
    let mut random = Random(77);
    let mut closed = 0;
    for case in 0..400 {
        let market = market(&mut random);
        let (before, prices) = (account(&mut random, &market), prices(&mut random));
        let paid = Action::Deposit { into: held(0), amount: Amount::Assets(U256::from(7_u64)) };
        call(&market, &before, &prices, paid).unwrap();
        let ask = |account: &Account| {
            stand(&market, &prices, |quoted| TESTS.map(|test| quoted.verdict(account, test).unwrap()))
        };
        // The perp's price is a whole number of its slot's units: closing there costs nothing.
        let base = before.quantity(market.base(0));
        if base.is_zero() {
            continue;
        }
        let closing =
            Action::Fill { instrument: market.base(0), quantity: base.neg(), price: Int::from(prices[7]) };
        let done = call(&market, &before, &prices, closing);
        let mut after = before.clone();
        let notional =
            base.mul(Int::from(prices[7])).unwrap().div(Int::new(100), plimsoll_core::Rounding::Exact);
        after.set(market.base(0), Int::ZERO);
        let quote = before.quantity(market.quote(0)).add(notional.unwrap()).unwrap();
        after.set(market.quote(0), quote);
        let ([low, _], [new_low, new_high]) = (ask(&before), ask(&after));
        let fine = [new_low, new_high].iter().all(|seen| seen.verdict != Verdict::Unhealthy);
        let lowers = new_low.requirement <= low.requirement;
        if fine || (low.verdict == Verdict::Unhealthy && lowers) {
            assert_eq!(done.as_ref(), Ok(&after), "{case}");
            closed += 1;
        }
        if let Ok(done) = done {
            let [done_low, _] = ask(&done);
            assert!(done_low.verdict != Verdict::Unhealthy || low.verdict == Verdict::Unhealthy, "{case}");
        }
    }
    assert!(closed > 100, "{closed}");
}
