#include "tests/queue/stores.h"

#include <stdlib.h>

#include <filesystem>

#include "queue/sqlite/sqlite_store.h"
#include "tests/queue/faulty_store.h"
#include "tests/queue/memory_store.h"

namespace sheaf {
namespace {

class TempDirectory {
 public:
  TempDirectory() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code error;
    const auto parent = std::filesystem::is_directory(memory, error)
                            ? memory
                            : std::filesystem::temp_directory_path();
    path_ = (parent / "sheaf-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TempDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SqliteInTempDirectory final : public Store {
 public:
  SqliteInTempDirectory(const TestClock* clock, bool may_fault) {
    SqliteStore::Options options;
    options.directory = directory_.path();
    options.clock = [clock] { return clock->now(); };
    if (!may_fault) {
      options.log = [](const std::string& line) { ADD_FAILURE() << line; };
    }
    auto store = SqliteStore::Open(std::move(options));
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    store_->Write(std::move(use_case), std::move(done), std::move(options));
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    store_->Read(std::move(use_case), std::move(done), std::move(options));
  }

  TempDirectory directory_;
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace

std::unique_ptr<Store> NewMemoryStore(const TestClock* clock) {
  return std::make_unique<MemoryStore>(clock);
}

std::unique_ptr<Store> NewSqliteStore(const TestClock* clock) {
  return std::make_unique<SqliteInTempDirectory>(clock, /*may_fault=*/false);
}

std::unique_ptr<Store> NewFaultySqliteStore(const TestClock* clock) {
  return std::make_unique<SqliteInTempDirectory>(clock, /*may_fault=*/true);
}

}  // namespace sheaf
