#include "inference/worker/simulated/simulated_engine.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "absl/time/clock.h"
#include "base/status.h"
#include "fmt/format.h"
#include "inference/worker/simulated/simulated_picture.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

constexpr char kOwnFaultKey[] = "sim.fault";

std::string OwnFaultText(const v1::LeasedRun& run) {
  const auto& extra = run.request().extra();
  const auto found = extra.find(kOwnFaultKey);
  return found == extra.end() ? "" : found->second;
}

// Ends or hangs the process if the action says so; does nothing otherwise.
void StrikeProcess(FaultAction action) {
  if (action == FaultAction::kCrash) std::abort();
  if (action == FaultAction::kExit) std::_Exit(1);
  // A real hang never returns; a watcher has to end the process.
  while (action == FaultAction::kHang) absl::SleepFor(absl::Hours(1));
}

std::string SavedText(int step, int step_count) {
  return fmt::format("simulated: {} of {} steps", step, step_count);
}

}  // namespace

SimulatedEngine::SimulatedEngine(SimulatedEngineOptions options)
    : options_(std::move(options)) {}

std::vector<v1::Device> SimulatedEngine::Devices() const {
  v1::Device device;
  device.set_name("simulated");
  device.set_description("No device: takes time, draws patterns");
  device.set_memory_bytes(options_.memory_bytes);
  // The times that a real device has by its make.
  device.set_build(fmt::format(
      "{} a step, {} a further row",
      absl::FormatDuration(options_.time_scale * options_.step_time),
      absl::FormatDuration(options_.time_scale * options_.row_time)));
  return {device};
}

v1::Catalog SimulatedEngine::Catalog() const {
  v1::Catalog catalog;
  v1::CatalogModel* model = catalog.add_models();
  model->set_name("*");
  model->mutable_defaults()->set_steps(options_.steps_default);
  model->set_batching(v1::BATCH_CAPABILITY_FULL);
  return catalog;
}

std::vector<SimulatedEngine::RowFault> SimulatedEngine::FaultsFor(
    const v1::LeasedBatch& batch, int index, std::string* error) const {
  const v1::LeasedRun& run = batch.runs(index);
  const std::string own_text = OwnFaultText(run);
  if (options_.faults.empty() && own_text.empty()) return {};
  const FaultSubject subject = {run.run(), run.request().prompt(), index,
                                run.attempt()};
  std::vector<RowFault> faults;
  for (const Fault& fault : options_.faults) {
    if (Applies(fault, subject)) faults.push_back({fault, /*own=*/false});
  }
  if (!own_text.empty() && !options_.allow_faults) {
    *error = fmt::format(
        "extra '{}' is refused: this worker was not started with "
        "--allow-faults",
        kOwnFaultKey);
    return faults;
  }
  absl::StatusOr<std::vector<Fault>> own = ParseFaults(own_text);
  if (!own.ok()) {
    *error = std::string(own.status().message());
    return faults;
  }
  for (const Fault& fault : *own) {
    if (Applies(fault, subject)) faults.push_back({fault, /*own=*/true});
  }
  return faults;
}

SimulatedEngine::Row SimulatedEngine::MakeRow(
    std::shared_ptr<const v1::LeasedBatch> batch, int index) const {
  const v1::RunRequest& request = batch->runs(index).request();
  Row row;
  row.steps.step_count =
      request.has_steps() ? request.steps() : options_.steps_default;
  row.faults = FaultsFor(*batch, index, &row.fault_error);
  row.batch = std::move(batch);
  row.index = index;
  const std::string saved = SavedOf(*row.batch, index);
  if (saved.empty()) return row;
  for (int step = 1; step < row.steps.step_count; ++step) {
    if (saved == SavedText(step, row.steps.step_count)) row.steps.step = step;
  }
  if (row.steps.step == 0) {
    spdlog::warn(
        "{}: its checkpoint is not of this engine, so it starts from the "
        "beginning",
        row.batch->runs(index).run());
  }
  return row;
}

