//! `plimsoll run` over pipes: what is answered is durable, what is faulty is told, and a killed engine goes on where it was.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod desk;

use desk::{Desk, Running, START, answers, root};
use serde_json::{Value, json};

fn line(fields: &Value) -> String {
    format!("{fields}\n")
}

fn quote(id: &str, at: &str, price: &str) -> String {
    line(&json!({
        "do": "quote", "id": id, "by": "prices", "at": at, "feed": "SOL/USD", "price": price, "source": "example",
    }))
}

/// The session of docs/engine.md: 390 P - 30,000 stands against 15 P, so that joint is called below 80.321 and liquidatable below 80
/// (docs/margin.md).
#[test]
fn a_crash_is_called_acted_on_and_resolved() {
    let desk = Desk::new("crash");
    let crash = std::fs::read_to_string(root().join("examples/engine/crash.jsonl")).expect("the session");
    let (lines, told, code) = desk.run(&crash, true);
    let all = answers(&lines);
    assert_eq!(all.len(), 6, "{lines:#?}\n{told}");
    assert!(all.iter().all(|answer| answer["done"] == true), "{all:#?}");
    assert_eq!(all[3]["intent"], 0);
    let alerts = |what: &str| {
        let of = |line: &&Value| line["account"] == "desk:joint" && line["what"] == what;
        lines.iter().filter(of).count()
    };
    assert_eq!([alerts("warned"), alerts("called"), alerts("below the line"), alerts("liquidated")], [1; 4]);
    // Two accounts of the example are below their lines from the beginning.
    assert_eq!(code, 1, "{told}");
    // The lines that the page shows.
    let page = std::fs::read_to_string(root().join("docs/engine.md")).expect("the page");
    let shown = page.split_once("```json\n").and_then(|(_, rest)| rest.split_once("```")).expect("a block").0;
    for line in desk::parsed(shown.as_bytes()) {
        assert!(lines.contains(&line), "{line} is not printed: {lines:#?}");
    }
    // Sent again under the same ids, nothing is done twice.
    let before = desk.export().len();
    let (again, _, _) = desk.run(&crash, false);
    for (first, second) in all.iter().zip(answers(&again)) {
        assert_eq!((&first["record"], &first["id"]), (&second["record"], &second["id"]));
        assert_eq!(second["again"], true);
    }
    // But that the engine was started.
    assert_eq!(desk.export().len(), before + 1);
}

