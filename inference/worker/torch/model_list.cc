#include "inference/worker/torch/model_list.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/near_word.h"
#include "base/sha256.h"
#include "base/status.h"
#include "inference/engine/runtime/model_files.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/weights/config.h"
#include "inference/engine/weights/folder.h"
#include "toml++/toml.h"

namespace sheaf::worker {
namespace {

namespace fs = std::filesystem;

constexpr char kIndexFile[] = "model_index.json";
constexpr char kOwnFile[] = "sheaf.toml";
constexpr std::string_view kControlPrefix = "controlnet_";
constexpr std::string_view kVaePrefix = "vae_";

bool IsModel(const fs::path& folder) {
  return fs::is_regular_file(folder / kIndexFile);
}

// A TOML table, read key by key; the first fault stays in status().
class TableReader {
 public:
  TableReader(const toml::table& table, std::string source)
      : table_(table), source_(std::move(source)) {}

  template <typename T>
  void Read(std::string_view key, T* value) {
    known_.insert(std::string(key));
    const toml::node* const node = table_.get(key);
    if (node == nullptr) return;
    // A whole number is a number, too.
    const auto found = node->value<T>();
    if (!found) {
      Fail(key, "has a value of the wrong type");
      return;
    }
    *value = *found;
  }

  // A table of texts.
  std::map<std::string, std::string> Texts(std::string_view key) {
    known_.insert(std::string(key));
    std::map<std::string, std::string> texts;
    const toml::node* const node = table_.get(key);
    if (node == nullptr) return texts;
    if (!node->is_table()) {
      Fail(key, "must be a table");
      return texts;
    }
    for (const auto& [name, value] : *node->as_table()) {
      const auto text = value.value<std::string>();
      if (!text) Fail(key, "must hold texts only");
      texts[std::string(name.str())] = text.value_or("");
    }
    return texts;
  }

  void Fail(std::string_view key, std::string_view what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(source_, ": '", ToAbsl(key), "' ", ToAbsl(what)));
  }

  // Call it after all keys were read: any other key is a mistake.
  absl::Status Finish() {
    const std::vector<std::string> names(known_.begin(), known_.end());
    for (const auto& [key, value] : table_) {
      const std::string name(key.str());
      if (known_.count(name) > 0 || !status_.ok()) continue;
      status_ = absl::InvalidArgumentError(
          absl::StrCat(source_, ": '", name, "' is an unknown key here",
                       DidYouMean(name, names)));
    }
    return status_;
  }

 private:
  const toml::table& table_;
  const std::string source_;
  std::set<std::string> known_;
  absl::Status status_;
};

absl::StatusOr<toml::table> ParseFile(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat(path.string(), ": cannot be read"));
  }
  try {
    return toml::parse(text.str(), path.string());
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ":", error.source().begin.line, ": ",
                     ToAbsl(error.description())));
  }
}

// Adds the folders inside the model's own whose names say what they are.
void AddNeighbours(OfferedModel* model) {
  for (const auto& entry : fs::directory_iterator(model->place.folder)) {
    if (!fs::is_regular_file(entry.path() / "config.json")) continue;
    const std::string name = entry.path().filename().string();
    const auto add = [&](std::string_view prefix, auto* folders) {
      if (name.rfind(prefix, 0) != 0) return;
      folders->emplace(name.substr(prefix.size()), entry.path().string());
    };
    add(kControlPrefix, &model->controls);
    add(kVaePrefix, &model->vaes);
  }
}

void CheckNumbers(const OfferedModel& model, TableReader* reader) {
  if (model.steps < 1 || model.steps > 1000) {
    reader->Fail("steps", "must be 1 to 1000");
  }
  if (!(model.guidance >= 0 && model.guidance <= 100)) {
    reader->Fail("guidance", "must be 0 to 100");
  }
  if (model.pixels_max < 0) {
    reader->Fail("pixels_max", "must be 0 or more");
  }
  for (const int side : {model.width, model.height}) {
    if (side < 0 || side > 16384) {
      reader->Fail("width", "and 'height' must be 0 to 16384");
    }
  }
}

// The VAEs that a table chooses by default must be there.
void CheckVaes(const OfferedModel& model, TableReader* reader) {
  const std::pair<const char*, const std::string*> keys[] = {
      {"vae", &model.vae},
      {"vae_fp16", &model.vae_fp16},
      {"vae_large", &model.vae_large}};
  for (const auto& [key, name] : keys) {
    if (!name->empty() && model.vaes.count(*name) == 0) {
      reader->Fail(key, "names no VAE of this model");
    }
  }
  if (model.vae_large.empty() != (model.vae_large_pixels <= 0)) {
    reader->Fail("vae_large", "and 'vae_large_pixels' go together");
  }
}

