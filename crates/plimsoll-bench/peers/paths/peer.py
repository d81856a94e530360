"""Chances by drawn paths and rolling correlations, as NumPy has them, with one thread. Reads input.json beside it and the arrays that it
names; prints one JSON object.

Everybody gets the data in the form that suits it before the clock runs. Times are CPU nanoseconds of a whole pass, the first of which does
not count; random numbers are drawn inside them."""
import json
import os
import sys
import time

# Before anything that starts threads is loaded.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"

import numpy as np

with open("input.json") as file:
    asked = json.load(file)


def array(name, columns):
    return np.fromfile(name, dtype=np.float64).reshape(-1, columns)


def timed(one):
    """Answers of all passes, and their times."""
    one(0)
    answers, times = [], []
    for number in range(1, asked["passes"] + 1):
        begun = time.process_time_ns()
        answer = one(number)
        times.append(time.process_time_ns() - begun)
        answers.append(answer)
    return {"passes": times, "answers": answers, "version": np.__version__}


def account():
    """On how many paths a form is at or below zero at some step. Blocks of paths keep what is worked on near."""
    factor, drifts, weights = np.array(asked["factor"]).T, np.array(asked["drifts"]), np.array(asked["weights"])
    steps, assets, block = asked["steps"], len(drifts), 2000

    def one(seed):
        random, crossed = np.random.Generator(np.random.SFC64(seed)), 0
        for first in range(0, asked["paths"], block):
            paths = min(block, asked["paths"] - first)
            moves = random.standard_normal((steps, paths, assets)) @ factor + drifts
            prices = np.exp(np.cumsum(moves, axis=0))
            crossed += int(np.count_nonzero((prices @ weights + asked["constant"]).min(axis=0) <= 0.0))
        return [crossed]

    return timed(one)


def book():
    """What crosses on each path, once, is worth in all: mean over paths, its standard error, and how many crossed."""
    factor, drifts = np.array(asked["factor"]).T, np.array(asked["drifts"])
    assets, steps, paths = len(drifts), asked["steps"], asked["paths"]
    rows, held, today = array("rows.bin", assets), array("held.bin", assets), np.array(asked["today"])

    def one(seed):
        random = np.random.Generator(np.random.SFC64(seed))
        losses, crossings, block = [], 0, 256
        for first in range(0, paths, block):
            count = min(block, paths - first)
            logarithms = np.zeros((count, assets))
            alive = np.ones((len(rows), count), dtype=bool)
            lost = np.zeros(count)
            for _ in range(steps):
                logarithms += random.standard_normal((count, assets)) @ factor + drifts
                values = np.exp(logarithms) * today
                below = (rows @ values.T < 0.0) & alive
                who, path = np.nonzero(below)
                lost += np.bincount(path, (held[who] * values[path]).sum(axis=1), minlength=count)
                alive &= ~below
                crossings += len(who)
            losses.append(lost)
        losses = np.concatenate(losses)
        return [float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(len(losses))), crossings]

    return timed(one)


def correlation():
    """The correlations of the window that ends at each of the last rows."""
    rows, window = array("returns.bin", asked["assets"]), asked["window"]

    def one(_):
        for end in range(len(rows) - asked["updates"] + 1, len(rows) + 1):
            found = np.corrcoef(rows[end - window : end], rowvar=False)
        return found.ravel().tolist()

    return timed(one)


json.dump({"account": account, "book": book, "correlation": correlation}[asked["what"]](), sys.stdout)
