//! Margins that change with time, in files: what is written reads back the same, and every fault where it stands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, example_folder, file, files, sound};
use plimsoll_io::book::{self, MarginModel};

/// The cross example with schedules, which it does not have by itself.
fn with(rows: &str) -> book::Opened {
    let mut all = files(&book::write(&sound(book::open(&example_folder("margin")))).unwrap());
    let market = all.iter_mut().find(|file| file.name == "markets/desk.toml").unwrap();
    let book::FileBytes::Read(bytes) = &mut market.bytes else { panic!("bytes") };
    bytes.extend_from_slice(rows.as_bytes());
    book::read(all)
}

const GOOD: &str = "\n[[schedules]]\nperp = \"SOL-PERP\"\nside = \"held\"\nstep = \"0.1\"\nkeeps = \"0.6\"\nfrom = [[1780000000, \"0.2\"], [\"2027-01-01T00:00:00Z\", \"0.25\"]]\n";

#[test]
fn schedules_read_back_the_same() {
    for book in [sound(with(GOOD)), sound(book::open(&example_folder("options")))] {
        let again = sound(book::read(files(&book::write(&book).unwrap())));
        assert_eq!(all_of(&again), all_of(&book));
        let one = sound(book::read(vec![file("book.json", book::write_json(&book).unwrap())]));
        assert_eq!(all_of(&one), all_of(&book));
    }
    let book = sound(with(GOOD));
    let market = plimsoll_margin::market::Market::of(&*book.markets[0].market).unwrap();
    let [one] = &market.spec().schedules[..] else { panic!("one") };
    assert_eq!((one.of, one.step, one.keeps, one.rows.len()), (0, 100_000, 600_000, 2));
    assert_eq!(one.rows[0], (plimsoll_core::Time(1_780_000_000), 200_000));
}

#[test]
fn faults_of_schedules_say_where() {
    for (from, to, code) in [
        ("SOL-PERP", "SOL-PERK", "PL0553"),
        ("held", "long", "PL0520"),
        ("\"0.2\"", "\"1\"", "PL0515"),
        ("\"0.2\"", "\"0\"", "PL0515"),
        ("1780000000", "1900000000", "PL0515"),
        ("[1780000000, \"0.2\"]", "[1780000000]", "PL0533"),
        ("keeps = \"0.6\"", "keeps = \"0\"", "PL0515"),
        ("step = \"0.1\"", "step = \"1\"", "PL0515"),
        ("step", "stop", "PL0509"),
    ] {
        let told = with(&GOOD.replacen(from, to, 1)).faults.render(false);
        assert!(told.contains(code), "{from} {to}: {told}");
    }
    let told = with(&format!("{GOOD}{GOOD}")).faults.render(false);
    assert!(told.contains("PL0540"), "{told}");
    // A rate by which a further tier would be above one.
    let steep = GOOD.replace("SOL-PERP", "BTC-PERP").replace("\"0.2\"", "\"0.97\"");
    let told = with(&steep).faults.render(false);
    assert!(told.contains("PL0579"), "{told}");
}

#[test]
fn margins_are_a_model_of_what_they_name() {
    let good = "format = 1\nname = \"m\"\nsources = [\"s\"]\nabout = \"a\"\n[[margin]]\nasset = \"BTC\"\nside = \"owed\"\ntool = \"floor\"\nfrom = [[1, \"0.2255\"]]\n";
    let read = |text: &str| MarginModel::read(file("margins.toml", text));
    let model = read(good).model.unwrap();
    for (example, has) in [("margin", true), ("options", true), ("lending", false)] {
        let book = sound(book::open(&example_folder(example)));
        assert_eq!(model.under(&*book.markets[0].market).unwrap().is_some(), has, "{example}");
    }
    for (from, to, code) in [
        ("format = 1\n", "", "PL0510"),
        ("side = \"owed\"\n", "", "PL0510"),
        ("[[1,", "[[x,", "PL0505"),
        ("0.2255", "x", "PL0513"),
    ] {
        let opened = read(&good.replacen(from, to, 1));
        let told = opened.faults.render(false);
        assert!(opened.model.is_none() && told.contains(code), "{from} {to}: {told}");
    }
}
