//! Where a line may stand so that a loss that is tolerated is not exceeded: thresholds and caps from days of prices, a depth curve and
//! what people owe.
//!
//! Days are replayed at the volatility of an appetite, liquidations are played at each hour's low ([`play`]), and the measure of what is
//! left uncovered is compared with what is tolerated. Lines, on a grid of half percentage points, and caps are found by bisection: they
//! hold, and half a point more does not. The loss need not rise with the line, so one further up may hold again.

use crate::liquidation::{Account, Depth, Terms, play};
use crate::loss::historical;
use crate::unfit::{Unfit, positive};
use crate::windows::Windows;

/// Lines stand at multiples of this.
pub const GRID: f64 = 0.005;
/// Debt is so many times what can be sold within the bonus, for who is conservative.
pub const DEBT_TO_LIQUIDITY: f64 = 10.0;
/// Volatility is so many times as high, for who is conservative.
pub const SEVERE: f64 = 1.5;
/// How much longer a cap is looked for once it is between two that are this near, as a part.
const NEAR: f64 = 1e-3;

/// How much risk is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appetite {
    /// The loss of one day in twenty is tolerated (VaR95), at the 99th percentile of volatility.
    Aggressive,
    /// Of one in a hundred (VaR99), likewise.
    Moderate,
    /// The mean of the worst hundredth (ES99), at one and a half times that volatility, with debt ten times what can be sold within the
    /// bonus, and everybody at the limit.
    Conservative,
}

impl Appetite {
    /// All, the boldest first.
    pub const ALL: [Appetite; 3] = [Appetite::Aggressive, Appetite::Moderate, Appetite::Conservative];

    /// The confidence of its measure.
    #[must_use]
    pub const fn level(self) -> f64 {
        match self {
            Appetite::Aggressive => 0.95,
            Appetite::Moderate | Appetite::Conservative => 0.99,
        }
    }

    /// What it measures a day's losses, or falls, by, and the place of the day that set it: of a shortfall the worst.
    ///
    /// # Errors
    /// Without a day.
    pub fn measure(self, losses: &[f64]) -> Result<(f64, usize), Unfit> {
        let found = historical(losses, self.level())?;
        let most = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (value, set) = match self {
            Appetite::Conservative => (found.shortfall, most),
            _ => (found.value, found.value),
        };
        let place = losses.iter().position(|loss| loss.total_cmp(&set).is_eq());
        Ok((value, place.unwrap_or(0)))
    }

    /// The volatility that days are replayed at.
    #[must_use]
    pub fn volatility(self, windows: &Windows) -> f64 {
        windows.wild.0 * self.times()
    }

    /// So many times the volatility of calmer days.
    #[must_use]
    pub const fn times(self) -> f64 {
        if matches!(self, Appetite::Conservative) { SEVERE } else { 1.0 }
    }
}

/// What a line is set for.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// Days of the collateral's price in money.
    pub windows: &'a Windows,
    /// What selling it brings of its price (units of it).
    pub depth: &'a Depth,
    /// The loss of a day that is tolerated (money).
    pub tolerated: f64,
    /// What is owed against it (money).
    pub debt: f64,
    /// How much of what they may borrow people do, each with the part of the debt that is theirs; 1 is all.
    pub usage: Vec<(f64, f64)>,
    /// The largest lot that one call sells (money).
    pub lot: f64,
    /// The bonus, close factor and health below which all may be repaid; the threshold is not read.
    pub terms: Terms,
}

/// A line, and what it was set by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The liquidation threshold; 0 where bisection finds none that holds the loss within what is tolerated.
    pub threshold: f64,
    /// The most that may be borrowed at first: below the threshold by `gap`.
    pub ltv: f64,
    /// The fall of a day that an account at the LTV survives: the measure of falls at the volatility of now, and the day that set it
    /// \[s\].
    pub gap: (f64, i64),
    /// The measure of a day's loss at the threshold (money).
    pub loss: f64,
    /// At the next one on the grid, and the day that set it \[s\]; `None` where the bonus alone, or the one that would pay, allows no higher line.
    pub next: Option<(f64, i64)>,
    /// Debt that was assumed (money).
    pub debt: f64,
    /// Days on which more would have been sold than the curve knows of.
    pub beyond: usize,
}

/// A cap, and what set it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// The most debt that the collateral may carry (money).
    pub debt: f64,
    /// Units of the collateral that stand behind it at the LTV.
    pub supply: f64,
    /// What binds.
    pub binds: Binds,
}

/// What a cap is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binds {
    /// The measure of days.
    Days,
    /// The extreme drop within a day.
    Drop,
    /// The part of what circulates.
    Circulating,
    /// Nothing within 8192 times what can be sold within the bonus.
    Nothing,
    /// No cap was tried: there is no line, or nothing can be sold within the bonus.
    NoLine,
}

