"""`DeepClustering`: scikit-learn's contract, every clusterer, new rows, files, bad input."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.cluster import BisectingKMeans, KMeans, MeanShift, SpectralClustering
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

import aecore
from aecore import Autoencoder, ConvAutoencoder, DeepClustering, VariationalAutoencoder, reference
from aecore._checks.rules import _CLUSTERERS
from aecore._clusters.figures import accuracy
from helpers import run_function
from interrupts import interrupted_fit
from samples import may_learn_nothing, same_bits

SMALL = Autoencoder((16, 3), code_activation="identity", n_epochs=30)


def blobs(n_rows: int = 200, n_features: int = 8) -> tuple[NDArray[Any], NDArray[Any]]:
    X, y = make_blobs(n_rows, n_features, centers=4, cluster_std=0.5, random_state=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def model(**settings: Any) -> DeepClustering:
    settings = {"n_clusters": 4, "autoencoder": SMALL, "random_state": 0, **settings}
    return DeepClustering(**settings)


@may_learn_nothing
@parametrize_with_checks(
    [
        DeepClustering(3, autoencoder=Autoencoder((8, 3), n_epochs=5)),
        DeepClustering(
            2,
            autoencoder=Autoencoder((8, 3), code_activation="identity", n_epochs=5),
            refinement="dec",
            n_updates=3,
        ),
        DeepClustering(
            2,
            autoencoder=Autoencoder(4, scale="standard", missing="mask", n_epochs=3),
            clusterer="agglomerative",
            refinement="idec",
            dtype="float64",
            n_updates=2,
        ),
        DeepClustering(
            2, autoencoder=Autoencoder(4, n_epochs=3), clusterer="gaussian_mixture", batch_size=16
        ),
        DeepClustering(autoencoder=Autoencoder(4, n_epochs=3), clusterer="dbscan"),
    ]
)
def test_scikit_learn_contract(estimator: DeepClustering, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("refinement", [None, "dec", "idec"])
@pytest.mark.parametrize("clusterer", _CLUSTERERS)
def test_every_clusterer(clusterer: str, refinement: str | None) -> None:
    X, y = blobs()
    fitted = model(clusterer=clusterer, refinement=refinement, n_updates=3).fit(X)
    assert fitted.n_clusters_ == len(fitted.cluster_centers_) == 4
    assert adjusted_rand_score(y, fitted.labels_) > 0.8
    assert fitted.labels_.dtype == np.int64
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(X[7:8]), fitted.labels_[7:8])
    assert fitted.transform(X).shape == (200, 3)
    assert fitted.cluster_centers_.dtype == np.float32
    q = fitted.soft_assignment(X)
    expected = reference.soft_assignment(fitted.transform(X), fitted.cluster_centers_)
    np.testing.assert_allclose(q, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(q.sum(axis=1), 1.0, rtol=1e-6)
    assert bool(fitted.history_["loss"]) == (refinement is not None)
    assert len(fitted.pretraining_history_[-1]["loss"]) == 30


@pytest.mark.parametrize(
    "clusterer",
    [
        KMeans(4, n_init=5),
        GaussianMixture(4, covariance_type="tied"),
        GaussianMixture(4, covariance_type="diag"),
        GaussianMixture(4, covariance_type="spherical"),
        BisectingKMeans(4),
        MeanShift(),
        SpectralClustering(4),
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_clusterers_as_objects(clusterer: Any) -> None:
    X, y = blobs()
    fitted = model(n_clusters=None, clusterer=clusterer).fit(X)
    assert accuracy(y, fitted.labels_) > (0.4 if isinstance(clusterer, MeanShift) else 0.9)
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    assert type(fitted.clusterer_) is type(clusterer)
    assert not hasattr(clusterer, "labels_")
    if isinstance(clusterer, GaussianMixture):
        codes = fitted.transform(X)
        np.testing.assert_array_equal(fitted.labels_, fitted.clusterer_.predict(codes))


def test_an_object_takes_the_number_and_keeps_its_seed() -> None:
    X, _ = blobs()
    fitted = model(n_clusters=3, clusterer=KMeans(5, random_state=7)).fit(X)
    assert (fitted.n_clusters_, fitted.clusterer_.random_state) == (3, 7)
    assert model(n_clusters=None, clusterer=KMeans(5)).fit(X).n_clusters_ == 5
    assert model(n_clusters=None).fit(X).n_clusters_ == 8


def test_new_rows_of_a_clusterer_without_centres() -> None:
    X, _ = blobs()
    X[0] = 30.0  # far from all
    fitted = model(clusterer="dbscan", n_clusters=None).fit(X)
    assert fitted.labels_[0] == -1
    codes = fitted.transform(X)
    new = X + 0.01
    distances = np.linalg.norm(fitted.transform(new)[:, np.newaxis] - codes, axis=2)
    expected = fitted.labels_[distances.argmin(axis=1)]
    np.testing.assert_array_equal(fitted.predict(new), expected)
    clear = fitted.labels_ == 2
    np.testing.assert_allclose(fitted.cluster_centers_[2], codes[clear].mean(axis=0), rtol=1e-5)


def test_the_number_is_chosen_by_the_best_silhouette() -> None:
    X, _ = blobs()
    fitted = model(n_clusters="auto", n_clusters_range=(2, 6), refinement="dec").fit(X)
    assert list(fitted.silhouettes_) == [2, 3, 4, 5, 6]
    assert fitted.n_clusters_ == 4
    assert max(fitted.silhouettes_, key=fitted.silhouettes_.__getitem__) == 4
    plain = model().fit(X)
    assert plain.silhouettes_ if hasattr(plain, "silhouettes_") else True
    expected = silhouette_score(plain.transform(X), plain.labels_)
    assert fitted.silhouettes_[4] == pytest.approx(expected)
    assert not hasattr(fitted.set_params(n_clusters=3).fit(X), "silhouettes_")


def test_evaluate() -> None:
    X, y = blobs()
    fitted = model().fit(X)
    names = ["silhouette", "calinski_harabasz", "davies_bouldin"]
    assert list(fitted.evaluate(X)) == names
    figures = fitted.evaluate(X, np.array(list("abcd"))[y])
    assert list(figures) == [*names, "accuracy", "nmi", "ari"]
    assert figures["accuracy"] == figures["nmi"] == figures["ari"] == pytest.approx(1.0)
    codes = fitted.transform(X)
    assert figures["silhouette"] == pytest.approx(silhouette_score(codes, fitted.labels_))
    with pytest.raises(ValueError, match=r"labels must have shape \(200,\); got \(3,\)"):
        fitted.evaluate(X, [0, 1, 2])


def test_accuracy_by_hand() -> None:
    classes = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    assert accuracy(classes, np.array([5, 5, 4, 4, 4, 4, 1, 1])) == 7 / 8
    assert accuracy(classes, np.array([1, 1, 1, 1, 1, 1, 1, 1])) == 3 / 8
    assert accuracy(classes, np.array([0, 0, -1, -1, 1, 1, 2, 2])) == 6 / 8
    assert accuracy(classes, np.full(8, -1)) == 0.0


def test_init_is_not_trained() -> None:
    X, _ = blobs()
    first = model().fit(X)
    again = model(n_clusters=3).fit(X, init=first.network_)
    assert same_bits(first.network_, again.network_)
    assert again.pretraining_history_[-1] == {"loss": [], "seconds": []}
    refined = model(refinement="dec", n_updates=3).fit(X, init=first.network_)
    whole = model(refinement="dec", n_updates=3).fit(X)
    assert same_bits(refined.network_, whole.network_)
    decoders = [each.network_.decoder for each in (first, refined)]
    assert same_bits(*decoders)
    with pytest.raises(ValueError, match="init must have layer sizes"):
        model().fit(X, init=aecore.Network([8, 3, 8], ["relu", "identity"]))
    with pytest.raises(ValueError, match="init must be None or a Network; got 3"):
        model().fit(X, init=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("refinement", ["dec", "idec"])
def test_sparse_rows(refinement: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((80, 12)) * (rng.random((80, 12)) < 0.3)
    settings = {"refinement": refinement, "n_updates": 2, "dtype": "float64"}
    dense, compressed = (model(**settings).fit(rows) for rows in (X, csr_array(X)))
    scale = np.abs(dense.network_.parameters).max()
    difference = np.abs(dense.network_.parameters - compressed.network_.parameters).max()
    assert difference < 1e-9 * scale
    np.testing.assert_array_equal(dense.labels_, compressed.labels_)
    np.testing.assert_array_equal(compressed.predict(csr_array(X)), compressed.labels_)


def n_results() -> int:
    X, _ = blobs(700, 30)
    encoder = Autoencoder((40, 5), code_activation="identity", n_epochs=2)
    settings = {"autoencoder": encoder, "refinement": "idec", "n_updates": 3}
    fits = [model(**settings, n_threads=n).fit(X) for n in (1, 2, 3, 7)]
    return len({(x.network_.parameters.tobytes(), x.labels_.tobytes()) for x in fits})


def test_bits_do_not_depend_on_threads(isa: str) -> None:
    assert run_function(n_results, isa=isa) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"refinement": "dec", "n_updates": 2},
        {"clusterer": "agglomerative", "autoencoder": Autoencoder((5, 2), pretrain=True)},
        {"n_clusters": "auto", "clusterer": GaussianMixture(covariance_type="diag")},
        {"autoencoder": Autoencoder((5, 2), scale="standard", n_epochs=2), "clusterer": KMeans()},
    ],
    ids=["refined", "by neighbours", "of a mixture", "scaled"],
)
def test_files_and_pickles(settings: dict[str, Any], tmp_path: Path) -> None:
    X, y = blobs(60)
    fitted = model(**settings).fit(X)
    fitted.save(tmp_path / "model")
    loaded = aecore.load(tmp_path / "model")
    pickled = pickle.loads(pickle.dumps(fitted))
    for other in (loaded, pickled):
        np.testing.assert_array_equal(other.predict(X + 0.1), fitted.predict(X + 0.1))
        np.testing.assert_array_equal(other.soft_assignment(X), fitted.soft_assignment(X))
        np.testing.assert_array_equal(other.labels_, fitted.labels_)
        assert other.evaluate(X, y) == fitted.evaluate(X, y)
        assert other.history_ == fitted.history_
        assert repr(other) == repr(fitted)
        assert vars(other).get("silhouettes_") == vars(fitted).get("silhouettes_")
    assert not hasattr(loaded, "clusterer_")
    assert type(pickled.clusterer_) is type(fitted.clusterer_)
    assert not hasattr(clone(fitted), "network_")


def test_an_object_of_another_kind_has_no_file(tmp_path: Path) -> None:
    fitted = model(n_clusters=None, clusterer=MeanShift()).fit(blobs(40)[0])
    with pytest.raises(ValueError, match="clusterer must be a name, or one of"):
        fitted.save(tmp_path / "model")


class Rounds:
    """A callback that keeps what it is told, and stops the refinement in its second round."""

    def __init__(self) -> None:
        self.states: list[aecore.callbacks.EpochState] = []

    def on_epoch_end(self, state: aecore.callbacks.EpochState) -> bool:
        self.states.append(state)
        return isinstance(state.estimator, DeepClustering) and state.epoch == 1


def test_callbacks() -> None:
    X, _ = blobs()
    rounds = Rounds()
    fitted = model(refinement="idec", tolerance=0.0, callbacks=rounds).fit(X)
    own = [state for state in rounds.states if state.estimator is fitted]
    assert [state.epoch for state in own] == [0, 1]
    assert len(rounds.states) == 30 + 2
    assert fitted.history_["loss"] == [state.loss for state in own]
    assert set(fitted.history_) == {"loss", "seconds", "learning_rate", "changed"}
    assert same_bits(own[-1].network, fitted.network_)


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    X, _ = blobs(60)
    model(refinement="dec", n_updates=2).fit(X)
    assert capsys.readouterr() == ("", "")
    model(refinement="dec", n_updates=2, verbose=1).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert "dec refinement" in err
    assert "changed=" in err


def interrupt_refinement() -> tuple[float, int, bool]:
    X, _ = blobs(30_000, 100)
    settings = {"autoencoder": Autoencoder((200, 200, 5), n_epochs=1), "tolerance": 0.0}
    start = model(**settings).fit(X).network_
    long = model(**settings, refinement="idec", n_updates=100_000, update_interval=5)
    latency, stopped = interrupted_fit(long, X, 6.0, init=start)
    consistent = np.array_equal(stopped.predict(X), stopped.labels_)
    return latency, len(stopped.history_["loss"]), consistent


def test_interrupted_refinement_leaves_a_whole_round() -> None:
    latency, n_rounds, consistent = run_function(interrupt_refinement)
    assert latency < 1.0
    assert n_rounds > 0
    assert consistent


def test_divergence_leaves_the_last_round() -> None:
    X, _ = blobs(60)
    wild = model(refinement="idec", optimizer="sgd", learning_rate=1e30, tolerance=0.0)
    with pytest.raises(aecore.TrainingDivergedError, match="Try a smaller learning_rate or"):
        wild.fit(X)


@pytest.mark.filterwarnings("ignore:1 clusters where n_clusters is 3")
def test_rows_that_are_all_the_same() -> None:
    X = np.ones((30, 5))
    for clusterer in _CLUSTERERS:
        for refinement in (None, "dec"):
            fitted = model(n_clusters=3, clusterer=clusterer, refinement=refinement).fit(X)
            assert fitted.n_clusters_ == 1
            assert set(fitted.labels_) == {0}
            assert np.isnan(list(fitted.evaluate(X).values())).all()


def test_one_cluster_and_as_many_as_rows() -> None:
    X, _ = blobs(12)
    one = model(n_clusters=1, refinement="dec").fit(X)
    assert set(one.labels_) == {0}
    assert one.history_["loss"] == []
    all_rows = model(n_clusters=12).fit(X)
    assert sorted(all_rows.labels_) == list(range(12))
    assert np.isnan(all_rows.evaluate(X)["silhouette"])


BAD = {
    "n_clusters": (0, "be None, 'auto' or an integer from 1"),
    "autoencoder": (ConvAutoencoder(), "be None or an Autoencoder of plain rows"),
    "clusterer": ("k-means", "be None, one of 'kmeans', 'minibatch_kmeans', 'gaussian_mixture'"),
    "refinement": ("DEC", "be one of None, 'dec', 'idec'"),
    "clustering_weight": (-1.0, "be None or a finite number >= 0"),
    "optimizer": ("lbfgs", "be another one than 'lbfgs'"),
    "update_interval": (0, "be None or an integer from 1"),
    "n_updates": (0, "be an integer from 1"),
    "tolerance": (-1, "be a finite number >= 0"),
    "n_clusters_range": ((1, 4), "be two integers, 2 <= first <= last"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters(name: str) -> None:
    value, rule = BAD[name]
    with pytest.raises(ValueError, match=f"^{name} must {rule}.*; got "):
        model(**{name: value}).fit(blobs(20)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_clusters": 21}, r"n_clusters must be at most n_samples=20; got 21"),
        ({"n_clusters": None, "clusterer": KMeans(30)}, r"n_clusters must be at most n_samples=20"),
        (
            {"n_clusters": "auto", "n_clusters_range": (2, 20)},
            r"n_clusters_range must end below the number of rows, n_samples=20; got \(2, 20\)",
        ),
        (
            {"n_clusters": "auto", "clusterer": "hdbscan"},
            r"n_clusters must be None with a clusterer that finds .* itself; got 'auto'",
        ),
        ({"autoencoder": VariationalAutoencoder(2)}, "autoencoder must be None or an Autoencoder"),
        ({"clusterer": KMeans}, "clusterer must be None, one of"),
    ],
)
def test_parameters_that_do_not_go_with_the_rows(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(**settings).fit(blobs(20)[0])


def test_missing_numbers() -> None:
    X, y = blobs()
    X[::5, 3] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model().fit(X)
    masked = Autoencoder((16, 3), code_activation="identity", missing="mask", n_epochs=30)
    for refinement in ("dec", "idec"):
        fitted = model(autoencoder=masked, refinement=refinement, n_updates=3).fit(X)
        assert fitted.evaluate(X, y)["accuracy"] > 0.9


def test_a_failed_fit_leaves_the_model() -> None:
    X, _ = blobs(60)
    fitted = model(refinement="dec", n_updates=2).fit(X)
    before = pickle.dumps(fitted)
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(np.full((20, 8), np.nan))
    assert pickle.dumps(fitted) == before
