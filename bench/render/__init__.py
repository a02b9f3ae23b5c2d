"""Records in, text out: it formats and computes nothing."""
