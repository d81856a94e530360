//! What is not known, or dead already, in the answers of the commands: it is said, and never a zero or a danger.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::Book;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The treasury's book with its feeds and positions changed.
fn treasury(name: &str, feeds: impl Fn(String) -> String, positions: impl Fn(String) -> String) -> Book {
    Book::changed(name, "treasury", |file, text| match file {
        "feeds.csv" => feeds(text),
        "positions.csv" => positions(text),
        _ => text,
    })
}

fn same(text: String) -> String {
    text
}

fn without_ether(feeds: String) -> String {
    feeds.replace("oracle,4312.57000000", "oracle,")
}

fn without_dollars(feeds: String) -> String {
    feeds.replace("oracle,0.99981512", "oracle,")
}

/// Everybody's accounts are one owner's.
fn one_owner(positions: String) -> String {
    positions
        .replace("Acme treasury", "all")
        .replace(",token,,", ",token,all,")
        .replace(",shares,,", ",shares,all,")
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|it| it["account"].as_str().expect("an account")).collect()
}

/// A health that nobody knows was "no debt".
#[test]
fn a_health_that_is_not_known_is_not_no_debt() {
    let book = treasury("restore", without_ether, same);
    let told = book.text("restore", &["alice", "--to", "1.5"]);
    assert!(
        told.contains("health   unknown: a price that this needs is missing [PL0201], to be 1.5"),
        "{told}"
    );
    assert!(!told.contains("no debt") && !told.contains("impossible"), "{told}");
    assert!(told.contains("UNKNOWN  a price is missing: the venue has no answer"), "{told}");
    let answer = book.json("restore", &["alice", "--to", "1.5"]);
    assert_eq!((&answer["health"], &answer["health_unknown"]["code"]), (&Value::Null, &"PL0201".into()));
    assert_eq!(answer["repayments"][0]["now"]["why"], "unknown");
    assert_eq!(book.code("restore", &["alice", "--to", "1.5"]), 4);
    let lender = book.json("restore", &["lender", "--to", "1.5"]);
    assert_eq!((&lender["health"], &lender["health_unknown"]), (&Value::Null, &Value::Null));
    assert!(book.text("restore", &["lender", "--to", "1.5"]).contains("health   no debt, to be 1.5"));
}

/// An exact zero stood where nothing can be computed.
#[test]
fn an_amount_that_is_not_known_is_no_zero() {
    let book = treasury("limits", without_ether, same);
    let answer = book.json("max", &["alice"]);
    let mut amounts = 0;
    for most in ["withdraw", "borrow"].iter().flat_map(|side| answer[side].as_array().expect("a list")) {
        amounts += 1;
        assert_eq!((&most["amount"], &most["no_more_than"]), (&Value::Null, &Value::Null), "{most}");
        assert_eq!((&most["kind"], &most["one_unit_more"]["code"]), (&"unknown".into(), &"PL0201".into()));
    }
    assert!(amounts > 2, "{answer}");
    let told = book.text("max", &["alice"]);
    assert!(told.contains("withdraw  WETH    unknown") && !told.contains("0.000"), "{told}");
    let answer = book.json("explain", &["alice"]);
    for allowance in
        ["withdrawable", "borrowable"].iter().flat_map(|side| answer[side].as_array().expect("a list"))
    {
        assert_eq!((&allowance["amount"], &allowance["because"]["code"]), (&Value::Null, &"PL0201".into()));
    }
    let told = book.text("explain", &["alice"]);
    assert!(told.contains("  unknown: WETH (a price that this needs is missing [PL0201])"), "{told}");
    let holding = &book.json("outlook", &["alice"])["outlook"]["holdings"][0];
    assert_eq!(holding["withdrawable"], Value::Null);
    assert_eq!(holding["withdrawable_unknown"]["code"], "PL0201");
    assert!(
        book.text("outlook", &["alice"]).contains("unknown: a price that this needs is missing [PL0201]")
    );
    // What is refused whatever a price is, is nothing and not unknown; and who owes nothing may go.
    let sound = treasury("limits-sound", same, same);
    assert_eq!(sound.json("max", &["alice"])["withdraw"][0]["kind"], "exact");
    assert_eq!(book.json("max", &["lender"])["withdraw"][0]["all"], true);
}

