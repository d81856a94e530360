//! The `plimsoll` command: parse, run, print, exit code.

// Their panic on a failed write is not an answer: `outln!` and `errln!`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod ask;
mod audit;
mod backtest;
mod brief;
mod buffer;
mod calibrate;
mod chain;
mod check;
mod convert;
mod correlations;
mod demo;
mod depth;
mod explain;
mod exposure;
mod figures;
mod gaps;
mod history;
mod import;
mod liquidate;
mod log;
mod margin;
mod margins;
mod max;
mod outlook;
mod part;
mod plan;
mod policy;
mod portfolio;
mod select;
mod restore;
mod progress;
mod report;
mod results;
mod risk;
mod run;
mod selfcheck;
mod sheet;
mod show;
mod simulate;
mod steps;
mod stress;
mod survey;
mod verify;
mod whatif;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

/// Exit codes, the same for every command.
mod exit {
    pub(crate) const CALM: u8 = 0;
    pub(crate) const UNHEALTHY: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const FAULTY: u8 = 3;
    pub(crate) const UNKNOWN: u8 = 4;
    pub(crate) const UNWRITTEN: u8 = 5;
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

/// Books are many small allocations: with this one an engine decides an eighth more updates a second than with the system's, or more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quieten_decoder();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to stdout and are no error.
            let printed = error.print();
            if error.use_stderr() {
                return ExitCode::from(exit::USAGE);
            }
            show::written(printed);
            return ExitCode::from(show::ended(exit::CALM));
        }
    };
    let code = match args.command {
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Outlook(args) => outlook::run(&args),
        Command::Exposure(args) => exposure::run(&args),
        Command::Whatif(args) => whatif::run(&args),
        Command::Max(args) => max::run(&args),
        Command::Liquidate(args) => liquidate::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Policy(args::Policy::Test(args)) => policy::test(&args),
        Command::Portfolio(args) => portfolio::run(&args),
        Command::Stress(args) => stress::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Risk(args) => risk::run(&args),
        Command::Buffer(args) => buffer::run(&args),
        Command::Brief(args) => brief::run(&args),
        Command::Correlations(args) => correlations::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Depth(args) => depth::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Margins(args) => margins::run(&args),
        Command::Margin(args) => margin::run(&args),
        Command::Import(args::Import::Csv(args)) => import::csv(&args),
        Command::Fetch(args) => chain::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Audit(args::Audit::Verify(args)) => audit::verify(&args),
        Command::Audit(args::Audit::Export(args)) => audit::export(&args),
        Command::Audit(args::Audit::Explain(args)) => audit::explain(&args),
        Command::Log(args::LogCommand::Verify(args)) => log::verify(&args),
        Command::Log(args::LogCommand::Backup(args)) => log::backup(&args),
        Command::Log(args::LogCommand::Restore(args)) => log::restore(&args),
        Command::Selfcheck(args) => selfcheck::run(&args),
    };
    ExitCode::from(show::ended(code))
}
