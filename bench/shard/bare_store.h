// A yardstick of the cold store: RocksDB alone, without encoding, lsns, schema or checks. Runs of
// rows that are sorted already enter it as SST files; MultiGet reads them. Its options are what is
// known to be fast for such rows, and are not the store's. Thread safety: read by any thread.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "ps/row/row_codec.h"

namespace cairn {

class BareStore {
 public:
  static constexpr size_t kValueBytes = 144;   // a row of dim 16 with Adagrad's state, as stored
  static constexpr size_t kRunRows = 420'000;  // 64 MB, as the shard's runs

  explicit BareStore(const std::filesystem::path& folder);  // made anew
  ~BareStore();

  // Rows that ascend, as bytes.
  class Run {
   public:
    void add(const ps::StoredKey& key, const void* value) {
      const size_t at = bytes_.size();
      bytes_.resize(at + ps::kStoredKeyBytes + kValueBytes);
      std::memcpy(bytes_.data() + at, key.data(), ps::kStoredKeyBytes);
      std::memcpy(bytes_.data() + at + ps::kStoredKeyBytes, value, kValueBytes);
    }
    size_t rows() const { return bytes_.size() / (ps::kStoredKeyBytes + kValueBytes); }
    const char* row(size_t i) const { return &bytes_[i * (ps::kStoredKeyBytes + kValueBytes)]; }
    void clear() { bytes_.clear(); }

   private:
    std::vector<char> bytes_;
  };
  void ingest(const Run& run);
  // Ascending keys; returns how many are there.
  size_t read(std::span<const ps::StoredKey> keys) const;

 private:
  const std::filesystem::path folder_;
  std::unique_ptr<rocksdb::DB> db_;
};

// Rows of the keys bench_key(0) to bench_key(rows - 1), as the store spec them, in runs of
// kRunRows; all have one value.
std::vector<BareStore::Run> flush_files(uint64_t rows);

}  // namespace cairn
