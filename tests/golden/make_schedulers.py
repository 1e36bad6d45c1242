"""Scheduler cases of make_cases.py: random classes and options, a toy model in
place of the UNet."""

import json
import math
import os
import sys

import diffusers
import torch
from safetensors.torch import save_file

COMMON = {"beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear"}
SPACINGS = ["linspace", "leading", "trailing"]
PREDICTIONS = ["epsilon", "epsilon", "v_prediction", "sample"]
CURVES = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]

# What each class is varied in, beside betas, spacing and prediction.
CLASSES = {
    "DDIMScheduler": {"clip_sample": [True, False], "set_alpha_to_one":
                      [True, False], "clip_sample_range": [1.0, 1.3],
                      "rescale_betas_zero_snr": [False, True]},
    "DDPMScheduler": {"clip_sample": [True, False], "variance_type":
                      ["fixed_small", "fixed_large", "fixed_small_log"]},
    "PNDMScheduler": {"skip_prk_steps": [True],
                      "set_alpha_to_one": [True, False]},
    "LCMScheduler": {"original_inference_steps": [50, 40],
                     "set_alpha_to_one": [True, False]},
    "TCDScheduler": {"original_inference_steps": [50]},
    "EulerDiscreteScheduler": {"final_sigmas_type": ["zero", "sigma_min"],
                               "rescale_betas_zero_snr": [False, True],
                               "curves": CURVES},
    "EulerAncestralDiscreteScheduler": {
        "rescale_betas_zero_snr": [False, True]},
    "LMSDiscreteScheduler": {"curves": CURVES},
    "HeunDiscreteScheduler": {"curves": CURVES},
    "KDPM2DiscreteScheduler": {"curves": CURVES},
    "KDPM2AncestralDiscreteScheduler": {"curves": CURVES},
    "DPMSolverMultistepScheduler": {
        "algorithm_type": ["dpmsolver++", "sde-dpmsolver++"],
        "solver_order": [1, 2, 3], "solver_type": ["midpoint", "heun"],
        "lower_order_final": [True, False], "euler_at_final": [False, True],
        "thresholding": [False, False, True],
        "curves": CURVES + ["use_lu_lambdas"]},
    "DPMSolverSinglestepScheduler": {
        "solver_order": [1, 2, 3], "solver_type": ["midpoint", "heun"],
        "curves": CURVES},
    # Order 3 is left out: the reference's weights are then differences that
    # its single precision does not hold.
    "DEISMultistepScheduler": {"solver_order": [1, 2], "curves": CURVES},
    "UniPCMultistepScheduler": {
        "solver_order": [1, 2, 3], "predict_x0": [True, False],
        "disable_corrector": [[], [0], [1, 2]], "curves": CURVES},
    "SASolverScheduler": {"predictor_order": [1, 2],
                          "corrector_order": [1, 2], "curves": CURVES},
}
NO_SPACING = {"DPMSolverSinglestepScheduler"}
NO_SAMPLE = {"EulerAncestralDiscreteScheduler", "KDPM2DiscreteScheduler",
             "KDPM2AncestralDiscreteScheduler", "PNDMScheduler"}


def random_config(rng, name):
    """Constructor arguments, of which some are left at their default."""
    config = dict(COMMON) if rng.random() < 0.8 else {}
    if rng.random() < 0.15:
        # PNDM's own single precision does not reach what a cosine ends in.
        config["beta_schedule"] = rng.choice(
            ["linear"] + ["squaredcos_cap_v2"] * (name != "PNDMScheduler"))
    if name not in NO_SPACING and rng.random() < 0.7:
        config["timestep_spacing"] = rng.choice(SPACINGS)
        if config["timestep_spacing"] == "leading":
            config["steps_offset"] = rng.choice([0, 1])
    prediction = rng.choice(PREDICTIONS)
    if prediction != "sample" or name not in NO_SAMPLE:
        config["prediction_type"] = prediction
    for key, values in CLASSES[name].items():
        if rng.random() < 0.5:
            continue
        if key == "curves":
            config[rng.choice(values)] = True
        else:
            config[key] = rng.choice(values)
    if config.get("prediction_type", "epsilon") == "epsilon":
        # Of nothing but noise, noise does not tell the picture.
        config.pop("rescale_betas_zero_snr", None)
    return config


