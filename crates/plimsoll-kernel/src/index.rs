//! The tick index: which accounts may have crossed a line when some nodes moved.
//!
//! For every account the index holds the *box* of nodes inside which floats prove, for every level, that its verdict cannot change
//! (`weigh` has the rule and its proof), and, for each node, ladders of the boxes' ends (`ladder`). A tick touches
//! accounts whose box a node has left, in account order: each is weighed anew, the caller's integers are asked wherever its verdict is not
//! proven to be what it was, and a new box is made. An event is a verdict of integers that differs from the one before; no
//! float decides one.
//!
//! - An account that cannot be proven (within the slack, without a proven row, in need of an unknown node, or so near that its box
//!   is no wider than a key) is *hot*: looked at whenever one of its nodes is named in a tick.
//! - After a jump, accounts are weighed and asked at once, but boxes are made later, some thousands a tick. Until then they are *unarmed*:
//!   weighed at each tick that names one of their nodes.
//! - An update changes one account's line, its box and nothing else.

mod ladder;
mod lines;
mod pool;
mod shape;
mod weigh;

use crate::lower::{Lowering, ONE, Worth, lower};
use crate::panel::MarketRows;
use crate::world::{Layout, World};
use ladder::{Ladder, NEVER, key};
use lines::{Head, Lines};
use plimsoll_core::{Compiled, Node, Why};
use pool::Pool;
use shape::Shapes;
use std::collections::BTreeSet;
use weigh::{Class, Weighed};

/// More levels are refused.
const MOST_LEVELS: usize = 8;
/// When a tick touches more accounts than this, their boxes are made later.
const JUMP: usize = 4096;
/// Boxes made in a tick after a jump.
const ARMED_A_TICK: usize = 4096;
/// What a node is thought to move in a tick before it was seen to (a share of its value), and how many ticks that counts for.
const PACE: f64 = 1e-3;
const PACE_TICKS: f64 = 64.0;
/// Of the fastest pace, the least that a node is given.
const LEAST_PACE: f64 = 1.0 / 1024.0;

/// A line to watch: unhealthy where backing is below requirement x `num` / `den`. Liquidation is 1 / 1, a margin call at a
/// health of 1.1 is 11 / 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What the requirement is multiplied by.
    pub num: u32,
    /// What it is divided by.
    pub den: u32,
}

/// A level as floats.
#[derive(Clone, Copy, Debug)]
struct Line {
    times: f64,
    /// What the slack is multiplied by.
    weight: f64,
}

/// An exact verdict that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Whose.
    pub account: u32,
    /// The place of the level.
    pub level: u8,
    /// What it is now.
    pub unhealthy: bool,
}

/// What a tick took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Accounts that were weighed.
    pub touched: u64,
    /// Verdicts that integers were asked for.
    pub asked: u64,
}

/// Accounts of a book, each with the box in which its verdicts cannot change.
#[derive(Clone, Debug)]
pub struct Index {
    levels: Vec<Line>,
    layout: Layout,
    world: World,
    shapes: Shapes,
    lines: Lines,
    /// For each node, what falls and what rises.
    ladders: Vec<[Ladder; 2]>,
    pool: Pool,
    /// For each node, who is hot.
    hot: Vec<BTreeSet<u32>>,
    /// For each market, who has no proven row.
    opaque: Vec<BTreeSet<u32>>,
    unarmed: Vec<u32>,
    paces: Paces,
    weighed: Weighed,
    fired: Vec<u64>,
    touched: Vec<u32>,
    /// Node, side and key of what an account's new box puts on ladders.
    entries: Vec<(usize, usize, u32)>,
    events: Vec<Event>,
}

/// Whether an account gets its box now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arm {
    Now,
    Later,
}

