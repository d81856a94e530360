//! Margin of derivative positions: nanoseconds an account, and whether a liquidation boundary is ever wrong.
//!
//! - `cross_margin`: maintenance health of Mango v4 accounts with four tokens and two perps, exact in 128-bit fixed point, on
//!   cached nodes (weights times prices, of tokens and of perps). **Baseline** `plain`: the same formulas from weights and prices with the big-integer crate's 256-bit product and division by 2^48 at every step, in turn in this process; every health is compared.
//! - `portfolio_margin`: Derive's portfolio margin of ten option positions in 31 scenarios from cached columns, exact in 1e-18. **Baseline** `plain`: every product
//!   cut by itself, as the contract does; answers may differ by a unit for each product, and are compared so. Besides, the same screened in floats (`screened`).
//! - `margin_boundary` (property): the first step at which random accounts fall below their line, against a scan of every step by an evaluator of its own, which the
//!   tests of the margin crate have, too.

mod plain;
pub(crate) mod pretrade;
mod screened;
#[path = "../../../plimsoll-margin/tests/common/mod.rs"]
mod scanned;

use crate::line::{Better, Line, isa};
use crate::measure::{cpu_in_turn, in_turn};
use crate::random::Random;
use crate::registry::{Context, Trouble};
use plimsoll_core::Rounding;
use plimsoll_margin::black76::Right;
use plimsoll_margin::boundary::first_crossing;
use plimsoll_margin::derive::{
    Discount, FIRST_SCENARIO, Group, Held, Parameters, Portfolio, Scenario, Series, Shares, Skew, State, Vol,
    margin, risk_array,
};
use plimsoll_margin::fixed;
use plimsoll_margin::mango::{self, Account, Line as Health, Perp, PerpNode, Prices, Token, Weights};
use std::hint::black_box;

pub(crate) const CROSS: &str = "cross_margin";
pub(crate) const PORTFOLIO: &str = "portfolio_margin";
pub(crate) const BOUNDARY: &str = "margin_boundary";

const NONE: Weights = Weights { asset: 0, liability: 0 };

/// What one contender took, and how often both agreed.
struct Outcome {
    name: &'static str,
    case: &'static str,
    times: [crate::measure::Timing; 2],
    agreed: u64,
    n: u64,
    seed: u64,
}

impl Outcome {
    fn tell(self, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
        self.tell_beside("plain", emit)
    }

    fn tell_beside(self, baseline: &str, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
        let Outcome { name, case, times: [ours, plain], agreed, n, seed } = self;
        emit(Line {
            bench: name,
            case: case.into(),
            value: ours.median,
            unit: "ns/account",
            better: Better::Lower,
            baseline: baseline.into(),
            baseline_value: plain.median,
            agreed,
            checked: n,
            runs: ours.runs,
            spread: ours.spread,
            threads: 1,
            isa: isa(),
            n,
            sample: n,
            seed,
        });
        if agreed == n { Ok(()) } else { Err(Trouble::Wrong(format!("{name}: {agreed} of {n} agree"))) }
    }
}

pub(crate) fn run_cross(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let mut random = Random::new(seed);
        let size = context.sized(50, 1_000, 10_000);
        let accounts: Vec<(Vec<Token>, Vec<Perp>)> = (0..size).map(|_| cross_account(&mut random)).collect();
        let accounts: Vec<Account<'_>> =
            accounts.iter().map(|(tokens, perps)| Account { tokens, perps }).collect();
        let node = |token: &Token| token.node(Health::Maintenance, Rounding::Down).unwrap_or(NONE);
        let nodes: Vec<(Vec<Weights>, Vec<PerpNode>)> = accounts
            .iter()
            .map(|account| {
                let perps = account.perps.iter().filter_map(|perp| perp.node(Health::Maintenance));
                (account.tokens.iter().map(node).collect(), perps.collect())
            })
            .collect();
        let ours = |account: &Account<'_>, (tokens, perps): &(Vec<Weights>, Vec<PerpNode>)| {
            account.health_on(tokens, perps, Rounding::Down)
        };
        let pairs = accounts.iter().zip(&nodes);
        let agreed =
            pairs.filter(|(account, nodes)| ours(account, nodes) == plain::health(account)).count() as u64;
        let mut fast = || {
            for (account, nodes) in accounts.iter().zip(&nodes) {
                black_box(ours(black_box(account), black_box(nodes)));
            }
        };
        let mut slow = || {
            for account in &accounts {
                black_box(plain::health(black_box(account)));
            }
        };
        let times = in_turn(context.runs(), size as u64, [&mut fast, &mut slow]);
        let case = "four tokens, two perps, cached nodes";
        Outcome { name: CROSS, case, times, agreed, n: size as u64, seed }.tell(emit)?;
    }
    Ok(())
}

