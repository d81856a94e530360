//! Who there is in the demo book, and what each of them holds and owes, in dollars. Every share and size here stands in
//! `docs/demo.md`, and is an assumption unless it says otherwise there.

use super::draw::Draw;
use crate::book::venue::Side;

/// Markets by their places in [`super::MARKETS`].
pub(super) const AAVE: usize = 0;
pub(super) const COMPOUND: usize = 1;
pub(super) const LIQUITY: usize = 2;
pub(super) const MAKER: usize = 3;
pub(super) const MORPHO_WBTC: usize = 4;
pub(super) const MORPHO_WSTETH: usize = 5;

/// An account of a person.
pub(super) struct Holder {
    pub(super) market: usize,
    /// The column `mode`; empty for none.
    pub(super) mode: String,
    pub(super) parts: Vec<Part>,
}

/// A holding.
pub(super) struct Part {
    pub(super) side: Side,
    pub(super) asset: &'static str,
    /// What it is worth (millionths of a dollar).
    pub(super) micros: u64,
}

/// What an account is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Lends and owes nothing.
    Saver,
    /// Staked ether against ether.
    Looper,
    /// One collateral, one dollar debt.
    Borrower,
    /// Several collaterals, one or two debts.
    Several,
    /// Less than anybody would liquidate for.
    Dust,
}

const PURPOSES: &[(Purpose, u64)] = &[
    (Purpose::Saver, 140),
    (Purpose::Looper, 120),
    (Purpose::Borrower, 480),
    (Purpose::Several, 160),
    (Purpose::Dust, 100),
];

/// Whales among a thousand accounts that are no dust, and how many times as large they are.
const WHALES: u64 = 5;
const WHALE: u64 = 300;
/// Unhealthy ones among a thousand accounts with a debt.
const UNHEALTHY: u64 = 5;
/// Nobody has more than this (millionths of a dollar).
const MOST: u64 = 400_000_000_000_000;

/// In millionths.
const DOLLAR: u64 = 1_000_000;

/// One in the unit of weights and healths.
const WHOLE: u64 = 10_000;

/// A collateral and its weight at the line of liquidation (bps), as the market's file has it.
type Weighed = (&'static str, u64);

/// The accounts of a person, each in another market.
pub(super) fn person(seed: u64, number: u64) -> Vec<Holder> {
    let mut draw = Draw::of(seed, number);
    let accounts = draw.one_of(&[(1, 800), (2, 130), (3, 50), (5, 20)]).unwrap_or(1);
    let mut holders: Vec<Holder> = Vec::with_capacity(accounts);
    for _ in 0..accounts {
        let next = holder(&mut draw);
        // A name stands once in a market.
        holders.extend(next.filter(|next| holders.iter().all(|holder| holder.market != next.market)));
    }
    holders
}

fn holder(draw: &mut Draw) -> Option<Holder> {
    let purpose = draw.one_of(PURPOSES)?;
    let market = draw.one_of(match purpose {
        Purpose::Saver => &[(AAVE, 45), (COMPOUND, 20), (LIQUITY, 15), (MORPHO_WBTC, 15), (MORPHO_WSTETH, 5)],
        Purpose::Looper => &[(AAVE, 70), (MORPHO_WSTETH, 30)],
        Purpose::Borrower => &[(AAVE, 40), (COMPOUND, 20), (LIQUITY, 13), (MAKER, 12), (MORPHO_WBTC, 15)],
        Purpose::Several => &[(AAVE, 70), (COMPOUND, 30)],
        Purpose::Dust => &[(AAVE, 80), (MORPHO_WBTC, 20)],
    })?;
    let (median, sigma) = match purpose {
        Purpose::Saver => (2_000, 1800),
        Purpose::Looper => (20_000, 1600),
        Purpose::Borrower => (4_000, 1600),
        Purpose::Several => (10_000, 1600),
        Purpose::Dust => (1, 1000),
    };
    let whale = purpose != Purpose::Dust && draw.thousandths(WHALES);
    let size = draw.lognormal(median * DOLLAR, sigma).saturating_mul(if whale { WHALE } else { 1 }).min(MOST);
    if purpose == Purpose::Saver {
        let asset = saved(market, draw)?;
        let parts = vec![Part { side: Side::Supply, asset, micros: size }];
        return Some(Holder { market, mode: String::new(), parts });
    }
    let debt = size.max(least(market));
    let health = health(purpose, draw);
    let (held, owed) = sides(purpose, market, draw)?;
    let mode = match (market, purpose) {
        (AAVE, Purpose::Looper) => "emode=1".into(),
        (LIQUITY, _) => trove(held.first()?.0, draw),
        _ => String::new(),
    };
    let mut parts = Vec::with_capacity(held.len() + owed.len());
    // What must count, shared among the collaterals; each then is what it takes at its own weight, rounded up.
    let backing = u128::from(debt) * u128::from(health) / u128::from(WHOLE);
    for (share, (asset, weight)) in shares(draw, held.len()).into_iter().zip(held) {
        let micros = (backing * u128::from(share)).div_ceil(u128::from(weight));
        parts.push(Part { side: Side::Collateral, asset, micros: micros as u64 });
    }
    for (share, asset) in shares(draw, owed.len()).into_iter().zip(owed) {
        let micros = u128::from(debt) * u128::from(share) / u128::from(WHOLE);
        parts.push(Part { side: Side::Debt, asset, micros: micros as u64 });
    }
    Some(Holder { market, mode, parts })
}

/// The least debt that a venue lets anybody owe, and a little more (millionths of a dollar).
fn least(market: usize) -> u64 {
    match market {
        COMPOUND => 101 * DOLLAR,
        LIQUITY => 2_010 * DOLLAR,
        MAKER => 7_600 * DOLLAR,
        _ => 0,
    }
}

/// Backing over debt.
fn health(purpose: Purpose, draw: &mut Draw) -> u64 {
    if draw.thousandths(UNHEALTHY) {
        return 9_500 + draw.below(490);
    }
    match purpose {
        // From 1.02 to 1.30, most of them low.
        Purpose::Looper => 10_200 + draw.below(2_800) * draw.below(2_800) / 2_800,
        _ => (10_020 + draw.lognormal(6_065, 1000)).min(500_000),
    }
}

/// What a saver lends.
fn saved(market: usize, draw: &mut Draw) -> Option<&'static str> {
    match market {
        AAVE => draw.one_of(&[("USDC", 40), ("USDT", 20), ("WETH", 20), ("wstETH", 12), ("WBTC", 8)]),
        LIQUITY => draw.one_of(&[("BOLD in the WETH pool", 60), ("BOLD in the wstETH pool", 40)]),
        MORPHO_WSTETH => Some("WETH"),
        _ => Some("USDC"),
    }
}

