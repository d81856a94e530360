//! Portfolio margin in books: the example against another evaluator of the same files, its round trip, what is unknown, and every fault where it stands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, example_folder, file, files, sound};
use plimsoll_core::{Book, Certainty, Int, Judgement, Lens, Sheet, Standing, Test, Verdict, Why};
use plimsoll_io::book::{self, Opened};

fn folder() -> std::path::PathBuf {
    example_folder("options")
}

fn example() -> Book {
    sound(book::open(&folder()))
}

/// The example with one text put for another in one file.
#[track_caller]
fn with(name: &str, from: &str, to: &str) -> Opened {
    common::with("options", name, from, to)
}

#[track_caller]
fn fault(name: &str, from: &str, to: &str, code: &str, found: &str) {
    common::fault("options", name, [from, to], code, found);
}

fn judged(book: &Book, name: &str, test: Test) -> (Judgement, Option<Sheet>) {
    let quotes = book.graph.quotes(book.at);
    let readings = book.readings(&book.markets[0], &quotes);
    let standing = Standing::new(&*book.markets[0].market, &readings, Lens::Action, book.at).unwrap();
    let account = &book.accounts.iter().find(|account| account.name == name).unwrap().account;
    (standing.judge(account, test), standing.quoted().sheet(account).ok().flatten())
}

/// A number of the script in units of 10^-18, cut.
fn units(text: &str) -> i128 {
    let number: plimsoll_core::Decimal = text.parse().unwrap();
    number.cut(18).scaled(18).unwrap().to_string().parse().unwrap()
}

