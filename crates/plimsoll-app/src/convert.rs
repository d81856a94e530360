//! `plimsoll convert`: a book's tables as CSV or Parquet.

use crate::args::{ConvertArgs, Form};
use crate::show::{errln, outln};
use crate::{check, exit, show};
use plimsoll_io::book::{ConvertError, Order, convert};
use plimsoll_io::export;
use std::io::IsTerminal;

pub(crate) fn run(args: &ConvertArgs) -> u8 {
    let form = match args.to {
        Form::Csv => export::Form::Csv,
        Form::Parquet => export::Form::Parquet,
    };
    let order = if args.sort { Order::ByAccount } else { Order::Kept };
    let written = match convert(&args.book, form, order) {
        Ok(written) => written,
        Err(ConvertError::Faulty(faults, left_out)) => {
            show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
            let faults = check::counted(faults.count(), "fault");
            // Where a whole file cannot be read nobody knows how many it has.
            let accounts = match left_out.count() {
                0 => String::new(),
                count => format!("; {} faulty", check::counted(count, "account")),
            };
            errln!("plimsoll: {faults} in {}{accounts}", args.book.display());
            errln!("plimsoll: nothing was written");
            return exit::FAULTY;
        }
        Err(ConvertError::Write(error)) => {
            errln!("plimsoll: {}: {error}", args.book.display());
            return exit::FAULTY;
        }
    };
    if let Err(error) = written.save(&args.out) {
        errln!("plimsoll: --out {}: {error}", args.out.display());
        return exit::FAULTY;
    }
    for (name, bytes) in &written.files {
        outln!("{}: {}", args.out.join(name).display(), check::counted(bytes.len() as u64, "byte"));
    }
    exit::CALM
}