fn cross_account(random: &mut Random) -> (Vec<Token>, Vec<Perp>) {
    let one = mango::ONE;
    let between =
        |random: &mut Random, low: i128, high: i128| low + (random.below(1 << 30) as i128) % (high - low);
    let weights = |asset, liability| Weights { asset: one * asset / 100, liability: one * liability / 100 };
    let prices = |random: &mut Random| {
        let oracle = one * between(random, 10, 100_000) / 1_000;
        Prices { oracle, stable: oracle * between(random, 95, 105) / 100 }
    };
    let tokens = (0..4).map(|index| Token {
        index,
        maintenance: weights(90, 110),
        initial: weights(80, 120),
        scaled: weights(75, 125),
        prices: prices(random),
        balance: one * between(random, -1_000_000_000, 2_000_000_000) / 1_000,
    });
    let tokens = tokens.collect();
    let perps = (0..2).map(|_| Perp {
        settles_in: random.below(2),
        maintenance: weights(95, 105),
        initial: weights(90, 110),
        maintenance_profit: one * 9 / 10,
        initial_profit: one * 8 / 10,
        lot: 100,
        lots: between(random, -5_000, 5_000) as i64,
        bids: between(random, 0, 300) as i64,
        asks: between(random, 0, 300) as i64,
        quote: one * between(random, -3_000_000, 3_000_000),
        prices: prices(random),
    });
    (tokens, perps.collect())
}

pub(crate) fn run_portfolio(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let no = || Trouble::NoData("an option that cannot be priced".into());
    let (parameters, scenarios) = (parameters(), scenarios());
    let state =
        State::new(3_214_052, 2_695 * fixed::ONE, fixed::ONE / 20, fixed::ONE, &parameters).ok_or_else(no)?;
    for seed in context.seeds() {
        let mut random = Random::new(seed);
        let size = context.sized(20, 400, 4_000);
        let mut columns = Vec::new();
        for number in 0..64 {
            let right = if number % 2 == 0 { Right::Call } else { Right::Put };
            let series =
                Series { strike: fixed::ONE * (1_500 + 40 * number), right, vol: fixed::ONE * 7 / 10 };
            let mut array = vec![0; scenarios.len() + FIRST_SCENARIO];
            risk_array(&series, &state, &scenarios, &parameters, &mut array).ok_or_else(no)?;
            columns.push((series.strike, array));
        }
        let books: Vec<Vec<Held<'_>>> = (0..size).map(|_| holdings(&mut random, &columns)).collect();
        let groups: Vec<[Group<'_>; 1]> = books.iter().map(|held| [Group { state: &state, held }]).collect();
        let one = fixed::ONE;
        let portfolios: Vec<Portfolio<'_>> = groups
            .iter()
            .map(|groups| Portfolio {
                spot: 2_681 * one,
                confidence: one,
                stable: one,
                cash: 1_000 * one,
                perp: None,
                groups,
                collateral: &[],
            })
            .collect();
        let mut outcomes = vec![0; scenarios.len()];
        let mut others = outcomes.clone();
        let mut agreed = 0;
        for portfolio in &portfolios {
            let ours = margin(portfolio, &scenarios, &parameters, &mut outcomes);
            let plainly = plain::outcomes(portfolio, &scenarios, &mut others);
            let near = outcomes.iter().zip(&others).all(|(x, y)| x.abs_diff(*y) <= 64);
            agreed += u64::from(ours.is_some() && plainly.is_some() && near);
        }
        let mut fast = || {
            for portfolio in &portfolios {
                black_box(margin(black_box(portfolio), &scenarios, &parameters, &mut outcomes));
            }
        };
        let mut slow = || {
            for portfolio in &portfolios {
                black_box(plain::outcomes(black_box(portfolio), &scenarios, &mut others));
            }
        };
        let times = cpu_in_turn(context.runs(), size as u64, [&mut fast, &mut slow]);
        let case = "ten options, 31 scenarios, cached columns";
        Outcome { name: PORTFOLIO, case, times, agreed, n: size as u64, seed }.tell(emit)?;
        screened::run(context, (&portfolios, &scenarios, &parameters), seed, emit)?;
    }
    Ok(())
}

/// Ten positions in the order of their strikes.
fn holdings<'a>(random: &mut Random, columns: &'a [(i128, Vec<i128>)]) -> Vec<Held<'a>> {
    let mut held: Vec<Held<'a>> = (0..10)
        .filter_map(|_| {
            let (strike, columns) = columns.get(random.below(columns.len() as u64) as usize)?;
            let amount = fixed::ONE * (random.below(2_000) as i128 - 1_000) / 10;
            Some(Held { amount, strike: *strike, columns })
        })
        .collect();
    held.sort_by_key(|held| held.strike);
    held
}

