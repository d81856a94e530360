//! Accounts that come, change and go.

use super::arm::Arm;
use super::lines::Seat;
use super::weigh::line_of;
use super::{Candidate, Event, Index};
use crate::lower::{Lowered, Lowering, Worth, lower};
use crate::panel::MarketRows;
use plimsoll_core::Compiled;

impl Index {
    /// An account is new, or its rows are others. `decide` is asked as in a tick; the events are this account's.
    ///
    /// `None` when the market is not in the layout, or 256 GB of lines are full: the account is then not watched. Accounts
    /// are numbered from zero without great gaps, below 2^32 - 1.
    #[must_use]
    pub fn update(
        &mut self,
        account: u32,
        compiled: &Compiled,
        rows: &MarketRows,
        decide: impl FnOnce(&mut [Candidate]),
    ) -> Option<&[Event]> {
        if rows.market as usize >= self.opaque.len() {
            self.remove(account);
            return None;
        }
        self.lines.prefetch_all(account, &self.shapes);
        let mut lowered = match lower(compiled, rows.base, rows.epoch, rows.quanta, Worth::LeftOut) {
            Lowering::NoDebt => return Some(self.remove(account)),
            Lowering::Opaque => None,
            Lowering::Rows(lowered) => Some(lowered),
        };
        let (len, old) = (self.ladders.len(), self.lines.seat(account));
        let had = old.map(Seat::shape);
        let shape = lowered.as_mut().and_then(|lowered| self.shapes.rows(lowered, rows.market, had, len));
        self.asked.clear();
        match (shape, &lowered) {
            (Some(shape), Some(lowered)) if self.pair(account, old, shape, lowered) => {}
            (Some(shape), Some(lowered)) => {
                self.sit(account, old, shape)?;
                self.write(account, lowered);
                self.settle(account, Arm::Now);
            }
            _ => {
                let shape = self.shapes.opaque(rows.market);
                self.sit(account, old, shape)?;
                self.settle(account, Arm::Now);
            }
        }
        self.put_ends();
        self.decide(decide);
        Some(&self.events)
    }

    /// An account is gone, or owes nothing: healthy at every level.
    pub fn remove(&mut self, account: u32) -> &[Event] {
        self.events.clear();
        if let Some(seat) = self.lines.seat(account) {
            self.unseat(account, seat);
            let verdicts = std::mem::take(&mut self.lines.verdicts[account as usize]);
            for level in (0..self.levels.len() as u8).filter(|level| verdicts >> level & 1 == 1) {
                self.events.push(Event { account, level, unhealthy: false });
            }
        }
        &self.events
    }

    /// A market's rules have changed, so that no row of it is proven any longer: until they are updated its accounts are
    /// candidates whenever a node of the market is named. They are asked about now, too, as in a tick.
    ///
    /// A new epoch is: the market's nodes as they are now in a tick, this, and an update of each of its accounts.
    pub fn void(&mut self, market: u32, decide: impl FnOnce(&mut [Candidate])) -> &[Event] {
        self.asked.clear();
        if (market as usize) < self.opaque.len() {
            let shape = self.shapes.opaque(market);
            for account in 0..self.lines.len() {
                let Some(seat) = self.lines.seat(account) else { continue };
                if self.shapes.get(seat.shape()).market == market {
                    self.unseat(account, seat);
                    self.lines.sit(account, Seat::boxed(shape, 0));
                    self.settle(account, Arm::Now);
                }
            }
        }
        self.decide(decide);
        &self.events
    }

    /// Puts an account into the order of its pairs, if it can be.
    fn pair(&mut self, account: u32, old: Option<Seat>, number: u32, lowered: &Lowered) -> bool {
        let shape = self.shapes.get(number);
        let Some(key) = self.pairs.insert(number, shape, lowered, account, &self.world) else { return false };
        let seat = Seat::paired(number, key);
        if old != Some(seat) {
            if let Some(old) = old {
                self.unseat(account, old);
            }
            self.lines.sit(account, seat);
        }
        let class = |level| Some(self.pairs.class(number, key, level));
        self.weighed.classes =
            std::array::from_fn(|level| (level < self.levels.len()).then(|| class(level)).flatten());
        self.ask(account);
        true
    }

    /// Gives an account a line for a shape, with nothing in it, unless it has one.
    ///
    /// `None` when there is no room for more.
    fn sit(&mut self, account: u32, old: Option<Seat>, number: u32) -> Option<()> {
        if let Some(old) = old {
            if old.shape() == number && !old.is_paired() {
                return Some(());
            }
            self.unseat(account, old);
        }
        let place = self.lines.room(self.shapes.get(number).words())?;
        self.lines.sit(account, Seat::boxed(number, place));
        Some(())
    }

    /// Writes an account's coefficients and slack.
    fn write(&mut self, account: u32, lowered: &Lowered) {
        let Some(seat) = self.lines.seat(account) else { return };
        line_of(lowered, &mut self.weighed.line);
        let behind = self.shapes.nodes(seat.shape());
        for (at, word) in self.weighed.line.iter().enumerate() {
            self.lines.set(seat, behind + at, *word);
        }
    }

    /// Takes an account off its order or its ladders; its verdicts stay.
    fn unseat(&mut self, account: u32, seat: Seat) {
        if seat.is_paired() {
            self.pairs.remove(seat.shape(), seat.place, account);
        } else {
            self.disarm(account, seat);
            self.lines.free(seat, self.shapes.get(seat.shape()).words());
        }
        self.lines.unsit(account);
    }
}
