// One worker's part of one global batch, read and transformed: numbers, bags of keys, labels.
// A plain value; whoever holds it owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "common/hash.h"

namespace cairn::features {

// How far one virtual reader has come in an epoch. Only the source of records that gave it knows
// what the two words mean; zeros are the beginning. Kept in checkpoints.
struct ReaderPosition {
  uint32_t first = 0;
  uint32_t second = 0;
  friend bool operator==(const ReaderPosition&, const ReaderPosition&) = default;
};

// The ids of one id feature: sample s holds occurrences [offsets[s], offsets[s + 1]).
struct Bag {
  std::vector<uint32_t> offsets;  // [samples + 1]
  std::vector<uint32_t> index;    // [occurrences], into Batch::keys of the feature's table
};

// The pictures of one image feature. Only the place is there: no job can name an image feature yet,
// and nothing is decoded. Decoding and augmentation come with their own issue.
struct Images {
  uint32_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;  // [samples, height, width, channels], row-major
};

struct Batch {
  uint32_t samples = 0;
  std::vector<float> dense;    // [samples, dense columns], row-major
  std::vector<float> labels;   // [samples, tasks]
  std::vector<float> weights;  // [samples, tasks], of losses; empty: all 1
  // [samples]: names of samples that stay the same in every epoch; of text files the byte offset in
  // the concatenation of all.
  std::vector<uint64_t> sample_ids;
  std::vector<Bag> bags;               // one per id feature, in the job's order
  std::vector<std::vector<Key>> keys;  // one per table: unique, ascending
  std::vector<Images> images;          // one per image feature, in the job's order; none today
  // After this batch, of the worker's own readers, in order.
  std::vector<ReaderPosition> positions;
  uint64_t bad_samples = 0;  // met by this worker in this epoch up to the end of this batch
};

}  // namespace cairn::features
