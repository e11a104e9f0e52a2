// A small model of two numbers, an id and one task, and random versions of it.
#pragma once

#include <memory>
#include <vector>

#include "common/random.h"
#include "worker/version/model_version.h"

namespace cairn::version {

inline JobConfig small_job(std::vector<uint32_t> deep_units = {3}) {
  JobConfig job;
  job.features.resize(3);
  job.features[0].name = "age";
  job.features[1].name = "hours";
  job.features[2].name = "city";
  job.features[2].transforms = {Transform::kHash};
  job.features[2].table = "city";
  job.tables.resize(1);
  job.tables[0].name = "city";
  job.tables[0].dim = 4;
  job.model.cross_layers = 1;
  job.model.deep_units = std::move(deep_units);
  job.model.expert_units = {2};
  job.model.tasks = {{.name = "click"}};
  return job;
}

inline std::shared_ptr<const ModelDefinition> small_definition(std::vector<uint32_t> deep_units = {
                                                                   3}) {
  return ModelDefinition::make(small_job(std::move(deep_units))).value();
}

// Normal parameters, zero between them.
inline VersionPtr random_version(const std::shared_ptr<const ModelDefinition>& definition,
                                 uint64_t step, RandomStream& random) {
  auto version = std::make_shared<ModelVersion>();
  version->definition = definition;
  version->step = step;
  version->parameters.resize(definition->floats);
  for (const math::ParameterInfo& info : definition->parameters)
    for (size_t i = 0; i < info.size; ++i)
      version->parameters[info.offset + i] = random.next_normal();
  return version;
}

}  // namespace cairn::version
