// The stores there are, and a fixture that runs a test over each of them:
//
//   class LeaseTest : public StoreTest {};
//   SHEAF_FOR_ALL_STORES(LeaseTest);
//   TEST_P(LeaseTest, ExpiredLeaseIsGivenToNextWorker) { ... }
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/store.h"
#include "tests/queue/test_clock.h"

namespace sheaf {

// Makes an empty store on `clock`, which outlives it.
using StoreFactory = std::unique_ptr<Store> (*)(const TestClock* clock);

std::unique_ptr<Store> NewMemoryStore(const TestClock* clock);
// The store has a directory of its own, which goes with it. The directory is in
// memory if the system has such a place: the tests make thousands of commits,
// and do not test the disk.
std::unique_ptr<Store> NewSqliteStore(const TestClock* clock);

struct StoreKind {
  const char* name;
  StoreFactory make;
};
inline void PrintTo(const StoreKind& kind, std::ostream* out) {
  *out << kind.name;
}

inline absl::Status StatusOf(const absl::Status& status) { return status; }
template <class T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}
template <class T>
absl::Status StatusOf(const T&) {
  return absl::OkStatus();
}

// Runs `use_case` in a write and returns its answer; a Status or StatusOr that
// is an error rolls the write back.
template <class UseCase>
auto Write(Store& store, UseCase use_case) {
  std::optional<std::invoke_result_t<UseCase, Tx&>> result;
  const absl::Status status = WriteAndWait(store, [&](Tx& tx) -> absl::Status {
    result.emplace(use_case(tx));
    return StatusOf(*result);
  });
  EXPECT_TRUE(result.has_value()) << status;
  EXPECT_EQ(status, StatusOf(*result));
  return *std::move(result);
}

// The same in a read.
template <class UseCase>
auto Read(Store& store, UseCase use_case) {
  std::optional<std::invoke_result_t<UseCase, View&>> result;
  const absl::Status status = ReadAndWait(store, [&](View& view) {
    result.emplace(use_case(view));
    return absl::OkStatus();
  });
  EXPECT_TRUE(result.has_value()) << status;
  return *std::move(result);
}

class StoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  // Not testing::Test's private function of that name.
  using Run = ::sheaf::Run;

  StoreTest() : store_(GetParam().make(&clock_)) {}

  // Like the functions above, on the test's store. A use case without an answer
  // is run for its effect.
  template <class UseCase>
  auto Write(UseCase use_case) {
    if constexpr (std::is_void_v<std::invoke_result_t<UseCase, Tx&>>) {
      EXPECT_TRUE(WriteAndWait(*store_, [&](Tx& tx) {
                    use_case(tx);
                    return absl::OkStatus();
                  }).ok());
    } else {
      return sheaf::Write(*store_, std::move(use_case));
    }
  }
  template <class UseCase>
  auto Read(UseCase use_case) {
    return sheaf::Read(*store_, std::move(use_case));
  }

  TestClock clock_;
  std::unique_ptr<Store> store_;
};

#define SHEAF_FOR_ALL_STORES(Suite)                                   \
  INSTANTIATE_TEST_SUITE_P(                                           \
      On, Suite,                                                      \
      testing::Values(::sheaf::StoreKind{"Memory", &NewMemoryStore},  \
                      ::sheaf::StoreKind{"Sqlite", &NewSqliteStore}), \
      [](const auto& info) { return std::string(info.param.name); })

}  // namespace sheaf
