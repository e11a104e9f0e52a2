// The only file that includes Beast and Asio, which take long to compile.
#include "common/http/http_server.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace cairn {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using ErrorCondition = beast::error_code;

// State that all connections share.
struct Shared {
  std::vector<HttpRoute> routes;
  HttpServer::Limits limits;
  asio::io_context io{1};
  asio::io_context pool;              // of handlers that may take long
  std::atomic<size_t> under_way = 0;  // handlers in the pool or waiting for it
  std::string paths;                  // of all routes, for who asks for another

  Shared(std::vector<HttpRoute> routes_, const HttpServer::Limits& limits_)
      : routes(std::move(routes_)), limits(limits_) {
    for (const HttpRoute& route : routes) paths += (paths.empty() ? "" : ", ") + route.path;
  }
};

std::optional<HttpMethod> method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
    case http::verb::head:
      return HttpMethod::kGet;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::delete_:
      return HttpMethod::kDelete;
    default:
      return std::nullopt;
  }
}

// One connection. It lives as long as an operation or a handler of its own is outstanding.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared)
      : stream_(std::move(socket)), buffer_(shared.limits.header_bytes_max), shared_(shared) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(shared_.limits.header_bytes_max);
    parser_->body_limit(UINT64_MAX);  // the limit is the route's, which the header tells
    // A deadline for the whole request, so sending it byte by byte gains no time.
    stream_.expires_after(shared_.limits.timeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCondition error, size_t) { self->on_header(error); });
  }

  void close() { stream_.close(); }

 private:
  using Response = http::response<http::string_body>;

  void on_header(ErrorCondition error) {
    if (error) return on_bad_request(error);
    const auto& header = parser_->get();
    const beast::string_view target = header.target();
    const size_t question = target.find('?');
    request_ = {};
    request_.path = std::string(target.substr(0, question));
    if (question != beast::string_view::npos)
      request_.query = std::string(target.substr(question + 1));
    const std::optional<HttpMethod> method = method_of(header.method());
    std::string allowed;
    route_ = find_route(shared_.routes, method.value_or(HttpMethod::kGet), request_.path, &allowed);
    if (allowed.empty()) return refuse(404, "try " + shared_.paths + "\n");
    if (!method || route_ == nullptr) {
      Response response = text(405, "only " + allowed + "\n");
      response.set(http::field::allow, allowed);
      return refuse(std::move(response));
    }
    request_.method = *method;
    const auto length = parser_->content_length();
    if (length && *length > route_->body_bytes_max) return refuse(413, too_long());
    parser_->body_limit(route_->body_bytes_max);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCondition error, size_t) { self->on_body(error); });
  }

  void on_body(ErrorCondition error) {
    if (error == http::error::body_limit) return refuse(413, too_long());
    if (error) return on_bad_request(error);
    request_.body = std::move(parser_->get().body());
    if (!route_->may_take_long) return write(answer(route_->handler(request_)));
    if (++shared_.under_way > shared_.limits.handlers_max) {
      --shared_.under_way;
      Response response = text(503, "too many requests are being answered\n");
      response.set(http::field::retry_after, "1");
      return write(std::move(response));
    }
    stream_.expires_never();  // the handler's time is its own
    asio::post(shared_.pool, [self = shared_from_this()] {
      HttpResponse response = self->route_->handler(self->request_);
      --self->shared_.under_way;
      asio::post(self->shared_.io, [self, response = std::move(response)]() mutable {
        self->write(answer(std::move(response)));
      });
    });
  }

  void on_bad_request(ErrorCondition error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return refuse(431, "header too large\n");
    const bool not_http = error.category() == make_error_code(http::error::bad_target).category();
    if (not_http && error != http::error::end_of_stream && error != http::error::partial_message)
      return refuse(400, "not a request that is served here\n");
    close();  // gone, or too slow
  }

  std::string too_long() const {
    return "the body may have " + std::to_string(route_->body_bytes_max) + " bytes\n";
  }

  static Response answer(HttpResponse from) {
    Response response(static_cast<http::status>(from.status), 11);
    response.set(http::field::content_type, from.content_type);
    response.body() = std::move(from.body);
    return response;
  }
  static Response text(unsigned status, std::string body) {
    Response response(static_cast<http::status>(status), 11);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.body() = std::move(body);
    return response;
  }

  // Where a body may follow that nobody has read, the connection cannot go on.
  void refuse(Response response) {
    const bool rest = parser_ && !parser_->is_done();
    write(std::move(response), rest);
  }
  void refuse(unsigned status, std::string body) { refuse(text(status, std::move(body))); }

  void write(Response response, bool then_close = false) {
    const auto& request = parser_->get();
    response_ = std::move(response);
    const bool known = parser_->is_header_done();
    if (known) response_.version(request.version());
    response_.keep_alive(known && !then_close && request.keep_alive());
    unread_ = known && then_close;
    // To HEAD the same header, without the body that it describes.
    response_.content_length(response_.body().size());
    if (known && request.method() == http::verb::head) response_.body().clear();
    stream_.expires_after(shared_.limits.timeout);
    http::async_write(
        stream_, response_,
        [self = shared_from_this()](ErrorCondition error, size_t) { self->on_written(error); });
  }

  void on_written(ErrorCondition error) {
    if (!error && response_.keep_alive()) return read();
    ErrorCondition ignored;  // the peer may be gone
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (error || !unread_) return close();
    stream_.expires_after(shared_.limits.timeout);
    discard();
  }

  // Closed with a body unread, a connection is reset, and the peer may lose the answer. So what comes
  // is read and dropped until the peer closes, up to a limit.
  void discard() {
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this()](ErrorCondition error, size_t bytes) {
                              self->bytes_discarded_ += bytes;
                              if (error || self->bytes_discarded_ > kDiscardedBytesMax)
                                return self->close();
                              self->discard();
                            });
  }

  static constexpr size_t kDiscardedBytesMax = size_t{16} << 20;

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  const HttpRoute* route_ = nullptr;  // of the request
  Response response_;
  bool unread_ = false;  // a body may follow that nobody reads
  size_t bytes_discarded_ = 0;
  std::array<char, 4096> discarded_;
  Shared& shared_;
};

