// Records from lines of CSV or TSV: every cell is a text. Files may have their columns in any order
// and others besides.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/data/source.h"
#include "worker/data/text/text_input.h"

namespace cairn::data {

// How the lines of a format are cut.
struct CsvRules {
  char separator;
  bool quotes;                     // RFC 4180; else a quote is a character like any other
  bool header;                     // the first line of every file names its columns
  std::vector<std::string> names;  // where there is no header
};

class CsvSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(const SourceRequest& request, const CsvRules& rules);

  uint32_t blocks() const override { return static_cast<uint32_t>(input_.blocks().size()); }
  std::unique_ptr<RecordStream> read(OwnBlocks own) const override;
  uint64_t samples_estimate() const override { return input_.lines_estimate(); }
  std::vector<uint64_t> order_words() const override { return input_.order_words(); }
  std::string name() const override { return input_.name(); }
  std::string place_of(uint64_t sample_id) const override { return input_.place_of(sample_id); }

 private:
  friend class CsvStream;
  // Fields of the lines of one file.
  struct FileColumns {
    std::vector<uint32_t> places;  // of each wanted column
    uint32_t fields = 0;           // in a line
  };

  explicit CsvSource(const CsvRules& rules) : rules_(rules) {}
  Status find_columns(TextFile& file, std::span<const std::string> wanted);

  CsvRules rules_;
  TextInput input_;
  std::vector<FileColumns> columns_;  // one per file
};

// The open functions of the formats.
Result<std::unique_ptr<Source>> open_csv(const SourceRequest& request);
Result<std::unique_ptr<Source>> open_tsv(const SourceRequest& request);

}  // namespace cairn::data
