// A server that is started again on files which are not as it left them.
#include "tests/ps/server/server_recovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "ps/store/rocks_store.h"

namespace cairn::ps {
namespace {

using testing::HasSubstr;

// Record 1 is the first replay start, record s + 1 the push of step s.
constexpr Lsn push_of(uint64_t step) { return step + 1; }

TEST_F(ServerRecovery, EveryRowIsThereAgain) {
  live(/*stored=*/false);
  const auto server = start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  Client client(context_, server.value()->endpoints()[0]);
  EXPECT_EQ(pull(client, 0, kKeys), rows_);
  EXPECT_TRUE(server.value()->recovery().lost.empty());
  EXPECT_EQ(ask(*server.value(), Op::kStats)["losses"], nlohmann::json::array());
}

TEST_F(ServerRecovery, ATornTailIsNoDamage) {
  live(/*stored=*/false);
  flip(place_of(push_of(kSteps)), 2000);
  const auto server = start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_TRUE(server.value()->recovery().lost.empty());
  EXPECT_EQ(ask(*server.value(), Op::kPing)["applied_step"], kSteps - 1);
}

TEST_F(ServerRecovery, ADamagedMiddleOfTheLogIsRefusedByNameAndOpenedUnderReport) {
  live(/*stored=*/false);
  constexpr uint64_t kDamaged = 10;
  const Place place = place_of(push_of(kDamaged));
  flip(place, 2000);
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(refused.error().message,
              HasSubstr(fmt::format("{} at byte {}", place.file.string(), place.offset)));
  EXPECT_THAT(refused.error().message, HasSubstr("`ps.recovery: report`"));

  nlohmann::json losses;
  {
    const auto server = start(true, Recovery::kReport);
    ASSERT_TRUE(server.ok()) << server.error().message;
    EXPECT_EQ(ask(*server.value(), Op::kPing)["applied_step"], kDamaged - 1);
    EXPECT_EQ(ask(*server.value(), Op::kPing)["accepted"], kDamaged - 1);
    ASSERT_EQ(server.value()->recovery().lost.size(), 1u);
    losses = ask(*server.value(), Op::kStats)["losses"];
    ASSERT_EQ(losses.size(), 1u);
    EXPECT_EQ(losses[0]["file"], place.file.string());
    EXPECT_EQ(losses[0]["offset"], place.offset);
    EXPECT_EQ(losses[0]["first_lsn"], push_of(kDamaged));
    EXPECT_EQ(losses[0]["records"], kSteps - kDamaged + 1);
    EXPECT_EQ(losses[0]["tables"], std::vector<std::string>{"user"});
    EXPECT_GT(losses[0]["gradients"], 100u);
    ShardMetrics& metrics = metrics_->server().shard(0);
    EXPECT_EQ(metrics.recovery_lost_records.Value(), kSteps - kDamaged + 1);
    EXPECT_EQ(metrics.recovery_lost_gradients.Value(), losses[0]["gradients"]);
  }
  // The log goes on behind what was intact: healthy from here on, and the loss is not forgotten.
  const auto again = start();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again.value()->recovery().lost.empty());
  EXPECT_EQ(ask(*again.value(), Op::kStats)["losses"], losses);
}

// Log rule 1. A log without its end looks as if that had never been acknowledged.
TEST_F(ServerRecovery, AStoreAheadOfTheLogIsRefusedAndOpenedUnderReport) {
  constexpr uint64_t kKept = 14;
  const std::filesystem::path log = shard() / "log", kept = folder_.path() / "log";
  {
    const auto server = start(/*recover=*/false);
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    push(client, 1, kKept);
  }
  std::filesystem::copy(log, kept);
  {
    const auto server = start();
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    push(client, kKept + 1, kSteps);
    checkpoint(client, kSteps, "checkpoint");
  }
  std::filesystem::remove_all(log);
  std::filesystem::rename(kept, log);

  const Lsn log_end = push_of(kKept),
            store_end = push_of(kSteps) + 1;  // a replay start came between
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(
      refused.error().message,
      HasSubstr(fmt::format("{} holds rows of lsn {}, but the log in {} ends at {}",
                            (shard() / "store").string(), store_end, log.string(), log_end)));
  const auto server = start(true, Recovery::kReport);
  ASSERT_TRUE(server.ok()) << server.error().message;
  const nlohmann::json stats = ask(*server.value(), Op::kStats);
  ASSERT_EQ(stats["losses"].size(), 1u);
  EXPECT_EQ(stats["losses"][0]["first_lsn"], log_end + 1);
  EXPECT_EQ(stats["losses"][0]["last_lsn"], store_end);
  EXPECT_GT(stats["last_lsn"], store_end);  // none is given twice
}

TEST_F(ServerRecovery, ADamagedTableFileIsNeverReadAsAnotherRow) {
  live(/*stored=*/true);
  std::filesystem::path table;
  for (const auto& entry : std::filesystem::directory_iterator(shard() / "store"))
    if (entry.path().extension() == ".sst" &&
        (table.empty() || entry.file_size() > std::filesystem::file_size(table)))
      table = entry.path();
  const std::vector<char> healthy = read_bytes(table);
  ASSERT_GT(healthy.size(), 100'000u);
  RandomStream random(test_seed(), 62);
  size_t refused_at_open = 0, refused_at_a_read = 0;
  for (int i = 0; i < 12; ++i) {
    std::vector<char> bytes = healthy;
    // At its end stand the index and what says where that is; some bytes there mean nothing, the
    // last eight always do.
    const uint64_t at = i < 2 ? bytes.size() - 1 - random.next_below(i == 0 ? 8 : 40)
                              : random.next_below(bytes.size() * 9 / 10);
    bytes[at] ^= static_cast<char>(1 + random.next_below(255));
    write_bytes(table, bytes);
    SCOPED_TRACE(fmt::format("byte {} of {}", at, bytes.size()));
    failure_.reset();
    refusal_.clear();
    const auto server = start();
    if (!server.ok()) {
      ++refused_at_open;
      EXPECT_EQ(server.error().code, ErrorCode::kCorrupt);
      // Where a footer has an unknown version RocksDB names its list of files instead.
      EXPECT_THAT(server.error().message, testing::AnyOf(HasSubstr(table.filename().string()),
                                                         HasSubstr("unsupported format_version")));
      continue;
    }
    Client client(context_, server.value()->endpoints()[0]);
    for (Key first = 0; first < kKeys && refusal_.empty(); first += 50) {
      const auto rows = pull(client, first, first + 50);
      if (rows.has_value()) {
        const auto begin = rows_.begin() + static_cast<ptrdiff_t>(first * kDims[0]);
        EXPECT_EQ(*rows, std::vector<float>(begin, begin + 50 * kDims[0]));
      }
    }
    if (refusal_.empty()) continue;  // of a filter, or between what is read
    ++refused_at_a_read;
    EXPECT_THAT(refusal_, HasSubstr(table.filename().string()));
    // It serves nobody any more: its owner ends the process.
    EXPECT_FALSE(pull(client, 0, 1).has_value());
    ASSERT_TRUE(failure_.has_value());
    EXPECT_EQ(failure_->code, ErrorCode::kCorrupt);
  }
  EXPECT_GT(refused_at_open, 0u);
  EXPECT_GT(refused_at_a_read, 5u);
}

TEST_F(ServerRecovery, UnderProcessALogOfAnotherKernelBootSendsTheJobBackToItsCheckpoint) {
  live(/*stored=*/false);
  write_bytes(shard() / "log" / kBootFile, std::vector<char>(36, 'a'));
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kOutdated);
  EXPECT_THAT(refused.error().message, HasSubstr((shard() / "log" / kBootFile).string()));
  EXPECT_THAT(refused.error().message, HasSubstr("go back to the checkpoint"));
}

// A row with all that a store keeps of it but its lsn, which depends on when rows were written
// back.
struct KeptRow {
  Key key = 0;
  uint32_t last_step = 0, count = 0;
  std::vector<float> floats;
  friend bool operator==(const KeptRow&, const KeptRow&) = default;
};

std::vector<KeptRow> rows_of(const std::filesystem::path& checkpoint,
                             const std::vector<TableConfig>& tables) {
  std::vector<KeptRow> rows;
  const auto store = RocksStore::open_read_only(checkpoint, tables);
  EXPECT_TRUE(store.ok()) << store.error().message;
  if (!store.ok()) return rows;
  const Status scanned = store.value()->scan({}, [&](const StoredRow& row) -> Status {
    rows.push_back({row.entry.key.key,
                    row.entry.last_step,
                    row.entry.count,
                    {row.floats.begin(), row.floats.end()}});
    return Ok{};
  });
  EXPECT_TRUE(scanned.ok());
  return rows;
}

// The step that created a row goes through the log's replay, write-back and checkpoints: rows
// expire by it in the end.
TEST_F(ServerRecovery, RowsOfBf16ThatExpireAreThoseOfAnUndisturbedServer) {
  job_.tables[0].dtype = ValueType::kBfloat16;
  job_.tables[0].expiry.age_steps = 12;
  job_.tables[0].expiry.min_norm = 0.01f;
  job_.ps.removal_period = 4;
  std::vector<std::vector<KeptRow>> rows;
  for (const bool disturbed : {false, true}) {
    state_ = folder_.path() / fmt::format("state-{}", disturbed);
    const std::string end = fmt::format("end-{}", disturbed);
    uint64_t step = 0;
    for (const uint64_t last :
         disturbed ? std::vector<uint64_t>{5, 11, 16, kSteps} : std::vector<uint64_t>{kSteps}) {
      const auto server = start(/*recover=*/step > 0);
      ASSERT_TRUE(server.ok()) << server.error().message;
      Client client(context_, server.value()->endpoints()[0]);
      push(client, step + 1, last);
      step = last;
      if (last == 11) checkpoint(client, last, "on-the-way");
      if (last == kSteps) checkpoint(client, last, end);
    }
    rows.push_back(rows_of(folder_.path() / end, job_.tables));
  }
  ASSERT_EQ(rows[0], rows[1]);
  std::set<uint32_t> created;
  for (const KeptRow& row : rows[0]) created.insert(std::bit_cast<uint32_t>(row.floats.back()));
  EXPECT_GT(created.size(), 5u);
  EXPECT_EQ(created.count(1), 0u);  // those have expired
}

// Kernels before 6.6 refuse direct I/O there.
TEST_F(ServerRecovery, AFileSystemInMemoryHoldsStoreAndLog) {
  const std::filesystem::path memory = "/dev/shm";
  if (!std::filesystem::is_directory(memory)) GTEST_SKIP() << "this system has no /dev/shm";
  state_ = memory / folder_.path().filename();
  const std::unique_ptr<std::filesystem::path, void (*)(std::filesystem::path*)> removed(
      &state_, [](std::filesystem::path* path) { std::filesystem::remove_all(*path); });
  live(/*stored=*/true);
  {
    const auto server = start();
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    EXPECT_EQ(pull(client, 0, kKeys), rows_);
  }
}

}  // namespace
}  // namespace cairn::ps
