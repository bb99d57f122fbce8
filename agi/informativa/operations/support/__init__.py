"""The support bundle: information for a remote helper, without callers' data and secrets.

- `bundle`: the one file
- `configuration`: the configuration as a helper may see it
- `journal`: the last errors of the service
- `versions`: of the program, its libraries and the system
- `cleaning`: no telephone number, pseudonym or secret in any of it
"""
