"""What people do at the platforms themselves, past the product."""

from __future__ import annotations

from http import HTTPStatus

import httpx

from app.demo.mailman_server import MailmanFailed, MailmanServer
from app.demo.sandbox_server import SandboxServer
from app.demo.school import Known, School
from app.demo.stage import BY_HAND, FORMER, PLACES, Stage
from core.connector import Verb
from core.ledger import tasks
from core.ledger.tasks import OpenTask
from core.states import Task

ROLE = "ledenadministratie"


def change_address(mailman: MailmanServer, old: str, new: str) -> None:
    """As a member does in Mailman's own screens."""
    with mailman.client() as client:
        done(client.post(f"/users/{old}/addresses", data={"email": new}))
        done(client.post(f"/addresses/{new}/verify"))
        found = client.post("/members/find", data={"subscriber": old}).json()
        for entry in found.get("entries", []):
            done(client.patch(f"/members/{entry['member_id']}", data={"address": new}))
        done(client.delete(f"/addresses/{old}"))


def sign_up(mailman: MailmanServer, email: str, name: str, list_id: str) -> None:
    proven = {"pre_verified": "true", "pre_confirmed": "true", "pre_approved": "true"}
    subscribe(mailman, email, name, list_id, proven)


def ask_to_join(mailman: MailmanServer, email: str, list_id: str) -> None:
    """Waits for the person's own confirmation, which never comes."""
    subscribe(mailman, email, "", list_id, {})


def subscribe(
    mailman: MailmanServer, email: str, name: str, list_id: str, proven: dict[str, str]
) -> None:
    form = {"list_id": list_id, "subscriber": email, "display_name": name, **proven}
    with mailman.client() as client:
        done(client.post("/members", data={**form, "send_welcome_message": "false"}))


def ban(mailman: MailmanServer, email: str) -> None:
    with mailman.client() as client:
        done(client.post("/bans", data={"email": email}))


def done(answer: httpx.Response) -> None:
    if not answer.is_success:
        said = HTTPStatus(answer.status_code).phrase
        raise MailmanFailed(f"Mailman did not do what a member asked of it there: {said}")


class Employee:
    """Of the school: carries out tasks on the screens of the platform without an API."""

    def __init__(self, stage: Stage, school: School) -> None:
        self.stage = stage
        self.school = school
        self.server: SandboxServer = stage.sandboxes[BY_HAND]

    def tasks(self, verb: Verb) -> dict[str, OpenTask]:
        """What is asked of a human there, by the reference of whom it is about."""
        with self.stage.installation.ledger.read() as tx:
            waiting = tasks.waiting(tx, self.stage.customer.id)
        return {
            self.school.reference_of(task.person): task
            for task in waiting
            if task.person
            and (task.kind, task.platform, task.verb) == (Task.BY_HAND, BY_HAND, verb)
        }

    def add(self, known: Known) -> None:
        names = {key: value or "" for key, value in known.fields.items()}
        place = PLACES[BY_HAND][FORMER]
        with self.server.screen() as screen:
            screen.post("/screen/add", data={**names, "email": known.email, "list": place})

    def delete(self, known: Known) -> None:
        with self.server.screen() as screen:
            for contact in self.server.contacts()["contacts"]:
                if contact["email"] in known.emails:
                    screen.post("/screen/delete", data={"id": contact["id"]})

    def attest(self, task: OpenTask) -> None:
        platform = self.stage.installation.platforms[BY_HAND]
        tasks.attest(
            self.stage.installation.ledger,
            self.stage.customer.id,
            task.id,
            role=ROLE,
            platform=platform,
        )
