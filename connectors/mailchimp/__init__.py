"""
Mailchimp, over the Marketing API 3.0.

An account has audiences, and each audience its own copy of a member, found by the MD5 of the
address in lower case or by a contact id that outlives a change of address.
"""

from connectors.mailchimp.connector import Mailchimp
from connectors.mailchimp.settings import Settings

__all__ = ["Mailchimp", "Settings"]
