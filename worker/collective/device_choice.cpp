#include "worker/collective/device_choice.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fstream>

#include "worker/collective/staged_collective.h"

namespace cairn::collective {

namespace {

std::string worker(size_t rank) { return "worker " + std::to_string(rank); }

// Neither host nor GPU has a line break in it.
std::string pack(const GpuPlace& place) {
  return (place.has_nccl ? "+" : "-") + place.host + "\n" + place.gpu;
}
GpuPlace unpack(const std::string& packed) {
  const size_t end = packed.find('\n');
  check(end != std::string::npos && end > 0, "a worker's place has a host and a GPU");
  return {packed.substr(1, end - 1), packed.substr(end + 1), packed[0] == '+'};
}

std::string host_as_nccl_sees_it() {
  const char* const id = std::getenv("NCCL_HOSTID");
  return id != nullptr && *id != '\0' ? id : host_of_this_process();
}

}  // namespace

Status agree_on_device(Collective& collective, const std::string& device) {
  const auto all = collective.all_gather(device);
  if (!all.ok()) return all.error();
  const std::string& first = all.value()[0];
  for (size_t rank = 1; rank < all.value().size(); ++rank)
    if (const std::string& other = all.value()[rank]; other != first)
      return Error{ErrorCode::kInvalidArgument,
                   worker(rank) + " computes on '" + other + "' and worker 0 on '" + first +
                       "': train.device must be the same for all workers of a job"};
  return Ok{};
}

std::string host_of_this_process() {
  char name[HOST_NAME_MAX + 1] = "";
  (void)gethostname(name, sizeof name - 1);
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  return std::string(name) + " " + boot;
}

uint32_t local_rank(std::span<const std::string> hosts, uint32_t rank) {
  check(rank < hosts.size(), "a rank has no host");
  const auto end = hosts.begin() + rank;
  return static_cast<uint32_t>(std::count(hosts.begin(), end, *end));
}

Result<uint32_t> choose_gpu(Collective& collective, const std::string& host, uint32_t gpus) {
  check(gpus > 0, "there is no GPU to choose");
  const auto hosts = collective.all_gather(host);
  if (!hosts.ok()) return hosts.error();
  return local_rank(hosts.value(), collective.rank()) % gpus;
}

std::string why_not_nccl(std::span<const GpuPlace> places) {
  for (size_t rank = 0; rank < places.size(); ++rank) {
    if (!places[rank].has_nccl) return worker(rank) + " has a build without NCCL";
    for (size_t other = 0; other < rank; ++other)
      if (places[other].host == places[rank].host && places[other].gpu == places[rank].gpu)
        return worker(other) + " and " + worker(rank) + " share GPU " + places[rank].gpu +
               ", which NCCL refuses";
  }
  return "";
}

Result<std::unique_ptr<Collective>> make_gpu_collective(Collective& host, math::Device& device,
                                                        const std::string& bus_id,
                                                        const NcclApi* api,
                                                        const NcclOptions& options) {
  if (host.size() == 1) return make_staged_collective(host, device);
  const auto all = host.all_gather(pack({host_as_nccl_sees_it(), bus_id, api != nullptr}));
  if (!all.ok()) return all.error();
  std::vector<GpuPlace> places;
  for (const std::string& packed : all.value()) places.push_back(unpack(packed));
  const std::string why = why_not_nccl(places);
  if (why.empty()) return make_nccl_collective(host, device, *api, options);
  if (host.rank() == 0) spdlog::warn("dense gradients are summed by the hosts: {}", why);
  return make_staged_collective(host, device);
}

}  // namespace cairn::collective
