// Measures how much a flood from others slows a client that asks for one thing
// after another, beside the same flood against an echo server.
#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <thread>

#include "base/status.h"
#include "bench/submit_ops.h"
#include "bench/suite.h"

namespace sheaf::bench {
namespace {

constexpr double kTimesSlowerMax = 3;

// Keeps operations in flight until it is destroyed.
class Flood {
 public:
  explicit Flood(Operations operations)
      : operations_(std::move(operations)), thread_([this] { Run(); }) {}
  ~Flood() {
    over_ = true;
    thread_.join();
  }

 private:
  void Run() {
    while (!over_) {
      ClosedLoop(operations_, {.warm_up = absl::ZeroDuration(),
                               .window = absl::Milliseconds(200)});
    }
  }

  const Operations operations_;
  std::atomic<bool> over_ = false;
  std::thread thread_;  // last: it uses the rest
};

class Quiet {
 public:
  explicit Quiet(Suite* suite) : suite_(*suite) {}

  absl::Status Run() {
    SHEAF_ASSIGN_OR_RETURN(echo_, suite_.Serve("quiet-echo", /*echo=*/true));
    SHEAF_ASSIGN_OR_RETURN(server_, suite_.Serve("quiet"));
    SHEAF_ASSIGN_OR_RETURN(client_, server_->Connect(1));
    SHEAF_RETURN_IF_ERROR(Measure("alone").status());
    SHEAF_RETURN_IF_ERROR(Compare("unary, 256 in flight", [](Client* client) {
      return UnarySubmits(client, 256, 1);
    }));
    return Compare("by 4 streams, 2,048 in flight", [](Client* client) {
      return StreamSubmits(client, 2048, 4, 1);
    });
  }

 private:
  // The 99th percentile of the quiet client's submits.
  absl::StatusOr<double> Measure(const std::string& beside) {
    const Operations one = UnarySubmits(client_.get(), 1, 1);
    CountedLoop(one, suite_.Size(100, 10));
    const Window window = CountedLoop(one, suite_.Size(2000, 50));
    if (window.failures > 0) {
      return absl::InternalError(
          fmt::format("{} submits failed: {}", window.failures, TakeBlame()));
    }
    const double p99 = Percentile(window.latencies, 0.99);
    suite_.table->Add({fmt::format("quiet client, {}, p50", beside),
                       Percentile(window.latencies, 0.5) * 1e6, "us"});
    suite_.table->Add(
        {fmt::format("quiet client, {}, p99", beside), p99 * 1e6, "us"});
    return p99;
  }

  template <class Make>
  absl::StatusOr<double> Beside(const ServerProcess& flooded,
                                const std::string& what, Make make) {
    SHEAF_ASSIGN_OR_RETURN(const auto senders, flooded.Connect(64));
    const Flood flood(make(senders.get()));
    return Measure(what);
  }

  template <class Make>
  absl::Status Compare(const std::string& flood, Make make) {
    SHEAF_ASSIGN_OR_RETURN(
        const double echo,
        Beside(*echo_, fmt::format("echo flooded {}", flood), make));
    SHEAF_ASSIGN_OR_RETURN(
        const double itself,
        Beside(*server_, fmt::format("itself flooded {}", flood), make));
    suite_.table->Add(
        AtMost({fmt::format("quiet p99, itself / echo flooded {}", flood),
                itself / echo, "x"},
               kTimesSlowerMax, "a flood delays its sender", suite_.judge()));
    return absl::OkStatus();
  }

  Suite& suite_;
  std::unique_ptr<ServerProcess> echo_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace

absl::Status MeasureQuiet(Suite& suite) { return Quiet(&suite).Run(); }

}  // namespace sheaf::bench
