// Runs as the planner sees them: fixed-size rows, and the tables of the values
// that many of them share. A million queued runs are a million Rows (48 bytes
// each) and as many Shapes as there are different requests. Values; one thread
// at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "batching/rows/model_table.h"
#include "batching/rows/request_fields.h"
#include "queue/types.h"

namespace sheaf::batching {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// One waiting run. Times are milliseconds since the epoch, as in the store.
struct Row {
  int64_t run = 0;  // RunId::value
  int64_t time = 0;
  int64_t deadline = kNever;  // start by then
  int64_t seed = 0;           // for Grouping::seed alone
  uint32_t shape = 0;
  uint32_t owner = 0;
  Priority priority = Priority::kNormal;

  RunId id() const { return RunId(run); }
  JobId job() const { return id().job(); }
};
static_assert(sizeof(Row) == 48);

// First in first out, as the queue leases: higher priority, then time, then id.
bool GoesBefore(const Row& a, const Row& b);

// A control and the steps [first, last) in which it is computed. It is live at
// step i of n while not (i/n < start or (i+1)/n > end).
struct ControlSpan {
  uint16_t control = 0;
  uint16_t first = 0;
  uint16_t last = 0;
  auto operator<=>(const ControlSpan&) const = default;
};
ControlSpan SpanOf(uint16_t control, int steps, double start, double end);

// Everything that the price of a row depends on: rows of one cost class can
// stand for each other.
struct CostClass {
  uint16_t steps = 0;
  uint16_t width = 1;                 // rows of the UNet: two with guidance
  std::vector<ControlSpan> controls;  // sorted
  uint32_t work = 0;                  // ShapeTable::work
  auto operator<=>(const CostClass&) const = default;
};

// The numbers that runs with equal requests (but for texts, seeds and pictures)
// share.
struct Shape {
  uint32_t key = 0;
  uint32_t signature = 0;
  uint32_t settings = 0;
  uint32_t cost = 0;
  bool operator==(const Shape&) const = default;
};

// The values that decide which profile prices a run.
struct Work {
  std::string model;
  int64_t width = 0;  // 0: the model's own
  int64_t height = 0;
  auto operator<=>(const Work&) const = default;
};

struct BatchKey {
  std::string text;  // canonical values of the hard fields
  std::string hash;  // of the text; the same in every process and release
  std::string model;
  std::string vae;
  int64_t width = 0;  // 0: the model's own
  int64_t height = 0;
  uint32_t loaded = 0;    // keys with equal numbers need no change of model
  uint32_t work = 0;      // ShapeTable::work
  bool disabled = false;  // one row at a time
};

// Gives the same number to the same thing. Grows only; numbers count from 0.
class ShapeTable {
 public:
  struct Options {
    // Null: nothing is known of any model.
    std::shared_ptr<const ModelTable> models;
    int steps_default = 20;  // where the model's facts name none either
    double guidance_default = 7.5;
  };
  ShapeTable() : ShapeTable(Options()) {}
  explicit ShapeTable(Options options);

  // Clients name controls as they like. At most this many names are told apart.
  static constexpr size_t kControlsMax = 0xffff;
  bool HasRoomFor(const RunParams& params) const;

  // The number of this request's shape, known or new. The kind must be
  // batchable, and there must be room.
  uint32_t Intern(const RunParams& params);

  const Shape& shape(uint32_t id) const { return shapes_[id]; }
  const BatchKey& key(uint32_t id) const { return keys_[id]; }
  const CostClass& cost(uint32_t id) const { return costs_[id]; }
  const Work& work(uint32_t id) const { return works_[id]; }
  // Names of controls with weight > 0, sorted.
  const std::vector<uint16_t>& signature(uint32_t id) const {
    return signatures_[id];
  }
  const std::string& control(uint16_t id) const { return controls_[id]; }
  size_t shapes() const { return shapes_.size(); }
  size_t keys() const { return keys_.size(); }
  size_t costs() const { return costs_.size(); }
  size_t works() const { return works_.size(); }
  size_t controls() const { return controls_.size(); }

 private:
  const ModelFacts& FactsOf(const RunParams& params) const;
  uint32_t InternKey(const RunParams& params);
  uint32_t InternWork(const BatchKey& key);
  uint32_t InternCost(const RunParams& params,
                      const std::vector<LiveControl>& live, uint32_t work);
  uint32_t InternSignature(const std::vector<LiveControl>& live);
  uint16_t InternControl(const std::string& name);

  Options options_;
  std::vector<Shape> shapes_;
  std::vector<BatchKey> keys_;
  std::vector<CostClass> costs_;
  std::vector<Work> works_;
  std::vector<std::vector<uint16_t>> signatures_;
  std::vector<std::string> controls_;
  absl::flat_hash_map<std::string, uint32_t> key_ids_;
  absl::flat_hash_map<std::string, uint32_t> settings_ids_;
  absl::flat_hash_map<std::string, uint32_t> loaded_ids_;
  absl::flat_hash_map<std::string, uint16_t> control_ids_;
  std::map<std::vector<uint16_t>, uint32_t> signature_ids_;
  std::map<CostClass, uint32_t> cost_ids_;
  std::map<Work, uint32_t> work_ids_;
  absl::flat_hash_map<std::string, uint32_t> shape_ids_;
  std::string text_;  // scratch
};

// Why a run is not planned.
enum class Unplanned {
  kKind = 1,        // enhancement, upscale, ...: runs as it came
  kNotQueued = 2,   // already running or ended
  kScheduled = 3,   // its run_time is to come
  kAlone = 4,       // ran out of memory or died before
  kTooVarious = 5,  // the queue names more controls than are told apart
  kNoWorker = 6,    // no worker that is here takes such runs
};

// How a reason is called in JSON, "not_queued", and what it says of such runs:
// "no longer waiting".
struct UnplannedWords {
  std::string_view name;
  std::string_view text;
};
const UnplannedWords& WordsOf(Unplanned why);

// The snapshot that a plan is made from. `rows` are in FIFO order once Sort
// was called.
struct RowSet {
  ShapeTable shapes;
  std::vector<Row> rows;
  std::vector<std::string> owners;
  std::map<Unplanned, int64_t> unplanned;

  // Adds a waiting run with its effective request, or counts why not. `kind`
  // is its lane's or job's.
  void Add(const Run& run, std::string_view kind, std::string_view owner,
           const RunParams& params, absl::Time now);
  uint32_t Owner(std::string_view name);
  // FIFO order. Linear where the rows already are.
  void Sort();

 private:
  absl::flat_hash_map<std::string, uint32_t> owner_ids_;
};

}  // namespace sheaf::batching
