"""What it costs to be there."""
import os
import time
from pathlib import Path

import backends
from backends import Disk
from firstread import first_read
from page import Outcome, Table
from plot import Plot
from samples import figure, in_turns

ABOUT = "64 connected idle disks, memory, and the time from start to the first read"
ROUNDS, SECONDS, NEEDS = 10, 30, ()
DISKS = 64


def measure(run):
    """The rounds are starts; idle is measured once, for the seconds."""
    rows = []
    for label, disks in run.some(("one disk", 1), ("64 disks", DISKS)):
        for side, serve in (("Vireo", backends.vireo), ("qemu-storage-daemon", backends.qemu)):
            found = _idle(run, [Disk.null(f"d{i:02}") for i in range(disks)], f"{side}-{disks}", serve)
            rows.append([label, side, *(figure(found[name]) for name in ("switches", "cpu", "anon", "file"))])
    idle = Table(["connected and idle", "back-end", "context switches a second", "CPU, % of a processor", "RssAnon MB",
                  "RssFile MB"], rows)
    starts = _starts(run)
    spreads = {side: starts.spread(side, "millis") for side in ("Vireo", "Vireo on two", "qemu-storage-daemon")}
    first = Table(["start to first read, on one processor unless said", "median ms", "lowest", "highest"],
                  [[side, *(f"{value:.0f}" for value in three)] for side, three in spreads.items()])
    return Outcome([idle, first], Plot("From the command to the first read that is answered", "ms", [
        (side, {side: three}) for side, three in spreads.items()]))


def _idle(run, disks, name, serve):
    """A second of load, as a disk has behind it in life, then nothing while the front-end stays connected."""
    backend = serve(run, name, disks)
    run.bench(backend.sockets(1), "--rw=randread", "--iodepth=32", seconds=1)
    argv = [run.vireo, "bench", "--iodepth=0", f"--runtime={run.seconds + 10}", *(f"--socket={path}" for path in backend.sockets())]
    run.note(["taskset", "-c", run.front, *argv[:5], f"(and so on, {len(disks)} in all) # nothing is asked of them meanwhile"])
    connected = run.start(f"{name}-connected", argv, run.front)
    connected.await_that(lambda: _established(backend.pid) >= len(disks), "connected to every disk")
    time.sleep(3)  # what connecting left to do is done by then
    switches, cpu, begun = _switches(backend.pid), _cpu_seconds(backend.pid), time.monotonic()
    time.sleep(run.seconds)
    seconds = time.monotonic() - begun
    found = {"switches": (_switches(backend.pid) - switches) / seconds,
             "cpu": 100 * (_cpu_seconds(backend.pid) - cpu) / seconds,
             "anon": _status_kb(backend.pid, "RssAnon") / 1024, "file": _status_kb(backend.pid, "RssFile") / 1024}
    connected.stop()
    backend.stop()
    return found


def _starts(run):
    """Starts each back-end anew for every round; ours, whose compiler works beside it, on all of two processors as well."""
    disk = Disk.null("vda")

    def start(serve, name, **more):
        begun = time.monotonic()
        backend = serve(run, name, [disk], early=True, **more)
        first_read(backend.socket("vda"), timeout_seconds=60)
        millis = (time.monotonic() - begun) * 1000
        backend.stop()
        return {"millis": millis}

    return in_turns(run, {"Vireo": lambda: start(backends.vireo, "start-vireo"),
                          "Vireo on two": lambda: start(backends.vireo, "start-vireo-two", cpu=f"{run.front},{run.back}"),
                          "qemu-storage-daemon": lambda: start(backends.qemu, "start-qemu")}, warm=("Vireo", "qemu-storage-daemon"))


def _switches(pid):
    """Voluntary and involuntary, over all threads there are."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            lines = (thread / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        total += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return total


def _cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status_kb(pid, name):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def _established(pid):
    """Connections that have memory behind them: each front-end's is mapped once."""
    return Path(f"/proc/{pid}/maps").read_text().count("memfd:vireo-driver")
