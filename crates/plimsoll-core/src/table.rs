//! The numbers of a market as tables: one definition of every cell, for reading, writing, comparing and storing.
//!
//! A market is a few rows (itself, its reserves, its modes), each a Rust struct. For each kind of row there is one
//! `const` list of [`Field`]s; a field's place in the list is its [`Cell::field`], so the list only ever grows at
//! its end. `Market::set`, `Market::visit`, the cells of an action's effects, the canonical bytes and their reading
//! all go through that list, and a number that is missing from one is missing from all.

use crate::action::Cell;
use crate::num::{Int, U256};
use crate::refusal::Refusal;
use crate::unit::Unit;
use alloc::vec::Vec;

/// One number of a row.
pub struct Field<Row: 'static> {
    /// Its name in files and traces.
    pub name: &'static str,
    /// What it counts; may depend on the row (decimals of a token).
    pub unit: fn(&Row) -> Unit,
    /// Reads it.
    pub get: fn(&Row) -> Int,
    /// Writes it; `None` when the value does not fit, and then nothing was written.
    pub set: fn(&mut Row, &Int) -> Option<()>,
}

impl<Row> Field<Row> {
    /// A field, in one line of its table.
    #[must_use]
    pub const fn new(
        name: &'static str,
        unit: fn(&Row) -> Unit,
        get: fn(&Row) -> Int,
        set: fn(&mut Row, &Int) -> Option<()>,
    ) -> Field<Row> {
        Field { name, unit, get, set }
    }
}

/// Shows every number of a row, in the order of its fields.
pub fn visit<Row>(
    fields: &[Field<Row>],
    object: u64,
    row: &Row,
    see: &mut dyn FnMut(Cell, &'static str, Unit, Int),
) {
    for (number, field) in (0..).zip(fields) {
        see(Cell { object, field: number }, field.name, (field.unit)(row), (field.get)(row));
    }
}

/// Writes one number of a row.
///
/// # Errors
/// [`Refusal::NoSuchCell`] when there is no such field, no value is given, or it does not fit.
pub fn set<Row>(
    fields: &[Field<Row>],
    row: &mut Row,
    field: u16,
    value: Option<&Int>,
) -> Result<(), Refusal> {
    let field = fields.get(usize::from(field)).ok_or(Refusal::NoSuchCell)?;
    (field.set)(row, value.ok_or(Refusal::NoSuchCell)?).ok_or(Refusal::NoSuchCell)
}

/// Appends the cells in which two states of one row differ, with the values of the second.
pub fn diff<Row>(
    fields: &[Field<Row>],
    object: u64,
    before: &Row,
    after: &Row,
    cells: &mut Vec<(Cell, Option<Int>)>,
) {
    for (number, field) in (0..).zip(fields) {
        let value = (field.get)(after);
        if (field.get)(before) != value {
            cells.push((Cell { object, field: number }, Some(value)));
        }
    }
}

/// Fills a row from the cells at the head of `cells`, as [`visit`] showed them: every field once, in order. Answers
/// the cells that are left.
///
/// # Errors
/// [`Refusal::NoSuchCell`] when a cell is missing, out of order, or does not fit.
pub fn fill<'c, Row>(
    fields: &[Field<Row>],
    object: u64,
    row: &mut Row,
    cells: &'c [(Cell, Int)],
) -> Result<&'c [(Cell, Int)], Refusal> {
    let (head, rest) = cells.split_at_checked(fields.len()).ok_or(Refusal::NoSuchCell)?;
    for ((number, field), (cell, value)) in (0..).zip(fields).zip(head) {
        if *cell != (Cell { object, field: number }) {
            return Err(Refusal::NoSuchCell);
        }
        (field.set)(row, value).ok_or(Refusal::NoSuchCell)?;
    }
    Ok(rest)
}

/// Whether every number of a row is one that its field takes: what a constructor checks.
pub fn holds<Row: Clone>(fields: &[Field<Row>], row: &Row) -> bool {
    let mut copy = row.clone();
    fields.iter().all(|field| (field.set)(&mut copy, &(field.get)(row)).is_some())
}

/// Puts a value that is not negative and fits `bits` bits in place.
pub fn put_unsigned(place: &mut U256, value: &Int, bits: usize) -> Option<()> {
    *place = value.to_u256().filter(|value| value.bit_len() <= bits)?;
    Some(())
}

/// Puts a value that is not negative and not above `most` in place.
pub fn put_up_to(place: &mut U256, value: &Int, most: U256) -> Option<()> {
    *place = value.to_u256().filter(|value| *value <= most)?;
    Some(())
}

/// Puts a value that fits 64 bits in place.
pub fn put_u64(place: &mut u64, value: &Int) -> Option<()> {
    *place = value.to_u64()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[derive(Clone, Default, PartialEq, Debug)]
    struct Pair {
        amount: U256,
        time: u64,
    }

    const PAIR: &[Field<Pair>] = &[
        Field::new(
            "amount",
            |_| Unit::raw(6),
            |row| row.amount.into(),
            |row, value| put_unsigned(&mut row.amount, value, 128),
        ),
        Field::new(
            "time",
            |_| Unit::SECONDS,
            |row| row.time.into(),
            |row, value| put_u64(&mut row.time, value),
        ),
    ];

    fn cell(field: u16) -> Cell {
        Cell { object: 7, field }
    }

    #[test]
    fn a_row_comes_back_from_its_cells() {
        let row = Pair { amount: U256::new(5), time: 9 };
        let mut cells = Vec::new();
        visit(PAIR, 7, &row, &mut |cell, _, _, value| cells.push((cell, value)));
        let mut read = Pair::default();
        assert_eq!(fill(PAIR, 7, &mut read, &cells), Ok(&[][..]));
        assert_eq!(read, row);
        assert_eq!(fill(PAIR, 8, &mut read, &cells), Err(Refusal::NoSuchCell));
        assert_eq!(fill(PAIR, 7, &mut read, &cells[..1]), Err(Refusal::NoSuchCell));
    }

    #[test]
    fn only_changed_cells_are_in_the_difference() {
        let before = Pair { amount: U256::new(5), time: 9 };
        let after = Pair { time: 10, ..before.clone() };
        let mut cells = vec![];
        diff(PAIR, 7, &before, &after, &mut cells);
        assert_eq!(cells, [(cell(1), Some(Int::new(10)))]);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut row = Pair { amount: U256::new(5), time: 9 };
        let refused = [
            (0, Some(Int::new(-1))),
            (0, Some(Int::from(U256::MAX))),
            (1, Some(Int::from(U256::MAX))),
            (2, Some(Int::ONE)),
            (0, None),
        ];
        for (field, value) in refused {
            assert_eq!(set(PAIR, &mut row, field, value.as_ref()), Err(Refusal::NoSuchCell));
        }
        assert_eq!(row, Pair { amount: U256::new(5), time: 9 });
        assert_eq!(set(PAIR, &mut row, 1, Some(&Int::new(3))), Ok(()));
        assert_eq!(row.time, 3);
        assert!(holds(PAIR, &row));
        row.amount = U256::MAX;
        assert!(!holds(PAIR, &row));
    }
}
