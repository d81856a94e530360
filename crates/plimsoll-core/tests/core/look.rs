//! Looking through prices: the weight of a leaf is how the price really moves when the leaf does.

use crate::check;
use crate::graph::{decimal, feed, price, seen};
use plimsoll_core::{
    Decimal, FeedKind, Graph, Int, Leaf, Look, Observation, Origin, PoolShare, PoolValue, PriceId, Quote,
    RateCap, Rounding, Scale, Sight, Time, U256, VaultShare, Why,
};
use proptest::prelude::*;

const NOW: Time = Time(1_000);
/// Digits of everything that is computed: enough that roundings do not show.
const FINE: u8 = 24;

fn look(graph: &Graph, id: PriceId) -> Look {
    graph.look(&graph.quotes(NOW), id, NOW).expect("every value is there")
}

fn weight(look: &Look, id: PriceId) -> Option<i128> {
    let leaf = look.leaves.iter().find(|leaf| leaf.id == id)?;
    Some(leaf.weight.to_string().parse().expect("a small number"))
}

fn product(legs: &[PriceId]) -> Origin {
    Origin::Product { legs: legs.to_vec(), decimals: FINE, rounding: Rounding::Down }
}

/// A vault of shares of a pool of staked ether and capped dollars, in dollars of another kind.
struct Nested {
    graph: Graph,
    leaves: Vec<PriceId>,
    pools: [PriceId; 2],
    tops: Vec<PriceId>,
}

fn nested(numbers: &[u64; 9]) -> Nested {
    let mut graph = Graph::default();
    // From 1 to 2 of each unit, so that either leg of a bound may decide.
    let number = |at: usize| {
        Decimal { mantissa: Int::from(1_000_000 + numbers[at] % 1_000_000), decimals: 6 }.to_string()
    };
    let names = [
        ("eth", "USD/ETH"),
        ("rate", "ETH/stETH"),
        ("usdc", "USD/USDC"),
        ("most", "USD/USDC"),
        ("stETH in the pool", "stETH"),
        ("USDC in the pool", "USDC"),
        ("LP supply", "LP"),
        ("LP in the vault", "LP"),
        ("vault supply", "vLP"),
    ];
    let mut leaves = Vec::new();
    for (at, (name, unit)) in names.into_iter().enumerate() {
        leaves.push(graph.add(feed(name, unit, &number(at))).expect("a feed"));
    }
    let [eth, rate, usdc, most, x, y, supply, assets, shares] = leaves[..] else { panic!("nine leaves") };
    let steth = graph.add(price("stETH", "USD/stETH", product(&[rate, eth]))).expect("units fit");
    let capped = Origin::Least { legs: vec![usdc, most] };
    let capped = graph.add(price("USDC at most", "USD/USDC", capped)).expect("a bound");
    let pools = [PoolValue::Fair, PoolValue::Reserves].map(|value| {
        let (reserves, prices, decimals, rounding) = ([x, y], [steth, capped], FINE, Rounding::Down);
        let pool = PoolShare { reserves, prices, supply, value, decimals, rounding };
        graph.add(price(value.name(), "USD/LP", Origin::PoolShare(pool))).expect("units fit")
    });
    let (decimals, rounding) = (FINE, Rounding::Down);
    let (virtual_assets, virtual_shares) = (U256::pow10(17).expect("10^17"), U256::pow10(18).expect("10^18"));
    let (asset_decimals, share_decimals) = (18, 18);
    let vault = VaultShare {
        assets,
        supply: shares,
        asset_decimals,
        share_decimals,
        virtual_assets,
        virtual_shares,
        rounding,
    };
    let vault = graph.add(price("LP of a share", "LP/vLP", Origin::VaultShare(vault))).expect("units fit");
    let mut tops = pools.to_vec();
    for (at, pool) in pools.into_iter().enumerate() {
        let inside = graph.add(price(&format!("in dollars {at}"), "USD/vLP", product(&[vault, pool])));
        let inside = inside.expect("units fit");
        let other = Origin::Quotient { of: inside, by: capped, decimals, rounding };
        tops.push(inside);
        tops.push(graph.add(price(&format!("in USDC {at}"), "USDC/vLP", other)).expect("units fit"));
        let once = Origin::MulDiv { of: vault, times: pool, over: capped, decimals, rounding };
        tops.push(graph.add(price(&format!("once {at}"), "USDC/vLP", once)).expect("units fit"));
    }
    Nested { graph, leaves, pools, tops }
}

