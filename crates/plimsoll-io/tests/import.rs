//! Spreadsheets become books: exactly, or with what was rounded told.

mod common;

use common::{all_of, file, files, sound};
use plimsoll_core::{Book, Feeds, Int, Lens, Rounding, U256, WAD};
use plimsoll_io::book::import::{Imported, Map, Request, import};
use plimsoll_io::book::{self, File};
use std::path::{Path, PathBuf};

const MAP: &str = "account=user,collateral.STETH=collateral,debt.OWED=debt,threshold=threshold,ltv=ltv";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn template() -> Book {
    sound(book::open(&examples().join("import/template")))
}

fn run(table: File, map: &str, rounding: Option<Rounding>) -> Imported {
    let map = Map::parse([map]).expect("a map");
    import(Request { table, map: &map, template: template(), market: None, rounding })
}

fn example() -> String {
    std::fs::read_to_string(examples().join("import/borrowers.csv")).expect("the example")
}

/// Health of every account by its market [wad]; `None` without debt.
fn health(book: &Book) -> Vec<(String, Option<Int>)> {
    let quotes = book.graph.quotes(book.at);
    let accounts = book.accounts.iter().map(|account| {
        let market = &book.markets[account.market];
        let readings = book.readings(market, &quotes);
        let quoted = market.market.at(Feeds { readings: &readings }, Lens::View, book.at).expect("a market");
        let figures = quoted.figures(&account.account).expect("figures");
        let health = figures.iter().find(|figure| figure.name == "healthFactor").expect("health").value;
        (account.name.clone(), Some(health).filter(|health| *health != Int::from(U256::MAX)))
    });
    accounts.collect()
}

#[test]
fn the_example_is_imported_with_its_rounding_told() {
    let imported = run(file("borrowers.csv", example()), MAP, Some(Rounding::Down));
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    assert_eq!((imported.rows, imported.left_out, imported.classes), (5, 0, 3));
    assert_eq!(imported.rounded.count, 1);
    assert_eq!(
        imported.rounded.most.map(|most| most.to_string()).as_deref(),
        Some("0.000000000000000000901")
    );
    let health: Vec<String> = health(&imported.book)
        .into_iter()
        .map(|(name, health)| {
            format!("{name} {}", health.map_or("no debt".into(), |health| health.to_string()))
        })
        .collect();
    // fl(half up(collateral x threshold x 10^18 / debt) / 10^4) in exact fractions, values at 8 decimals:
    // 125025000000 x 8300 / 88050000000, 9812345678 x 8282 / 7150000000, 1712000000 x 8522 / 1110000000,
    // 350000000 x 8300 / 67.
    assert_eq!(
        health,
        [
            "0x01 1178543441226575809",
            "0x02 1136585271401342657",
            "0x03 no debt",
            "0x04 1314384144144144144",
            "0x05 4335820895522388059701492",
        ]
    );
    // The pool's totals cover what its accounts hold: 98.12... of the class 8282/7186, and all debts together.
    let mut totals = Vec::new();
    imported.book.markets[0].market.visit(&mut |cell, name, _, value| match name {
        "scaled_supply" if cell.object == 2 => totals.push(value),
        "scaled_debt" if cell.object == 1 => totals.push(value),
        _ => {}
    });
    assert_eq!(totals, [Int::new(963_100_000_670_000_000_000), Int::new(98_123_456_789_012_345_678)]);
    let written = book::write(&imported.book).expect("it can be written");
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&imported.book));
}

#[test]
fn nothing_is_rounded_unasked() {
    let imported = run(file("borrowers.csv", example()), MAP, None);
    let faults: Vec<String> = imported.faults.list.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "borrowers.csv:3:6: PL0591: found 21 digits after the point, expected at most 18, as the token has \
         (allow it with --round down, up or \"half up\")"
        ]
    );
    assert_eq!((imported.book.accounts.len(), imported.left_out, imported.rounded.count), (4, 1, 0));
}

