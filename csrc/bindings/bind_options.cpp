// The settings of a computation: plain structs, built once from keywords.
#include <optional>

#include "bindings/binders.hpp"
#include "core/errors.hpp"
#include "nn/model/names.hpp"
#include "train/trainer.hpp"

namespace aecore {

namespace {

InputOptions make_input(double input_scale, const std::vector<double>& offset,
                        const std::vector<double>& factor, bool mask_missing) {
  AECORE_REQUIRE(offset.size() == factor.size(),
                 "offset and factor must have the same length; got " +
                     std::to_string(offset.size()) + " and " + std::to_string(factor.size()));
  return {input_scale, offset, factor, mask_missing};
}

ObjectiveOptions make_objective(const std::string& loss, double weight_decay,
                                double sparsity_weight, double sparsity_target,
                                const std::vector<index_t>& sparsity_layers, double input_scale,
                                const std::vector<double>& offset,
                                const std::vector<double>& factor, bool mask_missing,
                                const std::optional<std::string>& noise, double noise_level,
                                double noise_emphasis, double weight_l1, double sparsity_momentum,
                                double activity_l1, double contractive_weight, index_t code_layer,
                                double dropout, std::uint64_t seed, bool observed_only, double beta,
                                double free_bits, double clustering_weight, double trim_fraction) {
  ObjectiveOptions options;
  options.loss = loss_from_name(loss);
  options.weight_decay = weight_decay;
  options.sparsity_weight = sparsity_weight;
  options.sparsity_target = sparsity_target;
  options.sparsity_layers = sparsity_layers;
  options.sparsity_momentum = sparsity_momentum;
  options.weight_l1 = weight_l1;
  options.activity_l1 = activity_l1;
  options.contractive_weight = contractive_weight;
  options.code_layer = code_layer;
  options.input = make_input(input_scale, offset, factor, mask_missing);
  if (noise) options.noise = {noise_from_name(*noise), noise_level, noise_emphasis};
  options.dropout = dropout;
  options.seed = seed;
  options.observed_only = observed_only;
  options.beta = beta;
  options.free_bits = free_bits;
  options.clustering_weight = clustering_weight;
  options.trim_fraction = trim_fraction;
  return options;
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
  m.attr("LOG_VARIANCE_LIMIT") = kLogVarianceLimit;
  m.attr("ACTIVATIONS") = names(activation_names());
  m.attr("LOSSES") = names(loss_names());
  m.attr("NOISES") = names(noise_names());
  m.attr("OPTIMIZERS") = names(optimizer_names());

  py::class_<InputOptions>(m, "Input")
      .def(py::init(&make_input), py::kw_only(), arg("input_scale") = 1.0,
           arg("offset") = std::vector<double>{}, arg("factor") = std::vector<double>{},
           arg("mask_missing") = false);

  py::class_<ObjectiveOptions>(m, "Objective")
      .def(py::init(&make_objective), py::kw_only(), arg("loss") = "squared_error",
           arg("weight_decay") = 0.0, arg("sparsity_weight") = 0.0, arg("sparsity_target") = 0.05,
           arg("sparsity_layers") = std::vector<index_t>{}, arg("input_scale") = 1.0,
           arg("offset") = std::vector<double>{}, arg("factor") = std::vector<double>{},
           arg("mask_missing") = false, arg("noise") = py::none(), arg("noise_level") = 0.0,
           arg("noise_emphasis") = 1.0, arg("weight_l1") = 0.0, arg("sparsity_momentum") = 0.0,
           arg("activity_l1") = 0.0, arg("contractive_weight") = 0.0, arg("code_layer") = -1,
           arg("dropout") = 0.0, arg("seed") = 0, arg("observed_only") = false, arg("beta") = 1.0,
           arg("free_bits") = 0.0, arg("clustering_weight") = 1.0, arg("trim_fraction") = 0.0)
      .def_readwrite("warm_up", &ObjectiveOptions::warm_up);

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
      .def(py::init<index_t, index_t, bool, std::uint64_t, index_t, index_t, index_t>(),
           py::kw_only(), arg("batch_size") = 256, arg("n_epochs") = 1, arg("shuffle") = true,
           arg("seed") = 0, arg("first_epoch") = 0, arg("first_step") = 0,
           arg("epochs_per_report") = 1);
}

}  // namespace aecore
