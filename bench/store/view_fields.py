"""The columns that views alone show: no row of a board and no record has them."""

from typing import Final

from bench.store.formats import (
    count,
    duration,
    field,
    figure,
    listed,
    points,
    share,
    truth,
)

__all__ = ["VIEW_FIELDS"]

_VIEWS: Final = (
    field("label", "text", "name of the model, with its variant in brackets", heading="model"),
    field("home_accuracy", "number", "accuracy on the test split of the training data", share),
    field("drop", "number", "accuracy away less accuracy at home", points),
    field("corruption", "text", "what was done to the test images"),
    field("strength", "whole number", "how much of it, from 1"),
    field("clean_accuracy", "number", "accuracy on the images as they are", share),
    field("mean_corruption_accuracy", "number", "mean over corruptions and strengths", share),
    field("relative_accuracy", "number", "that mean as a share of the clean accuracy", share),
    field("dataset", "text", "dataset trained and tested on"),
    field("train_images", "whole number", "images trained on", count),
    field("is_expected", "true/false", "a fitted law expects it: not measured", truth),
    field("law_scale", "number", "of error = floor + scale · images^−exponent", figure),
    field("law_exponent", "number", "of the same law", figure),
    field("law_floor", "number", "of the same law: the error that more images leave", share),
    field("cost_scale", "number", "of seconds = scale · images^exponent", figure),
    field("cost_exponent", "number", "of the same law", figure),
    field("note", "text", "what to know of a fitted law"),
    field("difference", "number", "accuracy less the one it is compared with", points),
    field("is_real", "true/false", "the difference is more than luck", truth),
    field("p_value", "number", "of the paired test", figure),
    field("changed", "list of text", "what differs from the entry before", listed),
    field("model_code", "text", "how the hash of the model's code begins"),
    field("harness_code", "text", "how the hash of the harness's code begins"),
    field("image", "whole number", "place of the image in the test split, from 0"),
    field("name", "text", "name of the image, or of what a line is about"),
    field("truth", "text", "its class"),
    field("predicted", "text", "the class that was read; – where nothing was"),
    field("count", "whole number", "how many images", count),
    field("models_wrong", "whole number", "models that read it wrong", count),
    field("models", "whole number", "models that read it", count),
    field("read_as", "text", "what most of them read"),
    field("models_read_as", "whole number", "how many read that", count),
    field("is_doubtful", "true/false", "people doubt its label", truth),
    field("suspected_label", "text", "the class its label should perhaps be"),
    field("confidence", "number", "the least sure model's probability of that", share),
    field("class", "text", "name of the class, or of the average"),
    field("recall", "number", "of the class's images, the share read as it", share),
    field("f1-score", "number", "harmonic mean of precision and recall", share),
    field("support", "whole number", "images of the class", count),
)

_COMPARED: Final = (
    field("a", "text", "what is compared, with its training data where that is another dataset"),
    field("b", "text", "what it is held against"),
    field("seeds_a", "whole number", "seeds of A", count),
    field("seeds_b", "whole number", "seeds of B", count),
    field("accuracy_a", "number", "accuracy of A, mean over its seeds", share),
    field("accuracy_b", "number", "accuracy of B, mean over its seeds", share),
    field("difference_low", "number", "lower end of the 95 % interval of the difference", points),
    field("difference_high", "number", "upper end of the 95 % interval of the difference", points),
    field("method", "text", "the paired test"),
    field("only_a", "number", "images that only A reads, mean over pairs of seeds", figure),
    field("only_b", "number", "images that only B reads, mean over pairs of seeds", figure),
    field("both_right", "number", "images that both read, mean over pairs of seeds", figure),
    field("both_wrong", "number", "images that neither reads, mean over pairs of seeds", figure),
    field("decided_by", "text", "board: of all pairs of its rows; or pair: of these two alone"),
    field("decided_why", "text", "why the pair alone decides"),
    field("board_rows", "whole number", "ranked rows of the board that decides", count),
    field("p_value_on_board", "number", "corrected for all pairs of the board's rows", figure),
    field("is_real_alone", "true/false", "the pair's own test finds more than luck", truth),
    field("p_value_over_comparisons", "number", "corrected for all pairs compared here", figure),
    field("gate_passed", "true/false", "B − A holds the gate", truth),
    field("gate_reason", "text", "what the gate was held against"),
)

_FOUND: Final = (
    field("section", "text", "what a finding of the doctor is about"),
    field("value", "text", "what was found; of a published figure, what was measured"),
    field("is_wrong", "true/false", "it needs a remedy", truth),
    field("remedy", "text", "what to do about it"),
    field("folder", "text", "the folder of a store that is not as it was written"),
    field("what", "text", "what is wrong with it"),
    field("training", "whole number", "training images of a class", count),
    field("test", "whole number", "test images of a class", count),
    field("kind", "text", "what it is: a model or dataset; a figure, count or claim"),
    field("source", "text", "where it was published; where data comes from"),
    field("where", "text", "the place in the source"),
    field("published", "text", "the figure, as the source has it"),
    field("measured", "text", "the figure, as it was measured"),
    field("published_value", "number", "the published figure as a number", figure),
    field("low", "number", "lower end of the interval of what was measured", figure),
    field("high", "number", "upper end of the interval of what was measured", figure),
    field("verdict", "text", "whether the published figure holds"),
)

_HISTORY: Final = (
    field("epoch", "whole number", "number of the epoch, from 1"),
    field("loss", "number", "loss on the training images", figure),
    field("val_loss", "number", "loss on the held-back images", figure),
    field("val_accuracy", "number", "accuracy on the held-back images", share),
    field("test_loss", "number", "loss on the test images (--track-test)", figure),
    field("test_accuracy", "number", "accuracy on the test images (--track-test)", share),
    field("seconds", "number", "wall-clock time of the epoch", duration),
)

VIEW_FIELDS: Final = (*_VIEWS, *_COMPARED, *_FOUND, *_HISTORY)