/// Sums, "dies first" and "back to" left accounts out without a word.
#[test]
fn who_is_in_no_sum_is_named() {
    let book = treasury("portfolio", without_dollars, one_owner);
    let answer = book.json("portfolio", &["all"]);
    // Alice owes dollars; Bob has some that do not count, so he is judged and cannot be summed up.
    assert_eq!(list(&answer["unknown"]), ["aave-core:alice"]);
    assert_eq!(list(&answer["not_in_sums"]), ["aave-core:alice", "aave-core:bob"]);
    assert_eq!(answer["not_in_sums"][1]["refusal"]["code"], "PL0201");
    let accounts = |currency: &str| {
        let sums = answer["sums"].as_array().expect("sums");
        sums.iter().find(|sum| sum["currency"] == currency).expect("a sum")["accounts"].clone()
    };
    assert_eq!((accounts("USD"), accounts("USDC")), (1.into(), 2.into()));
    let told = book.text("portfolio", &["all"]);
    for line in [
        "1 of 5 accounts unknown, and so in neither \"dies first\" nor \"back to\": aave-core:alice (a price that this needs is missing [PL0201])",
        "2 of 5 accounts not in the sums: aave-core:alice (a price that this needs is missing [PL0201]), aave-core:bob (",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert_eq!(book.code("portfolio", &["all"]), 4);
    let told = book.text("check", &[]);
    assert!(told.contains("in no sum: 1 account, of which the venue has no answer"), "{told}");
    assert_eq!(book.json("check", &[])["unsummed"], 1);
    assert_eq!(book.json("check", &["--totals"])["unsummed"], 1);
    let whole = treasury("portfolio-whole", same, one_owner);
    assert_eq!(whole.json("check", &[])["unsummed"], 0);
    let told = whole.text("portfolio", &["all"]);
    assert!(!told.contains("not in the sums") && !told.contains("unknown"), "{told}");
}

/// Net equity was of collateral alone, beside interest of all that is supplied.
#[test]
fn net_equity_is_of_all_that_is_owned() {
    let book = treasury("equity", same, one_owner);
    let answer = book.json("portfolio", &["all"]);
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i128>().ok()).expect("a number");
    for (currency, market) in [("USD", "aave-core"), ("USDC", "morpho-wsteth-usdc")] {
        let sums = answer["sums"].as_array().expect("sums");
        let sum = sums.iter().find(|sum| sum["currency"] == currency).expect("a sum");
        // What each holding is worth, as `explain` says of it.
        let (mut owned, mut owed) = (0, 0);
        for row in
            answer["accounts"].as_array().expect("accounts").iter().filter(|row| row["market"] == market)
        {
            let name = row["account"].as_str().expect("a name");
            let explained = book.json("explain", &[name]);
            for holding in explained["holdings"].as_array().expect("holdings") {
                let debt = holding["instrument"]
                    .as_str()
                    .is_some_and(|it| it.contains("debt") || it.contains("borrow"));
                *(if debt { &mut owed } else { &mut owned }) += number(&holding["value"]);
            }
        }
        assert_eq!((number(&sum["owned"]), number(&sum["debt"])), (owned, owed), "{currency}");
        assert_eq!(number(&sum["equity"]), owned - owed, "{currency}");
        // A lender, and dollars that do not count.
        assert!(number(&sum["collateral"]) < owned, "{currency}");
    }
}

/// One missing price refused the whole question.
#[test]
fn a_split_judges_those_that_are_known() {
    let book = treasury("split", without_dollars, one_owner);
    let with = ["all", "--with", "1 WETH"];
    assert_eq!(book.code("restore", &with), 4);
    let answer = book.json("restore", &with);
    assert_eq!(list(&answer["unknown"]), ["aave-core:alice"]);
    assert_eq!(answer["unknown"][0]["refusal"]["code"], "PL0201");
    assert_eq!(list(&answer["parts"]), ["aave-core:acme-loop"]);
    let told = book.text("restore", &with);
    let line = "unknown, and gets nothing: aave-core:alice: a price that this needs is missing [PL0201]";
    assert!(told.contains(line), "{told}");
    assert_eq!(book.code("restore", &["all", "--with", "1 WETH", "--price", "ETH/USD=-20%"]), 1);
}

