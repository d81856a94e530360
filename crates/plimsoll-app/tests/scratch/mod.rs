//! Books that are made for one test, and what the program says of them.
#![allow(dead_code, clippy::expect_used)] // each test file uses some of it, and fails where it cannot be had

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// A folder that is gone when it is dropped.
pub(crate) struct Book(pub(crate) PathBuf);

impl Book {
    pub(crate) fn new(name: &str, files: &[(&str, String)]) -> Book {
        let folder = std::env::temp_dir().join(format!("plimsoll-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
        std::fs::create_dir_all(folder.join("markets")).expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("written");
        }
        Book(folder)
    }

    /// An example whose files are changed one by one, by their names.
    pub(crate) fn changed(name: &str, example: &str, change: impl Fn(&str, String) -> String) -> Book {
        let from = root().join("examples").join(example);
        let markets = std::fs::read_dir(from.join("markets"))
            .expect("markets")
            .map(|entry| format!("markets/{}", entry.expect("an entry").file_name().to_string_lossy()));
        let names: Vec<String> = ["book.toml", "feeds.csv", "positions.csv"]
            .map(String::from)
            .into_iter()
            .chain(markets)
            .collect();
        let text = |name: &String| std::fs::read_to_string(from.join(name)).expect("a file");
        let files: Vec<(&str, String)> =
            names.iter().map(|name| (name.as_str(), change(name, text(name)))).collect();
        Book::new(name, &files)
    }

    /// An example with one of its files changed.
    pub(crate) fn example(example: &str, file: &str, change: impl Fn(String) -> String) -> Book {
        let name = format!("{example}-{}", file.replace('/', "-"));
        Book::changed(&name, example, |other, text| if other == file { change(text) } else { text })
    }

    pub(crate) fn run(&self, command: &str, rest: &[&str]) -> Output {
        let path = self.0.display().to_string();
        let args = [&[command, &path], rest].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(args).current_dir(root()).output().expect("plimsoll runs")
    }

    pub(crate) fn text(&self, command: &str, rest: &[&str]) -> String {
        String::from_utf8_lossy(&self.run(command, rest).stdout).into_owned()
    }

    pub(crate) fn told(&self, command: &str, rest: &[&str]) -> String {
        String::from_utf8_lossy(&self.run(command, rest).stderr).into_owned()
    }

    pub(crate) fn json(&self, command: &str, rest: &[&str]) -> Value {
        let text = self.text(command, &[rest, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command} {rest:?}: {error}\n{text}"))
    }

    pub(crate) fn code(&self, command: &str, rest: &[&str]) -> i32 {
        self.run(command, rest).status.code().expect("an exit code")
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // of no account when the test has failed
    }
}
