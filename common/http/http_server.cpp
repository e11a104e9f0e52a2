// The only file that includes Beast and Asio, which take long to compile.
#include "common/http/http_server.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
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

// One connection. It lives as long as an operation of its own is outstanding.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpServer::Handlers& handlers,
          const HttpServer::Limits& limits)
      : stream_(std::move(socket)),
        buffer_(limits.header_bytes_max),
        handlers_(handlers),
        limits_(limits) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(limits_.header_bytes_max);
    // A deadline for the whole request, so sending it byte by byte gains no time.
    stream_.expires_after(limits_.timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCondition error, size_t) { self->on_read(error); });
  }

  void close() { stream_.close(); }

 private:
  using Response = http::response<http::string_body>;

  void on_read(ErrorCondition error) {
    if (!error) return write(answer(parser_->get()));
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return write(refusal(http::status::request_header_fields_too_large, "header too large\n"));
    const bool not_http = error.category() == make_error_code(http::error::bad_target).category();
    if (not_http && error != http::error::end_of_stream && error != http::error::partial_message)
      return write(refusal(http::status::bad_request, "not a request that is served here\n"));
    close();  // gone, or too slow
  }

  Response answer(const http::request<http::empty_body>& request) {
    Response response = route(request);
    response.version(request.version());
    response.keep_alive(request.keep_alive());
    // To HEAD the same header, without the body that it describes.
    response.content_length(response.body().size());
    if (request.method() == http::verb::head) response.body().clear();
    return response;
  }

  Response route(const http::request<http::empty_body>& request) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      Response response = text(http::status::method_not_allowed, "only GET and HEAD\n");
      response.set(http::field::allow, "GET, HEAD");
      return response;
    }
    const beast::string_view target = request.target().substr(0, request.target().find('?'));
    if (target == "/metrics") {
      Response response = text(http::status::ok, handlers_.metrics());
      response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      return response;
    }
    if (target == "/healthz") return text(http::status::ok, "ok\n");
    if (target == "/readyz") {
      return handlers_.ready() ? text(http::status::ok, "ready\n")
                               : text(http::status::service_unavailable, "not ready\n");
    }
    return text(http::status::not_found, "try /metrics, /healthz or /readyz\n");
  }

  static Response text(http::status status, std::string body) {
    Response response(status, 11);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.body() = std::move(body);
    return response;
  }

  static Response refusal(http::status status, std::string body) {
    Response response = text(status, std::move(body));
    response.keep_alive(false);
    response.prepare_payload();
    return response;
  }

  void write(Response response) {
    response_ = std::move(response);
    stream_.expires_after(limits_.timeout);
    http::async_write(
        stream_, response_,
        [self = shared_from_this()](ErrorCondition error, size_t) { self->on_written(error); });
  }

  void on_written(ErrorCondition error) {
    if (!error && response_.keep_alive()) return read();
    ErrorCondition ignored;  // the peer may be gone
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    close();
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
  const HttpServer::Handlers& handlers_;
  const HttpServer::Limits& limits_;
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
  Impl(Handlers handlers, Limits limits) : handlers_(std::move(handlers)), limits_(limits) {}

  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
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
    accept();
    thread_ = thread_without_signals([this] {
      pthread_setname_np(pthread_self(), "http");
      io_.run();
    });
  }

  uint16_t port() const { return port_; }

 private:
  void accept() {
    acceptor_.async_accept([this](ErrorCondition error, tcp::socket socket) {
      if (error) return accept_later();
      make_room();
      const auto session = std::make_shared<Session>(std::move(socket), handlers_, limits_);
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
    while (sessions_.size() >= limits_.connections_max) {
      if (const auto oldest = sessions_.front().lock()) oldest->close();
      sessions_.pop_front();
    }
  }

  const Handlers handlers_;
  const Limits limits_;
  uint16_t port_ = 0;
  std::list<std::weak_ptr<Session>> sessions_;  // oldest first
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  std::thread thread_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address, uint16_t port,
                                                      Handlers handlers, Limits limits) {
  ErrorCondition error;
  const asio::ip::address parsed = asio::ip::make_address(address, error);
  if (error)
    return Error{ErrorCode::kInvalidArgument,
                 "metrics address '" + address + "' is not an IP address such as 127.0.0.1"};
  const std::string where = address + " port " + std::to_string(port);
  try {  // Asio throws where the system has no descriptor or thread left
    auto impl = std::make_unique<Impl>(std::move(handlers), limits);
    error = impl->listen(parsed, port);
    if (error)
      return Error{ErrorCode::kUnavailable,
                   "cannot serve metrics on " + where + ": " + error.message()};
    impl->run();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const std::exception& thrown) {
    return Error{ErrorCode::kUnavailable,
                 "cannot serve metrics on " + where + ": " + thrown.what()};
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace cairn
