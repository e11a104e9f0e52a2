// The order of samples: a function of (seed, epoch) and the number V of virtual readers, never
// of the number of workers. The same for all sources of records.
//
// The blocks of the input are shuffled and dealt to the readers like cards; a reader takes its
// blocks in groups of four and shuffles the samples of each group. Unshuffled, a reader has
// consecutive blocks and keeps the order of the input, so that readers 0..V-1 after each other are
// the input.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "common/random.h"

namespace cairn::data {

inline constexpr uint32_t kBlocksPerGroup = 4;
inline constexpr uint32_t kBlocksPerReader = 64;  // at least; a source cuts its input accordingly

struct OrderKey {
  bool shuffle = false;
  uint64_t seed = 0;
  uint64_t epoch = 0;
};

// Source: Fisher and Yates, in the form of Durstenfeld, CACM 7 (1964).
template <typename T>
void shuffle(std::vector<T>& items, RandomStream random) {
  for (size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1], items[random.next_below(left)]);
}

// The blocks of one virtual reader in one epoch, and how their samples are shuffled.
struct OwnBlocks {
  uint32_t reader = 0;
  OrderKey order;
  std::vector<uint32_t> blocks;  // their numbers, in the order they are read

  uint32_t groups() const;
  std::span<const uint32_t> group(uint32_t group) const;  // the blocks of a group

  // `samples` of the group, in the order of its blocks: a place (or an index) of each. Shuffled in
  // place where the order says so.
  template <typename T>
  void shuffle_group(uint32_t group, std::vector<T>& samples) const {
    if (order.shuffle) shuffle(samples, group_stream(group));
  }

 private:
  RandomStream group_stream(uint32_t group) const;
};

// For each of the V readers, its blocks.
std::vector<OwnBlocks> deal_blocks(uint32_t blocks, uint32_t readers, const OrderKey& order);

// Readers [first, last) of worker `worker` of `workers`.
struct ReaderRange {
  uint32_t first, last;
};
ReaderRange readers_of(uint32_t worker, uint32_t workers, uint32_t readers);

// Samples that reader `reader` gives to a global batch of `batch_size` samples.
uint64_t share_of(uint32_t reader, uint32_t readers, uint64_t batch_size);

}  // namespace cairn::data
