//! Books of which something is missing or stands low as a whole: nothing about them looks calmer than it is.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::Book;
use serde_json::Value;

const BRANCH: &str = "venue = \"liquity_v2\"\nrevision = \"1.0\"\n[[branches]]\ncollateral = \"WETH\"\nfeed = \"ETH/USD\"\n\
    ccr = \"1500000000000000000\"\nmcr = \"1100000000000000000\"\nbcr = \"100000000000000000\"\n\
    scr = \"1100000000000000000\"\npenalty_pool = \"50000000000000000\"\n\
    penalty_redistribution = \"100000000000000000\"\n";
const HEAD: &str = "format = 1\nname = \"branch\"\nat = 1760000000\n";
const FEEDS: &str = "feed,kind,price,unit,source,observed_at,max_age,confidence\n\
    ETH/USD,oracle,2000,USD/WETH,somebody,1760000000,,\n";
/// 20 WETH and 18000 BOLD in two troves: TCR is 222 % at 2000.
const TROVES: &str = "account,market,kind,asset,quantity,unit,mode\n\
    one,bold,collateral,WETH,5,token,trove=active; branch=WETH; rate=50000000000000000\n\
    one,bold,debt,BOLD,3000,token,trove=active; branch=WETH; rate=50000000000000000\n\
    two,bold,collateral,WETH,15,token,trove=active; branch=WETH; rate=60000000000000000\n\
    two,bold,debt,BOLD,15000,token,trove=active; branch=WETH; rate=60000000000000000\n\
    three,bold,supply,BOLD in the WETH pool,500,token,\n";

fn branch(name: &str, more: &str, price: &str, troves: &str) -> Book {
    let files = [
        ("book.toml", HEAD.to_string()),
        ("feeds.csv", FEEDS.replace("oracle,2000,", &format!("oracle,{price},"))),
        ("markets/bold.toml", format!("{BRANCH}{more}")),
        ("positions.csv", troves.to_string()),
    ];
    Book::new(name, &files)
}

fn account<'v>(check: &'v Value, name: &str) -> &'v Value {
    let accounts = check["accounts"].as_array().expect("accounts");
    accounts.iter().find(|one| one["account"] == name).expect("the account")
}

/// A treasury that can never list all troves looked better than the example: of redemptions nothing was said at all.
#[test]
fn who_is_redeemed_first_is_unknown_in_part_of_a_branch() {
    let state = "[branches.state]\nactive_collateral = \"100000000000000000000\"\n\
        recorded_debt = \"90000000000000000000000\"\nweighted_debt = \"4500000000000000000000000000000000000000\"\n\
        last_interest_update = 1760000000\ntotal_stakes = \"100000000000000000000\"\n\
        deposits = \"1000000000000000000000\"\nproduct = \"1000000000000000000000000000000000000\"\n";
    let book = branch("part", state, "2000", TROVES);
    for (command, name) in [("check", None), ("outlook", Some("one"))] {
        let told = book.text(command, &name.into_iter().collect::<Vec<_>>());
        assert!(
            told.contains("how much is redeemed before it is unknown") && told.contains("PL0203"),
            "{told}"
        );
    }
    let check = book.json("check", &[]);
    for (name, code) in [("one", Value::from("PL0203")), ("three", Value::Null)] {
        let outlook = &account(&check, name)["outlook"];
        assert_eq!((&outlook["redemption"], &outlook["redemption_unknown"]["code"]), (&Value::Null, &code));
    }
    // Where all are listed it is known: those of the lower rate first.
    let whole = branch("whole", "", "2000", TROVES).json("check", &[]);
    let outlook = &account(&whole, "two")["outlook"];
    assert_eq!(outlook["redemption"]["before"], "3000000000000000000000");
    assert_eq!(outlook["redemption_unknown"], Value::Null);
}

