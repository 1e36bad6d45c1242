#!/usr/bin/env python3
"""What plans of measured models are predicted to take, and what they take.

    bench/predicted_vs_actual.py --models FOLDER --model ALIAS
        [--device cpu] [--steps 20] [--sizes 1 2 4 8] [--rounds 3]
        [--width W --height H] [--control TYPE] [--bin FOLDER]

Starts a server and one worker, has it measure the model, and then runs batches
of each size as planned: once alike, and with --control once more with half of
the runs controlled. Prints each batch's prediction by the measured profile
alone, what it took from lease to last picture, and the ratio; at the end the
median ratio and how many lie within 10%. What batches teach corrects later
predictions of the server; it is not in these figures. Nothing else may run on
the machine meanwhile.
"""

import statistics
import time

import live
from live import until
from wire import CALL_TIMEOUT, make_png, pb


def options():
    parser = live.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--control")
    return parser.parse_args()


def calibrate(cluster, args):
    cluster.admin.CalibrateWorker(
        pb.CalibrateWorkerRequest(name="workers/1"), timeout=CALL_TIMEOUT)

    def profile():
        for memory in cluster.list_workers()[0].memory:
            if memory.measured and memory.model == args.model:
                return memory.profile
        return None

    begin = time.monotonic()
    name = until(profile, "the model is measured", timeout=600, pause=0.2)
    print(f"measured in {time.monotonic() - begin:.1f} s: {name}")


def submit(cluster, args, size, image):
    """One job of each kind of row, so that the plan has to join them."""
    plain = size if image is None else size - size // 2
    jobs = [cluster.submit([{"seed": n} for n in range(plain)],
                           shared=live.request(args))]
    if image is not None and size > 1:
        control = {"type": args.control, "image": image, "weight": 1.0}
        jobs.append(cluster.submit(
            [{"seed": n, "controls": [control]} for n in range(size // 2)],
            shared=live.request(args)))
    return jobs


def run(cluster, args, size, image):
    """(runs, predicted, actual) in ms of each batch."""
    cluster.set_queue(batch_size=size)
    cluster.pause()
    jobs = submit(cluster, args, size, image)
    plan = cluster.batching.AnalyzeQueue(
        pb.AnalyzeQueueRequest(
            queue="queues/default", mode=pb.BATCHING_MODE_MIXED),
        timeout=CALL_TIMEOUT).plan
    cluster.batching.ExecutePlan(
        pb.ExecutePlanRequest(name=plan.name, queue="queues/default"),
        timeout=CALL_TIMEOUT)
    cluster.resume()
    for job in jobs:
        cluster.wait(job, timeout=3600)

    def batches():
        found = cluster.batching.ListPlanBatches(
            pb.ListPlanBatchesRequest(plan=plan.name, page_size=100),
            timeout=CALL_TIMEOUT).batches
        return found if all(b.HasField("actual") for b in found) else None

    return [
        (len(batch.runs),
         batch.predicted.ToTimedelta().total_seconds() * 1e3,
         batch.actual.ToTimedelta().total_seconds() * 1e3)
        for batch in until(batches, "the batches are measured")
    ]


def main():
    args = options()
    with live.cluster(args) as cluster:
        calibrate(cluster, args)
        image = None
        if args.control:
            image = cluster.upload(make_png(64, 64, shade=200)).name
        kinds = [("plain", None)] + ([("controlled", image)] if image else [])
        # Loads and warms up what no plan is to pay for.
        for _, kind_image in kinds:
            for size in args.sizes:
                run(cluster, args, size, kind_image)
        ratios = []
        print(f"{'runs':>4} {'kind':>10} {'predicted':>12} {'actual':>12} "
              f"{'ratio':>6}")
        for kind, kind_image in kinds:
            for size in args.sizes:
                for _ in range(args.rounds):
                    for runs, predicted, actual in run(
                            cluster, args, size, kind_image):
                        ratios.append(predicted / actual)
                        print(f"{runs:>4} {kind:>10} {predicted:>9.1f} ms "
                              f"{actual:>9.1f} ms {ratios[-1]:>6.2f}")
        close = sum(abs(ratio - 1) <= 0.1 for ratio in ratios)
        print(f"median predicted / actual: {statistics.median(ratios):.3f}; "
              f"{close} of {len(ratios)} batches within 10%")


if __name__ == "__main__":
    main()
