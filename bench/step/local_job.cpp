#include "bench/step/local_job.h"

#include <barrier>
#include <thread>

#include "bench/step/clock.h"
#include "bench/step/product_clock.h"
#include "common/random.h"
#include "worker/collective/memory_collective.h"
#include "worker/features/dedup.h"
#include "worker/math/ops/ops.h"
#include "worker/training/step_buffers.h"

namespace cairn::step {
namespace {

constexpr size_t kBatches = 4;

// Before dedup, as a reader leaves it.
struct RawBatch {
  std::vector<std::vector<Key>> keys;  // [feature][row]
  std::vector<float> dense, labels;
};

RawBatch draw(const StepModel& model, uint64_t worker, uint64_t number) {
  RandomStream random(worker, number);
  RawBatch raw;
  for (const math::ModelShape::BagFeature& bag : model.shape.bags)
    for (std::vector<Key>& keys = raw.keys.emplace_back(); keys.size() < model.batch;)
      keys.push_back(random.next_below(model.table_rows[bag.table]));
  raw.dense.resize(model.batch * model.shape.dense_columns);
  for (float& x : raw.dense) x = random.next_float();
  raw.labels.resize(model.batch * model.config.tasks.size());
  for (float& y : raw.labels) y = random.next_below(2) ? 1.0f : 0.0f;
  return raw;
}

}  // namespace

class LocalJob::Worker {
 public:
  Worker(const StepModel& model, Precision precision, size_t rank, LocalRows& rows,
         std::unique_ptr<collective::Collective> collective)
      : spec_(model),
        rank_(rank),
        rows_(rows),
        collective_(std::move(collective)),
        model_(math::make_model(model.config, model.shape, 1, "cpu", precision).value()),
        optimizer_(math::make_dense_optimizer({}, {model_->values().size(), model_->parameters()})
                       .value()),
        buffers_(model.shape.table_dims, static_cast<uint32_t>(model.config.tasks.size()),
                 model_->memory()) {
    for (size_t i = 0; i < kBatches; ++i) raw_.push_back(draw(model, rank, i));
    batch_.samples = static_cast<uint32_t>(model.batch);
    batch_.bags.resize(model.shape.bags.size());
    batch_.keys.resize(model.shape.table_dims.size());
    for (features::Bag& bag : batch_.bags) {
      for (uint32_t r = 0; r <= model.batch; ++r) bag.offsets.push_back(r);
      bag.index.resize(model.batch);
    }
  }

  // `pushes`: of every table, of every worker. Workers meet at `together` before rows are written
  // and before they are read again.
  void step(StepTimes& times, std::vector<std::vector<LocalRows::Push>>& pushes,
            std::barrier<>& together) {
    const uint64_t number = ++steps_;
    const double wall = wall_seconds(), start = thread_seconds();
    dedup(raw_[number % kBatches]);
    const double unique = thread_seconds();
    buffers_.resize(batch_);
    for (size_t t = 0; t < batch_.keys.size(); ++t) rows_.pull(t, batch_.keys[t], buffers_.rows()[t]);
    const double pulled = thread_seconds(), products_before = seconds_in_products();
    const auto workers = static_cast<double>(pushes[0].size());
    model_->train_step(buffers_.input(batch_, {workers * static_cast<double>(spec_.batch), number,
                                               rank_ * spec_.batch, nullptr}),
                       buffers_.output());
    const double computed = thread_seconds();
    times.products += seconds_in_products() - products_before;
    for (size_t t = 0; t < pushes.size(); ++t)
      pushes[t][rank_] = {batch_.keys[t], buffers_.gradients()[t]};
    if (collective_) (void)collective_->all_reduce(model_->gradients(), {}).ok();
    const double exchanged = thread_seconds();
    optimizer_->step(model_->values(), model_->gradients(), number);
    const double dense = thread_seconds();
    // All pushes stand since the exchange; a worker alone has no one to wait for.
    for (size_t t = 0; t < pushes.size(); ++t) rows_.update(rank_, t, pushes[t], number);
    const double updated = thread_seconds();
    together.arrive_and_wait();
    times.dedup += unique - start;
    times.pull += pulled - unique;
    times.model += computed - pulled;
    times.exchange += exchanged - computed;
    times.dense += dense - exchanged;
    times.rows += updated - dense;
    times.all += updated - start;
    times.wall += wall_seconds() - wall;
  }

 private:
  void dedup(const RawBatch& raw) {
    batch_.dense = raw.dense;
    batch_.labels = raw.labels;
    for (size_t t = 0; t < batch_.keys.size(); ++t) {
      size_t occurrences = 0;
      for (size_t b = 0; b < batch_.bags.size(); ++b)
        if (spec_.shape.bags[b].table == t) occurrences += raw.keys[b].size();
      deduplicator_.begin(occurrences);
      for (size_t b = 0; b < batch_.bags.size(); ++b)
        if (spec_.shape.bags[b].table == t) deduplicator_.add(raw.keys[b], batch_.bags[b].index);
      deduplicator_.finish(batch_.keys[t]);
      for (size_t b = 0; b < batch_.bags.size(); ++b)
        if (spec_.shape.bags[b].table == t) deduplicator_.rank(batch_.bags[b].index);
    }
  }

  const StepModel spec_;
  const size_t rank_;
  LocalRows& rows_;
  std::unique_ptr<collective::Collective> collective_;
  std::unique_ptr<math::Model> model_;
  std::unique_ptr<math::DenseOptimizer> optimizer_;
  training::StepBuffers buffers_;
  features::Deduplicator deduplicator_;
  std::vector<RawBatch> raw_;
  features::Batch batch_;
  uint64_t steps_ = 0;
};

LocalJob::LocalJob(const StepModel& model, size_t workers, Precision precision)
    : rows_(std::make_unique<LocalRows>(model, workers)) {
  auto collectives = collective::make_memory_collectives(static_cast<uint32_t>(workers));
  for (size_t w = 0; w < workers; ++w)
    workers_.push_back(std::make_unique<Worker>(model, precision, w, *rows_,
                                                workers > 1 ? std::move(collectives[w]) : nullptr));
}

LocalJob::~LocalJob() = default;

StepTimes LocalJob::run(size_t steps) {
  StepTimes sums;
  std::vector<std::vector<LocalRows::Push>> pushes(rows_->tables(),
                                                   std::vector<LocalRows::Push>(workers_.size()));
  std::barrier<> together(static_cast<ptrdiff_t>(workers_.size()));
  const auto work = [&](size_t w) {
    StepTimes times;
    workers_[w]->step(times, pushes, together);
    times = {};
    for (size_t i = 0; i < steps; ++i) workers_[w]->step(times, pushes, together);
    if (w == 0) sums = times;
  };
  std::vector<std::jthread> others;
  for (size_t w = 1; w < workers_.size(); ++w) others.emplace_back(work, w);
  work(0);
  others.clear();
  for (double* part : {&sums.dedup, &sums.pull, &sums.model, &sums.products, &sums.exchange,
                       &sums.dense, &sums.rows, &sums.all, &sums.wall})
    *part /= static_cast<double>(steps);
  return sums;
}

}  // namespace cairn::step
