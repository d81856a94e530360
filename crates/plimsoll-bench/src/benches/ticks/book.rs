//! A book in small integers, so that 64 bits judge it exactly.
//!
//! Twelve assets; 2 to 7 holdings an account, four on average; one account in ten loops between two assets that move alike, at a
//! health of 1.02 to 1.3; the others' health is 1 beside a lognormal number. Prices are in 10^-4 of a dollar, amounts in 10^-4 of an asset, thresholds in
//! percent: every product and sum stays far below 2^63.

use crate::random::Random;
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, U256, Why};
use plimsoll_kernel::{Candidate, Layout, Level, MarketRows, World};

pub(super) const ASSETS: usize = 12;
/// Prices to begin with (10^-4 dollars).
const PRICES: [i64; ASSETS] = [
    30_000_000,
    35_000_000,
    33_000_000,
    650_000_000,
    648_000_000,
    10_000,
    10_000,
    9_990,
    150_000,
    900_000,
    80_000,
    2_000_000,
];
/// Which assets are held most.
const POPULAR: [usize; ASSETS] = [0, 5, 3, 6, 1, 8, 2, 4, 7, 9, 10, 11];
/// What of its worth an asset counts for (percent).
const THRESHOLDS: [i64; ASSETS] = [83, 80, 79, 78, 77, 78, 80, 75, 65, 70, 60, 68];

/// Liquidation, margin call and warning.
pub(super) const LEVELS: [Level; 3] =
    [Level { num: 1, den: 1 }, Level { num: 11, den: 10 }, Level { num: 5, den: 4 }];

/// What stands in the world behind every market's base.
pub(super) const ROWS: MarketRows = MarketRows { market: 0, base: 1, epoch: 0, quanta: 1e-6 };

/// Accounts side by side: backing above zero, requirement below.
pub(super) struct Book {
    offsets: Vec<u32>,
    pub(super) assets: Vec<u8>,
    pub(super) coefficients: Vec<i64>,
    pub(super) prices: [i64; ASSETS],
    pub(super) levels: &'static [Level],
}

