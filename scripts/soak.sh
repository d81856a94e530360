#!/usr/bin/env bash
# Every unit of random liquidations adds up, at each venue: `liquidation_conserves_quantities` with so many times the cases
# that the gate has. Not every case ends in a liquidation, so the default is twenty times the gate's.
# usage: scripts/soak.sh [TIMES]
set -euo pipefail
cd "$(dirname "$0")/.."
PLIMSOLL_CASES="${1:-20}" cargo test --locked -p plimsoll-venues liquidation_conserves_quantities
