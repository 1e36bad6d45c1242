// Files of prompts, one run a line: JSON Lines or CSV. Reads text that anybody
// may have written, so every input ends in runs or in a list of what is wrong
// with it. Pure functions, but for what the caller does with pictures.
//
// JSON Lines: each line is a RunRequest as API JSON ({"prompt": "a fox",
// "seed": "7", "weights": {"depth": 0.5}}), or just a prompt in quotes.
//
// CSV (RFC 4180): the first row names the fields: those of RunRequest that
// hold one value, "negative", "size" (512x768), "image", "control", "lora",
// "weights.TYPE" and "extra.KEY". An empty cell leaves its field unset. Cells
// may be quoted and then hold commas, line breaks and doubled quotes.
//
// Both: `instruction` and `input_images`, as lists of edits name them, are the
// prompt and the picture to start from. Such a list may hold several pictures,
// as "a.png;b.png", "a.png|b.png" or, in JSON, a list; a run takes one, so two
// are an error of their line.
//
// Both: UTF-8, a byte order mark and CRLF are taken, empty lines are skipped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/support/run_fields.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

enum class PromptsFormat { kJsonLines, kCsv };

// Largest file and most runs that are read.
inline constexpr size_t kPromptsBytesMax = 64 << 20;
inline constexpr size_t kPromptsRunsMax = 100000;

// Guesses by the file's name: *.csv is CSV, any other name JSON Lines. "-"
// (standard input) goes by its beginning: '{', or a line that is one text in
// quotes, is JSON Lines.
PromptsFormat GuessPromptsFormat(std::string_view file_name,
                                 std::string_view text);

// The runs, in order, or INVALID_ARGUMENT that names every bad line as
// "NAME:LINE: what is wrong", one a line. `find` is asked for each picture.
absl::StatusOr<std::vector<v1::RunRequest>> ParsePrompts(
    std::string_view file_name, PromptsFormat format, std::string_view text,
    const PictureCase& find = [](std::string*) { return absl::OkStatus(); });

}  // namespace sheaf::cli
