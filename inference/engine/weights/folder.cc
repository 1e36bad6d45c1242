#include "inference/engine/weights/folder.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/weights/pickle.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

constexpr size_t kShardsMax = 10'000;

// The names under which diffusers and transformers save weights, before any
// variant: stem, ending, and whether an index of shards.
struct FileName {
  std::string_view stem;
  std::string_view ending;
  bool is_index;
  bool is_pickle;
};
constexpr FileName kFileNames[] = {
    {"diffusion_pytorch_model", "safetensors", false, false},
    {"model", "safetensors", false, false},
    {"diffusion_pytorch_model.safetensors.index", "json", true, false},
    {"model.safetensors.index", "json", true, false},
    {"diffusion_pytorch_model", "bin", false, true},
    {"pytorch_model", "bin", false, true},
    {"diffusion_pytorch_model.bin.index", "json", true, true},
    {"pytorch_model.bin.index", "json", true, true},
};

std::string WithVariant(const FileName& name, std::string_view variant) {
  return absl::StrCat(ToAbsl(name.stem), variant.empty() ? "" : ".",
                      ToAbsl(variant), ".", ToAbsl(name.ending));
}

// The variant of a file of that name: "" for the plain one, none for another
// file. Shards ("x.fp16-00001-of-00002...") are not looked for by name.
std::optional<std::string> VariantOf(std::string_view file,
                                     const FileName& name) {
  if (file == WithVariant(name, "")) return "";
  const std::string prefix = absl::StrCat(ToAbsl(name.stem), ".");
  const std::string suffix = absl::StrCat(".", ToAbsl(name.ending));
  if (!file.starts_with(prefix) || !file.ends_with(suffix) ||
      file.size() <= prefix.size() + suffix.size()) {
    return std::nullopt;
  }
  const std::string_view variant =
      file.substr(prefix.size(), file.size() - prefix.size() - suffix.size());
  const bool is_word = std::all_of(variant.begin(), variant.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (!is_word) return std::nullopt;
  return std::string(variant);
}

absl::StatusOr<std::set<std::string>> FilesIn(const std::string& folder) {
  std::error_code error;
  std::set<std::string> names;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    names.insert(entry->path().filename().string());
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  }
  return names;
}

// The variants to try, best first.
std::vector<std::string> VariantsToTry(const std::set<std::string>& files,
                                       const std::string& wanted) {
  std::set<std::string> found;
  for (const std::string& file : files) {
    for (const FileName& name : kFileNames) {
      if (const auto variant = VariantOf(file, name)) found.insert(*variant);
    }
  }
  std::vector<std::string> variants = {wanted};
  if (!wanted.empty()) variants.push_back("");
  found.erase("");
  found.erase(wanted);
  if (found.size() == 1) variants.push_back(*found.begin());
  return variants;
}

absl::Status BadIndex(const std::string& path, std::string_view key,
                      std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", ToAbsl(key), ": ", ToAbsl(what)));
}

// {"metadata": {...}, "weight_map": {"key": "file name", ...}}
absl::Status ReadShardIndex(const std::string& folder, const std::string& path,
                            WeightFiles* files) {
  SHEAF_ASSIGN_OR_RETURN(const Config index, Config::Read(path));
  const Json* map = index.Find("weight_map");
  if (map == nullptr || map->object() == nullptr) {
    return BadIndex(path, "weight_map", "is not an object");
  }
  std::map<std::string, size_t> places;
  for (const auto& [key, value] : *map->object()) {
    const std::string* file = value.text();
    // A plain name in this folder: an index comes from a stranger.
    if (file == nullptr || file->empty() ||
        file->find_first_of(std::string_view("/\\\0", 3)) !=
            std::string::npos ||
        *file == "." || *file == "..") {
      return BadIndex(path, key, "is not in a file of this folder");
    }
    const auto [place, is_new] = places.emplace(*file, places.size());
    if (is_new) files->paths.push_back(folder + "/" + *file);
    if (places.size() > kShardsMax) {
      return BadIndex(path, "weight_map", "names too many files");
    }
    files->shard_of[key] = place->second;
  }
  if (places.empty()) return BadIndex(path, "weight_map", "is empty");
  return absl::OkStatus();
}