int64_t SimulatedEngine::Add(const v1::LeasedBatch& batch) {
  DropEndedRows();
  if (rows_.empty()) memory_.Clear();
  const auto shared = std::make_shared<const v1::LeasedBatch>(batch);
  // If memory ran out, the last group is the smallest.
  if (groups_.empty()) groups_.emplace_back();
  const int64_t first = next_row_;
  for (int index = 0; index < batch.runs_size(); ++index) {
    rows_.emplace(next_row_, MakeRow(shared, index));
    groups_.back().push_back(next_row_++);
  }
  return first;
}

RowSteps SimulatedEngine::StepsOf(int64_t row) const {
  const auto found = rows_.find(row);
  return found == rows_.end() ? RowSteps() : found->second.steps;
}

PngMaker SimulatedEngine::Preview(int64_t row) {
  const auto found = rows_.find(row);
  if (!options_.images || found == rows_.end()) return nullptr;
  const RowSteps& steps = found->second.steps;
  return DrawSimulatedPreview(
      *found->second.batch, found->second.index, options_.image_side_max,
      static_cast<double>(steps.step) / std::max(1, steps.step_count));
}

std::string SimulatedEngine::Save(int64_t row) {
  const RowSteps steps = StepsOf(row);
  return SavedText(steps.step, steps.step_count);
}

void SimulatedEngine::Cancel(int64_t row) {
  const auto found = rows_.find(row);
  if (found != rows_.end()) found->second.live = false;
}

void SimulatedEngine::Reach(FaultPoint point, const v1::LeasedBatch& batch) {
  for (int index = 0; index < batch.runs_size(); ++index) {
    std::string ignored;  // Step tells it as the row's end.
    for (const RowFault& candidate : FaultsFor(batch, index, &ignored)) {
      if (candidate.fault.point != point) continue;
      StrikeProcess(candidate.fault.action);
    }
  }
}

// All faults strike before any row advances, so that a step that throws loses
// the end of no finished row.
std::vector<RowEnd> SimulatedEngine::Step() {
  std::vector<RowEnd> ends;
  DropEndedRows();
  SplitUntilItFits(&ends);
  for (const Group& group : groups_) StrikeGroup(group, &ends);
  DropEndedRows();
  for (const Group& group : groups_) AdvanceGroup(group, &ends);
  DropEndedRows();
  return ends;
}

void SimulatedEngine::DropEndedRows() {
  for (Group& group : groups_) {
    std::erase_if(group, [this](int64_t row) { return !rows_.at(row).live; });
  }
  std::erase_if(groups_, [](const Group& group) { return group.empty(); });
  std::erase_if(rows_, [](const auto& row) { return !row.second.live; });
}

std::vector<SimulatedEngine::RowFault> SimulatedEngine::StrikingFaults(
    const Group& group, int64_t row) const {
  std::vector<RowFault> striking;
  for (const RowFault& candidate : rows_.at(row).faults) {
    if (StrikesAtStep(candidate.fault, rows_.at(row).steps.step + 1,
                      static_cast<int>(group.size()))) {
      striking.push_back(candidate);
    }
  }
  return striking;
}

bool SimulatedEngine::RunsOutOfMemory(const Group& group) const {
  const int64_t needed =
      options_.row_bytes * static_cast<int64_t>(group.size());
  if (options_.memory_bytes > 0 && needed > options_.memory_bytes) return true;
  return std::any_of(group.begin(), group.end(), [&](int64_t row) {
    const std::vector<RowFault> faults = StrikingFaults(group, row);
    return std::any_of(
        faults.begin(), faults.end(), [](const RowFault& candidate) {
          return candidate.fault.action == FaultAction::kOutOfMemory;
        });
  });
}

void SimulatedEngine::NoteMemory(int rows) {
  if (options_.row_bytes == 0) return;
  memory_.set_row_count(std::max(memory_.row_count(), rows));
  memory_.set_peak_bytes(memory_.row_count() * options_.row_bytes);
}

