// The input of one split: its files, mapped, and the blocks they are cut into.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "worker/data/text/mapped_file.h"

namespace cairn {

struct InputFile {
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

// Blocks that the input is cut into: as many for each of the V readers, so that all end within a
// step or two of each other; at least 64 each, and none above 4 MiB but for the end of its last
// line.
uint64_t nominal_blocks(uint64_t total_bytes, uint32_t readers);

// In file order.
std::vector<Block> cut_blocks(std::span<const InputFile> files, uint32_t readers);

// Appends the lines of `block`, in file order. Lines of nothing but a line end are left out.
void append_lines(const InputFile& file, const Block& block, std::vector<Line>& lines);

// The length of the byte order mark that some editors put before UTF-8 text.
size_t byte_order_mark(std::string_view data);

// The first line of `data`, without its line end; `bytes` is its length with it.
std::string_view first_line(std::string_view data, size_t& bytes);

// "file:line", counting from 1. Reads the file up to there: for messages only.
std::string place_of(const InputFile& file, uint64_t offset);

}  // namespace cairn
