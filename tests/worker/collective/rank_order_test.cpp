#include "worker/collective/rank_order.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::collective {

namespace {

TEST(RankOrder, PiecesCoverEveryValueOnceInOrder) {
  for (const uint32_t ranks : {1u, 2u, 3u, 7u, 64u})
    for (size_t values = 0; values < 200; ++values) {
      size_t next = 0;
      for (uint32_t owner = 0; owner < ranks; ++owner) {
        const Piece piece = piece_of(values, owner, ranks);
        ASSERT_EQ(piece.first, next);
        ASSERT_LE(piece.count, values / ranks + 1);
        next += piece.count;
      }
      ASSERT_EQ(next, values);
    }
}

TEST(RankOrder, AddsTheFirstRankFirst) {
  // In float, (1e8 + -1e8) + 1 is 1, and 1e8 + (-1e8 + 1) is 0.
  const std::vector<float> a(5000, 1e8f), b(5000, -1e8f), c(5000, 1.0f);
  std::vector<float> out = c;  // the result may replace a part
  const std::vector<const float*> parts = {a.data(), b.data(), out.data()};
  sum_in_rank_order(parts, out);
  EXPECT_EQ(out, c);

  const std::vector<const float*> reversed = {c.data(), b.data(), a.data()};
  sum_in_rank_order(reversed, out);
  EXPECT_EQ(out, std::vector<float>(5000, 0.0f));
}

}  // namespace

}  // namespace cairn::collective
