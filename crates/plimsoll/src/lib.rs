//! Every question that people ask of a book, one function each. Command line, server and bindings call this crate,
//! so that a question is answered in one place and a number is the same in every view.
//!
//! * [`check`]: every account's health, its distance to the line, totals.
//! * [`Survey`]: the same of a book that need not fit the memory, with nothing kept but the sums.
//! * [`explain`]: one account, step by step, as the venue's contract computes it.
//! * [`whatif`], [`whatif_all`]: the same numbers after actions, prices, parameters and time.
//! * [`max`]: the most that can be borrowed and withdrawn, so that the next block still lets it.
//! * [`boundary`]: where the verdict flips when a price moves.
//! * [`withdrawable`], [`borrowable`]: the same of one account in one market.

mod ask;
mod boundary;
mod bounds;
mod change;
mod check;
mod survey;
mod explain;
mod identity;
mod limits;
mod max;
mod path;
mod ratio;
mod search;
mod whatif;
mod world;

pub use ask::{Misasked, Sum, account, find};
pub use boundary::{Boundary, Crossing, boundary};
pub use change::{Change, Did, NewPrice, Stake};
pub use check::{Check, Ladder, MarketInfo, PriceAge, Row, Severity, Tier, Total, check};
pub use explain::{Allowance, Explanation, HoldingLine, Section, explain};
pub use identity::{Identity, identity};
pub use limits::{Limit, borrowable, withdrawable};
pub use max::{Binds, Max, Most, max};
pub use path::{Mover, Path, WHOLE, Weight};
pub use ratio::Ratio;
pub use survey::{Survey, Surveyed, Unsound};
pub use whatif::{Standpoint, WhatIf, WhatIfAll, whatif, whatif_all};
pub use world::{Held, Moved};
