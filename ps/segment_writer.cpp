#include "ps/segment_writer.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string_view>

namespace cairn {

namespace {

constexpr char kZeros[kLogBlockBytes] = {};

iovec as_iovec(Bytes bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

// Writes all pieces after each other from `offset` on.
Status write_pieces(const File& file, uint64_t offset, std::span<iovec> pieces) {
  while (!pieces.empty()) {
    const int count = static_cast<int>(std::min<size_t>(pieces.size(), IOV_MAX));
    const ssize_t result = ::pwritev(file.fd(), pieces.data(), count, static_cast<off_t>(offset));
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return system_error("write", file.path(), errno);
    auto written = static_cast<size_t>(result);
    offset += written;
    while (!pieces.empty() && written >= pieces.front().iov_len) {
      written -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (written > 0) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + written;
      pieces.front().iov_len -= written;
    }
  }
  return Ok{};
}

uint64_t file_bytes(uint64_t payload) { return round_up_to_block(sizeof(RecordHeader) + payload); }

}  // namespace

SegmentWriter::SegmentWriter(std::filesystem::path folder, Lsn next_lsn,
                             const std::optional<LogEnd>& after, uint64_t segment_bytes)
    : folder_(std::move(folder)),
      generation_(after.has_value() ? after->next_generation : 1),
      segment_bytes_(round_up_to_block(segment_bytes)),
      next_lsn_(next_lsn),
      previous_last_(after.has_value() ? after->last_lsn : next_lsn - 1),
      number_(0) {
  if (!after.has_value() || after->segments.empty()) return;
  segments_.assign(after->segments.begin(), after->segments.end());
  number_ = segments_.back().number + 1;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::filesystem::path& folder,
                                                             Lsn next_lsn,
                                                             const std::optional<LogEnd>& after,
                                                             uint64_t segment_bytes) {
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter(folder, next_lsn, after, segment_bytes));
  const Status started = writer->start_segment(0);
  if (!started.ok()) return started.error();
  return writer;
}

Status SegmentWriter::start_segment(uint64_t bytes_needed) {
  Result<File> file = File::open(segment_path(folder_, number_), O_RDWR | O_CREAT | O_EXCL);
  if (!file.ok()) return file.error();
  const uint64_t capacity = std::max(segment_bytes_, kLogBlockBytes + bytes_needed);
  // A file system without preallocation grows the file as it is written; a full disk is found here.
  if (::fallocate(file.value().fd(), 0, 0, static_cast<off_t>(capacity)) != 0 &&
      errno != EOPNOTSUPP)
    return system_error("preallocate", file.value().path(), errno);

  SegmentHeader header;
  header.generation = generation_;
  header.first_lsn = next_lsn_;
  header.previous_last = previous_last_;
  header.checksum = checksum_of(header);
  iovec pieces[] = {as_iovec(bytes_of(header)),
                    as_iovec(Bytes(kZeros).subspan(sizeof(SegmentHeader)))};
  const Status written = write_pieces(file.value(), 0, pieces);
  if (!written.ok()) return written.error();

  file_ = std::move(file).value();
  capacity_ = capacity;
  end_ = kLogBlockBytes;
  return Ok{};
}

Status SegmentWriter::append(std::span<const LogRecord> records, Lsn acked) {
  std::vector<EncodedPayload> payloads(records.size());
  std::vector<RecordHeader> headers(records.size());  // never grow: pieces point into them
  std::vector<iovec> pieces;
  uint64_t bytes = 0;  // of `pieces`
  const auto flush = [&]() -> Status {
    const Status written = write_pieces(file_, end_, pieces);
    end_ += bytes;
    pieces.clear();
    bytes = 0;
    return written;
  };

  for (size_t i = 0; i < records.size(); ++i) {
    payloads[i] = encode_payload(records[i]);
    RecordHeader& header = headers[i];
    header.kind = records[i].kind;
    header.generation = generation_;
    header.lsn = records[i].lsn;
    header.acked = acked;
    header.payload_bytes = payloads[i].bytes;
    header.checksum = checksum_of(header, payloads[i].pieces);
    check(header.lsn == next_lsn_, "lsns are consecutive");

    const uint64_t needed = file_bytes(payloads[i].bytes);
    if (end_ + bytes + needed > capacity_) {
      if (const Status flushed = flush(); !flushed.ok()) return flushed;
      segments_.push_back({number_++, next_lsn_ - 1});
      previous_last_ = next_lsn_ - 1;
      if (const Status started = start_segment(needed); !started.ok()) return started;
    }
    pieces.push_back(as_iovec(bytes_of(header)));
    for (const Bytes piece : payloads[i].pieces)
      if (!piece.empty()) pieces.push_back(as_iovec(piece));
    const uint64_t padding = needed - sizeof(RecordHeader) - payloads[i].bytes;
    if (padding > 0) pieces.push_back({const_cast<char*>(kZeros), padding});
    bytes += needed;
    ++next_lsn_;
  }
  return flush();
}

Status SegmentWriter::remove_up_to(Lsn base) {
  while (!segments_.empty() && segments_.front().last_lsn <= base) {
    const auto path = segment_path(folder_, segments_.front().number);
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return system_error("remove", path, error.value());
    segments_.pop_front();
  }
  return Ok{};
}

}  // namespace cairn