/// Of so much that more would do nothing that is aimed at, that is said.
#[test]
fn a_split_says_where_it_ends() {
    let book = treasury("highest", same, same);
    let with = ["alice", "--with", "50000 USDC"];
    assert!(
        book.text("restore", &with).contains("more than 1000 is not aimed at"),
        "{}",
        book.text("restore", &with)
    );
    assert_eq!(book.json("restore", &with)["highest_aimed_at"], true);
    assert_eq!(book.json("restore", &["alice", "--with", "1 USDC"])["highest_aimed_at"], false);
}

/// 46 000 against 12.5 ether at 83 %: the dollar at 0.99981512: 44 742.91 of 45 991.50 is 2.71 % less.
fn drowned(positions: String) -> String {
    positions.replace("debt,USDC,31000", "debt,USDC,46000")
}

/// The way back to health was printed as a danger, with worst days, and sorted among dangers.
#[test]
fn a_rescue_is_no_danger() {
    let book = treasury("rescue", same, drowned);
    let told = book.text("check", &["--sort", "distance"]);
    let rows: Vec<&str> = told.lines().skip(1).take(5).collect();
    assert!(rows[0].starts_with(" alice") && rows[0].contains("  healthy at USDC/USD -2.71 %  "), "{told}");
    assert!(!rows[0].contains("worst days") && rows[1].starts_with(" acme-loop"), "{told}");
    assert!(rows[4].starts_with(" lender"), "{told}");
    let factors = &book.json("outlook", &["alice"])["outlook"]["factors"];
    assert!(
        factors.as_array().expect("factors").iter().all(|factor| factor["worst_days"].is_null()),
        "{factors}"
    );
    // A longer way out than another's way in changes nothing.
    let deep = treasury("deep", same, |text| text.replace("debt,USDC,31000", "debt,USDC,90000"));
    assert!(
        deep.text("check", &["--sort", "distance"])
            .lines()
            .nth(1)
            .is_some_and(|row| row.starts_with(" alice"))
    );
    let told = book.text("whatif", &["alice", "--repay", "20000 USDC"]);
    let line = told.lines().find(|line| line.starts_with(" nearest factor")).expect("a line");
    assert!(line.contains("healthy at USDC/USD -2.71 %") && line.contains("worst days"), "{line}");
    let told = book.text("portfolio", &["alice"]);
    assert!(told.contains("LIQUIDATABLE ALREADY, whatever price moves: aave-core:alice"), "{told}");
    assert_eq!(book.json("portfolio", &["alice"])["liquidatable"][0], "aave-core:alice");
    assert!(!book.text("portfolio", &["bob"]).contains("LIQUIDATABLE ALREADY"));
}

/// `check` called it no danger, and `portfolio` a death.
#[test]
fn where_whole_units_decide_nobody_dies_first() {
    let book = treasury("dust", same, |text| {
        text.replace("6100000,token,Acme treasury", "6100000,token,other")
            .replace("1500,token,Acme treasury", "1500,token,other")
    });
    let answer = book.json("portfolio", &["Acme treasury"]);
    let ether = answer["first"].as_array().expect("feeds").iter().find(|it| it["feed"] == "ETH/USD");
    assert_eq!(ether.expect("the feed")["fall"], Value::Null);
    let told = book.text("portfolio", &["Acme treasury"]);
    assert!(!told.contains("-99.99"), "{told}");
}

/// A sum without the accounts that have no value is no zero: in a brief, on its page, and of what a market that fails takes.
#[test]
fn a_sum_of_nobody_is_no_zero() {
    let book = treasury("summed", without_ether, same);
    let page = book.0.join("brief.html").display().to_string();
    let shown = book.text("brief", &["--since", "examples/treasury-before", "--report", &page]);
    let after = |heading: &str, start: &str| {
        let lines = shown.lines().skip_while(|line| !line.starts_with(heading));
        let found = lines.skip(1).find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{heading} {start}: {shown}")).to_string()
    };
    let owner = after("OWNERS", "Acme treasury");
    assert!(owner.contains("unknown"), "{owner}");
    let aave = after("MARKETS", "aave-core");
    assert_eq!(aave.matches("unknown").count(), 4, "{aave}");
    // Whoever lends at Morpho is valued, and has no collateral.
    let morpho = after("MARKETS", "morpho-wsteth-usdc");
    assert!(morpho.contains("0.00 + unknown"), "{morpho}");
    let html = std::fs::read_to_string(&page).expect("the page");
    let card = html.split("<dt>collateral</dt>").nth(1).expect("a card").split("</dd>").next().expect("it");
    assert!(card.contains("unknown") && !card.contains("exact"), "{card}");
    let fails = book.text("stress", &["--scenario", "venue-impaired:market=aave-core,pays=0.4"]);
    let row = fails.lines().find(|line| line.contains("Acme treasury")).unwrap_or_else(|| panic!("{fails}"));
    assert!(row.matches("unknown").count() == 3, "{row}");
}

