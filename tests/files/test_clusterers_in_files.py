"""A clusterer from a file brings numbers, names and None alone: `fit` calls and opens nothing."""

from __future__ import annotations

import copy
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Memory
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.metrics import pairwise_distances
from sklearn.mixture import GaussianMixture

import aecore
from aecore import Autoencoder, DeepClustering, ModelFileError
from aecore._files.clusterers import MODULES
from aecore._files.container import Content, pack, unpack
from samples import three_factor_rows

ROWS = three_factor_rows(40, 6)
KINDS = (AgglomerativeClustering, DBSCAN, HDBSCAN, KMeans, MiniBatchKMeans, GaussianMixture)


def model(clusterer: Any) -> DeepClustering:
    ae = Autoencoder((5, 2), n_epochs=2)
    return DeepClustering(autoencoder=ae, clusterer=clusterer, random_state=0)


def through_file(clusterer: Any) -> Any:
    file = io.BytesIO()
    model(clusterer).save(file)
    return aecore.load(file.getvalue()).clusterer


def by_hand(kind: str, **fields: Any) -> bytes:
    """A file with a clusterer with these settings, as JSON has them."""
    file = io.BytesIO()
    model(None).save(file)
    document, tensors = unpack(file.getvalue(), "it")
    parameters = {**document["parameters"], "clusterer": {"name": kind, "fields": fields}}
    content = {"kind": document["kind"], "parameters": parameters, "learned": {}}
    return b"".join(pack(Content(content, tensors)))


def test_there_is_one_of_every_kind() -> None:
    assert {kind.__name__: kind.__module__.rpartition(".")[0] for kind in KINDS}.keys() == {
        *MODULES
    }


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_come_back(kind: type[BaseEstimator]) -> None:
    assert through_file(kind()).get_params() == kind().get_params()


SETTINGS: list[tuple[Any, dict[str, Any]]] = [
    (AgglomerativeClustering(3, metric="l1", linkage="average"), {}),
    (AgglomerativeClustering(connectivity=np.eye(40)), {"connectivity": np.eye(40)}),
    (DBSCAN(eps=0.3, metric="minkowski", p=3, n_jobs=2), {}),
    (
        DBSCAN(metric="seuclidean", metric_params={"V": np.ones(2)}),
        {"metric_params": {"V": (1, 1)}},
    ),
    (HDBSCAN(min_cluster_size=3, store_centers="both", copy=True), {}),
    (KMeans(2, init=np.eye(2), n_init=1), {"init": np.eye(2)}),
    (KMeans(2, random_state=np.random.RandomState(0)), {"random_state": None}),
    (MiniBatchKMeans(2, init="random", batch_size=np.int64(7)), {}),
    (GaussianMixture(2, weights_init=[0.5, 0.5], means_init=np.eye(2)), {"means_init": np.eye(2)}),
    (AgglomerativeClustering(3, memory="folder"), {"memory": None}),
    (AgglomerativeClustering(3, memory=Memory(None)), {"memory": None}),
]


@pytest.mark.parametrize(("clusterer", "changed"), SETTINGS)
def test_numbers_and_names_come_back(clusterer: Any, changed: dict[str, Any]) -> None:
    loaded = through_file(clusterer)
    assert type(loaded) is type(clusterer)
    for name, value in {**clusterer.get_params(), **changed}.items():
        np.testing.assert_equal(np.asarray(loaded.get_params()[name]), np.asarray(value))


@pytest.mark.parametrize(
    "clusterer",
    [
        AgglomerativeClustering(metric=pairwise_distances, linkage="average"),
        AgglomerativeClustering(connectivity=csr_array(np.eye(40))),
        AgglomerativeClustering(connectivity=np.eye),
        DBSCAN(metric=os.system),
        DBSCAN(metric="pyfunc", metric_params={"func": os.system}),
        DBSCAN(metric="pyfunc", metric_params={"func": "os.system"}),
        HDBSCAN(metric=os.system),
        KMeans(init=lambda *_: None),
        KMeans(init=aecore.optimizers.Adam()),
        KMeans(2, n_init=KMeans()),
    ],
)
def test_what_no_file_takes(clusterer: Any, tmp_path: Path) -> None:
    message = r"^clusterer must be a name, or one of scikit-learn's clusterers that docs/models.md"
    with pytest.raises(ValueError, match=message):
        model(clusterer).save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


