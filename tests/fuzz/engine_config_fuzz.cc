// Any text as a scheduler's configuration is refused, or compiles to a program
// of finite numbers or to an error.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/engine/schedule/compile.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/weights/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sheaf::engine;
  if (size < 2) return 0;
  const auto scheduler =
      static_cast<SchedulerClass>(data[0] % kSchedulerClassCount);
  CompileOptions options;
  options.steps = data[1] % 64;
  options.begin = data[1] / 64;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2,
                              size - 2);
  const auto config = Config::Parse(text, "fuzz");
  if (!config.ok()) return 0;
  ResolveScheduler("auto", *config, Config()).status().IgnoreError();
  const auto read = ReadSchedulerConfig(scheduler, *config);
  if (!read.ok()) return 0;
  const auto program = Compile(*read, options);
  if (!program.ok()) return 0;
  for (const Step& step : (*program)->steps) {
    for (const Step::Assignment& update : step.updates) {
      for (const double term : update.terms) {
        if (!std::isfinite(term)) std::abort();
      }
    }
  }
  return 0;
}
