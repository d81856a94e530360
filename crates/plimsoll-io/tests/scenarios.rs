//! Scenarios as files: those that ship, and every way in which one can be wrong.

#![allow(clippy::expect_used)] // a scenario that cannot be read has failed the test

use plimsoll_core::{Decimal, FeedKind, How, Scenario, Target};
use plimsoll_io::scenario::{library, read};

/// Something for every parameter that has no default.
fn arguments(text: &str) -> Vec<(String, String)> {
    let asked = read("asked", text, &[]).parameters;
    let value = |name: &str| if name == "asset" { "WETH" } else { "0.9" };
    asked
        .into_iter()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| (parameter.name.clone(), value(&parameter.name).to_string()))
        .collect()
}

fn shipped(name: &str) -> Scenario {
    let found = library().iter().find(|shipped| shipped.name == name).expect("it ships");
    let opened = read(name, found.text, &arguments(found.text));
    opened.scenario.unwrap_or_else(|| panic!("{name}: {}", opened.faults.render(false)))
}

#[test]
fn every_shipped_scenario_is_sound_and_says_its_name_and_sources() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(library().len(), files, "each file of the folder ships");
    for one in library() {
        let scenario = shipped(one.name);
        assert_eq!(scenario.name, one.name);
        let says = !scenario.shocks.is_empty() || !scenario.failures.is_empty();
        assert!(!scenario.sources.is_empty() && says, "{}", one.name);
    }
}

fn how(scenario: &Scenario, asset: &str, kind: FeedKind) -> Option<How> {
    let about = |target: &Target| match target {
        Target::Assets { assets, kinds, .. } => assets.iter().any(|it| it == asset) && kinds.contains(&kind),
        _ => false,
    };
    scenario.shocks.iter().filter(|shock| about(&shock.target)).map(|shock| shock.how).next_back()
}

/// Percent as the events' figures were written down apart from the files.
#[test]
fn figures_are_those_of_the_events() {
    let figures = [
        ("2020-03-12-24h", "0.535", "0.522"),
        ("2020-03-12-peak", "0.474", "0.423"),
        ("2021-05-19-24h", "0.802", "0.665"),
        ("2021-05-19-peak", "0.655", "0.485"),
        ("2022-05-luna-24h", "0.863", "0.771"),
        ("2022-05-luna-peak", "0.739", "0.666"),
        ("2022-06-3ac-24h", "0.809", "0.79"),
        ("2022-06-3ac-peak", "0.58", "0.489"),
        ("2022-11-ftx-24h", "0.839", "0.76"),
        ("2022-11-ftx-peak", "0.726", "0.644"),
        ("2024-08-05-24h", "0.816", "0.762"),
        ("2024-08-05-peak", "0.788", "0.699"),
        ("2025-10-10-peak", "0.824", "0.758"),
    ];
    let number = |text: &str| text.parse::<Decimal>().expect("a number");
    for (name, btc, eth) in figures {
        let scenario = shipped(name);
        for (asset, factor) in [("BTC", btc), ("WBTC", btc), ("ETH", eth), ("WETH", eth)] {
            for kind in [FeedKind::Oracle, FeedKind::Market] {
                assert_eq!(how(&scenario, asset, kind), Some(How::Factor(number(factor))), "{name} {asset}");
            }
            assert_eq!(how(&scenario, asset, FeedKind::Redemption), None, "{name} {asset}");
        }
    }
    let values = [
        ("2022-06-3ac-24h", "stETH", FeedKind::Oracle, "0.939"),
        ("2023-03-usdc", "USDC", FeedKind::Oracle, "0.8748"),
        ("2025-10-10-venue", "USDe", FeedKind::Market, "0.65"),
        ("2025-10-10-peak", "USDe", FeedKind::Market, "0.9999"),
        ("2025-11-xusd", "xUSD", FeedKind::Oracle, "0.26"),
    ];
    for (name, asset, kind, value) in values {
        assert_eq!(how(&shipped(name), asset, kind), Some(How::Value(number(value))), "{name} {asset}");
    }
    assert_eq!(how(&shipped("2025-11-xusd-blind"), "xUSD", FeedKind::Oracle), Some(How::Frozen));
}

const SOUND: &str = r#"format = 1
name = "x"
title = "X"
sources = ["nobody"]
hold = ["USDC"]

[[parameter]]
name = "by"
about = "how much"
default = "-20"

[[shock]]
assets = ["ETH", "WETH"]
moves = ["oracle", "market"]
percent = "$by"

[[shock]]
prices = ["stETH/ETH"]
value = 0.94

[[shock]]
collateral = true
moves = ["oracle"]
wrong_by = "1.1"
"#;

