"""From a request to trials: selection, options, variants, identity, estimate."""
