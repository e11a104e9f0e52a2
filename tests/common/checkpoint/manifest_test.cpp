#include "common/checkpoint/manifest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/hash.h"
#include "common/random.h"
#include "common/stream_hash.h"
#include "tests/common/temporary_folder.h"
#include "tests/seed.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void write(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() {
    write(checkpoint_ / "dense.safetensors", "dense parameters");
    write(checkpoint_ / "shard-000" / "000012.sst", "rows of one");
    write(checkpoint_ / "shard-001" / "000012.sst", "rows of another");
    manifest_.step = 1234;
    manifest_.epoch = 2;
    manifest_.incarnation = random_.next_u64() | uint64_t{1} << 63;
    manifest_.readers = 16;
    manifest_.config_hash = "abc";
    for (int i = 0; i < 16; ++i)
      manifest_.positions.emplace_back(random_.next_u32(), random_.next_u32());
    manifest_.tables.resize(2);
    manifest_.tables[0].name = "genres \"quoted\"";
    manifest_.tables[0].optimizer.learning_rate = random_.next_float();
    manifest_.tables[1].name = "user";
    manifest_.tables[1].dim = 4;
    manifest_.tables[1].dtype = ValueType::kBfloat16;
    manifest_.tables[1].optimizer.name = "adam";
    manifest_.tables[1].optimizer.beta2 = 0.9999f;
    manifest_.tables[1].optimizer.clip_norm = random_.next_float();
    manifest_.tables[1].optimizer.schedule = {Schedule::kCosine, 10, 1000, random_.next_float()};
    manifest_.tables[1].initializer = {Initializer::kUniform, 0.3f};
    manifest_.tables[0].admission = {.min_count = 3, .filter_bytes = 1 << 20};
    manifest_.tables[1].admission.probability = 0.25f;
    manifest_.tables[1].expiry = {.unseen_steps = 7, .age_steps = 9, .min_norm = 0.5f};
    manifest_.tables[1].max_rows = 2'000'000;
    manifest_.shards = {{"shard-000", {0, 7000}}, {"shard-001", {7000, kSlots}}};
    manifest_.files = {describe_file(checkpoint_, "dense.safetensors").value(),
                       {"shard-000/000012.sst", 11, ""},
                       {"shard-001/000012.sst", 15, ""}};
    manifest_.metrics = {{"income.auc", 0.9451}, {"income.logloss", std::nan("")}};
  }
  void commit() { ASSERT_TRUE(commit_manifest(checkpoint_, manifest_).ok()); }
  // The manifest with one change that its own checksum does not show.
  ErrorCode code_after(const std::function<void(json&)>& change) {
    commit();
    json whole = json::parse(read(path_));
    change(whole["manifest"]);
    const std::string text = whole["manifest"].dump();
    whole["xxh128"] = to_hex(hash_bytes(text.data(), text.size(), 0));
    write(path_, whole.dump());
    const auto manifest = read_manifest(checkpoint_);
    EXPECT_FALSE(manifest.ok());
    return manifest.ok() ? ErrorCode::kInterrupted : manifest.error().code;
  }

  TemporaryFolder folder_;
  const fs::path checkpoint_ = folder_.path() / checkpoint_folder_name(1234);
  const fs::path path_ = checkpoint_ / "manifest.json";
  RandomStream random_{test_seed(), 16};
  CheckpointManifest manifest_;
};

TEST_F(ManifestTest, RoundTrips) {
  commit();
  const auto got = read_manifest(checkpoint_);
  ASSERT_TRUE(got.ok()) << got.error().message;
  const CheckpointManifest& m = got.value();
  EXPECT_EQ(m.step, manifest_.step);
  EXPECT_EQ(m.epoch, manifest_.epoch);
  EXPECT_EQ(m.incarnation, manifest_.incarnation);
  EXPECT_EQ(m.readers, manifest_.readers);
  EXPECT_EQ(m.config_hash, manifest_.config_hash);
  EXPECT_EQ(m.positions, manifest_.positions);
  EXPECT_EQ(m.tables, manifest_.tables);
  ASSERT_EQ(m.shards.size(), 2u);
  EXPECT_EQ(m.shards[1].folder, "shard-001");
  EXPECT_EQ(m.shards[1].slots, (SlotRange{7000, kSlots}));
  ASSERT_EQ(m.files.size(), 3u);
  EXPECT_EQ(m.files[0].xxh128, manifest_.files[0].xxh128);
  EXPECT_EQ(m.files[2].bytes, 15u);
  EXPECT_EQ(m.metrics.at("income.auc"), 0.9451);
  EXPECT_TRUE(std::isnan(m.metrics.at("income.logloss")));
}

