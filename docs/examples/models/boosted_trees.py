"""Boosted trees of LightGBM, kept in its own format: needs ``digitbench[boosting]``."""

from bench import ModelSpec, Option, hookimpl, sklearn_classifier

OPTIONS = {"trees": Option(default=15, minimum=1, help="rounds of boosting")}


def build(context):
    """Return the untrained trees."""
    from lightgbm import LGBMClassifier

    return sklearn_classifier(LGBMClassifier(n_estimators=context.options["trees"]))


@hookimpl
def bench_register_models(register):
    """Register the model."""
    summary = "boosted trees"
    register(ModelSpec(name="boosted-trees", summary=summary, build=build, options=OPTIONS))
