// Every input comes in as records: what a CSV file gives, a request of the same values gives too,
// whether its cells are texts or typed.
#include "worker/features/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"
#include "worker/features/sample_parser.h"

namespace cairn::features {
namespace {

using testing::HasSubstr;

// The values of `text_of_file`, as a client of a server would hold them.
struct Request {
  int64_t user;
  std::string item;
  double price;
  bool has_price;
  std::vector<std::string_view> tags;
  std::vector<int64_t> seen;
  int64_t second;
  uint64_t session;
  double rating;
};

const std::vector<Request> kRequests = {
    {42, "shoe", 19.5, true, {"a", "b", "a"}, {5, -7}, 1'700'000'000, 3, 4},
    {-1, "", 0, false, {}, {}, 1'704'067'200, UINT64_MAX, 2.5},
    {9'007'199'254'740'993, "?", 1'000'000, true, {"?"}, {0}, 0, 1ull << 63, 5},
};
constexpr const char* kFile =
    "rating,session,second,seen,tags,price,item,user\n"
    "4,3,1700000000,5|-7,a|b|a,19.5,shoe,42\n"
    "2.5,18446744073709551615,1704067200,,,,,-1\n"
    "5,9223372036854775808,0,0,?,1000000,?,9007199254740993\n";

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    FeatureConfig tags = data::feature("tags", {Transform::kHash}), seen = data::feature("seen");
    seen.transforms = {Transform::kInteger};
    tags.separator = seen.separator = "|";
    FeatureConfig price_id = data::feature("price_id", {Transform::kHash});
    price_id.columns = {"price"};
    FeatureConfig user_id = data::feature("user_id", {Transform::kInteger});
    user_id.columns = {"user"};
    FeatureConfig cross = data::feature("cross", {Transform::kCross});
    cross.columns = {"user", "item"};
    FeatureConfig group = data::feature("group", {Transform::kLog1p, Transform::kBucketize});
    group.columns = {"price"};
    group.boundaries = {1, 2, 3};
    job_ = data::csv_job(
        {folder_.write("a.csv", kFile)},
        {data::feature("user", {Transform::kHash}), user_id,
         data::feature("item", {Transform::kHash}),
         data::feature("price", {Transform::kLog1p, Transform::kStandardize}), price_id, group,
         tags, seen, data::feature("second", {Transform::kHourOfDay}),
         data::feature("session", {Transform::kHash}), cross});
    job_.data.missing = "?";
    job_.model.tasks[0].column = "rating";
    job_.model.tasks[0].loss = Loss::kMse;
    moments_.add(1.0);
    moments_.add(3.5);
  }

  // Keys of each id feature and sample, and all numbers and labels, of what a dataset read.
  struct Values {
    std::vector<std::vector<Key>> keys;
    std::vector<float> dense, labels;
    bool operator==(const Values&) const = default;
  };
  Values of_file() {
    const Batch batch = data::read_all(job_, {{{"price", moments_}}});
    Values values{{}, batch.dense, batch.labels};
    for (uint32_t s = 0; s < batch.samples; ++s)
      for (size_t bag = 0; bag < batch.bags.size(); ++bag)
        values.keys.push_back(data::keys_of(batch, bag, bag, s));
    return values;
  }
  // Parses the requests; `make` gives the cell of a request's column.
  template <typename Make>
  Values of_requests(Make&& make) {
    const Result<Plan> plan = Plan::make(job_, /*labels=*/true);
    EXPECT_TRUE(plan.ok());
    SampleParser parser(plan.value(), std::span(&moments_, 1));
    SampleSet samples;
    samples.clear(plan.value().ids.size());
    std::vector<Cell> cells(plan.value().columns.size());
    std::vector<uint32_t> places(cells.size());
    for (uint32_t i = 0; i < places.size(); ++i) places[i] = i;
    Values values;
    for (const Request& request : kRequests) {
      for (size_t i = 0; i < cells.size(); ++i) cells[i] = make(request, plan.value().columns[i]);
      EXPECT_TRUE(parser.parse({cells, places}, samples)) << parser.reason();
      for (const SampleSet::Bag& bag : samples.bags)
        values.keys.emplace_back(bag.keys.begin() + bag.offsets[samples.samples - 1],
                                 bag.keys.end());
    }
    values.dense = samples.dense;
    values.labels = samples.labels;
    return values;
  }

  data::DataFolder folder_;
  JobConfig job_;
  Moments moments_;
};

TEST_F(RecordTest, TypedCellsOfARequestGiveTheKeysAndNumbersOfTheCsvFile) {
  const Values values = of_requests([](const Request& r, std::string_view column) {
    if (column == "user") return Cell::integer(r.user);
    if (column == "item") return Cell::text(r.item);
    if (column == "price") return r.has_price ? Cell::number(r.price) : Cell();
    if (column == "tags") return Cell::texts(r.tags);
    if (column == "seen") return Cell::integers(r.seen);
    if (column == "second") return Cell::integer(r.second);
    if (column == "session") return Cell::id(r.session);
    return Cell::number(r.rating);
  });
  const Values expected = of_file();
  EXPECT_EQ(expected.labels, (std::vector<float>{4, 2.5, 5}));
  EXPECT_EQ(values.keys, expected.keys);
  EXPECT_EQ(values.dense, expected.dense);
  EXPECT_EQ(values.labels, expected.labels);
}

TEST_F(RecordTest, TextCellsOfARequestGiveTheKeysAndNumbersOfTheCsvFile) {
  const std::vector<std::vector<std::string>> lines = {
      {"4", "3", "1700000000", "5|-7", "a|b|a", "19.5", "shoe", "42"},
      {"2.5", "18446744073709551615", "1704067200", "", "", "", "", "-1"},
      {"5", "9223372036854775808", "0", "0", "?", "1000000", "?", "9007199254740993"}};
  const std::vector<std::string> names = {"rating", "session", "second", "seen",
                                          "tags",   "price",   "item",   "user"};
  const Values values = of_requests([&](const Request& request, const std::string& column) {
    const auto at = std::find(names.begin(), names.end(), column) - names.begin();
    return Cell::text(
        lines[static_cast<size_t>(&request - kRequests.data())][static_cast<size_t>(at)]);
  });
  EXPECT_TRUE(values == of_file());
}

TEST(Cells, ListsGiveTheirElementsAsCellsOfTheirKind) {
  const uint64_t ids[] = {1, UINT64_MAX};
  const double numbers[] = {0.5};
  const std::string_view texts[] = {"a", ""};
  EXPECT_EQ(Cell::ids(ids).element(1).id(), UINT64_MAX);
  EXPECT_EQ(Cell::numbers(numbers).element(0).number(), 0.5);
  EXPECT_EQ(Cell::texts(texts).element(1).text(), "");
  EXPECT_EQ(Cell::texts(texts).size(), 2u);
  EXPECT_FALSE(Cell::bytes("a").is_list());
}

TEST(CellsDeathTest, ReadingACellAsAnotherKindIsABug) {
  EXPECT_DEATH(Cell::integer(1).text(), "a cell of text");
  EXPECT_DEATH(Cell::text("1").number(), "a cell of a number");
  const double numbers[] = {0.5};
  EXPECT_DEATH(Cell::numbers(numbers).element(1), "an element of the list");
}

}  // namespace
}  // namespace cairn::features