#[test]
fn a_table_from_a_european_spreadsheet_is_read() {
    let table = "Kunde;Pfand;Schuld\r\nA;1.5;1\r\nB;;2\r\n";
    let map = "account=Kunde,collateral.STETH=Pfand,debt.OWED=Schuld";
    let imported = run(file("kunden.csv", table), map, None);
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    assert_eq!((imported.book.accounts.len(), imported.classes), (2, 0));
}

/// Each table, and what is told of it.
#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let cases = [
        ("user,collateral,debt,threshold,ltv\n", ""),
        ("", "t.csv PL0531"),
        ("user,collateral,dept,threshold,ltv\n", "the map PL0590"),
        ("user,user,collateral,debt,threshold,ltv\n", "t.csv:1:6 PL0532"),
        ("user,collateral,debt,threshold,ltv\na,1,1,8300,7200\na,1,1,8300,7200\n", "t.csv:3:1 PL0540"),
        ("user,collateral,debt,threshold,ltv\na,-1,1,8300,7200\n", "t.csv:2:3 PL0516"),
        ("user,collateral,debt,threshold,ltv\na,1,nan,8300,7200\n", "t.csv:2:5 PL0513"),
        ("user,collateral,debt,threshold,ltv\na,1,1,0.83,7200\n", "t.csv:2:7 PL0513"),
        ("user,collateral,debt,threshold,ltv\na,1,1,83000,7200\n", "t.csv:2:7 PL0515"),
        ("user,collateral,debt,threshold,ltv\na,1,1,7000,7200\n", "t.csv:2:12 PL0570"),
        ("user,collateral,debt,threshold,ltv\na,1,1,9800,7200\n", "the template PL0592"),
        ("user,collateral,debt,threshold,ltv\na,1,1,8300\n", "t.csv:2:1 PL0533"),
        ("user,collateral,debt,threshold,ltv\n,1,1,8300,7200\n", "t.csv:2:1 PL0522"),
        ("user,collateral,debt,threshold,ltv\n\"a,1,1,8300,7200\nb,1,1,8300,7200\n", "t.csv:2:1 PL0534"),
        ("user,collateral,debt,threshold,ltv\na,340282366920938463464,1,8300,7200\n", "t.csv:2:3 PL0515"),
    ];
    for (table, expected) in cases {
        let imported = run(file("t.csv", table), MAP, None);
        let told = imported.faults.list.iter().map(|fault| {
            let place = fault.place.map_or(String::new(), |p| format!(":{}:{}", p.line, p.column));
            format!("{}{place} {}", fault.file, fault.code.name())
        });
        assert_eq!(told.collect::<Vec<_>>().join("\n"), expected, "{table:?}");
    }
}

/// Of two rows of one name the first was taken; a debt that the export left empty was passed over in silence.
#[test]
fn what_a_table_does_not_say_is_told() {
    let table = "user,collateral,debt,threshold,ltv\na,1,1,8300,7200\nb,1,,8300,7200\na,2,1,8300,7200\n";
    let imported = run(file("t.csv", table), MAP, None);
    let names: Vec<&str> = imported.book.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["b"]);
    assert_eq!((imported.faults.count(), imported.rows, imported.left_out), (1, 3, 2));
    assert_eq!(imported.empty_debts, 1);
    let imported = run(file("t.csv", "user,collateral,debt,threshold,ltv\n"), MAP, None);
    assert_eq!((imported.faults.count(), imported.rows), (0, 0));
}

/// 200 thresholds: two markets, each account in the one that has its class, and each with its own threshold.
#[test]
fn more_classes_than_a_pool_lists_go_into_a_second_market() {
    let rows: String = (0..200).map(|n| format!("u{n:03},100,50,{},7000\n", 8000 + n)).collect();
    let table = format!("user,collateral,debt,threshold,ltv\n{rows}");
    let imported = run(file("many.csv", table), MAP, None);
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    let names: Vec<&str> = imported.book.markets.iter().map(|market| market.name.as_str()).collect();
    assert_eq!((names, imported.classes), (vec!["steth", "steth-2"], 200));
    for (n, (name, health)) in health(&imported.book).into_iter().enumerate() {
        // 100 x threshold / 50
        let expected = Int::from(U256::new(2 * (8000 + n as u128) * 10_u128.pow(14)));
        assert_eq!((name, health), (format!("u{n:03}"), Some(expected)));
    }
}

