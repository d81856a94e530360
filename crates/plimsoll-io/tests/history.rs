//! Price history as files: what they say, and every way in which one can be wrong.

#![allow(clippy::expect_used, clippy::float_arithmetic, clippy::float_cmp)] // prices of history are floats, here read as they are written

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use plimsoll_io::book::{File, FileBytes};
use plimsoll_io::history::{Opened, open, read};
use plimsoll_risk::history::aligned;
use std::io::Write;
use std::sync::Arc;

fn file(name: &str, bytes: impl AsRef<[u8]>) -> File {
    File { name: name.into(), bytes: FileBytes::Read(bytes.as_ref().to_vec()) }
}

/// Reads files that are sound.
fn sound(files: Vec<File>) -> Opened {
    let opened = read(files);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened
}

const ETH: &str =
    "ts,open,high,low,close,volume\n0,10,12,9,11,5\n3600,11,11,10,10.5,0\n10800,10,10,8,9,1.5\n";

#[test]
fn a_file_a_series_with_gaps_that_stay_gaps() {
    let opened = sound(vec![file("eth.csv", ETH), file("STETH-ETH.csv", "ts,close\n0,0.99\n3600,9.8e-1\n")]);
    let eth = opened.history.series("ETH").expect("ETH");
    assert!(eth.ranged && eth.bars.step() == 3600 && eth.quote == "USD");
    let closes: Vec<(i64, f64)> = eth.bars.bars().iter().map(|bar| (bar.time, bar.close)).collect();
    assert_eq!(closes, [(0, 11.0), (3600, 10.5), (10_800, 9.0)]);
    assert_eq!((eth.bars.gaps().len(), eth.bars.gaps()[0].missing), (1, 1));
    assert_eq!(eth.bar_returns().len(), 1, "no return over a gap");
    assert_eq!((eth.bars.bars()[2].low, eth.bars.bars()[0].high), (8.0, 12.0));
    let basis = opened.history.series("steth-eth").expect("the basis");
    assert!(!basis.ranged && basis.quote == "ETH" && basis.bars.bars()[1].close == 0.98);
    assert!(opened.history.series("STETH").is_none(), "a basis is no price in dollars");
    // What was known at a time: a bar once it has closed.
    assert_eq!(eth.until(7200).bars.bars().len(), 2);
    assert_eq!(eth.until(7199).bars.bars().len(), 1);
    assert_eq!(eth.until(7200).bars.gaps().len(), 0);
    assert_eq!(eth.until(14_400).bars.gaps().len(), 1);
}

#[test]
fn a_panel_is_told_by_its_header_and_empty_cells_are_gaps() {
    let panel = "ts,BTC,eth,USDC\n0,100,10,\n3600,101,,1\n7200,102,12,1.0001\n10800,103,13,\n";
    let opened = sound(vec![file("panel_1h.csv", panel)]);
    let names: Vec<String> = opened.history.all().iter().map(|series| series.name()).collect();
    assert_eq!(names, ["BTC-USD", "ETH-USD", "USDC-USD"]);
    let returns = ["BTC", "ETH"].map(|name| opened.history.series(name).expect("a series").bar_returns());
    let both = aligned(&returns);
    assert_eq!(both.times, [10_800]);
    assert!((both.returns[1][0] - (13_f64 / 12.0).ln()).abs() < 1e-15);
}

