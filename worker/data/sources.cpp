// The sources of records by data.format. A new one is a line here; what else it takes stands in
// worker/data/source.h.
#include "common/check.h"
#include "worker/data/csv/criteo_source.h"
#include "worker/data/csv/csv_source.h"
#include "worker/data/source.h"

namespace cairn::data {
namespace {

struct Entry {
  DataFormat format;
  Result<std::unique_ptr<Source>> (*open)(const SourceRequest&);
};
constexpr Entry kSources[] = {
    {DataFormat::kCsv, open_csv},
    {DataFormat::kTsv, open_tsv},
    {DataFormat::kCriteo, open_criteo},
};

}  // namespace

Result<std::unique_ptr<Source>> open_source(const SourceRequest& request) {
  if (request.paths.empty()) return Error{ErrorCode::kInvalidArgument, "no input files are named"};
  for (const Entry& entry : kSources)
    if (entry.format == request.data.format) return entry.open(request);
  check(false, "every format of data_config.h has a source");
  return Error{ErrorCode::kInvalidArgument, "unknown data.format"};
}

}  // namespace cairn::data
