"""The notices that the law asks for today, and adding them to a configuration."""
