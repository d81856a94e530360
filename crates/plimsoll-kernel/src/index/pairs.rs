//! Pair ladders: accounts of one kind of backing and one of requirement, in the order of their ratios.
//!
//! Such an account's row at a level m is R = c v - m d w = d v (q - y). Its ratio q = c / d changes with an update alone, and
//! y = m w / v is the same for all accounts of a shape. So they are put in the order of q once, for all levels; a tick looks at
//! those between where y was and where it is, and makes nothing anew: one account is looked at for one that crosses.
//!
//! **Proof.** With T = rho G + max(1, m) kappa as in [`super::weigh`], whole coefficients in place of halves, and G = d v (q + y): let eps be
//! no less than kappa / (d w) and `worst` no less than max(1, 1 / m), so that max(1, m) kappa <= d v y eps worst, and
//! off = rho + eps worst <= 1/8. Then R >= T wherever q (1 - rho) >= y (1 + off), and R < -T wherever q (1 + rho) < y (1 - off): so from
//! q >= y (1 + theta) on and up to q <= y (1 - theta), for any theta >= 2 off / (1 - off); theta is 3 off. What is left, more than 0.7 off, is
//! above 58u, as rho is 84u and more, and more than the dozen roundings of q, y and the ends. kappa / (d w) is the sum
//! of (s / d) (node / w) over the nodes of the slack; for s / d stands the greatest of all accounts that are or were in the order.
//!
//! Keys are those of ladders, rounded down alike for q and for both ends: whose key is below the lower end's is below, whose is
//! above the upper end's is clear, whose is between is *undecided*. Where a node is unknown or zero, or off above 1/8, everybody is.
//!
//! Who is neither undecided where y was, nor where it is, nor between, is proven to be what he was; all others are seen to.

use super::Line;
use super::ladder::{entry, key};
use super::order::Order;
use super::shape::Shape;
use super::weigh::Class;
use crate::lower::{Lowered, RAISE};
use crate::world::World;

/// Who has more slack than this part of his requirement is no pair: he would make many others undecided.
const MOST_SLACK: f64 = 1.0 / (1 << 24) as f64;
/// A ratio outside of these is none: its products might leave the floats.
const RATIOS: std::ops::RangeInclusive<f64> = 1e-150..=1e150;
/// Everybody's key.
const ALL: [u32; 2] = [0, u32::MAX];
/// Nothing is known to be free.
const NOTHING: [u32; 2] = [u32::MAX, 0];
/// The shape has no group.
const NO_GROUP: u32 = u32::MAX;

/// A level of a group.
#[derive(Clone, Copy, Debug)]
struct Zone {
    /// The least and the greatest key of which floats cannot tell.
    undecided: [u32; 2],
    /// No entry lies strictly between.
    free: [u32; 2],
}

/// Accounts of a shape.
#[derive(Clone, Debug)]
struct Group {
    backing: u32,
    requirement: u32,
    rho: f64,
    /// Node and the most slack on it, for one of the requirement's coefficient.
    slack: Vec<(u32, f64)>,
    zones: Vec<Zone>,
    /// The tick that saw to it last.
    seen: u64,
    order: Order,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    groups: Vec<Group>,
    /// Each shape's.
    of_shape: Vec<u32>,
    /// For each node, the groups that need it.
    of_node: Vec<Vec<u32>>,
    /// By level, what the requirement is multiplied by.
    times: Vec<f64>,
    worst: f64,
    ticks: u64,
}

impl Pairs {
    pub(super) fn new(nodes: usize, levels: &[Line]) -> Pairs {
        let times: Vec<f64> = levels.iter().map(|level| level.times).collect();
        let worst = times.iter().map(|times| 1.0 / times).fold(1.0, f64::max) * RAISE;
        let of_node = vec![Vec::new(); nodes];
        Pairs { groups: Vec::new(), of_shape: Vec::new(), of_node, times, worst, ticks: 0 }
    }

    pub(super) fn tick(&mut self) {
        self.ticks += 1;
    }

    /// Puts an account of a shape of pairs in its order; its key. `None` where it must have a box: its slack is much beside
    /// its debt, or a node is unknown.
    pub(super) fn insert(
        &mut self,
        number: u32,
        shape: Shape<'_>,
        lowered: &Lowered,
        account: u32,
        world: &World,
    ) -> Option<u32> {
        let ([c, d], Some([_, requirement])) = (&lowered.coefficients[..], shape.pair()) else { return None };
        let (ratio, d) = (c / d.abs(), d.abs());
        let known = |node: &u32| world.known(*node) && world.value(*node) > 0.0;
        if !RATIOS.contains(&ratio) || !shape.nodes.iter().all(known) {
            return None;
        }
        let requirement = world.value(requirement);
        let alone = lowered.slack.iter().map(|(node, slack)| slack / d * (world.value(*node) / requirement));
        let off = alone.sum::<f64>() * self.worst;
        if off.is_nan() || off > MOST_SLACK {
            return None;
        }
        let at = self.group(number, shape, lowered, world)?;
        let group = &mut self.groups[at];
        let mut more = false;
        for ((_, most), (_, slack)) in group.slack.iter_mut().zip(&lowered.slack) {
            let slack = slack / d * RAISE;
            more |= slack > *most;
            *most = most.max(slack);
        }
        if more {
            // In the same world no zone becomes narrower by more slack.
            for level in 0..self.times.len() {
                let undecided = group.undecided(world, self.times[level], self.worst);
                group.zones[level] = Zone { undecided, free: NOTHING };
            }
        }
        let key = key(ratio);
        for zone in &mut group.zones {
            if key < zone.undecided[0] {
                zone.free[0] = zone.free[0].max(key);
            } else if key > zone.undecided[1] {
                zone.free[1] = zone.free[1].min(key);
            } else {
                zone.free = NOTHING;
            }
        }
        group.order.insert(entry(key, account));
        Some(key)
    }

