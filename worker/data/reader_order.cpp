#include "worker/data/reader_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/check.h"
#include "common/hash.h"
#include "common/random.h"

namespace cairn {
namespace {

// Draws are named by purpose, so that no two purposes share any.
constexpr uint64_t kBlockOrder = 0x626c6f636b73;  // "blocks"
constexpr uint64_t kLineOrder = 0x6c696e6573;     // "lines"

uint64_t stream_of(uint64_t purpose, uint64_t epoch, uint64_t place) {
  return hash_key(hash_key(hash_key(purpose) + epoch) + place);
}

// Source: Fisher and Yates, in the form of Durstenfeld, CACM 7 (1964).
template <typename T>
void shuffle(std::vector<T>& items, RandomStream random) {
  for (size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1], items[random.next_below(left)]);
}

}  // namespace

std::vector<std::vector<uint32_t>> deal_blocks(uint32_t blocks, uint32_t readers,
                                               const OrderKey& order) {
  std::vector<uint32_t> cards(blocks);
  std::iota(cards.begin(), cards.end(), 0u);
  std::vector<std::vector<uint32_t>> dealt(readers);
  if (order.shuffle) {
    shuffle(cards, RandomStream(order.seed, stream_of(kBlockOrder, order.epoch, 0)));
    for (uint32_t i = 0; i < blocks; ++i) dealt[i % readers].push_back(cards[i]);
    return dealt;
  }
  for (uint32_t v = 0; v < readers; ++v)
    dealt[v].assign(cards.begin() + static_cast<ptrdiff_t>(uint64_t{v} * blocks / readers),
                    cards.begin() + static_cast<ptrdiff_t>((uint64_t{v} + 1) * blocks / readers));
  return dealt;
}

ReaderRange readers_of(uint32_t worker, uint32_t workers, uint32_t readers) {
  return {static_cast<uint32_t>(uint64_t{worker} * readers / workers),
          static_cast<uint32_t>((uint64_t{worker} + 1) * readers / workers)};
}

uint64_t share_of(uint32_t reader, uint32_t readers, uint64_t batch_size) {
  return (reader + uint64_t{1}) * batch_size / readers - reader * batch_size / readers;
}

LineReader::LineReader(std::span<const InputFile> files, std::span<const Block> blocks,
                       std::vector<uint32_t> own_blocks, uint32_t reader, const OrderKey& order)
    : files_(files),
      blocks_(blocks),
      own_blocks_(std::move(own_blocks)),
      reader_(reader),
      order_(order) {}

uint32_t LineReader::groups() const {
  return static_cast<uint32_t>((own_blocks_.size() + kBlocksPerGroup - 1) / kBlocksPerGroup);
}

bool LineReader::seek(ReaderPosition position) {
  if (position.group > groups()) return false;
  group_ = position.group;
  line_ = 0;
  loaded_ = false;
  if (group_ == groups()) return position.line == 0;
  if (position.line == 0) return true;
  load_group();
  if (position.line > lines_.size()) return false;
  line_ = position.line;
  return true;
}

const Line* LineReader::next() {
  for (;;) {
    if (group_ == groups()) return nullptr;
    if (!loaded_) load_group();
    if (line_ < lines_.size()) break;
    ++group_;
    line_ = 0;
    loaded_ = false;
  }
  // Shuffled lines lie far apart: the one after the next is fetched while this one is parsed.
  if (order_.shuffle && line_ + 2 < lines_.size()) prefetch(line_ + 2);
  return &lines_[line_++];
}

void LineReader::load_group() {
  const size_t first = size_t{group_} * kBlocksPerGroup;
  const size_t last = std::min(first + kBlocksPerGroup, own_blocks_.size());
  lines_.clear();
  for (size_t i = first; i < last; ++i) {
    const Block& block = blocks_[own_blocks_[i]];
    const InputFile& file = files_[block.file];
    MappedFile::read_ahead(file.data().substr(block.begin, block.end - block.begin));
    append_lines(file, block, lines_);
  }
  if (order_.shuffle)
    shuffle(lines_, RandomStream(order_.seed, stream_of(kLineOrder, order_.epoch,
                                                        uint64_t{reader_} << 32 | group_)));
  loaded_ = true;
}

void LineReader::prefetch(size_t line) const {
  const Line& next = lines_[line];
  const char* text = files_[next.file].data().data() + next.offset;
  for (size_t at = 0; at < std::min<size_t>(next.bytes, 512); at += 64)
    __builtin_prefetch(text + at);
}

}  // namespace cairn
