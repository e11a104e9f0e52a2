#include "worker/data/text/text_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/random.h"
#include "worker/data/reader_order.h"
#include "worker/data/text/decoded_file.h"

namespace cairn::data {
namespace {

constexpr uint64_t kBlockBytesMax = uint64_t{4} << 20;
constexpr size_t kLinesOfEstimate = 10'000;

// The start of the first line that begins at or after `at`.
uint64_t line_start(std::string_view data, uint64_t body, uint64_t at) {
  if (at <= body) return body;
  if (at >= data.size()) return data.size();
  const void* end = std::memchr(data.data() + at - 1, '\n', data.size() - (at - 1));
  return end ? static_cast<uint64_t>(static_cast<const char*>(end) - data.data()) + 1 : data.size();
}

// The length of the byte order mark that some editors put before UTF-8 text.
size_t byte_order_mark(std::string_view data) { return data.starts_with("\xef\xbb\xbf") ? 3 : 0; }

}  // namespace

Result<TextInput> TextInput::open(const std::vector<std::string>& paths, const std::string& cache,
                                  uint32_t readers,
                                  const std::function<Status(TextFile&)>& read_header) {
  TextInput input;
  uint64_t start = 0;
  for (const std::string& path : paths) {
    const Result<std::string> plain = decoded_path(path, cache);
    if (!plain.ok()) return plain.error();
    Result<MappedFile> mapped = MappedFile::open(plain.value());
    if (!mapped.ok() && plain.value() != path)
      return Error{ErrorCode::kBadData,
                   fmt::format("{}: decoded: {}", path, mapped.error().message)};
    if (!mapped.ok()) return mapped.error();
    TextFile& file = input.files_.emplace_back(path, std::move(mapped).value(), start);
    file.body = byte_order_mark(file.data());
    const Status header = read_header(file);
    if (!header.ok()) return header.error();
    start += file.data().size();
  }
  input.blocks_ = cut_blocks(input.files_, readers);
  return input;
}

uint64_t TextInput::lines_estimate() const {
  uint64_t bytes = 0, total = 0;
  std::vector<Line> lines;
  for (const TextFile& file : files_) total += file.data().size() - file.body;
  for (const Block& block : blocks_) {
    append_lines(files_[block.file], block, lines);
    bytes += block.end - block.begin;
    if (lines.size() >= kLinesOfEstimate) break;
  }
  if (lines.empty()) return 0;
  return std::max<uint64_t>(
      1, static_cast<uint64_t>(static_cast<double>(total) * static_cast<double>(lines.size()) /
                               static_cast<double>(bytes)));
}

std::vector<uint64_t> TextInput::order_words() const {
  std::vector<uint64_t> words;
  for (const TextFile& file : files_) {
    words.push_back(file.data().size());
    words.push_back(file.body);
  }
  return words;
}

std::string TextInput::name() const {
  std::vector<std::string_view> names;
  for (const TextFile& file : files_) names.push_back(file.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string TextInput::place_of(uint64_t sample_id) const {
  const auto after =
      std::upper_bound(files_.begin(), files_.end(), sample_id,
                       [](uint64_t id, const TextFile& file) { return id < file.start; });
  check(after != files_.begin(), "the sample lies in a file");
  const TextFile& file = *std::prev(after);
  const std::string_view before = file.data().substr(0, sample_id - file.start);
  return fmt::format("{}:{}", file.name, 1 + std::count(before.begin(), before.end(), '\n'));
}

uint64_t nominal_blocks(uint64_t total_bytes, uint32_t readers) {
  const uint64_t per_reader =
      (total_bytes + kBlockBytesMax * readers - 1) / (kBlockBytesMax * readers);
  return std::max<uint64_t>(per_reader, kBlocksPerReader) * readers;
}

std::vector<Block> cut_blocks(std::span<const TextFile> files, uint32_t readers) {
  uint64_t total = 0;
  for (const TextFile& file : files) total += file.data().size() - file.body;
  const uint64_t count = nominal_blocks(total, readers);
  std::vector<Block> blocks;
  uint64_t start = 0;  // of the file in the concatenation of all bodies
  for (uint32_t f = 0; f < files.size(); ++f) {
    const std::string_view data = files[f].data();
    const uint64_t body = files[f].body, bytes = data.size() - body;
    // Cuts at i * total / count, as far as they lie in this file; at its end in any case.
    uint64_t begin = body;
    for (uint64_t i = start * static_cast<Uint128>(count) / std::max<uint64_t>(1, total) + 1;
         begin < data.size(); ++i) {
      const auto cut = static_cast<uint64_t>(static_cast<Uint128>(total) * i / count);
      const uint64_t end =
          line_start(data, body, body + std::min(bytes, cut - std::min(cut, start)));
      if (end > begin) blocks.push_back({f, begin, end});  // else no line begins between the cuts
      begin = end;
    }
    start += bytes;
  }
  return blocks;
}

void append_lines(const TextFile& file, const Block& block, std::vector<Line>& lines) {
  const char* const data = file.data().data();
  for (uint64_t at = block.begin; at < block.end;) {
    const void* found = std::memchr(data + at, '\n', block.end - at);
    const uint64_t end =
        found ? static_cast<uint64_t>(static_cast<const char*>(found) - data) : block.end;
    uint64_t bytes = end - at;
    if (bytes > 0 && data[end - 1] == '\r') --bytes;
    if (bytes > 0)
      lines.push_back(
          {block.file, static_cast<uint32_t>(std::min<uint64_t>(bytes, kLineBytesMax + 1)), at});
    at = end + 1;
  }
}

std::string_view first_line(std::string_view data, size_t& bytes) {
  const size_t end = data.find('\n');
  std::string_view line = data.substr(0, end);
  bytes = end == std::string_view::npos ? data.size() : end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace cairn::data
