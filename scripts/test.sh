#!/usr/bin/env bash
# Every check of the project: formatting, lints, documentation, tests, and the recorded answers of the venues
# against the release binary. Needs a Rust toolchain; fetches nothing but what the lock files name: crates, and from npm the
# node and the contracts of the tests against a real chain. Where there is no npm, Debian's is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$*" >&2; "$@"; }

if ! command -v npm > /dev/null; then
  step apt-get update
  step apt-get install --yes --no-install-recommends nodejs npm
fi
step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS=-Dwarnings step cargo doc --workspace --no-deps --locked
# Random tests take the same cases here as everywhere, so that what a gate finds is there to be looked at; without the seed each run has its own.
PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1128}" step cargo test --workspace --locked
step cargo build --release --workspace --locked
step cargo run --release --locked --bin plimsoll -- verify vectors/*.json.gz
# By its name and not its package: with the features of the whole workspace nothing is built twice.
step cargo run --release --locked --bin plimsoll-bench -- --quick num_division num_mul_div hostile never_miss power_cuts bit_flips kills market_hours sweep_dense sweep ticks_1m updates_1m
