//! `plimsoll audit`, `log` and `selfcheck`: what was recorded is proven, exported, explained, backed up and answered for.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod desk;

use desk::{Desk, root};
use serde_json::{Value, json};

/// The desk after the session of docs/engine.md.
fn crashed(name: &str) -> Desk {
    let desk = Desk::new(name);
    let crash = std::fs::read_to_string(root().join("examples/engine/crash.jsonl")).expect("the session");
    desk.run(&crash, true);
    desk
}

fn text(desk: &Desk, args: &[&str]) -> String {
    let output = desk.plimsoll(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json_of(desk: &Desk, args: &[&str]) -> Value {
    serde_json::from_str(&text(desk, args)).expect("JSON")
}

#[test]
fn an_export_of_a_liquidation_has_its_grounds() {
    let desk = crashed("export");
    let records = desk.export();
    let fields = [
        "record",
        "chain",
        "at",
        "offset_ns",
        "kind",
        "actor",
        "key",
        "client_id",
        "program",
        "config_hash",
        "command",
        "done",
        "events",
    ];
    for record in &records[1..] {
        for field in fields {
            assert!(record.get(field).is_some(), "{field}: {record}");
        }
    }
    assert_eq!(records[0]["kind"], "founding");
    assert_eq!(records[0]["founding"]["config"]["people"], json!(["ann", "bob"]));
    let intended = records.iter().find(|record| record["client_id"] == "cut 1").expect("the intent");
    let event = intended["events"].as_array().expect("events").iter().find(|one| one["event"] == "intended");
    let event = event.expect("the intent");
    // At 79.90: 390 x 79.90 - 30,000 counts, 15 x 79.90 is asked.
    let grounds = &event["grounds"];
    let number =
        |text: &Value| text.as_str().expect("a text").trim_end_matches('0').trim_end_matches('.').to_string();
    assert_eq!([number(&grounds["backing"]), number(&grounds["requirement"])], ["1161", "1198.5"]);
    assert_eq!((&grounds["healthy"], &event["threshold"]), (&json!(false), &json!("1")));
    let price = grounds["prices"].as_array().expect("prices").iter().find(|price| price["feed"] == "SOL/USD");
    let price = price.expect("the price of SOL");
    assert_eq!((&price["price"], &price["state"]), (&json!("79.9"), &json!("fresh")));
    assert_eq!(price["sources"][0]["source"], "example");
    assert_eq!(price["sources"][0]["observed"], "2026-06-01T12:01:10Z");
    assert_eq!(event["action"], json!({"what": "reduce", "instrument": "SOL-PERP", "amount": "300"}));
    assert_eq!((&event["act"]["strategy"], &event["act"]["asset"]), (&json!("reduce"), &json!("SOL-PERP")));
    assert_eq!((&event["act"]["price"], &event["act"]["reference"]), (&json!("79.85"), &json!("79.9")));
    let sent = records.iter().find(|record| record["client_id"] == "sent 1").expect("the sending");
    assert_eq!(sent["command"], json!({"intent": 0, "external_id": "order 7"}));
    let done = records.iter().find(|record| record["client_id"] == "done 1").expect("the end");
    let resolved = done["events"].as_array().expect("events").iter().find(|one| one["event"] == "resolved");
    assert_eq!(resolved.expect("the end")["outcome"], "carried out");
}

#[test]
fn an_export_ends_where_it_is_asked_to() {
    let desk = crashed("as-of");
    let records = desk.export();
    let until =
        |as_of: &str| text(&desk, &["audit", "export", &desk.path("data"), "--as-of", as_of]).lines().count();
    assert_eq!(until("3"), 4);
    let before =
        records.iter().filter(|record| record["at"].as_str() <= Some("2026-06-01T12:00:20Z")).count();
    assert_eq!(until("2026-06-01T12:00:20Z"), before);
    assert!(before < records.len());
    let output = desk.plimsoll(&["audit", "export", &desk.path("data"), "--as-of", "noon"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_decision_is_explained_from_the_log_alone() {
    let desk = crashed("explain");
    let records = desk.export();
    let number = |id: &str| {
        let record = records.iter().find(|record| record["client_id"] == id).expect("a record");
        record["record"].to_string()
    };
    let said = |id: &str| text(&desk, &["audit", "explain", &desk.path("data"), &number(id)]);
    let intent = said("cut 1");
    for words in [
        "asked by keeper, as cut 1",
        "reduce 300 SOL-PERP of desk:joint, by strategy reduce",
        "desk:joint: 1161 counted for it, 1198.5 was asked",
        "the venue's own comparison did not hold",
        "SOL/USD 79.9, fresh, heard from example which said 79.9 at 2026-06-01T12:01:10Z",
        "it was done",
        "intent 0: reduce 300 SOL-PERP of desk:joint",
        "what followed",
        "intent 0 was sent as order 7",
        "intent 0 was carried out",
    ] {
        assert!(intent.contains(words), "{words}\n{intent}");
    }
    let called = said("sol 2");
    // Called until an hour later: 1.1 x 15 x 80.20 - (390 x 80.20 - 30,000) = 45.3 is missing.
    let words = "desk:joint is called until 2026-06-01T13:00:20Z: 45.3 is missing";
    assert!(called.contains(words) && called.contains("compared with 1.1"), "{called}");
    assert!(text(&desk, &["audit", "explain", &desk.path("data"), "0"]).contains("cross-margin example"));
    let output = desk.plimsoll(&["audit", "explain", &desk.path("data"), "9999"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_verified_log_is_whole_and_a_changed_one_is_told() {
    let desk = Desk::new("verify");
    let crash = std::fs::read_to_string(root().join("examples/engine/crash.jsonl")).expect("the session");
    let (commands, data) = (desk.write("crash.jsonl", &crash), desk.path("data"));
    let config = "examples/engine/desk.toml";
    desk.plimsoll(&[
        "run",
        "--data",
        &data,
        "--at",
        desk::START,
        "--book",
        "examples/margin",
        "--config",
        config,
        &commands,
        "--snapshot-every",
        "1",
    ]);
    let report = json_of(&desk, &["audit", "verify", &data, "--json"]);
    assert_eq!(report["records"], desk.export().len());
    assert!(report["snapshots"].as_u64() > Some(0), "{report}");
    assert_eq!(report["snapshots"], report["snapshots_agree"]);
    assert_eq!(report["chain"], desk.export().last().expect("a record")["chain"]);
    // A snapshot that is another state is told.
    let files = |kind: &str| {
        let names = std::fs::read_dir(desk.folder.join("data")).expect("the folder");
        let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").path()).collect();
        names.retain(|path| path.extension().is_some_and(|found| found == kind));
        names.sort();
        names
    };
    let snapshot = files("snapshot").remove(0);
    let sound = std::fs::read(&snapshot).expect("bytes");
    let mut changed = sound.clone();
    changed[200] ^= 1;
    std::fs::write(&snapshot, &changed).expect("written");
    assert_eq!(desk.plimsoll(&["audit", "verify", &data]).status.code(), Some(3));
    std::fs::write(&snapshot, &sound).expect("written");
    // So is a record that is not what it was, by all that read it.
    let log = files("log").remove(0);
    let sound = std::fs::read(&log).expect("bytes");
    let mut changed = sound.clone();
    changed[sound.len() / 2] ^= 1;
    std::fs::write(&log, &changed).expect("written");
    let to = desk.path("never");
    for args in [
        &["audit", "verify", &data][..],
        &["audit", "export", &data],
        &["audit", "explain", &data, "1"],
        &["log", "verify", &data],
        &["log", "backup", &data, "--to", &to],
        &["selfcheck", &data],
        &["run", "--data", &data],
    ] {
        let output = desk.plimsoll(args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {told}");
        assert!(told.contains("record "), "{args:?}: {told}");
    }
    assert!(!desk.folder.join("never").exists());
    let nothing = desk.path("nothing");
    for args in [&["audit", "verify", &nothing][..], &["log", "verify", &nothing], &["selfcheck", &nothing]] {
        assert_eq!(desk.plimsoll(args).status.code(), Some(3), "{args:?}");
        assert!(!desk.folder.join("nothing").exists(), "{args:?} made a folder");
    }
}

#[test]
fn a_backup_is_proven_and_restored_and_noted() {
    let desk = crashed("backup");
    let [data, copy, back] = ["data", "copy", "back"].map(|name| desk.path(name));
    let never = json_of(&desk, &["selfcheck", &data, "--json"]);
    assert_eq!((&never["last_backup"], &never["last_restore"]), (&Value::Null, &Value::Null));
    let whole = text(&desk, &["log", "verify", &data]);
    assert_eq!(text(&desk, &["log", "backup", &data, "--to", &copy]), whole);
    assert_eq!(text(&desk, &["log", "restore", &copy, "--to", &back]), whole);
    assert!(!desk.folder.join("copy.unfinished").exists());
    let hash = |data: &str| json_of(&desk, &["audit", "verify", data, "--json"])["state_hash"].clone();
    assert_eq!(hash(&data), hash(&back));
    for args in [&["log", "backup", &data, "--to", &copy][..], &["log", "restore", &copy, "--to", &data]] {
        assert_eq!(desk.plimsoll(args).status.code(), Some(3), "nothing is overwritten: {args:?}");
    }
    // The engine goes on from what was restored.
    let output = desk.plimsoll(&["run", "--data", &back, "--at", "2026-06-01T13:00:00Z", "/dev/null"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("opened"));
    let noted = json_of(&desk, &["selfcheck", &data, "--json"]);
    assert_eq!(noted["last_backup"]["chain"], noted["last_restore"]["chain"]);
    assert!(noted["last_restore"]["to"].as_str().is_some_and(|to| to.ends_with("back")), "{noted}");
}

#[test]
fn a_report_says_how_an_engine_stands() {
    let desk = crashed("selfcheck");
    let data = desk.path("data");
    let commands = [
        json!({"do": "kill", "id": "k", "by": "ann", "at": "2026-06-01T12:02:00Z", "scope": "all", "reason": "a drill"}),
        json!({"do": "release", "id": "g", "by": "bob", "at": "2026-06-01T12:03:00Z", "scope": "all"}),
        json!({"do": "kill", "id": "s", "by": "ann", "at": "2026-06-01T12:04:00Z", "scope": "asset SOL", "reason": "thin"}),
        json!({"do": "propose", "id": "p", "by": "ann", "at": "2026-06-01T12:05:00Z", "collar": "0.02"}),
    ];
    desk.run(&commands.map(|command| format!("{command}\n")).concat(), false);
    let report = json_of(&desk, &["selfcheck", &data, "--json"]);
    let records = desk.export();
    assert_eq!(report["config_hash"], records.last().expect("a record")["config_hash"]);
    assert_eq!(report["config"]["limits"]["action"], "50000");
    assert_eq!(report["config"]["policies"][0]["call"], "1.1");
    assert_eq!(report["config"]["policies"][0]["grace_s"], "3600");
    assert_eq!(
        (&report["last_kill"]["scope"], &report["last_kill"]["by"]),
        (&json!("asset SOL"), &json!("ann"))
    );
    assert_eq!(
        (&report["last_release"]["by"], &report["last_release"]["at"]),
        (&json!("bob"), &json!("2026-06-01T12:03:00Z"))
    );
    assert_eq!(report["kills"].as_array().expect("kills").len(), 1);
    assert_eq!(report["proposals"][0]["by"], "ann");
    assert_eq!(report["clock"]["records_with_offset"], 0);
    let feed = report["feeds"].as_array().expect("feeds").iter().find(|feed| feed["feed"] == "SOL/USD");
    assert_eq!(feed.expect("the feed")["rule"]["floor"], "1");
    let said = text(&desk, &["selfcheck", &data]);
    for words in [
        "people              ann, bob",
        "warned below 1.2, called below 1.1, 3600 s, then liquidatable",
        "how far it is off was never measured",
        "last backup         never",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

/// Every control names the tests that prove it, and they exist.
#[test]
fn every_control_has_its_test() {
    let desk = Desk::found("controls");
    let report = json_of(&desk, &["selfcheck", &desk.path("data"), "--json"]);
    let mut tests = String::new();
    for package in ["plimsoll-app", "plimsoll-engine"] {
        for entry in std::fs::read_dir(root().join("crates").join(package).join("tests")).expect("tests") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|kind| kind == "rs") {
                tests.push_str(&std::fs::read_to_string(path).expect("a source"));
            }
        }
    }
    let controls = report["controls"].as_array().expect("controls");
    assert!(controls.len() >= 12);
    for control in controls {
        let named = control["tests"].as_array().expect("tests");
        assert!(!named.is_empty() || control["missing"].is_string(), "{control}");
        for test in named {
            let test = test.as_str().expect("a name");
            assert!(tests.contains(&format!("#[test]\nfn {test}()")), "{test} of {}", control["control"]);
        }
    }
}

/// What the first program of an engine wrote (`tests/fixtures/engine-1`, never written again: a day of `lines.jsonl` on examples/margin)
/// opens to the state that it was, from its snapshots and from its first record, and goes on.
#[test]
fn p85_a_log_of_the_first_program_opens() {
    let desk = Desk::new("first");
    let from = desk::root().join("crates/plimsoll-app/tests/fixtures/engine-1");
    let data = desk.folder.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    for file in std::fs::read_dir(&from).expect("the fixture").flatten() {
        std::fs::copy(file.path(), data.join(file.file_name())).expect("copied");
    }
    let expected = std::fs::read_to_string(from.join("state.hash")).expect("the hash");
    let verified = |desk: &Desk| json_of(desk, &["audit", "verify", &desk.path("data"), "--json"]);
    let report = verified(&desk);
    assert_eq!(report["state_hash"], expected.trim());
    assert_eq!((&report["records"], &report["snapshots_agree"]), (&json!(25), &json!(2)));
    let exported = desk.export();
    assert_eq!(exported.len(), 25);
    // It goes on from its snapshot, and from the log alone where that is gone.
    for (snapshot, replayed) in [(true, "1 record replayed"), (false, "25 records replayed")] {
        if !snapshot {
            for file in ["00000000000000000010.snapshot", "00000000000000000024.snapshot"] {
                std::fs::remove_file(data.join(file)).expect("removed");
            }
            for file in std::fs::read_dir(&from).expect("the fixture").flatten() {
                if file.path().extension().is_some_and(|kind| kind == "log") {
                    std::fs::copy(file.path(), data.join(file.file_name())).expect("copied");
                }
            }
        }
        let (_, told, _) = desk.run("", false);
        assert!(told.contains(replayed), "{told}");
    }
}
