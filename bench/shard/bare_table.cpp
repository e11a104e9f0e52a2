#include "bench/shard/bare_table.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "common/check.h"

namespace cairn {

namespace {
constexpr size_t kAhead = 16;
constexpr uint64_t kFillMaxPercent = 60;

uint64_t entries_for(uint64_t rows) { return std::bit_ceil(rows * 100 / kFillMaxPercent + 1); }
}  // namespace

BareTable::BareTable(uint64_t rows_max)
    : mask_(entries_for(rows_max) - 1),
      row_pages_(rows_max * kRowFloats * sizeof(float), /*huge=*/true),
      entry_pages_((mask_ + 1) * sizeof(uint64_t), /*huge=*/true),
      rows_(reinterpret_cast<float*>(row_pages_.data())),
      entries_(reinterpret_cast<uint64_t*>(entry_pages_.data())) {}

void BareTable::insert(Key key) {
  const uint64_t hash = hash_key(key);
  uint64_t at = hash & mask_;
  while (entries_[at] != 0) at = (at + 1) & mask_;
  float* its = row(used_);
  std::memcpy(its, &key, sizeof key);
  for (size_t i = 0; i < 2 * kDim; ++i) its[4 + i] = 0.1f;
  entries_[at] = hash >> 32 << 32 | ++used_;
}

// Three stages in one loop: ask for the entry; probe, ask for the row; work on it.
template <typename Work>
void BareTable::each(std::span<const Key> keys, Work work) {
  const size_t count = keys.size();
  found_.resize(count);
  for (size_t i = 0; i < count + 2 * kAhead; ++i) {
    if (i < count) __builtin_prefetch(&entries_[hash_key(keys[i]) & mask_], 0, 2);
    if (i >= kAhead && i < count + kAhead) {
      const uint64_t hash = hash_key(keys[i - kAhead]);
      uint64_t at = hash & mask_;
      while ((entries_[at] ^ hash) >> 32 != 0) at = (at + 1) & mask_;
      float* its = found_[i - kAhead] = row(static_cast<uint32_t>(entries_[at]) - 1);
      for (size_t line = 0; line < kRowFloats; line += 16) __builtin_prefetch(its + line, 0, 2);
    }
    if (i >= 2 * kAhead) {
      const size_t k = i - 2 * kAhead;
      Key key;
      std::memcpy(&key, found_[k], sizeof key);
      check(key == keys[k], "the bare table knows no two keys of one place and fingerprint");
      work(k, found_[k]);
    }
  }
}

void BareTable::pull(std::span<const Key> keys, float* rows) {
  each(keys, [&](size_t i, const float* row) {
    std::memcpy(rows + i * kDim, row + 4, kDim * sizeof(float));
  });
}

void BareTable::push_adagrad(std::span<const Key> keys, const float* gradients) {
  each(keys, [&](size_t i, float* row) {
    const float* __restrict g = gradients + i * kDim;
    float* __restrict w = row + 4;
    float* __restrict s = row + 4 + kDim;
    dirty(row) = 1;
    for (size_t d = 0; d < kDim; ++d) {
      s[d] += g[d] * g[d];
      w[d] -= 0.01f * g[d] / (std::sqrt(s[d]) + 1e-8f);
    }
  });
}

}  // namespace cairn
