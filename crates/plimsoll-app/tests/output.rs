//! What becomes of output that nobody can read: no panic, and an exit code that says so.

#![cfg(target_os = "linux")] // /dev/full
#![allow(clippy::expect_used)] // a test that cannot run the program has failed

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// A device on which every write fails.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full").into()
}

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn code(args: &[&str], stdout: Stdio, stderr: Stdio) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let status = command.args(args).current_dir(root()).stdout(stdout).stderr(stderr).status();
    status.expect("plimsoll runs").code()
}

const TOLD: [(&[&str], i32); 8] = [
    (&["check", "/nonexistent"], 3),
    (&["check", "examples/treasury", "--at", "x"], 2),
    (&["check"], 2),
    (&["explain", "examples/treasury", "nobody"], 2),
    (&["whatif", "examples/treasury", "alice"], 2),
    (&["verify", "/nonexistent"], 3),
    (&["stress", "examples/treasury", "--scenario", "nothing"], 2),
    (&["import", "csv", "x", "--map", "?", "--market", "y", "--out", "z"], 2),
];

const SAID: [(&[&str], i32); 9] = [
    (&["check", "examples/treasury"], 0),
    (&["check", "examples/treasury", "--json", "--at", "2025-10-12T12:00:00Z"], 4),
    (&["check", "examples/treasury", "--csv", "--at", "2025-10-12T12:00:00Z"], 4),
    (&["check", "examples/treasury", "--totals"], 0),
    (&["explain", "examples/treasury", "alice"], 0),
    (&["whatif", "examples/treasury", "alice", "--price", "ETH/USD=-40%"], 1),
    (&["max", "examples/treasury", "alice"], 0),
    (&["stress", "examples/treasury", "--scenario", "2024-08-05-24h"], 1),
    (&["--help"], 0),
];

/// 101, a panic, once was the exit code of every command whose message could not be written.
#[test]
fn a_message_that_cannot_be_written_changes_no_exit_code() {
    for (args, expected) in TOLD {
        assert_eq!(code(args, Stdio::null(), full()), Some(expected), "{args:?}, stderr full");
        assert_eq!(code(args, Stdio::null(), closed()), Some(expected), "{args:?}, stderr closed");
    }
}

/// `| head` keeps the verdict. A disk that is full is neither calm nor "somebody is unhealthy".
#[test]
fn an_answer_that_cannot_be_written_has_its_own_exit_code() {
    for (args, expected) in SAID {
        assert_eq!(code(args, closed(), Stdio::null()), Some(expected), "{args:?}, stdout closed");
        assert_eq!(code(args, full(), Stdio::null()), Some(5), "{args:?}, stdout full");
        assert_eq!(code(args, full(), full()), Some(5), "{args:?}, both full");
    }
}

/// A pipe to which nobody writes once held the program for ever; a device can be without end.
#[test]
fn a_pipe_or_a_device_is_no_file_of_a_book() {
    let folder = std::env::temp_dir().join(format!("plimsoll-pipe-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["book.toml", "feeds.csv"] {
        std::fs::copy(root().join("examples/treasury").join(name), folder.join(name)).expect("a copy");
    }
    let pipe = folder.join("positions.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let (book, pipe) = (folder.display().to_string(), pipe.display().to_string());
    for args in [
        &["check", &book][..],
        &["check", &pipe],
        &["check", "/dev/zero"],
        &["verify", &pipe],
        &[
            "import",
            "csv",
            &pipe,
            "--map",
            "account=a,debt.USDC=b",
            "--market",
            "examples/treasury#aave-core",
            "--out",
            "z",
        ],
    ] {
        assert_eq!(code(args, Stdio::null(), Stdio::null()), Some(3), "{args:?}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}
