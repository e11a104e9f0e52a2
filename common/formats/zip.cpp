#include "common/formats/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstring>

namespace cairn {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22;
constexpr uint16_t kStored = 0, kDeflated = 8, kEncrypted = 1;
constexpr uint64_t kMost = 0xfffffffe;   // the last value is a mark of ZIP64
constexpr uint64_t kExpandsMost = 1032;  // times, which is the limit of deflate

Error corrupt(std::string what) { return {ErrorCode::kCorrupt, "archive: " + std::move(what)}; }

// Little-endian fields of a header whose length was checked.
template <typename T>
T field(std::string_view header, size_t offset) {
  T value;
  std::memcpy(&value, header.data() + offset, sizeof value);
  return value;
}
template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Entry {
  std::string name;
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0, packed = 0, bytes = 0, offset = 0;
};

Result<std::string> inflate_all(std::string_view packed, size_t bytes) {
  if (bytes > kExpandsMost * (packed.size() + 1))
    return corrupt("an entry claims to expand too far");
  std::string out(bytes, '\0');
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return corrupt("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(bytes);
  const int ended = inflate(&stream, Z_FINISH);
  const bool whole = ended == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) return corrupt("a deflated entry is damaged");
  return out;
}

Result<std::string> content(std::string_view archive, const Entry& entry) {
  if (entry.offset > archive.size() || archive.size() - entry.offset < kLocalBytes)
    return corrupt(fmt::format("entry '{}' lies outside", entry.name));
  const std::string_view local = archive.substr(entry.offset);
  if (field<uint32_t>(local, 0) != kLocal)
    return corrupt(fmt::format("entry '{}' has no header", entry.name));
  const size_t begin =
      kLocalBytes + size_t{field<uint16_t>(local, 26)} + field<uint16_t>(local, 28);
  if (begin > local.size() || entry.packed > local.size() - begin)
    return corrupt(fmt::format("entry '{}' is cut short", entry.name));
  const std::string_view packed = local.substr(begin, entry.packed);
  if (entry.method == kStored && entry.packed != entry.bytes)
    return corrupt(fmt::format("entry '{}' has two lengths", entry.name));
  Result<std::string> bytes = entry.method == kStored ? Result<std::string>(std::string(packed))
                                                      : inflate_all(packed, entry.bytes);
  if (!bytes.ok()) return bytes.error();
  const uLong crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.value().data()), bytes.value().size());
  if (crc != entry.crc)
    return corrupt(fmt::format("the checksum of entry '{}' is wrong", entry.name));
  return bytes;
}

// Reads the central directory, whose entries begin at `at`; moves it behind the one that is read.
Result<Entry> next_entry(std::string_view archive, size_t& at) {
  if (archive.size() - at < kCentralBytes || field<uint32_t>(archive.substr(at), 0) != kCentral)
    return corrupt("the directory is damaged");
  const std::string_view header = archive.substr(at);
  const size_t name = field<uint16_t>(header, 28);
  const size_t after = name + field<uint16_t>(header, 30) + field<uint16_t>(header, 32);
  if (header.size() - kCentralBytes < after) return corrupt("the directory is cut short");
  Entry entry;
  entry.flags = field<uint16_t>(header, 8);
  entry.method = field<uint16_t>(header, 10);
  entry.crc = field<uint32_t>(header, 16);
  entry.packed = field<uint32_t>(header, 20);
  entry.bytes = field<uint32_t>(header, 24);
  entry.offset = field<uint32_t>(header, 42);
  entry.name = header.substr(kCentralBytes, name);
  at += kCentralBytes + after;
  if (entry.flags & kEncrypted) return corrupt(fmt::format("entry '{}' is encrypted", entry.name));
  if (entry.method != kStored && entry.method != kDeflated)
    return corrupt(fmt::format("entry '{}' is compressed by method {}", entry.name, entry.method));
  if (entry.packed > kMost || entry.bytes > kMost || entry.offset > kMost)
    return corrupt(fmt::format("entry '{}' needs ZIP64", entry.name));
  return entry;
}

// The header of one entry, local or central, up to its name.
void append_header(std::string& out, bool central, const std::string& name,
                   const std::string& bytes, uint32_t crc, size_t offset) {
  append(out, central ? kCentral : kLocal);
  if (central) append<uint16_t>(out, 20);  // made by version 2.0
  append<uint16_t>(out, 20);               // and read by
  append<uint16_t>(out, 0);
  append(out, kStored);
  append<uint32_t>(out, 0x00210000);  // 1 January 1980, so that equal contents are equal files
  append(out, crc);
  append(out, static_cast<uint32_t>(bytes.size()));
  append(out, static_cast<uint32_t>(bytes.size()));
  append(out, static_cast<uint16_t>(name.size()));
  append<uint16_t>(out, 0);
  if (central) {
    out.append(10, '\0');  // no comment, first disk, no attributes
    append(out, static_cast<uint32_t>(offset));
  }
  out += name;
}

}  // namespace

Result<std::map<std::string, std::string>> unzip(std::string_view archive) {
  if (archive.size() < kEndBytes) return corrupt("is too short for one");
  // The end's record stands last, but for a comment.
  size_t end = archive.size() - kEndBytes;
  const size_t lowest = end > 0xffff ? end - 0xffff : 0;
  while (field<uint32_t>(archive.substr(end), 0) != kEnd) {
    if (end == lowest) return corrupt("has no directory");
    --end;
  }
  const size_t count = field<uint16_t>(archive.substr(end), 10);
  size_t at = field<uint32_t>(archive.substr(end), 16);
  if (at > end) return corrupt("the directory lies outside");
  std::map<std::string, std::string> entries;
  uint64_t packed = 0;
  for (size_t i = 0; i < count; ++i) {
    const Result<Entry> entry = next_entry(archive, at);
    if (!entry.ok()) return entry.error();
    // Or a small archive of entries that overlap would take memory without a bound.
    if ((packed += entry.value().packed) > archive.size()) return corrupt("its entries overlap");
    Result<std::string> bytes = content(archive, entry.value());
    if (!bytes.ok()) return bytes.error();
    if (!entries.emplace(entry.value().name, std::move(bytes).value()).second)
      return corrupt(fmt::format("has two entries '{}'", entry.value().name));
  }
  return entries;
}

Result<std::string> zip(const std::map<std::string, std::string>& entries) {
  std::string out, directory;
  for (const auto& [name, bytes] : entries) {
    if (bytes.size() > kMost || out.size() > kMost || name.size() > 0xffff)
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("entry '{}' is too large for an archive", name)};
    const auto crc = static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    append_header(directory, true, name, bytes, crc, out.size());
    append_header(out, false, name, bytes, crc, 0);
    out += bytes;
  }
  if (out.size() > kMost || entries.size() > 0xfffe)
    return Error{ErrorCode::kInvalidArgument, "too much for an archive"};
  const size_t begin = out.size();
  out += directory;
  append(out, kEnd);
  append<uint32_t>(out, 0);
  append(out, static_cast<uint16_t>(entries.size()));
  append(out, static_cast<uint16_t>(entries.size()));
  append(out, static_cast<uint32_t>(directory.size()));
  append(out, static_cast<uint32_t>(begin));
  append<uint16_t>(out, 0);
  return out;
}

}  // namespace cairn
