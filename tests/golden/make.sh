#!/bin/sh
# Makes golden files with the code of another commit: make.sh SOURCE BUILD FOLDER
#   SOURCE  its tree;  BUILD  its build;  FOLDER  tests/golden/vN, which must not exist
set -eu
source=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ ! -e "$3" ] || { echo "make.sh: $3 is there: golden files are never made anew" >&2; exit 2; }
mkdir -p "$3/job"
folder=$(cd "$3" && pwd)

# The libraries of the tree come as often as they refer to each other.
g++ -std=c++20 -I"$source" "$here/make_log.cpp" -o "$folder/make_log" \
  "$build/ps/libcairn_ps.a" "$build/common/libcairn_common.a" "$build/common/libcairn_learning_rate.a" \
  -lzmq -lfmt -lspdlog -lyaml-cpp -lxxhash -lrocksdb -lz -lzstd -lprometheus-cpp-core -lpthread
"$folder/make_log" "$folder/log" >"$folder/log.txt"
rm -f "$folder/make_log" "$folder"/log/spare-*

cairn=$build/launcher/cairn
cp "$here/job.yaml" "$folder/job/"
cd "$folder/job"
"$cairn" gen-data --format csv --rows 512 --eval-rows 64 --cardinality 200 --output data
"$cairn" train --local job.yaml
checkpoint=$(echo runs/checkpoints/step-*)
mv "$checkpoint" checkpoint
"$cairn" inspect --digest --dense checkpoint >inspect.txt
mkdir -p runs/checkpoints && cp -r checkpoint "runs/checkpoints/$(basename "$checkpoint")"
"$cairn" predict --local job.yaml --output predictions.csv
basename "$checkpoint" >step.txt
rm -rf runs data/best.json data/cache
