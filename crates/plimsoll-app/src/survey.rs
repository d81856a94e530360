//! `plimsoll check` with `--totals`, `--csv` or `--parquet`: sums, and one row an account. A book that is sorted is
//! judged while it is read.

use crate::args::CheckArgs;
use crate::check::{open_for, origin, print_coming, print_prices, print_totals, refused, sums_json, time_of};
use crate::exit;
use crate::gaps::Gaps;
use crate::part::Part;
use crate::progress::Progress;
use crate::results::{COLUMNS, Result as Answer};
use crate::select::Choice;
use crate::show::{errln, outln};
use plimsoll::{Ladder, Survey, Surveyed};
use plimsoll_core::{Book, ListedAccount, Time};
use plimsoll_io::book::{Stream, WriteError, stream};
use plimsoll_io::export::{Form, Table};
use std::fs::File;
use std::io::Write;

pub(crate) fn run(args: &CheckArgs, ladder: &Ladder, choice: &Choice<'_>) -> u8 {
    let surveyed = match stream(&args.book) {
        Some(stream) => match streamed(args, ladder, choice, stream) {
            Ok(surveyed) => surveyed.map(|surveyed| (surveyed, Gaps::default())),
            Err(()) => whole(args, ladder, choice),
        },
        None => whole(args, ladder, choice),
    };
    match surveyed {
        Ok((surveyed, gaps)) => {
            show(args, &surveyed, &gaps);
            gaps.code(surveyed.severity, surveyed.accounts)
        }
        Err(code) => code,
    }
}

/// The book account by account; an error where it must be read whole after all, which tells what is wrong with it.
fn streamed(
    args: &CheckArgs,
    ladder: &Ladder,
    choice: &Choice<'_>,
    mut stream: Stream,
) -> Result<Result<Surveyed, u8>, ()> {
    // Stdout takes nothing back: before the first row is printed all of them are known to be sound. And an owner who
    // has nothing is a slip.
    if args.csv || choice.owner().is_some() {
        let mut owned = false;
        run_through(&mut stream, &mut |listed| {
            owned |= choice.owner() == Some(listed.owner.as_str());
            Ok(())
        })
        .map_err(drop)?;
        let owners = choice.owner().filter(|_| owned);
        if let Some(code) = choice.unknown_owner(&mut owners.into_iter()) {
            return Ok(Err(code));
        }
        stream = plimsoll_io::book::stream(&args.book).ok_or(())?;
    }
    let book = stream.take_book().ok_or(())?;
    if let Some(code) = choice.unknown_market(&book) {
        return Ok(Err(code));
    }
    let Some(at) = time_of(&book, args.at.as_deref()) else { return Ok(Err(exit::USAGE)) };
    let survey = match Survey::new(&book, at, ladder) {
        Ok(survey) => survey,
        Err(unsound) => return Ok(Err(refused(&unsound))),
    };
    let mut judged = match Judged::new(args, choice, &book, survey) {
        Ok(judged) => judged,
        Err(code) => return Ok(Err(code)),
    };
    match run_through(&mut stream, &mut |listed| judged.account(listed)) {
        Ok(()) => Ok(judged.finish()),
        Err(Stopped::Unsteady) => Err(()),
        Err(Stopped::Unwritten(error)) => Ok(Err(unwritten(args, &error))),
    }
}

/// The book read whole.
fn whole(args: &CheckArgs, ladder: &Ladder, choice: &Choice<'_>) -> Result<(Surveyed, Gaps), u8> {
    let (book, gaps) = open_for(args)?;
    // What was meant may be among what was left out.
    if gaps.faults.is_empty()
        && let Some(code) = choice.unknown(&book)
    {
        return Err(code);
    }
    let at: Time = time_of(&book, args.at.as_deref()).ok_or(exit::USAGE)?;
    let survey = Survey::new(&book, at, ladder).map_err(|unsound| refused(&unsound))?;
    let mut judged = Judged::new(args, choice, &book, survey)?;
    let mut progress = Progress::new("accounts", book.accounts.len() as u64);
    for (done, listed) in (0..).zip(&book.accounts) {
        judged.account(listed).map_err(|error| unwritten(args, &error))?;
        progress.at(done);
    }
    drop(progress);
    Ok((judged.finish()?, gaps))
}

enum Stopped {
    Unsteady,
    Unwritten(WriteError),
}

