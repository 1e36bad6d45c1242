# What .ci/run and .ci/long have in common: phases with their times, builds and
# test programs whose results are counted, and the closing lines. Sourced by
# both, in the project's folder.

passed=0
failed=0
failures=()
log=$(mktemp)
# What failing tests printed: shown once more at the end, where it is found.
failing=$(mktemp)
trap 'rm -f "$log" "$failing"' EXIT

# Phases so far: each one's words, the second at which it began, and the minutes
# that it may take, where that is known.
phase_names=()
phase_starts=()
phase_budgets=()
# The phase whose turn it is, of those in $phases.
turn=

# budget PHASE: its minutes, from the lines "PHASE MINUTES" in $budgets.
budget() { sed -n "s/^$1 //p" <<<"${budgets:-}"; }

# minutes_left: what the phases from $turn on may take together.
minutes_left() {
  local each sum=0
  for each in ${phases#"${phases%%"$turn"*}"}; do
    sum=$((sum + $(budget "$each") + 0))
  done
  echo "$sum"
}

# phase WORDS: begins a phase, that of the last `wanted` before it, and says how
# long it may take.
phase() {
  local minutes='' may=''
  if [[ -n $turn ]]; then minutes=$(budget "$turn"); fi
  if [[ -n $minutes ]]; then
    may=": at most $minutes min, with all that follows $(minutes_left) min"
  fi
  printf '\n==== %02d:%02d  %s%s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" "$may"
  phase_names+=("$*")
  phase_starts+=("$SECONDS")
  phase_budgets+=("$minutes")
  turn=
}

wanted() {
  if [[ " $phases " != *" $1 "* ]]; then return 1; fi
  turn=$1
}

# fail WHAT: one failure that no test framework counted.
fail() {
  failed=$((failed + 1))
  failures+=("$1")
  echo "FAILED: $1"
}

# run_logged COMMAND...: shows its output and keeps it in $log.
run_logged() { "$@" 2>&1 | tee "$log"; }

# count_ctest WHAT STATUS: adds the summary of the ctest run in $log, or one
# failure where it never came to a summary.
count_ctest() {
  local summary skipped
  summary=$(sed -nE \
    's/^[0-9]+% tests passed, ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' \
    "$log" | tail -n 1)
  if [[ -z $summary ]]; then
    fail "$1 (did not come to run its tests)"
    return
  fi
  skipped=$(grep -c '\*\*\*Skipped' "$log")
  set -- "$1" "$2" $summary
  passed=$((passed + $4 - $3 - skipped))
  failed=$((failed + $3))
  if [[ $3 -gt 0 ]]; then
    failures+=("$1: $3 of $4 tests")
    keep_failing "$1"
  elif [[ $2 -ne 0 ]]; then
    fail "$1 (exit status $2)"
  fi
}

# keep_failing WHAT: the last lines of each failing test of the ctest run in
# $log. Tests run side by side, but ctest prints each one's output as a whole.
keep_failing() {
  awk -v what="$1" '
    function show(   i) {
      if (!failed) return
      print "-- " what ": " name
      for (i = (count > 60 ? count - 59 : 1); i <= count; ++i) print lines[i]
    }
    / Test +#[0-9]+: |^[0-9]+% tests passed/ {
      show()
      failed = /\*\*\*(Failed|Timeout|Exception|Not Run)/
      name = $0
      sub(/^.*Test +#/, "#", name)
      count = 0
      next
    }
    /^ *Start +[0-9]+: |^testing [0-9]+ of [0-9]+/ { next }
    { lines[++count] = $0 }' "$log" >>"$failing"
}

# count_gtest WHAT STATUS: the same for one GoogleTest program.
count_gtest() {
  local good bad
  good=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?.*/\1/p' "$log")
  bad=$(sed -nE 's/^\[  FAILED  \] ([0-9]+) tests?, .*/\1/p' "$log")
  passed=$((passed + ${good:-0}))
  if [[ ${bad:-0} -gt 0 ]]; then
    failed=$((failed + bad))
    failures+=("$1: $bad tests")
  elif [[ $2 -ne 0 ]]; then
    fail "$1 (exit status $2)"
  fi
}

# build PRESET TARGETS...: configures and builds, or counts a failure.
build() {
  local preset=$1
  shift
  if cmake --preset "$preset" >/dev/null &&
    "${fixed_addresses[@]}" tools/progress/progress.py \
      cmake --build --preset "$preset" --target "$@"
  then
    return 0
  fi
  fail "build of $preset"
  return 1
}

# fuzz PROGRAM SECONDS: its output goes to build/fuzz/logs/NAME, new inputs to
# the first folder, never into the checkout.
fuzz() {
  local name seeds=()
  name=$(basename "$1")
  mkdir -p "build/fuzz/corpus/$name"
  if [[ -d tests/fuzz/corpus/$name ]]; then seeds=("tests/fuzz/corpus/$name"); fi
  "$1" -max_total_time="$2" -print_final_stats=1 \
    -timeout=10 -rss_limit_mb=2048 -verbosity=1 \
    -artifact_prefix="build/fuzz/crashes/$name-" \
    "build/fuzz/corpus/$name" "${seeds[@]}" >"build/fuzz/logs/$name" 2>&1
  echo $? >"build/fuzz/logs/$name.rc"
}

# count_fuzz NAME: what became of it.
count_fuzz() {
  echo "-- $1"
  if [[ $(cat "build/fuzz/logs/$1.rc") == 0 ]]; then
    passed=$((passed + 1))
    grep -E 'stat::(number_of_executed_units|average_exec)' "build/fuzz/logs/$1"
  else
    tail -n 60 "build/fuzz/logs/$1"
    fail "fuzzer $1 (its input lies in build/fuzz/crashes)"
  fi
}

# fuzz_all SECONDS: every fuzzer that is built, one on each processor.
fuzz_all() {
  mkdir -p build/fuzz/crashes build/fuzz/logs
  local fuzzer fuzzers=(build/fuzz/bin/*_fuzz) begun=0 left
  for fuzzer in "${fuzzers[@]}"; do
    while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do wait -n; done
    left=$(((${#fuzzers[@]} - begun) * $1 / $(nproc)))
    begun=$((begun + 1))
    echo "fuzzing $begun of ${#fuzzers[@]}, about $left s left"
    fuzz "$fuzzer" "$1" &
  done
  wait
  for fuzzer in "${fuzzers[@]}"; do count_fuzz "$(basename "$fuzzer")"; done
}

# random_all OPERATIONS: tests whose name says Random take their length from
# SHEAF_RANDOM_OPS and print their seed.
random_all() {
  local program names programs=(build/dev/tests/*_tests) begun=0
  for program in "${programs[@]}"; do
    begun=$((begun + 1))
    names=$("$program" --gtest_list_tests --gtest_filter='*Random*' \
      2>/dev/null | grep -c '^  ')
    if [[ $names -eq 0 ]]; then continue; fi
    echo "random tests of $(basename "$program"), $begun of ${#programs[@]}"
    run_logged env SHEAF_RANDOM_OPS="$1" \
      timeout 3600 "$program" --gtest_filter='*Random*' --gtest_brief=1
    count_gtest "random $(basename "$program")" $?
  done
}

# finish: what failing tests printed, how long each phase took and whether that
# was too long, what failed, the counts. Its status is the script's.
finish() {
  phase "done"
  cat "$failing"
  local i seconds over
  for ((i = 0; i + 1 < ${#phase_names[@]}; ++i)); do
    seconds=$((phase_starts[i + 1] - phase_starts[i])) over=
    if [[ $seconds -gt $((${phase_budgets[i]:-1000} * 60)) ]]; then
      over=" (more than its ${phase_budgets[i]} min)"
    fi
    printf '%5d s  %s%s\n' "$seconds" "${phase_names[i]}" "$over"
  done
  printf '%5d s  in all\n' "$SECONDS"
  local failure
  for failure in "${failures[@]}"; do echo "failed: $failure"; done
  echo "$passed passed, $failed failed"
  # Nothing tested is nothing passed.
  [[ $failed -eq 0 && $passed -gt 0 ]]
}

# The thread sanitizer of GCC 12 gives up where the kernel randomises addresses
# widely; where we may, we ask it not to.
fixed_addresses=()
if setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); fi
