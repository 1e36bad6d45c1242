"""Whole runs of the models that lie here, for make_cases.py."""

import json
import os
from types import SimpleNamespace

import diffusers
import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (CLIPTextModel, CLIPTextModelWithProjection,
                          CLIPTokenizer)

from make_schedulers import CLASSES, random_config, write_lines

HERE = os.path.dirname(os.path.abspath(__file__))

WORDS = ("a red round house above the cold sea, oil on canvas; 2 cats & a dog's "
         "(old) boat!! naïve café 夜 in spring light").split()


def random_prompt(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.choice([0, 3, 9, 90])))


class Pipelines:
    """Whole runs of the models that lie in this folder."""

    def __init__(self, rng, out):
        self.rng = rng
        self.out = out
        os.makedirs(out + "/pipelines")
        os.makedirs(out + "/images")
        self.images = 0

    def picture(self, width, height, grey=False):
        """A picture of rectangles and its name."""
        rng = self.rng
        pixels = numpy.zeros((height, width, 3), numpy.uint8)
        for _ in range(6):
            x, y = rng.randrange(width), rng.randrange(height)
            colour = ([rng.choice([0, 255])] * 3 if grey else
                      [rng.randrange(256) for _ in range(3)])
            pixels[y:y + rng.randrange(8, height + 1),
                   x:x + rng.randrange(8, width + 1)] = colour
        if not grey:
            noise = numpy.random.default_rng(rng.randrange(2**31))
            pixels ^= noise.integers(0, 32, pixels.shape, numpy.uint8)
        picture = Image.fromarray(pixels)
        name = f"{self.images:03d}.png"
        self.images += 1
        picture.save(f"{self.out}/images/{name}")
        return picture, name

    def parts(self, folder):
        """The folder's components, in fp32."""
        path = HERE + "/models/" + folder
        index = json.load(open(path + "/model_index.json", encoding="utf-8"))
        variant = "fp16" if folder == "tiny-sd2" else None
        parts = {}
        for name, kind in index.items():
            if not isinstance(kind, list) or kind[1] is None:
                continue
            if name.startswith("tokenizer"):
                parts[name] = CLIPTokenizer.from_pretrained(f"{path}/{name}")
            elif name.startswith("text_encoder"):
                cls = (CLIPTextModelWithProjection if "Projection" in kind[1]
                       else CLIPTextModel)
                parts[name] = cls.from_pretrained(
                    f"{path}/{name}", variant=variant, dtype=torch.float32)
                # Where pipelines look for the last norm, which newer
                # versions of transformers have one level higher.
                if not hasattr(parts[name], "text_model"):
                    parts[name].__dict__["text_model"] = SimpleNamespace(
                        final_layer_norm=parts[name].final_layer_norm)
            elif kind[0] == "diffusers":
                cls = getattr(diffusers, kind[1])
                more = {} if name == "scheduler" else {
                    "variant": variant, "torch_dtype": torch.float32}
                parts[name] = cls.from_pretrained(f"{path}/{name}", **more)
        return parts

    def component(self, cls, folder):
        return cls.from_pretrained(HERE + "/models/" + folder,
                                   torch_dtype=torch.float32)

    def scheduler(self, own):
        """One that is made from the model's own, with other options."""
        rng = self.rng
        if rng.random() < 0.2:
            return own
        name = rng.choice([n for n in CLASSES if n not in ("TCDScheduler",)])
        config = {key: value for key, value in random_config(rng, name).items()
                  if not key.startswith("beta")
                  and key not in ("prediction_type", "thresholding",
                                  "rescale_betas_zero_snr")}
        return getattr(diffusers, name).from_config(own.config, **config)

    def make(self, number):
        rng = self.rng
        task = rng.choice(["text", "text", "sd2", "xl", "image", "inpaint4",
                           "inpaint9", "edit", "control", "control2",
                           "xlcontrol"])
        folder = {"sd2": "tiny-sd2", "xl": "tiny-sdxl",
                  "xlcontrol": "tiny-sdxl"}.get(task, "tiny-sd")
        family = {"tiny-sd": "sd", "tiny-sd2": "sd2",
                  "tiny-sdxl": "sdxl"}[folder]
        parts = self.parts(folder)
        parts["scheduler"] = self.scheduler(parts["scheduler"])
        scale = 2**(len(parts["vae"].config.block_out_channels) - 1)
        step = 4 * scale
        width = rng.randrange(24 // step + 1, 72 // step) * step
        height = rng.randrange(24 // step + 1, 72 // step) * step
        seed = rng.choice([rng.randrange(2**31), rng.randrange(2**40)])
        call = {"prompt": random_prompt(rng),
                "guidance_scale": round(rng.choice([1.0, 2 + 8 * rng.random()]),
                                        2)}
        if rng.random() < 0.7:
            call["negative_prompt"] = random_prompt(rng)
        row = {"name": f"{family}-{task}-{number}",
               "steps": rng.choice([2, 3, 5, 8, 12]), "width": width,
               "height": height, "seed": seed}
        said = {}
        kinds = {"text": "", "sd2": "", "image": "Img2Img",
                 "inpaint4": "Inpaint", "inpaint9": "Inpaint",
                 "edit": "InstructPix2Pix", "control": "ControlNet",
                 "control2": "ControlNet", "xl": "XL",
                 "xlcontrol": "XLControlNet"}
        row["pipeline"] = f"StableDiffusion{kinds[task]}Pipeline"
        if task in ("text", "sd2", "xl") or "control" in task:
            call.update(width=width, height=height)
        if task in ("text", "sd2") and rng.random() < 0.3:
            call["clip_skip"] = 1
        if task in ("text", "sd2", "xl") and rng.random() < 0.3:
            call["guidance_rescale"] = round(rng.random(), 2)
        if task == "xl" and rng.random() < 0.5:
            call.update(prompt_2=random_prompt(rng),
                        original_size=[rng.randrange(32, 256),
                                       rng.randrange(32, 256)],
                        crops_coords_top_left=[rng.randrange(16),
                                               rng.randrange(16)],
                        target_size=[height, width])
        if task in ("image", "inpaint4", "inpaint9", "edit"):
            call["image"], said["image"] = self.picture(width, height)
        if task in ("image", "inpaint4", "inpaint9"):
            call["strength"] = rng.choice([1.0, 0.9, 0.75, 0.5])
        if task.startswith("inpaint"):
            call["mask_image"], said["mask_image"] = self.picture(
                width, height, grey=True)
            call.update(width=width, height=height)
        if task == "edit":
            call["image_guidance_scale"] = round(1 + rng.random(), 2)
            call["guidance_scale"] = round(2 + 6 * rng.random(), 2)
        if task == "inpaint9":
            parts["unet"] = self.component(diffusers.UNet2DConditionModel,
                                           "unet-inpaint")
            row["unet"] = "unet-inpaint"
        if task == "edit":
            parts["unet"] = self.component(diffusers.UNet2DConditionModel,
                                           "unet-ip2p")
            row["unet"] = "unet-ip2p"
        if "control" in task:
            self.controls(task, width, height, parts, row, call, said)
        for key in ("safety_checker", "feature_extractor"):
            if "xl" not in task:
                parts[key] = None
        if "xl" not in task:
            parts["requires_safety_checker"] = False
        pipeline = getattr(diffusers, row["pipeline"])(**parts)
        pipeline.set_progress_bar_config(disable=True)
        if isinstance(parts["scheduler"], diffusers.DDIMScheduler):
            call["eta"] = rng.choice([0.0, 0.6]) if task != "edit" else 0.0
        self.run(pipeline, row, call, said)

    def controls(self, task, width, height, parts, row, call, said):
        rng = self.rng
        names = {"control": [rng.choice(["controlnet-a", "controlnet-pool-bgr"])],
                 "control2": ["controlnet-a", "controlnet-b"],
                 "xlcontrol": ["controlnet-xl"]}[task]
        nets = [self.component(diffusers.ControlNetModel, n) for n in names]
        pictures = [self.picture(width, height) for _ in names]
        several = len(names) > 1
        parts["controlnet"] = nets if several else nets[0]
        row["controlnets"] = names
        call["image"] = [p for p, _ in pictures] if several else pictures[0][0]
        said["image"] = [n for _, n in pictures] if several else pictures[0][1]
        weights = [round(1.5 * rng.random(), 2) for _ in names]
        call["controlnet_conditioning_scale"] = (weights if several
                                                 else weights[0])
        if rng.random() < 0.5:
            start, end = rng.choice([(0.0, 0.5), (0.3, 1.0), (0.25, 0.8)])
            call.update(control_guidance_start=start, control_guidance_end=end)
        if rng.random() < 0.3:
            call["guess_mode"] = True

    def run(self, pipeline, row, call, said):
        row["scheduler"] = {
            "class": type(pipeline.scheduler).__name__,
            "config": {k: v for k, v in pipeline.scheduler.config.items()
                       if not k.startswith("_")}}
        generate = lambda kind: pipeline(
            **call, num_inference_steps=row["steps"], output_type=kind,
            generator=torch.Generator().manual_seed(row["seed"])).images
        latents = generate("latent")
        picture = numpy.asarray(generate("pil")[0])
        if not torch.isfinite(latents).all():
            raise ValueError("not finite")
        save_file({"latents": latents.contiguous(),
                   "image": torch.from_numpy(picture.copy())},
                  f"{self.out}/pipelines/{row['name']}.safetensors")
        row.update({key: said.get(key, value) for key, value in call.items()})
        self.rows.append(row)

    def make_all(self, count):
        self.rows = []
        refused = 0
        while len(self.rows) < count:
            try:
                self.make(len(self.rows))
            except (ValueError, IndexError, NotImplementedError,
                    RuntimeError, UnboundLocalError) as error:
                refused += 1
                print(f"  refused: {str(error)[:120]}")
                if refused > count:
                    raise
        write_lines(self.out + "/pipelines/cases.jsonl", self.rows)
        print(f"{count} pipelines; {refused} that the reference refuses")
