mod correlations;

pub(crate) use correlations::{BacktestArgs, CorrelationsArgs};
mod calibrate;

pub(crate) use calibrate::{CalibrateArgs, DepthArgs, MarginsArgs, Reads, ToolName};

mod chain;

pub(crate) use chain::{FetchArgs, IntentArgs, RpcArgs};
mod plan;

pub(crate) use plan::{PlanArgs, Policy, PolicyTestArgs, entry};

mod engine;

pub(crate) use engine::{
    Audit, AuditExplainArgs, AuditExportArgs, AuditVerifyArgs, LogBackupArgs, LogCommand, LogRestoreArgs,
    LogVerifyArgs, RunArgs, SelfcheckArgs,
};

use crate::steps::Steps;
use clap::{Parser, Subcommand};
use plimsoll_io::book::{ACCOUNTS_MAX, ACCOUNTS_MIN};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes: 0 every account judged is healthy, 1 some account is unhealthy by its venue's own test, 2 wrong usage, \
3 faulty input, 4 something is unknown, 5 the answer could not be written to stdout. A command's --help says more.";

/// Collateral, debt and the line between, exact to the last unit.
#[derive(Parser)]
#[command(name = "plimsoll", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge every account of a book: health, distance to the line, totals
    ///
    /// Exit code: 0 every account healthy, 1 some account unhealthy by its venue's own test, 2 wrong usage,
    /// 3 faulty input, 4 something unknown or no account in the book, 5 the answer could not be written. With
    /// --keep-going: 1 where a judged account is unhealthy, else 3 where anything was faulty. With --against-chain: 0 every
    /// number equal, 1 a difference, 3 where the chain does not answer.
    Check(CheckArgs),
    /// Show how one account's numbers come about, step by step as the contract computes them
    ///
    /// Exit code: 0, or 1 and 4 as `check` would say of the account; 2 wrong usage, 3 faulty input.
    Explain(ExplainArgs),
    /// Show what actions, prices, parameters and time would change, before and after
    ///
    /// The changes are done in the order given, each through the venue's own rules. Without ACCOUNT: the accounts
    /// whose tier changes, and totals. Exit code: as `check` would say of ACCOUNT as it would be, and without ACCOUNT of
    /// the book; 3 when a change is refused, and then the rest is not done.
    Whatif(WhatifArgs),
    /// Show the most that an account can borrow and withdraw, so that the next block still lets it
    ///
    /// Each amount is accepted by the venue's own rules at both ends of the time given, and one unit more is refused.
    /// Exit code: 0, or 1 and 4 as `check` would say of the account; 2 wrong usage, 3 faulty input.
    Max(MaxArgs),
    /// Show what kills an account, and when: liquidation prices, interest, what each holding is good for
    Outlook(OutlookArgs),
    /// Show which feeds really move what is held and owed, how much of it, and what is blind to the market
    ///
    /// Every price is looked through to its leaves: feeds, constants, caps that bind. Exit code: 0, 2 wrong usage, 3 faulty
    /// input, 4 where a position has no value or a price that moves one is doubtful.
    Exposure(ExposureArgs),
    /// Show what a keeper may take of an account now, and whether it pays
    ///
    /// Every debt with every collateral, best first, each through the venue's own rules, after the changes given. Exit
    /// code: 0, or 1 and 4 as
    /// `check` would say of the account; 2 wrong usage, 3 faulty input.
    Liquidate(LiquidateArgs),
    /// Show the smallest deposit or repayment that brings an account's health back
    ///
    /// Each amount goes through the venue's own rules, after the changes given, and no smaller one does, unless it is
    /// said to be not proven. Exit code: 0, or 1 and 4 as `check` would say of the account as it stands; 2 wrong usage, 3 faulty input.
    Restore(RestoreArgs),
    /// Show the cheapest steps that bring an account, or all of an owner, to a health
    ///
    /// Money from a wallet, from accounts that have more than they need, and from sales down a depth curve; each step through the
    /// venue's own rules, nobody below his line in between, and no smaller last step will do. Where there is no such plan: what binds, and
    /// what would be enough. Exit code: 0 where there is a plan, 1 where there is none, 4 where an account is unknown; 2 wrong usage, 3 faulty
    /// input.
    Plan(Box<PlanArgs>),
    /// Try policies of keeping accounts safe
    #[command(subcommand)]
    Policy(Policy),
    /// Show one owner's accounts side by side: who dies first along each feed, net equity, the way back
    ///
    /// Exit code: the worst of the accounts, as `check` says it; 2 wrong usage, 3 faulty input.
    Portfolio(PortfolioArgs),
    /// Show what scenarios do to a whole book at once: who falls, what can be seized, what debt is left uncovered
    ///
    /// Exit code: the worst of the book after each scenario, as `check` would say it; 2 wrong usage, also where a scenario
    /// says nothing of something that the book holds; 3 faulty input.
    Stress(Box<StressArgs>),
    /// Play a crash step by step against a book: prices, oracles, keepers, borrowers, and the markets that things are sold in
    ///
    /// Every liquidation goes through the rules of its venue, and what is sold moves what is left to be sold into. Estimates: every
    /// number that was given stands beside them, measured or assumed. Exit code: 0, 1 where debt is lost in some run, 4 where an
    /// account cannot be judged; 2 wrong usage, also where the crash says nothing of something that the book holds; 3 faulty input.
    Simulate(Box<SimulateArgs>),
    /// Show how likely accounts are to be liquidated by a date, and what a whole book may lose, from price history
    ///
    /// Each chance is a range over models, with standard errors; what history cannot show is said to be beyond the data or not
    /// estimable. Exit code: 0, 1 where an account asked about is below its line now, 4 where one is not estimable; 2 wrong
    /// usage, 3 faulty input.
    Risk(Box<RiskArgs>),
    /// Show the least health that keeps the chance of liquidation under a limit, and what brings it about
    ///
    /// Under each model; with what it costs, what it spares, and whether a policy of topping up later comes in time. Exit code: 0,
    /// 1 where the account is below its line now, 4 where it is not estimable; 2 wrong usage, 3 faulty input.
    Buffer(Box<BufferArgs>),
    /// Show what changed since an older book: the worst accounts, who changed tier, and why
    ///
    /// Every change is split into own actions, interest, parameters and prices, in that order; the parts add exactly to it.
    /// Exit code: as `check` would say of BOOK, all of it; 2 wrong usage, also where the older book is the newer; 3 faulty
    /// input.
    Brief(BriefArgs),
    /// Show how collateral and debt of a book move together by price history, and when that changed
    ///
    /// Every pair that backs a debt: correlation with its band, alarms, wrong-way risk, regime, pegs; docs/correlations.md has the
    /// methods and how often they alarm for nothing. Exit code: 0, 2 wrong usage, 3 faulty input, 4 where the history says
    /// nothing of a pair or a position has no value.
    Correlations(CorrelationsArgs),
    /// Show whether forecasts of losses were right: value at risk day by day against what came
    ///
    /// Three methods, each with its tests and a verdict in words. Exit code: 0, 2 wrong usage, 3 faulty history, 4 where a series
    /// is missing or too short.
    Backtest(BacktestArgs),
    /// Make depth curves of quotes, pools and order books
    ///
    /// Exit code: 0, 2 wrong usage, 3 faulty input, 5 where the file cannot be written.
    Depth(DepthArgs),
    /// Show where the lines of each collateral should stand, from price history, depth and what people owe
    ///
    /// Three columns of what is tolerated, each number with the formula and the observation that set it, the next step, and whom it
    /// would touch. Exit code: 0, 2 wrong usage, 3 faulty input, 4 where something cannot be estimated.
    Calibrate(Box<CalibrateArgs>),
    /// Show margins day by day from price history, with the tools against procyclicality, and what each of them did
    ///
    /// Every margin is set with what was known before its day. Exit code: 0, 2 wrong usage, 3 faulty history, 4 where a series is
    /// missing or too short.
    Margins(MarginsArgs),
    /// Show what another margin model would ask of a book
    #[command(subcommand)]
    Margin(Margin),
    /// Turn a table of positions into a book
    #[command(subcommand)]
    Import(Import),
    /// Write a book of a chain's block: markets with parameters, state and prices, and accounts; docs/fetch.md has a session
    ///
    /// Read-only: no key is ever asked for. A fetch that was killed goes on where it was, at the same block, and writes the same
    /// bytes. Exit code: 0 when it was written, 2 wrong usage, 3 where the chain does not answer, or something cannot be
    /// read or written.
    Fetch(FetchArgs),
    /// Write a made-up book of any size: five venues, loopers, whales, dust; docs/demo.md says what is in it
    ///
    /// The same number and seed give the same bytes on any machine. From 100000 accounts on positions are Parquet. Exit code:
    /// 0 when it was written, 2 wrong usage, 3 where the folder has something in it or cannot be written.
    Demo(DemoArgs),
    /// Write a book's tables in another form, to the byte the same each time
    ///
    /// Exit code: 0 when it was written, 2 wrong usage, 3 faulty input.
    Convert(ConvertArgs),
    /// Recompute recorded answers of venues and count the differences
    ///
    /// The last line is `checked N, mismatched M, skipped K`. Exit code: 0 when M and K are 0, 1 otherwise, 2 wrong
    /// usage, 3 when a file cannot be read.
    Verify(VerifyArgs),
    /// Run an engine over a folder: commands in as JSON lines, answers out when they are durable
    ///
    /// docs/engine.md has the commands. Exit code, of the accounts as they stand at the end: 0 every account healthy, 1 some account
    /// unhealthy by its venue's own test, 2 wrong usage, 3 where a line or a file was faulty or the log is damaged, 4 something
    /// unknown, 5 where an answer or a record could not be written.
    Run(RunArgs),
    /// Prove, export and explain what an engine recorded
    #[command(subcommand)]
    Audit(Audit),
    /// Verify, back up and restore the log of an engine
    #[command(subcommand)]
    Log(LogCommand),
    /// Report how an engine stands: limits, people, feeds, drills, what is open, and which test proves each control
    ///
    /// Exit code: 0, 2 wrong usage, 3 where the log is damaged.
    Selfcheck(SelfcheckArgs),
}

