// A shared library that is loaded when it is first wanted: only jobs on GPUs want those of GPUs,
// which cost every process a third of a second and 200 MB. Thread safety: none; keep it in a
// static.
#pragma once

#include <initializer_list>
#include <string>

namespace cairn {

class LazyLibrary {
 public:
  // Loads the first of these names that there is, and keeps it.
  explicit LazyLibrary(std::initializer_list<const char*> names);

  // Sets `function` to the one of this name.
  template <typename Function>
  void find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(address_of(name));
  }
  // Empty where the library was loaded and all that was looked for is there; else what is missing.
  const std::string& trouble() const { return trouble_; }

 private:
  void* address_of(const char* name);

  void* library_ = nullptr;
  std::string trouble_;
};

}  // namespace cairn
