//! Aave v4 through the questions: the configuration that waits, the premium and the swap that lowers it, the target of a
//! liquidation, and losses that two spokes share.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{act, after, example, place};
use plimsoll::{Change, Ladder, Lookout, Stake, Sum, check, liquidate, max, restore, split, whatif};
use plimsoll_core::{
    AccountId, Action, Amount, Book, Call, Decimal, Feeds, Int, Lens, Mechanism, Receive, Refusal, Rounding,
    Silent, Test, U256,
};
use plimsoll_venues::aave_v4::{debt, receipt};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[test]
fn check_says_what_waits() {
    let book = example("hubs");
    let answer = check(&book, book.at, &Ladder::default()).expect("it stands");
    for row in &answer.rows {
        let name = &book.accounts[row.account].name;
        let waits = row.renewed.map(|it| it.health.value < Int::from(U256::new(10u128.pow(18))));
        let expected = (name == "old-version").then_some(true);
        assert_eq!(waits, expected, "{name}");
    }
}

/// Acting puts the newest version in force: it is refused while that would leave the account unhealthy, and after a
/// repayment the account's health is what was told.
#[test]
fn whatif_shows_what_acting_does() {
    let book = example("hubs");
    let account = place(&book, "old-version");
    let refresh = Change::Refresh { rules: true };
    let refused = whatif(&book, account, std::slice::from_ref(&refresh), &Ladder::default()).expect("asked");
    assert_eq!(refused.refused, Some(Refusal::WouldBeUnhealthy));
    let repay = Change::Repay(Stake { sum: Sum::Exactly(decimal("5000")), asset: "USDC".into() });
    let done = whatif(&book, account, &[repay, refresh], &Ladder::default()).expect("asked");
    assert_eq!(done.refused, None);
    let [(_, repaid), (_, refreshed)] = &done.done[..] else { panic!("two steps") };
    let own = |row: &plimsoll::Row| row.own.last().expect("a figure").value;
    assert_eq!(repaid.renewed.map(|it| it.health.value), Some(own(refreshed)));
    assert_eq!(refreshed.renewed, None);
    assert!(own(refreshed) < own(repaid));
}

/// A debt of 420,000 drawn shares at an index of 1.0214 against link alone: a premium of 20 % of 4.91 % a year, which dollars
/// as collateral would bring down to 3 %.
#[test]
fn the_premium_has_a_price_and_a_way_out() {
    let book = example("hubs");
    let account = place(&book, "risky");
    let premium = Lookout::new(&book, book.at).expect("it stands").of(account).premium.expect("it pays one");
    assert_eq!((premium.paid, premium.next), (U256::new(2_000), U256::new(2_000)));
    // 84,000 premium shares x 1.0214 x 0.0491, and an hour's interest of the index: 5.6 in a million.
    let cost: f64 = premium.cost.to_string().parse::<f64>().expect("a number") / 1e30;
    assert!((cost - 84_000.0 * 1.0214 * 0.0491 * (1.0 + 0.0491 / 8_760.0)).abs() < 0.01, "{cost}");
    let names: Vec<&str> = premium
        .swaps
        .iter()
        .map(|swap| book.markets[0].market.instruments()[swap.to.index()].name.as_str())
        .collect();
    // Ether bears no risk; dollars of either hub bear 3 %.
    assert_eq!(names[0], "WETH supply");
    assert_eq!(premium.swaps[0].premium, U256::ZERO);
    assert_eq!(premium.swaps[0].cost, U256::ZERO);
    assert_eq!(premium.swaps[1].premium, U256::new(300));
    let none = Lookout::new(&book, book.at).expect("it stands").of(place(&book, "lender")).premium;
    assert_eq!(none, None);
}

