#include "bench/suite.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace sheaf::bench {
namespace {

constexpr double kMicro = 1e6;

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> Suite::Serve(
    const std::string& name, bool echo) const {
  ServerOptions options;
  options.directory = directory + "/" + name;
  options.unix_socket = unix_socket;
  options.echo = echo;
  return ServerProcess::Start(options);
}

Contender ClosedContender(const Suite& suite, const std::string& name,
                          Operations operations, double each) {
  auto shared = std::make_shared<Operations>(std::move(operations));
  Contender contender;
  contender.name = name;
  contender.measure = [shared, each,
                       load = suite.load]() -> absl::StatusOr<Window> {
    Window window = ClosedLoop(*shared, load);
    window.rate *= each;
    return window;
  };
  return contender;
}

void AddRate(Suite& suite, const Contender& contender,
             const std::string& unit) {
  suite.table->Add({contender.name, contender.rate(), unit});
}

void AddLatency(Suite& suite, const Contender& contender) {
  suite.table->Add(
      {contender.name + ", p50", Median(contender.p50) * kMicro, "us"});
  suite.table->Add(
      {contender.name + ", p99", Median(contender.p99) * kMicro, "us"});
}

std::string CountName(int64_t count) {
  if (count % 1'000'000 == 0) return fmt::format("{}M", count / 1'000'000);
  if (count % 1000 == 0) return fmt::format("{}k", count / 1000);
  return fmt::format("{}", count);
}

}  // namespace sheaf::bench