class Draws:
    """Keeps what a scheduler draws while it is entered."""

    def __init__(self, scheduler):
        self.module = sys.modules[type(scheduler).__module__]
        self.noises = []

    def __enter__(self):
        self.original = getattr(self.module, "randn_tensor", None)
        if self.original is not None:
            self.module.randn_tensor = self.draw
        return self

    def __exit__(self, *_):
        if self.original is not None:
            self.module.randn_tensor = self.original

    def draw(self, *args, **kwargs):
        noise = self.original(*args, **kwargs)
        self.noises.append(noise.to(torch.float32))
        return noise


def toy_model(x, timestep):
    shift = torch.tensor(0.1 * math.cos(0.01 * float(timestep)))
    return 0.5 * torch.tanh(x) + shift.to(torch.float32)


def trajectory(name, config, steps, begin, eta, seed):
    """One scheduler case: its row and its tensors. None where the reference
    itself refuses, or arrives at numbers that are none."""
    scheduler = getattr(diffusers, name)(**config)
    scheduler.set_timesteps(steps)
    order = scheduler.order
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 4, 4, 4)
    timesteps = scheduler.timesteps[begin * order:]
    if len(timesteps) == 0:
        return None
    tensors = {}
    sample = torch.randn(shape, generator=generator)
    if begin > 0:
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(begin * order)
        tensors["clean"] = sample
        tensors["noise0"] = torch.randn(shape, generator=generator)
        sample = scheduler.add_noise(sample, tensors["noise0"], timesteps[:1])
    else:
        sample = sample * scheduler.init_noise_sigma
    tensors["start"] = sample
    inputs, samples = [], []
    arguments = {}
    if name in ("DDIMScheduler", "TCDScheduler") and eta is not None:
        arguments["eta"] = eta
    takes_generator = name in ("DDIMScheduler", "DDPMScheduler",
        "LCMScheduler", "TCDScheduler", "EulerDiscreteScheduler",
        "EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
        "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler",
        "SASolverScheduler")
    if takes_generator:
        arguments["generator"] = generator
    with Draws(scheduler) as draws:
        for timestep in timesteps:
            x = scheduler.scale_model_input(sample, timestep)
            sample = scheduler.step(toy_model(x, timestep), timestep, sample,
                                    return_dict=False, **arguments)[0]
            inputs.append(x)
            samples.append(sample)
    tensors["inputs"] = torch.cat(inputs)
    tensors["trajectory"] = torch.cat(samples)
    if not torch.isfinite(tensors["trajectory"]).all():
        return None
    if name == "EulerDiscreteScheduler":
        draws.noises = []  # Drawn, and multiplied by nothing.
    if draws.noises:
        tensors["noise"] = torch.cat(draws.noises)
    row = {"class": name, "config": config, "steps": steps,
           "begin_step": begin, "order": order,
           "timesteps": [float(t) for t in timesteps],
           "integer_timesteps": not scheduler.timesteps.is_floating_point(),
           "init_noise_sigma": float(scheduler.init_noise_sigma),
           "noises": len(draws.noises), "eta": eta or 0.0,
           "max_abs": float(tensors["trajectory"].abs().max())}
    if getattr(scheduler, "sigmas", None) is not None:
        row["sigmas"] = [float(s) for s in scheduler.sigmas]
    return row, tensors


def make_schedulers(rng, out, count):
    os.makedirs(out + "/schedulers")
    files, rows = {}, []
    refused = 0
    while len(rows) < count:
        name = rng.choice(list(CLASSES))
        config = random_config(rng, name)
        steps = rng.choice([1, 2, 3, 4, 6, 9, 11, 15, 17, 23, 30])
        begin = rng.choice([0, 0, 1, 2, 3])
        eta = rng.choice([0.0, 0.3, 1.0]) if name == "DDIMScheduler" else None
        try:
            made = trajectory(name, config, steps, begin, eta,
                              rng.randrange(2**31))
        except (ValueError, IndexError, NotImplementedError, AssertionError,
                RuntimeError, UnboundLocalError):
            made = None
        if made is None:
            refused += 1
            continue
        row, tensors = made
        case = f"{len(rows):03d}"
        rows.append({"case": case, **row})
        for key, tensor in tensors.items():
            files.setdefault(name, {})[f"{case}.{key}"] = tensor.contiguous()
    for name, tensors in files.items():
        save_file(tensors, f"{out}/schedulers/{name}.safetensors")
    write_lines(out + "/schedulers/cases.jsonl", rows)
    print(f"{len(rows)} schedulers; {refused} that the reference refuses")


def write_lines(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
