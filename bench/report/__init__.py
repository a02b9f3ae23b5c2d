"""Reports: what views computed, drawn as a page, as text for a paper, as figures."""
