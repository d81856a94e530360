//! A book of ten thousand accounts on the same paths: for each account the chance to cross within 7 and 30 days, and for each path what is
//! liquidated and what is bad debt.
//!
//! 22 assets, three of them dollars; one to four are held and one or two owed, a tenth of all accounts owes what it holds but for a little, and
//! sizes are lognormal. Money is rounded to cents.

use super::{Figure, Prices, ask, bytes, name, numbers, passes};
use crate::line::Line;
use crate::measure::cpu_in_turn;
use crate::random::Random;
use crate::registry::{Context, Trouble};
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, U256};
use plimsoll_kernel::{
    Across, Course, Drawn, Layout, MarketRows, PATHS, Packed, Packing, Passed, Path, Threads, Walks, World,
};
use plimsoll_risk::paths::{Model, Walk};
use serde_json::json;

pub(crate) const NAME: &str = "pliq_book";

const ASSETS: usize = 22;
/// Dollars, from here on.
const DOLLARS: usize = 19;
const CORRELATION: f64 = 0.6;
const HORIZONS: [u32; 2] = [7, 30];
const STEPS: u32 = HORIZONS[HORIZONS.len() - 1];
/// What it may take (s).
const GOAL: f64 = 30.0;
/// Paths that the plain loop walks.
const SAMPLE: u64 = 2 * PATHS as u64;
/// Paths that the peer walks.
const PEER_SAMPLE: u64 = 2048;
/// Amounts are millionths, prices 1e-8 dollars, thresholds 1e-4: so many cents in a unit of the headroom.
const CENTS: f64 = 1e-16;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let (accounts, paths) = context.sized((500, 640), (10_000, 100_000), (10_000, 100_000));
    for seed in context.seeds() {
        let book = Book::new(accounts, seed)?;
        let pass = |paths, path| book.pass(paths, path);
        let (mut found, mut by_hand) = (None, Vec::new());
        let sample = SAMPLE.min(paths);
        let [mut ours, plain] = cpu_in_turn(
            context.sized(2, 3, 3),
            1,
            [&mut || found = pass(paths, Path::best()), &mut || by_hand = book.plain(sample)],
        );
        let found = found.ok_or_else(|| Trouble::Wrong("nothing was walked".into()))?;
        let same = pass(sample, Path::best()).is_some_and(|few| few.below == by_hand);
        ours.median /= 1e9;
        let items = accounts as u64 * paths * u64::from(STEPS);
        let share = |sample: u64| paths as f64 / sample as f64;
        let [mean, error] = loss(&found);
        let crossed: u64 = found.below.iter().skip(1).step_by(HORIZONS.len()).sum();
        let case = format!(
            "{accounts} accounts, {paths} paths, {STEPS} daily steps: {:.2} % cross, {:.2} +- {:.2} million liquidated",
            100.0 * crossed as f64 / (accounts as u64 * paths) as f64,
            mean / 1e8,
            error / 1e8
        );
        let figure = Figure { bench: NAME, case, ours, unit: "s", n: items, seed };
        let peer_sample = PEER_SAMPLE.min(paths);
        let input = json!({ "what": "book", "passes": 3, "paths": peer_sample, "steps": STEPS,
            "factor": book.prices.factor, "drifts": book.prices.drifts, "today": book.today });
        let arrays = [("rows.bin", bytes(&book.rows)), ("held.bin", bytes(&book.held))];
        let answer = ask(context, &input, &arrays);
        let theirs = answer.as_ref().map_or((f64::NAN, [0, 0]), |answer| {
            let each: Vec<Vec<f64>> = answer["answers"].as_array().into_iter().flatten().map(numbers).collect();
            let near = |of: &&Vec<f64>| matches!(of[..], [theirs, off, _] if (theirs - mean).abs() < 4.5 * off.hypot(error));
            let agreed = each.iter().filter(near).count() as u64;
            (passes(answer).median / 1e9 * share(peer_sample), [agreed, each.len() as u64])
        });
        let of = |sample: u64| accounts as u64 * sample * u64::from(STEPS);
        emit(figure.beside(&name(answer.as_ref()), theirs.0, theirs.1, of(peer_sample)));
        let plain = plain.median / 1e9 * share(sample);
        let agreed = [u64::from(same), 1];
        emit(figure.beside("plain loop, one path at a time", plain, agreed, of(sample)));
        let goal = GOAL * (accounts as u64 * paths) as f64 / 1e9;
        emit(figure.beside("goal", goal, agreed, items));
    }
    Ok(())
}

