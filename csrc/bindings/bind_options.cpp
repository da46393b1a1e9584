// The settings of a computation: plain structs, built once from keywords.
#include "bindings/binders.hpp"
#include "nn/names.hpp"
#include "train/trainer.hpp"

namespace aecore {

namespace {

ObjectiveOptions make_objective(const std::string& loss, double weight_decay,
                                double sparsity_weight, double sparsity_target,
                                const std::vector<index_t>& sparsity_layers, double input_scale,
                                double weight_l1, double sparsity_momentum, double activity_l1,
                                index_t code_layer, double dropout, std::uint64_t seed) {
  return {loss_from_name(loss), weight_decay, sparsity_weight, sparsity_target,
          sparsity_layers,      input_scale,  weight_l1,       sparsity_momentum,
          activity_l1,          code_layer,   dropout,         seed};
}

OptimizerOptions make_optimizer(const std::string& name, double learning_rate, double momentum,
                                double rho, double beta_1, double beta_2, double epsilon,
                                double weight_decay, double clip_norm) {
  const OptimizerOptions options{optimizer_from_name(name),
                                 learning_rate,
                                 momentum,
                                 rho,
                                 beta_1,
                                 beta_2,
                                 epsilon,
                                 weight_decay,
                                 clip_norm};
  check_optimizer(options);
  return options;
}

void set_learning_rate(OptimizerOptions& options, double learning_rate) {
  OptimizerOptions changed = options;
  changed.learning_rate = learning_rate;
  check_optimizer(changed);
  options = changed;
}

py::tuple names(const std::vector<std::string>& list) { return py::tuple(py::cast(list)); }

}  // namespace

void bind_options(py::module_& m) {
  using py::arg;
  m.attr("ACTIVATIONS") = names(activation_names());
  m.attr("LOSSES") = names(loss_names());
  m.attr("OPTIMIZERS") = names(optimizer_names());

  py::class_<ObjectiveOptions>(m, "Objective")
      .def(py::init(&make_objective), py::kw_only(), arg("loss") = "squared_error",
           arg("weight_decay") = 0.0, arg("sparsity_weight") = 0.0, arg("sparsity_target") = 0.05,
           arg("sparsity_layers") = std::vector<index_t>{}, arg("input_scale") = 1.0,
           arg("weight_l1") = 0.0, arg("sparsity_momentum") = 0.0, arg("activity_l1") = 0.0,
           arg("code_layer") = -1, arg("dropout") = 0.0, arg("seed") = 0);

  py::class_<OptimizerOptions>(m, "Optimizer")
      .def(py::init(&make_optimizer), py::kw_only(), arg("name") = "adam",
           arg("learning_rate") = 1e-3, arg("momentum") = 0.9, arg("rho") = 0.99,
           arg("beta_1") = 0.9, arg("beta_2") = 0.999, arg("epsilon") = 1e-8,
           arg("weight_decay") = 0.0, arg("clip_norm") = 0.0)
      .def_property(
          "learning_rate", [](const OptimizerOptions& o) { return o.learning_rate; },
          &set_learning_rate)
      .def_property_readonly("n_slots", &OptimizerOptions::n_slots);

  py::class_<ScheduleOptions>(m, "Schedule")
      .def(py::init<index_t, index_t, bool, std::uint64_t, index_t, index_t>(), py::kw_only(),
           arg("batch_size") = 256, arg("n_epochs") = 1, arg("shuffle") = true, arg("seed") = 0,
           arg("first_epoch") = 0, arg("first_step") = 0);
}

}  // namespace aecore
