//! Depth curves made of quotes, order books and pools: against sums by hand and the definitions of the pools.

use plimsoll_core::depth::{Pool, Rule, Slope, SoldFor};
use plimsoll_core::{Decimal, U256};

fn raw(text: &str) -> U256 {
    text.parse::<Decimal>().expect("a number").scaled_amount(18).expect("18 digits")
}

fn shown(value: Option<U256>) -> String {
    value.map_or("none".into(), |raw| Decimal { mantissa: raw.into(), decimals: 18 }.trimmed().to_string())
}

fn slope(points: &[(&str, &str)], price: &str) -> Slope {
    // Bids whose pieces are the points' steps: price times quantity is exact for these.
    let bids: Vec<[U256; 2]> = points.iter().map(|(price, quantity)| [raw(price), raw(quantity)]).collect();
    Slope::of_bids(&bids, raw(price)).expect("a curve")
}

#[test]
fn quotes_that_contradict_are_averaged_and_nothing_is_said_beyond_them() {
    let quote = |sold: &str, lost: &str| [raw(sold), raw(lost)];
    // 10 loses more than 20 when it was asked: both lose the mean. Twice 40: one answer.
    let quotes = vec![
        quote("40", "0.1"),
        quote("10", "0.03"),
        quote("20", "0.01"),
        quote("40", "0.2"),
        quote("0", "0.5"),
    ];
    let curve = Slope::of_quotes(quotes).expect("a curve");
    for (sold, brings) in [
        ("0", "0"),
        ("5", "4.9"),
        ("10", "9.8"),
        ("20", "19.6"),
        ("30", "26.8"),
        ("40", "34"),
        ("40.1", "none"),
    ] {
        assert_eq!(shown(curve.brings(raw(sold))), brings, "{sold}");
    }
    // Where more loses so much more that it brings less, the rest is kept.
    let steep = Slope::of_quotes(vec![quote("10", "0"), quote("20", "0.9")]).expect("a curve");
    assert_eq!(shown(steep.brings(raw("20"))), "10");
    assert_eq!(Slope::of_quotes(vec![quote("0", "0")]), None);
    let half = curve.shrunk(raw("0.5")).expect("a curve");
    assert_eq!(shown(half.brings(raw("10"))), "9.8");
    assert_eq!(shown(half.brings(raw("20"))), "17");
    assert_eq!(shown(half.brings(raw("20.1"))), "none");
}

#[test]
fn an_order_book_is_walked_level_by_level_on_both_sides() {
    let level = |price: &str, quantity: &str| [raw(price), raw(quantity)];
    let bids = [level("99", "2"), level("98", "0"), level("95", "4")];
    let sold = Slope::of_bids(&bids, raw("100")).expect("a curve");
    assert_eq!(shown(sold.brings(raw("2"))), "198");
    assert_eq!(shown(sold.brings(raw("6"))), "578");
    assert_eq!(shown(sold.brings(raw("6.1"))), "none");
    // Dollars are sold for the asset: 101 buy one, then 104 each.
    let asks = [level("101", "1"), level("104", "2")];
    let bought = Slope::of_asks(&asks, raw("100")).expect("a curve");
    assert_eq!(shown(bought.brings(raw("101"))), "1");
    assert_eq!(shown(bought.brings(raw("309"))), "3");
    let curve = bought.curve(SoldFor { assets: vec!["USD".into()], against: vec!["ETH".into()] });
    assert_eq!(curve.price.to_string(), "0.01");
}

#[test]
fn independent_markets_take_the_best_piece_first() {
    let one = slope(&[("100", "1"), ("90", "1")], "100");
    let other = slope(&[("95", "2"), ("80", "1")], "96");
    let both = Slope::together(&[one.clone(), other.clone()]).expect("a curve");
    for (sold, brings) in [("1", "100"), ("3", "290"), ("4", "380"), ("5", "460"), ("6", "none")] {
        assert_eq!(shown(both.brings(raw(sold))), brings, "{sold}");
    }
    // Brute force: no split of a sale brings more.
    for tenths in 1..=50_u64 {
        let sold = |n: u64| raw(&format!("{}.{}", n / 10, n % 10));
        let best = (0..=tenths)
            .filter_map(|n| {
                let at = |slope: &Slope, n| if n == 0 { Some(U256::ZERO) } else { slope.brings(sold(n)) };
                at(&one, n)?.add(at(&other, tenths - n)?)
            })
            .max();
        assert_eq!(both.brings(sold(tenths)), best, "{tenths}");
    }
    // A curve that gets steeper is not a market's own; a straight line does not.
    let lost = |quotes: &[[&str; 2]]| {
        Slope::of_quotes(quotes.iter().map(|quote| quote.map(raw)).collect()).expect("a curve")
    };
    assert!(Slope::together(&[lost(&[["10", "0.5"], ["11", "0.5"]])]).is_some());
    // Ten bring ten, ten more nothing, and eighty more forty.
    assert_eq!(Slope::together(&[lost(&[["10", "0"], ["20", "0.5"], ["100", "0.5"]])]), None);
}