/// What is liquidated by the last horizon (cents): mean over paths and its standard error.
fn loss(found: &Passed) -> [f64; 2] {
    let last = found.losses.iter().skip(HORIZONS.len() - 1).step_by(HORIZONS.len());
    let each: Vec<f64> = last.map(|loss| loss.collateral as f64).collect();
    let n = each.len() as f64;
    let mean = each.iter().sum::<f64>() / n;
    let variance = each.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [mean, (variance / n).sqrt()]
}

struct Book {
    prices: Prices,
    model: Model,
    /// Prices now (1e-8 dollars).
    today: Vec<f64>,
    packed: Packed,
    seed: u64,
    /// For each account its coefficients and what it holds (cents), dense.
    rows: Vec<f64>,
    held: Vec<f64>,
    /// For each account where its entries end, and the entries: asset and coefficient.
    ends: Vec<usize>,
    entries: Vec<(usize, f64)>,
}

impl Walks for Book {
    type Walk = (Drawn, Walk);

    fn begin(&self, first: u64) -> (Drawn, Walk) {
        let mut walk = self.model.walk();
        self.model.begin(&mut walk);
        (Drawn { seed: self.seed, first }, walk)
    }

    fn look(&self, (drawn, walk): &mut (Drawn, Walk), _: u32, nodes: &mut [Across]) {
        self.model.step(walk, *drawn);
        for ((node, price), today) in nodes[1..].iter_mut().zip(walk.prices()).zip(&self.today) {
            for (node, price) in node.flat_mut().iter_mut().zip(price.flat()) {
                *node = price * today;
            }
        }
    }
}

fn unit(random: &mut Random) -> f64 {
    (random.below(1 << 40) as f64 + 0.5) / (1_u64 << 40) as f64
}

