// Reading the header. A SAX parser, so that a hostile header of 100 MB is
// refused at its first fault and never becomes a tree in memory.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

constexpr uint64_t kHeaderBytesMax = 100'000'000;
constexpr size_t kHeaderTensorsMax = 1'000'000;
constexpr size_t kHeaderNameBytesMax = 4096;
constexpr size_t kHeaderDimensionsMax = 16;

// The parts of an entry that have been seen.
struct Pending {
  SafetensorsEntry entry;
  bool has_dtype = false;
  bool has_shape = false;
  std::vector<uint64_t> offsets;
  bool has_offsets = false;
};

// {"name": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}, ...,
//  "__metadata__": {"key": "text", ...}}
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  std::string error;

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::kTop:
        place_ = Place::kNames;
        return true;
      case Place::kNames:
        if (name_ == "__metadata__") {
          place_ = Place::kMetadata;
        } else {
          place_ = Place::kEntry;
          pending_ = Pending();
        }
        keys_.clear();
        return true;
      default:
        return Fail("an object where none belongs");
    }
  }

  bool key(string_t& text) override {
    if (place_ == Place::kNames) {
      if (text.size() > kHeaderNameBytesMax) return Fail("a name is too long");
      name_ = text;
      if (!names_.insert(text).second) return Fail("the name stands twice");
      return true;
    }
    key_ = text;
    if (!keys_.insert(text).second) {
      return Fail(absl::StrCat(text, " stands twice"));
    }
    if (place_ == Place::kEntry && text != "dtype" && text != "shape" &&
        text != "data_offsets") {
      return Fail(absl::StrCat("unknown field ", text));
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kEntry) {
      place_ = Place::kNames;
      return FinishEntry();
    }
    place_ = place_ == Place::kMetadata ? Place::kNames : Place::kEnd;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kEntry && key_ == "shape") {
      place_ = Place::kShape;
      return true;
    }
    if (place_ == Place::kEntry && key_ == "data_offsets") {
      place_ = Place::kOffsets;
      return true;
    }
    return Fail("an array where none belongs");
  }

  bool end_array() override {
    if (place_ == Place::kShape) pending_.has_shape = true;
    if (place_ == Place::kOffsets) pending_.has_offsets = true;
    place_ = Place::kEntry;
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::kMetadata) {
      header.metadata[key_] = text;
      return true;
    }
    if (place_ != Place::kEntry || key_ != "dtype") {
      return Fail("a text where none belongs");
    }
    const std::optional<DType> dtype = DTypeNamed(text);
    if (!dtype.has_value()) {
      return Fail(absl::StrCat("unknown dtype ", text.substr(0, 32)));
    }
    pending_.entry.dtype = *dtype;
    pending_.has_dtype = true;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == Place::kShape) {
      if (number > uint64_t{1} << 48) return Fail("a dimension is too large");
      if (pending_.entry.shape.size() == kHeaderDimensionsMax) {
        return Fail("too many dimensions");
      }
      pending_.entry.shape.push_back(static_cast<int64_t>(number));
      return true;
    }
    if (place_ == Place::kOffsets) {
      if (pending_.offsets.size() == 2) return Fail("more than two offsets");
      pending_.offsets.push_back(number);
      return true;
    }
    return Fail("a number where none belongs");
  }

  bool number_integer(number_integer_t) override {
    return Fail("a negative number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return Fail("a number that is not whole");
  }
  bool boolean(bool) override { return Fail("a truth value"); }
  bool null() override { return Fail("a null"); }
  bool binary(binary_t&) override { return Fail("binary data"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("no JSON at byte ", position));
  }

 private:
  enum class Place { kTop, kNames, kMetadata, kEntry, kShape, kOffsets, kEnd };

  bool Fail(const std::string& what) {
    if (error.empty()) {
      error =
          name_.empty() ? what : absl::StrCat(name_.substr(0, 256), ": ", what);
    }
    return false;
  }

  bool FinishEntry() {
    if (!pending_.has_dtype) return Fail("no dtype");
    if (!pending_.has_shape) return Fail("no shape");
    if (!pending_.has_offsets || pending_.offsets.size() != 2) {
      return Fail("not two data_offsets");
    }
    SafetensorsEntry& entry = pending_.entry;
    entry.begin = pending_.offsets[0];
    entry.end = pending_.offsets[1];
    const int64_t count = CheckedElementCount(entry.shape);
    if (count < 0) return Fail("the shape is too large");
    if (entry.end < entry.begin ||
        entry.end - entry.begin !=
            static_cast<uint64_t>(count) * SizeOf(entry.dtype)) {
      return Fail("the shape and the offsets disagree");
    }
    if (header.entries.size() == kHeaderTensorsMax)
      return Fail("too many tensors");
    entry.name = name_;
    header.entries.push_back(std::move(entry));
    return true;
  }

  Place place_ = Place::kTop;
  std::string name_;  // The entry we are in, or last were in.
  std::string key_;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> keys_;
  Pending pending_;
};

// No holes, no overlaps, nothing left over: each tensor begins where the one
// before ended, the first at 0, and the last ends with the file.
absl::Status CheckOffsets(std::vector<SafetensorsEntry>* entries,
                          uint64_t buffer_size) {
  std::sort(entries->begin(), entries->end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
            });
  uint64_t at = 0;
  for (const SafetensorsEntry& entry : *entries) {
    if (entry.end > buffer_size) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.name, ": its bytes end at ", entry.end,
                       ", the file's at ", buffer_size));
    }
    if (entry.begin != at) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.name, ": begins at ", entry.begin, ", not at ", at,
                       " where the tensor before it ends"));
    }
    at = entry.end;
  }
  if (at != buffer_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        buffer_size - at, " bytes at the end belong to no tensor"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensors(std::string_view file) {
  if (file.size() < 8) {
    return absl::InvalidArgumentError("too short for a safetensors file");
  }
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) {
    length = length << 8 | static_cast<uint8_t>(file[i]);
  }
  if (length > kHeaderBytesMax || length > file.size() - 8) {
    return absl::InvalidArgumentError(
        absl::StrCat("a header of ", length, " bytes in a file of ",
                     file.size(), " (at most ", kHeaderBytesMax, ")"));
  }
  const std::string_view text = file.substr(8, length);
  if (text.empty() || text[0] != '{') {
    return absl::InvalidArgumentError("the header does not begin with {");
  }
  if (!IsValidUtf8(text)) {
    return absl::InvalidArgumentError("the header is not valid UTF-8");
  }
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) {
    return absl::InvalidArgumentError(reader.error);
  }
  reader.header.data_offset = 8 + length;
  SHEAF_RETURN_IF_ERROR(
      CheckOffsets(&reader.header.entries, file.size() - 8 - length));
  return std::move(reader.header);
}

}  // namespace sheaf::engine