#[test]
fn a_parameter_stands_where_its_name_stood() {
    let by = |by: &str| {
        let arguments = [("by".to_string(), by.to_string())];
        let arguments = if by.is_empty() { &[][..] } else { &arguments[..] };
        let opened = read("x.toml", SOUND, arguments);
        assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
        opened.scenario.expect("sound").shocks[0].how
    };
    assert_eq!(by(""), How::Factor("0.8".parse().expect("a number")));
    assert_eq!(by("-47.8"), How::Factor("0.522".parse().expect("a number")));
    assert_eq!(by("5"), How::Factor("1.05".parse().expect("a number")));
}

#[test]
fn every_fault_is_told_where_it_stands() {
    let cases = [
        ("format = 1", "format = 2", "PL0512", 1, None),
        ("title = \"X\"", "titel = \"X\"", "PL0509", 3, Some("title")),
        ("moves = [\"oracle\", \"market\"]\n", "", "PL0510", 13, None),
        ("\"market\"]", "\"markt\"]", "PL0520", 14, Some("market")),
        ("\"market\"]", "7]", "PL0511", 14, None),
        ("percent = \"$by\"", "percent = \"-100\"", "PL0594", 15, None),
        ("percent = \"$by\"", "factor = \"0\"", "PL0594", 15, None),
        ("percent = \"$by\"", "factor = \"half\"", "PL0513", 15, None),
        ("percent = \"$by\"", "factor = \"0.5\"\nfrozen = true", "PL0523", 16, None),
        ("percent = \"$by\"", "", "PL0510", 12, None),
        ("percent = \"$by\"", "frozen = false", "PL0520", 15, None),
        ("percent = \"$by\"", "factor = \"0.0000000000000000001\"", "PL0515", 15, None),
        ("value = 0.94", "value = 0.94\nmoves = [\"oracle\"]", "PL0523", 20, None),
        ("prices = [\"stETH/ETH\"]", "prices = []", "PL0515", 18, None),
        ("default = \"-20\"", "", "PL0593", 8, None),
        ("hold = [\"USDC\"]", "hold = [\"\"]", "PL0522", 5, None),
        ("collateral = true", "collateral = true\nin = [\"USD\"]", "PL0523", 23, None),
        ("wrong_by", "wrong", "PL0509", 24, Some("wrong_by")),
        ("percent = \"$by\"", "percent = \"$by\"\nliquidity = \"1.01\"", "PL0515", 16, None),
        ("percent = \"$by\"", "percent = \"$by\"\nliquidity = \"-1\"", "PL0516", 16, None),
        ("value = 0.94", "value = 0.94\nliquidity = 1", "PL0523", 20, None),
        ("hold = [\"USDC\"]", "liquidity = \"all\"", "PL0513", 5, None),
        ("wrong_by = \"1.1\"", "wrong_by = \"1.1\"\n[[failure]]\nmarkets = [\"m\"]", "PL0510", 25, None),
        (
            "wrong_by = \"1.1\"",
            "wrong_by = \"1.1\"\n[[failure]]\nmarkets = [\"m\"]\npays = 2",
            "PL0515",
            27,
            None,
        ),
        ("title = \"X\"", "title = \"\\u001b[2J\"", "PL0504", 3, None),
        ("[\"nobody\"]", "[\"no\\u200bbody\"]", "PL0504", 4, None),
    ];
    for (from, to, code, line, near) in cases {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{from}");
        let opened = read("x.toml", &text, &[]);
        assert_eq!(opened.scenario, None, "{to}");
        let told = |fault: &&plimsoll_io::fault::Fault| fault.code.name() == code;
        let fault = opened.faults.list.iter().find(told);
        let fault = fault.unwrap_or_else(|| panic!("{to}: {}", opened.faults.render(false)));
        assert_eq!(fault.place.map(|place| place.line), Some(line), "{to}: {fault}");
        if let Some(near) = near {
            assert!(fault.help.as_ref().is_some_and(|help| help.contains(near)), "{to}: {fault}");
        }
    }
    let opened = read("x.toml", SOUND, &[("bye".into(), "1".into())]);
    assert_eq!(
        opened.faults.list[0].to_string(),
        "x.toml: PL0593: found \"bye\", expected a parameter: by (did you mean `by`?)"
    );
}

/// Not as missing and as unknown too; of two shocks each has its own.
#[test]
fn a_misspelt_field_is_told_once() {
    for (from, to) in [
        ("title", "titel"),
        ("name = \"x\"", "nmae = \"x\""),
        ("moves = [\"oracle\", ", "mvoes = [\"oracle\", "),
        ("wrong_by", "wrong_yb"),
        ("assets", "asets"),
    ] {
        let opened = read("x.toml", &SOUND.replacen(from, to, 1), &[]);
        assert_eq!(opened.faults.count(), 1, "{to}: {}", opened.faults.render(false));
        assert_eq!(opened.faults.list[0].code.name(), "PL0509", "{to}");
    }
    let both = SOUND.replacen("moves = [\"oracle\", \"market\"]\n", "", 1).replacen("moves", "mvoes", 1);
    let opened = read("x.toml", &both, &[]);
    let codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
    assert_eq!(codes, ["PL0510", "PL0509"], "{}", opened.faults.render(false));
}
