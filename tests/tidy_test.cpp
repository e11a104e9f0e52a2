// The map of the rooms, kept true: a room includes only what the table below allows, and what is
// heavy stays in few sources. A room is a folder and its CMake target (docs/overview.md).

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {
namespace {

namespace fs = std::filesystem;

// Room, and the rooms that it includes. A room stands below all that include it: the test that the
// table has no circle reads it from the top, and a room may name only rooms above its own line.
constexpr std::pair<std::string_view, std::string_view> kRooms[] = {
    {"common", ""},
    {"common/formats", "common"},
    {"common/wire", "common"},
    {"common/net", "common common/wire"},
    {"common/http", "common"},
    {"common/metrics", "common"},
    {"common/config", "common common/net"},
    {"common/checkpoint", "common common/config common/wire"},

    {"ps/system", "common"},
    {"ps/row", "common common/config"},
    {"ps/optimizers", "common common/config"},
    {"ps/policy", "common common/config common/metrics ps/system"},
    {"ps/store", "common common/checkpoint common/config ps/optimizers ps/policy ps/row ps/system"},
    {"ps/log", "common common/config common/wire ps/row ps/system"},
    {"ps/hot",
     "common common/config common/wire ps/optimizers ps/policy ps/row ps/store ps/system"},
    {"ps/step", "common common/wire ps/hot ps/log ps/row"},
    {"ps/recovery",
     "common common/config ps/hot ps/log ps/policy ps/row ps/step ps/store ps/system"},
    {"ps/shard",
     "common common/config common/metrics common/wire ps/hot ps/log ps/policy ps/recovery ps/row "
     "ps/step ps/store ps/system"},
    {"ps/server",
     "common common/config common/metrics common/net common/wire ps/log ps/recovery ps/shard "
     "ps/store ps/system"},

    {"worker/math", "common common/config common/formats"},
    {"worker/features", "common common/config"},
    {"worker/data", "common common/config worker/features"},
    {"worker/synthetic", "common common/config worker/features"},
    {"worker/client", "common common/config common/metrics common/net common/wire"},
    {"worker/collective", "common common/config worker/math"},
    {"worker/version",
     "common common/checkpoint common/config common/formats worker/features worker/math"},
    {"worker/evaluation",
     "common common/config common/metrics common/wire worker/client worker/collective worker/data "
     "worker/features worker/math worker/version"},
    {"worker/training",
     "common common/checkpoint common/config common/formats common/metrics common/net common/wire "
     "worker/client "
     "worker/collective worker/data worker/evaluation worker/features worker/math worker/version"},

    {"launcher",
     "common common/checkpoint common/config common/http common/metrics common/net common/wire "
     "ps/row ps/server ps/store worker/collective worker/data worker/features worker/synthetic "
     "worker/training"},
};

struct Include {
  std::string file;  // from the root of the project
  std::string what;  // as written between quotes or brackets
  bool ours;         // between quotes
};

std::vector<Include> includes() {
  const std::set<std::string> extensions = {".h", ".cpp", ".cu", ".cuh", ".inc", ".def"};
  std::vector<Include> found;
  for (const char* folder : {"common", "ps", "worker", "launcher"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(CAIRN_SOURCE) / folder)) {
      if (!extensions.contains(entry.path().extension())) continue;
      std::ifstream file(entry.path());
      constexpr std::string_view kInclude = "#include ";
      for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(kInclude)) continue;
        const size_t begin = kInclude.size() + 1, end = line.find_first_of(">\"", begin);
        found.push_back({fs::relative(entry.path(), CAIRN_SOURCE), line.substr(begin, end - begin),
                         line[begin - 1] == '"'});
      }
    }
  return found;
}

std::set<std::string> words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  return {std::istream_iterator<std::string>(stream), {}};
}

// The room of the longest name that `file` lies under; empty where it lies under none.
std::string room_of(std::string_view file) {
  std::string_view found;
  for (const auto& [room, may_include] : kRooms)
    if (file.starts_with(std::string(room) + "/") && room.size() > found.size()) found = room;
  return std::string(found);
}

TEST(Tidy, ARoomIncludesOnlyWhatStandsBelowIt) {
  std::map<std::string, std::set<std::string>> allowed;
  for (const auto& [room, may_include] : kRooms) allowed[std::string(room)] = words(may_include);
  size_t read = 0;
  for (const auto& [file, what, ours] : includes()) {
    if (!ours) continue;
    ++read;
    const std::string from = room_of(file), to = room_of(what);
    EXPECT_FALSE(from.empty()) << file << " stands in no room of the table";
    EXPECT_FALSE(to.empty()) << file << " includes " << what << ", which stands in no room";
    if (from == to) continue;
    EXPECT_TRUE(allowed[from].contains(to)) << file << " includes " << what;
  }
  ASSERT_GT(read, 500u);
}

