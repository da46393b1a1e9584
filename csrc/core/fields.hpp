// The list of fields that a struct of options has: Options::fields() is a tuple of them. Equality,
// ranges, what is reset, and the names in Python all go by that list.
#pragma once

#include <cmath>
#include <sstream>
#include <tuple>
#include <type_traits>

#include "core/errors.hpp"

namespace aecore {

/// What a number must be: "<name> must <text>". Python's rules for the numbers of J go by the same
/// sentences (aecore/_checks/rules.py).
struct Rule {
  const char* text = nullptr;
  bool (*holds)(double) = nullptr;  // null: any number will do
};

inline constexpr Rule kNumber{"be a number", [](double x) { return !std::isnan(x); }};
inline constexpr Rule kFinite{"be finite", [](double x) { return std::isfinite(x); }};
inline constexpr Rule kNotNegative{"be a finite number >= 0",
                                   [](double x) { return x >= 0 && std::isfinite(x); }};
inline constexpr Rule kPositive{"be > 0", [](double x) { return x > 0; }};
inline constexpr Rule kShare{"be a number in [0, 1)", [](double x) { return x >= 0 && x < 1; }};
inline constexpr Rule kBetweenZeroAndOne{"be a number in (0, 1)",
                                         [](double x) { return x > 0 && x < 1; }};

template <class Options, class Value>
struct Field {
  const char* name;  // that of the member, and the one in Python
  Value Options::* member;
  Rule rule;
  bool is_penalty = false;  // its default is none, and rows are judged without it
  bool on_code = false;     // and it needs a code that is hidden, and not drawn
};

template <class Options, class Value>
constexpr Field<Options, Value> field(const char* name, Value Options::* member, Rule rule = {}) {
  return {name, member, rule};
}
template <class Options, class Value>
constexpr Field<Options, Value> penalty(const char* name, Value Options::* member, Rule rule = {}) {
  return {name, member, rule, true};
}
template <class Options, class Value>
constexpr Field<Options, Value> code_penalty(const char* name, Value Options::* member, Rule rule) {
  return {name, member, rule, true, true};
}

template <class T, class = void>
inline constexpr bool has_fields = false;
template <class T>
inline constexpr bool has_fields<T, std::void_t<decltype(T::fields())>> = true;

template <class Options, class Function>
void for_each_field(Function&& function) {
  std::apply([&](const auto&... each) { (function(each), ...); }, Options::fields());
}

template <class Options>
bool same_fields(const Options& a, const Options& b) {
  return std::apply(
      [&](const auto&... each) { return ((a.*each.member == b.*each.member) && ...); },
      Options::fields());
}

/// Throws where the value breaks the field's rule, or a field of its own does.
template <class Options, class Value>
void check_field(const Field<Options, Value>& field, const Value& value) {
  if constexpr (has_fields<Value>) {
    check_fields(value);
  } else if constexpr (std::is_arithmetic_v<Value>) {
    if (field.rule.holds == nullptr || field.rule.holds(static_cast<double>(value))) return;
    std::ostringstream text;
    text << field.name << " must " << field.rule.text << "; got " << value;
    throw std::invalid_argument(text.str());
  }
}

template <class Options>
void check_fields(const Options& options) {
  for_each_field<Options>([&](const auto& each) { check_field(each, options.*each.member); });
}

template <class Options>
void reset_penalties(Options& options) {
  const Options fresh{};
  for_each_field<Options>([&](const auto& each) {
    if (each.is_penalty) options.*each.member = fresh.*each.member;
  });
}

template <class Options>
bool has_penalties(const Options& options) {
  const Options fresh{};
  bool found = false;
  for_each_field<Options>([&](const auto& each) {
    found = found || (each.is_penalty && !(options.*each.member == fresh.*each.member));
  });
  return found;
}

}  // namespace aecore
