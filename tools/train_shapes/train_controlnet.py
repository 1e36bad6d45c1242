"""Trains one ControlNet, of the kind named, on the finished UNet."""

import torch
from diffusers import ControlNetModel

import maps
from denoiser import Noising
from latents import latents_of, maps_of, some_captions
from tokenizer import Tokenizer
from train_text_unet import SCENES, SHORT, SHORT_SHARE, TextUnet
from training import Training, arguments

MAPPED = 12000  # Scenes with a control picture: the first of all.
BATCH = 32
# Often no caption: what the control says is then all there is to go by.
DROPPED = 0.5


def load_denoiser(work, tokenizer):
    """The trained text encoder and UNet: their average, frozen."""
    denoiser = TextUnet(len(tokenizer.ids))
    saved = torch.load(f"{work}/text_unet.pt", weights_only=True)
    denoiser.load_state_dict(saved["average"])
    return denoiser.eval().requires_grad_(False)


def make_controlnet(unet):
    """The UNet's first half, with what turns a picture into its features."""
    return ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=(8, 16, 32, 48))


def main():
    parser = arguments(__doc__, steps=2000)
    parser.add_argument("kind", choices=maps.KINDS)
    options = parser.parse_args()
    tokenizer = Tokenizer()
    denoiser = load_denoiser(options.work, tokenizer)
    torch.manual_seed(options.seed)
    training = Training("controlnet_" + options.kind,
                        make_controlnet(denoiser.unet), options, rate=8e-4,
                        betas=(0.9, 0.98), average=0.998)
    training.module.train().requires_grad_(True)
    seed = options.seed + 20
    data = latents_of(options.work, seed, SCENES)
    controls = maps_of(options.work, options.kind, seed, MAPPED)
    empty = tokenizer.encode("")

    def loss_of(rng):
        chosen = rng.integers(MAPPED, size=BATCH)
        noising = Noising(rng, data["latents"][chosen])
        ids = some_captions(rng, data["ids"][chosen], empty, DROPPED)
        if training.step < SHORT_SHARE * training.steps:
            ids = ids[:, :SHORT]
        # As pipelines give them: from 0 to 1.
        control = torch.from_numpy(controls[chosen]).permute(0, 3, 1, 2) / 255
        states = denoiser.text(ids).last_hidden_state
        down, mid = training.module(noising.noisy, noising.times, states,
                                    control, return_dict=False)
        said = denoiser.unet(
            noising.noisy, noising.times, states,
            down_block_additional_residuals=down,
            mid_block_additional_residual=mid).sample
        return {"loss": noising.loss(said)}

    training.run(loss_of)


if __name__ == "__main__":
    main()
