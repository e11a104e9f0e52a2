// The file layer of the system: plain system calls.
#pragma once

#include "ps/system/file_layer.h"

namespace cairn::ps {

FileLayer& system_files();

}  // namespace cairn::ps