// Moves one shard's tensors into `all`, each only if the index places it there.
absl::Status AddShard(const WeightFiles& files, size_t shard, TensorMap tensors,
                      TensorMap* all) {
  for (auto& [key, tensor] : tensors) {
    const auto place = files.shard_of.find(key);
    if (place == files.shard_of.end() || place->second != shard) {
      return absl::InvalidArgumentError(
          absl::StrCat(files.paths[shard], ": ", key,
                       " is not in this file after the index of shards"));
    }
    all->emplace(key, std::move(tensor));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelIndex> ReadModelIndex(const std::string& folder) {
  ModelIndex index;
  SHEAF_ASSIGN_OR_RETURN(index.config,
                         Config::Read(folder + "/model_index.json"));
  Config::Reader reader(index.config);
  index.class_name = reader.Text("_class_name", "");
  SHEAF_RETURN_IF_ERROR(reader.status());
  for (const auto& [name, value] : *index.config.json().object()) {
    const Json::Array* pair = value.array();
    if (pair == nullptr || pair->size() != 2) continue;
    const std::string* library = (*pair)[0].text();
    const std::string* class_name = (*pair)[1].text();
    if (library == nullptr || class_name == nullptr) continue;
    index.components[name] = {*library, *class_name};
  }
  return index;
}

absl::StatusOr<WeightFiles> FindWeights(const std::string& folder,
                                        const LoadOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const std::set<std::string> present, FilesIn(folder));
  bool only_pickles = false;
  for (const std::string& variant : VariantsToTry(present, options.variant)) {
    for (const FileName& name : kFileNames) {
      const std::string file = WithVariant(name, variant);
      if (present.count(file) == 0) continue;
      if (name.is_pickle && !options.allow_pickle) {
        only_pickles = true;
        continue;
      }
      WeightFiles files;
      files.variant = variant;
      files.is_pickle = name.is_pickle;
      const std::string path = folder + "/" + file;
      if (name.is_index) {
        SHEAF_RETURN_IF_ERROR(ReadShardIndex(folder, path, &files));
      } else {
        files.paths.push_back(path);
      }
      return files;
    }
  }
  return absl::NotFoundError(absl::StrCat(
      folder, ": no weights (diffusion_pytorch_model or model",
      options.variant.empty() ? "" : ".", options.variant, ".safetensors)",
      only_pickles ? "; there are .bin files, which are not allowed" : ""));
}

absl::StatusOr<TensorMap> LoadWeightFile(const std::string& path,
                                         const LoadOptions& options) {
  if (path.ends_with(".safetensors")) {
    SHEAF_ASSIGN_OR_RETURN(SafetensorsFile file,
                           ReadSafetensors(path, options.mode));
    return std::move(file.tensors);
  }
  for (const std::string_view ending : {".bin", ".pt", ".pth", ".ckpt"}) {
    if (!path.ends_with(ending)) continue;
    if (options.allow_pickle) return ReadPickle(path, options.mode);
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": pickled weights are not allowed"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": neither .safetensors nor .bin, .pt, .pth, .ckpt"));
}

absl::StatusOr<TensorMap> LoadWeights(const std::string& folder,
                                      const LoadOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const WeightFiles files, FindWeights(folder, options));
  if (files.shard_of.empty()) return LoadWeightFile(files.paths[0], options);
  TensorMap all;
  for (size_t shard = 0; shard < files.paths.size(); ++shard) {
    SHEAF_ASSIGN_OR_RETURN(TensorMap tensors,
                           LoadWeightFile(files.paths[shard], options));
    SHEAF_RETURN_IF_ERROR(AddShard(files, shard, std::move(tensors), &all));
  }
  for (const auto& [key, shard] : files.shard_of) {
    if (all.count(key) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(files.paths[shard], ": ", key, " is missing"));
    }
  }
  return all;
}

}  // namespace sheaf::engine
