//! Surfaces of implied volatilities: what may join one, what is found on it beside a search of all its points, and what
//! is doubtful about it.

use crate::check;
use crate::graph::decimal;
use plimsoll_core::{
    Decimal, Graph, Int, Time, U256, VolError, VolHead, VolPoint, VolQuote, VolSlice, VolSurface, Why,
};
use proptest::collection::vec;
use proptest::prelude::*;

const SEEN: Time = Time(1_000);

fn surface(max_age: Option<u64>) -> VolSurface {
    let [name, underlying, currency, source] = ["btc", "BTC", "USD", "somebody"].map(String::from);
    VolSurface::new(VolHead { name, underlying, currency, source, observed_at: SEEN, max_age })
}

fn point(expiry: u64, strike: &str, volatility: &str) -> VolPoint {
    VolPoint { expiry: Time(expiry), strike: decimal(strike), volatility: decimal(volatility) }
}

#[test]
fn a_point_must_be_one_that_an_option_can_have() {
    let beyond = format!("{}0", "9".repeat(76));
    let cases = [
        (1_000, "60000", "0.65", Err(VolError::Expired)),
        (999, "60000", "0.65", Err(VolError::Expired)),
        (1_001, "60000", "0.65", Ok(())),
        // The same strike, written otherwise.
        (1_001, "60000.00", "0.66", Err(VolError::Twice)),
        (1_002, "60000.00", "0.66", Ok(())),
        (2_000, "0", "0.65", Err(VolError::Strike)),
        (2_000, "-1", "0.65", Err(VolError::Strike)),
        (2_000, &beyond, "0.65", Err(VolError::Strike)),
        (2_000, "0.0000000001", "0.65", Ok(())),
        (2_000, "0.00000000001", "0.65", Err(VolError::StrikeTooFine)),
        (2_000, "1.00000000000", "0.65", Ok(())),
        (2_000, "2", "0", Err(VolError::Volatility)),
        (2_000, "2", "-0.65", Err(VolError::Volatility)),
        (2_000, "2", "10", Err(VolError::Volatility)),
        (2_000, "2", "65", Err(VolError::Volatility)),
        (2_000, "2", "9.9999999999", Ok(())),
        (2_000, "3", "0.0000000001", Ok(())),
        (2_000, "4", "0.12345678901", Err(VolError::VolatilityTooFine)),
    ];
    let mut surface = surface(None);
    let mut count = 0;
    for (expiry, strike, volatility, expected) in cases {
        assert_eq!(
            surface.add(point(expiry, strike, volatility)),
            expected,
            "{expiry} {strike} {volatility}"
        );
        count += usize::from(expected.is_ok());
        assert_eq!(surface.points().count(), count, "a point that is refused leaves no trace");
    }
}

#[test]
fn what_is_stale_missing_or_expired_is_unknown() {
    let mut limited = surface(Some(60));
    let mut free = surface(None);
    for surface in [&mut limited, &mut free] {
        surface.add(point(2_000, "100", "0.50")).expect("sound");
        surface.add(point(3_000, "100", "0.60")).expect("sound");
    }
    let said = |volatility: &str, doubt| VolQuote { volatility: Some(decimal(volatility)), doubt };
    let nothing = VolQuote { volatility: None, doubt: Some(Why::Missing) };
    let ask = |surface: &VolSurface, expiry, at| {
        let quote = surface.quote(Time(expiry), decimal("100.0"), Time(at));
        let around = surface.around(Time(expiry), decimal("100.0"), Time(at));
        assert_eq!(around.doubt, quote.doubt, "both answers doubt the same");
        let point = around.earlier.and_then(|slice| slice.below).map(|point| point.volatility);
        assert_eq!(point, quote.volatility);
        assert_eq!(around.earlier, around.later);
        quote
    };
    // The limit itself is not beyond it.
    assert_eq!(ask(&limited, 2_000, 1_060), said("0.50", None));
    assert_eq!(ask(&limited, 2_000, 1_061), said("0.50", Some(Why::Stale)));
    assert_eq!(ask(&limited, 2_000, 999), said("0.50", Some(Why::FromTheFuture)));
    assert_eq!(ask(&free, 2_000, 1_999), said("0.50", None));
    // An option is gone in the second in which it expires, and the later slice is not.
    assert_eq!(ask(&free, 2_000, 2_000), nothing);
    assert_eq!(ask(&free, 3_000, 2_000), said("0.60", None));
    assert_eq!(ask(&free, 3_000, u64::MAX), nothing);
    assert_eq!(free.quote(Time(2_500), decimal("100"), SEEN), nothing);
    assert_eq!(free.quote(Time(2_000), decimal("101"), SEEN), nothing);
    assert_eq!(surface(None).around(Time(2_000), decimal("100"), SEEN).doubt, Some(Why::Missing));
    // An expired slice is nobody's neighbour.
    let around = free.around(Time(2_500), decimal("100"), Time(2_000));
    assert_eq!((around.earlier, around.later.map(|slice| slice.expiry)), (None, Some(Time(3_000))));
    for strike in ["0", "-100"] {
        let around = free.around(Time(2_000), decimal(strike), SEEN);
        assert_eq!((around.earlier, around.later, around.doubt), (None, None, Some(Why::Missing)));
    }
}

