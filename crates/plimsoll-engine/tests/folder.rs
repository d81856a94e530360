//! A log in a folder of the machine.

#![allow(clippy::expect_used)] // a folder that cannot be made has failed the test

use plimsoll_engine::folder::Folder;
use plimsoll_engine::{Log, LogId, Settings, Storage as _};

const ID: LogId = *b"a log in a dir !";

#[test]
fn a_log_is_found_again_and_nobody_else_writes_to_it() {
    let path = std::env::temp_dir().join(format!("plimsoll-log-{}", std::process::id()));
    let folder = Folder::open(&path).expect("a folder");
    let mut log = Log::create(folder, ID, Settings { segment: 300 }).expect("a log");
    assert!(Folder::open(&path).is_err_and(|trouble| trouble.why.contains("another process")));
    for record in ["first", "second", "third", "fourth"] {
        log.commit(&[record, ""]).expect("durable");
    }
    drop(log.close().expect("a seal"));
    let mut found = Vec::new();
    let folder = Folder::open(&path).expect("a folder");
    let opened = Log::open(folder, Settings::default(), 0, None, &mut |_, payload, _| {
        found.push(String::from_utf8_lossy(payload).into_owned());
    });
    let mut opened = opened.expect("the log");
    assert_eq!(found, ["first", "", "second", "", "third", "", "fourth", ""]);
    assert!(opened.torn.is_none());
    // Half a frame at the end is cut off.
    let last = opened.log.storage().list().expect("names").pop().expect("a segment");
    opened.log.storage().append(&last, b"rec\n\x01\0\0\0").expect("written");
    drop(opened);
    let folder = Folder::open(&path).expect("a folder");
    let opened = Log::open(folder, Settings::default(), 0, None, &mut |_, _, _| {}).expect("the log");
    assert_eq!(opened.torn.map(|torn| torn.lost), Some(8));
    std::fs::remove_dir_all(&path).expect("removed");
}

#[test]
fn a_folder_that_is_only_read_is_not_changed() {
    let path = std::env::temp_dir().join(format!("plimsoll-look-{}", std::process::id()));
    assert!(Folder::look(&path).is_err() && !path.exists(), "looking makes no folder");
    let folder = Folder::open(&path).expect("a folder");
    let mut log = Log::create(folder, ID, Settings::default()).expect("a log");
    log.commit(&["first"]).expect("durable");
    // While somebody writes.
    let mut look = Folder::look(&path).expect("a folder");
    let names = look.list().expect("names");
    assert_eq!(plimsoll_engine::scan(&look, 0, None, &mut |_, _, _| {}).expect("a log").next, 1);
    let refused = [
        look.create("x"),
        look.append(&names[0], b"x"),
        look.truncate(&names[0], 0),
        look.sync(&names[0]),
        look.rename(&names[0], "x"),
        look.remove(&names[0]),
    ];
    assert!(refused.iter().all(|call| call.as_ref().is_err_and(|trouble| trouble.why.contains("only read"))));
    log.commit(&["second"]).expect("durable");
    assert_eq!(look.list().expect("names"), names);
    std::fs::remove_dir_all(&path).expect("removed");
}
