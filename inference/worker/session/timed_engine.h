// An engine whose time and rows are counted: how long it has worked, and how
// many rows are on it.
//
// Owned by the session. Wraps the engine that it was given, which must outlive
// it. Used like every engine; any thread may call `worked` and `rows`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class TimedEngine : public Engine {
 public:
  explicit TimedEngine(Engine* engine) : engine_(engine) {}

  // The time that rows have taken of the engine's thread so far: adding,
  // stepping, saving and drawing them. A call that is under way does not count
  // yet.
  absl::Duration worked() const { return absl::Nanoseconds(worked_.load()); }

  // Rows alive or being taken on. If a call does not come back, one of them is
  // the reason.
  int rows() const { return rows_; }

  void SetFetchSaved(FetchSaved fetch) override {
    engine_->SetFetchSaved(std::move(fetch));
  }
  std::vector<v1::Device> Devices() const override {
    return engine_->Devices();
  }
  int64_t Add(const v1::LeasedBatch& batch) override {
    const Counted counted(&worked_);
    rows_ += batch.runs_size();
    try {
      return engine_->Add(batch);
    } catch (...) {
      rows_ -= batch.runs_size();
      throw;
    }
  }
  std::vector<RowEnd> Step() override {
    const Counted counted(&worked_);
    std::vector<RowEnd> ends = engine_->Step();
    rows_ -= static_cast<int>(ends.size());
    return ends;
  }
  RowSteps StepsOf(int64_t row) const override { return engine_->StepsOf(row); }
  v1::BatchMemory Memory() const override { return engine_->Memory(); }
  PngMaker Preview(int64_t row) override {
    const Counted counted(&worked_);
    return engine_->Preview(row);
  }
  int64_t Beats() const override { return engine_->Beats(); }
  absl::Status Health() const override { return engine_->Health(); }
  void Cancel(int64_t row) override {
    engine_->Cancel(row);
    --rows_;
  }
  std::string Save(int64_t row) override {
    const Counted counted(&worked_);
    return engine_->Save(row);
  }

 private:
  // Counts the time to the end of the block, also if that throws.
  class Counted {
   public:
    explicit Counted(std::atomic<int64_t>* nanoseconds)
        : nanoseconds_(nanoseconds) {}
    ~Counted() {
      *nanoseconds_ +=
          std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin_)
              .count();
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

   private:
    std::atomic<int64_t>* const nanoseconds_;
    const std::chrono::steady_clock::time_point begin_ =
        std::chrono::steady_clock::now();
  };

  Engine* const engine_;
  std::atomic<int64_t> worked_ = 0;
  std::atomic<int> rows_ = 0;
};

}  // namespace sheaf::worker
