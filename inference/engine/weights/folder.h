// A model's folder in the diffusers layout: model_index.json, one folder per
// component with its config.json and weights, whole or in shards, in variants
// ("fp16").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/weights/config.h"
#include "inference/engine/weights/mapped_file.h"
#include "inference/engine/weights/tensor.h"

namespace sheaf::engine {

// model_index.json.
struct ModelIndex {
  std::string class_name;  // "StableDiffusionPipeline"...
  struct Component {
    std::string library;
    std::string class_name;
  };
  // The components that the model has; [null, null] in the file means none.
  std::map<std::string, Component> components;
  // The rest: force_zeros_for_empty_prompt, requires_aesthetics_score...
  Config config;
};

// The errors of Config::Read, or INVALID_ARGUMENT with the path.
absl::StatusOr<ModelIndex> ReadModelIndex(const std::string& folder);

struct LoadOptions {
  // "fp16" asks for that variant first. Empty: the plain file first. Where the
  // wanted file is missing, the plain one is taken, then the only variant there
  // is.
  std::string variant;
  // Whether .bin files are read, when there is no safetensors file.
  bool allow_pickle = false;
  MappedFile::Mode mode = MappedFile::Mode::kMap;
};

// The files that hold one component's weights.
struct WeightFiles {
  std::vector<std::string> paths;
  std::string variant;  // The variant found; empty: plain.
  bool is_pickle = false;
  // For shards: which file (its place in `paths`) holds each key.
  std::map<std::string, size_t> shard_of;
};

// Finds them in a component's folder. NOT_FOUND names the folder and the files
// that were looked for, and says so if only pickles are there; INVALID_ARGUMENT
// for a broken index, or one that names files elsewhere.
absl::StatusOr<WeightFiles> FindWeights(const std::string& folder,
                                        const LoadOptions& options);

// All tensors of a component's folder. The errors of FindWeights and of the
// readers; INVALID_ARGUMENT names a key that is not in its shard, or is in two.
absl::StatusOr<TensorMap> LoadWeights(const std::string& folder,
                                      const LoadOptions& options);

// One file, by its extension: .safetensors, or .bin, .pt, .pth, .ckpt where
// `options` allow them (PERMISSION_DENIED elsewhere).
absl::StatusOr<TensorMap> LoadWeightFile(const std::string& path,
                                         const LoadOptions& options);

}  // namespace sheaf::engine