/// A millionth up and a millionth down: what the price does between is its weight times two millionths, by exact integers.
/// At the kink of a bound it has none.
#[test]
fn a_weight_is_how_far_the_price_goes_with_the_leaf() {
    check(120, any::<[u64; 9]>(), |numbers| {
        let Nested { graph, leaves, tops, .. } = nested(&numbers);
        let quotes = graph.quotes(NOW);
        let at = |id: PriceId| quotes[id.0 as usize].value.expect("a value");
        let close = at(leaves[2]).plus(Decimal { mantissa: at(leaves[3]).mantissa.neg(), decimals: 6 });
        prop_assume!(close.expect("small").mantissa.magnitude() > U256::from(5_u64));
        let moved = |leaf: PriceId, top: PriceId, by: &str| {
            let value = at(leaf).times(decimal(by)).expect("small");
            let replaced =
                Quote { value: Some(value), low: value, high: Some(value), ..quotes[leaf.0 as usize] };
            graph.replaced(&quotes, &[(leaf, replaced)], NOW)[top.0 as usize].value.expect("a value").mantissa
        };
        for &top in &tops {
            let seen = look(&graph, top);
            for &leaf in &leaves {
                let [up, down] = ["1.000001", "0.999999"].map(|by| moved(leaf, top, by));
                let way = up.sub(down).expect("small").mul(Int::new(10_i128.pow(18))).expect("256 bits");
                let way = way.div(at(top).mantissa, Rounding::TowardZero).expect("not zero");
                // 10^-18 parts for two millionths.
                let expected: i128 = way.to_string().parse::<i128>().expect("small") * 500_000;
                let found = weight(&seen, leaf).unwrap_or(0);
                prop_assert!(
                    (found - expected).abs() < 10_i128.pow(9),
                    "{leaf:?} {top:?} {found} {expected}"
                );
                prop_assert_eq!(seen.idle.contains(&leaf), found == 0 && graph.leaves(top).contains(&leaf));
            }
        }
        Ok(())
    });
}

/// The shares of a price's leaves are all of it, whatever it is made of, and so are the parts of any value.
#[test]
fn shares_add_up_to_the_value() {
    check(120, (any::<[u64; 9]>(), any::<u128>()), |(numbers, value)| {
        let Nested { graph, tops, .. } = nested(&numbers);
        let value = U256::new(value);
        for top in tops {
            let seen = look(&graph, top);
            let sum = |numbers: Vec<Int>| numbers.into_iter().try_fold(Int::ZERO, Int::add);
            let shares = seen.leaves.iter().map(|leaf| leaf.share).collect();
            prop_assert_eq!(sum(shares), Some(Int::new(10_i128.pow(18))));
            prop_assert_eq!(sum(seen.shared(value).expect("256 bits")), Some(value.into()));
        }
        Ok(())
    });
}

