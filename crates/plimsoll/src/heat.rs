//! Two prices that move at once: what each pair of moves does to a whole book.
//!
//! Every cell is a jump of its own from today, so that its numbers are those of the scenario with the same two moves.

use crate::ask::Misasked;
use crate::shock::{Said, shocked};
use crate::stress::{Counts, Risk, Stress};
use plimsoll_core::{Decimal, FeedKind, How, Int, Scenario, Shock, Target};

/// One price, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The asset.
    pub asset: String,
    /// What its move is counted in.
    pub currency: String,
    /// The first move (percent).
    pub from: Decimal,
    /// The last (percent).
    pub to: Decimal,
    /// How many there are, both ends among them; at least one.
    pub points: u32,
}

impl Axis {
    /// Its moves in order (percent): equal steps, cut to six digits.
    ///
    /// # Errors
    /// When a move leaves no price, or its digits do not fit.
    pub fn moves(&self) -> Result<Vec<Decimal>, Misasked> {
        let refuse = |found: String| Misasked::NoPrice {
            price: self.asset.clone(),
            found,
            expected: "a move of more than -100 %".into(),
        };
        let last = Int::new(self.points.saturating_sub(1).max(1).into());
        let at = |point: u32| {
            let decimals = self.from.decimals.max(self.to.decimals).max(6);
            let (from, to) = (self.from.scaled(decimals).ok()?, self.to.scaled(decimals).ok()?);
            let way = to.sub(from)?.mul(Int::new(point.into()))?.div(last, plimsoll_core::Rounding::Down)?;
            let at = Decimal { mantissa: from.add(way)?, decimals }.cut(6).trimmed();
            factor(at).filter(|factor| factor.mantissa > Int::ZERO).map(|_| at)
        };
        (0..self.points)
            .map(|point| at(point).ok_or_else(|| refuse(format!("{} to {} %", self.from, self.to))))
            .collect()
    }

    fn shock(&self, percent: Decimal) -> Option<Shock> {
        let kinds = vec![FeedKind::Oracle, FeedKind::Market];
        let (assets, currency) = (vec![self.asset.clone()], vec![self.currency.clone()]);
        let target = Target::Assets { assets, currency, kinds };
        Some(Shock { target, how: How::Factor(factor(percent)?), liquidity: None })
    }
}

/// So many percent of a price on top of it.
fn factor(percent: Decimal) -> Option<Decimal> {
    let hundredths = percent.plus(Decimal::whole(Int::new(100)))?;
    Some(hundredths.times(Decimal { mantissa: Int::ONE, decimals: 2 })?.trimmed())
}

/// What a book becomes over two axes.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// The axes: from left to right, and downwards.
    pub axes: [Axis; 2],
    /// The moves of each (percent).
    pub moves: [Vec<Decimal>; 2],
    /// Rows, one a move of the second axis.
    pub cells: Vec<Vec<HeatCell>>,
}

/// A book after two moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatCell {
    /// All accounts.
    pub after: Counts,
    /// Sums by currency.
    pub risks: Vec<Risk>,
}

impl Stress<'_> {
    /// Every pair of moves of two prices.
    ///
    /// # Errors
    /// As [`Stress::jump`]; and when an axis has a move that leaves no price, or moves no price of the book: nobody knows its
    /// asset, the other axis has the same feed, or `said` goes before it.
    pub fn heat(&self, axes: [Axis; 2], said: &Said) -> Result<HeatMap, Misasked> {
        let moves = [axes[0].moves()?, axes[1].moves()?];
        let scenario = |moves: [Decimal; 2]| {
            let shocks = axes.iter().zip(moves).filter_map(|(axis, way)| axis.shock(way)).collect();
            Scenario::of_prices("the heatmap", Vec::new(), shocks)
        };
        for (at, axis) in axes.iter().enumerate() {
            // An axis that stands still says of no price that it moves.
            let Some(way) = moves[at].iter().find(|way| !way.mantissa.is_zero()) else { continue };
            let mut alone = [Decimal::whole(Int::ZERO); 2];
            alone[at] = *way;
            if shocked(self.book, &scenario(alone), said)?.moved.is_empty() {
                return Err(Misasked::NoPrice {
                    price: format!("the axis {}", axis.asset),
                    found: format!("no price in {} that it moves", axis.currency),
                    expected:
                        "an asset with a feed that is not the other axis's, and is neither held nor mapped"
                            .into(),
                });
            }
        }
        let mut cells = Vec::new();
        for &down in &moves[1] {
            let mut row = Vec::new();
            for &along in &moves[0] {
                let jump = self.jump(&scenario([along, down]), said)?;
                row.push(HeatCell { after: jump.after, risks: jump.risks });
            }
            cells.push(row);
        }
        Ok(HeatMap { axes, moves, cells })
    }
}