/// Values of `values/portfolio.py`. Prices are within (F + K) x 10^-18 and positions are below 100, so that a billionth of a dollar is far.
#[test]
fn the_example_is_what_another_evaluator_says() {
    let book = example();
    let near = |seen: Int, said: &str, what: &str| {
        let seen: i128 = seen.to_string().parse().unwrap();
        assert!((seen - units(said)).abs() < 1_000_000_000, "{what}: {seen} and not {said}");
    };
    let values = include_str!("values/portfolio.txt");
    assert_eq!(values.lines().count(), book.accounts.len());
    for line in values.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, equity, initial, maintenance, lost, groups @ ..] = words.as_slice() else { panic!() };
        let (low, sheet) = judged(&book, name, Test::Liquidation);
        let (high, _) = judged(&book, name, Test::Borrow);
        let (low, high, sheet) = (low.own.unwrap(), high.own.unwrap(), sheet.unwrap());
        near(low.backing, equity, name);
        near(high.backing, equity, name);
        near(high.requirement, initial, name);
        near(low.requirement, maintenance, name);
        near(sheet.equity, equity, name);
        near(sheet.initial, initial, name);
        near(sheet.maintenance, maintenance, name);
        near(sheet.worst_days().unwrap(), lost, name);
        assert_eq!(sheet.groups.len(), groups.len() / 3, "{name}");
        for (group, said) in sheet.groups.iter().zip(groups.chunks(3)) {
            let [underlying, scenario, outcome] = said else { panic!() };
            let binding = &group.outcomes[group.binding.unwrap()];
            near(binding.value, outcome, name);
            assert_eq!(group.name, *underlying);
            let words = match scenario.split_once('/') {
                None => "each expiry by itself".to_string(),
                Some((moves, vol)) => {
                    let percent = moves.parse::<f64>().unwrap() * 100.0;
                    format!("{percent:+.0} %, vol {vol}")
                }
            };
            assert_eq!(binding.name, words, "{name}");
        }
    }
    let verdicts = [
        // Above the initial line, between both, below the line of liquidation, nothing owed.
        ("crossed", Verdict::Healthy, Verdict::Healthy),
        ("straddles", Verdict::Healthy, Verdict::Unhealthy),
        ("wings", Verdict::Unhealthy, Verdict::Unhealthy),
        ("idle", Verdict::NoDebt, Verdict::NoDebt),
    ];
    for (name, low, high) in verdicts {
        assert_eq!(judged(&book, name, Test::Liquidation).0.verdict(), Some(low), "{name}");
        assert_eq!(judged(&book, name, Test::Borrow).0.verdict(), Some(high), "{name}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let book = example();
    let again = sound(book::read(files(&book::write(&book).unwrap())));
    assert_eq!(all_of(&again), all_of(&book));
    let json = book::write_json(&book).unwrap();
    let one = sound(book::read(vec![file("book.json", json)]));
    assert_eq!(all_of(&one), all_of(&book));
}

/// A volatility that is not there, or too old, makes those who read it unknown and nobody else; so do prices.
#[test]
fn without_a_volatility_an_account_is_unknown() {
    let unknown = |book: &Book, name: &str, why: Why| {
        let (seen, _) = judged(book, name, Test::Liquidation);
        assert_eq!(seen.verdict(), None, "{name}");
        assert_eq!(seen.certainty, Certainty::Undetermined(why), "{name}");
    };
    let known = |book: &Book, name: &str| {
        assert!(judged(book, name, Test::Liquidation).0.verdict().is_some(), "{name}");
    };
    let missing = sound(with("vols.csv", "btc-vols,2026-06-26T08:00:00Z,120000,0.62\n", ""));
    unknown(&missing, "wings", Why::Missing);
    unknown(&missing, "condor", Why::Missing);
    for name in ["straddles", "covered", "carry", "crossed", "idle"] {
        known(&missing, name);
    }
    // The ether surface is the second: half an hour is more than 15 minutes.
    let head =
        "underlying = \"ETH\"\ncurrency = \"USD\"\nsource = \"example\"\nobserved_at = \"2026-06-01T11:";
    let stale = sound(with("book.toml", &format!("{head}58"), &format!("{head}30")));
    unknown(&stale, "crossed", Why::Stale);
    known(&stale, "condor");
    let mark = "BTC-25SEP26 mark,oracle,92100.00,USD/BTC,example,2026-06-01T11:59:30Z,5m";
    let old = sound(with("feeds.csv", mark, &mark.replace("11:59:30", "11:00:00")));
    unknown(&old, "calendar", Why::Stale);
    unknown(&old, "holder", Why::Stale);
    known(&old, "straddles");
}

/// After the expiry nobody knows what a contract is: it is not worth nothing.
#[test]
fn an_expired_contract_is_unknown() {
    let book = example();
    let quotes: Vec<_> = book.graph.quotes(book.at).iter().map(|quote| quote.as_used()).collect();
    let readings = book.readings(&book.markets[0], &quotes);
    let stand = |text: &str| {
        let at = plimsoll_io::time::parse(text).unwrap();
        let standing = Standing::new(&*book.markets[0].market, &readings, Lens::Action, at).unwrap();
        let own = |name: &str| {
            let account = &book.accounts.iter().find(|account| account.name == name).unwrap().account;
            let judged = standing.judge(account, Test::Liquidation);
            (judged.verdict(), judged.own.err().map(|refusal| refusal.code()))
        };
        [own("condor"), own("covered")]
    };
    let [condor, covered] = stand("2026-06-26T07:59:59Z");
    assert!(condor.0.is_some() && covered.0.is_some());
    let [condor, covered] = stand("2026-06-26T08:00:00Z");
    assert_eq!(condor, (None, Some("PL0195")));
    assert!(covered.0.is_some());
}

#[test]
fn the_template_is_the_preset() {
    let shipped = include_str!("../src/book/portfolio/presets/desk.toml");
    let template = std::fs::read_to_string(folder().join("models/desk.toml")).unwrap();
    assert_eq!(shipped, template);
    // What the market calls by its name is that table.
    let table: String =
        template.lines().filter(|line| !line.starts_with("venue")).map(|line| format!("{line}\n")).collect();
    let market = std::fs::read_to_string(folder().join("markets/desk.toml")).unwrap();
    let inline = market.replace("preset = \"desk\"\n", "") + "\n[model]\n" + &table;
    let own = sound(with("markets/desk.toml", &market, &inline));
    assert_eq!(all_of(&own), all_of(&example()));
}

#[test]
fn every_fault_is_told_where_it_stands() {
    let market = "markets/desk.toml";
    fault(market, "preset = \"desk\"", "", "PL0510", "neither");
    fault(market, "preset = \"desk\"", "preset = \"span\"", "PL0520", "span");
    fault(market, "surface = \"btc-vols\"", "surface = \"btc\"", "PL0561", "btc");
    fault(market, "surface = \"btc-vols\"", "surface = \"eth-vols\"", "PL0549", "one of ETH");
    fault(market, "surface = \"btc-vols\"\n", "", "PL0579", "surface");
    fault(market, "settles_in = \"USD\"", "settles_in = \"BTC\"", "PL0579", "settles_in");
    fault(market, "settles_in = \"USD\"", "settles_in = \"EUR\"", "PL0553", "EUR");
    fault(market, "haircut = \"0.05\"", "haircut = \"1.05\"", "PL0515", "1.05");
    fault(market, "strike = \"80000\"", "strike = \"0\"", "PL0579", "strike");
    fault(market, "strike = \"80000\"\n", "", "PL0510", "some of them");
    fault(market, "right = \"put\"", "right = \"both\"", "PL0520", "both");
    fault("positions.csv", "short,BTC-25SEP26,6", "short,BTC-25SEP27,6", "PL0553", "BTC-25SEP27");
    fault("positions.csv", "holder,desk,long", "holder,desk,supply", "PL0558", "BTC-25SEP26-90000-C");
    fault(
        "positions.csv",
        "idle,desk,supply,USD,15000,token,patient,,",
        "idle,desk,supply,USD,15000,token,patient,,x",
        "PL0554",
        "x",
    );
}
