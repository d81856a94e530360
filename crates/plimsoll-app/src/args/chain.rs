use std::path::PathBuf;

/// How a chain is asked.
#[derive(clap::Args)]
pub(crate) struct RpcArgs {
    /// An endpoint of the chain, http:// or https://; more of them are asked in turn, and with --quorum must agree on the block.
    /// The environment's ETH_RPC_URL where none is given
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// So many endpoints must give the block the same hash
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) quorum: usize,
    /// At most so many round trips a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_second: Option<u32>,
    /// At most so many requests in a round trip
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) batch: u16,
    /// What fails for a while is tried again so often, each time later
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) retries: u32,
    /// No round trip lasts longer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) timeout: u16,
}

#[derive(clap::Args)]
pub(crate) struct FetchArgs {
    /// The folder to write the book to; new or empty
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    /// A pool of Aave v3, by its address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) aave_v3: Vec<String>,
    /// Morpho Blue, by its address; all its markets, or those of --morpho-market
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) morpho_blue: Option<String>,
    /// A market of Morpho Blue, by its id
    #[arg(long, value_name = "ID", requires = "morpho_blue")]
    pub(crate) morpho_market: Vec<String>,
    /// Only the accounts of these owners; everybody's where none is given
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    pub(crate) owner: Vec<String>,
    /// The block; the newest when not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) block: Option<u64>,
    /// The chain that is meant, by its id: another one is refused
    #[arg(long, value_name = "ID")]
    pub(crate) chain: Option<u64>,
    /// The first block with logs of the venues; it is searched for when not given, which takes an archive node
    #[arg(long, value_name = "NUMBER")]
    pub(crate) from_block: Option<u64>,
    /// Where what was read is kept until the book is written; the folder OUT.fetch when not given
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// The form of the book's tables; Parquet from 100000 accounts on where none is given
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Option<super::Form>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What makes a plan a transaction.
#[derive(clap::Args)]
pub(crate) struct IntentArgs {
    /// Show the best call as an unsigned transaction; it is simulated first, at the newest block, from this account, which must
    /// have the tokens and have approved them
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) transaction_from: Option<String>,
    /// With --transaction-from, where the chain is asked
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
}
