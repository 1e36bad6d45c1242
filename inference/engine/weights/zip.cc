#include "inference/engine/weights/zip.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

constexpr uint64_t kEntriesMax = 1'000'000;

absl::Status BadZip(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("zip: ", ToAbsl(what)));
}

// Little-endian reading at an offset that has been checked.
template <int kBytes>
uint64_t Get(std::string_view file, uint64_t at) {
  uint64_t value = 0;
  for (int i = kBytes - 1; i >= 0; --i) {
    value = value << 8 | static_cast<uint8_t>(file[at + i]);
  }
  return value;
}

bool Fits(std::string_view file, uint64_t at, uint64_t bytes) {
  return at <= file.size() && bytes <= file.size() - at;
}

struct Directory {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t entries = 0;
};

// The end record: 22 bytes and a comment of at most 65535 at the end.
absl::StatusOr<uint64_t> FindEnd(std::string_view file) {
  constexpr uint64_t kEndBytes = 22;
  if (file.size() < kEndBytes) return BadZip("too short");
  const uint64_t lowest =
      file.size() - std::min<uint64_t>(file.size(), kEndBytes + 65535);
  for (uint64_t at = file.size() - kEndBytes;; --at) {
    if (file.substr(at, 4) == "PK\5\6") return at;
    if (at == lowest) return BadZip("no end record");
  }
}

absl::StatusOr<Directory> FindDirectory(std::string_view file) {
  SHEAF_ASSIGN_OR_RETURN(const uint64_t end, FindEnd(file));
  Directory directory;
  directory.entries = Get<2>(file, end + 10);
  directory.size = Get<4>(file, end + 12);
  directory.offset = Get<4>(file, end + 16);
  if (Get<2>(file, end + 4) != 0) return BadZip("more than one disk");
  constexpr uint64_t kLocatorBytes = 20;
  constexpr uint64_t kEnd64Bytes = 56;
  if (end >= kLocatorBytes && file.substr(end - kLocatorBytes, 4) == "PK\6\7") {
    const uint64_t end64 = Get<8>(file, end - kLocatorBytes + 8);
    if (!Fits(file, end64, kEnd64Bytes) || file.substr(end64, 4) != "PK\6\6") {
      return BadZip("no 64-bit end record");
    }
    directory.entries = Get<8>(file, end64 + 32);
    directory.size = Get<8>(file, end64 + 40);
    directory.offset = Get<8>(file, end64 + 48);
  }
  if (!Fits(file, directory.offset, directory.size)) {
    return BadZip("the directory is not inside the file");
  }
  if (directory.entries > kEntriesMax) return BadZip("too many entries");
  return directory;
}

struct Entry {
  std::string name;
  uint64_t size = 0;
  uint64_t packed_size = 0;
  uint64_t offset = 0;
  uint64_t method = 0;
  uint64_t flags = 0;
};

// Reads the 64-bit fields, which come in the order of the 32-bit fields that
// say "see there".
absl::Status ReadZip64(std::string_view extra, Entry* entry) {
  constexpr uint64_t kSeeThere = 0xFFFFFFFF;
  while (extra.size() >= 4) {
    const uint64_t id = Get<2>(extra, 0);
    const uint64_t size = Get<2>(extra, 2);
    if (!Fits(extra, 4, size)) return BadZip("a broken extra field");
    std::string_view body = extra.substr(4, size);
    extra.remove_prefix(4 + size);
    if (id != 1) continue;
    for (uint64_t* field :
         {&entry->size, &entry->packed_size, &entry->offset}) {
      if (*field != kSeeThere) continue;
      if (body.size() < 8) return BadZip("a 64-bit field is missing");
      *field = Get<8>(body, 0);
      body.remove_prefix(8);
    }
  }
  return absl::OkStatus();
}

// Reads the directory's record at *at and moves past it.
absl::StatusOr<Entry> ReadEntry(std::string_view directory, uint64_t* at) {
  constexpr uint64_t kFixedBytes = 46;
  if (!Fits(directory, *at, kFixedBytes) ||
      directory.substr(*at, 4) != "PK\1\2") {
    return BadZip("a broken directory");
  }
  Entry entry;
  entry.flags = Get<2>(directory, *at + 8);
  entry.method = Get<2>(directory, *at + 10);
  entry.packed_size = Get<4>(directory, *at + 20);
  entry.size = Get<4>(directory, *at + 24);
  entry.offset = Get<4>(directory, *at + 42);
  const uint64_t name = Get<2>(directory, *at + 28);
  const uint64_t extra = Get<2>(directory, *at + 30);
  const uint64_t comment = Get<2>(directory, *at + 32);
  if (!Fits(directory, *at + kFixedBytes, name + extra + comment)) {
    return BadZip("a broken directory");
  }
  entry.name = std::string(directory.substr(*at + kFixedBytes, name));
  SHEAF_RETURN_IF_ERROR(
      ReadZip64(directory.substr(*at + kFixedBytes + name, extra), &entry));
  *at += kFixedBytes + name + extra + comment;
  return entry;
}

// The entry's bytes, after its local header.
absl::StatusOr<std::string_view> BytesOf(std::string_view file,
                                         const Entry& entry) {
  const auto bad = [&](std::string_view what) {
    return BadZip(absl::StrCat(entry.name, ": ", ToAbsl(what)));
  };
  if (entry.flags & 1) return bad("encrypted");
  if (entry.method != 0 || entry.size != entry.packed_size) {
    return bad("compressed; only stored entries are read");
  }
  constexpr uint64_t kLocalBytes = 30;
  if (!Fits(file, entry.offset, kLocalBytes) ||
      file.substr(entry.offset, 4) != "PK\3\4") {
    return bad("no local header");
  }
  const uint64_t begin = entry.offset + kLocalBytes +
                         Get<2>(file, entry.offset + 26) +
                         Get<2>(file, entry.offset + 28);
  if (!Fits(file, begin, entry.size)) return bad("not inside the file");
  return file.substr(begin, entry.size);
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string_view>> ReadStoredZip(
    std::string_view file) {
  SHEAF_ASSIGN_OR_RETURN(const Directory place, FindDirectory(file));
  const std::string_view directory = file.substr(place.offset, place.size);
  std::map<std::string, std::string_view> entries;
  uint64_t at = 0;
  for (uint64_t i = 0; i < place.entries; ++i) {
    SHEAF_ASSIGN_OR_RETURN(const Entry entry, ReadEntry(directory, &at));
    SHEAF_ASSIGN_OR_RETURN(const std::string_view bytes, BytesOf(file, entry));
    if (!entries.emplace(entry.name, bytes).second) {
      return BadZip(absl::StrCat(entry.name, ": listed twice"));
    }
  }
  return entries;
}

}  // namespace sheaf::engine
