"""`python app.py COMMAND` in a checkout: the same as `hitl-clic COMMAND` or `python -m hitl_clic COMMAND`."""

from hitl_clic.__main__ import main

if __name__ == "__main__":
    raise SystemExit(main())