/// What chooses among accounts; sums of a whole book know no choice.
const CHOICE: [&str; 5] = ["tier", "owner", "market", "sort", "top"];
/// What asks for another order; rows come in the order of the book.
const ORDER: [&str; 2] = ["sort", "top"];

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
    #[arg(long, conflicts_with_all = CHOICE)]
    pub(crate) totals: bool,
    /// One row an account as CSV, in the order of the book; docs/results.md has the columns. --owner, --market and
    /// --tier choose among the rows
    #[arg(long, conflicts_with_all = ["json", "totals"], conflicts_with_all = ORDER)]
    pub(crate) csv: bool,
    /// The same as Parquet, to this file; prices and sums are shown, of all accounts
    #[arg(long, value_name = "FILE", conflicts_with = "csv", conflicts_with_all = ORDER)]
    pub(crate) parquet: Option<PathBuf>,
    /// Judge the sound part of a faulty book: the faults go to stderr, how many there are and which accounts were left
    /// out into the output
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Where the tiers begin, as health: safe, moderate and high; below them, down to 1, is critical, and below the
    /// venue's own line liquidatable. Without debt there is no tier; where a doubtful price decides, it is unknown
    #[arg(long, value_name = "SAFE,MODERATE,HIGH", default_value = "2,1.5,1.2")]
    pub(crate) tiers: String,
    /// Only these tiers: `critical,liquidatable,unknown`
    #[arg(long, value_name = "TIER,...", value_delimiter = ',')]
    pub(crate) tier: Vec<String>,
    /// Compare every account with the venue's own view functions, at the block that the book was fetched at
    #[arg(long, conflicts_with_all = ["totals", "csv", "parquet", "at", "keep_going"], conflicts_with_all = CHOICE)]
    pub(crate) against_chain: bool,
    /// With --against-chain, where the chain is asked
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    /// Only this owner's accounts
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Only this market's accounts
    #[arg(long, value_name = "MARKET")]
    pub(crate) market: Option<String>,
    /// In which order
    #[arg(long, value_enum, default_value_t = Order::Health)]
    pub(crate) sort: Order,
    /// Only so many
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
}

