//! What a keeper may take: no other amount repays or earns more, and what cannot be executed says why.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, example, place, readings, small};
use plimsoll::{Change, Ladder, NewPrice, Pair, PricedBy, Sale, liquidate, whatif_all};
use plimsoll_core::{
    AccountId, Action, Amount, Book, Call, Decimal, Feeds, Int, Kind, Liquidated, Lot, Mechanism, Receive,
    Refusal, Silent, U256, Verdict,
};
use plimsoll_venues::aave_v3::Revision;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn whole_book(book: &Book, changes: &[Change]) -> Book {
    let answer = whatif_all(book, changes, &Ladder::default()).expect("an answer");
    assert_eq!(answer.refused, None);
    answer.book
}

fn falls(book: &Book, price: &str, percent: &str) -> Book {
    whole_book(book, &[Change::Price { name: price.into(), to: NewPrice::Percent(decimal(percent)) }])
}

fn set(book: &Book, number: &str, value: i128) -> Book {
    whole_book(book, &[Change::Set { number: number.into(), value: Int::new(value) }])
}

/// A stranger's liquidation, by the market itself.
fn take(book: &Book, account: usize, pair: &Pair, lot: Lot, receive: Receive) -> Result<Liquidated, Refusal> {
    let listed = &book.accounts[account];
    let (repay, seize) = (pair.debt.instrument, pair.collateral.instrument);
    let action = Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive });
    let call = Call { actor: AccountId(1 << 40), account: listed.account.id, at: book.at, action };
    let readings = readings(book, listed.market, book.at);
    let feeds = Feeds { readings: &readings };
    let effects = book.markets[listed.market].market.act(&call, book, feeds, &mut Silent)?;
    Ok(effects.liquidated.expect("a liquidation"))
}

fn sales(pairs: &[Pair]) -> impl Iterator<Item = (&Pair, &Sale)> {
    pairs.iter().filter_map(|pair| pair.outcome.as_ref().ok().map(|sale| (pair, sale)))
}

/// What a raw amount is worth at the venue's own price, in ten-thousandths of the market's unit; small books only.
fn worth(book: &Book, asset: &str, decimals: u8, raw: U256, digits: u32) -> u128 {
    let market = &book.markets[0];
    let slot = market.market.slots().iter().position(|slot| slot.asset == asset);
    let (price, point) = match slot {
        Some(slot) => {
            let quotes = book.graph.quotes(book.at);
            let price = quotes[market.wiring[slot].expect("a wire").0 as usize].value.expect("a price");
            (price.mantissa.to_u64().expect("small"), price.decimals)
        }
        None => (1, 0),
    };
    let value = raw.to_u128().expect("small") * u128::from(price) * 10_000 * 10_u128.pow(digits);
    value / 10_u128.pow(u32::from(decimals) + u32::from(point))
}

/// Tries other amounts of a pair from both sides, every `step`th; how many the venue accepts.
fn try_others(book: &Book, pair: &Pair, sale: &Sale, digits: u32, step: usize) -> u64 {
    let does = take(book, 0, pair, sale.lot, sale.receive).expect("what was advised is accepted");
    assert_eq!(does, sale.does, "{pair:?}");
    // Profit in ten-thousandths of a unit, and one raw unit of each asset in the same.
    let value = |side: &plimsoll::Side, raw: U256| worth(book, &side.asset, side.decimals, raw, digits);
    let profit = |does: &Liquidated| {
        let taken = does.seized.sub(does.fee).expect("the fee is of what was seized");
        value(&pair.collateral, taken).cast_signed() - value(&pair.debt, does.repaid).cast_signed()
    };
    let unit = value(&pair.collateral, U256::ONE) + value(&pair.debt, U256::ONE);
    let best = profit(&does);
    let told = sale.profit.magnitude().to_u128().expect("small").cast_signed();
    let told = if sale.profit.is_negative() { -told } else { told };
    // The value of each side is told in whole units, rounded against the keeper.
    assert!((told * 10_000 - best).abs() <= 20_000, "{told} {best} {pair:?}");
    let mut tried = 0;
    let mut other = |lot: Lot| {
        let Ok(other) = take(book, 0, pair, lot, sale.receive) else { return };
        tried += 1;
        assert!(other.seized <= does.seized, "{lot:?} {other:?} {pair:?}");
        let thriftier = other.seized == does.seized && other.repaid < does.repaid;
        assert!(!thriftier, "{lot:?} {other:?} {pair:?}");
        let more = profit(&other) - best;
        assert!(more <= unit.cast_signed(), "{lot:?} earns {more} more: {other:?} {pair:?}");
    };
    let most = does.repaid.to_u64().expect("small") + 300;
    for amount in (1..most).step_by(step).chain(most.saturating_sub(600)..most) {
        other(Lot::Repay(Amount::Assets(U256::from(amount))));
    }
    (1..4_000_u64).step_by(step).for_each(|amount| other(Lot::Seize(U256::from(amount))));
    let owed = book.accounts[0].account.quantity(pair.debt.instrument).magnitude();
    for part in 1..=200_u64 {
        let shares = owed.mul_div(U256::from(part), U256::from(200_u64), plimsoll_core::Rounding::Down);
        other(Lot::Repay(Amount::Shares(shares.expect("small"))));
    }
    tried
}

