"""Clusters of digits: `python examples/cluster.py [FOLDER]`.

Learns the 8x8 digits of scikit-learn without their labels, and writes clusters.png to FOLDER, by
default the one at hand: the mean image of every cluster, and a map of the codes by their first two
principal components, before DEC and after it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from aecore import Autoencoder, DeepClustering

mpl.use("agg")
from matplotlib import pyplot as plt

N_CLUSTERS = 10


def main() -> None:
    """Cluster, refine, print the figures and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    X, y = load_digits(return_X_y=True)
    encoder = Autoencoder(
        (256, 128, 10), code_activation="identity", input_scale=1 / 16, n_epochs=100, batch_size=64
    )
    plain = DeepClustering(N_CLUSTERS, autoencoder=encoder, random_state=0).fit(X)
    refined = DeepClustering(N_CLUSTERS, autoencoder=encoder, refinement="dec", random_state=0)
    refined.fit(X, init=plain.network_)

    figure = plt.figure(figsize=(12, 7), layout="constrained")
    images, maps = figure.subfigures(2, 1, height_ratios=[1, 3])
    images.suptitle("mean of each cluster after DEC, and how many rows it has")
    for k, axis in enumerate(images.subplots(1, refined.n_clusters_)):
        mine = X[refined.labels_ == k]
        axis.imshow(mine.mean(axis=0).reshape(8, 8), cmap="gray_r")
        axis.set_title(str(len(mine)), fontsize="small")
        axis.axis("off")
    for (name, model), axis in zip(
        {"k-means on codes": plain, "DEC": refined}.items(), maps.subplots(1, 2), strict=True
    ):
        found = model.evaluate(X, y)
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in found.items()))
        plane = PCA(2).fit(model.transform(X))
        at, centers = plane.transform(model.transform(X)), plane.transform(model.cluster_centers_)
        axis.scatter(*at.T, c=model.labels_, cmap="tab10", s=4)
        axis.scatter(*centers.T, c="black", marker="x")
        axis.set_title(f"{name}: accuracy {found['accuracy']:.3f}")
        axis.set_xlabel("first principal component of the codes")
    figure.savefig(folder / "clusters.png", dpi=90)
    print(f"{np.unique(refined.labels_).size} clusters: {folder / 'clusters.png'}")


if __name__ == "__main__":
    main()