/// In which order accounts are shown.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Order {
    /// The unknown first, then the least healthy
    Health,
    /// The unhealthy first, then those without an answer, then the shortest way to the line along any one feed
    Distance,
    /// The largest debt first, market by market
    Debt,
    /// By name
    Name,
}

#[derive(clap::Args)]
pub(crate) struct OutlookArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    pub(crate) account: String,
    /// The time to look ahead from; the book's own when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Feeds that move together, each with its weight: `ETH/USD,BTC/USD=0.8`; may be given several times
    #[arg(long, value_name = "FEED[=WEIGHT],...")]
    pub(crate) together: Vec<String>,
    /// Distances in standard deviations of a day by price history (docs/history.md); without it, by the book's surfaces of volatilities
    #[arg(long, value_name = "DIR")]
    pub(crate) history: Option<PathBuf>,
    /// An asset has the history of another: WETH=ETH (repeatable)
    #[arg(long, value_name = "ASSET=LIKE", value_parser = crate::stress::mapping, requires = "history")]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct PortfolioArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The owner's name
    pub(crate) owner: String,
    /// The time to judge at; the book's own when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The health that every account shall be brought back to
    #[arg(long, value_name = "HEALTH", value_parser = crate::steps::amount, default_value = "1.5")]
    pub(crate) to: plimsoll_core::Decimal,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// The two prices of a heatmap.
