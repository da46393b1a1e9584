#include "nn/step/weight_tasks.hpp"

#include <algorithm>

#include "nn/weights/convolution.hpp"

namespace aecore {

namespace {

// Multiply-adds of a task: enough tasks to share out, none so small that handing it out shows.
constexpr double kMinTaskWork = 4e5;
constexpr double kMaxTaskWork = 4e6;
constexpr double kTasksPerStep = 32;

template <class T>
void plan_convolution(const Layer& layer, index_t index, std::vector<WeightTask>& tasks) {
  const index_t width = kernels<T>().panel_width;
  for (index_t column = 0; column < layer.weight_columns(); column += width) {
    for (index_t row = 0, rows = 0; row < layer.weight_rows(); row += rows) {
      rows = ConvolutionGradient<T>::rows_from(layer.convolution, row, kTaskRows);
      tasks.push_back(
          {index, row, row + rows, column, std::min(layer.weight_columns(), column + width)});
    }
  }
  tasks.push_back({index, 0, 0, 0, layer.n_bias()});
}

}  // namespace

template <class T>
std::vector<WeightTask> plan_weight_tasks(const Network& network, index_t rows) {
  std::vector<WeightTask> tasks;
  const index_t width = kernels<T>().panel_width;
  const double m = static_cast<double>(rows);
  const double work = m * network.work(0, network.n_products());
  const double target = std::clamp(work / kTasksPerStep, kMinTaskWork, kMaxTaskWork);
  for (index_t l = network.n_products() - 1; l >= 0; --l) {  // the last deltas are still in cache
    const Layer& layer = network.layer(l);
    if (layer.tied()) {  // its weights have their task with the encoder's
      tasks.push_back({l, 0, 0, 0, layer.n_out});
      continue;
    }
    if (layer.convolves()) {
      plan_convolution<T>(layer, l, tasks);
      continue;
    }
    const index_t task_rows = std::min(kTaskRows, layer.n_in);
    const double panel_work = static_cast<double>(task_rows * width) * m;
    const index_t columns = width * std::max(index_t{1}, static_cast<index_t>(target / panel_work));
    for (index_t row = 0; row < layer.n_in; row += task_rows) {
      for (index_t column = 0; column < layer.n_out; column += columns) {
        tasks.push_back({l, row, std::min(layer.n_in, row + task_rows), column,
                         std::min(layer.n_out, column + columns)});
      }
    }
  }
  return tasks;
}

template std::vector<WeightTask> plan_weight_tasks<float>(const Network&, index_t);
template std::vector<WeightTask> plan_weight_tasks<double>(const Network&, index_t);

}  // namespace aecore
