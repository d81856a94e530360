//! Files in and out.

pub mod vectors;
