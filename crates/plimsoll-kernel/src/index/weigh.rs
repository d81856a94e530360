//! What floats prove of an account at a world, and how far each node may move before the proof ends.
//!
//! **Levels.** A level m multiplies the requirement: its row is (backing - hinges) - m requirement. What backing less hinges is
//! off and what the requirement is off come to the form's slack together, so the level's slack is max(1, m) times it.
//!
//! **The class** is that of [`crate::lower`]: R >= T is clear, R < -T is below, else only integers can tell; with
//! T = rho G + max(1, m) kappa. Its proof holds for a sum in any order. A line keeps the upper half of each coefficient, rounded to the nearest: that is off by
//! h = 2^-21 of it at most, and h (1 + 2^-20) G takes it up, for G is computed from the same halves. Beside that and what is counted there, m is within 5u of its
//! number and multiplies once, each product is rounded alone: (n + 23)u(1 + 2^-20) G is enough, and `rho` is
//! h + (2n + 80)u (1 + 2^-20). What is left, more than 48u G, is used below. Slack is rounded up.
//!
//! **The box.** Let w be the nodes at which the account is weighed, all above zero and known, and F = R - T >= 0 (clear).
//! When node j becomes w_j (1 + x_j), the real row less the real slack, node errors included, is lower by no more than the sum of
//! what each node takes:
//!
//! ```text
//! falling, -x_j fall_j    fall_j = up_j - down_j + rho (up_j + down_j)
//! rising,   x_j rise_j    rise_j = down_j - up_j + rho (up_j + down_j) + max(1, m) s_j w_j
//! ```
//!
//! where `up` is the sum of absolute terms with which the row rises, `down` with which it falls, `s` the slack; a
//! side below zero takes nothing. This is linearity for one row without hinges: the slack can only shrink when a node falls. Where there
//! are hinges or several rows, terms that help may stand in another row or in a hinge that is not open; there `fall` is
//! `up`, and `rise` `down` beside slack and rounding, without what helps. For max(0, h) moves by no more than h, and the lowest of rows by no
//! more than the row that moves most. For below, F = -R - T, `up` and `down` change places.
//!
//! So while each node has moved by less than a_j on the sides that take something, and sum of max(fall_j, rise_j) a_j <= F,
//! the class is proven still, whatever the nodes do together. a_j = F p_j / sum of max(fall, rise) p, for any p > 0: the *pace*,
//! how much the node has moved of late, so that what hardly moves takes little of the room. Of several levels the nearest
//! counts. The box ends at v_j (1 -+ a_j).
//!
//! *Rounding.* fall and rise are within 4u (up + down) + 4u s w of their numbers, and the halves' h (up + down): rho covers both; a is lowered by
//! 2^-20 of itself, which covers what is off beside the slack, its own rounding and that of the sum. An end is within 3u v_j of its number, and v and the new
//! value within 2u and 2u of the nodes': together they are a move of 8u at most beyond a_j, which takes less than
//! 8u(1 + 2^-20) G from the row: it was left in rho above, as were node errors of 2u of a node that moves, once more.

use super::ladder::{NEVER, key};
use super::shape::Shape;
use super::{Line, MOST_LEVELS};
use crate::lower::{Begins, LEAST_SLACK, Lowered, RAISE};
use crate::world::World;

/// What the upper half of a float is off by, and a little more.
const HALF: f64 = RAISE / (1 << 21) as f64;

/// What is proven of an account at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Clear,
    Below,
    Undecided,
}

/// An account, weighed.
#[derive(Clone, Debug, Default)]
pub(super) struct Weighed {
    /// By level.
    pub(super) classes: [Option<Class>; MOST_LEVELS],
    /// The keys of its box, as words of its line.
    pub(super) boxes: Vec<u64>,
    /// A side of the box is where the node stands already.
    pub(super) near: bool,
    /// The account's line.
    pub(super) line: Vec<u64>,
    nodes: Vec<At>,
}

/// A node of an account.
#[derive(Clone, Copy, Debug)]
struct At {
    value: f64,
    pace: f64,
    /// By [`super::shape::Side`].
    sums: [f64; 4],
    slack: f64,
    /// What the row rises and falls with at a level.
    pulls: [f64; 2],
    /// What a level takes where it falls and where it rises.
    takes: [f64; 2],
    /// How far it may fall and rise at every level.
    may: [f64; 2],
}

