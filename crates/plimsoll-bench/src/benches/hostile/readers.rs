//! Every reader of files, with sound files to begin from.

use super::mutate;
use crate::random::Random;
use crate::registry::Trouble;
use plimsoll_core::Rounding;
use plimsoll_io::book::import::{Map, Request, import};
use plimsoll_io::book::{self, File, FileBytes};
use plimsoll_io::fault::{FAULTS_MAX, Faults};
use plimsoll_io::{history, scenario, vectors};
use serde_json::Value;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Reads a file; what is wrong with the reader, if anything is.
type Read = Box<dyn Fn(&[u8]) -> Result<(), String> + Sync>;

/// A reader of files.
pub(super) struct Reader {
    pub(super) name: &'static str,
    /// Its share of the files.
    pub(super) percent: u64,
    pub(super) bases: Vec<Vec<u8>>,
    pub(super) mutate: fn(&mut Vec<u8>, &mut Random),
    pub(super) read: Read,
}

/// All of them; their shares come to a hundred.
pub(super) fn all() -> Result<Vec<Reader>, Trouble> {
    let of = |name, percent, example: &'static str, file: &'static str| -> Result<Reader, Trouble> {
        let mut bases = vec![load(&io("../../examples").join(example).join(file))?];
        bases.extend(corpus(if file.ends_with(".csv") { "csv" } else { "toml" })?);
        Ok(Reader { name, percent, bases, mutate: mutate::text, read: in_example(example, file, file)? })
    };
    let text = |name, percent, file| of(name, percent, "treasury", file);
    let packed = |name, percent, table: &'static str, file: &'static str| -> Result<Reader, Trouble> {
        let mut bases = Vec::new();
        for path in listed(&io("corpus/parquet/sound"))? {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(table)) {
                bases.push(load(&path)?);
            }
        }
        bases.extend(corpus(&format!("parquet/broken-{table}"))?);
        let csv = if table == "feeds" { "feeds.csv" } else { "positions.csv" };
        Ok(Reader { name, percent, bases, mutate: mutate::packed, read: in_book(csv, file)? })
    };
    Ok(vec![
        packed("Parquet positions", 9, "positions", "positions.parquet")?,
        packed("Parquet feeds", 5, "feeds", "feeds.parquet")?,
        text("CSV positions", 8, "positions.csv")?,
        text("CSV feeds", 7, "feeds.csv")?,
        text("TOML head", 4, "book.toml")?,
        text("TOML Aave market", 6, "markets/aave-core.toml")?,
        text("TOML Morpho market", 4, "markets/morpho-wsteth-usdc.toml")?,
        of("TOML Compound market", 5, "compound_v3", "markets/cusdcv3.toml")?,
        of("CSV Compound positions", 4, "compound_v3", "positions.csv")?,
        of("TOML Maker market", 5, "maker", "markets/eth-a.toml")?,
        of("CSV Maker positions", 4, "maker", "positions.csv")?,
        of("TOML Liquity market", 6, "liquity", "markets/bold.toml")?,
        of("CSV Liquity positions", 5, "liquity", "positions.csv")?,
        json_market()?,
        one_file()?,
        imports()?,
        vector_files()?,
        scenarios()?,
        histories()?,
    ])
}

fn treasury() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury")
}

fn io(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plimsoll-io").join(path)
}

fn no_data(path: &Path, why: &dyn Display) -> Trouble {
    Trouble::NoData(format!("{}: {why}", path.display()))
}

fn load(path: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(path).map_err(|error| no_data(path, &error))
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let entries = std::fs::read_dir(folder).map_err(|error| no_data(folder, &error))?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    Ok(paths)
}

/// What was found before, or made by hand.
fn corpus(folder: &str) -> Result<Vec<Vec<u8>>, Trouble> {
    let folder = io("corpus").join(folder);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    listed(&folder)?.iter().map(|path| load(path)).collect()
}

fn file(name: &str, bytes: Vec<u8>) -> File {
    File { name: name.into(), bytes: FileBytes::Read(bytes) }
}

/// The treasury with the bytes as one of its files, in place of another.
fn in_book(replaced: &'static str, name: &'static str) -> Result<Read, Trouble> {
    in_example("treasury", replaced, name)
}

/// An example book, likewise.
fn in_example(example: &str, replaced: &'static str, name: &'static str) -> Result<Read, Trouble> {
    let folder = io("../../examples").join(example);
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    for path in listed(&folder)?.into_iter().chain(listed(&folder.join("markets"))?) {
        let other = path.strip_prefix(&folder).map_err(|error| no_data(&path, &error))?;
        let other = other.display().to_string();
        if other != replaced {
            kept.push((other, load(&path)?));
        }
    }
    Ok(Box::new(move |bytes| {
        let mut files: Vec<File> = kept.iter().map(|(name, bytes)| file(name, bytes.clone())).collect();
        files.push(file(name, bytes.to_vec()));
        told(&book::read(files).faults)
    }))
}

/// Every fault has a place, or is of a file as a whole, and fits a line of a terminal.
fn told(faults: &Faults) -> Result<(), String> {
    if faults.list.len() > FAULTS_MAX {
        return Err(format!("{} faults are kept", faults.list.len()));
    }
    for fault in &faults.list {
        let text = fault.to_string();
        let places =
            [fault.place.is_some(), fault.record.is_some()].into_iter().filter(|place| *place).count();
        if fault.file.is_empty() || places > 1 || fault.found.is_empty() || fault.expected.is_empty() {
            return Err(format!("a fault without its place: {text}"));
        }
        if text.len() > 2000 || text.contains(|c: char| c.is_control()) {
            return Err(format!("a fault that does not fit a line: {text:?}"));
        }
    }
    Ok(())
}

