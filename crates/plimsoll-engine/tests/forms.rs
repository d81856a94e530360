//! Logs of every form that was ever written open, and are written byte for byte as their description says: `fixtures/form-1` is what
//! `scripts/log_fixture.py` makes, in another language and from the description alone. A fixture is never written again.

#![allow(clippy::expect_used)] // a fixture that is not there has failed the test

use plimsoll_engine::disk::Disk;
use plimsoll_engine::snapshot::{self, Snapshot};
use plimsoll_engine::{Damage, Log, LogId, Settings, Storage as _, scan};

const ID: LogId = *b"a log of form 1\0";
const LOG: &[u8] = include_bytes!("fixtures/form-1/00000000000000000000.log");
const SNAPSHOT: &[u8] = include_bytes!("fixtures/form-1/00000000000000000006.snapshot");

fn disk() -> Disk {
    let mut disk = Disk::new(0);
    for (name, bytes) in [("00000000000000000000.log", LOG), ("00000000000000000006.snapshot", SNAPSHOT)] {
        disk.create(name).expect("a file");
        disk.append(name, bytes).expect("written");
    }
    disk
}

fn batches() -> [Vec<Vec<u8>>; 3] {
    let text = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    [text(&["deposit 100", ""]), vec![(0..=255).collect()], text(&["price 2500", "called", "paid"])]
}

#[test]
fn p85_a_log_of_the_first_form_opens() {
    let (mut found, disk) = (Vec::new(), disk());
    let seen = scan(&disk, 0, None, &mut |_, payload, _| found.push(payload.to_vec())).expect("a log");
    assert_eq!((found, seen.id, seen.next, seen.torn), (batches().concat(), ID, 6, None));
    let (snapshot, unsound) = snapshot::newest(&disk, &ID, u64::MAX).expect("a folder");
    assert!(unsound.is_empty());
    let expected = Snapshot { next: 6, chain: seen.chain, state: b"what it came to".to_vec() };
    assert_eq!(snapshot, Some(expected));
}

#[test]
fn what_is_written_is_what_the_description_says() {
    let mut disk = Disk::new(0);
    let mut log = Log::create(&mut disk, ID, Settings::default()).expect("a log");
    for batch in batches() {
        log.commit(&batch).expect("durable");
        if batch.len() == 1 {
            log.seal().expect("a seal");
        }
    }
    let (next, chain) = (log.next(), *log.chain());
    log.close().expect("a seal");
    assert_eq!(disk.read("00000000000000000000.log").expect("a segment"), LOG);
    let state = b"what it came to".to_vec();
    snapshot::write(&mut disk, &ID, &Snapshot { next, chain, state }).expect("durable");
    assert_eq!(disk.read("00000000000000000006.snapshot").expect("a snapshot"), SNAPSHOT);
}

/// A later form is told by its number, and not as damage.
#[test]
fn p85_another_form_is_refused_by_name() {
    let mut bytes = LOG.to_vec();
    bytes[8] = 2;
    bytes[12..16].fill(0);
    let crc = crc32fast::hash(&bytes[..72]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let mut disk = Disk::new(0);
    disk.create("00000000000000000000.log").expect("a file");
    disk.append("00000000000000000000.log", &bytes).expect("written");
    let told = scan(&disk, 0, None, &mut |_, _, _| {});
    assert!(matches!(told, Err(Damage::Format { found: 2, expected: 1, .. })), "{told:?}");
}
