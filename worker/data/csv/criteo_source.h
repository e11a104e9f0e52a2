// Records from files in the layout of the Criteo click logs: tab-separated, without a header, and
// with the columns that common/config/job_file.h names.
#pragma once

#include "worker/data/source.h"

namespace cairn::data {

Result<std::unique_ptr<Source>> open_criteo(const SourceRequest& request);

}  // namespace cairn::data
