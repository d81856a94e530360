//! Aave v3 against its description, on random pools and on scenes made by hand.
//!
//! Expected values come from outside: from the tables of the protocol's description restated in integers without
//! limits (`model`), from sums without any rounding, from the contracts' source where a comment says so, or from a
//! pencil. The contracts' own recorded answers are compared in `plimsoll-io` (`vectors_match_chain`).
//!
//! | what | where |
//! |---|---|
//! | laws 1, 2, 4 of the form, `form_stays_within_slack` | `laws`, `revisions` |
//! | `verdict_flips_at_trigger_price` | `trigger` |
//! | `liquidation_conserves_quantities`, properties 1 to 12 | `accounting` |
//! | properties 13 to 26 | `health` |
//! | properties 27 to 42 | `liquidation`, `boundaries` |
//! | properties 43 to 48 | `time` |
//! | properties 50 to 55 | `rounding` |
//! | `every_refusal_is_reachable` | `refusals` |
//! | boxes of accounts and prices | `over` |
//! | doubtful prices | `doubt` |
//! | a pool as bytes | `encoding` |
//!
//! Properties of the list that do not apply to this venue, by number:
//! * 3: deposits are lent out, so their sum is covered by cash and debt together; that is property 4.
//! * 5: debt may exceed what is supplied by the interest that suppliers do not get; cash below zero is property 42.
//! * 9, 11: no stablecoin, no batches. 49: no funding.
//! * 36, 37: a liquidation is given as debt to repay, of one account. 38: collateral is never sold by the pool.
//! * 39 is `liquidation_conserves_quantities`. 40, 41: no auctions, no target after a liquidation.
//! * 54 is about numbers in files and stands with the core's tests.
//!
//! Every random scene is run for a revision drawn from all eight. Declared exceptions stand at the property: the
//! average threshold of whole basis points (up to 3.4), rounding to the nearest (up to 3.4), the treasury's gain
//! counted twice (3.5, 3.6), rates that do not see what was repaid (3.0).

#[path = "../shared/seen.rs"]
mod seen;
mod accounting;
mod boundaries;
mod doubt;
mod encoding;
mod health;
mod laws;
mod liquidation;
mod model;
mod over;
mod refusals;
mod revisions;
mod rounding;
mod scenes;
mod tape;
mod time;
mod trigger;
mod world;
