#include "common/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <thread>
#include <vector>

#include "common/check.h"
#include "common/http/process_routes.h"
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

  // Returns the bytes that come until the server closes, or until `ending` has come.
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
  // Whether something comes within a tenth of a second.
  bool has_answer() {
    pollfd look{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&look, 1, 100) > 0;
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
        "127.0.0.1", 0,
        process_routes([] { return "cairn_up 1\n"; }, [this] { return ready.load(); }), limits);
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
  EXPECT_THAT(client.receive_until(""), StartsWith("HTTP/1.1 413 "));
  expect_served(*server);
}

HttpRoute echo(HttpMethod method, const std::string& path, size_t body_bytes_max) {
  return {.method = method,
          .path = path,
          .handler =
              [](const HttpRequest& request) {
                return HttpResponse{201, request.query + "|" + request.body, "text/x-echo"};
              },
          .body_bytes_max = body_bytes_max};
}

std::unique_ptr<HttpServer> serve(std::vector<HttpRoute> routes, HttpServer::Limits limits = {}) {
  auto started = HttpServer::start("127.0.0.1", 0, std::move(routes), limits);
  check(started.ok(), started.ok() ? "" : started.error().message);
  return std::move(started).value();
}

// Handlers that wait until the test lets them go on.
struct Gate {
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();
  std::atomic<int> inside = 0;

  HttpRoute route() {
    return {.path = "/slow",
            .handler =
                [this](const HttpRequest&) {
                  ++inside;
                  open.wait();
                  return HttpResponse{200, "done\n"};
                },
            .may_take_long = true};
  }
};

TEST(HttpRoutes, ABodyInPiecesArrivesWholeAndTheConnectionGoesOn) {
  const auto server = serve({echo(HttpMethod::kPost, "/rank", 1 << 20)});
  Client client(server->port());
  const std::string body(100'000, 'b');
  for (int i = 0; i < 2; ++i) {
    client.send("POST /rank?k=3 HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    for (size_t at = 0; at < body.size(); at += 7'777) client.send(body.substr(at, 7'777));
    const std::string answer = client.receive_until(body);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 201 "));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/x-echo\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\nk=3|" + body));
  }
  client.send("POST /rank HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_THAT(client.receive_until("|abc"), EndsWith("|abc"));
}

TEST(HttpRoutes, ABodyAboveItsRoutesLimitIsRefusedWhetherItSaysItsLengthOrNot) {
  const auto server = serve({echo(HttpMethod::kPost, "/rank", 10)});
  for (const char* request :
       {"POST /rank HTTP/1.1\r\nContent-Length: 11\r\n\r\n01234567890",
        "POST /rank HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"}) {
    Client client(server->port());
    client.send(request);
    const std::string answer = client.receive_until("");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(answer, HasSubstr("10 bytes"));
  }
}

TEST(HttpRoutes, WhoSendsALargeBodyThatIsRefusedReadsWhyAllTheSame) {
  const auto server = serve({echo(HttpMethod::kPost, "/rank", 10)});
  Client client(server->port());
  ASSERT_TRUE(client.send("POST /rank HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n"));
  // More than the buffers of a connection take: sent on though the refusal has long come.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(std::string(100'000, 'x')));
  EXPECT_THAT(client.receive_until(""), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpRoutes, ConnectionsCloseAtOnceThoughAHandlerIsStillRunning) {
  Gate gate;
  auto server = serve({gate.route()});
  Client slow(server->port()), idle(server->port());
  slow.send("GET /slow HTTP/1.1\r\n\r\n");
  idle.send("GET ");
  while (gate.inside == 0) std::this_thread::yield();
  std::thread stopping([&] { server.reset(); });
  EXPECT_TRUE(idle.closed_by_server());
  gate.opened.set_value();
  stopping.join();
}

TEST(HttpRoutes, APathTellsItsMethodsAndAnUnknownOneThePaths) {
  const auto server =
      serve({echo(HttpMethod::kPost, "/rank", 10), echo(HttpMethod::kDelete, "/rank", 0)});
  EXPECT_THAT(fetch(server->port(), "/rank"), HasSubstr("Allow: POST, DELETE\r\n"));
  EXPECT_THAT(fetch(server->port(), "/rank", "DELETE"), StartsWith("HTTP/1.1 201 "));
  const std::string lost = fetch(server->port(), "/ranks");
  EXPECT_THAT(lost, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(lost, HasSubstr("try /rank"));
}

TEST(HttpRoutes, AHandlerThatTakesLongHoldsNobodyUpAndTooManyAreToldToComeBack) {
  Gate gate;
  const auto server = serve({gate.route(),
                             {.path = "/quick",
                              .handler =
                                  [](const HttpRequest&) {
                                    return HttpResponse{200, "quick\n"};
                                  }}},
                            {.threads = 2, .handlers_max = 3});
  std::vector<Client> slow;
  for (int i = 0; i < 3; ++i) {
    slow.emplace_back(server->port());
    slow.back().send("GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n");
  }
  while (gate.inside < 2) std::this_thread::yield();  // both threads are taken
  EXPECT_THAT(fetch(server->port(), "/quick"), EndsWith("quick\n"));
  // The third waits or is about to: then a fourth is one too many.
  std::string refused;
  while (!refused.starts_with("HTTP/1.1 503 ")) {
    Client fourth(server->port());
    fourth.send("GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n");
    if (fourth.has_answer()) refused = fourth.receive_until("");
  }
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  gate.opened.set_value();
  for (Client& client : slow) EXPECT_THAT(client.receive_until(""), StartsWith("HTTP/1.1 "));
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
  auto started =
      HttpServer::start("127.0.0.1", 0, process_routes([&] { return large; }, [] { return true; }),
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
