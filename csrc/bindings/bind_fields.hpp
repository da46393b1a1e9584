// Structs of options in Python: made by keywords, each field readable and settable, by the list of
// fields that the struct has in C++ (core/fields.hpp).
#pragma once

#include <string_view>

#include "bindings/pybind11.hpp"
#include "core/fields.hpp"

namespace aecore {

/// How the value of a field looks in Python.
template <class Value>
struct InPython {
  static bool load(py::handle source, Value& value) {
    // Numbers and sequences may be of another type; what has a truth value is no bool, None no
    // struct.
    constexpr bool convert = !std::is_same_v<Value, bool> && !has_fields<Value>;
    py::detail::make_caster<Value> caster;
    if (!caster.load(source, convert)) return false;
    value = py::detail::cast_op<Value&>(caster);
    return true;
  }
  static py::object cast(const Value& value, py::handle owner) {
    return py::cast(value, py::return_value_policy::reference_internal, owner);
  }
  static std::string kind() {
    if constexpr (std::is_same_v<Value, bool>) return "True or False";
    if constexpr (std::is_floating_point_v<Value>) return "a number";
    if constexpr (std::is_unsigned_v<Value>) return "an integer in [0, 2**64)";
    if constexpr (std::is_integral_v<Value>) return "an integer of 64 bits";
    if constexpr (has_fields<Value>) {
      return "of type " + py::str(py::type::of<Value>().attr("__name__")).cast<std::string>();
    }
    return "a sequence of numbers";
  }
};

/// An enum goes by the names of its values.
template <class Enum, Enum (*from_name)(const std::string&), std::string (*name_of)(Enum)>
struct ByName {
  static bool load(py::handle source, Enum& value) {
    if (!py::isinstance<py::str>(source)) return false;
    value = from_name(source.cast<std::string>());
    return true;
  }
  static py::object cast(Enum value, py::handle) { return py::str(name_of(value)); }
  static std::string kind() { return "a name"; }
};

template <class Options, class Value>
void set_field(Options& options, const Field<Options, Value>& field, py::handle source) {
  Value value{};
  if (!InPython<Value>::load(source, value)) {
    throw TypeError(std::string(field.name) + " must be " + InPython<Value>::kind() + "; got " +
                    py::repr(source).cast<std::string>());
  }
  check_field(field, value);
  options.*field.member = std::move(value);
}

template <class Options>
py::tuple field_names() {
  py::list names;
  for_each_field<Options>([&](const auto& each) { names.append(each.name); });
  return py::tuple(names);
}

/// What the fields that have a rule must be, by name.
template <class Options>
py::dict field_rules() {
  py::dict rules;
  for_each_field<Options>([&](const auto& each) {
    if (each.rule.text != nullptr) rules[each.name] = each.rule.text;
  });
  return rules;
}

template <class Options>
Options options_of(const py::kwargs& given) {
  Options options;
  for (const auto& [key, value] : given) {
    const auto name = py::cast<std::string_view>(key);
    const auto take = [&, source = value](const auto& each) {
      if (name != each.name) return false;
      set_field(options, each, source);
      return true;
    };
    if (!std::apply([&](const auto&... each) { return (take(each) || ...); }, Options::fields())) {
      throw TypeError(
          "there is no option '" + std::string(name) + "'; the options are " +
          py::str(py::str(", ").attr("join")(field_names<Options>())).template cast<std::string>());
    }
  }
  return options;
}

template <class Options>
py::class_<Options> bind_fields(py::module_& m, const char* name) {
  py::class_<Options> bound(m, name);
  bound.def(py::init(&options_of<Options>));
  for_each_field<Options>([&](const auto& each) {
    using Value = std::decay_t<decltype(std::declval<Options>().*each.member)>;
    bound.def_property(
        each.name,
        [each](const py::object& self) {
          return InPython<Value>::cast(self.cast<const Options&>().*each.member, self);
        },
        [each](Options& self, const py::object& value) { set_field(self, each, value); });
  });
  bound.attr("__fields__") = field_names<Options>();
  bound.attr("__rules__") = field_rules<Options>();
  return bound;
}

}  // namespace aecore
