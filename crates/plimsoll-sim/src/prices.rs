//! How drivers move: given points, bars with their lows and highs, or drawn.
//!
//! A driver's value is the logarithm of its price over that at the start. Run `k` is drawn from stream `k` of the seed and nothing else.

use plimsoll_risk::stream::Stream;

/// A year \[s\], as volatilities are stated.
pub const YEAR: f64 = 365.0 * 86_400.0;

/// Where all drivers are at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Seconds since the start.
    pub after: u64,
    /// Logarithm of each driver's price over that at the start.
    pub logs: Vec<f64>,
}

/// How drivers move.
#[derive(Clone, Debug, PartialEq)]
pub enum Paths {
    /// Along these ticks, in every run.
    Given(Vec<Tick>),
    /// Drawn anew for every run, around a way.
    Drawn(Drawn),
}

/// Diffusion and jumps around a way.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// How many steps.
    pub steps: u32,
    /// Seconds of a step.
    pub seconds: u64,
    /// What is drawn comes on top of this: logarithms at some seconds, straight lines between, the last from then on; empty for none.
    pub way: Vec<Tick>,
    /// One for each driver.
    pub each: Vec<Motion>,
    /// How much of a step's diffusion all drivers share, as a correlation from 0 to 1.
    pub together: f64,
    /// Jumps a year, of all drivers at once.
    pub jumps: f64,
}

/// How one driver moves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Volatility a year, as a share.
    pub volatility: f64,
    /// Mean of the logarithm of a jump.
    pub jump: f64,
    /// Its standard deviation.
    pub spread: f64,
}

impl Paths {
    /// The ticks of one run, in order of time.
    #[must_use]
    pub fn run(&self, seed: u64, run: u64) -> Vec<Tick> {
        match self {
            Paths::Given(ticks) => ticks.clone(),
            Paths::Drawn(drawn) => drawn.run(&mut Stream::new(seed, run)),
        }
    }

    /// Bars as ticks: open, then the extreme against the bar's direction, then the other, then close, a third of the bar apart. What lies
    /// within a bar is not known: the extremes of all drivers are taken to come together, which is the worst for who holds several.
    ///
    /// A bar is open, high, low, close over the price at the start. `None` for bars that are no such, or of different counts.
    #[must_use]
    pub fn bars(bars: &[Vec<[f64; 4]>], seconds: u64) -> Option<Paths> {
        let count = bars.first().map(Vec::len)?;
        let sound = |bar: &[f64; 4]| {
            let [open, high, low, close] = *bar;
            bar.iter().all(|it| it.is_finite() && *it > 0.0)
                && high >= open.max(close)
                && low <= open.min(close)
        };
        if count == 0 || seconds < 4 || !bars.iter().all(|of| of.len() == count && of.iter().all(sound)) {
            return None;
        }
        let mut ticks = Vec::new();
        for at in 0..count {
            let start = seconds.checked_mul(at as u64)?;
            // Whether the first driver fell decides for all.
            let falls = bars[0][at][3] < bars[0][at][0];
            let order = if falls { [0, 1, 2, 3] } else { [0, 2, 1, 3] };
            for (part, of) in (0..).zip(order) {
                // The close is told at the end of its bar, just before the next opens.
                let after = if part == 3 { start + seconds - 1 } else { start + seconds * part / 4 };
                let logs = bars.iter().map(|bars| libm::log(bars[at][of])).collect();
                ticks.push(Tick { after, logs });
            }
        }
        Some(Paths::Given(ticks))
    }

    /// Points with straight lines between them, a tick every so many seconds; `None` for no time, or points that are not in order.
    #[must_use]
    pub fn points(way: &[Tick], steps: u32, seconds: u64) -> Option<Paths> {
        let sound = seconds > 0 && steps > 0 && way.windows(2).all(|pair| pair[0].after < pair[1].after);
        let drivers = way.first()?.logs.len();
        let ticks = (0..=u64::from(steps)).map(|step| {
            let after = step * seconds;
            Tick { after, logs: (0..drivers).map(|driver| on(way, after, driver)).collect() }
        });
        sound.then(|| Paths::Given(ticks.collect()))
    }
}

/// Where a way is at a second.
fn on(way: &[Tick], after: u64, driver: usize) -> f64 {
    let end = way.iter().position(|tick| tick.after >= after);
    match end {
        None => way.last().map_or(0.0, |tick| tick.logs[driver]),
        Some(0) if way[0].after == 0 => way[0].logs[driver],
        Some(at) => {
            let (from, start) =
                at.checked_sub(1).map_or((0, 0.0), |at| (way[at].after, way[at].logs[driver]));
            let (to, end) = (way[at].after, way[at].logs[driver]);
            start + (end - start) * (after - from) as f64 / (to - from) as f64
        }
    }
}

impl Drawn {
    fn run(&self, stream: &mut Stream) -> Vec<Tick> {
        let count = self.each.len();
        let part = self.seconds as f64 / YEAR;
        let root = part.sqrt();
        let (common, own) = (self.together.sqrt(), (1.0 - self.together).sqrt());
        let mut moved = vec![0.0; count];
        // Whether a step has a jump: at most one, with the chance of at least one.
        let chance = 1.0 - libm::exp(-self.jumps * part);
        let mut ticks = Vec::with_capacity(self.steps as usize + 1);
        for step in 0..=self.steps {
            let after = u64::from(step) * self.seconds;
            if step > 0 {
                let shared = stream.normal();
                let jumps = stream.uniform() < chance;
                for (moved, motion) in moved.iter_mut().zip(&self.each) {
                    let [normal, size] = [stream.normal(), stream.normal()];
                    let sigma = motion.volatility;
                    *moved += sigma * root * (common * shared + own * normal) - sigma * sigma * part / 2.0;
                    if jumps {
                        *moved += motion.jump + motion.spread * size;
                    }
                }
            }
            let way = |driver| if self.way.is_empty() { 0.0 } else { on(&self.way, after, driver) };
            let logs = moved.iter().enumerate().map(|(driver, moved)| moved + way(driver)).collect();
            ticks.push(Tick { after, logs });
        }
        ticks
    }
}
