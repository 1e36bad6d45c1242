// Which runs may go through the model together.
//
// All of it is derived from the table of a run's fields (queue/run_fields.h):
// the batch key and its hash (rows.h), the fields that must be equal in strict
// batches, too, and the explanation why run A does not go with run B. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queue/params.h"

namespace sheaf::batching {

// The differences that a model (as proven when it was loaded) allows in a
// batch.
enum class Capability {
  kFull = 1,         // each row has its own controls, weights and pictures
  kMultiImage = 2,   // own control pictures; types, weights, windows equal
  kSharedImage = 3,  // the control pictures are equal too
  kDisabled = 4,     // one row at a time
};

// The values that two runs must have in common. The key alone is the mixed
// rule; each flag adds to it.
struct Grouping {
  bool signature = false;  // the set of controls that have weight
  bool settings = false;   // steps, guidance, sampler
  bool seed = false;       // as the original's conservative keys had it
  bool operator==(const Grouping&) const = default;
};
inline constexpr Grouping kMixed = {};
inline constexpr Grouping kStrict = {.signature = true, .settings = true};

// A request and the defaults of its absent fields: an absent field and one that
// spells out its default are the same.
struct Request {
  std::string_view kind;
  const RunParams* params = nullptr;
  const RunParams* defaults = nullptr;
};

// Appends the canonical values of all hard fields; equal texts are one key. A
// capability below full adds the fields that it does not let differ.
void AppendKey(const Request& request, Capability capability, std::string* out);
// Appends the canonical steps, guidance and sampler.
void AppendSettings(const Request& request, std::string* out);

// A control as it takes effect: its weight with the plain map's on top,
// absent values filled in.
struct LiveControl {
  std::string type;
  double weight = 1;
  double start = 0;
  double end = 1;
};
// The controls with weight > 0, by type. A type that only the plain map names
// is live all the way.
std::vector<LiveControl> LiveControls(const RunParams& params);

// One field in which two runs differ, and the rules that this breaks.
struct Difference {
  std::string field;
  std::string a;
  std::string b;
  bool blocks_strict = false;
  bool blocks_mixed = false;
};

struct Explanation {
  std::vector<Difference> differences;
  bool strict = true;  // may share a strict batch
  bool mixed = true;
  // One line a field, and a verdict; for people.
  std::string Text() const;
};
// Why run a is not batched with run b, field by field.
Explanation Explain(const Request& a, const Request& b, Capability capability);

}  // namespace sheaf::batching