/// What a keeper may take brings the account to the target, or is all; the most and the least hold to a unit.
#[test]
fn questions_hold_to_a_unit() {
    let book = example("hubs");
    let sick = place(&book, "under-water");
    let answer = liquidate(&book, sick, decimal("0")).expect("asked");
    let sale = answer.pairs[0].outcome.as_ref().expect("it can be");
    assert!(sale.pays());
    for name in ["mixed", "old-version", "staker"] {
        let account = place(&book, name);
        let listed = &book.accounts[account];
        let answer = max(&book, account, 12).expect("asked");
        for (borrow, most) in
            answer.borrow.iter().map(|m| (true, m)).chain(answer.withdraw.iter().map(|m| (false, m)))
        {
            let action = |amount: U256| {
                let (instrument, amount) = (most.limit.instrument, Amount::Assets(amount));
                if borrow {
                    Action::Borrow { debt: instrument, amount }
                } else {
                    Action::Withdraw { from: instrument, amount }
                }
            };
            let accepted = |amount| {
                [answer.now, answer.until].iter().all(|&at| act(&book, account, at, action(amount)).is_ok())
            };
            assert!(most.limit.amount == U256::ZERO || accepted(most.limit.amount), "{}", listed.name);
            if most.limit.because.is_some() {
                assert!(
                    !accepted(most.limit.amount.add(U256::ONE).expect("one more")),
                    "{} {}",
                    listed.name,
                    most.asset
                );
            }
        }
    }
    // A share is worth more than a unit: the smallest deposit that is a share is found all the same.
    let way = restore(&book, sick, decimal("1.2"), 600).expect("asked");
    let link = way.deposits.iter().find(|way| way.asset == "LINK").expect("a way");
    assert!(link.now.is_ok() && way.repayments[0].now.is_ok(), "{:?}", link.now);
}

/// A loss in one spoke stays in the hub: who supplied to it keeps the price of his shares to a unit, though that much of it
/// nobody owes any more.
#[test]
fn spokes_share_a_loss() {
    let book = example("hubs");
    let link = Change::Price { name: "LINK/USD".into(), to: plimsoll::NewPrice::Exactly(decimal("7")) };
    let mut book = plimsoll::whatif_all(&book, &[link], &Ladder::default()).expect("asked").book;
    let (sick, lender) = (place(&book, "under-water"), place(&book, "lender"));
    let answer = liquidate(&book, sick, decimal("0")).expect("asked");
    let sale = answer.pairs[0].outcome.as_ref().expect("it can be");
    let [(_, lost)] = sale.does.bad_debt[..] else { panic!("one debt") };
    assert!(lost > U256::ZERO);
    let supplied = |book: &Book| {
        let readings = book.readings(&book.markets[0], &book.graph.quotes(book.at));
        let feeds = Feeds { readings: &readings };
        let quoted = book.markets[0].market.at(feeds, Lens::Action, book.at).expect("it stands");
        quoted.balance(&book.accounts[lender].account, receipt(1)).expect("known").raw
    };
    let before = supplied(&book);
    let readings = book.readings(&book.markets[0], &book.graph.quotes(book.at));
    let pair = &answer.pairs[0];
    let (repay, seize) = (pair.debt.instrument, pair.collateral.instrument);
    let mechanism = Mechanism::Discount { repay, seize, lot: sale.lot, receive: sale.receive };
    let account = book.accounts[sick].account.id;
    let call =
        Call { actor: AccountId(u64::MAX), account, at: book.at, action: Action::Liquidate(mechanism) };
    let effects =
        book.markets[0].market.act(&call, &book, Feeds { readings: &readings }, &mut Silent).expect("taken");
    book.markets[0].market.apply(&effects).expect("its own effects");
    assert_eq!(supplied(&book), before);
    let mut deficit = None;
    book.markets[0].market.visit(&mut |cell, name, _, value| {
        if cell.object == 1 && name == "deficit_ray" {
            deficit = value.to_u256();
        }
    });
    let whole = deficit.and_then(|fine| fine.div(U256::new(10u128.pow(27)), Rounding::Up));
    assert_eq!(whole, Some(lost));
}

