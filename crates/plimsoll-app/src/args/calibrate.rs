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
    #[arg(long, value_name = "LEVEL", default_value = "0.99")]
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
    #[arg(long, value_name = "PART")]
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
