"""What intervals and tests promise, by simulation: short by default, 10,000 draws when marked.

The measured shares are recorded as test properties: ``--junitxml FILE`` shows them.
"""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from bench.scoring.crossed import Crossed, crossed
from bench.scoring.intervals import seed_intervals, writers_interval
from bench.scoring.paired import compare, mcnemar

Array = np.ndarray[Any, Any]
FULL = 10_000


def draws(short: int, name: str) -> Any:
    """Both lengths of one simulation."""
    return [
        pytest.param(short, id=f"{name}-short"),
        pytest.param(FULL, id=f"{name}-10,000", marks=pytest.mark.simulation),
    ]


def luck(share: float, n: int) -> float:
    """What a short simulation may be off: 3 standard errors; nothing at full length."""
    return 0.0 if n >= FULL else 3 * (share * (1 - share) / n) ** 0.5


def readings(
    rng: np.random.Generator,
    n: int,
    accuracies: "list[float]",
    *,
    seeds: int = 1,
    churn: float = 0.25,
    sd_seeds: float = 0.0,
) -> list[Array]:
    """Models of given accuracies on one test split, their errors overlapping as real ones do.

    An image is misread where its difficulty (half the variance), the model's own weakness for it,
    and the seed's (`churn`) add up to too much. About half of a model's errors are then another's.
    """
    image = rng.standard_normal(n, np.float32)
    found = []
    for accuracy in accuracies:
        own = rng.standard_normal(n, np.float32)
        seed = rng.standard_normal((seeds, n), np.float32)
        latent = 0.75**0.5 * image + max(0.25 - churn, 0) ** 0.5 * own + churn**0.5 * seed
        latent /= np.float32((0.75 + max(0.25 - churn, 0) + churn) ** 0.5)
        level = accuracy + sd_seeds * rng.standard_normal((seeds, 1))
        found.append(latent < ndtri(np.clip(level, 0.5, 0.9999)))
    return found


def discordant(
    rng: np.random.Generator, n: int, wrong: "tuple[float, float]", size: int
) -> "tuple[Array, Array]":
    """How many images only A, only B reads right; half the better one's errors are shared."""
    both = min(wrong) / 2
    only_a, only_b = wrong[1] - both, wrong[0] - both
    table = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=size)
    return table[:, 0], table[:, 1]


@pytest.mark.parametrize(
    ("n", "accuracy", "shared", "least"),
    [
        pytest.param(24, 0.67, 0.5, 0.0, id="24-of-.67"),
        pytest.param(24, 0.91, 0.5, 0.0, id="24-of-.91"),
        pytest.param(24, 0.97, 0.5, 0.0, id="24-of-.97"),
        pytest.param(1_000, 0.91, 0.5, 0.04, id="1,000-of-.91"),
        pytest.param(1_000, 0.95, 0.75, 0.04, id="1,000-of-.95-much-shared"),
        pytest.param(1_000, 0.97, 0.75, 0.04, id="1,000-of-.97-much-shared"),
        pytest.param(1_000, 0.99, 0.5, 0.04, id="1,000-of-.99"),
        pytest.param(10_000, 0.91, 0.75, 0.04, id="10,000-of-.91-much-shared"),
        pytest.param(10_000, 0.97, 0.5, 0.04, id="10,000-of-.97"),
        pytest.param(10_000, 0.97, 0.9, 0.04, id="10,000-of-.97-nearly-all-shared"),
        pytest.param(10_000, 0.99, 0.5, 0.04, id="10,000-of-.99"),
    ],
)
def test_the_exact_chance_of_calling_equally_good_models_different_is_at_most_5_percent(
    n: int, accuracy: float, shared: float, least: float
) -> None:
    # Real pairs share .54 to .88 of the better one's errors (seven models on MNIST's test images).
    share_discordant = 2 * (1 - accuracy) * (1 - shared)
    low, high = stats.binom.ppf([1e-13, 1 - 1e-13], n, share_discordant).astype(int)
    chance = 0.0
    for m in range(low, high + 1):
        b = np.arange(m + 1)
        rejected = stats.binom.pmf(b, m, 0.5)[mcnemar(b, m - b) < 0.05].sum()
        chance += stats.binom.pmf(m, n, share_discordant) * rejected
    assert least <= chance <= 0.05


