"""Results for their readers: words in a language, JSON of one shape per noun, tables for terminals."""