fn run_through(
    stream: &mut Stream,
    see: &mut dyn FnMut(&ListedAccount) -> Result<(), WriteError>,
) -> Result<(), Stopped> {
    let mut progress = Progress::new("rows", stream.rows());
    let mut chunk = Vec::new();
    loop {
        stream.next(&mut chunk).map_err(|_| Stopped::Unsteady)?;
        if chunk.is_empty() {
            return Ok(());
        }
        chunk.iter().try_for_each(&mut *see).map_err(Stopped::Unwritten)?;
        progress.at(stream.rows_read());
    }
}

/// Accounts as they are judged, and the table that they are written to.
struct Judged<'a> {
    args: &'a CheckArgs,
    choice: &'a Choice<'a>,
    book: &'a Book,
    survey: Survey<'a>,
    out: Option<Table<Box<dyn Write + Send>>>,
    part: Option<Part<'a>>,
}

impl<'a> Judged<'a> {
    fn new(
        args: &'a CheckArgs,
        choice: &'a Choice<'a>,
        book: &'a Book,
        survey: Survey<'a>,
    ) -> Result<Judged<'a>, u8> {
        let part = args.parquet.as_deref().map(Part::new);
        let to: Option<(Form, Box<dyn Write + Send>)> = match &part {
            Some(part) => match File::create(&part.path) {
                Ok(file) => Some((Form::Parquet, Box::new(file))),
                Err(error) => return Err(unwritten(args, &WriteError::Failed(error.to_string()))),
            },
            None if args.csv => Some((Form::Csv, Box::new(std::io::stdout()))),
            None => None,
        };
        let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        let out = to.map(|(form, to)| Table::new(form, to, &names)).transpose();
        let out = out.map_err(|error| unwritten(args, &error))?;
        Ok(Judged { args, choice, book, survey, out, part })
    }

    fn account(&mut self, listed: &ListedAccount) -> Result<(), WriteError> {
        let Some(out) = &mut self.out else {
            self.survey.judge(listed);
            return Ok(());
        };
        // Who is not chosen has no row, and is in the sums all the same. A tier is known only of who was judged.
        let row = if self.choice.any_tier() && self.choice.takes_of(self.book, listed) {
            self.survey.row(listed)
        } else {
            let seen = self.survey.judge(listed);
            if !self.choice.takes(self.book, listed, seen.tier) {
                return Ok(());
            }
            self.survey.row_of(seen.account, listed)
        };
        let answer = Answer { book: self.book, listed, row: &row };
        let cells: Vec<String> = COLUMNS.iter().map(|column| (column.cell)(&answer)).collect();
        let done = out.row(&cells);
        self.unless_gone(done)
    }

    /// A reader of stdout that went away is no failure: the rest is judged for the exit code alone.
    fn unless_gone(&mut self, done: Result<(), WriteError>) -> Result<(), WriteError> {
        match done {
            Err(WriteError::Gone) if self.args.csv => {
                self.out = None;
                Ok(())
            }
            done => done,
        }
    }

    fn finish(self) -> Result<Surveyed, u8> {
        let surveyed = self.survey.finish();
        if let Some(mut out) = self.out {
            let identity = &surveyed.identity;
            out.note("plimsoll.book", &identity.book);
            out.note("plimsoll.book_hash", &identity.hash);
            out.note("plimsoll.at", &identity.at.0.to_string());
            out.note("plimsoll.program", &format!("plimsoll {}", identity.program));
            match out.finish().and_then(|_| self.part.map_or(Ok(()), Part::keep)) {
                Err(WriteError::Gone) if self.args.csv => {}
                done => done.map_err(|error| unwritten(self.args, &error))?,
            }
        }
        Ok(surveyed)
    }
}

fn unwritten(args: &CheckArgs, error: &WriteError) -> u8 {
    let to = args.parquet.as_ref().map_or_else(|| "stdout".into(), |path| path.display().to_string());
    errln!("plimsoll: {to}: {error}");
    exit::UNWRITTEN
}

fn show(args: &CheckArgs, surveyed: &Surveyed, gaps: &Gaps) {
    let Surveyed { identity, markets, totals, tiers, accounts, coming, .. } = surveyed;
    if args.csv {
        errln!("plimsoll: {}", origin(identity));
    } else if args.json {
        let mut json = sums_json(identity, markets, *accounts, (tiers, totals), gaps);
        json["coming"] = (*coming).into();
        outln!("{json:#}");
    } else {
        print_prices(markets);
        print_totals(*accounts, tiers, totals);
        print_coming(*coming);
        gaps.print();
        outln!("\n{}", origin(identity));
    }
}
