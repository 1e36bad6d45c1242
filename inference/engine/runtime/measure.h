// Measures what a model costs on this device: steps of few and many rows,
// controls, prompts, pictures, its own loading. It finds one figure at a time,
// so that a worker can do other work in between.
//
// This header does not include LibTorch. One thread, the runtime's; the runtime
// must outlive it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/engine/runtime/image_request.h"

namespace sheaf::engine {

class Row;
class ModelCache;

struct MeasureRequest {
  ModelPlace model;
  std::map<std::string, std::string> controls;  // Folder by type.
  int width = 0;                                // 0: the model's own.
  int height = 0;
  // A figure that is not begun within this time is left out, unless a profile
  // needs it. Time between two calls of Advance() does not count.
  absl::Duration budget = absl::Seconds(20);
  // Returns how many rows the next step to be timed has, from the steps timed
  // so far (milliseconds by rows). None: no more steps.
  std::function<std::optional<int>(const std::map<int, double>&)> next_rows;
  bool self_test = true;
};

// Milliseconds: medians of few.
struct Measurements {
  int width = 0;
  int height = 0;
  bool own_size = false;        // Whether this is the model's own size.
  std::map<int, double> steps;  // By UNet rows: a guided run is two.
  // The time that a control adds to a step, by type, then by rows.
  std::map<std::string, std::map<int, double>> controls;
  std::map<int, double> encodes;  // By runs that begin together.
  double decode = 0;              // One picture, up to its file.
  double load = 0;
  // False where rows that stepped together gave other results than rows that
  // stepped alone: from then on the runtime steps the model's rows one by one.
  bool rows_agree = true;
  std::vector<std::string> left_out;  // "steps of 16 rows: memory"
};

class Measuring {
 public:
  Measuring(ModelCache* cache, MeasureRequest wanted);
  ~Measuring();

  // Finds one more figure; false once none is left. The errors of loading and
  // of steps; after an error no figure is left.
  absl::StatusOr<bool> Advance();
  const Measurements& found() const { return found_; }

 private:
  struct Bench;
  // A figure to find, and whether a profile needs it.
  struct Figure {
    std::string name;
    bool needed = false;
    std::function<absl::Status()> find;
  };

  absl::Status Load();
  absl::Status WarmUp();
  absl::Status TestRows();
  absl::Status TimeEncode(int runs);
  absl::Status TimeDecode();
  absl::Status TimeStep(int rows);
  absl::Status TimeControl(const std::string& type, const std::string& folder,
                           int rows);
  void PlanStep();
  void PlanControls();
  // The median of what an action takes until the device has done it.
  absl::StatusOr<double> Median(const std::function<absl::Status()>& action);
  // The median of a step of `rows` copies of the row.
  absl::StatusOr<double> MedianStep(const Row& row, int rows);

  const MeasureRequest wanted_;
  std::unique_ptr<Bench> bench_;
  std::vector<Figure> figures_;  // Still to be found, the next one last.
  absl::Duration spent_;
  Measurements found_;
};

}  // namespace sheaf::engine
