//! A life of a log on a disk that fails, judged by what was submitted and acknowledged: what the tests run a little of, and soaks a lot.

use crate::disk::{Bug, Disk, Fault};
use crate::log::{Damage, Log, LogId, Settings};
use crate::random::Random;

const ID: LogId = *b"a log on trial \0";

/// Records as they were submitted.
pub type Records = Vec<Vec<u8>>;

/// What a life came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lived {
    /// How often the power went.
    pub cuts: u64,
    /// How many records stood in the log at the end.
    pub records: usize,
    /// How many of all cuts left a write torn.
    pub torn: u64,
}

/// What is wrong with what opened, after so many were acknowledged of those that were submitted.
fn judge(found: &Records, submitted: &Records, acknowledged: usize) -> Result<(), String> {
    if found.len() < acknowledged {
        return Err(format!("{} records opened, {acknowledged} were acknowledged", found.len()));
    }
    if submitted.get(..found.len()) != Some(found.as_slice()) {
        return Err(format!("what opened is no prefix of the {} records submitted", submitted.len()));
    }
    Ok(())
}

/// A life of several sessions, each ended by the power, in the middle of opening too. A `bug` that is planted must be found out.
///
/// # Errors
/// What is wrong: a record that is missing or was never submitted, a log that does not open.
pub fn life(seed: u64, settings: Settings, bug: Option<Bug>) -> Result<Lived, String> {
    let mut random = Random(seed);
    let mut disk = Disk::new(seed);
    let mut submitted = Records::new();
    let mut acknowledged = 0;
    let mut made = false;
    let mut lived = Lived::default();
    for _ in 0..1 + random.below(5) {
        disk.plant(bug);
        disk.fail_at(random.below(40), Fault::Power);
        session(&mut disk, settings, &mut random, &mut made, &mut submitted, &mut acknowledged)?;
        disk = disk.crash();
        lived.cuts += 1;
        if !made {
            continue;
        }
        // Opening again changes nothing.
        let mut found = [Records::new(), Records::new()];
        for (time, found) in found.iter_mut().enumerate() {
            let opened =
                Log::open(&mut disk, settings, 0, None, &mut |_, payload, _| found.push(payload.to_vec()));
            let opened = opened.map_err(|damage| format!("does not open: {damage}"))?;
            if opened.torn.is_some() {
                if time == 1 {
                    return Err("a tail is torn that was cut".into());
                }
                lived.torn += 1;
            }
        }
        let [first, second] = found;
        judge(&first, &submitted, acknowledged)?;
        if first != second {
            return Err("it opens to something else the second time".into());
        }
        (acknowledged, submitted) = (first.len(), first);
    }
    lived.records = submitted.len();
    Ok(lived)
}

/// Opens the log, or makes it, and writes until the power goes.
fn session(
    disk: &mut Disk,
    settings: Settings,
    random: &mut Random,
    made: &mut bool,
    submitted: &mut Records,
    acknowledged: &mut usize,
) -> Result<(), String> {
    let mut found = Records::new();
    let log = if *made {
        Log::open(disk, settings, 0, None, &mut |_, payload, _| found.push(payload.to_vec()))
            .map(|opened| opened.log)
    } else {
        Log::create(disk, ID, settings).map_err(Damage::Storage)
    };
    let mut log = match log {
        Ok(log) => log,
        Err(Damage::Storage(_)) => return Ok(()),
        Err(damage) => return Err(format!("does not open: {damage}")),
    };
    judge(&found, submitted, *acknowledged)?;
    (*made, *submitted) = (true, found);
    loop {
        let batch: Records = (0..1 + random.below(4)).map(|_| random.record()).collect();
        submitted.extend(batch.iter().cloned());
        match log.commit(&batch) {
            Ok(_) => *acknowledged = submitted.len(),
            Err(_) => return Ok(()),
        }
        if random.below(3) == 0 && log.seal().is_err() {
            return Ok(());
        }
    }
}
