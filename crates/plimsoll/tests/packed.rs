//! Whole books in packed rows, beside the venues' own integers: every example book and every recorded market, at many prices.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a book that cannot be read has failed the test; quanta are floats

mod common;

use common::example;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, Book, Compiled, Feeds, Form, Int, Lens, Market, Nodes, Question, Quoted, Reading, Test, Time,
    U256, Verdict,
};
use plimsoll_io::vectors::recorded_markets;
use plimsoll_kernel::{Layout, MarketRows, Packed, Packing, Path, World};
use std::io::Read;

/// Prices as they were, and times so many thousandths.
const MOVES: [u64; 9] = [1000, 1, 500, 700, 900, 990, 1010, 1500, 10_000];

struct Place {
    name: String,
    market: Box<dyn Market>,
    readings: Vec<Reading>,
    at: Time,
    accounts: Vec<Account>,
}

fn examples() -> Vec<Place> {
    let names =
        ["compound_v3", "crash", "hubs", "lending", "liquity", "loopers", "maker", "margin", "treasury"];
    let places = |name: &str| {
        let book: Book = example(name);
        let quotes: Vec<_> = book.graph.quotes(book.at).iter().map(|quote| quote.as_used()).collect();
        let place = |(number, listed): (usize, &plimsoll_core::ListedMarket)| Place {
            name: format!("{name}/{}", listed.name),
            market: listed.market.boxed_clone(),
            readings: book.readings(listed, &quotes),
            at: book.at,
            accounts: book
                .accounts
                .iter()
                .filter(|one| one.market == number)
                .map(|one| one.account.clone())
                .collect(),
        };
        book.markets.iter().enumerate().map(place).collect::<Vec<_>>()
    };
    names.into_iter().flat_map(places).collect()
}

fn recorded() -> Vec<Place> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the vectors")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.retain(|name| {
        name.to_string_lossy().ends_with("accounts.json.gz") && name.to_string_lossy().contains("aave_v3")
    });
    names.sort();
    let mut places = Vec::new();
    for path in names {
        let (mut bytes, packed) = (Vec::new(), std::fs::read(&path).expect("a file"));
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("gzip");
        for recorded in recorded_markets(&bytes).expect("recorded markets") {
            places.push(Place {
                name: path.display().to_string(),
                market: Box::new(recorded.pool),
                readings: recorded.readings,
                at: recorded.at,
                accounts: recorded.accounts.into_iter().map(|(account, _)| account).collect(),
            });
        }
    }
    places
}

/// The same prices, some of them moved.
fn moved(place: &Place, thousandths: u64, slot: Option<usize>) -> Vec<Reading> {
    let times = |(at, reading): (usize, &Reading)| match reading.value {
        Some(value) if slot.is_none_or(|slot| slot == at) => {
            let value = value.mul(U256::from(thousandths)).expect("256 bits");
            Reading::certain(value.div(U256::from(1000_u64), plimsoll_core::Rounding::Up).expect("not zero"))
        }
        _ => *reading,
    };
    place.readings.iter().enumerate().map(times).collect()
}

fn compiled(place: &Place, test: Test) -> Vec<Compiled> {
    let question = Question { test, lens: Lens::Action, at: place.at };
    place
        .accounts
        .iter()
        .map(|account| place.market.compile(account, question).unwrap_or(Compiled::Opaque))
        .collect()
}

fn packed(place: &Place, rows: &[Compiled], layout: &Layout, near: &dyn Quoted) -> Packed {
    let base = layout.base(0).expect("one market");
    let about = MarketRows { market: 0, base, epoch: place.market.epoch(), quanta: 1.0 };
    let mut packing = Packing::default();
    for row in rows {
        packing.push(row, &about).expect("few");
    }
    packing.finish(&World::new(layout, [near.nodes()]))
}

