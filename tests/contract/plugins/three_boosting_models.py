# As people write them, without types.
# mypy: ignore-errors
"""Three boosting models as people write them: the checks must find nothing."""

from bench import ModelSpec, Option, hookimpl, sklearn_classifier

OPTIONS = {"trees": Option(default=20, minimum=1, help="rounds of boosting")}


def lightgbm(context):
    from lightgbm import LGBMClassifier

    return sklearn_classifier(
        LGBMClassifier(n_estimators=context.options["trees"], min_child_samples=5, subsample=0.8)
    )


def xgboost(context):
    from xgboost import XGBClassifier

    return sklearn_classifier(
        XGBClassifier(n_estimators=context.options["trees"], max_depth=4, tree_method="hist")
    )


def catboost(context):
    from catboost import CatBoostClassifier

    return sklearn_classifier(CatBoostClassifier(iterations=context.options["trees"], depth=4))


@hookimpl
def bench_register_models(register):
    for build in (lightgbm, xgboost, catboost):
        name = f"b-{build.__name__}"
        register(ModelSpec(name=name, summary="boosted trees", build=build, options=OPTIONS))
