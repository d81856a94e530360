//! Aave v4 in books: the example, round trips of lived-in accounts, and every fault where it stands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, example_folder, file, files, sound};
use plimsoll_core::{Book, Int, Lens, Standing, Test, U256, Verdict};
use plimsoll_io::book::{self, File, Opened};
use plimsoll_venues::aave_v4::{
    MAP, RISK_PREMIUM, configuration_key, debt, premium_offset, premium_shares, receipt,
};

fn folder() -> std::path::PathBuf {
    example_folder("hubs")
}

fn example() -> Book {
    sound(book::open(&folder()))
}

/// The first fault of the example with one text put for another in one file.
#[track_caller]
fn fault(name: &str, from: &str, to: &str, code: &str, found: &str) {
    common::fault("hubs", name, [from, to], code, found);
}

/// The example with one file put for its own.
fn all_with(name: &str, text: String) -> Opened {
    common::changed("hubs", |other, own| if other == name { text.clone() } else { own })
}

/// What no spoke keeps is no account: a premium without a debt, which is paid first and cleared with the last drawn share
/// (`Spoke.repay`), and one below zero, at which every call reverts (`SafeCastOverflowedIntToUint`). Told at the mode.
#[test]
fn a_premium_that_cannot_be_is_told_where_it_stands() {
    let own = std::fs::read_to_string(folder().join("positions.csv")).unwrap();
    let told = |text: String| {
        let opened = all_with("positions.csv", text);
        let list = &opened.faults.list;
        (opened.faults.render(false), list.iter().map(|fault| fault.code.name()).collect::<Vec<_>>())
    };
    // No debt in WBTC, and one of nothing in USDC.
    let other = own.replace(
        "shares,Acme treasury,version WETH=1",
        "shares,Acme treasury,version WETH=1; premium WBTC=100/0",
    );
    let (text, codes) = told(other);
    assert_eq!(codes, ["PL0559"], "{text}");
    assert!(text.contains("premium WBTC=100/0") && text.contains("positions.csv:4:"), "{text}");
    let nothing = own.replace("risky,hubs,debt,USDC,420000000000", "risky,hubs,debt,USDC,0");
    assert_eq!(told(nothing).1, ["PL0559"]);
    // 100 shares at 1.0214 and an hour's interest stand for 102 units and not for 103.
    let premium = |offset: u128| {
        let said = "premium USDC=84000000000/84927100000000000000000000000000000000";
        told(own.replace(said, &format!("premium USDC=100/{offset}")))
    };
    let unit = 10u128.pow(27);
    assert_eq!(premium(102 * unit).1, Vec::<&str>::new());
    let (text, codes) = premium(103 * unit);
    assert_eq!(codes, ["PL0559"], "{text}");
    assert!(text.contains("positions.csv:9:"), "{text}");
}

#[test]
fn the_example_has_an_account_on_each_side() {
    let book = example();
    assert_eq!((book.markets.len(), book.accounts.len()), (1, 8));
    let quotes = book.graph.quotes(book.at);
    let market = &book.markets[0];
    let readings = book.readings(market, &quotes);
    let standing = Standing::new(&*market.market, &readings, Lens::Action, book.at).unwrap();
    let (healthy, unhealthy) = (Some(Verdict::Healthy), Some(Verdict::Unhealthy));
    for (name, own, newest) in [
        ("lender", Some(Verdict::NoDebt), Some(Verdict::NoDebt)),
        ("ether-loan", healthy, healthy),
        ("mixed", healthy, healthy),
        ("risky", healthy, healthy),
        ("old-version", healthy, unhealthy),
        ("under-water", unhealthy, unhealthy),
        ("bitcoin-desk", healthy, healthy),
        ("staker", healthy, healthy),
    ] {
        let listed = book.accounts.iter().find(|account| account.name == name).unwrap();
        assert_eq!(standing.judge(&listed.account, Test::Liquidation).verdict(), own, "{name}");
        assert_eq!(standing.judge(&listed.account, Test::Borrow).verdict(), newest, "{name}");
    }
}

#[test]
fn a_book_comes_back_from_its_files() {
    let book = example();
    let written = book::write(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
    let json = book::write_json(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&book));
    assert_eq!(book::write(&sound(book::read(files(&written)))).unwrap(), written);
}

