#!/usr/bin/env python3
"""How much of a worker's time is not the engine's.

    bench/overhead.py --models FOLDER --model ALIAS [--batch 8] [--batches 16]
        [--rounds 5] [--steps 20] [--width W --height H] [--bin FOLDER]

Starts a server and one worker, and has batches of equal runs wait for it. Each
round is from the first lease to the last outcome, as the server's times have
it; of that the worker says how long its engine worked (taking rows on, steps,
decoding). The rest is what Sheaf adds: leases, reports, pictures compressed and
stored that no step hides. Prints each round and the median share. What server
and worker take of the cores that the engine steps on is not in it: it makes
steps longer, and shows in none of both.
"""

import statistics

import live
from live import until
from wire import pb


def options():
    parser = live.parser(__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def engine_seconds(cluster):
    worker = cluster.list_workers()[0]
    return worker.engine_time.ToTimedelta().total_seconds()


def run(cluster, args, batches):
    """(seconds from the first lease to the last outcome, the engine's)."""
    cluster.pause()
    jobs = [
        cluster.submit([{"seed": args.batch * job + seed}
                        for seed in range(args.batch)],
                       shared=live.request(args))
        for job in range(batches)
    ]
    before = engine_seconds(cluster)
    cluster.resume()
    starts, ends = [], []
    for job in jobs:
        cluster.wait(job, timeout=3600)
        for each in cluster.runs(job):
            if each.state != pb.RUN_STATE_SUCCEEDED:
                raise SystemExit(f"{each.name}: {each.error.message}")
            starts.append(each.start_time.ToNanoseconds())
            ends.append(each.end_time.ToNanoseconds())
    # The batch has ended at the server once the worker holds none.
    until(lambda: not cluster.list_workers()[0].batches, "it is idle")
    return (max(ends) - min(starts)) * 1e-9, engine_seconds(cluster) - before


def main():
    args = options()
    with live.cluster(args) as cluster:
        cluster.set_queue(batch_size=args.batch)
        run(cluster, args, 1)  # Loads the model.
        shares = []
        for _ in range(args.rounds):
            whole, engine = run(cluster, args, args.batches)
            shares.append((whole - engine) / engine)
            runs = args.batch * args.batches
            print(f"{runs} runs in {whole:.3f} s, the engine's {engine:.3f} s: "
                  f"{1e3 * (whole - engine) / runs:.2f} ms a run more, "
                  f"{100 * shares[-1]:.2f}%", flush=True)
        print(f"median {100 * statistics.median(shares):.2f}% of engine time")


if __name__ == "__main__":
    main()
