"""How many drawn scenes the autoencoder gives back as they were."""

import argparse

import numpy
import torch

import checker
import scenes
from latents import encoded, load_vae

SEED = 900  # Not a seed of any training's.


def decoded(vae, latents):
    with torch.no_grad():
        pixels = torch.cat([vae.decode(part).sample
                            for part in latents.split(100)])
    bytes_ = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return bytes_.permute(0, 2, 3, 1).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--noise", type=float, nargs="*", default=[0, 0.1, 0.2],
                        help="deviations added to latents of deviation 1")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    all_scenes = scenes.random_scenes(SEED, options.count)
    captions = [scenes.caption(scene) for scene in all_scenes]
    vae = load_vae(options.work)
    pictures = numpy.stack([scenes.draw(scene) for scene in all_scenes])
    latents = encoded(vae, pictures)
    for noise in [None] + options.noise:
        seen = pictures if noise is None else decoded(
            vae, latents + noise * torch.randn_like(latents))
        shares = checker.summary([checker.judge(picture, caption)
                                  for picture, caption in zip(seen, captions)])
        print("drawn " if noise is None else f"noise {noise:.2f}",
              {name: f"{100 * share:.1f}" for name, share in shares.items()},
              flush=True)


if __name__ == "__main__":
    main()
