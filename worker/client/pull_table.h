// The pulls of a client that are under way, each to all shards: asked for once, or speculatively
// and then, for what has changed, again. Serving reads rows by this and ShardLink alone.
//
// Why the two answers make up the one of a plain pull: the second is given when the step before is
// applied and logged, by the server run that gave the first (another one answers in full). That run
// only goes forward. A row that it has and whose last step is not above the step of the first
// answer had all its changes then, and every other row is in the second answer.
// Thread safety: none; it belongs to one client.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "worker/client/shard_link.h"
#include "worker/client/shard_split.h"

namespace cairn::client {

using PullId = uint64_t;

class PullTable {
 public:
  struct Rows {
    SlotMap slots;
    std::vector<uint32_t> table_dims;
    ValueType wire = ValueType::kFloat32;  // of weights in answers
  };

  // `links` (one per shard, in their final place) and `next_request` outlive the table.
  PullTable(Rows rows, std::span<ShardLink> links, uint64_t& next_request);

  // As PsClient::start_pull.
  Result<PullId> start(uint64_t step, std::span<const std::vector<Key>> keys, uint32_t flags,
                       std::span<const std::vector<uint64_t>> known);
  // Asks the shards that answered speculatively for what has changed since, and sees that those
  // which have not answered yet will be asked.
  Status ask_for_changes(PullId id);
  // The same of all pulls of steps up to `step`.
  Status ask_for_changes_up_to(uint64_t step);
  bool is_complete(PullId id) const { return at(id).missing == 0; }
  // Puts answers in place, as PsClient::finish_pull says: those that have come speculatively with
  // `place_early`, the others with `finish`, once the pull is complete.
  void place_early(PullId id, std::vector<std::vector<float>>& rows,
                   std::vector<std::vector<uint8_t>>* kept);
  ShardSplit finish(PullId id, std::vector<std::vector<float>>& rows,
                    std::vector<std::vector<uint8_t>>* kept);
  void abandon(PullId id) { pulls_.erase(id); }

  // A reply to a pull has come from a shard.
  Status on_rows(uint32_t shard, Message reply);
  // Another server run answers for the shard: it knows nothing of what the ones before it told.
  void on_new_server_run(uint32_t shard) { told_[shard].by_others = told_[shard].step; }
  // Sends again what the shard has not answered and may not have.
  Status resend(uint32_t shard, prometheus::Counter& resent);
  bool waits_for(uint32_t shard) const;  // whether some pull lacks this shard's answer

 private:
  struct Part {  // one shard's
    // Until it is answered; of a speculative one that was: for what has changed since.
    Message request;
    std::optional<Message> early;  // the speculative answer, if that was not all
    Message reply;
    bool answered = false;
    bool is_placed = false;  // `early`
  };
  struct Pull {
    uint64_t again_id = 0;  // of the requests for what has changed since speculative answers
    uint64_t step = 0;
    ShardSplit split;
    std::optional<ShardSplit> by_changed_since;  // how it was asked for, if that is not `split`
    std::vector<Part> parts;                     // by shard
    uint32_t missing = 0;                        // parts
    bool is_due = false;                         // those answered early are asked for again

    const ShardSplit& asked() const { return by_changed_since ? *by_changed_since : split; }
  };
  struct Told {
    uint64_t step = 0;       // the highest that a reply with rows was of
    uint64_t by_others = 0;  // the same, of the server runs before this one
  };

  Pull& at(PullId id);
  const Pull& at(PullId id) const { return const_cast<PullTable*>(this)->at(id); }
  Status ask_for_changes(Pull& pull);
  void put(const Pull& pull, uint32_t shard, const Message& reply,
           std::vector<std::vector<float>>& rows, std::vector<std::vector<uint8_t>>* kept);

  const Rows rows_;
  const std::span<ShardLink> links_;
  uint64_t& next_request_;
  std::map<PullId, Pull> pulls_;
  std::vector<Told> told_;  // by shard
};

}  // namespace cairn::client
