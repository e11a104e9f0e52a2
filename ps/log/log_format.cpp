#include "ps/log/log_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/stream_hash.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

Bytes bytes_of(const zmq::message_t& part) {
  return {static_cast<const char*>(part.data()), part.size()};
}

// Takes values off the front of a payload.
class Cursor {
 public:
  explicit Cursor(Bytes left) : left_(left) {}

  bool take(void* to, size_t bytes) {
    if (bytes > left_.size()) return false;
    if (bytes > 0) std::memcpy(to, left_.data(), bytes);
    left_ = left_.subspan(bytes);
    return true;
  }
  Bytes left() const { return left_; }

 private:
  Bytes left_;
};

Error corrupt(Lsn lsn, std::string_view why) {
  return {ErrorCode::kCorrupt, fmt::format("log record {}: {}", lsn, why)};
}

Result<LogRecord> decode_replay_start(LogRecord record, Bytes payload) {
  Cursor cursor(payload);
  if (!cursor.take(&record.replay_after, sizeof record.replay_after))
    return corrupt(record.lsn, "replay start cut short");
  if (cursor.left().size() % sizeof(WorkerSequence) != 0)
    return corrupt(record.lsn, "sequence table cut short");
  record.sequences.resize(cursor.left().size() / sizeof(WorkerSequence));
  cursor.take(record.sequences.data(), cursor.left().size());
  return record;
}

Result<LogRecord> decode_delete(LogRecord record, Bytes payload) {
  Cursor cursor(payload);
  if (!cursor.take(&record.step, sizeof record.step))
    return corrupt(record.lsn, "DELETE cut short");
  if (cursor.left().size() % sizeof(DeletedKey) != 0)
    return corrupt(record.lsn, "deleted keys cut short");
  record.deleted.resize(cursor.left().size() / sizeof(DeletedKey));
  cursor.take(record.deleted.data(), cursor.left().size());
  return record;
}

// A number, then values after each other.
template <typename T>
std::vector<char> number_and_values(uint64_t number, const std::vector<T>& values) {
  static_assert(std::has_unique_object_representations_v<T>);
  std::vector<char> bytes(sizeof number + values.size() * sizeof(T));
  std::memcpy(bytes.data(), &number, sizeof number);
  if (!values.empty())
    std::memcpy(bytes.data() + sizeof number, values.data(), values.size() * sizeof(T));
  return bytes;
}

// A part of a message that keeps its memory's owner.
zmq::message_t part_of(Bytes bytes, const std::shared_ptr<const void>& owner) {
  using Owner = std::shared_ptr<const void>;
  return {const_cast<char*>(bytes.data()), bytes.size(),
          [](void*, void* hint) { delete static_cast<Owner*>(hint); }, new Owner(owner)};
}

Result<LogRecord> decode_push(LogRecord record, Bytes payload,
                              const std::shared_ptr<const void>& owner) {
  auto message = std::make_shared<Message>();
  Cursor cursor(payload);
  if (!cursor.take(&message->header, sizeof(Header))) return corrupt(record.lsn, "push cut short");
  if (message->header.tables > kTablesMax) return corrupt(record.lsn, "too many tables");
  message->directory.resize(message->header.tables);
  if (!cursor.take(message->directory.data(), message->directory.size() * sizeof(TableEntry)))
    return corrupt(record.lsn, "directory cut short");
  uint64_t keys = 0, value_bytes = 0;
  for (const TableEntry& entry : message->directory) {
    if (entry.count > kKeysMax || entry.dim > kDimMax)
      return corrupt(record.lsn, "directory out of bounds");
    keys += entry.count;
    value_bytes += uint64_t{entry.count} * entry.dim * size_of(entry.dtype);
  }
  const Bytes left = cursor.left();
  if (left.size() != keys * sizeof(Key) + value_bytes)
    return corrupt(record.lsn, "keys and values do not fit the directory");
  message->keys = part_of(left.first(keys * sizeof(Key)), owner);
  message->values = part_of(left.subspan(keys * sizeof(Key)), owner);
  record.push = std::move(message);
  return record;
}

constexpr std::string_view kSegmentPrefix = "log-", kSparePrefix = "spare-";