pub(crate) type Axes = [plimsoll::Axis; 2];

#[derive(clap::Args)]
pub(crate) struct ExposureArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// Only this owner's accounts, position by position
    #[arg(long, value_name = "OWNER", conflicts_with = "account")]
    pub(crate) owner: Option<String>,
    /// Only this account, position by position; MARKET:NAME where the name stands in several markets
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The time to look at; the book's own when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct StressArgs {
    /// A book: a folder, or one JSON file
    #[arg(required_unless_present = "list")]
    pub(crate) book: Option<PathBuf>,
    /// Show the scenarios that ship, and what each of them asks
    #[arg(long)]
    pub(crate) list: bool,
    /// A scenario that ships, or a file of one, with what it asks behind a colon: `2020-03-12-24h`,
    /// `one-asset:asset=WETH,percent=-30`; may be given several times
    #[arg(long, value_name = "NAME|FILE[:PARAMETER=VALUE,...]")]
    pub(crate) scenario: Vec<String>,
    /// An asset of which the scenario says nothing moves as another does, or so many times as far: `LINK=ETH*1.3`
    #[arg(long, value_name = "ASSET=LIKE[*TIMES]", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// An asset of which the scenario says nothing keeps its price in USD, whatever its feed counts in
    #[arg(long, value_name = "ASSET")]
    pub(crate) hold: Vec<String>,
    /// A number of a market becomes this, in its own integers, as `whatif` has it:
    /// `aave-core/WETH/liquidation_threshold=8000`. Every scenario is done to both books, and who is liquidatable only in the
    /// changed one is shown; may be given several times
    #[arg(long, value_name = "MARKET/OBJECT/NUMBER=VALUE", value_parser = crate::steps::set, conflicts_with = "curve")]
    pub(crate) set: Vec<(String, plimsoll::Change)>,
    /// Collateral at risk as the price of this asset moves, or `collateral`: of all that backs a debt, dollars standing
    /// still; in exact steps
    #[arg(long, value_name = "ASSET")]
    pub(crate) curve: Option<String>,
    /// So many of the accounts that fall, and of the steps, are shown; JSON has all of them
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// What selling seized collateral brings, as a file of depth curves (docs/scenarios.md): liquidators then sell what they
    /// seize, and act only where that pays
    #[arg(long, value_name = "FILE")]
    pub(crate) depth: Option<PathBuf>,
    /// Each scenario also as a path: prices go in so many equal steps to the shock's, and what is liquidated at one step stays so
    /// at the next
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) steps: Option<u32>,
    /// What every pair of moves of two prices does, in percent and so many points: `ETH:-60..0:13,stETH/ETH:-10..0:11`, of which
    /// the second is counted in ether
    #[arg(long, value_name = "ASSET[/IN]:FROM..TO:POINTS,...", value_parser = crate::stress::axes, conflicts_with = "set")]
    pub(crate) heatmap: Option<Axes>,
    /// Every liquidatable account of every scenario, one row each, as Parquet to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) parquet: Option<PathBuf>,
    /// The same as a page for people, with pictures: one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct SimulateArgs {
    /// A book: a folder, or one JSON file
    #[arg(required_unless_present = "list")]
    pub(crate) book: Option<PathBuf>,
    /// Show the crashes that ship
    #[arg(long)]
    pub(crate) list: bool,
    /// A crash that ships, or a file of one (docs/simulate.md)
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "list")]
    pub(crate) crash: Option<String>,
    /// What selling seized collateral brings, as a file of depth curves (docs/scenarios.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) depth: Option<PathBuf>,
    /// How many runs are played, each with paths of its own
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) runs: u64,
    /// Where random numbers begin
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// On so many threads; the answer is the same on any number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) threads: usize,
    /// An asset of which the crash says nothing moves as another does, or so many times as far: `LINK=ETH*1.3`
    #[arg(long, value_name = "ASSET=LIKE[*TIMES]", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// An asset of which the crash says nothing keeps its price in USD
    #[arg(long, value_name = "ASSET")]
    pub(crate) hold: Vec<String>,
    /// Recorded bars with their lows and highs in the place of the crash's own ways: a folder of price history (docs/history.md)
    #[arg(long, value_name = "DIR", requires_all = ["since", "until"])]
    pub(crate) history: Option<PathBuf>,
    /// The first of them opens then or later
    #[arg(long, value_name = "TIME", requires = "history")]
    pub(crate) since: Option<String>,
    /// The last opens before this
    #[arg(long, value_name = "TIME", requires = "history")]
    pub(crate) until: Option<String>,
    /// Everything that happens in this run, from 0 on
    #[arg(long, value_name = "RUN", conflicts_with_all = ["sweep", "reverse"])]
    pub(crate) trace: Option<u64>,
    /// With --trace: an account as it stood so many seconds after the start, as `explain` has it
    #[arg(long, value_name = "ACCOUNT@SECONDS", requires = "trace", value_parser = crate::simulate::moment)]
    pub(crate) explain: Option<(String, u64)>,
    /// The same paths with one number at each of these values: `spills=0,0.5,1`, `delay=0,3600`
    #[arg(long, value_name = "NAME=VALUE,...", value_parser = crate::simulate::sweep, conflicts_with = "reverse")]
    pub(crate) sweep: Option<(String, Vec<plimsoll_core::Decimal>)>,
    /// The smallest multiple of the fall, or of the book beside its markets, at which VaR 95 % of bad debt is above so many USD
    #[arg(long, value_name = "fall|book:USD", value_parser = crate::simulate::reverse)]
    pub(crate) reverse: Option<(plimsoll::Reverse, plimsoll_core::Decimal)>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What commands take that estimate from price history.
