#include "worker/math/models/gradient_buckets.h"

#include <cstdint>

namespace cairn::math {
namespace {

// Large enough that an all-reduce of one is worth its start, small enough that the first can begin
// early.
constexpr size_t kFloats = size_t{1} << 20;

}  // namespace

GradientBuckets::GradientBuckets(nn::Parameters& parameters) : parameters_(parameters) {
  const std::vector<ParameterInfo>& infos = parameters.infos();
  size_t last = infos.size(), end = parameters.gradients().size();
  for (size_t i = infos.size(); i-- > 0;) {
    if (i > 0 && end - infos[i].offset < kFloats) continue;
    const size_t begin = i == 0 ? 0 : infos[i].offset;
    buckets_.push_back({i, last, SIZE_MAX, parameters.gradients().subspan(begin, end - begin)});
    last = i;
    end = begin;
  }
}

void GradientBuckets::tell(size_t records, float l2, GradientSink& sink) {
  for (; told_ < buckets_.size() && records >= buckets_[told_].ready_after; ++told_) {
    parameters_.end_step(l2, buckets_[told_].first, buckets_[told_].last);
    sink.ready(buckets_[told_].part);
  }
}

void GradientBuckets::tell_all(float l2, GradientSink& sink) { tell(SIZE_MAX, l2, sink); }

void GradientBuckets::learn() {
  for (Bucket& bucket : buckets_)
    bucket.ready_after = parameters_.last_part(bucket.first, bucket.last);
}

}  // namespace cairn::math
