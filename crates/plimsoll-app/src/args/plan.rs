//! What `plan` and `policy` are asked with.

use crate::steps::{Steps, amount, stake};
use plimsoll::{Stake, Sum};
use plimsoll_core::Decimal;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct PlanArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// An account's name, or MARKET:NAME where the name stands in several markets
    #[arg(required_unless_present = "owner")]
    pub(crate) account: Option<String>,
    /// All accounts of this owner: those below the target are helped, those above it may give
    #[arg(long, value_name = "OWNER", conflicts_with = "account")]
    pub(crate) owner: Option<String>,
    /// The health to be reached; 1 is the line
    #[arg(long, value_name = "HEALTH", value_parser = amount)]
    pub(crate) target: Decimal,
    /// What may be spent: '1000 USDC', or a file of it; may be said several times
    #[arg(long, value_name = "AMOUNT ASSET|FILE")]
    pub(crate) wallet: Vec<String>,
    /// What sales bring, as for `stress`: without it nothing is sold and no position is reduced
    #[arg(long, value_name = "FILE")]
    pub(crate) depth: Option<PathBuf>,
    /// What each call costs, in the currency; without it what the depth says
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub(crate) gas: Option<Decimal>,
    /// What costs are counted in
    #[arg(long, value_name = "CURRENCY", default_value = "USD")]
    pub(crate) currency: String,
    /// The part of what leaves the wallet that counts as cost, from 0 to 1
    #[arg(long, value_name = "PART", default_value = "0", value_parser = amount)]
    pub(crate) carry: Decimal,
    /// No step takes an account below this health on the way, or one that is below it further down
    #[arg(long, value_name = "HEALTH", default_value = "1.01", value_parser = amount)]
    pub(crate) floor: Decimal,
    /// A plan that was written with --json: it is done on the book, and what differs from the plan of now is told
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
    /// Changes that are done first, as `whatif` does them; of prices, parameters and time where --owner is said
    #[command(flatten)]
    pub(crate) first: Steps,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// A wallet's entry, where the words are one and not a file's name.
pub(crate) fn entry(text: &str) -> Option<Result<(String, Decimal), String>> {
    if std::path::Path::new(text).exists() {
        return None;
    }
    Some(stake(text).and_then(|Stake { sum, asset }| match sum {
        Sum::Exactly(amount) => Ok((asset, amount)),
        Sum::All => Err("found all of an asset, expected so much of it, such as '1000 USDC'".into()),
    }))
}

#[derive(clap::Subcommand)]
pub(crate) enum Policy {
    /// Try a policy on price history: how often it acts, what that costs, how often it comes too late
    ///
    /// Beside doing nothing and a buffer that is put up once. An estimate. Exit code: 0, 2 wrong usage, 3 faulty input, 4 where no account can be
    /// followed.
    Test(Box<PolicyTestArgs>),
}

#[derive(clap::Args)]
pub(crate) struct PolicyTestArgs {
    /// A book: a folder, or one JSON file
    pub(crate) book: PathBuf,
    /// The policy
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// A folder of price history
    #[arg(long, value_name = "DIR")]
    pub(crate) history: PathBuf,
    /// Every so often all accounts begin again as they stand in the book, at the prices of then; 0: they begin once
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = crate::history::seconds)]
    pub(crate) restart: u64,
    /// Only bars from this time on
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only bars before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Levels around the policy's own are tried as well, and marked where nothing beats them
    #[arg(long)]
    pub(crate) frontier: bool,
    /// An asset that stands still in dollars; may be said several times
    #[arg(long, value_name = "ASSET")]
    pub(crate) hold: Vec<String>,
    /// An asset moves as another does, so many times as far: 'LINK=ETH*1.3'
    #[arg(long, value_name = "ASSET=LIKE[*TIMES]", value_parser = crate::stress::mapping)]
    pub(crate) map: Vec<plimsoll::Mapping>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}
