//! What a fall leaves uncovered where liquidators sell what they seize into a depth curve, and act only where that pays.
//!
//! The rule is that of stress tests with `--depth`, in floats, for accounts of one collateral and one debt: worst first; of each the lot
//! that the close factor lets go, halved down to a 64th until what it brings covers what it repays; again and again until the account is
//! healthy or no lot pays. What is sold stays sold. Beyond the last point of the curve a sale brings nothing more, which is the least
//! that it may bring.

use crate::unfit::{Unfit, must, positive};

/// A lot is tried whole, and halved so many times.
const HALVINGS: u32 = 6;
/// Calls on one account at one price.
const CALLS_MAX: u32 = 256;

/// What sales bring of a price of one: a line from nothing through points that never fall.
#[derive(Clone, Debug, PartialEq)]
pub struct Depth {
    points: Vec<[f64; 2]>,
}

impl Depth {
    /// Of pairs: what is sold in all, and what that brings at a price of one.
    ///
    /// # Errors
    /// Without a point, or where sizes do not grow, what is brought falls, or is more than what is sold.
    pub fn new(points: Vec<[f64; 2]>) -> Result<Depth, Unfit> {
        if points.is_empty() {
            return Err(Unfit::TooFew { what: "points of a depth curve", found: 0, least: 1 });
        }
        let mut last = [0.0, 0.0];
        for (index, point) in points.iter().enumerate() {
            let holds = point[0] > last[0] && point[1] >= last[1] && point[1] <= point[0] * (1.0 + 1e-12);
            if !holds || !point[0].is_finite() {
                let expected = "sizes that grow, and no less brought than before nor more than sold";
                return Err(Unfit::Observation { series: "depth", index, found: point[0], expected });
            }
            last = *point;
        }
        Ok(Depth { points })
    }

    /// What a sale of so much brings in all at a price of one; beyond the last point what that brings.
    #[must_use]
    pub fn brings(&self, sold: f64) -> f64 {
        let end = self.points.partition_point(|point| point[0] < sold);
        let Some([x, y]) = self.points.get(end) else { return self.points[self.points.len() - 1][1] };
        let [x0, y0] = if end == 0 { [0.0; 2] } else { self.points[end - 1] };
        y0 + (y - y0) * ((sold - x0) / (x - x0))
    }

    /// What is known of: the last size.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.points[self.points.len() - 1][0]
    }

    /// The most that can be sold for no more than this part of the price lost in all; 0 where not even the first piece can be.
    #[must_use]
    pub fn at_loss(&self, part: f64) -> f64 {
        let kept = 1.0 - part;
        let mut last = [0.0, 0.0];
        let mut most = 0.0;
        for &[x, y] in &self.points {
            if y >= kept * x {
                most = x;
            } else if last[1] >= kept * last[0] {
                // On the line between the two: y0 + m (s - x0) = kept s. Next to the line itself the two slopes may be one number.
                let m = (y - last[1]) / (x - last[0]);
                most = if kept > m { (last[1] - m * last[0]) / (kept - m) } else { last[0] };
            }
            last = [x, y];
        }
        most
    }
}

/// What a venue asks of an account, and gives to who liquidates it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The part of the collateral's value that the debt may be.
    pub threshold: f64,
    /// What is seized beyond what is repaid, as a part of it.
    pub bonus: f64,
    /// The part of the debt that one call may repay.
    pub close: f64,
    /// Below this health a call may repay all of it.
    pub full_below: f64,
}

impl Terms {
    /// Whether these are terms.
    ///
    /// # Errors
    /// Where threshold or close factor do not lie above 0 and up to 1, or the bonus is negative.
    pub fn check(&self) -> Result<(), Unfit> {
        positive("threshold", self.threshold)?;
        must("threshold", self.threshold, self.threshold <= 1.0, "no more than 1")?;
        positive("close factor", self.close)?;
        must("close factor", self.close, self.close <= 1.0, "no more than 1")?;
        must("bonus", self.bonus, self.bonus >= 0.0, "not negative")
    }
}

/// An account: what it holds (units of the collateral) and what it owes (money).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Units of the collateral.
    pub held: f64,
    /// Money.
    pub owed: f64,
}

/// What liquidations along a path did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Played {
    /// Debt that nothing covers at the end: beyond the collateral at the last price, of whom is below the line. Money.
    pub bad_debt: f64,
    /// Debt that was repaid by liquidators. Money.
    pub repaid: f64,
    /// Collateral that was sold (units).
    pub sold: f64,
    /// Calls were tried that would have sold beyond the last point of the curve.
    pub beyond: bool,
}

/// Plays liquidations along prices, one after the other. Accounts are left as they end.
#[must_use]
pub fn play(prices: &[f64], accounts: &mut [Account], terms: &Terms, depth: &Depth) -> Played {
    let mut played = Played::default();
    let mut brought = 0.0;
    // The worst need not be first: who fell first is held by less, but all have one line.
    let ratio = |account: &Account| account.owed / account.held;
    accounts.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    for &price in prices {
        for account in accounts.iter_mut() {
            for _ in 0..CALLS_MAX {
                let health = terms.threshold * account.held * price / account.owed;
                if account.owed <= 0.0 || health >= 1.0 || account.held <= 0.0 {
                    break;
                }
                let close = if health < terms.full_below { 1.0 } else { terms.close };
                let most = (close * account.owed).min(account.held * price / (1.0 + terms.bonus));
                let mut lot = None;
                for halving in 0..=HALVINGS {
                    let repaid = most / f64::from(1_u32 << halving);
                    let seized = repaid * (1.0 + terms.bonus) / price;
                    played.beyond |= played.sold + seized > depth.end();
                    let brings = depth.brings(played.sold + seized);
                    if price * (brings - brought) >= repaid {
                        lot = Some((repaid, seized, brings));
                        break;
                    }
                }
                let Some((repaid, seized, brings)) = lot else { break };
                account.owed -= repaid;
                account.held -= seized;
                played.repaid += repaid;
                played.sold += seized;
                brought = brings;
            }
        }
    }
    if let Some(last) = prices.last() {
        let uncovered = accounts.iter().map(|account| (account.owed - account.held * last).max(0.0));
        played.bad_debt = uncovered.sum();
    }
    played
}
