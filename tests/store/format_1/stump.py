"""One shallow tree: the smallest model that learns."""

from bench import ModelSpec, hookimpl, sklearn_classifier


def build(context):  # type: ignore[no-untyped-def]  # as an author writes it
    from sklearn.tree import DecisionTreeClassifier

    return sklearn_classifier(
        DecisionTreeClassifier(max_depth=context.options["depth"], random_state=context.seed)
    )


@hookimpl
def bench_register_models(register):  # type: ignore[no-untyped-def]
    register(ModelSpec(name="stump", summary="one shallow tree", build=build, options={"depth": 4}))