// The numbers, 8 hexadecimal digits, of the files PREFIXnumber.
Result<std::vector<uint32_t>> list_numbers(FileLayer& files, const fs::path& folder,
                                           std::string_view prefix) {
  const Result<std::vector<std::string>> names = files.list(folder);
  if (!names.ok()) return names.error();
  std::vector<uint32_t> numbers;
  for (const std::string& name : names.value()) {
    if (name.size() != prefix.size() + 8 || !name.starts_with(prefix)) continue;
    uint32_t number = 0;
    const char* const stop = name.data() + name.size();
    const auto [end, bad] = std::from_chars(name.data() + prefix.size(), stop, number, 16);
    if (bad == std::errc{} && end == stop) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

EncodedPayload encode_payload(const LogRecord& record) {
  EncodedPayload payload;
  if (record.kind == RecordKind::kPush) {
    const Message& push = *record.push;
    check(push.header.tables == push.directory.size(), "a push's directory is as its header says");
    payload.pieces = {ps::bytes_of(push.header),
                      {reinterpret_cast<const char*>(push.directory.data()),
                       push.directory.size() * sizeof(TableEntry)},
                      bytes_of(push.keys),
                      bytes_of(push.values)};
  } else {
    payload.owned = record.kind == RecordKind::kReplayStart
                        ? number_and_values(record.replay_after, record.sequences)
                        : number_and_values(record.step, record.deleted);
    payload.pieces = {payload.owned};
  }
  for (const Bytes piece : payload.pieces) payload.bytes += piece.size();
  return payload;
}

uint64_t payload_bytes(const LogRecord& record) {
  if (record.kind == RecordKind::kDelete)
    return sizeof record.step + record.deleted.size() * sizeof(DeletedKey);
  if (record.kind == RecordKind::kReplayStart)
    return sizeof(Lsn) + record.sequences.size() * sizeof(WorkerSequence);
  const Message& push = *record.push;
  return sizeof(Header) + push.directory.size() * sizeof(TableEntry) + push.keys.size() +
         push.values.size();
}

Result<LogRecord> decode_payload(const RecordHeader& header, Bytes payload,
                                 std::shared_ptr<const void> owner) {
  LogRecord record;
  record.lsn = header.lsn;
  record.kind = header.kind;
  if (header.kind == RecordKind::kReplayStart)
    return decode_replay_start(std::move(record), payload);
  if (header.kind == RecordKind::kPush) return decode_push(std::move(record), payload, owner);
  if (header.kind == RecordKind::kDelete) return decode_delete(std::move(record), payload);
  return corrupt(header.lsn, "unknown kind");
}

uint64_t checksum_of(const SegmentHeader& header) {
  static_assert(offsetof(SegmentHeader, checksum) + 8 == sizeof(SegmentHeader));
  StreamHash hash(StreamHash::Width::k64);
  hash.add(&header, offsetof(SegmentHeader, checksum));
  return hash.digest64();
}

uint64_t checksum_of(const RecordHeader& header, std::span<const Bytes> payload) {
  static_assert(offsetof(RecordHeader, checksum) + 8 == sizeof(RecordHeader));
  StreamHash hash(StreamHash::Width::k64);
  hash.add(&header, offsetof(RecordHeader, checksum));
  for (const Bytes piece : payload) hash.add(piece.data(), piece.size());
  return hash.digest64();
}

fs::path segment_path(const fs::path& folder, uint32_t number) {
  return folder / fmt::format("{}{:08x}", kSegmentPrefix, number);
}

fs::path lost_path(const fs::path& folder, uint32_t number) {
  return folder / fmt::format("lost-{:08x}", number);
}

fs::path spare_path(const fs::path& folder, uint32_t number) {
  return folder / fmt::format("{}{:08x}", kSparePrefix, number);
}

Result<std::vector<uint32_t>> list_segments(FileLayer& files, const fs::path& folder) {
  return list_numbers(files, folder, kSegmentPrefix);
}

Result<std::vector<uint32_t>> list_spares(FileLayer& files, const fs::path& folder) {
  return list_numbers(files, folder, kSparePrefix);
}

}  // namespace cairn::ps