/// What is uncovered looks no smaller than it is: three hundred units of 1e-8 are a cent, and none is nothing.
#[test]
fn bad_debt_is_rounded_up_wherever_it_is_shown() {
    // 1e-8 of a dollar's worth of debt is a hundredth of a raw unit of USDC: one raw unit is a hundred of them.
    let naked = |text: String| text + "naked,aave-core,debt,USDC,3,raw,,,\n";
    let book = treasury("uncovered", same, naked);
    let totals = book.text("check", &["--totals"]);
    assert!(totals.contains("uncovered 0.01 "), "{totals}");
    let page = book.0.join("brief.html").display().to_string();
    let brief = book.text("brief", &["--since", "examples/treasury-before", "--report", &page]);
    let row = brief.lines().find(|line| line.trim_start().starts_with("bad debt") && line.contains("USD "));
    assert!(row.is_some_and(|row| row.contains("0.01")), "{brief}");
    let html = std::fs::read_to_string(&page).expect("the page");
    let card = html.split("<dt>bad debt</dt>").nth(1).expect("a card").split("</dd>").next().expect("it");
    assert!(card.contains("1 USD"), "{card}");
}

/// A sale at a market's price that the change had left behind, without a word.
#[test]
fn a_market_price_that_did_not_move_is_told() {
    let spot = |feeds: String| feeds + "WETH spot,market,4300,USD/WETH,desk,2025-10-10T11:59:00Z,1h,,,\n";
    let book = treasury("sale", spot, same);
    let note = "market price of WETH as before the change";
    let fallen = ["alice", "--price", "ETH/USD=-35%"];
    let told = book.text("liquidate", &fallen);
    assert!(told.contains(&format!("NOTE     {note}: ")), "{told}");
    let row = told.lines().find(|line| line.starts_with(" 31000")).expect("a sale");
    assert!(row.contains("at WETH spot") && row.ends_with(note), "{row}");
    let answer = book.json("liquidate", &fallen);
    assert_eq!(
        (&answer["unmoved"][0]["feed"], &answer["unmoved"][0]["note"]),
        (&"WETH spot".into(), &note.into())
    );
    let both = ["alice", "--price", "ETH/USD=-35%", "--price", "WETH spot=-35%"];
    assert!(!book.text("liquidate", &both).contains(note));
    assert_eq!(book.json("liquidate", &both)["unmoved"], Value::Array(Vec::new()));
    // What did not move at the venue either is no news.
    assert!(!book.text("liquidate", &["alice", "--price", "USDC/USD=+40%"]).contains(note));
}

/// The names of columns, and the cells of each row.
fn rows(csv: &str) -> Vec<std::collections::BTreeMap<&str, &str>> {
    let mut lines = csv.lines().map(|line| line.split(','));
    let names: Vec<&str> = lines.next().expect("a header").collect();
    lines.map(|cells| names.iter().copied().zip(cells).collect()).collect()
}

/// Everybody was executable who was healthy.
#[test]
fn only_the_unhealthy_are_executable() {
    let book = treasury("executable", same, |text| drowned(text) + "naked,aave-core,debt,USDC,5,token,,,\n");
    let csv = book.text("check", &["--csv"]);
    for row in rows(&csv) {
        let expected = match row["account"] {
            "alice" => ["unhealthy", "yes", ""],
            "naked" => ["unhealthy", "no", "PL0129"],
            "lender" => ["no debt", "", ""],
            _ => ["healthy", "", ""],
        };
        assert_eq!(
            ["venue_verdict", "executable", "venue_refusal"].map(|name| row[name]),
            expected,
            "{row:?}"
        );
    }
}

