//! Maker in files: the example, both ways and to the last unit, and everything that can be wrong with a market.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, cover, file, files, sound};
use plimsoll_core::{
    Book, Feeds, InstrumentId, Int, Lens, ListedAccount, Rounding, Test, Time, U256, Verdict,
};
use plimsoll_io::book::{self, Opened};
use plimsoll_venues::maker::{self, ART, Auction, Calc, Curve, GEM, HOPE, INK, Revision, Stored, VAT_DAI};
use proptest::prelude::*;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/maker");
const HEAD: &str = include_str!("../../../examples/maker/book.toml");
const FEEDS: &str = include_str!("../../../examples/maker/feeds.csv");
const POSITIONS: &str = include_str!("../../../examples/maker/positions.csv");
const DUTCH: &str = include_str!("../../../examples/maker/markets/eth-a.toml");
const ENGLISH: &str = include_str!("../../../examples/maker/markets/eth-a-2020.toml");

fn example() -> Book {
    sound(book::open(Path::new(FOLDER)))
}

fn account<'b>(book: &'b Book, name: &str, market: &str) -> &'b ListedAccount {
    let found = book.accounts.iter().find(|one| one.name == name && book.markets[one.market].name == market);
    found.unwrap()
}

fn verdict(book: &Book, listed: &ListedAccount, lens: Lens) -> Verdict {
    let quotes = book.graph.quotes(book.at);
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &quotes);
    let quoted = market.market.at(Feeds { readings: &readings }, lens, book.at).unwrap();
    quoted.verdict(&listed.account, Test::Liquidation).unwrap().verdict
}

/// One vault waits for the queued price, another is below the line now.
#[test]
fn the_example_shows_what_is_queued() {
    let book = example();
    assert_eq!((book.markets.len(), book.accounts.len()), (2, 8));
    for (name, market, now, then) in [
        ("aurora", "eth-a", Verdict::Healthy, Some(Verdict::Healthy)),
        ("borealis", "eth-a", Verdict::Healthy, Some(Verdict::Healthy)),
        ("cassia", "eth-a", Verdict::Healthy, Some(Verdict::Unhealthy)),
        ("frost", "eth-a-2020", Verdict::Unhealthy, None),
    ] {
        let listed = account(&book, name, market);
        assert_eq!(verdict(&book, listed, Lens::Action), now, "{name}");
        let queued = book.markets[listed.market].market.queued(&listed.account, Test::Liquidation, book.at);
        assert_eq!(queued.map(|queued| queued.assessment.unwrap().verdict), then, "{name}");
        if let Some(queued) = queued {
            // The next full hour.
            assert_eq!(queued.from.0 - book.at.0, 35 * 60);
        }
    }
}

#[test]
fn the_example_comes_back() {
    let book = example();
    let written = book::write(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
    let again = book::write(&sound(book::read(files(&written)))).unwrap();
    assert_eq!(again, written);
    let json = book::write_json(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&book));
}

#[test]
fn auctions_name_their_accounts() {
    let book = example();
    let open = |name: &str| {
        let market = book.markets.iter().find(|market| market.name == name).unwrap();
        let mut bytes = Vec::new();
        market.market.encode(&mut bytes);
        let opened = plimsoll_core::Venue::open(&maker::Maker, &bytes).unwrap();
        let mut cells = Vec::new();
        opened.visit(&mut |cell, name, _, value| {
            if cell.object != 0 {
                cells.push((cell.object, name, value));
            }
        });
        cells
    };
    let ember = account(&book, "ember", "eth-a").account.id;
    assert!(open("eth-a").contains(&(412, "usr", ember.0.into())));
    let keeper = account(&book, "keeper", "eth-a-2020").account.id;
    assert!(open("eth-a-2020").contains(&(1, "guy", keeper.0.into())));
}

/// The files of the example with one text replaced by another.
fn edited(name: &str, from: &str, to: &str) -> Opened {
    let texts = [
        ("book.toml", HEAD),
        ("feeds.csv", FEEDS),
        ("positions.csv", POSITIONS),
        ("markets/eth-a.toml", DUTCH),
        ("markets/eth-a-2020.toml", ENGLISH),
    ];
    let files = texts.map(|(known, text)| {
        assert!(known != name || text.contains(from), "{name} has {from:?}");
        file(known, if known == name { text.replacen(from, to, 1) } else { text.to_string() })
    });
    book::read(files.into())
}

