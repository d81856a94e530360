//! Parquet tables: what other programs write is read as the CSV of the same cells is, what cannot stand is refused where
//! it stands, and what is converted comes back. The corpus is from `scripts/parquet_corpus.py`.

mod common;

use common::{all_of, sound};
use plimsoll_core::Book;
use plimsoll_io::book::{self, ConvertError, File, FileBytes, Opened, Order, Unsteady};
use plimsoll_io::export::{Form, Table};
use std::path::{Path, PathBuf};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn treasury() -> PathBuf {
    root("../../examples/treasury")
}

/// The treasury with one of its tables in this Parquet file's stead.
fn with(table: &str, bytes: Vec<u8>) -> Vec<File> {
    let named = |name: &str| treasury().join(name);
    let names = [
        "book.toml",
        "feeds.csv",
        "positions.csv",
        "markets/aave-core.toml",
        "markets/morpho-wsteth-usdc.toml",
    ];
    let kept = names.into_iter().filter(|name| !name.starts_with(table));
    let mut files: Vec<File> = kept
        .map(|name| {
            let bytes = FileBytes::Read(std::fs::read(named(name)).expect("a file of the example"));
            File { name: name.into(), bytes }
        })
        .collect();
    files.push(File { name: format!("{table}.parquet"), bytes: FileBytes::Read(bytes) });
    files
}

fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root("corpus/parquet").join(folder))
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    };
    paths.into_iter().map(read).collect()
}

/// All readings of all markets: what prices come to.
fn readings(book: &Book) -> Vec<Vec<plimsoll_core::Reading>> {
    let quotes = book.graph.quotes(book.at);
    book.markets.iter().map(|market| book.readings(market, &quotes)).collect()
}

#[test]
fn what_other_programs_write_is_read_as_its_csv() {
    let expected = sound(book::open(&treasury()));
    let files = corpus("sound");
    assert!(files.len() >= 14, "{}", files.len());
    for (name, bytes) in files {
        let table = name.split_once('-').expect("table-program").0;
        let found = sound(book::read(with(table, bytes)));
        if name == "feeds-decimal" {
            // A column of one scale does not say how many zeros a number was written with.
            assert_eq!(readings(&found), readings(&expected), "{name}");
        } else {
            assert_eq!(all_of(&found), all_of(&expected), "{name}");
        }
    }
}

fn told(opened: &Opened) -> Vec<String> {
    opened.faults.list.iter().map(ToString::to_string).collect()
}

/// Where and as what each file of the corpus is refused: the beginnings of its faults.
const REFUSED: &[(&str, &[&str])] = &[
    ("brotli", &["positions.parquet: row 1, column account: PL0524: found the compression BROTLI"]),
    ("bytes", &["positions.parquet: column account: PL0535: found bytes that are not marked as text"]),
    ("cut", &["positions.parquet: PL0524: found a beginning without its end"]),
    (
        "deltas-of-lengths",
        &["positions.parquet: row 1, column account: PL0524: found the encoding DELTA_LENGTH_BYTE_ARRAY"],
    ),
    (
        "deltas-of-texts",
        &["positions.parquet: row 1, column account: PL0524: found the encoding DELTA_BYTE_ARRAY"],
    ),
    ("feeds-split-seconds", &["feeds.parquet: row 1, column observed_at: PL0518: found \"1760096903.5\""]),
    ("feeds-without-zone", &["feeds.parquet: column observed_at: PL0535: found timestamps without a zone"]),
    (
        "float-and-nan",
        &["positions.parquet: column quantity: PL0535: found floats, expected texts, whole numbers"],
    ),
    ("gzip", &["positions.parquet: row 1, column account: PL0524: found the compression GZIP"]),
    (
        "missing-cell",
        &["positions.parquet: row 7, column quantity: PL0510: found nothing, expected a `quantity`"],
    ),
    (
        "mistyped-column",
        &[
            "positions.parquet: columns: PL0531: found no `quantity`, expected the columns account, market, kind, asset, quantity, unit",
            "positions.parquet: column quantitiy: PL0530: found \"quantitiy\", expected a known column (did you mean",
        ],
    ),
    ("nested", &["positions.parquet: column mode: PL0535: found the type List"]),
    (
        "no-unit",
        &[
            "positions.parquet: columns: PL0531: found no `unit`, expected the columns account, market, kind, asset, quantity, unit",
        ],
    ),
    ("not-parquet", &["positions.parquet: PL0524: found a file that does not begin with PAR1"]),
    ("pandas-index", &["positions.parquet: column __index_level_0__: PL0530: found \"__index_level_0__\""]),
];

