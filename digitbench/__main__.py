"""Run ``bench`` as ``python -m digitbench``."""

from digitbench import main

main()
