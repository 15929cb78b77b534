"""What the JVM stops for, while it compiles what is hot and after that."""
import re
from pathlib import Path
from statistics import median

import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import count, figure

ABOUT = "the longest pauses of collections and safepoints in ten minutes of full load (only when asked for)"
ROUNDS, SECONDS, NEEDS = 1, 600, ()
WARM_SECONDS = 10
COLLECTION = re.compile(r"^\[([0-9.]+)s\].*GC\(\d+\) Pause.* ([0-9.]+)ms$", re.MULTILINE)
SAFEPOINT = re.compile(r'^\[([0-9.]+)s\].*Safepoint "(\w+)".*Total: *(\d+) ns', re.MULTILINE)


def measure(run):
    log = run.path("jvm.log")
    backend = backends.vireo(run, "vireo", [Disk.null("vda")], env={"VIREO_JAVA_OPTS": f"-Xlog:gc,safepoint:file={log}:uptime"})
    begun = len(Path(log).read_text())
    figures = run.bench([backend.socket("vda")], "--rw=randread", "--iodepth=128", "--poll")
    text = Path(log).read_text()[begun:]
    begun_seconds = re.search(r"^\[([0-9.]+)s\]", text, re.MULTILINE) # the first pause comes at once
    warm = (float(begun_seconds[1]) if begun_seconds else 0) + WARM_SECONDS
    collections = [(float(seconds), float(millis), "") for seconds, millis in COLLECTION.findall(text)]
    safepoints = [(float(seconds), int(nanos) / 1e6, why) for seconds, why, nanos in SAFEPOINT.findall(text)]
    parts = [(f"{kind}, {when}", [pause for pause in pauses if wanted(pause[0])])
             for kind, pauses in (("collections", collections), ("safepoints, collections included", safepoints))
             for when, wanted in ((f"first {WARM_SECONDS} s", lambda at: at < warm), ("after that", lambda at: at >= warm))]
    rows = [[name, *stops(pauses)] for name, pauses in parts]
    load = Table(["seconds", "IOPS", "p99.9 us", "longest request us"],
                 [[figure(figures["seconds"]), count(figures["iops"]), figure(figures["p99.9_us"]), figure(figures["max_us"])]])
    bars = [(name, {name: (max((pause[1] for pause in pauses), default=0),) * 3}) for name, pauses in parts]
    return Outcome([Table(["the JVM stopped for", "times", "median ms", "longest ms", "in all ms"], rows), load],
                   Plot("The longest pauses under full load", "ms", bars))


def stops(pauses):
    if not pauses: return [0, "-", "-", "-"]
    _, longest, why = max(pauses, key=lambda pause: pause[1])
    millis = [pause[1] for pause in pauses]
    return [len(pauses), figure(median(millis)), f"{figure(longest)} ({why})" if why else figure(longest), figure(sum(millis))]
