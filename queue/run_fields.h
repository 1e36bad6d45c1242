// The fields of a run's request, as one table.
//
// Merging, the stored form, batch keys, the flags of `sheaf job submit` and
// docs/fields.md iterate it. To add a field, write its line in
// sheaf.v1.RunRequest (the rules beside it say which values are good), its
// member in RunParams, its row here, and its name in
// server/wire/convert_run.cc; the compiler or a test names whichever of these
// is missing.
//
// Constant data; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "queue/params.h"

namespace sheaf {

// The meaning of a field to a batch.
enum class InBatch {
  kHard,     // equal in every batch
  kSetting,  // may differ, but not in strict batches
  kRow,      // may differ
};

enum class FieldTrait {
  kNone,
  kArtifact,  // `artifacts/{sha256}` on the wire, its digest in RunParams
  kWasExtra,  // a key of `extra` once, and still read from there until 0.3
};

template <class T>
struct RunField {
  std::string_view name;  // in sheaf.v1.RunRequest, and as stored
  T RunParams::*member;
  InBatch in_batch;
  std::string_view flag;   // of `sheaf job submit`
  std::string_view value;  // of the flag, as help shows it
  std::string_view help;
  FieldTrait trait = FieldTrait::kNone;
};
template <class T>
RunField(std::string_view, T RunParams::*, InBatch, std::string_view,
         std::string_view, std::string_view) -> RunField<T>;
template <class T>
RunField(std::string_view, T RunParams::*, InBatch, std::string_view,
         std::string_view, std::string_view, FieldTrait) -> RunField<T>;

// In the order of the stored form, which request ids are held against: new rows
// go before `controls`.
inline constexpr std::tuple kRunFields{
    RunField{"prompt", &RunParams::prompt, InBatch::kRow, "--prompt", "TEXT",
             "What the picture should show; repeat it for more runs"},
    RunField{"negative_prompt", &RunParams::negative_prompt, InBatch::kRow,
             "--negative", "TEXT", "What the picture should not show"},
    RunField{"seed", &RunParams::seed, InBatch::kRow, "--seed", "NUMBER",
             "Seed; by default the server draws one"},
    RunField{"steps", &RunParams::steps, InBatch::kSetting, "--steps", "NUMBER",
             "Denoising steps"},
    RunField{"guidance", &RunParams::guidance, InBatch::kSetting, "--guidance",
             "NUMBER", "How closely the picture follows the prompt"},
    RunField{"sampler", &RunParams::sampler, InBatch::kSetting, "--sampler",
             "NAME", "Sampler, e.g. euler"},
    RunField{"width", &RunParams::width, InBatch::kHard, "--size", "WxH",
             "Size in pixels, e.g. 512x768"},
    RunField{"height", &RunParams::height, InBatch::kHard, "--size", "WxH",
             "Size in pixels, e.g. 512x768"},
    RunField{"model", &RunParams::model, InBatch::kHard, "--model", "NAME",
             "Model, by its alias on the workers"},
    RunField{"vae", &RunParams::vae, InBatch::kHard, "--vae", "NAME",
             "VAE, by its alias on the workers"},
    RunField{"init_image", &RunParams::init_image, InBatch::kRow,
             "--init-image", "FILE",
             "Picture to start from: a file or artifacts/HEX",
             FieldTrait::kArtifact},
    RunField{"mask", &RunParams::mask, InBatch::kRow, "--mask", "FILE",
             "Part to repaint: a file or artifacts/HEX", FieldTrait::kArtifact},
    RunField{"strength", &RunParams::strength, InBatch::kRow, "--strength",
             "NUMBER", "How much the first picture changes"},
    RunField{"clip_skip", &RunParams::clip_skip, InBatch::kRow, "--clip-skip",
             "NUMBER", "Layers of the text encoder left out at its end",
             FieldTrait::kWasExtra},
    RunField{"prompt_chunks", &RunParams::prompt_chunks, InBatch::kRow,
             "--prompt-chunks", "NUMBER",
             "Most chunks of 75 tokens that a long prompt is split into",
             FieldTrait::kWasExtra},
    RunField{"emphasis", &RunParams::emphasis, InBatch::kRow, "--emphasis",
             "on|off", "Whether (word:1.3), [word] and BREAK have a meaning",
             FieldTrait::kWasExtra},
    RunField{"guess_mode", &RunParams::guess_mode, InBatch::kRow,
             "--guess-mode", "on|off",
             "Whether controls act without the prompt", FieldTrait::kWasExtra},
    RunField{"eta", &RunParams::eta, InBatch::kRow, "--eta", "NUMBER",
             "Noise that DDIM and TCD add in each step", FieldTrait::kWasExtra},
    RunField{"guidance_rescale", &RunParams::guidance_rescale, InBatch::kRow,
             "--guidance-rescale", "NUMBER",
             "How far guidance is scaled back to the contrast without it",
             FieldTrait::kWasExtra},
    RunField{"image_guidance", &RunParams::image_guidance, InBatch::kRow,
             "--image-guidance", "NUMBER",
             "How closely an edit follows the first picture",
             FieldTrait::kWasExtra},
    RunField{"random", &RunParams::random, InBatch::kRow, "--random",
             "cpu|philox", "Noise as PyTorch draws it on a CPU or on a GPU",
             FieldTrait::kWasExtra},
    RunField{"prompt_2", &RunParams::prompt_2, InBatch::kRow, "--prompt-2",
             "TEXT", "Prompt for SDXL's second text encoder [the prompt]"},
    RunField{"negative_prompt_2", &RunParams::negative_prompt_2, InBatch::kRow,
             "--negative-2", "TEXT",
             "The same for the negative prompt [the negative prompt]"},
    RunField{"original_width", &RunParams::original_width, InBatch::kRow,
             "--original-size", "WxH",
             "Size before scaling that SDXL is told [the picture's]"},
    RunField{"original_height", &RunParams::original_height, InBatch::kRow,
             "--original-size", "WxH",
             "Size before scaling that SDXL is told [the picture's]"},
    RunField{"crop_left", &RunParams::crop_left, InBatch::kRow, "--crop-left",
             "NUMBER", "Pixels cropped at the left that SDXL is told [0]"},
    RunField{"crop_top", &RunParams::crop_top, InBatch::kRow, "--crop-top",
             "NUMBER", "Pixels cropped at the top that SDXL is told [0]"},
    RunField{"target_width", &RunParams::target_width, InBatch::kRow,
             "--target-size", "WxH",
             "Size to show it in that SDXL is told [the picture's]"},
    RunField{"target_height", &RunParams::target_height, InBatch::kRow,
             "--target-size", "WxH",
             "Size to show it in that SDXL is told [the picture's]"},
    RunField{"refiner", &RunParams::refiner, InBatch::kHard, "--refiner",
             "NAME", "Model that makes the last steps, by its alias"},
    RunField{"refiner_start", &RunParams::refiner_start, InBatch::kSetting,
             "--refiner-start", "NUMBER",
             "Part of the noise gone when the refiner takes over [0.8]"},
    RunField{"images", &RunParams::images, InBatch::kRow, "--image", "FILE",
             "Input picture, for models that take several: a file or "
             "artifacts/HEX; may be repeated",
             FieldTrait::kArtifact},
    RunField{"controls", &RunParams::controls, InBatch::kRow, "--control",
             "TYPE[=DETECTOR][:WEIGHT[:IMAGE[:START:END]]]",
             "Control; IMAGE is a file or artifacts/HEX, or what DETECTOR is "
             "to look at; may be repeated"},
    RunField{"weights", &RunParams::weights, InBatch::kRow, "--weight",
             "TYPE=WEIGHT", "Weight of a control type; may be repeated"},
    RunField{"loras", &RunParams::loras, InBatch::kRow, "--lora",
             "NAME[:WEIGHT]", "LoRA; may be repeated"},
    RunField{"extra", &RunParams::extra, InBatch::kHard, "--extra", "KEY=VALUE",
             "Further value for the engine; may be repeated"},
};

// Calls f(field) for every row, in order.
template <class F>
constexpr void ForEachRunField(F f) {
  std::apply([&](const auto&... field) { (f(field), ...); }, kRunFields);
}

// Whether a field of this type holds one value.
template <class T>
inline constexpr bool kIsSingle = false;
template <class T>
inline constexpr bool kIsSingle<std::optional<T>> = true;

}  // namespace sheaf
