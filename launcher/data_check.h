// Finds what is wrong with a run's data files before a process is started.
#pragma once

#include "common/result.h"
#include "launcher/job_start.h"

namespace cairn::launcher {

// Every file that the run reads is there, a regular file and not empty, and has the columns that
// the job names. Where one is compressed, and so decoded only later, columns are not looked at.
// Errors: kBadData, naming the file; kInvalidArgument where there is nothing to read.
Status check_data(const JobRequest& request, const JobConfig& job);

// The columns of those files of the job that are there. Errors: kBadData.
Status check_columns_of_present_files(const JobConfig& job);

}  // namespace cairn::launcher
