// Which rows come when: a function of (seed, epoch) and the number V of virtual readers, never of
// the number of workers.
//
// The blocks of the input are shuffled and dealt to the readers like cards; a reader takes its
// blocks in groups of four and shuffles the lines of each group. Unshuffled, a reader has
// consecutive blocks and keeps the order of the file, so that readers 0..V-1 after each other are
// the input.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/data/text/text_input.h"
#include "worker/features/batch.h"

namespace cairn {

inline constexpr uint32_t kBlocksPerGroup = 4;

struct OrderKey {
  bool shuffle = false;
  uint64_t seed = 0;
  uint64_t epoch = 0;
};

// For each of the V readers, the numbers of its blocks, in the order they are read.
std::vector<std::vector<uint32_t>> deal_blocks(uint32_t blocks, uint32_t readers,
                                               const OrderKey& order);

// Readers [first, last) of worker `worker` of `workers`.
struct ReaderRange {
  uint32_t first, last;
};
ReaderRange readers_of(uint32_t worker, uint32_t workers, uint32_t readers);

// Rows that reader `reader` gives to a global batch of `batch_size` rows.
uint64_t share_of(uint32_t reader, uint32_t readers, uint64_t batch_size);

// One virtual reader in one epoch. Thread safety: none. `files` and `blocks` outlive it.
class LineReader {
 public:
  LineReader(std::span<const InputFile> files, std::span<const Block> blocks,
             std::vector<uint32_t> own_blocks, uint32_t reader, const OrderKey& order);

  // Goes to where `position()` once was, of any LineReader of the same input and order.
  // False if there is no such place.
  bool seek(ReaderPosition position);

  // The next line, or null at the end; valid until the next call.
  const Line* next();

  ReaderPosition position() const { return {group_, line_}; }

 private:
  uint32_t groups() const;
  void load_group();
  void prefetch(size_t line) const;

  std::span<const InputFile> files_;
  std::span<const Block> blocks_;
  std::vector<uint32_t> own_blocks_;
  uint32_t reader_;
  OrderKey order_;
  uint32_t group_ = 0, line_ = 0;
  bool loaded_ = false;
  std::vector<Line> lines_;  // of the group, shuffled
};

}  // namespace cairn