/// Law 1, of every venue's rows as they are packed; and who is surely below is so by the venue's own integers.
#[test]
fn law_1_packed_books_never_miss_a_venues_verdict() {
    let (mut seen, mut below, mut undecided) = (0, 0, 0);
    for place in examples().into_iter().chain(recorded()) {
        for test in [Test::Liquidation, Test::Borrow] {
            let layout = Layout::new([place.market.nodes().len()]).expect("few");
            let rows = compiled(&place, test);
            let here =
                place.market.at(Feeds { readings: &place.readings }, Lens::Action, place.at).expect("stands");
            let packed = packed(&place, &rows, &layout, &*here);
            let slots = (0..place.readings.len()).map(Some).chain([None]);
            for (slot, thousandths) in slots.flat_map(|slot| MOVES.map(|by| (slot, by))) {
                let readings = moved(&place, thousandths, slot);
                let Ok(quoted) = place.market.at(Feeds { readings: &readings }, Lens::Action, place.at)
                else {
                    continue;
                };
                let screened = packed.screen(&World::new(&layout, [quoted.nodes()]), Path::best());
                for (number, account) in (0..).zip(&place.accounts) {
                    let verdict = quoted.verdict(account, test).map(|seen| seen.verdict);
                    let name = &place.name;
                    if screened.below.contains(&number) {
                        assert!(
                            matches!(verdict, Ok(Verdict::Unhealthy) | Err(_)),
                            "{name}: {number} is {verdict:?}"
                        );
                        below += 1;
                    } else if screened.undecided.contains(&number) {
                        undecided += 1;
                    } else {
                        assert_ne!(
                            verdict,
                            Ok(Verdict::Unhealthy),
                            "{name}: {number} was let go at {thousandths} of {slot:?}"
                        );
                    }
                    seen += 1;
                }
            }
        }
    }
    eprintln!("{seen} verdicts, {below} surely below, {undecided} undecided");
    assert!(seen > 100_000 && below > 10_000);
}

/// What a form says that collateral and debt are worth is what the venue says, but for the venue's roundings.
#[test]
fn a_form_is_worth_what_the_assessment_says() {
    let mut seen = 0;
    for place in examples().into_iter().chain(recorded()) {
        for test in [Test::Liquidation, Test::Borrow] {
            let rows = compiled(&place, test);
            let quoted =
                place.market.at(Feeds { readings: &place.readings }, Lens::Action, place.at).expect("stands");
            for (row, account) in rows.iter().zip(&place.accounts) {
                let (Compiled::Rows(rows), Ok(seen_by_venue)) = (row, quoted.verdict(account, test)) else {
                    continue;
                };
                for (part, exact) in
                    [(&rows[0].collateral, seen_by_venue.collateral), (&rows[0].debt, seen_by_venue.debt)]
                {
                    near(&rows[0], part, exact, &Nodes { values: quoted.nodes() }, account, &place.name);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 2000, "only {seen} were seen");
}

/// Off by a billionth, by two units of the assessment for each holding, and by the slack without the weights in it.
fn near(
    form: &Form,
    part: &plimsoll_core::Linear,
    exact: Int,
    nodes: &Nodes<'_>,
    account: &Account,
    name: &str,
) {
    let (Ok(worth), Ok(slack)) = (part.at(nodes), form.slack(nodes)) else { return };
    let exact = Wide::from(exact).mul(form.scale).expect("512 bits");
    let off = worth.sub(exact).expect("512 bits").abs();
    let units = Wide::from(Int::from(form.scale)).mul(U256::from(2 * account.holdings().len() as u64 + 2));
    let allowed =
        slack.mul(U256::from(20_000_u64)).expect("512 bits").add(units.expect("512 bits")).expect("512 bits");
    let part = |x: Wide| x.mul(U256::from(1_000_000_000_u64)).expect("512 bits");
    let allowed = part(allowed).add(exact.abs()).expect("512 bits");
    assert!(part(off) <= allowed, "{name}: {account:?}: worth {worth:?}, exact {exact:?}");
}
