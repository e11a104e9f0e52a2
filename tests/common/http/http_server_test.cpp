#include "common/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <vector>

#include "common/check.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A client that may behave as badly as it likes. Every wait of it ends after ten seconds.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval wait{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connects");
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // What comes until the server closes, or until `ending` has come.
  std::string receive_until(std::string_view ending) {
    std::string all;
    char bytes[4096];
    while (ending.empty() || !std::string_view(all).ends_with(ending)) {
      const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
      timed_out_ = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      if (got <= 0) break;
      all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }
  bool closed_by_server() {
    (void)receive_until("");
    return !timed_out_;
  }

 private:
  int socket_;
  bool timed_out_ = false;
};

std::string fetch(uint16_t port, const std::string& target, const std::string& method = "GET") {
  Client client(port);
  client.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client.receive_until("");
}

class HttpServerTest : public testing::Test {
 protected:
  std::unique_ptr<HttpServer> start(HttpServer::Limits limits = {}) {
    auto started = HttpServer::start(
        "127.0.0.1", 0, {[] { return "cairn_up 1\n"; }, [this] { return ready.load(); }}, limits);
    check(started.ok(), started.ok() ? "" : started.error().message);
    return std::move(started).value();
  }

  static void expect_served(const HttpServer& server) {
    const std::string answer = fetch(server.port(), "/metrics");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\ncairn_up 1\n"));
  }

  std::atomic<bool> ready{true};
};

TEST_F(HttpServerTest, ServesMetricsAsPrometheusTextFormat) {
  const auto server = start();
  expect_served(*server);
  EXPECT_THAT(fetch(server->port(), "/metrics?x=1"),
              HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}

TEST_F(HttpServerTest, TellsHealthAndReadiness) {
  const auto server = start();
  EXPECT_THAT(fetch(server->port(), "/readyz"), StartsWith("HTTP/1.1 200 "));
  ready = false;
  EXPECT_THAT(fetch(server->port(), "/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(fetch(server->port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, RefusesOtherTargetsAndMethods) {
  const auto server = start();
  for (const char* target : {"/", "/metrics/", "/metricsx", "/../etc/passwd", "/readyz%00"})
    EXPECT_THAT(fetch(server->port(), target), StartsWith("HTTP/1.1 404 ")) << target;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const std::string answer = fetch(server->port(), "/metrics", method);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersHeadWithTheHeaderOnly) {
  const auto server = start();
  const std::string answer = fetch(server->port(), "/metrics", "HEAD");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  const auto server = start();
  Client client(server->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(client.receive_until("cairn_up 1\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const auto server = start();
  Client client(server->port());
  client.send("GET /healthz HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answers = client.receive_until("");
  EXPECT_LT(answers.find("\r\n\r\nok\n"), answers.find("\r\n\r\ncairn_up 1\n"));
  EXPECT_THAT(answers, EndsWith("cairn_up 1\n"));
}

TEST_F(HttpServerTest, OversizedHeaderEndsTheConnection) {
  const auto server = start({.timeout = std::chrono::minutes(1)});
  Client client(server->port());
  client.send("GET /metrics HTTP/1.1\r\nX: " + std::string(8 * 1024, 'x'));
  // All that was sent fits its buffer but for the last bytes; their loss may reset the connection.
  const std::string answer = client.receive_until("");
  if (!answer.empty()) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
  }
  EXPECT_TRUE(client.closed_by_server());
  // Endless, too.
  Client endless(server->port());
  bool refused = false;
  for (int i = 0; i < 10'000 && !refused; ++i) refused = !endless.send(std::string(1024, 'x'));
  EXPECT_TRUE(refused);
  expect_served(*server);
}

TEST_F(HttpServerTest, HeaderBelowTheLimitIsServed) {
  const auto server = start();
  Client client(server->port());
  client.send("GET /metrics HTTP/1.1\r\nConnection: close\r\nX: " + std::string(7 * 1024, 'x') +
              "\r\n\r\n");
  EXPECT_THAT(client.receive_until(""), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, BodyIsRefused) {
  const auto server = start();
  Client client(server->port());
  client.send("GET /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_THAT(client.receive_until(""), StartsWith("HTTP/1.1 400 "));
  expect_served(*server);
}

TEST_F(HttpServerTest, GarbageDoesNoHarm) {
  const auto server = start();
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 200; ++i) {
    std::string bytes(1 + random() % 3000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (i % 4 == 0) bytes = "GET /metrics HTTP/1.1\r\n" + bytes;
    bytes += "\r\n\r\n";
    Client client(server->port());
    client.send(bytes);
    if (i % 2 == 0) {
      EXPECT_TRUE(client.closed_by_server());
    }
  }
  expect_served(*server);
}

TEST_F(HttpServerTest, SlowClientIsClosedAtItsDeadlineThoughItSends) {
  const auto server = start({.timeout = std::chrono::seconds(1)});
  Client silent(server->port()), trickling(server->port());
  const auto begin = std::chrono::steady_clock::now();
  // Each byte comes well before the deadline, which is that of the whole request.
  bool open = trickling.send("GET /metrics HTTP/1.1\r\nX: ");
  while (open && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10)) {
    open = trickling.send("x");
    ::poll(nullptr, 0, 10);
  }
  EXPECT_FALSE(open);
  EXPECT_TRUE(silent.closed_by_server());
  expect_served(*server);
}

TEST_F(HttpServerTest, ServesWhileClientsHoldTheirConnectionsHalfOpen) {
  const auto server = start({.timeout = std::chrono::minutes(1)});
  std::vector<Client> holding;
  for (int i = 0; i < 300; ++i) {
    holding.emplace_back(server->port());
    holding.back().send("GET /metrics HTT");
  }
  expect_served(*server);
  // The oldest made room, the newest are still there.
  EXPECT_TRUE(holding.front().closed_by_server());
  holding.back().send("P/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(holding.back().receive_until(""), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ClientThatNeverReadsIsClosed) {
  // More than the buffers of a connection take.
  const std::string large(32 << 20, 'x');
  auto started = HttpServer::start("127.0.0.1", 0, {[&] { return large; }, [] { return true; }},
                                   {.timeout = std::chrono::seconds(1)});
  ASSERT_TRUE(started.ok());
  Client client(started.value()->port());
  client.send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(fetch(started.value()->port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
  ::poll(nullptr, 0, 2500);  // not reading past the deadline is what is tested
  EXPECT_LT(client.receive_until("").size(), large.size());
}

TEST_F(HttpServerTest, StopsAtOnceWithConnectionsOpen) {
  auto server = start();
  Client half_open(server->port());
  half_open.send("GET ");
  expect_served(*server);
  const auto begin = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  EXPECT_TRUE(half_open.closed_by_server());
}

TEST_F(HttpServerTest, PortInUseIsAnErrorThatNamesAddressAndPort) {
  const auto server = start();
  const auto second = HttpServer::start("127.0.0.1", server->port(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1"));
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
}

TEST_F(HttpServerTest, PortIsFreeAgainOnceStopped) {
  auto server = start();
  const uint16_t port = server->port();
  expect_served(*server);
  server.reset();
  EXPECT_TRUE(HttpServer::start("127.0.0.1", port, {}).ok());
}

TEST_F(HttpServerTest, AddressMustBeOne) {
  const auto started = HttpServer::start("no.such.address", 0, {});
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(started.error().message, HasSubstr("no.such.address"));
}

}  // namespace
}  // namespace cairn
