"""Files in memory: the host's page cache, and tmpfs."""
import os
import subprocess

import backends
from backends import Disk
from groups import files
from page import Outcome, Table
from plot import Plot
from samples import count, figure, in_turns, spread

ABOUT = "a file in the page cache and one on tmpfs at depth 32, and what that does to a neighbour"
ROUNDS, SECONDS, NEEDS = 3, 1, ()
DEPTH = 32


def measure(run):
    """Every run drives the file at depth 32 and, on the same IOThread, a null drive at depth 1: the neighbour."""
    rows, bars = [], []
    for place, path in run.some(("page cache", run.disk_path("disk.img")), ("tmpfs", f"/dev/shm/compare-{os.getpid()}.img")):
        if place == "tmpfs" and not _is_tmpfs("/dev/shm"):
            continue
        try:
            sides = _sides(run, place.replace(" ", "-"), files.written(run, path, 512))
            for access in run.some("randread", "randwrite"):
                _line(run, place, access, sides, rows, bars)
            for backend in sides.values():
                backend.stop()
        finally:
            if os.path.exists(path):
                os.remove(path)
    header = ["file", "access", "back-end", "IOPS", "CPU us per I/O", "with a neighbour: IOPS", "neighbour's p50 us",
              "neighbour's p99 us", "Vireo's IOPS to it"]
    return Outcome([Table(header, rows)], Plot("Cached files: Vireo's requests per second beside qemu-storage-daemon's",
                                               "times as many", bars, mark=(1, "as many")))


def _sides(run, place, path):
    neighbour = Disk.null("quiet")
    sides = {"Vireo": backends.vireo(run, f"vireo-{place}", [Disk.file("busy", path, direct=False, aio="auto"), neighbour])}
    for aio in ("threads", "io_uring"):
        sides[f"qemu-storage-daemon {aio}"] = backends.qemu(
            run, f"qemu-{aio}-{place}", [Disk.file("busy", path, direct=False, aio=aio), neighbour])
    return sides


def _line(run, place, access, sides, rows, bars):
    def drive(backend):
        alone = run.bench([backend.socket("busy")], f"--rw={access}", f"--iodepth={DEPTH}")
        busy, quiet = run.bench(backend.sockets(), f"--rw={access}", f"--iodepth={DEPTH},1")["disks"]
        return {**alone, "with_iops": busy["iops"], "quiet_p50_us": quiet["p50_us"], "quiet_p99_us": quiet["p99_us"]}

    samples = in_turns(run, {side: lambda at=backend: drive(at) for side, backend in sides.items()}, warm=("Vireo",))
    for side in sides:
        rows.append([place, access, side, count(samples.median(side, "iops")), figure(samples.median(side, "cpu_us_per_io")),
                     count(samples.median(side, "with_iops")), figure(samples.median(side, "quiet_p50_us")),
                     figure(samples.median(side, "quiet_p99_us")),
                     "" if side == "Vireo" else spread(samples.ratio("Vireo", side, "iops"))])
    bars.append((f"{place}, {access}", {side: samples.ratio("Vireo", side, "iops") for side in sides if side != "Vireo"}))


def _is_tmpfs(path):
    return os.path.isdir(path) and subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True).stdout.strip() == "tmpfs"