/// Every amount of small accounts is tried from both sides.
#[test]
fn no_other_amount_seizes_more_or_earns_more() {
    let mut dice = Dice(31);
    let mut tried = 0;
    for round in 0..64 {
        let percent = 70 + dice.below(30);
        let book = if round % 4 == 3 {
            small::isolated(&mut dice, percent)
        } else {
            small::pool(&mut dice, Revision::ALL[round % 8], percent)
        };
        let answer = liquidate(&book, 0, Decimal::whole(Int::ZERO)).expect("an answer");
        for (pair, sale) in sales(&answer.pairs) {
            let step = 1 + usize::from(round % 8 > 3) * 12;
            tried += try_others(&book, pair, sale, answer.unit.decimals.into(), step);
        }
    }
    assert!(tried > 50_000, "{tried}");
}

/// Where the close factor would leave dust, the most that leaves enough is found.
#[test]
fn less_is_taken_where_more_would_leave_dust() {
    let mut dice = Dice(105);
    let (mut dusty, mut none) = (0, 0);
    for round in 0..1_500 {
        let percent = 96 + dice.below(4);
        let book = small::pool(&mut dice, Revision::ALL[3 + round % 5], percent);
        let answer = liquidate(&book, 0, Decimal::whole(Int::ZERO)).expect("an answer");
        for pair in &answer.pairs {
            let all = take(&book, 0, pair, Lot::Repay(Amount::All), Receive::Asset);
            if all != Err(Refusal::LeavesDust) {
                continue;
            }
            match &pair.outcome {
                Ok(sale) => {
                    dusty += 1;
                    assert!(try_others(&book, pair, sale, answer.unit.decimals.into(), 23) > 100);
                }
                Err(why) => {
                    none += 1;
                    assert_eq!(*why, Refusal::LeavesDust);
                }
            }
        }
    }
    assert!(dusty > 5, "{dusty} with a smaller amount, {none} without");
}

#[test]
fn on_recorded_accounts_what_is_advised_is_accepted_and_more_is_not_more() {
    let mut book = example("lending");
    for feed in ["WETH/USD", "wstETH/USD", "LINK/USD", "AAVE/USD", "WBTC/USD"] {
        book = falls(&book, feed, "-35%".trim_end_matches('%'));
    }
    let mut dice = Dice(8);
    let (mut accepted, mut healthy, mut receipts) = (0, 0, 0);
    for account in 0..book.accounts.len() {
        let answer = liquidate(&book, account, Decimal::whole(Int::ZERO)).expect("an answer");
        let mut last: Option<Int> = None;
        let unhealthy = answer.judgement.own.is_ok_and(|own| own.verdict == Verdict::Unhealthy);
        for pair in &answer.pairs {
            let Ok(sale) = &pair.outcome else {
                healthy +=
                    u64::from(pair.outcome.as_ref().is_err_and(|why| *why == Refusal::NotLiquidatable));
                continue;
            };
            accepted += 1;
            assert!(unhealthy, "a healthy account is liquidated: {pair:?}");
            assert!(last.is_none_or(|last| last >= sale.profit), "not best first");
            last = Some(sale.profit);
            receipts += u64::from(sale.receive == Receive::Receipt);
            let does = take(&book, account, pair, sale.lot, sale.receive).expect("it is accepted");
            assert_eq!(does, sale.does);
            if sale.receive == Receive::Receipt {
                let cash = take(&book, account, pair, sale.lot, Receive::Asset);
                assert!(matches!(cash, Err(Refusal::InsufficientCash { .. })), "{cash:?}");
            }
            for _ in 0..20 {
                let amount = does.repaid.mul_div(
                    U256::from(dice.below(2_000)),
                    U256::from(1000_u64),
                    plimsoll_core::Rounding::Down,
                );
                let lot = Lot::Repay(Amount::Assets(amount.expect("256 bits")));
                if let Ok(other) = take(&book, account, pair, lot, sale.receive) {
                    assert!(other.seized <= does.seized, "{other:?} {pair:?}");
                }
            }
        }
    }
    assert!(accepted > 30 && healthy > 100, "{accepted} {healthy} {receipts}");
}

