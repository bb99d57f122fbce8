"""Results for their readers: the results of `operations`, in words, and nothing decided.

- `text`: lines and tables for a terminal
- `documents`: JSON documents and their schema, as a result's own fields give them
- `times`: times, days and lengths of time as people read them
- `messages`: texts in a reader's language, by gettext (`locale/`)
- `terminal`: the one place that decides about colour, characters and width

Pages (`templates/`):

- `console_templates`: the console's templates: their words, times and filters
- `letter_page`: the answer to an access request, and the files of the answer to a person's request

Records and answers, for readers who have never seen one:

- `record_words`: the meanings of their codes and names
- `call_words`: records in a few words each, days, badges of callers
- `choice_sentences`: choices in sentences
- `choice_words`: choices in words, for whoever counts

Files:

- `record_files`: records and standing consents as CSV or JSON Lines
- `report_sections`, `report_files`: the report of a month in words, as a page and as CSV
"""
