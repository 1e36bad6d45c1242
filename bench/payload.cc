#include "bench/payload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

namespace sheaf::bench {
namespace {

constexpr char kPrompt[] =
    "a lighthouse on a basalt cliff at first light, long exposure, low fog in "
    "the bay, gulls, film grain, wide angle, ";

// A bijection that leaves no order (the finaliser of splitmix64).
uint64_t Scatter(uint64_t n) {
  n += 0x9e3779b97f4a7c15u;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
  n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
  return n ^ (n >> 31);
}

}  // namespace

pb::SubmitJobRequest MakeSubmit(int runs, size_t bytes) {
  pb::SubmitJobRequest request;
  request.set_request_id(NewRequestId());
  pb::JobSpec& job = *request.mutable_job();
  job.set_queue(kQueue);
  job.set_owner("bench");
  pb::RunRequest& shared = *job.mutable_shared();
  shared.set_steps(28);
  shared.set_guidance(7.5);
  shared.set_sampler("euler");
  shared.set_width(512);
  shared.set_height(512);
  shared.set_model("sd15");
  for (int i = 0; i < runs; ++i) job.add_runs()->set_seed(1'000'000 + i);
  std::string prompt = kPrompt;
  shared.set_prompt(prompt);
  while (request.ByteSizeLong() < bytes) {
    prompt += kPrompt[prompt.size() % (sizeof(kPrompt) - 1)];
    shared.set_prompt(prompt);
  }
  return request;
}

std::string NewRequestId() {
  static std::atomic<uint32_t> serial = 0;
  const uint64_t number = (static_cast<uint64_t>(getpid()) << 32) | ++serial;
  return fmt::format("{:016x}", Scatter(number));
}

}  // namespace sheaf::bench
