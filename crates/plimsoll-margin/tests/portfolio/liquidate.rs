//! How much is closed of an account below its line, what is kept, and how large an order may be.

use crate::world::{NOW, Random, account, market, prices, readings, stand};
use plimsoll_core::{
    Account, AccountId, Action, Call, Effects, Feeds, Int, Market as _, Mechanism, Refusal, Rounding, Silent,
    Test, U256, Verdict,
};
use plimsoll_margin::portfolio::{Market, Model, Scenario, Spec, Vol, held, owed};

const KEEPER: AccountId = AccountId(99);

fn act(
    market: &Market,
    account: &Account,
    prices: &[u64],
    actor: AccountId,
    action: Action,
) -> Result<Effects, Refusal> {
    let readings = readings(prices);
    let call = Call { actor, account: account.id, action, at: NOW };
    market.act(&call, &vec![account.clone()], Feeds { readings: &readings }, &mut Silent)
}

fn forced(market: &Market, account: &Account, prices: &[u64], how: Mechanism) -> Result<Account, Refusal> {
    let effects = act(market, account, prices, KEEPER, Action::Liquidate(how))?;
    Ok(effects.apply_to(account).unwrap())
}

fn is_kept(market: &Market, prices: &[u64], account: &Account, test: Test) -> bool {
    stand(market, prices, |quoted| quoted.verdict(account, test).unwrap().verdict != Verdict::Unhealthy)
}

/// What an account is worth, from what each of its holdings is worth.
fn worth(market: &Market, prices: &[u64], account: &Account) -> Int {
    stand(market, prices, |quoted| {
        account.holdings().iter().fold(Int::ZERO, |sum, one| {
            let value = Int::from(quoted.balance(account, one.instrument).unwrap().value.unwrap());
            let owes = one.quantity.is_negative() || (0..3).any(|asset| one.instrument == owed(asset));
            if owes { sum.sub(value).unwrap() } else { sum.add(value).unwrap() }
        })
    })
}

/// Gives an account as much cash that so many thousandths of what is to be kept back it.
fn back(market: &Market, prices: &[u64], account: &mut Account, thousandths: u64) {
    let seen = stand(market, prices, |quoted| quoted.verdict(account, Test::Liquidation).unwrap());
    let wanted =
        seen.requirement.mul(Int::from(thousandths)).unwrap().div(Int::from(1_000_u64), Rounding::Up);
    let unit = U256::pow10(18 - market.spec().assets[0].decimals).unwrap();
    let missing = wanted.unwrap().sub(seen.backing).unwrap().div(Int::from(unit), Rounding::Up).unwrap();
    let net = account.quantity(held(0)).sub(account.quantity(owed(0))).unwrap().add(missing).unwrap();
    account.set(held(0), net.max(Int::ZERO));
    account.set(owed(0), net.neg().max(Int::ZERO));
}

/// Moves of 16 % up and down and nothing else, 80 % of it to be kept.
fn plain() -> Model {
    let scenario = |moves| Scenario { moves, vol: Vol::Same, counts: 1_000_000 };
    Model {
        scenarios: vec![scenario(-160_000), scenario(160_000)],
        vol_up: 0,
        vol_down: 0,
        short_power: 0,
        long_power: 0,
        basis: 0,
        basis_per_year: 0,
        short_options: 0,
        maintenance: 800_000,
        days: Vec::new(),
    }
}

/// The market of random ones with a model, a fee, and lots of so many raw units of base, which has 4 digits.
fn of(model: Model, fee: u32, lot: u64) -> Market {
    let mut spec: Spec = market(&mut Random(5)).spec().clone();
    (spec.model, spec.fee) = (model, fee);
    spec.contracts.iter_mut().for_each(|contract| contract.lot = U256::from(lot));
    Market::new(spec).unwrap()
}

/// 0.1 BTC-perp at 90,000 and 1,000 dollars: 1,440 are asked, 1,152 to be kept. 14,400 x left <= 1,000 leaves 0.069, so 31 lots of 0.001 are closed. With a fee of 1 %,
/// 1,000 - 900 x >= 14,400 (0.1 - x) closes 0.0326: 33 lots.
#[test]
fn a_perp_is_closed_to_the_lot() {
    let mut at = prices(&mut Random(1));
    at[7] = 900_000_000;
    for (fee, closed) in [(0, 310), (10_000, 330)] {
        let market = of(plain(), fee, 10);
        let base = market.base(0);
        let before = Account::new(AccountId(1))
            .with(held(0), Int::from(10_000_000_000_u64))
            .with(base, Int::from(1_000_u64))
            .with(market.quote(0), Int::from(9_000_000_000_u64).neg());
        for how in [Mechanism::Unwind, Mechanism::Reduce { instrument: base, size: U256::from(5_000_u64) }] {
            assert_eq!(forced(&market, &before, &at, how.clone()), Err(Refusal::NotLiquidatable));
            // 1,000 dollars are left where 10,000 were.
            let before = before.clone().with(held(0), Int::from(1_000_000_000_u64));
            let after = forced(&market, &before, &at, how).unwrap();
            assert_eq!(after.quantity(base), Int::from(1_000 - closed));
            // What was closed is paid for at the price, less the fee.
            let paid = Int::from(closed * 90_000 * 100 - u64::from(fee) * closed * 9);
            let quote = Int::from(9_000_000_000_u64).neg().add(paid).unwrap();
            assert_eq!(after.quantity(market.quote(0)), quote);
        }
    }
}

