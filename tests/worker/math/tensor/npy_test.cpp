#include "worker/math/tensor/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "common/random.h"
#include "tests/common/temporary_folder.h"
#include "tests/seed.h"
#include "worker/math/tensor/tensor_ops.h"

namespace cairn::math {
namespace {

using testing::HasSubstr;

const std::filesystem::path kFixtures = CAIRN_SOURCE_DIR "/tests/worker/math/tensor/fixtures";

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

// Row-major, as bytes, whatever the strides.
std::string content(Arena& arena, const Tensor& x) {
  const Tensor whole = copy_of(arena, x);
  return {static_cast<const char*>(whole.data), whole.size() * size_of(whole.dtype)};
}

TEST(Npz, ReadsWhatNumPyWrote) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    Arena arena;
    const auto read = read_npz(kFixtures / name, arena);
    ASSERT_TRUE(read.ok()) << read.error().message;
    const std::map<std::string, Tensor>& all = read.value();
    ASSERT_EQ(all.size(), 4u);
    const Tensor f32 = all.at("f32"), f64 = all.at("f64_columns_first");
    EXPECT_EQ(f32.shape, (Shape{2, 3}));
    EXPECT_EQ(static_cast<const float*>(f32.data)[5], 1.25f);
    EXPECT_EQ(f64.shape, (Shape{2, 3, 4}));
    const Tensor rows = copy_of(arena, f64);
    for (int i = 0; i < 24; ++i) EXPECT_EQ(static_cast<const double*>(rows.data)[i], i);
    EXPECT_EQ(all.at("i64_single").rank(), 0u);
    EXPECT_EQ(*static_cast<const int64_t*>(all.at("i64_single").data), -(int64_t{1} << 62) - 1);
    EXPECT_EQ(all.at("empty").shape, (Shape{0, 3}));
  }
}

TEST(Npy, ReadsBackWhatItWrote) {
  TemporaryFolder folder;
  Arena arena;
  std::map<std::string, Tensor> all;
  for (const DType type : {DType::kF32, DType::kF64, DType::kI64}) {
    const Tensor x = make_tensor(arena, {3, 4, 2}, type);
    fill_uniform(x, test_seed(), static_cast<uint64_t>(type), -1e6, 1e6);
    const std::array<size_t, 3> turned = {2, 0, 1};
    all[name_of(type)] = x.transpose(turned);
  }
  ASSERT_TRUE(write_npz(folder.path() / "all.npz", all).ok());
  const auto read = read_npz(folder.path() / "all.npz", arena);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read.value().size(), all.size());
  for (const auto& [name, x] : all) {
    ASSERT_TRUE(write_npy(folder.path() / "one.npy", x).ok());
    const auto one = read_npy(folder.path() / "one.npy", arena);
    ASSERT_TRUE(one.ok()) << one.error().message;
    for (const Tensor& got : {one.value(), read.value().at(name)}) {
      EXPECT_EQ(got.dtype, x.dtype);
      EXPECT_EQ(got.shape, x.shape);
      EXPECT_EQ(content(arena, got), content(arena, x));
    }
  }
}

TEST(Npy, WritesTheBytesThatNumPyWrites) {
  TemporaryFolder folder;
  Arena arena;
  const auto x = read_npy(kFixtures / "f32.npy", arena);
  ASSERT_TRUE(x.ok()) << x.error().message;
  ASSERT_TRUE(write_npy(folder.path() / "f32.npy", x.value()).ok());
  EXPECT_EQ(bytes_of(folder.path() / "f32.npy"), bytes_of(kFixtures / "f32.npy"));
}

TEST(Npy, RefusesWhatItCannotHold) {
  TemporaryFolder folder;
  Arena arena;
  EXPECT_EQ(read_npy(folder.path() / "none.npy", arena).error().code, ErrorCode::kNotFound);
  const auto complex = read_npy(kFixtures / "complex.npy", arena);
  EXPECT_EQ(complex.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(complex.error().message, HasSubstr("complex.npy: has type <c8, want <f4, <f8"));
  const Tensor bf16 = make_tensor(arena, {1}, DType::kBf16);
  EXPECT_THAT(write_npy(folder.path() / "a.npy", bf16).error().message,
              HasSubstr("a.npy: NumPy has no bf16; cast to f32"));
  EXPECT_EQ(
      write_npy(folder.path() / "no" / "a.npy", make_tensor(arena, {1}, DType::kF32)).error().code,
      ErrorCode::kUnavailable);
}

TEST(Npy, RefusesEveryTruncationAndWhatIsTooLong) {
  TemporaryFolder folder;
  const std::string npy = bytes_of(kFixtures / "f32.npy"), npz = bytes_of(kFixtures / "stored.npz");
  for (size_t length = 0; length < npy.size(); ++length) {
    write(folder.path() / "x", npy.substr(0, length));
    Arena arena;
    EXPECT_EQ(read_npy(folder.path() / "x", arena).error().code, ErrorCode::kCorrupt) << length;
  }
  for (size_t length = 0; length < npz.size(); ++length) {
    write(folder.path() / "x", npz.substr(0, length));
    Arena arena;
    EXPECT_EQ(read_npz(folder.path() / "x", arena).error().code, ErrorCode::kCorrupt) << length;
  }
  write(folder.path() / "x", npy + "x");
  Arena arena;
  EXPECT_THAT(read_npy(folder.path() / "x", arena).error().message,
              HasSubstr("x: has 25 bytes of numbers for shape [2, 3]"));
}

// Whatever stands in a file, the answer is a tensor or an error; sanitizers see the rest.
TEST(Npz, AnswersAnyDamage) {
  TemporaryFolder folder;
  RandomStream random(test_seed(), 3);
  size_t refused = 0;
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const std::string good = bytes_of(kFixtures / name);
    for (int i = 0; i < 1'000; ++i) {
      std::string bad = good;
      for (uint64_t n = random.next_below(4); n != ~uint64_t{0}; --n)
        bad[random.next_below(bad.size())] = static_cast<char>(random.next_below(256));
      write(folder.path() / "x", bad);
      Arena arena;
      refused += read_npz(folder.path() / "x", arena).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 1'000u);
}

TEST(Npz, EntriesThatOverlapAreRefused) {
  TemporaryFolder folder;
  std::string bytes = bytes_of(kFixtures / "stored.npz");
  const size_t first = bytes.find("PK\x01\x02");  // the packed size stands 20 bytes behind
  ASSERT_NE(first, std::string::npos);
  const auto most = static_cast<uint32_t>(bytes.size());
  for (size_t at = first; at != std::string::npos; at = bytes.find("PK\x01\x02", at + 1)) {
    if (at == first) continue;
    std::memcpy(bytes.data() + at + 20, &most, sizeof most);
  }
  write(folder.path() / "x", bytes);
  Arena arena;
  EXPECT_THAT(read_npz(folder.path() / "x", arena).error().message, HasSubstr("entries overlap"));
}

TEST(Npz, AWrongByteIsFoundByItsChecksum) {
  TemporaryFolder folder;
  std::string bytes = bytes_of(kFixtures / "stored.npz");
  const float value = 1.25f;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write(folder.path() / "x", bytes);
  Arena arena;
  EXPECT_THAT(read_npz(folder.path() / "x", arena).error().message,
              HasSubstr("the checksum of entry 'f32.npy' is wrong"));
}

}  // namespace
}  // namespace cairn::math
