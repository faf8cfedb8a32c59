"""
GNU Mailman 3 core, at the customer's own address, over its REST API 3.1.

Mailman has users, who have addresses, which have memberships of lists. Bans and requests name
an address without being tied to it, so they outlive it and are looked for in every list.
"""

from connectors.mailman.connector import Mailman
from connectors.mailman.settings import Settings

__all__ = ["Mailman", "Settings"]
