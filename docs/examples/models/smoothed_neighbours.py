"""A Pipeline whose saved form holds what skops cannot know to be safe: a function of scipy.

It is named once, as trusted: whoever reads the file lets it call that function.
"""

from bench import ModelSpec, hookimpl, sklearn_classifier


def build(context):
    """Return the untrained pipeline: rows smoothed, then the nearest images."""
    from scipy.ndimage import gaussian_filter1d
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    smooth = FunctionTransformer(gaussian_filter1d, kw_args={"sigma": 1.0, "axis": 1})
    return sklearn_classifier(
        make_pipeline(smooth, KNeighborsClassifier(3)),
        trusted=["scipy.ndimage._filters.gaussian_filter1d"],
    )


@hookimpl
def bench_register_models(register):
    """Register the model."""
    summary = "neighbours of smoothed images"
    register(ModelSpec(name="smoothed-neighbours", summary=summary, build=build))
