#include "ps/row/row_codec.h"

#include <cstring>

#include "common/check.h"
#include "common/values.h"

namespace cairn::ps {

namespace {

template <typename T>
void put_big_endian(T value, char* to) {
  for (size_t i = 0; i < sizeof(T); ++i)
    to[i] = static_cast<char>(value >> 8 * (sizeof(T) - 1 - i) & 0xFF);
}

template <typename T>
T get_big_endian(const char* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(from[i]));
  return value;
}

template <typename T>
void put(T value, char* to) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace

StoredKey encode_key(const RowKey& key) {
  check(key.table <= UINT16_MAX, "a table's number fits 2 bytes");
  StoredKey bytes;
  put_big_endian(static_cast<uint16_t>(slot_of(key.key)), bytes.data());
  put_big_endian(static_cast<uint16_t>(key.table), bytes.data() + 2);
  put_big_endian(key.key, bytes.data() + 4);
  return bytes;
}

std::optional<RowKey> decode_key(std::string_view bytes) {
  if (bytes.size() != kStoredKeyBytes) return std::nullopt;
  const RowKey key{get_big_endian<uint16_t>(bytes.data() + 2),
                   get_big_endian<Key>(bytes.data() + 4)};
  if (get_big_endian<uint16_t>(bytes.data()) != slot_of(key.key)) return std::nullopt;
  return key;
}

StoredKey first_key_of_slot(uint32_t slot) {
  StoredKey bytes = {};
  put_big_endian(static_cast<uint16_t>(slot), bytes.data());
  return bytes;
}

constexpr std::string_view kFilterPrefix = "filter";

StoredFilterKey encode_filter_key(const FilterKey& key) {
  StoredFilterKey bytes;
  std::memcpy(bytes.data(), kFilterPrefix.data(), 6);
  put_big_endian(key.version, bytes.data() + 6);
  put_big_endian(static_cast<uint16_t>(key.table), bytes.data() + 14);
  put_big_endian(static_cast<uint16_t>(key.slot), bytes.data() + 16);
  return bytes;
}

std::optional<FilterKey> decode_filter_key(std::string_view bytes) {
  if (bytes.size() != sizeof(StoredFilterKey) || !bytes.starts_with(kFilterPrefix))
    return std::nullopt;
  return FilterKey{get_big_endian<Lsn>(bytes.data() + 6),
                   get_big_endian<uint16_t>(bytes.data() + 14),
                   get_big_endian<uint16_t>(bytes.data() + 16)};
}

void encode_value(const RowBatch::Entry& entry, const RowLayout& layout,
                  std::span<const float> floats, std::string& to) {
  check(floats.size() == layout.floats(), "a row is as long as its table says");
  to.resize(kStoredMetaBytes + layout.stored_bytes());
  put(entry.lsn, to.data());
  put(entry.last_step, to.data() + 8);
  put(entry.count, to.data() + 12);
  char* const weights = to.data() + kStoredMetaBytes;
  narrow(floats.data(), layout.dtype, weights, layout.dim);
  std::memcpy(weights + layout.weight_bytes(), floats.data() + layout.dim, layout.tail_bytes());
}

bool decode_value(const RowKey& key, std::string_view bytes, const RowLayout& layout,
                  RowBatch& to) {
  if (bytes.size() != kStoredMetaBytes + layout.stored_bytes()) return false;
  RowBatch::Entry entry;
  entry.key = key;
  std::memcpy(&entry.lsn, bytes.data(), sizeof entry.lsn);
  std::memcpy(&entry.last_step, bytes.data() + 8, sizeof entry.last_step);
  std::memcpy(&entry.count, bytes.data() + 12, sizeof entry.count);
  entry.offset = to.floats.size();
  to.floats.resize(to.floats.size() + layout.floats());
  float* const floats = to.floats.data() + entry.offset;
  const char* const weights = bytes.data() + kStoredMetaBytes;
  widen(weights, layout.dtype, floats, layout.dim);
  std::memcpy(floats + layout.dim, weights + layout.weight_bytes(), layout.tail_bytes());
  to.entries.push_back(entry);
  return true;
}

}  // namespace cairn::ps
