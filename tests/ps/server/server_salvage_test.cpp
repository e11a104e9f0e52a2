// A server that finds files of its store damaged, under `ps.recovery: report`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/fault_point.h"
#include "common/hash.h"
#include "tests/ps/server/server_recovery.h"

namespace cairn::ps {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uint64_t kStored = 21;  // the last step of the server whose files are damaged

std::map<std::string, fs::path>* snapshots = nullptr;  // by the names of fault points
fs::path snapshot_of;

// The files that a process leaves behind that dies there.
void take_snapshot(std::string_view point) {
  if (!point.starts_with("salvage.")) return;
  const fs::path folder = fs::path(snapshot_of.string() + "-" + std::string(point));
  fs::copy(snapshot_of, folder, fs::copy_options::recursive);
  (*snapshots)[std::string(point)] = folder;
}

class ServerSalvage : public ServerRecovery {
 protected:
  // The largest file of rows.
  fs::path table_file() const {
    fs::path table;
    for (const auto& entry : fs::directory_iterator(shard() / "store"))
      if (entry.path().extension() == ".sst" &&
          (table.empty() || entry.file_size() > fs::file_size(table)))
        table = entry.path();
    return table;
  }
  void damage_data() { flip({table_file(), 0}, fs::file_size(table_file()) / 3); }
  void damage_footer() { flip({table_file(), 0}, fs::file_size(table_file()) - 1); }

  std::unique_ptr<Server> started(Recovery recovery) {
    auto server = start(/*recover=*/true, recovery);
    EXPECT_TRUE(server.ok()) << server.error().message;
    return server.ok() ? std::move(server).value() : nullptr;
  }
  // Every row is as it was, but those of lost slots, which are as those of keys without rows.
  // Returns the number of keys in lost slots.
  size_t expect_intact(Server& server, const nlohmann::json& losses) {
    Client client(context_, server.endpoints()[0]);
    const auto rows = pull(client, 0, kKeys);
    EXPECT_TRUE(rows.has_value()) << refusal_;
    if (!rows.has_value()) return 0;
    size_t lost = 0;
    for (Key key = 0; key < kKeys; ++key) {
      const auto begin = rows->begin() + static_cast<ptrdiff_t>(key * kDims[0]);
      const bool is_lost = std::ranges::any_of(losses, [&](const nlohmann::json& loss) {
        return slot_of(key) >= loss["first_slot"] && slot_of(key) < loss["end_slot"];
      });
      lost += is_lost ? 1 : 0;
      const float* const expected = (is_lost ? initial_ : rows_).data() + key * kDims[0];
      EXPECT_TRUE(std::equal(begin, begin + kDims[0], expected)) << "key " << key;
    }
    return lost;
  }
  // A server whose rows are all in the store, with one empty push behind the log's last replay
  // start, and which has ended.
  void live_and_store() {
    const auto server = start(/*recover=*/false);
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    initial_ = pull(client, 0, kKeys).value();
    push(client, 1, kStored - 1);
    checkpoint(client, kStored - 1, "checkpoint");
    // Once it is acknowledged, the replay start before it is in the log.
    push_empty(client, kStored, kStored);
    rows_ = pull(client, 0, kKeys).value();
  }

  std::vector<float> initial_;
};

TEST_F(ServerSalvage, AFileThatCannotBeOpenedIsGivenUpAndTheRestServed) {
  live_and_store();
  const fs::path table = table_file();
  damage_footer();
  EXPECT_FALSE(start().ok());  // strict
  nlohmann::json losses;
  {
    const auto server = started(Recovery::kReport);
    ASSERT_NE(server, nullptr);
    losses = ask(*server, Op::kStats)["losses"];
    ASSERT_EQ(losses.size(), 1u);
    EXPECT_EQ(losses[0]["file"], table.string());
    EXPECT_EQ(losses[0]["records"], 0);
    EXPECT_THAT(losses[0]["why"].get<std::string>(), HasSubstr(table.string()));
    EXPECT_EQ(metrics_->server().shard(0).recovery_lost_slots.Value(),
              losses[0]["end_slot"].get<int>() - losses[0]["first_slot"].get<int>());
    EXPECT_GT(expect_intact(*server, losses), kKeys / 2);
    EXPECT_EQ(ask(*server, Op::kPing)["applied_step"], kStored);
  }
  // The store is whole now: even `strict` opens it, and nothing is counted again.
  for (const Recovery recovery : {Recovery::kReport, Recovery::kStrict}) {
    const auto again = started(recovery);
    ASSERT_NE(again, nullptr);
    EXPECT_TRUE(again->recovery().lost.empty());
    EXPECT_EQ(metrics_->server().shard(0).recovery_lost_slots.Value(), 0);
    EXPECT_EQ(ask(*again, Op::kStats)["losses"], losses);
    expect_intact(*again, losses);
  }
}

TEST_F(ServerSalvage, WhatAReadFindsDamagedIsGivenUpByTheNextServer) {
  live_and_store();
  const fs::path table = table_file();
  damage_data();
  {
    const auto server = started(Recovery::kReport);
    ASSERT_NE(server, nullptr);
    EXPECT_TRUE(server->recovery().lost.empty());  // nothing was read there
    Client client(context_, server->endpoints()[0]);
    EXPECT_FALSE(pull(client, 0, kKeys).has_value());
    ASSERT_TRUE(failure_.has_value());
    EXPECT_EQ(failure_->code, ErrorCode::kCorrupt);
  }
  const auto server = started(Recovery::kReport);
  ASSERT_NE(server, nullptr);
  const nlohmann::json losses = ask(*server, Op::kStats)["losses"];
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses[0]["file"], table.string());
  EXPECT_GT(losses[0]["offset"], 0);
  const size_t lost = expect_intact(*server, losses);
  EXPECT_GT(lost, 0u);
  EXPECT_LT(lost, kKeys / 4);
}

