//! `plimsoll demo`: a made-up book of any size at five venues, so that anybody can repeat a figure.

use crate::args::DemoArgs;
use crate::check::counted;
use crate::exit;
use crate::show::{errln, outln};
use plimsoll_io::book::demo;

pub(crate) fn run(args: &DemoArgs) -> u8 {
    match demo(args.accounts, args.seed, &args.out) {
        Ok(made) => {
            outln!(
                "{}: {} of {} people, {}, in positions.{}",
                args.out.display(),
                counted(made.accounts, "account"),
                made.people,
                counted(made.rows, "row"),
                made.form.extension()
            );
            exit::CALM
        }
        Err(error) => {
            errln!("plimsoll: --out {}: {error}", args.out.display());
            exit::FAULTY
        }
    }
}
