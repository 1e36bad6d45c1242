// Reading a tokenizer's files, in the two layouts there are.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/text/tokenizer.h"
#include "inference/engine/weights/config.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr size_t kMergesBytesMax = size_t{64} << 20;
constexpr std::string_view kEndOfText = "<|endoftext|>";
constexpr std::string_view kStartOfText = "<|startoftext|>";

using Vocabulary = std::vector<std::pair<std::string, int64_t>>;
using Merges = std::vector<std::pair<std::string, std::string>>;

absl::Status Bad(const Config& config, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(config.source(), ": ", ToAbsl(what)));
}

// {"token": id, ...}
absl::StatusOr<Vocabulary> ReadVocabulary(const Config& config,
                                          const Json* json) {
  if (json == nullptr || json->object() == nullptr) {
    return Bad(config, "the vocabulary is not an object");
  }
  Vocabulary vocabulary;
  for (const auto& [token, value] : *json->object()) {
    const std::optional<int64_t> id = value.integer();
    if (!id) return Bad(config, absl::StrCat(token, ": no whole number"));
    vocabulary.emplace_back(token, *id);
  }
  return vocabulary;
}

// "left right"; none for an empty line or another form.
std::optional<std::pair<std::string, std::string>> SplitMerge(
    std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == line.npos || blank == 0 || blank + 1 == line.size() ||
      line.find(' ', blank + 1) != line.npos) {
    return std::nullopt;
  }
  return std::pair(std::string(line.substr(0, blank)),
                   std::string(line.substr(blank + 1)));
}

absl::StatusOr<Merges> ReadMergesFile(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(path, kMergesBytesMax));
  Merges merges;
  size_t line_number = 0;
  for (size_t at = 0; at < text.size(); ++line_number) {
    size_t end = text.find('\n', at);
    if (end == text.npos) end = text.size();
    std::string_view line(text.data() + at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at = end + 1;
    // The first line is a version.
    if (line.empty() || line_number == 0) continue;
    auto merge = SplitMerge(line);
    if (!merge) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", line_number + 1, ": not two symbols and a blank"));
    }
    merges.push_back(*std::move(merge));
  }
  return merges;
}

// A list of "left right", or of ["left", "right"] as newer files have it.
absl::StatusOr<Merges> ReadMerges(const Config& config, const Json* json) {
  if (json == nullptr || json->array() == nullptr) {
    return Bad(config, "the merges are not a list");
  }
  Merges merges;
  for (const Json& element : *json->array()) {
    if (const Json::Array* pair = element.array()) {
      if (pair->size() == 2 && (*pair)[0].text() && (*pair)[1].text()) {
        merges.emplace_back(*(*pair)[0].text(), *(*pair)[1].text());
        continue;
      }
    } else if (const std::string* line = element.text()) {
      if (auto merge = SplitMerge(*line)) {
        merges.push_back(*std::move(merge));
        continue;
      }
    }
    return Bad(config, "a merge is not two symbols");
  }
  return merges;
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

absl::StatusOr<Config> ReadIfThere(const std::string& path) {
  if (!Exists(path)) return Config();
  return Config::Read(path);
}

// A special token in a configuration: a text, or an object with "content".
struct Named {
  std::string text;
  bool normalized = false;
};
std::optional<Named> ReadNamed(const Json* json) {
  if (json == nullptr) return std::nullopt;
  if (const std::string* text = json->text()) return Named{*text, false};
  const Json* content = json->Find("content");
  if (content == nullptr || content->text() == nullptr) return std::nullopt;
  const Json* normalized = json->Find("normalized");
  const bool* flag = normalized == nullptr ? nullptr : normalized->boolean();
  return Named{*content->text(), flag != nullptr && *flag};
}

}  // namespace

// Fills in a tokenizer from its files.
class TokenizerLoader {
 public:
  explicit TokenizerLoader(std::string folder) : folder_(std::move(folder)) {}

  absl::StatusOr<ClipTokenizer> Load() {
    SHEAF_ASSIGN_OR_RETURN(settings_,
                           ReadIfThere(Path("tokenizer_config.json")));
    SHEAF_ASSIGN_OR_RETURN(specials_,
                           ReadIfThere(Path("special_tokens_map.json")));
    SHEAF_RETURN_IF_ERROR(Exists(Path("vocab.json")) ? LoadPair()
                                                     : LoadSingle());
    SHEAF_RETURN_IF_ERROR(ReadSettings());
    SHEAF_RETURN_IF_ERROR(AddNamedSpecials());
    // The longest first: one may begin with another.
    std::stable_sort(result_.specials_.begin(), result_.specials_.end(),
                     [](const auto& a, const auto& b) {
                       return a.text.size() > b.text.size();
                     });
    return std::move(result_);
  }