/// Rows could not be chosen. Sums and the exit code are of all, chosen or not.
#[test]
fn rows_are_chosen_and_sums_are_of_all() {
    let book = treasury("chosen", same, drowned);
    let sorted = book.0.join("sorted").display().to_string();
    assert_eq!(book.code("convert", &["--to", "parquet", "--sort", "--out", &sorted]), 0);
    let streamed = Book(PathBuf::from(sorted));
    for (choice, names) in [
        (&["--owner", "Acme treasury"][..], &["acme-loop", "acme-usdc"][..]),
        (&["--market", "morpho-wsteth-usdc"], &["acme-usdc", "lender"]),
        (&["--tier", "liquidatable,no debt"], &["alice", "lender"]),
        (&["--tier", "critical", "--market", "aave-core"], &["acme-loop"]),
    ] {
        for book in [&book, &streamed] {
            let args = [&["--csv"], choice].concat();
            let csv = book.text("check", &args);
            let mut found: Vec<&str> = rows(&csv).iter().map(|row| row["account"]).collect();
            found.sort_unstable();
            assert_eq!(found, names, "{choice:?}");
            assert_eq!(book.code("check", &args), 1, "{choice:?}");
        }
    }
    let file = book.0.join("rows.parquet").display().to_string();
    let told = book.text("check", &["--parquet", &file, "--owner", "bob"]);
    assert!(told.contains("5 accounts: ") && Path::new(&file).exists(), "{told}");
    for book in [&book, &streamed] {
        for wrong in [["--owner", "nobody"], ["--market", "aave"], ["--tier", "fine"]] {
            let output = book.run("check", &[&["--csv"], &wrong[..]].concat());
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
        }
        for refused in [["--csv", "--sort", "debt"], ["--csv", "--top", "1"], ["--totals", "--owner", "bob"]]
        {
            assert_eq!(book.code("check", &refused), 2, "{refused:?}");
        }
    }
}

/// What was said without saying what.
#[test]
fn words_say_which() {
    let book = treasury("words", without_ether, |text| {
        text + "alice,morpho-wsteth-usdc,collateral,wstETH,1,token,,,\n"
    });
    for (command, args, expected) in [
        (
            "outlook",
            &["bob", "--together", "wstETH/USD"][..],
            "`wstETH/USD` is derived from `ETH/USD`, `wstETH/stETH rate`",
        ),
        (
            "whatif",
            &["bob", "--price", "ETH/USD=-20%"],
            "expected a price to take a part of, and it has none",
        ),
        ("explain", &["alise"], "expected an account of the book: aave-core:alice, bob, "),
        ("explain", &["alise"], "did you mean `alice`?"),
        ("check", &["--tiers", "1,2,3"], "three numbers from 1 on, none above the one before it"),
    ] {
        let told = book.told(command, args);
        assert!(told.contains(expected), "{command} {args:?}: {told}");
    }
    assert_eq!(book.told("outlook", &["bob", "--together", "wstETH/USD"]).matches("did you mean").count(), 0);
    assert_eq!(book.code("check", &["--tiers", "2,2,2"]), 4);
    let unsure = |feeds: String| feeds.replace("11:48:23Z,1h,,", "11:48:23Z,1h,100,");
    let unsure = treasury("tier", unsure, same);
    let told = unsure.text("check", &[]);
    assert!(told.contains(" % whatever it is, and the tier is of that"), "{told}");
}

/// "0 accounts left out" of a file that cannot be read.
#[test]
fn all_are_left_out_of_a_file_that_cannot_be_read() {
    let book = treasury("unread", same, |text| text.lines().skip(1).collect::<Vec<_>>().join("\n"));
    let told = book.told("check", &[]);
    assert!(told.contains("; every account left out") && !told.contains("--keep-going"), "{told}");
    assert!(told.contains("found no `account`, no `market`, no `kind`"), "{told}");
    let out = book.text("check", &["--keep-going"]);
    assert!(out.contains("told on stderr; every account left out and not judged"), "{out}");
    let one = treasury("one", same, |text| text.replace("\nbob,aave-core,debt", "\n bob,aave-core,debt"));
    let told = one.told("check", &[]);
    assert!(told.contains("; 1 account left out") && told.contains("--keep-going"), "{told}");
    let table = book.0.join("t.csv").display().to_string();
    std::fs::write(&table, "user,d\na,1\n").expect("written");
    let (template, to) = (book.0.display().to_string(), book.0.join("to").display().to_string());
    let args =
        ["import", "csv", &table, "--map", "account=user,debt.USDC=d", "--market", &template, "--out", &to];
    let told = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).output().expect("plimsoll runs");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        told.contains("nothing was imported: the template is faulty") && !told.contains("--keep-going"),
        "{told}"
    );
}
