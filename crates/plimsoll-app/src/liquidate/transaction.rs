//! The best call of a plan as an unsigned transaction, simulated before it is shown.

use crate::args::LiquidateArgs;
use crate::chain::{client, refused};
use crate::show::outln;
use plimsoll::Liquidate;
use plimsoll_chain::{Address, ChainError, Intent, Origin, Reader};
use plimsoll_core::{Action, Book, Mechanism};
use serde_json::{Value, json};

/// A transaction that the node says would go through.
pub(super) struct Transaction {
    intent: Intent,
    from: Address,
    /// The block after which it was simulated, and the time at which.
    block: u64,
    at: u64,
}

/// The transaction that is asked for, if one is and there is a call; the exit code where it would fail, told.
pub(super) fn of(args: &LiquidateArgs, book: &Book, answer: &Liquidate) -> Result<Option<Transaction>, u8> {
    let Some(from) = &args.intent.transaction_from else { return Ok(None) };
    made(args, from, book, answer).map_err(|error| refused(&error))
}

fn made(
    args: &LiquidateArgs,
    from: &str,
    book: &Book,
    answer: &Liquidate,
) -> Result<Option<Transaction>, ChainError> {
    let from: Address = from.parse()?;
    let origin = Origin::open(&args.book)?;
    let best = answer.pairs.first().and_then(|pair| Some((pair, pair.outcome.as_ref().ok()?)));
    let Some((pair, sale)) = best else { return Ok(None) };
    let (repay, seize) = (pair.debt.instrument, pair.collateral.instrument);
    let mechanism = Mechanism::Discount { repay, seize, lot: sale.lot, receive: sale.receive };
    let intent = Intent::of(&origin, book, answer.account, &Action::Liquidate(mechanism))?;
    let client = client(&args.intent.rpc)?;
    let block = client.block(None, Some(origin.block.chain))?;
    let (number, at) = (block.number, book.at.0.max(block.time));
    let reader = Reader::new(&client, block)?;
    intent.simulated(&reader, from, at)?;
    Ok(Some(Transaction { intent, from, block: number, at }))
}

impl Transaction {
    pub(super) fn json(&self) -> Value {
        let mut json = self.intent.json();
        json["from"] = json!(self.from.to_string());
        json!({
            "unsigned": json,
            "does": self.intent.what,
            "takes": self.intent.takes.map(|token| token.to_string()),
            "simulated_after_block": self.block,
            "simulated_at": self.at,
        })
    }

    pub(super) fn print(&self) {
        outln!();
        outln!(
            "unsigned transaction of the first line, simulated after block {} as of {}: it goes through",
            self.block,
            crate::show::time(plimsoll_core::Time(self.at))
        );
        outln!("{:#}", self.json()["unsigned"]);
    }
}
