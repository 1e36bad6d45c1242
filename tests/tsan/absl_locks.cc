// Tells the thread sanitizer of Abseil's locks.
//
// Debian's Abseil is built without the sanitizer, which therefore sees none of
// its locks. The functions below have the names of the library's. A program's
// own symbols go before those of shared libraries, so they are called instead,
// by gRPC, too. Each calls the library's function and tells the sanitizer.
//
// Waits take it that their mutex is locked for writing.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

void* NextByName(const std::string& name) {
  void* const found = dlsym(RTLD_NEXT, name.c_str());
  if (found == nullptr) abort();
  return found;
}

template <class Function>
std::string NameOf(Function function) {
  void* address = nullptr;
  std::memcpy(&address, &function, sizeof(address));
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_sname == nullptr) abort();
  return info.dli_sname;
}

// The library's function of the same name as ours.
template <class Function>
Function Next(Function ours) {
  void* const address = NextByName(NameOf(ours));
  Function next = {};
  std::memcpy(&next, &address, sizeof(address));
  return next;
}

// Calls `lock`, which locks `mutex`.
template <class Lock>
auto Locking(absl::Mutex* mutex, unsigned how, Lock lock) {
  __tsan_mutex_pre_lock(mutex, how);
  const auto result = lock();
  __tsan_mutex_post_lock(mutex, how, 0);
  return result;
}

// Calls `lock`, which may lock `mutex` and says whether it has.
template <class Lock>
bool TryLocking(absl::Mutex* mutex, unsigned how, Lock lock) {
  __tsan_mutex_pre_lock(mutex, how);
  const bool locked = lock();
  __tsan_mutex_post_lock(mutex,
                         locked ? how : how | __tsan_mutex_try_lock_failed, 0);
  return locked;
}

template <class Unlock>
void Unlocking(absl::Mutex* mutex, unsigned how, Unlock unlock) {
  __tsan_mutex_pre_unlock(mutex, how);
  // Evaluates the conditions of threads that wait, as if it still held the
  // lock: what it touches is not looked at.
  unlock();
  __tsan_mutex_post_unlock(mutex, how);
}

// Calls `wait`, which unlocks `mutex` and locks it again.
template <class Wait>
auto Waiting(absl::Mutex* mutex, Wait wait) {
  Unlocking(mutex, 0, [] {});
  return Locking(mutex, 0, wait);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

Mutex::~Mutex() {
  // A destructor has no address. Its name is that of Lock with another end.
  static const auto next = [] {
    const std::string lock = NameOf(&Mutex::Lock);
    return reinterpret_cast<void (*)(Mutex*)>(
        NextByName(lock.substr(0, lock.rfind("4LockEv")) + "D1Ev"));
  }();
  next(this);
  __tsan_mutex_destroy(this, __tsan_mutex_not_static);
}

void Mutex::Lock() {
  static const auto next = Next(&Mutex::Lock);
  Locking(this, 0, [this] { return (this->*next)(), true; });
}

bool Mutex::TryLock() {
  static const auto next = Next(&Mutex::TryLock);
  return TryLocking(this, __tsan_mutex_try_lock,
                    [this] { return (this->*next)(); });
}

void Mutex::Unlock() {
  static const auto next = Next(&Mutex::Unlock);
  Unlocking(this, 0, [this] { (this->*next)(); });
}

void Mutex::ReaderLock() {
  static const auto next = Next(&Mutex::ReaderLock);
  Locking(this, __tsan_mutex_read_lock,
          [this] { return (this->*next)(), true; });
}

bool Mutex::ReaderTryLock() {
  static const auto next = Next(&Mutex::ReaderTryLock);
  return TryLocking(this, __tsan_mutex_try_read_lock,
                    [this] { return (this->*next)(); });
}

void Mutex::ReaderUnlock() {
  static const auto next = Next(&Mutex::ReaderUnlock);
  Unlocking(this, __tsan_mutex_read_lock, [this] { (this->*next)(); });
}

void Mutex::LockWhen(const Condition& condition) {
  static const auto next = Next(&Mutex::LockWhen);
  Locking(this, 0, [&] { return (this->*next)(condition), true; });
}

// Those with a timeout call those with a deadline.
bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  static const auto next = Next(&Mutex::LockWhenWithDeadline);
  return Locking(this, 0, [&] { return (this->*next)(condition, deadline); });
}

void Mutex::ReaderLockWhen(const Condition& condition) {
  static const auto next = Next(&Mutex::ReaderLockWhen);
  Locking(this, __tsan_mutex_read_lock,
          [&] { return (this->*next)(condition), true; });
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition,
                                       Time deadline) {
  static const auto next = Next(&Mutex::ReaderLockWhenWithDeadline);
  return Locking(this, __tsan_mutex_read_lock,
                 [&] { return (this->*next)(condition, deadline); });
}

void Mutex::Await(const Condition& condition) {
  static const auto next = Next(&Mutex::Await);
  Waiting(this, [&] { return (this->*next)(condition), true; });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static const auto next = Next(&Mutex::AwaitWithDeadline);
  return Waiting(this, [&] { return (this->*next)(condition, deadline); });
}

void CondVar::Wait(Mutex* mutex) {
  static const auto next = Next(&CondVar::Wait);
  Waiting(mutex, [&] { return (this->*next)(mutex), true; });
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto next = Next(&CondVar::WaitWithDeadline);
  return Waiting(mutex, [&] { return (this->*next)(mutex, deadline); });
}

// A notification that has come is seen without its lock.
void Notification::Notify() {
  static const auto next = Next(&Notification::Notify);
  __tsan_release(&notified_yet_);
  (this->*next)();
}

void Notification::WaitForNotification() const {
  static const auto next = Next(&Notification::WaitForNotification);
  (this->*next)();
  __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static const auto next = Next(&Notification::WaitForNotificationWithTimeout);
  const bool notified = (this->*next)(timeout);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  static const auto next = Next(&Notification::WaitForNotificationWithDeadline);
  const bool notified = (this->*next)(deadline);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl
