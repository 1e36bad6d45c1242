// Does the things that time has made due (queue/leasing/maintain.h), each in a
// write of its own.
//
// A thing that cannot be done, because its stored data makes no sense, is set
// aside: it is named among the problems, tried again a minute later, and does
// not stop the others. Nothing is set aside while the store takes no writes at
// all.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/leasing/maintain.h"

namespace sheaf {

class Caretaker {
 public:
  // The store must outlive it. `log` has a line for each thing that is newly
  // set aside.
  explicit Caretaker(
      Store* store,
      std::function<void(const std::string&)> log = [](const std::string&) {});

  // One round. True: there is more, call again. The status of a store that
  // takes no writes. Waits for the store; on one thread.
  absl::StatusOr<bool> Round(const Maintenance& maintenance);

  // A line for each thing that is set aside, the first few of them. Any thread.
  std::vector<std::string> Problems() const;

 private:
  struct Aside {
    std::string why;
    absl::Time retry_time;
  };

  // The things set aside whose time to be tried again has not come.
  std::set<Due> Left(absl::Time now) const;
  // Notes what became of `due`.
  void Note(const Due& due, const absl::Status& status, absl::Time now);
  // Forgets things set aside that are not due any more: they were mended.
  void Forget(const DueList& due, absl::Time now);

  Store* const store_;
  const std::function<void(const std::string&)> log_;
  mutable std::mutex mutex_;
  std::map<Due, Aside> aside_;  // guarded by mutex_
};

}  // namespace sheaf
