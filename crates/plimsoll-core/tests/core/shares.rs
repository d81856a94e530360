//! Capped rates, shares of pools and of vaults: against hand-computed numbers of the contracts' and papers' formulas.

use crate::check;
use crate::graph::{decimal, feed, price, seen};
use plimsoll_core::{
    Graph, GraphError, Observation, Origin, PoolShare, PoolValue, PriceId, Quote, RateCap, Rounding, Time,
    U256, VaultShare, Why,
};
use proptest::prelude::*;

const NOW: Time = Time(1_000);

fn digits(text: &str) -> U256 {
    text.parse().expect("digits")
}

fn value(quote: &Quote) -> String {
    quote.value.expect("a value").to_string()
}

/// The adapter of wstETH at Aave on BNB Chain as its script deploys it (bgd-labs/aave-capo, scripts/DeployBnb.s.sol):
/// ratio 1179619475032439052 at 1727049059, 9.68 % a year. Expected values by Python:
/// `per = snap*968*10**6//10**4//31536000` is 3620851255173138, and the cap `snap + per*dt//10**6`.
#[test]
fn a_rate_counts_for_no_more_than_its_snapshot_grown() {
    let taken_at = Time(1_727_049_059);
    let cap =
        |of| RateCap { of, snapshot: digits("1179619475032439052"), taken_at, growth: 968, decimals: 18 };
    let capped = |ratio: &str, later: u64| {
        let mut graph = Graph::default();
        let at = taken_at.plus(later);
        let seen = |value: &str| Observation { observed_at: Some(at), ..seen(value) };
        let rate = graph.add(price("rate", "stETH/wstETH", Origin::Feed(seen(ratio)))).expect("a feed");
        let eth = graph.add(price("ETH", "USD/stETH", Origin::Feed(seen("2655.02535327")))).expect("a feed");
        let cap =
            graph.add(price("cap", "stETH/wstETH", Origin::RateCap(cap(rate)))).expect("its leg's unit");
        let legs = vec![cap, eth];
        let usd = Origin::Product { legs, decimals: 8, rounding: Rounding::Down };
        let usd = graph.add(price("wstETH", "USD/wstETH", usd)).expect("units fit");
        let quotes = graph.quotes(at);
        [cap, usd].map(|id| value(&quotes[id.0 as usize]))
    };
    for (later, highest) in [
        (0, "1.179619475032439052"),
        (1, "1.179619478653290307"),
        (86_400, "1.179932316580886011"),
        (12_345_678, "1.224321338714702447"),
        (31_536_000, "1.293806640215579131"),
    ] {
        let unit = format!("{}0", &highest[..19]);
        assert_eq!(capped("9", later)[0], highest, "above it the cap counts, {later} s later");
        assert_eq!(capped(highest, later)[0], highest, "at it both say the same");
        assert_eq!(capped(&unit, later)[0], unit, "below it the rate counts");
    }
    // (265502535327 * 1179932316580886011) // 10**18
    assert_eq!(capped("9", 86_400)[1], "3132.75021566");
    assert_eq!(capped("1.1", 86_400)[1], "2920.52788859");
    // Not a digit of the rate is lost: (265502535327 * 1179932316580886010) // 10**18 is the same price.
    assert_eq!(capped("1.17993231658088601", 86_400)[1], "3132.75021566");
}

/// Before its snapshot the adapter reverts: nothing is known, and what is built on it neither.
#[test]
fn a_snapshot_from_the_future_is_no_price() {
    let mut graph = Graph::default();
    let rate = graph.add(feed("rate", "ETH/LST", "1.1")).expect("a feed");
    let snapshot = digits("1100000000000000000");
    let cap = RateCap { of: rate, snapshot, taken_at: Time(1_001), growth: 1_000, decimals: 18 };
    let cap = graph.add(price("cap", "ETH/LST", Origin::RateCap(cap))).expect("a capped rate");
    let twice = Origin::Least { legs: vec![cap, rate] };
    let twice = graph.add(price("twice", "ETH/LST", twice)).expect("a bound");
    for id in [cap, twice] {
        let quote = graph.quotes(NOW)[id.0 as usize];
        assert_eq!((quote.value, quote.doubt, quote.high), (None, Some(Why::FromTheFuture), None));
        assert_eq!(quote.low.trimmed(), decimal("0"));
    }
    assert_eq!(value(&graph.quotes(Time(1_001))[cap.0 as usize]), "1.100000000000000000");
    // Time moves the cap also where single prices are replaced.
    let later = Time(1_001 + 31_536_000);
    let high = Quote { value: Some(decimal("2")), ..graph.quotes(later)[0] };
    let replaced = graph.replaced(&graph.quotes(later), &[(rate, high)], later);
    // 1.1 * 10 % a year, of which a second's millionth is cut: 3488077118214104 * 31536000 // 10**6.
    assert_eq!(value(&replaced[cap.0 as usize]), "1.209999999999999983");
}

