#include "ps/policy/key_filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

namespace {
// Sets these hashes apart from others that are made with the job's seed.
constexpr uint64_t kPurpose = 0x66696c7465722d30ull;  // "filter-0"
}  // namespace

KeyFilter::KeyFilter(SlotRange slots, uint32_t slot_bytes, uint64_t seed)
    : slots_(slots),
      slot_bytes_(slot_bytes),
      seed_(hash_key(seed ^ kPurpose)),
      pages_(size_t{slots.last - slots.first} * slot_bytes, /*huge=*/false),
      save_from_(slots.last) {
  check(slot_bytes > 0, "a slot of a filter has counters");
}

uint8_t* KeyFilter::counters_of(uint32_t slot) const {
  check(slots_.contains(slot), "a key of a slot that the filter does not hold");
  return reinterpret_cast<uint8_t*>(pages_.data()) + size_t{slot - slots_.first} * slot_bytes_;
}

// Places of their own, all four: where they are the multiples of one stride, as in Kirsch and
// Mitzenmacher, "Less hashing, same performance", ESA 2006, one key in a few hundred has a stride
// so short, in counters as few as those of a slot, that all its places are one.
KeyFilter::Places KeyFilter::places_of(Key key) const {
  static_assert(kHashes == 4, "two hashes of 64 bits");
  uint8_t* const counters = counters_of(slot_of(key));
  const uint64_t first = hash_key(hash_key(key) ^ seed_);
  const uint64_t second = hash_key(first ^ seed_);
  const auto at = [&](uint64_t hash) {
    return counters + ((hash & 0xFFFFFFFF) * slot_bytes_ >> 32);
  };
  return {{at(first), at(first >> 32), at(second), at(second >> 32)}};
}

uint32_t KeyFilter::count(Key key) const {
  const Places places = places_of(key);
  uint32_t lowest = kCountMax;
  for (const uint8_t* counter : places.counters) lowest = std::min<uint32_t>(lowest, *counter);
  return lowest;
}

void KeyFilter::add(Key key) {
  const uint32_t lowest = count(key);
  if (lowest == kCountMax) return;
  changed_ = true;
  const uint32_t slot = slot_of(key);
  if (slot >= save_from_ && !set_aside_.contains(slot))
    set_aside_.emplace(slot, std::string(reinterpret_cast<char*>(counters_of(slot)), slot_bytes_));
  for (uint8_t* counter : places_of(key).counters)
    *counter = static_cast<uint8_t>(std::max<uint32_t>(*counter, lowest + 1));
}

void KeyFilter::begin_save() {
  set_aside_.clear();
  changed_ = false;
  save_from_ = slots_.first;
}

std::string KeyFilter::saved(uint32_t slot) {
  check(slot >= save_from_ && slot < slots_.last, "slots are saved once, ascending");
  save_from_ = slot + 1;
  const auto before = set_aside_.find(slot);
  if (before == set_aside_.end())
    return std::string(reinterpret_cast<char*>(counters_of(slot)), slot_bytes_);
  std::string counters = std::move(before->second);
  set_aside_.erase(before);
  return counters;
}

bool KeyFilter::load(uint32_t slot, std::string_view counters) {
  if (counters.size() != slot_bytes_) return false;
  std::memcpy(counters_of(slot), counters.data(), counters.size());
  return true;
}

}  // namespace cairn::ps
