//! One file for each bench; what it measures, and against whom, stands in its header.

pub(crate) mod assess_aave;
pub(crate) mod chain_fetch;
pub(crate) mod cascades;
pub(crate) mod chance;
pub(crate) mod check_1m;
pub(crate) mod conservation;
pub(crate) mod durability;
pub(crate) mod engine;
pub(crate) mod hostile;
pub(crate) mod margin;
pub(crate) mod never_miss;
pub(crate) mod num_mul_div;
pub(crate) mod plan;
pub(crate) mod stress_exact;
pub(crate) mod tables;
pub(crate) mod ticks;
pub(crate) mod whole_book;
