"""What is asked of an endpoint, and how long it took: one coroutine for each phase, each cleans up after itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from bench.api.endpoint import Endpoint

PREFIX = "bench-"
CONNECTOR = {
    "initiator": "iqn.2026-11.org.example:bench",
    "ip": "127.0.0.1",
    "host": "bench",
    "platform": "x86_64",
    "os_type": "linux",
    "multipath": False,
}


@dataclass(frozen=True, slots=True)
class Size:
    """How often each thing is done."""

    one_by_one: int = 20
    at_once: int = 16
    burst: int = 200
    attaching: int = 30
    listed: tuple[int, ...] = (200, 1000)
    reading_s: float = 8.0


SMALL = Size(one_by_one=2, at_once=4, burst=8, attaching=2, listed=(8,), reading_s=0.5)


@dataclass
class Found:
    """Figures by name: seconds, of which less is better, and rates a second, of which more is better."""

    seconds: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def times(self, name: str, taken: list[float]) -> None:
        """Keep the median, and what 95 of 100 stayed below."""
        self.seconds[f"{name}, median"] = median(taken)
        if len(taken) > 1:
            self.seconds[f"{name}, 95 %"] = quantiles(taken, n=20, method="inclusive")[-1]


async def opened(endpoint: Endpoint) -> None:
    """Take the limits off the project."""
    names = ("volumes", "snapshots", "gigabytes")
    await endpoint.ask("PUT", f"/os-quota-sets/{endpoint.project_id}", {"quota_set": dict.fromkeys(names, -1)})


async def one_by_one(endpoint: Endpoint, size: Size, found: Found) -> None:
    """Make and delete volumes, then snapshots, each when the one before is ready."""
    accepted, ready, gone = [], [], []
    for _ in range(size.one_by_one):
        began = time.perf_counter()
        ident = await _create(endpoint)
        accepted.append(time.perf_counter() - began)
        await endpoint.until(f"/volumes/{ident}", "volume", "available")
        ready.append(time.perf_counter() - began)
        gone.append(await _drop(endpoint, "volumes", ident))
    found.times("create a volume: accepted", accepted)
    found.times("create a volume: available", ready)
    found.times("delete a volume: gone", gone)
    volume = await _ready_volume(endpoint)
    taken, removed = [], []
    for number in range(size.one_by_one):
        began = time.perf_counter()
        body = {"snapshot": {"volume_id": volume, "name": f"{PREFIX}{number}"}}
        ident = (await endpoint.ask("POST", "/snapshots", body))["snapshot"]["id"]
        await endpoint.until(f"/snapshots/{ident}", "snapshot", "available")
        taken.append(time.perf_counter() - began)
        removed.append(await _drop(endpoint, "snapshots", ident))
    found.times("snapshot: available", taken)
    found.times("delete a snapshot: gone", removed)
    await _drop(endpoint, "volumes", volume)


async def attaching(endpoint: Endpoint, size: Size, found: Found) -> None:
    """Attach and detach as a compute service does: create with a connector, complete, delete."""
    for at_once in (1, size.at_once // 2):
        free = [await _ready_volume(endpoint) for _ in range(at_once)]

        async def cycle(_: int, free: list[str] = free) -> None:
            volume = free.pop()
            body = {"attachment": {"volume_uuid": volume, "connector": CONNECTOR}}
            ident = (await endpoint.ask("POST", "/attachments", body))["attachment"]["id"]
            await endpoint.ask("POST", f"/attachments/{ident}/action", {"os-complete": {}})
            await endpoint.ask("DELETE", f"/attachments/{ident}")
            await endpoint.until(f"/volumes/{volume}", "volume", "available")
            free.append(volume)

        count = size.attaching * min(at_once, 2)
        spent = await _each(range(count), at_once, cycle)
        found.rates[f"attach and detach, {at_once} at once"] = count / spent
        for volume in free:
            await _drop(endpoint, "volumes", volume)


async def bursts(endpoint: Endpoint, size: Size, found: Found) -> None:
    """Make many volumes at once and delete them; on the way, read while so many are there."""
    first = await _fill(endpoint, size.burst, size.at_once)
    found.rates[f"create, {size.at_once} at once: available"] = size.burst / first
    found.rates[f"delete, {size.at_once} at once: gone"] = size.burst / await _drain(endpoint, size.at_once)
    there = 0
    for wanted in size.listed:
        await _fill(endpoint, wanted - there, size.at_once)
        there = wanted
        await _reading(endpoint, wanted, size, found)
    await _drain(endpoint, size.at_once)


async def _reading(endpoint: Endpoint, there: int, size: Size, found: Found) -> None:
    """Read one volume, a page of them, and all by pages."""
    idents = [one["id"] for one in await _mine(endpoint)]
    at_once = max(1, size.at_once // 2)

    async def rate(act: Callable[[int], Awaitable[Any]]) -> float:
        until, done = time.perf_counter() + size.reading_s, 0

        async def go_on(worker: int) -> None:
            nonlocal done
            number = worker
            while time.perf_counter() < until:
                await act(number)
                number, done = number + at_once, done + 1

        spent = await _each(range(at_once), at_once, go_on)
        return done / spent

    found.rates[f"show one of {there}, {at_once} at once"] = await rate(
        lambda number: endpoint.ask("GET", f"/volumes/{idents[number * 7919 % len(idents)]}")
    )
    found.rates[f"a page of 100 of {there} in detail, {at_once} at once"] = await rate(
        lambda _: endpoint.ask("GET", "/volumes/detail?limit=100")
    )
    began = time.perf_counter()
    await _mine(endpoint, "/volumes/detail", limit=100)
    found.seconds[f"all {there} in detail, by pages of 100"] = time.perf_counter() - began


# --- pieces ------------------------------------------------------------------------------------------------------


async def _create(endpoint: Endpoint) -> str:
    body = {"volume": {"name": f"{PREFIX}volume", "size": 1}}
    return str((await endpoint.ask("POST", "/volumes", body))["volume"]["id"])


async def _ready_volume(endpoint: Endpoint) -> str:
    ident = await _create(endpoint)
    await endpoint.until(f"/volumes/{ident}", "volume", "available")
    return ident


async def _drop(endpoint: Endpoint, kind: str, ident: str) -> float:
    """Delete a thing; return how long it took to go."""
    began = time.perf_counter()
    await endpoint.ask("DELETE", f"/{kind}/{ident}")
    await endpoint.until(f"/{kind}/{ident}", kind.removesuffix("s"), None)
    return time.perf_counter() - began


async def _fill(endpoint: Endpoint, count: int, at_once: int) -> float:
    """Make so many volumes; return how long it took until all were available."""
    began = time.perf_counter()
    await _each(range(count), at_once, lambda _: _create(endpoint))
    await _until_none(endpoint, "creating")
    return time.perf_counter() - began


async def _drain(endpoint: Endpoint, at_once: int) -> float:
    """Delete all volumes of ours; return how long it took until all were gone."""
    idents = [one["id"] for one in await _mine(endpoint)]
    began = time.perf_counter()
    await _each(idents, at_once, lambda ident: endpoint.ask("DELETE", f"/volumes/{ident}"))
    await _until_none(endpoint, "deleting")
    return time.perf_counter() - began


async def _until_none(endpoint: Endpoint, status: str) -> None:
    while await _mine(endpoint, f"/volumes?status={status}", limit=1):  # noqa: ASYNC110 - it is another's to say
        await asyncio.sleep(0.1)


async def _mine(endpoint: Endpoint, path: str = "/volumes", *, limit: int = 1000) -> list[dict[str, Any]]:
    """Return what a listing holds of ours, page after page; for a limit of 1, the first."""
    joint, listed, marker = "&" if "?" in path else "?", [], ""
    while True:
        page = (await endpoint.ask("GET", f"{path}{joint}limit={limit}{marker}"))["volumes"]
        listed += [one for one in page if (one["name"] or "").startswith(PREFIX)]
        if len(page) < limit or limit == 1:
            return listed
        marker = f"&marker={page[-1]['id']}"


async def _each(items: Iterable[Any], at_once: int, act: Callable[[Any], Awaitable[Any]]) -> float:
    """Act on each item, so many at once; return how long all took."""
    left, began = iter(items), time.perf_counter()

    async def go_on() -> None:
        for item in left:
            await act(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(go_on())
    return time.perf_counter() - began
