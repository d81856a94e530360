//! A book whose accounts are read one after another, so that they need not fit the memory.
//!
//! Only a sound book can be: the caller who meets a fault reads it whole with [`open`](super::open), which tells all of
//! them. What is given is what `open` gives, in the same order. That accounts hold more than there is shows only at the end:
//! the last chunk is then refused.

use crate::book::positions::{self, Place, Positions};
use crate::book::rows::Record;
use crate::book::totals::Sums;
use crate::book::{Frame, files, frame};
use crate::columnar::{Batch, Input, Sheet};
use crate::fault::Log;
use plimsoll_core::{AccountId, Book, ListedAccount, ListedMarket};
use std::cmp::Ordering;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Accounts that are given at a time, or a few more.
const CHUNK: usize = 1024;

/// A sound book without its accounts, which come one chunk after another.
pub struct Stream {
    book: Option<Book>,
    places: Vec<Place>,
    sheet: Sheet,
    positions: Positions,
    batch: Option<Batch>,
    /// The next row of the batch.
    row: usize,
    /// Rows and accounts that were read.
    rows: u64,
    accounts: u64,
    sums: Sums,
    /// What callers gave back, for its memory.
    room: Vec<ListedAccount>,
    log: Log,
}

/// Why a book cannot be read on in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsteady {
    /// Something is faulty, or some rows cannot be decoded.
    Faulty,
    /// An account's name stands before the one above it, byte by byte; the row, from 1.
    Unsorted(u64),
}

impl fmt::Display for Unsteady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsteady::Faulty => f.write_str("the positions are not sound"),
            Unsteady::Unsorted(row) => write!(f, "the positions are not sorted by account: row {row}"),
        }
    }
}

impl std::error::Error for Unsteady {}

/// Opens the book at a path to be read account by account. `None` where it cannot be: it is no folder with a
/// `positions.parquet`, something in its other files is faulty, or a market names one of its accounts.
#[must_use]
pub fn stream(path: &Path) -> Option<Stream> {
    let rows = path.join("positions.parquet");
    if path.join("positions.csv").exists() || !rows.is_file() {
        return None;
    }
    let mut log = Log::default();
    let sources = files::texts(files::list_frame(path), &mut log);
    let head = sources.iter().position(|source| source.name == "book.toml")?;
    let Frame { head, prices, places, wirings, .. } = frame(head, &sources, &mut log)?;
    let named = wirings.iter().any(super::markets::Wiring::names_an_account);
    let file = File::open(rows).ok()?;
    let length = file.metadata().ok()?.len();
    if named || log.count() > 0 || length > files::SIZE_MAX {
        return None;
    }
    let input = Input::File(Arc::new(file), length);
    let sheet = Sheet::open(&input, ("positions.parquet", 0), positions::COLUMNS, drop, &mut log)?;
    let markets = places.iter().zip(wirings).map(|(place, wiring)| {
        let market = place.desk.as_ref()?.market().boxed_clone();
        Some(ListedMarket { name: place.name.clone(), market, wiring: wiring.prices })
    });
    let markets = markets.collect::<Option<Vec<_>>>()?;
    let book = Book { name: head.name, at: head.at, graph: prices.graph, markets, accounts: Vec::new() };
    let (positions, sums) = (Positions::grouped(&places), Sums::new(&places));
    Some(Stream {
        book: Some(book),
        places,
        sheet,
        positions,
        batch: None,
        row: 0,
        rows: 0,
        accounts: 0,
        sums,
        room: Vec::new(),
        log,
    })
}

impl Stream {
    /// The book, which has no accounts; `None` when it was taken before.
    #[must_use]
    pub fn take_book(&mut self) -> Option<Book> {
        self.book.take()
    }

    /// Rows that there are, by the file's own count.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.sheet.rows
    }

    /// Rows that were read.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.rows
    }

    /// The next accounts, in place of what the chunk held; none when there are no more.
    ///
    /// # Errors
    /// When something is faulty or out of order: then nothing of the book is to be relied upon.
    pub fn next(&mut self, chunk: &mut Vec<ListedAccount>) -> Result<(), Unsteady> {
        self.room.append(chunk);
        while chunk.len() < CHUNK {
            match self.batch.take() {
                Some(batch) if self.row < batch.rows => {
                    let read = self.read_rows(&batch, chunk);
                    self.batch = Some(batch);
                    read?;
                }
                _ => {
                    self.row = 0;
                    self.batch = self.sheet.next(&mut self.log);
                    if self.log.count() > 0 || self.batch.as_ref().is_some_and(|batch| batch.long) {
                        return Err(Unsteady::Faulty);
                    }
                    if self.batch.is_none() {
                        self.positions.settle(&self.places, &mut self.log);
                        self.take_group(chunk);
                        if self.log.count() > 0 || !self.sums.sound() {
                            return Err(Unsteady::Faulty);
                        }
                        break;
                    }
                }
            }
        }
        // More is not needed than is taken at a time.
        self.room.truncate(2 * CHUNK);
        Ok(())
    }

    /// Reads rows until the chunk is full or the batch is at its end.
    fn read_rows(&mut self, batch: &Batch, chunk: &mut Vec<ListedAccount>) -> Result<(), Unsteady> {
        while self.row < batch.rows && chunk.len() < CHUNK {
            let places = &self.sheet.places;
            let record = Record::packed(batch, self.row, (0, places), positions::COLUMNS);
            self.row += 1;
            self.rows += 1;
            let name = record.text(positions::ACCOUNT);
            match self.positions.group().map(|group| group.cmp(name)) {
                Some(Ordering::Less) => {
                    self.positions.settle(&self.places, &mut self.log);
                    let (room, sums, next) = (&mut self.room, &mut self.sums, &mut self.accounts);
                    self.positions.take(room, |listed| give(listed, sums, next, chunk));
                }
                Some(Ordering::Greater) => return Err(Unsteady::Unsorted(self.rows)),
                _ => {}
            }
            self.positions.read(&record, true, &self.places, &mut self.log);
            if self.log.count() > 0 {
                return Err(Unsteady::Faulty);
            }
        }
        Ok(())
    }

    /// The accounts of the last name are complete.
    fn take_group(&mut self, chunk: &mut Vec<ListedAccount>) {
        let (sums, next) = (&mut self.sums, &mut self.accounts);
        self.positions.take(&mut self.room, |listed| give(listed, sums, next, chunk));
    }
}

/// Hands an account out under its number, counted in.
fn give(mut listed: ListedAccount, sums: &mut Sums, next: &mut u64, chunk: &mut Vec<ListedAccount>) {
    sums.add(&listed);
    listed.account.id = AccountId(*next);
    *next += 1;
    chunk.push(listed);
}
