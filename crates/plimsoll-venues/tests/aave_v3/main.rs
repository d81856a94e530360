//! Aave v3 against its description; the contracts' recorded answers are compared in `plimsoll-io`.

mod accounting;
mod health;
mod laws;
mod model;
mod scenes;
mod tape;
mod world;
