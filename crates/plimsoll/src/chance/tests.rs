//! Chances against closed forms, against the venues' integers, and the laws that they obey. History is made up from a fixed seed.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

use super::closed::straight;
use super::drivers::Drivers;
use super::ground::Known;
use super::*;
use crate::shock::{Said, digits};
use crate::stress::readings;
use plimsoll_core::{Feeds, Lens, Observation, Origin, PriceId, Reading, Standing, Test, Time, Verdict};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::exp;
use plimsoll_risk::history::Series;
use plimsoll_risk::stream::Stream;
use std::path::Path;

mod buffers;
mod doubts;

const SEED: u64 = 6;
const DAYS: i64 = 540;

fn example(name: &str) -> Book {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let opened = plimsoll_io::book::open(&path);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

/// Bars of so many hours until a time: a walk of this volatility a day, with a few days three times as wild.
fn made_up(base: &str, quote: &str, until: i64, hours: i64, volatility: f64, stream: &mut Stream) -> Series {
    let step = hours * 3600;
    let last = until.div_euclid(86_400) * 86_400;
    let mut price = 100.0;
    let deviation = volatility / (24.0 / hours as f64).sqrt();
    let mut bars = Vec::new();
    let mut time = last - DAYS * 86_400;
    while time < last {
        let wild = if time.div_euclid(86_400) % 29 == 0 { 3.0 } else { 1.0 };
        let open = price;
        price *= exp(deviation * wild * stream.normal());
        let room = 1.0 + deviation * wild * 0.4 * stream.uniform();
        let (low, high) = (open.min(price) / room, open.max(price) * room);
        bars.push(Bar { time, open, high, low, close: price });
        time += step;
    }
    let bars = Bars::new(step, bars).expect("bars");
    Series { base: base.to_uppercase(), quote: quote.to_uppercase(), bars, ranged: true }
}

/// A series for everything that the book's feeds price in dollars, or in something else.
fn history(book: &Book, volatility: f64, without: &[&str]) -> History {
    let mut stream = Stream::new(SEED, (volatility * 1000.0) as u64);
    let until = book.at.0 as i64;
    let mut series: Vec<Series> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for price in book.graph.prices().iter().filter(|price| matches!(price.origin, Origin::Feed(_))) {
        let both = [price.unit.per.clone().unwrap_or_default(), price.unit.currency.clone()];
        for name in both.into_iter().filter(|name| !name.is_empty() && name != "USD") {
            if !names.contains(&name) && !without.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    for name in names {
        series.push(made_up(&name, "USD", until, 6, volatility, &mut stream));
    }
    History::new("USD".into(), series, Vec::new(), "0".repeat(64))
}

fn setting() -> ChanceSetting {
    Setting { look: 21_600, paths: 400, seed: SEED, ..Setting::default() }
}

type ChanceSetting = Setting;

/// The names of all example books.
fn books() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(folder).expect("the examples").flatten();
    let books = entries.filter(|entry| entry.path().join("book.toml").exists());
    let mut names: Vec<String> =
        books.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The most that the exact verdict may be from the rows, over what is required.
fn slack_of(
    market: &dyn plimsoll_core::Market,
    listed: &plimsoll_core::ListedAccount,
    quoted: &dyn plimsoll_core::Quoted,
) -> f64 {
    let question = plimsoll_core::Question { test: Test::Liquidation, lens: Lens::Action, at: Time(0) };
    let Ok(plimsoll_core::Compiled::Rows(forms)) = market.compile(&listed.account, question) else {
        return 0.0;
    };
    let nodes = plimsoll_core::Nodes { values: quoted.nodes() };
    let of = |form: &plimsoll_core::Form| {
        let slack = form.slack(&nodes).ok()?.to_int()?;
        let asked = form.requirement.at(&nodes).ok()?.to_int()?;
        Some(int(slack) / int(asked))
    };
    forms.iter().filter_map(of).fold(0.0, f64::max)
}

/// The float beside each account's exact health, in worlds of drawn prices at later times: they are one number, and one verdict outside
/// of the last digits.
#[test]
fn a_float_verdict_is_the_exact_one_outside_the_slack() {
    let (mut compared, mut crossed) = (0_u32, 0_u32);
    for name in books() {
        let book = example(&name);
        let history = history(&book, 0.06, &[]);
        let setting = Setting { days: vec![20], ..setting() };
        let study = Study::new(&book, &history, &setting, None).expect("a study");
        let Ok(models) = &study.models else { continue };
        // Nobody has rows: there is nothing to look at, and no worlds.
        if !study.ground.known.iter().any(|known| matches!(known, Known::Rows(_))) {
            continue;
        }
        let tracks = models.tracks(Kind::Filtered).expect("a model");
        let mut met = Drivers::new(&book, &history, &setting.said);
        let moves = ground::leaves(&book, &mut met, None);
        let mut track = plimsoll_risk::tracks::Track::default();
        let quotes = book.graph.quotes(book.at);
        for path in 0..4 {
            tracks.draw(SEED, path, 20, &mut track);
            for look in [0, 17, 79] {
                let width = study.names.len();
                let moved = &track.close[look * width..(look + 1) * width];
                // The same world in exact numbers: every leaf where the series put it.
                let (mut then, mut rounded) = (book.clone(), 0.0_f64);
                then.at = Time(book.at.0 + (look as u64 + 1) * setting.look);
                for (at, moves) in moves.iter().enumerate() {
                    let id = PriceId(at as u32);
                    let Some(drivers::Moves::With(powers)) = moves else { continue };
                    let Some(Origin::Feed(feed)) = book.graph.price(id).map(|price| &price.origin) else {
                        continue;
                    };
                    let Some(today) = quotes[at].value else { continue };
                    // Every series serves here, so that places are the same.
                    let log: f64 = powers.iter().map(|(series, power)| power * moved[*series]).sum();
                    let places = usize::from(digits(&book, id));
                    let value = float(today) * exp(log);
                    let price = format!("{value:.places$}");
                    rounded = rounded.max((float(price.parse().expect("a price")) / value - 1.0).abs());
                    let price = Some(price.parse::<Decimal>().expect("a price"));
                    then.graph.observe(id, Observation { price, ..feed.clone() }).expect("a feed");
                }
                crate::shock::undelay(&mut then);
                let readings: Vec<Vec<Reading>> = readings(&then);
                let (mut values, mut nodes) = (Vec::new(), vec![0.0; study.ground.width()]);
                study.ground.world(look + 1, moved, &mut values, &mut nodes);
                for (known, listed) in study.ground.known.iter().zip(&then.accounts) {
                    let Known::Rows(rows) = known else { continue };
                    let market = &*then.markets[listed.market].market;
                    let points = crate::bounds::points(&readings[listed.market]);
                    let quoted =
                        market.at(Feeds { readings: &points }, Lens::Action, then.at).expect("it stands");
                    let Ok(exact) = quoted.verdict(&listed.account, Test::Liquidation) else { continue };
                    let health = rows.rows.health(&nodes);
                    let own = int(exact.backing) / int(exact.requirement);
                    // A requirement that is off moves health by its own multiple.
                    let slack = slack_of(market, listed, &*quoted) * own.abs().max(1.0)
                        + (4.0 * rounded + 1e-7) * own.abs();
                    assert!((health - own).abs() <= slack, "{name} {}: {health} {own}", listed.name);
                    if (health - 1.0).abs() > slack {
                        let below = walk::below(&rows.rows, &nodes);
                        assert_eq!(
                            below,
                            exact.verdict == Verdict::Unhealthy,
                            "{name} {}: {health}",
                            listed.name
                        );
                        crossed += u32::from(below);
                    }
                    compared += 1;
                }
            }
        }
    }
    println!("{compared} compared, {crossed} of them below");
    assert!(compared > 1000 && crossed > 50, "{compared} {crossed}");
}

/// Drawn paths of the normal model against the exact quadrature, over volatilities, healths and horizons.
#[test]
fn drawn_chances_agree_with_closed_forms() {
    let book = example("treasury");
    let mut offs = Vec::new();
    for (at, volatility) in [0.02, 0.03, 0.045, 0.06, 0.08].into_iter().enumerate() {
        let history = history(&book, volatility, &["USDC", "stETH"]);
        let said = Said { hold: vec!["USDC".into()], map: Vec::new() };
        for seed in 0..5 {
            let seed = SEED * 1000 + at as u64 * 10 + seed;
            let setting =
                Setting { said: said.clone(), paths: 1500, seed, days: vec![1, 3, 10, 30], ..setting() };
            let study = Study::new(&book, &history, &setting, None).expect("a study");
            let models = study.models.as_ref().expect("models");
            let chosen: Vec<usize> = (0..book.accounts.len())
                .filter(|place| study.ground.known[*place].rows().is_some())
                .collect();
            let walked = study.walk(Kind::Normal, &chosen, false).expect("walked");
            let covariance = models.normal(Kind::Normal).expect("a covariance");
            for (at, place) in chosen.iter().enumerate() {
                let rows = study.ground.known[*place].rows().expect("rows");
                let Some(straight) = straight(&study.ground, rows, study.names.len()) else { continue };
                for (horizon, days) in setting.days.iter().enumerate() {
                    let look = *days as usize * models.whole.looks;
                    let carry = straight.carry(&study.ground, rows, look, study.names.len());
                    let exact = straight
                        .normal(covariance, carry, *days, models.whole.looks, straight.health)
                        .expect("a chance");
                    let lows = &walked.least[at][horizon];
                    let crossed = lows.iter().filter(|low| **low < 0.0).count() as u64;
                    let found = share(crossed, lows.len() as u64);
                    if (0.02..0.98).contains(&exact) {
                        offs.push((found.chance - exact) / found.error);
                    }
                }
            }
        }
    }
    let largest = offs.iter().map(|z| z.abs()).fold(0.0, f64::max);
    let mean = offs.iter().map(|z| z * z).sum::<f64>() / offs.len() as f64;
    println!("{} cases, largest |z| {largest:.2}, mean z² {mean:.3}", offs.len());
    // Horizons share paths, so that the mean of squares is less sure than of as many cases apart.
    assert!(
        offs.len() >= 80 && largest < 4.5 && (0.6..1.5).contains(&mean),
        "{} {largest} {mean}",
        offs.len()
    );
}

fn asked(book: &Book, history: &History, setting: &Setting, name: &str) -> AccountChance {
    let place = crate::account(book, name).expect("an account");
    chances(book, history, setting, &Whom::Accounts(vec![place])).expect("chances").accounts.remove(0)
}

#[test]
fn a_chance_rises_with_the_horizon_and_falls_with_health() {
    let book = example("treasury");
    let history = history(&book, 0.05, &[]);
    let mut last = vec![vec![1.0; 3]; 6];
    for debt in ["36000", "33000", "28000", "20000", "5000"] {
        let mut lighter = book.clone();
        let place = crate::account(&book, "alice").expect("an account");
        let listed = &lighter.accounts[place];
        let owed = crate::ask::instrument(&lighter.markets[listed.market], plimsoll_core::Kind::Debt, "USDC");
        let raw: Int = format!("{debt}000000").parse().expect("a number");
        lighter.accounts[place].account.set(owed.expect("a debt"), raw);
        let one = asked(&lighter, &history, &setting(), "alice");
        assert_eq!(one.stands, Stands::Estimated, "{debt}");
        for (model, last) in one.models.iter().zip(&mut last) {
            let chances = model.chances.as_ref().expect("chances");
            let now: Vec<f64> = chances.iter().map(|chance| chance.estimate.chance).collect();
            assert!(now.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9), "{:?}: {now:?}", model.kind);
            assert!(
                now.iter().zip(&*last).all(|(now, last)| now <= &(last + 1e-9)),
                "{:?}: {now:?}",
                model.kind
            );
            *last = now;
        }
    }
    assert!(last[0][2] < 0.5, "{last:?}");
}

#[test]
fn what_has_no_series_is_not_estimable_and_what_is_held_is() {
    let book = example("treasury");
    let history = history(&book, 0.03, &["USDC"]);
    let one = asked(&book, &history, &setting(), "alice");
    assert_eq!(one.stands, Stands::Unknown("no series of USDC".into()));
    let said = Said { hold: vec!["USDC".into()], map: Vec::new() };
    let one = asked(&book, &history, &Setting { said, ..setting() }, "alice");
    assert_eq!((one.stands, one.drivers), (Stands::Estimated, vec!["ETH-USD".to_string()]));
    // A loop whose two sides move alike hangs on a rate that an issuer pays, of which history shows nothing.
    let one = asked(&book, &self::history(&book, 0.03, &["USDC"]), &setting(), "acme-loop");
    let Stands::Unknown(why) = one.stands else { panic!("{:?}", one.stands) };
    assert!(why.contains("wstETH/stETH rate"), "{why}");
    let said = Said {
        hold: Vec::new(),
        map: vec![crate::Mapping {
            asset: "wstETH".into(),
            like: "stETH".into(),
            times: Decimal::whole(Int::ONE),
        }],
    };
    let one = asked(
        &book,
        &self::history(&book, 0.03, &["USDC", "wstETH"]),
        &Setting { said, ..setting() },
        "acme-loop",
    );
    assert_eq!(one.stands, Stands::Estimated);
}

#[test]
fn who_is_below_the_line_has_a_chance_of_one() {
    let book = example("crash");
    let history = history(&book, 0.03, &[]);
    let answer = chances(&book, &history, &setting(), &Whom::Book(50)).expect("chances");
    assert_eq!(answer.counts.accounts as usize, book.accounts.len());
    let exact: Vec<Option<Verdict>> = {
        let readings = readings(&book);
        let judge = |listed: &plimsoll_core::ListedAccount| {
            let market = &*book.markets[listed.market].market;
            let standing =
                Standing::new(market, &readings[listed.market], Lens::Action, book.at).expect("stands");
            standing.judge(&listed.account, Test::Liquidation).verdict()
        };
        book.accounts.iter().map(judge).collect()
    };
    for one in &answer.accounts {
        assert_eq!(one.stands == Stands::Below, exact[one.account] == Some(Verdict::Unhealthy));
    }
}

#[test]
fn any_number_of_threads_gives_the_same_numbers() {
    let book = example("lending");
    let history = history(&book, 0.04, &[]);
    let of = |threads| {
        let setting = Setting { threads, paths: 301, ..setting() };
        format!("{:?}", chances(&book, &history, &setting, &Whom::Book(5)).expect("chances"))
    };
    let one = of(1);
    assert_eq!(one, of(2));
    assert_eq!(one, of(3));
}

/// The pruned walk of the whole book against following every account look by look.
#[test]
fn a_book_walked_by_boxes_is_the_book_walked_closely() {
    let book = example("lending");
    let history = history(&book, 0.05, &[]);
    let setting = Setting { paths: 300, ..setting() };
    let study = Study::new(&book, &history, &setting, None).expect("a study");
    let chosen: Vec<usize> = (0..book.accounts.len())
        .filter(|place| study.ground.known[*place].rows().is_some())
        .take(60)
        .collect();
    let (mut some, mut all) = (0, 0);
    for kind in [Kind::Filtered, Kind::Copula] {
        let walked = study.walk(kind, &chosen, true).expect("walked");
        for (at, place) in chosen.iter().enumerate() {
            for horizon in 0..3 {
                let closely = walked.least[at][horizon].iter().filter(|low| **low < 0.0).count() as u64;
                assert_eq!(walked.crossed[*place][horizon], closely, "{kind:?} {place} {horizon}");
                some += u32::from(closely > 0);
                all += 1;
            }
        }
    }
    assert!(some > 20 && all > some, "{some} of {all}");
}

/// The convention of the library: of 100 paths the value at risk at 99 % is the greatest loss, and at 95 % the fifth greatest.
#[test]
fn a_books_losses_are_those_of_historical_simulation() {
    let paths: Vec<[f64; 2]> = (0..100).map(|at| [f64::from(at), f64::from(200 - at)]).collect();
    let found = losses(&paths);
    assert_eq!((found.liquidated, found.bad_debt), ([49.5, 95.0, 99.0], [150.5, 196.0, 200.0]));
    assert!((found.shortfall - 200.0).abs() < 1e-9);
}