fn json_market() -> Result<Reader, Trouble> {
    let text = r#"{"venue":"morpho_blue","revision":"1.0","loan":{"asset":"USDC","decimals":6},"collateral":{"asset":"wstETH","decimals":18},"lltv":"860000000000000000","irm":"none","state":{"total_supply_assets":"1000000","total_supply_shares":"1000000000000","total_borrow_assets":"500000","total_borrow_shares":"500000000000","last_update":1760097600}}"#;
    let mut bases = vec![text.as_bytes().to_vec()];
    bases.extend(corpus("json")?);
    let read = in_book("markets/morpho-wsteth-usdc.toml", "markets/morpho-wsteth-usdc.json")?;
    Ok(Reader { name: "JSON market", percent: 4, bases, mutate: mutate::text, read })
}

fn one_file() -> Result<Reader, Trouble> {
    let json =
        book::write_json(&book::open(&treasury()).book).map_err(|error| no_data(&treasury(), &error))?;
    let mut bases = vec![json.into_bytes()];
    bases.extend(corpus("json")?);
    let read: Read = Box::new(|bytes| told(&book::read(vec![file("book.json", bytes.to_vec())]).faults));
    Ok(Reader { name: "one-file book", percent: 8, bases, mutate: mutate::text, read })
}

fn imports() -> Result<Reader, Trouble> {
    let folder = io("../../examples/import");
    let mut bases = vec![load(&folder.join("borrowers.csv"))?];
    bases.extend(corpus("csv")?);
    let map = "account=user,collateral.STETH=collateral,debt.OWED=debt,threshold=threshold,ltv=ltv";
    let map = Map::parse([map]).map_err(|error| Trouble::NoData(error.found))?;
    let template = book::write_json(&book::open(&folder.join("template")).book)
        .map_err(|error| no_data(&folder, &error))?
        .into_bytes();
    let read: Read = Box::new(move |bytes| {
        let template = book::read(vec![file("template.json", template.clone())]).book;
        let table = file("borrowers.csv", bytes.to_vec());
        told(
            &import(Request { table, map: &map, template, market: None, rounding: Some(Rounding::Down) })
                .faults,
        )
    });
    Ok(Reader { name: "CSV import", percent: 5, bases, mutate: mutate::text, read })
}

fn vector_files() -> Result<Reader, Trouble> {
    let mut bases = Vec::new();
    for (name, list) in [
        ("aave_v35d_accounts", "accounts"),
        ("aave_v33_liquidations", "liquidations"),
        ("morpho_positions", "positions"),
        ("comet", "accounts"),
        ("dss_liquidations", "vectors"),
        ("bold_scenarios", "scenarios"),
    ] {
        bases.push(short_vectors(name, list)?);
    }
    bases.extend(corpus("json")?);
    let read: Read = Box::new(|bytes| match vectors::check(bytes) {
        Ok(_) => Ok(()),
        Err(fault) if fault.to_string().is_empty() => Err("a fault without a message".into()),
        Err(_) => Ok(()),
    });
    Ok(Reader { name: "vectors", percent: 6, bases, mutate: mutate::text, read })
}

fn scenarios() -> Result<Reader, Trouble> {
    let mut bases: Vec<Vec<u8>> = scenario::library().iter().map(|it| it.text.as_bytes().to_vec()).collect();
    bases.extend(corpus("toml")?);
    let read: Read = Box::new(|bytes| {
        let said = [("asset".to_string(), "WETH".to_string()), ("percent".to_string(), "-30".to_string())];
        told(&scenario::read_file(file("scenario.toml", bytes.to_vec()), &said).faults)
    });
    Ok(Reader { name: "scenarios", percent: 2, bases, mutate: mutate::text, read })
}

/// One series as the file that its header says it is, so that a spoilt header makes it a panel.
fn histories() -> Result<Reader, Trouble> {
    let series = "ts,open,high,low,close,volume\n1577836800,128.9,131.2,128.6,130.8,4412.7\n1577840400,130.8,131,130.1,130.4,2260\n1577847600,130.4,130.5,127.25,1.285e2,0\n";
    let panel = "ts,BTC,ETH,STETH-ETH\n1617566400,58025.11,2062.56,\n1617570000,58116.69,2076.8,0.9991\n1617573600,58100,,0.9992\n";
    let mut bases: Vec<Vec<u8>> = [series, panel].iter().map(|text| text.as_bytes().to_vec()).collect();
    bases.extend(corpus("csv")?);
    let read: Read = Box::new(|bytes| told(&history::read(vec![file("ETH.csv", bytes.to_vec())]).faults));
    Ok(Reader { name: "price history", percent: 3, bases, mutate: mutate::text, read })
}

/// A vector file with two of its records.
fn short_vectors(name: &str, list: &str) -> Result<Vec<u8>, Trouble> {
    let path = io("../../vectors").join(format!("{name}.json.gz"));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*load(&path)?), &mut unpacked)
        .map_err(|error| no_data(&path, &error))?;
    let mut document: Value = serde_json::from_slice(&unpacked).map_err(|error| no_data(&path, &error))?;
    if let Some(Value::Array(records)) = document.get_mut(list) {
        records.truncate(2);
    }
    Ok(document.to_string().into_bytes())
}
