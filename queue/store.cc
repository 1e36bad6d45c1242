#include "queue/store.h"

#include "absl/synchronization/notification.h"

namespace sheaf {
namespace {

template <class Start>
absl::Status Await(Start start) {
  absl::Notification ended;
  absl::Status result;
  start([&](absl::Status status) {
    result = std::move(status);
    ended.Notify();
  });
  ended.WaitForNotification();
  return result;
}

}  // namespace

absl::Status WriteAndWait(Store& store, Store::WriteCase use_case) {
  return Await([&](Store::Done done) {
    store.Write(std::move(use_case), std::move(done));
  });
}

absl::Status ReadAndWait(Store& store, Store::ReadCase use_case) {
  return Await([&](Store::Done done) {
    store.Read(std::move(use_case), std::move(done));
  });
}

}  // namespace sheaf
