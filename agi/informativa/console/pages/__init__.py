"""The pages, one module each. What may be asked, and by whom, stands in `..routes`."""
