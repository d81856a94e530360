//! README is run: every `$ plimsoll ...` of its console blocks prints what stands below it.

#![allow(clippy::expect_used)] // a test that cannot read the tree has failed

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

struct Session {
    line: usize,
    command: String,
    expected: Vec<String>,
}

/// The commands of all console blocks; a line `...` stands for any number of lines.
fn sessions(readme: &str) -> Vec<Session> {
    let mut found: Vec<Session> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(readme.lines()) {
        if text.starts_with("```") {
            inside = text == "```console";
            continue;
        }
        if !inside {
            continue;
        }
        match (text.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => {
                found.push(Session { line, command: command.to_string(), expected: Vec::new() });
            }
            (None, Some(session)) => session.expected.push(text.trim_end().to_string()),
            (None, None) => panic!("README.md:{line}: output before the first command"),
        }
    }
    found
}

/// The words of a command as a shell takes them: apart by spaces, or together between single quotation marks.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

/// Exit code and output of a command, which may end in `; echo $?`.
fn run(session: &Session) -> Vec<String> {
    let (command, shows_code) = match session.command.strip_suffix("; echo $?") {
        Some(command) => (command, true),
        None => (session.command.as_str(), false),
    };
    let mut words = words(command).into_iter();
    assert_eq!(
        words.next().as_deref(),
        Some("plimsoll"),
        "README.md:{}: not a plimsoll command",
        session.line
    );
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(words)
        .current_dir(root())
        .output()
        .expect("plimsoll runs");
    let mut lines: Vec<String> = [output.stdout, output.stderr]
        .iter()
        .flat_map(|text| {
            String::from_utf8_lossy(text).lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>()
        })
        .collect();
    if shows_code {
        lines.push(output.status.code().map_or_else(|| "none".into(), |code| code.to_string()));
    }
    lines
}

fn matches(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=found.len()).any(|skipped| matches(rest, &found[skipped..]))
        }
        Some((first, rest)) => found.first() == Some(first) && matches(rest, &found[1..]),
    }
}

/// A16
#[test]
fn readme_session_is_true() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let sessions = sessions(&readme);
    assert!(sessions.len() >= 3, "only {} commands stand in README.md", sessions.len());
    for session in sessions {
        let found = run(&session);
        assert!(
            matches(&session.expected, &found),
            "README.md:{}: {} prints\n{}",
            session.line,
            session.command,
            found.join("\n")
        );
    }
}

/// The sessions of a page.
#[test]
fn the_page_of_plans_shows_what_is_printed() {
    let page = std::fs::read_to_string(root().join("docs/plan.md")).expect("docs/plan.md");
    for session in sessions(&page) {
        let found = run(&session);
        let Session { line, command, expected } = &session;
        assert!(matches(expected, &found), "docs/plan.md:{line}: {command} prints\n{}", found.join("\n"));
    }
}

/// The numbers in README's prose that a command of ours counts.
#[test]
fn readme_counts_what_there_is() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let session =
        Session { line: 0, command: "plimsoll check examples/lending --json".into(), expected: Vec::new() };
    let answer: serde_json::Value = serde_json::from_str(&run(&session).join("\n")).expect("JSON");
    let list = |name: &str| answer[name].as_array().expect("a list");
    let markets = |venue: &str| list("markets").iter().filter(|market| market["venue"] == venue).count();
    let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let counted = format!(
        "judges the {} accounts of the example book, which real contracts held on a test chain: {} Aave pools and {} Morpho markets",
        list("accounts").len(),
        words[markets("aave_v3")],
        words[markets("morpho_blue")],
    );
    assert!(readme.contains(&counted), "README.md does not say: {counted}");
    let files = std::fs::read_dir(root().join("examples/treasury")).expect("the treasury's book");
    let small = format!("is a folder of {} small files", words[count_files(files)]);
    assert!(readme.contains(&small), "README.md does not say: {small}");
}

fn count_files(folder: std::fs::ReadDir) -> usize {
    folder
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { count_files(std::fs::read_dir(path).expect("a folder")) } else { 1 })
        .sum()
}

#[test]
fn an_elision_stands_for_lines_and_nothing_else() {
    let lines = |text: &str| text.lines().map(str::to_string).collect::<Vec<_>>();
    assert!(matches(&lines("a\n...\nc"), &lines("a\nb\nb\nc")));
    assert!(matches(&lines("a\n..."), &lines("a")));
    assert!(!matches(&lines("a\n...\nd"), &lines("a\nb\nc")));
    assert!(!matches(&lines("a"), &lines("a\nb")));
}