// Reads what a table says of a model that lies in `model->place.folder`.
absl::Status ReadTable(const toml::table& table, const fs::path& base,
                       const std::string& source, OfferedModel* model) {
  TableReader reader(table, source);
  std::string folder;
  reader.Read("alias", &model->alias);
  reader.Read("folder", &folder);  // The caller has read it.
  reader.Read("variant", &model->place.variant);
  reader.Read("allow_pickle", &model->place.allow_pickle);
  reader.Read("sha256", &model->sha256);
  reader.Read("steps", &model->steps);
  reader.Read("guidance", &model->guidance);
  reader.Read("sampler", &model->sampler);
  reader.Read("width", &model->width);
  reader.Read("height", &model->height);
  reader.Read("pixels_max", &model->pixels_max);
  reader.Read("default", &model->is_default);
  reader.Read("vae", &model->vae);
  reader.Read("vae_fp16", &model->vae_fp16);
  reader.Read("vae_large", &model->vae_large);
  reader.Read("vae_large_pixels", &model->vae_large_pixels);
  const std::pair<const char*, std::map<std::string, std::string>*> maps[] = {
      {"controls", &model->controls}, {"vaes", &model->vaes}};
  for (const auto& [key, folders] : maps) {
    for (const auto& [name, path] : reader.Texts(key)) {
      const fs::path place = base / path;
      if (!fs::is_regular_file(place / "config.json")) {
        return absl::NotFoundError(absl::StrCat(source, ": ", key, ".", name,
                                                ": no config.json in ",
                                                place.string()));
      }
      (*folders)[name] = place.string();
    }
  }
  CheckNumbers(*model, &reader);
  CheckVaes(*model, &reader);
  return reader.Finish();
}

absl::StatusOr<OfferedModel> ReadFolder(const fs::path& folder) {
  OfferedModel model;
  const fs::path whole = fs::absolute(folder).lexically_normal();
  model.place.folder = whole.string();
  model.alias =
      (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  AddNeighbours(&model);
  const auto scheduler = engine::Config::Read(
      (whole / "scheduler" / "scheduler_config.json").string());
  if (scheduler.ok()) model.own_sampler = engine::OwnSchedulerName(*scheduler);
  const fs::path own = folder / kOwnFile;
  if (fs::is_regular_file(own)) {
    SHEAF_ASSIGN_OR_RETURN(const toml::table table, ParseFile(own));
    SHEAF_RETURN_IF_ERROR(ReadTable(table, folder, own.string(), &model));
  }
  return model;
}

absl::Status ReadTables(const fs::path& path,
                        std::vector<OfferedModel>* models) {
  SHEAF_ASSIGN_OR_RETURN(const toml::table file, ParseFile(path));
  const toml::table* const tables = file["models"].as_table();
  if (tables == nullptr || file.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": must hold [models.ALIAS] tables only"));
  }
  for (const auto& [alias, node] : *tables) {
    const std::string source =
        absl::StrCat(path.string(), ": models.", std::string(alias.str()));
    const toml::table* const table = node.as_table();
    const auto folder = table == nullptr
                            ? std::nullopt
                            : (*table)["folder"].value<std::string>();
    if (!folder) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": 'folder' is missing"));
    }
    const fs::path base = path.parent_path();
    if (!IsModel(base / *folder)) {
      return absl::NotFoundError(absl::StrCat(
          source, ": no ", kIndexFile, " in ", (base / *folder).string()));
    }
    SHEAF_ASSIGN_OR_RETURN(OfferedModel model, ReadFolder(base / *folder));
    model.alias = std::string(alias.str());
    SHEAF_RETURN_IF_ERROR(ReadTable(*table, base, source, &model));
    models->push_back(std::move(model));
  }
  return absl::OkStatus();
}

absl::Status ReadPath(const fs::path& path, std::vector<OfferedModel>* models) {
  if (path.extension() == ".toml") return ReadTables(path, models);
  std::vector<fs::path> folders;
  if (IsModel(path)) {
    folders.push_back(path);
  } else if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path)) {
      if (IsModel(entry.path())) folders.push_back(entry.path());
    }
  }
  if (folders.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path.string(), ": no model here: neither it nor a folder ",
                     "in it has a ", kIndexFile));
  }
  for (const fs::path& folder : folders) {
    SHEAF_ASSIGN_OR_RETURN(OfferedModel model, ReadFolder(folder));
    models->push_back(std::move(model));
  }
  return absl::OkStatus();
}

