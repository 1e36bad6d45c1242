// A ZIP archive of stored entries, as torch.save writes (without checksums,
// which the reader does not ask for).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sheaf::engine {

inline std::string LittleEndian(uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text += static_cast<char>(number >> (8 * i) & 0xFF);
  }
  return text;
}

inline std::string StoredZip(
    const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file;
  std::string directory;
  for (const auto& [name, bytes] : entries) {
    const std::string sizes = LittleEndian(0, 4) +
                              LittleEndian(bytes.size(), 4) +
                              LittleEndian(bytes.size(), 4) +
                              LittleEndian(name.size(), 2) + LittleEndian(0, 2);
    directory += "PK\1\2" + LittleEndian(20, 2) + LittleEndian(20, 2) +
                 LittleEndian(0, 2) + LittleEndian(0, 2) + LittleEndian(0, 4) +
                 sizes + LittleEndian(0, 2) + LittleEndian(0, 2) +
                 LittleEndian(0, 2) + LittleEndian(0, 4) +
                 LittleEndian(file.size(), 4) + name;
    file += "PK\3\4" + LittleEndian(20, 2) + LittleEndian(0, 2) +
            LittleEndian(0, 2) + LittleEndian(0, 4) + sizes + name + bytes;
  }
  const size_t offset = file.size();
  file += directory;
  return file + "PK\5\6" + LittleEndian(0, 4) +
         LittleEndian(entries.size(), 2) + LittleEndian(entries.size(), 2) +
         LittleEndian(directory.size(), 4) + LittleEndian(offset, 4) +
         LittleEndian(0, 2);
}

}  // namespace sheaf::engine
