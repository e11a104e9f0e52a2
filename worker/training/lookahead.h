// The batches behind that of the current step: read ahead, and their rows pulled ahead.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "worker/data/batch_source.h"

namespace cairn::training {

// What a Lookahead asks of the shards: PsClient's start_pull and abandon_pull.
class PullStarter {
 public:
  virtual ~PullStarter() = default;
  virtual Result<uint64_t> start_pull(uint64_t step, std::span<const std::vector<Key>> keys,
                                      uint32_t flags) = 0;
  virtual void abandon_pull(uint64_t id) = 0;
};

struct BatchAhead {
  features::Batch batch;         // without samples: the epoch has ended here
  std::optional<uint64_t> pull;  // that was started for it
  std::optional<Error> error;    // why there was no batch: told when it would be the next
};

// Thread safety: none.
class Lookahead {
 public:
  struct Options {
    size_t prefetch = 0;             // steps whose rows are pulled ahead (train.prefetch)
    bool speculative_pulls = false;  // no pull is started here: see `pull`
  };

  // `empty`: a batch of the job's tables and features without samples. `pulls` outlives this.
  Lookahead(const Options& options, features::Batch empty, PullStarter& pulls);
  ~Lookahead() { abandon(); }
  Lookahead(const Lookahead&) = delete;
  Lookahead& operator=(const Lookahead&) = delete;

  // Begins an epoch. Null: this worker has no batches in it.
  void start(std::unique_ptr<data::BatchSource> source);

  // Reads batches until there is a next one and those of `prefetch` steps are there, and starts
  // their pulls; the next step is `step`. `positions` stand for a batch that cannot be read.
  // Errors: those of start_pull.
  Status fill(uint64_t step, const std::vector<features::ReaderPosition>& positions);

  // The batch of the next step; after `fill`.
  const BatchAhead& next() const { return ahead_.front(); }
  BatchAhead take();

  // Starts the pull of a batch, if that was not done. Errors: those of start_pull.
  Status pull(BatchAhead& ahead, uint64_t step, uint32_t flags);
  Status pull_next(uint64_t step, uint32_t flags) { return pull(ahead_.front(), step, flags); }

  // Drops all batches, their pulls and the source.
  void abandon();

 private:
  void read(const std::vector<features::ReaderPosition>& positions);

  const Options options_;
  const features::Batch empty_;
  PullStarter& pulls_;
  std::unique_ptr<data::BatchSource> source_;
  std::deque<BatchAhead> ahead_;
};

}  // namespace cairn::training
