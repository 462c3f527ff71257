"""The one place that talks HTTP: a guard around httpx that a cancelled strategy cannot poison.

httpx (0.28, httpcore 1.0) loses a slot of its connection pool for good when Trio cancels a request that waits for
a connection, or is opening one; after enough of those every request fails with ``PoolTimeout`` on a healthy server
(encode/httpcore#1093; ``tests/venues/alpaca/test_http.py`` shows it). Cancelling is how Trio programs live, so:

- callers queue at a ``trio.CapacityLimiter`` below the pool's size: nothing ever waits inside the pool. What is urgent
  has slots of its own, so that a cancel is not stuck behind questions that nobody answers;
- each request runs in a task of the client's own nursery, under its own deadline. A cancelled caller leaves at once
  and its request finishes without it; behind its deadline not one byte of it is sent;
- a pool that might still have lost a slot (a request that hit its deadline, a ``PoolTimeout``) is retired: new
  requests get a new pool, the old one is closed when its last request ends.

A kept-alive connection that the server dropped meanwhile costs a GET one quiet second try, on a new pool. What changes
something is never sent a second time: httpx does not say whether the server had read it, so that is for whoever can
ask. Only where the pool gave out no connection at all, so that not one byte was written, is there another try.
HTTP/1.1 only: HTTP/2 of httpx breaks its own semaphore when cancelled.
"""

from engine.venues.alpaca.http.client import GuardedClient as GuardedClient
from engine.venues.alpaca.http.client import open_client as open_client
from engine.venues.alpaca.http.pool import BODY_BYTES_MAX as BODY_BYTES_MAX
from engine.venues.alpaca.http.request import REQUEST_MAX_S as REQUEST_MAX_S
from engine.venues.alpaca.http.request import Params as Params
from engine.venues.alpaca.http.request import Reply as Reply
from engine.venues.alpaca.http.request import Request as Request
