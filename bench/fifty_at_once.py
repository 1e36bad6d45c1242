#!/usr/bin/env python3
"""Many users who ask for a picture at once: what batching by itself brings.

    bench/fifty_at_once.py --models FOLDER --model ALIAS [--users 50] [--turns 3]
        [--steps 20] [--width W --height H] [--policy NAME] [--bin FOLDER]

Starts a server and one worker. Each user is a thread that submits one picture and
waits for it. A turn serves all users once in a queue with the settings that every
new queue has (--policy names another policy), and once in a queue with the policy
off, which makes picture after picture. The order changes from turn to turn, so
that a machine that is slow for a while is slow for both. Prints each turn, and the
medians over the turns: pictures a second, runs in a batch, and the ratio of the
rates within a turn.
"""

import statistics
import time
from concurrent import futures

import live
from wire import pb


def options():
    parser = live.parser(__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--policy", choices=["adaptive", "economic"])
    return parser.parse_args()


def serve(cluster, args, queue, users):
    """(pictures a second, runs in a batch) of users who ask at once."""
    def ask(user):
        job = cluster.submit([{"seed": user}], queue=queue, owner=f"user-{user}",
                             shared=live.request(args))
        return cluster.wait(job, timeout=3600)

    before = time.monotonic()
    with futures.ThreadPoolExecutor(users) as threads:
        jobs = list(threads.map(ask, range(users)))
    seconds = time.monotonic() - before
    runs = [run for job in jobs for run in cluster.runs(job)]
    for run in runs:
        if run.state != pb.RUN_STATE_SUCCEEDED:
            raise SystemExit(f"{run.name}: {run.error.message}")
    return users / seconds, users / len({run.batch for run in runs})


def main():
    args = options()
    with live.cluster(args) as cluster:
        policy = {}
        if args.policy:
            name = f"BATCH_POLICY_{args.policy.upper()}"
            policy = {"policy": pb.BatchPolicy.Value(name)}
        cluster.create_queue("batched", **policy)
        cluster.create_queue("alone", policy=pb.BATCH_POLICY_OFF)
        for _ in range(2):  # Loads the model; shows what fits the memory.
            serve(cluster, args, "batched", 8)
        turns = []
        for turn in range(args.turns):
            queues = ["batched", "alone"]
            if turn % 2:
                queues.reverse()
            figures = {queue: serve(cluster, args, queue, args.users)
                       for queue in queues}
            (rate, size), (alone, size_alone) = figures["batched"], figures["alone"]
            turns.append((rate, size, alone, size_alone, rate / alone))
            print(f"turn {turn + 1}: {rate:.2f} pictures/s in batches of {size:.1f}; "
                  f"{alone:.2f}/s in batches of {size_alone:.1f}: "
                  f"{rate / alone:.2f}x", flush=True)
        rate, size, alone, _, ratio = map(statistics.median, zip(*turns))
        print(f"median: {rate:.2f} pictures/s in batches of {size:.1f}, "
              f"{alone:.2f}/s one by one: {ratio:.2f}x")


if __name__ == "__main__":
    main()
