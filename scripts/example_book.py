#!/usr/bin/env python3
"""Writes examples/lending from the recorded vectors: two Aave v3 pools and ten Morpho Blue markets with the accounts
that real contracts held in them. The result is committed, so that nobody needs to run it.

usage: example_book.py [FOLDER of vectors]"""
import csv, gzip, json, pathlib, sys

HERE = pathlib.Path(__file__).resolve().parent.parent
OUT = HERE / "examples" / "lending"
AT = 1804277638  # the time of the younger pool's snapshot
# The repository keeps a part of the recording; another folder may hold more of it.
VECTORS = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "vectors"


def load(name):
    path = VECTORS / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    with gzip.open(VECTORS / f"{name}.json.gz", "rt") as file:
        return json.load(file)


def quoted(value):
    return '"' + str(value) + '"'


def bits(word, at, width):
    return int(word) >> at & (1 << width) - 1


def reserve_toml(reserve, meta, revision):
    c = reserve["config"]
    lines = ["[[reserves]]", f'asset = "{meta["sym"]}"', f'feed = "{meta["sym"]}/USD"']
    fields = [("decimals", 48, 8), ("ltv", 0, 16), ("liquidation_threshold", 16, 16), ("liquidation_bonus", 32, 16),
              ("liquidation_protocol_fee", 152, 16), ("reserve_factor", 64, 16), ("borrow_cap", 80, 36),
              ("supply_cap", 116, 36)]
    if revision < "3.7":
        fields.append(("debt_ceiling", 212, 40))
    lines += [f"{name} = {bits(c, at, width)}" for name, at, width in fields]
    flags = [("borrowing", 58)] + ([("borrowable_in_isolation", 61), ("siloed", 62)] if revision < "3.7" else [])
    lines += [f"{name} = {str(bool(bits(c, at, 1))).lower()}" for name, at in flags]
    curve = meta["irParamsBps"]
    lines.append("rates = { " + ", ".join(f"{name} = {curve[name]}" for name in ("optimal", "base", "slope1", "slope2")) + " }")
    lines += ["", "[reserves.state]"]
    state = [("liquidity_index", "liquidityIndex"), ("variable_borrow_index", "variableBorrowIndex"),
             ("liquidity_rate", "liquidityRate"), ("variable_borrow_rate", "variableBorrowRate")]
    lines += [f"{name} = {quoted(reserve[key])}" for name, key in state]
    lines.append(f"last_update = {reserve['lastUpdate']}")
    state = [("accrued_to_treasury", "accruedToTreasury"), ("scaled_supply", "scaledATokenSupply"),
             ("scaled_debt", "scaledVariableDebt"), ("cash", "underlyingInAToken"),
             ("virtual_balance", "virtualBalance"), ("deficit", "deficit")]
    if revision < "3.7":
        state.append(("isolation_debt", "isolationModeTotalDebt"))
    lines += [f"{name} = {quoted(reserve[key])}" for name, key in state]
    return "\n".join(lines)


def mode_toml(mode, symbols, revision):
    names = lambda bitmap: "[" + ", ".join(quoted(s) for i, s in enumerate(symbols) if int(bitmap) >> i & 1) + "]"
    lines = ["[[emodes]]", f'id = {mode["id"]}', f'ltv = {mode["ltv"]}',
             f'liquidation_threshold = {mode["liquidationThreshold"]}', f'liquidation_bonus = {mode["liquidationBonus"]}',
             f'collateral = {names(mode["collateralBitmap"])}', f'borrowable = {names(mode["borrowableBitmap"])}']
    if revision >= "3.6":
        lines.append(f'ltv_zero = {names(mode["ltvzeroBitmap"])}')
    if revision >= "3.7":
        lines.append(f'isolated = {str(bool(mode["isolated"])).lower()}')
    return "\n".join(lines)


def short(user):
    return "0x" + user[-8:]


def pool(name, file, revision, rows, prices):
    """The second snapshot of a file (five hours after the pool was built) and everybody in the first two."""
    vectors = load(file)
    market = vectors["markets"][1]
    metas = {m["i"]: m for m in vectors["meta"]["reserves"]}
    symbols = [metas[i]["sym"] for i in sorted(metas)]
    head = [f'venue = "aave_v3"', f'revision = "{revision}"', 'currency = "USD"']
    parts = ["\n".join(head)]
    for reserve in market["reserves"]:
        parts.append(reserve_toml(reserve, metas[reserve["i"]], revision))
        prices[metas[reserve["i"]]["sym"] + "/USD"] = reserve["price"]
    parts += [mode_toml(mode, symbols, revision) for mode in market["emodes"]]
    (OUT / "markets" / f"{name}.toml").write_text("\n\n".join(parts) + "\n")
    seen = {}
    for account in vectors["accounts"]:
        if account["market"] <= 1 and (account["market"] == 1 or account["user"] not in seen):
            seen[account["user"]] = account
    for user, account in sorted(seen.items()):
        config, mode = int(account["userConfig"]), account["eMode"]
        for i, quantity in sorted(account["a"].items(), key=lambda item: int(item[0])):
            used = "yes" if config >> (2 * int(i) + 1) & 1 else "no"
            rows.append([short(user), name, "supply", symbols[int(i)], quantity, "scaled", "", used, mode_cell(mode)])
        for i, quantity in sorted(account["d"].items(), key=lambda item: int(item[0])):
            rows.append([short(user), name, "debt", symbols[int(i)], quantity, "scaled", "", "", mode_cell(mode)])
    return len(seen)


