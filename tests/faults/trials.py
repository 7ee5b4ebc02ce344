"""Trials whose faults come from outside the documents: deaths, and services that fail. Each is a function.

A trial sends its documents in both directions, injects its faults while they travel, and ends when they have
arrived or nothing moves any more. What it did it counts; what came of it `reckoning` finds out.
"""

import shutil
import time
from typing import Final

from commits import Reaper, Relay
from crews import Worker, await_ready, strike, working
from grounds import Grounds, Side
from postmen import Postman, walking
from rounds import Every, Outcome, Terms, carry_through, send
from troublemaker import Troublemaker

from edoc.demo.server import HOST, Server

_REFERENCE: Final = 2
"""Documents that travel undisturbed, to learn which commit points there are."""


def kill_at_commits(grounds: Grounds, terms: Terms) -> Outcome:
    """`kill -9` before, in and after every kind of commit, of one process or of the whole worker."""
    outcome = Outcome()
    with Relay(target=grounds.postgres.port) as relay, _through(grounds, relay) as workers:

        def kill(pid: int, whole: bool) -> bool:
            worker = next((each for each in workers if each.owns(pid)), None)
            if worker is None:
                return False
            outcome.faults["worker killed" if whole or pid == worker.pid else "process killed"] += 1
            if whole:
                worker.strike()
                return True
            return strike(pid)

        relay.reaper = watcher = Reaper(dice=terms.dice, wanted=0, kill=kill)
        send(grounds, terms, _REFERENCE)
        carry_through(grounds, workers, terms)
        points = {point for point in watcher.seen if "again" not in point}
        relay.reaper = reaper = Reaper(dice=terms.dice, wanted=1 if terms.brief else 2, kill=kill)
        left = terms.count - _REFERENCE
        while left > 0:
            batch = min(left, 6 if terms.brief else 14)
            left -= batch
            send(grounds, terms, batch)
            if not carry_through(grounds, workers, terms):
                break
            reaper.share = min(1.0, reaper.share * 1.5)  # what is still missing must not slip through
        relay.reaper = None
        missed = [each for each in reaper.missing if each[0] in points]
        outcome.faults["commit points"] = len(points)
        outcome.faults["deaths at them"] = reaper.kills.total()
        if not terms.brief:
            outcome.require(not missed, f"no death at {missed}")
        outcome.require(reaper.kills.total() > 0, "nobody died")
    return outcome


def _through(grounds: Grounds, relay: Relay) -> "_Workers":
    """Workers that reach PostgreSQL through the relay."""
    return _Workers(
        [
            Worker(
                side=side,
                scratch=grounds.scratch,
                environment={
                    "EDOC_DATABASE__URL": side.backing.database_url.replace(
                        f":{grounds.postgres.port}/", f":{relay.port}/"
                    )
                },
            )
            for side in grounds.sides
        ]
    )


class _Workers:
    """Workers that run while the block does."""

    def __init__(self, workers: list[Worker]) -> None:
        self._workers = workers

    def __enter__(self) -> list[Worker]:
        for worker in self._workers:
            worker.start()
        return self._workers

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()


def kill_at_random(grounds: Grounds, terms: Terms) -> Outcome:
    """`kill -9` of workers and their processes at any moment; two workers share each node."""
    outcome = Outcome()
    environment = {"EDOC_WORKER__PROCESSES": "1"}
    with working(grounds, environment=environment, each=2) as workers:

        def kill(_: int) -> None:
            worker = terms.dice.choice(workers)
            if terms.dice.random() < 1 / 2:
                worker.strike()
                outcome.faults["worker killed"] += 1
            else:
                outcome.faults["process killed"] += worker.strike_process(terms.dice)

        send(grounds, terms)
        every = Every(seconds=1.0, times=5 if terms.brief else 40, dice=terms.dice, act=kill)
        carry_through(grounds, workers, terms, disturb=every, until=lambda: every.over)
    return outcome


def wipe_redis(grounds: Grounds, terms: Terms) -> Outcome:
    """Redis is stopped, or killed, and forgets everything."""
    outcome = Outcome()

    def wipe(time_before: int) -> None:
        _end(grounds.redis, killed=bool(time_before % 2))
        shutil.rmtree(grounds.redis.data)
        time.sleep(terms.dice.uniform(0.2, 2))
        grounds.redis.start()
        outcome.faults["Redis wiped"] += 1

    return _disturb(grounds, terms, outcome, Every(2.0, 2 if terms.brief else 8, terms.dice, wipe))