/// A call at 100,000 that was bought covers one at 90,000 that was sold: by itself it is not closed, and where all is chosen from, no more of it goes than
/// of what it covers.
#[test]
fn what_covers_something_is_not_closed_alone() {
    let market = of(plain(), 0, 1_000);
    let mut at = prices(&mut Random(1));
    at[4] = 1_000_000_000;
    let [sold, bought] = [market.base(2), market.base(4)];
    let twenty = Int::from(200_000_u64);
    let mut before = Account::new(AccountId(1)).with(sold, twenty.neg()).with(bought, twenty);
    // Cash is taken out until the account is below its line, and still worth something.
    let mut cash = 1_000_000_000_000_u64;
    before = before.with(held(0), Int::from(cash));
    while is_kept(&market, &at, &before, Test::Liquidation) {
        cash -= 100_000_000;
        before = before.with(held(0), Int::from(cash));
    }
    let alone = Mechanism::Reduce { instrument: bought, size: U256::from(200_000_u64) };
    assert_eq!(forced(&market, &before, &at, alone), Err(Refusal::HedgeKept(bought)));
    let after = forced(&market, &before, &at, Mechanism::Unwind).unwrap();
    assert!(is_kept(&market, &at, &after, Test::Borrow));
    assert!(after.quantity(bought) >= after.quantity(sold).neg());
    assert!(after.quantity(sold) > before.quantity(sold), "{after:?}");
}

