"""What all training here shares: steps that resume, their rate, averages, log.

A step draws everything random from (seed, step), so a training that was
stopped and resumed does what one in a single piece does.
"""

import argparse
import copy
import math
import os
import signal
import sys
import time

import numpy
import torch

SAVE_EVERY = 150  # Seconds.
LOG_EVERY = 100  # Steps.


def arguments(description, steps):
    """A parser of the options that every training has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", required=True,
                        help="folder of checkpoints, caches and logs")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count(),
                        help="at most; fewer are used while that is faster")
    return parser


def share_of_rate(step, steps, warm_up=300, least=0.02):
    """Rises linearly, then falls as a cosine to `least`."""
    if step < warm_up:
        return (step + 1) / warm_up
    passed = min((step - warm_up) / max(steps - warm_up, 1), 1)
    return least + (1 - least) * (1 + math.cos(math.pi * passed)) / 2


class Threads:
    """All the threads we may have, or one while other programs want cores.

    Threads that wait for one that got no core burn time and stand still.
    """

    CALM_STEPS = 10

    def __init__(self, most):
        self.most = most
        self.calm = 0

    def choose(self):
        """Before each step, by how many threads of the machine are running."""
        with open("/proc/loadavg", encoding="ascii") as file:
            running = int(file.read().split()[3].split("/")[0])
        count = torch.get_num_threads()
        self.calm = self.calm + 1 if running <= count else 0
        if self.calm == 0:
            count = 1
        elif self.calm >= self.CALM_STEPS:
            count = self.most
        if count != torch.get_num_threads():
            torch.set_num_threads(count)


class Training:
    """Steps over one module: its optimizer, its average, its checkpoint."""

    def __init__(self, name, module, options, rate, betas=(0.9, 0.99),
                 decay=0.01, average=0.999):
        self.threads = Threads(options.threads)
        os.makedirs(options.work, exist_ok=True)
        self.path = f"{options.work}/{name}.pt"
        self.log_path = f"{options.work}/{name}.csv"
        # A seventh less to wait for, on a CPU: convolutions want it so.
        self.module = module.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(module).requires_grad_(False)
        self.kept = average
        self.rate = rate
        self.steps = options.steps
        self.seed = options.seed
        self.weights = [w for w in module.parameters() if w.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, rate, betas,
                                           weight_decay=decay)
        self.step = 0
        self.seconds = 0.0
        self.stopped = False
        self.resume()

    def resume(self):
        if not os.path.exists(self.path):
            return
        saved = torch.load(self.path, weights_only=True)
        self.module.load_state_dict(saved["module"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        print(f"resumed at step {self.step}", flush=True)

    def save(self):
        torch.save({"module": self.module.state_dict(),
                    "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "step": self.step, "seconds": self.seconds},
                   self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def run(self, loss_of):
        """loss_of(rng) -> {"loss": ...}; rng is numpy's. Torch is seeded."""
        signal.signal(signal.SIGTERM, self.stop)
        saved, sums, counted = time.time(), {}, 0
        while self.step < self.steps:
            began = time.time()
            self.threads.choose()
            rng = numpy.random.default_rng([self.seed, self.step])
            torch.manual_seed(int(rng.integers(2**62)))
            losses = loss_of(rng)
            self.descend(losses["loss"])
            self.seconds += time.time() - began
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            counted += 1
            if self.step % LOG_EVERY == 0:
                self.log({n: total / counted for n, total in sums.items()})
                sums, counted = {}, 0
            if self.stopped or time.time() - saved > SAVE_EVERY:
                self.save()
                saved = time.time()
            if self.stopped:
                sys.exit("stopped, to be resumed")
        self.save()

    def stop(self, *_):
        """After the step that is running."""
        self.stopped = True

    def descend(self, loss):
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * share_of_rate(self.step, self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.step += 1
        # The average follows closely at first, as there is nothing to keep.
        kept = min(self.kept, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(),
                                    self.module.parameters()):
                mean.lerp_(weight, 1 - kept)

    def log(self, values):
        new = not os.path.exists(self.log_path)
        with open(self.log_path, "a", encoding="utf-8") as file:
            if new:
                file.write("step,seconds," + ",".join(values) + "\n")
            file.write(f"{self.step},{self.seconds:.0f}," +
                       ",".join(f"{v:.5f}" for v in values.values()) + "\n")
        print(self.step, f"{self.seconds:.0f} s",
              {name: round(value, 5) for name, value in values.items()},
              flush=True)
