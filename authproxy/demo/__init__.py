"""A pretend Google and a pretend Cloud Run that really verify, for `authproxy demo` and tests."""
