//! What `margins`, `depth` and `calibrate` are asked.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct MarginsArgs {
    /// The folder of price history (docs/history.md)
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// The assets, by the names of their series
    #[arg(long, required = true, value_name = "ASSET,...", value_delimiter = ',')]
    pub(crate) assets: Vec<String>,
    /// Confidence, as a part of one
    #[arg(long, value_name = "LEVEL", default_value = "0.99", value_parser = super::level)]
    pub(crate) level: f64,
    /// Days for which a position cannot be closed
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=30))]
    pub(crate) days: usize,
    /// What is read off the losses: the expected shortfall, or the value at risk
    #[arg(long, value_enum, default_value_t = Reads::Es)]
    pub(crate) measure: Reads,
    /// The tool against procyclicality of the margins that are written
    #[arg(long, value_enum, default_value_t = ToolName::Floor)]
    pub(crate) tool: ToolName,
    /// A margin may rise from day to day by this part of itself; the breaches that this adds are shown
    #[arg(long, value_name = "PART", value_parser = positive)]
    pub(crate) rise: Option<f64>,
    /// Write the margins of every day, both sides, to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is read off a sample of losses.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Reads {
    Es,
    Var,
}

/// A tool against procyclicality.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ToolName {
    Base,
    Floor,
    Stressed,
    Buffer,
}

#[derive(clap::Args)]
pub(crate) struct DepthArgs {
    /// What markets offer: a file of quotes, pools and order books (docs/calibrate.md)
    pub(crate) offers: PathBuf,
    /// Write the curves to this file, as `stress --depth` and `calibrate --depth` read them
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct CalibrateArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The folder of price history (docs/history.md); only prices before the book's time are looked at
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// What selling seized collateral brings, as a file of depth curves (docs/scenarios.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) depth: PathBuf,
    /// The fund that absorbs losses, in dollars; a thousandth of it may be lost in a day. 400 million when not given
    #[arg(long, value_name = "USD", value_parser = positive)]
    pub(crate) fund: Option<f64>,
    /// How much of each asset circulates (docs/calibrate.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) supply: Option<PathBuf>,
    /// What may fail at once, how often and with what loss (docs/calibrate.md); not assessed when not given
    #[arg(long, value_name = "FILE")]
    pub(crate) hazards: Option<PathBuf>,
    /// An asset that is worth a dollar, by assumption
    #[arg(long, value_name = "ASSET")]
    pub(crate) hold: Vec<String>,
    /// An asset moves as the series of another does: `WSTETH=ETH`
    #[arg(long, value_name = "ASSET=LIKE", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// Only this market
    #[arg(long, value_name = "MARKET")]
    pub(crate) market: Option<String>,
    /// Only this collateral
    #[arg(long, value_name = "ASSET")]
    pub(crate) asset: Option<String>,
    /// So many of the accounts that a step touches are shown; JSON has all of them
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// One row for each market, collateral and column, as Parquet to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) parquet: Option<PathBuf>,
    /// The same as a page for people: one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("found `{text}`, expected a number above zero"))
}
