//! The tick index: which accounts may have crossed a line when some nodes moved.
//!
//! For every account the index holds what proves, for every level, that its verdict cannot have changed:
//!
//! - Of one kind of backing and one of requirement: its ratio, in an order that all accounts of its shape share (`pairs`). A tick looks at
//!   those between where the nodes' own ratio was and where it is.
//! - Of any other: the *box* of nodes inside which floats prove it (`weigh` has the rule and its proof), and, for each node, ladders of the
//!   boxes' ends (`ladder`). A tick touches accounts whose box a node has left: each is weighed anew, and a new box is made.
//! - What cannot be proven (within the slack, without a proven row, in need of an unknown node, or so near that its box
//!   is no wider than a key) is *hot*: looked at whenever one of its nodes is named in a tick.
//!
//! The caller's integers are asked wherever a verdict is not proven to be what it was. An event is a verdict of integers that
//! differs from the one before; no float decides one.
//!
//! After a jump, accounts are weighed and asked at once, but boxes are made later, some thousands a tick. Until then they are *unarmed*:
//! weighed at each tick that names one of their nodes. An update changes one account's line or place in an order, and nothing else.
//!
//! Nodes are given once, in the [`Layout`]: room for markets and nodes that come later must be in it. A node that nobody has set is
//! unknown.

mod arm;
mod change;
mod ladder;
mod lines;
mod order;
mod pace;
mod pairs;
mod pool;
mod shape;
mod weigh;

use crate::lower::ONE;
use crate::world::{Layout, World};
use arm::{Arm, End};
use ladder::{Ladder, key};
use lines::Lines;
use pace::Paces;
use pairs::Pairs;
use plimsoll_core::{Node, Why};
use pool::Pool;
use shape::Shapes;
use std::collections::BTreeSet;
use weigh::Weighed;

/// More levels are refused.
const MOST_LEVELS: usize = 8;
/// When a tick touches more accounts than this, their boxes are made later.
const JUMP: usize = 4096;
/// Boxes made in a tick after a jump.
const ARMED_A_TICK: usize = 4096;
/// Accounts whose lines are asked for before they are needed.
const AHEAD: usize = 8;
/// Ends of boxes that are put on ladders together.
const ENDS: usize = 64;

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

/// An account whose verdict floats do not prove to be what it was: integers are to say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub account: u32,
    /// Bit n: level n is asked about.
    pub levels: u8,
    /// The answer, which is zero before it is given. Bit n: unhealthy at level n; levels that were not asked about are passed over.
    pub unhealthy: u8,
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
    /// Accounts that were looked at: weighed, or met in an order of pairs (there once a level).
    pub touched: u64,
    /// Accounts that integers were asked for.
    pub asked: u64,
}

