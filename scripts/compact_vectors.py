#!/usr/bin/env python3
"""Makes the project's compact copy of recorded vectors: every kind of case stays, repetitions are thinned.

usage: compact_vectors.py FROM TO [--one-in N] PATTERN...   (patterns such as aave_v3*.json)

A case's kind is everything that decides which path the contract took (account kind, success or error, form of the
collateral, deficits, label up to its number). Of each kind the first two stay, then one in N. Files are gzipped
without time stamps: the same input gives the same bytes.
"""
import argparse, collections, glob, gzip, json, os, re


def kind(schema, case):
    if schema.startswith("aave-v4/"):
        return hub_and_spoke(schema, case)
    if schema.endswith("/liquidations"):
        label = re.sub(r"~.*", "", case.get("label", ""))
        return (label, case.get("kind"), case["ok"], case.get("error"), case.get("receiveAToken"),
                case.get("collateral") == case.get("debt"), min(len(case.get("deficitCreated") or []), 3))
    if schema == "compound-v3/all":
        note, absorb = case["note"].split("|")[0], case["absorb"]
        late = case["views"]["isLiquidatable"] == ("error" in absorb)
        return (case["market"], note, late, absorb.get("error"), int(absorb.get("principal", 0)) > 0)
    if schema.endswith("/accounts"):
        health = int(case["out"]["healthFactor"])
        return (case["kind"], health < 10**18, health >= 2**255, len(case["d"]) > 1)
    if schema.endswith("/accruals") and "before" in case:
        return (int(case["timestamp"]) - int(case["before"]["lastUpdate"]),)
    return (case.get("label"), case.get("market"), case.get("ok"), case.get("error"))


def hub_and_spoke(schema, case):
    """Aave v4: what was called, how it ended, what the hubs told, and which rare state it met."""
    events = tuple(event["event"] for event in case.get("hubEvents") or [])
    if schema.endswith("/accounts"):
        account, stored = case["out"]["account"], case["state"]["riskPremium"]
        health = int(account["healthFactor"])
        return (health < 10**18, health >= 2**255, account["riskPremium"] == stored,
                min(int(account["borrowCount"]), 2), min(int(account["activeCollateralCount"]), 2))
    if schema.endswith("/accruals"):
        return (case["action"], case.get("error"), events, case.get("label"))
    label = re.sub(r"~.*", "", case["label"])
    return (label, case.get("error"), case["receiveShares"], events)


def thin(schema, cases, one_in):
    seen, kept = collections.Counter(), []
    for case in cases:
        k = kind(schema, case)
        if seen[k] < 2 or seen[k] % one_in == 0:
            kept.append(case)
        seen[k] += 1
    return kept


def moments(step):
    """What is worth keeping of a step: what was done, how it ended, and what rare state it left behind."""
    found = {(step["op"], step["error"], len(step["events"]))}
    for branch in step["branches"].values():
        statuses = {trove["status"] for trove in branch["troves"].values()}
        found |= {(step["op"], "status", status) for status in statuses}
        found.add(("scale", branch["stabilityPool"]["currentScale"]))
        found.add((step["op"], "shutdown", branch["troveManager"]["shutdownTime"] != "0"))
        found.add((step["op"], "zombie", branch["troveManager"]["lastZombieTroveId"] != "0"))
        found.add((step["op"], "batched", any("batch" in trove for trove in branch["troves"].values())))
    return found


def thin_scenarios(scenarios):
    """A short beginning first, then whole scenarios until every moment is there: most new moments first."""
    all_of = [set().union(*map(moments, scenario["steps"])) for scenario in scenarios]
    kept, seen, everything = [], set(), set().union(*all_of)
    while seen != everything:
        best = max(range(len(scenarios)), key=lambda at: len(all_of[at] - seen))
        seen |= all_of[best]
        kept.append(best)
    short = min(kept, key=lambda at: len(scenarios[at]["steps"]))
    first = dict(scenarios[short], steps=scenarios[short]["steps"][:6])
    return [first] + [scenarios[at] for at in sorted(kept)]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("source"), args.add_argument("target"), args.add_argument("pattern", nargs="+")
    args.add_argument("--one-in", type=int, default=3)
    args = args.parse_args()
    os.makedirs(args.target, exist_ok=True)
    total = 0
    for path in sorted(p for pattern in args.pattern for p in glob.glob(os.path.join(args.source, pattern))):
        with open(path) as file:
            document = json.load(file)
        if document["schema"] == "maker/liquidations":
            # The shortest first: a test turns every number of a file's first case.
            document["vectors"].sort(key=lambda case: len(case["steps"]))
        for name in ("accounts", "liquidations", "accruals", "positions"):
            if name in document:
                document[name] = thin(document["schema"], document[name], args.one_in)
        if "scenarios" in document:
            document["scenarios"] = thin_scenarios(document["scenarios"])
        packed = gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 9, mtime=0)
        total += len(packed)
        with open(os.path.join(args.target, os.path.basename(path) + ".gz"), "wb") as file:
            file.write(packed)
    print(f"{total} bytes")


main()
