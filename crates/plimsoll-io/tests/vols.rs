//! Surfaces of implied volatilities in files: what is written is read back, in every form, and each fault is told where
//! it is; a surface of which anything is faulty has no points.

mod common;

use common::{all_of, file, files, sound};
use plimsoll_core::{Book, Decimal, Int, Time, VolHead, VolPoint, VolSurface, Why};
use plimsoll_io::book::{self, Opened, Order};
use plimsoll_io::export::Form;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const HEAD: &str = r#"format = 1
name = "base"
at = 1760097600

[[vol_surface]]
name = "btc"
underlying = "BTC"
currency = "USD"
source = "test"
observed_at = 1760097500
max_age = "5m"

[[vol_surface]]
name = "eth"
underlying = "ETH"
currency = "USD"
source = "test"
observed_at = "2025-10-10T11:00:00Z"
"#;

const VOLS: &str = "\
surface,expiry,strike,volatility
btc,2025-10-31T08:00:00Z,110000,0.4525
btc,2025-10-31T08:00:00Z,100000.0,0.5
eth,1761897600,4000,0.7
btc,1761811200,100000,0.55
";

const FEEDS: &str = "feed,kind,price,unit,source,observed_at,max_age,confidence\n";
const POSITIONS: &str = "account,market,kind,asset,quantity,unit\n";

fn folder(head: &str, vols: Option<&str>) -> Opened {
    let mut files = vec![file("book.toml", head), file("feeds.csv", FEEDS), file("positions.csv", POSITIONS)];
    files.extend(vols.map(|vols| file("vols.csv", vols)));
    book::read(files)
}

fn told(opened: &Opened) -> String {
    common::told(opened).join("; ")
}