struct Pool {
    graph: Graph,
    legs: [PriceId; 5],
}

/// Reserves, prices and shares of a pool of WETH and USDC.
fn pool([weth, usdc, weth_price, usdc_price, supply]: [&str; 5]) -> Pool {
    let mut graph = Graph::default();
    let mut add = |name: &str, unit: &str, value: &str| graph.add(feed(name, unit, value)).expect("a feed");
    let legs = [
        add("WETH in the pool", "WETH", weth),
        add("USDC in the pool", "USDC", usdc),
        add("WETH", "USD/WETH", weth_price),
        add("USDC", "USD/USDC", usdc_price),
        add("shares", "LP", supply),
    ];
    Pool { graph, legs }
}

impl Pool {
    fn share(&self, value: PoolValue, decimals: u8, rounding: Rounding) -> Origin {
        let [x, y, p, q, supply] = self.legs;
        let (reserves, prices) = ([x, y], [p, q]);
        Origin::PoolShare(PoolShare { reserves, prices, supply, value, decimals, rounding })
    }

    fn quote(&self, value: PoolValue, decimals: u8, rounding: Rounding) -> Quote {
        let mut graph = self.graph.clone();
        let id = graph.add(price("LP", "USD/LP", self.share(value, decimals, rounding))).expect("units fit");
        graph.quotes(NOW)[id.0 as usize]
    }
}

const ROUNDINGS: [Rounding; 3] = [Rounding::Down, Rounding::Up, Rounding::HalfUp];

/// `2 sqrt(r p s q) / n` and `(r p + s q) / n` by Python's whole numbers and fractions: floor, ceiling and nearest.
#[test]
fn a_share_of_a_pool_is_what_the_formulas_say() {
    let pool = pool([
        "12345.678901234567890123",
        "34567890.123456",
        "2785.12345678",
        "0.99981512",
        "0.412345678901234567",
    ]);
    let all = |value, decimals| ROUNDINGS.map(|rounding| self::value(&pool.quote(value, decimals, rounding)));
    let fair = ["167203185.99277456", "167203185.99277457", "167203185.99277456"];
    assert_eq!(all(PoolValue::Fair, 8), fair);
    let fair = "167203185.99277456120468381";
    assert_eq!(all(PoolValue::Fair, 18), [("8"), ("9"), ("8")].map(|last| format!("{fair}{last}")));
    let naive = ["167203738.60434283", "167203738.60434284", "167203738.60434283"];
    assert_eq!(all(PoolValue::Reserves, 8), naive);
    let naive = "167203738.60434283107636419";
    assert_eq!(all(PoolValue::Reserves, 18), [("8"), ("9"), ("9")].map(|last| format!("{naive}{last}")));
}

/// A pool of 70,000 ether and 28 million dollars with ether at 400 (the pool of Alpha's examples) and a million shares is
/// worth 56 a share. A trade along its curve moves what its reserves are worth, and not the fair value.
#[test]
fn a_trade_in_the_pool_moves_the_naive_value_alone() {
    let both = |weth: &str, usdc: &str| {
        let pool = pool([weth, usdc, "400", "1", "1000000"]);
        [PoolValue::Fair, PoolValue::Reserves].map(|value| self::value(&pool.quote(value, 2, Rounding::Down)))
    };
    assert_eq!(both("70000", "28000000"), ["56.00", "56.00"]);
    // Half the dollars out, twice the ether in: 140,000 * 400 + 14,000,000.
    assert_eq!(both("140000", "14000000"), ["56.00", "70.00"]);
    assert_eq!(both("35000", "56000000"), ["56.00", "70.00"]);
    // At ether's new price of 1,600 the pool is twice as dear once arbitrage has halved its ether.
    let moved = pool(["70000", "28000000", "1600", "1", "1000000"]);
    assert_eq!(value(&moved.quote(PoolValue::Fair, 2, Rounding::Down)), "112.00");
}

