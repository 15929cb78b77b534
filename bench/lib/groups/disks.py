"""Many disks on one IOThread."""
import threading
import urllib.request
from contextlib import contextmanager

import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import both, count, figure, in_turns, spread

ABOUT = "1, 8 and 64 null drives on one IOThread: throughput, fairness, neighbours, scrapes"
ROUNDS, SECONDS, NEEDS = 3, 1, ()
DISKS, METRICS_PORT = 64, 19464
SIDES = ("Vireo", "QEMU")


def measure(run):
    disks = [Disk.null(f"d{i:02}") for i in range(DISKS)]
    ours = backends.vireo(run, "vireo", disks, metrics_port=METRICS_PORT)
    both_sides = {"Vireo": ours, "QEMU": backends.qemu(run, "qemu", disks)}
    throughput, bars = _throughput(run, both_sides)
    return Outcome([throughput, _fairness(run, both_sides), _neighbours(run, both_sides, ours)],
                   Plot("Many disks on one IOThread: requests per second in all", "requests per second", bars))


def _turns(run, backends_by_side, count_of_disks, depths, warm=("Vireo",)):
    return in_turns(run, {side: lambda at=backend: _flat(run.bench(at.sockets(count_of_disks), f"--iodepth={depths}", "--rw=randread"))
                          for side, backend in backends_by_side.items()}, warm)


def _flat(figures):
    """The sum's figures, and those of the first disk and the last, and how even the disks are."""
    disks = figures.pop("disks", [figures])
    iops = [disk["iops"] for disk in disks]
    return {**figures, "last_p50_us": disks[-1]["p50_us"], "last_p99_us": disks[-1]["p99_us"], "even": min(iops) / max(1, max(iops))}


def _throughput(run, sides):
    rows, bars = [], []
    for label, disks, depths in run.some(("1 disk, depth 64", 1, "64"), ("8 disks, depth 8 each", 8, "8"),
                                         ("64 disks, depth 1 each", DISKS, "1"), ("1 disk, depth 32", 1, "32"),
                                         ("1 of 64 disks at depth 32, 63 idle", DISKS, "32,0")):
        samples = _turns(run, sides, disks, depths)
        rows.append([label, count(samples.median("Vireo", "iops")), count(samples.median("QEMU", "iops")),
                     spread(samples.ratio("Vireo", "QEMU", "iops")), both(samples, *SIDES, "p99_us"),
                     both(samples, *SIDES, "cpu_us_per_io")])
        bars.append((label, {side: samples.spread(side, "iops") for side in SIDES}))
    return Table(["disks", "Vireo IOPS", "qemu-storage-daemon IOPS", "ratio (lowest to highest)", "p99 us", "CPU us per I/O"], rows), bars


def _fairness(run, sides):
    rows = []
    for label, disks in run.some(("two", 2), ("eight", 8)):
        samples = _turns(run, sides, disks, "16")
        rows.append([label, *(spread(samples.spread(side, "even")) for side in SIDES)])
    return Table(["equally loaded disks, depth 16 each", "the slowest's IOPS to the fastest's, Vireo", "qemu-storage-daemon"], rows)


def _neighbours(run, sides, ours):
    """A disk at depth 1, on its own, beside a busy one, and while its metrics are scraped."""
    alone = _turns(run, sides, 1, "1")
    beside = _turns(run, sides, 2, "128,1")
    with _scrapes():
        scraped = _turns(run, {"Vireo": ours}, 1, "1")
    pair = lambda samples, name: both(samples, *SIDES, name)
    rows = [["alone", pair(alone, "last_p50_us"), pair(alone, "last_p99_us")],
            ["beside a disk at depth 128", pair(beside, "last_p50_us"), pair(beside, "last_p99_us")],
            ["alone, 64 disks' metrics scraped every second", *(f"{figure(scraped.median('Vireo', name))} / -"
                                                                for name in ("last_p50_us", "last_p99_us"))]]
    return Table(["a disk at depth 1", "p50 us, Vireo / qemu-storage-daemon", "p99 us"], rows)


@contextmanager
def _scrapes():
    """Reads the metrics every second until the end."""
    over = threading.Event()
    failures = []

    def scrape():
        while not over.wait(1):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=5).read()
            except OSError as failure:
                failures.append(failure)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise SystemExit(f"compare: a scrape failed: {failures[0]}")
