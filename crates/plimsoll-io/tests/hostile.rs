//! Whatever bytes are given as a book, they are read without a panic, in bounded memory, and every fault has a place.
//!
//! `PLIMSOLL_FUZZ=100000` makes the seeded search longer; `PLIMSOLL_SEED=…` repeats one document of it. What it ever
//! found stands in `corpus/` and is read on every run.

mod common;

use common::{all_of, file, files};
use plimsoll_io::book::{self, File, Opened};
use std::path::Path;

const MARKET: &str = include_str!("../../../examples/treasury/markets/aave-core.toml");
const MORPHO: &str = include_str!("../../../examples/treasury/markets/morpho-wsteth-usdc.toml");
const HEAD: &str = concat!(
    include_str!("../../../examples/treasury/book.toml"),
    "\n[[vol_surface]]\nname = \"eth\"\nunderlying = \"ETH\"\ncurrency = \"USD\"\nsource = \"s\"\n",
    "observed_at = 1760096900\nmax_age = \"5m\"\n"
);
const VOLS: &str = "surface,expiry,strike,volatility\neth,1761897600,4000,0.7\neth,1761897600,4100.5,0.65\n";
const FEEDS: &str = include_str!("../../../examples/treasury/feeds.csv");
const POSITIONS: &str = include_str!("../../../examples/treasury/positions.csv");

fn folder(edits: &[(&str, &[u8])]) -> Vec<File> {
    let names = [
        ("book.toml", HEAD),
        ("feeds.csv", FEEDS),
        ("markets/aave-core.toml", MARKET),
        ("markets/morpho-wsteth-usdc.toml", MORPHO),
        ("positions.csv", POSITIONS),
        ("vols.csv", VOLS),
    ];
    let files = names.iter().map(|(name, text)| {
        let edit = edits.iter().find(|(edited, _)| edited == name);
        file(name, edit.map_or(text.as_bytes(), |(_, bytes)| bytes))
    });
    files.collect()
}

/// What holds for every document.
fn check(opened: &Opened) {
    let faults = &opened.faults;
    assert!(faults.list.len() <= plimsoll_io::fault::FAULTS_MAX);
    for fault in &faults.list {
        let (plain, shown) = (fault.to_string(), fault.render(false));
        assert!(plain.len() < 2000 && shown.len() < 8000, "{plain}");
        assert!(!plain.contains(|c: char| c.is_control()), "{plain:?}");
        let moves = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!shown.contains(moves), "{shown:?}");
        assert!(shown.contains(fault.code.name()), "{shown}");
    }
    let _ = faults.render(true);
    // What is sound can be written and comes back.
    if let Ok(written) = book::write(&opened.book)
        && !opened.book.name.is_empty()
    {
        let again = book::read(files(&written));
        assert!(again.faults.is_empty(), "{}", again.faults.render(false));
        assert_eq!(all_of(&again.book), all_of(&opened.book));
    }
}

fn codes(opened: &Opened) -> Vec<&'static str> {
    let mut codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
    codes.dedup();
    codes
}

#[test]
fn each_limit_is_told_by_name() {
    let long = "x".repeat(10 << 20);
    let row =
        |cell: &str| format!("account,market,kind,asset,quantity,unit\na,aave-core,debt,WETH,{cell},token\n");
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("positions.csv", row(&long).into_bytes(), &["PL0503"]),
        ("positions.csv", row(&format!("\"{long}\"")).into_bytes(), &["PL0503"]),
        ("positions.csv", row(&"9".repeat(78)).into_bytes(), &["PL0514"]),
        ("positions.csv", row(&"9".repeat(77)).into_bytes(), &["PL0515"]),
        ("positions.csv", row("NaN").into_bytes(), &["PL0513"]),
        ("positions.csv", row("inf").into_bytes(), &["PL0513"]),
        ("positions.csv", row("1e5").into_bytes(), &["PL0513"]),
        ("positions.csv", row("1\0").into_bytes(), &["PL0513"]),
        ("positions.csv", b"account\xff".to_vec(), &["PL0502"]),
        ("positions.csv", [0xff, 0xfe, b'a', 0, b',', 0].to_vec(), &["PL0502"]),
        ("positions.csv", Vec::new(), &["PL0531"]),
        ("positions.csv", ",".repeat(100_000).into_bytes(), &["PL0503", "PL0530"]),
        ("positions.csv", "\n".repeat(1 << 20).into_bytes(), &["PL0531"]),
        ("book.toml", "x = ".bytes().chain("[".repeat(100_000).into_bytes()).collect(), &["PL0507"]),
        ("book.toml", HEAD.replace("format = 1", "format = \0").into_bytes(), &["PL0504"]),
        ("markets/aave-core.toml", b"a = 1\x01".to_vec(), &["PL0505"]),
    ];
    for (name, bytes, expected) in cases {
        let opened = book::read(folder(&[(name, &bytes)]));
        let found = codes(&opened);
        let found: Vec<&str> = found.into_iter().filter(|code| *code != "PL0552").collect();
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(
            expected.iter().all(|code| found.contains(code)),
            "{name} {start:?}: {found:?} {}",
            opened.faults.list[0]
        );
        check(&opened);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(codes(&book::read(vec![file("b.json", deep)])), ["PL0507"]);
    let deepest = format!("{{\"x\":{}{}}}", "[".repeat(126), "]".repeat(126));
    assert!(!codes(&book::read(vec![file("b.json", deepest)])).contains(&"PL0507"));
    let deeper = format!("{{\"x\":{}{}}}", "[".repeat(128), "]".repeat(128));
    assert_eq!(codes(&book::read(vec![file("b.json", deeper)])), ["PL0507"]);
}

