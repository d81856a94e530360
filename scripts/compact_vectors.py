#!/usr/bin/env python3
"""Makes the project's compact copy of recorded vectors: every kind of case stays, repetitions are thinned.

usage: compact_vectors.py FROM TO [--one-in N] PATTERN...   (patterns such as aave_v3*.json)

A case's kind is everything that decides which path the contract took (account kind, success or error, form of the
collateral, deficits, label up to its number). Of each kind the first two stay, then one in N. Files are gzipped
without time stamps: the same input gives the same bytes.
"""
import argparse, collections, glob, gzip, json, os, re


def kind(schema, case):
    if schema.endswith("/liquidations"):
        label = re.sub(r"~.*", "", case.get("label", ""))
        return (label, case.get("kind"), case["ok"], case.get("error"), case.get("receiveAToken"),
                case.get("collateral") == case.get("debt"), min(len(case.get("deficitCreated") or []), 3))
    if schema.endswith("/accounts"):
        health = int(case["out"]["healthFactor"])
        return (case["kind"], health < 10**18, health >= 2**255, len(case["d"]) > 1)
    if schema.endswith("/accruals") and "before" in case:
        return (int(case["timestamp"]) - int(case["before"]["lastUpdate"]),)
    return (case.get("label"), case.get("market"), case.get("ok"), case.get("error"))


def thin(schema, cases, one_in):
    seen, kept = collections.Counter(), []
    for case in cases:
        k = kind(schema, case)
        if seen[k] < 2 or seen[k] % one_in == 0:
            kept.append(case)
        seen[k] += 1
    return kept


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
        packed = gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 9, mtime=0)
        total += len(packed)
        with open(os.path.join(args.target, os.path.basename(path) + ".gz"), "wb") as file:
            file.write(packed)
    print(f"{total} bytes")


main()
