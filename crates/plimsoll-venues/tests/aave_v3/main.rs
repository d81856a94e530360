//! Aave v3 against its description; the contracts' recorded answers are compared in `plimsoll-io`.

mod accounting;
mod boundaries;
mod encoding;
mod health;
mod laws;
mod liquidation;
mod model;
mod refusals;
mod revisions;
mod rounding;
mod scenes;
mod tape;
mod time;
mod trigger;
mod world;
