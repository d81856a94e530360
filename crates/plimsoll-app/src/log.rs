//! `plimsoll log`: a log is proven, copied and copied back. A copy has its name only when it is whole.

use crate::args::{LogBackupArgs, LogRestoreArgs, LogVerifyArgs};
use crate::audit::hex;
use crate::check::counted;
use crate::exit;
use crate::run::{beside, cleared, failed, has_log, machine_time, named};
use crate::show::{errln, outln};
use plimsoll_engine::engine::Failure;
use plimsoll_engine::folder::Folder;
use plimsoll_engine::{Damage, Scan, Storage, scan};
use plimsoll_io::time::show_stamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Where the drills of a folder are noted: one JSON line each. The log itself knows nothing of them.
const DRILLS: &str = "drills.jsonl";

pub(crate) fn verify(args: &LogVerifyArgs) -> u8 {
    let folder = Folder::look(&args.data).map_err(Failure::Storage);
    match folder.and_then(|folder| proven(&folder)) {
        Ok(scan) => {
            print(&scan);
            exit::CALM
        }
        Err(failure) => failed(&failure),
    }
}

pub(crate) fn backup(args: &LogBackupArgs) -> u8 {
    copy("backup", &args.data, &args.to)
}

pub(crate) fn restore(args: &LogRestoreArgs) -> u8 {
    copy("restore", &args.backup, &args.to)
}

fn copy(drill: &str, from: &Path, to: &Path) -> u8 {
    if !has_log(from) {
        errln!("plimsoll: {}: there is no log", from.display());
        return exit::FAULTY;
    }
    let has_something = std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if has_something || to.is_file() {
        errln!("plimsoll: {} is there already, expected an empty or new folder", to.display());
        return exit::FAULTY;
    }
    match copied(from, to) {
        Ok(scan) => {
            print(&scan);
            note(drill, from, to, &scan);
            exit::CALM
        }
        Err(failure) => {
            let _ = cleared(&beside(to)); // what is left of it is passed over the next time
            failed(&failure)
        }
    }
}

/// Copies a log that is proven, proves the copy, and gives it its name.
fn copied(from: &Path, to: &Path) -> Result<Scan, Failure> {
    // Nobody writes meanwhile.
    let source = Folder::open(from)?;
    let whole = proven(&source)?;
    let unfinished = beside(to);
    cleared(&unfinished)?;
    let mut target = Folder::open(&unfinished)?;
    for name in source.list()? {
        // Notes of drills are each folder's own.
        if name.ends_with(".log") || name.ends_with(".snapshot") {
            let bytes = source.read(&name)?;
            target.create(&name)?;
            target.append(&name, &bytes)?;
            target.sync(&name)?;
        }
    }
    target.sync_folder()?;
    let copy = proven(&target)?;
    if copy != whole {
        return Err(Failure::Unfit("the copy is not what was copied".into()));
    }
    drop(target);
    named(&unfinished, to)?;
    Ok(copy)
}

fn proven(folder: &Folder) -> Result<Scan, Failure> {
    let scanned = scan(folder, 0, None, &mut |_, _, _| {});
    scanned.map_err(|damage| match damage {
        Damage::Storage(trouble) => Failure::Storage(trouble),
        damage => Failure::Damage(damage),
    })
}

fn print(scan: &Scan) {
    outln!("records  {}", scan.next);
    outln!("chain    {}", hex(&scan.chain));
    if let Some(torn) = &scan.torn {
        let lost = counted(torn.lost, "byte");
        outln!("torn     {lost} behind the last record: a write under way, or cut short");
    }
}

/// Notes a drill in both folders, as far as they can be written: the copy stands whatever becomes of the note.
fn note(drill: &str, from: &Path, to: &Path, scan: &Scan) {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into()).display().to_string();
    let line = json!({
        "drill": drill,
        "at": show_stamp(machine_time()),
        "from": whole(from),
        "to": whole(to),
        "records": scan.next,
        "chain": hex(&scan.chain),
    });
    for folder in [from, to] {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(DRILLS));
        let written = file.and_then(|mut file| writeln!(file, "{line}").and_then(|()| file.sync_all()));
        if let Err(error) = written {
            errln!("plimsoll: {}: the drill is not noted: {error}", folder.join(DRILLS).display());
        }
    }
}

/// The last backup and the last restore that are noted in a folder, or in the folder of that backup.
pub(crate) fn drills(folder: &Path) -> [Option<Value>; 2] {
    let own = notes(folder);
    let last = |notes: &[Value], drill: &str| notes.iter().rev().find(|note| note["drill"] == drill).cloned();
    let backup = last(&own, "backup");
    let there = backup.as_ref().and_then(|backup| backup["to"].as_str()).map(|to| notes(Path::new(to)));
    let restored = [last(&own, "restore"), there.and_then(|there| last(&there, "restore"))];
    // Times of one form compare as texts.
    let restore = restored.into_iter().flatten().max_by_key(|note| note["at"].as_str().map(String::from));
    [backup, restore]
}

fn notes(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(DRILLS)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
