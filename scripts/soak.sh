#!/usr/bin/env bash
# Every unit of random liquidations adds up, at each venue: `liquidation_conserves_quantities` with more cases than the gate
# has, as many as make a hundred thousand liquidations; it fails where they were fewer.
# usage: scripts/soak.sh [TIMES]
set -euo pipefail
cd "$(dirname "$0")/.."
for venue in aave_v3:200 morpho_blue:200 compound_v3:20 maker:20 liquity_v2:20; do
    times=$((${venue#*:} * ${1:-1}))
    said=$(PLIMSOLL_CASES=$times cargo test --quiet --locked -p plimsoll-venues --test "${venue%:*}" \
        liquidation_conserves_quantities -- --nocapture 2>&1) || { printf '%s\n' "$said" >&2; exit 1; }
    most=$(printf '%s\n' "$said" | grep -o '[0-9]* liquidations added up' | tail -n 1 || true)
    echo "${venue%:*}: ${most:-fewer than 100000 liquidations}"
    [ -n "$most" ]
done
