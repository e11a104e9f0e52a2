// A shared library that is loaded at its first use. Libraries of GPUs cost a process a third of a
// second and 200 MB, and only jobs on GPUs need them. Thread safety: none; keep it in a static.
#pragma once

#include <initializer_list>
#include <string>

namespace cairn::math {

class LazyLibrary {
 public:
  // Loads the first library of these names that is found, and keeps it loaded.
  explicit LazyLibrary(std::initializer_list<const char*> names);

  // Sets `function` to the library's function of this name.
  template <typename Function>
  void find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(address_of(name));
  }
  // Empty where the library was loaded and has every function that was looked for; else a message
  // about what is missing.
  const std::string& trouble() const { return trouble_; }

 private:
  void* address_of(const char* name);

  void* library_ = nullptr;
  std::string trouble_;
};

}  // namespace cairn::math
