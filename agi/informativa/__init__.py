"""informativa: plays the short privacy notice on inbound Asterisk calls only when it is due.

The map of a call to modules is in README.md; the layers, high to low, are checked by the import
contracts in pyproject.toml.
"""

__version__ = "0.2.0"

CONFIGURATION = "/etc/informativa/informativa.yaml"  # unless another is named
STARTED = ".agi"  # after the configuration's name, in that of the link by which Asterisk starts the script
