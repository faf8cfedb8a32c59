"""The imitated platform's own screens, where a human works by hand."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from hmac import compare_digest
from html import escape
from urllib.parse import parse_qsl

from connectors.sandbox.contact import Blocked, Contact
from connectors.sandbox.contacts import Contacts
from connectors.sandbox.exchange import HTML, Answer, Call, Refusal, said

Form = Mapping[str, str]
NAMES = ("first_name", "last_name")

PAGE = """<!doctype html>
<html lang="nl">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem }}
form, label {{ display: inline-block; margin-right: .5rem }}
li {{ border-top: 1px solid #ccc; padding: .7rem 0 }}
</style>
<h1>{title}</h1>
<h2>Toevoegen / Add</h2>
{add}
<h2>Contacten / Contacts ({count})</h2>
<ul>{contacts}</ul>
<h2>Blokkadelijst / Blocklist</h2>
{block}
<ul>{blocklist}</ul>
</html>
"""


class Screen:
    """
    GET  /screen                 everything, with a form beside it
    GET  /screen/contacts.json   the same, to compare with; the product never reads it
    POST /screen/{action}        see ACTIONS; back to /screen when done

    HTTP Basic: any user name, and the password of the screens.
    """

    def __init__(self, title: str, password: str, contacts: Contacts) -> None:
        self.title = title
        self.password = password
        self.contacts = contacts

    def answer(self, call: Call) -> Answer:
        if not self.admits(call.authorization):
            return Refusal(401, "password").answer(WWW_Authenticate='Basic realm="screen"')
        try:
            return self.route(call)
        except Refusal as refusal:
            return refusal.answer()

    def admits(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            password = base64.b64decode(encoded).partition(b":")[2]
        except ValueError:
            return False
        return scheme == "Basic" and compare_digest(password, self.password.encode())

    def route(self, call: Call) -> Answer:
        match call.method, call.path:
            case "GET", "/screen":
                return Answer(200, page(self.title, self.contacts), HTML)
            case "GET", "/screen/contacts.json":
                return said(200, dump(self.contacts))
            case "POST", path if path.removeprefix("/screen/") in ACTIONS:
                # A browser sends the password along, whoever made the form.
                if call.origin not in ("", f"http://{call.host}"):
                    raise Refusal(403, "foreign_form")
                form = dict(parse_qsl(call.body, keep_blank_values=True))
                act(self.contacts, path.removeprefix("/screen/"), form)
                return Answer(303, headers={"Location": "/screen"})
            case _:
                raise Refusal(404, "unknown_screen")


def dump(contacts: Contacts) -> Mapping[str, object]:
    return {
        "contacts": [asdict(contact) for contact in contacts.held.values()],
        "blocked": [asdict(entry) for entry in contacts.blocklist.values()],
    }


def act(contacts: Contacts, action: str, form: Form) -> None:
    try:
        ACTIONS[action](contacts, form)
    except KeyError as error:
        raise Refusal(422, str(error.args[0])) from error


def names(form: Form) -> Mapping[str, str]:
    """The form's fields of a contact; one that was not on the form stays as it is."""
    return {name: value for name, value in form.items() if name not in {"id", "email", "list"}}


def add(contacts: Contacts, form: Form) -> None:
    """Whoever types an address in vouches for the consent, as on real platforms."""
    contacts.upsert(form["email"], names(form), form.get("list") or None, contacts.now())


def change(contacts: Contacts, form: Form) -> None:
    contacts.change(form["id"], form.get("email"), names(form))


def unsubscribe(contacts: Contacts, form: Form) -> None:
    contacts.unsubscribe(form["id"], form["list"])


def delete(contacts: Contacts, form: Form) -> None:
    contacts.drop(form["id"])


def block(contacts: Contacts, form: Form) -> None:
    contacts.block(form["email"])


def unblock(contacts: Contacts, form: Form) -> None:
    contacts.unblock(form["id"])


ACTIONS: Mapping[str, Callable[[Contacts, Form], None]] = {
    "add": add,
    "change": change,
    "unsubscribe": unsubscribe,
    "delete": delete,
    "block": block,
    "unblock": unblock,
}


def page(title: str, contacts: Contacts) -> str:
    return PAGE.format(
        title=escape(title),
        add=form("add", "Toevoegen / Add", text("email"), *map(text, NAMES), choice(contacts)),
        count=len(contacts.held),
        contacts="".join(map(row, contacts.held.values())),
        block=form("block", "Blokkeren / Block", text("email")),
        blocklist="".join(map(blocked_row, contacts.blocklist.values())),
    )


def row(contact: Contact) -> str:
    known = hidden("id", contact.id)
    fields = (text(name, value) for name, value in contact.fields.items())
    stops = (
        form("unsubscribe", f"Uitschrijven / Unsubscribe: {place}", known, hidden("list", place))
        for place, membership in contact.lists.items()
        if membership.status == "subscribed"
    )
    until = f" → {contact.until}" if contact.until else ""
    return (
        f"<li>{escape(contact.state + until)} "
        + form("change", "Bewaren / Save", known, text("email", contact.email), *fields)
        + "".join(stops)
        + form("delete", "Verwijderen / Delete", known)
        + "</li>"
    )


def blocked_row(entry: Blocked) -> str:
    lift = form("unblock", "Verwijderen / Delete", hidden("id", entry.id))
    return f"<li>{escape(entry.email)} {lift}</li>"


def form(action: str, button: str, *inputs: str) -> str:
    body = "".join(inputs)
    return (
        f'<form method="post" action="/screen/{action}">{body}'
        f"<button>{escape(button)}</button></form>"
    )


def text(name: str, value: str = "") -> str:
    return f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(value)}"></label>'


def hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def choice(contacts: Contacts) -> str:
    options = options_of([("", "-"), *contacts.lists.items()])
    return f'<label>list <select name="list">{options}</select></label>'


def options_of(lists: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<option value="{escape(key)}">{escape(title)}</option>' for key, title in lists
    )
