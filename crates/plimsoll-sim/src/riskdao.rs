//! The rules of Risk DAO's stability simulator (`Risk-DAO/simulation-env`, without its stability pool), restated.
//!
//! One pair, minute by minute. Positions are liquidated in proportion to what was liquidated at an exchange in that minute. They wait in
//! line until the market takes them, oldest first; in `every` seconds it takes as much as moves a constant-product pool by the
//! liquidation bonus, and never more. Each sale multiplies the price by that pool's impact, and the price comes back with a half-life.
//! What is asked: how far below its price at the start the worst of those who still waited stood.
//!
//! The original adds one unit to whatever it closes, "for rounding issues"; so does this, since that is what the figures were computed
//! with. Sums are taken in its order. Minutes in which nothing waits and nothing recovers are stepped over, which changes no figure.

use libm::pow;
use std::collections::VecDeque;

/// What positions are denominated by: their collateral is given in USD and sold in ETH at this price.
pub const USD_A_UNIT: f64 = 2000.0;

/// Minutes of a day.
const MINUTES: f64 = 1440.0;
/// The slippage at which a market's volume is given.
const SLIPPAGE: f64 = 0.1;

/// A minute of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minute {
    /// Best ask.
    pub ask: f64,
    /// Best bid.
    pub bid: f64,
    /// What was liquidated of long positions \[units\].
    pub liquidated: f64,
}

/// A month of minutes, ready for any number of configurations.
#[derive(Clone, Debug)]
pub struct Tape {
    prices: Vec<f64>,
    liquidated: Vec<f64>,
    /// The minutes in which something was liquidated.
    busy: Vec<u32>,
    all: f64,
}

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// What a sale with a slippage of 10 % takes \[units\].
    pub volume: f64,
    /// Collateral of all positions \[USD\].
    pub collateral: f64,
    /// How often all of it is liquidated over the tape.
    pub factor: f64,
    /// The bonus of a liquidation, as a share.
    pub incentive: f64,
    /// In how many seconds the market takes what the bonus allows.
    pub every: f64,
    /// Half-life of an impact \[days\].
    pub recovery: f64,
}

/// What came of it, under the original's names where they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What the market takes in `every` seconds \[units\] (`cycle_trade_volume`).
    pub capacity: f64,
    /// The worst fall while waiting, as a share of the price at the start.
    pub max_drop: f64,
    /// The price then.
    pub price_at_max_drop: f64,
    /// What waited then \[units\].
    pub max_drop_volume: f64,
    /// What waits at the end \[units\].
    pub open_volume: f64,
    /// The most that came in one minute \[units\].
    pub max_liquidation_volume: f64,
    /// All that came \[units\].
    pub volume: f64,
    /// The heaviest impact of one minute's sale, as a factor on the price.
    pub min_factor: f64,
}

impl Tape {
    /// `None` for no minute, for 2^32 of them, for numbers that are not positive prices and amounts, and where nothing was liquidated.
    #[must_use]
    pub fn new(minutes: &[Minute]) -> Option<Tape> {
        let sound = |minute: &Minute| {
            let Minute { ask, bid, liquidated } = *minute;
            [ask, bid, liquidated].iter().all(|it| it.is_finite())
                && ask > 0.0
                && bid > 0.0
                && liquidated >= 0.0
        };
        if minutes.is_empty() || u32::try_from(minutes.len()).is_err() || !minutes.iter().all(sound) {
            return None;
        }
        let mut prices: Vec<f64> = Vec::with_capacity(minutes.len());
        let mut last: Option<(f64, f64)> = None;
        for minute in minutes {
            let middle = (minute.ask + minute.bid) * 0.5;
            // The original scales each move by how much wilder another asset is; here that factor is 1.
            let price = last.map_or(middle, |(before, price)| price + price * (middle / before - 1.0));
            prices.push(price);
            last = Some((middle, price));
        }
        let liquidated: Vec<f64> = minutes.iter().map(|minute| minute.liquidated).collect();
        let busy = (0..).zip(&liquidated).filter(|(_, amount)| **amount > 0.0).map(|(at, _)| at).collect();
        let all = liquidated.iter().sum();
        (all > 0.0).then_some(Tape { prices, liquidated, busy, all })
    }