#[test]
fn gzip_and_parquet_say_the_same_as_plain_text() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(ETH.as_bytes()).expect("gzip");
    let columns: [(&str, ArrayRef); 5] = [
        ("ts", Arc::new(Int64Array::from(vec![0, 3600, 10_800]))),
        ("open", Arc::new(Float64Array::from(vec![10.0, 11.0, 10.0]))),
        ("high", Arc::new(Float64Array::from(vec![12.0, 11.0, 10.0]))),
        ("low", Arc::new(Float64Array::from(vec![9.0, 10.0, 8.0]))),
        ("close", Arc::new(Float64Array::from(vec![11.0, 10.5, 9.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a table");
    let mut parquet = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("a file");
    let plain = sound(vec![file("ETH.csv", ETH)]);
    let bars = |opened: &Opened| opened.history.series("ETH").expect("ETH").bars.bars().to_vec();
    for (name, bytes) in [("ETH.csv.gz", packed.finish().expect("gzip")), ("ETH.parquet", parquet)] {
        let other = sound(vec![file(name, bytes)]);
        assert_eq!(bars(&other), bars(&plain), "{name}");
        assert_ne!(other.history.digest(), plain.history.digest(), "{name}: other bytes");
    }
}

#[test]
fn a_plan_names_files_and_only_those_are_read() {
    let plan = "quote = \"eur\"\npanels = [\"p.csv\"]\n[series]\n\"ETH\" = [\"one.csv\", \"two.csv\"]\n\"PT-A-USD\" = \"pt.csv\"\n";
    let files = || {
        vec![
            file("history.toml", plan),
            file("one.csv", "ts,close\n0,1\n60,2\n"),
            file("two.csv", "ts,close\n60,2\n120,3\n"),
            file("pt.csv", "ts,close\n0,5\n60,6\n"),
            file("p.csv", "ts,BTC,XAU-USD\n0,1,3\n60,2,4\n"),
        ]
    };
    let opened = sound(files());
    let names: Vec<String> = opened.history.all().iter().map(|series| series.name()).collect();
    assert_eq!(names, ["BTC-EUR", "ETH-EUR", "PT-A-USD", "XAU-USD"]);
    assert_eq!(opened.history.series("ETH").expect("ETH").bars.bars().len(), 3);
    assert!(opened.history.series("PT-A-USD").is_some() && opened.history.series("BTC").is_some());
    let folder = std::env::temp_dir().join(format!("plimsoll-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for File { name, bytes } in files() {
        let FileBytes::Read(bytes) = bytes else { continue };
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
    std::fs::write(folder.join("other.csv"), "nothing of the plan").expect("a file");
    let from_disk = open(&folder);
    assert!(from_disk.faults.is_empty(), "{}", from_disk.faults.render(false));
    assert_eq!(from_disk.history.digest(), opened.history.digest());
    std::fs::remove_file(folder.join("two.csv")).expect("a file");
    assert_eq!(open(&folder).faults.list[0].code.name(), "PL0501");
    std::fs::remove_dir_all(&folder).expect("a folder");
    assert_eq!(open(&folder).faults.list[0].code.name(), "PL0501");
}

/// The SHA-256 of `abc` is the standard's own example (FIPS 180-2, appendix B.1).
#[test]
fn results_can_name_their_data() {
    let opened = read(vec![file("A.csv", "abc")]);
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(opened.history.files()[0].sha256, expected);
    let (one, other) = (file("A.csv", "ts,close\n0,1\n1,1\n"), file("B.csv", "ts,close\n0,1\n1,1\n"));
    assert_ne!(read(vec![one]).history.digest(), read(vec![other]).history.digest());
}

#[test]
fn every_fault_is_told_where_it_stands() {
    const PANEL: &str = "ts,BTC,ETH\n0,1,2\n60,1,2\n120,1,2\n";
    let cases: &[(&str, String, &str, Option<[u32; 2]>)] = &[
        ("ETH.csv", String::new(), "PL0531", None),
        ("ETH.csv", ETH.replace("close", "clsoe"), "PL0531", Some([1, 1])),
        ("ETH.csv", "ts,close,close\n0,1,1\n".into(), "PL0532", Some([1, 10])),
        ("ETH.csv", "ts,price\n0,1\n60,1\n".into(), "PL0531", Some([1, 1])),
        ("ETH.csv", ETH.replace("3600,", "36OO,"), "PL0518", Some([3, 1])),
        ("ETH.csv", ETH.replace("3600,", ","), "PL0510", Some([3, 1])),
        ("ETH.csv", ETH.replace("3600,", "0,"), "PL0515", Some([3, 1])),
        ("ETH.csv", ETH.replace("10800,", "1800,"), "PL0515", Some([4, 1])),
        ("ETH.csv", ETH.replace("10.5", "ten"), "PL0513", Some([3, 15])),
        ("ETH.csv", ETH.replace("10.5", "NaN"), "PL0513", Some([3, 15])),
        ("ETH.csv", ETH.replace("10.5", "0"), "PL0515", Some([3, 15])),
        ("ETH.csv", ETH.replace("10.5", "-3"), "PL0515", Some([3, 15])),
        ("ETH.csv", ETH.replace("10.5", "1e40"), "PL0515", Some([3, 15])),
        ("ETH.csv", ETH.replace(",5\n", ",-5\n"), "PL0513", Some([2, 14])),
        ("ETH.csv", ETH.replace("10,12,9", "10,10.9,9"), "PL0559", Some([2, 1])),
        ("ETH.csv", ETH.replace("10,12,9", "10,12,10.1"), "PL0559", Some([2, 1])),
        ("ETH.csv", ETH.replace(",0\n", "\n"), "PL0533", Some([3, 1])),
        ("ETH.csv", ETH.replace("11,11,10", "\"11,11,10"), "PL0534", Some([3, 6])),
        ("ETH.csv", ETH.replace("10,12,9", "10,,9"), "PL0559", Some([2, 1])),
        ("ETH.csv", ETH.replace("11,11,10", ",,10"), "PL0559", Some([3, 1])),
        ("ETH.csv", "ts,high,low,close\n0,2,1,1\n60,2,1,1\n".into(), "PL0559", Some([1, 1])),
        ("ETH.csv", "close,ts,open\n1,0,1\n1,60,1\n".into(), "PL0559", Some([1, 1])),
        ("ETH.csv", "ts,close\n60,1\n".into(), "PL0515", Some([2, 1])),
        ("ETH.csv", "ts,close\n0,1\n60,1\n120,1\n150,1\n".into(), "PL0515", Some([5, 1])),
        ("=1.csv", "ts,close\n0,1\n60,1\n".into(), "PL0522", None),
        ("ETH.csv.gz", "no gzip".into(), "PL0501", None),
        ("ETH.parquet", "no Parquet".into(), "PL0524", None),
        ("p.csv", PANEL.replace("ts,", "time,"), "PL0531", Some([1, 1])),
        ("p.csv", PANEL.replace("ETH", "btc"), "PL0532", Some([1, 8])),
        ("p.csv", PANEL.replace("60,1,2", "60,1"), "PL0533", Some([3, 1])),
        ("p.csv", PANEL.replace("60,1,2", "60,1,x"), "PL0513", Some([3, 6])),
        ("p.csv", PANEL.replace("120,", "60,"), "PL0515", Some([4, 1])),
        ("history.toml", "[series]\nETH = \"../ETH.csv\"\n".into(), "PL0522", Some([2, 7])),
        ("history.toml", "[series]\nETH = \"ETH.csv\"\n".into(), "PL0501", Some([2, 7])),
        ("history.toml", "[serie]\n".into(), "PL0509", Some([1, 2])),
        ("history.toml", "series = 3\n".into(), "PL0511", Some([1, 10])),
        ("history.toml", "format = 2\n".into(), "PL0512", Some([1, 10])),
        ("history.toml", "quote = \"\"\n".into(), "PL0522", Some([1, 9])),
    ];
    for (name, text, code, place) in cases {
        let opened = read(vec![file(name, text)]);
        let first = opened.faults.list.first().unwrap_or_else(|| panic!("{name}: no fault in {text}"));
        assert_eq!(first.code.name(), *code, "{text}: {first}");
        assert_eq!(first.place.map(|place| [place.line, place.column]), *place, "{text}: {first}");
        assert_eq!(first.file, *name, "{text}");
    }
}

#[test]
fn a_faulty_row_is_a_gap_and_a_torn_file_is_no_series() {
    let one_bad = read(vec![file("ETH.csv", ETH.replace("10.5", "x"))]);
    assert_eq!(one_bad.history.series("ETH").expect("ETH").bars.bars().len(), 2);
    let torn = read(vec![file("ETH.csv", ETH.replace("3600,", "\"3600,"))]);
    assert!(torn.history.series("ETH").is_none() && !torn.faults.is_empty());
}

/// A bar has an open, a high and a low or is its close alone; two of three are a fault, told once where the header lacks one.
#[test]
fn a_part_of_open_high_and_low_is_a_fault() {
    const TWO: &str = "ts,high,low,close\n0,2,1,1\n60,2,1,1\n120,2,1,1\n";
    let opened = read(vec![file("ETH.csv", TWO)]);
    assert_eq!(opened.faults.count(), 1);
    assert!(opened.faults.list[0].to_string().contains("open, high and low, or none of them"));
    assert!(opened.history.series("ETH").is_none());
    let columns: [(&str, ArrayRef); 4] = [
        ("ts", Arc::new(Int64Array::from(vec![0, 60]))),
        ("high", Arc::new(Float64Array::from(vec![2.0, 2.0]))),
        ("low", Arc::new(Float64Array::from(vec![1.0, 1.0]))),
        ("close", Arc::new(Float64Array::from(vec![1.0, 1.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a table");
    let mut parquet = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("a file");
    let opened = read(vec![file("ETH.parquet", parquet)]);
    assert_eq!((opened.faults.count(), opened.faults.list[0].code.name()), (1, "PL0559"));
    // A row that has none of them is its close alone; one that has some is left out.
    let some = read(vec![file("ETH.csv", ETH.replace("10,12,9", ",,").replace("11,11,10", "11,,"))]);
    assert_eq!((some.faults.count(), some.faults.list[0].place.map(|place| place.line)), (1, Some(3)));
    let eth = some.history.series("ETH").expect("ETH");
    assert!(!eth.ranged && eth.bars.bars().len() == 2);
}

#[test]
fn two_files_that_contradict_each_other_leave_a_gap() {
    let files = vec![file("ETH.csv", ETH), file("p.csv", "ts,BTC,ETH\n0,1,11\n3600,1,10.25\n14400,1,8\n")];
    let opened = read(files);
    assert_eq!(opened.faults.count(), 1);
    let fault = &opened.faults.list[0];
    assert_eq!((fault.code.name(), fault.file.as_str()), ("PL0559", "p.csv"));
    assert_eq!(fault.place.map(|place| (place.line, place.column)), Some((3, 8)));
    let eth = opened.history.series("ETH").expect("ETH");
    let times: Vec<i64> = eth.bars.bars().iter().map(|bar| bar.time).collect();
    assert_eq!(times, [0, 10_800, 14_400]);
    assert!(!eth.ranged, "one bar has no low");
}

/// Sound files cut and overwritten at random: read or told, and never a panic.
#[test]
fn spoilt_files_are_read_or_told() {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let pieces =
        ["\"", ",", "\n", "-", "1e999", "NaN", "\u{feff}", "=", "ts", "99999999999", "\u{202e}", "é", "\0"];
    let plan = "panels = [\"p.csv\"]\n[series]\nETH = \"e.csv\"\n";
    let texts = [("ETH.csv", ETH), ("p.csv", "ts,BTC,ETH\n0,1,2\n60,1,2\n120,1,2\n"), ("history.toml", plan)];
    let (mut told, mut read_well) = (0, 0);
    for _ in 0..4000 {
        let (name, text) = texts[random(texts.len())];
        let mut text = text.to_string();
        for _ in 0..=random(3) {
            let at = (0..=random(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            match random(3) {
                0 => text.truncate(at),
                _ => text.insert_str(at, pieces[random(pieces.len())]),
            }
        }
        let opened = read(vec![file(name, &text)]);
        for series in opened.history.all() {
            let bars = series.bars.bars();
            assert!(bars.windows(2).all(|pair| pair[0].time < pair[1].time), "{text}");
            assert!(bars.iter().all(|bar| bar.low > 0.0 && bar.high.is_finite()), "{text}");
        }
        for fault in &opened.faults.list {
            assert!(
                !fault.found.is_empty() && !fault.expected.is_empty() && !fault.file.is_empty(),
                "{text}"
            );
        }
        told += usize::from(!opened.faults.is_empty());
        read_well += usize::from(!opened.history.all().is_empty());
    }
    assert!(told > 2000 && read_well > 500, "{told} were told, of {read_well} something was read");
}