#[derive(clap::Args)]
pub(crate) struct History {
    /// A folder of price history: docs/history.md
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// How often the venue's oracle is seen
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = crate::history::seconds)]
    pub(crate) looks: u64,
    /// How many paths are drawn
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) paths: u64,
    /// Where random numbers begin
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// So many of the last whole days are drawn from and fitted
    #[arg(long, value_name = "DAYS", default_value_t = 500)]
    pub(crate) window: usize,
    /// An asset moves as another does, or so many times as far: `LINK=ETH*1.3`
    #[arg(long, value_name = "ASSET=LIKE[*TIMES]", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// An asset stands still, in dollars
    #[arg(long, value_name = "ASSET")]
    pub(crate) hold: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct RiskArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    #[command(flatten)]
    pub(crate) history: History,
    /// The horizons in days
    #[arg(long, value_name = "DAYS,...", value_delimiter = ',', default_value = "1,7,30")]
    pub(crate) days: Vec<u32>,
    /// Only this account; MARKET:NAME where the name stands in several markets
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "owner")]
    pub(crate) account: Option<String>,
    /// Only this owner's accounts
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// So many accounts are shown, the likeliest to cross first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// Every account that is shown, model and horizon, one row each, as Parquet to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) parquet: Option<PathBuf>,
    /// The same as a page for people, with pictures: one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct BufferArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) history: History,
    /// The horizons in days
    #[arg(long, value_name = "DAYS,...", value_delimiter = ',', default_value = "7,30")]
    pub(crate) days: Vec<u32>,
    /// The chances to stay under, in percent
    #[arg(long, value_name = "PERCENT,...", value_delimiter = ',', default_value = "5,1,0.1", value_parser = crate::buffer::share)]
    pub(crate) chance: Vec<f64>,
    /// What becomes of whoever repays up to a health when his falls to another: `trigger=1.2,target=1.5,delay=2h,gas=50`
    #[arg(long, value_name = "trigger=H,target=H,delay=DURATION,gas=AMOUNT", value_parser = crate::buffer::policy)]
    pub(crate) policy: Option<plimsoll::Policy>,
    /// What capital costs a year, in percent; what the account's own debt costs it when not given
    #[arg(long, value_name = "PERCENT")]
    pub(crate) carry: Option<f64>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct BriefArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An older book of the same markets
    #[arg(long, value_name = "OLDER")]
    pub(crate) since: PathBuf,
    /// Only this owner's accounts
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// So many accounts of each list are shown; sums are of all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// The same as a page for people: one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Explain an account of a faulty book that is sound itself; the exit code is then 3, or 1 where it is unhealthy
    #[arg(long)]
    pub(crate) keep_going: bool,
}

