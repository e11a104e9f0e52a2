// The map of the folders, kept true: dependencies point one way, and what is heavy stays in few
// sources.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {
namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file;  // from the root of the project
  std::string what;  // as written between quotes or brackets
};

std::vector<Include> includes() {
  std::vector<Include> found;
  for (const char* folder : {"common", "ps", "worker", "launcher"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(CAIRN_SOURCE) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      constexpr std::string_view kInclude = "#include ";
      for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(kInclude)) continue;
        const size_t begin = kInclude.size() + 1, end = line.find_first_of(">\"", begin);
        found.push_back(
            {fs::relative(entry.path(), CAIRN_SOURCE), line.substr(begin, end - begin)});
      }
    }
  return found;
}

TEST(Tidy, DependenciesPointOneWay) {
  const std::vector<Include> all = includes();
  ASSERT_GT(all.size(), 500u);
  for (const auto& [file, what] : all) {
    const auto from = [&](const char* folder) { return file.starts_with(folder); };
    const auto to = [&](const char* folder) { return what.starts_with(folder); };
    EXPECT_FALSE(from("common/") && (to("ps/") || to("worker/") || to("launcher/")))
        << file << " includes " << what;
    EXPECT_FALSE(from("ps/") && (to("worker/") || to("launcher/"))) << file << " includes " << what;
    EXPECT_FALSE(from("worker/") && (to("ps/") || to("launcher/"))) << file << " includes " << what;
    EXPECT_FALSE(to("tests/") || to("bench/")) << file << " includes " << what;
  }
}

TEST(Tidy, LibrariesStayWhereTheyBelong) {
  for (const auto& [file, what] : includes()) {
    if (what.starts_with("rocksdb/")) {
      EXPECT_TRUE(file.starts_with("ps/")) << file;
    }
    if (what.starts_with("yaml-cpp/")) {
      EXPECT_EQ(file, "common/config/yaml_tree.cpp");
    }
    if (what.starts_with("boost/")) {
      EXPECT_EQ(file, "common/http/http_server.cpp");
    }
    if (what == "nccl.h") {
      EXPECT_EQ(file, "worker/collective/nccl_api.cpp");
    }
    if (what == "mpi.h") {
      EXPECT_TRUE(file.starts_with("worker/collective/mpi_")) << file;
    }
  }
}

TEST(Tidy, TheMathematicsKnowsNoNetworkAndNoFiles) {
  for (const auto& [file, what] : includes())
    for (const char* folder : {"tensor", "device", "autograd", "ops", "nn", "models", "optimizers"})
      if (file.starts_with(std::string("worker/") + folder + "/")) {
        EXPECT_FALSE(what.starts_with("zmq") || what == "mpi.h" || what.starts_with("rocksdb/") ||
                     what.starts_with("yaml-cpp/") || what.starts_with("common/wire/") ||
                     what.starts_with("worker/client/") || what.starts_with("worker/data/") ||
                     what.starts_with("worker/trainer/"))
            << file << " includes " << what;
      }
}

}  // namespace
}  // namespace cairn