#[test]
fn what_cannot_stand_is_told_where_it_stands() {
    let files = corpus("faulty");
    assert_eq!(files.len(), REFUSED.len());
    for ((name, bytes), (expected, faults)) in files.into_iter().zip(REFUSED) {
        assert_eq!(name, *expected);
        let table = if name.starts_with("feeds") { "feeds" } else { "positions" };
        let opened = book::read(with(table, bytes));
        let told = told(&opened);
        assert!(told.len() >= faults.len(), "{name}: {told:?}");
        for (told, expected) in told.iter().zip(*faults) {
            assert!(told.starts_with(expected), "{name}: {told}");
        }
        // One cell that is missing leaves one account out; a table that cannot be read leaves out all.
        let left = if table == "feeds" { 5 } else { 4 * usize::from(name == "missing-cell") };
        assert_eq!(opened.book.accounts.len(), left, "{name}");
    }
}

/// A row group that cannot be decoded is told with its rows and columns, and the faults of the others are told too.
#[test]
fn a_broken_page_is_told_with_its_row_group() {
    let (_, mut bytes) =
        corpus("sound").into_iter().find(|(name, _)| name == "positions-v2-zstd").expect("a file");
    // A zstd frame begins with 28 b5 2f fd: break the magic of the first column's first page in the second row group.
    let frames: Vec<usize> =
        (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == [0x28, 0xb5, 0x2f, 0xfd]).collect();
    bytes[frames[frames.len() / 2]] = 0;
    let opened = book::read(with("positions", bytes));
    let told = told(&opened);
    assert_eq!(told.len(), 1, "{told:?}");
    let (place, _) = told[0].split_once(": PL0524: ").expect("a code");
    assert!(place.starts_with("positions.parquet: row ") && place.contains(", column "), "{place}");
    assert_eq!(opened.book.accounts.len(), 0, "nobody knows whose rows are missing");
}

