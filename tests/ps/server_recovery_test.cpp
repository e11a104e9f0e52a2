// A server that is started again on files which are not as it left them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "common/random.h"
#include "ps/log_format.h"
#include "ps/rocks_store.h"
#include "ps/server.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/server_client.h"
#include "tests/ps/shard_messages.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::HasSubstr;

constexpr uint64_t kIncarnation = 0xC0FFEE;
constexpr uint64_t kSteps = 20;
constexpr Key kKeys = 3000;
const std::vector<uint32_t> kDims = {4};

std::vector<char> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::filesystem::path& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
}

class ServerRecovery : public testing::Test {
 protected:
  ServerRecovery() {
    job_.tables = {{.name = "user", .dim = 4}};
    job_.tables[0].optimizer = {.name = "adagrad", .learning_rate = 0.1f};
    job_.ps.log_bytes_max = 8 << 20;
  }

  // A server that has applied kSteps steps, its rows in the store if `stored`, and has ended;
  // `rows_` are its rows.
  void live(bool stored) {
    Result<std::unique_ptr<Server>> server = start(/*recover=*/false);
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    push(client, 1, kSteps);
    if (stored) checkpoint(client, kSteps, "checkpoint");
    rows_ = pull(client, 0, kKeys).value();
  }
  // Steps from `first` to `last`: every key in the first one, some in each.
  void push(Client& client, uint64_t first, uint64_t last) {
    for (uint64_t step = first; step <= last; ++step) {
      RandomStream random(test_seed(), 61, step);
      KeyValues gradients;
      for (Key key = step == 1 ? 0 : random.next_below(20); key < kKeys;
           key += step == 1 ? 1 : 1 + random.next_below(40))
        for (int i = 0; i < 4; ++i) gradients[key].push_back(random.next_normal());
      const Message reply =
          client.ask(rows_message(header(Op::kPush, step, step), {{0, gradients}}, kDims));
      ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    }
  }
  // Writes all rows into the store, and that into a folder.
  void checkpoint(Client& client, uint64_t step, const std::string& name) {
    const Message reply = client.ask(
        text_message(header(Op::kCheckpoint, 1, step),
                     nlohmann::json{{"folder", (folder_.path() / name).string()}}.dump()));
    ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  }

  Result<std::unique_ptr<Server>> start(bool recover = true,
                                        Recovery recovery = Recovery::kStrict) {
    ServerOptions options;
    options.job = job_;
    options.job.ps.recovery = recovery;
    options.incarnation = kIncarnation;
    options.hot_bytes = 64 << 20;
    options.endpoint = fmt::format("inproc://recovery-{}", ++lives_);
    options.state = state_;
    options.recover = recover;
    metrics_ = std::make_unique<Metrics>("test");
    return Server::start(options, context_, metrics_->server(),
                         [this](const Error& error) { failure_ = error; });
  }
  // The server's answer of that, which must not be its refusal.
  nlohmann::json ask(Server& server, Op op) {
    Client client(context_, server.endpoints()[0]);
    return nlohmann::json::parse(client.ask(text_message(header(op, 1, 0), "")).text());
  }
  // Weights of the keys from `first` to before `last`; nothing where the shard has failed.
  std::optional<std::vector<float>> pull(Client& client, Key first, Key last) {
    KeyValues keys;
    for (Key key = first; key < last; ++key) keys[key] = {};
    Header its = header(Op::kPull, 1, 1);
    its.flags = kPullReadOnly;
    const Message reply = client.ask(rows_message(its, {{0, keys}}, kDims));
    if (reply.header.status == StatusCode::kOk) return floats_of(reply);
    EXPECT_EQ(reply.header.status, StatusCode::kFailed);
    refusal_ = std::string(reply.text());
    return std::nullopt;
  }
  static Header header(Op op, uint64_t sequence, uint64_t step) {
    return {.op = op,
            .incarnation = kIncarnation,
            .sequence = sequence,
            .step = step,
            .map_version = 1};
  }

  std::filesystem::path shard() const { return state_ / "0000000000c0ffee" / "shard-0"; }
  struct Place {
    std::filesystem::path file;
    uint64_t offset = 0;
  };
  // Where the record of this lsn begins.
  Place place_of(Lsn lsn) const {
    for (uint32_t number = 0; std::filesystem::exists(segment_path(shard() / "log", number));
         ++number) {
      const std::filesystem::path path = segment_path(shard() / "log", number);
      const std::vector<char> bytes = read_bytes(path);
      for (uint64_t at = kLogBlockBytes; at + sizeof(RecordHeader) <= bytes.size();
           at += kLogBlockBytes) {
        RecordHeader record;
        std::memcpy(&record, bytes.data() + at, sizeof record);
        if (record.magic == kRecordMagic && record.lsn == lsn) return {path, at};
      }
    }
    ADD_FAILURE() << "no record " << lsn;
    return {};
  }
  static void flip(const Place& place, uint64_t behind) {
    std::vector<char> bytes = read_bytes(place.file);
    ASSERT_LT(place.offset + behind, bytes.size());
    bytes[place.offset + behind] ^= 0x40;
    write_bytes(place.file, bytes);
  }

  JobConfig job_;
  TemporaryFolder folder_;
  std::filesystem::path state_ = folder_.path() / "state";
  zmq::context_t context_{1};
  std::unique_ptr<Metrics> metrics_;
  std::optional<Error> failure_;
  std::string refusal_;
  std::vector<float> rows_;
  int lives_ = 0;
};

// Record 1 is the first BASE, record s + 1 the push of step s.
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

  const Lsn log_end = push_of(kKept), store_end = push_of(kSteps) + 1;  // a BASE came between
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
      EXPECT_THAT(server.error().message,
                  testing::AnyOf(HasSubstr(table.filename().string()),
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
  job_.ps.policy_period = 4;
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
  std::set<float> created;
  for (const KeptRow& row : rows[0]) created.insert(row.floats.back());
  EXPECT_GT(created.size(), 5u);
  EXPECT_EQ(created.count(1), 0u);  // those have expired
}

// Kernels before 6.6 refuse direct I/O there.
TEST_F(ServerRecovery, AFileSystemInMemoryHoldsStoreAndLog) {
  const std::filesystem::path memory = "/dev/shm";
  if (!std::filesystem::is_directory(memory)) GTEST_SKIP() << "there is none";
  state_ = memory / folder_.path().filename();
  live(/*stored=*/true);
  {
    const auto server = start();
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    EXPECT_EQ(pull(client, 0, kKeys), rows_);
  }
  std::filesystem::remove_all(state_);
}

}  // namespace
}  // namespace cairn
