#include "common/formats/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string file_of(std::string_view header, size_t bytes) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  return file.append(header).append(bytes, '\1');
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"F32","shape":{},"data_offsets":{}}})", name, shape,
                     offsets);
}

std::string object(std::initializer_list<std::string> entries) {
  std::string all = "{";
  for (const std::string& entry : entries) all.append(all.size() > 1 ? "," : "").append(entry);
  return all.append("}");
}

// What safetensors 0.8.0 of Python writes for {"a.weight": [[1.5, -2]] in float32, "n": 7 in int64,
// "none": zeros (0, 3) in float16} and metadata {"by": "numpy"}.
TEST(Safetensors, ReadsWhatTheReferenceWrites) {
  using namespace std::string_literals;
  const std::string file =
      "\xd0\0\0\0\0\0\0\0"
      R"({"__metadata__":{"by":"numpy"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
      R"("none":{"dtype":"F16","shape":[0,3],"data_offsets":[16,16]}}  )"
      "\x07\0\0\0\0\0\0\0\0\0\xc0?\0\0\0\xc0"s;
  Result<Safetensors> parsed = Safetensors::parse(file);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Safetensors moved = std::move(parsed).value();
  ASSERT_EQ(moved.tensors().size(), 3u);
  EXPECT_EQ(moved.tensors()[0].name, "n");
  EXPECT_THAT(moved.tensors()[0].shape, IsEmpty());
  const SafetensorsTensor* weight = moved.find("a.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->dtype, "F32");
  EXPECT_THAT(weight->shape, ElementsAre(1, 2));
  float values[2];
  ASSERT_EQ(weight->bytes.size(), sizeof values);
  std::memcpy(values, weight->bytes.data(), sizeof values);
  EXPECT_THAT(values, ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(moved.find("none")->bytes, IsEmpty());
  EXPECT_EQ(moved.find("__metadata__"), nullptr);
}

TEST(Safetensors, ReadsWhatItWrites) {
  RandomStream random(test_seed(), 1);
  std::vector<TensorShape> shapes;
  std::vector<std::string> values;
  for (uint32_t i = 0; i < 20; ++i) {
    shapes.push_back(
        {fmt::format("t{}", i), {1 + i % 3, static_cast<uint32_t>(random.next_below(9))}});
    std::string& bytes = values.emplace_back(shapes[i].shape[0] * shapes[i].shape[1] * 4, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random.next_u32());
  }
  const std::string file = write_safetensors(shapes, [&](size_t i, std::span<char> bytes) {
    ASSERT_EQ(bytes.size(), values[i].size());
    std::copy(values[i].begin(), values[i].end(), bytes.begin());
  });
  const Result<Safetensors> parsed = Safetensors::parse(file);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed.value().tensors().size(), 20u);
  for (size_t i = 0; i < 20; ++i)
    EXPECT_TRUE(parsed.value().find(shapes[i].name)->bytes == values[i]);
}

TEST(Safetensors, AcceptsNoTensors) {
  EXPECT_TRUE(Safetensors::parse(file_of("{}", 0)).ok());
  EXPECT_TRUE(Safetensors::parse(file_of(R"({"__metadata__":{"a":"b"}}   )", 0)).ok());
}

struct Bad {
  const char* name;
  std::string header;
  size_t bytes;
  const char* says;
};
void PrintTo(const Bad& bad, std::ostream* to) { *to << bad.name; }

class BadSafetensors : public testing::TestWithParam<Bad> {};

TEST_P(BadSafetensors, IsRefused) {
  const auto& [name, header, bytes, says] = GetParam();
  const Result<Safetensors> parsed = Safetensors::parse(file_of(header, bytes));
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(parsed.error().message, HasSubstr(says));
}

const std::string kA = tensor("a", "[1]", "[0,4]");

INSTANTIATE_TEST_SUITE_P(
    Each, BadSafetensors,
    testing::Values(
        Bad{"NoJson", "{\"a\"", 0, "not JSON"}, Bad{"AList", "[]", 0, "not an object"},
        Bad{"BytesBehindTheHeadersObject", object({kA}).append("x"), 4, "not JSON"},
        Bad{"ANameTwice", object({kA, tensor("a", "[1]", "[4,8]")}), 8, "'a' comes twice"},
        Bad{"ATextForATensor", R"({"a":"b"})", 0, "a text"},
        Bad{"ANumberForATensor", R"({"a":1})", 0, "a number"},
        Bad{"AListForATensor", R"({"a":[1]})", 0, "a list"},
        Bad{"AnUnknownKey", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
            "a number at 'x'"},
        Bad{"AKeyTwice", R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4,
            "a list at 'shape'"},
        Bad{"ADeepTensor", R"({"a":{"dtype":{}}})", 0, "an object"},
        Bad{"ADeepShape", R"({"a":{"shape":[[1]]}})", 0, "a list"},
        Bad{"DeepMetadata", R"({"__metadata__":{"a":{}}})", 0, "an object"},
        Bad{"NumbersInMetadata", R"({"__metadata__":{"a":1}})", 0, "a number"},
        Bad{"NoShape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, "lacks"},
        Bad{"AnEmptyTensor", R"({"a":{}})", 0, "lacks"},
        Bad{"AnUnknownDtype", R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4,
            "F33"},
        Bad{"ANegativeSize", object({tensor("a", "[-1]", "[0,4]")}), 4, "a negative number"},
        Bad{"AFractionOfASize", object({tensor("a", "[1.0]", "[0,4]")}), 4, "a fraction"},
        Bad{"ASizeAbove64Bits", object({tensor("a", "[18446744073709551616]", "[0,4]")}), 4,
            "a fraction"},
        Bad{"AProductOfSizesThatOverflowsToFour",
            object({tensor("a", "[4294967296,4294967296,1]", "[0,0]")}), 0, "unknown size"},
        Bad{"AProductOfSizesThatOverflowsByTheDtype",
            object({tensor("a", "[4611686018427387905]", "[0,4]")}), 4, "unknown size"},
        Bad{"OneOffset", object({tensor("a", "[1]", "[4]")}), 4, "1 data_offsets"},
        Bad{"ThreeOffsets", object({tensor("a", "[1]", "[0,4,8]")}), 4, "3 data_offsets"},
        Bad{"OffsetsInTurn", object({tensor("a", "[1]", "[4,0]")}), 4, "stands at [4, 0)"},
        Bad{"OffsetsOutside", object({tensor("a", "[1]", "[0,4]")}), 3, "stands at"},
        Bad{"LargestOffsets",
            object({tensor("a", "[0]", "[18446744073709551615,18446744073709551615]")}), 0,
            "stands at"},
        Bad{"AHole", object({kA, tensor("b", "[1]", "[5,9]")}), 9, "'b'"},
        Bad{"AnOverlap", object({kA, tensor("b", "[1]", "[2,6]")}), 6, "'b'"},
        Bad{"TheSameBytesTwice", object({kA, tensor("b", "[1]", "[0,4]")}), 4, "'b'"},
        Bad{"TooFewBytesForTheShape", object({tensor("a", "[2]", "[0,4]")}), 4, "want 8 bytes"},
        Bad{"BytesBehindTheLastTensor", object({kA}), 5, "1 bytes behind"}),
    [](const auto& info) { return info.param.name; });

TEST(Safetensors, RefusesHeadersOfImpossibleLengths) {
  for (const uint64_t length :
       {uint64_t{3}, uint64_t{100'000'001}, UINT64_MAX, UINT64_MAX - 7, uint64_t{1} << 63}) {
    std::string file = file_of("{}", 0);
    std::memcpy(file.data(), &length, sizeof length);
    const Result<Safetensors> parsed = Safetensors::parse(file);
    ASSERT_FALSE(parsed.ok()) << length;
    EXPECT_THAT(parsed.error().message, HasSubstr("impossible"));
  }
  EXPECT_FALSE(Safetensors::parse("").ok());
  EXPECT_FALSE(Safetensors::parse(std::string(7, '\0')).ok());
  EXPECT_FALSE(Safetensors::parse(std::string(8, '\0')).ok());
}

// Nothing of a damaged file is read outside it (a run under ASan shows that), and a cut one never
// passes.
TEST(Safetensors, SurvivesRandomDamage) {
  RandomStream random(test_seed(), 2);
  const std::string whole =
      file_of(object({kA, tensor("b", "[2,3]", "[4,28]"), tensor("c", "[]", "[28,32]"),
                      R"("__metadata__":{"k":"v"})"}),
              32);
  ASSERT_TRUE(Safetensors::parse(whole).ok());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(Safetensors::parse(whole.substr(0, length)).ok()) << length;
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    for (int flips = 1 + i % 3; flips > 0; --flips)
      damaged[random.next_below(damaged.size() - 32)] = static_cast<char>(random.next_u32());
    const Result<Safetensors> parsed = Safetensors::parse(damaged);
    if (!parsed.ok()) continue;
    size_t bytes = 0;
    for (const SafetensorsTensor& found : parsed.value().tensors())
      bytes += std::string(found.bytes).size();
    EXPECT_EQ(bytes, 32u);
  }
}

}  // namespace
}  // namespace cairn
