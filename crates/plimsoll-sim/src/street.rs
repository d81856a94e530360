//! Where things are sold: depth curves that recover, and pools with real reserves.
//!
//! A curve says which part of the market's price a sale brings; beyond its last point nobody knows, and nothing is sold there. A pool pays what
//! its formula says, and its reserves are others afterwards. All in whole numbers of 10^-18.

use crate::plan::{Amm, Curve, ONE};
use plimsoll_core::{Rounding, U256};

const BPS: U256 = U256::new(10_000);

/// A curve while it is walked.
#[derive(Clone, Debug)]
struct Walked {
    terms: Curve,
    /// What was sold and no buyer is back for.
    sold: U256,
    /// The part of it that is left under stress \[1e18\].
    left: U256,
}

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct Street {
    curves: Vec<Walked>,
    pub(crate) pools: Vec<Amm>,
    /// When each pool was last brought back to the market.
    restored: Vec<u64>,
    at: u64,
}

/// What a sale brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sale {
    /// So much of what was asked for, from a pool \[1e18\].
    Pool(usize, U256),
    /// This part of the price of what is sold, from a curve \[1e18\].
    Curve(usize, U256),
}

/// Why nothing is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsold {
    /// No market is known.
    Nowhere,
    /// More than anybody has measured.
    Beyond,
}

impl Street {
    pub(crate) fn new(curves: &[Curve], pools: &[Amm]) -> Street {
        let walked = |terms: &Curve| Walked { terms: terms.clone(), sold: U256::ZERO, left: ONE };
        Street {
            curves: curves.iter().map(walked).collect(),
            pools: pools.to_vec(),
            restored: vec![0; pools.len()],
            at: 0,
        }
    }

    /// What selling so much would bring: a pool of the two before a curve, a curve that names both before one for whatever is owed.
    pub(crate) fn quote(&self, asset: &str, against: &str, amount: U256) -> Result<Sale, Unsold> {
        let pool = self.pools.iter().position(|amm| sides(amm, asset, against).is_some());
        if let Some(at) = pool {
            let amm = &self.pools[at];
            let paid = sides(amm, asset, against).and_then(|[from, to]| amm.pool.pays(from, to, amount));
            return paid.map(|paid| Sale::Pool(at, paid)).ok_or(Unsold::Beyond);
        }
        let named = |curve: &&Walked| curve.terms.assets.iter().any(|name| name == asset);
        let both = |curve: &&Walked| named(curve) && curve.terms.against.iter().any(|name| name == against);
        let any = |curve: &&Walked| named(curve) && curve.terms.against.is_empty();
        let at = self
            .curves
            .iter()
            .position(|curve| both(&curve))
            .or_else(|| self.curves.iter().position(|curve| any(&curve)));
        let at = at.ok_or(Unsold::Nowhere)?;
        let curve = &self.curves[at];
        let part = curve.part(amount).ok_or(Unsold::Beyond)?;
        Ok(Sale::Curve(at, part))
    }

    /// Sells, as it was quoted; `None` where a number does not fit, and then nothing has changed.
    pub(crate) fn sell(&mut self, asset: &str, amount: U256, sale: Sale) -> Option<()> {
        match sale {
            Sale::Curve(at, _) => {
                let curve = &mut self.curves[at];
                curve.sold = curve.sold.add(amount)?;
            }
            Sale::Pool(at, paid) => {
                let amm = &mut self.pools[at];
                let from = amm.assets.iter().position(|name| name == asset)?;
                swap(amm, from, amount, paid)?;
            }
        }
        Some(())
    }

    /// Time passes: buyers come back.
    pub(crate) fn recover(&mut self, after: u64) {
        let passed = after.saturating_sub(self.at);
        self.at = after;
        for curve in
            self.curves.iter_mut().filter(|curve| curve.terms.half_life > 0 && curve.sold != U256::ZERO)
        {
            let left = libm::exp2(-(passed as f64) / curve.terms.half_life as f64);
            // What stays sold is rounded up.
            let left = U256::from((left * 1e18) as u128).min(ONE);
            curve.sold = curve.sold.mul_div_wide(left, ONE, Rounding::Up).unwrap_or(curve.sold);
        }
    }

