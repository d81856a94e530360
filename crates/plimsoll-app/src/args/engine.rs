use clap::Subcommand;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// Commands, one JSON object a line (docs/engine.md); standard input when not given, or `-`
    pub(crate) commands: Option<PathBuf>,
    /// The folder of the log; founded with --book and --config where it is new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The book that a new engine begins with
    #[arg(long, value_name = "BOOK", requires = "config")]
    pub(crate) book: Option<PathBuf>,
    /// What people decide about a new engine (docs/engine.md)
    #[arg(long, value_name = "FILE", requires = "book")]
    pub(crate) config: Option<PathBuf>,
    /// It is this time when the engine opens, and from then on what the lines say: the machine's clock is not asked
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Store the state after so many records, so that opening replays only what comes behind
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) snapshot_every: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Prove a log: its chain, every record, every snapshot against a replay
    ///
    /// Exit code: 0 when all of it is sound, 2 wrong usage, 3 where something is not.
    Verify(AuditVerifyArgs),
    /// Write every record as a JSON line, with what stood behind each decision
    ///
    /// Exit code: 0, 2 wrong usage, 3 where the log is damaged, after what stands before that.
    Export(AuditExportArgs),
    /// Show in words what a record was about: what was asked, what stood behind it, what followed
    ///
    /// Exit code: 0, 2 where there is no such record, 3 where the log is damaged.
    Explain(AuditExplainArgs),
}

#[derive(clap::Args)]
pub(crate) struct AuditVerifyArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
    /// A chain that was kept elsewhere: some record must have it
    #[arg(long, value_name = "HEX")]
    pub(crate) head: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct AuditExportArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
    /// Only what was recorded up to here: a record's number, or a time such as 2026-06-01T12:00:00Z
    #[arg(long, value_name = "NUMBER|TIME")]
    pub(crate) as_of: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct AuditExplainArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
    /// The record's number
    pub(crate) record: u64,
}

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// Prove that a log is whole: every segment, every record, every link of the chain
    ///
    /// Exit code: 0 when it is, 2 wrong usage, 3 when it is not.
    Verify(LogVerifyArgs),
    /// Copy a log to a new folder, proven before and after
    ///
    /// Nobody may write to it meanwhile. The copy has its name only when it is whole. Exit code: 0 when it was made, 2 wrong usage,
    /// 3 where the log is damaged or the folder has something in it, 5 where it cannot be written.
    Backup(LogBackupArgs),
    /// Copy a backup back, proven before and after; nothing is overwritten
    ///
    /// Exit code: as `log backup`.
    Restore(LogRestoreArgs),
}

#[derive(clap::Args)]
pub(crate) struct LogVerifyArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct LogBackupArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
    /// The folder to copy it to; new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct LogRestoreArgs {
    /// The folder of the backup
    pub(crate) backup: PathBuf,
    /// The folder to copy it to; new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct SelfcheckArgs {
    /// The folder of the log
    pub(crate) data: PathBuf,
    /// Machine-readable output
    #[arg(long)]
    pub(crate) json: bool,
}
