#include "worker/data/reader_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/hash.h"

namespace cairn::data {
namespace {

// Draws are named by purpose, so that no two purposes share any.
constexpr uint64_t kBlockOrder = 0x626c6f636b73;  // "blocks"
constexpr uint64_t kLineOrder = 0x6c696e6573;     // "lines"

uint64_t stream_of(uint64_t purpose, uint64_t epoch, uint64_t place) {
  return hash_key(hash_key(hash_key(purpose) + epoch) + place);
}

}  // namespace

std::vector<OwnBlocks> deal_blocks(uint32_t blocks, uint32_t readers, const OrderKey& order) {
  std::vector<uint32_t> cards(blocks);
  std::iota(cards.begin(), cards.end(), 0u);
  std::vector<OwnBlocks> dealt;
  for (uint32_t v = 0; v < readers; ++v) dealt.push_back({v, order, {}});
  if (order.shuffle) {
    shuffle(cards, RandomStream(order.seed, stream_of(kBlockOrder, order.epoch, 0)));
    for (uint32_t i = 0; i < blocks; ++i) dealt[i % readers].blocks.push_back(cards[i]);
    return dealt;
  }
  for (uint32_t v = 0; v < readers; ++v)
    dealt[v].blocks.assign(
        cards.begin() + static_cast<ptrdiff_t>(uint64_t{v} * blocks / readers),
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

uint32_t OwnBlocks::groups() const {
  return static_cast<uint32_t>((blocks.size() + kBlocksPerGroup - 1) / kBlocksPerGroup);
}

std::span<const uint32_t> OwnBlocks::group(uint32_t group) const {
  const std::span<const uint32_t> from = std::span(blocks).subspan(size_t{group} * kBlocksPerGroup);
  return from.first(std::min<size_t>(kBlocksPerGroup, from.size()));
}

RandomStream OwnBlocks::group_stream(uint32_t group) const {
  return {order.seed, stream_of(kLineOrder, order.epoch, uint64_t{reader} << 32 | group)};
}

}  // namespace cairn::data