    /// Liquidity withdraws as its driver falls: a factor of now over the highest so far, for each driver.
    pub(crate) fn withdraw(&mut self, stands: &[f64]) {
        for curve in &mut self.curves {
            let Some(stands) = curve.terms.driver.and_then(|driver| stands.get(driver)) else { continue };
            let fallen = (1.0 - stands).clamp(0.0, 1.0) * curve.terms.withdraws as f64 / 10_000.0;
            curve.left = U256::from(((1.0 - fallen).clamp(0.0, 1.0) * 1e18) as u128);
        }
    }

    /// How far each driver's price is pressed down by what was sold, as a factor; 1 for those on which nothing presses.
    pub(crate) fn pressed(&self, drivers: usize) -> Vec<f64> {
        let mut factors = vec![1.0; drivers];
        for curve in self.curves.iter().filter(|curve| curve.sold != U256::ZERO && curve.terms.spills > 0) {
            let Some(factor) = curve.terms.driver.and_then(|driver| factors.get_mut(driver)) else {
                continue;
            };
            let lost = ONE.sub_or_zero(curve.marginal());
            let lost = lost.mul_div_wide(U256::from(curve.terms.spills), BPS, Rounding::Down).unwrap_or(lost);
            let kept = 1.0 - lost.to_u128().unwrap_or(0) as f64 / 1e18;
            // The heaviest of several curves of one driver counts: they are other ways to the same buyers.
            *factor = f64::min(*factor, kept.clamp(1e-6, 1.0));
        }
        factors
    }

    /// Pools whose time has come, with what brings each back to a market's prices: which side goes in, how much, what comes out.
    pub(crate) fn due(&self, after: u64) -> Vec<usize> {
        let due = |at: &usize| {
            let latency = self.pools[*at].latency;
            latency > 0 && after.saturating_sub(self.restored[*at]) >= latency
        };
        (0..self.pools.len()).filter(due).collect()
    }

    /// Brings a pool back: what goes in, of which side, and what comes out; `None` where that earns nothing.
    pub(crate) fn restore(
        &mut self,
        at: usize,
        after: u64,
        prices: [U256; 2],
    ) -> Option<(usize, U256, U256)> {
        self.restored[at] = after;
        let amm = &mut self.pools[at];
        let best = [0, 1].into_iter().filter_map(|from| Some((from, most(amm, from, prices)?)));
        let (from, (gain, put, got)) = best.max_by_key(|(_, (gain, _, _))| *gain)?;
        if gain == U256::ZERO {
            return None;
        }
        swap(amm, from, put, got)?;
        Some((from, put, got))
    }
}

/// The sides of a pool that a sale goes through.
fn sides(amm: &Amm, asset: &str, against: &str) -> Option<[usize; 2]> {
    let at = |name: &str| amm.assets.iter().position(|asset| asset == name);
    let [from, to] = [at(asset)?, at(against)?];
    (from != to).then_some([from, to])
}

fn swap(amm: &mut Amm, from: usize, put: U256, got: U256) -> Option<()> {
    let [into, out] = [from, 1 - from];
    let after = [amm.pool.reserves[into].add(put)?, amm.pool.reserves[out].sub(got)?];
    [amm.pool.reserves[into], amm.pool.reserves[out]] = after;
    Some(())
}

/// The trade that earns most at these prices: gain, what goes in, what comes out. What a pool pays is concave in what goes in, so thirds
/// find it.
fn most(amm: &Amm, from: usize, prices: [U256; 2]) -> Option<(U256, U256, U256)> {
    let earns = |put: U256| -> Option<(U256, U256)> {
        let got = amm.pool.pays(from, 1 - from, put)?;
        let worth = got.mul_div_wide(prices[1 - from], ONE, Rounding::Down)?;
        let cost = put.mul_div_wide(prices[from], ONE, Rounding::Up)?;
        Some((worth.sub_or_zero(cost), got))
    };
    let (mut low, mut high) = (U256::ZERO, amm.pool.reserves[from].mul(U256::new(2))?);
    // Down to a billionth of the reserve.
    let fine = amm.pool.reserves[from].div(U256::new(1_000_000_000), Rounding::Up)?;
    while high.sub(low)? > fine {
        let third = high.sub(low)?.div(U256::new(3), Rounding::Down)?;
        let (left, right) = (low.add(third)?, high.sub(third)?);
        // Where both earn nothing the smaller may still.
        if earns(left)?.0 >= earns(right)?.0 { high = right } else { low = left }
    }
    let (gain, got) = earns(low)?;
    Some((gain, low, got))
}

