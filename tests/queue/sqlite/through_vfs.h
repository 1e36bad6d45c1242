// A file system of SQLite that passes every call on to the default one: the
// file systems of the tests are made from it, each with a few methods of its
// own.
#pragma once

#include <sqlite3.h>

#include <string>

namespace sheaf {

// The real file behind an open file of ours, and its methods.
sqlite3_file* RealFile(sqlite3_file* ours);
const sqlite3_io_methods& RealMethods(sqlite3_file* ours);
// Its name without the folder; empty for a file without one.
const std::string& NameOfFile(sqlite3_file* ours);

std::string BaseName(const char* path);

struct ThroughVfs {
  sqlite3_vfs vfs;  // registered; its methods may be replaced before
  sqlite3_io_methods methods;
  sqlite3_vfs* real = nullptr;
  // Called when an open has created a file; null: no call.
  void (*on_create)(const std::string& name) = nullptr;
};

// Fills `through` so that it passes all calls on, under that name. Register it
// with sqlite3_vfs_register; it must not move from then on.
void PassThrough(const char* name, ThroughVfs* through);

}  // namespace sheaf
