#include "ps/log/segment_image.h"

#include <cstring>

namespace cairn::ps {

Result<SegmentImage> SegmentImage::read(FileLayer& files, const std::filesystem::path& path) {
  const auto file = files.open(path, FileLayer::Access::kRead);
  if (!file.ok()) return file.error();
  const Result<uint64_t> bytes = file.value()->size();
  if (!bytes.ok()) return bytes.error();
  std::shared_ptr<char[]> memory = std::make_shared_for_overwrite<char[]>(bytes.value());
  const Status read = file.value()->read_at(0, {memory.get(), bytes.value()});
  if (!read.ok()) return read.error();
  return SegmentImage(std::move(memory), bytes.value());
}

std::optional<SegmentHeader> SegmentImage::header() const {
  SegmentHeader header;
  if (bytes_ < sizeof header) return std::nullopt;
  std::memcpy(&header, memory_.get(), sizeof header);
  if (header.magic != kSegmentMagic || header.checksum != checksum_of(header)) return std::nullopt;
  return header;
}

std::optional<RecordHeader> SegmentImage::record_at(uint64_t offset) const {
  RecordHeader header;
  if (offset + sizeof header > bytes_) return std::nullopt;
  std::memcpy(&header, memory_.get() + offset, sizeof header);
  if (header.magic != kRecordMagic || header.payload_bytes > bytes_ - offset - sizeof header)
    return std::nullopt;
  const Bytes payload[] = {{memory_.get() + offset + sizeof header, header.payload_bytes}};
  if (header.checksum != checksum_of(header, payload)) return std::nullopt;
  return header;
}

Result<LogRecord> SegmentImage::decode(const RecordHeader& header, uint64_t offset) const {
  return decode_payload(header, {memory_.get() + offset + sizeof header, header.payload_bytes},
                        memory_);
}

}  // namespace cairn::ps