impl Weighed {
    /// Weighs the line; where something that it needs is unknown or no float, every class is undecided.
    pub(super) fn weigh(&mut self, shape: Shape<'_>, world: &World, paces: &[f64], levels: &[Line]) {
        self.near = true;
        self.boxes.clear();
        self.boxes.resize(shape.nodes.len(), 0);
        self.classes = [None; MOST_LEVELS];
        self.classes[..levels.len()].fill(Some(Class::Undecided));
        self.nodes.clear();
        self.nodes
            .extend(shape.nodes.iter().map(|node| At::new(world.proving(*node), paces[*node as usize])));
        let (least, known) = self.nodes.iter().fold((f64::INFINITY, true), |(least, known), at| {
            (least.min(at.value), known & !at.value.is_nan())
        });
        if shape.is_opaque() || !known {
            return;
        }
        // The number one, which does not move.
        self.nodes.push(At::new(1.0, 0.0));
        let kappa = self.sum_up(shape);
        self.near = least <= 0.0;
        for (place, level) in levels.iter().enumerate() {
            self.classes[place] = Some(self.level(shape, level, kappa));
        }
        if !self.near {
            self.round();
        }
    }

    /// Sums each node's terms; the slack in this world.
    fn sum_up(&mut self, shape: Shape<'_>) -> f64 {
        let words = &self.line[shape.nodes.len()..];
        for (n, term) in shape.terms().enumerate() {
            let at = &mut self.nodes[term.at()];
            at.sums[term.side()] += half(words, n) * at.value;
        }
        let mut kappa = LEAST_SLACK;
        for (n, at) in shape.slack().enumerate() {
            let at = &mut self.nodes[at];
            let slack = quarter(words, 2 * shape.terms().len() + n) * at.value;
            at.slack += slack;
            kappa += slack;
        }
        kappa
    }

    /// One level's class; what it leaves the nodes lowers what they may do.
    fn level(&mut self, shape: Shape<'_>, level: &Line, kappa: f64) -> Class {
        let (mut row, mut gross) = (0.0, 0.0);
        for at in &mut self.nodes {
            let [up, down] = at.pull(level);
            row += up - down;
            gross += up + down;
        }
        let plain = shape.is_plain();
        if !plain {
            row = self.lowest(shape, level.times);
        }
        let rho = shape.rho() + HALF;
        let bound = (rho * gross + kappa * level.weight) * RAISE;
        let class = match (row >= bound, row < -bound) {
            _ if !gross.is_finite() || !bound.is_finite() => Class::Undecided,
            (true, _) => Class::Clear,
            (_, true) => Class::Below,
            _ => Class::Undecided,
        };
        if class == Class::Undecided {
            self.near = true;
            return class;
        }
        let helps = if plain { 1.0 } else { 0.0 };
        let mut taken = 0.0;
        for at in &mut self.nodes {
            let [up, down] = at.pulls;
            let [up, down] = if class == Class::Clear { [up, down] } else { [down, up] };
            let rounding = rho * (up + down);
            let fall = up - helps * down + rounding;
            let rise = down - helps * up + rounding + level.weight * at.slack;
            at.takes = [fall, rise];
            taken += fall.max(rise).max(0.0) * at.pace;
        }
        let room = (row.abs() - bound) * (1.0 - 1.0 / 1_048_576.0);
        let share = if taken > 0.0 { room / taken } else { f64::INFINITY };
        for at in &mut self.nodes {
            let most = share * at.pace;
            for (takes, may) in at.takes.iter().zip(&mut at.may) {
                *may = if *takes > 0.0 { may.min(most) } else { *may };
            }
        }
        class
    }

    /// The lowest of the account's rows at a level.
    fn lowest(&self, shape: Shape<'_>, times: f64) -> f64 {
        let (mut lowest, mut row, mut hinge) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
        let mut in_hinge = false;
        for (n, term) in shape.terms().enumerate() {
            match term.begins() {
                Begins::Row => {
                    lowest = lowest.min(row - hinge.max(0.0));
                    (row, hinge, in_hinge) = (0.0, 0.0, false);
                }
                Begins::Hinge => {
                    row -= hinge.max(0.0);
                    (hinge, in_hinge) = (0.0, true);
                }
                Begins::Nothing => {}
            }
            let size = half(&self.line[shape.nodes.len()..], n) * self.nodes[term.at()].value;
            let product = if term.negative() { -size } else { size } * if term.owed() { times } else { 1.0 };
            *(if in_hinge { &mut hinge } else { &mut row }) += product;
        }
        lowest.min(row - hinge.max(0.0))
    }

