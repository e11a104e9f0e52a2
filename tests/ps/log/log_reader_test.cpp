// Where a log ends: torn tail or damage. Segments are made by hand, so that every case can be told
// apart.
#include "ps/log/log_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "ps/log/file_push_log.h"
#include "tests/ps/log/pushes.h"
#include "tests/ps/system/faulty_files.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

constexpr uint64_t kBlock = kLogBlockBytes;

class LogReaderTest : public testing::Test {
 protected:
  static std::filesystem::path path_of(uint32_t number) { return segment_path("log", number); }

  // A segment of `blocks` blocks, all zeros but its header.
  void segment(uint32_t number, uint64_t generation, Lsn first_lsn, Lsn previous_last,
               uint64_t blocks = 12) {
    if (!files_.create(path_of(number), blocks * kBlock, FileLayer::Access::kWrite).ok())
      FAIL() << "segment " << number << " is there already";
    header(number, generation, first_lsn, previous_last);
  }
  void header(uint32_t number, uint64_t generation, Lsn first_lsn, Lsn previous_last) {
    SegmentHeader header;
    header.generation = generation;
    header.first_lsn = first_lsn;
    header.previous_last = previous_last;
    header.checksum = checksum_of(header);
    std::memcpy(files_.content(path_of(number)).data(), &header, sizeof header);
  }
  // A record of one block, the block-th of its segment.
  void put(uint32_t number, uint64_t block, uint64_t generation, LogRecord record, Lsn acked) {
    const EncodedPayload payload = encode_payload(record);
    RecordHeader header;
    header.kind = record.kind;
    header.generation = generation;
    header.lsn = record.lsn;
    header.acked = acked;
    header.payload_bytes = payload.bytes;
    header.checksum = checksum_of(header, payload.pieces);
    char* to = files_.content(path_of(number)).data() + block * kBlock;
    std::memcpy(to, &header, sizeof header);
    to += sizeof header;
    for (const Bytes piece : payload.pieces) {
      if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
      to += piece.size();
    }
  }
  void push(uint32_t number, uint64_t block, uint64_t generation, Lsn lsn, Lsn acked) {
    put(number, block, generation, push_record(lsn, random_push(random_, lsn, 10)), acked);
  }
  void replay_start(uint32_t number, uint64_t block, uint64_t generation, Lsn lsn,
                    Lsn replay_after) {
    put(number, block, generation, replay_start_record(lsn, replay_after, random_), lsn - 1);
  }
  // A log of one segment: a replay start of lsn 1, then pushes up to `last`, each written when the
  // one before it was acknowledged.
  void healthy(Lsn last) {
    segment(0, 1, 1, 0);
    replay_start(0, 1, 1, 1, 0);
    for (Lsn lsn = 2; lsn <= last; ++lsn) push(0, lsn, 1, lsn, lsn - 1);
  }
  void flip(uint32_t number, uint64_t offset) { files_.content(path_of(number))[offset] ^= 0x10; }

  Result<std::unique_ptr<LogReader>> open(Recovery recovery = Recovery::kStrict) {
    return LogReader::open("log", {.recovery = recovery, .boot_id = "now", .files = &files_});
  }
  // The lsns that a reader gives; the test fails if it refuses.
  std::vector<Lsn> lsns(Recovery recovery = Recovery::kStrict) {
    const auto reader = open(recovery);
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    std::vector<Lsn> lsns;
    if (!reader.ok()) return lsns;
    const Status read = reader.value()->for_each([&](const LogRecord& record) -> Status {
      lsns.push_back(record.lsn);
      return Ok{};
    });
    EXPECT_TRUE(read.ok());
    EXPECT_EQ(reader.value()->last_lsn(), lsns.empty() ? 0 : lsns.back());
    return lsns;
  }
  void expect_damage(uint32_t number, uint64_t offset) {
    const auto reader = open();
    ASSERT_FALSE(reader.ok());
    EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
    const std::string where = path_of(number).string() + " at byte " + std::to_string(offset);
    EXPECT_NE(reader.error().message.find(where), std::string::npos) << reader.error().message;
  }

  FaultyFiles files_{test_seed()};
  RandomStream random_{test_seed(), 11};
};