/// A strike in quarters of 10^-10: some are finer than any point can be.
fn quarters(number: i128) -> Decimal {
    Decimal { mantissa: Int::new(number * 25), decimals: 12 }
}

/// The nearest points beside a search of all of them in machine integers.
#[test]
fn neighbours_are_those_of_a_search_of_all_points() {
    let points = vec((1_001_u64..1_012, 1_i128..12), 0..24);
    let asked = (1_000_u64..1_014, -1_i128..50, 995_u64..1_013);
    check(2_000, (points, asked), |(points, (expiry, strike, at))| {
        let mut surface = surface(None);
        let mut all: Vec<(u64, i128)> = Vec::new();
        for (expiry, strike) in points {
            let joined = surface.add(VolPoint {
                expiry: Time(expiry),
                strike: quarters(4 * strike),
                volatility: decimal("0.5"),
            });
            prop_assert_eq!(joined.is_ok(), !all.contains(&(expiry, 4 * strike)));
            if joined.is_ok() {
                all.push((expiry, 4 * strike));
            }
        }
        all.sort_unstable();
        let listed: Vec<_> = surface.points().map(|point| (point.expiry.0, point.strike)).collect();
        let sorted: Vec<_> = all.iter().map(|(expiry, strike)| (*expiry, quarters(*strike))).collect();
        prop_assert_eq!(listed, sorted);

        let alive = |asked: bool| if asked { &all[..] } else { &[] };
        let alive = alive(expiry > at && strike > 0).iter().filter(|(expiry, _)| *expiry > at);
        let earlier = alive.clone().map(|place| place.0).filter(|other| *other <= expiry).max();
        let later = alive.clone().map(|place| place.0).filter(|other| *other >= expiry).min();
        let around = surface.around(Time(expiry), quarters(strike), Time(at));
        for (found, expected) in [(around.earlier, earlier), (around.later, later)] {
            prop_assert_eq!(found.map(|slice| slice.expiry.0), expected);
            let Some(VolSlice { below, above, .. }) = found else { continue };
            let strikes = all.iter().filter(|place| Some(place.0) == expected).map(|place| place.1);
            let lower = strikes.clone().filter(|other| *other <= strike).max();
            let upper = strikes.filter(|other| *other >= strike).min();
            prop_assert_eq!(below.map(|point| point.strike), lower.map(quarters));
            prop_assert_eq!(above.map(|point| point.strike), upper.map(quarters));
        }
        let exact = expiry > at && all.contains(&(expiry, strike));
        let quote = surface.quote(Time(expiry), quarters(strike), Time(at));
        prop_assert_eq!(quote.volatility.is_some(), exact);
        Ok(())
    });
}

/// Strikes of any width are places like others.
#[test]
fn beyond_every_point_there_is_a_neighbour_on_one_side() {
    let mut surface = surface(None);
    surface.add(point(2_000, "100", "0.5")).expect("sound");
    let wide = |decimals| Decimal { mantissa: Int::from(U256::MAX.half()), decimals };
    for (strike, above) in [(wide(0), false), (wide(5), false), (wide(200), true)] {
        let around = surface.around(Time(2_000), strike, SEEN);
        let slice = around.later.expect("the one slice");
        assert_eq!((slice.below.is_some(), slice.above.is_some()), (!above, above), "{strike:?}");
    }
}

#[test]
fn names_of_surfaces_are_unique() {
    let mut graph = Graph::default();
    assert_eq!(graph.add_surface(surface(None)), Some(()));
    assert_eq!(graph.add_surface(surface(Some(1))), None);
    assert_eq!(graph.surfaces(), [surface(None)]);
}
