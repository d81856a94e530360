//! The graph of prices: units, doubt, bounds.

use plimsoll_core::{
    Decimal, FeedKind, Graph, GraphError, Int, Observation, Origin, Price, PriceId, PriceUnit, Quote,
    Rounding, Scale, Time, U256, Why,
};

const NOW: Time = Time(1_000);

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub(crate) fn seen(price: &str) -> Observation {
    Observation {
        kind: FeedKind::Oracle,
        price: Some(decimal(price)),
        scale: Scale::Decimal,
        source: "chain".into(),
        observed_at: Some(Time(900)),
        max_age: Some(100),
        confidence: None,
        floor: None,
        ceiling: None,
    }
}

pub(crate) fn price(name: &str, unit: &str, origin: Origin) -> Price {
    Price { name: name.into(), unit: PriceUnit::parse(unit).expect("a unit"), origin }
}

pub(crate) fn feed(name: &str, unit: &str, value: &str) -> Price {
    price(name, unit, Origin::Feed(seen(value)))
}

fn product(legs: &[PriceId]) -> Origin {
    Origin::Product { legs: legs.to_vec(), decimals: 8, rounding: Rounding::Down }
}

fn only(observation: Observation) -> Quote {
    let mut graph = Graph::default();
    let id = graph.add(price("x", "USD", Origin::Feed(observation))).expect("a feed");
    graph.quotes(NOW)[id.0 as usize]
}

#[test]
fn units_multiply_out() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("ETH", "USD/ETH", "2000")).expect("a feed");
    let steth = graph.add(feed("stETH", "ETH/stETH", "0.999")).expect("a feed");
    let both = graph.add(price("stETH in USD", "USD/stETH", product(&[steth, eth]))).expect("units fit");
    assert_eq!(graph.quotes(NOW)[both.0 as usize].value, Some(decimal("1998.00000000")));
    // The legs in the other order come to the same; in the wrong unit they do not join.
    assert!(graph.add(price("again", "USD/stETH", product(&[eth, steth]))).is_ok());
    let wrong = graph.add(price("wrong", "BTC/stETH", product(&[steth, eth])));
    assert!(matches!(wrong, Err(GraphError::Unit { .. })), "{wrong:?}");
    let alone = graph.add(price("alone", "USD/stETH", product(&[steth])));
    assert!(matches!(alone, Err(GraphError::Unit { .. })), "ETH cannot stand where USD is due: {alone:?}");
    let least = |legs: &[PriceId]| Origin::Least { legs: legs.to_vec() };
    let mixed = graph.add(price("mixed", "USD", least(&[eth, steth])));
    assert!(matches!(mixed, Err(GraphError::Unit { .. })), "{mixed:?}");
    // A price in terms of another: USD/ETH over USD/BTC is BTC/ETH.
    let btc = graph.add(feed("BTC", "USD/BTC", "50000")).expect("a feed");
    let quotient = |of, by| Origin::Quotient { of, by, decimals: 4, rounding: Rounding::HalfUp };
    let cross = graph.add(price("ETH in BTC", "BTC/ETH", quotient(eth, btc))).expect("units fit");
    assert_eq!(graph.quotes(NOW)[cross.0 as usize].value, Some(decimal("0.0400")));
    let apart = graph.add(price("apart", "BTC/ETH", quotient(eth, steth)));
    assert!(matches!(apart, Err(GraphError::Unit { .. })), "{apart:?}");
}

