//! Aave v4 through the questions, where spokes, hubs and versions of configurations differ: what is collateral, who can be
//! liquidated, and which reserve is meant.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{example, place, rewritten};
use plimsoll::{
    Change, Hindrance, Ladder, Lookout, Misasked, Stake, Sum, check, liquidate, max, portfolio, renewed_for,
    restore, whatif, whatif_all,
};
use plimsoll_core::{Account, Book, Feeds, Int, Kind, Lens, Receive, Refusal, Test, U256, Verdict, Why};
use plimsoll_venues::aave_v4::debt;
use std::path::Path;

/// The example book of hubs with texts replaced in its files.
#[track_caller]
fn edited(edits: &[(&str, &str, &str)]) -> Book {
    rewritten("hubs", |name, text| {
        let mut text = text.to_string();
        for (_, from, to) in edits.iter().filter(|(file, ..)| *file == name) {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        text
    })
}

fn set(number: &str, value: i128) -> Change {
    Change::Set { number: number.into(), value: Int::new(value) }
}

#[track_caller]
fn changed(book: &Book, changes: &[Change]) -> Book {
    let done = whatif_all(book, changes, &Ladder::default()).expect("asked");
    assert_eq!(done.refused, None);
    done.book
}

/// The value of all that counts for an account by the rules in force for it, holding by holding.
fn counted(book: &Book, account: &Account, market: usize) -> Int {
    let listed = &book.markets[market];
    let readings = common::readings(book, market, book.at);
    let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("stands");
    account.holdings().iter().fold(Int::ZERO, |sum, holding| {
        let kind = listed.market.instruments()[holding.instrument.index()].kind;
        let counting = listed.market.counting(account, holding.instrument).expect("known");
        if kind != Kind::Receipt || counting.weight.is_none() {
            return sum;
        }
        let value = quoted.balance(account, holding.instrument).expect("known").value.expect("priced");
        sum.add(value.into()).expect("256 bits")
    })
}

/// A newest version that counts nothing of a collateral is not in force for who took his loan before it: his collateral is in
/// the sums, and he has no bad debt.
#[test]
fn what_an_older_version_counts_is_collateral() {
    let hubs = example("hubs");
    let book = changed(&hubs, &[set("hubs/WETH/1/collateral_factor", 0)]);
    let answer = check(&book, book.at, &Ladder::default()).expect("it stands");
    let all = book.accounts.iter().map(|listed| counted(&book, &listed.account, listed.market));
    let all = all.fold(Int::ZERO, |sum, one| sum.add(one).expect("256 bits"));
    assert_eq!(answer.totals[0].collateral, all);
    let old = place(&book, "old-version");
    let own = counted(&book, &book.accounts[old].account, 0);
    assert!(!own.is_zero());
    let row = answer.rows.iter().find(|row| row.account == old).expect("its row");
    let line = row.liquidation.own.expect("judged");
    assert_eq!((line.verdict, line.collateral), (Verdict::Healthy, own));
    assert_eq!(row.borrowing.own.expect("judged").collateral, own);
    let found = portfolio(&book, &book.accounts[old].owner, &Ladder::default()).expect("it stands");
    assert_eq!(found.sums[0].collateral, own);
}

/// Every line of a venue is about one collateral: what the sums of a book count is what its rows show.
#[test]
fn both_lines_are_about_one_collateral() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut seen = 0;
    let names = std::fs::read_dir(folder).expect("the examples").filter_map(Result::ok);
    for name in names.filter(|entry| entry.path().join("book.toml").exists()) {
        let book = example(&name.file_name().into_string().expect("a name"));
        for listed in &book.accounts {
            let readings = common::readings(&book, listed.market, book.at);
            let market = &*book.markets[listed.market].market;
            let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("stands");
            let [loans, line] =
                [Test::Borrow, Test::Liquidation].map(|test| quoted.verdict(&listed.account, test));
            let (Ok(loans), Ok(line)) = (loans, line) else { continue };
            let finer = line.unit.decimals.checked_sub(loans.unit.decimals).expect("the finer of the two");
            let finer = U256::pow10(finer).expect("a power");
            let [low, high] = [loans.collateral, loans.collateral.add(Int::ONE).expect("one more")]
                .map(|value| value.mul(finer.into()).expect("256 bits"));
            assert!((low..=high).contains(&line.collateral), "{}: {}", book.name, listed.name);
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Versions are numbered by each reserve: that another spoke's has no version 0 is nothing to an account that holds none of it.
#[test]
fn another_spokes_versions_stop_nobody() {
    let stakers =
        "collateral_risk = 0\nnewest = 0\nconfigurations = [\n    { version = 0, collateral_factor = 8500";
    let renumbered = stakers.replace("newest = 0", "newest = 1").replace("version = 0", "version = 1");
    let book = edited(&[
        ("markets/hubs.toml", stakers, &renumbered),
        (
            "positions.csv",
            "Acme treasury,\nstaker,hubs,debt",
            "Acme treasury,version WETH stakers=1\nstaker,hubs,debt",
        ),
        (
            "positions.csv",
            "430000000000,shares,Acme treasury,",
            "430000000000,shares,Acme treasury,version WETH stakers=1",
        ),
    ]);
    let sick = place(&book, "under-water");
    let answer = check(&book, book.at, &Ladder::default()).expect("it stands");
    let row = answer.rows.iter().find(|row| row.account == sick).expect("its row");
    assert_eq!(row.liquidation.own.expect("judged").executable, Ok(()));
    let found = liquidate(&book, sick, "0".parse().expect("a number")).expect("asked");
    assert!(found.pairs[0].outcome.as_ref().expect("it can be").pays());
}

/// A hub that takes no call of a spoke pays nothing out, and shares pass inside the spoke (`LiquidationLogic`): what `check` calls
/// executable can be called so.
#[test]
fn a_halted_collateral_goes_as_shares() {
    let halted = changed(&example("hubs"), &[set("hubs/LINK/halted", 1)]);
    let sick = place(&halted, "under-water");
    let executable = |book: &Book| {
        let answer = check(book, book.at, &Ladder::default()).expect("it stands");
        let row = answer.rows.into_iter().find(|row| row.account == sick).expect("its row");
        row.liquidation.own.expect("judged").executable
    };
    assert_eq!(executable(&halted), Ok(()));
    let outcome = |book: &Book| {
        let found = liquidate(book, sick, "0".parse().expect("a number")).expect("asked");
        found.pairs[0].outcome.clone()
    };
    assert_eq!(outcome(&halted).expect("it can be").receive, Receive::Receipt);
    let shut = changed(&halted, &[set("hubs/LINK/receive_shares_enabled", 0)]);
    let why = executable(&shut).expect_err("neither asset nor shares");
    assert!(matches!(why, Refusal::ActionPaused(_)));
    assert_eq!(outcome(&shut).expect_err("neither"), why);
}

fn one(asset: &str) -> Stake {
    Stake { sum: Sum::Exactly("1".parse().expect("a number")), asset: asset.into() }
}

/// A reserve is meant by its own name, also where its asset has others, and no other is taken because the account has it already.
#[test]
fn a_reserve_is_meant_by_its_name() {
    let book = example("hubs");
    let account = place(&book, "bitcoin-desk");
    let owed = |book: &Book, reserve: usize| book.accounts[account].account.quantity(debt(reserve));
    let lent = |name: &str| {
        let done = whatif(&book, account, &[Change::Borrow(one(name))], &Ladder::default()).expect("asked");
        assert_eq!(done.refused, None);
        [1, 4].map(|reserve| owed(&done.book, reserve) > owed(&book, reserve))
    };
    assert_eq!(lent("USDC"), [true, false]);
    assert_eq!(lent("USDC prime"), [false, true]);
    assert_eq!(lent("USDC prime debt"), [false, true]);
    let off = Change::Use { asset: "WBTC".into(), on: true };
    assert!(whatif(&book, account, &[off], &Ladder::default()).is_ok());
    // Where no reserve is named as the asset, the names that are told are those that are taken.
    let book = edited(&[
        (
            "markets/hubs.toml",
            "spoke = \"main\"\nhub = \"core\"\nasset = \"USDC\"",
            "name = \"USDC core\"\nspoke = \"main\"\nhub = \"core\"\nasset = \"USDC\"",
        ),
        ("positions.csv", ",USDC,", ",USDC core,"),
        ("positions.csv", "premium USDC=", "premium USDC core="),
    ]);
    let asked = whatif(&book, place(&book, "lender"), &[Change::Borrow(one("USDC"))], &Ladder::default());
    let Err(Misasked::Several { candidates, .. }) = asked else { panic!("more than one") };
    assert_eq!(candidates, ["USDC core", "USDC prime", "USDC stakers"]);
}

/// What answers list is told apart by reserve, and none is dropped because another of its asset says the same.
#[test]
fn every_reserve_is_told_by_its_name() {
    let book = example("hubs");
    let reserves = ["WETH", "USDC", "WBTC", "LINK", "USDC prime", "WETH stakers", "USDC stakers"];
    let old = place(&book, "old-version");
    let names = |list: &[plimsoll::Most]| list.iter().map(|most| most.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&max(&book, old, 12).expect("asked").borrow), reserves);
    let answer = check(&book, book.at, &Ladder::default()).expect("it stands");
    assert_eq!(
        answer.markets[0].prices.iter().map(|price| &price.name).collect::<Vec<_>>(),
        reserves.each_ref()
    );
    let ways = restore(&book, old, "1.2".parse().expect("a number"), 0).expect("asked");
    // Those of its own spoke.
    assert_eq!(ways.deposits.iter().map(|way| way.name.as_str()).collect::<Vec<_>>(), reserves[..5]);
    let desk = place(&book, "bitcoin-desk");
    let slots = Lookout::new(&book, book.at).expect("it stands").slots(desk);
    assert_eq!(
        slots.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["WETH", "WBTC", "USDC prime"]
    );
}

/// A position in another spoke is another account, which the chain would make: the one asked about is sound.
#[test]
fn another_spoke_is_another_account() {
    let book = example("hubs");
    let account = place(&book, "mixed");
    let asked =
        whatif(&book, account, &[Change::Borrow(one("USDC stakers"))], &Ladder::default()).expect("asked");
    assert_eq!(asked.refused, Some(Refusal::AnotherAccount(debt(6))));
}

/// What has no price and is not used as collateral does not count, whatever its amount is; and a price that is missing is told as
/// missing.
#[test]
fn what_has_no_price_is_told_as_that() {
    let feed = "LINK/USD,oracle,14.20000000,USD/LINK,example,2026-05-04T11:50:00Z,24h,";
    let book = edited(&[("feeds.csv", feed, "LINK/USD,oracle,,USD/LINK,example,,24h,")]);
    let ways = restore(&book, place(&book, "ether-loan"), "3".parse().expect("a number"), 0).expect("asked");
    let link = ways.deposits.iter().find(|way| way.name == "LINK").expect("a reserve of the spoke");
    assert_eq!(link.now, Err(Hindrance::NotCounted));
    let mixed = place(&book, "mixed");
    let answer = check(&book, book.at, &Ladder::default()).expect("it stands");
    let row = answer.rows.iter().find(|row| row.account == mixed).expect("its row");
    let why = row.liquidation.own.expect_err("no price");
    assert_eq!(why, Refusal::PriceUnknown { slot: 3, why: Why::Missing });
}

/// Under the newest version `old-version` is below its line: what would put that in force is refused. Who owes nothing has no health.
#[test]
fn what_waits_is_told_with_its_verdict() {
    let book = example("hubs");
    let waits = |book: &Book, name: &str| renewed_for(book, place(book, name)).map(|it| it.verdict);
    assert_eq!(waits(&book, "old-version"), Some(Verdict::Unhealthy));
    assert_eq!(waits(&book, "mixed"), None);
    let repaid =
        Change::Repay(Stake { sum: Sum::Exactly("5000".parse().expect("a number")), asset: "USDC".into() });
    let done = |change: Change| {
        let old = place(&book, "old-version");
        whatif(&book, old, &[change], &Ladder::default()).expect("asked").book
    };
    assert_eq!(waits(&done(repaid), "old-version"), Some(Verdict::Healthy));
    let all = Change::Repay(Stake { sum: Sum::All, asset: "USDC".into() });
    assert_eq!(waits(&done(all), "old-version"), Some(Verdict::NoDebt));
}

/// `risky` that pays no premium yet: what a swap comes to is told as such. Its debt of 420,000 drawn shares at 1.0214 and 4.91 % a year
/// costs 20 % of that counted anew, and 3 % of it with dollars as collateral: more than the nothing that is paid.
#[test]
fn a_swap_is_told_by_what_it_costs() {
    let premium = "risk_premium=2000; premium USDC=84000000000/84927100000000000000000000000000000000";
    let book = edited(&[("positions.csv", premium, "")]);
    let told =
        Lookout::new(&book, book.at).expect("it stands").of(place(&book, "risky")).premium.expect("one");
    let money = |value: U256| value.to_string().parse::<f64>().expect("a number") / 1e30;
    assert_eq!((told.paid, told.cost), (U256::ZERO, U256::ZERO));
    let whole = 420_000.0 * 1.0214 * 0.0491 * (1.0 + 0.0491 / 8_760.0);
    assert!((money(told.cost_next) - whole * 0.2).abs() < 0.01);
    let dollars = told.swaps.iter().find(|swap| swap.premium == U256::new(300)).expect("dollars");
    assert!((money(dollars.cost) - whole * 0.03).abs() < 0.01);
}
