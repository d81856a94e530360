//! Margins that change with time: rates in force from a second on, with a limit to how far one step goes.
//!
//! ```text
//! limited(0) = rate(0)
//! limited(n) = min(max(rate(n), ceil(limited(n - 1) x (1 - step))), floor(limited(n - 1) x (1 + step)))
//! ```
//!
//! in millionths; without a limit each is its rate. In force is the last row whose second is not after the time asked about; before the first one, what the market's own rules say.

use crate::fields::{put_place, put_rate, rate};
use crate::market::{MILLIONTHS, SpecError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::table::{self, Field, put_u64};
use plimsoll_core::{Cell, Int, Refusal, Rounding, Time, U256, Unit};

/// One, of rates and steps.
const ONE: u32 = 1_000_000;
/// No schedule has more rows.
pub const MOST_ROWS: usize = 20_000;

/// Who loses what a margin covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whoever holds: it covers a fall.
    Held,
    /// Whoever owes: it covers a rise.
    Owed,
}

impl Side {
    /// The word of files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Side::Held => "held",
            Side::Owed => "owed",
        }
    }

    /// Both, each with its number in cells.
    pub const ALL: [Side; 2] = [Side::Held, Side::Owed];
}

/// The margin of one side of something that the market lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// A perp of a cross market, an underlying of a portfolio market, as a place among them.
    pub of: usize,
    /// Which side.
    pub side: Side,
    /// By no more than this part of itself a rate changes from a row to the next (millionths); zero for no limit.
    pub step: u32,
    /// What part of it is to be kept, where the market has no rule of its own for that (millionths): cross markets.
    pub keeps: u32,
    /// From which second on, and the rate (millionths); not empty, later and later.
    pub rows: Vec<(Time, u32)>,
}

impl Schedule {
    /// The first thing that cannot be; `None` where it can.
    pub(crate) fn unsound(&self) -> Option<&'static str> {
        let rises = self.rows.is_sorted_by(|one, other| one.0 < other.0);
        let rates = self.rows.iter().all(|(_, rate)| *rate > 0 && *rate < ONE);
        let fits = !self.rows.is_empty() && self.rows.len() <= MOST_ROWS && self.step < ONE;
        (!(rises && rates && fits && self.keeps > 0 && self.keeps <= ONE)).then_some("schedules")
    }

    /// The rows with the limit in them.
    #[must_use]
    pub fn limited(&self) -> Vec<(Time, u32)> {
        let mut last: Option<u32> = None;
        let part = |rate: u32, parts: u32, rounding: Rounding| {
            let found = U256::from(rate).mul_div(U256::from(parts), U256::from(ONE), rounding);
            found.and_then(U256::to_u64).and_then(|rate| u32::try_from(rate).ok()).unwrap_or(u32::MAX)
        };
        let limit = |(from, rate): &(Time, u32)| {
            let rate = match last {
                Some(last) if self.step > 0 => {
                    let least = part(last, ONE - self.step, Rounding::Up);
                    let most = part(last, ONE + self.step, Rounding::Down);
                    (*rate).max(least).min(most.max(least))
                }
                _ => *rate,
            };
            last = Some(rate);
            (*from, rate)
        };
        self.rows.iter().map(limit).collect()
    }
}

/// The times from `from` on at which another row comes into force, `from` itself first.
pub(crate) fn times(schedules: &[Schedule], from: Time) -> Vec<Time> {
    let mut all: Vec<Time> = schedules.iter().flat_map(|one| &one.rows).map(|(at, _)| *at).collect();
    all.retain(|at| *at > from);
    all.push(from);
    all.sort_unstable();
    all.dedup();
    all
}

/// No more rows may come into force after the time of a market's state.
pub const MOST_VERSIONS: usize = 500;

/// The times at which a market's margins change, the time of its state first; none without schedules.
pub(crate) fn versions(schedules: &[Schedule], updated: Time) -> Result<Vec<Time>, SpecError> {
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    let all = times(schedules, updated);
    if all.len() > MOST_VERSIONS { Err(SpecError { what: "schedules", place: 0 }) } else { Ok(all) }
}

/// The row of one side in force at a time.
pub(crate) fn in_force(schedules: &[Schedule], of: usize, side: Side, at: Time) -> Option<(Time, u32, u32)> {
    let one = schedules.iter().find(|one| one.of == of && one.side == side)?;
    let row = one.limited().into_iter().take_while(|(from, _)| *from <= at).last()?;
    Some((row.0, row.1, one.keeps))
}

