//! The liquidation price, right: walking from today's price, the first integer price at which the verdict is
//! another one, and the price beyond which it stays so.
//!
//! A stretch of prices is settled at once where it can be. The account's row is a straight line in the prices, so
//! where the row less its slack is positive at both ends it is so in between, and the crossing follows from two
//! divisions; inside the slack the venue's own integers decide ([`Quoted::over`]): halves that have one verdict
//! throughout are passed over, down to single prices. Nothing is assumed to be monotone: up to 3.4 Aave's line is
//! a sawtooth, and the first price that flips may be followed by some that flip back.

use crate::path::{Mover, Path, feeds};
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, Compiled, Form, Int, Market, Question, Quoted, Reading, Rounding, Test, U256, Verdict,
};

/// Where the verdict flips in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Nowhere on the path.
    Never,
    /// Walking from today, the verdict holds before `first` and is the other one at it.
    At {
        /// The first point of the path with the other verdict.
        first: U256,
        /// From here to the end of the path it is the other one throughout; `None` where the end of the path has
        /// today's verdict again.
        settled: Option<U256>,
    },
    /// The verdict holds before this point; from it on nothing is proven: a price that the account needs is
    /// unknown, a number overflows, or the search was given up.
    Unproven(U256),
}

/// Where an account's verdict flips when something moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// What moves.
    pub mover: Mover,
    /// Where it is today, in units of 10^-`decimals`.
    pub now: U256,
    /// Digits after the point.
    pub decimals: u8,
    /// Today's verdict at the prices that the venue uses.
    pub today: Verdict,
    /// Downwards.
    pub down: Crossing,
    /// Upwards.
    pub up: Crossing,
}

/// Stretches that are looked at before a search is given up, …
const PATIENCE: u32 = 20_000;
/// … and where no row says anything, so that each of them is a look at every scenario of an account.
const WITHOUT_ROW: u32 = 1_000;

/// Finds both crossings of an account on a path through its market.
///
/// `quoted` is the market at the time asked about, at whatever prices. `None` where the account has no verdict
/// today, or owes nothing.
#[must_use]
pub fn boundary(
    path: &Path<'_>,
    market: &dyn Market,
    quoted: &dyn Quoted,
    account: &Account,
    question: Question,
) -> Option<Boundary> {
    let mut readings = path.today().to_vec();
    path.between(path.now, path.now, &mut readings)?;
    let today = quoted.over(account, account, question.test, feeds(&readings)).ok()?.verdict?;
    if today == Verdict::NoDebt {
        return None;
    }
    let row = Row::of(path, market, quoted, account, question);
    let mut search = Search { path, quoted, account, test: question.test, row, readings, patience: 0 };
    let down =
        search.crossing(today, path.now.sub(U256::ONE).filter(|next| *next >= path.lowest), path.lowest);
    let up =
        search.crossing(today, path.now.add(U256::ONE).filter(|next| *next <= path.highest), path.highest);
    Some(Boundary { mover: path.mover().clone(), now: path.now, decimals: path.decimals, today, down, up })
}

/// An account's row along a path.
struct Row {
    line: Line,
    now: U256,
    /// Below today's point and above it; `None` where numbers would not fit.
    sides: [Option<Side>; 2],
}

/// One side of today's point: the row less its slack and plus it at both ends, from which all between follows by proportion. A
/// price is no further from its straight line than the bend, which both ends have taken in.
struct Side {
    low: U256,
    high: U256,
    ends: [[Wide; 2]; 2],
}

impl Row {
    /// `None` where the account has no single row without hinges, or a price moves in no straight line.
    fn of(
        path: &Path<'_>,
        market: &dyn Market,
        quoted: &dyn Quoted,
        account: &Account,
        question: Question,
    ) -> Option<Row> {
        let line = Line::of(path, market, quoted, account, question)?;
        let [lowest, now, highest] = path.anchors()?;
        let sides = [Side::of(&line, lowest, now), Side::of(&line, now, highest)];
        Some(Row { line, now: now.0, sides })
    }

    /// Below and above the exact headroom at a point, in units that are the same for all points of its side.
    fn at(&self, point: U256) -> Option<[Wide; 2]> {
        self.sides[usize::from(point > self.now)].as_ref()?.at(point)
    }
}

impl Side {
    fn of(line: &Line, low: &(U256, Vec<U256>), high: &(U256, Vec<U256>)) -> Option<Side> {
        let width = high.0.sub(low.0).filter(|width| *width != U256::ZERO)?;
        let ends = [line.ends(low.1.iter().copied())?, line.ends(high.1.iter().copied())?];
        // What fits over the whole width fits in between.
        ends.iter().flatten().all(|end| end.mul(width).is_some()).then_some(Side {
            low: low.0,
            high: high.0,
            ends,
        })
    }

    fn at(&self, point: U256) -> Option<[Wide; 2]> {
        let (to, from) = (self.high.sub(point)?, point.sub(self.low)?);
        let [low, high] = &self.ends;
        let between = |end: usize| low[end].mul(to)?.add(high[end].mul(from)?);
        Some([between(0)?, between(1)?])
    }
}

