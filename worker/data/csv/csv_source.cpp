#include "worker/data/csv/csv_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "worker/data/columns.h"
#include "worker/data/csv/fields.h"
#include "worker/data/text/line_reader.h"

namespace cairn::data {

class CsvStream final : public RecordStream {
 public:
  CsvStream(const CsvSource& source, OwnBlocks own)
      : source_(source),
        lines_(source.input_, std::move(own)),
        splitter_(source.rules_.separator, source.rules_.quotes) {}

  bool seek(features::ReaderPosition position) override { return lines_.seek(position); }
  features::ReaderPosition position() const override { return lines_.position(); }
  const std::string& reason() const override { return reason_; }

  Result<Read> next(features::Record& record) override {
    const Line* line = lines_.next();
    if (line == nullptr) return Read::kEnd;
    const TextFile& file = source_.input_.files()[line->file];
    record.sample_id = file.start + line->offset;
    if (line->bytes > kLineBytesMax)
      return bad(fmt::format("the line is longer than {} bytes", kLineBytesMax));
    if (!splitter_.split(file.data().substr(line->offset, line->bytes)))
      return bad(fmt::format("the line {}", splitter_.reason()));
    const CsvSource::FileColumns& columns = source_.columns_[line->file];
    record.cells = splitter_.fields();
    record.places = columns.places;
    if (record.cells.size() == columns.fields) [[likely]]
      return Read::kRecord;
    return bad(fmt::format("has {} fields, want {}", record.cells.size(), columns.fields));
  }

 private:
  Read bad(std::string reason) {
    reason_ = std::move(reason);
    return Read::kBad;
  }

  const CsvSource& source_;
  LineReader lines_;
  FieldSplitter splitter_;
  std::string reason_;
};

Result<std::unique_ptr<Source>> CsvSource::open(const SourceRequest& request,
                                                const CsvRules& rules) {
  std::unique_ptr<CsvSource> source(new CsvSource(rules));
  Result<TextInput> input =
      TextInput::open(request.paths, request.cache, request.readers,
                      [&](TextFile& file) { return source->find_columns(file, request.columns); });
  if (!input.ok()) return input.error();
  source->input_ = std::move(input).value();
  return std::unique_ptr<Source>(std::move(source));
}

Status CsvSource::find_columns(TextFile& file, std::span<const std::string> wanted_columns) {
  std::vector<std::string> names = rules_.names;
  if (rules_.header) {
    size_t bytes = 0;
    FieldSplitter header(rules_.separator, rules_.quotes);
    if (!header.split(first_line(file.data().substr(file.body), bytes)))
      return Error{ErrorCode::kBadData,
                   fmt::format("{}:1: the header {}", file.name, header.reason())};
    names.clear();
    for (const features::Cell& field : header.fields()) names.emplace_back(field.text());
    file.body += bytes;
  }

  FileColumns& columns = columns_.emplace_back();
  columns.fields = static_cast<uint32_t>(names.size());
  for (const std::string& wanted : wanted_columns) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      const std::string nearest = nearest_column(wanted, names);
      return Error{ErrorCode::kBadData,
                   fmt::format("{}: has no column '{}'{}", file.name, wanted,
                               nearest.empty() ? "" : fmt::format("; is '{}' meant?", nearest))};
    }
    if (std::find(found + 1, names.end(), wanted) != names.end())
      return Error{ErrorCode::kBadData, fmt::format("{}: has two columns '{}'", file.name, wanted)};
    columns.places.push_back(static_cast<uint32_t>(found - names.begin()));
  }
  return Ok{};
}

std::unique_ptr<RecordStream> CsvSource::read(OwnBlocks own) const {
  return std::make_unique<CsvStream>(*this, std::move(own));
}

Result<std::unique_ptr<Source>> open_csv(const SourceRequest& request) {
  return CsvSource::open(request, {.separator = ',',
                                   .quotes = true,
                                   .header = request.data.header,
                                   .names = request.data.columns});
}

Result<std::unique_ptr<Source>> open_tsv(const SourceRequest& request) {
  return CsvSource::open(request, {.separator = '\t',
                                   .quotes = false,
                                   .header = request.data.header,
                                   .names = request.data.columns});
}

}  // namespace cairn::data
