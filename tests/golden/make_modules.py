"""Forwards of models of random shapes, for make_cases.py."""

import math
import os

import diffusers
import torch
from safetensors.torch import save_file
from transformers import (CLIPTextConfig, CLIPTextModel,
                          CLIPTextModelWithProjection)


def save(module, path):
    """In half precision, which the weights are exact in."""
    module.half().save_pretrained(path)
    module.float()


def strengthen(module, generator):
    """Weights strong enough that a missing term shows, exact in fp16."""
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        u = torch.rand(tensor.shape, generator=generator) * 2 - 1
        if tensor.dim() > 1:
            values = u * 1.2 / math.sqrt(tensor[0].numel())
        elif name.endswith("weight"):
            values = 1 + 0.2 * u
        else:
            values = 0.1 * u
        tensor.copy_(values.to(torch.float16))
    return module.eval()


def random_unet_config(rng):
    """A UNet's shape: widths, heads, depths and flavour at random."""
    levels = rng.choice([2, 3])
    widths = sorted(rng.choice([16, 24, 32]) for _ in range(levels))
    attends = [rng.random() < 0.7 for _ in range(levels)]
    attends[rng.randrange(levels)] = True
    per_level = rng.random() < 0.5
    return {
        "sample_size": 16, "in_channels": 4, "out_channels": 4,
        "block_out_channels": widths,
        "down_block_types": ["CrossAttnDownBlock2D" if a else "DownBlock2D"
                             for a in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if a else "UpBlock2D"
                           for a in reversed(attends)],
        "layers_per_block": ([rng.choice([1, 2]) for _ in range(levels)]
                             if per_level else rng.choice([1, 2])),
        "cross_attention_dim": rng.choice([24, 32, 40]),
        "attention_head_dim": ([rng.choice([1, 2, 4]) for _ in range(levels)]
                               if per_level else rng.choice([2, 4])),
        "use_linear_projection": rng.random() < 0.5,
        "transformer_layers_per_block": rng.choice([1, 1, 2]),
        "norm_num_groups": rng.choice([4, 8]),
        "norm_eps": rng.choice([1e-5, 1e-6]),
        "flip_sin_to_cos": rng.random() < 0.8,
        "freq_shift": rng.choice([0, 1]),
        "downsample_padding": rng.choice([0, 1, 1]),
        "only_cross_attention": rng.random() < 0.2,
        "mid_block_type": rng.choice(["UNetMidBlock2DCrossAttn",
                                      "UNetMidBlock2DCrossAttn",
                                      "UNetMidBlock2D"]),
        "time_cond_proj_dim": rng.choice([None, None, None, 16]),
    }


def module_file(out, name, model, tensors, **metadata):
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    save_file(tensors, f"{out}/modules/{name}.safetensors",
              {"model": model, **metadata})


def make_unet(rng, out, name, generator):
    config = random_unet_config(rng)
    unet = strengthen(diffusers.UNet2DConditionModel(**config), generator)
    save(unet, f"{out}/models/{name}")
    for i in range(3):
        rows = rng.choice([1, 2, 3])
        size = (rng.randrange(8, 24), rng.randrange(8, 24))
        inputs = {
            "sample": torch.randn(rows, 4, *size, generator=generator),
            "timestep": torch.rand(rows, generator=generator) * 999,
            "encoder_hidden_states": torch.randn(
                rows, rng.choice([7, 77]), config["cross_attention_dim"],
                generator=generator)}
        extra = {}
        if config["time_cond_proj_dim"]:
            # The embedding of guidance - 1, as pipelines make it.
            inputs["guidance"] = 1 + 8 * torch.rand(rows, generator=generator)
            extra["timestep_cond"] = guidance_embedding(
                inputs["guidance"], config["time_cond_proj_dim"])
        inputs["out"] = unet(inputs["sample"], inputs["timestep"],
                             inputs["encoder_hidden_states"],
                             return_dict=False, **extra)[0]
        module_file(out, f"{name}.{i}", name, inputs)
    return unet


def guidance_embedding(guidance, width):
    half = width // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float32)
                      * -(math.log(10000.0) / (half - 1)))
    angles = (guidance - 1)[:, None] * 1000.0 * rates[None, :]
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