@pytest.mark.parametrize("n_draws", draws(300, "draws"))
@pytest.mark.parametrize("n", [pytest.param(n, id=f"n={n}") for n in (24, 1_000, 10_000)])
def test_equally_good_models_are_called_different_in_at_most_5_percent(
    request: pytest.FixtureRequest, n_draws: int, n: int
) -> None:
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(n_draws):
        a, b = readings(rng, n, [0.95, 0.95])
        rejected += compare(a, b).is_real()
    request.node.user_properties.append(("rejected", rejected / n_draws))
    # The exact chance is just below 5 %: the simulation may be off by 3 standard errors.
    error = (0.05 * 0.95 / n_draws) ** 0.5
    assert rejected / n_draws <= 0.05 + 3 * error
    if n >= 1_000:
        assert rejected / n_draws >= 0.04 - 3 * error


@pytest.mark.parametrize("n_draws", draws(150, "draws"))
@pytest.mark.parametrize("n", [pytest.param(n, id=f"n={n}") for n in (24, 1_000)])
@pytest.mark.parametrize("seeds", [pytest.param(k, id=f"{k}-seeds") for k in (2, 3, 5)])
@pytest.mark.parametrize("sd", [pytest.param(s, id=f"sd={s}") for s in (0.0, 0.003, 0.01)])
def test_equally_good_models_over_seeds_are_called_different_in_at_most_5_percent(
    request: pytest.FixtureRequest, n_draws: int, n: int, seeds: int, sd: float
) -> None:
    rng = np.random.default_rng(11)
    rejected = 0
    for _ in range(n_draws):
        a, b = readings(rng, n, [0.95, 0.95], seeds=seeds, sd_seeds=sd)
        rejected += compare(a, b).is_real()
    request.node.user_properties.append(("rejected", rejected / n_draws))
    assert rejected / n_draws <= 0.05 + luck(0.05, n_draws)
    if n_draws >= FULL and n >= 1_000:
        assert rejected / n_draws >= 0.005  # a test that never rejects is no test


@pytest.mark.parametrize("n_draws", draws(100, "draws"))
@pytest.mark.parametrize(
    ("seeds_a", "seeds_b"), [pytest.param(1, 3, id="1-and-3"), pytest.param(2, 5, id="2-and-5")]
)
@pytest.mark.parametrize("sd", [pytest.param(s, id=f"sd={s}") for s in (0.005, 0.015)])
def test_unequal_numbers_of_seeds_keep_5_percent(
    request: pytest.FixtureRequest, n_draws: int, seeds_a: int, seeds_b: int, sd: float
) -> None:
    rng = np.random.default_rng(13)
    rejected = 0
    for _ in range(n_draws):
        a, b = readings(rng, 1_000, [0.95, 0.95], seeds=max(seeds_a, seeds_b), sd_seeds=sd)
        rejected += compare(a[:seeds_a], b[:seeds_b]).is_real()
    request.node.user_properties.append(("rejected", rejected / n_draws))
    assert rejected / n_draws <= 0.05 + luck(0.05, n_draws)


@pytest.mark.parametrize("n_draws", draws(2_000, "draws"))
@pytest.mark.parametrize(
    ("low", "high", "least"),
    [
        pytest.param(0.905, 0.91, 0.35, id=".905-.91"),
        pytest.param(0.945, 0.95, 0.55, id=".945-.95"),
        pytest.param(0.970, 0.975, 0.70, id=".970-.975"),
        pytest.param(0.980, 0.985, 0.90, id=".980-.985"),
        pytest.param(0.985, 0.990, 0.95, id=".985-.990"),
    ],
)
def test_half_a_point_between_models_is_seen_on_10_000_images(
    request: pytest.FixtureRequest, n_draws: int, low: float, high: float, least: float
) -> None:
    rng = np.random.default_rng(19)
    found = mcnemar(*discordant(rng, 10_000, (1 - low, 1 - high), n_draws)) < 0.05
    request.node.user_properties.append(("power", float(found.mean())))
    assert float(found.mean()) >= least


