// Two file systems of SQLite for the tests of crashes.
//
// The first is a shim over the default one that writes down what is done to
// files. The second holds a few files in memory, to look at what a crash left;
// its databases must be opened with locking_mode = EXCLUSIVE.
#pragma once

#include <map>
#include <string>

#include "tests/queue/sqlite/crash_record.h"

namespace sheaf {

// The VFS's name; registers it at the first call. RecordTo sends the steps to
// one record at a time; null: to none.
const char* RecordingVfsName();
void RecordTo(CrashRecord* record);
// The next `count` syncs of logs, or of databases, fail without being made.
void FailLogSyncs(int count);
void FailDatabaseSyncs(int count);
// Connections that are opened from now on sync less than they ask for.
void SyncNormally(bool normally);

using Files = std::map<std::string, std::string>;  // bytes by name
const char* ImageVfsName();
// Sets the files that exist from now on; null: none.
void ShowImage(Files* files);

}  // namespace sheaf
