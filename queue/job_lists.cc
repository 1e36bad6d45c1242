#include "queue/job_lists.h"

#include <algorithm>
#include <chrono>

#include "queue/run_fields.h"

namespace sheaf {
namespace {

// A value's name and its few bytes of form, or a number.
constexpr int64_t kFieldBytes = 16;

// How many jobs are fetched at once, and how many a filter looks at between two
// looks at the clock, divided by the number of its terms.
constexpr int kFetch = 100;
constexpr int64_t kLooks = 20'000;

int64_t TermsOf(const FilterExpr& filter) {
  if (filter.kind == FilterExpr::Kind::kTerm) return 1;
  int64_t terms = 0;
  for (const FilterExpr& child : filter.children) terms += TermsOf(child);
  return terms;
}

int64_t Size(const std::string& text) {
  return static_cast<int64_t>(text.size());
}

// The bytes that a member of a request takes in an answer, about.
template <class T>
int64_t MemberBytes(const std::optional<T>& value) {
  return value ? kFieldBytes : 0;
}
int64_t MemberBytes(const std::optional<std::string>& text) {
  return text ? Size(*text) + kFieldBytes : 0;
}
int64_t MemberBytes(const std::vector<std::string>& texts) {
  int64_t bytes = 0;
  for (const std::string& text : texts) bytes += Size(text) + kFieldBytes;
  return bytes;
}
int64_t MemberBytes(const std::vector<Control>& controls) {
  int64_t bytes = 0;
  for (const Control& control : controls) {
    bytes += Size(control.type) + Size(control.image) +
             Size(control.preprocess) + 5 * kFieldBytes;
  }
  return bytes;
}
int64_t MemberBytes(const std::vector<Lora>& loras) {
  int64_t bytes = 0;
  for (const Lora& lora : loras) bytes += Size(lora.name) + kFieldBytes;
  return bytes;
}
int64_t MemberBytes(const std::map<std::string, double>& weights) {
  int64_t bytes = 0;
  for (const auto& entry : weights) bytes += Size(entry.first) + kFieldBytes;
  return bytes;
}
int64_t MemberBytes(const std::map<std::string, std::string>& extra) {
  int64_t bytes = 0;
  for (const auto& [key, value] : extra) {
    bytes += Size(key) + Size(value) + kFieldBytes;
  }
  return bytes;
}

}  // namespace

JobPage ListJobs(JobReads& jobs, const JobQuery& query,
                 const PageLimits& limits) {
  const auto begin = std::chrono::steady_clock::now();
  const int64_t terms = query.filter ? TermsOf(*query.filter) : 0;
  const int64_t window = terms > 0 ? std::max<int64_t>(kLooks / terms, 1) : 0;
  const int64_t last_job = jobs.LastJob().value;
  JobPage page;
  int64_t bytes = 0;
  int64_t after =
      query.after ? query.after->value : (query.ascending ? 0 : last_job + 1);
  after = std::clamp<int64_t>(after, 0, last_job + 1);
  while (true) {
    JobQuery part = query;
    part.after = JobId{after};
    part.limit =
        std::min(kFetch, query.limit - static_cast<int>(page.jobs.size()));
    if (window > 0) {
      part.through =
          JobId{query.ascending ? after + window
                                : std::max<int64_t>(after - window, 1)};
    }
    std::vector<Job> found = jobs.Jobs(part);
    const bool whole = static_cast<int>(found.size()) < part.limit;
    for (Job& job : found) {
      bytes += BytesOf(job);
      if (bytes > limits.bytes_max && !page.jobs.empty()) {
        page.next = page.jobs.back().id;
        return page;
      }
      page.jobs.push_back(std::move(job));
    }
    if (!whole) {
      after = page.jobs.back().id.value;
      if (static_cast<int>(page.jobs.size()) == query.limit) break;
    } else if (window == 0) {
      return page;
    } else {
      after = part.through->value;
      if (query.ascending ? after >= last_job : after <= 1) return page;
    }
    if (window > 0 && absl::FromChrono(std::chrono::steady_clock::now() -
                                       begin) >= limits.time_max) {
      break;
    }
  }
  page.next = JobId{after};
  return page;
}

JobFacts FactsOf(const Job& job) {
  return {.id = job.id.value,
          .queue = job.queue,
          .kind = job.kind,
          .owner = job.owner,
          .request_id = job.request_id,
          .state = static_cast<int>(StateOf(job.counts)),
          .priority = static_cast<int>(job.priority),
          .create_time = job.create_time,
          .run_time = job.run_time,
          .end_time = job.end_time,
          .labels = &job.labels};
}

int64_t BytesOf(const Job& job) {
  int64_t bytes = 20 * kFieldBytes;
  for (const std::string* text :
       {&job.queue, &job.kind, &job.owner, &job.request_id}) {
    bytes += static_cast<int64_t>(text->size());
  }
  for (const auto& [key, value] : job.labels) {
    bytes += static_cast<int64_t>(key.size() + value.size()) + kFieldBytes;
  }
  return bytes;
}

int64_t BytesOf(const Run& run) {
  int64_t bytes = 12 * kFieldBytes + static_cast<int64_t>(run.worker.size());
  if (run.error) bytes += static_cast<int64_t>(run.error->message.size());
  for (const Output& output : run.outputs) {
    bytes += static_cast<int64_t>(output.artifact.size() + output.name.size() +
                                  output.media_type.size()) +
             3 * kFieldBytes;
  }
  return bytes;
}

int64_t BytesOf(const Attempt& attempt) {
  int64_t bytes = 8 * kFieldBytes + static_cast<int64_t>(attempt.worker.size());
  if (attempt.error) {
    bytes += static_cast<int64_t>(attempt.error->message.size());
  }
  return bytes;
}

int64_t BytesOf(const RunParams& params) {
  int64_t bytes = 2 * kFieldBytes;
  ForEachRunField(
      [&](const auto& field) { bytes += MemberBytes(params.*field.member); });
  return bytes;
}

}  // namespace sheaf