TEST_F(LogReaderTest, AMissingOrEmptyFolderIsALogWithoutRecords) {
  const auto reader = open();
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE(reader.value()->replay_start().has_value());
  EXPECT_EQ(reader.value()->highest_lsn(), 0u);
}

TEST_F(LogReaderTest, ARecordThatNothingBehindItKnewToBeAcknowledgedIsATornTail) {
  healthy(5);
  flip(0, 5 * kBlock + 60);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4}));
}

TEST_F(LogReaderTest, ARecordThatWasAcknowledgedWhenALaterOneWasWrittenIsDamage) {
  healthy(5);
  flip(0, 4 * kBlock + 60);
  expect_damage(0, 4 * kBlock);
}

TEST_F(LogReaderTest, TheLaterHalfOfAnUnsyncedGroupIsCutSilently) {
  healthy(5);
  for (Lsn lsn = 6; lsn <= 9; ++lsn) push(0, lsn, 1, lsn, 5);  // a group
  flip(0, 6 * kBlock + 60);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4, 5}));
}

TEST_F(LogReaderTest, AValidOldRecordBehindTheTailOfARecycledSegmentIsNothing) {
  healthy(5);
  // The next segment was in use before: its old records are whole, one of them acknowledged later
  // than it was written.
  segment(1, 1, 6, 5);
  push(1, 1, 1, 6, 5);
  for (Lsn old = 3; old <= 5; ++old) push(1, old, 1, old, old - 1);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4, 5, 6}));
}

TEST_F(LogReaderTest, ARecycledSegmentWithItsFormerHeaderIsNotPartOfTheLog) {
  healthy(5);
  segment(1, 1, 2, 1);
  for (Lsn old = 2; old <= 4; ++old) push(1, old, 1, old, old - 1);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4, 5}));
}

TEST_F(LogReaderTest, ARecordOfAnOlderGenerationIsNotTheNextRecord) {
  healthy(5);
  segment(1, 2, 6, 5);
  push(1, 1, 1, 6, 5);  // what was in the file before
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4, 5}));
}

TEST_F(LogReaderTest, ARecordOfAnOlderGenerationBehindTheEndIsNoDamage) {
  healthy(3);
  segment(1, 2, 4, 3);
  push(1, 1, 2, 4, 3);
  push(1, 6, 1, 9, 8);  // of a life whose lsns went further, and were cut
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4}));
}

TEST_F(LogReaderTest, ASecondCrashAfterACutTailLeavesAHealthyLog) {
  healthy(5);
  for (Lsn lsn = 6; lsn <= 9; ++lsn) push(0, lsn, 1, lsn, 5);
  flip(0, 7 * kBlock + 60);  // 7 never came; 8 and 9 are still there
  EXPECT_EQ(lsns().back(), 6u);
  segment(1, 2, 7, 6);
  for (Lsn lsn = 7; lsn <= 10; ++lsn) push(1, lsn - 6, 2, lsn, lsn - 1);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  // And a third, at whose first record the process died.
  const auto reader = open();
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader.value()->end().next_generation, 3u);
  segment(2, 3, 11, 10);
  EXPECT_EQ(lsns().back(), 10u);
}

TEST_F(LogReaderTest, ALogGoesOnAtTheLsnItsHeaderNamesThoughTheClockWasRaised) {
  healthy(3);
  segment(1, 2, 1000, 3);
  push(1, 1, 2, 1000, 999);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1, 2, 3, 1000}));
}

TEST_F(LogReaderTest, AnEndThatTheNextHeaderDeniesIsDamage) {
  healthy(5);
  segment(1, 1, 6, 5);
  push(1, 1, 1, 6, 5);
  flip(0, 5 * kBlock + 60);
  expect_damage(0, 5 * kBlock);
}

TEST_F(LogReaderTest, ADamagedHeaderOfASegmentWithAcknowledgedRecordsIsDamage) {
  healthy(5);
  segment(1, 1, 6, 5);
  for (Lsn lsn = 6; lsn <= 8; ++lsn) push(1, lsn - 5, 1, lsn, lsn - 1);
  flip(1, 17);
  expect_damage(0, 6 * kBlock);
}

