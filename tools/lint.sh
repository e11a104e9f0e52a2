#!/bin/sh
# Format, clang-tidy, shell scripts, docs and comments; says all that is wrong, then fails.
#   tools/lint.sh BUILD [--all | FILE...]   clang-tidy reads FILEs; default: what changed since main
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
failed=0

sources() { git ls-files -co --exclude-standard -- '*.h' '*.cpp' '*.cu'; }

changed() {
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main)
  { git diff --name-only --diff-filter=d "$base" && git ls-files -o --exclude-standard; } |
    { grep '\.cpp$' || true; } | sort -u
}

# Those that the build compiles; headers come with the sources that include them. clang-tidy brings
# no omp.h, which one benchmark includes.
tidy() { # file...
  for file in "$@"; do
    [ "$file" != bench/step/floor.cpp ] || continue
    grep -q "\"$PWD/$file\"" "$build/compile_commands.json" || continue
    echo "$file"
  done | xargs -r -P 2 -n 4 clang-tidy-16 -p "$build" --quiet
}

echo "lint: format" >&2
sources | xargs clang-format --dry-run -Werror || failed=1

echo "lint: scripts" >&2
{ git ls-files -co --exclude-standard -- '*.sh' && echo dev; } | xargs shellcheck || failed=1

echo "lint: docs and comments" >&2
tools/lint.py || failed=1

echo "lint: clang-tidy" >&2
# Word splitting makes lists of names.
# shellcheck disable=SC2046
case ${1:-} in
  --all) set -- $(git ls-files '*.cpp') ;;
  '') set -- $(changed) ;;
esac
tidy "$@" || failed=1

[ $failed = 0 ] || echo "lint: failed" >&2
exit $failed
