"""ONNX Runtime, for encoding: a model of Gemm and Relu, all graph optimisations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.peers.session import Implementation, Problem
from benchmarks.workloads import Workload

_OPERATORS = {"relu": "Relu", "sigmoid": "Sigmoid"}
# Any that both packages know; neither operator has changed since 13.
_OPSET = 13
_IR_VERSION = 8


def make() -> Implementation:
    """Give the implementation."""
    return WithOnnx()


class WithOnnx(Implementation):
    """An inference session on the CPU provider."""

    def settings(self) -> dict[str, str]:
        return {
            "onnxruntime": onnxruntime.__version__,
            "encoding": "InferenceSession, all optimisations; bound buffers for results in place",
        }

    def can(self, workload: Workload) -> bool:
        return workload.kind in ("latency", "encode")

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = problem.n_threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(
            _model(problem).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        X = problem.X[:1] if problem.workload.kind == "latency" else problem.X
        if problem.workload.into:
            out = np.empty((X.shape[0], problem.workload.layer_sizes[-1]), np.float32)
            binding = session.io_binding()
            binding.bind_cpu_input("X", X)
            binding.bind_output("Z", "cpu", 0, np.float32, out.shape, out.ctypes.data)

            def call_bound() -> None:
                session.run_with_iobinding(binding)

            def codes() -> Any:
                call_bound()
                return out

            return call_bound, codes
        names, feed = ["Z"], {"X": X}

        def call() -> Any:
            return session.run(names, feed)

        return call, lambda: call()[0]


def _model(problem: Problem) -> Any:
    workload = problem.workload
    nodes, constants, values = [], [], "X"
    element = TensorProto.FLOAT
    if problem.X.dtype == np.uint8:
        element = TensorProto.UINT8
        constants.append(numpy_helper.from_array(np.float32(workload.input_scale), "scale"))
        nodes.append(helper.make_node("Cast", ["X"], ["X_float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", ["X_float", "scale"], ["X_scaled"]))
        values = "X_scaled"
    for i, (weight, bias) in enumerate(problem.layers()):
        constants += [
            numpy_helper.from_array(weight, f"W{i}"),
            numpy_helper.from_array(bias, f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [values, f"W{i}", f"b{i}"], [f"z{i}"]))
        operator = _OPERATORS[workload.activations[i]]
        nodes.append(helper.make_node(operator, [f"z{i}"], [f"a{i}"]))
        values = f"a{i}"
    nodes[-1].output[0] = "Z"
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("X", element, [None, workload.layer_sizes[0]])],
        [helper.make_tensor_value_info("Z", TensorProto.FLOAT, [None, workload.layer_sizes[-1]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return model
