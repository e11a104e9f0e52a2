// The keys in one file of rows of a RocksStore, read without its database. The database cannot go
// through the rows of a slot once any file of level 0 cannot be opened. A file's row of a key may
// be older than another file's; the database alone can tell.
//
// Thread safety: none; calls block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/result.h"
#include "ps/row/row.h"

namespace cairn::ps {

class RowFile {
 public:
  // Errors: kCorrupt where the file is missing, or its footer, index or properties are damaged;
  // kUnavailable.
  static Result<std::unique_ptr<RowFile>> open(const std::filesystem::path& path);
  ~RowFile();

  // Appends the keys of a slot that have a row in this file, ascending. Slots ascend from call to
  // call. Errors: kCorrupt, naming the file and the offset of a damaged block, with any of the keys
  // appended; kUnavailable.
  Status keys_of(uint32_t slot, std::vector<RowKey>& to);

 private:
  struct Opened;  // rocksdb::SstFileReader and its iterator
  RowFile(std::filesystem::path path, std::unique_ptr<Opened> opened);

  const std::filesystem::path path_;
  const std::unique_ptr<Opened> opened_;
};

}  // namespace cairn::ps
