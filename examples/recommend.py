"""What would you like next? `python examples/recommend.py [FILE.csv]`.

Learns from MovieLens-100k (folder movielens-100k of AECORE_DATA), or from a table of your own with
a user and an item in each line under a line of names. Every tenth user is held out: four fifths of
what they had are shown to the models, which are to name the rest.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from aecore import EASE, AutoencoderRecommender, Interactions, metrics
from aecore._recommending.ratings_file import read_ratings


def load(table: Path | None) -> Interactions:
    """Pairs of user and item: of your file, or ratings of at least 4 stars."""
    if table is not None:
        return read_ratings(table)
    root = os.environ.get("AECORE_DATA")
    if root is None:
        sys.exit("set AECORE_DATA to the folder that holds movielens-100k, or name a .csv file")
    with np.load(Path(root) / "movielens-100k" / "ml-100k.npz") as archive:
        liked = archive["rating"] >= 4
        return Interactions.from_columns(archive["user"][liked], archive["item"][liked])


def hide_a_fifth(rows: csr_array) -> tuple[csr_array, csr_array]:
    """Split the entries of each row at random into what is shown and what is to be named."""
    hidden = np.random.default_rng(0).random(rows.nnz) < 0.2
    entries = rows.tocoo()
    shown, named = (
        csr_array((rows.data[kept], (entries.row[kept], entries.col[kept])), shape=rows.shape)
        for kept in (~hidden, hidden)
    )
    return shown, named


def main() -> None:
    """Compare two models, and show what one of them says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.csv")
    known = load(parser.parse_args().file)
    n_users, n_items = known.matrix.shape
    print(f"{n_users} users, {n_items} items, {known.matrix.nnz} pairs")
    held_out = np.arange(n_users) % 10 == 0
    shown, hidden = hide_a_fifth(known.matrix[held_out])
    models = {
        "EASE": EASE(weight_decay=200.0),
        "autoencoder": AutoencoderRecommender((200,), n_epochs=60, batch_size=100, random_state=0),
    }
    for name, model in models.items():
        model.fit(known.matrix[~held_out])
        ids, _ = model.recommend(shown, n=20)
        recall, ndcg = metrics.recall_at_k(ids, hidden), metrics.ndcg_at_k(ids, hidden)
        print(f"{name:>12}: recall@20 {recall:.3f}, ndcg@20 {ndcg:.3f}")

    user = known.users[0]
    ids, _ = models["EASE"].recommend(known.rows(user), n=5)
    print(f"user {user} might like {', '.join(map(str, known.item_names(ids)[0]))}")
    item = known.items[known.matrix.sum(axis=0).argmax()]
    ids, _ = models["EASE"].similar_items(known.item_numbers(item), n=5)
    print(f"who liked {item} also liked {', '.join(map(str, known.item_names(ids)[0]))}")


if __name__ == "__main__":
    main()
