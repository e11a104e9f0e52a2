#include "worker/synthetic/click_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/hash.h"
#include "worker/features/numbers.h"
#include "worker/synthetic/zipf.h"

namespace cairn::synthetic {
namespace {

// ---- the Criteo layout

constexpr uint32_t kNumbers = 13, kCategories = 26;

// Cardinalities of C1..C26; 0 and below: cardinality divided by minus that (0: by 1).
constexpr int64_t kCriteoCardinalities[kCategories] = {
    4,   8,   12,  20,   30, 50, 100, 200, 500, 1000, 0,  -2,  -5,
    -10, -20, -50, -100, 10, 25, 60,  150, 400, 2000, -3, -30, 16};

class CriteoLog final : public ClickLog {
 public:
  CriteoLog(uint64_t cardinality, double exponent) {
    for (const int64_t c : kCriteoCardinalities) {
      const uint64_t own = c > 0 ? static_cast<uint64_t>(c)
                                 : cardinality / static_cast<uint64_t>(std::max<int64_t>(1, -c));
      ids_.emplace_back(std::clamp<uint64_t>(own, 2, std::max<uint64_t>(2, cardinality)), exponent);
    }
  }

  std::string header() const override { return {}; }

  void draw(RandomStream& random, std::vector<Factor>& factors, std::string& text) const override {
    const auto out = std::back_inserter(text);
    for (uint32_t i = 0; i < kNumbers; ++i) {
      if (i > 0) text += '\t';
      const bool missing = random.next_below(100) < 3 * i;
      const double centre = 0.5 + 0.4 * i, spread = 0.6 + 0.1 * i;
      const double x = std::floor(std::exp(centre + spread * random.next_normal()));
      factors.push_back(missing ? Factor{} : Factor::of_number((std::log1p(x) - centre) / spread));
      if (!missing) fmt::format_to(out, "{:.0f}", x);
    }
    for (uint32_t c = 0; c < kCategories; ++c) {
      text += '\t';
      const uint64_t id = ids_[c](random);
      const bool missing = c % 5 == 3 && random.next_below(10) == 0;
      factors.push_back(missing ? Factor{} : Factor::of_id(id));
      // An odd factor makes a bijection of 32 bits: as many values as ids.
      if (!missing)
        fmt::format_to(out, "{:08x}", static_cast<uint32_t>(id * 0x9e3779b1u + salt(c)));
    }
  }

  std::string line(const std::string& text, bool click, bool) const override {
    return fmt::format("{}\t{}\n", click ? 1 : 0, text);
  }

  std::vector<Term> click_terms() const override {
    std::vector<Term> terms;
    for (uint32_t f = 0; f < kNumbers + kCategories; ++f)
      if (f >= kNumbers || f % 2 == 0) terms.push_back({f});
    for (const auto& [a, b] : {std::pair{1, 4}, {2, 5}, {3, 6}, {7, 18}, {5, 26}})
      terms.push_back({category(a), category(b)});
    terms.push_back({category(1), category(2), category(5)});
    terms.push_back({category(3), category(4), category(18)});
    return terms;
  }
  std::vector<Term> conversion_terms() const override { return {{category(1)}}; }  // not written

 private:
  static uint32_t category(int number) { return kNumbers + static_cast<uint32_t>(number) - 1; }
  static uint32_t salt(uint32_t column) { return static_cast<uint32_t>(hash_key(column)); }

  std::vector<ZipfSampler> ids_;
};

// ---- the named layout

constexpr uint64_t kFirstSecond = 1'704'067'200;  // Monday, 1 January 2024, UTC
constexpr uint64_t kDays = 28;
constexpr uint64_t kItemCategories = 30, kTags = 40, kTagsMax = 4;
constexpr const char* kDevices[] = {"phone", "desktop", "tablet", "tv"};
constexpr double kPriceCentre = 2.5, kPriceSpread = 0.8;

class NamedLog final : public ClickLog {
 public:
  NamedLog(uint64_t cardinality, double exponent)
      : devices_(std::size(kDevices), exponent),
        countries_(20, exponent),
        users_(std::max<uint64_t>(2, cardinality), exponent),
        items_(std::max<uint64_t>(2, cardinality / 10), exponent) {}

