#!/usr/bin/env python3
"""The peer of engine_bench: the same model and steps in PyTorch, eagerly, by
the Python library diffusers. Needs both; see bench/engine/peer.h for what is
spoken, and made_up.h for the rule of the weights.

    engine_bench --peer "python3 bench/engine/peer.py"
"""

import json
import sys
import time

import numpy
import torch
import diffusers

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def made_up(key, shape):
    """Numbers in [-1, 1), the same for the same key."""
    count = int(numpy.prod(shape))
    x = numpy.arange(count, dtype=numpy.uint64)
    x += numpy.uint64((fnv1a(key) + 0x9E3779B97F4A7C15) % 2**64)
    x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    x ^= x >> numpy.uint64(31)
    values = (x >> numpy.uint64(40)).astype(numpy.float32)
    values = values * numpy.float32(2**-23) - numpy.float32(1)
    return torch.from_numpy(values.reshape(shape))


def made_up_weight(key, shape):
    values = made_up(key, shape)
    if len(shape) > 1:
        fan_in = int(numpy.prod(shape[1:]))
        return values * numpy.float32(fan_in**-0.5)
    offset = 1.0 if key.endswith("weight") else 0.0
    return offset + values * numpy.float32(0.1)


class Steps:
    def __init__(self, asked):
        torch.set_num_threads(asked["threads"])
        self.asked = asked
        self.dtype = DTYPES[asked["dtype"]]
        self.device = torch.device(asked["device"])
        # fp32 is fp32 on both sides.
        torch.backends.cudnn.allow_tf32 = False
        self.unet = diffusers.UNet2DConditionModel.from_config(
            asked["config"]).eval()
        weights = {key: made_up_weight(key, tuple(value.shape))
                   for key, value in self.unet.state_dict().items()}
        self.unet.load_state_dict(weights)
        self.unet.to(device=self.device, dtype=self.dtype,
                     memory_format=torch.channels_last)
        self.scheduler = diffusers.EulerDiscreteScheduler.from_config(
            asked["scheduler"])
        self.scheduler.set_timesteps(asked["steps"])

    def begin(self, rows):
        side = self.asked["side"]
        channels = self.unet.config.in_channels
        width = self.unet.config.cross_attention_dim
        self.fresh = torch.stack([
            made_up(f"sample.{i}", (channels, side, side))
            for i in range(rows)]) * self.scheduler.init_noise_sigma
        self.fresh = self.fresh.to(self.device).contiguous(
            memory_format=torch.channels_last)
        self.context = torch.stack([
            made_up(f"context.{i}", (self.asked["tokens"], width))
            for i in range(rows)]).to(self.device, self.dtype)
        self.restart()

    def restart(self):
        self.scheduler.set_timesteps(self.asked["steps"], device=self.device)
        self.sample = self.fresh
        self.next = 0

    def step(self):
        if self.next == len(self.scheduler.timesteps):
            self.restart()
        timestep = self.scheduler.timesteps[self.next]
        seen = self.scheduler.scale_model_input(self.sample, timestep)
        output = self.unet(seen.to(self.dtype), timestep, self.context,
                           return_dict=False)[0]
        self.sample = self.scheduler.step(
            output.to(torch.float32), timestep, self.sample,
            return_dict=False)[0]
        self.next += 1

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def make(self, count):
        times = []
        for _ in range(count):
            self.wait()
            begin = time.perf_counter()
            self.step()
            self.wait()
            times.append(1000 * (time.perf_counter() - begin))
        return times


def answer(asked, steps):
    """The answer to one line; and the steps that the next is about."""
    if "open" in asked:
        return {"name": f"PyTorch {torch.__version__}, "
                        f"diffusers {diffusers.__version__}"}, Steps(asked)
    if "begin" in asked:
        steps.begin(asked["begin"])
        return {}, steps
    if "make" in asked:
        return {"ms": steps.make(asked["make"])}, steps
    row = steps.sample[asked["sample"]]
    return {"sample": row.flatten().tolist()}, steps


def main():
    steps = None
    with torch.inference_mode():
        for line in sys.stdin:
            try:
                said, steps = answer(json.loads(line), steps)
            except Exception as error:  # Whatever it is, it is told.
                said = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
