// The unique keys of a batch: a table's rows are pulled once however often the batch names them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"

namespace cairn::features {

// For one table at a time: `begin`, then `add` for each of its features, then `finish`; after that
// `rank` turns the numbers that `add` gave out into positions among the unique keys.
// Keeps its memory from batch to batch. Thread safety: none.
class Deduplicator {
 public:
  // `occurrences`: how many keys will be added, at most.
  void begin(size_t occurrences);
  // numbers[i]: the number of keys[i], in order of first sight.
  void add(std::span<const Key> keys, std::span<uint32_t> numbers);
  // The unique keys, ascending.
  void finish(std::vector<Key>& unique);
  // In place: number of a key -> its position in `unique`.
  void rank(std::span<uint32_t> numbers) const;

 private:
  struct Seen {
    Key key;
    uint32_t number;
  };

  std::vector<uint32_t> slots_;  // open addressing: 1 + number, 0 where free
  uint64_t mask_ = 0;
  std::vector<Seen> seen_, sorted_;
  std::vector<uint32_t> bucket_, rank_;
};

}  // namespace cairn::features
