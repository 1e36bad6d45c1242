"""The parts that learn in latents, their noise, and their loss."""

import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from tokenizer import LENGTH

# Ends in more noise than usual: the latents are 8x8, so a ground's colour
# would still show through 0.012, and the start of a picture then belie it.
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.02,
            "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
            "prediction_type": "v_prediction"}
TEXT_WIDTH = 96
SNR_MOST = 5.0


def make_unet():
    return UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4,
        block_out_channels=(48, 96), layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=TEXT_WIDTH, attention_head_dim=4,
        norm_num_groups=12)


def make_text_encoder(tokens):
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=tokens, hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=LENGTH,
        projection_dim=TEXT_WIDTH, hidden_act="quick_gelu",
        bos_token_id=tokens - 2, eos_token_id=tokens - 1,
        pad_token_id=tokens - 1))


def alphas_of():
    """What part of the variance is still picture, by time step."""
    betas = torch.linspace(SCHEDULE["beta_start"]**0.5,
                           SCHEDULE["beta_end"]**0.5,
                           SCHEDULE["num_train_timesteps"])**2
    return torch.cumprod(1 - betas, 0)


class Noising:
    """Noisy latents and what a v-predicting network should say of them."""

    def __init__(self, rng, latents):
        alphas = alphas_of()
        count = len(latents)
        # One time step of each of `count` equal stretches: a batch then sees
        # all levels of noise, and its loss jumps less.
        at = (torch.from_numpy(rng.permutation(count)) +
              torch.from_numpy(rng.random(count))) / count
        self.times = (at * len(alphas)).long()
        kept = alphas[self.times][:, None, None, None]
        noise = torch.randn_like(latents)
        self.noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
        self.target = kept.sqrt() * noise - (1 - kept).sqrt() * latents
        snr = (kept / (1 - kept)).flatten()
        # Little noise is easy, and would teach nothing of the caption.
        self.weight = (snr.clamp(max=SNR_MOST) + 1) / (snr + 1)

    def loss(self, said):
        return (self.weight *
                (said - self.target).square().mean((1, 2, 3))).mean()
