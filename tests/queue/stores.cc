#include "tests/queue/stores.h"

#include <utility>

#include "queue/sqlite/sqlite_store.h"
#include "tests/base/temp_folder.h"
#include "tests/queue/faulty_store.h"
#include "tests/queue/memory_store.h"

namespace sheaf {
namespace {

class SqliteInTempFolder final : public Store {
 public:
  SqliteInTempFolder(const TestClock* clock, bool may_fault) {
    SqliteStore::Options options;
    options.directory = folder_.path();
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

  const TempFolder folder_ = TempFolder::InMemory();
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace

std::unique_ptr<Store> NewMemoryStore(const TestClock* clock) {
  return std::make_unique<MemoryStore>(clock);
}

std::unique_ptr<Store> NewSqliteStore(const TestClock* clock) {
  return std::make_unique<SqliteInTempFolder>(clock, /*may_fault=*/false);
}

std::unique_ptr<Store> NewFaultySqliteStore(const TestClock* clock) {
  return std::make_unique<SqliteInTempFolder>(clock, /*may_fault=*/true);
}

}  // namespace sheaf
