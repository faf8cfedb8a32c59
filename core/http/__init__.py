"""
The one way out over HTTP, to platforms as to webhooks.

A request may carry extensions:

- ``READS``: this POST only reads; it is safe to repeat and needs no fence.
- ``"route"``: a template such as ``/users/{user}``, logged in place of the URL.
- ``"tolerates"``: a set of 4xx statuses, 429 excepted, that come back as responses instead of
  errors, with their body where it is good JSON and with an empty body where it is not.
"""

from core.http.requests import READS
from core.http.way_out import WayOut, origin_of

__all__ = ["READS", "WayOut", "origin_of"]
