//! `plimsoll stress`, as a shell runs it: what is printed, what programs read, and exit codes.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn stress(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("stress").args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn code(args: &[&str]) -> i32 {
    stress(args).status.code().expect("an exit code")
}

fn text(args: &[&str]) -> String {
    String::from_utf8_lossy(&stress(args).stdout).into_owned()
}

fn told(args: &[&str]) -> String {
    String::from_utf8_lossy(&stress(args).stderr).into_owned()
}

fn json(args: &[&str]) -> Value {
    let text = text(&[args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}\n{}", told(args)))
}

const TREASURY: &str = "examples/treasury";

#[test]
fn exit_codes_are_those_of_check() {
    let cases: [(&[&str], i32); 12] = [
        (&["--list"], 0),
        (&["--list", "--json"], 0),
        (&[TREASURY], 0),
        (&[TREASURY, "--scenario", "2024-08-05-24h"], 1),
        (&[TREASURY, "--scenario", "one-asset:asset=ETH,percent=-1", "--hold", "USDC"], 0),
        (&[TREASURY, "--scenario", "one-asset:asset=ETH,percent=-1"], 2),
        (&[TREASURY, "--scenario", "one-asset:asset=ETH"], 2),
        (&[TREASURY, "--scenario", "2024-08-05"], 2),
        (&[TREASURY, "--scenario", "2024-08-05-24h", "--hold", "WETHH"], 2),
        (&[TREASURY, "--scenario", "2024-08-05-24h", "--map", "wstETH"], 2),
        (&[TREASURY, "--scenario", "nowhere.toml"], 3),
        // UNI has no price: only who needs it is unknown, and somebody is unhealthy.
        (&["examples/compound_v3", "--scenario", "all-collateral:percent=1", "--hold", "UNI"], 1),
    ];
    for (args, expected) in cases {
        assert_eq!(code(args), expected, "{args:?} {}", told(args));
    }
    let near = told(&[TREASURY, "--scenario", "2024-08-05-24"]);
    assert!(near.contains("did you mean `2024-08-05-24h`?"), "{near}");
    let missing = told(&[TREASURY, "--scenario", "one-asset:asset=ETH,percent=-1"]);
    assert!(missing.contains("USDC (aave-core reads USDC/USD)"), "{missing}");
    let faulty = told(&[TREASURY, "--scenario", "one-asset:asset=ETH,percent=-100"]);
    assert!(faulty.contains("error[PL0594]") && faulty.contains("--> one-asset:19:11"), "{faulty}");
}

#[test]
fn what_was_assumed_is_printed() {
    let args = [TREASURY, "--scenario", "2024-08-05-24h", "--map", "USDC=ETH*0.5"];
    let text = text(&args);
    assert!(text.contains("held: USDT\n") && text.contains("mapped: USDC = ETH * 0.5\n"), "{text}");
    // 4312.57 x 0.762, and 0.99981512 x (1 - 0.5 x 0.238), cut to 8 digits
    for price in ["3286.17834", "0.88083712"] {
        assert!(text.contains(price), "{price}: {text}");
    }
}

/// A shock that moves no price, and one that whoever asks replaces, are told; the code is that of the rest.
#[test]
fn what_was_said_in_vain_is_told() {
    let folder = std::env::temp_dir().join(format!("plimsoll-vain-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("vain.toml").display().to_string();
    let head = "format = 1\nname = \"vain\"\ntitle = \"Vain\"\nsources = []\n";
    let shock = |asset: &str, of: &str| {
        format!(
            "[[shock]]\nassets = [\"{asset}\"]\nin = [\"{of}\"]\nmoves = [\"oracle\", \"market\"]\npercent = \"-20\"\n"
        )
    };
    let write =
        |shocks: &[String]| std::fs::write(&file, format!("{head}{}", shocks.concat())).expect("written");
    let [ether, dollar] = [shock("ETH", "USD"), shock("USDC", "USD")];
    write(&[ether.clone(), dollar.clone()]);
    let args = [TREASURY, "--scenario", &file];
    let (before, plain) = (code(&args), json(&args));
    let list = |answer: &Value, field: &str| answer["scenarios"][1][field].clone();
    for field in ["without_effect", "overridden"] {
        assert_eq!(list(&plain, field), serde_json::json!([]), "{field}");
    }
    assert!(!text(&args).contains("without effect") && !text(&args).contains("overridden"));
    // Misspelt; a price that is derived from others; a feed that no price and no sale hangs on.
    for asset in ["stETHH", "wstETH", "stETH"] {
        write(&[ether.clone(), dollar.clone(), shock(asset, "ETH")]);
        let answer = json(&args);
        every_field_is_told(&answer);
        assert_eq!(list(&answer, "without_effect"), serde_json::json!([asset]));
        assert_eq!(list(&answer, "after"), list(&plain, "after"));
        assert_eq!(code(&args), before);
        let words = format!(
            "without effect: no price that anything hangs on moves by what the scenario says of {asset}\n"
        );
        assert!(text(&args).contains(&words), "{}", text(&args));
    }
    // What somebody replaced is not in vain as well.
    write(&[ether, dollar]);
    for (option, word) in [("--hold", "USDC"), ("--map", "USDC=ETH")] {
        let args = [&args[..], &[option, word]].concat();
        let answer = json(&args);
        assert_eq!(list(&answer, "overridden"), serde_json::json!(["USDC"]), "{option}");
        assert_eq!(list(&answer, "without_effect"), serde_json::json!([]), "{option}");
        assert!(text(&args).contains("overridden: what the scenario says of USDC\n"), "{}", text(&args));
    }
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// Every field of an answer.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(name, value)| {
            into.insert(name.clone());
            fields(value, into);
        }),
        Value::Array(list) => list.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

/// Of an answer in JSON each field is told of in the section of `docs/output.md`.
fn every_field_is_told(answer: &Value) {
    let output = std::fs::read_to_string(root().join("docs/output.md")).expect("docs/output.md");
    let section = output.split("\n## ").find(|section| section.starts_with("stress --json"));
    let section = section.expect("a section of its own");
    let mut found = BTreeSet::new();
    fields(answer, &mut found);
    // What all answers have.
    let all = answer["provenance"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let all: BTreeSet<String> = all.chain(["format".to_string()]).collect();
    for field in found.difference(&all) {
        assert!(
            section.contains(&format!("`{field}`")) || section.contains(&format!("`{field}[]`")),
            "{field}"
        );
    }
}

#[test]
fn programs_read_the_same() {
    let args = ["examples/crash", "--scenario", "all-collateral", "--scenario", "2020-03-12-24h"];
    let answer = json(&args);
    every_field_is_told(&answer);
    every_field_is_told(&json(&["--list"]));
    let names: Vec<&Value> =
        answer["scenarios"].as_array().expect("scenarios").iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["as it stands", "all-collateral", "2020-03-12-24h"]);
    // One borrower with the same position at six venues: docs/one-crash.md. 100 WETH at 3000 against 200 000.
    let jump = &answer["scenarios"][1];
    assert_eq!(
        jump["after"],
        serde_json::json!({
            "accounts": 20, "healthy": 6, "liquidatable": 6, "no_debt": 8, "unknown": 0,
        })
    );
    let markets = jump["markets"].as_array().expect("markets");
    for market in markets {
        let decimals = market["risk"]["decimals"].as_u64().expect("decimals") as usize;
        let held = market["risk"]["collateral_liquidatable_after"].as_str().expect("an integer");
        let whole = held[..held.len() - decimals].parse::<u64>().expect("dollars");
        assert!((209_999..=210_000).contains(&whole), "{market}");
    }
    // The accounts that fall are those that check finds unhealthy in the book as it would be.
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let whatif = command.args(["whatif", "examples/crash", "--price", "WETH/USD=-30%", "--json"]);
    let whatif = whatif.current_dir(root()).output().expect("plimsoll runs");
    let whatif: Value = serde_json::from_slice(&whatif.stdout).expect("JSON");
    let fell = whatif["accounts"].as_array().expect("accounts").iter();
    let fell = fell.filter(|pair| pair["after"]["tier"] == "liquidatable");
    let fell: BTreeSet<String> = fell.map(|pair| pair["after"]["market"].to_string()).collect();
    let newly = jump["newly_liquidatable"].as_array().expect("accounts").iter();
    let mut newly: BTreeSet<String> = newly.map(|below| below["market"].to_string()).collect();
    // Of a delayed oracle `whatif` moves the feed, and not yet what the venue acts on.
    assert!(newly.remove("\"maker-eth-a\""));
    assert!(fell.is_superset(&newly) && newly.len() == 5, "{newly:?} of {fell:?}");
}

/// A file of one's own.
#[test]
fn a_file_is_a_scenario() {
    let folder = std::env::temp_dir().join(format!("plimsoll-stress-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("mine.toml");
    let words = "format = 1\nname = \"mine\"\ntitle = \"Mine\"\nsources = [\"me\"]\nhold = [\"USDC\"]\n\
                 [[parameter]]\nname = \"to\"\nabout = \"ether\"\n[[shock]]\nprices = [\"ETH/USD\"]\nvalue = \"$to\"\n";
    std::fs::write(&file, words).expect("written");
    let named = format!("{}:to=2000.5", file.display());
    let answer = json(&[TREASURY, "--scenario", &named]);
    assert_eq!(answer["scenarios"][1]["prices"][0]["after"], "2000.5");
    std::fs::write(&file, words.replace("title", "titel")).expect("written");
    assert_eq!(code(&[TREASURY, "--scenario", &named]), 3);
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// README: acme-usdc dies at ETH/USD -9.77 %, alice at -30.72 %.
#[test]
fn the_curve_has_the_steps_that_outlook_tells() {
    let args = [TREASURY, "--curve", "ETH", "--hold", "USDC"];
    assert_eq!(code(&args), 0);
    assert_eq!(code(&[TREASURY, "--curve", "ETH"]), 2);
    assert_eq!(code(&[TREASURY, "--curve", "DOGE", "--hold", "USDC", "--hold", "ETH"]), 2);
    let answer = json(&args);
    every_field_is_told(&answer);
    let down = answer["curve"]["down"].as_array().expect("steps");
    let steps: Vec<(&str, &str)> = down
        .iter()
        .map(|step| {
            (step["account"].as_str().expect("a name"), &step["factor"].as_str().expect("a factor")[..6])
        })
        .collect();
    assert_eq!(steps[..2], [("acme-usdc", "0.9022"), ("alice", "0.6927")]);
    let collateral = json(&[TREASURY, "--curve", "collateral"]);
    assert_eq!(collateral["curve"]["asset"], Value::Null);
    assert_eq!(collateral["curve"]["down"], answer["curve"]["down"]);
    let text = text(&args);
    assert!(text.contains("along ETH") && text.contains("-9.77 %") && text.contains("-30.72 %"), "{text}");
}

/// `whatif` of the same parameter says who becomes liquidatable.
#[test]
fn other_parameters_are_compared() {
    let set = ["--set", "aave-core/WETH/ltv=6000", "--set", "aave-core/WETH/liquidation_threshold=6500"];
    let lending = ["examples/lending", "--hold", "USDC"];
    let answer = json(&[&lending[..], &set].concat());
    every_field_is_told(&answer);
    let under = &answer["under_set"];
    assert_eq!(under["set"][0], set[1]);
    assert_ne!(under["provenance"]["book_hash"], answer["provenance"]["book_hash"]);
    let names = |list: &Value, of: fn(&Value) -> &Value| -> BTreeSet<String> {
        list.as_array().expect("accounts").iter().map(|it| of(it).to_string()).collect()
    };
    let newly = names(&under["scenarios"][0]["only_under_set"], |it| &it["account"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let whatif = command.args(["whatif", "examples/lending", "--json"]).args(set).current_dir(root());
    let whatif: Value =
        serde_json::from_slice(&whatif.output().expect("plimsoll runs").stdout).expect("JSON");
    let mut pairs = whatif["accounts"].clone();
    pairs.as_array_mut().expect("accounts").retain(|pair| pair["after"]["tier"] == "liquidatable");
    assert_eq!(newly, names(&pairs, |pair| &pair["after"]["account"]));
    assert!(newly.len() > 2, "{newly:?}");
    // In a scenario: the treasury's alice, who holds 82.5 % against 83 % (README: -30.72 % is her line).
    let fall = ["examples/treasury", "--scenario", "one-asset:asset=ETH,percent=-30", "--hold", "USDC"];
    let threshold = ["--set", "aave-core/WETH/liquidation_threshold=8100"];
    let answer = json(&[&fall[..], &threshold].concat());
    let [stands, fallen] = [0, 1].map(|at| answer["under_set"]["scenarios"][at]["only_under_set"].clone());
    assert_eq!(stands.as_array().map(Vec::len), Some(0));
    assert_eq!(names(&fallen, |it| &it["account"]), BTreeSet::from(["\"alice\"".to_string()]));
    let text = text(&[&fall[..], &threshold].concat());
    assert!(
        text.contains("1 account newly liquidatable with --set") && text.contains("with --set · hash "),
        "{text}"
    );
    // On the page, and as rows.
    let (folder, _) = depth("set");
    let [page, rows] = ["set.html", "set.parquet"].map(|name| folder.join(name));
    let [out, file] = [&page, &rows].map(|path| path.display().to_string());
    assert_eq!(code(&[&fall[..], &threshold, &["--report", &out, "--parquet", &file]].concat()), 1);
    let html = std::fs::read_to_string(&page).expect("the page");
    let hash = answer["under_set"]["provenance"]["book_hash"].as_str().expect("a hash");
    let words = ["With --set", threshold[1], hash, "newly liquidatable with --set: 1 account"];
    words.iter().for_each(|words| assert!(html.contains(words), "{words}"));
    let bytes = std::fs::read(&rows).expect("the rows");
    for words in ["with_set", "yes", threshold[1], hash] {
        assert!(bytes.windows(words.len()).any(|window| window == words.as_bytes()), "{words}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder was made");
    // What no book could say, and a number that there is not.
    assert_eq!(code(&[TREASURY, "--set", "aave-core/WETH/ltv=8500"]), 3);
    assert_eq!(code(&[TREASURY, "--set", "aave-core/WETH/nothing=1"]), 2);
    assert_eq!(code(&[TREASURY, "--set", "aave-core/WETH/ltv"]), 2);
}

/// A scenario asked for twice with other words is two scenarios, each by what it was asked with.
#[test]
fn a_scenario_is_called_by_what_it_was_asked_with() {
    let (folder, _) = depth("called");
    let [page, rows] = ["called.html", "called.parquet"].map(|name| folder.join(name));
    let [out, file] = [&page, &rows].map(|path| path.display().to_string());
    let falls = ["one-asset:asset=ETH,percent=-10", "one-asset:percent=-30,asset=ETH"];
    let args = [TREASURY, "--hold", "USDC", "--scenario", falls[0], "--scenario", falls[1]];
    let answer = json(&[&args[..], &["--report", &out, "--parquet", &file]].concat());
    every_field_is_told(&answer);
    let parameters = |percent: &str| serde_json::json!([{"name": "asset", "value": "ETH"}, {"name": "percent", "value": percent}]);
    assert_eq!(answer["scenarios"][1]["parameters"], parameters("-10"));
    assert_eq!(answer["scenarios"][2]["parameters"], parameters("-30"));
    assert_eq!(answer["scenarios"][0]["parameters"], serde_json::json!([]));
    let (shown, html) = (text(&args), std::fs::read_to_string(&page).expect("the page"));
    let bytes = std::fs::read(&rows).expect("the rows");
    for called in ["one-asset:asset=ETH,percent=-10", "one-asset:asset=ETH,percent=-30"] {
        assert!(shown.contains(called) && html.contains(called), "{called}");
        assert!(bytes.windows(called.len()).any(|window| window == called.as_bytes()), "{called}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// What is said twice of one asset, and in two ways, is refused; a curve tells what could move.
#[test]
fn what_contradicts_itself_is_refused() {
    let fall = [TREASURY, "--scenario", "one-asset:asset=ETH,percent=-10", "--hold", "USDC"];
    for (words, found) in [
        (&["--hold", "WETH", "--map", "WETH=USDC"][..], "found --map WETH=USDC*1 and --hold WETH"),
        (&["--hold", "ETH", "--map", "WETH=USDC"], "found --map WETH=USDC*1 and --hold ETH"),
        (&["--map", "ETH=USDC", "--map", "ETH=USDC*2"], "found --map ETH=USDC*2 and --map ETH=USDC*1"),
    ] {
        let args = [&fall[..], words].concat();
        assert_eq!(code(&args), 2, "{words:?}");
        assert!(told(&args).contains(found), "{}", told(&args));
    }
    let curve = told(&[TREASURY, "--curve", "nothing", "--hold", "USDC", "--hold", "ETH"]);
    let words = "expected an asset with a feed that has a price and is not held: WETH, wstETH";
    assert!(curve.contains(words), "{curve}");
}

/// A folder of one's own with a file of depth curves.
fn depth(name: &str) -> (PathBuf, String) {
    let folder = std::env::temp_dir().join(format!("plimsoll-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("depth.toml");
    let words = "format = 1\nname = \"made-up\"\nsources = [\"<b>nobody</b>\"]\nrecovers = \"0.5\"\n\
                 [[gas]]\nin = [\"USD\", \"USDC\", \"WETH\", \"DAI\", \"BOLD\"]\namount = \"0.01\"\n\
                 [[depth]]\nassets = [\"WETH\", \"wstETH\"]\nimpact = [[\"50\", \"0.01\"], [\"200\", \"0.1\"]]\n";
    std::fs::write(&file, words).expect("written");
    let file = file.display().to_string();
    (folder, file)
}

/// One borrower with 100 WETH at each of five venues: 200 of 500 can be sold, so somebody is beyond the data.
#[test]
fn sales_and_paths_are_told() {
    let (folder, file) = depth("depth");
    let args =
        ["examples/crash", "--scenario", "all-collateral:percent=-30", "--depth", &file, "--steps", "4"];
    let answer = json(&args);
    every_field_is_told(&answer);
    let jump = &answer["scenarios"][1];
    let sales: Vec<&Value> =
        jump["markets"].as_array().expect("markets").iter().map(|market| &market["risk"]["sales"]).collect();
    let left = |why: &str| sales.iter().filter_map(|sales| sales[why]["accounts"].as_u64()).sum::<u64>();
    let calls = sales.iter().filter_map(|sales| sales["calls"].as_u64()).sum::<u64>();
    assert!(calls > 0 && left("beyond_the_data") > 0, "{jump:#}");
    let path = &jump["path"];
    for way in ["at_once", "sold"] {
        let steps = path[way].as_array().expect("steps");
        assert_eq!(steps.len(), 4, "{way}");
        for counts in steps.iter().flat_map(|step| [&step["found"], &step["left"]]) {
            let of = |name: &str| counts[name].as_u64().expect("a count");
            assert_eq!(of("healthy") + of("liquidatable") + of("no_debt") + of("unknown"), of("accounts"));
        }
        // What a way does not play it does not tell; what all are found to owe, both do.
        for risk in steps.iter().flat_map(|step| step["risks"].as_array().expect("risks")) {
            for field in ["seizable_now", "bad_debt_at_once"] {
                assert_eq!(risk[field].is_string(), way == "at_once", "{way} {field}: {risk}");
                assert_eq!(risk[field].is_null(), way == "sold", "{way} {field}: {risk}");
            }
            assert_eq!(risk["sales"].is_object(), way == "sold", "{way}: {risk}");
            assert!(risk["uncovered_after"].is_string(), "{way}: {risk}");
        }
    }
    let text = text(&args);
    for words in ["sold into depth:", "beyond the data", "in 4 steps, prices on a straight line", "made-up"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // A curve that cannot be read, and gas that is said of other currencies alone.
    std::fs::write(&file, "format = 1").expect("written");
    assert_eq!(code(&args), 3);
    std::fs::write(
        &file,
        "format = 1\nname = \"x\"\nsources = []\ndepth = []\n[[gas]]\nin = [\"EUR\"]\namount = 1\n",
    )
    .expect("written");
    assert_eq!(code(&args), 2, "{}", told(&args));
    assert!(told(&args).contains("says what a call costs, but not in"), "{}", told(&args));
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// A cell is the scenario with its two moves.
#[test]
fn a_heatmap_has_the_numbers_of_its_scenarios() {
    let held = ["--hold", "USDC"];
    let answer = json(&[&[TREASURY, "--heatmap", "ETH:-40..0:5,stETH/ETH:-10..0:2"], &held[..]].concat());
    every_field_is_told(&answer);
    let map = &answer["heatmap"];
    assert_eq!(map["along"]["percent"], serde_json::json!(["-40", "-30", "-20", "-10", "0"]));
    // stETH at its parity: the fall of ether alone.
    for (at, percent) in [(0, "-40"), (1, "-30"), (3, "-10")] {
        let scenario = format!("one-asset:asset=ETH,percent={percent}");
        let jump = json(&[&[TREASURY, "--scenario", &scenario], &held[..]].concat());
        for field in ["after", "risks"] {
            assert_eq!(map["rows"][1][at][field], jump["scenarios"][1][field], "{percent} {field}");
        }
    }
    let bad =
        ["ETH:-40..0:5", "ETH:-40..0:5,stETH", "ETH:-40..0:0,stETH:0..1:1", "ETH:0..1:1000,BTC:0..1:1000"];
    for axes in bad {
        assert_eq!(code(&[TREASURY, "--heatmap", axes]), 2, "{axes}");
    }
    assert_eq!(code(&[&[TREASURY, "--heatmap", "ETH:-100..0:5,stETH/ETH:0..0:1"], &held[..]].concat()), 2);
    // An axis that moves nothing is no answer: unknown, derived, twice the same feed, held or mapped.
    let idle: [(&str, &[&str], &str); 6] = [
        ("ETH:-40..0:2,DOGE:-10..0:2", &[], "DOGE"),
        ("ETH:-40..0:2,wstETH:-10..0:2", &[], "wstETH"),
        ("ETH:-40..0:2,ETH:-10..0:2", &[], "ETH"),
        // One asset under two names: the later axis stands.
        ("ETH:-40..0:2,WETH:-10..0:2", &[], "ETH"),
        ("stETH/ETH:-10..0:2,ETH:-40..0:2", &["--hold", "ETH"], "ETH"),
        ("ETH:-40..0:2,stETH/ETH:-10..0:2", &["--map", "stETH=ETH"], "stETH"),
    ];
    for (axes, more, axis) in idle {
        let args = [&[TREASURY, "--heatmap", axes], &held[..], more].concat();
        let why = told(&args);
        assert_eq!(code(&args), 2, "{axes}: {why}");
        assert!(why.contains(&format!("the axis {axis}: found no price in ")), "{axes}: {why}");
    }
    // One that stands still claims nothing.
    assert_ne!(code(&[&[TREASURY, "--heatmap", "ETH:-10..0:2,DOGE:0..0:1"], &held[..]].concat()), 2);
}

/// The page is one file that asks for nothing, with pictures and the numbers behind them.
#[test]
fn a_page_stands_alone() {
    let (folder, file) = depth("page");
    let page = folder.join("out.html");
    let out = page.display().to_string();
    let args = [
        "examples/crash",
        "--scenario",
        "all-collateral:percent=-30",
        "--depth",
        &file,
        "--steps",
        "4",
        "--curve",
        "collateral",
        "--heatmap",
        "WETH:-40..0:3,USDC:-10..0:2",
        "--hold",
        "DAI",
        "--hold",
        "BOLD",
        "--report",
        &out,
    ];
    let told = told(&args);
    let html = std::fs::read_to_string(&page).unwrap_or_else(|why| panic!("{why}: {told}"));
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<b>nobody"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("&lt;b&gt;nobody"));
    let count = |what: &str| html.matches(what).count();
    assert!(count("<svg ") >= 6, "{} pictures", count("<svg "));
    assert_eq!(count("<svg "), count("<title id="));
    assert!(count("<summary>The numbers</summary>") >= count("<svg "));
    for words in ["bad debt if all act at once", "by assumption", "exact", "hash "] {
        assert!(html.contains(words), "{words}");
    }
    // Nothing of what is shown bounds what keepers may leave.
    for words in ["at least", "lower bound"] {
        assert!(!html.contains(words), "{words}");
    }
    let nowhere = folder.join("no/such/folder.html").display().to_string();
    assert_eq!(code(&[TREASURY, "--report", &nowhere]), 5);
    // Over an older page, and over nothing else.
    let over = ["examples/crash", "--scenario", "all-collateral:percent=-30", "--report"];
    let over = |file: &str| code(&[&over[..], &[file, "--hold", "DAI", "--hold", "BOLD"]].concat());
    assert_eq!(over(&out), 1);
    let before = std::fs::read(&file).expect("the curves");
    assert_eq!(over(&file), 2);
    assert_eq!(std::fs::read(&file).expect("the curves"), before);
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// A market that fails: what is there is lost, at most what is held.
#[test]
fn a_market_fails() {
    let args = [TREASURY, "--scenario", "venue-impaired:market=aave-core,pays=0.4"];
    let answer = json(&args);
    every_field_is_told(&answer);
    let losses = answer["scenarios"][1]["losses"].as_array().expect("losses");
    assert!(!losses.is_empty() && losses.iter().all(|loss| loss["market"] == "aave-core"), "{losses:?}");
    assert!(text(&args).contains("holders lose what is not paid"));
    assert_eq!(code(&[TREASURY, "--scenario", "venue-impaired:market=aave"]), 2);
    assert_eq!(code(&[TREASURY, "--scenario", "venue-impaired"]), 2);
}

/// Rows of a columnar file, with the book's hash in its notes; a folder that is not there is told.
#[test]
fn rows_are_written_as_parquet() {
    let (folder, _) = depth("rows");
    let file = folder.join("rows.parquet");
    let out = file.display().to_string();
    let args = [TREASURY, "--scenario", "2024-08-05-24h", "--parquet", &out];
    let answer = json(&args);
    let bytes = std::fs::read(&file).expect("the file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let holds = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
    let hash = answer["provenance"]["book_hash"].as_str().expect("a hash");
    for words in [hash, "health_before", "2024-08-05-24h", "acme-usdc"] {
        assert!(holds(words), "{words}");
    }
    assert_eq!(code(&[TREASURY, "--parquet", &folder.join("no/rows.parquet").display().to_string()]), 5);
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}

/// A page goes over an older page, over nothing, and into what is no file; over no other file.
#[test]
fn a_page_goes_over_no_other_file() {
    let (folder, _) = depth("page-over");
    let to = |path: &std::path::Path| {
        let path = path.display().to_string();
        stress(&[
            "examples/crash",
            "--scenario",
            "all-collateral:percent=-30",
            "--hold",
            "USDC",
            "--hold",
            "DAI",
            "--hold",
            "BOLD",
            "--report",
            &path,
        ])
    };
    let page = folder.join("page.html");
    std::fs::write(&page, "").expect("a file");
    for _ in 0..2 {
        let output = to(&page);
        assert_ne!(output.status.code(), Some(2), "{output:?}");
        assert!(std::fs::read_to_string(&page).expect("a page").starts_with("<!doctype html>"));
    }
    for other in ["mine", "<!doctype html>\nmine\n"] {
        std::fs::write(&page, other).expect("a file");
        let output = to(&page);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(std::fs::read_to_string(&page).expect("a file"), other);
    }
    let output = to(std::path::Path::new("/dev/null"));
    assert_ne!(output.status.code(), Some(2), "{output:?}");
}