fn codes(opened: &Opened) -> Vec<String> {
    let told = opened.faults.list.iter().map(|fault| {
        let place = fault.place.map_or(String::new(), |p| format!(":{}", p.line));
        format!("{}{place} {}", fault.file, fault.code.name())
    });
    told.collect()
}

fn line(text: &str, of: &str) -> usize {
    1 + text.lines().position(|line| line.contains(of)).unwrap()
}

/// Whatever is wrong is told where it stands, and only the accounts of that market are left out.
#[test]
fn every_fault_is_located() {
    let dutch = "markets/eth-a.toml";
    let english = "markets/eth-a-2020.toml";
    let cases = [
        (dutch, DUTCH, "gem = \"ETH\"", "gem = \"DAI\"", 1, "PL0575"),
        (dutch, DUTCH, "gem = \"ETH\"\n", "", 1, "PL0510"),
        (dutch, DUTCH, "mat = \"1", "mat = \"-1", line(DUTCH, "mat = "), "PL0516"),
        (dutch, DUTCH, "mat = \"15", "mat = \"0", line(DUTCH, "mat = "), "PL0515"),
        (dutch, DUTCH, "duty = \"1", "duty = \"0", line(DUTCH, "duty"), "PL0515"),
        (dutch, DUTCH, "base = \"0\"", "base = 0.5", line(DUTCH, "base"), "PL0513"),
        (dutch, DUTCH, "base = \"0\"", "bsae = \"0\"", line(DUTCH, "base"), "PL0509"),
        (dutch, DUTCH, "tail = 8400", "tail = 8400\nbeg = 1", line(DUTCH, "tail") + 1, "PL0509"),
        (dutch, DUTCH, "\"stairstep\"", "\"steps\"", line(DUTCH, "stairstep"), "PL0520"),
        (dutch, DUTCH, "step = 90", "step = 0", line(DUTCH, "stairstep"), "PL0515"),
        (dutch, DUTCH, "step = 90, ", "", line(DUTCH, "stairstep"), "PL0510"),
        (dutch, DUTCH, "cut = \"9", "cut = \"99", line(DUTCH, "stairstep"), "PL0515"),
        (dutch, DUTCH, "hop = 3600", "hop = 65536", line(DUTCH, "hop = 3600"), "PL0515"),
        (dutch, DUTCH, "hop = 3600", "hop = 3600\nstopped = 1", line(DUTCH, "hop = 3600") + 1, "PL0511"),
        (dutch, DUTCH, "11:40:00Z", "12:40:00Z", line(DUTCH, "11:40:00Z"), "PL0576"),
        (dutch, DUTCH, "12:10:00Z", "12:26:00Z", line(DUTCH, "12:10:00Z"), "PL0576"),
        (dutch, DUTCH, "number = 412", "number = 413", line(DUTCH, "number"), "PL0579"),
        (dutch, DUTCH, "number = 412", "number = 0", line(DUTCH, "number"), "PL0515"),
        (dutch, DUTCH, "usr = \"ember\"", "usr = \"amber\"", line(DUTCH, "usr"), "PL0560"),
        (dutch, DUTCH, "usr = \"ember\"\n", "", line(DUTCH, "number") - 1, "PL0510"),
        (dutch, DUTCH, "top = ", "tpo = ", line(DUTCH, "number") - 1, "PL0510"),
        (dutch, DUTCH, "revision = \"2.0\"", "revision = \"1.2\"", line(DUTCH, "[auction_house]"), "PL0510"),
        (dutch, DUTCH, "revision = \"2.0\"", "revision = \"3\"", line(DUTCH, "revision"), "PL0551"),
        (english, ENGLISH, "ttl = 600", "ttl = 281474976710656", line(ENGLISH, "ttl"), "PL0515"),
        (english, ENGLISH, "lump = ", "dunk = ", line(ENGLISH, "[auction_house]"), "PL0510"),
        (english, ENGLISH, "guy = \"keeper\"", "guy = \"nobody\"", line(ENGLISH, "guy"), "PL0560"),
        (english, ENGLISH, "end = ", "top = \"1\"\nend = ", line(ENGLISH, "end = "), "PL0509"),
    ];
    let mut wrong = Vec::new();
    for (name, _, from, to, line, code) in cases {
        let opened = edited(name, from, to);
        let told = codes(&opened);
        if !told.contains(&format!("{name}:{line} {code}")) {
            wrong.push(format!("{from:?} -> {to:?}: expected {line} {code}, told {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let rows = [
        ("cassia,eth-a,debt,DAI", "cassia,eth-a,debt,ETH", "PL0558"),
        ("cassia,eth-a,debt,DAI", "cassia,eth-a,debt,DIA", "PL0553"),
        ("cassia,eth-a,collateral,ETH", "cassia,eth-a,collateral,DAI", "PL0558"),
        ("scaled,,,", "shares,,,", "PL0521"),
        ("25,token,,,", "25,token,,yes,", "PL0559"),
        ("25,token,,,", "25,token,,,emode=1", "PL0554"),
        ("25,token,,,", "25.0000000000000000001,token,,,", "PL0517"),
    ];
    for (from, to, code) in rows {
        let told = codes(&edited("positions.csv", from, to));
        assert!(told.iter().any(|one| one.ends_with(code)), "{from:?} -> {to:?}: {told:?}");
    }
}

/// Numbers that are of another unit than the contracts' are told where they stand: a year's fee for a second's, a penalty
/// without the debt itself, a price in ray, prices that contradict each other.
#[test]
fn a_number_of_another_unit_is_no_number_of_the_contracts() {
    let dutch = "markets/eth-a.toml";
    let english = "markets/eth-a-2020.toml";
    // A fee of 5 % as if a second were a year, and the least that is too much; base counts with it.
    let tenfold = "1000000073014496989316680335";
    let cases = [
        (
            dutch,
            DUTCH,
            "duty",
            "duty = \"1000000000782997609082909351\"",
            "1050000000000000000000000000",
            "PL0515",
        ),
        (
            dutch,
            DUTCH,
            "duty",
            "duty = \"1000000000782997609082909351\"",
            "1000000073014496989316680336",
            "PL0515",
        ),
        (dutch, DUTCH, "base", "base = \"0\"", "72231499380233770985", "PL0515"),
        (dutch, DUTCH, "chop", "chop = \"1130000000000000000\"", "130000000000000000", "PL0515"),
        (dutch, DUTCH, "chop", "chop = \"1130000000000000000\"", "999999999999999999", "PL0515"),
        (english, ENGLISH, "chop", &line_of(ENGLISH, "chop"), "1130000000000000000", "PL0515"),
        (
            dutch,
            DUTCH,
            "current",
            "current = \"3150000000000000000000\"",
            "3150000000000000000000000000000",
            "PL0579",
        ),
        (dutch, DUTCH, "current", "current = \"3150000000000000000000\"", "3149999999999999999", "PL0579"),
        (
            dutch,
            DUTCH,
            "next",
            "next = \"2905500000000000000000\"",
            "2905500000000000000000000000000",
            "PL0579",
        ),
        // A thousandth of the price of which the spot was made, less one.
        (dutch, DUTCH, "next", "next = \"2905500000000000000000\"", "3149999999999999999", "PL0579"),
    ];
    for (file, text, name, from, found, code) in cases {
        let opened = edited(file, from, &format!("{name} = \"{found}\""));
        let told = opened.faults.list.first().unwrap_or_else(|| panic!("{name} {found}"));
        let at = line(text, &format!("{name} = "));
        assert_eq!((told.code.name(), told.place.unwrap().line as usize), (code, at), "{name} {found}");
        assert_eq!(told.found, found);
    }
    for (from, to) in [
        ("duty = \"1000000000782997609082909351\"", format!("duty = \"{tenfold}\"")),
        ("base = \"0\"", "base = \"72231499380233770984\"".into()),
        ("chop = \"1130000000000000000\"", "chop = \"1000000000000000000\"".into()),
        ("next = \"2905500000000000000000\"", "next = \"3150000000000000000\"".into()),
    ] {
        assert!(edited(dutch, from, &to).faults.is_empty(), "{to}");
    }
}

/// The line of a text that begins so.
fn line_of(text: &str, start: &str) -> String {
    text.lines().find(|line| line.starts_with(start)).unwrap().to_string()
}

/// A ratio or a factor below one is a number of another unit, and one of zero was never set: both are told with what was
/// found and what may stand there. One itself may.
#[test]
fn a_ratio_or_a_factor_below_one_is_no_number_of_the_contracts() {
    const MAT: &str = "1500000000000000000000000000";
    const DUTY: &str = "1000000000782997609082909351";
    let dutch = "markets/eth-a.toml";
    for (name, was) in [("mat", MAT), ("duty", DUTY)] {
        for (found, sound) in [
            ("0", false),
            ("1500000000000000000", false),
            ("999999999999999999999999999", false),
            ("1000000000000000000000000000", true),
        ] {
            let opened = edited(dutch, &format!("{name} = \"{was}"), &format!("{name} = \"{found}"));
            if sound {
                assert!(opened.faults.is_empty(), "{name} {found}");
                continue;
            }
            let told = &opened.faults.list[0];
            assert_eq!(
                (told.code.name(), told.place.unwrap().line as usize),
                ("PL0515", line(DUTCH, &format!("{name} = ")))
            );
            assert_eq!(told.found, found);
            assert_eq!(told.expected, "at least 1000000000000000000000000000, which is one");
            assert!(opened.left_out.accounts.contains(&"eth-a:cassia".to_string()));
        }
    }
}

/// A debt in tokens is what a loan would record after a drip at the book's time: rounded up. Dai in the vat is 10^27
/// times as fine, and has room for more than 128 bits.
#[test]
fn tokens_become_what_a_loan_records() {
    let row = "cassia,eth-a,debt,DAI,47563123899504483987245,scaled";
    let opened = edited("positions.csv", row, "cassia,eth-a,debt,DAI,50000,token");
    let book = sound(opened);
    let listed = account(&book, "cassia", "eth-a");
    let quotes = book.graph.quotes(book.at);
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &quotes);
    let at = |at: Time| market.market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
    let owed = at(book.at).verdict(&listed.account, Test::Liquidation).unwrap().debt;
    let rad = |whole: u128| U256::new(whole).mul(U256::pow10(45).unwrap()).unwrap();
    let more = owed.sub(Int::from(rad(50_000))).unwrap();
    // Less than one unit of debt, which is 1.05 units of Dai.
    assert!(!more.is_negative() && more < Int::from(U256::new(2 * 10u128.pow(27))), "{more}");
    let keeper = &account(&book, "keeper", "eth-a").account;
    assert_eq!(keeper.quantity(VAT_DAI), rad(250_000).into());
    assert!(keeper.quantity(VAT_DAI).magnitude().bit_len() > 128);
}

fn of_bits(bits: usize) -> impl Strategy<Value = U256> {
    (0..=bits, any::<[u8; 32]>()).prop_map(|(bits, bytes)| {
        let all = U256::from_le_bytes(bytes);
        (0..bits).fold(U256::ZERO, |kept, bit| kept.with_bit(bit, all.bit(bit)))
    })
}

/// What a poke makes of a price.
fn spot_of(price: U256, rules: &maker::Parameters) -> Option<U256> {
    let ray = U256::new(10u128.pow(27));
    let in_dai = price.mul(U256::new(10u128.pow(9)))?.mul_div(ray, rules.par, Rounding::Down)?;
    in_dai.mul_div(ray, rules.mat, Rounding::Down)
}

fn held(instrument: InstrumentId) -> usize {
    if instrument == VAT_DAI { 256 } else { 128 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any market and any account come back from both forms of a book: any that files may say.
    #[test]
    fn any_market_comes_back(
        revision in prop_oneof![Just(Revision::V1_0), Just(Revision::V1_2), Just(Revision::V2_0)],
        numbers in prop::collection::vec(of_bits(256), 24),
        curve in prop_oneof![Just(Curve::Linear), Just(Curve::Stairstep), Just(Curve::Exponential)],
        small in prop::collection::vec(0..60_000u64, 8),
        flags in any::<[bool; 4]>(),
        bids in any::<[bool; 3]>(),
        holdings in prop::collection::vec((of_bits(128), of_bits(128), of_bits(128), of_bits(254)), 3),
        hopes in prop::collection::vec(prop::option::of(0..3u64), 3),
    ) {
        let mut made = example();
        let at = made.at.0;
        let mut number = numbers.into_iter();
        let mut next = || number.next().unwrap();
        let ray = U256::new(10u128.pow(27));
        // Tenfold a year, less one.
        let room = U256::new(73_014_496_989_316_680_335);
        let below = |x: U256, most: U256| x.min(most);
        let mut rules = maker::Parameters {
            mat: next().max(ray),
            par: next().max(U256::ONE),
            base: below(next(), room.half()),
            duty: ray.add(below(next(), room.half())).unwrap(),
            line: next(),
            total_line: next(),
            dust: next(),
            live: flags[0],
            hop: small[0],
            osm_stopped: flags[1],
            chop: next().max(if revision == Revision::V1_0 { ray } else { U256::new(10u128.pow(18)) }),
            ..maker::Parameters::default()
        };
        if revision == Revision::V2_0 {
            rules.dutch = maker::Dutch {
                hole: next(),
                total_hole: next(),
                buf: next(),
                tail: next(),
                cusp: next(),
                chip: small[1].into(),
                tip: U256::new(u128::from(small[2]) << 80),
                stopped: small[3] % 4,
                calc: match curve {
                    Curve::Linear => Calc { curve, tau: next(), ..Calc::default() },
                    Curve::Stairstep => Calc { curve, step: next().max(U256::ONE), cut: ray, ..Calc::default() },
                    Curve::Exponential => Calc { curve, cut: ray, ..Calc::default() },
                },
            };
        } else {
            let old = revision == Revision::V1_0;
            let limit = |value| if old { U256::ZERO } else { value };
            let lump = if old { next() } else { U256::ZERO };
            let (dunk, most) = (limit(next()), limit(next()));
            rules.english = maker::English { lump, dunk, most, beg: next(), ttl: small[1], tau: small[2] };
        }
        let price = |value: u64, valid| {
            let value = if valid { U256::new(u128::from(value) << 60) } else { U256::ZERO };
            Stored { value, valid }
        };
        let (total_art, rate, value) = (next(), next(), small[5] << 4);
        // The reader wants prices within a factor 1000 of each other.
        let (current, follows) = (price(value, flags[2]), price(value.saturating_mul(1 + small[6] % 1000), flags[3]));
        let state = maker::State {
            total_art,
            rate,
            spot: spot_of(current.value, &rules).unwrap_or(U256::ZERO),
            rho: at - small[4],
            debt: next(),
            vice: next(),
            kicks: 7,
            current,
            next: follows,
            poked: at - small[7],
            ..maker::State::default()
        };
        let names = maker::Names { gem: "ETH", dai: "DAI", currency: "USD" };
        for (at_, listed) in made.accounts.iter_mut().take(3).enumerate() {
            let (ink, art, gem, dai) = holdings[at_];
            let account = plimsoll_core::Account::new(listed.account.id);
            listed.account = [(INK, ink), (ART, art), (GEM, gem), (VAT_DAI, dai)].into_iter().fold(account, |account, (id, quantity)| {
                assert!(quantity.bit_len() <= held(id));
                account.with(id, quantity.into())
            });
            if let Some(hope) = hopes[at_] {
                listed.account.set_term(HOPE, Int::from(hope + 1));
            }
        }
        let place = made.accounts[0].market;
        let mut market = maker::Market::new(revision, names, rules, state).unwrap();
        let (usr, guy) = (made.accounts[0].account.id, made.accounts[1].account.id);
        let dutch = revision == Revision::V2_0;
        for (pos, (number, _)) in [(5, bids[0]), (2, bids[1]), (7, bids[2])].into_iter().filter(|(_, on)| *on).enumerate() {
            let auction = Auction { pos: pos as u64, tab: next(), lot: small[3].into(), usr, ..Auction::default() };
            let auction = if dutch {
                Auction { tic: at - small[5], top: small[6].into(), ..auction }
            } else {
                Auction { bid: small[5].into(), guy: flags[2].then_some(guy), tic: small[6], end: at + small[7], ..auction }
            };
            market = market.with_auction(number, auction).unwrap();
        }
        made.markets[place].market = Box::new(market);
        cover(&mut made);
        let written = book::write(&made).unwrap();
        prop_assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&made));
        let json = book::write_json(&made).unwrap();
        prop_assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&made));
    }
}