NESTED = {"name": "KMeans", "fields": {}}
HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("AgglomerativeClustering", {"memory": "folder"}, "memory of a clusterer .* must be None"),
    ("AgglomerativeClustering", {"memory": 3}, "memory of a clusterer .* must be None"),
    ("AgglomerativeClustering", {"memory": NESTED}, "memory of a clusterer .* must be None"),
    ("AgglomerativeClustering", {"connectivity": "os.system"}, "connectivity of .* an array of"),
    ("AgglomerativeClustering", {"connectivity": NESTED}, "connectivity of .* an array of"),
    ("AgglomerativeClustering", {"n_clusters": [3]}, "n_clusters of .* a number, a name or None"),
    ("DBSCAN", {"metric": NESTED}, "metric of a clusterer .* must be a number, a name or None"),
    ("DBSCAN", {"metric_params": {"name": "dict", "pairs": [["func", "x"]]}}, "numbers by name"),
    ("DBSCAN", {"metric_params": {"name": "dict", "pairs": [["func", NESTED]]}}, "numbers by name"),
    ("HDBSCAN", {"metric_params": [["func", 1]]}, "metric_params of .* numbers by name"),
    ("KMeans", {"init": NESTED}, "init of a clusterer .* must be a name or an array of numbers"),
    ("KMeans", {"init": [["a", "b"]]}, "init of a clusterer .* a name or an array of numbers"),
    ("KMeans", {"random_state": {"name": "Adam", "fields": {}}}, "random_state of a clusterer"),
    ("GaussianMixture", {"means_init": ["folder"]}, "means_init of .* an array of numbers"),
    ("KMeans", {"folder": "x"}, "folder of a clusterer .* must be a parameter that aecore knows"),
    ("Pipeline", {"memory": "x", "steps": []}, "KeyError: 'Pipeline'"),
    ("Birch", {}, "KeyError: 'Birch'"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), HOSTILE)
def test_a_file_made_by_hand(kind: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=f"this model in bytes is not valid: .*{message}"):
        aecore.load(by_hand(kind, **fields))


@pytest.mark.parametrize("name", [name for kind in KINDS for name in kind().get_params()])
@pytest.mark.parametrize("value", [NESTED, {"name": "dict", "pairs": [["a", "b"]]}, [["a"]]])
def test_no_parameter_takes_more_than_it_has_to(name: str, value: Any) -> None:
    for kind in KINDS:
        if name in kind().get_params():
            with pytest.raises(ModelFileError, match=f"{name} of a clusterer in a model file must"):
                aecore.load(by_hand(kind.__name__, **{name: value}))


def test_fit_after_load_leaves_folders_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    fitted = model(AgglomerativeClustering(3, memory=str(folder))).fit(ROWS)
    fitted.save(tmp_path / "model")
    before = sorted(folder.rglob("*"))
    assert before
    loaded = aecore.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.fit_predict(ROWS), fitted.labels_)
    assert loaded.clusterer.memory is None
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_pickles_and_copies_keep_all_of_it(copied: Callable[[Any], Any]) -> None:
    one = model(AgglomerativeClustering(3, memory="folder", metric=os.path.join, linkage="average"))
    other = copied(one).clusterer
    assert (other.memory, other.metric) == ("folder", os.path.join)


def test_a_parameter_of_a_newer_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_params(self: Any, **_: Any) -> dict[str, Any]:
        return {"n_clusters": self.n_clusters, "novelty": getattr(self, "novelty", "auto")}

    monkeypatch.setattr(KMeans, "get_params", get_params)
    assert through_file(KMeans(3)).n_clusters == 3
    changed = KMeans(3)
    changed.novelty = "folder"
    with pytest.raises(ValueError, match="clusterer must be a name, or one of"):
        through_file(changed)
