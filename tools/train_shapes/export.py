"""Writes the trained parts as a diffusers folder of fp16 safetensors.

ControlNets that are not trained yet are left out.
"""

import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file

import maps
from denoiser import SCHEDULE
from latents import load_vae
from tokenizer import Tokenizer
from train_controlnet import load_denoiser, make_controlnet

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.20.0",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
SAMPLER = {
    "_class_name": "DPMSolverMultistepScheduler",
    "_diffusers_version": "0.20.0",
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "timestep_spacing": "linspace",
    **SCHEDULE,
}
# Entries of config.json that tell of the machine that wrote them.
PRIVATE = ("_name_or_path", "transformers_version")


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.write("\n")


def clean_config(folder):
    path = folder + "/config.json"
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    write_json(path, {key: value for key, value in config.items()
                      if key not in PRIVATE})


def save(model, folder):
    model.half().save_pretrained(folder, safe_serialization=True)
    clean_config(folder)


def save_text_encoder(text, folder):
    """With names as older releases of transformers want them, too."""
    save(text, folder)
    save_file({("" if name.startswith("text_model.") else "text_model.") +
               name: value.contiguous()
               for name, value in text.half().state_dict().items()},
              folder + "/model.safetensors", {"format": "pt"})


def save_controlnets(unet, work, out):
    for kind in maps.KINDS:
        path = f"{work}/controlnet_{kind}.pt"
        if not os.path.exists(path):
            print(f"no ControlNet for {kind} yet")
            continue
        controlnet = make_controlnet(unet)
        controlnet.load_state_dict(
            torch.load(path, weights_only=True)["average"])
        save(controlnet, f"{out}/controlnet_{kind}")


def save_logs(work, out):
    """The trainings' logs go with what they made."""
    os.makedirs(out + "/training", exist_ok=True)
    for name in ["vae", "text_unet"] + ["controlnet_" + k for k in maps.KINDS]:
        if os.path.exists(f"{work}/{name}.csv"):
            shutil.copy(f"{work}/{name}.csv", f"{out}/training/{name}.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    work, out = options.work, options.out
    tokenizer = Tokenizer()
    denoiser = load_denoiser(work, tokenizer)
    tokenizer.save(out + "/tokenizer")
    save(load_vae(work), out + "/vae")
    save_controlnets(denoiser.unet, work, out)
    save_text_encoder(denoiser.text, out + "/text_encoder")
    save(denoiser.unet, out + "/unet")
    write_json(out + "/scheduler/scheduler_config.json", SAMPLER)
    write_json(out + "/model_index.json", INDEX)
    save_logs(work, out)


if __name__ == "__main__":
    main()
