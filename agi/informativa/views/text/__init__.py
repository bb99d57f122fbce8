"""Results as lines and tables for a terminal, in the language of whoever reads them."""