/// Accounts of few lots, of which every number of lots is tried: what is chosen restores the line, never closes more notional than the least number of lots of any one
/// position that restores it, and one lot less of any position would not; what restores nothing closes everything. Nobody who was worth
/// something is worth less than nothing afterwards.
#[test]
fn a_liquidation_restores_the_line_and_no_more() {
    let mut random = Random(81);
    let (mut restored, mut lost, mut several, mut refused, mut minimal) = (0, 0, 0, 0, 0);
    for case in 0..60 {
        let market = {
            let mut spec = market(&mut random).spec().clone();
            spec.contracts.iter_mut().for_each(|contract| contract.lot = U256::from(10_000_u64));
            spec.fee *= u32::from(case % 3 == 0);
            Market::new(spec).unwrap()
        };
        let (mut before, at) = (account(&mut random, &market), prices(&mut random));
        for contract in 0..market.spec().contracts.len() {
            let base = market.base(contract);
            let lots = before.quantity(base).div(Int::from(10_000_u64), Rounding::TowardZero).unwrap();
            before.set(base, lots.mul(Int::from(10_000_u64)).unwrap());
        }
        if case % 4 > 0 {
            back(&market, &at, &mut before, random.within(0, 1_100));
        }
        if is_kept(&market, &at, &before, Test::Liquidation) {
            continue;
        }
        let count = |account: &Account, contract: usize| {
            let base = account.quantity(market.base(contract)).magnitude();
            base.to_u64().unwrap() / 10_000
        };
        // What the contracts are on, in units of prices.
        let forward =
            |contract: usize| [at[7], at[5], at[4], at[4], at[4], at[5], at[5], at[6], at[6]][contract];
        let was_worth = worth(&market, &at, &before);
        let after = match forced(&market, &before, &at, Mechanism::Unwind) {
            Ok(after) => after,
            Err(refusal) => {
                assert_eq!(refusal, Refusal::NothingToSeize, "{case}");
                assert!((0..9).all(|contract| count(&before, contract) == 0), "{case}");
                continue;
            }
        };
        let closed: Vec<u64> =
            (0..9).map(|contract| count(&before, contract) - count(&after, contract)).collect();
        let notional: u64 = closed.iter().enumerate().map(|(contract, lots)| lots * forward(contract)).sum();
        if !was_worth.is_negative() {
            // What is paid for nine positions is rounded to millionths.
            assert!(worth(&market, &at, &after) >= Int::new(-9_000_000_000_000), "{case}");
        }
        let kept = is_kept(&market, &at, &after, Test::Borrow);
        if kept {
            restored += 1;
        } else {
            assert!((0..9).all(|contract| count(&after, contract) == 0), "{case}: {after:?}");
            lost += 1;
        }
        // Without a fee closing leaves what backs the account as it is, but for what is paid being rounded to millionths: with one lot more left of any position it is asked for more
        // than that.
        if kept && market.spec().fee == 0 {
            let seen = stand(&market, &at, |quoted| quoted.verdict(&after, Test::Borrow).unwrap());
            for contract in (0..9).filter(|contract| closed[*contract] > 0) {
                let base = market.base(contract);
                let lot = Int::from_parts(before.quantity(base).is_negative(), U256::from(10_000_u64));
                let mut more = after.clone();
                more.set(base, after.quantity(base).add(lot).unwrap());
                let asked =
                    stand(&market, &at, |quoted| quoted.verdict(&more, Test::Borrow).unwrap()).requirement;
                assert!(
                    asked.add(Int::new(20_000_000_000_000)).unwrap() > seen.backing,
                    "{case}: {closed:?} {contract}"
                );
                minimal += 1;
            }
        }
        several += usize::from(closed.iter().filter(|lots| **lots > 0).count() > 1);
        // Every number of lots of every single position.
        for contract in (0..9).filter(|contract| count(&before, *contract) > 0) {
            let held = count(&before, contract);
            let reduce = |lots: u64| {
                let (instrument, size) = (market.base(contract), U256::from(lots * 10_000));
                forced(&market, &before, &at, Mechanism::Reduce { instrument, size })
            };
            let enough = (1..=held).find(|lots| {
                // At most so many lots: that many are closed only where no fewer do.
                reduce(*lots).is_ok_and(|after| is_kept(&market, &at, &after, Test::Borrow))
            });
            match (enough, reduce(held)) {
                (Some(least), all) => {
                    assert!(
                        kept && notional <= least * forward(contract),
                        "{case}: {closed:?}, {contract} {least}"
                    );
                    let all = all.unwrap();
                    assert_eq!(held - count(&all, contract), least, "{case}");
                    if closed.iter().enumerate().all(|(other, lots)| other == contract || *lots == 0) {
                        assert_eq!(closed[contract], least, "{case}");
                    }
                }
                (None, Ok(all)) => assert!(count(&all, contract) < held, "{case}"),
                (None, Err(refusal)) => {
                    assert_eq!(refusal, Refusal::HedgeKept(market.base(contract)), "{case}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        restored > 18 && lost > 2 && several > 18 && refused > 18 && minimal > 35,
        "{restored} {lost} {several} {refused} {minimal}"
    );
}

/// Orders at what a contract is worth, of every size up to forty lots, bought and sold, above and below the lines: those that may go in are all up to a greatest,
/// though headroom may rise before it falls. So doubling and halving finds the greatest.
#[test]
fn sizes_that_may_go_in_go_from_nothing_up_to_a_greatest() {
    let mut random = Random(82);
    let (mut ended, mut rose, mut below) = (0, 0, 0);
    for case in 0..40 {
        let market = {
            // What is paid has eight digits, and so has base times price: nothing is rounded.
            let mut spec = market(&mut random).spec().clone();
            spec.assets[0].decimals = 8;
            Market::new(spec).unwrap()
        };
        let (mut before, at) = (account(&mut random, &market), prices(&mut random));
        back(&market, &at, &mut before, random.within(0, 2_000));
        for contract in 0..market.spec().contracts.len() {
            for buys in [true, false] {
                let instrument = market.base(contract);
                let rounding = if buys { Rounding::Up } else { Rounding::Down };
                let mark = stand(&market, &at, |quoted| quoted.mark(instrument, rounding).unwrap());
                let (price, digits) = mark.unwrap();
                assert_eq!(digits, 4);
                let lot = 10 * random.within(1, 2_000);
                let answers: Vec<Result<Account, Refusal>> = (1..=40)
                    .map(|lots| {
                        let quantity = Int::from_parts(!buys, U256::from(lots * lot));
                        let fill = Action::Fill { instrument, quantity, price };
                        act(&market, &before, &at, before.id, fill)
                            .map(|effects| effects.apply_to(&before).unwrap())
                    })
                    .collect();
                let allowed = answers.iter().take_while(|answer| answer.is_ok()).count();
                assert!(answers[allowed..].iter().all(Result::is_err), "{case} {contract} {buys}");
                ended += usize::from(allowed > 0 && allowed < 40);
                let room = |account: &Account| {
                    let seen = stand(&market, &at, |quoted| quoted.verdict(account, Test::Borrow).unwrap());
                    seen.backing.sub(seen.requirement).unwrap()
                };
                let rises = answers
                    .first()
                    .and_then(|first| first.as_ref().ok())
                    .is_some_and(|first| room(first) > room(&before));
                rose += usize::from(rises && allowed < 40);
                below += usize::from(allowed > 0 && !is_kept(&market, &at, &before, Test::Liquidation));
            }
        }
    }
    assert!(ended > 40 && rose > 20 && below > 20, "{ended} {rose} {below}");
}
