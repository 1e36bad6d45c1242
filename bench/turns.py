#!/usr/bin/env python3
"""Holds two builds of the server against each other by queue_bench, in turns.

    turns.py BEFORE AFTER [--turns 9] [--only submit life] [--json FILE]

BEFORE and AFTER are folders with sheafd and queue_bench. Each turn runs both,
the order changes from turn to turn, and every rate of AFTER is divided by the
same rate of BEFORE within that turn, so that a machine that is slow for a
minute is slow for both. Prints the median of those ratios and the interval in
which the true median lies with about 95% certainty (by ranks: no assumption
about how ratios are spread). Ends with 1 where a median is below --least.

Rates are rows whose unit is per second; times, whose ratio is turned round, are
printed beside them and not judged.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

# Rows of what the server is measured beside.
OTHERS = ("echo", "bare SQLite", "PostgreSQL")


def measure(folder, arguments):
    """The rows of one run of queue_bench: name -> (value, unit)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as results:
        subprocess.run(
            [os.path.join(folder, "queue_bench"), "--json", results.name,
             *arguments],
            stdout=subprocess.DEVNULL,
            check=False,  # 1: a target was missed, which is not the question
        )
        rows = json.load(open(results.name, encoding="utf-8"))
    return {row["name"]: (row["value"], row["unit"]) for row in rows}


def interval(ratios):
    """The ranks that hold the true median with about 95%."""
    count = len(ratios)
    below = 0.0
    rank = 0
    while rank < count // 2:
        below += math.comb(count, rank) / 2**count
        if 2 * below > 0.05:
            break
        rank += 1
    ordered = sorted(ratios)
    rank = max(rank - 1, 0)
    return ordered[rank], ordered[count - 1 - rank]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="The doc string of this file says more.",
    )
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=["submit", "life"])
    parser.add_argument("--least", type=float, default=0.95)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", help="every turn's ratios")
    flags = parser.parse_args()
    arguments = ["--only", *flags.only] + (["--quick"] if flags.quick else [])

    ratios = {}
    units = {}
    for turn in range(flags.turns):
        order = [("before", flags.before), ("after", flags.after)]
        if turn % 2:
            order.reverse()
        rows = {which: measure(folder, arguments) for which, folder in order}
        for name, (value, unit) in rows["after"].items():
            old = rows["before"].get(name)
            if old and old[0] and value and unit.endswith(("/s", "ms", "us")):
                is_rate = unit.endswith("/s")
                ratio = value / old[0] if is_rate else old[0] / value
                ratios.setdefault(name, []).append(ratio)
                units[name] = unit
        print(f"turn {turn + 1} of {flags.turns}", file=sys.stderr)

    worst = math.inf
    print(f"{'after / before':<52} median  interval")
    for name, each in ratios.items():
        middle = statistics.median(each)
        low, high = interval(each)
        judged = units[name].endswith("/s") and not name.startswith(OTHERS)
        if judged:
            worst = min(worst, middle)
        mark = "" if judged else "  (not judged)"
        print(f"{name:<52} {middle:6.3f}  {low:.3f} to {high:.3f}{mark}")
    if flags.json:
        with open(flags.json, "w", encoding="utf-8") as out:
            json.dump(ratios, out, indent=1)
    if worst < flags.least:
        print(f"the lowest median, {worst:.3f}, is below {flags.least}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
