//! `plimsoll audit verify`: every record is decoded and replayed, every snapshot compared with the state at its place.

use super::{hex, walk};
use crate::args::AuditVerifyArgs;
use crate::check::counted;
use crate::exit;
use crate::show::{errln, outln};
use plimsoll_engine::folder::Folder;
use plimsoll_engine::record::Entry;
use plimsoll_engine::snapshot::{self, Snapshot};
use serde_json::json;

pub(crate) fn run(args: &AuditVerifyArgs) -> u8 {
    let (mut snapshots, mut wrong) = match snapshots(args) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let whole = snapshots.len();
    let mut agree = 0_u64;
    let (mut forged, mut kept) = (Vec::new(), args.head.is_none());
    let walked = walk(&args.data, &mut |seen| {
        kept |= args.head.as_deref().is_some_and(|head| head.eq_ignore_ascii_case(&hex(seen.chain)));
        if let Entry::Marked(hash) = seen.entry
            && seen.state.hash() != *hash
        {
            forged.push(format!("record {} vouches for another state than the one there", seen.number));
        }
        let next = seen.number + 1;
        snapshots.retain(|snapshot| {
            if snapshot.next != next {
                return true;
            }
            let same = snapshot.chain == *seen.chain && seen.state.bytes().as_ref() == Some(&snapshot.state);
            if same {
                agree += 1;
            } else {
                wrong.push(format!("the snapshot before record {next} is not the state there"));
            }
            false
        });
    });
    let (scanned, state) = match walked {
        Ok(walked) => walked,
        Err(code) => return code,
    };
    wrong.extend(
        snapshots
            .iter()
            .map(|snapshot| format!("a snapshot stands before record {}, which there is not", snapshot.next)),
    );
    wrong.append(&mut forged);
    if !kept {
        wrong.push(
            "no record has the chain that was kept: this log is not what it was, or not all of it".into(),
        );
    }
    for why in &wrong {
        errln!("plimsoll: {why}");
    }
    let hash = state.map_or_else(String::new, |state| hex(&state.hash()));
    let torn = scanned.torn.as_ref().map(|torn| torn.lost);
    if args.json {
        let report = json!({
            "format": 1,
            "records": scanned.next,
            "chain": hex(&scanned.chain),
            "state_hash": hash,
            "snapshots": whole,
            "snapshots_agree": agree,
            "wrong": wrong,
            "torn_bytes": torn,
        });
        outln!("{report:#}");
    } else {
        outln!("records    {}", scanned.next);
        outln!("chain      {}", hex(&scanned.chain));
        outln!("state      {hash}");
        outln!("snapshots  {agree} of {whole} are the state at their place");
        if let Some(lost) = torn {
            outln!(
                "torn       {} behind the last record: a write under way, or cut short",
                counted(lost, "byte")
            );
        }
    }
    if wrong.is_empty() { exit::CALM } else { exit::FAULTY }
}

/// The sound snapshots, and what is wrong with the others.
fn snapshots(args: &AuditVerifyArgs) -> Result<(Vec<Snapshot>, Vec<String>), u8> {
    let read = || {
        let folder = Folder::look(&args.data)?;
        let Some(id) = plimsoll_engine::log::id(&folder)? else { return Ok(Vec::new()) };
        snapshot::all(&folder, &id)
    };
    let all = read().map_err(|trouble: plimsoll_engine::Trouble| {
        errln!("plimsoll: {trouble}");
        exit::FAULTY
    })?;
    let (mut sound, mut wrong) = (Vec::new(), Vec::new());
    for snapshot in all {
        match snapshot {
            Ok(snapshot) => sound.push(snapshot),
            Err(unsound) => wrong.push(format!("{}: {}", unsound.file, unsound.why)),
        }
    }
    Ok((sound, wrong))
}