    /// The box's ends as keys. What rises is complemented: see [`super::ladder`].
    fn round(&mut self) {
        for (ends, at) in self.boxes.iter_mut().zip(&self.nodes) {
            let here = key(at.value);
            let [fall, rise] = at.may;
            let low = match 1.0 - fall {
                left if left > 0.0 => key(at.value * left).max(1),
                _ => NEVER,
            };
            let high = match at.value * (1.0 + rise) {
                end if end.is_finite() => !key(end),
                _ => NEVER,
            };
            self.near |= low >= here || high >= !here;
            *ends = u64::from(low) | u64::from(high) << 32;
        }
    }
}

impl At {
    fn new(value: f64, pace: f64) -> At {
        At {
            value,
            pace,
            sums: [0.0; 4],
            slack: 0.0,
            pulls: [0.0; 2],
            takes: [0.0; 2],
            may: [1.0, f64::INFINITY],
        }
    }

    /// What the row rises with at a level, and what it falls with.
    fn pull(&mut self, level: &Line) -> [f64; 2] {
        let [backing_up, owed_up, backing_down, owed_down] = self.sums;
        self.pulls = [backing_up + level.times * owed_up, backing_down + level.times * owed_down];
        self.pulls
    }
}

/// The upper half of a float that stands at a place, counted in halves.
fn half(words: &[u64], at: usize) -> f64 {
    f64::from_bits(words[at / 2] >> (at % 2 * 32) << 32)
}

/// The upper quarter of a float that stands at a place, counted in quarters.
fn quarter(words: &[u64], at: usize) -> f64 {
    f64::from_bits(words[at / 4] >> (at % 4 * 16) << 48)
}

/// Coefficients, rounded to the nearest half, and slack, rounded up to a quarter: what stands in a line behind its box.
pub(super) fn line_of(lowered: &Lowered, into: &mut Vec<u64>) {
    let halves = lowered.coefficients.iter().map(|c| (c.abs().to_bits() + (1 << 31)) >> 32);
    let quarters = halves.flat_map(|half| [half & 0xffff, half >> 16]);
    let quarters = quarters.chain(lowered.slack.iter().map(|(_, slack)| rounded_up(*slack)));
    into.clear();
    for (n, quarter) in quarters.enumerate() {
        if n % 4 == 0 {
            into.push(0);
        }
        if let Some(word) = into.last_mut() {
            *word |= quarter << (n % 4 * 16);
        }
    }
}

/// The slack in a quarter of a word: no less than it is.
fn rounded_up(slack: f64) -> u64 {
    if slack > 0.0 { (slack.to_bits() >> 48) + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halves are as near as 21 bits are, quarters never less than what they stand for, and each stands at its place.
    #[test]
    fn a_line_is_near_what_it_stands_for() {
        let coefficients = vec![1.0, -3.3e22, 7.123_456_789e-150, 0.0, 1.0 - 1e-16];
        let sizes = [1e-290, 0.1, 1.0, 3.0, 1e22, 1.234_567_89e100];
        let slack = sizes.iter().map(|size| (7, *size)).collect();
        let lowered = Lowered { coefficients: coefficients.clone(), slack, ..Lowered::default() };
        let mut words = Vec::new();
        line_of(&lowered, &mut words);
        assert_eq!(words.len(), (2 * coefficients.len() + sizes.len()).div_ceil(4));
        for (n, coefficient) in coefficients.iter().enumerate() {
            let off = half(&words, n) - coefficient.abs();
            assert!(off.abs() <= coefficient.abs() / f64::from(1 << 21), "{coefficient} off by {off}");
        }
        for (n, size) in sizes.iter().enumerate() {
            let back = quarter(&words, 2 * coefficients.len() + n);
            assert!(back >= *size && back <= size * 1.07, "{size} {back}");
        }
    }
}
