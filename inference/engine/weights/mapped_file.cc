#include "inference/engine/weights/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/weights/mapped_files.h"

namespace sheaf::engine {
namespace {

// A slot of the table that the signal handler may look at, which is fixed in
// size and lock-free.
struct Slot {
  std::atomic<bool> taken{false};
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> truncated{false};
  // Not for the handler. Written once the slot is taken, before other code
  // knows of it.
  int fd = -1;
  size_t size = 0;
  timespec written = {};
};
constexpr size_t kSlotsMax = 1024;
std::array<Slot, kSlotsMax> slots;
struct sigaction previous_action;
uintptr_t page_size;

// The slots of files that are mapped, by the files' numbers. Never destroyed:
// files may outlive it.
struct Registry {
  std::mutex mutex;
  uint64_t next = 1;
  struct Entry {
    std::string path;
    int slot = -1;
  };
  std::map<uint64_t, Entry> files;
};
Registry& Mapped() {
  static Registry* const registry = new Registry;
  return *registry;
}

// Puts zeros in place of a page that is gone. True where the address was ours.
bool PatchPage(uintptr_t address) {
  for (Slot& slot : slots) {
    if (address < slot.begin.load() || address >= slot.end.load()) continue;
    slot.truncated.store(true);
    void* page = reinterpret_cast<void*>(address & ~(page_size - 1));
    return mmap(page, page_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }
  return false;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool ours = PatchPage(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (ours) return;
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(signal, info, context);
  } else {
    // The previous action is the default or a plain handler: it is put back,
    // and gets the fault when that happens again.
    sigaction(signal, &previous_action, nullptr);
  }
}

void InstallHandlerOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_action);
  });
}

// The slot that guards [data, data + size), or -1 where all are taken.
int TakeSlot(const std::byte* data, size_t size) {
  InstallHandlerOnce();
  for (size_t i = 0; i < kSlotsMax; ++i) {
    bool taken = false;
    if (!slots[i].taken.compare_exchange_strong(taken, true)) continue;
    const auto begin = reinterpret_cast<uintptr_t>(data);
    slots[i].truncated.store(false);
    slots[i].begin.store(begin);
    slots[i].end.store((begin + size + page_size - 1) & ~(page_size - 1));
    return static_cast<int>(i);
  }
  return -1;
}

// Notes the file as it is now, and keeps the descriptor.
void Watch(int index, int fd, size_t size, const std::string& path) {
  Slot& slot = slots[index];
  slot.fd = fd;
  slot.size = size;
  struct stat status = {};
  if (fstat(fd, &status) == 0) slot.written = status.st_mtim;
  Registry& mapped = Mapped();
  std::lock_guard lock(mapped.mutex);
  mapped.files[mapped.next++] = {path, index};
}

void GiveBackSlot(int index) {
  {
    Registry& mapped = Mapped();
    std::lock_guard lock(mapped.mutex);
    std::erase_if(mapped.files, [index](const auto& file) {
      return file.second.slot == index;
    });
  }
  close(std::exchange(slots[index].fd, -1));
  slots[index].end.store(0);
  slots[index].begin.store(0);
  slots[index].taken.store(false);
}

absl::Status ErrnoStatus(const std::string& path, const char* what, int error) {
  const std::string message =
      absl::StrCat(path, ": ", what, ": ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(message);
  }
  return absl::UnavailableError(message);
}

absl::Status Shorter(const std::string& path) {
  return absl::DataLossError(
      absl::StrCat(path, ": the file became shorter while it was in use"));
}

absl::Status CheckSlot(const Slot& slot, const std::string& path) {
  struct stat status = {};
  const bool known = fstat(slot.fd, &status) == 0;
  const auto size = static_cast<size_t>(status.st_size);
  if (slot.truncated.load() || (known && size < slot.size)) {
    return Shorter(path);
  }
  if (known &&
      (size != slot.size || status.st_mtim.tv_sec != slot.written.tv_sec ||
       status.st_mtim.tv_nsec != slot.written.tv_nsec)) {
    return absl::DataLossError(
        absl::StrCat(path, ": the file was written to while it was in use"));
  }
  return absl::OkStatus();
}

// An open file that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status ReadWhole(int fd, const std::string& path, std::byte* to,
                       size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t got = pread(fd, to + done, size - done, done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(path, "read", errno);
    if (got == 0) return Shorter(path);
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<MappedFile>> MappedFile::Open(
    const std::string& path, Mode mode) {
  // Not blocking: a named pipe is refused below instead of waited for.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return ErrnoStatus(path, "open", errno);
  struct stat status = {};
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(path, "stat", errno);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a regular file"));
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) {
    return std::shared_ptr<MappedFile>(new MappedFile(path, nullptr, 0));
  }
  const bool map = mode == Mode::kMap;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      map ? MAP_PRIVATE : MAP_PRIVATE | MAP_ANONYMOUS,
                      map ? file.get() : -1, 0);
  if (memory == MAP_FAILED) return ErrnoStatus(path, "map", errno);
  auto* data = static_cast<std::byte*>(memory);
  std::shared_ptr<MappedFile> mapped(new MappedFile(path, data, size));
  if (map) {
    mapped->slot_ = TakeSlot(data, size);
    // There are more files than slots: this one is copied, which needs no
    // guard.
    if (mapped->slot_ < 0) return Open(path, Mode::kCopy);
    Watch(mapped->slot_, file.Release(), size, path);
  } else {
    absl::Status read = ReadWhole(file.get(), path, data, size);
    if (!read.ok()) return read;
  }
  return mapped;
}

MappedFile::~MappedFile() {
  // The slot goes first: the next mapping at this address may not be ours.
  if (slot_ >= 0) GiveBackSlot(slot_);
  if (data_ != nullptr) munmap(data_, size_);
}

absl::Status MappedFile::Prefetch(size_t offset, size_t length) const {
  if (slot_ < 0 || length == 0) return Check();
  const auto begin = reinterpret_cast<uintptr_t>(data_ + offset);
  const uintptr_t from = begin & ~(page_size - 1);
  auto* start = reinterpret_cast<void*>(from);
  const size_t bytes = begin + length - from;
#ifdef MADV_POPULATE_READ
  if (madvise(start, bytes, MADV_POPULATE_READ) == 0) return Check();
  if (errno == EFAULT) return Shorter(path_);
#endif
  // An older kernel: the advice is asynchronous, so touch each page, too.
  madvise(start, bytes, MADV_WILLNEED);
  for (size_t at = 0; at < bytes; at += page_size) {
    static_cast<void>(*reinterpret_cast<volatile const std::byte*>(from + at));
  }
  return Check();
}

absl::Status MappedFile::Check() const {
  return slot_ < 0 ? absl::OkStatus() : CheckSlot(slots[slot_], path_);
}

uint64_t NextMappedFile() {
  Registry& mapped = Mapped();
  std::lock_guard lock(mapped.mutex);
  return mapped.next;
}

absl::Status CheckMappedFiles(uint64_t first, uint64_t end) {
  Registry& mapped = Mapped();
  std::lock_guard lock(mapped.mutex);
  for (auto it = mapped.files.lower_bound(first);
       it != mapped.files.end() && it->first < end; ++it) {
    SHEAF_RETURN_IF_ERROR(CheckSlot(slots[it->second.slot], it->second.path));
  }
  return absl::OkStatus();
}

}  // namespace sheaf::engine
