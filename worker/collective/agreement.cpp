#include "worker/collective/agreement.h"

namespace cairn::collective {
namespace {

// One byte (0: ok, else 1 + the error's code), then the value or the message.
std::string pack(bool ok, ErrorCode code, const std::string& text) {
  return static_cast<char>(ok ? 0 : 1 + static_cast<int>(code)) + text;
}

Result<std::string> unpack(const std::string& packed) {
  check(!packed.empty(), "an agreement has at least one byte");
  if (packed[0] == 0) return packed.substr(1);
  return Error{static_cast<ErrorCode>(packed[0] - 1), packed.substr(1)};
}

}  // namespace

Status agree(collective::Collective& collective, const Status& mine) {
  Result<std::vector<std::string>> all = collective.all_gather(
      mine.ok() ? pack(true, {}, "") : pack(false, mine.error().code, mine.error().message));
  if (!all.ok()) return all.error();
  for (const std::string& packed : all.value())
    if (const Result<std::string> one = unpack(packed); !one.ok()) return one.error();
  return Ok{};
}

Result<std::string> from_first(collective::Collective& collective,
                               const Result<std::string>& mine) {
  std::string packed;
  if (collective.rank() == 0)
    packed = mine.ok() ? pack(true, {}, mine.value())
                       : pack(false, mine.error().code, mine.error().message);
  const Result<std::vector<std::string>> all = collective.all_gather(std::move(packed));
  if (!all.ok()) return all.error();
  return unpack(all.value()[0]);
}

}  // namespace cairn::collective
