//! What floats prove of an account at a world, and how far each node may move before the proof ends.
//!
//! **Levels.** A level m multiplies the requirement: its row is (backing - hinges) - m requirement. What backing less hinges is
//! off and what the requirement is off come to the form's slack together, so the level's slack is max(1, m) times it.
//!
//! **The class** is that of [`crate::lower`]: R >= T is clear, R < -T is below, else only integers can tell; with
//! T = rho G + max(1, m) kappa. Its proof holds for a sum in any order. Beside what is counted there, m is within 5u of its
//! number and multiplies once, each product is rounded alone: (n + 23)u(1 + 2^-20) G is enough, and `rho` is
//! (2n + 80)u (1 + 2^-20). What is left, more than 48u G, is used below. Slack words are rounded up.
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
//! *Rounding.* fall and rise are within 4u (up + down) + 4u s w of their numbers: rho covers the first, and a is lowered by
//! 2^-20 of itself, which covers the second, its own rounding and that of the sum. An end is within 3u v_j of its number, and v and the new
//! value within 2u and 2u of the nodes': together they are a move of 8u at most beyond a_j, which takes less than
//! 8u(1 + 2^-20) G from the row: it was left in rho above, as were node errors of 2u of a node that moves, once more.

use super::ladder::{NEVER, key};
use super::lines::half;
use super::shape::Shape;
use super::{Line, MOST_LEVELS};
use crate::lower::{Begins, LEAST_SLACK, RAISE};
use crate::world::World;

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
    sums: Vec<[f64; 4]>,
    /// Of each node: slack, and how far it may fall and rise.
    slack: Vec<f64>,
    falls: Vec<f64>,
    rises: Vec<f64>,
    pulls: Vec<(f64, f64)>,
}

impl Weighed {
    /// Weighs a line; where something that it needs is unknown or no float, every class is undecided.
    pub(super) fn weigh(
        &mut self,
        shape: &Shape,
        line: &[u64],
        world: &World,
        paces: &[f64],
        levels: &[Line],
    ) {
        self.near = true;
        self.boxes.clear();
        self.boxes.resize(shape.nodes.len(), 0);
        self.classes = [None; MOST_LEVELS];
        self.classes[..levels.len()].fill(Some(Class::Undecided));
        if shape.opaque.is_some() || !shape.nodes.iter().all(|node| world.known(*node)) {
            return;
        }
        let kappa = self.sum_up(shape, line, world);
        self.near = shape.nodes.iter().any(|node| world.value(*node) <= 0.0);
        for (place, level) in levels.iter().enumerate() {
            self.classes[place] = Some(self.level(shape, line, world, paces, level, kappa));
        }
        if !self.near {
            self.round(shape, world);
        }
    }

    /// Sums each node's terms; the slack in this world.
    fn sum_up(&mut self, shape: &Shape, line: &[u64], world: &World) -> f64 {
        let nodes = shape.nodes.len();
        for (list, start) in
            [(&mut self.slack, 0.0), (&mut self.falls, 1.0), (&mut self.rises, f64::INFINITY)]
        {
            list.clear();
            list.resize(nodes + 1, start);
        }
        self.sums.clear();
        self.sums.resize(nodes + 1, [0.0; 4]);
        let value = |at: u8| shape.nodes.get(usize::from(at)).map_or(1.0, |node| world.value(*node));
        for (term, word) in shape.terms.iter().zip(&line[shape.coefficients()..]) {
            let product = f64::from_bits(*word).abs() * value(term.at);
            self.sums[usize::from(term.at)][term.side as usize] += product;
        }
        let words = &line[shape.coefficients() + shape.terms.len()..];
        let mut kappa = LEAST_SLACK;
        for (n, at) in shape.slack.iter().enumerate() {
            let slack = half(words[n / 2], n % 2 == 1) * value(*at);
            self.slack[usize::from(*at)] += slack;
            kappa += slack;
        }
        kappa
    }

    /// One level's class; what it leaves the nodes lowers what they may do.
    fn level(
        &mut self,
        shape: &Shape,
        line: &[u64],
        world: &World,
        paces: &[f64],
        level: &Line,
        kappa: f64,
    ) -> Class {
        let (mut row, mut gross) = (0.0, 0.0);
        self.pulls.clear();
        for sums in &self.sums {
            let (up, down) = (sums[0] + level.times * sums[1], sums[2] + level.times * sums[3]);
            self.pulls.push((up, down));
            row += up - down;
            gross += up + down;
        }
        if !shape.plain {
            row = lowest(shape, line, world, level.times);
        }
        let bound = (shape.rho * gross + kappa * level.weight) * RAISE;
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
        let room = row.abs() - bound;
        let mut taken = 0.0;
        for (at, node) in shape.nodes.iter().enumerate() {
            let (up, down) = self.pulls[at];
            let (up, down) = if class == Class::Clear { (up, down) } else { (down, up) };
            let rounding = shape.rho * (up + down);
            let helps = if shape.plain { (down, up) } else { (0.0, 0.0) };
            let fall = (up - helps.0 + rounding).max(0.0);
            let rise = (down - helps.1 + rounding + level.weight * self.slack[at]).max(0.0);
            self.pulls[at] = (fall, rise);
            taken += fall.max(rise) * paces[*node as usize];
        }
        let share = if taken > 0.0 { room / taken * (1.0 - 1.0 / 1_048_576.0) } else { f64::INFINITY };
        for (at, node) in shape.nodes.iter().enumerate() {
            let (fall, rise) = self.pulls[at];
            let most = share * paces[*node as usize];
            if fall > 0.0 {
                self.falls[at] = self.falls[at].min(most);
            }
            if rise > 0.0 {
                self.rises[at] = self.rises[at].min(most);
            }
        }
        class
    }

    /// The box's ends as keys. What rises is complemented: see [`super::ladder`].
    fn round(&mut self, shape: &Shape, world: &World) {
        for (at, node) in shape.nodes.iter().enumerate() {
            let value = world.value(*node);
            let here = key(value);
            let low = match 1.0 - self.falls[at] {
                left if left > 0.0 => key(value * left).max(1),
                _ => NEVER,
            };
            let high = match value * (1.0 + self.rises[at]) {
                end if end.is_finite() => !key(end),
                _ => NEVER,
            };
            self.near |= low >= here || high >= !here;
            self.boxes[at] = u64::from(low) | u64::from(high) << 32;
        }
    }
}

/// The lowest of an account's rows at a level.
fn lowest(shape: &Shape, line: &[u64], world: &World, times: f64) -> f64 {
    let (mut lowest, mut row, mut hinge) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
    let mut in_hinge = false;
    for (term, word) in shape.terms.iter().zip(&line[shape.coefficients()..]) {
        match term.begins {
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
        let value = shape.nodes.get(usize::from(term.at)).map_or(1.0, |node| world.value(*node));
        let product = f64::from_bits(*word) * value * if term.owed { times } else { 1.0 };
        *(if in_hinge { &mut hinge } else { &mut row }) += product;
    }
    lowest.min(row - hinge.max(0.0))
}
