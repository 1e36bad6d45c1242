#!/usr/bin/env python3
"""Plans of a real server: analyze, execute, undo, and what others feel of it.

    bench/plan_service_bench.py [--runs 10000 100000 1000000] [--bin FOLDER]

For each size a fresh sheafd with that many waiting runs (twenty jobs, mixed
controls, steps, models and sizes), while another client submits small jobs to
another queue all the time. Prints how long analyzing (storing included),
executing and undoing take, how long those submits took beside it, and the
server's largest memory. Times of one machine on one day: read the growth and
the ratios.
"""

import argparse
import os
import random
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import fixture  # noqa: E402
from wire import Calls, pb  # noqa: E402

CONTROLS = ["edge", "depth", "vis", "seg", "pose"]
JOBS = 20


class Bystander:
    """Somebody who submits small jobs, and how long each took."""

    def __init__(self, address):
        self.times = []
        self.calls = Calls(address)
        self.stopping = False
        self.thread = threading.Thread(target=self._submit)
        self.thread.start()

    def _submit(self):
        while not self.stopping:
            begin = time.monotonic()
            self.calls.submit(1, queue="other")
            self.times.append(time.monotonic() - begin)
            time.sleep(0.005)

    def take(self):
        """(median, longest) in milliseconds since the last call."""
        times, self.times = sorted(self.times), []
        if not times:
            return 0, 0
        return times[len(times) // 2] * 1e3, times[-1] * 1e3

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.calls.close()


def fill(cluster, runs):
    rng = random.Random(1)
    for job in range(JOBS):
        cluster.submit(
            [
                {
                    "seed": seed,
                    "steps": rng.choice([20, 25, 30]),
                    "weights": {
                        name: rng.random()
                        for name in rng.sample(CONTROLS, rng.randrange(3))
                    },
                }
                for seed in range(runs // JOBS)
            ],
            timeout=300,
            shared={
                "width": 512 * (1 + job % 2),
                "height": 512,
                "model": f"model-{job % 3}",
            },
        )


def largest_memory(cluster):
    with open(f"/proc/{cluster.server.pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0


def measure(runs):
    cluster = fixture.Cluster(log_level="warning")
    try:
        cluster.start()
        cluster.pause()
        cluster.create_queue("other")
        fill(cluster, runs)
        bystander = Bystander(cluster.address)
        time.sleep(2)
        usual = bystander.take()
        begin = time.monotonic()
        answer = cluster.batching.AnalyzeQueue(
            pb.AnalyzeQueueRequest(queue="queues/default", batch_size=8),
            timeout=600,
        )
        analyzed = time.monotonic()
        beside = bystander.take()
        cluster.batching.ExecutePlan(
            pb.ExecutePlanRequest(name=answer.plan.name), timeout=60)
        executed = time.monotonic()
        cluster.batching.UndoPlan(
            pb.UndoPlanRequest(name=answer.plan.name), timeout=60)
        undone = time.monotonic()
        bystander.stop()
        print(
            f"{runs:>9} {answer.plan.batch_count:>8}"
            f" {analyzed - begin:>10.2f} {(executed - analyzed) * 1e3:>11.1f}"
            f" {(undone - executed) * 1e3:>8.1f}"
            f" {usual[0]:>7.1f} {usual[1]:>8.1f}"
            f" {beside[0]:>7.1f} {beside[1]:>8.1f}"
            f" {largest_memory(cluster):>8.0f}",
            flush=True,
        )
    finally:
        cluster.close()
        cluster.remove()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+",
                        default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--bin", help="folder of sheafd (newest build)")
    arguments = parser.parse_args()
    if arguments.bin:
        os.environ["SHEAF_BIN"] = arguments.bin
    print(
        "                      analyze     execute     undo     submits of"
        " others, ms          memory\n"
        "     runs  batches  and store s          ms       ms  before  longest"
        "  beside  longest      MiB"
    )
    for runs in arguments.runs:
        measure(runs)


if __name__ == "__main__":
    main()
