#include "common/config/job_file.h"

#include <gtest/gtest.h>
#include <iostream>
#include "common/config/resolved.h"
#include "common/config/reference.h"
namespace cairn {
TEST(X, Y) {
  std::vector<std::string> o;
  if (getenv("SET")) o.push_back(getenv("SET"));
  if (!getenv("JOB")) { std::cout << config_reference(); return; }
  auto r = load_job(getenv("JOB"), o);
  std::cout << to_string(r.diagnostics);
  if (r.ok()) std::cout << write_resolved(r.job) << config_hash(r.job) << "\n";
}
}
