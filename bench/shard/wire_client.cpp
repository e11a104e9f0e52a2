#include "bench/shard/wire_client.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "bench/shard/driver.h"
#include "common/check.h"

namespace cairn {

namespace {

zmq::socket_t connected(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(endpoint);
  return dealer;
}

// The least that a worker does with rows: it reads them.
void read_rows(const zmq::message_t& rows) {
  float sums[kBenchDim] = {};
  const char* at = static_cast<const char*>(rows.data());
  for (size_t i = 0; i < rows.size() / sizeof sums; ++i, at += sizeof sums) {
    float row[kBenchDim];
    std::memcpy(row, at, sizeof row);
    for (size_t d = 0; d < kBenchDim; ++d) sums[d] += row[d];
  }
  check(std::isfinite(sums[0]), "rows hold numbers");
}

}  // namespace

WireClient::WireClient(zmq::context_t& context, const std::string& endpoint)
    : dealer_(connected(context, endpoint)) {}

void WireClient::send(Message message) {
  message.header.map_version = 1;
  std::vector<zmq::message_t> parts = to_parts(std::move(message));
  for (size_t i = 0; i < parts.size(); ++i)
    dealer_.send(parts[i], i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

void WireClient::pull(std::span<const Key> keys) {
  Message message;
  message.header.op = Op::kPull;
  message.header.step = step_ + 1;
  message.header.sequence = ++request_;
  message.directory = {{.count = static_cast<uint32_t>(keys.size()), .dim = kBenchDim}};
  message.keys = borrowed(keys.data(), keys.size_bytes());
  send(std::move(message));
  if (request_ % kPullsPerStep > 0) return;
  push({}, nullptr);
  ++closing_pushes_;
}

void WireClient::push(std::span<const Key> keys, const float* gradients) {
  Message message;
  message.header.op = Op::kPush;
  message.header.step = ++step_;
  message.header.sequence = ++sequence_;
  if (!keys.empty()) {
    message.directory = {{.count = static_cast<uint32_t>(keys.size()), .dim = kBenchDim}};
    message.keys = borrowed(keys.data(), keys.size_bytes());
    message.values = borrowed(gradients, keys.size() * kBenchDim * sizeof(float));
  }
  send(std::move(message));
}

void WireClient::receive() {
  for (;;) {
    const Message reply = next_reply();
    if (reply.header.op == Op::kPull) return read_rows(reply.values);
    if (closing_pushes_ == 0) return;
    --closing_pushes_;
  }
}

Message WireClient::next_reply() {
  std::vector<zmq::message_t> parts;
  for (bool more = true; more;) {
    zmq::message_t part;
    check(dealer_.recv(part).has_value(), "a part of a reply");
    more = part.more();
    parts.push_back(std::move(part));
  }
  Result<Message> reply = parse_message(parts);
  check(reply.ok(), reply.ok() ? "" : reply.error().message);
  check(reply.value().header.status == StatusCode::kOk, reply.value().text());
  return std::move(reply).value();
}

BareClient::BareClient(zmq::context_t& context, const std::string& endpoint)
    : dealer_(connected(context, endpoint)) {}

void BareClient::pull(std::span<const Key> keys) {
  constexpr char kOp = static_cast<char>(Op::kPull);
  dealer_.send(zmq::message_t(&kOp, 1), zmq::send_flags::sndmore);
  dealer_.send(borrowed(keys.data(), keys.size_bytes()), zmq::send_flags::none);
}

void BareClient::push(std::span<const Key> keys, const float* gradients) {
  constexpr char kOp = static_cast<char>(Op::kPush);
  dealer_.send(zmq::message_t(&kOp, 1), zmq::send_flags::sndmore);
  dealer_.send(borrowed(keys.data(), keys.size_bytes()), zmq::send_flags::sndmore);
  dealer_.send(borrowed(gradients, keys.size() * kBenchDim * sizeof(float)), zmq::send_flags::none);
}

void BareClient::receive() {
  zmq::message_t reply;
  check(dealer_.recv(reply).has_value(), "a reply");
  read_rows(reply);
}

void fill(BenchClient& client, uint64_t rows) {
  const std::vector<float> gradients(kBenchKeys * kBenchDim, 0.01f);
  constexpr size_t kOpen = 4;
  std::vector<std::vector<Key>> keys(kOpen + 1);
  size_t sent = 0;
  for (uint64_t first = 0; first < rows; first += kBenchKeys, ++sent) {
    std::vector<Key>& its = keys[sent % keys.size()];
    its.clear();
    for (uint64_t i = first; i < std::min(rows, first + kBenchKeys); ++i)
      its.push_back(bench_key(i));
    std::sort(its.begin(), its.end());
    client.push(its, gradients.data());
    if (sent >= kOpen) client.receive();
  }
  for (size_t i = 0; i < std::min(sent, kOpen); ++i) client.receive();
}

}  // namespace cairn
