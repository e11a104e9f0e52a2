// Random records for tests of the log.
#pragma once

#include <memory>

#include "common/random.h"
#include "ps/log/push_log.h"

namespace cairn::ps {

// A push of two tables, up to `keys_max` keys each; some are empty.
std::shared_ptr<const Message> random_push(RandomStream& random, uint64_t sequence,
                                           uint32_t keys_max = 200);

LogRecord push_record(Lsn lsn, std::shared_ptr<const Message> push);
LogRecord replay_start_record(Lsn lsn, Lsn replay_after, RandomStream& random);
LogRecord delete_record(Lsn lsn, RandomStream& random);

// Whether two records are the same, byte for byte.
bool same_record(const LogRecord& a, const LogRecord& b);

}  // namespace cairn::ps
