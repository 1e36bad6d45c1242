// The safetensors format: eight bytes of header length, a JSON header, then the
// tensors' bytes without holes. Files come from strangers: everything the
// header says is checked before anything is touched.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/engine/weights/dtype.h"
#include "inference/engine/weights/mapped_file.h"
#include "inference/engine/weights/tensor.h"

namespace sheaf::engine {

// One entry of a header. Offsets count from the end of the header.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // In the order of their offsets.
  std::map<std::string, std::string> metadata;
  uint64_t data_offset = 0;  // Where the tensors' bytes begin in the file.
};

// Reads the header of a file whose bytes are `file`. INVALID_ARGUMENT names
// the key and the fault: an unknown type, a name that stands twice, offsets
// that overlap, leave holes or pass the end, a shape that disagrees with them.
absl::StatusOr<SafetensorsHeader> ParseSafetensors(std::string_view file);

// The tensors of a file, as views. The errors of MappedFile::Open and
// ParseSafetensors, with the path.
struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};
absl::StatusOr<SafetensorsFile> ReadSafetensors(
    const std::string& path, MappedFile::Mode mode = MappedFile::Mode::kMap);

// The same from bytes in memory; tensors own copies of theirs.
absl::StatusOr<SafetensorsFile> DecodeSafetensors(std::string_view bytes);

// The file's bytes: the same bytes for the same tensors and metadata. Tensors
// of large elements come first, then by name, so that all lie aligned.
std::string EncodeSafetensors(const TensorMap& tensors,
                              const std::map<std::string, std::string>& meta);

// Writes them beside `path` and renames, so that no reader sees half a file.
// UNAVAILABLE with the path.
absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const std::map<std::string, std::string>& meta);

}  // namespace sheaf::engine
