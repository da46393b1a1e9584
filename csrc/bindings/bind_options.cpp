// The settings of a computation.
#include "bindings/bind_fields.hpp"
#include "bindings/binders.hpp"
#include "nn/model/names.hpp"
#include "train/trainer.hpp"

namespace aecore {

template <>
struct InPython<Loss> : ByName<Loss, loss_from_name, to_string> {};

template <>
struct InPython<OptimizerKind> : ByName<OptimizerKind, optimizer_from_name, to_string> {};

/// None is no noise.
template <>
struct InPython<Noise> : ByName<Noise, noise_from_name, to_string> {
  static bool load(py::handle source, Noise& value) {
    if (!source.is_none()) return ByName::load(source, value);
    value = Noise::none;
    return true;
  }
  static py::object cast(Noise value, py::handle owner) {
    return value == Noise::none ? py::none() : ByName::cast(value, owner);
  }
};

namespace {

py::tuple names(const std::vector<std::string>& list) { return py::tuple(py::cast(list)); }

}  // namespace

void bind_options(py::module_& m) {
  m.attr("LOG_VARIANCE_LIMIT") = kLogVarianceLimit;
  m.attr("ACTIVATIONS") = names(activation_names());
  m.attr("LOSSES") = names(loss_names());
  m.attr("NOISES") = names(noise_names());
  m.attr("OPTIMIZERS") = names(optimizer_names());
  m.attr("TERMS") = field_names<ObjectiveParts>();

  bind_fields<InputOptions>(m, "Input");
  bind_fields<NoiseOptions>(m, "Noise");
  bind_fields<ObjectiveOptions>(m, "Objective");
  bind_fields<OptimizerOptions>(m, "Optimizer")
      .def_property_readonly("n_slots", &OptimizerOptions::n_slots);
  bind_fields<ScheduleOptions>(m, "Schedule");
}

}  // namespace aecore