TEST_F(LogReaderTest, ADamagedFirstHeaderIsDamage) {
  healthy(5);
  flip(0, 17);
  expect_damage(0, 0);
}

TEST_F(LogReaderTest, AMissingSegmentIsDamage) {
  healthy(5);
  segment(1, 1, 6, 5);
  push(1, 1, 1, 6, 5);
  segment(2, 1, 7, 6);
  for (Lsn lsn = 7; lsn <= 9; ++lsn) push(2, lsn - 6, 1, lsn, lsn - 1);
  ASSERT_TRUE(files_.remove(path_of(1)).ok());
  expect_damage(0, 6 * kBlock);
}

TEST_F(LogReaderTest, AGapThatACutLeftBelowTheBaseIsNoDamage) {
  healthy(5);
  segment(1, 1, 6, 5);
  push(1, 1, 1, 6, 5);
  segment(2, 1, 7, 6);
  push(2, 1, 1, 7, 6);
  replay_start(2, 2, 1, 8, 6);
  ASSERT_TRUE(files_.remove(path_of(1)).ok());
  EXPECT_EQ(lsns(), (std::vector<Lsn>{7, 8}));
}

TEST_F(LogReaderTest, AHeaderOfAnOlderGenerationDoesNotGoOnWithTheLog) {
  healthy(5);
  segment(1, 2, 6, 5);
  push(1, 1, 2, 6, 5);
  segment(2, 1, 7, 6);  // in use again, its header not yet written
  push(2, 1, 1, 7, 5);
  EXPECT_EQ(lsns().back(), 6u);
}

TEST_F(LogReaderTest, AStartThatTheBaseNeedsAndIsGoneIsDamage) {
  healthy(5);
  segment(1, 1, 6, 5);
  push(1, 1, 1, 6, 5);
  replay_start(1, 2, 1, 7, 3);  // 4 and 5 are wanted
  EXPECT_EQ(lsns(), (std::vector<Lsn>{4, 5, 6, 7}));
  ASSERT_TRUE(files_.remove(path_of(0)).ok());
  const auto reader = open();
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
}

TEST_F(LogReaderTest, ALogWithoutABaseIsRefused) {
  segment(0, 1, 1, 0);
  push(0, 1, 1, 1, 0);
  const auto reader = open();
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
}

TEST_F(LogReaderTest, AMalformedRecordUnderAValidChecksumIsDamage) {
  healthy(3);
  LogRecord record = replay_start_record(4, 3, random_);
  record.kind = static_cast<RecordKind>(77);
  put(0, 4, 1, record, 3);
  expect_damage(0, 4 * kBlock);
}

TEST_F(LogReaderTest, ReportOpensTheIntactPartAndListsWhatIsLost) {
  healthy(8);
  flip(0, 4 * kBlock + 60);
  ASSERT_FALSE(open().ok());
  EXPECT_EQ(lsns(Recovery::kReport), (std::vector<Lsn>{1, 2, 3}));
  const auto reader = open(Recovery::kReport);
  ASSERT_EQ(reader.value()->lost().size(), 1u);
  const LostPart& lost = reader.value()->lost().front();
  EXPECT_EQ(lost.file, path_of(0));
  EXPECT_EQ(lost.offset, 4 * kBlock);
  EXPECT_EQ(lost.first_lsn, 4u);
  EXPECT_EQ(lost.last_lsn, 8u);  // not known to be acknowledged, but the store may have its rows
  EXPECT_EQ(reader.value()->highest_lsn(), 8u);
}

TEST_F(LogReaderTest, WhatIsLostIsCountedAsFarAsItIsWhole) {
  segment(0, 1, 1, 0);
  replay_start(0, 1, 1, 1, 0);
  uint64_t gradients = 0;
  std::set<uint32_t> tables;
  for (Lsn lsn = 2; lsn <= 6; ++lsn) {
    const auto push = random_push(random_, lsn, 10);
    put(0, lsn, 1, push_record(lsn, push), lsn - 1);
    if (lsn <= 3) continue;  // the third is damaged
    gradients += push->key_count();
    for (const TableEntry& entry : push->directory)
      if (entry.count > 0) tables.insert(entry.table);
  }
  flip(0, 3 * kBlock + 60);
  const auto reader = open(Recovery::kReport);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  ASSERT_EQ(reader.value()->lost().size(), 1u);
  const LostRecords& whole = reader.value()->lost().front().whole;
  EXPECT_EQ(whole.gradients, gradients);
  EXPECT_EQ(whole.tables, tables);
  EXPECT_GT(whole.bytes, 0u);
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("`ps.recovery: report` the shard would start"),
            std::string::npos);
  EXPECT_NE(refused.error().message.find(std::to_string(gradients) + " row gradients"),
            std::string::npos)
      << refused.error().message;
}