/// A row as cells: with what its schedule says of all of them.
#[derive(Clone, Copy, Debug)]
struct Row {
    of: usize,
    side: Side,
    step: u32,
    keeps: u32,
    since: u64,
    rate: u32,
}

const ROW: &[Field<Row>] = &[
    Field::new("of", |_| Unit::NUMBER, |r| Int::from(r.of as u64), |r, v| put_place(&mut r.of, v)),
    Field::new(
        "side",
        |_| Unit::NUMBER,
        |r| Int::from(r.side as u64),
        |r, v| {
            r.side = *Side::ALL.get(usize::try_from(v.to_u64()?).ok()?)?;
            Some(())
        },
    ),
    rate!("step", r => r.step),
    rate!("keeps", r => r.keeps),
    Field::new("since", |_| Unit::SECONDS, |r| r.since.into(), |r, v| put_u64(&mut r.since, v)),
    rate!("rate", r => r.rate),
];

/// The objects of one schedule's rows.
const OBJECTS: u64 = 100_000;

fn row(one: &Schedule, place: usize) -> Option<Row> {
    let (since, rate) = *one.rows.get(place)?;
    let Schedule { of, side, step, keeps, .. } = *one;
    Some(Row { of, side, step, keeps, since: since.0, rate })
}

/// Every number of schedules, from an object on.
pub(crate) fn visit(first: u64, schedules: &[Schedule], see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
    for (number, one) in (0..).zip(schedules) {
        for place in 0..one.rows.len() {
            if let Some(row) = row(one, place) {
                table::visit(ROW, first + number * OBJECTS + place as u64, &row, see);
            }
        }
    }
}

/// The objects' names: whose margin of which side, and which row from 1 on.
pub(crate) fn names<'n>(
    first: u64,
    schedules: &[Schedule],
    of: impl Fn(usize) -> Option<&'n str>,
) -> Vec<(u64, &'static str, String)> {
    let mut names = Vec::new();
    for (number, one) in (0..).zip(schedules) {
        for place in 0..one.rows.len() {
            let name = format!("{} {} row {}", of(one.of).unwrap_or("?"), one.side.name(), place + 1);
            names.push((first + number * OBJECTS + place as u64, "schedule", name));
        }
    }
    names
}

/// Sets a number of a row; what it says of the whole schedule is so for all its rows.
pub(crate) fn set(
    first: u64,
    schedules: &mut [Schedule],
    cell: Cell,
    value: Option<&Int>,
) -> Result<(), Refusal> {
    let at = cell.object.checked_sub(first).ok_or(Refusal::NoSuchCell)?;
    let number = usize::try_from(at / OBJECTS).map_err(|_| Refusal::NoSuchCell)?;
    let place = usize::try_from(at % OBJECTS).map_err(|_| Refusal::NoSuchCell)?;
    let one = schedules.get_mut(number).ok_or(Refusal::NoSuchCell)?;
    let mut row = row(one, place).ok_or(Refusal::NoSuchCell)?;
    table::set(ROW, &mut row, cell.field, value)?;
    (one.of, one.side, one.step, one.keeps) = (row.of, row.side, row.step, row.keeps);
    one.rows[place] = (Time(row.since), row.rate);
    Ok(())
}

/// Schedules, and the cells after theirs.
type Filled<'c> = (Vec<Schedule>, &'c [(Cell, Int)]);

/// The schedules that [`visit`] showed, from the objects that have a name; and the cells that follow.
pub(crate) fn read(
    first: u64,
    objects: impl Iterator<Item = u64>,
    cells: &[(Cell, Int)],
) -> Result<Filled<'_>, Refusal> {
    let (mut rest, mut all): (_, Vec<(u64, Schedule)>) = (cells, Vec::new());
    for object in objects {
        let number = object.checked_sub(first).ok_or(Refusal::NoSuchCell)? / OBJECTS;
        let mut row = Row { of: 0, side: Side::Held, step: 0, keeps: 0, since: 0, rate: 0 };
        rest = table::fill(ROW, object, &mut row, rest)?;
        let last = (Time(row.since), row.rate);
        match all.last_mut() {
            Some((known, one)) if *known == number => one.rows.push(last),
            _ => {
                let Row { of, side, step, keeps, .. } = row;
                all.push((number, Schedule { of, side, step, keeps, rows: Vec::from([last]) }));
            }
        }
    }
    Ok((all.into_iter().map(|(_, one)| one).collect(), rest))
}
