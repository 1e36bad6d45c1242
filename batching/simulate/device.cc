#include "batching/simulate/device.h"

#include <algorithm>

namespace sheaf::batching {

void VirtualDevice::Admit(absl::Span<const uint32_t> rows) {
  if (rows.empty()) return;
  const Shape& first = set_.shapes.shape(set_.rows[rows[0]].shape);
  const BatchKey& key = set_.shapes.key(first.key);
  const Profile& profile = model_.profile(key.work);
  const uint32_t needed = key.loaded;
  if (needed != loaded_) {
    if (loaded_ != kNothing) {
      ++swaps_;
      now_ms_ += profile.swap;
    }
    loaded_ = needed;
  }
  Spend(model_.correction() * profile.encode.At(static_cast<int>(rows.size())));
  for (const uint32_t row : rows) {
    const Shape& shape = set_.shapes.shape(set_.rows[row].shape);
    live_.push_back({row, &set_.shapes.cost(shape.cost), 0});
  }
}

double VirtualDevice::StepTime() {
  control_rows_.assign(set_.shapes.controls(), 0);
  int width = 0;
  for (const Live& live : live_) {
    width += live.cost->width;
    for (const ControlSpan& span : live.cost->controls) {
      if (live.step < span.first || live.step >= span.last) continue;
      control_rows_[span.control] += live.cost->width;
    }
  }
  const uint32_t work = live_[0].cost->work;
  double time = model_.Step(width, work);
  for (size_t i = 0; i < control_rows_.size(); ++i) {
    if (control_rows_[i] == 0) continue;
    const bool dense = computation_ == Computation::kDense;
    time += model_.Control(static_cast<uint16_t>(i),
                           dense ? width : control_rows_[i], work);
  }
  return time;
}

std::vector<VirtualDevice::Ended> VirtualDevice::Step() {
  std::vector<Ended> ended;
  if (live_.empty()) return ended;
  ++steps_;
  row_steps_ += live();
  Spend(StepTime());
  for (Live& live : live_) {
    if (++live.step < live.cost->steps) continue;
    Spend(model_.correction() * model_.profile(live.cost->work).decode.At(1));
    ended.push_back({live.row, now_ms_});
  }
  std::erase_if(live_,
                [](const Live& live) { return live.step >= live.cost->steps; });
  return ended;
}

}  // namespace sheaf::batching
