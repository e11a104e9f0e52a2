// The bytes of keys and values in the cold store.
//
//   key    12 bytes  slot (2, big-endian), table (2, big-endian), key (8, big-endian)
//   value  16 bytes  lsn (8), last step (4), count (4), little-endian; then the weights, 4 bytes
//                    each or 2 where the table is bf16; then the optimizer state, 4 each
//
// Keys are big-endian, so that the order of bytes is that of RowKey and a slot is one range for all
// tables. Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ps/row/row.h"

namespace cairn::ps {

inline constexpr size_t kStoredKeyBytes = 12;
inline constexpr size_t kStoredMetaBytes = 16;

using StoredKey = std::array<char, kStoredKeyBytes>;

StoredKey encode_key(const RowKey& key);

// Nothing if the bytes are not a key, or its slot is not the key's.
std::optional<RowKey> decode_key(std::string_view bytes);

// The lowest stored key of a slot; kSlots gives an upper bound of all keys.
StoredKey first_key_of_slot(uint32_t slot);

inline std::string_view view_of(const StoredKey& key) { return {key.data(), key.size()}; }

// The key of an admission filter in the small state: "filter" (6 bytes), version (8), table (2),
// slot (2), big-endian, so that versions are ranges.
struct FilterKey {
  Lsn version = 0;
  uint32_t table = 0, slot = 0;
  friend bool operator==(const FilterKey&, const FilterKey&) = default;
};
using StoredFilterKey = std::array<char, 18>;
StoredFilterKey encode_filter_key(const FilterKey& key);
std::optional<FilterKey> decode_filter_key(std::string_view bytes);

// Replaces `to` with the encoded row. `floats` has layout.floats() values.
void encode_value(const RowBatch::Entry& entry, const RowLayout& layout,
                  std::span<const float> floats, std::string& to);

// Appends the row to `to`. False, and `to` unchanged, if the bytes are not a row of this layout.
[[nodiscard]] bool decode_value(const RowKey& key, std::string_view bytes, const RowLayout& layout,
                                RowBatch& to);

}  // namespace cairn::ps