#[test]
fn a_sale_is_priced_at_a_market_where_the_book_has_one() {
    let mut book = falls(&example("treasury"), "ETH/USD", "-35");
    let alice = place(&book, "alice");
    let at = |book: &Book, gas: &str| {
        let answer = liquidate(book, alice, decimal(gas)).expect("an answer");
        let pair = &answer.pairs[0];
        let sale = pair.outcome.clone().expect("it can be executed");
        (sale.profit, sale.pays(), sale.collateral_priced)
    };
    let (profit, pays, by) = at(&book, "0");
    assert_eq!((pays, by), (true, PricedBy::Oracle));
    // Gas comes off to the last digit, and may eat all of it.
    assert_eq!(at(&book, "12.5").0, profit.sub(Int::new(1_250_000_000)).expect("256 bits"));
    assert!(!at(&book, "1400").1);
    // The same sale, one per cent below the oracle: 11.55 WETH for 31 000 USDC.
    let said = plimsoll_core::Observation {
        kind: plimsoll_core::FeedKind::Market,
        price: Some(decimal("2775.138795")),
        scale: plimsoll_core::Scale::Decimal,
        source: "a venue of spot trades".into(),
        observed_at: Some(book.at),
        max_age: Some(60),
        confidence: None,
        floor: None,
        ceiling: None,
    };
    let unit = plimsoll_core::PriceUnit::parse("USD/WETH").expect("a unit");
    let price =
        plimsoll_core::Price { name: "WETH spot".into(), unit, origin: plimsoll_core::Origin::Feed(said) };
    book.graph.add(price).expect("a new price");
    let (lower, _, by) = at(&book, "0");
    assert_eq!(by, PricedBy::Market("WETH spot".into()));
    // 11.609704852790726028 - 0.055284308822812981 WETH at 28.031705 less each
    let less = profit.sub(lower).expect("256 bits");
    assert!(less > Int::new(32_389_010_812 - 2) && less < Int::new(32_389_010_812 + 2), "{less}");
    // Two minutes later that price is stale, and the oracle's stands in.
    book.at = plimsoll_core::Time(book.at.0 + 120);
    assert_eq!(at(&book, "0").2, PricedBy::Oracle);
    // More digits than the currency's unit has are refused.
    assert!(liquidate(&book, alice, decimal("0.000000001")).is_err());
}

