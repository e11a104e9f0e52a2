// Sums over the occurrences of each row of a table: how gradients of pooled rows meet again. The
// ids of all bags are sorted by row; equal rows keep the order of bags, of rows of the batch and of
// ids. A row that occurs often is summed in blocks of sorted occurrences, side by side. So the
// order of a sum depends on the batch alone, and nothing is added by atomics.
#pragma once

#include <bit>
#include <span>

#include "worker/math/ops/cuda/sort.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {

inline constexpr size_t kBagsAtOnce = 32;
inline constexpr size_t kOccurrencesOfABlock = 64;

// One occurrence of a table's row: id number `id` of bag `bag`, in row `row` of the batch.
struct Occurrence {
  uint32_t bag, row, id;
};

// Ids sorted by row, with the rows of all tables one below the other. They stand in scratch, and
// live until the next operation that takes some.
struct SortedIds {
  size_t count = 0, rows = 0;          // places for occurrences; rows of all tables
  const uint32_t* keys = nullptr;      // [count]: the row; `rows` where there is no occurrence
  const uint32_t* begin = nullptr;     // [rows + 1]: the row's occurrences are [begin, next begin)
  const Occurrence* sorted = nullptr;  // [count]
  float* heads = nullptr;              // [blocks, dim]
};

struct BagOfRows {
  BagView bag;
  size_t first_row = 0;  // where its table's rows begin, among the rows of all tables
};

namespace internal {

struct BagPlace {
  const uint32_t *offsets, *index;
  uint32_t first_row, place;
};
struct BagPlaces {
  BagPlace bags[kBagsAtOnce];
};

// Scratch in pieces.
class Pieces {
 public:
  template <typename T>
  size_t add(size_t count) {
    const size_t at = bytes_;
    bytes_ += (count * sizeof(T) + 255) / 256 * 256;
    return at;
  }
  void take() { base_ = static_cast<std::byte*>(device().scratch(bytes_)); }
  template <typename T>
  T* at(size_t place) const {
    return reinterpret_cast<T*>(base_ + place);
  }

 private:
  size_t bytes_ = 0;
  std::byte* base_ = nullptr;
};

}  // namespace internal

