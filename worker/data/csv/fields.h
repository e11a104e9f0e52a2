// Cuts one line of CSV or TSV into its fields: cells of text.
//
// CSV is RFC 4180: a field may be quoted, a quote inside is doubled, and a quote anywhere else
// makes the line bad, so that the halves of a field with a line break in it cannot pass for
// samples. In TSV a quote is a character like any other. A zero byte makes a line bad: it is not
// text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/features/record.h"

namespace cairn::data {

// Thread safety: none. Reused for every line, so that it allocates only at first.
class FieldSplitter {
 public:
  FieldSplitter(char separator, bool quotes) : separator_(separator), quotes_(quotes) {}

  // `line` comes without its line end. False where it is bad; reason() then says why.
  bool split(std::string_view line);

  // Views into the line, or into this object; valid until the next split. The empty line has one
  // (empty) field.
  std::span<const features::Cell> fields() const { return fields_; }
  const char* reason() const { return reason_; }

 private:
  bool split_quoted(std::string_view line);
  bool fail(const char* reason) {
    reason_ = reason;
    return false;
  }

  char separator_;
  bool quotes_;
  std::vector<features::Cell> fields_;
  std::string unquoted_;  // fields that had doubled quotes
  const char* reason_ = "";
};

}  // namespace cairn::data