bool IsAlias(const std::string& name) {
  return !name.empty() && name.size() <= 256 && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
         });
}

absl::Status CheckPin(const OfferedModel& model) {
  if (model.sha256.empty()) return absl::OkStatus();
  SHEAF_ASSIGN_OR_RETURN(const engine::WeightFiles files,
                         engine::FindDenoiserWeights(model.place));
  Sha256 hash;
  std::vector<char> block(size_t{1} << 20);
  for (const std::string& path : files.paths) {
    std::ifstream file(path, std::ios::binary);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())),
           file.gcount() > 0) {
      hash.Update({block.data(), static_cast<size_t>(file.gcount())});
    }
  }
  const std::string found = hash.FinishHex();
  if (found == model.sha256) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("model ", model.alias, ": the weights of its denoiser have ",
                   "the SHA-256 ", found, ", not ", model.sha256));
}

}  // namespace

absl::StatusOr<ModelList> ModelList::Read(
    const std::vector<std::string>& paths) {
  ModelList list;
  for (const std::string& path : paths) {
    try {
      SHEAF_RETURN_IF_ERROR(ReadPath(path, &list.models_));
    } catch (const fs::filesystem_error& error) {  // A folder we may not enter.
      return absl::NotFoundError(error.what());
    }
  }
  std::stable_sort(list.models_.begin(), list.models_.end(),
                   [](const OfferedModel& a, const OfferedModel& b) {
                     return a.alias < b.alias;
                   });
  const OfferedModel* before = nullptr;
  for (const OfferedModel& model : list.models_) {
    if (!IsAlias(model.alias)) {
      return absl::InvalidArgumentError(
          absl::StrCat(model.place.folder, ": '", model.alias,
                       "' is not an alias, which has letters, digits, '_', '.' "
                       "and '-' only; its table ",
                       "may name another"));
    }
    if (before != nullptr && before->alias == model.alias) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", model.alias, "' is the alias of ", before->place.folder, " and ",
          model.place.folder, "; a table may name another"));
    }
    SHEAF_RETURN_IF_ERROR(CheckPin(model));
    before = &model;
  }
  return list;
}

absl::Status ModelList::Keep(const std::vector<std::string>& aliases) {
  std::vector<OfferedModel> kept;
  std::vector<std::string> names;
  for (const OfferedModel& model : models_) names.push_back(model.alias);
  for (const std::string& alias : aliases) {
    const OfferedModel* const found = alias.empty() ? nullptr : Find(alias);
    if (found == nullptr) {
      return absl::NotFoundError(absl::StrCat("no model '", alias, "' here",
                                              DidYouMean(alias, names)));
    }
    kept.push_back(*found);
  }
  models_ = std::move(kept);
  return absl::OkStatus();
}

void ModelList::ExpectHalf() {
  for (OfferedModel& model : models_) {
    if (!model.vae_fp16.empty()) model.vae = model.vae_fp16;
  }
}

const OfferedModel* ModelList::Find(const std::string& alias) const {
  if (models_.empty()) return nullptr;
  const auto found = std::find_if(
      models_.begin(), models_.end(), [&](const OfferedModel& model) {
        return alias.empty() ? model.is_default : model.alias == alias;
      });
  if (found != models_.end()) return &*found;
  return alias.empty() ? &models_.front() : nullptr;
}

std::string ControlFolder(const OfferedModel& model, const std::string& type) {
  static const std::vector<std::set<std::string>>* const kSame =
      new std::vector<std::set<std::string>>({{"edge", "canny"},
                                              {"seg", "segmentation"},
                                              {"vis", "tile", "blur"},
                                              {"pose", "openpose"}});
  const auto find = [&](const std::string& name) {
    const auto found = model.controls.find(name);
    return found == model.controls.end() ? std::string() : found->second;
  };
  std::string folder = find(type);
  for (const auto& names : *kSame) {
    if (!folder.empty() || names.count(type) == 0) continue;
    for (const std::string& name : names) {
      if (folder.empty()) folder = find(name);
    }
  }
  return folder;
}

}  // namespace sheaf::worker
