//! The chance that a price, or a ratio of two, falls to a line by a time: where it can be computed, not drawn.
//!
//! `diffusion` (one asset, or two), `kou` (jumps), `looks` (somebody looks only now and then), `barrier`, `lattice` (published option
//! values, which are these chances in other clothes).

pub mod barrier;
pub mod diffusion;
pub mod kou;
pub mod lattice;
pub mod looks;
