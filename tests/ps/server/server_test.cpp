// A server as its peers see it: real sockets, threads, log files and RocksDB.
#include "ps/server/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "common/checkpoint/manifest.h"
#include "common/random.h"
#include "ps/row/initializer.h"
#include "ps/server/shard_loop.h"
#include "ps/store/memory_cold_store.h"
#include "ps/store/rocks_store.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/server/server_client.h"
#include "tests/ps/shard/shard_messages.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

constexpr uint64_t kIncarnation = 0xC0FFEE;

Header header(Op op, uint64_t sequence, uint64_t step) {
  return {
      .op = op, .incarnation = kIncarnation, .sequence = sequence, .step = step, .map_version = 1};
}

JobConfig job() {
  JobConfig job;
  job.tables = {{.name = "user", .dim = 4}, {.name = "item", .dim = 2}};
  job.tables[0].optimizer = {.name = "sgd", .learning_rate = 0.5f};
  job.tables[1].optimizer = {.name = "adagrad", .learning_rate = 0.1f};
  return job;
}
const std::vector<uint32_t> kDims = {4, 2};

class ServerTest : public testing::TestWithParam<std::string> {
 protected:
  ServerOptions options(const std::string& endpoint) {
    ServerOptions options;
    options.job = job();
    options.incarnation = kIncarnation;
    options.hot_bytes = 64 << 20;
    options.endpoint =
        endpoint == "ipc" ? "ipc://" + (folder_.path() / "shard-{shard}").string() : endpoint;
    options.state = folder_.path() / "state";
    return options;
  }
  std::unique_ptr<Server> start(const ServerOptions& options) {
    Result<std::unique_ptr<Server>> server =
        Server::start(options, context_, metrics_.server(),
                      [](const Error& error) { ADD_FAILURE() << error.message; });
    EXPECT_TRUE(server.ok()) << server.error().message;
    return server.ok() ? std::move(server).value() : nullptr;
  }
  std::vector<float> initial(uint32_t table, Key key) {
    std::vector<float> weights(kDims[table]);
    const JobConfig config = job();
    initial_weights(config.tables[table].initializer, config.train.seed, table, key, weights);
    return weights;
  }

  TemporaryFolder folder_;
  zmq::context_t context_{1};
  Metrics metrics_{"test"};
};

