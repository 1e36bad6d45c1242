#include "cli/commands/completion.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr int kJobsMax = 50;

// The kind of value that a flag or a positional takes.
struct Value {
  enum Kind { kNothing, kText, kFile, kDirectory, kLive, kChoice };
  Kind kind = kNothing;
  std::string words;  // kLive: "jobs"; kChoice: "low normal high".
};

struct Flag {
  std::vector<std::string> names;  // With dashes.
  std::string description;
  Value value;
};

struct Node {
  std::string path;                                        // "sheaf job submit"
  std::vector<std::pair<std::string, std::string>> verbs;  // Name, description.
  std::vector<Flag> flags;  // With those of its parents.
  Value positional;
};

Value ValueOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string type = option.get_type_name();
  const std::vector<std::string> choices = ChoiceWords(type);
  if (!choices.empty()) return {Value::kChoice, absl::StrJoin(choices, " ")};
  if (type == "FILE") return {Value::kFile, ""};
  if (type == "DIR") return {Value::kDirectory, ""};
  if (type == "JOB") return {Value::kLive, "jobs"};
  if (type == "QUEUE") return {Value::kLive, "queues"};
  if (type == "WORKER") return {Value::kLive, "workers"};
  return {Value::kText, ""};
}

void AddFlags(const CLI::App* app, Node* node) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (!option->nonpositional()) {
        if (node->positional.kind == Value::kNothing) {
          node->positional = ValueOf(*option);
        }
        continue;
      }
      Flag flag{.description = option->get_description(),
                .value = ValueOf(*option)};
      for (const auto& name : option->get_snames()) {
        flag.names.push_back("-" + name);
      }
      for (const auto& name : option->get_lnames()) {
        flag.names.push_back("--" + name);
      }
      // Each level has its own --help.
      const bool again = absl::StrContains(option->get_name(), "--help") &&
                         !node->flags.empty() && app->get_parent() != nullptr;
      if (!again) node->flags.push_back(std::move(flag));
    }
  }
}

void Walk(const CLI::App& app, const std::string& path,
          std::vector<Node>* nodes) {
  Node node{.path = path};
  for (const CLI::App* sub : Shown(app)) {
    node.verbs.emplace_back(sub->get_name(), sub->get_description());
  }
  AddFlags(&app, &node);
  nodes->push_back(std::move(node));
  for (const CLI::App* sub : Shown(app)) {
    Walk(*sub, absl::StrCat(path, " ", sub->get_name()), nodes);
  }
}

// Inside single quotes, for sh, zsh and fish alike.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "’"}}), "'");
}

std::string FlagNames(const Node& node) {
  std::vector<std::string> names;
  for (const Flag& flag : node.flags) {
    for (const std::string& name : flag.names) names.push_back(name);
  }
  return absl::StrJoin(names, " ");
}

std::string VerbNames(const Node& node) {
  return absl::StrJoin(node.verbs, " ", [](std::string* out, const auto& verb) {
    out->append(verb.first);
  });
}

// The cases that follow the words typed so far down the tree.
std::string PathCases(const std::vector<Node>& nodes,
                      const std::string& indent) {
  std::string cases;
  for (const Node& node : nodes) {
    for (const auto& [verb, description] : node.verbs) {
      absl::StrAppend(&cases, indent, Quoted(node.path + ":" + verb),
                      ") at=", Quoted(node.path + " " + verb), " ;;\n");
    }
  }
  return cases;
}

// The flags that take a value, as patterns of a case: their values are no
// verbs.
std::string ValuePatterns(const std::vector<Node>& nodes) {
  std::vector<std::string> names;
  for (const Node& node : nodes) {
    for (const Flag& flag : node.flags) {
      if (flag.value.kind == Value::kNothing) continue;
      for (const std::string& name : flag.names) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
          names.push_back(name);
        }
      }
    }
  }
  return absl::StrJoin(names, "|");
}

// The two shells differ only in how a word list or a file becomes an answer.
struct ShellWords {
  std::string (*words)(const std::string& list);
  const char* files;
  const char* directories;
};

