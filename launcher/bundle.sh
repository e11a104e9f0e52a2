#!/bin/sh
# Packs the program and the tests of GPUs into one folder that runs on a machine with nothing but the
# NVIDIA driver: `bundle.sh BUILD FOLDER [--slim JOB DATA]`. Each program gets a starter in bin/, which
# finds the libraries beside it.
#
# --slim is for a machine that has the CUDA toolkit: stripped, without the toolkit's and NCCL's
# libraries, with one job and its data, as one compressed file FOLDER.tar.zst.
set -eu

usage() {
  echo "usage: bundle.sh BUILD FOLDER [--slim [JOB [DATA]]]" >&2
  exit 2
}
[ $# -ge 2 ] || usage
build=$1 folder=$2 slim=
shift 2
if [ "${1:-}" = --slim ]; then
  slim=1
  shift
fi
if [ $# -gt 2 ]; then usage; fi
if [ -z "$slim" ] && [ $# != 0 ]; then usage; fi

programs="launcher/cairn bench/gpu_bench tests/worker/math_ops_test tests/worker/math_models_test
tests/worker/gpu_test tests/worker/gpu_collective_test"

# Of the driver, which the machine brings.
is_left_out() { # library
  case $1 in
    libcuda.so.* | libnvidia-*) return 0 ;;
    *) return 1 ;;
  esac
}

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib" "$folder/programs"
for program in $programs; do
  [ -e "$build/$program" ] || { echo "bundle.sh: $build/$program is missing: ./dev build makes it" >&2; exit 1; }
  name=$(basename "$program")
  cp "$build/$program" "$folder/programs/$name"
  [ -z "$slim" ] || strip "$folder/programs/$name"
  ln -s start "$folder/bin/$name"
done

# What GPUs' jobs load when they want it.
if [ -z "$slim" ]; then
  for library in libcublasLt.so libnccl.so; do
    found=$(find "${CUDA_HOME:-/usr/local/cuda}/" -name "$library.[0-9]*" 2>/dev/null | sort | head -n 1)
    [ -z "$found" ] || cp -L "$found" "$folder/lib/$(basename "$found" | sed -E 's/(\.so\.[0-9]+).*/\1/')"
  done
fi

# What the programs and Open MPI's components want, their own libraries included.
components=$(dirname "$(ldd "$build/launcher/cairn" | awk '/libmpi.so/ { print $3 }')")/openmpi/lib/openmpi3
{ find "$folder/programs" -type f; [ ! -d "$components" ] || find "$components" -name '*.so'; } |
  while read -r file; do ldd "$file" 2>/dev/null || true; done |
  awk '/=> \// { print $3 } /^[ \t]*\/.*ld-linux/ { print $1 }' | sort -u |
  while read -r library; do
    name=$(basename "$library")
    is_left_out "$name" || cp -L "$library" "$folder/lib/$name"
  done
[ -z "$slim" ] || strip --strip-unneeded "$folder"/lib/*.so* 2>/dev/null || true

# With the system's C library, where it is no older than ours, so that its driver meets what it knows;
# else with the one that is here.
cat >"$folder/bin/start" <<'START'
#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
toolkit=${CUDA_HOME:-/usr/local/cuda}
path=$toolkit/lib64:$toolkit/targets/x86_64-linux/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# NCCL comes with the toolkit, or with PyTorch.
python_libraries=$(python3 -c 'import site
print(":".join(f"{p}/nvidia/{d}/lib" for p in site.getsitepackages() for d in ("nccl", "cu13")))' 2>/dev/null || true)
path=$path${python_libraries:+:$python_libraries}
program=$here/programs/$(basename "$0")
# Open MPI has no components here: a job of one process wants none.
export OMPI_MCA_mca_base_component_show_load_errors=0
newest=$(cat "$here/lib/c-library-version")
system=$(ldd --version 2>/dev/null | awk 'NR == 1 { print $NF }')
if [ -n "$system" ] && [ "$(printf '%s\n%s\n' "$newest" "$system" | sort -V | head -n 1)" = "$newest" ]; then
  export LD_LIBRARY_PATH="$here/lib/beside:$path"
  exec "$program" "$@"
fi
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib:$path" "$program" "$@"
START
chmod +x "$folder/bin/start"
ldd --version | awk 'NR == 1 { print $NF }' >"$folder/lib/c-library-version"
# All but the C library's own parts, which may not be mixed with another version's.
mkdir "$folder/lib/beside"
for library in "$folder"/lib/*.so*; do
  case $(basename "$library") in
    ld-linux* | libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.* | libresolv.so.*) ;;
    *) ln -s "../$(basename "$library")" "$folder/lib/beside/" ;;
  esac
done

if [ -n "$slim" ]; then
  if [ $# -gt 0 ]; then
    mkdir -p "$folder/job"
    cp "$1" "$folder/job/job.yaml"
    [ $# -lt 2 ] || cp -r "$2" "$folder/job/data"
  fi
  tar -C "$(dirname "$folder")" -c "$(basename "$folder")" | zstd -q -12 -T0 -f -o "$folder.tar.zst"
  du -h "$folder.tar.zst"
else
  du -sh "$folder"
fi
