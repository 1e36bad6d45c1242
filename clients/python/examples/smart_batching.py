#!/usr/bin/env python3
"""Queues jobs, plans them, and runs the plan if it is worth it.

    smart_batching.py [strict|mixed|best] [LEAST_SPEEDUP]

The jobs have different controls, as those of different users have. The queue
is paused while they are planned, and resumed whatever happens. Talks to the
server that SHEAF_SERVER names, or to 127.0.0.1:7420.
"""

import sys
from typing import Any, Dict, List

import sheaf

# Eight runs of five jobs: the controls of each, and its number of runs.
JOBS: List[Any] = [
    ({"depth": 0.8}, 1),
    ({"depth": 0.5}, 2),
    ({"pose": 1.0}, 1),
    ({"depth": 0.3, "pose": 0.6}, 2),
    ({}, 2),
]


def described(weights: Dict[str, float], count: int) -> Dict[str, Any]:
    return {
        "labels": {"example": "smart_batching"},
        "shared": {
            "prompt": "a hall",
            "steps": 20,
            "width": 64,
            "height": 64,
            "weights": weights,
        },
        "runs": [{"seed": seed} for seed in range(count)],
    }


def main(words: List[str]) -> int:
    mode = words[0] if words else "mixed"
    least_speedup = float(words[1]) if len(words) > 1 else 1.5
    with sheaf.Client(owner="example") as client:
        # Paused first, so that no worker takes the first job before the rest.
        client.pause(reason="smart batching")
        try:
            jobs = client.submit_many([described(*job) for job in JOBS])
            analysis = client.analyze(mode=mode)
            print(analysis)  # The preview, or why nothing can be batched.
            for batch in analysis.batches:
                print(f"{len(batch.runs)} runs")
                for row in batch.weights_list:
                    print("  weights", dict(sorted(row.weights.items())))
            if analysis and analysis.speedup > least_speedup:
                print(client.execute(analysis).message)
            else:
                print(f"left as it is: {analysis.speedup:.2f}x")
        finally:
            client.resume()
        ended = [client.wait(job) for job in jobs]
    succeeded = sheaf.JobState.JOB_STATE_SUCCEEDED
    return 0 if all(job.state == succeeded for job in ended) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except sheaf.Error as error:
        print(error, file=sys.stderr)
        sys.exit(1)
