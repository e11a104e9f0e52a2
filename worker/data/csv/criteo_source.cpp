#include "worker/data/csv/criteo_source.h"

#include "common/config/job_file.h"
#include "worker/data/csv/csv_source.h"

namespace cairn::data {

Result<std::unique_ptr<Source>> open_criteo(const SourceRequest& request) {
  return CsvSource::open(
      request, {.separator = '\t', .quotes = false, .header = false, .names = criteo_columns()});
}

}  // namespace cairn::data