#[test]
fn the_better_of_two_ways_never_promises_more_than_either() {
    let short = slope(&[("100", "1"), ("50", "3")], "100");
    let long = slope(&[("90", "2"), ("80", "4")], "100");
    let best = Slope::better(&[short.clone(), long.clone()]).expect("a curve");
    for hundredths in 1..=600_u64 {
        let sold = raw(&format!("{}.{:02}", hundredths / 100, hundredths % 100));
        let found = best.brings(sold).expect("known");
        let of = |slope: &Slope| {
            slope.brings(sold).and_then(|y| y.div(U256::new(100), plimsoll_core::Rounding::Down))
        };
        let either = of(&short).max(of(&long)).expect("one of them knows");
        assert!(found <= either.add(U256::new(2)).expect("small"), "{hundredths}: {found} {either}");
        let near = found.add(raw("0.000001")).expect("small");
        assert!(near >= either, "{hundredths}: {found} {either}");
    }
    assert_eq!(best.brings(raw("6.01")), None);
}

/// Where the best way ends, whoever sells more keeps the rest until another way brings more: between the two nothing else is promised.
#[test]
fn the_better_way_may_end_first() {
    let short = slope(&[("0.99", "10")], "1");
    let long = Slope::of_quotes(vec![[raw("10"), raw("0.2")], [raw("20"), raw("0.25")]]).expect("a curve");
    let best = Slope::better(&[short.clone(), long.clone()]).expect("a curve");
    // The long way brings 8 of ten and 15 of twenty: 9.4 of twelve, 11.5 of fifteen.
    for (sold, brings) in [("10", "9.9"), ("12", "9.9"), ("20", "15")] {
        assert_eq!(shown(best.brings(raw(sold))), brings, "{sold}");
    }
    let unit = U256::new(2);
    for tenths in 1..=200_u64 {
        let sold = raw(&format!("{}.{}", tenths / 10, tenths % 10));
        let found = best.brings(sold).expect("known");
        let kept = short.brings(sold.min(raw("10")));
        let either = kept.max(long.brings(sold)).expect("one of them knows");
        assert!(found <= either.add(unit).expect("small"), "{tenths}: {found} {either}");
        assert!(found.add(unit).expect("small") >= either, "{tenths}: {found} {either}");
    }
    // A part that was lost is at most all of it.
    assert_eq!(Slope::of_quotes(vec![[raw("10"), raw("0.1")], [raw("20"), raw("1.01")]]), None);
}

#[test]
fn a_constant_product_stays_constant() {
    let pool =
        Pool { rule: Rule::ConstantProduct, reserves: vec![raw("100"), raw("200000")], fee: raw("0.003") };
    // 10 sold: 9.97 count, 200000 x 9.97 / 109.97.
    assert_eq!(shown(pool.pays(0, 1, raw("10"))), "18132.217877602982631626");
    assert_eq!(pool.pays(0, 0, raw("1")), None);
    let slope = pool.slope(0, 1).expect("a curve");
    for sold in ["0.5", "3", "17", "99"] {
        let (line, exact) =
            (slope.brings(raw(sold)).expect("known"), pool.pays(0, 1, raw(sold)).expect("known"));
        assert!(
            line <= exact
                && line
                    .add(exact.div(U256::new(100), plimsoll_core::Rounding::Up).expect("small"))
                    .expect("small")
                    >= exact,
            "{sold}"
        );
    }
    assert!(slope.brings(raw("100")).is_some() && slope.brings(raw("101")).is_none());
}

/// The equation of the invariant, A n^n S + D = A D n^n + D^(n+1) / (n^n P), holds within what one unit of what is paid changes.
#[test]
#[allow(clippy::disallowed_types)] // an equation in floats, beside the integers
fn a_stable_pool_keeps_its_invariant() {
    // With the highest amplification one is one; balanced pools of any amplification begin there.
    let flat = Pool {
        rule: Rule::StableSwap(U256::new(1_000_000)),
        reserves: vec![raw("1000"), raw("1000")],
        fee: U256::ZERO,
    };
    let paid = flat.pays(0, 1, raw("100")).expect("an answer");
    assert!(paid > raw("99.999") && paid < raw("100"), "{paid}");
    // In floats, of two assets: D solves the equation before and after a sale.
    let (a, held, sold) = (50.0_f64, [128_361.122_694_817, 503_780.934_894_720_6], 10_000.0);
    let residual =
        |x: [f64; 2], d: f64| 4.0 * a * (x[0] + x[1]) + d - 4.0 * a * d - d.powi(3) / (4.0 * x[0] * x[1]);
    let mut ends = [0.0, 1e9];
    for _ in 0..200 {
        let middle = f64::midpoint(ends[0], ends[1]);
        ends[usize::from(residual([held[0], held[1]], middle) < 0.0)] = middle;
    }
    let d = ends[0];
    // The contract's A is the paper's times n^(n-1): 2 x 50.
    let pool = Pool {
        rule: Rule::StableSwap(U256::new(100)),
        reserves: vec![raw("128361.122694817"), raw("503780.9348947206")],
        fee: U256::ZERO,
    };
    let paid: f64 = shown(pool.pays(1, 0, raw("10000"))).parse().expect("a number");
    let after = residual([held[0] - paid, held[1] + sold], d);
    let one = residual([held[0] - paid - 1e-3, held[1] + sold], d) - after;
    assert!((after / one).abs() < 1.0, "within a thousandth of a token: {after} {one}");
}