/// At 2000 the branch stands at 222 %; it is at CCR of 150 % at 1350 and at SCR of 110 % at 990. Trove one is far above its line at
/// all of these.
#[test]
fn a_branch_that_stands_low_is_told_of_each_account_in_it() {
    for (price, below, said) in [
        ("2000", [false, false], None),
        ("1350", [false, false], None),
        ("1349.99", [true, false], Some("below CCR of 150.00 %")),
        ("990", [true, false], Some("below CCR of 150.00 %")),
        ("989.99", [true, true], Some("below SCR of 110.00 %: anybody may shut it down")),
    ] {
        let book = branch(&format!("low-{price}"), "", price, TROVES);
        let check = book.json("check", &[]);
        let branch = &account(&check, "one")["branch"];
        assert_eq!([&branch["below_ccr"], &branch["below_scr"]], below.each_ref().map(|it| it), "{price}");
        for told in [book.text("check", &[]), book.text("outlook", &["one"])] {
            let lows = ["below CCR", "below SCR"].iter().filter(|low| told.contains(**low)).count();
            assert_eq!(lows > 0, said.is_some(), "{price}: {told}");
            assert!(said.is_none_or(|said| told.contains(said)), "{price}: {told}");
        }
        assert_eq!(account(&check, "three")["branch"], Value::Null);
        // Above SCR the way there: from 2000 to the unit below 990.
        let way = &book.json("outlook", &["one"])["outlook"]["branch"]["may_be_shut_down_at"];
        if price == "2000" {
            assert_eq!(way["feed"], "ETH/USD");
            assert_eq!(way["first"], "989999999999999999999");
            assert_eq!(way["distance"], "-0.505000");
            assert!(book.text("outlook", &["one"]).contains("at ETH/USD -50.50 %"));
        }
        assert_eq!(way.is_null(), price == "989.99", "{price}");
    }
    let shut = "[branches.state]\nactive_collateral = \"20000000000000000000\"\n\
        recorded_debt = \"18000000000000000000000\"\nweighted_debt = \"1050000000000000000000000000000000000000\"\n\
        last_interest_update = 1759999000\ntotal_stakes = \"20000000000000000000\"\nshutdown_time = 1759999000\n\
        deposits = \"500000000000000000000\"\nproduct = \"1000000000000000000000000000000000000\"\n";
    let book = branch("shut", shut, "2000", TROVES);
    assert_eq!(account(&book.json("check", &[]), "one")["branch"]["shut_down"], 1_759_999_000);
    for told in [book.text("check", &[]), book.text("outlook", &["one"])] {
        assert!(told.contains("was shut down at") && told.contains("anybody may redeem urgently"), "{told}");
    }
}

/// JSON said that a liquidation could run now of accounts that are healthy; CSV leaves the cell empty.
#[test]
fn of_the_healthy_nothing_is_executable_in_json() {
    let check = branch("executable", "", "2000", TROVES).json("check", &[]);
    for name in ["one", "two", "three"] {
        for line in ["liquidation", "borrowing"] {
            assert_eq!(account(&check, name)[line]["venue"]["executable"], Value::Null, "{name} {line}");
        }
    }
    // Two is liquidated below 1100: 15 x 1000 is less than 1.1 x 15000.
    let check = branch("executable-low", "", "1000", TROVES).json("check", &[]);
    assert_eq!(account(&check, "two")["liquidation"]["venue"]["executable"], true);
    assert_eq!(account(&check, "one")["liquidation"]["venue"]["executable"], Value::Null);
}

