"""Autoencoders in scikit-learn's pipelines and grid searches; docs/reduction.md as it stands."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from aecore import Autoencoder, AutoencoderClassifier
from aecore.optimizers import Momentum
from helpers import ROOT, python_blocks
from samples import same_bits, three_factor_rows

GUIDE = ROOT / "docs" / "reduction.md"


def make_pipeline(**settings: Any) -> Pipeline:
    return Pipeline(
        [
            ("scaler", StandardScaler()),
            ("autoencoder", Autoencoder((4,), n_epochs=3, random_state=0, **settings)),
            ("kmeans", KMeans(3, n_init=1, random_state=0)),
        ]
    )


def silhouette(fitted: Pipeline, X: Any, y: Any = None) -> float:
    del y
    return float(silhouette_score(fitted[:1].transform(X), fitted.predict(X)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search(n_jobs: int) -> None:
    X = three_factor_rows(90)
    grid = {
        "autoencoder__hidden_layer_sizes": [(2,), (6, 3)],
        "autoencoder__optimizer": ["adam", Momentum(learning_rate=0.01)],
        "kmeans__n_clusters": [2, 3],
    }
    search = GridSearchCV(make_pipeline(), grid, scoring=silhouette, cv=2, n_jobs=n_jobs).fit(X)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = clone(search.best_estimator_).fit(X)
    assert same_bits(best[1].network_, search.best_estimator_[1].network_)
    np.testing.assert_array_equal(best.predict(X), search.predict(X))


def test_scores_do_not_depend_on_the_number_of_processes() -> None:
    X = three_factor_rows(60)
    grid = {"hidden_layer_sizes": [(1,), (3,)], "weight_decay": [0.0, 1.0]}
    scores = []
    for n_jobs in (1, 2):
        search = GridSearchCV(
            Autoencoder(n_epochs=60, batch_size=8, random_state=0), grid, cv=3, n_jobs=n_jobs
        ).fit(X)
        scores.append(search.cv_results_["mean_test_score"])
        assert search.best_params_ == {"hidden_layer_sizes": (3,), "weight_decay": 0.0}
    np.testing.assert_array_equal(*scores)


def test_a_clone_is_not_fitted_and_fits_the_same() -> None:
    X = three_factor_rows(50)
    pipeline = make_pipeline(noise="gaussian").fit(X)
    copied = clone(pipeline)
    assert not hasattr(copied[1], "network_")
    assert copied[1].get_params() == pipeline[1].get_params()
    assert same_bits(copied.fit(X)[1].network_, pipeline[1].network_)


def test_pandas_in_and_out() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(three_factor_rows(40), columns=[f"sensor {i}" for i in range(10)])
    pipeline = make_pipeline().set_output(transform="pandas").fit(frame)
    codes = pipeline[:2].transform(frame)
    names = [f"autoencoder{i}" for i in range(4)]
    assert list(codes.columns) == names
    assert list(pipeline[:2].get_feature_names_out()) == names
    assert list(pipeline[1].feature_names_in_) == list(frame.columns)
    plain = make_pipeline().fit(frame.to_numpy())
    np.testing.assert_array_equal(codes.to_numpy(), plain[:2].transform(frame.to_numpy()))
    with pytest.raises(ValueError, match="feature names"):
        pipeline[1].transform(frame.rename(columns={"sensor 0": "other"}))


def test_names_after_plain_arrays() -> None:
    """What the quick way for plain arrays must still say and forget."""
    pandas = pytest.importorskip("pandas")
    X = three_factor_rows(40)
    frame = pandas.DataFrame(X, columns=[f"sensor {i}" for i in range(10)])
    model = Autoencoder((2,), n_epochs=1, random_state=0).fit(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.transform(X)
    model.fit(X)
    assert not hasattr(model, "feature_names_in_")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(X)
    with pytest.raises(ValueError, match="X has 9 features, but Autoencoder is expecting 10"):
        model.transform(X[:, :9])


def test_a_classifier_at_the_end() -> None:
    X = three_factor_rows(80)
    y = np.where(X[:, 0] > np.median(X[:, 0]), "high", "low")
    pipeline = Pipeline(
        [
            ("scaler", StandardScaler()),
            ("classifier", AutoencoderClassifier((8,), n_epochs=60, batch_size=8, random_state=0)),
        ]
    )
    search = GridSearchCV(pipeline, {"classifier__pretrain": [True, False]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8


def test_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in python_blocks(GUIDE):
        exec(compile(block, str(GUIDE), "exec"), names)
    text = capsys.readouterr().out
    assert "Index(['autoencoder0', 'autoencoder1']" in text
    assert "data[17]: ValueError: Input X contains NaN at row 3, column 5." in text
    assert names["search"].best_score_ > 0.1


def test_the_example_draws(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    code = (
        "import runpy, sys, aecore\n"
        "fit = aecore.Autoencoder.fit\n"
        "aecore.Autoencoder.fit = lambda self, X: fit(self.set_params(n_epochs=2), X)\n"
        f"sys.argv[1:] = [{str(tmp_path)!r}]\n"
        f"sys.path.insert(0, {str(ROOT / 'examples')!r})\n"
        f"runpy.run_path({str(ROOT / 'examples' / 'reduce.py')!r}, run_name='__main__')\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert child.stdout.count("trustworthiness") == 2
    assert (tmp_path / "reduced.png").stat().st_size > 10_000
