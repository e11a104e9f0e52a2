#include "worker/features/dedup.h"

#include <algorithm>
#include <bit>

#include "common/check.h"

namespace cairn::features {

void Deduplicator::begin(size_t occurrences) {
  const size_t capacity = std::bit_ceil(std::max<size_t>(16, 2 * occurrences));
  slots_.assign(capacity, 0);
  mask_ = capacity - 1;
  seen_.clear();
  seen_.reserve(occurrences);
}

void Deduplicator::add(std::span<const Key> keys, std::span<uint32_t> numbers) {
  check(keys.size() == numbers.size(), "as many numbers as keys");
  check(seen_.size() + keys.size() <= slots_.size() / 2, "more keys than announced");
  for (size_t i = 0; i < keys.size(); ++i) {
    const Key key = keys[i];
    uint64_t at = hash_key(key) & mask_;
    while (slots_[at] != 0 && seen_[slots_[at] - 1].key != key) at = (at + 1) & mask_;
    if (slots_[at] == 0) {
      seen_.push_back({key, static_cast<uint32_t>(seen_.size())});
      slots_[at] = static_cast<uint32_t>(seen_.size());
    }
    numbers[i] = slots_[at] - 1;
  }
}

// Keys are spread over buckets by their highest bits that differ, about one a bucket where they are
// hashes; what falls together is sorted by comparison.
void Deduplicator::finish(std::vector<Key>& unique) {
  const size_t n = seen_.size();
  unique.resize(n);
  rank_.resize(n);
  if (n == 0) return;
  const auto [low, high] = std::minmax_element(
      seen_.begin(), seen_.end(), [](const Seen& a, const Seen& b) { return a.key < b.key; });
  const Key base = low->key;
  const int range_bits = std::bit_width(high->key - base);
  const int bucket_bits = std::min(range_bits, static_cast<int>(std::bit_width(n)));
  const int shift = range_bits - bucket_bits;

  bucket_.assign((size_t{1} << bucket_bits) + 1, 0);
  for (const Seen& s : seen_) ++bucket_[((s.key - base) >> shift) + 1];
  for (size_t b = 1; b < bucket_.size(); ++b) bucket_[b] += bucket_[b - 1];
  sorted_.resize(n);
  for (const Seen& s : seen_) sorted_[bucket_[(s.key - base) >> shift]++] = s;
  // bucket_[b] is now the end of bucket b.
  for (size_t b = 0, begin = 0; b + 1 < bucket_.size(); begin = bucket_[b++])
    if (bucket_[b] - begin > 1)
      std::sort(sorted_.begin() + static_cast<ptrdiff_t>(begin),
                sorted_.begin() + static_cast<ptrdiff_t>(bucket_[b]),
                [](const Seen& a, const Seen& b) { return a.key < b.key; });
  for (size_t i = 0; i < n; ++i) {
    unique[i] = sorted_[i].key;
    rank_[sorted_[i].number] = static_cast<uint32_t>(i);
  }
}

void Deduplicator::rank(std::span<uint32_t> numbers) const {
  for (uint32_t& number : numbers) number = rank_[number];
}

}  // namespace cairn::features
