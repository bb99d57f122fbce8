"""The support bundle: information for a remote helper, without callers' data and secrets."""