/// A repayment pays a premium first, and boxes hold accounts with another premium at either end: what is advised is the least, and is
/// proven to be. That 1,306 USDC bring `risky` to 1.30, 8,100 to 1.32 and 68,100 to 1.54, and 16,000 `bitcoin-desk` to 1.178381, was
/// found by doing it and looking.
#[test]
fn a_repayment_of_a_premium_is_the_least() {
    let book = example("hubs");
    let least = |name: &str, target: &str| {
        let found = restore(&book, place(&book, name), decimal(target), 0).expect("asked");
        let way = found.repayments.into_iter().find(|way| way.asset == "USDC").expect("a debt of it");
        let enough = way.now.expect("it can be repaid");
        assert!(!enough.all, "{name} {target}");
        assert_eq!(enough.no_less_than, enough.amount, "{name} {target}");
        let account = place(&book, name);
        let reached = |amount: U256| {
            let action = Action::Repay { debt: way.instrument, amount: Amount::Assets(amount) };
            let effects = act(&book, account, book.at, action).expect("it can be repaid");
            let after = after(&book, 0, book.at, &effects);
            let readings = after.readings(&after.markets[0], &after.graph.quotes(after.at));
            let quoted = after.markets[0].market.at(Feeds { readings: &readings }, Lens::Action, after.at);
            let seen =
                quoted.expect("it stands").verdict(&after.accounts[account].account, Test::Liquidation);
            let (seen, target) = (seen.expect("known"), decimal(target));
            let ten = Int::from(U256::pow10(target.decimals).expect("small"));
            seen.backing.mul_wide(ten) >= seen.requirement.mul_wide(target.mantissa)
        };
        assert!(reached(enough.amount), "{name} {target}");
        for less in 1..=20u64 {
            assert!(
                !reached(enough.amount.sub(U256::from(less)).expect("more than twenty")),
                "{name} {target} {less}"
            );
        }
        enough.amount
    };
    let done: [(&str, &[(&str, u64)]); 2] = [
        ("risky", &[("1.30", 1_306), ("1.32", 8_100), ("1.54", 68_100)]),
        ("bitcoin-desk", &[("1.178381", 16_000), ("1.2721", 67_512)]),
    ];
    for (name, steps) in done {
        let mut before = U256::ZERO;
        for (target, enough) in steps {
            let amount = least(name, target);
            assert!(before < amount && amount <= U256::from(enough * 1_000_000), "{name} {target}: {amount}");
            before = amount;
        }
    }
}

/// So much of one asset for all accounts of an owner: the parts are proven to be the least, of debts with a premium too.
#[test]
fn a_split_says_what_it_proved() {
    let of = |book: &Book, account: &str| book.accounts[place(book, account)].owner.clone();
    let hubs = example("hubs");
    let found = split(&hubs, &of(&hubs, "risky"), "USDC", Sum::Exactly(decimal("3000"))).expect("asked");
    assert!(found.proven && !found.parts.is_empty());
    assert!(found.parts.iter().all(|part| part.enough.no_less_than == part.enough.amount), "{found:?}");
    let treasury = example("treasury");
    let found = split(&treasury, "Acme treasury", "USDC", Sum::Exactly(decimal("3000"))).expect("asked");
    assert!(found.proven && !found.parts.is_empty());
    assert!(found.parts.iter().all(|part| part.enough.no_less_than == part.enough.amount), "{found:?}");
}

/// The example with other parameters.
fn with(parameters: &[(&str, u64)]) -> Book {
    let changes: Vec<Change> = parameters
        .iter()
        .map(|(number, value)| Change::Set { number: format!("hubs/{number}"), value: (*value).into() })
        .collect();
    plimsoll::whatif_all(&example("hubs"), &changes, &Ladder::default()).expect("asked").book
}

/// What happens to one million of a dollar's units each.
const USDC: u64 = 1_000_000;

/// A spoke that stands above its limit takes no small repayment, and takes one that brings it back within: the least of those is
/// advised. That 4,000 USDC of `mixed` are refused, that 4,500 are taken and bring it to 1.41, and 9,400 to 1.50, was found by doing it.
#[test]
fn a_repayment_may_be_refused_for_being_small() {
    let book = with(&[("USDC/risk_premium_threshold", 150)]);
    let mixed = place(&book, "mixed");
    let repay = |amount: U256| {
        let action = Action::Repay { debt: debt(1), amount: Amount::Assets(amount) };
        act(&book, mixed, book.at, action).map(|_| ())
    };
    assert!(matches!(repay(U256::from(4_000 * USDC)), Err(Refusal::RiskPremiumLimit(_))));
    for (target, below, above) in [("1.4", 4_000, 4_500), ("1.5", 4_500, 9_400)] {
        let found = restore(&book, mixed, decimal(target), 0).expect("asked");
        let enough = found.repayments[0].now.expect("it can be repaid");
        assert!(!enough.all && enough.no_less_than == enough.amount, "{enough:?}");
        assert!(
            U256::from(below * USDC) < enough.amount && enough.amount <= U256::from(above * USDC),
            "{enough:?}"
        );
        assert_eq!(repay(enough.amount), Ok(()));
        if target == "1.4" {
            for less in 1..200u64 {
                let less = enough.amount.sub(U256::from(less)).expect("far from zero");
                assert!(matches!(repay(less), Err(Refusal::RiskPremiumLimit(_))), "{less}");
            }
        }
    }
}

