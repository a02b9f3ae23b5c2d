"""One ladder for arrays: a file or folder of images and labels in any usual format, to splits.

Rungs: `sources` (which files, opened without their packing), a reader a format, `roles` and
`pairing` (which array is what), `shapes`, `values` and `polarity`, `labels`, `build`.
"""
