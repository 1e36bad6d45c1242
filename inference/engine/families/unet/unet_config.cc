#include "inference/engine/families/unet/unet_config.h"

#include <string>
#include <string_view>

#include "base/status.h"

namespace sheaf::engine {
namespace {

// Values that change what a model computes, in ways that this engine does not
// follow.
void RefuseUnknown(const Config& config, Config::Reader* r) {
  for (const std::string_view key :
       {"num_attention_heads", "encoder_hid_dim", "encoder_hid_dim_type",
        "class_embed_type", "num_class_embeds", "time_embedding_act_fn",
        "cross_attention_norm"}) {
    if (config.Has(key)) r->Fail(key, "is not supported");
  }
  for (const std::string_view key :
       {"dual_cross_attention", "class_embeddings_concat",
        "resnet_skip_time_act"}) {
    if (r->Bool(key, false)) r->Fail(key, "is not supported");
  }
  if (r->Double("resnet_out_scale_factor", 1) != 1) {
    r->Fail("resnet_out_scale_factor", "is not supported");
  }
  for (const std::string_view key : {"conv_in_kernel", "conv_out_kernel"}) {
    if (r->Int(key, 3) != 3) r->Fail(key, "is not supported");
  }
  r->Choice("attention_type", "default", {"default"});
  r->Choice("resnet_time_scale_shift", "default", {"default"});
  r->Choice("time_embedding_type", "positional", {"positional"});
  r->Choice("act_fn", "silu", {"silu", "swish"});
}

// Whether each of these blocks attends, outermost level first.
std::vector<bool> ReadBlocks(std::string_view key, std::string_view plain,
                             std::string_view attending, size_t levels,
                             std::vector<std::string> otherwise,
                             Config::Reader* r) {
  const std::vector<std::string> names = r->Texts(key, std::move(otherwise));
  if (names.size() != levels) r->Fail(key, "has the wrong number of blocks");
  std::vector<bool> attends(levels, false);
  for (size_t i = 0; i < names.size() && i < levels; ++i) {
    attends[i] = names[i] == attending;
    if (!attends[i] && names[i] != plain) {
      r->Fail(key, "names a block that is not supported: " + names[i]);
    }
  }
  return attends;
}

void ReadLevels(Config::Reader* r, UNetConfig* unet) {
  const std::vector<int64_t> channels =
      r->Ints("block_out_channels", {320, 640, 1280, 1280});
  const size_t count = channels.size();
  const auto layers = r->IntForEach("layers_per_block", count, 2);
  const auto heads = r->IntForEach("attention_head_dim", count, 8);
  const auto transformers =
      r->IntForEach("transformer_layers_per_block", count, 1);
  const auto contexts = r->IntForEach("cross_attention_dim", count, 1280);
  const auto only_cross = r->BoolForEach("only_cross_attention", count, false);
  const std::vector<bool> down = ReadBlocks(
      "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D", count,
      {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
       "DownBlock2D"},
      r);
  if (!r->status().ok()) return;
  if (count == 0) {
    r->Fail("block_out_channels", "is empty");
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    UNetLevel level;
    level.channels = channels[i];
    level.layers = layers[i];
    level.attends_down = down[i];
    level.heads = heads[i];
    level.transformer_layers = transformers[i];
    level.transformer_layers_up = transformers[i];
    level.context_width = contexts[i];
    level.only_cross_attention = only_cross[i];
    if (level.channels <= 0 || level.layers <= 0 || level.heads <= 0 ||
        level.transformer_layers <= 0 || level.channels % level.heads != 0) {
      r->Fail("block_out_channels",
              "does not fit layers_per_block and attention_head_dim");
    }
    unet->levels.push_back(level);
  }
}

void ReadCommon(Config::Reader* r, UNetConfig* unet) {
  ReadLevels(r, unet);
  if (!r->status().ok()) return;
  unet->in_channels = r->Int("in_channels", 4);
  const std::string middle =
      r->Choice("mid_block_type", "UNetMidBlock2DCrossAttn",
                {"UNetMidBlock2DCrossAttn", "UNetMidBlock2D"});
  unet->middle = middle == "UNetMidBlock2D" ? UNetConfig::Middle::kPlain
                                            : UNetConfig::Middle::kAttending;
  unet->middle_scale = r->Double("mid_block_scale_factor", 1);
  unet->cosine_first = r->Bool("flip_sin_to_cos", true);
  unet->frequency_shift = r->Double("freq_shift", 0);
  unet->time_width = unet->first_channels() * 4;
  unet->downsample_padding = r->Int("downsample_padding", 1);
  unet->groups = r->Int("norm_num_groups", 32);
  unet->epsilon = r->Double("norm_eps", 1e-5);
  if (r->OptionalText("addition_embed_type")) {
    r->Choice("addition_embed_type", "text_time", {"text_time"});
    unet->size_wave_width = r->Int("addition_time_embed_dim", 0);
    unet->sizes_width = r->Int("projection_class_embeddings_input_dim", 0);
    if (unet->size_wave_width <= 0 || unet->sizes_width <= 0) {
      r->Fail("addition_embed_type", "needs the widths of its embedding");
    }
  }
  for (const UNetLevel& level : unet->levels) {
    if (unet->groups <= 0 || level.channels % unet->groups != 0) {
      r->Fail("norm_num_groups", "does not divide block_out_channels");
    }
  }
}

}  // namespace

absl::StatusOr<UNetConfig> ReadUNetConfig(const Config& config) {
  Config::Reader r(config);
  UNetConfig unet;
  RefuseUnknown(config, &r);
  ReadCommon(&r, &unet);
  SHEAF_RETURN_IF_ERROR(r.status());
  const size_t count = unet.levels.size();
  const std::vector<bool> up =
      ReadBlocks("up_block_types", "UpBlock2D", "CrossAttnUpBlock2D", count,
                 {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                  "CrossAttnUpBlock2D"},
                 &r);
  const bool reversed = config.Has("reverse_transformer_layers_per_block");
  const auto transformers_up =
      r.IntForEach("reverse_transformer_layers_per_block", count, 1);
  for (size_t i = 0; i < count && r.status().ok(); ++i) {
    unet.levels[i].attends_up = up[count - 1 - i];
    if (reversed) {
      unet.levels[i].transformer_layers_up = transformers_up[count - 1 - i];
    }
  }
  // A null here means no middle, unlike a key that is not there.
  const Json* middle = config.json().Find("mid_block_type");
  if (middle != nullptr && middle->is_null()) {
    unet.middle = UNetConfig::Middle::kNone;
  }
  unet.out_channels = r.Int("out_channels", 4);
  const std::vector<int64_t> sides = r.Ints("sample_size", {64});
  if (!sides.empty()) unet.sample_size = sides[0];
  unet.centers_input = r.Bool("center_input_sample", false);
  unet.time_width = r.Int("time_embedding_dim", unet.time_width);
  unet.guidance_width = r.Int("time_cond_proj_dim", 0);
  unet.activates_time_twice = config.Has("timestep_post_act");
  r.Choice("timestep_post_act", "silu", {"silu", "swish"});
  SHEAF_RETURN_IF_ERROR(r.status());
  return unet;
}

absl::StatusOr<UNetConfig> ReadControlNetConfig(const Config& config) {
  Config::Reader r(config);
  UNetConfig net;
  RefuseUnknown(config, &r);
  ReadCommon(&r, &net);
  net.hint_channels = r.Int("conditioning_channels", 3);
  net.hint_widths =
      r.Ints("conditioning_embedding_out_channels", {16, 32, 96, 256});
  net.hint_is_bgr = r.Choice("controlnet_conditioning_channel_order", "rgb",
                             {"rgb", "bgr"}) == "bgr";
  net.pools_residuals = r.Bool("global_pool_conditions", false);
  if (net.hint_widths.empty()) {
    r.Fail("conditioning_embedding_out_channels", "is empty");
  }
  SHEAF_RETURN_IF_ERROR(r.status());
  return net;
}

}  // namespace sheaf::engine
