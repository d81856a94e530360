//! `plimsoll depth` and `plimsoll calibrate` on an example book and made-up prices, as a shell runs them.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a test that cannot run the program has failed; prices are made up

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::fmt::Write;
use std::process::{Command, Output};

/// The time of the example book \[s\].
const AT: i64 = 1_760_097_600;

/// Hourly bars of ether that tremble, with a fall of 5 to 20 % every twenty days, up to so many hours from the book's time; what comes later soars.
fn ether(until: i64) -> String {
    let mut text = String::from("ts,open,high,low,close\n");
    let (mut price, mut state) = (4000.0_f64, 7_u64);
    let first = AT - 450 * 86_400;
    for time in (first..AT + until * 3600).step_by(3600) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uniform = (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
        let hour = (time - first) / 3600;
        let (day, crashes) = (hour / 24, hour % 24 < 5);
        let crash = if day % 20 == 10 && crashes { -0.01 * (1 + day / 20 % 4) as f64 } else { 0.0 };
        let open = price;
        price = if time >= AT { price * 1.5 } else { price * (0.02 * uniform + crash).exp() };
        let (low, high) = (open.min(price) * 0.998, open.max(price) * 1.002);
        let _ = writeln!(text, "{time},{open:.4},{high:.4},{low:.4},{price:.4}");
    }
    text
}

const DEPTH: &str = "format = 1\nname = \"made up\"\nsources = [\"nobody\"]\n\n[[depth]]\nassets = [\"WETH\", \"ETH\", \"wstETH\"]\nimpact = \
                     [[\"1000\", \"0.01\"], [\"5000\", \"0.04\"], [\"20000\", \"0.12\"]]\n";
const HAZARDS: &str = "format = 1\n[[hazard]]\nname = \"a\"\nkind = \"contract\"\nassets = [\"ETH\"]\na_year = \"0.01\"\nloses = \
                       \"0.5\"\ngroup = \"g\"\n[[hazard]]\nname = \"b\"\nkind = \"issuer\"\nassets = [\"WETH\"]\na_year = \"0.02\"\nloses = \
                       \"0.25\"\ngroup = \"g\"\n[[hazard]]\nname = \"c\"\nkind = \"bridge\"\nassets = [\"WETH\"]\na_year = \
                       \"0.001\"\nloses = \"1\"\n[[hazard]]\nname = \"other\"\nkind = \"bridge\"\nassets = [\"LINK\"]\na_year = \
                       \"9\"\nloses = \"1\"\n";

/// A coin that rises as ether falls, and soars with it after the book's time.
fn coin(ether: &str) -> String {
    let mut text = String::from("ts,open,high,low,close\n");
    for line in ether.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let close = if cells[0] < AT as f64 { 16e6 / cells[4] } else { cells[4] };
        let _ = writeln!(text, "{},{close:.4},{close:.4},{close:.4},{close:.4}", cells[0]);
    }
    text
}

fn folder(name: &str, until: i64) -> Book {
    let ether = ether(until);
    let files = [
        ("history/COIN.csv", coin(&ether)),
        ("history/ETH.csv", ether),
        ("depth.toml", DEPTH.into()),
        ("hazards.toml", HAZARDS.into()),
    ];
    let book = Book::new(name, &[]);
    std::fs::create_dir_all(book.0.join("history")).expect("a folder");
    for (name, text) in files {
        std::fs::write(book.0.join(name), text).expect("written");
    }
    book
}

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn calibrate(folder: &Book, rest: &[&str]) -> Output {
    let path = |name: &str| folder.0.join(name).display().to_string();
    let (history, depth) = (path("history"), path("depth.toml"));
    let first =
        ["calibrate", "examples/treasury", "--history", &history, "--depth", &depth, "--market", "aave-core"];
    plimsoll(&[&first, rest].concat())
}

