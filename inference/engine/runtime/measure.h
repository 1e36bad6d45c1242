// What a model takes on this device: steps of few and many rows, controls,
// prompts, pictures, its own loading. Measured figure by figure, so that a
// worker can do other work in between.
//
// Nothing here shows LibTorch. One thread, the studio's; the studio must
// outlive it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/engine/runtime/order.h"

namespace sheaf::engine {

class Row;
class Shelf;

struct MeasureOrder {
  ModelPlace model;
  std::map<std::string, std::string> controls;  // Folder by type.
  int width = 0;                                // 0: the model's own.
  int height = 0;
  // What is not begun by then is left out, but for the least that a profile
  // needs. Time between two calls of Advance() does not count.
  absl::Duration budget = absl::Seconds(20);
  // Of how many rows a step is to be timed next, by those timed (ms).
  std::function<std::optional<int>(const std::map<int, double>&)> next_rows;
  bool self_test = true;
};

// Milliseconds: medians of few.
struct Measurements {
  int width = 0;
  int height = 0;
  bool own_size = false;        // The model's.
  std::map<int, double> steps;  // By UNet rows: a guided run is two.
  // What a control adds to a step, by its rows, by type.
  std::map<std::string, std::map<int, double>> controls;
  std::map<int, double> encodes;  // By runs that begin.
  double decode = 0;              // Of one picture, up to its file.
  double load = 0;
  // False where rows that stepped together were not what they are alone: from
  // then on the studio steps them one by one.
  bool rows_agree = true;
  std::vector<std::string> left_out;  // "steps of 16 rows: memory"
};

class Measuring {
 public:
  Measuring(Shelf* shelf, MeasureOrder order);
  ~Measuring();

  // Finds one more figure; false once there is none left. The errors of loading
  // and of steps; there is no more to be had then.
  absl::StatusOr<bool> Advance();
  const Measurements& found() const { return found_; }

 private:
  struct Bench;
  // A figure to find, and whether a profile is nothing without it.
  struct Figure {
    std::string name;
    bool needed = false;
    std::function<absl::Status()> find;
  };

  absl::Status Load();
  absl::Status TestRows();
  absl::Status TimeEncode(int runs);
  absl::Status TimeDecode();
  absl::Status TimeStep(int rows);
  absl::Status TimeControl(const std::string& type, const std::string& folder,
                           int rows);
  void PlanStep();
  void PlanControls();
  absl::StatusOr<double> Median(const std::function<absl::Status()>& action);
  // Of a step of so many copies of the row.
  absl::StatusOr<double> MedianStep(const Row& row, int rows);

  const MeasureOrder order_;
  std::unique_ptr<Bench> bench_;
  std::vector<Figure> figures_;  // Still to be found, the next one last.
  absl::Duration spent_;
  Measurements found_;
};

}  // namespace sheaf::engine
