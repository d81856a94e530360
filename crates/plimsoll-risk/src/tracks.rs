//! Tracks of prices: what several prices do from look to look until a horizon, as logarithms of what they are over what they were.
//!
//! A model draws track `k` from stream `k` and nothing else, so that tracks are the same on any worker and may be shared among accounts.
//! Prices are not expected to grow. `docs/risk.md` says what each model takes from history.

mod days;
mod normal;
mod student;

pub use days::{Days, Whole, whole_days};
pub use normal::Normal;
pub use student::{Copula, margin};

/// A day \[s\].
pub const DAY: u64 = 86_400;

/// One drawn future of several prices.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Of each look, of each price: the logarithm of the price over today's.
    pub close: Vec<f64>,
    /// The lowest and the highest within the bar that ends with the look; empty where the model does not know them.
    pub range: Option<[Vec<f64>; 2]>,
}

/// A model that draws tracks.
pub trait Tracks: Sync {
    /// How many prices.
    fn prices(&self) -> usize;

    /// Looks in a day.
    fn looks(&self) -> usize;

    /// Whether lows and highs between looks are known.
    fn ranged(&self) -> bool {
        false
    }

    /// Draws track `number` under `seed`, of so many days.
    fn draw(&self, seed: u64, number: u64, days: usize, track: &mut Track);
}

impl Track {
    /// Room for so many looks of so many prices.
    fn begin(&mut self, looks: usize, prices: usize, ranged: bool) {
        self.close.clear();
        self.close.resize(looks * prices, 0.0);
        if !ranged {
            self.range = None;
            return;
        }
        let range = self.range.get_or_insert_with(Default::default);
        for side in range {
            side.clear();
            side.resize(looks * prices, 0.0);
        }
    }
}
