//! What is said of the days ahead and of holdings, against the market itself asked anew.

#![allow(clippy::unwrap_used, clippy::panic)] // a book that cannot be asked has failed the test

use plimsoll::{Lookout, Runs, worst_day};
use plimsoll_core::{Book, Feeds, Int, Kind, Lens, PriceUnit, Test, Time, Verdict};

fn book(name: &str) -> Book {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    plimsoll_io::book::open(&folder).book
}

/// The verdict on an account at a time, at the book's prices.
fn verdict(book: &Book, account: usize, at: Time) -> Verdict {
    let listed = &book.accounts[account];
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &book.graph.quotes(book.at));
    let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
    quoted.verdict(&listed.account, Test::Liquidation).unwrap().verdict
}

/// Interest alone, and not the price that a delayed oracle takes in 35 minutes: a vault of health 1.049997 that pays 2.5 % a
/// year is at the line after ln(1.049997) / ln(1.025) = 1.9758 years, 721 days. The queued price is told apart.
#[test]
fn a_queued_price_is_no_interest() {
    let book = book("maker");
    let lookout = Lookout::new(&book, book.at).unwrap();
    let cassia = book.accounts.iter().find(|listed| listed.name == "cassia").unwrap();
    let seen = lookout.glance(cassia.market, &cassia.account);
    let Some(Runs::Out(time)) = seen.interest else { panic!("{:?}", seen.interest) };
    assert_eq!((time.0 - book.at.0) / 86_400, 721);
    let next = seen.next.unwrap();
    assert_eq!((next.from.0 - book.at.0, next.assessment.unwrap().verdict), (2_100, Verdict::Unhealthy));
    // When a poke is due already, its price is in force as far as a keeper is concerned, and interest runs from there.
    let later = Book { at: Time(book.at.0 + 2_100), ..book.clone() };
    let cassia = later.accounts.iter().find(|listed| listed.name == "cassia").unwrap();
    let seen = Lookout::new(&later, later.at).unwrap().glance(cassia.market, &cassia.account);
    assert_eq!(seen.interest, Some(Runs::Already));
}

/// Interest alone: healthy a second before, unhealthy at it; or healthy for ten years.
#[test]
fn interest_runs_out_at_the_second_told() {
    let book = book("lending");
    let lookout = Lookout::new(&book, book.at).unwrap();
    let (mut out, mut never) = (0, 0);
    for account in 0..book.accounts.len() {
        let listed = &book.accounts[account];
        match lookout.glance(listed.market, &listed.account).interest {
            Some(Runs::Out(time)) => {
                out += 1;
                assert_eq!(verdict(&book, account, time), Verdict::Unhealthy, "{}", listed.name);
                assert_eq!(verdict(&book, account, Time(time.0 - 1)), Verdict::Healthy, "{}", listed.name);
            }
            Some(Runs::Never) => {
                never += 1;
                let later = Time(book.at.0 + 10 * 31_536_000);
                assert_eq!(verdict(&book, account, later), Verdict::Healthy, "{}", listed.name);
            }
            Some(Runs::Already) => assert_eq!(verdict(&book, account, book.at), Verdict::Unhealthy),
            None => assert_eq!(verdict(&book, account, book.at), Verdict::NoDebt),
            Some(Runs::Unknown(refusal)) => panic!("{}: {refusal}", listed.name),
        }
    }
    assert!(out > 100 && never > 10, "{out} and {never}");
}

/// A holding counts exactly where the account's collateral is less without it.
#[test]
fn a_holding_counts_where_it_is_missed() {
    let (mut counting, mut idle) = (0, 0);
    for book in ["lending", "treasury", "maker"].map(book) {
        let quotes = book.graph.quotes(book.at);
        for listed in &book.accounts {
            let market = &book.markets[listed.market];
            let readings = book.readings(market, &quotes);
            let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, book.at).unwrap();
            for holding in listed.account.holdings() {
                let spec = &market.market.instruments()[holding.instrument.index()];
                let worth = quoted.balance(&listed.account, holding.instrument).unwrap().value;
                if spec.kind != Kind::Receipt || worth.is_none_or(|worth| worth.bit_len() == 0) {
                    continue;
                }
                let without = listed.account.clone().with(holding.instrument, Int::ZERO);
                let collateral = |account| quoted.verdict(account, Test::Borrow).unwrap().collateral;
                let missed = collateral(&without) < collateral(&listed.account);
                let told = market.market.counting(&listed.account, holding.instrument).unwrap();
                assert_eq!(told.weight.is_some(), missed, "{} {}: {told:?}", listed.name, spec.name);
                assert_eq!(told.why_not.is_none(), missed, "{} {}: {told:?}", listed.name, spec.name);
                *(if missed { &mut counting } else { &mut idle }) += 1;
            }
        }
    }
    assert!(counting > 200 && idle >= 5, "{counting} and {idle}");
}

/// What a year brings is what the market says of the same account a year later.
#[test]
fn carry_is_a_years_interest() {
    let book = book("treasury");
    let lookout = Lookout::new(&book, book.at).unwrap();
    let mut seen = 0;
    for (place, listed) in book.accounts.iter().enumerate() {
        let market = &book.markets[listed.market];
        let readings = book.readings(market, &book.graph.quotes(book.at));
        let values = [0, 31_536_000].map(|later| {
            let at = Time(book.at.0 + later);
            let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, at).unwrap();
            let value = |kind: Kind| {
                let held = listed.account.holdings().iter().map(|holding| holding.instrument);
                let of_kind = held.filter(|id| market.market.instruments()[id.index()].kind == kind);
                let values = of_kind.map(|id| quoted.balance(&listed.account, id).unwrap().value.unwrap());
                values.fold(Int::ZERO, |sum, value| sum.add(value.into()).unwrap())
            };
            [value(Kind::Receipt), value(Kind::Debt)]
        });
        let gained = |side: usize| values[1][side].sub(values[0][side]).unwrap();
        let carry = lookout.of(place).carry.unwrap();
        assert_eq!((carry.earned, carry.paid, carry.debt), (gained(0), gained(1), values[0][1]));
        seen += usize::from(!carry.paid.is_zero());
    }
    assert_eq!(seen, 4);
}

/// ETH -47.8 % and BTC -46.5 % in March 2020, stETH to 0.939 ether in June 2022.
#[test]
fn worst_days_are_the_recorded_ones() {
    for (unit, fall) in [
        ("USD/ETH", Some(4_780)),
        ("USD/WBTC", Some(4_650)),
        ("ETH/stETH", Some(610)),
        ("USD/XYZ", None),
        ("USD", None),
    ] {
        let unit = PriceUnit::parse(unit).unwrap();
        assert_eq!(worst_day(&unit).map(|worst| worst.fall), fall, "{unit}");
    }
}
