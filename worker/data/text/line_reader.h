// The lines of one virtual reader in one epoch: its blocks in groups, each group shuffled.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/reader_order.h"
#include "worker/data/text/text_input.h"
#include "worker/features/batch.h"

namespace cairn::data {

// Thread safety: none. `input` outlives it.
class LineReader {
 public:
  LineReader(const TextInput& input, OwnBlocks own);

  // As RecordStream::seek.
  bool seek(features::ReaderPosition position);

  // The next line, or null at the end; valid until the next call.
  const Line* next();

  // The number of the group, and the lines taken from it.
  features::ReaderPosition position() const { return {group_, line_}; }

 private:
  void load_group();
  void prefetch(size_t line) const;

  const TextInput& input_;
  OwnBlocks own_;
  uint32_t group_ = 0, line_ = 0;
  bool loaded_ = false;
  std::vector<Line> lines_;  // of the group, shuffled
};

}  // namespace cairn::data