TEST(Tidy, TheTableHasNoCircle) {
  std::set<std::string> above;
  for (const auto& [room, may_include] : kRooms) {
    for (const std::string& name : words(may_include))
      EXPECT_TRUE(above.contains(name))
          << room << " may include " << name << ", which is not below";
    above.insert(std::string(room));
  }
}

// One for ps/, as its rooms are parts of one thing, and one for each room of worker/. What both
// sides speak, common/, is plain `cairn`.
TEST(Tidy, ARoomsCodeStandsInItsNamespace) {
  size_t read = 0;
  for (const char* folder : {"common", "ps", "worker", "launcher"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(CAIRN_SOURCE) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
      const std::string file = fs::relative(entry.path(), CAIRN_SOURCE), room = room_of(file);
      std::string wanted = "cairn";
      if (room.starts_with("ps/")) wanted += "::ps";
      if (room.starts_with("worker/")) wanted += "::" + room.substr(room.find('/') + 1);
      if (room == "launcher") wanted += "::launcher";
      std::ifstream stream(entry.path());
      bool found = false;
      for (std::string line; std::getline(stream, line);) {
        if (!line.starts_with("namespace cairn")) continue;
        found = true;
        const std::string_view name = std::string_view(line).substr(10, line.find(" {") - 10);
        const bool is_inside = wanted == "cairn" ? name == "cairn" || name == "cairn::internal"
                                                 : name.starts_with(wanted);
        EXPECT_TRUE(is_inside) << file << ": " << line << ", want " << wanted;
      }
      read += found ? 1 : 0;
    }
  EXPECT_GT(read, 500u);
}

TEST(Tidy, KernelsAreReadToo) {
  size_t kernels = 0;
  for (const auto& [file, what, ours] : includes()) kernels += file.ends_with(".cu") ? 1 : 0;
  EXPECT_GT(kernels, 50u);
}

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// As CHANGELOG.md says it of each constant that numbers a format: "`kWireVersion` of
// `common/wire/header.h` is 2".
std::vector<std::string> format_versions() {
  const std::regex constant(R"(constexpr u?int\d+_t (k\w*(?:Version|Format)) = (\d+);)");
  std::vector<std::string> found;
  for (const char* folder : {"common", "ps", "worker", "launcher"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(CAIRN_SOURCE) / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
      const std::string text = text_of(entry.path());
      const std::string file = fs::relative(entry.path(), CAIRN_SOURCE).string();
      for (std::sregex_iterator match(text.begin(), text.end(), constant), end; match != end;
           ++match)
        found.push_back(std::string("`")
                            .append(match->str(1))
                            .append("` of `")
                            .append(file)
                            .append("` is ")
                            .append(match->str(2))
                            .append(" |"));
    }
  return found;
}

TEST(Tidy, TheChangelogNamesTheVersionOfEveryFormat) {
  const std::string changelog = text_of(fs::path(CAIRN_SOURCE) / "CHANGELOG.md");
  const std::vector<std::string> versions = format_versions();
  EXPECT_GE(versions.size(), 3u) << "wire, push log and manifest have versions";
  for (const std::string& version : versions)
    EXPECT_NE(changelog.find(version), std::string::npos) << "CHANGELOG.md lacks: " << version;
}

TEST(Tidy, LibrariesStayWhereTheyBelong) {
  for (const auto& [file, what, ours] : includes()) {
    if (what.starts_with("rocksdb/")) {
      EXPECT_TRUE(file.starts_with("ps/store/")) << file;
    }
    if (what.starts_with("yaml-cpp/")) {
      EXPECT_EQ(file, "common/config/yaml_tree.cpp");
    }
    if (what.starts_with("boost/")) {
      EXPECT_TRUE(file.starts_with("common/http/")) << file;
    }
    if (what == "nccl.h") {
      EXPECT_EQ(file, "worker/collective/nccl_api.cpp");
    }
    if (what == "mpi.h") {
      EXPECT_TRUE(file.starts_with("worker/collective/mpi_")) << file;
    }
    // Sockets are made in common/net alone; a message is a value that many hold.
    if (what.starts_with("zmq")) {
      EXPECT_FALSE(file.starts_with("worker/math/") || file.starts_with("ps/hot/")) << file;
    }
  }
}

}  // namespace
}  // namespace cairn
