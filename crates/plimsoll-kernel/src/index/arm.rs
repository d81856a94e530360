//! Boxes: weighing an account, and putting the ends of its box on the ladders.

use super::ladder::{NEVER, key};
use super::lines::Seat;
use super::weigh::Class;
use super::{Candidate, Index};
use crate::simd::prefetch;
use std::collections::BTreeSet;

/// Whether an account gets its box now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arm {
    Now,
    Later,
}

/// An end of a box that goes on a ladder.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    node: u32,
    side: u8,
    key: u32,
    account: u32,
}

impl Index {
    /// Weighs an account that has a line or no proven row; puts what is not proven to be as it was among those to ask, and makes its box.
    pub(super) fn settle(&mut self, account: u32, arm: Arm) {
        let Some(seat) = self.lines.seat(account) else { return };
        let shape = self.shapes.get(seat.shape());
        // Without nodes there is nothing by which an unarmed one would be found.
        let arm = if shape.is_opaque() { Arm::Now } else { arm };
        self.lines.read(seat, shape.words(), &mut self.weighed.line);
        self.weighed.weigh(shape, &self.world, &self.paces.paces, &self.levels);
        self.ask(account);
        let (hot, unarmed) = (self.weighed.near && arm == Arm::Now, arm == Arm::Later);
        if hot != seat.is_hot() {
            self.set_hot(account, seat.shape(), hot);
        }
        if unarmed && !seat.is_unarmed() {
            self.unarmed.push(account);
        }
        if (hot, unarmed) != (seat.is_hot(), seat.is_unarmed()) {
            self.lines.set_seat(account, seat.with(hot, unarmed));
        }
        if hot || unarmed {
            self.weighed.boxes.fill(0);
        }
        self.arm(account, seat);
    }

    /// Puts an account that was weighed among those to ask, where it is not proven to be what it was.
    pub(super) fn ask(&mut self, account: u32) {
        let was = self.lines.verdicts[account as usize];
        let mut levels = 0;
        for (level, class) in self.weighed.classes.iter().flatten().enumerate() {
            let same = match class {
                Class::Clear => was >> level & 1 == 0,
                Class::Below => was >> level & 1 == 1,
                Class::Undecided => false,
            };
            levels |= u8::from(!same) << level;
        }
        if levels != 0 {
            self.asked.push(Candidate { account, levels, unhealthy: 0 });
        }
    }

    /// Sets an account's box to the one weighed; a side whose key is another gets an entry. A side that is a little nearer than it need be
    /// stays: it is as true, and costs no entry.
    fn arm(&mut self, account: u32, seat: Seat) {
        let nodes = self.shapes.get(seat.shape()).nodes;
        for (at, (node, new)) in nodes.iter().zip(&self.weighed.boxes).enumerate() {
            let old = self.weighed.line[at];
            if old == *new {
                continue;
            }
            let here = key(self.world.value(*node));
            let (old, new) = ([old as u32, (old >> 32) as u32], [*new as u32, (*new >> 32) as u32]);
            let mut set = new;
            for (side, ladder) in self.ladders[*node as usize].iter_mut().enumerate() {
                if keeps(old[side], new[side], if side == 0 { here } else { !here }) {
                    set[side] = old[side];
                }
                if set[side] == old[side] {
                    continue;
                }
                ladder.live = ladder.live + u32::from(set[side] != NEVER) - u32::from(old[side] != NEVER);
                if set[side] != NEVER {
                    prefetch(ladder.head(set[side]));
                    self.ends.push(End { node: *node, side: side as u8, key: set[side], account });
                }
            }
            self.lines.set(seat, at, u64::from(set[0]) | u64::from(set[1]) << 32);
        }
    }

    /// Puts new ends on their ladders. Each goes to a place of its own far away: all are asked for before the first is written.
    pub(super) fn put_ends(&mut self) {
        for end in &self.ends {
            let head = *self.ladders[end.node as usize][usize::from(end.side)].head(end.key);
            self.pool.prefetch(head);
        }
        let (lines, shapes) = (&self.lines, &self.shapes);
        for end in self.ends.drain(..) {
            let ladder = &mut self.ladders[end.node as usize][usize::from(end.side)];
            ladder.push(end.key, end.account, &mut self.pool, |entries| {
                lines.retain_live(entries, shapes);
            });
        }
    }

    /// An account's entries become stale, and it is not hot.
    pub(super) fn disarm(&mut self, account: u32, seat: Seat) {
        if seat.is_hot() {
            self.set_hot(account, seat.shape(), false);
        }
        self.lines.set_seat(account, seat.with(false, false));
        let shape = self.shapes.get(seat.shape());
        self.lines.read(seat, shape.words(), &mut self.weighed.line);
        self.weighed.boxes.clear();
        self.weighed.boxes.resize(shape.nodes.len(), 0);
        self.arm(account, seat);
    }

    fn set_hot(&mut self, account: u32, shape: u32, hot: bool) {
        let shape = self.shapes.get(shape);
        let market = [shape.market];
        let (lists, places): (&mut [BTreeSet<u32>], &[u32]) =
            if shape.is_opaque() { (&mut self.opaque, &market) } else { (&mut self.hot, shape.nodes) };
        for place in places {
            if hot {
                lists[*place as usize].insert(account);
            } else {
                lists[*place as usize].remove(&account);
            }
        }
    }
}

/// Whether a side of a box may stay where it is: inside the new one, and not by more than a quarter of its width.
fn keeps(old: u32, new: u32, here: u32) -> bool {
    new != NEVER && old >= new && old < here && u64::from(here - old) * 4 >= u64::from(here - new) * 3
}