/// What stands on either side of a loan.
fn sides(purpose: Purpose, market: usize, draw: &mut Draw) -> Option<(Vec<Weighed>, Vec<&'static str>)> {
    const OF_AAVE: &[(Weighed, u64)] =
        &[(("WETH", 8_300), 45), (("WBTC", 7_800), 25), (("wstETH", 8_100), 20), (("USDC", 7_800), 10)];
    const OF_COMPOUND: &[(Weighed, u64)] =
        &[(("WETH", 9_000), 50), (("WBTC", 8_500), 30), (("wstETH", 8_700), 20)];
    let one = |held: Weighed, owed| Some((vec![held], vec![owed]));
    let of_venue = if market == AAVE { OF_AAVE } else { OF_COMPOUND };
    match (market, purpose) {
        (AAVE, Purpose::Looper) => one(("wstETH", 9_500), "WETH"),
        (MORPHO_WSTETH, _) => one(("wstETH", 9_450), "WETH"),
        (MORPHO_WBTC, _) => one(("WBTC", 8_600), "USDC"),
        // 10,000 over 145 %, 110 % and 120 %, cut down.
        (MAKER, _) => one(("WETH", 6_896), "DAI"),
        (LIQUITY, _) => one(draw.one_of(&[(("WETH", 9_090), 60), (("wstETH", 8_333), 40)])?, "BOLD"),
        (_, Purpose::Several) => {
            let count = 2 + draw.below(2) as usize;
            let mut held: Vec<Weighed> = Vec::new();
            while held.len() < count {
                let next = draw.one_of(of_venue)?;
                if !held.contains(&next) {
                    held.push(next);
                }
            }
            let owed = match market {
                COMPOUND => vec!["USDC"],
                _ if draw.thousandths(300) => vec!["USDC", "USDT"],
                _ => vec![draw.one_of(&[("USDC", 60), ("USDT", 40)])?],
            };
            Some((held, owed))
        }
        (AAVE, _) => {
            let held = draw.one_of(OF_AAVE)?;
            let owed = if held.0 == "USDC" { "WETH" } else { draw.one_of(&[("USDC", 65), ("USDT", 35)])? };
            one(held, owed)
        }
        _ => one(draw.one_of(OF_COMPOUND)?, "USDC"),
    }
}

/// Ten-thousandths for so many parts, none of them small; together one.
fn shares(draw: &mut Draw, count: usize) -> Vec<u64> {
    let weights: Vec<u64> = (0..count).map(|_| 20 + draw.below(100)).collect();
    let sum: u64 = weights.iter().sum();
    let mut shares: Vec<u64> = weights.iter().map(|weight| weight * WHOLE / sum).collect();
    // What the cuts left over.
    let rest = WHOLE - shares.iter().sum::<u64>();
    if let Some(first) = shares.first_mut() {
        *first += rest;
    }
    shares
}

/// A trove's mode: its branch, and a rate from 0.5 % to 12 % in steps of a tenth.
fn trove(branch: &str, draw: &mut Draw) -> String {
    let tenths = draw.lognormal(45, 500).clamp(5, 120);
    format!("trove=active; branch={branch}; rate={}", tenths * 1_000_000_000_000_000)
}
