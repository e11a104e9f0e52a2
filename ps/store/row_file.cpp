#include "ps/store/row_file.h"

#include <fmt/format.h>
#include <rocksdb/sst_file_reader.h>

#include <optional>
#include <string>

#include "ps/row/row_codec.h"
#include "ps/store/rocks_database.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

rocksdb::Slice slice_of(const StoredKey& key) { return {key.data(), key.size()}; }

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // each block is read once
  options.readahead_size = 2 << 20;
  return options;
}

// A file's checksum leaves out the sequence number that its properties give an ingested run: ours
// have zero there, as the database knows better, and refuses any other.
bool properties_are_whole(const rocksdb::SstFileReader& file) {
  const auto properties = file.GetTableProperties();
  if (properties == nullptr) return false;
  const auto& all = properties->user_collected_properties;
  const auto sequence = all.find("rocksdb.external_sst_file.global_seqno");
  return sequence == all.end() || sequence->second == std::string(sizeof(uint64_t), '\0');
}

}  // namespace

struct RowFile::Opened {
  rocksdb::SstFileReader file{rocksdb::Options(database_options(), row_options())};
  std::unique_ptr<rocksdb::Iterator> at;
};

RowFile::RowFile(fs::path path, std::unique_ptr<Opened> opened)
    : path_(std::move(path)), opened_(std::move(opened)) {}

RowFile::~RowFile() = default;

Result<std::unique_ptr<RowFile>> RowFile::open(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error) && !error)
    return Error{ErrorCode::kCorrupt, fmt::format("{} is missing", path.string())};
  auto opened = std::make_unique<Opened>();
  const rocksdb::Status status = opened->file.Open(path.string());
  if (!status.ok()) return to_error(status, "open", path);
  if (!properties_are_whole(opened->file))
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the properties of {} are damaged", path.string())};
  opened->at.reset(opened->file.NewIterator(read_options()));
  return std::unique_ptr<RowFile>(new RowFile(path, std::move(opened)));
}

Status RowFile::keys_of(uint32_t slot, std::vector<RowKey>& to) {
  const StoredKey first = first_key_of_slot(slot), end = first_key_of_slot(slot + 1);
  rocksdb::Iterator& at = *opened_->at;
  // The slot before left it at the first key behind it.
  if (!at.Valid() || at.key().compare(slice_of(first)) < 0) at.Seek(slice_of(first));
  for (; at.Valid() && at.key().compare(slice_of(end)) < 0; at.Next()) {
    const std::optional<RowKey> key = decode_key({at.key().data(), at.key().size()});
    if (!key.has_value())
      return Error{ErrorCode::kCorrupt, fmt::format("{} holds the key {}, which is of no table",
                                                    path_.string(), at.key().ToString(true))};
    to.push_back(*key);
  }
  return at.status().ok() ? Status(Ok{}) : to_error(at.status(), "read", path_);
}

}  // namespace cairn::ps
