// The rows of one table that a cache holds, by key. A key has eight places where its row may stand
// (a set, Smith, "Cache Memories", 1982, section 2.2), so finding it reads two cache lines, and
// nothing is ever moved. A newcomer takes one whose row has no use left: each time a row is found
// it gains one, up to 15, and each newcomer that finds no room costs all eight one. So what comes
// once goes soon, and what comes in every batch stays. Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>

#include "common/hash.h"

namespace cairn::evaluation {

class RowDirectory {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kWays = 8;            // places of a set
  static constexpr uint32_t kBytesOfAPlace = 16;  // of the directory itself

  // places: the most rows that it holds; a multiple of kWays.
  explicit RowDirectory(uint32_t places = 0);

  uint32_t places() const { return sets_ * kWays; }

  void prefetch(Key key) const;

  struct Found {
    uint32_t place;  // kNone: the row is not here, and there is no room for it now
    uint32_t step;   // that the row here was known at; 0 where it was not here
    bool is_here;    // it was before this call
  };
  // Finds a key's row, which is known at `step` from now on, or gives it a place. None is given
  // that the same batch (numbered from 1) was told before.
  Found find_or_admit(Key key, uint32_t step, uint64_t batch);

 private:
  struct Place {
    uint32_t step = 0;
    uint16_t batch = 0;  // the last that was told of it, modulo 2^16
    uint8_t uses = 0;
    bool taken = false;
  };
  struct alignas(64) Set {
    Key keys[kWays] = {};
    Place places[kWays];
  };
  static_assert(sizeof(Set) == kWays * kBytesOfAPlace);
  struct Free {
    uint32_t sets;
    void operator()(Set* all) const;
  };

  uint32_t number_of(Key key) const;

  uint32_t sets_ = 0;
  std::unique_ptr<Set[], Free> all_;
  uint32_t turn_ = 0;  // where in a set a newcomer looks first
};

}  // namespace cairn::evaluation
