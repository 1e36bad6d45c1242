#!/usr/bin/env python3
"""Reference cases at random, made with diffusers, for `sheaf-engine verify`.

    make_cases.py OUT [--seed 1] [--schedulers 200] [--pipelines 40] [--models 6]

writes a folder laid out as this one is (README.md says what is what): models
of random shapes with random weights beside links to the ones here, forwards of
them at random sizes, trajectories of randomly configured schedulers, and whole
pipelines. The same seed makes the same cases. Needs torch, diffusers,
transformers and Pillow; the cases here were made with the versions that
README.md names, and another version may mean other numbers.
"""

import argparse
import os
import random

import diffusers
import torch

from make_modules import make_models
from make_pipelines import HERE, Pipelines
from make_schedulers import make_schedulers


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedulers", type=int, default=200)
    parser.add_argument("--pipelines", type=int, default=40)
    parser.add_argument("--models", type=int, default=6)
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    diffusers.logging.set_verbosity_error()
    os.makedirs(asked.out + "/models")
    for name in os.listdir(HERE + "/models"):
        os.symlink(os.path.relpath(HERE + "/models/" + name,
                                   asked.out + "/models"),
                   asked.out + "/models/" + name)
    with torch.no_grad():
        make_schedulers(random.Random(asked.seed), asked.out, asked.schedulers)
        make_models(random.Random(asked.seed + 1), asked.out, asked.models)
        rng = random.Random(asked.seed + 2)
        Pipelines(rng, asked.out).make_all(asked.pipelines)


if __name__ == "__main__":
    main()