std::string BashWords(const std::string& list) {
  return absl::StrCat("COMPREPLY=($(compgen -W ", list, " -- \"$cur\"))");
}
// zsh splits ${=...} only where it is not quoted.
std::string ZshWords(const std::string& quoted) {
  const std::string list = quoted.substr(1, quoted.size() - 2);
  return absl::StrCat("compadd -- ${=:-", list, "}");
}

constexpr ShellWords kBash = {BashWords,
                              "COMPREPLY=($(compgen -f -- \"$cur\"))",
                              "COMPREPLY=($(compgen -d -- \"$cur\"))"};
constexpr ShellWords kZsh = {ZshWords, "_files", "_files -/"};

std::string Answer(const Value& value, const ShellWords& shell) {
  switch (value.kind) {
    case Value::kFile:
      return shell.files;
    case Value::kDirectory:
      return shell.directories;
    case Value::kLive:
      return shell.words(absl::StrCat("\"$(sheaf __complete ", value.words,
                                      " 2>/dev/null)\""));
    case Value::kChoice:
      return shell.words(absl::StrCat("\"", value.words, "\""));
    default:
      return ":";
  }
}

// The body both shells share: `$at` is where we are, `$prev` and `$cur` the
// words before and under the cursor.
std::string Answers(const std::vector<Node>& nodes, const ShellWords& shell) {
  std::string text = "  case \"$at:$prev\" in\n";
  for (const Node& node : nodes) {
    for (const Flag& flag : node.flags) {
      if (flag.value.kind == Value::kNothing) continue;
      for (const std::string& name : flag.names) {
        absl::StrAppend(&text, "    ", Quoted(node.path + ":" + name), ") ",
                        Answer(flag.value, shell), "; return ;;\n");
      }
    }
  }
  absl::StrAppend(&text, "  esac\n  case \"$at:$cur\" in\n");
  for (const Node& node : nodes) {
    absl::StrAppend(&text, "    ", Quoted(node.path + ":-"), "*) ",
                    shell.words("\"" + FlagNames(node) + "\""), " ;;\n");
    const std::string rest = node.verbs.empty()
                                 ? Answer(node.positional, shell)
                                 : shell.words("\"" + VerbNames(node) + "\"");
    absl::StrAppend(&text, "    ", Quoted(node.path + ":"), "*) ", rest,
                    " ;;\n");
  }
  return absl::StrCat(text, "  esac\n");
}

std::string BashScript(const std::vector<Node>& nodes) {
  return absl::StrCat(
      "# bash completion for sheaf; made by 'sheaf completion bash'.\n"
      "_sheaf() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local at=sheaf i word\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$word\" in ",
      ValuePatterns(nodes),
      ") ((i++)); continue ;; esac\n"
      "    case \"$at:$word\" in\n",
      PathCases(nodes, "      "),
      "    esac\n"
      "  done\n",
      Answers(nodes, kBash),
      "}\n"
      "complete -F _sheaf sheaf\n");
}

std::string ZshScript(const std::vector<Node>& nodes) {
  return absl::StrCat(
      "#compdef sheaf\n"
      "# zsh completion for sheaf; made by 'sheaf completion zsh'.\n"
      "_sheaf() {\n"
      "  local cur=${words[CURRENT]} prev=${words[CURRENT-1]}\n"
      "  local at=sheaf word\n"
      "  integer i\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    word=${words[i]}\n"
      "    case \"$word\" in ",
      ValuePatterns(nodes),
      ") ((i++)); continue ;; esac\n"
      "    case \"$at:$word\" in\n",
      PathCases(nodes, "      "),
      "    esac\n"
      "  done\n",
      Answers(nodes, kZsh),
      "}\n"
      "if [ \"$funcstack[1]\" = _sheaf ]; then _sheaf \"$@\"; else compdef "
      "_sheaf sheaf; fi\n");
}

std::string FishValue(const Value& value) {
  switch (value.kind) {
    case Value::kNothing:
      return "";
    case Value::kFile:
      return " -r -F";
    case Value::kDirectory:
      return " -x -a '(__fish_complete_directories)'";
    case Value::kLive:
      return absl::StrCat(" -x -a '(sheaf __complete ", value.words,
                          " 2>/dev/null)'");
    case Value::kChoice:
      return absl::StrCat(" -x -a ", Quoted(value.words));
    case Value::kText:
      return " -x";
  }
  return "";
}