/// What a search with `plimsoll-bench hostile` found: files on which the decoder panics.
#[test]
fn what_the_decoder_stumbles_over_is_told_as_a_fault() {
    let mut count = 0;
    for table in ["feeds", "positions"] {
        for (name, bytes) in corpus(&format!("broken-{table}")) {
            let opened = book::read(with(table, bytes));
            let told = told(&opened);
            assert!(told.iter().any(|told| told.contains(": PL0524: ")), "{table}/{name}: {told:?}");
            assert!(told.iter().all(|told| told.starts_with(table)), "{table}/{name}: {told:?}");
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}

#[test]
fn a_table_in_two_forms_is_refused() {
    let (_, bytes) =
        corpus("sound").into_iter().find(|(name, _)| name == "positions-pyarrow").expect("a file");
    let mut files = with("positions", bytes);
    let csv = std::fs::read(treasury().join("positions.csv")).expect("the example");
    files.push(File { name: "positions.csv".into(), bytes: FileBytes::Read(csv) });
    let opened = book::read(files);
    assert_eq!(
        told(&opened),
        ["positions.parquet: PL0525: found positions.csv beside it, expected one of the two"]
    );
    assert!(opened.book.accounts.is_empty());
}

fn read_back(written: &book::Written) -> Vec<File> {
    let file = |(name, bytes): &(String, Vec<u8>)| File {
        name: name.clone(),
        bytes: FileBytes::Read(bytes.clone()),
    };
    written.files.iter().map(file).collect()
}

#[test]
fn a_converted_book_is_the_same_book_and_comes_back_to_the_byte() {
    for example in ["treasury", "lending"] {
        let path = root("../../examples").join(example);
        let book = sound(book::open(&path));
        let packed = book::convert(&path, Form::Parquet, Order::Kept).expect("a sound book");
        let again = book::convert(&path, Form::Parquet, Order::Kept).expect("a sound book");
        assert_eq!(packed, again, "{example}: the same bytes each time");
        assert!(packed.files.iter().any(|(name, _)| name == "positions.parquet"));
        assert_eq!(all_of(&sound(book::read(read_back(&packed)))), all_of(&book), "{example}");
        let back = book::convert_files(read_back(&packed), Form::Csv, Order::Kept).expect("a sound book");
        for (name, bytes) in &back.files {
            let original = std::fs::read(path.join(name)).expect("a file of the example");
            assert_eq!(
                String::from_utf8_lossy(bytes),
                String::from_utf8_lossy(&original),
                "{example}/{name}"
            );
        }
        let packed_again =
            book::convert_files(read_back(&back), Form::Parquet, Order::Kept).expect("a sound book");
        assert_eq!(packed_again, packed, "{example}");
    }
}

#[test]
fn a_one_file_book_becomes_a_folder() {
    let book = sound(book::open(&treasury()));
    let json = book::write_json(&book).expect("it can be written");
    let file = File { name: "b.json".into(), bytes: FileBytes::Read(json.into_bytes()) };
    let written = book::convert_files(vec![file], Form::Parquet, Order::Kept).expect("a sound book");
    assert_eq!(all_of(&sound(book::read(read_back(&written)))), all_of(&book));
}

#[test]
fn rows_are_sorted_by_account_where_that_is_asked() {
    let written =
        book::convert(&root("../../examples/lending"), Form::Csv, Order::ByAccount).expect("a sound book");
    let (_, bytes) = written.files.iter().find(|(name, _)| name == "positions.csv").expect("the positions");
    let text = String::from_utf8(bytes.clone()).expect("text");
    let accounts: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(accounts.is_sorted() && accounts.len() > 300);
    let original =
        std::fs::read_to_string(root("../../examples/lending/positions.csv")).expect("the example");
    let (mut sorted, mut lines): (Vec<&str>, Vec<&str>) =
        (original.lines().collect(), text.lines().collect());
    sorted.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, sorted, "the same rows");
}

#[test]
fn a_faulty_book_is_not_converted() {
    let (_, bytes) = corpus("faulty").into_iter().find(|(name, _)| name == "missing-cell").expect("a file");
    let refused = book::convert_files(with("positions", bytes), Form::Csv, Order::Kept);
    assert!(
        matches!(refused, Err(ConvertError::Faulty(faults, out)) if (faults.count(), out.count()) == (1, 1))
    );
}

/// A cell of 64 KiB that a dictionary repeats is told each time and copied never.
#[test]
fn a_long_text_that_is_repeated_is_refused_and_not_copied() {
    let names = ["account", "market", "kind", "asset", "quantity", "unit"];
    let long = "x".repeat((64 << 10) + 1);
    let mut table = Table::new(Form::Parquet, Vec::new(), &names).expect("memory");
    for _ in 0..5000 {
        table.row(&[&long, "aave-core", "debt", "WETH", "1", "raw"]).expect("memory");
    }
    let bytes = table.finish().expect("memory");
    assert!(bytes.len() < 1 << 16, "{}", bytes.len());
    let opened = book::read(with("positions", bytes));
    assert_eq!((opened.faults.list.len(), opened.faults.beyond > 5000), (1000, true));
    let first = &told(&opened)[0];
    assert!(
        first.starts_with("positions.parquet: row 1, column account: PL0503: found a text of 65537 bytes"),
        "{first}"
    );
}

/// A book saved to a folder of its own, which is removed when the test is done.
struct Saved(PathBuf);

impl Saved {
    fn new(name: &str, written: &book::Written) -> Saved {
        let folder = std::env::temp_dir().join(format!("plimsoll-{name}-{}", std::process::id()));
        written.save(&folder).expect("the folder is new");
        Saved(folder)
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // of no account when the test has failed
    }
}

fn stream_all(path: &Path) -> Result<Vec<plimsoll_core::ListedAccount>, Unsteady> {
    let mut stream = book::stream(path).expect("a book that can be read account by account");
    let (mut all, mut chunk) = (Vec::new(), Vec::new());
    loop {
        stream.next(&mut chunk)?;
        if chunk.is_empty() {
            assert_eq!(stream.rows_read(), stream.rows());
            return Ok(all);
        }
        all.append(&mut chunk);
    }
}

#[test]
fn a_sorted_book_comes_account_by_account_as_it_comes_whole() {
    // Nobody in this book takes fees of a market, or it would have to be read whole.
    let written =
        book::convert(&root("../../examples/lending"), Form::Parquet, Order::ByAccount).expect("sound");
    let saved = Saved::new("sorted", &written);
    let whole = sound(book::open(&saved.0));
    let streamed = stream_all(&saved.0).expect("sorted and sound");
    assert_eq!(streamed.len(), whole.accounts.len());
    for (streamed, whole) in streamed.iter().zip(&whole.accounts) {
        assert_eq!((&streamed.name, &streamed.owner), (&whole.name, &whole.owner));
        assert_eq!((streamed.market, &streamed.account), (whole.market, &whole.account));
    }
    let book = book::stream(&saved.0).and_then(|mut stream| stream.take_book()).expect("the book");
    assert_eq!(all_of(&book), all_of(&Book { accounts: Vec::new(), ..whole }));
}

#[test]
fn what_is_not_sorted_or_not_sound_is_not_read_account_by_account() {
    let kept = book::convert(&treasury(), Form::Parquet, Order::Kept).expect("sound");
    let saved = Saved::new("kept", &kept);
    // alice, alice, bob, bob, bob, acme-loop
    assert_eq!(stream_all(&saved.0).err(), Some(Unsteady::Unsorted(6)));
    let mut faulty = book::convert(&treasury(), Form::Parquet, Order::ByAccount).expect("sound");
    let (_, missing) = corpus("faulty").into_iter().find(|(name, _)| name == "missing-cell").expect("a file");
    for (_, bytes) in faulty.files.iter_mut().filter(|(name, _)| name == "positions.parquet") {
        bytes.clone_from(&missing);
    }
    let saved = Saved::new("faulty", &faulty);
    assert!(stream_all(&saved.0).is_err());
    assert!(book::stream(&treasury()).is_none(), "its positions are CSV");
}
