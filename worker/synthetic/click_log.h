// The two layouts of a generated click log: what columns there are, how a sample is drawn, and
// which effects and crosses are planted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "worker/synthetic/planted_model.h"

namespace cairn::synthetic {

enum class LogLayout : uint8_t {
  // label, I1..I13, C1..C26, tab-separated, no header; label = click.
  kCriteo,
  // CSV with a header: timestamp, device, country, user, item, category, tags (a|b|c), price, age,
  // click, conversion.
  kNamed,
};

// Thread safety: const.
class ClickLog {
 public:
  virtual ~ClickLog() = default;

  virtual std::string header() const = 0;  // a line with its end, or empty
  // Appends the factors and the text of one sample, the text without labels and without line end.
  virtual void draw(RandomStream& random, std::vector<Factor>& factors,
                    std::string& text) const = 0;
  // `text` of a sample with its labels, as a line with its end.
  virtual std::string line(const std::string& text, bool click, bool conversion) const = 0;

  virtual std::vector<Term> click_terms() const = 0;
  virtual std::vector<Term> conversion_terms() const = 0;  // of conversion given click
};

// `cardinality`: of the largest id columns; the others are fixed or fractions of it.
std::unique_ptr<ClickLog> make_click_log(LogLayout layout, uint64_t cardinality, double exponent);

}  // namespace cairn::synthetic