/// Whatever a pool's numbers are, the root is the root: its square is not above the fraction and the next one's is.
#[test]
fn the_fair_value_is_the_root_and_no_unit_beside_it() {
    let number = || (1_u128..1 << 60, 0_u8..19);
    let side = || (number(), number());
    check(400, (side(), side(), number(), 0_u8..19), |(x, y, supply, decimals)| {
        use num_bigint::BigUint;
        let text = |(mantissa, decimals): (u128, u8)| {
            plimsoll_core::Decimal { mantissa: U256::new(mantissa).into(), decimals }.to_string()
        };
        let pool = pool([&text(x.0), &text(y.0), &text(x.1), &text(y.1), &text(supply)]);
        let quote = pool.quote(PoolValue::Fair, decimals, Rounding::Down);
        let root: BigUint = quote.value.expect("a value").mantissa.to_string().parse().expect("digits");
        let ten = |power: u8| BigUint::from(10_u8).pow(power.into());
        // root / 10^d <= 2 sqrt(r p s q) / n, all as whole numbers.
        let [a, b, c, e] = [x.0, x.1, y.0, y.1];
        let over = ten(a.1) * ten(b.1) * ten(c.1) * ten(e.1);
        let under = BigUint::from(4_u8) * a.0 * b.0 * c.0 * e.0 * ten(supply.1).pow(2) * ten(decimals).pow(2);
        let square = |root: &BigUint| root.pow(2) * BigUint::from(supply.0).pow(2) * &over;
        prop_assert!(square(&root) <= under);
        prop_assert!(square(&(root + 1_u8)) > under);
        Ok(())
    });
}

#[test]
fn the_units_of_a_pool_fit() {
    let pool = pool(["1", "2", "3", "1", "1"]);
    let share = |legs: [usize; 5], unit: &str| {
        let [x, y, p, q, supply] = legs.map(|leg| pool.legs[leg]);
        let (reserves, prices, value) = ([x, y], [p, q], PoolValue::Fair);
        let (decimals, rounding) = (8, Rounding::Down);
        let share = PoolShare { reserves, prices, supply, value, decimals, rounding };
        pool.graph.clone().add(price("LP", unit, Origin::PoolShare(share)))
    };
    assert!(share([0, 1, 2, 3, 4], "USD/LP").is_ok());
    for (legs, unit) in [
        ([0, 1, 3, 2, 4], "USD/LP"),   // each asset at the other's price
        ([0, 1, 2, 3, 2], "USD/LP"),   // a price instead of the shares
        ([2, 1, 2, 3, 4], "USD/LP"),   // a price instead of a reserve
        ([0, 1, 2, 3, 4], "USD/WETH"), // shares are not ether
        ([0, 1, 2, 3, 4], "EUR/LP"),
    ] {
        let refused = share(legs, unit);
        assert!(matches!(refused, Err(GraphError::Unit { .. })), "{legs:?} {unit}: {refused:?}");
    }
}

fn vault(assets: &str, supply: &str, [asset_decimals, share_decimals]: [u8; 2], beside: [u128; 2]) -> Quote {
    vault_rounded(assets, supply, [asset_decimals, share_decimals], beside, Rounding::Down)
}

fn vault_rounded(
    assets: &str,
    supply: &str,
    [asset_decimals, share_decimals]: [u8; 2],
    [virtual_assets, virtual_shares]: [u128; 2],
    rounding: Rounding,
) -> Quote {
    let mut graph = Graph::default();
    let assets = graph.add(feed("assets", "USDC", assets)).expect("a feed");
    let supply = graph.add(feed("supply", "vUSDC", supply)).expect("a feed");
    let (virtual_assets, virtual_shares) = (U256::new(virtual_assets), U256::new(virtual_shares));
    let share = VaultShare {
        assets,
        supply,
        asset_decimals,
        share_decimals,
        virtual_assets,
        virtual_shares,
        rounding,
    };
    let id = graph.add(price("rate", "USDC/vUSDC", Origin::VaultShare(share))).expect("units fit");
    graph.quotes(NOW)[id.0 as usize]
}