#[test]
fn a_template_must_have_what_the_map_names() {
    let map = Map::parse([MAP]).expect("a map");
    let mut request = Request {
        table: file("borrowers.csv", example()),
        map: &map,
        template: template(),
        market: Some("stteth"),
        rounding: None,
    };
    assert_eq!(import(request).faults.list[0].code.name(), "PL0592");
    let map = Map::parse(["account=user,collateral.WETH=collateral,threshold=threshold"]).expect("a map");
    request = Request {
        table: file("borrowers.csv", example()),
        map: &map,
        template: template(),
        market: Some("steth"),
        rounding: None,
    };
    assert_eq!(import(request).faults.list[0].code.name(), "PL0592");
}

/// 646 real borrowers of June 2023, from where the project's internal data lies; skipped where it does not.
#[test]
fn real_borrowers_have_the_health_that_their_file_says() {
    let name = "aave_steth_positions_b21_debt_stables_2023-06.csv.gz";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let imported = run(file(name, bytes.clone()), MAP, Some(Rounding::Down));
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    assert_eq!((imported.rows, imported.left_out, imported.classes), (646, 0, 265));
    assert_eq!(imported.book.markets.len(), 3);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*bytes), &mut text).expect("gzip");
    for (line, (name, health)) in text.lines().skip(1).zip(health(&imported.book)) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], name);
        let told: plimsoll_core::Decimal = cells[5].parse().expect("a decimal");
        let told = told.scaled(18).expect("18 digits");
        let found = health.expect("everybody owes");
        // The file's health is a float of unrounded values; ours is of values at 8 decimals: 10^-6 relative for
        // debts from 0.01 ether up.
        let apart = found.sub(told).expect("a difference").magnitude();
        let bound = told.magnitude().div(U256::new(1_000_000), Rounding::Up).expect("a bound");
        assert!(
            apart <= bound || found > Int::from(WAD.value().mul(U256::new(1000)).expect("1000")),
            "{line} {found}"
        );
    }
}

/// An asset that the market does not list was told of every row.
#[test]
fn an_unknown_asset_of_the_map_is_told_once() {
    let rows: String = (0..50).map(|n| format!("u{n},1,1\n")).collect();
    for (map, expected) in [
        ("account=user,collateral.STETH=c,debt.OWD=d", "OWD"),
        ("account=user,supply.STET=c,supply.STET:raw=d,debt.OWED=d", "STET"),
    ] {
        let imported = run(file("t.csv", format!("user,c,d\n{rows}")), map, None);
        let told = imported.faults.render(false);
        assert_eq!(imported.faults.count(), 1, "{told}");
        assert!(
            told.contains("the map") && told.contains(expected) && told.contains("did you mean"),
            "{told}"
        );
        assert!(imported.book.accounts.is_empty());
    }
}

// ---- the other venues -------------------------------------------------------------------------------------------

fn into_example(example: &str, market: &str, table: &str, map: &str) -> Imported {
    let template = sound(book::open(&examples().join(example)));
    let map = Map::parse([map]).expect("a map");
    import(Request { table: file("t.csv", table), map: &map, template, market: Some(market), rounding: None })
}

/// What each account holds, by the names of the market's instruments.
fn held(book: &Book) -> Vec<(String, Vec<(String, Int)>)> {
    let named = |account: &plimsoll_core::ListedAccount| {
        let instruments = book.markets[account.market].market.instruments();
        let holdings = account.account.holdings().iter();
        let named = holdings.map(|held| (instruments[held.instrument.index()].name.clone(), held.quantity));
        (account.name.clone(), named.collect())
    };
    book.accounts.iter().map(named).collect()
}