@pytest.mark.parametrize("n_draws", draws(400, "draws"))
@pytest.mark.parametrize("seeds", [pytest.param(k, id=f"{k}-seeds") for k in (3, 5)])
@pytest.mark.parametrize(
    ("accuracy", "n"), [pytest.param(0.9, 360, id=".9-of-360"), pytest.param(0.97, 2_000, id=".97")]
)
@pytest.mark.parametrize("sd", [pytest.param(s, id=f"sd={s}") for s in (0.0, 0.005)])
def test_the_seed_interval_covers_95_percent(
    request: pytest.FixtureRequest, n_draws: int, seeds: int, accuracy: float, n: int, sd: float
) -> None:
    rng = np.random.default_rng(23)
    over_seeds = over_both = 0
    for _ in range(n_draws):
        difficulty = rng.standard_normal(n)
        level = accuracy + sd * rng.standard_normal((seeds, 1))
        latent = 0.75**0.5 * difficulty + 0.5 * rng.standard_normal((seeds, n))
        found = seed_intervals(crossed(latent < ndtri(level)))
        expected = _normal_share((ndtri(accuracy) - 0.75**0.5 * difficulty) / 0.5)
        if found.seeds is not None:
            over_seeds += found.seeds.low <= expected <= found.seeds.high
        over_both += found.both.low <= accuracy <= found.both.high
    request.node.user_properties.append(("seeds", over_seeds / n_draws))
    request.node.user_properties.append(("both", over_both / n_draws))
    slack = luck(0.95, n_draws)
    assert 0.94 - slack <= over_seeds / n_draws <= 0.97 + slack
    assert over_both / n_draws >= 0.94 - slack


@pytest.mark.parametrize("n_draws", draws(150, "draws"))
@pytest.mark.parametrize("writers", [pytest.param(k, id=f"{k}-writers") for k in (5, 8, 20)])
@pytest.mark.parametrize("digits", [pytest.param(m, id=f"{m}-digits") for m in (8, 24, 100)])
@pytest.mark.parametrize(
    ("accuracy", "sd"),
    [
        pytest.param(0.8, 0.09, id=".80"),
        pytest.param(0.9, 0.06, id=".90"),
        pytest.param(0.95, 0.045, id=".95"),
        pytest.param(0.97, 0.035, id=".97"),
    ],
)
def test_the_writers_interval_covers_91_percent(
    request: pytest.FixtureRequest,
    n_draws: int,
    writers: int,
    digits: int,
    accuracy: float,
    sd: float,
) -> None:
    rng = np.random.default_rng(29)
    together = accuracy * (1 - accuracy) / sd**2 - 1
    groups = np.repeat(np.arange(writers), digits)
    covered = 0
    for _ in range(n_draws):
        own = rng.beta(accuracy * together, (1 - accuracy) * together, writers)
        found = writers_interval(rng.random(len(groups)) < np.repeat(own, digits), groups)
        covered += found.low <= accuracy <= found.high
    request.node.user_properties.append(("covered", covered / n_draws))
    assert covered / n_draws >= 0.91 - luck(0.91, n_draws)


def test_the_simulated_models_share_errors_as_real_ones_do() -> None:
    a, b = readings(np.random.default_rng(0), 200_000, [0.97, 0.97])
    wrong_a, wrong_b = ~a[0], ~b[0]
    shared = (wrong_a & wrong_b).sum() / wrong_a.sum()
    assert 0.35 <= shared <= 0.65
    assert isinstance(crossed(a), Crossed)


def _normal_share(z: Array) -> float:
    from scipy.special import ndtr

    return float(ndtr(z).mean())