/// A loan at a premium below the spoke's limit brings it back within, so that small ones are refused and large ones taken: the most is
/// told. That 1, 100,000 and 140,000 USDC are refused, and 200,000 and 270,000 taken, was found by doing it.
#[test]
fn a_loan_may_be_refused_for_being_small() {
    let book = with(&[("USDC/risk_premium_threshold", 157), ("WETH/collateral_risk", 100)]);
    let account = place(&book, "ether-loan");
    let borrow = |amount: U256| {
        let action = Action::Borrow { debt: debt(1), amount: Amount::Assets(amount) };
        act(&book, account, book.at, action).map(|_| ())
    };
    for (whole, taken) in [(1, false), (100_000, false), (140_000, false), (200_000, true), (270_000, true)] {
        assert_eq!(borrow(U256::from(whole * USDC)).is_ok(), taken, "{whole}");
    }
    let answer = max(&book, account, 12).expect("asked");
    let most = answer.borrow.iter().find(|most| most.limit.instrument == debt(1)).expect("a loan of it");
    assert!(most.limit.amount >= U256::from(270_000 * USDC), "{most:?}");
    assert_eq!(most.limit.no_more_than, most.limit.amount);
    assert_eq!(borrow(most.limit.amount), Ok(()));
    assert_eq!(most.limit.because, Some(Refusal::WouldBeUnhealthy));
}

/// Seizing the safe collateral lifts the risk of what is left, so that the largest calls break the spoke's limit: what is taken of less is
/// told. By an independent model 15,000 USDC are taken and seize 6.2478 WETH, and 20,000 and more are refused.
#[test]
fn a_liquidation_may_be_refused_for_being_large() {
    let book = with(&[("USDC/risk_premium_threshold", 151)]);
    let link = Change::Price { name: "LINK/USD".into(), to: plimsoll::NewPrice::Exactly(decimal("8")) };
    let book = plimsoll::whatif_all(&book, &[link], &Ladder::default()).expect("asked").book;
    let answer = liquidate(&book, place(&book, "mixed"), decimal("0")).expect("asked");
    let pair = answer.pairs.iter().find(|pair| pair.collateral.instrument == receipt(0)).expect("a pair");
    let sale = pair.outcome.as_ref().expect("less is taken");
    let repaid = sale.does.repaid;
    assert!(U256::from(15_000 * USDC) <= repaid && repaid < U256::from(20_000 * USDC), "{sale:?}");
    assert!(sale.does.seized >= U256::new(6_247_800_000_000_000_000), "{sale:?}");
    assert!(!sale.proven);
}

/// A spoke that its hub halted pays nothing out, and shares move all the same: a liquidator takes them.
#[test]
fn shares_of_a_halted_collateral_can_be_seized() {
    let book = with(&[("LINK/halted", 1)]);
    let answer = liquidate(&book, place(&book, "under-water"), decimal("0")).expect("asked");
    let sale = answer.pairs[0].outcome.as_ref().expect("shares are taken");
    assert_eq!(sale.receive, Receive::Receipt);
    assert!(sale.proven && sale.does.seized > U256::ZERO);
    let closed = with(&[("LINK/halted", 1), ("LINK/receive_shares_enabled", 0)]);
    let answer = liquidate(&closed, place(&closed, "under-water"), decimal("0")).expect("asked");
    assert!(matches!(answer.pairs[0].outcome, Err(Refusal::ActionPaused(_))));
}

/// What health leaves of a withdrawal is proven: it is no bound.
#[test]
fn withdrawals_that_health_limits_are_exact() {
    let book = example("hubs");
    for name in ["ether-loan", "mixed", "risky", "bitcoin-desk", "staker"] {
        let answer = max(&book, place(&book, name), 12).expect("asked");
        for most in &answer.withdraw {
            assert_eq!(most.limit.no_more_than, most.limit.amount, "{name} {most:?}");
        }
    }
}

/// A swap that the spoke does not take is not advised: where the hub halted what comes, where its cap is reached, where what goes is paused.
/// By what it takes of each call.
#[test]
fn swaps_that_cannot_be_done_are_not_advised() {
    let swaps = |book: &Book| -> Vec<(usize, usize)> {
        let account = place(book, "risky");
        let premium =
            Lookout::new(book, book.at).expect("it stands").of(account).premium.expect("it pays one");
        premium.swaps.iter().map(|swap| (swap.from.index() / 3, swap.to.index() / 3)).collect()
    };
    assert_eq!(swaps(&example("hubs"))[0], (3, 0));
    for closed in [("WETH/halted", 1), ("WETH/active", 0), ("WETH/add_cap", 1_000), ("WETH/frozen", 1)] {
        let swaps = swaps(&with(&[closed]));
        assert!(!swaps.is_empty() && swaps.iter().all(|(_, to)| *to != 0), "{closed:?} {swaps:?}");
    }
    for closed in [("LINK/paused", 1), ("LINK/halted", 1)] {
        assert!(swaps(&with(&[closed])).is_empty(), "{closed:?}");
    }
}