/// Who carries a value: the leg in the currency. Rates beside it move the same value again.
#[test]
fn the_leg_in_the_currency_carries_the_value() {
    let Nested { graph, leaves, pools: [fair, naive], tops } =
        nested(&[0, 100_000, 0, 500_000, 0, 0, 0, 0, 0]);
    let [eth, rate, usdc, most, x, y, supply, assets, shares] = leaves[..] else { panic!("nine leaves") };
    let (one, half) = (Int::new(10_i128.pow(18)), Int::new(5 * 10_i128.pow(17)));
    let seen = look(&graph, fair);
    let leaf = |id, weight: Int, share: Int| Leaf { id, weight, share };
    assert_eq!(
        seen.leaves,
        [
            leaf(eth, half, half),
            leaf(rate, half, Int::ZERO),
            leaf(usdc, half, half),
            leaf(x, half, Int::ZERO),
            leaf(y, half, Int::ZERO),
            leaf(supply, one.neg(), Int::ZERO),
        ]
    );
    assert_eq!((seen.idle, seen.depth, seen.manipulable), (vec![most], 2, vec![]));
    // By its reserves: 1 x 1.1 of staked ether against 1 of dollars.
    let seen = look(&graph, naive);
    assert_eq!(weight(&seen, eth), Some(523_809_523_809_523_809));
    assert_eq!(weight(&seen, usdc), Some(476_190_476_190_476_191));
    assert_eq!(seen.manipulable, [naive]);
    // In dollars of the capped kind: the cap's leg moves the pool up by half and the whole down by one.
    let seen = look(&graph, tops[3]);
    assert_eq!(weight(&seen, usdc), Some(-500_000_000_000_000_000));
    assert_eq!(seen.leaves.iter().find(|leaf| leaf.id == usdc).map(|leaf| leaf.share), Some(half));
    assert_eq!(seen.depth, 4, "quotient, product, pool, staked ether");
    // 1 of 1.1 LP in the vault is real, 1 of 2 shares.
    assert_eq!(weight(&seen, assets), Some(909_090_909_090_909_090));
    assert_eq!(weight(&seen, shares), Some(-500_000_000_000_000_000));
}

/// What a price sees of the market, by the leaves that move it now.
#[test]
fn a_blind_price_is_known_by_its_leaves() {
    let mut graph = Graph::default();
    let kind = |kind: FeedKind, value: &str| Origin::Feed(Observation { kind, ..seen(value) });
    let mut add =
        |name: &str, unit: &str, origin: Origin| graph.add(price(name, unit, origin)).expect("units fit");
    let eth = add("eth", "USD/ETH", kind(FeedKind::Oracle, "2000"));
    let sale = add("sale", "ETH/stETH", kind(FeedKind::Market, "0.97"));
    let rate = add("rate", "ETH/stETH", kind(FeedKind::Redemption, "1.1"));
    let par = add("par", "USD/USDe", Origin::Constant(decimal("1")));
    let staked = add("staked", "USDe/sUSDe", kind(FeedKind::Redemption, "1.2"));
    let by_sale = add("by sale", "USD/stETH", product(&[sale, eth]));
    let by_rate = add("by rate", "USD/stETH", product(&[rate, eth]));
    let susde = add("sUSDe", "USD/sUSDe", product(&[staked, par]));
    let low = add("low", "USD/stETH", Origin::Constant(decimal("10")));
    let bound = add("bound", "USD/stETH", Origin::Least { legs: vec![by_sale, low] });
    let free = add("free", "USD/stETH", Origin::Greatest { legs: vec![by_sale, low] });
    let ratio = |snapshot: u64| {
        let snapshot = U256::from(snapshot);
        Origin::RateCap(RateCap { of: rate, snapshot, taken_at: Time(0), growth: 0, decimals: 8 })
    };
    let capped = add("capped", "ETH/stETH", ratio(105_000_000));
    let uncapped = add("uncapped", "ETH/stETH", ratio(115_000_000));
    let dear = add("dear", "USD/stETH", product(&[capped, eth]));
    let fair = add("fair", "USD/stETH", product(&[uncapped, eth]));
    let sights = [eth, by_sale, by_rate, par, susde, bound, free, capped, uncapped, dear, fair]
        .map(|id| look(&graph, id).sight);
    assert_eq!(
        sights,
        [
            Sight::Whole,
            Sight::Whole,
            Sight::Partial,
            Sight::Fixed,
            Sight::Rate,
            Sight::Fixed,
            Sight::Whole,
            Sight::Fixed,
            Sight::Rate,
            Sight::Partial,
            Sight::Partial,
        ]
    );
    // A cap that binds is a leaf, and the rate below it is idle.
    assert_eq!(look(&graph, dear).leaves.iter().map(|leaf| leaf.id).collect::<Vec<_>>(), [eth, capped]);
    assert_eq!(look(&graph, dear).idle, [rate]);
    assert_eq!(look(&graph, bound).idle, [eth, sale]);
}