  std::string header() const override {
    return "timestamp,device,country,user,item,category,tags,price,age,click,conversion\n";
  }

  void draw(RandomStream& random, std::vector<Factor>& factors, std::string& text) const override {
    // The mean of two uniforms: more at noon than at night.
    const double of_day = (random.next_double() + random.next_double()) / 2;
    const uint64_t seconds =
        kFirstSecond + 86'400 * random.next_below(kDays) + static_cast<uint64_t>(86'400 * of_day);
    const uint64_t device = devices_(random), country = countries_(random);
    const uint64_t user = users_(random), item = items_(random);
    const uint64_t category = hash_key(item) % kItemCategories;
    Factor tags = tags_of(item, random);
    const double price = std::exp(kPriceCentre + kPriceSpread * random.next_normal());
    const double cents = std::round(price * 100) / 100;
    const bool no_age = random.next_below(10) == 0;
    const uint64_t age = 18 + random.next_below(30) + random.next_below(30);

    const auto out = std::back_inserter(text);
    fmt::format_to(out, "{},{},c{:02},{},{},{},", seconds, kDevices[device], country, user, item,
                   category);
    for (uint32_t i = 0; i < tags.count; ++i)
      fmt::format_to(out, "{}t{}", i == 0 ? "" : "|", tags.ids[i]);
    fmt::format_to(out, ",{:.2f},", cents);
    if (!no_age) fmt::format_to(out, "{}", age);

    const int64_t time = static_cast<int64_t>(seconds);
    factors.insert(
        factors.end(),
        {Factor::of_id(features::hour_of_day(time)), Factor::of_id(features::day_of_week(time)),
         Factor::of_id(device), Factor::of_id(country), Factor::of_id(user), Factor::of_id(item),
         Factor::of_id(category), tags,
         Factor::of_number((std::log1p(cents) - kPriceCentre) / kPriceSpread),
         // Five groups: below 25, 35, 45, 55 and above.
         no_age ? Factor{} : Factor::of_id(std::clamp<uint64_t>((age - 5) / 10, 1, 5))});
  }

  std::string line(const std::string& text, bool click, bool conversion) const override {
    return fmt::format("{},{},{}\n", text, click ? 1 : 0, conversion ? 1 : 0);
  }

  std::vector<Term> click_terms() const override {
    return {{kHour},
            {kDay},
            {kDevice},
            {kCountry},
            {kUser},
            {kItem},
            {kCategory},
            {kTagged},
            {kPrice},
            {kAge},
            {kCountry, kCategory},
            {kDevice, kCategory},
            {kDevice, kAge},
            {kDevice, kCountry, kCategory}};
  }
  std::vector<Term> conversion_terms() const override {
    return {{kDay},
            {kDevice},
            {kCountry},
            {kUser},
            {kItem},
            {kCategory},
            {kPrice},
            {kAge},
            {kCountry, kCategory},
            {kAge, kCategory},
            {kDevice, kAge, kCategory}};
  }

 private:
  enum FactorPlace : uint32_t {
    kHour,
    kDay,
    kDevice,
    kCountry,
    kUser,
    kItem,
    kCategory,
    kTagged,
    kPrice,
    kAge
  };

  // An item has tags of its own, of which a sample shows none to four.
  static Factor tags_of(uint64_t item, RandomStream& random) {
    Factor tags;
    tags.count = static_cast<uint32_t>(random.next_below(kTagsMax + 1));
    const uint64_t first = hash_key(item + 1) % kTags;
    for (uint32_t i = 0; i < tags.count; ++i) tags.ids[i] = (first + 7 * i) % kTags;
    return tags;
  }

  ZipfSampler devices_, countries_, users_, items_;
};

}  // namespace

std::unique_ptr<ClickLog> make_click_log(LogLayout layout, uint64_t cardinality, double exponent) {
  if (layout == LogLayout::kCriteo) return std::make_unique<CriteoLog>(cardinality, exponent);
  return std::make_unique<NamedLog>(cardinality, exponent);
}

}  // namespace cairn::synthetic
