//! The log on a disk that fails: properties 78, 80, 81, 83 and 84 of the log, and that the tests would see a log that breaks them.
//!
//! What is expected is what was submitted and acknowledged, kept beside the log by the test. `PLIMSOLL_CASES` multiplies the seeded runs.

#![allow(clippy::expect_used)] // a scene that cannot be set up has failed

use plimsoll_engine::disk::{Bug, Disk, Fault};
use plimsoll_engine::random::Random;
use plimsoll_engine::snapshot::{self, Snapshot};
use plimsoll_engine::trial::{Records, life};
use plimsoll_engine::{Commit, Damage, Log, LogId, Settings, Storage as _};

const ID: LogId = *b"a log for tests\0";
/// Small, so that every run has several segments.
const SETTINGS: Settings = Settings { segment: 700 };

fn cases(gate: u64) -> u64 {
    let times: u64 = std::env::var("PLIMSOLL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    gate * times
}

/// The log of a disk, its records, and whether a tail was cut.
fn open(disk: Disk) -> Result<(Log<Disk>, Records, bool), Damage> {
    let mut found = Records::new();
    let opened = Log::open(disk, SETTINGS, 0, None, &mut |number, payload, _| {
        assert_eq!(number, found.len() as u64);
        found.push(payload.to_vec());
    })?;
    Ok((opened.log, found, opened.torn.is_some()))
}

#[test]
fn p78_what_opens_is_a_prefix_with_all_that_was_acknowledged() {
    let mut records = 0;
    for seed in 0..cases(4000) {
        match life(seed, SETTINGS, None) {
            Ok(lived) => records += lived.records,
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    assert!(records > 10_000, "only {records} records lived");
}

/// The same on disks that do not do what they say, as a log would look that forgot a call: every bug is found out, and within a few lives.
#[test]
fn every_planted_bug_is_caught() {
    for bug in [Bug::NoSync, Bug::NoFolderSync, Bug::NoTruncate, Bug::ShortAppend] {
        let caught = (0..400).filter(|seed| life(*seed, SETTINGS, Some(bug)).is_err()).count();
        assert!(caught > 20, "{bug:?}: only {caught} of 400");
    }
}

/// One session of a script: three batches, a seal, more batches over several segments.
fn script(log: &mut Log<Disk>, acknowledged: &mut Records) -> Result<(), Commit> {
    let mut random = Random(7);
    for batch in 0..9 {
        let records: Records = (0..1 + batch % 3).map(|_| random.record()).collect();
        match log.commit(&records) {
            Ok(_) => acknowledged.extend(records),
            // Nothing of it is there, and the next batch may be.
            Err(Commit::NotWritten(_)) => {}
            Err(other) => return Err(other),
        }
        if batch % 3 == 2 {
            match log.seal() {
                Ok(()) | Err(Commit::NotWritten(_)) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(())
}

#[test]
fn p84_a_call_that_fails_anywhere_leaves_what_was() {
    let mut whole = Log::create(Disk::new(0), ID, SETTINGS).expect("a log");
    script(&mut whole, &mut Records::new()).expect("no fault");
    let calls = whole.storage().calls();
    let (mut full, mut stopped) = (0, 0);
    for call in 0..calls {
        for (place, fault) in [Fault::Refused, Fault::Short, Fault::Power].into_iter().enumerate() {
            let mut disk = Disk::new(call * 3 + place as u64);
            disk.fail_at(call, fault);
            let mut log = match Log::create(disk, ID, SETTINGS) {
                Ok(log) => log,
                Err(trouble) => {
                    assert!(call < 4, "{trouble}");
                    continue;
                }
            };
            let mut acknowledged = Records::new();
            let ended = script(&mut log, &mut acknowledged);
            match &ended {
                Ok(()) => full += 1,
                Err(Commit::Stopped(_)) => {
                    stopped += 1;
                    assert_eq!(
                        log.commit(&[[1u8]]),
                        Err(Commit::IsStopped),
                        "a log that stopped takes nothing"
                    );
                    assert_eq!(log.seal(), Err(Commit::IsStopped));
                }
                Err(other) => panic!("call {call}: {other}"),
            }
            let disk = log.storage().clone().crash();
            let (_, found, _) =
                open(disk).unwrap_or_else(|damage| panic!("call {call}, {fault:?}: {damage}"));
            // What was told as not written is not there; what was stopped at may be.
            assert_eq!(found.get(..acknowledged.len()), Some(acknowledged.as_slice()), "call {call}");
            if ended.is_ok() {
                assert_eq!(found.len(), acknowledged.len(), "call {call}, {fault:?}");
            }
        }
    }
    assert!(full > 10 && stopped > 20, "{full} {stopped}");
}

#[test]
fn p83_a_failed_sync_stops_the_log() {
    let mut disk = Disk::new(5);
    // A segment takes four calls; the fifth writes the batch, the sixth makes it durable.
    disk.fail_at(5, Fault::Refused);
    let mut log = Log::create(&mut disk, ID, SETTINGS).expect("a log");
    assert!(matches!(log.commit(&[b"lost"]), Err(Commit::Stopped(trouble)) if trouble.call == "sync"));
    // The disk would say yes to the next sync, and would not have kept anything.
    assert_eq!(log.commit(&[b"again"]), Err(Commit::IsStopped));
    assert_eq!(log.close().map(drop), Err(Commit::IsStopped));
    let (_, found, _) = open(disk.crash()).expect("a log");
    assert!(found.is_empty());
}

/// A closed log of several segments, its disk, and its records.
fn closed() -> (Disk, Records) {
    let mut log = Log::create(Disk::new(1), ID, SETTINGS).expect("a log");
    let mut records = Records::new();
    script(&mut log, &mut records).expect("no fault");
    (log.close().expect("a seal"), records)
}

#[test]
fn p80_every_flipped_bit_is_told() {
    let (disk, records) = closed();
    let names = disk.list().expect("names");
    assert!(names.len() >= 3, "{names:?}");
    let last = names.last().expect("a segment").clone();
    for name in &names {
        let bytes = disk.read(name).expect("a segment");
        for bit in 0..8 * bytes.len() {
            let mut spoilt = disk.clone();
            spoilt.flip(name, bit).expect("a bit");
            match open(spoilt) {
                Err(Damage::Spoilt { segment, number, .. }) => {
                    assert_eq!(&segment, name, "bit {bit}");
                    assert!(number <= records.len() as u64);
                }
                Err(Damage::Missing { .. }) => panic!("bit {bit} of {name}: told as missing"),
                Err(_) => {}
                // The seal at the end alone may be taken for torn: no record is behind it.
                Ok((_, found, torn)) => {
                    assert!(torn && name == &last && bit >= 8 * (bytes.len() - 64), "bit {bit} of {name}");
                    assert_eq!(found, records);
                }
            }
        }
    }
}

#[test]
fn p81_a_torn_tail_is_cut_and_what_was_durable_is_damage() {
    let mut log = Log::create(Disk::new(1), ID, Settings::default()).expect("a log");
    log.commit(&[b"one".as_slice(), b"two"]).expect("durable");
    log.commit(&[b"three".as_slice(), b"four"]).expect("durable");
    let disk = log.storage().clone();
    let name = disk.list().expect("names").remove(0);
    let bytes = disk.read(&name).expect("a segment");
    let frame = (bytes.len() - 72) / 4;
    for kept in 72..bytes.len() {
        let mut cut = disk.clone();
        cut.truncate(&name, kept as u64).expect("cut");
        let (log, found, torn) = open(cut).expect("a shorter log is a torn one");
        assert_eq!((found.len(), torn), ((kept - 72) / frame, !(kept - 72).is_multiple_of(frame)));
        assert_eq!(log.next(), found.len() as u64);
    }
    // The last batch broken in its first record is torn; the one before is damage, for the last was written after it.
    let bit = |record: usize| 8 * (72 + frame * record + 33);
    for (record, damage) in [(0, true), (1, true), (2, false), (3, false)] {
        let mut spoilt = disk.clone();
        spoilt.flip(&name, bit(record)).expect("a bit");
        assert_eq!(open(spoilt).is_err(), damage, "record {record}");
    }
    // With a seal it is damage too.
    log.seal().expect("a seal");
    let mut spoilt = log.storage().clone();
    spoilt.flip(&name, bit(3)).expect("a bit");
    let Err(Damage::Spoilt { number: 3, at, .. }) = open(spoilt) else { panic!("not told") };
    assert_eq!(at, (72 + 3 * frame) as u64);
}

#[test]
fn segments_that_are_missing_or_of_another_log_are_told() {
    let (disk, records) = closed();
    let names = disk.list().expect("names");
    let mut without = disk.clone();
    without.remove(&names[1]).expect("removed");
    assert!(matches!(open(without).map(drop), Err(Damage::Missing { .. })));
    let mut beheaded = disk.clone();
    beheaded.remove(&names[0]).expect("removed");
    assert!(matches!(open(beheaded).map(drop), Err(Damage::Missing { from: 0, .. })));
    let mut other = Log::create(Disk::new(2), *b"another log for ", SETTINGS).expect("a log");
    script(&mut other, &mut Records::new()).expect("no fault");
    let foreign = other.storage().read(&names[1]).expect("the same script");
    let mut mixed = disk.clone();
    mixed.truncate(&names[1], 0).expect("cut");
    mixed.append(&names[1], &foreign).expect("written");
    assert!(matches!(open(mixed).map(drop), Err(Damage::Spoilt { .. })));
    assert!(Log::create(disk.clone(), ID, SETTINGS).is_err(), "there is a log already");
    assert_eq!(open(Disk::new(3)).map(drop), Err(Damage::NoLog));
    let (log, found, torn) = open(disk).expect("a log");
    assert_eq!((found, torn, log.id()), (records, false, &ID));
}

#[test]
fn a_record_may_look_like_a_record() {
    // The bytes of a segment as a payload: a torn tail behind it is still a torn tail.
    let (disk, _) = closed();
    let name = disk.list().expect("names").remove(0);
    let mut other = Log::create(Disk::new(4), *b"some other name!", Settings::default()).expect("a log");
    other.commit(&[disk.read(&name).expect("a segment")]).expect("durable");
    let mut disk = other.storage().clone();
    let name = disk.list().expect("names").remove(0);
    disk.flip(&name, 8 * 80).expect("a bit");
    let (_, found, torn) = open(disk).expect("torn, not damage");
    assert!(found.is_empty() && torn);
}

#[test]
fn a_snapshot_and_the_tail_are_the_whole() {
    for seed in 0..cases(300) {
        let mut random = Random(seed);
        let mut log = Log::create(Disk::new(seed), ID, SETTINGS).expect("a log");
        let mut records = Records::new();
        let mut kept = 0;
        for _ in 0..12 {
            let batch: Records = (0..1 + random.below(3)).map(|_| random.record()).collect();
            log.commit(&batch).expect("durable");
            records.extend(batch);
            if random.below(3) == 0 {
                let (next, chain) = (log.next(), *log.chain());
                let state = records.concat();
                snapshot::write(log.storage(), &ID, &Snapshot { next, chain, state }).expect("durable");
                log.forget_before(next).expect("removed");
                kept = next;
            }
        }
        let disk = log.storage().clone().crash();
        let (found, unsound) = snapshot::newest(&disk, &ID, u64::MAX).expect("a folder");
        assert!(unsound.is_empty());
        let (since, chain, mut state) = match found {
            Some(found) => (found.next, Some(found.chain), found.state),
            None => (0, None, Vec::new()),
        };
        assert_eq!(since, kept);
        let mut tail = 0;
        let opened = Log::open(disk, SETTINGS, since, chain, &mut |number, payload, _| {
            assert_eq!(number, since + tail);
            tail += 1;
            state.extend_from_slice(payload);
        });
        assert_eq!(opened.expect("the tail").log.next(), records.len() as u64);
        assert_eq!(state, records.concat());
    }
}

#[test]
fn a_snapshot_is_sound_or_told() {
    let mut disk = Disk::new(9);
    let old = Snapshot { next: 3, chain: [1; 32], state: b"old".to_vec() };
    let new = Snapshot { next: 5, chain: [2; 32], state: b"new".to_vec() };
    snapshot::write(&mut disk, &ID, &old).expect("durable");
    let calls = {
        let mut whole = disk.clone();
        let before = whole.calls();
        snapshot::write(&mut whole, &ID, &new).expect("durable");
        whole.calls() - before
    };
    for call in 0..calls {
        for seed in 0..40 {
            let mut disk = disk.clone();
            disk.fail_at(call, if seed % 2 == 0 { Fault::Power } else { Fault::Short });
            assert!(snapshot::write(&mut disk, &ID, &new).is_err());
            let (found, unsound) = snapshot::newest(&disk.crash(), &ID, u64::MAX).expect("a folder");
            assert!(unsound.is_empty(), "{unsound:?}");
            assert!(found.as_ref() == Some(&old) || found.as_ref() == Some(&new), "{found:?}");
        }
    }
    snapshot::write(&mut disk, &ID, &new).expect("durable");
    let name = disk.list().expect("names").pop().expect("a snapshot");
    for bit in 0..8 * disk.read(&name).expect("a snapshot").len() {
        let mut spoilt = disk.clone();
        spoilt.flip(&name, bit).expect("a bit");
        let (found, unsound) = snapshot::newest(&spoilt, &ID, u64::MAX).expect("a folder");
        assert_eq!((found.as_ref(), unsound.len()), (Some(&old), 1), "bit {bit}");
    }
    let other = *b"another log for ";
    assert_eq!(snapshot::newest(&disk, &other, u64::MAX).expect("a folder").1.len(), 2, "of another log");
    snapshot::forget(&mut disk, 1).expect("removed");
    assert_eq!(snapshot::newest(&disk, &ID, u64::MAX).expect("a folder").0, Some(new));
}
