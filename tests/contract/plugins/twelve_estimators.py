# As people write them, without types.
# mypy: ignore-errors
"""Twelve unmodified classifiers of scikit-learn: the checks must find nothing."""

from functools import partial

from bench import ModelSpec, hookimpl, sklearn_classifier


def knn():
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(3)


def logistic():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=200)


def lda():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis()


def bayes():
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def tree():
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier()


def extra():
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(20)


def linear():
    from sklearn.svm import LinearSVC

    return LinearSVC()


def sgd():
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier()


def mlp():
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((16,), max_iter=20)


def centroid():
    from sklearn.neighbors import NearestCentroid

    return NearestCentroid()


def boosting():
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4, early_stopping=False)


def pipeline():
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), PCA(8), SVC())


MODELS = (
    knn,
    logistic,
    lda,
    bayes,
    tree,
    extra,
    linear,
    sgd,
    mlp,
    centroid,
    boosting,
    pipeline,
)


def build(estimator, context):
    return sklearn_classifier(estimator())


@hookimpl
def bench_register_models(register):
    for each in MODELS:
        name = each.__name__
        register(ModelSpec(name=f"my-{name}", summary=name, build=partial(build, each)))
