"""The test lab: a real Asterisk, a caller that rings it, and ears that tell what the caller heard.

``debian`` fetches packages as a plain user, ``builds`` finds an Asterisk and a SIPp that run, ``pbx``
starts the exchange, ``phone`` rings it, ``audio`` compares what was heard with what should have been.
"""