/// How many points each surface has.
fn points(book: &Book) -> String {
    let one = |surface: &VolSurface| format!("{} {}", surface.head().name, surface.points().count());
    book.graph.surfaces().iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_surface_is_what_its_files_say() {
    let book = sound(folder(HEAD, Some(VOLS)));
    let [btc, eth] = book.graph.surfaces() else { panic!("two surfaces") };
    let [name, underlying, currency, source] = ["btc", "BTC", "USD", "test"].map(String::from);
    let (observed_at, max_age) = (Time(1_760_097_500), Some(300));
    assert_eq!(*btc.head(), VolHead { name, underlying, currency, source, observed_at, max_age });
    assert_eq!((eth.head().observed_at, eth.head().max_age), (Time(1_760_094_000), None));
    let listed = |surface: &VolSurface| -> Vec<String> {
        let one = |p: &VolPoint| format!("{} {} {}", p.expiry.0, p.strike, p.volatility);
        surface.points().map(one).collect()
    };
    // By expiry, then by strike, with the digits of the file; 2025-10-31T08:00:00Z is 1761897600.
    let expected = ["1761811200 100000 0.55", "1761897600 100000.0 0.5", "1761897600 110000 0.4525"];
    assert_eq!(listed(btc), expected);
    assert_eq!(listed(eth), ["1761897600 4000 0.7"]);
    let ask = |at| btc.quote(Time(1_761_897_600), "100000".parse().expect("digits"), Time(at)).doubt;
    assert_eq!((ask(1_760_097_800), ask(1_760_097_801)), (None, Some(Why::Stale)));
}

#[test]
fn every_fault_of_a_row_has_its_place() {
    let (btc, eth, all, none) = ("btc 0, eth 1", "btc 3, eth 0", "btc 3, eth 1", "btc 0, eth 0");
    for (from, to, faults, left) in [
        ("eth,1761897600,4000", "eth,1761897600,4000.00", "", all),
        // A surface may have no points.
        ("eth,1761897600,4000,0.7\n", "", "", eth),
        ("eth,1761897600", "eht,1761897600", "vols.csv:4:1 PL0561", none),
        ("eth,1761897600", ",1761897600", "vols.csv:4:1 PL0510", none),
        ("eth,1761897600", "=eth,1761897600", "vols.csv:4:1 PL0522", none),
        ("1761897600,4000", "tomorrow,4000", "vols.csv:4:5 PL0518", eth),
        ("1761897600,4000", ",4000", "vols.csv:4:1 PL0510", eth),
        ("1761897600,4000", "1760094000,4000", "vols.csv:4:5 PL0563", eth),
        ("1761897600,4000", "1760094001,4000", "", all),
        (",4000,", ",4e3,", "vols.csv:4:16 PL0513", eth),
        (",4000,", ",-4000,", "vols.csv:4:16 PL0516", eth),
        (",4000,", ",0,", "vols.csv:4:16 PL0515", eth),
        (",4000,", ",0.00000000001,", "vols.csv:4:16 PL0517", eth),
        (",4000,", ",,", "vols.csv:4:1 PL0510", eth),
        (",4000,0.7", ",4000", "vols.csv:4:1 PL0533", none),
        (",4000,0.7", ",4000,0.7,1", "vols.csv:4:1 PL0533", none),
        (",0.7", ",", "vols.csv:4:1 PL0510", eth),
        (",0.7", ",0", "vols.csv:4:21 PL0515", eth),
        (",0.7", ",70", "vols.csv:4:21 PL0515", eth),
        (",0.7", ",10", "vols.csv:4:21 PL0515", eth),
        (",0.7", ",9.9999999999", "", all),
        (",0.7", ",-0.7", "vols.csv:4:21 PL0516", eth),
        (",0.7", ",70%", "vols.csv:4:21 PL0513", eth),
        (",0.7", ",0.12345678901", "vols.csv:4:21 PL0517", eth),
        ("1761811200,100000,", "1761897600,100000,", "vols.csv:5:16 PL0562", btc),
        ("surface,expiry", "surfaces,expiry", "vols.csv:1:1 PL0530; vols.csv:1:1 PL0531", none),
        ("strike,volatility", "strike,strike", "vols.csv:1:1 PL0531; vols.csv:1:23 PL0532", none),
        (",4000,0.7", ",\"4000,0.7", "vols.csv:4:16 PL0534", none),
    ] {
        assert!(VOLS.contains(from), "{from}");
        let opened = folder(HEAD, Some(&VOLS.replacen(from, to, 1)));
        let shown = opened.faults.render(false);
        assert_eq!((told(&opened).as_str(), points(&opened.book).as_str()), (faults, left), "{to}\n{shown}");
    }
}

#[test]
fn every_fault_of_a_head_has_its_place() {
    let (all, none) = ("btc 3, eth 1", "btc 0, eth 0");
    for (from, to, faults, left) in [
        ("name = \"eth\"", "name = \"btc\"", "book.toml:14:8 PL0540; vols.csv:4:1 PL0561", "btc 0"),
        ("name = \"eth\"\n", "", "book.toml:13:1 PL0510", "btc 0"),
        ("underlying = \"ETH\"\n", "", "book.toml:13:1 PL0510", "btc 3"),
        (
            "underlying = \"ETH\"",
            "underlyng = \"ETH\"",
            "book.toml:13:1 PL0510; book.toml:15:1 PL0509",
            "btc 3",
        ),
        ("currency = \"USD\"", "currency = \"=USD\"", "book.toml:8:12 PL0522", "eth 1"),
        ("source = \"test\"", "source = 5", "book.toml:9:10 PL0511", "eth 1"),
        ("observed_at = 1760097500\n", "", "book.toml:5:1 PL0510", "eth 1"),
        ("1760097500", "\"yesterday\"", "book.toml:10:15 PL0518", "eth 1"),
        ("\"5m\"", "\"5 minutes\"", "book.toml:11:11 PL0519", "eth 1"),
        ("\"5m\"", "300", "", all),
        ("max_age = \"5m\"\n", "", "", all),
        ("max_age = \"5m\"", "max_age = \"5m\"\nmax_age = \"6m\"", "book.toml:12:1 PL0508", none),
        // What is observed later than the book is unknown, as a price is, and no fault.
        ("1760097500", "1760097601", "", all),
    ] {
        assert!(HEAD.contains(from), "{from}");
        let opened = folder(&HEAD.replacen(from, to, 1), Some(VOLS));
        let shown = opened.faults.render(false);
        assert_eq!((told(&opened).as_str(), points(&opened.book).as_str()), (faults, left), "{to}\n{shown}");
    }
    let (bare, _) = HEAD.split_once("[[vol_surface]]").expect("the first surface");
    let opened = folder(HEAD, None);
    assert_eq!((told(&opened), points(&opened.book)), ("book.toml:1:1 PL0501".into(), none.into()));
    assert!(sound(folder(bare, None)).graph.surfaces().is_empty());
    let opened = folder(bare, Some("surface,expiry,strike,volatility\nbtc,1761811200,1,0.5\n"));
    assert_eq!(told(&opened), "vols.csv:2:1 PL0561");
    let one = format!("{bare}vol_surface = 5\n");
    let opened = folder(&one, Some(VOLS));
    assert_eq!((told(&opened), points(&opened.book)), ("book.toml:5:15 PL0511".into(), String::new()));
    let one = |number: u32| {
        let rest = "underlying = \"BTC\"\ncurrency = \"USD\"\nsource = \"test\"\nobserved_at = 0\n";
        format!("[[vol_surface]]\nname = \"s{number}\"\n{rest}")
    };
    let many: String = (0..1001).map(one).collect();
    let opened = folder(&format!("{bare}{many}"), Some(&VOLS.replace("\nbtc", "\ns1000")));
    // The names that were not read are not told one after another.
    assert_eq!(told(&opened), "book.toml:6005:1 PL0503");
    assert_eq!((opened.book.graph.surfaces().len(), points(&opened.book).contains(" 1")), (1000, false));
}

#[test]
fn both_forms_of_the_table_are_one_too_many() {
    let written = book::write(&sound(folder(HEAD, Some(VOLS)))).expect("it can be written");
    let packed = book::convert_files(files(&written), Form::Parquet, Order::Kept).expect("it is sound");
    let mut both = files(&packed);
    both.push(file("vols.csv", VOLS));
    let opened = book::read(both);
    assert_eq!((told(&opened), points(&opened.book)), ("vols.parquet PL0525".into(), "btc 0, eth 0".into()));
}

#[test]
fn one_file_books_have_two_lists() {
    let json = book::write_json(&sound(folder(HEAD, Some(VOLS)))).expect("it can be written");
    let points = |text: String| {
        let opened = book::read(vec![file("book.json", text)]);
        let codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
        (codes.join(" "), self::points(&opened.book))
    };
    let said = |codes: &str, left: &str| (codes.to_string(), left.to_string());
    for (from, to, codes, left) in [
        ("\"0.7\"", "\"0.7\"", "", "btc 3, eth 1"),
        ("\"0.7\"", "\"10\"", "PL0515", "btc 3, eth 0"),
        ("\"0.7\"", "0.7", "PL0511", "btc 0, eth 0"),
        ("\"vols\"", "\"vol\"", "PL0510 PL0509", "btc 0, eth 0"),
        ("\"vol_surfaces\"", "\"vol_surface\"", "PL0509 PL0561 PL0561 PL0561 PL0561", ""),
        ("\"vols\": [", "\"vols\": [5, ", "PL0511", "btc 0, eth 0"),
        ("\"vols\": [", "\"vols\": [], \"vols\": [", "PL0508", "btc 0, eth 0"),
    ] {
        assert!(json.contains(from), "{from}");
        assert_eq!(points(json.replacen(from, to, 1)), said(codes, left), "{to}");
    }
}

/// A positive number below a limit in units of 10^-10, with some of its zeros.
fn number(below: u64) -> impl Strategy<Value = Decimal> {
    (1..below, 10_u8..13).prop_map(|(units, decimals)| {
        let zeros = 10_i128.pow(u32::from(decimals - 10));
        let number = Decimal { mantissa: Int::new(i128::from(units) * zeros), decimals };
        if units % 3 == 0 { number.trimmed() } else { number }
    })
}

fn surface() -> impl Strategy<Value = VolSurface> {
    let name = || "[A-Za-z0-9_\"'ößé🦀][ -~ößé🦀]{0,12}[A-Za-z0-9\",;=]";
    let head = (name(), name(), name(), name(), any::<u32>(), any::<Option<u32>>());
    let points = vec((1_u64..4_000_000_000, number(u64::MAX), number(100_000_000_000)), 0..12);
    (head, points).prop_map(|((name, underlying, currency, source, observed, max_age), points)| {
        let (observed_at, max_age) = (Time(observed.into()), max_age.map(u64::from));
        let mut surface =
            VolSurface::new(VolHead { name, underlying, currency, source, observed_at, max_age });
        for (after, strike, volatility) in points {
            let point = VolPoint { expiry: observed_at.plus(after), strike, volatility };
            surface.add(point).expect("a sound point at a place of its own");
        }
        surface
    })
}

/// Through a folder, its Parquet form and back, and one file: to the same book, and to the same bytes.
#[test]
fn every_surface_comes_back_from_every_form() {
    let base = sound(folder(HEAD, Some(VOLS)));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let tried = runner.run(&vec(surface(), 0..5), |surfaces| {
        let mut made = Book { graph: plimsoll_core::Graph::default(), ..base.clone() };
        for surface in surfaces {
            let _ = made.graph.add_surface(surface); // of two with one name the first
        }
        let written = book::write(&made).expect("it can be written");
        prop_assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&made));
        let packed = book::convert_files(files(&written), Form::Parquet, Order::Kept).expect("it is sound");
        prop_assert_eq!(all_of(&sound(book::read(files(&packed)))), all_of(&made));
        let back = book::convert_files(files(&packed), Form::Csv, Order::Kept).expect("it is sound");
        prop_assert_eq!(&back, &written);
        let json = book::write_json(&made).expect("it can be written");
        prop_assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&made));
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

/// What no file can have is refused, and not written otherwise.
#[test]
fn a_number_that_does_not_read_back_is_not_written() {
    let mut made = sound(folder(HEAD, Some(VOLS)));
    let mut surface = made.graph.surfaces()[0].clone();
    let strike = "1".parse::<Decimal>().expect("a digit");
    let zeros = Decimal { mantissa: strike.scaled(70).expect("it fits"), decimals: 70 };
    let long = Decimal { mantissa: strike.scaled(76).expect("it fits"), decimals: 77 };
    let expiry = Time(1_800_000_000);
    let volatility = "0.5".parse().expect("digits");
    surface.add(VolPoint { expiry, strike: zeros, volatility }).expect("sound");
    made.graph = plimsoll_core::Graph::default();
    made.graph.add_surface(surface.clone()).expect("the only one");
    assert!(book::write(&made).is_ok());
    surface.add(VolPoint { expiry, strike: long, volatility }).expect("sound");
    made.graph = plimsoll_core::Graph::default();
    made.graph.add_surface(surface).expect("the only one");
    assert!(book::write(&made).is_err() && book::write_json(&made).is_err());
}