fn normal(random: &mut Random) -> f64 {
    let [u, v] = [unit(random), unit(random)];
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

impl Book {
    fn new(accounts: usize, seed: u64) -> Result<Book, Trouble> {
        let mut random = Random::new(seed);
        let volatile: Vec<f64> = (0..DOLLARS).map(|_| 0.5 + 0.6 * unit(&mut random)).collect();
        let volatilities: Vec<f64> = volatile.into_iter().chain([0.02; ASSETS - DOLLARS]).collect();
        let prices = Prices::new(&volatilities, CORRELATION).map_err(Trouble::NoData)?;
        let price = |asset: usize, random: &mut Random| {
            if asset < DOLLARS { (1e9 * normal(random).exp()).round() } else { 1e8 }
        };
        let today: Vec<f64> = (0..ASSETS).map(|asset| price(asset, &mut random)).collect();
        let layout = Layout::new([ASSETS]).ok_or_else(|| Trouble::NoData("a layout".into()))?;
        let nodes: Vec<_> = today.iter().map(|price| Ok(Node::exact(Int::new(*price as i128)))).collect();
        let form = Form::default();
        let market = MarketRows { market: 0, base: 1, epoch: form.valid.epoch, quanta: CENTS };
        let (mut packing, mut book) = (
            Packing::default(),
            Book {
                model: Model::Gaussian(prices.model.clone()),
                prices,
                today,
                packed: Packed::default(),
                seed,
                rows: Vec::with_capacity(accounts * ASSETS),
                held: Vec::with_capacity(accounts * ASSETS),
                ends: Vec::with_capacity(accounts),
                entries: Vec::new(),
            },
        );
        for _ in 0..accounts {
            let form = book.account(&mut random);
            packing
                .push(&Compiled::Rows(vec![form]), &market)
                .ok_or_else(|| Trouble::NoData("a place".into()))?;
        }
        book.packed = packing.finish(&World::new(&layout, [&nodes[..]]));
        Ok(book)
    }

    /// An account, and its row as it is written down for the baselines.
    fn account(&mut self, random: &mut Random) -> Form {
        let looped = random.below(10) == 0;
        let dollars = (9.0 + 1.5 * normal(random)).exp();
        let some = if looped { 1 } else { 1 + random.below(4) as usize };
        let mut held: Vec<usize> = Vec::new();
        while held.len() < some {
            let asset = random.below(ASSETS as u64) as usize;
            if !held.contains(&asset) {
                held.push(asset);
            }
        }
        let owing = |random: &mut Random| match random.below(4) {
            0 => random.below(DOLLARS as u64) as usize,
            _ => DOLLARS + random.below((ASSETS - DOLLARS) as u64) as usize,
        };
        let mut owed: Vec<usize> =
            (0..1 + usize::from(random.below(4) == 0)).map(|_| owing(random)).collect();
        owed.retain(|asset| !held.contains(asset));
        owed.dedup();
        if owed.is_empty() {
            owed.push((held[0] + 1) % ASSETS);
            held.retain(|asset| *asset != owed[0]);
        }
        let amount = |dollars: f64, today: f64| (dollars * 1e14 / today).round().max(1.0) as i128;
        let held: Vec<(usize, i128, i128)> = held
            .iter()
            .map(|&asset| {
                (
                    asset,
                    amount(dollars / some as f64, self.today[asset]),
                    6500 + 500 * random.below(5) as i128,
                )
            })
            .collect();
        let backing: f64 =
            held.iter().map(|&(asset, amount, lt)| (amount * lt) as f64 * self.today[asset] * 1e-18).sum();
        let health =
            if looped { 1.02 + 0.1 * unit(random) } else { 1.05 + (0.8 * normal(random) - 0.5).exp() };
        let owed: Vec<(usize, i128, i128)> = owed
            .iter()
            .map(|&asset| (asset, amount(backing / health / owed.len() as f64, self.today[asset]), 10_000))
            .collect();
        let part = |of: &[(usize, i128, i128)], full: bool| {
            let mut terms: Vec<(NodeId, Int)> = of
                .iter()
                .map(|&(asset, amount, factor)| {
                    (NodeId(asset as u32), Int::new(amount * if full { 10_000 } else { factor }))
                })
                .collect();
            terms.sort_by_key(|(node, _)| node.0);
            Linear { terms, constant: Int::ZERO }
        };
        let (mut row, mut worth) = ([0.0; ASSETS], [0.0; ASSETS]);
        for &(asset, amount, factor) in &held {
            row[asset] += (amount * factor) as f64 * CENTS;
            worth[asset] += (amount * 10_000) as f64 * CENTS;
        }
        for &(asset, amount, factor) in &owed {
            row[asset] -= (amount * factor) as f64 * CENTS;
        }
        self.rows.extend(row);
        self.held.extend(worth);
        self.entries.extend(row.iter().copied().enumerate().filter(|(_, c)| c.abs() > 0.0));
        self.ends.push(self.entries.len());
        Form {
            backing: part(&held, false),
            requirement: part(&owed, false),
            collateral: part(&held, true),
            debt: part(&owed, true),
            scale: U256::ONE,
            ..Form::default()
        }
    }

    fn pass(&self, paths: u64, path: Path) -> Option<Passed> {
        let course = Course { paths, horizons: HORIZONS.to_vec(), money: true, prune: true, path };
        self.packed.passage(self, &course, &Threads::one())
    }

    /// The same counts by a plain loop: path by path, look by look, who has not crossed yet.
    fn plain(&self, paths: u64) -> Vec<u64> {
        let mut below = vec![0; self.ends.len() * HORIZONS.len()];
        let mut nodes = vec![Across::splat(1.0); ASSETS + 1];
        let mut looks = Vec::new();
        for first in (0..paths).step_by(PATHS) {
            let mut walk = self.begin(first);
            looks.clear();
            for look in 0..STEPS {
                self.look(&mut walk, look, &mut nodes);
                looks.push(nodes[1..].to_vec());
            }
            for path in 0..PATHS.min((paths - first) as usize) {
                let mut crossed = vec![false; self.ends.len()];
                let mut prices = [0.0; ASSETS];
                let mut lost = 0.0;
                for (look, nodes) in (0..).zip(&looks) {
                    for (price, node) in prices.iter_mut().zip(nodes) {
                        *price = node.flat()[path];
                    }
                    let mut begin = 0;
                    for (account, &end) in self.ends.iter().enumerate() {
                        let entries = &self.entries[begin..end];
                        begin = end;
                        if crossed[account]
                            || entries.iter().map(|(asset, c)| c * prices[*asset]).sum::<f64>() >= 0.0
                        {
                            continue;
                        }
                        crossed[account] = true;
                        let held = &self.held[account * ASSETS..(account + 1) * ASSETS];
                        lost += held.iter().zip(&prices).map(|(held, price)| held * price).sum::<f64>();
                        for (at, _) in HORIZONS.iter().enumerate().filter(|(_, horizon)| look < **horizon) {
                            below[account * HORIZONS.len() + at] += 1;
                        }
                    }
                }
                std::hint::black_box(lost);
            }
        }
        below
    }
}
