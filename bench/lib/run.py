"""One group's run: its folder, its processes, and the commands it took."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 60


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


class Run:
    """What every group has at hand. At its end all processes that it started are gone, and its files."""

    def __init__(self, home, given, rounds, seconds):
        self.home = home
        self.quick = given.quick
        self.rounds = 1 if given.quick else given.rounds or rounds
        self.seconds = 1 if given.quick else given.seconds or seconds
        self.front, self.back, *rest = given.cpus.split(",")
        self.second = rest[0] if rest else None
        self.commands = []
        self._processes = []
        self._folder = tempfile.mkdtemp(prefix="compare-")
        self._disk_folder = tempfile.mkdtemp(prefix="compare-", dir=given.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(self._disk_folder, ignore_errors=True)

    @property
    def vireo(self):
        return str(self.home / "vireo")

    def path(self, name):
        """A file of this run; sockets, configurations and logs lie there."""
        return f"{self._folder}/{name}"

    def disk_path(self, name):
        """A file on a disk."""
        return f"{self._disk_folder}/{name}"

    def some(self, *lines):
        """All lines, or the first of them in a quick run."""
        return lines[:1] if self.quick else lines

    def note(self, command):
        """Keeps a command for the page, once, without this run's own paths."""
        text = command if isinstance(command, str) else " ".join(command)
        for path, name in ((self._disk_folder, "$DISK"), (self._folder, "$DIR"), (str(self.home), ".")):
            text = text.replace(path, name)
        if text not in self.commands:
            self.commands.append(text)

    def call(self, argv, cpu=None):
        """Runs a command to its end; answers its stdout. What it says on stderr is shown only when it fails."""
        pinned = ["taskset", "-c", cpu, *argv] if cpu else argv
        done = subprocess.run(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.stderr.write(done.stderr)
            raise SystemExit(f"compare: exit status {done.returncode}: {' '.join(pinned)}")
        return done.stdout

    def start(self, name, argv, cpu=None, env=None):
        """Starts a process that lasts until it is stopped, or until the end of this run."""
        pinned = ["taskset", "-c", cpu, *argv] if cpu else argv
        process = Process(name, pinned, self.path(f"{name}.log"), env or {})
        self._processes.append(process)
        return process

    def bench(self, sockets, *options, cpu=None, seconds=None):
        """One run of `vireo bench`; its figures."""
        argv = [self.vireo, "bench", "--json", f"--runtime={seconds or self.seconds}", *(f"--socket={path}" for path in sockets), *options]
        if "--rw=randread" not in argv and "--rw=read" not in argv:
            argv.append("--yes")
        cpu = cpu or self.front
        shown = argv if len(sockets) < 4 else [*argv[:4], f"({len(sockets)} sockets)", *argv[4 + len(sockets) - 1:]]
        self.note(["taskset", "-c", cpu, *shown])
        return json.loads(self.call(argv, cpu))

    def fio(self, path, engine, *options):
        """One run of fio on the back-ends' processor, in `bench`'s words."""
        argv = ["fio", "--name=compare", f"--filename={path}", f"--ioengine={engine}", f"--size={os.stat(path).st_size}",
                f"--runtime={self.seconds}", "--time_based", "--norandommap", "--randrepeat=0", "--thread",
                "--output-format=json", *options]
        self.note(["taskset", "-c", self.back, *argv])
        job = json.loads(self.call(argv, self.back))["jobs"][0]
        side = max((job["read"], job["write"]), key=lambda one: one["total_ios"])
        percentiles = side["clat_ns"]["percentile"]
        iops = job["read"]["iops"] + job["write"]["iops"]
        cpu_seconds = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] / 1000
        return {"iops": iops, "mb_per_second": (job["read"]["bw_bytes"] + job["write"]["bw_bytes"]) / 1e6,
                "p50_us": percentiles["50.000000"] / 1e3, "p99_us": percentiles["99.000000"] / 1e3,
                "p99.9_us": percentiles["99.900000"] / 1e3,
                "cpu_us_per_io": cpu_seconds * 1e6 / max(1, iops * job["job_runtime"] / 1000)}


class Process:
    """A process that runs in the background."""

    def __init__(self, name, argv, log, env):
        self.name = name
        self.log = log
        with open(log, "w") as out:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **env})

    @property
    def pid(self):
        return self._process.pid

    def await_that(self, ready, what):
        """Waits until ready() is true."""
        end = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                sys.stderr.write(Path(self.log).read_text())
                raise SystemExit(f"compare: {self.name} is not {what}")
            time.sleep(0.01)

    def wait(self):
        """Waits for its end."""
        self._process.wait()

    def stop(self):
        """Ends it and waits for that."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
