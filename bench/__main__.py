"""Run ``bench`` as ``python -m bench``."""

from digitbench import main

main()
