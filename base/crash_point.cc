#include "base/crash_point.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

namespace sheaf::crash_point {
namespace {

struct Order {
  std::string name;
  std::atomic<int> left = 1;

  explicit Order(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return;
    name = text;
    const size_t colon = name.find(':');
    if (colon == std::string::npos) return;
    left = std::max(1, std::atoi(name.c_str() + colon + 1));
    name.resize(colon);
  }
};

Order& TheOrder() {
  static Order& order = *new Order("SHEAF_CRASH_POINT");
  return order;
}

Order& TheStall() {
  static Order& order = *new Order("SHEAF_STALL_POINT");
  return order;
}

// Long enough for a checkpoint to have begun writing.
constexpr auto kMoment = std::chrono::microseconds(300);

// Whether this is the time at which `name` was ordered to kill.
bool IsDue(std::string_view name) {
  Order& order = TheOrder();
  return name == order.name && --order.left == 0;
}

}  // namespace

std::atomic<bool> armed{!TheOrder().name.empty() || !TheStall().name.empty()};

void Reached(std::string_view name) {
  if (IsDue(name)) kill(getpid(), SIGKILL);
  Order& stall = TheStall();
  while (name == stall.name && stall.left.fetch_sub(1) <= 1) pause();
}

During::During(std::string_view name) {
  if (!armed || !IsDue(name)) return;
  killer_ = std::thread([] {
    std::this_thread::sleep_for(kMoment);
    kill(getpid(), SIGKILL);
  });
}

During::~During() {
  if (killer_.joinable()) killer_.join();
}

}  // namespace sheaf::crash_point