TEST_F(LogReaderTest, ReportLosesNothingOfAHealthyLog) {
  healthy(8);
  const auto reader = open(Recovery::kReport);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader.value()->lost().empty());
}

TEST_F(LogReaderTest, TheNewestBaseCountsAndWhatItsSequencesAre) {
  healthy(5);
  LogRecord record = replay_start_record(6, 4, random_);
  record.sequences = {{11, 12}, {21, 22}};
  put(0, 6, 1, record, 5);
  push(0, 7, 1, 7, 6);
  EXPECT_EQ(lsns(), (std::vector<Lsn>{5, 6, 7}));
  const auto reader = open();
  ASSERT_TRUE(reader.value()->replay_start().has_value());
  EXPECT_EQ(reader.value()->replay_start()->replay_after, 4u);
  EXPECT_EQ(reader.value()->replay_start()->sequences, record.sequences);
}

TEST_F(LogReaderTest, RecordsMayBeReadTwiceAndKeptBeyondTheReader) {
  healthy(6);
  std::vector<LogRecord> first, second;
  {
    const auto reader = open();
    for (std::vector<LogRecord>* into : {&first, &second})
      ASSERT_TRUE(reader.value()
                      ->for_each([&](const LogRecord& record) -> Status {
                        into->push_back(record);
                        return Ok{};
                      })
                      .ok());
  }
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(same_record(first[i], second[i])) << i;
}

TEST_F(LogReaderTest, EveryFlippedBitOfASmallLogIsATornTailOrDamageNeverAnotherRecord) {
  healthy(4);
  std::vector<LogRecord> whole;
  const auto read_into = [&](std::vector<LogRecord>& records) -> Status {
    const auto reader = open();
    if (!reader.ok()) return reader.error();
    return reader.value()->for_each([&](const LogRecord& record) -> Status {
      records.push_back(record);
      return Ok{};
    });
  };
  ASSERT_TRUE(read_into(whole).ok());
  for (uint64_t byte = 0; byte < 5 * kBlock; ++byte) {
    flip(0, byte);
    std::vector<LogRecord> found;
    const Status read = read_into(found);
    if (read.ok()) {
      ASSERT_GE(found.size(), 3u) << "byte " << byte;  // only the last may look torn
      for (size_t i = 0; i < found.size(); ++i) ASSERT_TRUE(same_record(found[i], whole[i]));
    }
    flip(0, byte);
  }
}

TEST_F(LogReaderTest, UnderProcessALogCountsOnlyInTheKernelBootThatWroteIt) {
  FilePushLogOptions options{.folder = "log", .boot_id = "before", .files = &files_};
  auto log = FilePushLog::open(options, [](const Result<Lsn>&) {});
  ASSERT_TRUE(log.ok());
  log.value()->append(replay_start_record(1, 0, random_));
  log.value().reset();
  const auto reader = open();
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kOutdated);
  EXPECT_NE(reader.error().message.find("checkpoint"), std::string::npos);
  ASSERT_TRUE(LogReader::open("log", {.boot_id = "before", .files = &files_}).ok());
}

TEST_F(LogReaderTest, UnderMachineALogCountsInAnyKernelBoot) {
  FilePushLogOptions options{
      .folder = "log", .durability = Durability::kMachine, .boot_id = "before", .files = &files_};
  auto log = FilePushLog::open(options, [](const Result<Lsn>&) {});
  ASSERT_TRUE(log.ok());
  log.value()->append(replay_start_record(1, 0, random_));
  log.value().reset();
  EXPECT_EQ(lsns(), (std::vector<Lsn>{1}));
}

}  // namespace
}  // namespace cairn::ps