def restart_postgres(grounds: Grounds, terms: Terms) -> Outcome:
    """PostgreSQL is restarted, or killed with all its processes."""
    outcome = Outcome()

    def restart(time_before: int) -> None:
        _end(grounds.postgres, killed=bool(time_before % 2))
        time.sleep(terms.dice.uniform(0.2, 2))
        grounds.postgres.start()
        outcome.faults["PostgreSQL killed" if time_before % 2 else "PostgreSQL restarted"] += 1

    return _disturb(grounds, terms, outcome, Every(2.5, 2 if terms.brief else 8, terms.dice, restart))


def _end(server: Server, *, killed: bool) -> None:
    if killed:
        server.kill()
    else:
        server.stop()


def _disturb(grounds: Grounds, terms: Terms, outcome: Outcome, every: Every) -> Outcome:
    """Workers as they are, and a disturbance from time to time; the second half is sent in its midst."""
    with working(grounds) as workers:
        for worker in workers:
            await_ready(worker)
        send(grounds, terms, terms.count // 2)
        every()
        send(grounds, terms, terms.count - terms.count // 2)
        carry_through(grounds, workers, terms, disturb=every, until=lambda: every.over)
        outcome.require(all(not worker.restarts for worker in workers), "a worker ended")
    return outcome


def trouble_s3(grounds: Grounds, terms: Terms) -> Outcome:
    """S3 answers 503, is silent, hangs up after storing, and dies."""
    outcome = Outcome()
    with Troublemaker(target=grounds.s3.port, dice=terms.dice) as relay:
        environment = {"EDOC_OBJECTS__ENDPOINT": f"{HOST}:{relay.port}"}
        with working(grounds, environment=environment) as workers:
            for worker in workers:
                await_ready(worker)
            began = time.monotonic()
            relay.mischief = {"503": 0.15, "drop": 0.2, "hang": 0.02}

            def trouble(time_before: int) -> None:
                if not time_before % 2:
                    grounds.s3.kill()
                    time.sleep(terms.dice.uniform(0.2, 1))
                    grounds.s3.start()
                    outcome.faults["S3 killed"] += 1

            def enough() -> bool:
                # so long that whoever waits in silence has given up
                return relay.released.is_set() or time.monotonic() - began > (4 if terms.brief else 45)

            every = Every(5.0, 1 if terms.brief else 4, terms.dice, trouble)

            def disturb() -> None:
                every()
                if enough():
                    relay.release()

            send(grounds, terms, terms.count)
            carry_through(grounds, workers, terms, disturb=disturb, until=lambda: every.over and enough())
            outcome.require(all(not worker.restarts for worker in workers), "a worker ended")
        for kind, count in relay.done.items():
            outcome.faults[{"503": "503", "hang": "silence", "drop": "dropped after storing"}[kind]] += count
    return outcome


def deliver_twice(grounds: Grounds, terms: Terms) -> Outcome:
    """Every package comes twice, also under another id, and late ones overtake early ones."""
    outcome = Outcome()
    postman = Postman(grounds.disk / "post", terms.dice)
    postman.prepare(*grounds.sides)
    workers = _Workers([_served(grounds, side, postman) for side in grounds.sides])
    with walking(postman, *grounds.sides), workers as running:
        send(grounds, terms)
        carry_through(grounds, running, terms)
        postman.stopping.set()
        # what he still carries arrives when all is over, and changes nothing
        carry_through(grounds, running, terms, until=lambda: postman.finished)
    outcome.faults.update({f"package {kind}": count for kind, count in postman.done.items()})
    outcome.require(postman.done["repeated"] == postman.done["carried"], "not everything came twice")
    outcome.require(postman.done["overtook"] > 0, "nothing overtook anything")
    return outcome


def _served(grounds: Grounds, side: Side, postman: Postman) -> Worker:
    environment = {"EDOC_MAILBOX__PATH": str(postman.root(side))}
    return Worker(side=side, scratch=grounds.scratch, environment=environment)