TEST_F(ManifestTest, EveryTruncationOfItIsRefused) {
  commit();
  for (size_t n = fs::file_size(path_); n-- > 0;) {
    fs::resize_file(path_, n);
    const auto manifest = read_manifest(checkpoint_);
    ASSERT_FALSE(manifest.ok()) << n;
    EXPECT_EQ(manifest.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(ManifestTest, AnEditedOneIsRefused) {
  commit();
  std::string text = read(path_);
  text.replace(text.find("1234"), 4, "1235");
  write(path_, text);
  const auto manifest = read_manifest(checkpoint_);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().code, ErrorCode::kCorrupt);
}

TEST_F(ManifestTest, AMissingFileIsNamed) {
  commit();
  fs::remove(checkpoint_ / "shard-001" / "000012.sst");
  const auto manifest = read_manifest(checkpoint_);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().code, ErrorCode::kNotFound);
  EXPECT_NE(manifest.error().message.find("shard-001/000012.sst"), std::string::npos);
}

TEST_F(ManifestTest, AFileOfAnotherSizeOrContentIsNamed) {
  commit();
  const auto refused = [&](const char* name) {
    const auto manifest = read_manifest(checkpoint_);
    return !manifest.ok() && manifest.error().code == ErrorCode::kCorrupt &&
           manifest.error().message.find(name) != std::string::npos;
  };
  write(checkpoint_ / "shard-000" / "000012.sst", "rows of on");
  EXPECT_TRUE(refused("shard-000/000012.sst"));
  write(checkpoint_ / "shard-000" / "000012.sst", "rows of one");
  EXPECT_FALSE(refused(""));
  write(checkpoint_ / "dense.safetensors", "dense parameterz");
  EXPECT_TRUE(refused("dense.safetensors"));
}

TEST_F(ManifestTest, NamesThatLeadOutOfTheFolderAreRefused) {
  write(folder_.path() / "outside", "rows of one");
  for (const char* name : {"../outside", "/etc/passwd", "shard-000/../../outside", "", ".",
                           "shard-000/", "./dense.safetensors"})
    EXPECT_EQ(code_after([&](json& m) { m["files"][1]["name"] = name; }), ErrorCode::kCorrupt)
        << name;
  EXPECT_EQ(code_after([&](json& m) { m["shards"][0]["folder"] = "../shard-000"; }),
            ErrorCode::kCorrupt);
}

TEST_F(ManifestTest, LinksAreNotFollowed) {
  commit();
  const fs::path file = checkpoint_ / "shard-000" / "000012.sst";
  fs::rename(file, folder_.path() / "outside");
  fs::create_symlink(folder_.path() / "outside", file);
  EXPECT_EQ(read_manifest(checkpoint_).error().code, ErrorCode::kCorrupt);
  fs::remove(file);
  fs::rename(folder_.path() / "outside", file);
  ASSERT_TRUE(read_manifest(checkpoint_).ok());
  fs::rename(checkpoint_ / "shard-000", folder_.path() / "elsewhere");
  fs::create_directory_symlink(folder_.path() / "elsewhere", checkpoint_ / "shard-000");
  EXPECT_EQ(read_manifest(checkpoint_).error().code, ErrorCode::kCorrupt);
}

TEST_F(ManifestTest, FieldsOfAnotherTypeOrOutOfBoundsAreRefused) {
  commit();
  const json whole = json::parse(read(path_));
  for (const auto& [name, value] : whole["manifest"].items()) {
    EXPECT_EQ(code_after([&](json& m) { m.erase(name); }), ErrorCode::kCorrupt) << name;
    EXPECT_EQ(code_after([&](json& m) { m[name] = true; }), ErrorCode::kCorrupt) << name;
  }
  const std::pair<const char*, json> bad[] = {{"/step", -1},
                                              {"/step", 1.5},
                                              {"/readers", uint64_t{1} << 32},
                                              {"/positions/3", {1, 2, 3}},
                                              {"/positions/3/0", -5},
                                              {"/tables/0/dim", 1 << 20},
                                              {"/tables/0/dtype", "f16"},
                                              {"/tables/0/initializer/kind", "other"},
                                              {"/tables/1/optimizer/beta1", "0.9"},
                                              {"/tables/1/optimizer/schedule/kind", "linear"},
                                              {"/shards/0/end_slot", kSlots + 1},
                                              {"/shards/0", nullptr},
                                              {"/files/0/bytes", -1},
                                              {"/metrics/income.auc", "high"},
                                              {"/format", 2}};
  for (const auto& [pointer, value] : bad)
    EXPECT_EQ(code_after([&](json& m) { m[json::json_pointer(pointer)] = value; }),
              ErrorCode::kCorrupt)
        << pointer;
}

TEST_F(ManifestTest, SlotsInNoShardOrInTwoAreRefused) {
  for (const SlotRange slots :
       {SlotRange{7001, kSlots}, SlotRange{6999, kSlots}, SlotRange{7000, kSlots - 1}}) {
    manifest_.shards[1].slots = slots;
    commit();
    EXPECT_EQ(read_manifest(checkpoint_).error().code, ErrorCode::kCorrupt);
  }
  manifest_.shards.clear();
  commit();
  EXPECT_EQ(read_manifest(checkpoint_).error().code, ErrorCode::kCorrupt);
}

TEST_F(ManifestTest, ACommitWithoutOneOfItsFilesLeavesNoManifest) {
  manifest_.files.push_back({"absent", 1, ""});
  EXPECT_FALSE(commit_manifest(checkpoint_, manifest_).ok());
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(ManifestTest, TheNewestCheckpointIsTheCompleteOneOfTheHighestStep) {
  EXPECT_EQ(newest_checkpoint(folder_.path()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(newest_checkpoint(folder_.path() / "absent").error().code, ErrorCode::kNotFound);
  commit();
  for (const uint64_t step : {7, 999, 1235, 2000}) {
    const fs::path other = folder_.path() / checkpoint_folder_name(step);
    write(other / "job.yaml", "");
    if (step < 1234) write(other / "manifest.json", "{}");
  }
  write(folder_.path() / "step-9999x" / "manifest.json", "{}");
  write(folder_.path() / "step-9999" / "manifest.json", "{}");
  const auto newest = newest_checkpoint(folder_.path());
  ASSERT_TRUE(newest.ok());
  EXPECT_EQ(newest.value(), checkpoint_);
}

}  // namespace
}  // namespace cairn