fn json(folder: &Book, rest: &[&str]) -> Value {
    let output = calibrate(folder, &[rest, &["--json"]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{rest:?}: {error}\n{told}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

const WETH: [&str; 4] = ["--asset", "WETH", "--hold", "USDC"];

#[test]
fn every_number_keeps_what_it_says() {
    let folder = folder("calibrate", 0);
    let answer = json(&folder, &WETH);
    let tolerated = number(&answer["tolerated_usd"]);
    assert!((tolerated - 400_000.0).abs() < 1e-6);
    let one = &answer["collaterals"][0];
    assert_eq!((&one["asset"], &one["hazards"]), (&Value::from("WETH"), &Value::Null));
    let found = &one["found"];
    assert_eq!(found["eligible"], true, "{}", found["gates"]);
    let columns = found["columns"].as_array().expect("columns");
    let names: Vec<&str> = columns.iter().map(|column| column["column"].as_str().expect("a name")).collect();
    assert_eq!(names, ["aggressive", "moderate", "conservative"]);
    for column in columns {
        let [threshold, ltv, loss] =
            ["threshold_share", "ltv_share", "loss"].map(|name| number(&column[name]));
        assert!(loss <= tolerated && (threshold / 0.005 - (threshold / 0.005).round()).abs() < 1e-9);
        assert!((ltv - threshold * (1.0 - number(&column["gap_share"]))).abs() < 1e-12);
        if !column["next_line_loss"].is_null() {
            assert!(number(&column["next_line_loss"]) > tolerated);
        }
        // At most three points from what stands: 83 % and 80.5 %.
        let [next, next_ltv] =
            ["threshold_share", "ltv_share"].map(|name| number(&column["next_step"][name]));
        assert!(
            (next - 0.83).abs() <= 0.03 + 1e-12 && (next_ltv - 0.805).abs() <= 0.03 + 1e-12,
            "{next} {next_ltv}"
        );
        assert!(
            (next - threshold).abs() <= (0.83 - threshold).abs() && number(&column["haircut_share"]) > 0.0
        );
    }
    let text = String::from_utf8_lossy(&calibrate(&folder, &WETH).stdout).into_owned();
    for line in [
        "liquidation threshold %",
        "not assessed",
        "eligible: every gate passes",
        "with --set aave-core/WETH/",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(calibrate(&folder, &WETH).status.code(), Some(0));
}

/// Prices after the book's time change nothing but the name of the data.
#[test]
fn what_came_after_the_book_is_not_looked_at() {
    let (before, after) = (folder("calibrate-before", 0), folder("calibrate-after", 48));
    // Held at its price, and as a coin that moves: then it is known how it goes with the collateral.
    for owed in [&WETH[2..], &["--map", "USDC=COIN"]] {
        let asked = [&WETH[..2], owed].concat();
        let [mut one, mut two] = [&before, &after].map(|folder| json(folder, &asked));
        assert_ne!(one["provenance"]["history"], two["provenance"]["history"]);
        for answer in [&mut one, &mut two] {
            answer["provenance"]["history"] = Value::Null;
        }
        assert_eq!(one, two);
    }
}

/// Whom a step touches is who `stress --set` says it is.
#[test]
fn a_step_touches_whom_stress_says() {
    let folder = folder("calibrate-touched", 0);
    // A fund so small that every line falls.
    let answer = json(&folder, &[&WETH[..], &["--fund", "1"]].concat());
    for column in answer["collaterals"][0]["found"]["columns"].as_array().expect("columns") {
        let touched = &column["touched"];
        let mut args: Vec<String> = ["stress", "examples/treasury", "--json"].map(String::from).to_vec();
        for set in touched["set"].as_array().expect("numbers") {
            args.extend(["--set".into(), set.as_str().expect("a number").into()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let stress: Value = serde_json::from_slice(&plimsoll(&args).stdout).expect("JSON");
        let under = &stress["under_set"];
        assert_eq!(touched["book_hash"], under["provenance"]["book_hash"], "{under}");
        let names = |list: &Value| -> Vec<String> {
            let names = list.as_array().expect("accounts").iter().map(|one| one["account"].to_string());
            names.collect()
        };
        assert_eq!(names(&touched["accounts"]), names(&under["scenarios"][0]["only_under_set"]));
    }
}

#[test]
fn what_is_unknown_is_no_collateral() {
    let folder = folder("calibrate-unknown", 0);
    // Nobody says what USDC does: the wrong-way gate is unknown, and the LTV goes to 0 at once.
    let answer = json(&folder, &WETH[..2]);
    let found = &answer["collaterals"][0]["found"];
    assert_eq!(found["eligible"], false);
    let gate = found["gates"].as_array().expect("gates").iter().find(|gate| gate["name"] == "wrong way");
    assert_eq!(
        gate.map(|gate| (&gate["figure"], &gate["passes"])),
        Some((&Value::Null, &Value::from(false)))
    );
    for column in found["columns"].as_array().expect("columns") {
        assert!(number(&column["next_step"]["ltv_share"]).abs() < 1e-12);
    }
    let text = String::from_utf8_lossy(&calibrate(&folder, &WETH[..2]).stdout).into_owned();
    assert!(text.contains("NOT ELIGIBLE, LTV 0 at once: wrong way binds"), "{text}");
    // Staked ether has no series; as ether it has one, and that is told.
    let staked = ["--asset", "wstETH", "--hold", "USDC"];
    assert_eq!(calibrate(&folder, &staked).status.code(), Some(4));
    let mapped = json(&folder, &[&staked[..], &["--map", "wstETH=ETH"]].concat());
    let assumed = mapped["collaterals"][0]["found"]["assumed"].to_string();
    assert!(assumed.contains("wstETH moves as ETH-USD"), "{assumed}");
    assert_eq!(calibrate(&folder, &["--asset", "FRAX"]).status.code(), Some(2));
    assert_eq!(calibrate(&folder, &["--map", "wstETH=ETH*2"]).status.code(), Some(2));
    assert_eq!(calibrate(&folder, &["--fund", "0"]).status.code(), Some(2));
}

/// Hazards of one group are one event, those of what an asset is built on strike it, and others do not.
#[test]
fn hazards_stand_apart_and_are_summed_by_their_causes() {
    let folder = folder("calibrate-hazards", 0);
    let path = folder.0.join("hazards.toml").display().to_string();
    let answer = json(&folder, &[&WETH[..], &["--hazards", &path]].concat());
    let hazards = &answer["collaterals"][0]["hazards"];
    // 0.02 a year with a loss of 0.5, and 0.001 of everything.
    assert!((number(&hazards["expected_loss_share_per_year"]) - 0.011).abs() < 1e-12, "{hazards}");
    let without = json(&folder, &WETH);
    assert_eq!(
        answer["collaterals"][0]["found"], without["collaterals"][0]["found"],
        "apart from price risk"
    );
    let output = calibrate(&folder, &[&WETH[..], &["--hazards", &path]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("  g (contract, issuer): 0.0200 a year, 50.00 % of the value"), "{text}");
}

/// Where nothing can be sold within the bonus there is no line, and nothing is said of the next or of what binds a cap.
#[test]
fn without_liquidity_there_is_no_line() {
    let folder = folder("calibrate-dry", 0);
    let dry = DEPTH
        .replace("[\"1000\", \"0.01\"], [\"5000\", \"0.04\"], [\"20000\", \"0.12\"]", "[\"1000\", \"0.2\"]");
    assert_ne!(dry, DEPTH);
    std::fs::write(folder.0.join("depth.toml"), dry).expect("written");
    let answer = json(&folder, &WETH);
    let column = &answer["collaterals"][0]["found"]["columns"][2];
    assert_eq!((number(&column["threshold_share"]), &column["cap_bound_by"]), (0.0, &Value::from("no line")));
    let told = std::fs::read_to_string(root().join("docs/output.md")).expect("the description");
    assert!(told.lines().any(|line| line.contains("`cap_bound_by`, `extreme") && line.contains("`no line`")));
    let text = String::from_utf8_lossy(&calibrate(&folder, &WETH).stdout).into_owned();
    assert!(text.contains("conservative: threshold 0: nothing can be sold"), "{text}");
}

#[test]
fn a_page_and_a_table_have_the_same_numbers() {
    let folder = folder("calibrate-page", 0);
    let [page, table] = ["page.html", "table.parquet"].map(|name| folder.0.join(name).display().to_string());
    let output = calibrate(&folder, &[&WETH[..], &["--report", &page, "--parquet", &table]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&page).expect("a page");
    assert!(text.contains("supply cap (tokens)") && text.contains("WETH in aave-core"));
    // Two pictures: of five lines and of four; what each bar says stands in the table of lines, too.
    assert_eq!(text.matches("<svg").count(), 2);
    assert_eq!(text.matches("<rect class=\"bar\"").count(), 4 + 5);
    let bytes = std::fs::read(&table).expect("a table");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn offers_become_a_file_that_stress_reads() {
    let folder = folder("depth", 0);
    let offers = "format = 1\nname = \"pools\"\nsources = [\"nobody\"]\nany = true\n[[asset]]\nnames = [\"WETH\"]\n[[asset]]\nnames = \
                  [\"USDC\"]\n[[pool]]\nrule = \"constant product\"\nassets = [\"WETH\", \"USDC\"]\nreserves = [\"5000\", \
                  \"20000000\"]\nfee = \"0.003\"\n";
    let [from, out] = ["offers.toml", "made.toml"].map(|name| folder.0.join(name).display().to_string());
    std::fs::write(&from, offers).expect("written");
    let output = plimsoll(&["depth", &from, "--out", &out]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("WETH") && text.contains("whatever is owed"), "{text}");
    let stress = plimsoll(&["stress", "examples/treasury", "--depth", &out]);
    assert!(String::from_utf8_lossy(&stress.stdout).contains("depth: pools"));
    assert_eq!(plimsoll(&["depth", &out]).status.code(), Some(3));
    // Written again it is another file: whoever reads the older one reads it to its end.
    let older = folder.0.join("older.toml");
    std::fs::hard_link(&out, &older).expect("a second name");
    std::fs::write(&from, offers.replace("5000", "6000")).expect("written");
    assert_eq!(plimsoll(&["depth", &from, "--out", &out]).status.code(), Some(0));
    let [new, older] =
        [std::path::Path::new(&out), &older].map(|path| std::fs::read_to_string(path).expect("a file"));
    assert_ne!(new, older);
}
