#include "tests/integration/small_job.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/random.h"

namespace cairn {
namespace {

constexpr const char* kJob = R"(
data:
  train: FOLDER/train.csv
  eval: FOLDER/eval.csv
features:
  - {names: [user, item], transform: hash}
  - {name: tags, transform: hash, separator: "|", pooling: mean}
  - {name: tags_for_item, column: tags, transform: hash, separator: "|", pooling: attention, target: item}
  - {name: price, transform: [log1p, standardize]}
  - {name: user_x_item, columns: [user, item], transform: cross, dim: 4}
model:
  cross: {layers: 2}
  deep: {units: [16, 8]}
  head: {type: mmoe, experts: 2, units: [8], tower_units: [4]}
  tasks:
    - {name: like, label: "rating >= 3", loss: bce}
    - {name: rating, label: rating, loss: mse, weight: 0.1}
train: {workers: 2, batch_size: 64, epochs: 2}
eval: {batch_size: 64}
ps: {servers: 2, shards_per_server: 1, dim: 8, hot_bytes: 64M}
metrics: {port: 0}
)";

void write_rows(const std::filesystem::path& path, RandomStream& random, size_t rows) {
  std::ofstream file(path);
  file << "user,item,tags,price,rating\n";
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t user = random.next_below(200), item = random.next_below(100);
    file << "u" << user << ",i" << item << ",";
    for (uint64_t tag = 0, tags = random.next_below(4); tag < tags; ++tag)
      file << (tag ? "|" : "") << "t" << random.next_below(20);
    const double taste = std::sin(static_cast<double>(user * 7 + item * 13));
    file << "," << 100.0 * random.next_double() << ","
         << std::clamp(3.0 + 2.0 * taste + 0.3 * random.next_normal(), 0.5, 5.0) << "\n";
  }
}

}  // namespace

SmallJob::SmallJob(uint64_t seed, size_t rows) {
  RandomStream random(seed, 77);
  write_rows(train_data(), random, rows);
  write_rows(folder() / "eval.csv", random, rows / 5);
  std::string job = kJob;
  for (size_t at; (at = job.find("FOLDER")) != std::string::npos;)
    job.replace(at, 6, folder().string());
  std::ofstream(file()) << "output: " << (folder() / "run").string() << "\n" << job;
}

std::vector<std::string> SmallJob::train_arguments(const std::string& run,
                                                   const std::vector<std::string>& overrides,
                                                   const std::vector<std::string>& flags) const {
  std::vector<std::string> arguments = {"train", file().string(), "--set",
                                        "output=" + (folder() / run).string()};
  for (const std::string& override : overrides) {
    arguments.push_back("--set");
    arguments.push_back(override);
  }
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

Ran SmallJob::train(const std::string& run, const std::vector<std::string>& overrides,
                    const std::vector<std::string>& flags) const {
  return run_cairn(train_arguments(run, overrides, flags));
}

std::filesystem::path SmallJob::checkpoint(const std::string& run) const {
  std::filesystem::path newest;
  std::error_code none_yet;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder() / run / "checkpoints", none_yet))
    if (std::filesystem::exists(entry.path() / "manifest.json"))
      newest = std::max(newest, entry.path());
  return newest;
}

std::string SmallJob::evaluations(const std::string& run) const {
  std::string all;
  std::istringstream lines(read_file(folder() / run / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    nlohmann::json entry = nlohmann::json::parse(line);
    if (entry["kind"] != "evaluation") continue;
    for (const char* of_this_run : {"time", "seconds"}) entry.erase(of_this_run);
    all += entry.dump() + "\n";
  }
  return all;
}

Bits bits_of(const std::filesystem::path& checkpoint) {
  const Ran inspected = run_cairn({"inspect", checkpoint.string(), "--digest"});
  check(inspected.exit_code == 0, inspected.err);
  // Lines that hold a digest: what else is printed names folders and times.
  Bits bits;
  size_t begin = 0;
  while (begin < inspected.out.size()) {
    const size_t end = std::min(inspected.out.find('\n', begin), inspected.out.size());
    const std::string line = inspected.out.substr(begin, end - begin);
    if (line.find("digest") != std::string::npos) bits.digest += line + "\n";
    begin = end + 1;
  }
  check(!bits.digest.empty(), "inspect --digest prints digests");
  bits.dense = read_file(checkpoint / "dense.safetensors");
  return bits;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace cairn
