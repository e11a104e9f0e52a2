#include "worker/data/text/line_reader.h"

#include <algorithm>
#include <utility>

namespace cairn::data {

LineReader::LineReader(const TextInput& input, OwnBlocks own)
    : input_(input), own_(std::move(own)) {}

bool LineReader::seek(features::ReaderPosition position) {
  const auto [group, line] = position;
  if (group > own_.groups()) return false;
  group_ = group;
  line_ = 0;
  loaded_ = false;
  if (group_ == own_.groups()) return line == 0;
  if (line == 0) return true;
  load_group();
  if (line > lines_.size()) return false;
  line_ = line;
  return true;
}

const Line* LineReader::next() {
  for (;;) {
    if (group_ == own_.groups()) return nullptr;
    if (!loaded_) load_group();
    if (line_ < lines_.size()) break;
    ++group_;
    line_ = 0;
    loaded_ = false;
  }
  // Shuffled lines lie far apart: the one after the next is fetched while this one is parsed.
  if (own_.order.shuffle && line_ + 2 < lines_.size()) prefetch(line_ + 2);
  return &lines_[line_++];
}

void LineReader::load_group() {
  lines_.clear();
  for (const uint32_t number : own_.group(group_)) {
    const Block& block = input_.blocks()[number];
    const TextFile& file = input_.files()[block.file];
    MappedFile::read_ahead(file.data().substr(block.begin, block.end - block.begin));
    append_lines(file, block, lines_);
  }
  own_.shuffle_group(group_, lines_);
  loaded_ = true;
}

void LineReader::prefetch(size_t line) const {
  const Line& next = lines_[line];
  const char* text = input_.files()[next.file].data().data() + next.offset;
  for (size_t at = 0; at < std::min<size_t>(next.bytes, 512); at += 64)
    __builtin_prefetch(text + at);
}

}  // namespace cairn::data