// A thread that leaves every signal to the others: who handles Ctrl-C is the program's choice.
std::thread thread_without_signals(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(std::vector<HttpRoute> routes, const Limits& limits) : shared_(std::move(routes), limits) {}

  ~Impl() {
    shared_.io.stop();
    if (thread_.joinable()) thread_.join();
    // The thread that used them is gone: nobody waits for a handler to see them closed.
    ErrorCondition ignored;
    acceptor_.close(ignored);
    for (const std::weak_ptr<Session>& session : sessions_)
      if (const auto open = session.lock()) open->close();
    shared_.pool.stop();
    for (std::thread& thread : pool_threads_) thread.join();
  }

  ErrorCondition listen(const asio::ip::address& address, uint16_t port) {
    const tcp::endpoint endpoint(address, port);
    ErrorCondition error;
    acceptor_.open(endpoint.protocol(), error);
    // A restarted process binds again although connections of the old one linger in TIME_WAIT.
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    return error;
  }

  void run() {
    const bool pooled = std::ranges::any_of(shared_.routes, &HttpRoute::may_take_long);
    for (size_t i = 0; pooled && i < shared_.limits.threads; ++i)
      pool_threads_.push_back(thread_without_signals([this] {
        pthread_setname_np(pthread_self(), "http-pool");
        const auto wait_for_work = asio::make_work_guard(shared_.pool);
        shared_.pool.run();
      }));
    accept();
    thread_ = thread_without_signals([this] {
      pthread_setname_np(pthread_self(), "http");
      shared_.io.run();
    });
  }

  uint16_t port() const { return port_; }

 private:
  void accept() {
    acceptor_.async_accept([this](ErrorCondition error, tcp::socket socket) {
      if (error) return accept_later();
      make_room();
      const auto session = std::make_shared<Session>(std::move(socket), shared_);
      sessions_.push_back(session);
      session->read();
      accept();
    });
  }

  // Out of file descriptors, most likely: trying again at once would spin.
  void accept_later() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](ErrorCondition error) {
      if (!error) accept();
    });
  }

  void make_room() {
    sessions_.remove_if([](const std::weak_ptr<Session>& session) { return session.expired(); });
    while (sessions_.size() >= shared_.limits.connections_max) {
      if (const auto oldest = sessions_.front().lock()) oldest->close();
      sessions_.pop_front();
    }
  }

  Shared shared_;
  uint16_t port_ = 0;
  std::list<std::weak_ptr<Session>> sessions_;  // oldest first
  tcp::acceptor acceptor_{shared_.io};
  asio::steady_timer retry_{shared_.io};
  std::vector<std::thread> pool_threads_;
  std::thread thread_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address, uint16_t port,
                                                      std::vector<HttpRoute> routes,
                                                      Limits limits) {
  ErrorCondition error;
  const asio::ip::address parsed = asio::ip::make_address(address, error);
  if (error)
    return Error{ErrorCode::kInvalidArgument,
                 "address '" + address + "' is not an IP address such as 127.0.0.1"};
  const std::string where = address + " port " + std::to_string(port);
  try {  // Asio throws where the system has no descriptor or thread left
    auto impl = std::make_unique<Impl>(std::move(routes), limits);
    error = impl->listen(parsed, port);
    if (error)
      return Error{ErrorCode::kUnavailable,
                   "cannot serve HTTP on " + where + ": " + error.message()};
    impl->run();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const std::exception& thrown) {
    return Error{ErrorCode::kUnavailable, "cannot serve HTTP on " + where + ": " + thrown.what()};
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace cairn