def mode_cell(mode):
    return f"emode={mode}" if mode != "0" else ""


# Interest has carried it below its line by the time of the book, which is to be a calm one.
LEFT_OUT = {"0x0006677b"}
IRMS = {"adaptive": "adaptive_curve", "mock": "utilisation", "zero": "none"}


def morpho(rows, prices):
    vectors = load("morpho_positions")
    accounts = 0
    for market in vectors["meta"]["markets"]:
        if "/" not in market["name"]:
            continue
        loan, collateral = market["name"].split("/")
        cases = [p for p in vectors["positions"] if p["market"] == market["i"]]
        base = [p for p in cases if p["label"] == "base"]
        if not base:
            continue
        name = f"morpho-{collateral.lower()}-{loan.lower()}"
        feed = f"{collateral}/{loan}"
        # A decimal of 36 + loan - collateral digits: the integer that the market reads, with its point.
        prices[feed] = (base[0]["price"], loan)
        before = base[0]["marketBefore"]
        lines = ['venue = "morpho_blue"', 'revision = "1.0"',
                 f'loan = {{ asset = "{loan}", decimals = {market["loanDecimals"]} }}',
                 f'collateral = {{ asset = "{collateral}", decimals = {market["collateralDecimals"]} }}',
                 f'lltv = {quoted(market["lltv"])}', f'irm = "{IRMS[market["irm"]]}"', f'fee = {quoted(before["fee"])}',
                 f'feed = "{feed}"', "", "[state]"]
        state = [("total_supply_assets", "totalSupplyAssets"), ("total_supply_shares", "totalSupplyShares"),
                 ("total_borrow_assets", "totalBorrowAssets"), ("total_borrow_shares", "totalBorrowShares")]
        lines += [f"{key} = {quoted(before[source])}" for key, source in state]
        lines.append(f'last_update = {before["lastUpdate"]}')
        if "rateAtTarget" in before:
            lines.append(f'rate_at_target = {quoted(before["rateAtTarget"])}')
        (OUT / "markets" / f"{name}.toml").write_text("\n".join(lines) + "\n")
        seen = {}
        for case in base:
            if case["price"] == base[0]["price"] and case["out"]["healthy"]:
                seen.setdefault(case["user"], case["position"])
        seen = {user: position for user, position in seen.items() if short(user) not in LEFT_OUT}
        for user, position in sorted(seen.items()):
            if position["collateral"] != "0":
                rows.append([short(user), name, "collateral", collateral, position["collateral"], "raw", "", "", ""])
            if position["borrowShares"] != "0":
                rows.append([short(user), name, "debt", loan, position["borrowShares"], "shares", "", "", ""])
        accounts += len(seen)
    return accounts


def main():
    (OUT / "markets").mkdir(parents=True, exist_ok=True)
    rows, prices = [], {}
    counts = [pool("aave-core", "aave_v37_accounts", "3.7", rows, prices),
              pool("aave-prime", "aave_v33_accounts", "3.3", rows, prices), morpho(rows, prices)]
    (OUT / "book.toml").write_text(
        '# Two Aave v3 pools and Morpho Blue markets, from what real contracts answered on a test chain whose clock\n'
        f'# ran ahead. Written by scripts/example_book.py.\nformat = 1\nname = "Lending example"\nat = {AT}\n')
    with open(OUT / "feeds.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["feed", "kind", "price", "unit", "source", "observed_at", "max_age", "confidence"])
        for feed, price in sorted(prices.items()):
            asset = feed.split("/")[0]
            if isinstance(price, tuple):
                price, loan = price
                out.writerow([feed, "oracle", price, f"{loan}/{asset} raw", "recorded oracle", AT - 240, "24h", ""])
            else:
                digits = price.rjust(9, "0")
                out.writerow([feed, "oracle", f"{digits[:-8]}.{digits[-8:]}", f"USD/{asset}", "recorded oracle", AT - 240, "24h", ""])
    with open(OUT / "positions.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["account", "market", "kind", "asset", "quantity", "unit", "owner", "as_collateral", "mode"])
        out.writerows(rows)
    print(f"{sum(counts)} accounts: {counts}, {len(rows)} holdings")


main()