#[test]
fn what_cannot_be_executed_says_why() {
    let fallen = falls(&example("treasury"), "ETH/USD", "-35");
    let alice = place(&fallen, "alice");
    let why = |book: &Book| {
        let answer = liquidate(book, alice, Decimal::whole(Int::ZERO)).expect("an answer");
        assert_eq!(answer.pairs.len(), 1);
        answer.pairs[0].outcome.as_ref().err().copied()
    };
    assert_eq!(why(&example("treasury")), Some(Refusal::NotLiquidatable));
    assert_eq!(why(&fallen), None);
    assert!(matches!(why(&set(&fallen, "aave-core/USDC/paused", 1)), Some(Refusal::Paused(_))));
    assert!(matches!(why(&set(&fallen, "aave-core/WETH/active", 0)), Some(Refusal::Inactive(_))));
    let grace = set(&fallen, "aave-core/WETH/grace_until", i128::from(fallen.at.0 + 60));
    assert!(matches!(why(&grace), Some(Refusal::GracePeriod { .. })));
    // Without cash the collateral comes as receipts; nothing else changes.
    let poor = set(&set(&fallen, "aave-core/WETH/cash", 1), "aave-core/WETH/virtual_balance", 1);
    let as_asset = liquidate(&fallen, alice, Decimal::whole(Int::ZERO)).expect("an answer");
    let as_receipt = liquidate(&poor, alice, Decimal::whole(Int::ZERO)).expect("an answer");
    let [asset, receipt] =
        [&as_asset, &as_receipt].map(|answer| answer.pairs[0].outcome.clone().expect("a sale"));
    assert_eq!((asset.receive, receipt.receive), (Receive::Asset, Receive::Receipt));
    assert_eq!((asset.does, asset.profit), (receipt.does, receipt.profit));
    // A lender owes nothing.
    let lender = place(&fallen, "lender");
    assert!(liquidate(&fallen, lender, Decimal::whole(Int::ZERO)).expect("an answer").pairs.is_empty());
    let kinds = fallen.markets[0].market.instruments();
    assert!(kinds.iter().any(|i| i.kind == Kind::Debt));
}

