// The bytes of a shard's push log, as FilePushLog writes and LogReader reads them; little-endian.
//
//   log-00000000, log-00000001, ...   segments, in the order of their numbers
//     block 0                         SegmentHeader, then zeros
//     block 1...                      records, each from the start of a block of 4 KiB: direct
//                                     I/O asks for it, and a search for records behind damage is
//                                     cheap
//   record                            RecordHeader, then `payload_bytes` of payload, then padding
//   payload of a push                 the message: Header, directory, keys, values
//   payload of a replay start         replay_after, then WorkerSequence of each worker
//   payload of a DELETE               step (8), then DeletedKey of each row
//
// A checksum covers the payload and all of its header but itself. Lsns are consecutive. Thread
// safety: plain values and pure functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/result.h"
#include "ps/log/push_log.h"
#include "ps/system/file_layer.h"

namespace cairn::ps {

inline constexpr uint64_t kLogBlockBytes = 4096;
inline constexpr uint64_t kSegmentMagic = 0x474F4C4E52494143;  // "CAIRNLOG"
inline constexpr uint32_t kRecordMagic = 0x43455243;           // "CREC"
inline constexpr uint32_t kLogVersion = 1;
inline constexpr std::string_view kBootFile = "boot";
inline constexpr std::string_view kBootFileFresh = "boot.new";  // until it is whole

constexpr uint64_t round_up_to_block(uint64_t bytes) {
  return (bytes + kLogBlockBytes - 1) / kLogBlockBytes * kLogBlockBytes;
}

struct SegmentHeader {
  uint64_t magic = kSegmentMagic;
  uint32_t version = kLogVersion;
  uint32_t reserved = 0;
  uint64_t generation = 0;     // raised by each recovery
  uint64_t first_lsn = 0;      // of this segment
  uint64_t previous_last = 0;  // the last lsn of the segment before
  uint64_t checksum = 0;
};
static_assert(sizeof(SegmentHeader) == 48);
static_assert(std::has_unique_object_representations_v<SegmentHeader>);

struct RecordHeader {
  uint32_t magic = kRecordMagic;
  RecordKind kind = RecordKind::kPush;
  uint8_t reserved[3] = {};
  uint64_t generation = 0;
  Lsn lsn = 0;
  Lsn acked = 0;  // the highest lsn acknowledged when this record was written
  uint64_t payload_bytes = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(RecordHeader) == 48);
static_assert(std::has_unique_object_representations_v<RecordHeader>);

using Bytes = std::span<const char>;

template <typename T>
Bytes bytes_of(const T& value) {
  static_assert(std::has_unique_object_representations_v<T>, "padding would be written");
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A payload, ready to be written in place. `pieces` are the bytes that follow the header. They
// point into the record that was encoded and into `owned`.
struct EncodedPayload {
  std::vector<Bytes> pieces;
  std::vector<char> owned;
  uint64_t bytes = 0;
};
EncodedPayload encode_payload(const LogRecord& record);

// The `payload_bytes` in a record's header.
uint64_t payload_bytes(const LogRecord& record);

// A decoded push points into `payload`, and keeps `owner` as long as the push lives. Errors:
// kCorrupt where the lengths inside do not add up.
Result<LogRecord> decode_payload(const RecordHeader& header, Bytes payload,
                                 std::shared_ptr<const void> owner);

uint64_t checksum_of(const SegmentHeader& header);
uint64_t checksum_of(const RecordHeader& header, std::span<const Bytes> payload);

std::filesystem::path segment_path(const std::filesystem::path& folder, uint32_t number);

// The path of a segment that `recovery: report` gave up, kept for people to look at.
std::filesystem::path lost_path(const std::filesystem::path& folder, uint32_t number);
std::filesystem::path spare_path(const std::filesystem::path& folder, uint32_t number);

// The numbers of the segments, or of the spares, in a folder, ascending. Other files are left
// alone. Errors: kNotFound, kUnavailable where the folder cannot be read.
Result<std::vector<uint32_t>> list_segments(FileLayer& files, const std::filesystem::path& folder);
Result<std::vector<uint32_t>> list_spares(FileLayer& files, const std::filesystem::path& folder);

}  // namespace cairn::ps