/// `convertToAssets(10**d)` of OpenZeppelin's ERC4626: `10**d * (assets + 1) // (supply + 10**offset)`, and of vaults
/// without anything virtual: `10**d * assets // supply`; by Python.
#[test]
fn a_share_of_a_vault_is_what_the_contract_converts_it_to() {
    let millions = ["51234567.890123", "49876543.210987654321098765"];
    let oz =
        |rounding| value(&vault_rounded(millions[0], millions[1], [6, 18], [1, 1_000_000_000_000], rounding));
    assert_eq!([Rounding::Down, Rounding::Up].map(oz), ["1.027227", "1.027228"]);
    let savings = vault("1234567890.123456789012345678", "1098765432.109876543210987654", [18, 18], [0, 0]);
    assert_eq!(value(&savings), "1.123595495494255774");
    // A vault of one share into which a whole dollar is given: the virtual share keeps half of it.
    assert_eq!(value(&vault("1", "0.000001", [6, 6], [0, 0])), "1000000.000000");
    assert_eq!(value(&vault("1", "0.000001", [6, 6], [1, 1])), "500000.500000");
    // An empty vault: with something virtual a share is worth an asset, without there is no share.
    assert_eq!(value(&vault("0", "0", [6, 18], [1, 1_000_000_000_000])), "1.000000");
    assert_eq!(vault("0", "0", [6, 18], [0, 0]).value, None);
    // There is no part of a unit.
    assert_eq!(value(&vault("1.0000019", "1", [6, 18], [0, 0])), "1.000001");
}

/// `2871.44 * 1.031415926 / 0.99981512` divided once; first multiplied to eight digits and then divided it is a unit less.
#[test]
fn a_product_over_a_divisor_is_rounded_once() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("ETH", "USD/ETH", "2871.44")).expect("a feed");
    let rate = graph.add(feed("rate", "ETH/LST", "1.031415926")).expect("a feed");
    let usdc = graph.add(feed("USDC", "USD/USDC", "0.99981512")).expect("a feed");
    let mut all = Vec::new();
    for rounding in ROUNDINGS {
        let once = Origin::MulDiv { of: rate, times: eth, over: usdc, decimals: 8, rounding };
        let id = graph.add(price(rounding.name(), "USDC/LST", once)).expect("units fit");
        all.push(value(&graph.quotes(NOW)[id.0 as usize]));
    }
    assert_eq!(all, ["2962.19659746", "2962.19659747", "2962.19659746"]);
    let (decimals, rounding) = (8, Rounding::Down);
    let product = Origin::Product { legs: vec![rate, eth], decimals, rounding };
    let product = graph.add(price("product", "USD/LST", product)).expect("units fit");
    let quotient = Origin::Quotient { of: product, by: usdc, decimals, rounding };
    let twice = graph.add(price("twice", "USDC/LST", quotient)).expect("units fit");
    assert_eq!(value(&graph.quotes(NOW)[twice.0 as usize]), "2962.19659745");
    let wrong = Origin::MulDiv { of: rate, times: usdc, over: eth, decimals, rounding };
    let wrong = graph.add(price("wrong", "USDC/LST", wrong));
    assert!(matches!(wrong, Err(GraphError::Unit { .. })), "{wrong:?}");
}

/// What rests on a doubtful leg is doubtful, and its ends are those of the legs: risen where it rises with a leg, fallen
/// where it falls with one.
#[test]
fn doubt_travels_through_shares() {
    let Pool { mut graph, legs } = pool(["70000", "28000000", "400", "1", "1000000"]);
    let wide = |value: &str, width: &str| Observation { confidence: Some(decimal(width)), ..seen(value) };
    graph.observe(legs[4], wide("1000000", "200000")).expect("the supply");
    let lp = Pool { graph, legs };
    let quote = lp.quote(PoolValue::Fair, 2, Rounding::Down);
    assert_eq!((value(&quote).as_str(), quote.doubt), ("56.00", Some(Why::Confidence)));
    // 56,000,000 over 1.2 and over 0.8 million shares.
    assert_eq!((quote.low, quote.high), (decimal("46.66"), Some(decimal("70.00"))));
    let stale = |leg: usize| {
        let mut graph = lp.graph.clone();
        graph
            .observe(lp.legs[leg], Observation { observed_at: Some(Time(1)), ..seen("400") })
            .expect("a leg");
        Pool { graph, legs: lp.legs }.quote(PoolValue::Reserves, 2, Rounding::Down)
    };
    for leg in 0..5 {
        assert_eq!(stale(leg).doubt, Some(Why::Stale), "leg {leg}");
    }
    // Ether's price may be anything: what is left are the dollars.
    assert_eq!((stale(2).low, stale(2).high), (decimal("23.33"), None));
    assert_eq!((stale(4).low.trimmed(), stale(4).high), (decimal("0"), None));
}