/// Of a table become accounts of Compound v3: 1.5 WETH, and a debt of 1000 USDC as the principal that the market would
/// record: 1000000000 x 10^15 over the borrow index of the book's time, up.
#[test]
fn a_table_becomes_accounts_of_compound_v3() {
    let table = "user,coll,debt\na,1.5,1000\nb,2,\n";
    let map = "account=user,collateral.WETH=coll,debt.USDC=debt";
    let imported = into_example("compound_v3", "cusdcv3", table, map);
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    assert_eq!((imported.rows, imported.left_out), (2, 0));
    let held = held(&imported.book);
    let weth = |raw: u128| ("WETH collateral".to_string(), Int::new(raw as i128));
    assert_eq!(held[1], ("b".into(), vec![weth(2 * 10u128.pow(18))]));
    assert_eq!(held[0].1.len(), 2, "{held:?}");
    assert!(held[0].1.contains(&weth(1_500_000_000_000_000_000)), "{held:?}");
    let market = &imported.book.markets[0];
    let readings = imported.book.readings(market, &imported.book.graph.quotes(imported.book.at));
    let quoted =
        market.market.at(Feeds { readings: &readings }, Lens::Action, imported.book.at).expect("a market");
    let account = &imported.book.accounts[0].account;
    let debt = account
        .holdings()
        .iter()
        .find(|held| market.market.instruments()[held.instrument.index()].kind == plimsoll_core::Kind::Debt);
    // What is owed for a principal is rounded down: never more than was asked, and less than a unit less.
    let owed = quoted.balance(account, debt.expect("a debt").instrument).expect("a balance").raw;
    assert!([1_000_000_000u64, 1_000_000_001].map(U256::from).contains(&owed), "{owed}");
    let written = book::write(&imported.book).expect("a book");
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&imported.book));
}

/// Of a table become vaults of Maker: 40 ETH, and a debt of 30000 Dai as `art`, up, so that not less is owed.
#[test]
fn a_table_becomes_vaults_of_maker() {
    let table = "user,coll,debt\na,40,30000\nb,2,\n";
    let map = "account=user,collateral.ETH=coll,debt.DAI=debt";
    // Its auctions are of accounts that the table does not have.
    let refused = into_example("maker", "eth-a", table, map);
    let fault = refused.faults.list.first().expect("a fault");
    assert_eq!((fault.code.name(), refused.faults.list.len()), ("PL0592", 1));
    assert_eq!(fault.found, "\"eth-a\", which names the account \"ember\"");

    let read =
        |name: &str| std::fs::read_to_string(examples().join("maker").join(name)).expect("the example");
    let market = read("markets/eth-a.toml");
    let (market, _) = market.split_once("[[auctions]]").expect("auctions");
    let template = vec![
        file("book.toml", read("book.toml")),
        file("feeds.csv", read("feeds.csv")),
        file("markets/eth-a.toml", market),
        file("positions.csv", "account,market,kind,asset,quantity,unit\n"),
    ];
    let (template, map) = (sound(book::read(template)), Map::parse([map]).expect("a map"));
    let imported =
        import(Request { table: file("t.csv", table), map: &map, template, market: None, rounding: None });
    assert!(imported.faults.is_empty(), "{}", imported.faults.render(false));
    assert_eq!((imported.rows, imported.left_out), (2, 0));
    let written = book::write(&imported.book).expect("a book");
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&imported.book));
    let held = held(&imported.book);
    assert_eq!(held[1], ("b".into(), vec![("ETH locked".into(), Int::new(2 * 10i128.pow(18)))]));
    let art = held[0].1.iter().find(|(name, _)| name == "DAI debt").expect("a debt").1.magnitude();
    // 30000 over 1.051234567890123456789012345 x 1.000000000782997609082909351 ^ 2700 (45 minutes), up.
    assert_eq!(art, U256::new(28_537_814_008_030_571_435_438));
}

/// Troves name each other, and no order of redemption follows from a table of amounts: it is refused, and says why.
#[test]
fn a_table_does_not_become_troves() {
    let table = "user,coll,debt\na,40,30000\n";
    let imported = into_example("liquity", "bold", table, "account=user,collateral.WETH=coll,debt.BOLD=debt");
    let fault = imported.faults.list.first().expect("a fault");
    assert_eq!(fault.code.name(), "PL0592");
    assert_eq!(fault.found, "\"bold\", a market of liquity_v2");
    assert_eq!(
        fault.expected,
        "a market whose accounts a table of amounts can say; this one's name each other"
    );
    assert_eq!((imported.faults.list.len(), imported.book.accounts.len()), (1, 0));
}