impl Given<'_> {
    /// What can be sold so that the bonus pays for the loss (money).
    #[must_use]
    pub fn liquidity(&self) -> f64 {
        self.depth.at_loss(self.terms.bonus / (1.0 + self.terms.bonus)) * self.windows.price
    }

    fn check(&self) -> Result<(), Unfit> {
        Terms { threshold: 1.0, ..self.terms }.check()?;
        positive("tolerated loss", self.tolerated)?;
        positive("debt", self.debt)
    }

    /// The same for an appetite.
    fn of(&self, appetite: Appetite) -> Self {
        let mut given = self.clone();
        if appetite == Appetite::Conservative {
            given.usage = vec![(1.0, 1.0)];
            given.debt = DEBT_TO_LIQUIDITY * self.liquidity();
        }
        given
    }

    /// What is left uncovered along each path, and on how many more would have been sold than is known of. Paths are over the first price.
    #[must_use]
    pub fn losses(&self, paths: &[Vec<f64>], threshold: f64, ltv: f64) -> (Vec<f64>, usize) {
        let most = self.usage.iter().fold(0.0_f64, |most, (usage, _)| most.max(*usage));
        let terms = Terms { threshold, ..self.terms };
        let start = self.windows.price;
        let mut beyond = 0;
        let mut loss = |path: &Vec<f64>| {
            let lowest = path.iter().copied().fold(f64::INFINITY, f64::min);
            if threshold * lowest >= most * ltv {
                return 0.0;
            }
            let account = |(usage, part): &(f64, f64)| {
                let owed = part * self.debt;
                Account { held: owed / (usage * ltv * start), owed }
            };
            let mut accounts: Vec<Account> = self.usage.iter().map(account).collect();
            let prices: Vec<f64> = path.iter().map(|part| part * start).collect();
            let played = play(&prices, &mut accounts, &terms, self.depth);
            beyond += usize::from(played.beyond);
            played.bad_debt
        };
        (paths.iter().map(&mut loss).collect(), beyond)
    }

    /// A line of an appetite: it holds, and half a point more does not.
    ///
    /// # Errors
    /// When something given is not what it may be.
    pub fn line(&self, appetite: Appetite) -> Result<Line, Unfit> {
        self.check()?;
        let given = self.of(appetite);
        let day = |place: usize| self.windows.all.get(place).map_or(0, |window| window.from);
        let fell = appetite.measure(&self.windows.falls(self.windows.now * appetite.times()))?;
        let gap = (fell.0, day(fell.1));
        if given.debt <= 0.0 {
            // Nothing can be sold within the bonus: no line is held.
            return Ok(Line { threshold: 0.0, ltv: 0.0, gap, loss: 0.0, next: None, debt: 0.0, beyond: 0 });
        }
        let paths = self.windows.paths(Some(appetite.volatility(self.windows)));
        let at = |step: usize| {
            let threshold = step as f64 * GRID;
            let (losses, beyond) = given.losses(&paths, threshold, threshold * (1.0 - gap.0));
            let (loss, place) = appetite.measure(&losses)?;
            Ok::<_, Unfit>((loss, beyond, day(place)))
        };
        // Beyond it a liquidation takes more than it frees: what it gives, or what it had to give to pay.
        let bonus = self.terms.bonus.max(self.bonus(appetite)?);
        let last = ((1.0 / (1.0 + bonus) - 1e-9) / GRID).max(0.0) as usize;
        let (mut held, mut not) = (0, last + 1);
        let (mut found, mut next) = ((0.0, 0, 0), None);
        while not - held > 1 {
            let middle = held.midpoint(not);
            let tried = at(middle)?;
            if tried.0 <= self.tolerated {
                (held, found) = (middle, tried);
            } else {
                (not, next) = (middle, Some((tried.0, tried.2)));
            }
        }
        let threshold = held as f64 * GRID;
        let (loss, beyond, _) = found;
        Ok(Line { threshold, ltv: threshold * (1.0 - gap.0), gap, loss, next, debt: given.debt, beyond })
    }

    /// The most debt, and the supply behind it at the LTV, that keep the loss of an appetite's days and of one extreme drop (a part of the
    /// price, in equal hourly steps of a day) within what is tolerated; at most half of what circulates (units), where that is known.
    ///
    /// # Errors
    /// When something given is not what it may be.
    pub fn cap(
        &self,
        appetite: Appetite,
        line: &Line,
        drop: f64,
        circulating: Option<f64>,
    ) -> Result<Cap, Unfit> {
        self.check()?;
        let none = Cap { debt: 0.0, supply: 0.0, binds: Binds::NoLine };
        let liquidity = self.liquidity();
        if line.ltv <= 0.0 || liquidity <= 0.0 {
            return Ok(none);
        }
        let mut given = self.of(appetite);
        let paths = self.windows.paths(Some(appetite.volatility(self.windows)));
        let crash = [(1..=24).map(|hour| 1.0 - drop * f64::from(hour) / 24.0).collect::<Vec<f64>>()];
        let mut too_much = |debt: f64| {
            given.debt = debt;
            let (dropped, _) = given.losses(&crash, line.threshold, line.ltv);
            if dropped[0] > self.tolerated {
                return Ok(Some(Binds::Drop));
            }
            let (losses, _) = given.losses(&paths, line.threshold, line.ltv);
            let (loss, _) = appetite.measure(&losses)?;
            Ok::<_, Unfit>((loss > self.tolerated).then_some(Binds::Days))
        };
        let (mut held, mut not, mut binds) = (0.0, liquidity, Binds::Nothing);
        // Upward by powers of two, the last 8192, until it is too much.
        for _ in 0..14 {
            match too_much(not)? {
                None => (held, not) = (not, 2.0 * not),
                Some(why) => {
                    binds = why;
                    break;
                }
            }
        }
        while binds != Binds::Nothing && not - held > NEAR * not && not > 1.0 {
            let middle = f64::midpoint(held, not);
            match too_much(middle)? {
                None => held = middle,
                Some(why) => (not, binds) = (middle, why),
            }
        }
        let unit = line.ltv * self.windows.price;
        let half = circulating.map(|units| 0.5 * units).filter(|half| *half < held / unit);
        Ok(match half {
            Some(half) => Cap { debt: half * unit, supply: half, binds: Binds::Circulating },
            None => Cap { debt: held, supply: held / unit, binds },
        })
    }
}

