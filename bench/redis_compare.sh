#!/bin/sh
# Redis beside a shard, over tcp loopback: MGET and MSET of the keys that `./dev bench shard --only tcp`
# pulls and pushes, first in memory only, then with an append-only file synced every second.
#   bench/redis_compare.sh [ROWS]
# Wants redis-server, g++ and hiredis (Debian: redis-server, libhiredis-dev), which Cairn does not need.
# CAIRN_REDIS_PORT: a free port on loopback; 16390 where nothing is said.
set -eu
cd "$(dirname "$0")/.."

rows=${1:-10000000}
port=${CAIRN_REDIS_PORT:-16390}

missing() {
  echo "redis_compare: $1; nothing is compared" >&2
  exit 1
}
command -v redis-server >/dev/null || missing "redis-server is not installed"
command -v g++ >/dev/null || missing "g++ is not installed"

folder=$(mktemp -d)
server=
end() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap end EXIT INT TERM

g++ -O3 -march=native -std=c++20 -I. bench/redis_client.cpp -o "$folder/client" -lhiredis \
  2>"$folder/errors" || missing "the client cannot be built: $(head -n 1 "$folder/errors")"

for append_only in no yes; do
  redis-server --bind 127.0.0.1 --port "$port" --dir "$folder" --save "" \
    --appendonly "$append_only" --appendfsync everysec --daemonize no >"$folder/log" 2>&1 &
  server=$!
  started=
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if grep -qs "Ready to accept connections" "$folder/log"; then started=1; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
  done
  [ -n "$started" ] || missing "redis-server did not start: $(tail -n 1 "$folder/log")"
  echo "Redis, append-only file: $append_only"
  "$folder/client" "$port" "$rows"
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
done

echo "Cairn, one shard (push: with Adagrad)"
program=build/release/bench/shard_bench
[ -x "$program" ] || missing "$program is not built: ./dev build"
"$program" --only tcp | grep 'over tcp' | sed 's/^/  /'
