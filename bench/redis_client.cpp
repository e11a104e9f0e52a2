// Redis beside a shard over tcp: MSET and MGET of the benchmarks' keys, values of 64 bytes (the
// weights of a row of dim 16), 16,384 keys per message as 16 commands of 1,024, 4 such messages
// under way. bench/redis_compare.sh builds and runs it, as hiredis is no package of the project.
//   redis_client PORT ROWS
#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/hash.h"

namespace {

constexpr size_t kKeys = 1024;    // of a command: longer ones are slower
constexpr size_t kCommands = 64;  // under way
constexpr size_t kValueBytes = 64;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

cairn::Key key_of(uint64_t i) { return cairn::hash_key(i ^ 0x62656e6368ull); }

class Client {
 public:
  Client(int port, uint64_t rows) : rows_(rows), context_(redisConnect("127.0.0.1", port)) {
    if (context_ != nullptr && context_->err == 0) return;
    std::fprintf(stderr, "no redis at port %d\n", port);
    std::exit(1);
  }
  ~Client() { redisFree(context_); }

  // Keys 0..rows, in order.
  void fill() {
    for (uint64_t done = 0; done < rows_;) {
      size_t open = 0;
      for (; open < kCommands && done < rows_; ++open) {
        const size_t count = std::min<uint64_t>(kKeys, rows_ - done);
        for (size_t i = 0; i < count; ++i) keys_[i] = key_of(done + i);
        append(true, count);
        done += count;
      }
      while (open-- > 0) receive();
    }
  }

  // Keys a second, drawn uniformly.
  double rate(bool set, double seconds) {
    const auto send = [&] {
      for (cairn::Key& key : keys_) key = key_of(cairn::hash_key(drawn_++) % rows_);
      append(set, kKeys);
    };
    size_t commands = 0;
    const double start = seconds_now();
    for (size_t i = 0; i < kCommands; ++i) send();
    for (; seconds_now() - start < seconds; ++commands) {
      receive();
      send();
    }
    for (size_t i = 0; i < kCommands; ++i, ++commands) receive();
    return static_cast<double>(commands * kKeys) / (seconds_now() - start);
  }

 private:
  void append(bool set, size_t count) {
    static const std::string value(kValueBytes, 'v');
    words_ = {set ? "MSET" : "MGET"};
    bytes_ = {4};
    for (size_t i = 0; i < count; ++i) {
      words_.push_back(reinterpret_cast<const char*>(&keys_[i]));
      bytes_.push_back(sizeof keys_[i]);
      if (!set) continue;
      words_.push_back(value.data());
      bytes_.push_back(value.size());
    }
    redisAppendCommandArgv(context_, static_cast<int>(words_.size()), words_.data(), bytes_.data());
  }

  void receive() {
    void* reply = nullptr;
    if (redisGetReply(context_, &reply) != REDIS_OK ||
        static_cast<redisReply*>(reply)->type == REDIS_REPLY_ERROR) {
      std::fprintf(stderr, "redis refused: %s\n", context_->errstr);
      std::exit(1);
    }
    freeReplyObject(reply);
  }

  const uint64_t rows_;
  redisContext* const context_;
  std::vector<cairn::Key> keys_ = std::vector<cairn::Key>(kKeys);
  std::vector<const char*> words_;
  std::vector<size_t> bytes_;
  uint64_t drawn_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: redis_client PORT ROWS\n"), 2;
  Client client(std::atoi(argv[1]), std::strtoull(argv[2], nullptr, 10));
  client.fill();
  for (const bool set : {false, true}) {
    std::vector<double> rates;
    for (int round = 0; round < 5; ++round) rates.push_back(client.rate(set, 1));
    std::sort(rates.begin(), rates.end());
    std::printf("  %s: %.2f M keys/s (%.2f to %.2f)\n", set ? "MSET" : "MGET", rates[2] / 1e6,
                rates.front() / 1e6, rates.back() / 1e6);
  }
}