/// What a swap saves is against the newest parameters, which any call puts in force: where they alone take the whole premium away, there is
/// nothing to save.
#[test]
fn a_swap_does_not_save_what_newer_parameters_do() {
    // The ether of `mixed` counts by the newest version and not by its own.
    let book = with(&[("WETH/1/collateral_factor", 0), ("WETH/dynamic_config_key", 0)]);
    let account = place(&book, "mixed");
    let premium = Lookout::new(&book, book.at).expect("it stands").of(account).premium.expect("it pays one");
    let refreshed = act(&book, account, book.at, Action::Refresh { rules: true }).expect("it stands it");
    let after = after(&book, 0, book.at, &refreshed);
    let stays = Lookout::new(&after, book.at).expect("it stands").of(account).premium.expect("it owes");
    assert!(stays.next < premium.next && !premium.swaps.is_empty());
    // It pays 905 now, 906 anew by the newest versions, and would pay 2,000 by its own versions: no swap saves more than a hundredth above what it pays.
    assert_eq!((premium.paid, premium.next, stays.next), (U256::new(905), U256::new(2_000), U256::new(906)));
    let most = premium.cost.mul_div(U256::new(101), U256::new(100), Rounding::Up).expect("it fits");
    for swap in &premium.swaps {
        assert!(swap.premium < stays.next && swap.saves <= most, "{swap:?} {premium:?}");
    }
}

/// The example with other cells of its objects.
fn cells(rows: &[(&str, &str, &str)]) -> Book {
    common::rewritten("hubs", |name, text| {
        let mut text = text.to_string();
        if name == "markets/hubs.toml" {
            for (was, is, of) in rows {
                let (head, tail) = text.split_once(of).expect("the part");
                assert!(tail.contains(was), "{was}");
                text = format!("{head}{of}{}", tail.replacen(was, is, 1));
            }
        }
        text
    })
}

/// A hub that has lent out or invested nearly all of a collateral pays little of it out. Where shares are refused as well, what the cash lets
/// through is what goes. By the rules (`Spoke.liquidationCall`) 13,000 USDC seize 1,007.04 LINK with the fee, of which 999.1 are paid out.
#[test]
fn a_pool_with_little_cash_pays_out_what_it_has() {
    let short = [(
        r#"liquidity = "236144400000000000000000""#,
        "liquidity = \"1000000000000000000000\"\nswept = \"235144400000000000000000\"",
        r#"asset = "LINK""#,
    )];
    let book = cells(&short);
    let sick = place(&book, "under-water");
    let sale =
        liquidate(&book, sick, decimal("0")).expect("asked").pairs.remove(0).outcome.expect("shares go");
    assert_eq!(sale.receive, Receive::Receipt);
    let link = Change::Set { number: "hubs/LINK/receive_shares_enabled".into(), value: 0_u64.into() };
    let book = plimsoll::whatif_all(&book, &[link], &Ladder::default()).expect("asked").book;
    let sale =
        liquidate(&book, sick, decimal("0")).expect("asked").pairs.remove(0).outcome.expect("less goes");
    assert!(sale.receive == Receive::Asset && sale.proven, "{sale:?}");
    let paid_out = sale.does.seized.sub(sale.does.fee).expect("the fee is a part");
    let (all, unit) = (U256::new(1_000 * 10u128.pow(18)), U256::new(10u128.pow(15)));
    assert!(paid_out <= all && paid_out >= all.sub(unit).expect("small"), "{sale:?}");
    assert!(sale.does.repaid >= U256::from(13_000 * USDC), "{sale:?}");
    // One unit more is refused for the cash, and so is all.
    let asked = |amount: Amount| {
        let (repay, seize) = (debt(1), receipt(3));
        let lot = plimsoll_core::Lot::Repay(amount);
        let mechanism = Mechanism::Discount { repay, seize, lot, receive: Receive::Asset };
        let account = book.accounts[sick].account.id;
        let call =
            Call { actor: AccountId(u64::MAX), account, at: book.at, action: Action::Liquidate(mechanism) };
        let readings = common::readings(&book, 0, book.at);
        book.markets[0].market.act(&call, &book, Feeds { readings: &readings }, &mut Silent).map(|_| ())
    };
    for more in [Amount::All, Amount::Assets(sale.does.repaid.add(U256::from(2u64)).expect("one more"))] {
        assert!(matches!(asked(more), Err(Refusal::InsufficientCash { .. })), "{more:?}");
    }
}

