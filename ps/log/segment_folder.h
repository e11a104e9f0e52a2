// The files of a push log's folder (ps/log/log_format.h). It gives out the next segment to write,
// takes back segments that a cut leaves behind, and keeps some of these as spares. The first write
// into a new file turns reserved blocks into written ones. Overwriting a spare avoids that cost.
//
// Its calls block. Thread safety: none; the log's encoder thread owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/ps_config.h"
#include "common/result.h"
#include "ps/log/log_format.h"
#include "ps/log/log_reader.h"
#include "ps/system/file_layer.h"

namespace cairn::ps {

struct SegmentFolderOptions {
  std::filesystem::path folder;
  Durability durability = Durability::kProcess;
  std::string boot_id;
  uint64_t segment_bytes = 0;  // a multiple of kLogBlockBytes
  uint64_t bytes_max = 0;      // of segments and spares together, before spares are removed
  FileLayer* files = nullptr;
};

class SegmentFolder {
 public:
  // Creates the folder if it is missing. Under `durability: process`, notes in the folder the
  // kernel boot within which the log counts. Errors of all calls here: kUnavailable. After an error
  // the object is of no more use.
  static Result<std::unique_ptr<SegmentFolder>> open(const SegmentFolderOptions& options,
                                                     const std::optional<LogEnd>& after);

  struct Opened {
    std::shared_ptr<StorageFile> file;  // shared with the chunks on their way into it
    uint64_t bytes = 0;
  };
  // The next segment, of at least `bytes`. The segment before ends at `previous_last`. The content
  // may be anything until the header is written. The name is as durable as the log promises.
  Result<Opened> next(uint64_t bytes, Lsn previous_last);

  // Makes the names in it durable.
  Status sync() { return options_.files->sync_folder(options_.folder); }

  // Retires the segments that hold no record above `replay_after`.
  Status retire_up_to(Lsn replay_after);

  // Opens files buffered from here on, as the system refused direct I/O.
  void give_up_direct() { direct_ = false; }

 private:
  struct Segment {
    uint32_t number = 0;
    Lsn last_lsn = 0;
    uint64_t bytes = 0;  // 0: of a former run, not known
  };

  SegmentFolder(SegmentFolderOptions options, const std::optional<LogEnd>& after);
  Status declare_boot();
  Status sync_old();
  Status clear_others(const LogEnd& after);
  Status adopt_spares();
  Status sync_if_promised();
  FileLayer::Access access() const;
  Result<std::unique_ptr<StorageFile>> create(uint32_t number, uint64_t bytes);
  Result<std::unique_ptr<StorageFile>> reuse_spare(uint32_t number);

  const SegmentFolderOptions options_;
  bool direct_ = true;
  std::deque<Segment> old_;        // ascending, before the one written to
  std::optional<Segment> newest_;  // that is written to
  uint32_t next_number_ = 0;
  std::vector<uint32_t> spares_;  // all of segment_bytes
};

}  // namespace cairn::ps
