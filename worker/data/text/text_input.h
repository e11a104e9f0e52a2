// Text files of one sample per line: mapped, and cut into blocks. What CSV has in common with other
// formats of lines.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "worker/data/text/mapped_file.h"

namespace cairn::data {

struct TextFile {
  std::string name;  // as the job names it, for messages
  MappedFile mapping;
  uint64_t start = 0;  // of the file in the concatenation of all files
  uint64_t body = 0;   // offset in the file of its first line of data, after mark and header

  std::string_view data() const { return mapping.data(); }
};

// A line-aligned range of bytes of one file, never empty: a line belongs to the block in whose
// nominal range its first byte lies.
struct Block {
  uint32_t file;
  uint64_t begin, end;  // offsets in the file
};

// One line of data, without its line end.
struct Line {
  uint32_t file;
  uint32_t bytes;   // kLineBytesMax + 1 stands for "longer"
  uint64_t offset;  // in the file
};

inline constexpr uint32_t kLineBytesMax = uint32_t{1} << 24;

// Movable. Thread safety: const. A sample id is the byte offset of the line in the concatenation of
// all files.
class TextInput {
 public:
  TextInput() = default;  // without files

  // Compressed files are decoded into `cache` first. `read_header` moves `body` behind what stands
  // before the data; its errors are passed on. Errors besides, each naming the file: those of
  // `decoded_path` and of `MappedFile::open`.
  static Result<TextInput> open(const std::vector<std::string>& paths, const std::string& cache,
                                uint32_t readers,
                                const std::function<Status(TextFile&)>& read_header);

  std::span<const TextFile> files() const { return files_; }
  std::span<const Block> blocks() const { return blocks_; }  // in file order

  uint64_t lines_estimate() const;            // from the first lines; 0 only where there are none
  std::vector<uint64_t> order_words() const;  // size and body of each file
  std::string name() const;                   // all files, as the job names them

  // "file:line", counting from 1. Reads the file up to there.
  std::string place_of(uint64_t sample_id) const;

 private:
  std::vector<TextFile> files_;
  std::vector<Block> blocks_;
};

// Blocks that the input is cut into: as many for each of the V readers, at least kBlocksPerReader
// each (worker/data/reader_order.h), and none above 4 MiB but for the end of its last line.
uint64_t nominal_blocks(uint64_t total_bytes, uint32_t readers);

// In file order.
std::vector<Block> cut_blocks(std::span<const TextFile> files, uint32_t readers);

// Appends the lines of `block`, in file order. Lines of nothing but a line end are left out.
void append_lines(const TextFile& file, const Block& block, std::vector<Line>& lines);

// The first line of `data`, without its line end; `bytes` is its length with it.
std::string_view first_line(std::string_view data, size_t& bytes);

}  // namespace cairn::data
