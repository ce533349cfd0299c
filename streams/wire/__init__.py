"""The wire: lines of JSON in, rows of the fact tables out.

Shapes of messages are declared one module a family; `decoder` reads them, `flatten` makes columns of them.
What is no fact is counted, what is unreadable is rejected with one sentence that says why.
"""

from streams.wire.decoder import Counts, Decoded, Decoder, decode
from streams.wire.reject import Reject

__all__ = ["Counts", "Decoded", "Decoder", "Reject", "decode"]