def make_controlnet(rng, out, name, unet, generator):
    if unet.config.mid_block_type != "UNetMidBlock2DCrossAttn" or \
            unet.config.time_cond_proj_dim or \
            isinstance(unet.config.layers_per_block, list):
        return  # What the reference's ControlNets do not know.
    net = diffusers.ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=[8, 16],
        controlnet_conditioning_channel_order=rng.choice(["rgb", "bgr"]))
    net.register_to_config(global_pool_conditions=rng.random() < 0.3)
    save(strengthen(net, generator), f"{out}/models/{name}")
    for i in range(2):
        rows, side = rng.choice([1, 2]), rng.choice([8, 12])
        guess = i == 1
        scale = round(rng.random() * 1.5, 2)
        inputs = {
            "sample": torch.randn(rows, 4, side, side + 4,
                                  generator=generator),
            "timestep": torch.rand(rows, generator=generator) * 999,
            "encoder_hidden_states": torch.randn(
                rows, 77, unet.config.cross_attention_dim,
                generator=generator),
            "controlnet_cond": torch.rand(rows, 3, 2 * side, 2 * side + 8,
                                          generator=generator)}
        down, mid = net(**inputs, conditioning_scale=scale, guess_mode=guess,
                        return_dict=False)
        inputs.update({f"down_{j}": map for j, map in enumerate(down)})
        module_file(out, f"{name}.{i}", name, {**inputs, "mid": mid},
                    conditioning_scale=str(scale),
                    guess_mode="true" if guess else "false")


def make_vae(rng, out, name, generator):
    widths = sorted(rng.choice([8, 16, 32]) for _ in range(rng.choice([2, 3])))
    vae = diffusers.AutoencoderKL(
        block_out_channels=widths, layers_per_block=rng.choice([1, 2]),
        down_block_types=["DownEncoderBlock2D"] * len(widths),
        up_block_types=["UpDecoderBlock2D"] * len(widths),
        norm_num_groups=rng.choice([4, 8]), sample_size=32,
        latent_channels=rng.choice([4, 4, 8]),
        use_quant_conv=rng.random() < 0.7,
        use_post_quant_conv=rng.random() < 0.7,
        mid_block_add_attention=rng.random() < 0.8)
    save(strengthen(vae, generator), f"{out}/models/{name}")
    scale = 2**(len(widths) - 1)
    side = scale * rng.randrange(4, 9)
    tensors = {"image": torch.rand(2, 3, side, side + scale,
                                   generator=generator) * 2 - 1,
               "latents": torch.randn(2, vae.config.latent_channels, 5, 7,
                                      generator=generator),
               "tiled_image": torch.rand(1, 3, 72, 40, generator=generator),
               "tiled_latents": torch.randn(1, vae.config.latent_channels,
                                            21, 30, generator=generator)}
    moments = lambda x: vae.encode(x).latent_dist.parameters
    tensors["moments"] = moments(tensors["image"])
    tensors["decoded"] = vae.decode(tensors["latents"]).sample
    vae.enable_tiling()
    tensors["tiled_moments"] = moments(tensors["tiled_image"])
    tensors["tiled_decoded"] = vae.decode(tensors["tiled_latents"]).sample
    module_file(out, name, name, tensors)


def make_text(rng, out, name, generator):
    projects = rng.random() < 0.5
    heads = rng.choice([2, 4])
    vocabulary = rng.choice([300, 900])
    config = CLIPTextConfig(
        hidden_size=heads * rng.choice([8, 12]), intermediate_size=56,
        num_hidden_layers=rng.choice([2, 3, 5]), num_attention_heads=heads,
        hidden_act=rng.choice(["quick_gelu", "gelu"]), projection_dim=24,
        vocab_size=vocabulary, bos_token_id=vocabulary - 2,
        eos_token_id=rng.choice([2, vocabulary - 1]),
        pad_token_id=rng.choice([0, vocabulary - 1]))
    kind = CLIPTextModelWithProjection if projects else CLIPTextModel
    model = strengthen(kind(config), generator)
    save(model, f"{out}/models/{name}")
    ids = torch.full((2, 77), config.pad_token_id)
    for row in ids:
        length = rng.randrange(1, 76)
        row[0] = vocabulary - 2
        row[1:length] = torch.randint(3, vocabulary - 2, (length - 1,),
                                      generator=generator)
        row[length] = vocabulary - 1
    result = model(ids, output_hidden_states=True)
    tensors = {"ids": ids, "last_hidden_state": result.last_hidden_state}
    for i, hidden in enumerate(result.hidden_states):
        tensors[f"hidden_{i}"] = hidden.clone()
    if projects:
        tensors["text_embeds"] = result.text_embeds
    else:
        tensors["pooled"] = result.pooler_output
    module_file(out, name, name, tensors)


def make_models(rng, out, count):
    os.makedirs(out + "/modules")
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    for i in range(count):
        unet = make_unet(rng, out, f"unet-{i}", generator)
        make_controlnet(rng, out, f"control-{i}", unet, generator)
        make_vae(rng, out, f"vae-{i}", generator)
        make_text(rng, out, f"text-{i}", generator)
    print(f"{count} models of each kind")