/// What an account holds in the target of a swap with the switch off counts as soon as the switch is on, which the swap needs: what is told is
/// what doing it comes to. 2 WETH that did not count and 700 LINK's worth more cover the whole debt, so that no premium is left.
#[test]
fn a_swap_counts_what_it_switches_on() {
    let book = common::rewritten("hubs", |name, text| {
        if name != "positions.csv" {
            return text.to_string();
        }
        let mut lines = text.lines();
        let mut all = format!("{},as_collateral\n", lines.next().expect("a head"));
        lines.for_each(|line| all += &format!("{line},\n"));
        all + "carl,hubs,collateral,LINK,700000000000000000000,shares,,,\ncarl,hubs,collateral,WBTC,22000000,shares,,,\n\
               carl,hubs,supply,WETH,2000000000000000000,shares,,,no\ncarl,hubs,debt,USDC,14500000000,shares,,,\n"
    });
    let carl = place(&book, "carl");
    let premium = Lookout::new(&book, book.at).expect("it stands").of(carl).premium.expect("it is due one");
    let swap = premium.swaps.iter().find(|swap| (swap.from, swap.to) == (receipt(3), receipt(0)));
    let swap = swap.expect("LINK for WETH");
    let mut done = book;
    for action in [
        Action::Deposit { into: receipt(0), amount: common::raw(4 * 10u128.pow(18)) },
        Action::UseAsCollateral { instrument: receipt(0), on: true },
        Action::Withdraw { from: receipt(3), amount: Amount::All },
    ] {
        let effects = act(&done, carl, done.at, action).expect("taken");
        done = after(&done, 0, done.at, &effects);
    }
    let paid = done.accounts[carl].account.term(plimsoll_venues::aave_v4::RISK_PREMIUM);
    assert_eq!((swap.premium, paid.to_u256()), (U256::ZERO, Some(U256::ZERO)));
}

/// A hub that has made a spoke inactive refreshes no premium there, so that no debt of an account that owes it a premium can be repaid by
/// a liquidator: the reserve is named. Shares of an inactive collateral move where no fee is due of them.
#[test]
fn an_inactive_debt_closes_every_liquidation() {
    let sick = |parameters: &[(&str, u64)]| {
        let bitcoin =
            Change::Price { name: "BTC/USD".into(), to: plimsoll::NewPrice::Exactly(decimal("75000")) };
        plimsoll::whatif_all(&with(parameters), &[bitcoin], &Ladder::default()).expect("asked").book
    };
    let told = |book: &Book, name: &str| {
        let account = place(book, name);
        let rows = check(book, book.at, &Ladder::default()).expect("it stands").rows;
        let row = rows.into_iter().find(|row| row.account == account).expect("a row");
        row.liquidation.own.expect("known").executable
    };
    let best = |book: &Book, name: &str, owed| {
        let pairs = liquidate(book, place(book, name), decimal("0")).expect("asked").pairs;
        pairs.into_iter().find(|pair| pair.debt.instrument == owed).expect("a pair").outcome
    };
    let open = sick(&[]);
    assert_eq!(told(&open, "bitcoin-desk"), Ok(()));
    assert!(best(&open, "bitcoin-desk", debt(4)).is_ok());
    let closed = sick(&[("WETH/active", 0)]);
    let inactive = Refusal::Inactive(plimsoll_venues::aave_v4::token(0));
    assert_eq!(told(&closed, "bitcoin-desk"), Err(inactive));
    assert_eq!(best(&closed, "bitcoin-desk", debt(4)).err(), Some(inactive));
    let idle = [("LINK/active", 0), ("LINK/0/liquidation_fee", 0)];
    let idle = sick(&idle);
    assert_eq!(told(&idle, "under-water"), Ok(()));
    assert_eq!(best(&idle, "under-water", debt(1)).expect("shares").receive, Receive::Receipt);
    let idle = sick(&[("LINK/active", 0)]);
    let inactive = Refusal::Inactive(plimsoll_venues::aave_v4::token(3));
    assert_eq!(
        (told(&idle, "under-water"), best(&idle, "under-water", debt(1)).err()),
        (Err(inactive), Some(inactive))
    );
}
