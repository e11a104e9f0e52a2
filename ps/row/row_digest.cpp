#include "ps/row/row_digest.h"

#include <cstring>

namespace cairn::ps {

void RowDigest::add(const RowKey& key, uint32_t last_step, uint32_t count,
                    std::span<const float> floats) {
  bytes_.resize(16 + floats.size_bytes());
  std::memcpy(bytes_.data(), &key.key, 8);
  std::memcpy(bytes_.data() + 8, &last_step, 4);
  std::memcpy(bytes_.data() + 12, &count, 4);
  if (!floats.empty()) std::memcpy(bytes_.data() + 16, floats.data(), floats.size_bytes());
  add(hash_bytes(bytes_.data(), bytes_.size(), key.table));
  ++rows_;
}

void RowDigest::add(const RowDigest& other) {
  add(other.sum_);
  rows_ += other.rows_;
}

void RowDigest::add(const Hash128& hash) {
  sum_.low += hash.low;
  sum_.high += hash.high + (sum_.low < hash.low ? 1 : 0);  // modulo 2^128
}

}  // namespace cairn::ps