impl Book {
    pub(super) fn new(accounts: u64, levels: &'static [Level], random: &mut Random) -> Book {
        let (assets, coefficients) = (Vec::new(), Vec::new());
        let mut book = Book { offsets: vec![0], assets, coefficients, prices: PRICES, levels };
        let mut account = Vec::new();
        for _ in 0..accounts {
            account.clear();
            if random.below(10) == 0 {
                looper(random, &mut account)
            } else {
                ordinary(random, &mut account)
            }
            account.sort_unstable_by_key(|(asset, coefficient)| (*coefficient < 0, *asset));
            for (asset, coefficient) in &account {
                book.assets.push(*asset as u8);
                book.coefficients.push(*coefficient);
            }
            book.offsets.push(book.assets.len() as u32);
        }
        book
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn range(&self, account: u32) -> std::ops::Range<usize> {
        self.offsets[account as usize] as usize..self.offsets[account as usize + 1] as usize
    }

    /// Backing and requirement at the book's prices.
    #[inline]
    fn sides(&self, account: u32) -> (i64, i64) {
        let range = self.range(account);
        let (mut backing, mut owed) = (0, 0);
        for (asset, coefficient) in self.assets[range.clone()].iter().zip(&self.coefficients[range]) {
            let worth = coefficient * self.prices[usize::from(*asset)];
            if worth < 0 { owed -= worth } else { backing += worth }
        }
        (backing, owed)
    }

    pub(super) fn unhealthy(&self, account: u32, level: usize) -> bool {
        let (backing, owed) = self.sides(account);
        backing * i64::from(self.levels[level].den) < owed * i64::from(self.levels[level].num)
    }

    /// Answers candidates in exact integers.
    pub(super) fn decide(&self, asked: &mut [Candidate]) {
        for candidate in asked {
            candidate.unhealthy = self.verdicts(candidate.account);
        }
    }

    /// Bit n: unhealthy at level n.
    #[inline]
    pub(super) fn verdicts(&self, account: u32) -> u8 {
        let (backing, owed) = self.sides(account);
        let mut bits = 0;
        for (n, level) in self.levels.iter().enumerate() {
            bits |= u8::from(backing * i64::from(level.den) < owed * i64::from(level.num)) << n;
        }
        bits
    }

    pub(super) fn compiled(&self, account: u32) -> Compiled {
        let (mut backing, mut requirement) = (Linear::default(), Linear::default());
        for at in self.range(account) {
            let coefficient = Int::new(i128::from(self.coefficients[at].abs()));
            let side = if self.coefficients[at] < 0 { &mut requirement } else { &mut backing };
            side.terms.push((NodeId(u32::from(self.assets[at])), coefficient));
        }
        Compiled::Rows(vec![Form { backing, requirement, scale: U256::new(1), ..Form::default() }])
    }

    pub(super) fn layout() -> Option<Layout> {
        Layout::new([ASSETS])
    }

    pub(super) fn world(&self, layout: &Layout) -> World {
        let nodes = self.prices.map(node);
        World::new(layout, [&nodes[..]])
    }

    /// Who holds or owes each asset.
    pub(super) fn holders(&self) -> Vec<Vec<u32>> {
        let mut holders = vec![Vec::new(); ASSETS];
        for account in 0..self.len() as u32 {
            for asset in &self.assets[self.range(account)] {
                holders[usize::from(*asset)].push(account);
            }
        }
        holders
    }

    /// One asset moves by a twentieth of a percent.
    pub(super) fn step(&mut self, random: &mut Random) -> usize {
        let asset = random.below(ASSETS as u64) as usize;
        let price = &mut self.prices[asset];
        let by = (*price / 2000).max(1);
        *price = if random.below(2) == 0 { *price - by } else { *price + by };
        asset
    }
}

pub(super) fn node(price: i64) -> Result<Node, Why> {
    Ok(Node::exact(Int::new(i128::from(price))))
}

fn amount(dollars: f64, asset: usize) -> i64 {
    ((dollars * 1e8 / PRICES[asset] as f64) as i64).max(1)
}

/// Twice the same kind: ether staked against ether, or bitcoin likewise.
fn looper(random: &mut Random, account: &mut Vec<(usize, i64)>) {
    let (held, owed) = if random.below(4) == 0 { (4, 3) } else { (1 + random.below(2) as usize, 0) };
    let health = 1.02 + 0.28 * random.unit();
    let size = money(random);
    account.push((held, amount(size, held) * 93));
    account.push((owed, -amount(size * 0.93 / health, owed) * 100));
}

fn ordinary(random: &mut Random, account: &mut Vec<(usize, i64)>) {
    // Four entries on average: two for sure, and two of five more.
    let entries = 2 + (0..5).filter(|_| random.below(5) < 2).count();
    let debts = if entries > 3 && random.below(3) == 0 { 2 } else { 1 };
    let mut taken = [false; ASSETS];
    let mut take = |random: &mut Random| {
        loop {
            // The lesser of two: the first assets are held most.
            let asset = POPULAR[random.below(ASSETS as u64).min(random.below(ASSETS as u64)) as usize];
            if !std::mem::replace(&mut taken[asset], true) {
                return asset;
            }
        }
    };
    let mut backing = 0.0;
    for _ in 0..entries - debts {
        let (asset, size) = (take(random), money(random));
        account.push((asset, amount(size, asset) * THRESHOLDS[asset]));
        backing += size * THRESHOLDS[asset] as f64 / 100.0;
    }
    let health = 1.0 + (normal(random) * 0.9 - 0.5).exp();
    for _ in 0..debts {
        let asset = take(random);
        account.push((asset, -amount(backing / health / debts as f64, asset) * 100));
    }
}

/// Twelve even numbers.
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
}

/// Dollars of a holding: 10,000 in the middle.
fn money(random: &mut Random) -> f64 {
    (normal(random) * 1.5 + 9.2).exp().clamp(100.0, 5e6)
}
