// encode_rows WEIGHTS ROWS CODES: encodes rows of 784 pixels. The files hold plain float32 numbers;
// Python writes the weights of a trained model with `model.network_.parameters.tofile("WEIGHTS")`.
#include <cstdio>
#include <vector>

#include "nn/serve/serve.hpp"

std::vector<float> read_floats(const char* path) {
  std::FILE* const file = std::fopen(path, "rb");
  std::vector<float> values;
  for (float value; file && std::fread(&value, sizeof value, 1, file) == 1;)
    values.push_back(value);
  if (file) std::fclose(file);
  return values;
}

int main(int argc, char** argv) {
  using aecore::Activation;
  if (argc != 4) return 2;
  const aecore::Network network({784, 32, 784}, {Activation::relu, Activation::sigmoid});
  const std::vector<float> weights = read_floats(argv[1]), rows = read_floats(argv[2]);
  if (static_cast<aecore::index_t>(weights.size()) != network.n_parameters()) return 3;

  aecore::RowServer<float> server(network, weights.data(), /*code_layer=*/0, /*input_scale=*/1.0);
  std::vector<float> codes(rows.size() / 784 * 32);
  const auto status =
      server.forward(aecore::ServePart::encode, rows.data(),
                     static_cast<aecore::index_t>(rows.size() / 784), 784, codes.data(), 32);
  std::FILE* const file = std::fopen(argv[3], "wb");
  if (status != aecore::ServeStatus::ok || !file) return 4;
  std::fwrite(codes.data(), sizeof(float), codes.size(), file);
  return std::fclose(file);
}
