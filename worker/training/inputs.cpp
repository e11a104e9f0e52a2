#include "worker/training/inputs.h"

#include <cstring>
#include <utility>

#include "worker/collective/agreement.h"

namespace cairn::training {
namespace {

Status open_alone(const JobView& view, Inputs& inputs) {
  const WorkerMode mode = view.options.mode;
  const auto open = [&](data::Split split, const std::vector<std::string>& files,
                        std::unique_ptr<data::Dataset>& to) -> Status {
    Result<std::unique_ptr<data::Dataset>> opened = data::Dataset::open(view.job, split, files);
    if (!opened.ok()) return opened.error();
    to = std::move(opened).value();
    return Ok{};
  };
  if (mode == WorkerMode::kTrain)
    if (Status s = open(data::Split::kTrain, {}, inputs.train); !s.ok()) return s;
  if (mode == WorkerMode::kPredict)
    return open(data::Split::kPredict, view.options.inputs, inputs.evaluation);
  if (view.job.data.eval.empty()) {
    if (mode == WorkerMode::kTrain) return Ok{};
    return Error{ErrorCode::kInvalidArgument, "the job names no evaluation data (data.eval)"};
  }
  return open(data::Split::kEval, {}, inputs.evaluation);
}

}  // namespace

Result<Inputs> Inputs::open(const JobView& view) {
  Inputs inputs;
  if (Status s = agree(view.collective, open_alone(view, inputs)); !s.ok()) return s.error();
  return inputs;
}

Result<features::Statistics> compute_statistics(const JobView& view, const data::Dataset& train) {
  if (!train.needs_statistics()) return features::Statistics{};
  const data::ReaderRange readers =
      data::readers_of(view.rank(), view.collective.size(), view.job.data.readers);
  const std::vector<features::Moments> mine = train.moments_of(readers.first, readers.last);
  const Result<std::vector<std::string>> all = view.collective.all_gather(
      {reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(features::Moments)});
  if (!all.ok()) return all.error();
  std::vector<features::Moments> partials;
  for (const std::string& bytes : all.value()) {
    const size_t before = partials.size();
    partials.resize(before + bytes.size() / sizeof(features::Moments));
    if (!bytes.empty()) std::memcpy(&partials[before], bytes.data(), bytes.size());
  }
  return train.merge(partials);
}

}  // namespace cairn::training
