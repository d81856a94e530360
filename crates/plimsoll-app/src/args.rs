use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Collateral, debt and the line between, exact to the last unit.
#[derive(Parser)]
#[command(name = "plimsoll", version, about, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge every account of a book: health, distance to the line, totals
    ///
    /// Exit code: 0 every account healthy, 1 some account unhealthy by its venue's own test, 2 wrong usage,
    /// 3 faulty input, 4 something unknown.
    Check(CheckArgs),
    /// Show how one account's numbers come about, step by step as the contract computes them
    Explain(ExplainArgs),
    /// Turn a table of positions into a book
    #[command(subcommand)]
    Import(Import),
    /// Write a book's tables in another form, to the byte the same each time
    ///
    /// Exit code: 0 when it was written, 2 wrong usage, 3 faulty input.
    Convert(ConvertArgs),
    /// Recompute recorded answers of venues and count the differences
    ///
    /// The last line is `checked N, mismatched M, skipped K`. Exit code: 0 when M and K are 0, 1 otherwise, 2 wrong
    /// usage, 3 when a file cannot be read.
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The time to judge at, as unix seconds or like 2026-03-01T12:00:00Z; the book's own when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
    /// Only prices and sums
    #[arg(long)]
    pub(crate) totals: bool,
    /// One row an account as CSV, in the order of the book; docs/results.md has the columns
    #[arg(long, conflicts_with_all = ["json", "totals"])]
    pub(crate) csv: bool,
    /// The same as Parquet, to this file; prices and sums are shown
    #[arg(long, value_name = "FILE", conflicts_with_all = ["csv"])]
    pub(crate) parquet: Option<PathBuf>,
    /// Judge the sound part of a faulty book; the faults go to stderr and into the output
    #[arg(long)]
    pub(crate) keep_going: bool,
}

#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    pub(crate) account: String,
    /// The time to explain at; the book's own when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// From a spreadsheet: CSV, plain or gzipped, one account a row
    ///
    /// docs/import.md has a worked example. Exit code: 0 when every row was taken, 2 wrong usage, 3 faulty input.
    Csv(ImportCsvArgs),
}

#[derive(clap::Args)]
pub(crate) struct ImportCsvArgs {
    /// The table, `.csv` or `.csv.gz`
    pub(crate) table: PathBuf,
    /// Which column is what: `account=user,collateral.WETH=amount,debt.USDC=owed`
    #[arg(long, required = true, value_name = "TARGET=COLUMN,...")]
    pub(crate) map: Vec<String>,
    /// The book that gives the venue's rules and prices, and which of its markets: `PATH` or `PATH#MARKET`
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) market: String,
    /// The folder to write the book to; new or empty
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Which way digits go that a token does not have: down, up or \"half up\"; refused when not given
    #[arg(long, value_name = "WAY")]
    pub(crate) round: Option<String>,
    /// Take the sound rows of a faulty table; the faults go to stderr
    #[arg(long)]
    pub(crate) keep_going: bool,
}

#[derive(clap::Args)]
pub(crate) struct ConvertArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The form of its feeds and positions
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Form,
    /// The folder to write the book to; new or empty
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Sort the positions by account, so that they can be read account by account
    #[arg(long)]
    pub(crate) sort: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Form {
    Csv,
    Parquet,
}

#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// Vector files, plain or gzipped
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where to look first for the data files that a schema needs
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Vec<PathBuf>,
    /// Machine-readable output on all lines but the last
    #[arg(long)]
    pub(crate) json: bool,
}
