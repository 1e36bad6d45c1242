#include <algorithm>
#include <string>

#include "base/status.h"
#include "inference/engine/models/vae.h"

namespace sheaf::engine {
namespace {

void ReadKl(Config::Reader* r, VaeConfig* vae) {
  const auto blocks = [&](std::string_view key, std::string_view name) {
    const auto names = r->Texts(key, {std::string(name)});
    const bool all_known =
        names.size() == vae->channels.size() &&
        std::all_of(names.begin(), names.end(),
                    [&](const std::string& block) { return block == name; });
    if (!all_known) r->Fail(key, "names a block that is not supported");
  };
  vae->channels = r->Ints("block_out_channels", {64});
  blocks("down_block_types", "DownEncoderBlock2D");
  blocks("up_block_types", "UpDecoderBlock2D");
  r->Choice("act_fn", "silu", {"silu", "swish"});
  vae->layers = r->Int("layers_per_block", 1);
  vae->groups = r->Int("norm_num_groups", 32);
  vae->sample_size = r->Int("sample_size", 32);
  vae->latents_mean = r->Doubles("latents_mean", {});
  vae->latents_std = r->Doubles("latents_std", {});
  vae->middle_attends = r->Bool("mid_block_add_attention", true);
  vae->has_quant = r->Bool("use_quant_conv", true);
  vae->has_post_quant = r->Bool("use_post_quant_conv", true);
  const auto channels = static_cast<size_t>(vae->latent_channels);
  if (vae->latents_mean.size() != vae->latents_std.size() ||
      (!vae->latents_mean.empty() && vae->latents_mean.size() != channels)) {
    r->Fail("latents_mean", "does not fit latents_std and latent_channels");
  }
  for (const int64_t width : vae->channels) {
    if (vae->groups <= 0 || width <= 0 || width % vae->groups != 0) {
      r->Fail("norm_num_groups", "does not divide block_out_channels");
    }
  }
}

void ReadTiny(Config::Reader* r, VaeConfig* vae) {
  vae->is_tiny = true;
  vae->encoder_channels =
      r->Ints("encoder_block_out_channels", {64, 64, 64, 64});
  vae->decoder_channels =
      r->Ints("decoder_block_out_channels", {64, 64, 64, 64});
  vae->encoder_blocks = r->Ints("num_encoder_blocks", {1, 3, 3, 3});
  vae->decoder_blocks = r->Ints("num_decoder_blocks", {3, 3, 3, 1});
  vae->upsampling = r->Int("upsampling_scaling_factor", 2);
  vae->latent_magnitude = r->Double("latent_magnitude", 3);
  vae->latent_shift = r->Double("latent_shift", 0.5);
  vae->channels = vae->decoder_channels;
  // The tiles that diffusers uses: 512 pixels for every model.
  vae->sample_size = 512;
  r->Choice("act_fn", "relu", {"relu"});
  r->Choice("upsample_fn", "nearest", {"nearest"});
  if (vae->encoder_channels.size() != vae->encoder_blocks.size() ||
      vae->decoder_channels.size() != vae->decoder_blocks.size() ||
      vae->encoder_channels.size() != vae->decoder_channels.size()) {
    r->Fail("num_encoder_blocks", "does not fit the lists of channels");
  }
}

}  // namespace

int64_t VaeConfig::scale() const { return int64_t{1} << (channels.size() - 1); }

absl::StatusOr<VaeConfig> ReadVaeConfig(const Config& config) {
  Config::Reader r(config);
  VaeConfig vae;
  vae.in_channels = r.Int("in_channels", 3);
  vae.out_channels = r.Int("out_channels", 3);
  vae.latent_channels = r.Int("latent_channels", 4);
  const bool is_tiny =
      r.Choice("_class_name", "AutoencoderKL",
               {"AutoencoderKL", "AutoencoderTiny"}) == "AutoencoderTiny";
  vae.scaling_factor = r.Double("scaling_factor", is_tiny ? 1.0 : 0.18215);
  vae.shift_factor = r.Double("shift_factor", 0);
  vae.force_upcast = r.Bool("force_upcast", !is_tiny);
  if (is_tiny) {
    ReadTiny(&r, &vae);
  } else {
    ReadKl(&r, &vae);
  }
  if (vae.channels.empty() || vae.channels.size() > 16) {
    r.Fail("block_out_channels", "has an impossible number of levels");
  }
  SHEAF_RETURN_IF_ERROR(r.status());
  return vae;
}

}  // namespace sheaf::engine
