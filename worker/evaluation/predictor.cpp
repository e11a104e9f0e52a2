#include "worker/evaluation/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "common/atomic_file.h"
#include "worker/collective/agreement.h"

namespace cairn::evaluation {
namespace {

// A sample as it travels: its offset, then one float per task.
class PackedSamples {
 public:
  explicit PackedSamples(size_t tasks) : bytes_(sizeof(uint64_t) + tasks * sizeof(float)) {}

  void append(std::string& to, uint64_t offset, const float* predictions) const {
    to.append(reinterpret_cast<const char*>(&offset), sizeof offset);
    to.append(reinterpret_cast<const char*>(predictions), bytes_ - sizeof offset);
  }
  size_t bytes() const { return bytes_; }
  static uint64_t offset(const char* sample) {
    uint64_t offset;
    std::memcpy(&offset, sample, sizeof offset);
    return offset;
  }
  static float prediction(const char* sample, size_t task) {
    float value;
    std::memcpy(&value, sample + sizeof(uint64_t) + task * sizeof(float), sizeof value);
    return value;
  }

 private:
  size_t bytes_;
};

std::string to_csv(const std::vector<TaskConfig>& tasks, const PackedSamples& packed,
                   const std::vector<std::string>& all, uint64_t& samples_written) {
  std::vector<const char*> samples;
  for (const std::string& part : all)
    for (size_t at = 0; at < part.size(); at += packed.bytes()) samples.push_back(part.data() + at);
  std::sort(samples.begin(), samples.end(), [](const char* a, const char* b) {
    return PackedSamples::offset(a) < PackedSamples::offset(b);
  });
  std::string csv = "offset";
  for (const TaskConfig& task : tasks) csv += "," + task.name;
  csv += '\n';
  const auto end = std::back_inserter(csv);
  for (const char* sample : samples) {
    fmt::format_to(end, "{}", PackedSamples::offset(sample));
    for (size_t task = 0; task < tasks.size(); ++task)
      fmt::format_to(end, ",{}", PackedSamples::prediction(sample, task));
    csv += '\n';
  }
  samples_written = samples.size();
  return csv;
}

}  // namespace

Result<uint64_t> predict_samples(Inference& inference, const version::VersionPtr& version,
                                 const data::Dataset& data, const std::filesystem::path& file) {
  const std::vector<TaskConfig>& tasks = inference.parts().job.model.tasks;
  collective::Collective& collective = inference.parts().collective;
  const PackedSamples packed(tasks.size());
  std::string mine;
  const Status predicted = inference.run(
      version, data, [&](const features::Batch& batch, std::span<const float> predictions) {
        for (uint32_t sample = 0; sample < batch.samples; ++sample)
          packed.append(mine, batch.sample_ids[sample], predictions.data() + sample * tasks.size());
      });
  if (!predicted.ok()) return predicted.error();
  const Result<std::vector<std::string>> all = collective.gather_to_first(std::move(mine));
  if (!all.ok()) return all.error();
  uint64_t samples = 0;
  Status written = Ok{};
  if (collective.rank() == 0)
    written = write_file_atomically(file, to_csv(tasks, packed, all.value(), samples));
  if (Status s = agree(collective, written); !s.ok()) return s.error();
  return samples;
}

}  // namespace cairn::evaluation
