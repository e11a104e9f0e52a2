#include "worker/evaluation/row_directory.h"

#include <algorithm>
#include <new>

#include "worker/math/tensor/memory.h"

namespace cairn::evaluation {
namespace {

// More would keep a row that was popular once for too long.
constexpr uint8_t kUsesMax = 15;

}  // namespace

// On huge pages: a batch looks at places all over it.
RowDirectory::RowDirectory(uint32_t places) : sets_(places / kWays), all_(nullptr, Free{sets_}) {
  if (sets_ == 0) return;
  all_.reset(static_cast<Set*>(math::host_memory().allocate(sets_ * sizeof(Set))));
  for (uint32_t s = 0; s < sets_; ++s) new (&all_[s]) Set();
}

void RowDirectory::Free::operator()(Set* all) const {
  math::host_memory().free(all, sets * sizeof(Set));
}

// Spreads hashes evenly over any number of sets (Lemire, "Fast Random Integer Generation in an
// Interval", 2019).
uint32_t RowDirectory::number_of(Key key) const {
  return static_cast<uint32_t>((hash_key(key) >> 32) * sets_ >> 32);
}

void RowDirectory::prefetch(Key key) const {
  if (sets_ == 0) return;
  const Set& set = all_[number_of(key)];
  __builtin_prefetch(&set.keys);
  __builtin_prefetch(&set.places);
}

RowDirectory::Found RowDirectory::find_or_admit(Key key, uint32_t step, uint64_t batch) {
  if (sets_ == 0) return {kNone, 0, false};
  const auto number_of_batch = static_cast<uint16_t>(batch);
  const uint32_t number = number_of(key);
  Set& set = all_[number];
  for (uint32_t way = 0; way < kWays; ++way) {
    Place& place = set.places[way];
    if (set.keys[way] != key || !place.taken) continue;
    const uint32_t known = place.step;
    place.step = step;
    place.batch = number_of_batch;
    place.uses = std::min<uint8_t>(place.uses + 1, kUsesMax);
    return {number * kWays + way, known, true};
  }
  ++turn_;
  uint32_t to = kNone;
  for (uint32_t i = 0; i < kWays; ++i) {
    const uint32_t way = (turn_ + i) % kWays;
    const Place& place = set.places[way];
    if (!place.taken) {
      to = way;
      break;
    }
    if (to == kNone && place.batch != number_of_batch && place.uses == 0) to = way;
  }
  if (to == kNone) {
    for (Place& place : set.places) place.uses -= place.uses > 0 ? 1 : 0;
    return {kNone, 0, false};
  }
  set.keys[to] = key;
  set.places[to] = {.step = step, .batch = number_of_batch, .taken = true};
  return {number * kWays + to, 0, false};
}

}  // namespace cairn::evaluation