impl Walked {
    /// A size of the curve under stress, and what it brings.
    fn shrunk(&self, of: U256) -> Option<U256> {
        of.mul_div_wide(self.left, ONE, Rounding::Down)
    }

    /// What all sales up to this bring.
    fn brings(&self, sold: U256) -> Option<U256> {
        let mut before = [U256::ZERO; 2];
        for [x, y] in &self.terms.points {
            let [x, y] = [self.shrunk(*x)?, self.shrunk(*y)?];
            if sold <= x {
                let [x0, y0] = before;
                let width = x.sub(x0)?;
                if width == U256::ZERO {
                    return Some(y0);
                }
                return y0.add(y.sub_or_zero(y0).mul_div_wide(sold.sub(x0)?, width, Rounding::Down)?);
            }
            before = [x, y];
        }
        None
    }

    /// The part of its price that a sale of so much more brings, rounded down; `None` beyond the data.
    fn part(&self, amount: U256) -> Option<U256> {
        if amount == U256::ZERO {
            return Some(ONE);
        }
        let brought = self.brings(self.sold.add(amount)?)?.sub(self.brings(self.sold)?)?;
        let unit = brought.mul_div_wide(ONE, amount, Rounding::Down)?;
        Some(unit.mul_div_wide(ONE, self.terms.price, Rounding::Down)?.min(ONE))
    }

    /// The part of its price that the next unit would bring; of nothing sold, all.
    fn marginal(&self) -> U256 {
        let step = self.terms.points.first().map_or(ONE, |[x, _]| *x);
        let step = step.div(U256::new(1000), Rounding::Up).unwrap_or(ONE);
        let first = Walked { sold: U256::ZERO, ..self.clone() }.part(step);
        let now = self.part(step);
        // Beyond the data the price is at least as low as at its end: the last piece's.
        let now = now.or_else(|| self.last_piece());
        match (first, now) {
            (Some(first), Some(now)) if first != U256::ZERO => {
                now.mul_div_wide(ONE, first, Rounding::Down).unwrap_or(ONE).min(ONE)
            }
            _ => ONE,
        }
    }

    fn last_piece(&self) -> Option<U256> {
        let [.., a, b] = self.terms.points.as_slice() else { return Some(ONE) };
        let unit = b[1].sub_or_zero(a[1]).mul_div_wide(ONE, b[0].sub(a[0])?, Rounding::Down)?;
        unit.mul_div_wide(ONE, self.terms.price, Rounding::Down)
    }
}

/// The points of a square-root law: a sale of q loses the part `y sigma sqrt(q / volume)` of the price on its last unit and two thirds of that in
/// all (Toth and others 2011), up to `most` units, beyond which nothing is claimed. `y sigma` is `impact`, the loss of one day's volume.
///
/// `None` where the last unit would lose more than everything, or a number is not positive.
#[must_use]
pub fn square_root(impact: f64, volume: f64, most: f64, price: f64) -> Option<Vec<[U256; 2]>> {
    let sound = [impact, volume, most, price].iter().all(|it| it.is_finite() && *it > 0.0 && *it < 1e15);
    if !sound || impact * (most / volume).sqrt() > 1.0 {
        return None;
    }
    let raw = |of: f64| U256::from((of * 1e9) as u128).mul(U256::new(1_000_000_000));
    (1..=32)
        .map(|step| {
            let sold = most * libm::exp2(f64::from(step - 32) / 2.0);
            let lost = 2.0 / 3.0 * impact * (sold / volume).sqrt();
            Some([raw(sold)?, raw(sold * (1.0 - lost) * price)?])
        })
        .collect()
}