#[derive(clap::Args)]
pub(crate) struct WhatifArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME; without it the changes are of prices, parameters and time alone
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) steps: Steps,
    /// Write the book as it would be to a new folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct MaxArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    pub(crate) account: String,
    /// From when on; the book's own time when not given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// For how long the amounts must be accepted
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = seconds)]
    pub(crate) after: u64,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct LiquidateArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    pub(crate) account: String,
    /// Changes that are done first, as `whatif` does them
    #[command(flatten)]
    pub(crate) first: Steps,
    /// What sending the call costs, in the market's currency
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = crate::steps::amount)]
    pub(crate) gas: plimsoll_core::Decimal,
    /// The best call as an unsigned transaction, of a book that `plimsoll fetch` wrote
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets; with --with, an owner
    pub(crate) account: String,
    /// The health to be reached; 1 is the line
    #[arg(long, value_name = "HEALTH", value_parser = crate::steps::amount, required_unless_present = "with")]
    pub(crate) to: Option<plimsoll_core::Decimal>,
    /// So much of one asset, split among all accounts of the owner ACCOUNT so that the least healthy of them becomes
    /// as healthy as can be: '1000000 USDC'
    #[arg(long, value_name = "AMOUNT", value_parser = crate::steps::stake, conflicts_with_all = ["to", "by", "within"])]
    pub(crate) with: Option<plimsoll::Stake>,
    /// The amount shall still do at this time
    #[arg(long, value_name = "TIME", conflicts_with = "within")]
    pub(crate) by: Option<String>,
    /// The amount shall still do after so long
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = seconds)]
    pub(crate) within: u64,
    /// Changes that are done first, as `whatif` does them
    #[command(flatten)]
    pub(crate) first: Steps,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Seconds of a duration.
