#include "queue/leasing/caretaker.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf {
namespace {

constexpr absl::Duration kRetryDelay = absl::Minutes(1);
constexpr size_t kAsideMax = 10'000;
constexpr size_t kProblemsMax = 20;

// The answers to writes that are made all at once, in their order.
class Answers {
 public:
  explicit Answers(size_t count) : statuses_(count), left_(count) {}
  void Take(size_t index, absl::Status status) {
    // Notified under the lock: once the waiter is gone, so is the condition.
    const std::lock_guard lock(mutex_);
    statuses_[index] = std::move(status);
    if (--left_ == 0) changed_.notify_one();
  }
  std::vector<absl::Status> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return left_ == 0; });
    return std::move(statuses_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::Status> statuses_;  // guarded by mutex_
  size_t left_;                         // guarded by mutex_
};

std::vector<absl::Status> SettleAll(Store& store, const std::vector<Due>& items,
                                    const Maintenance& maintenance) {
  Answers answers(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    store.Write(
        [&due = items[i], &maintenance](Tx& tx) {
          Settle(tx, due, maintenance);
          return absl::OkStatus();
        },
        [&answers, i](absl::Status status) {
          answers.Take(i, std::move(status));
        },
        {.own = true});
  }
  return answers.Wait();
}

// Whether this one thing cannot be done, though the store takes writes.
bool IsOfTheThing(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsDataLoss(status);
}

}  // namespace

Caretaker::Caretaker(Store* store, std::function<void(const std::string&)> log)
    : store_(store), log_(std::move(log)) {}

absl::StatusOr<bool> Caretaker::Round(const Maintenance& maintenance) {
  DueList due;
  absl::Time now;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(*store_, [&](Tx& tx) {
    now = tx.now();
    due = FindDue(tx, maintenance, Left(now));
    return absl::OkStatus();
  }));
  const std::vector<absl::Status> ends =
      SettleAll(*store_, due.items, maintenance);
  Forget(due, now);
  absl::Status fault;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].ok() || IsOfTheThing(ends[i])) {
      Note(due.items[i], ends[i], now);
    } else {
      fault.Update(ends[i]);
    }
  }
  if (!fault.ok()) return fault;
  return due.more;
}

std::set<Due> Caretaker::Left(absl::Time now) const {
  const std::lock_guard lock(mutex_);
  std::set<Due> left;
  for (const auto& [due, aside] : aside_) {
    if (aside.retry_time > now) left.insert(due);
  }
  return left;
}

void Caretaker::Note(const Due& due, const absl::Status& status,
                     absl::Time now) {
  const std::lock_guard lock(mutex_);
  if (status.ok()) {
    aside_.erase(due);
    return;
  }
  const auto [at, is_new] = aside_.try_emplace(due);
  at->second = {std::string(status.message()), now + kRetryDelay};
  if (is_new) {
    log_(absl::StrCat(Describe(due), " was set aside: ", status.ToString()));
  }
  if (aside_.size() > kAsideMax) aside_.erase(aside_.begin());
}

void Caretaker::Forget(const DueList& due, absl::Time now) {
  if (due.more) return;
  const std::lock_guard lock(mutex_);
  std::erase_if(aside_, [&](const auto& entry) {
    return entry.second.retry_time <= now &&
           std::find(due.items.begin(), due.items.end(), entry.first) ==
               due.items.end();
  });
}

std::vector<std::string> Caretaker::Problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> problems;
  for (const auto& [due, aside] : aside_) {
    if (problems.size() == kProblemsMax) {
      problems.push_back(absl::StrCat("and ", aside_.size() - kProblemsMax,
                                      " more were set aside"));
      break;
    }
    problems.push_back(absl::StrCat(
        Describe(due),
        " was set aside because its stored rows contradict each other (",
        aside.why, "); stop the server and run `sheafd repair`"));
  }
  return problems;
}

}  // namespace sheaf
