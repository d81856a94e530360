//! Every question that people ask of a book, one function each. Command line, server and bindings call this crate,
//! so that a question is answered in one place and a number is the same in every view.
//!
//! * [`check`]: every account's health, its distance to the line, totals.
//! * [`Survey`]: the same of a book that need not fit the memory, with nothing kept but the sums.
//! * [`explain`]: one account, step by step, as the venue's contract computes it.
//! * [`withdrawable`], [`borrowable`]: how much can go in one action, to the last unit.

mod check;
mod survey;
mod explain;
mod identity;
mod limits;
mod ratio;

pub use check::{Check, Ladder, MarketInfo, PriceAge, Row, Severity, Tier, Total, check};
pub use explain::{Allowance, Explanation, HoldingLine, Section, explain, find};
pub use identity::{Identity, identity};
pub use limits::{Limit, borrowable, withdrawable};
pub use ratio::Ratio;
pub use survey::{Survey, Surveyed, Unsound};
