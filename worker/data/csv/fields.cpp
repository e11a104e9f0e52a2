#include "worker/data/csv/fields.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace cairn::data {
namespace {

constexpr size_t kStride = 64;

// Bit i: byte i of the 64 is a separator, a quote, a zero byte.
struct Found {
  uint64_t separators = 0, quotes = 0, zeros = 0;
};

#ifdef __SSE2__
Found find_in_64(const char* text, char separator) {
  const __m128i wanted = _mm_set1_epi8(separator), quote = _mm_set1_epi8('"'),
                zero = _mm_setzero_si128();
  Found found;
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * part));
    const auto mask = [&](__m128i what) {
      return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, what)))}
             << (16 * part);
    };
    found.separators |= mask(wanted);
    found.quotes |= mask(quote);
    found.zeros |= mask(zero);
  }
  return found;
}
#else
Found find_in_64(const char* text, char separator) {
  Found found;
  for (size_t i = 0; i < kStride; ++i) {
    found.separators |= uint64_t{text[i] == separator} << i;
    found.quotes |= uint64_t{text[i] == '"'} << i;
    found.zeros |= uint64_t{text[i] == '\0'} << i;
  }
  return found;
}
#endif

// The same of the last bytes, without reading past them: a file may end where its mapping does.
Found find_in_rest(const char* text, size_t size, char separator) {
  char padded[kStride];
  std::memset(padded, ' ', sizeof(padded));
  std::memcpy(padded, text, size);
  Found found = find_in_64(padded, separator);
  found.separators &= (uint64_t{1} << size) - 1;  // the separator may be a space
  return found;
}

}  // namespace

bool FieldSplitter::split(std::string_view line) {
  fields_.clear();
  size_t begin = 0;
  for (size_t at = 0; at < line.size(); at += kStride) {
    const size_t rest = line.size() - at;
    const Found found = rest >= kStride ? find_in_64(line.data() + at, separator_)
                                        : find_in_rest(line.data() + at, rest, separator_);
    if (found.zeros != 0) return fail("holds a zero byte, so it is not text");
    if (found.quotes != 0 && quotes_) return split_quoted(line);
    for (uint64_t left = found.separators; left != 0; left &= left - 1) {
      const size_t end = at + static_cast<size_t>(std::countr_zero(left));
      fields_.push_back(features::Cell::text({line.data() + begin, end - begin}));
      begin = end + 1;
    }
  }
  fields_.push_back(features::Cell::text({line.data() + begin, line.size() - begin}));
  return true;
}

bool FieldSplitter::split_quoted(std::string_view line) {
  fields_.clear();
  unquoted_.clear();
  unquoted_.reserve(line.size());  // never grows below, so views into it stay
  if (std::memchr(line.data(), '\0', line.size()) != nullptr)
    return fail("holds a zero byte, so it is not text");
  for (size_t at = 0;;) {
    if (at == line.size() || line[at] != '"') {
      const size_t end = std::min(line.find(separator_, at), line.size());
      const std::string_view field = line.substr(at, end - at);
      if (field.find('"') != std::string_view::npos)
        return fail("has a quote inside a field that is not quoted");
      fields_.push_back(features::Cell::text(field));
      at = end;
    } else {
      const size_t start = unquoted_.size();
      for (++at;; ++at) {
        const size_t quote = line.find('"', at);
        if (quote == std::string_view::npos) return fail("has a quoted field without its end");
        unquoted_.append(line, at, quote - at);
        at = quote + 1;
        if (at == line.size() || line[at] != '"') break;
        unquoted_.push_back('"');
      }
      if (at < line.size() && line[at] != separator_) return fail("has text after a closing quote");
      fields_.push_back(features::Cell::text({unquoted_.data() + start, unquoted_.size() - start}));
    }
    if (at == line.size()) return true;
    ++at;
  }
}

}  // namespace cairn::data
