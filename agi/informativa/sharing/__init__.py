"""Many boxes: the deliveries of each, brought together in a PostgreSQL of the installation's own.

A call asks:

- `others`: the port `OtherBoxes`: the question, and how long a call waits
- `question_desk`: the threads that ask for all companies, and their breaker
- `call_troubles`: the reason why they get no answer
- `question`, `idle`: the SQL of it, and connections that wait for the next call

Beside the calls:

- `company_exchange`: one company's exchange, as `meeting_place` knows it
- `meeting_place`: the thread that sends and takes in for all companies of the box, over one connection
- `loop`: the part of one company's ledger in it
- `exchange`: one step of that
- `receiving`: what comes from other boxes
- `retirements`: boxes that left for good, told again where the database lost it
- `membership`: the ledger that the database knows by this box's name, and no other
- `proof_sender`: the box's log, so that others can prove its records
- `erasure_orders`, `sealed_caller`: erasures that boxes order of each other, and the caller as they carry him
- `envelopes`: what only boxes with a key of the company can read
- `shared_lists`: the private lists of erasures beside their notes, sealed
- `returned_callers`: erased callers who come back with an old copy of the database, or of a box's ledger
- `retired_leaves`: what boxes that left for good have of erased callers, noted by the box that erases it

Reading:

- `reading`, `record_search`: records of all boxes, or of one caller, and the SQL for those of a filter
- `proof_reader`: the same with proofs
- `answer_audit`: answers that a ledger has from other boxes, compared with their records

The database:

- `administration`: creating and upgrading it, listing boxes, retiring one
- `replacing`: a box that takes the place of one that broke
- `serving`: the companies that a box's login serves there
- `dropping`: a company that leaves it
- `passwords`: the password of a box's login
- `grants`: the rights of boxes' logins, as the server has them
- `connection`: a connection as this box's login
- `refusals`, `startup`: the reasons why a server takes none, and the start-up by hand that learns them
- `schema`: its numbered migrations (`migrations/`) and the rights of its roles
- `box_statements`: the SQL for all companies of a box
- `rows`, `proof_statements`, `erasure_statements`: the SQL for one company
"""