impl Index {
    /// Without accounts, at a world.
    ///
    /// `None` for no level, more than eight, or one with a zero.
    #[must_use]
    pub fn new(layout: &Layout, world: World, levels: &[Level]) -> Option<Index> {
        let sound = |level: &Level| level.num > 0 && level.den > 0;
        if levels.is_empty() || levels.len() > MOST_LEVELS || !levels.iter().all(sound) {
            return None;
        }
        let line = |level: &Level| {
            let times = f64::from(level.num) / f64::from(level.den);
            Line { times, weight: times.max(1.0) }
        };
        Some(Index {
            levels: levels.iter().map(line).collect(),
            world,
            shapes: Shapes::default(),
            lines: Lines::default(),
            ladders: vec![Default::default(); layout.len()],
            pool: Pool::default(),
            hot: vec![BTreeSet::new(); layout.len()],
            opaque: vec![BTreeSet::new(); layout.markets()],
            unarmed: Vec::new(),
            paces: Paces::new(layout.len()),
            layout: layout.clone(),
            weighed: Weighed::default(),
            fired: Vec::new(),
            touched: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Makes room for so many accounts at once, which makes ticks faster: memory that never has to move can be of huge pages. What
    /// is not used is not held.
    pub fn reserve(&mut self, accounts: u32) {
        self.lines.reserve(accounts as usize);
        self.pool.reserve(accounts as usize * 2);
    }

    /// Nodes became these. `decide` is asked for exact verdicts in the world after the tick: whether an account is unhealthy at a level.
    /// Events come in the order of accounts and levels, until the next call.
    ///
    /// Who is touched in a tick without a jump is a small part of the book; a node that becomes unknown touches all who need it.
    /// The number one and nodes beyond the world's are passed over.
    pub fn tick(
        &mut self,
        moved: &[(u32, Result<Node, Why>)],
        mut decide: impl FnMut(u32, usize) -> bool,
    ) -> (Ticked, &[Event]) {
        self.fired.clear();
        self.touched.clear();
        self.events.clear();
        self.paces.tick();
        let len = self.layout.len();
        let nodes = || moved.iter().filter(|(node, _)| *node != ONE && (*node as usize) < len);
        for (node, to) in nodes() {
            self.moves(*node, to);
        }
        // Once all have moved: a node that is named twice may have gone and come back, and what fires is gone from its ladder.
        for (node, _) in nodes() {
            self.fire(*node);
        }
        // In the order of accounts, so that a jump reads the lines from end to end.
        self.fired.sort_unstable_by_key(|entry| *entry as u32);
        self.lines.retain_live(&mut self.fired);
        self.touched.extend(self.fired.iter().map(|entry| *entry as u32));
        let jump = self.touched.len() > JUMP;
        let arms = self.take_unarmed(moved);
        self.touched.sort_unstable();
        self.touched.dedup();
        let mut ticked = Ticked { touched: self.touched.len() as u64, asked: 0 };
        let touched = std::mem::take(&mut self.touched);
        for (at, account) in touched.iter().enumerate() {
            if let Some(later) = touched.get(at + 4) {
                self.lines.prefetch(*later);
            }
            let Some(head) = self.lines.head(*account) else { continue };
            let later = if head.unarmed { arms.binary_search(account).is_err() } else { jump && !head.hot };
            self.settle(*account, if later { Arm::Later } else { Arm::Now }, &mut decide, &mut ticked.asked);
        }
        self.touched = touched;
        (ticked, &self.events)
    }

    /// Changes what one node is; collects who is hot on it.
    fn moves(&mut self, node: u32, to: &Result<Node, Why>) {
        let place = node as usize;
        let (before, knew) = (self.world.value(node), self.world.known(node));
        self.world.set(node, to);
        self.touched.extend(&self.hot[place]);
        if let Some(opaque) = self.layout.market(node).and_then(|market| self.opaque.get(market)) {
            self.touched.extend(opaque);
        }
        if self.world.known(node) {
            self.paces.moved(node, before, self.world.value(node));
        } else if knew {
            self.touch_all(node);
        }
    }

    /// Collects what a node's ladders fire where it is now. Who needs a node that is unknown is touched without.
    fn fire(&mut self, node: u32) {
        if self.world.known(node) {
            let here = key(self.world.value(node));
            let [falling, rising] = &mut self.ladders[node as usize];
            falling.fire(here, &mut self.pool, &mut self.fired);
            rising.fire(!here, &mut self.pool, &mut self.fired);
        }
    }

    /// Everybody who needs a node.
    fn touch_all(&mut self, node: u32) {
        for account in 0..self.lines.len() {
            let needs = |head: Head| self.shapes.get(head.shape).nodes.binary_search(&node).is_ok();
            if self.lines.head(account).is_some_and(needs) {
                self.touched.push(account);
            }
        }
    }

    /// Adds the unarmed to who is touched: all whose nodes are named, and some whose boxes are made now. These are the answer, in order.
    fn take_unarmed(&mut self, moved: &[(u32, Result<Node, Why>)]) -> Vec<u32> {
        if self.unarmed.is_empty() {
            return Vec::new();
        }
        let lines = &self.lines;
        self.unarmed.retain(|account| lines.head(*account).is_some_and(|head| head.unarmed));
        self.unarmed.sort_unstable();
        self.unarmed.dedup();
        let rest = self.unarmed.len().saturating_sub(ARMED_A_TICK);
        let arms = self.unarmed.split_off(rest);
        self.touched.extend(&arms);
        for account in &self.unarmed {
            let named = |head: Head| {
                let nodes = &self.shapes.get(head.shape).nodes;
                moved.iter().any(|(node, _)| nodes.binary_search(node).is_ok())
            };
            if self.lines.head(*account).is_some_and(named) {
                self.touched.push(*account);
            }
        }
        arms
    }

    /// An account is new, or its rows are others. `decide` is asked as in a tick; the events are this account's.
    ///
    /// `None` when the market is not in the layout, or 128 GB of lines are full: the account is then not watched. Accounts
    /// are numbered from zero without great gaps.
    #[must_use]
    pub fn update(
        &mut self,
        account: u32,
        compiled: &Compiled,
        rows: &MarketRows,
        mut decide: impl FnMut(u32, usize) -> bool,
    ) -> Option<&[Event]> {
        if rows.market as usize >= self.opaque.len() {
            self.remove(account);
            return None;
        }
        self.events.clear();
        self.lines.prefetch(account);
        let mut lowered = match lower(compiled, rows.base, rows.epoch, rows.quanta, Worth::LeftOut) {
            Lowering::NoDebt => return Some(self.remove(account)),
            Lowering::Opaque => None,
            Lowering::Rows(lowered) => Some(lowered),
        };
        let (len, old) = (self.ladders.len(), self.lines.head(account));
        let had = old.map(|old| old.shape);
        let shape = lowered.as_mut().and_then(|lowered| self.shapes.rows(lowered, had, len));
        let shape = shape.unwrap_or_else(|| self.shapes.opaque(rows.market));
        if old.is_none_or(|old| old.shape != shape) {
            self.disarm(account);
            let known = self.shapes.get(shape);
            let head = Head {
                shape,
                verdicts: old.map_or(0, |old| old.verdicts),
                hot: false,
                unarmed: false,
                words: known.words() as u8,
                nodes: known.nodes.len() as u8,
            };
            self.lines.make(account, head)?;
            self.lines.line_mut(account)[1..].fill(0);
        }
        if let Some(lowered) = &lowered
            && self.shapes.get(shape).opaque.is_none()
        {
            let begin = self.shapes.get(shape).coefficients();
            let line = &mut self.lines.line_mut(account)[begin..];
            let (coefficients, slack) = line.split_at_mut(lowered.coefficients.len());
            for (word, coefficient) in coefficients.iter_mut().zip(&lowered.coefficients) {
                *word = coefficient.to_bits();
            }
            for (word, pair) in slack.iter_mut().zip(lowered.slack.chunks(2)) {
                let half = |place: usize| pair.get(place).map_or(0, |(_, slack)| lines::rounded_up(*slack));
                *word = u64::from(half(0)) | u64::from(half(1)) << 32;
            }
        }
        self.settle(account, Arm::Now, &mut decide, &mut 0);
        Some(&self.events)
    }

    /// An account is gone, or owes nothing: healthy at every level.
    pub fn remove(&mut self, account: u32) -> &[Event] {
        self.events.clear();
        if let Some(head) = self.lines.head(account) {
            self.disarm(account);
            self.lines.remove(account);
            for level in (0..self.levels.len() as u8).filter(|level| head.verdicts >> level & 1 == 1) {
                self.events.push(Event { account, level, unhealthy: false });
            }
        }
        &self.events
    }

    /// Weighs an account, asks what is not proven to be as it was, and makes its box.
    fn settle(
        &mut self,
        account: u32,
        arm: Arm,
        decide: &mut impl FnMut(u32, usize) -> bool,
        asked: &mut u64,
    ) {
        let Some(mut head) = self.lines.head(account) else { return };
        let shape = self.shapes.get(head.shape);
        // Without nodes there is nothing by which an unarmed one would be found.
        let arm = if shape.opaque.is_some() { Arm::Now } else { arm };
        self.weighed.weigh(shape, self.lines.line(account), &self.world, &self.paces.paces, &self.levels);
        for (level, class) in self.weighed.classes.iter().flatten().enumerate() {
            let was = head.verdicts >> level & 1 == 1;
            let proven = match class {
                Class::Clear => Some(false),
                Class::Below => Some(true),
                Class::Undecided => None,
            };
            if proven == Some(was) {
                continue;
            }
            *asked += 1;
            let unhealthy = decide(account, level);
            if unhealthy != was {
                head.verdicts ^= 1 << level;
                self.events.push(Event { account, level: level as u8, unhealthy });
            }
        }
        let hot = self.weighed.near && arm == Arm::Now;
        if hot != head.hot {
            self.set_hot(account, head.shape, hot);
        }
        if arm == Arm::Later && !head.unarmed {
            self.unarmed.push(account);
        }
        (head.hot, head.unarmed) = (hot, arm == Arm::Later);
        self.lines.set_head(account, head);
        if hot || arm == Arm::Later {
            self.weighed.boxes.fill(0);
        }
        self.arm(account, head);
    }

    /// Sets an account's box to the one weighed; a side whose key is another gets an entry. A side that is a little nearer than it need be
    /// stays: it is as true, and costs no entry.
    fn arm(&mut self, account: u32, head: Head) {
        let nodes = &self.shapes.get(head.shape).nodes;
        for (at, (node, new)) in nodes.iter().zip(&self.weighed.boxes).enumerate() {
            let word = 1 + at;
            let old = self.lines.line(account)[word];
            if old == *new {
                continue;
            }
            let here = key(self.world.value(*node));
            let (old, new) = ([old as u32, (old >> 32) as u32], [*new as u32, (*new >> 32) as u32]);
            let mut set = new;
            for side in 0..2 {
                if keeps(old[side], new[side], if side == 0 { here } else { !here }) {
                    set[side] = old[side];
                }
            }
            self.lines.line_mut(account)[word] = u64::from(set[0]) | u64::from(set[1]) << 32;
            for (side, ladder) in self.ladders[*node as usize].iter_mut().enumerate() {
                if set[side] == old[side] {
                    continue;
                }
                ladder.live = ladder.live + u32::from(set[side] != NEVER) - u32::from(old[side] != NEVER);
                if set[side] != NEVER {
                    ladder.prefetch_rung(set[side]);
                    self.entries.push((*node as usize, side, set[side]));
                }
            }
        }
        // Each entry goes to a place of its own far away: all are asked for before the first is written.
        for &(node, side, key) in &self.entries {
            self.ladders[node][side].prefetch_chunk(key, &self.pool);
        }
        for (node, side, key) in self.entries.drain(..) {
            self.ladders[node][side]
                .push(key, account, &mut self.pool, |entries| self.lines.retain_live(entries));
        }
    }

    /// An account's entries become stale, and it is not hot.
    fn disarm(&mut self, account: u32) {
        let Some(mut head) = self.lines.head(account) else { return };
        if head.hot {
            self.set_hot(account, head.shape, false);
        }
        (head.hot, head.unarmed) = (false, false);
        self.lines.set_head(account, head);
        self.weighed.boxes.clear();
        self.weighed.boxes.resize(usize::from(head.nodes), 0);
        self.arm(account, head);
    }

    fn set_hot(&mut self, account: u32, shape: u32, hot: bool) {
        let shape = self.shapes.get(shape);
        let of_nodes = shape.nodes.iter().map(|node| *node as usize);
        let lists: &mut Vec<BTreeSet<u32>> =
            if shape.opaque.is_some() { &mut self.opaque } else { &mut self.hot };
        for list in of_nodes.chain(shape.opaque.map(|market| market as usize)) {
            if hot {
                lists[list].insert(account);
            } else {
                lists[list].remove(&account);
            }
        }
    }

    /// The verdicts of an account: bit n is set when it is unhealthy at level n.
    #[must_use]
    pub fn verdicts(&self, account: u32) -> u8 {
        self.lines.head(account).map_or(0, |head| head.verdicts)
    }

    /// Bytes of lines and ladders.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ladders: usize = self.ladders.iter().flatten().map(Ladder::bytes).sum();
        self.lines.bytes() + self.pool.bytes() + ladders + self.shapes.bytes()
    }
}

/// Whether a side of a box may stay where it is: inside the new one, and not by more than a quarter of its width.
fn keeps(old: u32, new: u32, here: u32) -> bool {
    new != NEVER && old >= new && old < here && u64::from(here - old) * 4 >= u64::from(here - new) * 3
}

/// How much each node moves in a tick. It only shares out room between nodes: no answer depends on it.
#[derive(Clone, Debug)]
struct Paces {
    /// Relative to nothing in particular, and above zero.
    paces: Vec<f64>,
    /// For each node, the sum of the squares of its relative moves.
    squares: Vec<f64>,
    ticks: u64,
}

impl Paces {
    fn new(nodes: usize) -> Paces {
        Paces { paces: vec![PACE; nodes], squares: vec![0.0; nodes], ticks: 0 }
    }

    /// Now and then, all paces are set anew.
    fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(1024) {
            let ticks = self.ticks as f64 + PACE_TICKS;
            for (pace, squares) in self.paces.iter_mut().zip(&self.squares) {
                *pace = ((squares + PACE_TICKS * PACE * PACE) / ticks).sqrt();
            }
            let least = self.paces.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * LEAST_PACE;
            for pace in &mut self.paces {
                *pace = pace.max(least);
            }
        }
    }

    fn moved(&mut self, node: u32, before: f64, now: f64) {
        if before > 0.0 {
            let moved = ((now - before) / before).clamp(-1.0, 1.0);
            self.squares[node as usize] += moved * moved;
        }
    }
}
