#!/bin/bash
# Control weights with the model that comes with Sheaf.
#
#   weights.sh [FOLDER]      leaves its pictures in FOLDER [weights-out]
#
# Needs a server and a worker (sheafd --local-workers auto), and `sheaf` and
# `sheaf-engine` on the PATH. Makes a picture, then pictures of another prompt
# that follow its edges and its blur as far as the weights say. No control
# picture is made by hand: the worker derives them from the first picture, and
# keeps what it derived beside each picture.
set -euo pipefail
folder=${1:-weights-out}
mkdir -p "$folder"

# The pictures of a run lie in a folder of its name.
make() {
  local name=$1
  shift
  local job
  job=$(sheaf job submit --model shapes --steps 20 --guidance 3 --seed 7 \
    "$@" -o name)
  sheaf -q job wait "$job" > /dev/null
  sheaf -q job get "$job" --download "$folder/$name" > /dev/null
}

make first --prompt "a large red circle left of a small green square on a white background"

# With strength 1 nothing of the first picture is kept but what the controls say.
other=(--prompt "a large blue circle left of a small orange square on a black background"
  --init-image "$folder/first/run-0-image.png" --strength 1)
make none "${other[@]}"
make edge "${other[@]}" --weight edge=1
make both "${other[@]}" --weight vis=0.5 --weight edge=0.3

# The same by a control that names its detector and its picture.
make named "${other[@]:0:2}" \
  --control "edge=canny(low=100,high=200):1:$folder/first/run-0-image.png"

sheaf-engine sheet "$folder/sheet.png" --columns 4 \
  "$folder/first/run-0-image.png=the first picture" \
  "$folder/none/run-0-image.png=another prompt" \
  "$folder/edge/run-0-image.png=edge 1" \
  "$folder/edge/run-0-control-edge.png=its edges" \
  "$folder/both/run-0-image.png=vis 0.5, edge 0.3" \
  "$folder/both/run-0-control-edge.png=its edges" \
  "$folder/both/run-0-control-vis.png=its blur" \
  "$folder/named/run-0-image.png=edge=canny, named"