/// Any account that a spoke can keep comes back; what no row says is refused.
#[test]
fn any_account_comes_back() {
    let mut book = example();
    // Room for the premiums that are made up: no account has more of it than its reserve, and no spoke more than its hub asset.
    let mut totals = Vec::new();
    book.markets[0].market.visit(&mut |cell, name, _, value| {
        if name == "premium_shares" {
            let spokes = if cell.object < 1_000 { 2 } else { 1 };
            totals.push((cell, value.add(Int::new(spokes * 10i128.pow(9))).unwrap()));
        }
    });
    for (cell, value) in totals {
        book.markets[0].market.set(cell, Some(value)).unwrap();
    }
    let mut seed = 7u64;
    let mut dice = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for _ in 0..200 {
        let account = &mut book.accounts[2].account;
        account.clear(account.id);
        account.set_term(RISK_PREMIUM, Int::from(dice(3) * 700));
        let mut map = U256::ZERO;
        for place in 0..5 {
            if dice(2) == 0 {
                account.set(receipt(place), Int::from(dice(1_000_000) + 1));
            }
            if dice(2) == 0 {
                map = map.with_bit(2 * place + 1, true);
                let newest = if place == 0 { dice(2) } else { 0 };
                account.set_term(configuration_key(place), Int::from(newest));
            }
            if dice(3) == 0 {
                map = map.with_bit(2 * place, true);
                account.set(debt(place), Int::from(dice(1_000_000) + 1));
                let shares = dice(1_000);
                account.set_term(premium_shares(place), Int::from(shares));
                // At most what the shares stand for: indices are above one.
                let most = i128::from(shares) * 10i128.pow(27);
                account.set_term(premium_offset(place), Int::new(most - i128::from(dice(2_000))));
            }
        }
        account.set_term(MAP, map.into());
        let written = book::write(&book).unwrap();
        assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
    }
    let account = &mut book.accounts[2].account;
    account.clear(account.id);
    account.set_term(premium_shares(1), Int::ONE);
    assert!(book::write(&book).is_err());
}

/// Tokens become the shares that the hub would make of them: a supply down, a debt up; and a debt without words owes no
/// premium yet.
#[test]
fn tokens_become_shares() {
    let from = "ether-loan,hubs,debt,USDC,520000000000,shares,Acme treasury,version WETH=1";
    let to = "ether-loan,hubs,debt,USDC,1000.000001,token,Acme treasury,risk_premium=333; version WETH=1";
    let collateral =
        "ether-loan,hubs,collateral,WETH,400000000000000000000,shares,Acme treasury,version WETH=1";
    let text = std::fs::read_to_string(folder().join("positions.csv")).unwrap();
    let text = text.replace(from, to).replace(
        collateral,
        "ether-loan,hubs,collateral,WETH,1.5,token,Acme treasury,risk_premium=333; version WETH=1",
    );
    let names = ["book.toml", "feeds.csv", "markets/hubs.toml"];
    // The premium of so much more debt is in the totals.
    let totals = |text: String| text.replace("\"100345000000\"", "\"100400000000\"");
    let mut all: Vec<File> = names
        .iter()
        .map(|name| file(name, totals(std::fs::read_to_string(folder().join(name)).unwrap())))
        .collect();
    all.push(file("positions.csv", text));
    let book = sound(book::read(all));
    let listed = &book.accounts.iter().find(|account| account.name == "ether-loan").unwrap().account;
    let quoted =
        book.markets[0].market.at(plimsoll_core::Feeds { readings: &[] }, Lens::View, book.at).unwrap();
    let owed = quoted.balance(listed, debt(1)).unwrap().raw;
    assert!(owed >= U256::new(1_000_000_001) && owed <= U256::new(1_000_000_003), "{owed}");
    let supplied = quoted.balance(listed, receipt(0)).unwrap().raw;
    assert!(supplied <= U256::new(1_500_000_000_000_000_000), "{supplied}");
    let drawn = listed.quantity(debt(1)).to_u64().unwrap();
    assert_eq!(listed.term(premium_shares(1)).to_u64().unwrap(), (drawn * 333).div_ceil(10_000));
    let mut without = listed.clone();
    without.set_term(premium_shares(1), Int::ZERO);
    without.set_term(premium_offset(1), Int::ZERO);
    assert_eq!(quoted.balance(&without, debt(1)).unwrap().raw, owed);
}

