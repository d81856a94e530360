//! An engine that is run over pipes, in a folder that is gone afterwards.
#![allow(dead_code, clippy::expect_used)] // each test file uses some of it, and fails where it cannot be had

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// When the example begins.
pub(crate) const START: &str = "2026-06-01T12:00:00Z";

pub(crate) struct Desk {
    /// A folder for the test alone.
    pub(crate) folder: PathBuf,
}

impl Desk {
    pub(crate) fn new(name: &str) -> Desk {
        let folder = std::env::temp_dir().join(format!("plimsoll-desk-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
        std::fs::create_dir_all(&folder).expect("a folder");
        Desk { folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.join(name), text).expect("written");
        self.path(name)
    }

    /// A command to the end.
    pub(crate) fn plimsoll(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(args).current_dir(root()).stdin(Stdio::null()).output().expect("plimsoll runs")
    }

    /// `run` over some lines, in a log that is there or founded.
    pub(crate) fn run(&self, lines: &str, new: bool) -> (Vec<Value>, String, i32) {
        let commands = self.write("commands.jsonl", lines);
        let data = self.path("data");
        let mut args = vec!["run", "--data", &data, "--at", START, &commands];
        if new {
            args.extend(["--book", "examples/margin", "--config", "examples/engine/desk.toml"]);
        }
        let output = self.plimsoll(&args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (parsed(&output.stdout), told, output.status.code().expect("an exit code"))
    }

    /// A founded engine with nothing but its book.
    pub(crate) fn found(name: &str) -> Desk {
        let desk = Desk::new(name);
        let (_, told, _) = desk.run("", true);
        assert!(told.contains("founded"), "{told}");
        desk
    }

    /// Every record as `audit export` has it.
    pub(crate) fn export(&self) -> Vec<Value> {
        let output = self.plimsoll(&["audit", "export", &self.path("data")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        parsed(&output.stdout)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder); // of no account when the test has failed
    }
}

/// JSON lines.
pub(crate) fn parsed(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

/// The answers among lines of answers and alerts.
pub(crate) fn answers(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("line").is_some()).collect()
}

/// An engine at the other end of two pipes.
pub(crate) struct Running {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(args).current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("plimsoll runs");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Running { child, input, output }
    }

    pub(crate) fn send(&mut self, text: &str) {
        let input = self.input.as_mut().expect("its input");
        // Whoever was killed hears nothing.
        let _ = input.write_all(text.as_bytes()).and_then(|()| input.flush());
    }

    /// The next answer; `None` when there are no more.
    pub(crate) fn answer(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // Half a line is none.
            let line: Value = serde_json::from_str(&line).ok()?;
            if line.get("line").is_some() {
                return Some(line);
            }
        }
    }

    pub(crate) fn end(mut self) -> i32 {
        drop(self.input.take());
        self.child.wait().expect("an end").code().unwrap_or(-1)
    }
}