/// Of a million faults the first thousand are kept, and all are counted.
#[test]
fn faults_are_counted_and_bounded() {
    let rows: String = (0..100_000).map(|n| format!("a{n},aave-core,debt,WETH,x,token\n")).collect();
    let text = format!("account,market,kind,asset,quantity,unit\n{rows}");
    let opened = book::read(folder(&[("positions.csv", text.as_bytes())]));
    assert_eq!((opened.faults.list.len(), opened.faults.count()), (1000, 100_000));
    assert_eq!((opened.book.accounts.len(), opened.left_out.count()), (0, 100_000));
}

#[test]
fn the_corpus_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut count = 0;
    for (kind, name) in [("json", "book.json"), ("toml", "markets/aave-core.toml"), ("csv", "positions.csv")]
    {
        for entry in std::fs::read_dir(corpus.join(kind)).expect("the corpus") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            for name in [name, "book.toml", "feeds.csv"] {
                let book = if name == "book.json" {
                    vec![file(name, bytes.clone())]
                } else {
                    folder(&[(name, &bytes)])
                };
                check(&book::read(book));
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count}");
}

/// A small generator; the same seed, the same document.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

const TOKENS: &[&str] = &[
    "\"",
    "\"\"",
    ",",
    "\n",
    "\r\n",
    "\r",
    "=",
    "[",
    "]",
    "[[",
    "{",
    "}",
    ":",
    "0",
    "1",
    "-1",
    "1e5",
    "NaN",
    "inf",
    "0x10",
    "\0",
    "\u{1b}[31m",
    "\u{feff}",
    "\u{202e}",
    "é",
    "🦀",
    "\\",
    "\\u0000",
    "\\ud800",
    "true",
    "null",
    " ",
    "9999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "emode=255",
    "raw",
    "scaled",
    "'",
    "'''",
    "#",
    "2025-10-10T12:00:00Z",
    "340282366920938463463374607431768211455",
    "0.0000000000000000001",
];

/// A few cuts, copies and insertions.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let (at, other) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let (low, high) = (at.min(other), at.max(other).min(at.min(other) + 200));
        match random.below(6) {
            0 => drop(bytes.drain(low..high)),
            1 => {
                let part = bytes[low..high].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            2 if at < bytes.len() => bytes[at] = random.next() as u8,
            3 => bytes.truncate(at),
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..at, token.bytes());
            }
        }
    }
}

fn document(seed: u64, json: &str) -> Vec<File> {
    let mut random = Random(seed);
    let parts = [HEAD, FEEDS, MARKET, MORPHO, POSITIONS, VOLS, json];
    let names = [
        "book.toml",
        "feeds.csv",
        "markets/aave-core.toml",
        "markets/morpho-wsteth-usdc.toml",
        "positions.csv",
        "vols.csv",
    ];
    let part = random.below(parts.len());
    let mut bytes = parts[part].as_bytes().to_vec();
    mutate(&mut bytes, &mut random);
    match names.get(part) {
        Some(name) => folder(&[(name, &bytes)]),
        None => vec![file("book.json", bytes)],
    }
}

#[test]
fn broken_books_are_read_without_a_panic() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let json = book::write_json(&book::read(folder(&[])).book).expect("the example can be written");
    if let Some(seed) = number("PLIMSOLL_SEED") {
        return check(&book::read(document(seed, &json)));
    }
    let mut sound = 0;
    for seed in 0..number("PLIMSOLL_FUZZ").unwrap_or(4000) {
        let files = document(seed, &json);
        let outcome = std::panic::catch_unwind(|| {
            let opened = book::read(files);
            check(&opened);
            opened.faults.is_empty()
        });
        match outcome {
            Ok(whole) => sound += u64::from(whole),
            Err(_) => panic!("PLIMSOLL_SEED={seed}"),
        }
    }
    // Some mutations hit a comment or the inside of a name; if none did, or all, the search would search nothing.
    assert!(sound > 0, "{sound}");
}
