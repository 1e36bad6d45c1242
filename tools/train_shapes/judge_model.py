"""Judges an exported model with the checker, on captions it never trained on.

    judge_model.py MODEL [--guidance 3 5] [--control edge seg]

Captions come from a seed of their own; picture k starts from seed k. With
--control also how far pictures obey control pictures, at weight 1 and 0.
"""

import argparse
import os
import warnings

import numpy
import torch
from diffusers import (ControlNetModel, StableDiffusionControlNetPipeline,
                       StableDiffusionPipeline)

import checker
import maps
import png
import scenes

SEED = 901  # Not a seed of any training's.
ROWS = 50


def load(folder, control=None):
    warnings.simplefilter("ignore")
    kind, more = StableDiffusionPipeline, {}
    if control:
        kind = StableDiffusionControlNetPipeline
        more["controlnet"] = ControlNetModel.from_pretrained(
            f"{folder}/controlnet_{control}", torch_dtype=torch.float32)
    pipeline = kind.from_pretrained(folder, torch_dtype=torch.float32,
                                    safety_checker=None,
                                    feature_extractor=None, **more)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def pictures_of(pipeline, captions, guidance, steps, **more):
    """Bytes [n, 64, 64, 3]; picture k is of seed k. more: lists, or one."""
    made = []
    for at in range(0, len(captions), ROWS):
        part = slice(at, at + ROWS)
        latents = torch.cat([
            torch.randn((1, 4, 8, 8),
                        generator=torch.Generator().manual_seed(k))
            for k in range(len(captions))[part]])
        made.append(pipeline(
            captions[part], latents=latents, guidance_scale=guidance,
            num_inference_steps=steps, output_type="np",
            **{name: value[part] if hasattr(value, "__len__") else value
               for name, value in more.items()}).images)
    return numpy.rint(numpy.concatenate(made) * 255).astype(numpy.uint8)


def say(title, pictures, captions):
    shares = checker.summary([checker.judge(picture, caption)
                              for picture, caption in zip(pictures, captions)])
    print(title, {n: f"{100 * share:.1f}" for n, share in shares.items()},
          flush=True)


def keep(folder, name, pictures, captions, columns=10):
    """A sheet of them all, every picture, and the captions."""
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    for place, picture in enumerate(pictures):
        png.write(f"{folder}/{name}/{place:03d}.png", picture)
    with open(f"{folder}/{name}.txt", "w", encoding="utf-8") as file:
        file.writelines(caption + "\n" for caption in captions)
    rows = len(pictures) // columns
    shown = pictures[:rows * columns].reshape(
        rows, columns, scenes.SIDE, scenes.SIDE, 3)
    framed = numpy.pad(shown, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    png.write(f"{folder}/{name}.png", framed.swapaxes(1, 2).reshape(
        rows * (scenes.SIDE + 2), columns * (scenes.SIDE + 2), 3))


def judge_control(options, kind, all_scenes, captions):
    """With the caption and without one, at weights 1 and 0."""
    pipeline = load(options.model, kind)
    controls = numpy.stack([maps.map_of(kind, scene, scenes.draw(scene))
                            for scene in all_scenes])
    fed = torch.from_numpy(controls).permute(0, 3, 1, 2) / 255
    for weight in (1.0, 0.0):
        for title, words in (("captions", captions),
                             ("no words", [""] * len(captions))):
            pictures = pictures_of(
                pipeline, words, options.guidance[0], options.steps, image=fed,
                controlnet_conditioning_scale=weight)
            shares = [maps.overlap(kind, picture, control)
                      for picture, control in zip(pictures, controls)]
            print(f"{kind} weight {weight} {title}: overlap "
                  f"{numpy.mean(shares):.3f}", flush=True)
            if weight:
                say(f"{kind} {title}", pictures, captions)
            if options.out:
                keep(options.out, f"{kind}-{weight:.0f}-{title.split()[0]}",
                     pictures, captions)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    parser.add_argument("--control", nargs="*", default=[], choices=maps.KINDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="a folder for the pictures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    all_scenes = scenes.random_scenes(SEED, options.count)
    rng = numpy.random.default_rng(SEED)
    captions = [scenes.caption(scene, rng) for scene in all_scenes]
    if not options.control:
        pipeline = load(options.model)
        for guidance in options.guidance:
            pictures = pictures_of(pipeline, captions, guidance, options.steps)
            say(f"guidance {guidance}", pictures, captions)
            if options.out:
                keep(options.out, f"guidance-{guidance}", pictures, captions)
    for kind in options.control:
        judge_control(options, kind, all_scenes, captions)


if __name__ == "__main__":
    main()
