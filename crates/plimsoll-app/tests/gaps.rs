//! Faulty, empty and cut books: what is said on stdout, and with which exit code.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::process::{Command, Output};

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

/// The treasury's book with its positions changed; gone when it is dropped.
struct Copy(Book);

impl Copy {
    fn new(name: &str, change: impl Fn(String) -> String) -> Copy {
        Copy(Book::changed(&format!("gaps-{name}"), "treasury", |file, text| {
            if file == "positions.csv" { change(text) } else { text }
        }))
    }

    /// Exit code, stdout and stderr of `plimsoll check` of the book.
    fn check(&self, options: &[&str]) -> (i32, String, String) {
        let path = self.0.0.display().to_string();
        let output = plimsoll(&[&["check", &path], options].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
    }
}

/// A saved report once looked whole, and 0 said that every account was healthy, also those that were left out.
#[test]
fn an_answer_about_a_part_of_a_book_says_so() {
    let book = Copy::new("faulty", |text| text.replace("\nalice,aave-core,debt", "\n alice,aave-core,debt"));
    assert_eq!(book.check(&[]).0, 3);
    for options in [&["--keep-going"][..], &["--keep-going", "--totals"]] {
        let (code, out, _) = book.check(options);
        assert_eq!(code, 3, "{out}");
        let told = "FAULTY BOOK: 1 fault, told on stderr; 1 account left out and not judged: aave-core:alice";
        assert!(out.contains(told), "{out}");
    }
    let (code, out, _) = book.check(&["--keep-going", "--json"]);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &json["fault_count"], &json["left_out"]["count"]), (3, &1.into(), &1.into()));
    assert_eq!(json["left_out"]["accounts"][0], "aave-core:alice");
    assert_eq!(json["faults"][0]["code"], "PL0522");
    // Without --keep-going programs are told as well.
    let (code, out, _) = book.check(&["--json"]);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &json["fault_count"], &json["accounts"]), (3, &1.into(), &Value::Null));
    // What is known to be unhealthy comes first.
    let book = Copy::new("unhealthy", |text| {
        text.replace("\nalice,aave-core,debt", "\n alice,aave-core,debt").replace("6100000", "7100000")
    });
    assert_eq!(book.check(&["--keep-going"]).0, 1);
}

#[test]
fn many_names_are_counted_and_some_are_shown() {
    let rows: String = (0..3000).map(|n| format!("x{n},aave-core,debt,USDC,-1,token,\n")).collect();
    let book = Copy::new("many", |text| {
        let mut lines = text.lines();
        let header = lines.next().expect("a header");
        let columns = header.split(',').count();
        let rows = rows.replace(",token,\n", &format!(",token{}\n", ",".repeat(columns - 6)));
        format!("{header}\n{rows}")
    });
    let (code, out, _) = book.check(&["--keep-going"]);
    assert_eq!(code, 3);
    assert!(out.contains("3000 faults, told on stderr; 3000 accounts left out"), "{out}");
    assert!(out.contains(" and 2980 more\n"), "{out}");
    let json: Value = serde_json::from_str(&book.check(&["--keep-going", "--json"]).1).expect("JSON");
    assert_eq!((json["fault_count"].as_u64(), json["left_out"]["count"].as_u64()), (Some(3000), Some(3000)));
    assert_eq!(json["faults"].as_array().map(Vec::len), Some(1000));
    assert_eq!(json["left_out"]["accounts"].as_array().map(Vec::len), Some(1000));
}

/// An export that failed has a header and nothing else: that is not calm.
#[test]
fn a_book_without_accounts_is_not_calm() {
    let book = Copy::new("empty", |text| text.lines().take(1).map(|line| format!("{line}\n")).collect());
    for options in [&[][..], &["--json"], &["--totals"], &["--csv"]] {
        let (code, _, told) = book.check(options);
        assert_eq!(code, 4, "{options:?}");
        assert!(told.contains("nothing was judged: the book has no accounts"), "{told}");
    }
}

#[test]
fn imports_tell_what_the_table_does_not_say() {
    let folder = std::env::temp_dir().join(format!("plimsoll-gaps-import-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let table = folder.join("t.csv").display().to_string();
    let run = |text: &str, map: &str, out: &str, more: &[&str]| {
        std::fs::write(&table, text).expect("written");
        let out = folder.join(out).display().to_string();
        let args =
            ["import", "csv", &table, "--map", map, "--market", "examples/import/template", "--out", &out];
        let output = plimsoll(&[&args[..], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let map = "account=user,collateral.STETH=c,debt.OWED=d";
    let (code, told) = run("user,c,d\na,2,1\nb,2,\nc,2,\n", map, "one", &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("2 empty debt cells taken for no debt"), "{told}");
    let (code, told) = run("user,c,d\n", map, "two", &[]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no rows; nothing was written"), "{told}");
    let (code, told) = run("user,c,d\na,2,1\nb,2,x\n", map, "three", &["--keep-going"]);
    assert_eq!(code, Some(3), "{told}");
    assert!(folder.join("three/book.toml").exists());
    let twice = "account=user,collateral.STETH=c,collateral.STETH=c,debt.OWED=d";
    assert_eq!(run("user,c,d\na,2,1\n", twice, "four", &[]).0, Some(2));
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}
