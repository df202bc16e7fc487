#!/usr/bin/env bash
# Makes the folder of Python packages that the comparisons with llama.cpp need, built for this machine (some minutes).
# usage: set-up.sh FOLDER; the comparisons are then given FOLDER/bin/python.
set -euo pipefail
folder=${1:?usage: set-up.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$folder"

# GCC before 11.5, 12.4 and 13.3 breaks the peer's code for integer tiles; our own build has the same header.
header=$here/../../crates/ggml-sys/native/tile_configuration.h
cp "$header" "$folder/tile_configuration.h"
CXXFLAGS="${CXXFLAGS:-} -include $folder/tile_configuration.h" \
  "$folder/bin/pip" install --quiet --no-binary llama-cpp-python -r "$here/requirements.txt"