/// What a price is built on stands before it: a name that comes later, or itself, is no leg, so there is no circle.
#[test]
fn circles_cannot_be_built() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("ETH", "USD", "2000")).expect("a feed");
    let itself = graph.add(price("self", "USD", Origin::Least { legs: vec![eth, PriceId(1)] }));
    assert_eq!(itself, Err(GraphError::NoSuchLeg));
    let later = graph.add(price("later", "USD", Origin::Least { legs: vec![PriceId(7)] }));
    assert_eq!(later, Err(GraphError::NoSuchLeg));
    assert_eq!(graph.add(feed("ETH", "USD", "1")), Err(GraphError::Duplicate));
    let raw = Observation { scale: Scale::Raw, ..seen("5") };
    let raw = graph.add(price("raw", "USD", Origin::Feed(raw))).expect("a feed");
    let on_raw = graph.add(price("on raw", "USD", Origin::Least { legs: vec![raw] }));
    assert_eq!(on_raw, Err(GraphError::RawLeg("raw".into())));
    assert_eq!(graph.prices().len(), 2);
    assert_eq!((graph.find("raw"), graph.find("none")), (Some(raw), None));
}

/// Prices that share their legs at every level have two to the sixtieth ways to a feed, and one walk.
#[test]
fn shared_legs_are_walked_once() {
    let mut graph = Graph::default();
    let mut top = graph.add(feed("ETH", "USD", "2000")).expect("a feed");
    for level in 0..60 {
        let origin = Origin::Least { legs: vec![top, top] };
        top = graph.add(price(&format!("p{level}"), "USD", origin)).expect("a bound");
    }
    assert_eq!(graph.leaves(top), [PriceId(0)]);
    assert_eq!(graph.below(top, Origin::handed_on).len(), 61);
}

/// What is built on a doubtful price is doubtful, for the same reason, and reaches as far as its legs do.
#[test]
fn doubt_travels_up() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("ETH", "USD/ETH", "2000")).expect("a feed");
    let wide = Observation { confidence: Some(decimal("0.4")), ..seen("0.9") };
    let rate = graph.add(price("rate", "ETH/LST", Origin::Feed(wide))).expect("a feed");
    let lst = graph.add(price("LST", "USD/LST", product(&[rate, eth]))).expect("units fit");
    let cap = graph.add(price("cap", "USD/LST", Origin::Constant(decimal("1900")))).expect("a constant");
    let capped =
        graph.add(price("capped", "USD/LST", Origin::Least { legs: vec![lst, cap] })).expect("units fit");
    let quotes = graph.quotes(NOW);
    let at = |id: PriceId| &quotes[id.0 as usize];
    assert_eq!((at(eth).doubt, at(cap).doubt), (None, None));
    for id in [rate, lst, capped] {
        assert_eq!(at(id).doubt, Some(Why::Confidence));
        assert_eq!(at(id).observed_at, Some(Time(900)));
    }
    assert_eq!((at(lst).low, at(lst).high), (decimal("1000.00000000"), Some(decimal("2600.00000000"))));
    assert_eq!((at(capped).value, at(capped).high), (Some(decimal("1800.00000000")), Some(decimal("1900"))));
    assert_eq!(graph.leaves(capped), [eth, rate, cap]);
    let higher =
        graph.add(price("higher", "USD/LST", Origin::Greatest { legs: vec![lst, cap] })).expect("units fit");
    let quote = graph.quotes(NOW)[higher.0 as usize];
    assert_eq!((quote.value, quote.low), (Some(decimal("1900")), decimal("1900")));
}

