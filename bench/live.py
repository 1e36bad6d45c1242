"""A server and one worker with real models, for the programs here that measure
what they do together."""

import argparse
import contextlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import fixture  # noqa: E402
from fixture import until  # noqa: E402


def parser(description):
    """Of the options that all of them have."""
    made = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--models", required=True)
    made.add_argument("--model", required=True)
    made.add_argument("--device", default="cpu")
    made.add_argument("--steps", type=int, default=20)
    made.add_argument("--width", type=int, default=64)
    made.add_argument("--height", type=int, default=64)
    made.add_argument("--bin", help="where sheafd and sheaf-worker are")
    return made


@contextlib.contextmanager
def cluster(args):
    """Nothing is left of it afterwards."""
    if args.bin:
        os.environ["SHEAF_BIN"] = os.path.abspath(args.bin)
    made = fixture.Cluster()
    try:
        made.start()
        made.worker(engine="torch", models=os.path.abspath(args.models),
                    device=args.device, calibrate="off")
        until(made.list_workers, "the worker is here", timeout=300)
        yield made
    finally:
        made.stop()
        made.close()
        made.remove()


def request(args):
    """What all runs ask for."""
    return {"prompt": "a lighthouse", "model": args.model,
            "steps": args.steps, "width": args.width, "height": args.height}