// Sorts the ids of at most kBagsAtOnce bags over `batch` rows each, for sums of `dim` columns.
inline SortedIds sort_ids(std::span<const BagOfRows> bags, size_t batch, size_t rows, size_t dim) {
  check(bags.size() <= kBagsAtOnce, "segments: too many bags at once");
  internal::BagPlaces places = {};
  size_t count = 0;
  for (size_t b = 0; b < bags.size(); ++b) {
    places.bags[b] = {bags[b].bag.offsets.data(), bags[b].bag.index.data(),
                      static_cast<uint32_t>(bags[b].first_row), static_cast<uint32_t>(count)};
    count += bags[b].bag.index.size();
  }
  check(rows < UINT32_MAX && count < INT32_MAX, "segments: too many rows or ids for one step");
  const int bits = static_cast<int>(std::bit_width(rows));
  const size_t blocks = (count + kOccurrencesOfABlock - 1) / kOccurrencesOfABlock;

  internal::Pieces pieces;
  const size_t keys_at = pieces.add<uint32_t>(count), order_at = pieces.add<uint32_t>(count);
  const size_t sorted_keys_at = pieces.add<uint32_t>(count);
  const size_t sorted_order_at = pieces.add<uint32_t>(count);
  const size_t met_at = pieces.add<Occurrence>(count), sorted_at = pieces.add<Occurrence>(count);
  const size_t begin_at = pieces.add<uint32_t>(rows + 1);
  const size_t heads_at = pieces.add<float>(blocks * dim);
  const size_t sort_bytes = sort_scratch_bytes(count, bits);
  const size_t sort_at = pieces.add<std::byte>(sort_bytes);
  pieces.take();
  auto *keys = pieces.at<uint32_t>(keys_at), *order = pieces.at<uint32_t>(order_at);
  auto* sorted_keys = pieces.at<uint32_t>(sorted_keys_at);
  auto* sorted_order = pieces.at<uint32_t>(sorted_order_at);
  auto *met = pieces.at<Occurrence>(met_at), *sorted = pieces.at<Occurrence>(sorted_at);
  auto* begin = pieces.at<uint32_t>(begin_at);

  for_each(count, [=] CAIRN_BODY(size_t i) {
    keys[i] = static_cast<uint32_t>(rows);  // unless a bag says otherwise: it may be padded
    order[i] = static_cast<uint32_t>(i);
  });
  for_each_element(bags.size(), batch, [=] CAIRN_BODY(size_t b, size_t r) {
    const internal::BagPlace& bag = places.bags[b];
    for (uint32_t i = bag.offsets[r]; i < bag.offsets[r + 1]; ++i) {
      keys[bag.place + i] = bag.first_row + bag.index[i];
      met[bag.place + i] = {static_cast<uint32_t>(b), static_cast<uint32_t>(r), i};
    }
  });
  if (count > 0)
    sort_pairs(keys, sorted_keys, order, sorted_order, count, bits, pieces.at<void>(sort_at),
               sort_bytes);
  for_each(count, [=] CAIRN_BODY(size_t i) {
    if (sorted_keys[i] < rows) sorted[i] = met[sorted_order[i]];
  });
  for_each(rows + 1, [=] CAIRN_BODY(size_t row) {
    size_t first = 0, last = count;  // keys before `first` are below `row`, from `last` on not
    while (first < last) {
      const size_t middle = (first + last) / 2;
      if (sorted_keys[middle] < row) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    begin[row] = static_cast<uint32_t>(first);
  });
  return {count, rows, sorted_keys, begin, sorted, pieces.at<float>(heads_at)};
}

// How many columns one thread makes, a quarter of all apart: it reads an occurrence once for the
// four, and loads their numbers side by side.
inline constexpr size_t kColumnsAtOnce = 4;
inline size_t quarter_of(size_t columns) { return (columns + kColumnsAtOnce - 1) / kColumnsAtOnce; }

// sums[k] += the terms of sorted occurrences [first, last) in column d + k quarter.
template <typename Term>
CAIRN_DEVICE void add_terms(const Occurrence* sorted, size_t first, size_t last, size_t d,
                            size_t quarter, size_t dim, const Term& term,
                            float (&sums)[kColumnsAtOnce]) {
  CAIRN_UNROLL
  for (size_t i = first; i < last; ++i) {
    const Occurrence at = sorted[i];
    for (size_t k = 0; k < kColumnsAtOnce; ++k)
      if (d + k * quarter < dim) sums[k] += term(at, d + k * quarter);
  }
}

// finish(row, d, sum over the row's occurrences of term(occurrence, d)) for every row and d below
// `dim`, of rows without an occurrence too.
template <typename Term, typename Finish>
void sum_by_row(const SortedIds& ids, size_t dim, Term term, Finish finish) {
  const size_t rows = ids.rows, count = ids.count, quarter = quarter_of(dim);
  const uint32_t *keys = ids.keys, *begin = ids.begin;
  const Occurrence* sorted = ids.sorted;
  float* heads = ids.heads;
  // Where the first row of a block began in an earlier block: that row's sum within this block.
  for_each_element((count + kOccurrencesOfABlock - 1) / kOccurrencesOfABlock, quarter,
                   [=] CAIRN_BODY(size_t block, size_t d) {
                     const size_t first = block * kOccurrencesOfABlock;
                     const uint32_t row = keys[first];
                     if (first == 0 || row >= rows || keys[first - 1] != row) return;
                     const size_t end = begin[row + 1], next = first + kOccurrencesOfABlock;
                     float sums[kColumnsAtOnce] = {};
                     add_terms(sorted, first, end < next ? end : next, d, quarter, dim, term, sums);
                     for (size_t k = 0; k < kColumnsAtOnce; ++k)
                       if (d + k * quarter < dim) heads[block * dim + d + k * quarter] = sums[k];
                   });
  for_each_element(rows, quarter, [=] CAIRN_BODY(size_t row, size_t d) {
    const size_t first = begin[row], end = begin[row + 1];
    const size_t next = (first / kOccurrencesOfABlock + 1) * kOccurrencesOfABlock;
    float sums[kColumnsAtOnce] = {};
    add_terms(sorted, first, end < next ? end : next, d, quarter, dim, term, sums);
    for (size_t at = next; at < end; at += kOccurrencesOfABlock)
      for (size_t k = 0; k < kColumnsAtOnce; ++k)
        if (d + k * quarter < dim)
          sums[k] += heads[at / kOccurrencesOfABlock * dim + d + k * quarter];
    for (size_t k = 0; k < kColumnsAtOnce; ++k)
      if (d + k * quarter < dim) finish(row, d + k * quarter, sums[k]);
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
