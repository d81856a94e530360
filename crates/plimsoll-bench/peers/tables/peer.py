"""Who is below the line, as SciPy, DuckDB and Polars say it, each with one thread. Reads input.json beside it and the arrays
that it names; prints one JSON object.

A book is a sparse matrix of one row an account and one column a node, the line of liquidation at zero; a world is a vector
of nodes. Everybody gets the data in the form that suits it before the clock runs: a CSR matrix, tables of entries and of
prices. Times are CPU nanoseconds of a whole pass, the first of which does not count."""
import json
import os
import sys
import time

# Before anything that starts threads is loaded.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"]:
    os.environ[name] = "1"

import duckdb
import numpy as np
import polars as pl
import scipy
from scipy import sparse

with open("input.json") as file:
    asked = json.load(file)


def array(name, kind):
    return np.fromfile(name, dtype=kind)


ends = array("ends.bin", np.uint32)
nodes = array("nodes.bin", np.int32)
coefficients = array("coefficients.bin", np.float64)
worlds = array("worlds.bin", np.float64).reshape(asked["worlds"], -1)
accounts = len(ends)


def timed(one):
    """Answers of all worlds, and the times of so many passes over each."""
    answers, passes = [], []
    for world in worlds:
        answer = one(world)
        times = []
        for _ in range(asked["passes"]):
            begun = time.process_time_ns()
            again = one(world)
            times.append(time.process_time_ns() - begun)
            assert again == answer
        answers.append(int(answer))
        passes.append(times)
    return {"below": answers, "passes": passes}


starts = np.concatenate([[0], ends]).astype(np.int64)
matrix = sparse.csr_matrix((coefficients, nodes, starts), shape=(accounts, worlds.shape[1]))
answer = {"scipy": timed(lambda world: np.count_nonzero(matrix @ world < 0.0))}
answer["scipy"]["version"] = scipy.__version__

# All worlds at once: what a dense product with many columns makes of them.
block = np.ascontiguousarray(worlds.T)
def many():
    return np.count_nonzero(matrix @ block < 0.0, axis=0)
below = many()
times = []
for _ in range(asked["passes"]):
    begun = time.process_time_ns()
    many()
    times.append(time.process_time_ns() - begun)
answer["scipy_many"] = {"below": [int(count) for count in below], "passes": [times]}

if asked["tables"]:
    entries = {
        "account": np.repeat(np.arange(accounts, dtype=np.int32), np.diff(starts)),
        "node": nodes,
        "coefficient": coefficients,
    }
    numbers = np.arange(worlds.shape[1], dtype=np.int32)

    base = duckdb.connect(config={"threads": 1})
    base.execute("CREATE TABLE entries AS SELECT * FROM entries")
    base.execute("CREATE TABLE prices (node INTEGER, price DOUBLE)")

    def sql(world):
        base.execute("DELETE FROM prices")
        prices = {"node": numbers, "price": world}
        base.register("now", prices)
        base.execute("INSERT INTO prices SELECT node, price FROM now")
        return base.execute(
            "SELECT count(*) FROM (SELECT account FROM entries JOIN prices USING (node) GROUP BY account"
            " HAVING sum(coefficient * price) < 0)"
        ).fetchone()[0]

    answer["duckdb"] = timed(sql) | {"version": duckdb.__version__}

    frame = pl.DataFrame(entries).lazy()

    def lazy(world):
        prices = pl.DataFrame({"node": numbers, "price": world}).lazy()
        below = (
            frame.join(prices, on="node")
            .group_by("account")
            .agg((pl.col("coefficient") * pl.col("price")).sum().alias("headroom"))
            .filter(pl.col("headroom") < 0.0)
            .select(pl.len())
        )
        return below.collect().item()

    answer["polars"] = timed(lazy) | {"version": pl.__version__}

json.dump(answer, sys.stdout)