fn seconds(text: &str) -> Result<u64, &'static str> {
    plimsoll_io::time::parse_duration(text)
        .ok_or("expected seconds, or a duration such as 12s, 90m, 24h or 7d")
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// From a spreadsheet: CSV, plain or gzipped, one account a row
    ///
    /// docs/import.md has a worked example. Exit code: 0 when every row was taken, 2 wrong usage, 3 faulty input, also
    /// where --keep-going took the rest of it, or a table without rows.
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
pub(crate) struct DemoArgs {
    /// How many accounts, from 10 to 20000000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(ACCOUNTS_MIN..=ACCOUNTS_MAX))]
    pub(crate) accounts: u64,
    /// Where random numbers begin
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The folder to write the book to; new or empty
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct ConvertArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The form of its tables
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

/// A confidence.
fn level(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number < 1.0);
    number.ok_or_else(|| format!("found `{text}`, expected a number between 0 and 1, such as 0.99"))
}

#[derive(Subcommand)]
pub(crate) enum Margin {
    /// Compare two margin models on every client: initial and maintenance margin, new calls, what binds
    ///
    /// A model is `book` (what the book has), a preset's name (`desk`, `hyperliquid`) or a file (docs/margin.md). Exit code: 0, 1 where somebody is called under the second model
    /// who is not under the first; 2 wrong usage, 3 faulty input, 4 where an account is unknown.
    Compare(MarginCompareArgs),
    /// Show who bears what accounts that are worth less than nothing cannot: funds, then counterparties or everybody
    ///
    /// Exit code: 0 where nobody is worth less than nothing, 1 where somebody is, 2 wrong usage, 3 faulty input, 4 where nobody can say
    /// what an account is worth.
    Waterfall(WaterfallArgs),
    /// Show in which order positions would be closed if others went bankrupt, and how many lots stand before each
    ///
    /// Exit code: 0, 2 wrong usage, 3 faulty input, 4 where nobody can say what an account with a position is worth.
    Adl(AdlArgs),
}

#[derive(clap::Args)]
pub(crate) struct WaterfallArgs {
    /// The book: a folder with a book.toml, or one .json file
    pub(crate) book: PathBuf,
    /// What stands behind its accounts: a file of funds (docs/book-format.md); without one there are none, and markets deleverage
    #[arg(long, value_name = "FILE")]
    pub(crate) funds: Option<PathBuf>,
    /// At another price: 'SOL/USD=-30%' or 'SOL/USD=70' (repeatable)
    #[arg(long, value_name = "PRICE=VALUE")]
    pub(crate) price: Vec<String>,
    /// Judge at another time than the book's: unix seconds, or like 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct AdlArgs {
    /// The book: a folder with a book.toml, or one .json file
    pub(crate) book: PathBuf,
    /// Only where this account stands
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// At another price: 'SOL/USD=-30%' or 'SOL/USD=70' (repeatable)
    #[arg(long, value_name = "PRICE=VALUE")]
    pub(crate) price: Vec<String>,
    /// Judge at another time than the book's: unix seconds, or like 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct MarginCompareArgs {
    /// The book: a folder with a book.toml, or one .json file
    pub(crate) book: PathBuf,
    /// The model before, and then the one after
    #[arg(long, required = true, value_name = "NAME|FILE", num_args = 1)]
    pub(crate) model: Vec<String>,
    /// Judge at another time than the book's: unix seconds, or like 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}
