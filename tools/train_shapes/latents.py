"""Scenes as a denoiser's training takes them: latents, captions, maps."""

import os

import numpy
import torch

import maps
import scenes
from tokenizer import Tokenizer
from train_vae import drawn, make_vae, to_tensor

CAPTIONS = 3  # Tellings of each scene.


def standardize(vae, pixels):
    """Makes every latent channel of mean 0 and deviation 1 over `pixels`.

    Exact: what the encoder's last layer takes, the decoder's first gives back.
    """
    with torch.no_grad():
        means = torch.cat([vae.encode(part).latent_dist.mean
                           for part in pixels.split(100)])
        middle = means.mean((0, 2, 3))
        spread = means.std((0, 2, 3))
        last, first = vae.quant_conv, vae.post_quant_conv
        channels = len(middle)
        first.bias += first.weight[:, :, 0, 0] @ middle
        first.weight *= spread[None, :, None, None]
        last.weight[:channels] /= spread[:, None, None, None]
        last.bias[:channels] = (last.bias[:channels] - middle) / spread
        last.bias[channels:] -= 2 * spread.log()


def load_vae(work):
    """The trained autoencoder's average, standardized."""
    vae = make_vae()
    saved = torch.load(f"{work}/vae.pt", weights_only=True)
    vae.load_state_dict(saved["average"])
    vae.eval().requires_grad_(False)
    standardize(vae, to_tensor(drawn(11, 20000, work)[:2000]))
    return vae


def encoded(vae, pictures):
    """Latents [n, 4, 8, 8] of bytes [n, 64, 64, 3]."""
    with torch.no_grad():
        return torch.cat([
            vae.encode(to_tensor(pictures[at:at + 100])).latent_dist.mean
            for at in range(0, len(pictures), 100)])


def told(all_scenes, seed):
    """Ids [n, CAPTIONS, 77] of the scenes' tellings."""
    rng = numpy.random.default_rng([seed, 1])
    tokenizer = Tokenizer()
    return torch.tensor([
        [tokenizer.encode(scenes.caption(scene, rng))
         for _ in range(CAPTIONS)] for scene in all_scenes])


def latents_of(work, seed, count):
    """{"latents", "ids"} of `count` scenes, kept in the work folder."""
    path = f"{work}/latents-{seed}-{count}.pt"
    if not os.path.exists(path):
        all_scenes = scenes.random_scenes(seed, count)
        pictures = numpy.stack([scenes.draw(scene) for scene in all_scenes])
        torch.save({"latents": encoded(load_vae(work), pictures),
                    "ids": told(all_scenes, seed)}, path + ".new")
        os.replace(path + ".new", path)
    return torch.load(path, weights_only=True)


def maps_of(work, kind, seed, count):
    """Control pictures [n, 64, 64, 3] of the same scenes."""
    path = f"{work}/{kind}-{seed}-{count}.npy"
    if not os.path.exists(path):
        numpy.save(path + ".new.npy", numpy.stack(
            [maps.map_of(kind, scene, scenes.draw(scene))
             for scene in scenes.random_scenes(seed, count)]))
        os.replace(path + ".new.npy", path)
    return numpy.load(path)


def some_captions(rng, ids, empty, dropped):
    """One telling of each scene [n, CAPTIONS, 77]; `empty` in some's place."""
    count = len(ids)
    chosen = ids[torch.arange(count),
                 torch.from_numpy(rng.integers(CAPTIONS, size=count))]
    silent = torch.from_numpy(rng.random(count) < dropped)
    chosen[silent] = torch.tensor(empty)
    return chosen