TEST_F(ServerSalvage, UnderStrictADamagedReadLeavesNoMark) {
  live_and_store();
  damage_data();
  {
    const auto server = started(Recovery::kStrict);
    ASSERT_NE(server, nullptr);
    Client client(context_, server->endpoints()[0]);
    EXPECT_FALSE(pull(client, 0, kKeys).has_value());
    EXPECT_TRUE(failure_.has_value());
  }
  const auto server = started(Recovery::kReport);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(ask(*server, Op::kStats)["losses"].size(), 0u);
  EXPECT_FALSE(fs::exists(shard() / "store-damaged"));
}

// A replay reads rows of the store: what it finds damaged is given up at once. Rows of lost slots
// are what the log makes of initial ones.
TEST_F(ServerSalvage, LostRowsStartFromTheirInitialValuesAndWhatTheLogStillHas) {
  live_and_store();
  std::vector<float> replayed;
  {
    // The same pushes on rows without a past.
    const fs::path with_past = state_;
    const std::vector<float> rows = rows_;
    state_ = folder_.path() / "without-past";
    const auto server = start(/*recover=*/false);
    ASSERT_TRUE(server.ok());
    Client client(context_, server.value()->endpoints()[0]);
    push_empty(client, 1, kStored);
    push(client, kStored + 1, 2 * kStored);
    replayed = pull(client, 0, kKeys, 2 * kStored + 1).value();
    state_ = with_past;
  }
  {
    const auto server = started(Recovery::kReport);
    ASSERT_NE(server, nullptr);
    Client client(context_, server->endpoints()[0]);
    push(client, kStored + 1, 2 * kStored);
    // Rows that are read from the store first may be updated later than their push is acknowledged.
    rows_ = pull(client, 0, kKeys, 2 * kStored + 1).value();
  }
  damage_data();
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  const auto server = started(Recovery::kReport);
  ASSERT_NE(server, nullptr);
  const nlohmann::json losses = ask(*server, Op::kStats)["losses"];
  ASSERT_EQ(losses.size(), 1u);
  initial_ = replayed;
  EXPECT_GT(expect_intact(*server, losses), 0u);
}

TEST_F(ServerSalvage, WhoDiesAnywhereInItIsRecoveredAsWell) {
  live_and_store();
  damage_footer();
  std::map<std::string, fs::path> taken;
  snapshots = &taken;
  snapshot_of = state_;
  fault_hook = take_snapshot;
  nlohmann::json losses;
  {
    const auto server = started(Recovery::kReport);
    fault_hook = nullptr;
    ASSERT_NE(server, nullptr);
    losses = ask(*server, Op::kStats)["losses"];
  }
  EXPECT_EQ(taken.size(), 5u);
  for (const auto& [point, folder] : taken) {
    SCOPED_TRACE(point);
    // Files are named as they were where the process died.
    fs::remove_all(state_);
    fs::rename(folder, state_);
    const auto server = started(Recovery::kReport);
    ASSERT_NE(server, nullptr);
    EXPECT_EQ(ask(*server, Op::kStats)["losses"], losses);  // each once
    expect_intact(*server, losses);
    EXPECT_FALSE(fs::exists(shard() / "store-salvaging"));
    EXPECT_FALSE(fs::exists(shard() / "store-salvaged"));
  }
}

}  // namespace
}  // namespace cairn::ps
