"""Persons' requests about their data (GDPR 15 to 22): from the day on which one came to its closing.

- `register`: opening, leading on and closing a request, and the requests that there are
- `answering`: the answer in one ZIP file, and the erasure
- `refusals`: why a move is not possible, and what to do instead
"""