// Does what a real engine does when memory runs out: halves the group and lets
// the halves take this and all later steps one after the other. That costs
// nothing but time. A row that does not fit even alone fails.
void SimulatedEngine::SplitUntilItFits(std::vector<RowEnd>* ends) {
  std::vector<Group> waiting(groups_.rbegin(), groups_.rend());
  groups_.clear();
  while (!waiting.empty()) {
    Group group = std::move(waiting.back());
    waiting.pop_back();
    const int rows = static_cast<int>(group.size());
    if (!RunsOutOfMemory(group)) {
      NoteMemory(rows);
      groups_.push_back(std::move(group));
      continue;
    }
    if (memory_.ran_out_row_count() == 0 ||
        rows < memory_.ran_out_row_count()) {
      memory_.set_ran_out_row_count(rows);
    }
    if (group.size() == 1) {
      FailRow(group[0], v1::ERROR_CLASS_OUT_OF_MEMORY,
              "simulated: out of memory with one row", ends);
    } else {
      const auto middle = group.begin() + (group.size() + 1) / 2;
      waiting.emplace_back(middle, group.end());
      waiting.emplace_back(group.begin(), middle);
    }
  }
}

void SimulatedEngine::StrikeGroup(const Group& group,
                                  std::vector<RowEnd>* ends) {
  for (const int64_t row : group) {
    const int step = rows_.at(row).steps.step + 1;
    if (!rows_.at(row).fault_error.empty()) {
      FailRow(row, v1::ERROR_CLASS_BAD_INPUT, rows_.at(row).fault_error, ends);
      continue;
    }
    for (const auto& [fault, own] : StrikingFaults(group, row)) {
      StrikeProcess(fault.action);
      if (fault.action == FaultAction::kException) {
        std::string message =
            fmt::format("simulated: exception at step {}", step);
        if (!own) throw std::runtime_error(message);
        FailRow(row, v1::ERROR_CLASS_ENGINE, std::move(message), ends);
      } else if (fault.action == FaultAction::kNan) {
        FailRow(row, v1::ERROR_CLASS_ENGINE,
                fmt::format("simulated: NaN at step {}", step), ends);
      } else if (fault.action == FaultAction::kBadInput) {
        FailRow(row, v1::ERROR_CLASS_BAD_INPUT, "simulated: bad input", ends);
      } else if (fault.action == FaultAction::kFail) {
        FailRow(row, v1::ERROR_CLASS_TRANSIENT, "simulated: failure", ends);
      } else if (fault.action == FaultAction::kLost) {
        LoseDevice(ends);
      }
    }
  }
}

void SimulatedEngine::AdvanceGroup(const Group& group,
                                   std::vector<RowEnd>* ends) {
  const absl::Duration time =
      options_.time_scale *
      (options_.step_time +
       (static_cast<double>(group.size()) - 1) * options_.row_time);
  if (time > absl::ZeroDuration()) {
    options_.sleep ? options_.sleep(time) : absl::SleepFor(time);
  }
  for (const int64_t number : group) {
    Row& row = rows_.at(number);
    if (++row.steps.step < row.steps.step_count) continue;
    row.live = false;
    RowEnd end;
    end.row = number;
    if (options_.images) {
      absl::StatusOr<std::string> png =
          DrawSimulatedPicture(*row.batch, row.index, options_.image_side_max);
      if (png.ok()) {
        end.png = *std::move(png);
      } else {
        end.error_class = v1::ERROR_CLASS_ENGINE;
        end.error_message = std::string(png.status().message());
      }
    }
    ends->push_back(std::move(end));
  }
}

void SimulatedEngine::LoseDevice(std::vector<RowEnd>* ends) {
  health_ = absl::AbortedError("simulated: the device is lost");
  for (const auto& entry : rows_) {
    FailRow(entry.first, v1::ERROR_CLASS_TRANSIENT,
            std::string(health_.message()), ends);
  }
}

void SimulatedEngine::FailRow(int64_t row, v1::ErrorClass error_class,
                              std::string message, std::vector<RowEnd>* ends) {
  if (!rows_.at(row).live) return;  // The first of several faults is told.
  rows_.at(row).live = false;
  RowEnd end;
  end.row = row;
  end.error_class = error_class;
  end.error_message = std::move(message);
  ends->push_back(std::move(end));
}

}  // namespace sheaf::worker