/// Without a value that decides which legs count nothing is said; a value beyond that is not needed.
#[test]
fn what_is_missing_is_not_looked_through() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("eth", "USD/ETH", "2000")).expect("a feed");
    let none = Observation { price: None, ..seen("1") };
    let rate = graph.add(price("rate", "ETH/LST", Origin::Feed(none))).expect("a feed");
    let lst = graph.add(price("LST", "USD/LST", product(&[rate, eth]))).expect("units fit");
    let bound =
        graph.add(price("bound", "USD/LST", Origin::Least { legs: vec![lst, eth] })).expect("a bound");
    let quotes = graph.quotes(NOW);
    assert_eq!(quotes[lst.0 as usize].scale, Scale::Decimal);
    assert_eq!(graph.look(&quotes, lst, NOW).map(|look| look.leaves.len()), Some(2));
    assert_eq!(graph.look(&quotes, bound, NOW), None);
}

/// Prices that share legs at every level have two to the sixtieth ways to a leaf, and one walk.
#[test]
fn shared_legs_weigh_what_all_ways_weigh() {
    let mut graph = Graph::default();
    let eth = graph.add(feed("eth", "USD", "1")).expect("a feed");
    let mut top = eth;
    for level in 0..20 {
        top = graph.add(price(&format!("p{level}"), "USD", product(&[top, top]))).expect("units fit");
    }
    let seen = look(&graph, top);
    assert_eq!((weight(&seen, eth), seen.depth), (Some((1 << 20) * 10_i128.pow(18)), 20));
    assert_eq!(seen.leaves[0].share, Int::new(10_i128.pow(18)));
}

/// Two prices of which one has so many digits that 256 bits hold no common unit: which is the lower cannot be told, and neither
/// can the bound of them, whichever comes first.
#[test]
fn what_cannot_be_compared_is_unknown() {
    let mut graph = Graph::default();
    let small = |decimals: u8, mantissa: i128| {
        let price = Some(Decimal { mantissa: Int::new(mantissa), decimals });
        Origin::Feed(Observation { price, ..seen("1") })
    };
    let fine = graph.add(price("fine", "USD/X", small(80, 7))).expect("a feed");
    let plain = graph.add(feed("plain", "USD/X", "3")).expect("a feed");
    let rate = graph.add(price("rate", "X/Y", small(80, 7))).expect("a feed");
    let cap = RateCap { of: rate, snapshot: U256::ONE, taken_at: Time(1), growth: 0, decimals: 0 };
    let capped = graph.add(price("capped", "X/Y", Origin::RateCap(cap))).expect("units fit");
    let mut bounds = vec![capped];
    for legs in [[fine, plain], [plain, fine]] {
        for (name, least) in [("least", true), ("greatest", false)] {
            let legs = legs.to_vec();
            let origin = if least { Origin::Least { legs } } else { Origin::Greatest { legs } };
            let name = format!("{name} {}", bounds.len());
            bounds.push(graph.add(price(&name, "USD/X", origin)).expect("units fit"));
        }
    }
    let quotes = graph.quotes(NOW);
    for id in bounds {
        let Quote { value, high, doubt, .. } = quotes[id.0 as usize];
        assert_eq!((value, high), (None, None), "{id:?}");
        assert_eq!(doubt, Some(Why::Missing), "{id:?}");
        assert_eq!(graph.look(&quotes, id, NOW), None, "{id:?}");
    }
}
