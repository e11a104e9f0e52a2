#include <thread>

#include "ps/server.h"
#include "worker/trainer/worker.h"
namespace cairn {
class S : public Server {
 public:
  std::vector<std::string> e;
  std::vector<std::string> endpoints() const override { return e; }
};
Result<std::unique_ptr<Server>> Server::start(const ServerOptions& o, zmq::context_t&,
                                              ServerMetrics&, std::function<void(Error)>) {
  auto s = std::make_unique<S>();
  for (uint32_t k = 0; k < o.job.ps.shards_per_server; ++k)
    s->e.push_back(o.endpoint + std::to_string(o.first_shard + k));
  return std::unique_ptr<Server>(std::move(s));
}
WorkerOutcome run_worker(const WorkerOptions& o, Collective& c, zmq::context_t&, WorkerMetrics&) {
  for (uint64_t i = 0; i < o.job.train.max_steps; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Control m;
    m.stop = *o.interrupted;
    float v[100] = {1};
    auto r = c.all_reduce(v, m);
    if (!r.ok()) return {1, r.error().message};
    for (auto& x : r.value())
      if (x.stop) return {4, ""};
  }
  if (c.rank() == 0) {
    for (auto& e : o.endpoints) printf("%s\n", e.c_str());
  }
  return {0, ""};
}
}  // namespace cairn