/// A market whose totals say that nobody owes anything gave years until the line, at rates that nobody pays.
#[test]
fn interest_is_unknown_where_the_totals_are_missing() {
    let without = |total: &'static str| {
        move |text: String| {
            let lines = text.lines().map(|line| {
                if line.starts_with(&format!("{total} =")) { format!("{total} = \"0\"") } else { line.into() }
            });
            lines.collect::<Vec<String>>().join("\n")
        }
    };
    for total in ["total_borrow_base", "total_supply_base"] {
        let book = Book::example("compound_v3", "markets/cusdcv3.toml", without(total));
        let check = book.json("check", &[]);
        let outlook = &account(&check, "bitcoin-desk")["outlook"];
        assert_eq!(outlook["interest_reaches_the_line"]["kind"], "unknown", "{total}");
        assert_eq!(outlook["interest_reaches_the_line"]["refusal"]["code"], "PL0204");
        assert_eq!(
            (&outlook["carry"], &outlook["carry_unknown"]["code"]),
            (&Value::Null, &Value::from("PL0204"))
        );
        // Who lends there earns at the same rates.
        let lender = &account(&check, "lender")["outlook"];
        assert_eq!(
            (&lender["carry"], &lender["carry_unknown"]["code"]),
            (&Value::Null, &Value::from("PL0204"))
        );
        let told = book.text("outlook", &["bitcoin-desk"]);
        assert_eq!(told.matches("unknown: by the market's totals nothing of it exists").count(), 2, "{told}");
    }
}

#[test]
fn what_is_said_of_faults_and_losses_is_meant() {
    // At 900 trove two has 13500 for 15000: its owner loses nothing more.
    let told = branch("under", "", "900", TROVES).text("liquidate", &["two"]);
    assert!(
        told.contains("the debt exceeded the collateral by 1 500.00 USD: the owner loses nothing more"),
        "{told}"
    );
    assert!(!told.contains("-1 500.00"), "{told}");
    // A feed of another asset is never meant.
    let wired = BRANCH.replace("ETH/USD", "BTC/USD");
    let files = [
        ("book.toml", HEAD.to_string()),
        ("feeds.csv", FEEDS.to_string()),
        ("markets/bold.toml", wired),
        ("positions.csv", TROVES.to_string()),
    ];
    let told = Book::new("feed", &files).told("check", &[]);
    assert!(told.contains("PL0541") && !told.contains("did you mean"), "{told}");
    // Nobody is left out for a total that contradicts itself, and still nobody was judged.
    let book = Book::example("compound_v3", "markets/cusdcv3.toml", |text| {
        text.replace(
            "liquidate_collateral_factor = \"700000000000000000\"",
            "liquidate_collateral_factor = \"1\"",
        )
    });
    assert!(!book.told("check", &[]).contains("0 accounts"), "{}", book.told("check", &[]));
    // Which rule a number breaks.
    let book = Book::example("compound_v3", "feeds.csv", |text| text);
    let set = ["bitcoin-desk", "--set", "cusdcv3/COMP/liquidate_collateral_factor=400000000000000000"];
    let told = book.told("whatif", &set);
    assert!(told.contains("more than the asset's borrow_collateral_factor"), "{told}");
}

/// An active trove owes 2000 at least: a row of its debt that is missing was calm.
#[test]
fn an_active_trove_without_a_debt_is_a_fault() {
    let without: String =
        TROVES.split_inclusive('\n').filter(|line| !line.starts_with("one,bold,debt")).collect();
    let told = branch("debtless", "", "2000", &without).told("check", &[]);
    assert!(told.contains("PL0559") && told.contains("an active trove with no debt"), "{told}");
    assert!(told.contains("positions.csv:2:"), "{told}");
}

/// Governance raises dust above vaults that there are: that is no contradiction, and mostly it is an amount in the wrong unit.
#[test]
fn a_vault_below_dust_is_told() {
    let line = "dust = \"10000000000000000000000000000000000000000000000000\"";
    let raised = "dust = \"900000000000000000000000000000000000000000000000000000\"";
    let book = Book::example("maker", "markets/eth-a.toml", |text| {
        assert!(text.contains(line));
        text.replace(line, raised)
    });
    let told = book.text("check", &[]);
    assert!(told.contains("below the dust of 900 000 000.00: probably a slip of units"), "{told}");
    let calm = Book::example("maker", "feeds.csv", |text| text);
    assert!(!calm.text("check", &[]).contains("slip of units"));
}