    /// The lowest price of the tape.
    #[must_use]
    pub fn lowest(&self) -> f64 {
        self.prices.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// How many minutes there are.
    #[must_use]
    pub fn minutes(&self) -> usize {
        self.prices.len()
    }

    /// Plays one configuration; `None` where a number of it is not positive, the incentive is not below 1, or a minute is longer than
    /// the market's interval.
    #[must_use]
    pub fn play(&self, setting: &Setting) -> Option<Outcome> {
        let Setting { volume, collateral, factor, incentive, every, recovery } = *setting;
        let positive = [volume, collateral, factor, incentive, every, recovery];
        if !positive.iter().all(|it| it.is_finite() && *it > 0.0) || incentive >= 1.0 || every < 60.0 {
            return None;
        }
        let capacity = volume_at(volume, 1.0 - SLIPPAGE, 1.0 - incentive);
        Some(
            Play {
                tape: self,
                share: collateral / USD_A_UNIT * factor / self.all,
                kept: 1.0 - incentive,
                window: (every / 60.0) as usize,
                lasting: pow(0.5, 1.0 / (recovery * MINUTES)),
                price: 1.0,
                waiting: VecDeque::new(),
                highest: VecDeque::new(),
                born: 0,
                sold: VecDeque::new(),
                outcome: Outcome { capacity, min_factor: f64::INFINITY, ..Outcome::default() },
            }
            .run(),
        )
    }
}

/// The sale whose price is `to` of the first, in the pool in which a sale of `volume` has `from` of it.
fn volume_at(volume: f64, from: f64, to: f64) -> f64 {
    let reserve = from * volume / (1.0 - from);
    reserve * (1.0 - to) / to
}

/// A lot that waits.
#[derive(Clone, Copy)]
struct Lot {
    volume: f64,
    closed: f64,
    number: u64,
}

struct Play<'t> {
    tape: &'t Tape,
    share: f64,
    kept: f64,
    window: usize,
    /// The part of an impact that is left after a minute.
    lasting: f64,
    /// The market's own factor on the tape's price.
    price: f64,
    waiting: VecDeque<Lot>,
    /// Of those who wait, each whose price nobody after it reaches: the first has the highest.
    highest: VecDeque<(u64, f64)>,
    born: u64,
    /// What was sold in each of the last minutes.
    sold: VecDeque<f64>,
    outcome: Outcome,
}

impl Play<'_> {
    fn run(mut self) -> Outcome {
        let mut busy = self.tape.busy.iter().map(|at| *at as usize).peekable();
        let mut at = 0;
        while at < self.tape.minutes() {
            while busy.peek().is_some_and(|next| *next < at) {
                busy.next();
            }
            let idle = self.waiting.is_empty() && self.price >= 1.0;
            let next = busy.peek().copied().unwrap_or(self.tape.minutes());
            if idle && next > at {
                self.pass(next - at);
                at = next;
                continue;
            }
            self.minute(at);
            at += 1;
        }
        self.outcome.open_volume = self.open();
        self.outcome
    }

    /// Minutes in which nothing happens.
    fn pass(&mut self, minutes: usize) {
        for _ in 0..minutes.min(self.window) {
            self.sell(0.0);
        }
        self.outcome.min_factor = self.outcome.min_factor.min(1.0);
    }

    fn sell(&mut self, volume: f64) {
        self.sold.push_back(volume);
        if self.sold.len() > self.window {
            self.sold.pop_front();
        }
    }

    fn open(&self) -> f64 {
        self.waiting.iter().map(|lot| lot.volume - lot.closed).sum()
    }

    fn minute(&mut self, at: usize) {
        let volume = self.tape.liquidated[at] * self.share;
        self.outcome.max_liquidation_volume = self.outcome.max_liquidation_volume.max(volume);
        self.outcome.volume += volume;
        let missing = 1.0 - self.price;
        self.price += missing - missing * self.lasting;
        let price = self.tape.prices[at] * self.price;
        if volume != 0.0 {
            self.come(volume, price);
        }
        let mut sale = 0.0;
        if !self.waiting.is_empty() {
            let open = self.open();
            let drop = self.highest.front().map_or(0.0, |(_, start)| (start - price) / start);
            if drop > self.outcome.max_drop {
                self.outcome.max_drop = drop;
                self.outcome.price_at_max_drop = price;
                self.outcome.max_drop_volume = open;
            }
            let room = self.outcome.capacity - self.sold.iter().sum::<f64>();
            sale = open.min(room);
            self.close(sale + 1.0);
        }
        self.sell(sale);
        let factor = self.impact(sale);
        self.outcome.min_factor = self.outcome.min_factor.min(factor);
        self.price *= factor;
    }

    fn come(&mut self, volume: f64, price: f64) {
        let number = self.born;
        self.born += 1;
        self.waiting.push_back(Lot { volume, closed: 0.0, number });
        while self.highest.back().is_some_and(|(_, other)| *other <= price) {
            self.highest.pop_back();
        }
        self.highest.push_back((number, price));
    }

    /// Closes so much, oldest first; nothing where it is not above zero.
    fn close(&mut self, mut volume: f64) {
        if volume <= 0.0 {
            return;
        }
        while let Some(lot) = self.waiting.front_mut() {
            let open = lot.volume - lot.closed;
            if open > volume {
                lot.closed += volume;
                return;
            }
            volume -= open;
            let gone = lot.number;
            self.waiting.pop_front();
            if self.highest.front().is_some_and(|(number, _)| *number == gone) {
                self.highest.pop_front();
            }
        }
    }

    /// What a sale does to the price of the pool in which the capacity costs the bonus.
    fn impact(&self, sale: f64) -> f64 {
        let reserve = self.kept * self.outcome.capacity / (1.0 - self.kept);
        let after = reserve + sale;
        reserve * reserve / (after * after)
    }
}