/// Every limit of a feed is its own, and the last value inside it is still good.
#[test]
fn each_fault_of_a_feed_has_its_name() {
    let doubt = |change: &dyn Fn(&mut Observation)| {
        let mut observation = seen("1.00");
        change(&mut observation);
        only(observation).doubt
    };
    assert_eq!(doubt(&|_| {}), None, "exactly as old as it may be");
    assert_eq!(doubt(&|o| o.observed_at = Some(Time(899))), Some(Why::Stale));
    assert_eq!(doubt(&|o| (o.observed_at, o.max_age) = (Some(Time(1)), None)), None, "no limit");
    assert_eq!(doubt(&|o| o.observed_at = None), Some(Why::Undated));
    assert_eq!(doubt(&|o| (o.observed_at, o.max_age) = (None, None)), None, "neither date nor limit");
    assert_eq!(doubt(&|o| o.observed_at = Some(Time(1_001))), Some(Why::FromTheFuture));
    assert_eq!(doubt(&|o| o.observed_at = Some(NOW)), None);
    assert_eq!(doubt(&|o| o.price = None), Some(Why::Missing));
    assert_eq!(doubt(&|o| o.price = Some(decimal("0.00"))), Some(Why::NotPositive));
    assert_eq!(doubt(&|o| o.price = Some(decimal("-1"))), Some(Why::NotPositive));
    for (bound, expected) in [("1", Some(Why::AtBound)), ("1.0001", Some(Why::AtBound)), ("0.9999", None)] {
        assert_eq!(doubt(&|o| o.floor = Some(decimal(bound))), expected, "floor {bound}");
    }
    for (bound, expected) in [("1", Some(Why::AtBound)), ("1.0001", None), ("0.9999", Some(Why::AtBound))] {
        assert_eq!(doubt(&|o| o.ceiling = Some(decimal(bound))), expected, "ceiling {bound}");
    }
    assert_eq!(doubt(&|o| o.confidence = Some(decimal("0.01"))), Some(Why::Confidence));
    assert_eq!(doubt(&|o| o.confidence = Some(decimal("0"))), None);
}

/// Where the truth may be: around an uncertain price, below a floor, above a ceiling, anywhere where the price is old.
#[test]
fn doubtful_prices_have_both_ends() {
    let ends = |observation: Observation| {
        let Quote { low, high, .. } = only(observation);
        (low.trimmed(), high.map(Decimal::trimmed))
    };
    let zero = decimal("0");
    assert_eq!(ends(seen("1.00")), (decimal("1"), Some(decimal("1"))));
    let around = |width: &str| Observation { confidence: Some(decimal(width)), ..seen("1.00") };
    assert_eq!(ends(around("0.125")), (decimal("0.875"), Some(decimal("1.125"))));
    assert_eq!(ends(around("3")), (zero, Some(decimal("4"))));
    let (floor, ceiling) = (Some(decimal("1")), Some(decimal("5")));
    let at_floor = Observation { floor, ceiling, ..seen("1.00") };
    assert_eq!(ends(at_floor), (zero, Some(decimal("1"))));
    let at_ceiling = Observation { floor, ceiling, ..seen("5") };
    assert_eq!(ends(at_ceiling), (decimal("5"), None));
    // A slip of scale in the debt's feed, 0.01 where the feed cannot say less than 1, once made every account safe:
    // such a price was taken for one at its floor, and the truth for no higher. A feed that contradicts itself tells
    // nothing at all.
    for contradiction in ["0.99", "0.00000001", "5.01", "500"] {
        let beyond = Observation { floor, ceiling, ..seen(contradiction) };
        assert_eq!(ends(beyond), (zero, None), "{contradiction}");
    }
    let wide_beyond = Observation { floor, ceiling: Some(decimal("6")), ..around("0.5") };
    assert_eq!(ends(Observation { price: Some(decimal("0.9")), ..wide_beyond }), (zero, None));
    let missing = Observation { price: None, floor, ceiling, ..seen("2") };
    assert_eq!(ends(missing), (zero, None), "bounds are of what the feed says");
    let stale = Observation { observed_at: Some(Time(0)), floor, ceiling, ..seen("2") };
    assert_eq!(ends(stale), (zero, None));
    // Several faults at once: the truth may be wherever any of them lets it be.
    let stale_at_bound = Observation { observed_at: Some(Time(0)), floor, ceiling, ..seen("1") };
    assert_eq!(ends(stale_at_bound), (zero, None));
    let wide_at_floor = Observation { floor, ceiling, ..around("0.5") };
    assert_eq!(ends(wide_at_floor), (zero, Some(decimal("1.5"))));
    let wide_at_ceiling = Observation { ceiling: Some(decimal("1")), ..around("0.5") };
    assert_eq!(ends(wide_at_ceiling), (decimal("0.5"), None));
}