TEST_P(ServerTest, PullsPushesAndCheckpoints) {
  const std::unique_ptr<Server> server = start(options(GetParam()));
  ASSERT_NE(server, nullptr);
  ASSERT_EQ(server->endpoints().size(), 1u);
  Client client(context_, server->endpoints()[0]);

  const std::map<uint32_t, KeyValues> keys = {{0, {{5, {}}, {9, {}}}}, {1, {{5, {}}}}};
  Message reply = client.ask(rows_message(header(Op::kPull, 1, 1), keys, kDims));
  EXPECT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  EXPECT_EQ(reply.header.step, 0u);
  EXPECT_NE(reply.header.server_run, 0u);
  std::vector<float> expected = initial(0, 5);
  for (const auto& more : {initial(0, 9), initial(1, 5)})
    expected.insert(expected.end(), more.begin(), more.end());
  EXPECT_EQ(floats_of(reply), expected);

  const std::map<uint32_t, KeyValues> gradients = {{0, {{5, {1, 2, 3, 4}}}}};
  reply = client.ask(rows_message(header(Op::kPush, 1, 1), gradients, kDims));
  EXPECT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  for (int i = 0; i < 4; ++i) expected[i] -= 0.5f * static_cast<float>(i + 1);
  reply = client.ask(rows_message(header(Op::kPull, 2, 2), keys, kDims));
  EXPECT_EQ(reply.header.step, 1u);
  EXPECT_EQ(floats_of(reply), expected);

  const auto checkpoint = folder_.path() / "checkpoint";
  reply = client.ask(text_message(header(Op::kCheckpoint, 3, 1),
                                  nlohmann::json{{"folder", checkpoint.string()}}.dump()));
  ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  const auto answer = nlohmann::json::parse(reply.text());
  EXPECT_EQ(answer["rows"], (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(answer["slots"], (std::vector<uint32_t>{0, kSlots}));
  EXPECT_FALSE(answer["files"].empty());
  for (const auto& file : answer["files"]) {
    EXPECT_EQ(std::filesystem::file_size(checkpoint / file["name"].get<std::string>()),
              file["bytes"].get<uint64_t>());
  }

  reply = client.ask(text_message(header(Op::kStats, 4, 0), ""));
  EXPECT_EQ(nlohmann::json::parse(reply.text())["rows_created"], (std::vector<uint64_t>{1, 0}));
  reply = client.ask(text_message(header(Op::kPing, 5, 0), ""));
  EXPECT_EQ(nlohmann::json::parse(reply.text())["missing"], (std::vector<uint32_t>{0}));
}

TEST_P(ServerTest, GarbageIsAnsweredWithAnErrorAndHarmsNobody) {
  const std::unique_ptr<Server> server = start(options(GetParam()));
  ASSERT_NE(server, nullptr);
  Client stranger(context_, server->endpoints()[0]);
  RandomStream random(test_seed(), 40);
  for (size_t count = 1; count < 12; ++count) {
    std::vector<zmq::message_t> parts;
    for (size_t i = 0; i < count; ++i) {
      parts.emplace_back(random.next_below(200));
      for (size_t b = 0; b < parts.back().size(); ++b)
        static_cast<uint8_t*>(parts.back().data())[b] = static_cast<uint8_t>(random.next_u32());
    }
    // The first part may be a header that is right but for its version.
    Header other;
    other.version = kWireVersion + 1;
    if (count % 2 == 0) parts[0] = zmq::message_t(&other, sizeof other);
    stranger.send_parts(std::move(parts));
    const std::vector<zmq::message_t> reply = stranger.receive_parts();
    ASSERT_EQ(reply.size(), kMessageParts);
    EXPECT_EQ(header_of(reply[0]).status, StatusCode::kBadMessage);
  }
  Client client(context_, server->endpoints()[0]);
  EXPECT_EQ(client.ask(text_message(header(Op::kPing, 1, 0), "")).header.status, StatusCode::kOk);
  ShardMetrics& metrics = metrics_.server().shard(0);
  EXPECT_EQ(metrics.refused(RefusalReason::kMalformed).Value(), 6);
  EXPECT_EQ(metrics.refused(RefusalReason::kVersion).Value(), 5);
}

TEST_P(ServerTest, ClientThatReadsNoReplyHoldsUpNobody) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer takes a look, in vain, at every byte that ZeroMQ moves: minutes";
#endif
  const std::unique_ptr<Server> server = start(options(GetParam()));
  ASSERT_NE(server, nullptr);
  Client deaf(context_, server->endpoints()[0]);
  KeyValues keys;
  for (Key key = 0; key < 4096; ++key) keys[key] = {};
  Header its = header(Op::kPull, 1, 1);
  its.flags = kPullReadOnly;
  // 64 MiB of replies, more than its queues and the system's buffers hold.
  for (int i = 0; i < 1000; ++i) deaf.send(rows_message(its, {{0, keys}}, kDims));
  Client client(context_, server->endpoints()[0]);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(client.ask(text_message(header(Op::kPing, 1, 0), "")).header.status, StatusCode::kOk);
}

TEST_P(ServerTest, StopsAtOnceThoughPullsAreDeferred) {
  std::unique_ptr<Server> server = start(options(GetParam()));
  ASSERT_NE(server, nullptr);
  Client client(context_, server->endpoints()[0]);
  client.send(rows_message(header(Op::kPull, 1, 5), {}, kDims));
  EXPECT_EQ(client.ask(text_message(header(Op::kPing, 1, 0), "")).header.op, Op::kPing);
  const auto before = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(EveryTransport, ServerTest,
                         testing::Values("tcp://127.0.0.1:*", "ipc", "inproc://shard-{shard}"));

class LocalServerTest : public ServerTest {};

TEST_F(LocalServerTest, CheckpointOfOneShardIsServedByFour) {
  ServerOptions first = options("inproc://first-{shard}");
  std::unique_ptr<Server> server = start(first);
  ASSERT_NE(server, nullptr);
  KeyValues gradients;
  for (Key key = 0; key < 200; ++key) gradients[key] = {1, 0, 0, static_cast<float>(key)};
  const auto checkpoint = folder_.path() / "checkpoint";
  std::filesystem::create_directory(checkpoint);  // as the worker that asks does
  {
    Client client(context_, server->endpoints()[0]);
    client.ask(rows_message(header(Op::kPush, 1, 1), {{0, gradients}}, kDims));
    const Message reply = client.ask(
        text_message(header(Op::kCheckpoint, 3, 1),
                     nlohmann::json{{"folder", (checkpoint / "shard-000").string()}}.dump()));
    ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    CheckpointManifest manifest{.step = 1, .tables = job().tables};
    manifest.shards = {{.folder = "shard-000", .slots = {}}};
    const auto answer = nlohmann::json::parse(reply.text());
    for (const auto& file : answer["files"]) {
      manifest.files.push_back({.name = "shard-000/" + file["name"].get<std::string>(),
                                .bytes = file["bytes"].get<uint64_t>()});
    }
    ASSERT_TRUE(commit_manifest(checkpoint, manifest).ok());
  }
  server.reset();

  ServerOptions second = options("inproc://second-{shard}");
  second.job.ps.servers = 2;
  second.job.ps.shards_per_server = 2;
  second.first_shard = 2;  // the second of two servers
  second.state = folder_.path() / "state-2";
  second.checkpoint = checkpoint;
  server = start(second);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->endpoints(),
            (std::vector<Endpoint>{Endpoint("inproc://second-2"), Endpoint("inproc://second-3")}));
  size_t found = 0;
  const SlotMap slots{.shards = 4};
  for (const uint32_t shard : {2u, 3u}) {
    Client client(context_, server->endpoints()[shard - 2]);
    KeyValues keys;
    for (const auto& [key, gradient] : gradients)
      if (slots.shard_of(key) == shard) keys[key] = {};
    const Message reply = client.ask(rows_message(header(Op::kPull, 1, 2), {{0, keys}}, kDims));
    ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    EXPECT_EQ(reply.header.step, 1u);
    const std::vector<float> weights = floats_of(reply);
    size_t at = 0;
    for (const auto& [key, nothing] : keys) {
      std::vector<float> expected = initial(0, key);
      for (int i = 0; i < 4; ++i) expected[i] -= 0.5f * gradients[key][i];
      EXPECT_EQ(std::vector(weights.begin() + at, weights.begin() + at + 4), expected);
      at += 4;
      ++found;
    }
  }
  EXPECT_GT(found, 50u);
}

TEST_F(LocalServerTest, StoresMayOpenAsManyFilesAsTheSystemAllows) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max - 1, 512);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const std::unique_ptr<Server> server = start(options("inproc://shard-{shard}"));
  ASSERT_NE(server, nullptr);
  rlimit raised;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &raised), 0);
  EXPECT_EQ(raised.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(LocalServerTest, EndpointInUseIsNamed) {
  const std::unique_ptr<Server> server = start(options("tcp://127.0.0.1:*"));
  ASSERT_NE(server, nullptr);
  ServerOptions again = options(server->endpoints()[0].address);
  again.state = folder_.path() / "state-2";
  const Result<std::unique_ptr<Server>> second =
      Server::start(again, context_, metrics_.server(), [](const Error&) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find(server->endpoints()[0].address), std::string::npos);
}

class FailingLog final : public PushLog {
 public:
  explicit FailingLog(Logged logged) : logged_(std::move(logged)) {}
  void append(LogRecord record) override {
    if (record.kind == RecordKind::kReplayStart) return logged_(record.lsn);
    logged_(Error{ErrorCode::kUnavailable, "cannot write log-7"});
  }
  uint64_t bytes() const override { return 0; }
  uint64_t reserve_bytes() const override { return 0; }
  void cut(Lsn) override {}

 private:
  const Logged logged_;
};

TEST_F(LocalServerTest, ShardWhoseLogFailsTellsItsOwnerAndItsPeers) {
  ShardOptions its{.incarnation = kIncarnation, .tables = job().tables};
  its.shard = 0;
  std::promise<Error> failed;
  Result<std::unique_ptr<ShardLoop>> loop = ShardLoop::start(
      its, context_, Endpoint("inproc://failing"),
      {.open_log = [](PushLog::Logged logged) -> Result<std::unique_ptr<PushLog>> {
         return std::unique_ptr<PushLog>(std::make_unique<FailingLog>(std::move(logged)));
       },
       .store = std::make_unique<MemoryColdStore>(layouts_of(job().tables).value())},
      metrics_.server().shard(0), [&](Error error) { failed.set_value(std::move(error)); });
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  Client client(context_, loop.value()->endpoint());
  const Message reply = client.ask(rows_message(header(Op::kPush, 1, 1), {}, kDims));
  EXPECT_EQ(reply.header.status, StatusCode::kFailed);
  EXPECT_EQ(reply.text(), "shard 0: cannot write log-7");
  EXPECT_EQ(failed.get_future().get().message, "shard 0: cannot write log-7");
}

}  // namespace
}  // namespace cairn::ps
