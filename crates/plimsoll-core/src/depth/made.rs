//! Depth curves made of what markets show: quotes, order books, pools. Integers in 10^-18, never more than what was seen.

use super::{Depth, DepthCurve};
use crate::num::{Decimal, Rounding, U256};
use alloc::string::String;
use alloc::vec::Vec;

/// A point: what is sold in all, and what that brings in all (10^-18).
type Point = [U256; 2];

/// 10^18.
const ONE: U256 = U256::new(1_000_000_000_000_000_000);

/// What is sold for what, by the names of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Names of what is sold.
    pub assets: Vec<String>,
    /// Names of what it brings; none where it stands for whatever is owed.
    pub against: Vec<String>,
}

/// One market, or all that can be reached through a router: a curve that begins at nothing, and its first price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slope {
    price: U256,
    points: Vec<Point>,
}

impl Slope {
    /// Of quotes: what was offered (10^-18 of whole tokens), and the part of the first price that it lost (10^-18 of one). Quotes of one
    /// size differ by when they were asked for, so the parts are those that never fall with size and are nearest to what was quoted
    /// (isotonic regression: neighbours that contradict are averaged, rounded up). `None` without a quote, where more than all is said to be
    /// lost, or where a number does not fit.
    #[must_use]
    pub fn of_quotes(mut quotes: Vec<[U256; 2]>) -> Option<Slope> {
        quotes.retain(|[sold, _]| *sold != U256::ZERO);
        if quotes.iter().any(|[_, lost]| *lost > ONE) {
            return None;
        }
        quotes.sort_unstable();
        // Blocks: from, to, the sum of what is lost, how many.
        let mut blocks: Vec<(U256, U256, U256, u64)> = Vec::new();
        for [sold, lost] in quotes {
            blocks.push((sold, sold, lost, 1));
            while let [.., before, last] = blocks.as_slice() {
                let means = before.2.mul(U256::from(last.3))?.cmp(&last.2.mul(U256::from(before.3))?);
                // Of one size there is one answer.
                if means.is_lt() && before.1 != last.0 {
                    break;
                }
                let joined = (before.0, last.1, before.2.add(last.2)?, before.3.checked_add(last.3)?);
                blocks.truncate(blocks.len() - 2);
                blocks.push(joined);
            }
        }
        let mut points: Vec<Point> = Vec::new();
        for (from, to, sum, count) in blocks {
            let kept = ONE.sub(sum.div(U256::from(count), Rounding::Up)?)?;
            for sold in [from, to] {
                let brings = sold.mul_div_wide(kept, ONE, Rounding::Down)?;
                push(&mut points, [sold, brings]);
            }
        }
        (!points.is_empty()).then_some(Slope { price: ONE, points })
    }

    /// Of the bids of an order book, best first: price and quantity (10^-18). The first price is the middle of bids and asks.
    #[must_use]
    pub fn of_bids(bids: &[[U256; 2]], middle: U256) -> Option<Slope> {
        let (mut sold, mut brings) = (U256::ZERO, U256::ZERO);
        let mut points = Vec::new();
        for [price, quantity] in bids.iter().filter(|[_, quantity]| *quantity != U256::ZERO) {
            sold = sold.add(*quantity)?;
            brings = brings.add(quantity.mul_div_wide(*price, ONE, Rounding::Down)?)?;
            push(&mut points, [sold, brings]);
        }
        (!points.is_empty()).then_some(Slope { price: middle, points })
    }

    /// Of its asks: the counter currency is sold for the asset.
    #[must_use]
    pub fn of_asks(asks: &[[U256; 2]], middle: U256) -> Option<Slope> {
        let (mut sold, mut brings) = (U256::ZERO, U256::ZERO);
        let mut points = Vec::new();
        for [price, quantity] in asks.iter().filter(|[_, quantity]| *quantity != U256::ZERO) {
            sold = sold.add(quantity.mul_div_wide(*price, ONE, Rounding::Up)?)?;
            brings = brings.add(*quantity)?;
            push(&mut points, [sold, brings]);
        }
        let price = ONE.mul_div_wide(ONE, middle, Rounding::Up)?;
        (!points.is_empty()).then_some(Slope { price, points })
    }

    /// Of a market that answers what a sale brings: asked at sizes from a 4096th of `most` up to it, each a square root of two further.
    /// `first` is its price of the smallest sale.
    pub fn of_market(most: U256, first: U256, brings: impl Fn(U256) -> Option<U256>) -> Option<Slope> {
        let mut points = Vec::new();
        let mut size = most.div(U256::new(4096), Rounding::Up)?;
        for step in 0..=24_u64 {
            let sold = if step == 24 { most } else { size };
            let ceiling = sold.mul_div_wide(first, ONE, Rounding::Down)?;
            push(&mut points, [sold, brings(sold)?.min(ceiling)]);
            size = size.mul_div_wide(U256::new(1_414_213_562), U256::new(1_000_000_000), Rounding::Down)?;
        }
        (!points.is_empty()).then_some(Slope { price: first, points })
    }

