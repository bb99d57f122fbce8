"""The processes that take calls, and all that goes on in them beside calls."""
