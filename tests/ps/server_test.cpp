// A server as its peers see it: real sockets, threads, log files and RocksDB.
#include "ps/server.h"

#include <gtest/gtest.h>
#include <zmq.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "common/random.h"
#include "ps/initializer.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/shard_messages.h"
#include "tests/seed.h"

namespace cairn {
namespace {

constexpr uint64_t kIncarnation = 0xC0FFEE;
constexpr int kReplyMs = 20'000;

class Client {
 public:
  Client(zmq::context_t& context, const std::string& endpoint)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, kReplyMs);
    socket_.set(zmq::sockopt::sndtimeo, kReplyMs);
    socket_.connect(endpoint);
  }

  void send_parts(std::vector<zmq::message_t> parts) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto more = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      ASSERT_TRUE(socket_.send(parts[i], more).has_value());
    }
  }
  void send(Message message) { send_parts(to_parts(std::move(message))); }

  Message receive() {
    std::vector<zmq::message_t> parts;
    do {
      zmq::message_t part;
      if (!socket_.recv(part).has_value()) {
        ADD_FAILURE() << "no reply in time";
        return {};
      }
      parts.push_back(std::move(part));
    } while (parts.back().more());
    Result<Message> message = parse_message(parts);
    EXPECT_TRUE(message.ok()) << message.error().message;
    return message.ok() ? std::move(message).value() : Message{};
  }
  Message ask(Message message) {
    send(std::move(message));
    return receive();
  }

 private:
  zmq::socket_t socket_;
};

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
  EXPECT_NE(reply.header.boot, 0u);
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

INSTANTIATE_TEST_SUITE_P(EveryTransport, ServerTest,
                         testing::Values("tcp://127.0.0.1:*", "ipc", "inproc://shard-{shard}"));

}  // namespace
}  // namespace cairn
