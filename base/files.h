// Files and folders, made durable. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sheaf {

// fsync of a file, or of the directory that holds `path`.
absl::Status SyncFile(const std::string& path);
absl::Status SyncFolderOf(const std::string& path);

// Replaces `path` by a file with `text`, all or nothing, durably.
absl::Status WriteFileDurably(const std::string& path, std::string_view text);

// Writes a new file and makes its bytes durable, but not yet its name.
absl::Status WriteNewFile(const std::string& path, std::string_view text);

// Copies bytes to a new file and makes them durable.
absl::Status CopyFileDurably(const std::string& from, const std::string& to);

// SHA-256 of a file. Not of a database that this process has open: closing
// any descriptor of it would drop SQLite's locks.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

// 0 if there is no such file.
int64_t FileSize(const std::string& path);

// The bytes that users other than root may still write on the disk that holds
// `path`; the largest number where that is not known.
int64_t FreeBytes(const std::string& path);

// The folder that holds `path`; "." where it names none.
std::string FolderOf(const std::string& path);

// Gives files that root has made in another user's folder to the folder's
// owner, who could not use them otherwise. Does nothing unless root runs it.
void GiveToOwner(const std::string& folder);

// Whether the file system is a network's, where locks cannot be relied on.
bool IsOnNetwork(const std::string& path);

}  // namespace sheaf
