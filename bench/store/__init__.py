"""The store: typed, versioned records of trials and evaluations, written once."""
