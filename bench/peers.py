"""
What a plain program would do with the same calls: the vendor's SDK in a loop, in threads, or as
one message per operation.

Each subscribes a person and looks the person up again. Only the last records anything: a row.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from typing import Any

import dramatiq
import mailchimp_marketing
import sqlalchemy as sa
from dramatiq.brokers.redis import RedisBroker

from bench.platform import AUDIENCE

KEY = "0123456789abcdef0123456789abcdef-us21"
jobs = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String),
    sa.Column("state", sa.String),
)


def client(url: str) -> Any:
    made = mailchimp_marketing.Client({"api_key": KEY, "server": "us21"})
    for api in (
        made.api_client,
        *(getattr(one, "api_client", None) for one in vars(made).values()),
    ):
        if api is not None:
            api.host = url
    return made


def subscribe(made: Any, email: str) -> bool:
    """Two calls; whether the person was seen as asked."""
    hashed = md5(email.encode(), usedforsecurity=False).hexdigest()
    made.lists.set_list_member(
        AUDIENCE,
        hashed,
        {
            "email_address": email,
            "status_if_new": "subscribed",
            "merge_fields": {"FNAME": "Anna", "LNAME": "de Vries"},
        },
    )
    seen = made.lists.get_list_member(AUDIENCE, hashed)
    return bool(seen["status"] == "subscribed" and seen["merge_fields"]["FNAME"] == "Anna")


def in_a_loop(url: str, number: int, threads: int) -> int:
    made = client(url)
    emails = [f"p{one}-{threads}@example.nl" for one in range(number)]
    if threads == 1:
        return sum(subscribe(made, email) for email in emails)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda email: subscribe(made, email), emails))


def one_message_each(url: str, number: int, threads: int, redis: str, database: str) -> int:
    broker = RedisBroker(url=redis, namespace="bench-peer")  # type: ignore[no-untyped-call]
    dramatiq.set_broker(broker)
    engine = sa.create_engine(database, pool_size=threads)
    made = client(url)

    @dramatiq.actor(broker=broker)
    def carry(job: int) -> None:
        with engine.begin() as db:
            email = db.execute(sa.select(jobs.c.email).where(jobs.c.id == job)).scalar_one()
        state = "verified" if subscribe(made, email) else "failed"
        with engine.begin() as db:
            db.execute(sa.update(jobs).where(jobs.c.id == job).values(state=state))

    with engine.begin() as db:
        jobs.drop(db, checkfirst=True)
        jobs.create(db)
        rows = [{"id": one, "email": f"m{one}@example.nl"} for one in range(number)]
        db.execute(sa.insert(jobs), rows)
    for one in range(number):
        carry.send(one)
    return work_through(broker, engine, number, threads)


def work_through(broker: dramatiq.Broker, engine: sa.Engine, number: int, threads: int) -> int:
    worker = dramatiq.Worker(broker, worker_threads=threads)
    begin()
    worker.start()
    done = sa.select(sa.func.count()).where(jobs.c.state == "verified")
    while True:
        with engine.begin() as db:
            verified = int(db.execute(done).scalar_one())
        if verified >= number:
            break
        time.sleep(0.02)
    end()
    worker.stop()
    broker.close()
    engine.dispose()
    return verified


marks: list[tuple[float, float]] = []


def begin() -> None:
    marks.append((time.perf_counter(), time.process_time()))


end = begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["loop", "messages"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--redis", default="")
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    if given.how == "loop":
        begin()
        verified = in_a_loop(given.url, given.number, given.threads)
        end()
    else:
        verified = one_message_each(
            given.url, given.number, given.threads, given.redis, given.database
        )
    (started, cpu_then), (ended, cpu_now) = marks
    sys.stdout.write(
        json.dumps({"verified": verified, "seconds": ended - started, "cpu": cpu_now - cpu_then})
    )


if __name__ == "__main__":
    main()
