#include "inference/engine/weights/safetensors.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

using Item = TensorMap::value_type;

// Largest elements first, then by name.
std::vector<const Item*> InFileOrder(const TensorMap& tensors) {
  std::vector<const Item*> items;
  for (const Item& item : tensors) items.push_back(&item);
  std::stable_sort(items.begin(), items.end(),
                   [](const Item* a, const Item* b) {
                     return SizeOf(a->second.dtype) > SizeOf(b->second.dtype);
                   });
  return items;
}

void AppendIntegers(const std::vector<int64_t>& integers, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < integers.size(); ++i) {
    absl::StrAppend(out, i == 0 ? "" : ",", integers[i]);
  }
  *out += ']';
}

std::string HeaderText(const std::vector<const Item*>& items,
                       const std::map<std::string, std::string>& meta) {
  std::string text;
  JsonObject header(&text);
  if (!meta.empty()) {
    header.Name("__metadata__");
    JsonObject object(&text);
    for (const auto& [key, value] : meta) object.Text(key, value);
    object.Close();
  }
  int64_t at = 0;
  for (const Item* item : items) {
    const auto end = at + static_cast<int64_t>(item->second.byte_count());
    header.Name(item->first);
    JsonObject entry(&text);
    entry.Text("dtype", NameOf(item->second.dtype));
    entry.Name("shape");
    AppendIntegers(item->second.shape, &text);
    entry.Name("data_offsets");
    AppendIntegers({at, end}, &text);
    entry.Close();
    at = end;
  }
  header.Close();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

absl::StatusOr<SafetensorsFile> ReadSafetensors(const std::string& path,
                                                MappedFile::Mode mode) {
  SHEAF_ASSIGN_OR_RETURN(std::shared_ptr<MappedFile> file,
                         MappedFile::Open(path, mode));
  absl::StatusOr<SafetensorsHeader> header = ParseSafetensors(std::string_view(
      reinterpret_cast<const char*>(file->data()), file->size()));
  // This comes first: zeros read past a new end of the file are no fault of its
  // format.
  SHEAF_RETURN_IF_ERROR(file->Check());
  if (!header.ok()) {
    return absl::Status(header.status().code(),
                        absl::StrCat(path, ": ", header.status().message()));
  }
  SafetensorsFile result;
  result.metadata = std::move(header->metadata);
  for (SafetensorsEntry& entry : header->entries) {
    Tensor tensor;
    tensor.dtype = entry.dtype;
    tensor.shape = std::move(entry.shape);
    tensor.data = file->data() + header->data_offset + entry.begin;
    tensor.file = file;
    result.tensors.emplace(std::move(entry.name), std::move(tensor));
  }
  return result;
}

absl::StatusOr<SafetensorsFile> DecodeSafetensors(std::string_view bytes) {
  SHEAF_ASSIGN_OR_RETURN(SafetensorsHeader header, ParseSafetensors(bytes));
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (SafetensorsEntry& entry : header.entries) {
    const auto* const data =
        reinterpret_cast<const std::byte*>(bytes.data()) + header.data_offset;
    result.tensors.emplace(std::move(entry.name),
                           MakeTensor(entry.dtype, std::move(entry.shape),
                                      {data + entry.begin, data + entry.end}));
  }
  return result;
}

std::string EncodeSafetensors(const TensorMap& tensors,
                              const std::map<std::string, std::string>& meta) {
  const std::vector<const Item*> items = InFileOrder(tensors);
  const std::string header = HeaderText(items, meta);
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  bytes += header;
  for (const Item* item : items) {
    bytes.append(reinterpret_cast<const char*>(item->second.data),
                 item->second.byte_count());
  }
  return bytes;
}

absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const std::map<std::string, std::string>& meta) {
  return WriteFile(path, EncodeSafetensors(tensors, meta));
}

}  // namespace sheaf::engine
