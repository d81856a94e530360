//! What `correlations` and `backtest` are asked.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct CorrelationsArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The folder of price history (docs/history.md), in bars of an hour or shorter
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// Alarms from here on; what was before serves as what they are measured against
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// As if it were then: no later price is looked at
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// An asset without a series of its own has the history of another: `WETH=ETH`; may be given several times
    #[arg(long, value_name = "ASSET=LIKE", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// So many alarms are shown, the latest; JSON has all of them
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// Every hour's correlation of every pair, as alarms see it, as Parquet to this file
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
pub(crate) struct BacktestArgs {
    /// The folder of price history (docs/history.md)
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// The assets, by the names of their series; all that are counted in the history's own quote when not given
    #[arg(long, value_name = "ASSET,...", value_delimiter = ',')]
    pub(crate) assets: Vec<String>,
    /// Confidence, as a part of one
    #[arg(long, value_name = "LEVEL", default_value = "0.99", value_parser = super::level)]
    pub(crate) level: f64,
    /// Daily returns that each forecast is from
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(30..=100_000))]
    pub(crate) window: usize,
    /// Days from here on are left out of the history
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Days before are left out
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// The same as a page for people, with pictures: one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}
