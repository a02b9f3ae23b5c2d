"""What is built on a session: reproduction, robustness, learning curves."""
