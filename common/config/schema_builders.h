// Lets schema.cpp write a key in one line. The members that lead to a key's value give its type,
// its default and the functions that reach it in an object. Only schema*.cpp include this.
#pragma once

#include <type_traits>

#include "common/config/schema.h"
#include "common/config/words.h"

namespace cairn {

template <typename T>
struct MemberOf;
template <typename C, typename T>
struct MemberOf<T C::*> {
  using Class = C;
};
template <auto... Members>
struct Owner;
template <auto First, auto... Rest>
struct Owner<First, Rest...> : MemberOf<decltype(First)> {};
template <auto... Members>
using ClassOf = typename Owner<Members...>::Class;

template <typename Class>
void* fresh() {
  static Class object;  // read only
  return &object;
}

template <auto... Members>
auto& member(void* object) {
  return (*static_cast<ClassOf<Members...>*>(object).*....*Members);
}

template <auto... Members>
FieldRef field(void* object) {
  auto& value = member<Members...>(object);
  using T = std::remove_reference_t<decltype(value)>;
  if constexpr (std::is_enum_v<T>) {
    static_assert(sizeof(T) == 1);
    return EnumRef{reinterpret_cast<uint8_t*>(&value), words_of(T{})};
  } else if constexpr (std::is_same_v<T, std::vector<Transform>>) {
    return TransformsRef{&value, kTransformWords};
  } else {
    return &value;
  }
}

// A value: the member of the block's object that the chain of members leads to.
template <auto... Members>
ConfigKey key(const ConfigKeyRules& rules) {
  return {rules, field<Members...>, fresh<ClassOf<Members...>>};
}

// A block whose object is a member. `keys` is a function: the tables below refer to each other.
template <std::span<const ConfigKey> (*keys)(), auto... Members>
ConfigKey block(const ConfigKeyRules& rules) {
  return {rules,
          [](void* object) -> FieldRef {
            return BlockRef{&member<Members...>(object), keys()};
          },
          fresh<ClassOf<Members...>>};
}

// A block in the file only: its keys are members of the same object.
template <std::span<const ConfigKey> (*keys)(), typename Class>
ConfigKey group(const ConfigKeyRules& rules) {
  return {rules, [](void* object) -> FieldRef { return BlockRef{object, keys()}; }, fresh<Class>};
}

// A list of blocks.
template <std::span<const ConfigKey> (*keys)(), auto... Members>
ConfigKey blocks(const ConfigKeyRules& rules) {
  return {
      rules,
      [](void* object) -> FieldRef {
        return BlocksRef{
            object,
            keys(),
            [](const void* owner) { return member<Members...>(const_cast<void*>(owner)).size(); },
            [](void* owner, size_t i) -> void* { return &member<Members...>(owner)[i]; },
            [](void* owner) -> void* { return &member<Members...>(owner).emplace_back(); },
            nullptr};
      },
      fresh<ClassOf<Members...>>};
}

}  // namespace cairn
