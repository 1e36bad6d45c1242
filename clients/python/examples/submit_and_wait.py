#!/usr/bin/env python3
"""Submits one job of four pictures, waits for it, fetches the pictures.

    submit_and_wait.py "a sheaf of wheat" [FOLDER]

Talks to the server that SHEAF_SERVER names, else to 127.0.0.1:7420.
"""

import os
import sys

import sheaf


def main() -> int:
    prompt = sys.argv[1] if len(sys.argv) > 1 else "a sheaf of wheat"
    folder = sys.argv[2] if len(sys.argv) > 2 else "."
    with sheaf.Client() as client:
        job = client.submit(
            {
                "labels": {"example": "submit_and_wait"},
                "shared": {
                    "prompt": prompt,
                    "steps": 20,
                    "width": 512,
                    "height": 512,
                },
                "runs": [{"seed": seed} for seed in range(4)],
            }
        )
        print(f"{job.name}: {job.run_count} runs", file=sys.stderr)
        job = client.wait(job)
        for run in client.runs(job):
            if run.state != sheaf.RunState.RUN_STATE_SUCCEEDED:
                print(f"{run.name}: {run.error.message}", file=sys.stderr)
            for output in run.outputs:
                name = f"{run.name.replace('/', '-')}.png"
                path = os.path.join(folder, name)
                client.download(output, path)
                print(path)
    return 0 if job.state == sheaf.JobState.JOB_STATE_SUCCEEDED else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (sheaf.Error, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
