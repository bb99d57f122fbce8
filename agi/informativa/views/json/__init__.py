"""What programs read: one shape for one noun, the same wherever it is printed.

Each document says which version of these shapes it has (`schema`); a name is never reused for something else
under one version. Every name is always there, and `null` where there is nothing to say. Times are ISO 8601
with their offset, several of something are a list, texts are English. `docs/json.md` and the JSON Schema
files beside it are made from here: `make docs`.
"""
