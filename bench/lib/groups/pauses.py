"""What the JVM stops for."""
import re
from pathlib import Path

import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import count, figure

ABOUT = "the longest pauses of collections and safepoints in ten minutes of full load (only when asked for)"
ROUNDS, SECONDS, NEEDS = 1, 600, ()
COLLECTION = re.compile(r"GC\(\d+\) Pause.* ([0-9.]+)ms$", re.MULTILINE)
SAFEPOINT = re.compile(r'Safepoint "(\w+)".*Total: *(\d+) ns', re.MULTILINE)


def measure(run):
    log = run.path("jvm.log")
    backend = backends.vireo(run, "vireo", [Disk.null("vda")], env={"VIREO_JAVA_OPTS": f"-Xlog:gc,safepoint:file={log}:uptime"})
    begun = len(Path(log).read_text())
    figures = run.bench([backend.socket("vda")], "--rw=randread", "--iodepth=128", "--poll")
    text = Path(log).read_text()[begun:]
    collections = sorted(float(millis) for millis in COLLECTION.findall(text))
    safepoints = sorted((int(nanos) / 1e6, why) for why, nanos in SAFEPOINT.findall(text))
    longest = safepoints[-1] if safepoints else (0, "none")
    rows = [["collections", len(collections), figure(collections[-1]) if collections else "-", figure(sum(collections))],
            ["safepoints, collections included", len(safepoints), f"{figure(longest[0])} ({longest[1]})",
             figure(sum(millis for millis, _ in safepoints))]]
    load = Table(["seconds", "IOPS", "p99.9 us", "longest request us"],
                 [[figure(figures["seconds"]), count(figures["iops"]), figure(figures["p99.9_us"]), figure(figures["max_us"])]])
    bars = [(row[0], {row[0]: (longest,) * 3}) for row, longest in
            zip(rows, (collections[-1] if collections else 0, longest[0]))]
    return Outcome([Table(["the JVM stopped for", "times", "longest ms", "in all ms"], rows), load],
                   Plot("The longest pauses under full load", "ms", bars))
