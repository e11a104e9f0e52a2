// The files that a dead shard leaves behind, made to measure: a store of so many rows, and a log of
// pushes behind it. Thread safety: none; it blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/config/table_config.h"
#include "ps/store/rocks_store.h"

namespace cairn {

std::vector<TableConfig> bench_tables();  // one, of dim 16 with Adagrad's state

// Bytes that a row's gradient takes in the log: key and floats.
uint64_t bytes_of_logged_row();

// `count` of the keys of a table of `rows`, evenly spread, in the order of the store.
std::vector<ps::RowKey> sorted_row_keys(uint64_t rows, uint64_t count);

// In `folder`, which is emptied.
std::unique_ptr<ps::RocksStore> make_table(const std::filesystem::path& folder, uint64_t rows);

// The folder of a shard with the rows of `table`, which it shares the files of, and a log.
class BenchShard {
 public:
  // Pushes of 16,384 keys each out of `distinct` of the table's, about `logged_rows` in all.
  BenchShard(std::filesystem::path folder, ps::RocksStore& table, uint64_t logged_rows,
             uint64_t distinct);
  ~BenchShard();
  BenchShard(const BenchShard&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  const std::filesystem::path folder_;
};

}  // namespace cairn
