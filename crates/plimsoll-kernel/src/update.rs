//! One account changed: its row is replaced where it stands, or moved to a panel of its own at the end.
//!
//! A panel's slack and a block's bounds were taken over the rows that stood there. A new row of the same shape stays in its place where
//! they can be widened for it: its slack beyond the panel's is a share of its coefficients, as when packing ([`crate::lower`]), the
//! block's shares are the greater of both, and the block's key the lesser. Accounts that are looked up in the order of pairs
//! would leave it, so they move, as does whoever's shape changed.

use crate::lower::{Lowered, Lowering, Worth, lower};
use crate::order::Near;
use crate::packing::Group;
use crate::pair::Pairs;
use crate::panel::{Kind, LANES, MarketRows, NOBODY, Packed};
use crate::single::Bound;
use plimsoll_core::Compiled;

/// The account stands in no block.
pub(crate) const NOWHERE: u64 = u64::MAX;

impl Packed {
    /// Gives an account of the book new rows. Every answer is then proven of the new book; who is too near to tell may differ
    /// from what packing anew would give.
    ///
    /// `None`, and nothing changed, for an account that the book does not have.
    pub fn update(&mut self, account: u32, compiled: &Compiled, rows: &MarketRows) -> Option<()> {
        let slot = *self.slots.get(account as usize)?;
        if let Ok(at) = self.opaque.binary_search(&account) {
            self.opaque.remove(at);
        }
        let lowering = lower(compiled, rows.base, rows.epoch, rows.quanta, Worth::Told);
        if let Lowering::Rows(row) = &lowering
            && slot != NOWHERE
            && self.replaced(slot, rows.market, row)
        {
            return Some(());
        }
        self.vacate(slot);
        self.slots[account as usize] = NOWHERE;
        match lowering {
            Lowering::NoDebt => {}
            // A node that the world near which the book was packed does not have is known nowhere.
            Lowering::Rows(row)
                if row.terms.iter().all(|term| (term.node as usize) < self.reference.len()) =>
            {
                let terms = row.terms.clone();
                let kind = Kind::of(&terms);
                self.panel(Group { market: rows.market, kind, terms, rows: vec![(account, row)] });
                self.moved += 1;
            }
            Lowering::Rows(_) | Lowering::Opaque => {
                let at = self.opaque.partition_point(|known| *known < account);
                self.opaque.insert(at, account);
            }
        }
        Some(())
    }

    /// How often an account was moved to a panel of its own, each of them a block that is read. Beyond a hundredth or so of the
    /// book, packing anew is worth it.
    #[must_use]
    pub fn moved(&self) -> usize {
        self.moved
    }

    /// Replaces the row at a slot; tells whether that could be done.
    fn replaced(&mut self, slot: u64, market: u32, row: &Lowered) -> bool {
        let (block, lane) = ((slot / LANES as u64) as usize, (slot % LANES as u64) as usize);
        let at = self.panel_of(block);
        let panel = self.at(at);
        let stays = panel.market == market && panel.kind != Kind::Pairs && panel.terms == row.terms;
        let relative = row.relative(panel.absolute);
        if !(stays && relative.is_finite()) {
            return false;
        }
        let near = Near::new(panel.absolute, &self.reference);
        let wide = panel.kind == Kind::Wide;
        // The others' keys were taken with the share that the block had.
        let known = self.relative[block];
        let key = if wide || relative > known { f64::NEG_INFINITY } else { near.key(row, known) };
        let most = near.most(row);
        // The floats of 64 bits take the greatest share of the block for all of its accounts, and so do its singles.
        let relative = known.max(relative);
        let singles =
            if wide { None } else { row.singles(panel.absolute, relative, &self.reference, panel.unit) };
        let first = panel.first;
        let lanes = panel.offset + (block - first) * row.terms.len();
        for term in 0..row.terms.len() {
            self.coefficients[lanes + term].0[lane] = row.coefficients[term];
            self.worth[lanes + term].0[lane] = row.worth[term];
        }
        self.relative[block] = relative;
        match singles {
            Some((singles, share)) => {
                for (term, single) in singles.into_iter().enumerate() {
                    self.singles[lanes + term].0[lane] = single;
                }
                self.bounds[block].widen(share, relative - known);
            }
            None => self.bounds[block] = Bound::NONE,
        }
        self.placed[at].most = self.placed[at].most.max(most);
        for known in self.keys[first..=block].iter_mut().rev() {
            if *known <= key {
                break;
            }
            *known = key;
        }
        self.fill(block, lanes, row.terms.len());
        true
    }

