#include "queue/sqlite/row_json.h"

#include "base/json.h"
#include "queue/sqlite/connection.h"

namespace sheaf {
namespace {

Json Parse(std::string_view text) {
  absl::StatusOr<Json> json = Json::Parse(text);
  if (!json.ok()) {
    throw BrokenRow("a stored text is not JSON: " +
                    std::string(json.status().message()));
  }
  return *std::move(json);
}

const Json::Array& ArrayOf(const Json* json) {
  if (json == nullptr || json->array() == nullptr) {
    throw BrokenRow("a stored JSON text lacks an array");
  }
  return *json->array();
}

int64_t IntegerOf(const Json* json) {
  if (json == nullptr || !json->integer()) {
    throw BrokenRow("a stored JSON text lacks a number");
  }
  return *json->integer();
}

const std::string& TextOf(const Json* json) {
  if (json == nullptr || json->text() == nullptr) {
    throw BrokenRow("a stored JSON text lacks a text");
  }
  return *json->text();
}

// Puts `items`, each by `put`, in brackets.
template <class Items, class Put>
void AppendArray(const Items& items, std::string* out, Put put) {
  char separator = '[';
  for (const auto& item : items) {
    *out += separator;
    put(item);
    separator = ',';
  }
  *out += items.empty() ? "[]" : "]";
}

}  // namespace

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  JsonObject object(&text);
  for (const auto& [key, value] : labels) object.Text(key, value);
  object.Close();
  return text;
}

std::map<std::string, std::string> ParseLabels(std::string_view text) {
  std::map<std::string, std::string> labels;
  if (text == "{}") return labels;
  const Json json = Parse(text);
  if (json.object() == nullptr) throw BrokenRow("labels are no JSON object");
  for (const auto& [key, value] : *json.object()) labels[key] = TextOf(&value);
  return labels;
}

std::string ErrorText(const RunError& error) {
  std::string text;
  JsonObject object(&text);
  object.Integer("class", static_cast<int>(error.error_class));
  object.Text("message", error.message);
  object.Close();
  return text;
}

RunError ParseError(std::string_view text) {
  const Json json = Parse(text);
  return {static_cast<ErrorClass>(IntegerOf(json.Find("class"))),
          TextOf(json.Find("message"))};
}

std::string OutputsText(const std::vector<Output>& outputs) {
  std::string text;
  AppendArray(outputs, &text, [&](const Output& output) {
    JsonObject object(&text);
    object.Text("artifact", output.artifact);
    object.Text("name", output.name);
    object.Text("media_type", output.media_type);
    object.Close();
  });
  return text;
}

std::vector<Output> ParseOutputs(std::string_view text) {
  std::vector<Output> outputs;
  const Json json = Parse(text);
  for (const Json& item : ArrayOf(&json)) {
    outputs.push_back({TextOf(item.Find("artifact")), TextOf(item.Find("name")),
                       TextOf(item.Find("media_type"))});
  }
  return outputs;
}

std::string RunIdsText(const std::vector<RunId>& runs) {
  std::string text;
  AppendArray(runs, &text,
              [&](RunId run) { text += std::to_string(run.value); });
  return text;
}

std::vector<RunId> ParseRunIds(std::string_view text) {
  std::vector<RunId> runs;
  const Json json = Parse(text);
  for (const Json& item : ArrayOf(&json)) runs.emplace_back(IntegerOf(&item));
  return runs;
}

std::string RunPairsText(const std::map<RunId, RunId>& pairs) {
  std::vector<RunId> flat;
  for (const auto& [first, second] : pairs) {
    flat.push_back(first);
    flat.push_back(second);
  }
  return RunIdsText(flat);
}

std::map<RunId, RunId> ParseRunPairs(std::string_view text) {
  const std::vector<RunId> flat = ParseRunIds(text);
  if (flat.size() % 2 != 0) throw BrokenRow("half a pair of runs");
  std::map<RunId, RunId> pairs;
  for (size_t i = 0; i < flat.size(); i += 2) pairs[flat[i]] = flat[i + 1];
  return pairs;
}

std::string EventText(const Event& event) {
  std::string text;
  if (event.runs.empty() && event.ended.empty() && event.actor.empty() &&
      event.reason.empty()) {
    return text;
  }
  JsonObject object(&text);
  if (!event.runs.empty()) {
    object.Name("runs");
    AppendArray(event.runs, &text, [&](const RunChange& change) {
      JsonObject run(&text);
      run.Integer("id", change.run.value);
      run.Integer("state", static_cast<int>(change.state));
      run.Integer("attempt", change.attempt);
      if (change.error_class) {
        run.Integer("class", static_cast<int>(*change.error_class));
      }
      run.Close();
    });
  }
  if (!event.ended.empty()) {
    object.Name("ended");
    AppendArray(event.ended, &text, [&](const JobEnd& end) {
      JsonObject job(&text);
      job.Integer("job", end.job.value);
      job.Integer("state", static_cast<int>(end.state));
      job.Close();
    });
  }
  if (!event.actor.empty()) object.Text("actor", event.actor);
  if (!event.reason.empty()) object.Text("reason", event.reason);
  object.Close();
  return text;
}

void ParseEventText(std::string_view text, Event* event) {
  const Json json = Parse(text);
  if (const Json* runs = json.Find("runs")) {
    for (const Json& item : ArrayOf(runs)) {
      RunChange& change = event->runs.emplace_back();
      change.run = RunId(IntegerOf(item.Find("id")));
      change.state = static_cast<RunState>(IntegerOf(item.Find("state")));
      change.attempt = static_cast<int>(IntegerOf(item.Find("attempt")));
      if (const Json* error_class = item.Find("class")) {
        change.error_class = static_cast<ErrorClass>(IntegerOf(error_class));
      }
    }
  }
  if (const Json* ended = json.Find("ended")) {
    for (const Json& item : ArrayOf(ended)) {
      event->ended.push_back(
          {JobId{IntegerOf(item.Find("job"))},
           static_cast<JobState>(IntegerOf(item.Find("state")))});
    }
  }
  if (const Json* actor = json.Find("actor")) event->actor = TextOf(actor);
  if (const Json* reason = json.Find("reason")) event->reason = TextOf(reason);
}

}  // namespace sheaf
