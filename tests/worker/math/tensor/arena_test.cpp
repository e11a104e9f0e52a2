#include "worker/math/tensor/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace cairn::math {
namespace {

TEST(Arena, PiecesAreAlignedAndDoNotOverlap) {
  Arena arena;
  std::vector<std::pair<std::byte*, size_t>> pieces;
  for (size_t bytes : {1, 63, 64, 65, 4096, 5'000'000, 0, 7}) {
    auto* piece = static_cast<std::byte*>(arena.allocate(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(piece) % Arena::kAlignment, 0u);
    std::memset(piece, static_cast<int>(pieces.size()), bytes);
    pieces.emplace_back(piece, bytes);
  }
  for (size_t i = 0; i < pieces.size(); ++i)
    for (size_t b = 0; b < pieces[i].second; ++b)
      ASSERT_EQ(static_cast<size_t>(pieces[i].first[b]), i);
}

TEST(Arena, AsksForNothingAfterTheLargestStep) {
  Arena arena;
  const auto step = [&arena] {
    arena.reset();
    for (int i = 0; i < 100; ++i) arena.matrix(300, 400);
  };
  step();
  arena.reset();  // several blocks became one
  const size_t made = arena.blocks_made();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(arena.blocks_made(), made);
}

TEST(Arena, ReportsThePeakOfAllSteps) {
  Arena arena;
  arena.matrix(16, 1000);
  EXPECT_EQ(arena.used_bytes(), 64'000u);
  arena.reset();
  EXPECT_EQ(arena.used_bytes(), 0u);
  arena.matrix(16, 10);
  EXPECT_EQ(arena.peak_bytes(), 64'000u);
}

TEST(Matrix, ColumnsAreAViewWithTheSameRows) {
  std::vector<float> data = {1, 2, 3, 4, 5, 6};
  const Matrix m(data.data(), 2, 3);
  const Matrix right = m.columns(1, 2);
  EXPECT_EQ(right.row(1)[0], 5.0f);
  EXPECT_FALSE(right.contiguous());
  EXPECT_TRUE(m.contiguous());
  EXPECT_DEATH((void)m.columns(2, 2), "columns beyond the matrix");
}

}  // namespace
}  // namespace cairn::math