/// An account's row as a straight line in the prices that move: constant + sum of slope x price.
struct Line {
    constant: Wide,
    slopes: Vec<Wide>,
    slack_constant: Wide,
    slack_slopes: Vec<Wide>,
    /// How far the moving prices may bring the row from the line between two points.
    bend: Wide,
}

impl Line {
    fn of(
        path: &Path<'_>,
        market: &dyn Market,
        quoted: &dyn Quoted,
        account: &Account,
        question: Question,
    ) -> Option<Line> {
        let Ok(Compiled::Rows(rows)) = market.compile(account, question) else { return None };
        let [form] = rows.as_slice() else { return None };
        let Form { backing, requirement, hinges, slack, valid, .. } = form;
        if !hinges.is_empty() || !valid.boxes.is_empty() || valid.epoch != market.epoch() {
            return None;
        }
        let moving = path.moving().len();
        let zeros = || vec![Wide::ZERO; moving];
        let mut row = Line {
            constant: Wide::ZERO,
            slopes: zeros(),
            slack_constant: Wide::from(slack.constant),
            slack_slopes: zeros(),
            bend: Wide::ZERO,
        };
        let parts = [(backing, Int::ONE, false), (requirement, Int::new(-1), false), (slack, Int::ONE, true)];
        for (part, sign, is_slack) in parts {
            if !is_slack {
                row.constant = row.constant.add(Wide::from(part.constant.mul(sign)?))?;
            }
            for &(node, coefficient) in &part.terms {
                let spec = market.nodes().get(node.0 as usize)?;
                let value = quoted.nodes().get(node.0 as usize)?.ok();
                let coefficient = coefficient.mul(sign)?;
                let place = spec.slot.and_then(|slot| path.moving().iter().position(|&moved| moved == slot));
                let (constant, slopes) = if is_slack {
                    (&mut row.slack_constant, &mut row.slack_slopes)
                } else {
                    (&mut row.constant, &mut row.slopes)
                };
                let value = value?;
                match place {
                    None => {
                        *constant = constant.add(coefficient.mul_wide(value.mantissa))?;
                        let error = coefficient.mul_wide(Int::from(value.error)).abs();
                        row.slack_constant = row.slack_constant.add(error)?;
                    }
                    // The node is proportional to its price: so much for each unit of it.
                    Some(at) if value.error == U256::ZERO => {
                        let price = path.today()[spec.slot?].value?;
                        let unit = value.mantissa.div(Int::from(price), Rounding::Exact)?;
                        slopes[at] = slopes[at].add(coefficient.mul_wide(unit))?;
                    }
                    Some(_) => return None,
                }
            }
        }
        for (at, error) in path.chord()?.iter().enumerate() {
            let steep = row.slopes[at].abs().add(row.slack_slopes[at])?;
            row.bend = row.bend.add(steep.mul(*error)?)?;
        }
        Some(row)
    }

    /// The row less its slack and plus it at these prices: at most and at least the exact headroom's, in between
    /// two points too.
    fn ends(&self, prices: impl Iterator<Item = U256>) -> Option<[Wide; 2]> {
        let (mut row, mut slack) = (self.constant, self.slack_constant.add(self.bend)?);
        for (price, (slope, slack_slope)) in prices.zip(self.slopes.iter().zip(&self.slack_slopes)) {
            row = row.add(slope.mul(price)?)?;
            slack = slack.add(slack_slope.mul(price)?)?;
        }
        Some([row.sub(slack)?, row.add(slack)?])
    }
}

/// A stretch of the path, in the order of the walk.
#[derive(Clone, Copy)]
struct Stretch {
    near: U256,
    far: U256,
}

enum Settled {
    /// One verdict throughout.
    All(Verdict),
    /// Not yet; the near part ends here.
    Split(U256),
    /// A single point without a verdict.
    Nothing,
}

enum Found {
    At(U256),
    Nowhere,
    Unproven(U256),
}

struct Search<'s> {
    path: &'s Path<'s>,
    quoted: &'s dyn Quoted,
    account: &'s Account,
    test: Test,
    row: Option<Row>,
    readings: Vec<Reading>,
    patience: u32,
}