#[test]
fn a_bad_line_is_told_by_its_place_and_the_rest_goes_on() {
    let desk = Desk::new("bad");
    let good = quote("good", START, "99");
    let cases: [(&str, &str, &str); 17] = [
        (r#"{"do": "qoute", "id": "1", "by": "a"}"#, "PL0520", "quote"),
        (r#"{"do": "tick", "id": "1", "by": "a", "feeed": "x"}"#, "PL0509", "known are"),
        (
            r#"{"do": "quote", "id": "1", "by": "a", "feed": "SOL/USD", "prize": "1", "source": "b"}"#,
            "PL0509",
            "price",
        ),
        (
            r#"{"do": "quote", "id": "1", "by": "a", "feed": "SOL/USD", "price": 80.5, "source": "b"}"#,
            "PL0511",
            "texts",
        ),
        (
            r#"{"do": "quote", "id": "1", "by": "a", "feed": "SOL/USD", "price": 80, "source": "b"}"#,
            "PL0511",
            "texts",
        ),
        (
            r#"{"do": "quote", "id": "1", "by": "a", "feed": "SOL/USDC", "price": "80", "source": "b"}"#,
            "PL0541",
            "SOL/USD",
        ),
        (r#"{"do": "tick", "by": "a"}"#, "PL0510", ""),
        (r#"{"do": "tick", "id": "1", "by": "a", "at": "1685620800"}"#, "PL0518", ""),
        (r#"{"do": "tick", "id": "1", "id": "2", "by": "a"}"#, "PL0508", ""),
        (r#"{"do": "tick", "id": "1", "by": "a""#, "PL0506", ""),
        (r#"{"do": "positions", "id": "1", "by": "a", "market": "dsek", "rows": []}"#, "PL0552", "desk"),
        (
            r#"{"do": "positions", "id": "1", "by": "a", "market": "desk", "rows": [{"account": "x", "kind": "supply", "asset": "SOLX", "quantity": "1", "unit": "token"}]}"#,
            "PL0553",
            "SOL",
        ),
        (
            r#"{"do": "positions", "id": "1", "by": "a", "market": "desk", "rows": [{"account": "x", "kind": "supply", "asset": "SOL", "quantity": 1.5, "unit": "token"}]}"#,
            "PL0511",
            "texts",
        ),
        (
            r#"{"do": "act", "id": "1", "by": "a", "market": "desk", "steps": [{"account": "jiont", "deposit": "1 SOL"}]}"#,
            "PL0560",
            "joint",
        ),
        (
            r#"{"do": "act", "id": "1", "by": "a", "market": "desk", "steps": [{"account": "joint", "deposit": "1 SOLX"}]}"#,
            "",
            "SOL",
        ),
        (r#"{"do": "cells", "id": "1", "by": "a", "set": ["desk/SOL/asset_wait=1"]}"#, "", "asset_weight"),
        (r#"{"do": "kill", "id": "1", "by": "a", "scope": "market dsek", "reason": "x"}"#, "PL0520", ""),
    ];
    let mut commands = good;
    for (text, _, _) in &cases {
        commands.push_str(text);
        commands.push('\n');
    }
    commands.push_str(&quote("last", START, "98"));
    let (lines, told, code) = desk.run(&commands, true);
    let all = answers(&lines);
    assert_eq!(all.len(), cases.len() + 2, "{told}");
    assert_eq!(code, 3);
    for (at, (answer, (text, code, help))) in (2..).zip(all[1..].iter().zip(&cases)) {
        assert_eq!((&answer["line"], &answer["done"]), (&json!(at), &json!(false)), "{text}");
        assert_eq!(answer["record"], Value::Null, "{text}");
        if code.is_empty() {
            assert!(answer["faults"].is_null() && answer["why"].is_string(), "{answer}");
        } else {
            let faults = answer["faults"].as_array().expect("faults");
            let found = faults.iter().find(|fault| fault["code"] == *code);
            let found = found.unwrap_or_else(|| panic!("{text}: {answer:#}"));
            assert_eq!(found["line"], at, "{text}");
            assert!(found["column"].as_u64().is_some_and(|column| column > 0), "{text}");
        }
        assert!(answer.to_string().contains(help), "{text}: {answer:#}");
    }
    assert_eq!(all[cases.len() + 1]["done"], true);
}

/// What the engine refuses is recorded, with its code.
#[test]
fn what_is_refused_is_recorded_with_its_reason() {
    let desk = Desk::new("refused");
    let commands = [
        quote("zero", START, "0"),
        line(&json!({"do": "intend", "id": "early", "by": "k", "market": "desk", "account": "joint",
            "strategy": "s", "reduce": "1 SOL-PERP"})),
        line(&json!({"do": "release", "id": "nobody", "by": "prices", "breaker": true})),
        line(&json!({"do": "tick", "id": "back", "by": "k", "at": "2026-06-01T11:00:00Z"})),
        line(&json!({"do": "act", "id": "too much", "by": "joint", "market": "desk",
            "steps": [{"account": "joint", "withdraw": "100 SOL"}]})),
        line(
            &json!({"do": "kill", "id": "stop", "by": "prices", "scope": "market desk", "reason": "a drill"}),
        ),
        line(&json!({"do": "release", "id": "go", "by": "ann", "scope": "market desk"})),
    ];
    let (lines, told, _) = desk.run(&commands.concat(), true);
    let all = answers(&lines);
    let codes: Vec<&str> = all.iter().map(|answer| answer["code"].as_str().unwrap_or("done")).collect();
    assert_eq!(codes[..4], ["PL0603", "PL0607", "PL0615", "PL0601"], "{told}");
    // What an owner may not do is his market's own refusal.
    assert!(codes[4].starts_with("PL01") || codes[4] == "PL0605", "{}", codes[4]);
    assert_eq!(codes[5..], ["done", "done"]);
    let records = desk.export();
    for answer in all {
        let record = &records[answer["record"].as_u64().expect("a number") as usize];
        assert_eq!((&record["code"], &record["client_id"]), (&answer["code"], &answer["id"]));
    }
}

#[test]
fn a_change_takes_two_people() {
    let desk = Desk::new("two");
    let propose = |id: &str, by: &str, what: Value| {
        let mut fields = json!({"do": "propose", "id": id, "by": by});
        fields.as_object_mut().expect("fields").extend(what.as_object().expect("a part").clone());
        line(&fields)
    };
    let weight = |asset: &str| {
        ["initial_asset_weight", "asset_weight"].map(|weight| format!("desk/{asset}/{weight}=1"))
    };
    let weights: Vec<String> = ["SOL", "ETH", "BTC"].iter().flat_map(|asset| weight(asset)).collect();
    let commands = [
        propose("p0", "strategy", json!({"collar": "0.1"})),
        propose("p1", "ann", json!({"collar": "0.1"})),
        line(&json!({"do": "approve", "id": "a0", "by": "ann", "proposal": 0})),
        line(&json!({"do": "approve", "id": "a1", "by": "bob", "proposal": 0})),
        propose("p2", "ann", json!({"rules": weights})),
        propose(
            "p3",
            "ann",
            json!({"policy": {"market": "desk", "warning": "1.5", "call": "1.05", "grace": "2h", "escalates": false}}),
        ),
        line(&json!({"do": "reject", "id": "r3", "by": "bob", "proposal": 1})),
        propose(
            "p4",
            "ann",
            json!({"limits": {"action": "1", "account": "1", "strategy": "1", "all": "1", "actions": 1, "of_depth": "0.1"}}),
        ),
        propose("p5", "ann", json!({"feed": {"feed": "SOL/USD", "max_age": "1m"}})),
        propose("p6", "ann", json!({"depth": {"asset": "BTC", "value": "1000000.5"}})),
        propose("p7", "ann", json!({"people": ["ann", "bob", "cem"]})),
    ];
    let (lines, told, _) = desk.run(&commands.concat(), true);
    let all = answers(&lines);
    assert_eq!((&all[0]["code"], &all[2]["code"]), (&json!("PL0615"), &json!("PL0616")), "{told}");
    assert_eq!((&all[1]["proposal"], &all[3]["done"]), (&json!(0), &json!(true)));
    assert_eq!(all[1]["impact"]["below_line"]["accounts"], 0);
    // Weights of a millionth would take more of the desk below its line than the breaker lets.
    assert_eq!(all[4]["code"], "PL0618", "{}", all[4]);
    assert!(all[4]["impact"]["below_line"]["accounts"].as_u64().is_some_and(|accounts| accounts > 0));
    assert!(all[5..].iter().all(|answer| answer["done"] == true), "{all:#?}");
    let records = desk.export();
    let changed = records.iter().flat_map(|record| record["events"].as_array().into_iter().flatten());
    let changed: Vec<&Value> = changed.filter(|event| event["event"] == "changed").collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["change"], json!({"of": "collar", "collar": "0.1"}));
}

/// Accounts come, change, keep what is not said again, and go.
#[test]
fn accounts_are_seen_as_rows() {
    let desk = Desk::new("rows");
    let row = |account: &str, quantity: &str| json!({"account": account, "kind": "supply", "asset": "USDC", "quantity": quantity, "unit": "token"});
    let positions = |id: &str, rows: Value, more: Value| {
        let mut fields = json!({"do": "positions", "id": id, "by": "chain", "market": "desk", "rows": rows});
        fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        line(&fields)
    };
    let mut owned = row("new", "10.5");
    owned["owner"] = json!("carry");
    let small = json!({"market": "desk", "group": "small", "warning": "1.3", "call": "1.2", "grace": "2h", "escalates": false});
    let commands = [
        positions("0", json!([owned]), json!({"group": "smal"})),
        line(&json!({"do": "propose", "id": "p", "by": "ann", "policy": small})),
        line(&json!({"do": "approve", "id": "a", "by": "bob", "proposal": 0})),
        positions("1", json!([owned]), json!({"group": "small"})),
        positions("2", json!([row("new", "7.25")]), json!({})),
        positions("3", json!([]), json!({"gone": ["idle"]})),
        line(&json!({"do": "act", "id": "4", "by": "new", "market": "desk",
            "steps": [{"account": "new", "withdraw": "0.25 USDC"}, {"account": "new", "deposit": "1 USDC"}]})),
    ];
    let (lines, told, _) = desk.run(&commands.concat(), true);
    let all = answers(&lines);
    assert_eq!(all[0]["code"], "PL0620", "no policy is for such a group: {}", all[0]);
    assert!(all[1..].iter().all(|answer| answer["done"] == true), "{lines:#?}\n{told}");
    let records = desk.export();
    let of = |id: &str| records.iter().find(|record| record["client_id"] == id).expect("a record");
    assert_eq!(of("2")["command"]["accounts"][0]["owner"], "carry");
    assert_eq!(of("2")["command"]["accounts"][0]["group"], "small");
    // What is seen stands in the command, what was done in the events.
    let held = |id: &str| {
        let events = of(id)["events"].as_array().expect("events");
        let account = events.iter().find(|event| event["event"] == "account");
        let account = account.unwrap_or(&of(id)["command"]["accounts"][0]);
        account["holds"].as_object().expect("holdings").values().cloned().collect::<Vec<_>>()
    };
    assert_eq!(held("2"), ["7.25"]);
    assert!(held("3").is_empty());
    assert_eq!(held("4"), ["8"]);
}

/// Nothing that was answered is lost and nothing is done twice, wherever the engine is killed.
#[test]
fn a_killed_engine_goes_on_where_it_was() {
    let desk = Desk::found("killed");
    let data = desk.path("data");
    let args = ["run", "--data", &data, "--at", START, "--snapshot-every", "40"];
    // One after another, so that some are answered and some are not when it ends.
    let command = |number: u32| {
        let (seconds, cents) = (number / 10, 9000 + (number * 7) % 900);
        let at = format!("2026-06-01T12:{:02}:{:02}.{}Z", seconds / 60, seconds % 60, number % 10);
        quote(&format!("q{number}"), &at.replace(".0Z", "Z"), &format!("{}.{:02}", cents / 100, cents % 100))
    };
    let (mut records, total) = (Vec::<(String, u64)>::new(), 300);
    let mut next = 0;
    for kill in 0..12_u64 {
        let mut running = Running::start(&args);
        let burst = 20 + kill as u32 * 3;
        let mut sent = next;
        while sent < total.min(next + burst) {
            running.send(&command(sent));
            sent += 1;
        }
        // Some answers are read, and then it is killed in the middle of the rest.
        for _ in 0..(kill * 5) % 17 + 1 {
            let Some(answer) = running.answer() else { break };
            let id = answer["id"].as_str().expect("an id").to_string();
            records.push((id, answer["record"].as_u64().expect("a record")));
            next += 1;
        }
        running.child.kill().expect("killed");
        running.child.wait().expect("gone");
    }
    let mut running = Running::start(&args);
    for number in 0..total {
        running.send(&command(number));
    }
    let mut last: Vec<(String, u64)> = Vec::new();
    for _ in 0..total {
        let answer = running.answer().expect("an answer");
        assert_eq!(answer["done"], true, "{answer}");
        last.push((
            answer["id"].as_str().expect("an id").into(),
            answer["record"].as_u64().expect("a record"),
        ));
    }
    running.end();
    for (id, record) in &records {
        assert!(last.contains(&(id.clone(), *record)), "{id} was record {record}: {last:?}");
    }
    let exported = desk.export();
    for (id, _) in &last {
        assert_eq!(exported.iter().filter(|record| record["client_id"] == *id).count(), 1, "{id}");
    }
    let verified = desk.plimsoll(&["audit", "verify", &data, "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert!(report["snapshots"].as_u64() > Some(0), "{report}");
    assert_eq!(report["snapshots"], report["snapshots_agree"]);
}

#[test]
fn alerts_are_told_again_until_they_arrive() {
    let desk = Desk::new("alerts");
    let (lines, _, _) = desk.run(&quote("1", START, "80.2"), true);
    // Of a feed the newest word alone is told.
    let waiting = |lines: &[Value]| -> Vec<u64> {
        let of = lines.iter().filter(|line| line["of"] == "account");
        of.filter_map(|line| line["alert"].as_u64()).collect()
    };
    let first = waiting(&lines);
    assert!(!first.is_empty());
    let told = line(&json!({"do": "delivered", "id": "2", "by": "pager", "alert": first[0], "to": "ann"}));
    let failed =
        line(&json!({"do": "delivered", "id": "3", "by": "pager", "alert": first[1], "failed": "busy"}));
    let (again, _, _) = desk.run(&(told + &failed), false);
    assert_eq!(waiting(&again)[..first.len()], first);
    let (last, _, _) = desk.run("", false);
    let last = waiting(&last);
    assert!(!last.contains(&first[0]) && last.contains(&first[1]), "{last:?}");
}

#[test]
fn a_log_is_founded_whole_or_not_at_all() {
    let desk = Desk::new("whole");
    let data = desk.path("data");
    let run = |more: &[&str]| {
        let output = desk.plimsoll(&[&["run", "--data", &data, "--at", START], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let new = ["--book", "examples/margin", "--config", "examples/engine/desk.toml"];
    assert_eq!(run(&[]).0, Some(2), "a new log needs a book");
    assert_eq!(run(&["--book", "examples/margin"]).0, Some(2), "and a configuration");
    // What a crash left beside is no log and in nobody's way.
    std::fs::create_dir_all(desk.folder.join("data.unfinished")).expect("a folder");
    std::fs::write(desk.folder.join("data.unfinished/00000000000000000000.log"), "half").expect("written");
    let (code, told) = run(&new);
    assert_eq!(code, Some(1), "{told}");
    assert!(!desk.folder.join("data.unfinished").exists());
    assert_eq!(run(&new).0, Some(2), "a log that is there takes neither");
    // Somebody else's folder is left alone.
    let other = desk.path("other");
    std::fs::create_dir_all(&other).expect("a folder");
    desk.write("other/notes.txt", "mine");
    let output = desk.plimsoll(&[&["run", "--data", &other][..], &new].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(desk.folder.join("other/notes.txt").exists());
    // Two at once are one too many.
    let mut held = Running::start(&["run", "--data", &data]);
    held.send(&line(&json!({"do": "tick", "id": "held", "by": "k"})));
    held.answer().expect("an answer");
    let output = desk.plimsoll(&["run", "--data", &data]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("another process") && output.status.code() == Some(3), "{told}");
    held.end();
}

/// A configuration with each kind of fault: every one is told with its line, and nothing is founded.
#[test]
fn a_faulty_configuration_founds_nothing() {
    let desk = Desk::new("config");
    let sound = std::fs::read_to_string(root().join("examples/engine/desk.toml")).expect("the example");
    let cases = [
        ("format = 1", "format = 2", "PL0512", ""),
        ("people = [\"ann\", \"bob\"]", "people = [\"ann\"]", "PL0515", "two or more"),
        ("collar = \"0.05\"", "colar = \"0.05\"", "PL0509", "collar"),
        ("collar = \"0.05\"", "collar = \"5\"", "PL0515", "from 0 to 1"),
        ("collar = \"0.05\"", "collar = \"0.0000005\"", "PL0515", ""),
        ("grace = \"60s\"", "grace = \"a minute\"", "PL0519", ""),
        ("market = \"desk\"", "market = \"desc\"", "PL0552", "desk"),
        ("warning = \"1.2\"", "warning = \"1.05\"", "PL0515", "level of calls"),
        ("call = \"1.1\"", "call = \"0.9\"", "PL0515", "line itself"),
        ("escalates = true", "escalates = \"yes\"", "PL0511", ""),
        ("action = \"50000\"\n", "", "PL0510", "action"),
        ("action = \"50000\"", "action = \"-1\"", "PL0516", ""),
        ("action = \"50000\"", "action = \"1e5\"", "PL0513", ""),
        ("asset = \"SOL-PERP\"", "asset = \"SOL-PERB\"", "PL0553", "SOL-PERP"),
        ("asset = \"SOL-PERP\"", "asset = \"SOL\"", "PL0540", ""),
        ("feed = \"SOL/USD\"", "feed = \"SOL/USDT\"", "PL0541", "SOL/USD"),
        ("floor = \"1\"", "floor = \"20000\"", "PL0548", ""),
        ("quorum = 1\njump", "quorum = 3\njump", "PL0515", ""),
        ("currency = \"USD\"", "currency = \"EUR\"", "PL0545", "worth"),
        ("[throttle]", "[throtle]", "PL0509", "throttle"),
        ("[[policy]]", "[[policy]", "PL0505", ""),
        ("format = 1", "format = 1\nfollowed = [\"desk\"]", "PL0510", "sight"),
    ];
    for (from, to, code, help) in cases {
        assert!(sound.contains(from), "{from}");
        let config = desk.write("faulty.toml", &sound.replacen(from, to, 1));
        let data = desk.path("none");
        let output =
            desk.plimsoll(&["run", "--data", &data, "--book", "examples/margin", "--config", &config]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{to}: {told}");
        assert!(told.contains(&format!("error[{code}]")) && told.contains("faulty.toml:"), "{to}: {told}");
        assert!(told.contains(help), "{to}: {told}");
        assert!(!desk.folder.join("none").exists(), "{to}");
    }
}

/// A margin of a quarter held: whoever loses it is above his line from 1 / 0.75 on; owed, from 1.25 on. The warning stays as far above.
#[test]
fn a_margin_is_a_level_of_calls() {
    let desk = Desk::new("margin");
    let propose = |id: &str, more: Value| {
        let mut margin = json!({"market": "desk", "margin": "0.25"});
        margin.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        line(&json!({"do": "propose", "id": id, "by": "ann", "margin": margin}))
    };
    let approve = |id: &str, proposal: u64| {
        line(&json!({"do": "approve", "id": id, "by": "bob", "proposal": proposal}))
    };
    let commands = [
        propose("held", json!({})),
        approve("a", 0),
        propose("owed", json!({"margin": "0.4", "side": "owed"})),
        propose("less", json!({"margin": "0.05"})),
        propose("both", json!({"side": "sideways"})),
        propose("all", json!({"margin": "1"})),
    ];
    let (lines, told, _) = desk.run(&commands.concat(), true);
    let all = answers(&lines);
    let done: Vec<bool> = all.iter().map(|answer| answer["done"] == true).collect();
    assert_eq!(done, [true, true, true, true, false, false], "{lines:#?}\n{told}");
    let changes: Vec<Value> = desk
        .export()
        .iter()
        .flat_map(|record| record["events"].as_array().cloned().unwrap_or_default())
        .filter(|event| event["event"] == "proposed")
        .map(|event| event["change"].clone())
        .collect();
    // 4 / 3 raised to a millionth, and 1.2 / 1.1 times that, raised: 1.4545458181...
    assert_eq!((&changes[0]["call"], &changes[0]["warning"]), (&json!("1.333334"), &json!("1.454547")));
    assert_eq!(changes[1]["call"], "1.4");
    // No call is made later than the policy makes it.
    assert_eq!(changes[2]["call"], "1.333334");
}

/// A kill names what is there, as answers and alerts name it.
#[test]
fn a_kill_of_what_is_not_there_is_refused() {
    let desk = Desk::new("kill");
    let scopes = [
        ("account desk:joint", true),
        ("account joint", true),
        ("asset SOL-PERP", true),
        ("market desk", true),
        ("all", true),
        ("account desk:jiont", false),
        ("account jiont", false),
        ("asset sol-perp", false),
        ("market dsk", false),
        ("joint", false),
    ];
    let kill = |(number, (scope, _)): (usize, &(&str, bool))| {
        line(
            &json!({"do": "kill", "id": format!("k{number}"), "by": "ann", "scope": scope, "reason": "a drill"}),
        )
    };
    let (lines, _, _) = desk.run(&scopes.iter().enumerate().map(kill).collect::<String>(), true);
    for (answer, (scope, done)) in answers(&lines).iter().zip(scopes) {
        assert_eq!(answer["done"], done, "{scope}: {answer}");
    }
    let kills: Vec<&Value> = lines.iter().filter(|line| line["of"] == "kill").collect();
    assert_eq!(kills.iter().filter(|kill| kill["scope"] == "account desk:joint").count(), 1, "named in full");
}

/// The same line again is the same command, whatever was filled in for it and when it says that it was sent.
#[test]
fn p82_a_line_said_again_is_one_command() {
    let desk = Desk::new("again");
    let first = json!({"do": "quote", "id": "q", "by": "prices", "feed": "SOL/USD", "price": "99", "source": "example"});
    let mut later = first.clone();
    later["at"] = json!("2026-06-01T12:00:30Z");
    let mut other = later.clone();
    other["price"] = json!("98");
    let (lines, _, _) = desk.run(&[line(&first), line(&first), line(&later), line(&other)].concat(), true);
    let all = answers(&lines);
    let again: Vec<&Value> = all.iter().map(|answer| &answer["again"]).collect();
    assert_eq!(again, [&Value::Null, &json!(true), &json!(true), &json!(true)], "{all:#?}");
    assert!(all[..3].iter().all(|answer| answer["done"] == true && answer["record"] == all[0]["record"]));
    assert_eq!((&all[3]["done"], &all[3]["code"]), (&json!(false), &json!("PL0620")));
}

/// A line from the future is no line: the clock would not go back for anybody until then.
#[test]
fn a_line_from_tomorrow_locks_nobody_out() {
    let desk = Desk::new("tomorrow");
    desk.run("", true);
    let tick = |id: &str, at: Option<&str>| {
        let mut fields = json!({"do": "tick", "id": id, "by": "clock"});
        if let Some(at) = at {
            fields["at"] = json!(at);
        }
        line(&fields)
    };
    let mut running = Running::start(&["run", "--data", &desk.path("data")]);
    running.send(&tick("1", Some("2126-01-01T00:00:00Z")));
    let refused = running.answer().expect("an answer");
    assert_eq!((&refused["done"], &refused["record"]), (&json!(false), &Value::Null), "{refused}");
    running.send(&tick("2", None));
    assert_eq!(running.answer().expect("an answer")["done"], true);
    running.end();
}

/// How far the clock is off stands in what comes after, and the report says when it was compared last.
#[test]
fn a_clock_that_was_compared_is_reported() {
    let desk = Desk::new("clock");
    let compared = |offset: &str| {
        line(
            &json!({"do": "clock", "id": format!("by {offset}"), "by": "chrony", "offset_ns": offset, "source": "ptp"}),
        )
    };
    let commands = [
        compared("-1200"),
        compared("350"),
        compared("1.5"),
        line(&json!({"do": "tick", "id": "t", "by": "clock"})),
    ];
    let (lines, _, _) = desk.run(&commands.concat(), true);
    assert_eq!(answers(&lines)[2]["done"], false);
    let records = desk.export();
    assert_eq!(records.last().expect("a record")["offset_ns"], 350);
    let data = desk.path("data");
    let report: Value =
        serde_json::from_slice(&desk.plimsoll(&["selfcheck", &data, "--json"]).stdout).expect("JSON");
    let clock = &report["clock"];
    assert_eq!(
        (&clock["last_comparison"]["offset_s"], &clock["furthest_off_s"]),
        (&json!("0.00000035"), &json!("0.0000012"))
    );
}

/// A log proves to whoever kept its head that it is that one, or goes on from there.
#[test]
fn a_head_that_was_kept_is_found_again() {
    let desk = Desk::new("head");
    let (_, _, _) = desk.run(&quote("1", START, "99"), true);
    let data = desk.path("data");
    let verify = |head: &str| desk.plimsoll(&["audit", "verify", &data, "--head", head]);
    let report = desk.plimsoll(&["audit", "verify", &data, "--json"]).stdout;
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let head = report["chain"].as_str().expect("a chain").to_string();
    desk.run(&quote("2", START, "98"), false);
    assert!(verify(&head).status.success());
    let other = verify(&head.replace(&head[..4], "0000"));
    assert_eq!(other.status.code(), Some(3), "{}", String::from_utf8_lossy(&other.stderr));
}