 private:
  std::string Path(const char* file) const { return folder_ + "/" + file; }

  absl::Status LoadPair() {
    SHEAF_ASSIGN_OR_RETURN(const Config config,
                           Config::Read(Path("vocab.json")));
    SHEAF_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                           ReadVocabulary(config, &config.json()));
    SHEAF_ASSIGN_OR_RETURN(const Merges merges,
                           ReadMergesFile(Path("merges.txt")));
    return MakeBpe(config, std::move(vocabulary), merges);
  }

  absl::Status LoadSingle() {
    SHEAF_ASSIGN_OR_RETURN(const Config config,
                           Config::Read(Path("tokenizer.json")));
    const Json* model = config.Find("model");
    if (model == nullptr) return Bad(config, "there is no model");
    SHEAF_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                           ReadVocabulary(config, model->Find("vocab")));
    SHEAF_ASSIGN_OR_RETURN(const Merges merges,
                           ReadMerges(config, model->Find("merges")));
    const Json* added = config.Find("added_tokens");
    if (added != nullptr && added->array() != nullptr) {
      for (const Json& token : *added->array()) {
        const std::optional<Named> named = ReadNamed(&token);
        const Json* id = token.Find("id");
        if (!named || id == nullptr || !id->integer()) {
          return Bad(config, "an added token without content or id");
        }
        vocabulary.emplace_back(named->text, *id->integer());
        AddSpecial(*named, *id->integer());
      }
    }
    return MakeBpe(config, std::move(vocabulary), merges);
  }

  absl::Status MakeBpe(const Config& config, Vocabulary vocabulary,
                       const Merges& merges) {
    const auto unknown = ReadNamed(Setting("unk_token"))
                             .value_or(Named{std::string(kEndOfText)});
    absl::StatusOr<Bpe> bpe =
        Bpe::Make(std::move(vocabulary), merges, unknown.text);
    if (!bpe.ok()) return Bad(config, ToStd(bpe.status().message()));
    result_.bpe_ = std::make_shared<const Bpe>(*std::move(bpe));
    return absl::OkStatus();
  }

  // tokenizer_config.json is asked first, then special_tokens_map.json.
  const Json* Setting(std::string_view key) const {
    const Json* value = settings_.Find(key);
    return value != nullptr ? value : specials_.Find(key);
  }

  absl::Status ReadSettings() {
    Config::Reader reader(settings_);
    result_.lower_case_ = reader.Bool("do_lower_case", true);
    // The library writes 1e30 where no length was set.
    const double length = reader.Double("model_max_length", 77);
    SHEAF_RETURN_IF_ERROR(reader.status());
    result_.length_ =
        length >= 3 && length <= 4096 ? static_cast<int>(length) : 77;
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> IdOf(const char* key, std::string_view otherwise) {
    const Named named =
        ReadNamed(Setting(key)).value_or(Named{std::string(otherwise)});
    const int64_t id = result_.bpe_->Id(named.text);
    if (id >= 0) return id;
    return absl::InvalidArgumentError(absl::StrCat(
        folder_, ": the ", key, " ", named.text, " is not in the vocabulary"));
  }

  absl::Status AddNamedSpecials() {
    SHEAF_ASSIGN_OR_RETURN(result_.begin_, IdOf("bos_token", kStartOfText));
    SHEAF_ASSIGN_OR_RETURN(result_.end_, IdOf("eos_token", kEndOfText));
    SHEAF_ASSIGN_OR_RETURN(result_.pad_, IdOf("pad_token", kEndOfText));
    // The pad is last: where it shares its text with another token, its
    // `normalized` holds.
    for (const char* key :
         {"bos_token", "eos_token", "unk_token", "pad_token"}) {
      const auto named = ReadNamed(Setting(key));
      if (!named) continue;
      const int64_t id = result_.bpe_->Id(named->text);
      if (id >= 0) AddSpecial(*named, id);
    }
    if (result_.specials_.empty()) {
      AddSpecial({std::string(kStartOfText), true}, result_.begin_);
      AddSpecial({std::string(kEndOfText), false}, result_.end_);
    }
    return absl::OkStatus();
  }

  void AddSpecial(const Named& named, int64_t id) {
    if (named.text.empty()) return;
    for (ClipTokenizer::Special& special : result_.specials_) {
      if (special.text != named.text) continue;
      special.normalized = named.normalized;
      return;
    }
    result_.specials_.push_back({named.text, id, named.normalized});
  }

  const std::string folder_;
  Config settings_;
  Config specials_;
  ClipTokenizer result_;
};

absl::StatusOr<ClipTokenizer> ClipTokenizer::Load(const std::string& folder) {
  return TokenizerLoader(folder).Load();
}

}  // namespace sheaf::engine
