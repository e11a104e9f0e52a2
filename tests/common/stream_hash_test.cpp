#include "common/stream_hash.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

TEST(StreamHash, PiecesHashAsTheWholeDoes) {
  RandomStream random(test_seed(), 15);
  for (int round = 0; round < 50; ++round) {
    std::string text(random.next_below(3000), '\0');
    for (char& c : text) c = static_cast<char>(random.next_u32());
    StreamHash narrow(StreamHash::Width::k64), wide(StreamHash::Width::k128);
    narrow.add("before", 6);
    narrow.reset();
    for (size_t at = 0; at < text.size();) {
      const size_t n = std::min<size_t>(random.next_below(500), text.size() - at);
      narrow.add(text.data() + at, n);
      wide.add(text.data() + at, n);
      at += n;
    }
    EXPECT_EQ(narrow.digest64(), hash_string(text));
    EXPECT_EQ(wide.digest128(), hash_bytes(text.data(), text.size(), 0));
  }
}

TEST(StreamHash, HexHasTheHighHalfFirst) {
  EXPECT_EQ(to_hex({0x00000000000000abull, 0x0123456789abcdefull}),
            "0123456789abcdef00000000000000ab");
}

}  // namespace
}  // namespace cairn