/// Accounts of a book, each with what proves that its verdicts are what they were.
#[derive(Clone, Debug)]
pub struct Index {
    levels: Vec<Line>,
    layout: Layout,
    world: World,
    shapes: Shapes,
    lines: Lines,
    pairs: Pairs,
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
    /// What goes on ladders as soon as it is worth it.
    ends: Vec<End>,
    asked: Vec<Candidate>,
    events: Vec<Event>,
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
        let levels: Vec<Line> = levels.iter().map(line).collect();
        Some(Index {
            pairs: Pairs::new(layout.len(), &levels),
            levels,
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
            ends: Vec::new(),
            asked: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Makes room for so many accounts at once, which makes ticks faster: memory that never has to move can be of huge pages. What
    /// is not used is not held.
    pub fn reserve(&mut self, accounts: u32) {
        self.lines.reserve(accounts as usize);
        self.pool.reserve(accounts as usize * 2);
    }

    /// Nodes became these. `decide` gets all candidates at once, in the order of accounts, and answers each in the world after
    /// the tick; it is not called when there are none. Events come in the order of accounts and levels, until the next call.
    ///
    /// Who is touched in a tick without a jump is a small part of the book; a node that becomes unknown touches all who need it.
    /// The number one and nodes beyond the world's are passed over.
    pub fn tick(
        &mut self,
        moved: &[(u32, Result<Node, Why>)],
        decide: impl FnOnce(&mut [Candidate]),
    ) -> (Ticked, &[Event]) {
        self.fired.clear();
        self.touched.clear();
        self.asked.clear();
        self.paces.tick();
        self.pairs.tick();
        let len = self.layout.len();
        let nodes = || moved.iter().filter(|(node, _)| *node != ONE && (*node as usize) < len);
        for (node, to) in nodes() {
            self.moves(*node, to);
        }
        // Once all have moved: a node that is named twice may have gone and come back, and what fires is gone from its ladder.
        let mut seen = 0;
        for (node, _) in nodes() {
            self.fire(*node);
            let asked = &mut self.asked;
            seen += self.pairs.moved(*node, &self.world, &self.lines.verdicts, |account, level| {
                asked.push(Candidate { account, levels: 1 << level, unhealthy: 0 });
            });
        }
        // In the order of accounts, so that a jump reads the lines from end to end.
        self.fired.sort_unstable_by_key(|entry| *entry as u32);
        self.lines.retain_live(&mut self.fired, &self.shapes);
        self.touched.extend(self.fired.iter().map(|entry| *entry as u32));
        let jump = self.touched.len() > JUMP;
        let arms = self.take_unarmed(moved);
        self.touched.sort_unstable();
        self.touched.dedup();
        let touched = std::mem::take(&mut self.touched);
        for (at, account) in touched.iter().enumerate() {
            if let Some(later) = touched.get(at + AHEAD).and_then(|later| self.lines.seat(*later)) {
                self.lines.prefetch(later);
            }
            let Some(seat) = self.lines.seat(*account) else { continue };
            let later =
                if seat.is_unarmed() { arms.binary_search(account).is_err() } else { jump && !seat.is_hot() };
            self.settle(*account, if later { Arm::Later } else { Arm::Now });
            if self.ends.len() > ENDS {
                self.put_ends();
            }
        }
        self.put_ends();
        let touched_boxes = touched.len() as u64;
        self.touched = touched;
        self.decide(decide);
        (Ticked { touched: seen + touched_boxes, asked: self.asked.len() as u64 }, &self.events)
    }

    /// Asks about all candidates, in order; what has changed is an event.
    fn decide(&mut self, decide: impl FnOnce(&mut [Candidate])) {
        self.events.clear();
        if self.asked.is_empty() {
            return;
        }
        self.asked.sort_unstable_by_key(|candidate| candidate.account);
        // An account of a pair may be met at several levels.
        self.asked.dedup_by(|later, first| {
            let same = later.account == first.account;
            if same {
                first.levels |= later.levels;
            }
            same
        });
        decide(&mut self.asked);
        for candidate in &self.asked {
            let verdicts = &mut self.lines.verdicts[candidate.account as usize];
            let changed = (candidate.unhealthy ^ *verdicts) & candidate.levels;
            *verdicts ^= changed;
            for level in (0..self.levels.len() as u8).filter(|level| changed >> level & 1 == 1) {
                let unhealthy = candidate.unhealthy >> level & 1 == 1;
                self.events.push(Event { account: candidate.account, level, unhealthy });
            }
        }
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

    /// Everybody who has a box and needs a node.
    fn touch_all(&mut self, node: u32) {
        for account in 0..self.lines.len() {
            let Some(seat) = self.lines.seat(account).filter(|seat| !seat.is_paired()) else { continue };
            if self.shapes.get(seat.shape()).nodes.binary_search(&node).is_ok() {
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
        self.unarmed.retain(|account| lines.seat(*account).is_some_and(|seat| seat.is_unarmed()));
        self.unarmed.sort_unstable();
        self.unarmed.dedup();
        let rest = self.unarmed.len().saturating_sub(ARMED_A_TICK);
        let arms = self.unarmed.split_off(rest);
        self.touched.extend(&arms);
        for account in &self.unarmed {
            let Some(seat) = self.lines.seat(*account) else { continue };
            let nodes = self.shapes.get(seat.shape()).nodes;
            if moved.iter().any(|(node, _)| nodes.binary_search(node).is_ok()) {
                self.touched.push(*account);
            }
        }
        arms
    }

    /// The verdicts of an account: bit n is set when it is unhealthy at level n.
    #[must_use]
    pub fn verdicts(&self, account: u32) -> u8 {
        self.lines.verdicts.get(account as usize).copied().unwrap_or(0)
    }

    /// Bytes of all that is kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ladders: usize = self.ladders.iter().flatten().map(Ladder::bytes).sum();
        self.lines.bytes() + self.pool.bytes() + self.pairs.bytes() + ladders + self.shapes.bytes()
    }
}
