"""`python -m jobs` is the `headwater` command where the package is not installed, as in the container."""

from jobs.cli import main

main()