impl Search<'_> {
    fn crossing(&mut self, today: Verdict, next: Option<U256>, end: U256) -> Crossing {
        let Some(next) = next else { return Crossing::Never };
        self.patience = if self.row.is_some() { PATIENCE } else { WITHOUT_ROW };
        let first = match self.first(Stretch { near: next, far: end }, |verdict| verdict != today) {
            Found::At(first) => first,
            Found::Nowhere => return Crossing::Never,
            Found::Unproven(from) => return Crossing::Unproven(from),
        };
        // From the end back: the last point with today's verdict.
        self.patience = if self.row.is_some() { PATIENCE } else { WITHOUT_ROW };
        let settled = match self.first(Stretch { near: end, far: first }, |verdict| verdict == today) {
            Found::Nowhere => Some(first),
            Found::At(last) | Found::Unproven(last) if last == end => None,
            Found::At(last) | Found::Unproven(last) if end < first => last.sub(U256::ONE),
            Found::At(last) | Found::Unproven(last) => last.add(U256::ONE),
        };
        Crossing::At { first, settled }
    }

    /// The nearest point of a stretch whose verdict is wanted.
    fn first(&mut self, stretch: Stretch, wanted: impl Fn(Verdict) -> bool) -> Found {
        let mut open = vec![stretch];
        while let Some(stretch) = open.pop() {
            if self.patience == 0 {
                return Found::Unproven(stretch.near);
            }
            self.patience -= 1;
            match self.settle(stretch) {
                Settled::All(verdict) if wanted(verdict) => return Found::At(stretch.near),
                Settled::All(_) => {}
                Settled::Nothing => return Found::Unproven(stretch.near),
                Settled::Split(end) => {
                    let beyond =
                        if stretch.near <= stretch.far { end.add(U256::ONE) } else { end.sub(U256::ONE) };
                    let Some(beyond) = beyond else { return Found::Unproven(stretch.near) };
                    open.push(Stretch { near: beyond, far: stretch.far });
                    open.push(Stretch { near: stretch.near, far: end });
                }
            }
        }
        Found::Nowhere
    }

    fn settle(&mut self, stretch: Stretch) -> Settled {
        let Stretch { near, far } = stretch;
        let (low, high) = (near.min(far), near.max(far));
        match self.by_row(near, far) {
            Some(Settled::Nothing) | None => {}
            Some(settled) => return settled,
        }
        if self.path.between(low, high, &mut self.readings).is_some() {
            let range = self.quoted.over(self.account, self.account, self.test, feeds(&self.readings));
            if let Some(verdict) = range.ok().and_then(|range| range.verdict) {
                return Settled::All(verdict);
            }
        }
        if low == high {
            return Settled::Nothing;
        }
        // Halves, the near one not the smaller.
        let half = high.sub_or_zero(low).half();
        let middle = if near <= far { near.add(half) } else { near.sub(half) };
        middle.map_or(Settled::Nothing, Settled::Split)
    }

    /// Settled by the row: by its sign at both ends, or cut where it may change.
    fn by_row(&mut self, near: U256, far: U256) -> Option<Settled> {
        let [near_least, near_most] = self.row_at(near)?;
        let [far_least, far_most] = self.row_at(far)?;
        let calm = |wide: Wide| !wide.is_negative();
        if calm(near_least) && calm(far_least) {
            return Some(Settled::All(Verdict::Healthy));
        }
        if !calm(near_most) && !calm(far_most) {
            return Some(Settled::All(Verdict::Unhealthy));
        }
        if near == far {
            return None;
        }
        // At most two lines cross zero: the row less its slack, and the row with it.
        for (at_near, at_far) in [(near_least, far_least), (near_most, far_most)] {
            if calm(at_near) != calm(at_far) {
                let cut = cut(near, far, at_near, at_far)?;
                // The near part is one that the row settles, or the far part is.
                let [least, most] = self.row_at(cut)?;
                let next = if near <= far { cut.add(U256::ONE) } else { cut.sub(U256::ONE) };
                let [next_least, next_most] = self.row_at(next?)?;
                let near_settled = (calm(near_least) && calm(least)) || (!calm(near_most) && !calm(most));
                let far_settled =
                    (calm(far_least) && calm(next_least)) || (!calm(far_most) && !calm(next_most));
                if near_settled || far_settled {
                    return Some(Settled::Split(cut));
                }
            }
        }
        None
    }

    /// By proportion, and where such numbers do not fit from the prices of the point itself.
    fn row_at(&mut self, point: U256) -> Option<[Wide; 2]> {
        if let Some(ends) = self.row.as_ref()?.at(point) {
            return Some(ends);
        }
        self.path.between(point, point, &mut self.readings)?;
        let (row, readings) = (self.row.as_ref()?, &self.readings);
        let prices = self.path.moving().iter().map(|&slot| readings[slot].value.unwrap_or(U256::ZERO));
        row.line.ends(prices)
    }
}

/// The last point before a straight line crosses zero, walking from near to far and short of far.
fn cut(near: U256, far: U256, at_near: Wide, at_far: Wide) -> Option<U256> {
    // Both in the finest unit in which 254 bits hold them; what is cut off is tried exactly afterwards.
    let unit = U256::ZERO.with_bit(at_near.bits().max(at_far.bits()).saturating_sub(254), true);
    let [at_near, at_far] = [at_near, at_far].map(|end| end.div_down(unit).map(Int::magnitude));
    let (at_near, at_far) = (at_near?, at_far?);
    let width = near.max(far).sub(near.min(far))?;
    let part = width.mul_div_wide(at_near, at_near.add(at_far)?, Rounding::Down)?;
    let part = part.min(width.sub(U256::ONE)?);
    if near <= far { near.add(part) } else { near.sub(part) }
}