    /// Nobody stands at a slot any longer.
    fn vacate(&mut self, slot: u64) {
        if slot == NOWHERE {
            return;
        }
        let (block, lane) = ((slot / LANES as u64) as usize, (slot % LANES as u64) as usize);
        self.accounts[block][lane] = NOBODY;
        self.live[block] &= !(1 << lane);
        let panel = self.holds(block);
        let pairs = (panel.kind == Kind::Pairs).then_some(panel.first);
        let (lanes, width) = (panel.offset + (block - panel.first) * panel.terms.len(), panel.terms.len());
        self.fill(block, lanes, width);
        if let Some(first) = pairs
            && let Some(pairs) = self.ordered(block)
        {
            pairs.leaves((block - first) * LANES + lane);
        }
    }

    /// The order in which a block of pairs stands.
    fn ordered(&mut self, block: usize) -> Option<&mut Pairs> {
        let at = self.panel_of(block);
        self.pairs.get_mut(self.placed[at].pairs? as usize)
    }

    /// Lanes in which nobody stands repeat the first in which somebody does.
    fn fill(&mut self, block: usize, lanes: usize, width: usize) {
        let accounts = self.accounts[block];
        let Some(first) = accounts.iter().position(|account| *account != NOBODY) else { return };
        for lane in self.singles[lanes..lanes + width].iter_mut() {
            for (place, _) in accounts.iter().enumerate().filter(|(_, account)| **account == NOBODY) {
                lane.0[place] = lane.0[first];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::samples::{account, world};
    use crate::{MarketRows, Packed, Packing, Path, Plan, Threads, Worlds};
    use plimsoll_core::{Compiled, Form};

    const SIZE: i128 = 1 << 40;
    const GREATER: i128 = 1 << 30;
    /// Money of this size fits the sums.
    const QUANTA: f64 = 1e-16;

    fn rows() -> MarketRows {
        MarketRows { market: 0, base: 1, epoch: Form::default().valid.epoch, quanta: QUANTA }
    }

    /// A book in which one account has become another, in its place.
    fn updated(book: &[Compiled], number: u32, becomes: &Compiled) -> Packed {
        let mut packing = Packing::default();
        for account in book {
            packing.push(account, &rows()).expect("few");
        }
        let mut packed = packing.finish(&world());
        packed.update(number, becomes, &rows()).expect("known");
        assert_eq!(packed.moved(), 0);
        packed
    }

    fn paths() -> impl Iterator<Item = Path> {
        Path::ALL.into_iter().chain([Path::Eight, Path::Sixteen]).filter(|path| path.available())
    }

    /// Who is below and who is undecided, as a screen has it and as every sweep does.
    fn found(packed: &Packed, path: Path) -> (Vec<u32>, Vec<u32>) {
        let world = world();
        let screened = packed.screen(&world, path);
        let laid = Worlds::new(std::slice::from_ref(&world), packed);
        for (money, prune) in [(false, false), (false, true), (true, false), (true, true)] {
            let plan = Plan { money, prune, pairs: false, path };
            let swept = packed.sweep(&laid, plan, &Threads::one());
            let undecided: Vec<u32> = swept.undecided.iter().map(|(_, account)| *account).collect();
            let below = screened.below.len() as u64;
            assert_eq!((swept.markets[0].below[0], &undecided), (below, &screened.undecided), "{plan:?}");
        }
        (screened.below, screened.undecided)
    }

    /// A row of the same shape whose slack is greater than any that was packed stays in its place, and nobody is told anything
    /// within it.
    #[test]
    fn a_greater_slack_holds_where_the_row_is_replaced() {
        let book = vec![account(SIZE, SIZE, 1); 9];
        for path in paths() {
            let found = |off: i128| found(&updated(&book, 3, &account(SIZE, 2 * SIZE - off, GREATER)), path);
            for off in [0, 1, GREATER / 2, GREATER - 1] {
                for off in [off, -off] {
                    assert_eq!(found(off), (vec![], vec![3]), "{off}, {}", path.name());
                }
            }
            // Beyond it by far everything is told again.
            assert_eq!(found(16 * GREATER), (vec![], vec![]));
            assert_eq!(found(-16 * GREATER), (vec![3], vec![]));
        }
    }

    /// A23. An account whose own slack is much of it, beside one with a share of a 1024th that the whole block then has: of the first
    /// account's 2^32 that is 4 slacks, and its own the fifth. It is 4 1/2 slacks above the line, so nobody may tell it, whichever of the two
    /// came to the other.
    #[test]
    fn law_3_an_update_widens_the_singles_as_it_does_the_block() {
        const SLACK: i128 = 1 << 20;
        let far = account(SIZE, SIZE, SLACK);
        let wide = account(SIZE, SIZE, GREATER);
        let small = account(1 << 30, (1 << 31) - 9 * SLACK / 2, SLACK);
        let with = |number: usize, one: &Compiled| {
            let mut book = vec![far.clone(); 8];
            book[number] = one.clone();
            book
        };
        for (book, number, becomes) in [(with(5, &small), 3, &wide), (with(3, &wide), 5, &small)] {
            let packed = updated(&book, number, becomes);
            for path in paths() {
                assert_eq!(found(&packed, path), (vec![], vec![5]), "{number}, {}", path.name());
            }
        }
    }
}
