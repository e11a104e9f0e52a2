#include "ps/step/gradient_merge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "common/random.h"
#include "common/values.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

struct Part {
  std::vector<Key> keys;
  std::vector<float> gradients;
  std::vector<char> bytes;  // both, at an odd address

  GradientPart view() {
    return {reinterpret_cast<const char*>(keys.data()),
            reinterpret_cast<const char*>(gradients.data()), keys.size()};
  }
  GradientPart odd_view() {
    const size_t key_bytes = keys.size() * sizeof(Key),
                 bytes_of_all = key_bytes + gradients.size() * 4;
    bytes.resize(bytes_of_all + 1);
    std::memcpy(bytes.data() + 1, keys.data(), key_bytes);
    std::memcpy(bytes.data() + 1 + key_bytes, gradients.data(), gradients.size() * 4);
    return {bytes.data() + 1, bytes.data() + 1 + key_bytes, keys.size()};
  }
};

TEST(GradientMerge, SumsInTheOrderOfThePartsWhateverTheirAddress) {
  RandomStream random(test_seed(), 30);
  for (int round = 0; round < 300; ++round) {
    const size_t dim = 1 + random.next_below(9);
    std::vector<Part> parts(1 + random.next_below(5));
    std::map<Key, std::vector<float>> expected;
    for (Part& part : parts) {
      for (Key key = random.next_below(4); key < 100; key += 1 + random.next_below(30)) {
        const bool first = !expected.contains(key);
        std::vector<float>& sum = expected[key];
        sum.resize(dim);
        part.keys.push_back(key);
        for (size_t i = 0; i < dim; ++i) {
          part.gradients.push_back(random.next_normal() * 1e3f);
          sum[i] = first ? part.gradients.back() : sum[i] + part.gradients.back();
        }
      }
    }
    std::vector<GradientPart> views;
    for (Part& part : parts) views.push_back(round % 2 == 0 ? part.view() : part.odd_view());
    GradientMerge merge(views, dim, 1 + random.next_below(8));
    std::map<Key, std::vector<float>> sums;
    Key last = 0;
    for (auto block = merge.next(); !block.keys.empty(); block = merge.next()) {
      for (size_t i = 0; i < block.keys.size(); ++i) {
        ASSERT_TRUE(sums.empty() || block.keys[i] > last);
        last = block.keys[i];
        sums[last].assign(block.gradients + i * dim, block.gradients + (i + 1) * dim);
      }
    }
    ASSERT_EQ(sums, expected);
  }
}

TEST(GradientMerge, DoesNotCopyTheGradientsOfASinglePart) {
  Part part{{1, 2, 3}, {1, 2, 3, 4, 5, 6}, {}};
  GradientMerge merge(std::vector{part.view(), GradientPart{}}, 2, 2);
  const GradientMerge::Block block = merge.next();
  EXPECT_EQ(block.gradients, part.gradients.data());
  EXPECT_EQ(block.keys.size(), 3u);
  EXPECT_TRUE(merge.next().keys.empty());
}

TEST(GradientMerge, SumsBf16InF32) {
  const float values[] = {1.0f, 0x1p-8f, 3.0f};  // 1 + 2^-8 is no bf16
  std::vector<char> bytes(2 * 3 + 1);
  narrow(values, ValueType::kBfloat16, bytes.data() + 1, 3);
  const Key one = 1, both[] = {1, 2};
  const auto part = [&](const Key* keys, size_t first, size_t count) {
    return GradientPart{reinterpret_cast<const char*>(keys), bytes.data() + 1 + 2 * first, count,
                        ValueType::kBfloat16};
  };
  GradientMerge merge(std::vector{part(&one, 0, 1), part(both, 1, 2)}, 1, 8);
  const GradientMerge::Block block = merge.next();
  ASSERT_EQ(block.keys.size(), 2u);
  EXPECT_EQ(block.gradients[0], 1.0f + 0x1p-8f);
  EXPECT_EQ(block.gradients[1], 3.0f);
  GradientMerge alone(std::vector{part(both, 0, 2)}, 1, 8);
  EXPECT_EQ(alone.next().gradients[1], 0x1p-8f);
}

TEST(GradientMerge, MinusZeroStaysMinusZero) {
  Part part{{1}, {-0.0f}, {}}, other{{2}, {1.0f}, {}};
  GradientMerge merge(std::vector{part.view(), other.view()}, 1, 8);
  EXPECT_TRUE(std::signbit(merge.next().gradients[0]));
}

}  // namespace
}  // namespace cairn::ps
