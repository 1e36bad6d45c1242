"""Trains the text encoder and the UNet together on the VAE's latents."""

import torch

from denoiser import Noising, make_text_encoder, make_unet
from latents import latents_of, some_captions
from tokenizer import Tokenizer
from training import Training, arguments

SCENES = 24000
BATCH = 32
DROPPED = 0.1
# No caption is longer. A sixth less to compute, for this share of the steps;
# the rest see all of a prompt's places, as pictures are made with them.
SHORT, SHORT_SHARE = 20, 0.7


class TextUnet(torch.nn.Module):
    """Both, so that one optimizer and one checkpoint hold them."""

    def __init__(self, tokens):
        super().__init__()
        self.text = make_text_encoder(tokens)
        self.unet = make_unet()

    def forward(self, noisy, times, ids):
        states = self.text(ids).last_hidden_state
        return self.unet(noisy, times, states).sample


def main():
    options = arguments(__doc__, steps=33000).parse_args()
    tokenizer = Tokenizer()
    torch.manual_seed(options.seed)
    training = Training("text_unet", TextUnet(len(tokenizer.ids)), options,
                        rate=1e-3, betas=(0.9, 0.98), average=0.9985)
    data = latents_of(options.work, options.seed + 20, SCENES)
    empty = tokenizer.encode("")

    def loss_of(rng):
        chosen = torch.from_numpy(rng.integers(SCENES, size=BATCH))
        noising = Noising(rng, data["latents"][chosen])
        ids = some_captions(rng, data["ids"][chosen], empty, DROPPED)
        if training.step < SHORT_SHARE * training.steps:
            ids = ids[:, :SHORT]
        said = training.module(noising.noisy, noising.times, ids)
        return {"loss": noising.loss(said)}

    training.run(loss_of)


if __name__ == "__main__":
    main()