    /// A shape's group, which is made where there is none.
    fn group(&mut self, number: u32, shape: Shape<'_>, lowered: &Lowered, world: &World) -> Option<usize> {
        let number = number as usize;
        if self.of_shape.len() <= number {
            self.of_shape.resize(number + 1, NO_GROUP);
        }
        if self.of_shape[number] == NO_GROUP {
            let at = self.groups.len() as u32;
            let [backing, requirement] = shape.pair()?;
            let mut group = Group {
                backing,
                requirement,
                rho: shape.rho(),
                slack: lowered.slack.iter().map(|(node, _)| (*node, 0.0)).collect(),
                zones: Vec::new(),
                seen: 0,
                order: Order::default(),
            };
            let zone =
                |times: &f64| Zone { undecided: group.undecided(world, *times, self.worst), free: NOTHING };
            group.zones = self.times.iter().map(zone).collect();
            self.groups.push(group);
            self.of_shape[number] = at;
            for node in shape.nodes {
                self.of_node[*node as usize].push(at);
            }
        }
        Some(self.of_shape[number] as usize)
    }

    pub(super) fn remove(&mut self, shape: u32, key: u32, account: u32) {
        let group = &mut self.groups[self.of_shape[shape as usize] as usize];
        group.order.remove(entry(key, account));
        if group.order.is_empty() {
            for (_, most) in &mut group.slack {
                *most = 0.0;
            }
        }
    }

    /// What is proven of an account whose verdicts are up to date.
    pub(super) fn class(&self, shape: u32, key: u32, level: usize) -> Class {
        self.groups[self.of_shape[shape as usize] as usize].zones[level].class(key)
    }

    /// Looks at all who may have crossed since a node that is named in this tick moved: `ask` gets account and level where floats
    /// do not prove the verdict that the account has. How many were looked at.
    pub(super) fn moved(
        &mut self,
        node: u32,
        world: &World,
        verdicts: &[u8],
        mut ask: impl FnMut(u32, usize),
    ) -> u64 {
        let mut seen = 0;
        for &number in &self.of_node[node as usize] {
            let group = &mut self.groups[number as usize];
            if std::mem::replace(&mut group.seen, self.ticks) == self.ticks {
                continue;
            }
            for (level, times) in self.times.iter().enumerate() {
                let now = group.undecided(world, *times, self.worst);
                let zone = &mut group.zones[level];
                let was = std::mem::replace(&mut zone.undecided, now);
                let range = [was[0].min(now[0]), was[1].max(now[1])];
                if range[0] > zone.free[0] && range[1] < zone.free[1] {
                    continue;
                }
                let mut free = [0, u32::MAX];
                let mut class_of = |key: u32| match zone.class(key) {
                    Class::Below => {
                        free[0] = key;
                        Some(true)
                    }
                    Class::Clear => {
                        free[1] = free[1].min(key);
                        Some(false)
                    }
                    Class::Undecided => None,
                };
                let mut undecided = false;
                let [below, above] = group.order.between(range, |entry| {
                    seen += 1;
                    let (key, account) = ((entry >> 32) as u32, entry as u32);
                    let proven = class_of(key);
                    undecided |= proven.is_none();
                    if proven != Some(verdicts[account as usize] >> level & 1 == 1) {
                        ask(account, level);
                    }
                });
                free = [free[0].max(below.unwrap_or(0)), free[1].min(above.unwrap_or(u32::MAX))];
                zone.free = if undecided { NOTHING } else { free };
            }
        }
        seen
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |group: &Group| {
            size_of::<Group>()
                + group.order.bytes()
                + group.slack.len() * size_of::<(u32, f64)>()
                + group.zones.len() * size_of::<Zone>()
        };
        let lists: usize = self.of_node.iter().map(|list| list.len() * 4 + size_of::<Vec<u32>>()).sum();
        self.groups.iter().map(of).sum::<usize>() + self.of_shape.len() * 4 + lists
    }
}

impl Group {
    /// The least and the greatest key of which floats cannot tell at a level.
    fn undecided(&self, world: &World, times: f64, worst: f64) -> [u32; 2] {
        let (v, w) = (world.value(self.backing), world.value(self.requirement));
        let slack: f64 = self.slack.iter().map(|(node, most)| most * world.proving(*node)).sum();
        let off = self.rho + slack / w * worst * RAISE;
        // Not a number is not small, either.
        if !(off <= 1.0 / 8.0 && v > 0.0 && w > 0.0) {
            return ALL;
        }
        let y = times * (w / v);
        [key(y * (1.0 - 3.0 * off)), key(y * (1.0 + 3.0 * off))]
    }
}

impl Zone {
    fn class(&self, key: u32) -> Class {
        match self.undecided {
            [least, _] if key < least => Class::Below,
            [_, most] if key > most => Class::Clear,
            _ => Class::Undecided,
        }
    }
}
