"""
Laposta, a Dutch newsletter platform, over its API v2.

Laposta has lists, which have members: the same person in two lists is two members, with an id
and fields of their own. There is no person above them, so everything is asked list by list.
"""

from connectors.laposta.connector import Laposta
from connectors.laposta.settings import Settings

__all__ = ["Laposta", "Settings"]