/// Tokens of which a few units are all: every smaller repayment is tried, also beyond the hole that dust makes.
#[test]
fn no_smaller_repayment_of_a_coarse_token_seizes_as_much() {
    let mut dice = Dice(5);
    let mut tried = 0;
    for _ in 0..300 {
        let ray = "1000000000000000000000000000";
        let reserve = |price, bonus| common::Plain {
            decimals: 0,
            price,
            threshold: 8_200,
            bonus,
            borrow_index: ray,
            rest: "liquidation_protocol_fee = 1000",
        };
        let reserves = [
            reserve(100_000_000 * (1 + dice.below(2_000)), 10_064 + dice.below(500)),
            reserve(100_000_000 * (1 + dice.below(100)), 10_855),
            reserve(100_000_000 * (1 + dice.below(400)), 10_362),
        ];
        let mut few = || 1 + dice.below(200);
        let rows = [("supply", 0, few()), ("supply", 1, few()), ("debt", 0, few()), ("debt", 2, few())];
        let book = common::plain("3.5", &reserves, &rows);
        let answer = liquidate(&book, 0, Decimal::whole(Int::ZERO)).expect("an answer");
        for (pair, sale) in sales(&answer.pairs) {
            for amount in 1..sale.does.repaid.to_u64().expect("small") {
                let lot = Lot::Repay(Amount::Assets(U256::from(amount)));
                if let Ok(less) = take(&book, 0, pair, lot, sale.receive) {
                    assert!(less.seized < sale.does.seized, "{amount}: {pair:?}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

/// A trove whose owner no row names is its own: what a liquidation leaves of it is its own to claim, and the account that
/// it leaves can be asked and written.
#[test]
fn a_trove_of_its_own_keeps_its_surplus() {
    let mut book = example("crash");
    let market = book.markets.iter().position(|market| market.name == "liquity-bold").expect("the market");
    let troves = |listed: &plimsoll_core::ListedAccount| listed.market == market && listed.name == "ada";
    let ada = book.accounts.iter().position(troves).expect("the trove");
    book.accounts[ada].account.set_term(plimsoll_venues::liquity_v2::OWNER, Int::ZERO);
    let price = book.markets[market].wiring[0].and_then(|id| book.graph.price(id)).expect("a price");
    let changes = [Change::Price { name: price.name.clone(), to: NewPrice::Exactly(decimal("2150")) }];
    let book = whole_book(&book, &changes);
    let answer = liquidate(&book, ada, Decimal::whole(Int::ZERO)).expect("an answer");
    let [forced] = answer.forced.as_slice() else { panic!("{:?}", answer.forced) };
    let dealt = forced.outcome.as_ref().expect("the pool takes her");
    assert_eq!(dealt.health_after, None);
    // 0.5 % of the collateral that the pool takes, and 0.0375 for gas.
    let received: Vec<U256> = dealt.moved.iter().map(|it| it.received).collect();
    assert_eq!(received, [U256::new(537_500_000_000_000_000)]);
    let call = Call {
        actor: AccountId(1 << 40),
        account: book.accounts[ada].account.id,
        at: book.at,
        action: Action::Liquidate(forced.call.clone()),
    };
    let readings = readings(&book, market, book.at);
    let effects = book.markets[market].market.act(&call, &book, Feeds { readings: &readings }, &mut Silent);
    let after = common::after(&book, market, book.at, &effects.expect("accepted"));
    assert_eq!(common::through_files(&after).accounts[ada].account, after.accounts[ada].account);
    assert!(
        plimsoll::liquidate(&after, ada, Decimal::whole(Int::ZERO)).expect("an answer").judgement.own.is_ok()
    );
}

/// A vault that the queued price kills can be barked at as soon as the pokes are due: a keeper puts them first. `check` said
/// liquidatable and `liquidate` that it was not.
#[test]
fn a_bark_comes_after_the_pokes_that_are_due() {
    let book = example("maker");
    let cassia = place(&book, "cassia");
    let early = liquidate(&book, cassia, Decimal::whole(Int::ZERO)).expect("an answer");
    assert!(
        matches!(early.forced[0].outcome, Err(Refusal::NotLiquidatable)),
        "{:?}",
        early.forced[0].outcome
    );
    let later = whole_book(&book, &[Change::After(35 * 60)]);
    let answer = liquidate(&later, cassia, Decimal::whole(Int::ZERO)).expect("an answer");
    assert_eq!(answer.judgement.verdict(), Some(Verdict::Unhealthy));
    let [bark, ..] = answer.forced.as_slice() else { panic!("no call") };
    assert!(bark.outcome.is_ok(), "{:?}", bark.outcome);
    assert!(bark.then.iter().any(|then| matches!(then.call, Mechanism::Take { .. }) && then.outcome.is_ok()));
}

/// An absorption by the contract's rules: the debt is paid at the collateral's liquidation factor of 95 %, and what is over is
/// the owner's. So he loses 5 % of the collateral's value. Gas is paid once, by the call that opens the way.
#[test]
fn an_absorption_says_what_the_owner_loses_and_gas_is_paid_once() {
    let book = example("compound_v3");
    let account = place(&book, "late-by-a-block");
    let with = |gas: &str| liquidate(&book, account, decimal(gas)).expect("an answer");
    let (free, paid) = (with("0"), with("10"));
    let ten =
        Int::from(U256::new(10).mul(U256::pow10(free.unit.decimals).expect("a unit")).expect("256 bits"));
    let profit = |forced: &plimsoll::Forced| forced.outcome.as_ref().ok().and_then(|dealt| dealt.profit);
    let absorb = &free.forced[0];
    assert!(matches!(absorb.call, Mechanism::Absorb { .. }));
    assert!(!absorb.then.is_empty());
    for (free, paid) in free.forced.iter().zip(&paid.forced) {
        assert_eq!(profit(paid).and_then(|profit| profit.add(ten)), profit(free));
        for (free, paid) in free.then.iter().zip(&paid.then) {
            assert!(profit(free).is_some());
            assert_eq!(profit(paid), profit(free), "{:?}", paid.call);
        }
    }
    let dealt = absorb.outcome.as_ref().expect("it is below the line");
    let [before, after] = dealt.equity.expect("every price is known");
    // 500 WETH at 2,520, taken at 95 %: the owner loses a twentieth. Values have 8 digits, and the base token 6.
    let twentieth = Int::new(126_000_000_000_000 / 20);
    let lost = before.sub(after).expect("256 bits");
    assert!(lost.sub(twentieth).expect("256 bits").magnitude() <= U256::new(200), "{lost}");
    let [claim] = dealt.claims.as_slice() else { panic!("{:?}", dealt.claims) };
    // At exactly a dollar a unit of the token is 100 of value.
    assert_eq!((claim.asset.as_str(), claim.decimals), ("USDC", 6));
    assert_eq!(claim.amount.mul(U256::new(100)).map(Int::from), Some(after));
}