    /// Markets that do not know of each other: a sale goes where the next piece brings most. Only for curves that never get steeper (order
    /// books and pools); `None` where one does, or a number does not fit.
    #[must_use]
    pub fn together(markets: &[Slope]) -> Option<Slope> {
        let mut pieces: Vec<(U256, Point)> = Vec::new();
        for market in markets {
            let mut last = [U256::ZERO; 2];
            let mut steepest = U256::MAX;
            for point in &market.points {
                let (x, y) = (point[0].sub(last[0])?, point[1].sub(last[1])?);
                let steep = y.mul_div_wide(ONE, x, Rounding::Down)?;
                // What was cut of a piece may make it steeper by a little.
                let slack = ONE.div(x, Rounding::Up)?.add(U256::ONE)?;
                if steep > steepest.add(slack).unwrap_or(U256::MAX) {
                    return None;
                }
                steepest = steep;
                pieces.push((steep, [x, y]));
                last = *point;
            }
        }
        pieces.sort_by_key(|(steep, _)| core::cmp::Reverse(*steep));
        let mut at = [U256::ZERO; 2];
        let mut points = Vec::new();
        for (_, [x, y]) in pieces {
            at = [at[0].add(x)?, at[1].add(y)?];
            push(&mut points, at);
        }
        let price = markets.iter().map(|market| market.price).max()?;
        (!points.is_empty()).then_some(Slope { price, points })
    }

    /// Of several ways that may lead through the same pools, the better at each size; as parts of each one's own first price, so that
    /// what they bring need not be the same asset.
    #[must_use]
    pub fn better(ways: &[Slope]) -> Option<Slope> {
        let parts: Vec<Vec<Point>> = ways.iter().map(Slope::parts).collect::<Option<_>>()?;
        let mut sizes: Vec<U256> = parts.iter().flatten().map(|[sold, _]| *sold).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let best = |sold: U256| parts.iter().filter_map(|points| along(points, sold)).max();
        let mut points: Vec<Point> = Vec::new();
        for sold in sizes {
            let before = points.last().copied().unwrap_or_default();
            // Where another way becomes the better one in between, the chord would promise more than either.
            if let Some(crossing) = crossing(&parts, before, sold) {
                push(&mut points, crossing);
            }
            push(&mut points, [sold, best(sold)?]);
        }
        (!points.is_empty()).then_some(Slope { price: ONE, points })
    }

    /// The same at a first price of one.
    fn parts(&self) -> Option<Vec<Point>> {
        let part =
            |[sold, brings]: &Point| Some([*sold, brings.mul_div_wide(ONE, self.price, Rounding::Down)?]);
        self.points.iter().map(part).collect()
    }

    /// What is left of it where so much of its liquidity is left (10^-18 of one): the same price for so many times less.
    #[must_use]
    pub fn shrunk(&self, left: U256) -> Option<Slope> {
        let less = |[sold, brings]: &Point| {
            Some([
                sold.mul_div_wide(left, ONE, Rounding::Down)?,
                brings.mul_div_wide(left, ONE, Rounding::Down)?,
            ])
        };
        let mut points = Vec::new();
        for point in &self.points {
            push(&mut points, less(point)?);
        }
        (!points.is_empty()).then_some(Slope { price: self.price, points })
    }

    /// What a sale of so much brings, rounded down; `None` beyond the last point.
    #[must_use]
    pub fn brings(&self, sold: U256) -> Option<U256> {
        along(&self.points, sold)
    }

    /// The curve as files have it.
    #[must_use]
    pub fn curve(&self, pair: Pair) -> DepthCurve {
        let number = |raw: U256| Decimal { mantissa: raw.into(), decimals: Depth::DECIMALS }.trimmed();
        let points = self.points.iter().map(|point| point.map(number)).collect();
        DepthCurve { assets: pair.assets, against: pair.against, price: number(self.price), points }
    }
}

/// One more point, if it is one: further, and no less in all, since whoever sells more can keep the rest.
fn push(points: &mut Vec<Point>, [sold, brings]: Point) {
    let [last, most] = points.last().copied().unwrap_or_default();
    if sold > last {
        points.push([sold, brings.max(most)]);
    }
}

/// A value on the line from nothing through the points; `None` beyond the last.
fn along(points: &[Point], sold: U256) -> Option<U256> {
    let end = points.iter().position(|[at, _]| sold <= *at)?;
    let [x, y] = points[end];
    let [x_before, y_before] = end.checked_sub(1).map_or([U256::ZERO; 2], |before| points[before]);
    let part = y.sub(y_before)?.mul_div_wide(sold.sub(x_before)?, x.sub(x_before)?, Rounding::Down)?;
    y_before.add(part)
}

/// The lowest place between two sizes at which the way that was best hands over to the one that will be. What was brought so far is a way
/// of its own: the best may end here, and whoever sells more keeps the rest.
fn crossing(parts: &[Vec<Point>], [from, kept]: Point, to: U256) -> Option<Point> {
    let at = |points: &Vec<Point>, sold| if sold == U256::ZERO { Some(sold) } else { along(points, sold) };
    let mut known: Vec<(U256, U256)> =
        parts.iter().filter_map(|points| Some((at(points, from)?, at(points, to)?))).collect();
    known.push((kept, kept));
    let first = known.iter().max()?;
    let last = known.iter().max_by_key(|(_, after)| *after)?;
    let (ahead, behind) = (first.0.sub(last.0)?, last.1.sub(first.1)?);
    if ahead == U256::ZERO || behind == U256::ZERO {
        return None;
    }
    let whole = ahead.add(behind)?;
    let way = to.sub(from)?.mul_div_wide(ahead, whole, Rounding::Down)?;
    let brings = first.1.sub_or_zero(first.0).mul_div_wide(ahead, whole, Rounding::Down)?;
    Some([from.add(way)?, first.0.add(brings)?])
}
