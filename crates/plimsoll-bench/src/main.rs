//! Benchmarks and soaks of Plimsoll, behind one command.
//!
//! ```text
//! cargo run --release -p plimsoll-bench -- NAME... [--quick] [--seed N]
//! cargo run --release -p plimsoll-bench -- --list [--json]
//! cargo run --release -p plimsoll-bench -- soak NAME [--rounds N] [--seed N]
//! ```
//!
//! Stdout carries JSON lines and nothing else, one for each (bench, case, baseline); see [`line::Line`]. Everything
//! for people goes to stderr. An unknown name, a baseline that cannot be had or an answer that a baseline of equal
//! exactness contradicts is a non-zero exit and a message, never a line that is missing.
//!
//! How figures come about stands in [`measure`]. A bench is a file under `benches` and an entry in [`registry`].

#![allow(clippy::float_arithmetic)] // of times and ratios; what is measured holds no float

mod benches;
mod line;
mod measure;
mod peers;
mod random;
mod registry;
mod threads;

use clap::{Parser, Subcommand};
use registry::{Context, Entry, Scale, Trouble};
use std::io::Write;
use std::process::ExitCode;

/// Measure Plimsoll beside its peers; JSON lines on stdout
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "plimsoll-bench", version, about, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to measure; `--list` shows the names
    #[arg(required_unless_present = "list")]
    names: Vec<String>,
    /// Show every name with what it measures
    #[arg(long)]
    list: bool,
    /// The list as JSON lines too (measurements are JSON lines always)
    #[arg(long)]
    json: bool,
    /// Fewer runs on less data: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Where random data begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder with data that are not in the repository; `riskdao_grid` asks for one
    #[arg(long)]
    data: Option<std::path::PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// The long form of a name: more data, many seeds, no limit of time
    Soak {
        /// What to soak
        #[arg(required = true)]
        names: Vec<String>,
        /// How many seeds
        #[arg(long, default_value_t = 20)]
        rounds: u32,
        /// The first seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Writes to a log until it is killed; `kills` runs it
    #[command(hide = true)]
    WriteLog {
        /// The log's folder
        folder: std::path::PathBuf,
    },
}

/// A file that makes the Parquet decoder panic is told as faulty, and not as a mistake of this program.
fn quieten_decoder() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !plimsoll_io::columnar::decoding() {
            hook(info);
        }
    }));
}

fn main() -> ExitCode {
    quieten_decoder();
    let args = Args::parse();
    if args.list {
        for entry in registry::ENTRIES {
            print_line(&if args.json { entry.json() } else { entry.text() });
        }
        return ExitCode::SUCCESS;
    }
    let (names, scale, seed) = match args.command {
        Some(Command::WriteLog { folder }) => {
            return match benches::durability::write_log(&folder) {
                Ok(()) => ExitCode::SUCCESS,
                Err(trouble) => ExitCode::from(trouble.exit_code()),
            };
        }
        Some(Command::Soak { names, rounds, seed }) => (names, Scale::Soak { rounds }, seed),
        None if args.quick => (args.names, Scale::Quick, args.seed),
        None => (args.names, Scale::Full, args.seed),
    };
    // Once in a program's life, so that what every bench is told stays a copy.
    let data = args.data.map(|folder| &*Box::leak(folder.into_boxed_path()));
    let context = Context { scale, seed, child_peers: true, data };
    match run(&names, &context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("plimsoll-bench: {trouble}");
            ExitCode::from(trouble.exit_code())
        }
    }
}

fn run(names: &[String], context: &Context) -> Result<(), Trouble> {
    // All names are known before the first is measured.
    let entries: Vec<&Entry> = names.iter().map(|name| registry::find(name)).collect::<Result<_, _>>()?;
    for entry in entries {
        eprintln!("{}: {}", entry.name, entry.about);
        (entry.run)(context, &mut |line| print_line(&line.json()))?;
    }
    Ok(())
}

/// A reader that went away is no reason to panic; the next write would say so again.
fn print_line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
