//! The list of active troves, highest rate first, as `SortedTroves.sol` keeps it.
//!
//! A newcomer stands behind all troves of its own rate, so it is redeemed before them. Where a caller's hints point does
//! not matter: there is one valid place. A batch stands in one piece; who joins it stands at its end.

use super::position::{Status, Trove, mark, marked};
use super::turn::Turn;
use plimsoll_core::{AccountId, Refusal, U256};

const BROKEN: Refusal = Refusal::InconsistentAccount("the list of troves is broken");

/// A run of neighbours in the list: one trove, or a whole batch.
#[derive(Clone, Copy)]
struct Slice {
    head: u64,
    tail: u64,
}

impl Turn<'_> {
    /// The trove that a mark means; a mark that leads nowhere breaks the list.
    pub(super) fn listed(&self, mark: u64) -> Result<Trove, Refusal> {
        self.trove(marked(mark).ok_or(BROKEN)?).map_err(|_| BROKEN)
    }

    /// Puts a trove into the list, at its rate or at the end of its batch.
    pub(super) fn insert(&mut self, id: AccountId, rate: U256) -> Result<(), Refusal> {
        let (trove, own) = (self.trove(id)?, mark(id)?);
        let slice = Slice { head: own, tail: own };
        let Some(manager) = trove.batch else { return self.insert_slice(trove.branch, slice, rate) };
        let mut batch = self.batch(trove.branch, manager)?;
        if batch.tail == 0 {
            self.insert_slice(trove.branch, slice, rate)?;
            batch.head = own;
        } else {
            let next = self.listed(batch.tail)?.next;
            self.link(trove.branch, slice, batch.tail, next)?;
        }
        batch.tail = own;
        self.put_batch(trove.branch, manager, batch)
    }

    /// Takes a trove out of the list, and out of its batch's piece of it.
    pub(super) fn remove(&mut self, id: AccountId) -> Result<(), Refusal> {
        let (trove, own) = (self.trove(id)?, mark(id)?);
        if trove.status != Status::Active {
            return Err(BROKEN);
        }
        if let Some(manager) = trove.batch {
            let mut batch = self.batch(trove.branch, manager)?;
            match (batch.head == own, batch.tail == own) {
                (true, true) => (batch.head, batch.tail) = (0, 0),
                (true, false) => batch.head = trove.next,
                (false, true) => batch.tail = trove.previous,
                (false, false) => {}
            }
            self.put_batch(trove.branch, manager, batch)?;
        }
        self.unlink(trove.branch, Slice { head: own, tail: own })
    }

    /// Moves a whole batch to the place of its new rate; the batch itself still has the old one.
    pub(super) fn reinsert_batch(
        &mut self,
        branch: usize,
        manager: AccountId,
        rate: U256,
    ) -> Result<(), Refusal> {
        let batch = self.batch(branch, manager)?;
        if batch.head == 0 {
            return Ok(());
        }
        let slice = Slice { head: batch.head, tail: batch.tail };
        self.unlink(branch, slice)?;
        self.insert_slice(branch, slice, rate)
    }

    /// The rate that a trove of the list stands at.
    fn rate(&self, trove: &Trove) -> Result<U256, Refusal> {
        Ok(self.batch_of(trove)?.map_or(trove.rate, |batch| batch.rate))
    }

    /// Behind the last that has this rate or a higher one: looked for from the tail, batch by batch.
    fn insert_slice(&mut self, branch: usize, slice: Slice, rate: U256) -> Result<(), Refusal> {
        let (mut previous, mut next) = (self.branch(branch)?.tail, 0);
        let mut left = self.branch(branch)?.troves;
        while previous != 0 {
            let trove = self.listed(previous)?;
            if self.rate(&trove)? >= rate {
                break;
            }
            next = match self.batch_of(&trove)? {
                Some(batch) => batch.head,
                None => previous,
            };
            previous = self.listed(next)?.previous;
            left = left.checked_sub(1).ok_or(BROKEN)?;
        }
        self.link(branch, slice, previous, next)
    }

    fn link(&mut self, branch: usize, slice: Slice, previous: u64, next: u64) -> Result<(), Refusal> {
        let mut head = self.listed(slice.head)?;
        head.previous = previous;
        self.put(head);
        let mut tail = self.listed(slice.tail)?;
        tail.next = next;
        self.put(tail);
        self.join(branch, [previous, slice.head])?;
        self.join(branch, [slice.tail, next])
    }

    fn unlink(&mut self, branch: usize, slice: Slice) -> Result<(), Refusal> {
        let (mut head, previous) = (self.listed(slice.head)?, self.listed(slice.head)?.previous);
        let next = self.listed(slice.tail)?.next;
        self.join(branch, [previous, next])?;
        head.previous = 0;
        self.put(head);
        let mut tail = self.listed(slice.tail)?;
        tail.next = 0;
        self.put(tail);
        Ok(())
    }

    /// Makes two neighbours; zero stands for the end of the list.
    fn join(&mut self, branch: usize, [previous, next]: [u64; 2]) -> Result<(), Refusal> {
        if previous == 0 {
            self.branch_mut(branch)?.head = next;
        } else {
            let mut trove = self.listed(previous)?;
            trove.next = next;
            self.put(trove);
        }
        if next == 0 {
            self.branch_mut(branch)?.tail = previous;
        } else {
            let mut trove = self.listed(next)?;
            trove.previous = previous;
            self.put(trove);
        }
        Ok(())
    }
}