/// A reading is in the market's integers; bounds finer than those are widened, a value finer is refused.
#[test]
fn readings_are_in_the_markets_integers() {
    let quote = only(Observation { confidence: Some(decimal("0.00015")), ..seen("1.0001") });
    let reading = quote.reading(4).expect("four digits");
    assert_eq!(
        (reading.value, reading.low, reading.high),
        (Some(U256::new(10_001)), U256::new(9_999), Some(U256::new(10_003)))
    );
    assert!(quote.reading(3).is_err(), "a digit would be lost");
    let raw = only(Observation { scale: Scale::Raw, ..seen("123") });
    assert_eq!(raw.reading(8).expect("raw").value, Some(U256::new(123)));
    let none = only(Observation { price: Some(Decimal { mantissa: Int::ZERO, decimals: 0 }), ..seen("1") });
    let reading = none.reading(8).expect("a reading");
    assert_eq!((reading.value, reading.doubt, reading.high), (None, Some(Why::NotPositive), None));
}

/// Nothing that was computed from good prices, or assumed, is a price of zero: it may be anything.
#[test]
fn a_price_of_zero_is_no_price() {
    let mut graph = Graph::default();
    let small = graph.add(feed("small", "USD/A", "0.00001")).expect("a feed");
    let rate = graph.add(price("rate", "A/B", Origin::Constant(decimal("0.00001")))).expect("a constant");
    let cut = Origin::Product { legs: vec![small, rate], decimals: 8, rounding: Rounding::Down };
    let cut = graph.add(price("cut", "USD/B", cut)).expect("units fit");
    let zero = graph.add(price("zero", "USD/C", Origin::Constant(decimal("0")))).expect("a constant");
    let quotes = graph.quotes(NOW);
    for id in [cut, zero] {
        let reading = quotes[id.0 as usize].reading(8).expect("a reading");
        assert_eq!(reading, plimsoll_core::Reading::unknown(None, Why::NotPositive));
    }
}

/// A quotient by a price that may be anything is itself without bound; a division by nothing has no value.
#[test]
fn quotients_turn_the_ends_around() {
    let mut graph = Graph::default();
    let of = graph.add(price("of", "USD/ETH", Origin::Constant(decimal("10")))).expect("a constant");
    let wide = Observation { confidence: Some(decimal("1")), ..seen("2") };
    let by = graph.add(price("by", "USD/BTC", Origin::Feed(wide))).expect("a feed");
    let quotient = Origin::Quotient { of, by, decimals: 2, rounding: Rounding::Down };
    let id = graph.add(price("cross", "BTC/ETH", quotient)).expect("units fit");
    let quote = graph.quotes(NOW)[id.0 as usize];
    assert_eq!(
        (quote.value, quote.low, quote.high),
        (Some(decimal("5.00")), decimal("3.33"), Some(decimal("10.00")))
    );
    assert_eq!(quote.doubt, Some(Why::Confidence));
    let nothing = graph.add(feed("nothing", "USD/XYZ", "0")).expect("a feed");
    let quotient = Origin::Quotient { of, by: nothing, decimals: 2, rounding: Rounding::Down };
    let id = graph.add(price("by nothing", "XYZ/ETH", quotient)).expect("units fit");
    let quote = graph.quotes(NOW)[id.0 as usize];
    assert_eq!((quote.value, quote.high, quote.doubt), (None, None, Some(Why::NotPositive)));
}

#[test]
fn units_are_read_as_they_are_written() {
    for text in ["USD", "USD/ETH", "a.b/c-d"] {
        assert_eq!(PriceUnit::parse(text).map(|unit| unit.to_string()).as_deref(), Some(text));
    }
    for text in ["", "/", "USD/", "/ETH", "US D", "USD/ETH/BTC", "USD,EUR"] {
        assert_eq!(PriceUnit::parse(text), None, "{text:?}");
    }
}
