// A value for every row of a table, other than its default, so that tests can
// walk tables.
#pragma once

#include "queue/queue_settings.h"
#include "queue/run_fields.h"

namespace sheaf {

inline void SetSome(std::string* value) { *value = "ab"; }
inline void SetSome(int* value) { *value = 9; }
inline void SetSome(int64_t* value) { *value = 16; }
inline void SetSome(double* value) { *value = 0.75; }
inline void SetSome(bool* value) { *value = true; }
inline void SetSome(RandomMode* value) { *value = RandomMode::kPhilox; }
inline void SetSome(BatchPolicy* value) { *value = BatchPolicy::kAdaptive; }
inline void SetSome(Priority* value) { *value = Priority::kHigh; }
inline void SetSome(absl::Duration* value) { *value = absl::Minutes(7); }
template <class T>
void SetSome(std::optional<T>* value) {
  SetSome(&value->emplace());
}
inline void SetSome(std::vector<std::string>* texts) { *texts = {"ab", "cd"}; }
inline void SetSome(std::vector<Control>* controls) {
  *controls = {{.type = "depth", .weight = 0.5, .image = "cd", .end = 0.9}};
}
inline void SetSome(std::vector<Lora>* loras) { *loras = {{"ink", 0.8}}; }
inline void SetSome(std::map<std::string, double>* weights) {
  *weights = {{"depth", 0.3}};
}
inline void SetSome(std::map<std::string, std::string>* extra) {
  *extra = {{"k", "v"}};
}

// A request in which that field alone is set.
template <class T>
RunParams ParamsWith(T RunParams::*member) {
  RunParams params;
  SetSome(&(params.*member));
  return params;
}
// Settings that differ from the defaults in that one alone.
template <class T>
QueueSettings SettingsWith(T QueueSettings::*member) {
  QueueSettings settings;
  SetSome(&(settings.*member));
  return settings;
}

}  // namespace sheaf
