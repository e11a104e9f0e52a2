#include "worker/math/device/lazy_library.h"

#include <dlfcn.h>

namespace cairn::math {

LazyLibrary::LazyLibrary(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    library_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library_ != nullptr) {
      trouble_.clear();
      return;
    }
    if (trouble_.empty()) trouble_ = dlerror();
  }
}

void* LazyLibrary::address_of(const char* name) {
  if (library_ == nullptr) return nullptr;
  void* address = dlsym(library_, name);
  if (address == nullptr && trouble_.empty()) trouble_ = dlerror();
  return address;
}

}  // namespace cairn::math