/// How far an asset of this market value (dollars) may drop within a day at the extreme (the rule of Chaos Labs for Venus, 2023): 50 %
/// below 2 billion, 35 % up to 20 billion, 15 % above, and for stables. Where the value is not known, the first.
#[must_use]
pub fn extreme_drop(value: Option<f64>, stable: bool) -> f64 {
    match value {
        _ if stable => 0.15,
        Some(value) if value > 20e9 => 0.15,
        Some(value) if value >= 2e9 => 0.35,
        _ => 0.5,
    }
}

impl Given<'_> {
    /// The bonus that pays for the fall of a bar (the time to liquidate), by the appetite's measure at its volatility, and for selling the
    /// largest lot; infinite where nothing does.
    ///
    /// # Errors
    /// Without a day.
    pub fn bonus(&self, appetite: Appetite) -> Result<f64, Unfit> {
        let (fall, _) = appetite.measure(&self.windows.first_falls(appetite.volatility(self.windows)))?;
        let kept = (1.0 - fall) * self.kept(self.lot);
        Ok(if kept > 0.0 { 1.0 / kept - 1.0 } else { f64::INFINITY })
    }

    /// The part of its price that a sale of so much money keeps.
    #[must_use]
    pub fn kept(&self, money: f64) -> f64 {
        let units = money / self.windows.price;
        if units > 0.0 { self.depth.brings(units) / units } else { 1.0 }
    }

    /// The part of the price that collateral is not counted for: a day's fall by the appetite's measure, and selling all that stands
    /// behind the debt.
    ///
    /// # Errors
    /// Without a day.
    pub fn haircut(&self, appetite: Appetite) -> Result<f64, Unfit> {
        let (fall, _) = appetite.measure(&self.windows.falls(appetite.volatility(self.windows)))?;
        Ok(1.0 - (1.0 - fall) * self.kept(self.of(appetite).debt))
    }

    /// The part of a debt that one call must repay so that an account that fell through the line within a bar is back at a health of
    /// [`RESTORED`], at most all of it: `(h' - h) / (h' - threshold (1 + bonus))`.
    ///
    /// # Errors
    /// Without a day.
    pub fn close(&self, appetite: Appetite, threshold: f64) -> Result<f64, Unfit> {
        let (fall, _) = appetite.measure(&self.windows.first_falls(appetite.volatility(self.windows)))?;
        let freed = RESTORED - threshold * (1.0 + self.terms.bonus);
        Ok(if freed <= 0.0 { 1.0 } else { ((RESTORED - (1.0 - fall)) / freed).clamp(0.0, 1.0) })
    }
}

/// The health that one call should bring an account back to.
pub const RESTORED: f64 = 1.05;

/// One step from a number toward another: at most three percentage points, but at once to an emergency's zero.
#[must_use]
pub fn step(from: f64, to: f64, emergency: bool) -> f64 {
    const MOST: f64 = 0.03;
    if emergency { 0.0 } else { from + (to - from).clamp(-MOST, MOST) }
}