#[test]
fn faults_are_told_where_they_stand() {
    let market = "markets/hubs.toml";
    let rows = "positions.csv";
    fault(market, "decimals = 18", "decimals = 19", "PL0574", "19");
    fault(market, "optimal_usage = 9000", "optimal_usage = 10000", "PL0580", "10000");
    fault(market, "drawn_index = \"1008", "drawn_index = \"0908", "PL0573", "908");
    fault(market, "last_update = \"2026-05-04T11", "last_update = \"2026-05-04T13", "PL0576", "");
    fault(market, "target_health_factor = \"1050", "target_health_factor = \"950", "PL0515", "950");
    fault(
        market,
        "health_factor_for_max_bonus = \"900",
        "health_factor_for_max_bonus = \"1900",
        "PL0515",
        "1900",
    );
    fault(market, "max_liquidation_bonus = 10500", "max_liquidation_bonus = 500", "PL0571", "500");
    fault(market, "collateral_factor = 8200", "collateral_factor = 9600", "PL0572", "the collateral factor");
    fault(market, "newest = 1", "newest = 2", "PL0520", "2");
    fault(market, "version = 1", "version = 0", "PL0540", "version 0");
    fault(market, "spoke = \"main\"", "spoke = \"other\"", "PL0520", "other");
    fault(
        market,
        "[[reserves]]\nspoke = \"main\"\nhub = \"core\"",
        "[[reserves]]\nspoke = \"main\"\nhub = \"lost\"",
        "PL0553",
        "WETH",
    );
    fault(market, "name = \"WETH stakers\"", "name = \"WETH\"", "PL0540", "WETH");
    fault(market, "name = \"WETH stakers\"", "name = \"WETH=1\"", "PL0522", "WETH=1");
    fault(market, "name = \"stakers\"", "name = \"main\"", "PL0520", "stakers");
    fault(market, "collateral_risk = 0", "collateral_risk = 100001", "PL0515", "100001");
    fault(market, "premium_offset_ray = \"3177", "premium_offset_ray = \"--3177", "PL0515", "--3177");
    fault(market, "fee_receiver_shares", "fee_shares", "PL0509", "fee_shares");
    fault(rows, "lender,hubs,supply,USDC,", "lender,hubs,supply,USDT,", "PL0553", "USDT");
    fault(rows, "lender,hubs,supply,WETH,", "lender,hubs,supply,WETH stakers,", "PL0559", "WETH stakers");
    fault(
        rows,
        "shares,Acme treasury,version WETH=1",
        "shares,Acme treasury,version WETH=7",
        "PL0554",
        "version WETH=7",
    );
    fault(
        rows,
        "old-version,hubs,collateral,WETH,100000000000000000000,shares,,version WETH=0",
        "old-version,hubs,collateral,WETH,100000000000000000000,shares,,",
        "PL0554",
        "without a version",
    );
    fault(
        rows,
        "shares,Beta fund,risk_premium=2000; premium USDC=84000000000/8",
        "shares,Beta fund,risk_premium=2000; premium USDC=84000000000-8",
        "PL0554",
        "premium USDC",
    );
    fault(
        rows,
        "shares,Beta fund,risk_premium=2000; premium USDC",
        "shares,Beta fund,risk=2000; premium USDC",
        "PL0554",
        "risk=2000",
    );
    fault(
        rows,
        "Beta fund,risk_premium=2000",
        "Beta fund,risk_premium=100001",
        "PL0554",
        "risk_premium=100001",
    );
    // A collateral risk ends there, and so do their averages.
    let rows_of_risky = |risk: &str| {
        let text = std::fs::read_to_string(folder().join(rows)).unwrap();
        assert!(text.contains("risk_premium=2000"));
        text.replace("risk_premium=2000", risk)
    };
    assert!(all_with(rows, rows_of_risky("risk_premium=100000")).faults.is_empty());
    // More than the reserve says there is.
    fault(
        rows,
        "staker,hubs,debt,USDC stakers,430000000000",
        "staker,hubs,debt,USDC stakers,430000000001",
        "PL0581",
        "",
    );
}
