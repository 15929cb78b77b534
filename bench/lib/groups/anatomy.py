"""Where the time of one request goes, and what the kernel and the processor ask for anyway."""
import json
import os
import shlex
from collections import Counter
from pathlib import Path

import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import count, figure

ABOUT = "where the nanoseconds of one request go: samples of an IOThread, and micro-benchmarks (only when asked for)"
ROUNDS, SECONDS, NEEDS = 1, 20, ("mvn",)
DEPTH = 32

# A sample belongs to the first of these that is found from its innermost frame outwards.
PARTS = (("io.vireo.posix.EventFd", "calling the driver"),
         ("io.vireo.posix.uring", "io_uring: entering, reaping"),
         ("io.vireo.virtio.queue", "virtqueue: taking chains, returning them"),
         ("io.vireo.virtio.memory", "virtqueue: taking chains, returning them"),
         ("io.vireo.virtio.blk", "request: header, checks, status"),
         ("io.vireo.storage", "block node"),
         ("io.vireo.monitoring", "metrics"),
         ("io.vireo.actors.device.RequestAccount", "metrics"),
         ("io.vireo.actors.iothread", "loop: turns, looking for work"),
         ("io.vireo.actors", "device and pipeline stages"),
         ("akka", "Akka: mailboxes, stream interpreter"),
         ("scala", "Akka: mailboxes, stream interpreter"))

SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<configuration version="2.0"><event name="jdk.CPUTimeSample">
  <setting name="enabled">true</setting><setting name="stackTrace">true</setting><setting name="throttle">1ms</setting>
</event></configuration>
"""

MICRO = "Floor|Accounting|MemoryAccess|RingSubmission|VirtqueueWalk|PipelineBatch"


def measure(run):
    iops, shares, samples = _sampled(run)
    per_request = 1e9 / iops
    parts = sorted(shares.items(), key=lambda item: -item[1])
    rows = [[part, figure(share * per_request), f"{100 * share:.1f}"] for part, share in parts]
    rows.append(["all", figure(per_request), "100"])
    where = Table([f"of one request at depth {DEPTH}, polling, {count(iops)} a second, {samples} samples", "ns", "%"], rows)
    scores = _micro(run)
    micro = Table(["micro-benchmark", "ns"], [[name, f"{figure(score)} ± {figure(error)}"] for name, (score, error) in scores.items()])
    floor = Table(["the floor", "ns", "a request on the IOThread is so many times that"],
                  [[words, figure(nanos), figure(per_request / nanos)] for words, nanos in (
                      (f"an io_uring operation that does nothing, in batches of {DEPTH}", scores["RingSubmission.nop"][0]),
                      (f"one system call (eventfd write) for {DEPTH} requests", scores["Floor.eventFdWrite"][0] / DEPTH),
                      ("4 KiB copied from far away", scores["Floor.copy4kCold"][0]))])
    bars = [(part, {"Vireo": (share * per_request,) * 3}) for part, share in parts]
    return Outcome([where, floor, micro], Plot("One request on the IOThread, null drive", "ns", bars))


def _sampled(run):
    """
    A load that polls keeps the IOThread busy all the time: its time by the requests is a request's. JFR interrupts the
    thread by the processor time it used, wherever it is.
    """
    backend = backends.vireo(run, "vireo", [Disk.null("vda")], env={"VIREO_JAVA_OPTS": "-XX:+DebugNonSafepoints"})
    tools = os.path.dirname(os.readlink(f"/proc/{backend.pid}/exe"))
    recording = run.path("samples.jfr")
    options = ["--rw=randread", f"--iodepth={DEPTH}", "--poll"]
    run.bench([backend.socket("vda")], *options, seconds=5)  # for the compiler
    jcmd = lambda *words: run.call([f"{tools}/jcmd", str(backend.pid), *words], run.front)
    settings = run.path("samples.jfc")
    Path(settings).write_text(SETTINGS)
    run.note(f"cat >{settings} <<END\n{SETTINGS}END")
    run.note(f"jcmd PID JFR.start name=anatomy settings={settings} # before the second load")
    run.note(f"jcmd PID JFR.stop name=anatomy filename={recording} # after it")
    jcmd("JFR.start", "name=anatomy", f"settings={settings}")
    iops = run.bench([backend.socket("vda")], *options)["iops"]
    jcmd("JFR.stop", "name=anatomy", f"filename={recording}")
    backend.stop()
    printed = json.loads(run.call([f"{tools}/jfr", "print", "--json", "--stack-depth", "64", "--events", "jdk.CPUTimeSample", recording]))
    parts = Counter()
    for event in printed["recording"]["events"]:
        values = event["values"]
        if (values.get("eventThread") or {}).get("javaName") == "io0" and values.get("stackTrace"):
            parts[_part(values["stackTrace"]["frames"])] += 1
    total = sum(parts.values())
    if total == 0:
        raise SystemExit("compare: no samples of the IOThread: this JVM has no jdk.CPUTimeSample")
    return iops, {part: number / total for part, number in parts.items()}, total


def _part(frames):
    for frame in frames:
        name = frame["method"]["type"]["name"].replace("/", ".")
        for prefix, part in PARTS:
            if name.startswith(prefix):
                return part
    return "other"


def _micro(run):
    """Score and error of each, with batches as the load's."""
    result = run.path("jmh.json")
    argv = [str(run.home / "bench" / "jmh"), MICRO, "-p", f"batch={DEPTH}", "-p", "indirect=true", "-rf", "json", "-rff", result]
    if run.quick:
        argv += ["-wi", "1", "-i", "1", "-r", "100ms", "-w", "100ms"]
    run.note(shlex.join(argv))
    run.call(argv)
    with open(result) as file:
        metrics = {one["benchmark"].removeprefix("io.vireo.jmh."): one["primaryMetric"] for one in json.load(file)}
    # Of a single iteration there is no error: JMH writes NaN, as a number or as a word.
    return {name: (metric["score"], 0 if "NaN" in str(metric["scoreError"]).replace("nan", "NaN") else metric["scoreError"])
            for name, metric in metrics.items()}
