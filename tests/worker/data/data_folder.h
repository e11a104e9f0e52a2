// Input files of a test, removed with it.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/common/temporary_folder.h"

namespace cairn::data {

// A TemporaryFolder with files that a test writes into it.
class DataFolder {
 public:
  std::string operator/(std::string_view name) const { return folder_.path() / name; }

  // Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const {
    const std::string path = *this / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  TemporaryFolder folder_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace cairn::data