std::string FishScript(const std::vector<Node>& nodes) {
  std::string text = absl::StrCat(
      "# fish completion for sheaf; made by 'sheaf completion fish'.\n"
      "function __sheaf_at\n"
      "  set -l at sheaf\n"
      "  set -l skip 0\n"
      "  for word in (commandline -opc)[2..]\n"
      "    if test $skip = 1\n"
      "      set skip 0\n"
      "      continue\n"
      "    end\n"
      "    switch \"$at:$word\"\n");
  for (const Node& node : nodes) {
    for (const auto& [verb, description] : node.verbs) {
      absl::StrAppend(&text, "      case ", Quoted(node.path + ":" + verb),
                      "\n        set at ", Quoted(node.path + " " + verb),
                      "\n");
    }
  }
  std::string skipped = ValuePatterns(nodes);
  skipped = absl::StrReplaceAll(skipped, {{"|", " '*:"}});
  absl::StrAppend(&text, "      case ",
                  absl::StrReplaceAll("'*:" + skipped + "'", {{" '", "' '"}}),
                  "\n        set skip 1\n    end\n  end\n"
                  "  test \"$at\" = \"$argv[1]\"\nend\n"
                  "complete -c sheaf -f\n");
  for (const Node& node : nodes) {
    const std::string here = absl::StrCat("complete -c sheaf -n \"__sheaf_at ",
                                          Quoted(node.path), "\"");
    for (const auto& [verb, description] : node.verbs) {
      absl::StrAppend(&text, here, " -a ", verb, " -d ", Quoted(description),
                      "\n");
    }
    if (node.verbs.empty() && node.positional.kind != Value::kNothing) {
      absl::StrAppend(&text, here,
                      absl::StrReplaceAll(FishValue(node.positional),
                                          {{" -r -F", " -F"}, {" -x", ""}}),
                      "\n");
    }
    for (const Flag& flag : node.flags) {
      text += here;
      for (const std::string& name : flag.names) {
        absl::StrAppend(&text, name[1] == '-' ? " -l " + name.substr(2)
                                              : " -s " + name.substr(1));
      }
      absl::StrAppend(&text, FishValue(flag.value), " -d ",
                      Quoted(flag.description), "\n");
    }
  }
  return text;
}

// A shell expands the names it is given, so a false server at the port could
// name a queue by a command.
bool IsPlain(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
           c == '-';
  });
}

template <class Names>
std::string Lines(const Names& resources, const std::string& prefix) {
  std::string text;
  for (const auto& resource : resources) {
    const absl::string_view name = absl::StripPrefix(resource.name(), prefix);
    if (IsPlain(name)) absl::StrAppend(&text, name, "\n");
  }
  return text;
}

}  // namespace

std::string CompletionScript(const CLI::App& root, const std::string& shell) {
  std::vector<Node> nodes;
  Walk(root, "sheaf", &nodes);
  if (shell == "zsh") return ZshScript(nodes);
  if (shell == "fish") return FishScript(nodes);
  return BashScript(nodes);
}

absl::StatusOr<std::string> LiveNames(Context& context,
                                      const std::string& kind) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  // The user is waiting at the prompt.
  const absl::Duration less =
      std::min(absl::ZeroDuration(), kPatience - client->timeout());
  if (kind == "queues") {
    SHEAF_ASSIGN_OR_RETURN(
        const auto queues,
        client->Call<v1::ListQueuesResponse>("sheaf.v1.QueueService/ListQueues",
                                             v1::ListQueuesRequest(), less));
    return Lines(queues.queues(), "queues/");
  }
  if (kind == "workers") {
    SHEAF_ASSIGN_OR_RETURN(const auto workers,
                           client->Call<v1::ListWorkersResponse>(
                               "sheaf.v1.AdminService/ListWorkers",
                               v1::ListWorkersRequest(), less));
    return Lines(workers.workers(), "workers/");
  }
  v1::ListJobsRequest request;
  request.set_page_size(kJobsMax);
  SHEAF_ASSIGN_OR_RETURN(const auto jobs,
                         client->Call<v1::ListJobsResponse>(
                             "sheaf.v1.JobService/ListJobs", request, less));
  return Lines(jobs.jobs(), "jobs/");
}

}  // namespace sheaf::cli
