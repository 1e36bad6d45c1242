// The request for one picture, and its stored form. queue/run_fields.h has its
// members as a table.
//
// A job holds shared values, each run its own on top; the effective request is
// Merge(shared, own). The stored form is canonical JSON: equal requests have
// equal text, so the text also serves as digest input, and anyone can read it
// in the database file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf {

struct Control {
  std::string type;
  std::optional<double> weight;  // absent reads as 1
  std::string image;             // digest of an artifact, or empty
  std::optional<double> start;   // absent reads as 0
  std::optional<double> end;     // absent reads as 1
  std::string preprocess;        // detector that makes the picture, or empty
  bool operator==(const Control&) const = default;
};

struct Lora {
  std::string name;
  std::optional<double> weight;  // absent reads as 1
  bool operator==(const Lora&) const = default;
};

// The random numbers that a picture's noise is made of.
enum class RandomMode { kCpu = 1, kPhilox = 2 };
// As stored: "cpu", "philox".
std::string_view NameOf(RandomMode mode);
std::optional<RandomMode> RandomModeNamed(std::string_view name);

struct RunParams {
  std::optional<std::string> prompt;
  std::optional<std::string> negative_prompt;
  std::optional<int64_t> seed;
  std::optional<int64_t> steps;
  std::optional<double> guidance;
  std::optional<std::string> sampler;
  std::optional<int64_t> width;
  std::optional<int64_t> height;
  std::optional<std::string> model;
  std::optional<std::string> vae;
  std::vector<Control> controls;
  std::map<std::string, double> weights;
  std::vector<Lora> loras;
  std::optional<std::string> init_image;  // digest
  std::optional<std::string> mask;        // digest
  std::optional<double> strength;
  std::optional<int64_t> clip_skip;
  std::optional<int64_t> prompt_chunks;
  std::optional<bool> emphasis;
  std::optional<bool> guess_mode;
  std::optional<double> eta;
  std::optional<double> guidance_rescale;
  std::optional<double> image_guidance;
  std::optional<RandomMode> random;
  std::optional<std::string> prompt_2;
  std::optional<std::string> negative_prompt_2;
  std::optional<int64_t> original_width;
  std::optional<int64_t> original_height;
  std::optional<int64_t> crop_left;
  std::optional<int64_t> crop_top;
  std::optional<int64_t> target_width;
  std::optional<int64_t> target_height;
  std::optional<std::string> refiner;
  std::optional<double> refiner_start;
  std::vector<std::string> images;  // digests
  std::map<std::string, std::string> extra;
  bool operator==(const RunParams&) const = default;
};

// `own` on top of `shared`: single values and lists replace, maps merge entry
// by entry.
RunParams Merge(const RunParams& shared, const RunParams& own);

// The values that all requests have in common.
RunParams Common(const std::vector<RunParams>& requests);

// Canonical JSON; "{}" for nothing set. Decode(Encode(p)) == p.
std::string Encode(const RunParams& params);
// DATA_LOSS where the text is not what Encode writes.
absl::StatusOr<RunParams> DecodeParams(std::string_view text);

// Whether runs of one batch must agree in this key of `extra`: only the engine
// knows what its values mean. They may differ in faults of the simulated engine
// ("sim."), which strike single runs by design, and in the former spellings of
// fields in which they may differ.
bool BindsBatch(std::string_view extra_key);
// Whether two requests may be in one batch as far as their `extra` goes.
bool HaveSameExtra(const RunParams& a, const RunParams& b);

// Digests of all artifacts the request needs.
std::vector<std::string> ArtifactsOf(const RunParams& params);

// Control type -> weight as it takes effect: the controls' own weights, with
// the plain map's entries on top.
std::map<std::string, double> EffectiveWeights(const RunParams& params);

// One complete map per request, in order: every control type that any of them
// uses, with an explicit 0 where this one does not. So no run inherits a
// neighbour's control.
std::vector<std::map<std::string, double>> WeightsList(
    const std::vector<RunParams>& requests);

}  // namespace sheaf
