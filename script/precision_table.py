"""Train each network in float32 and in bfloat16 and print both accuracies in a table.

Run it where the processor multiplies bfloat16 (`bench doctor` says so)::

    python script/precision_table.py results/precision --seeds 1,2,3,4,5 -d digits-uci

A model whose mean in bfloat16 is nowhere below float32's by more than two standard errors of their
difference may say so in its spec (``bfloat16_holds=True``): ``--precision auto`` takes bfloat16 for
it from then on.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from statistics import fmean, stdev

from bench.planning.processor import has_bfloat16
from bench.plugins.discovery import load_plugins
from bench.session import load_results, run


def main(asked: Namespace) -> str:
    """Train what is missing and return the table in Markdown."""
    specs = load_plugins().models.values()
    models = tuple(spec.name for spec in specs if "bfloat16" in spec.precisions)
    seeds = tuple(map(int, asked.seeds.split(",")))
    for precision in ("float32", "bfloat16"):
        run(models, asked.dataset, seeds=seeds, precision=precision, store=asked.store)
    found = load_results(asked.store, each_seed=True)
    lines = [
        "| model | trained on | float32 | bfloat16 | difference | holds |",
        "|---|---|---|---|---|---|",
    ]
    own = found[found.test_dataset == found.train_dataset]
    for (model, dataset), rows in own.groupby(["model", "train_dataset"]):
        by = {name: list(part.accuracy) for name, part in rows.groupby("precision")}
        if min((len(by.get(name, ())) for name in ("float32", "bfloat16")), default=0) > 1:
            lines.append(line(model, dataset, by["float32"], by["bfloat16"]))
    return "\n".join(lines)


def line(model: str, dataset: str, exact: list[float], rough: list[float]) -> str:
    """Return one row of the table."""
    error = (stdev(exact) ** 2 / len(exact) + stdev(rough) ** 2 / len(rough)) ** 0.5
    difference = fmean(rough) - fmean(exact)
    means = f"{fmean(exact):.4f} | {fmean(rough):.4f} | {difference:+.4f} ± {2 * error:.4f}"
    return f"| {model} | {dataset} | {means} | {'yes' if difference >= -2 * error else 'no'} |"


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("-d", "--dataset", action="append", default=None)
    arguments = parser.parse_args()
    arguments.dataset = arguments.dataset or ["digits-uci", "synthetic-house-numbers"]
    if not has_bfloat16():
        sys.stderr.write("this processor has no bfloat16 unit: it will be emulated, and slow\n")
    sys.stdout.write(main(arguments) + "\n")
