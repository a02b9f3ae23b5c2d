"""Pure functions on image arrays: shape, augmentation, preprocessing."""
