#include "common/config/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/config/job_file.h"

namespace cairn {
namespace {

TEST(Reference, TheDocumentIsWhatTheSchemaSays) {
  std::ifstream stream(std::string(CAIRN_SOURCE_DIR) + "/docs/config.md", std::ios::binary);
  std::stringstream document;
  document << stream.rdbuf();
  EXPECT_TRUE(document.str() == config_reference())
      << "docs/config.md is out of date. Write it anew:\n"
         "  cairn validate --print-reference > docs/config.md";
}

TEST(Reference, ItsExampleIsAValidJob) {
  const std::string reference = config_reference();
  const std::string fence = "```yaml\n";
  const size_t begin = reference.find(fence) + fence.size();
  const JobFileResult result =
      parse_job(reference.substr(begin, reference.find("```", begin) - begin), "example");
  EXPECT_TRUE(result.ok()) << to_string(result.diagnostics);
}

}  // namespace
}  // namespace cairn