/// Spot from -34 % to +26 % with volatility as it is, up and down, and the two of skew.
fn scenarios() -> Vec<Scenario> {
    let one = fixed::ONE;
    let vols = [Vol::Same, Vol::Up, Vol::Down];
    let grid = (0..29).map(|number| Scenario {
        spot: one * (66 + 2 * number) / 100,
        vol: vols[number as usize % 3],
        dampening: one,
    });
    grid.chain([Vol::Linear, Vol::Absolute].map(|vol| Scenario { spot: one, vol, dampening: one })).collect()
}

/// Those of the venue's published cases.
fn parameters() -> Parameters {
    let of = |thousandths: i128| fixed::ONE * thousandths / 1_000;
    let skew = Skew { cap: of(150), base: of(-50) };
    let shares = |maintenance, initial| Shares { maintenance: of(maintenance), initial: of(initial) };
    Parameters {
        range_up: of(500),
        range_down: of(275),
        least_vol: of(450),
        short_power: of(300),
        long_power: of(130),
        least_seconds: 86_400,
        linear: skew,
        absolute: skew,
        least_width: of(10),
        width: of(4_000),
        width_vol: of(600),
        width_vol_growth: of(-100),
        long: Discount { base: of(950), rate: of(1_000), add: of(80) },
        short: Discount { base: of(1_040), rate: of(500), add: of(80) },
        factors: shares(800, 1_000),
        basis_up: of(1_045),
        basis_down: of(955),
        basis_add: of(500),
        basis_per_year: of(2_000),
        options: shares(3, 2),
        perp: shares(15, 5),
        peg_threshold: of(980),
        peg_factor: of(2_000),
        confidence_threshold: of(550),
        confidence_factor: of(1_000),
    }
}

pub(crate) fn run_boundary(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    // Twenty rounds of a soak are a million accounts.
    let size = context.sized(2_000_u64, 50_000, 50_000);
    for seed in context.seeds() {
        let mut random = scanned::Random(seed);
        let (mut wrong, mut first) = (0_u64, None);
        for _ in 0..size {
            let account = scanned::random_account(&mut random);
            let found = account.with(first_crossing);
            let scanned = account.scan();
            if found != Some(scanned) {
                wrong += 1;
                first
                    .get_or_insert(format!("{account:?}: found {found:?}, scanned {scanned:?}, seed {seed}"));
            }
        }
        emit(Line {
            bench: BOUNDARY,
            case: "random accounts, every step scanned".into(),
            value: wrong as f64,
            unit: "wrong boundaries",
            better: Better::Lower,
            baseline: "goal".into(),
            baseline_value: 0.0,
            agreed: size - wrong,
            checked: size,
            runs: 1,
            spread: 0.0,
            threads: 1,
            isa: isa(),
            n: size,
            sample: size,
            seed,
        });
        if let Some(first) = first {
            return Err(Trouble::Wrong(first));
        }
    }
    Ok(())
}
