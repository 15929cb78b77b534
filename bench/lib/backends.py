"""The back-ends that are compared, each started as a user starts it, on the same disks."""
import json
import os
import shutil
import socket
from pathlib import Path

WARM_UP_SECONDS = 8


class Disk:
    """A disk as both sides serve it: QEMU's words for a block node, and how many queues."""

    def __init__(self, name, queues=1, **node):
        self.name = name
        self.queues = queues
        self.node = {key.replace("__", ".").replace("_", "-"): value for key, value in node.items()}

    @staticmethod
    def null(name, **more):
        return Disk(name, driver="null-co", size=1 << 30, read_zeroes="off", **more)

    @staticmethod
    def file(name, path, direct, aio, **more):
        """Without locks, since both sides have it open; they take turns."""
        return Disk(name, driver="file", filename=path, cache__direct="on" if direct else "off", aio=aio, locking="off", **more)


class Backend:
    """A running back-end; socket(disk) is where a disk is."""

    def __init__(self, process, sockets):
        self._process = process
        self._sockets = sockets

    @property
    def pid(self):
        return self._process.pid

    def socket(self, disk):
        return self._sockets[disk]

    def sockets(self, count=None):
        return list(self._sockets.values())[:count]

    def stop(self):
        self._process.stop()


def vireo(run, name, disks, iothreads="iothreads.io0 {}", device="iothread = io0", cpu=None, env=None, metrics_port=0,
          early=False):
    """./vireo serve with its metrics on; all disks on one IOThread unless said otherwise. early: does not wait for it."""
    sockets = {disk.name: run.path(f"{name}-{disk.name}.sock") for disk in disks}
    lines = [f"  {iothreads}"]
    for disk in disks:
        node = ", ".join(f"{key} = {_quoted(value)}" for key, value in disk.node.items())
        lines.append(f"  drives.{disk.name}-drive {{ {node} }}")
        lines.append(f'  devices.{disk.name} {{ drive = {disk.name}-drive, num-queues = {disk.queues}, {device},'
                     f' transport.path = "{sockets[disk.name]}" }}')
    lines.append(f"  metrics {{ port = {metrics_port} }}")
    conf = run.path(f"{name}.conf")
    Path(conf).write_text("vireo {\n" + "\n".join(lines) + "\n}\n")
    argv = [run.vireo, "serve", conf]
    pinned = cpu or run.back
    shown = lines if len(lines) < 12 else [*lines[:3], f"  # and so on, {len(disks)} in all", lines[-1]]
    run.note(f"cat >{conf} <<END\nvireo {{\n" + "\n".join(shown) + "\n}\nEND")
    run.note([*(f"{key}='{value}'" for key, value in (env or {}).items()), "taskset", "-c", pinned, *argv])
    process = run.start(name, argv, pinned, env)
    if not early:
        process.await_that(lambda: Path(process.log).read_text().count(" ready") >= len(disks), "ready")
    return Backend(process, sockets)


def qemu(run, name, disks, early=False):
    """qemu-storage-daemon, all disks on one IOThread. early: does not wait for it."""
    sockets = {disk.name: run.path(f"{name}-{disk.name}.sock") for disk in disks}
    argv = ["qemu-storage-daemon", "--object", "iothread,id=io0"]
    for disk in disks:
        node = ",".join(f"{key}={value}" for key, value in disk.node.items())
        argv += ["--blockdev", f"{node},node-name={disk.name}", "--export",
                 f"type=vhost-user-blk,id={disk.name}-export,node-name={disk.name},iothread=io0,writable=on,"
                 f"num-queues={disk.queues},addr.type=unix,addr.path={sockets[disk.name]}"]
    shown = argv if len(disks) < 4 else [*argv[:7], f"(and so on, {len(disks)} in all)"]
    run.note(["taskset", "-c", run.back, *shown])
    process = run.start(name, argv, run.back)
    if not early:
        process.await_that(lambda: all(os.path.exists(path) for path in sockets.values()), "ready")
    return Backend(process, sockets)


def spdk_binary():
    """SPDK's vhost target, where it is installed; None where it is not."""
    return shutil.which("spdk_vhost") or shutil.which("vhost", path="/usr/local/bin:/opt/spdk/build/bin")


def spdk(run, name, disk, size_bytes):
    """SPDK's vhost target with a malloc bdev of blocks of 4 KiB. It polls without pause: its processor is always busy."""
    conf = run.path(f"{name}.json")
    Path(conf).write_text(json.dumps({"subsystems": [
        {"subsystem": "bdev", "config": [{"method": "bdev_malloc_create", "params": {
            "name": "Malloc0", "num_blocks": size_bytes // 4096, "block_size": 4096}}]},
        {"subsystem": "vhost_blk", "config": [{"method": "vhost_create_blk_controller", "params": {
            "ctrlr": f"{disk}.sock", "dev_name": "Malloc0"}}]}]}, indent=2))
    argv = [spdk_binary(), "-m", f"[{run.back}]", "-S", run.path(""), "-c", conf, "--no-huge", "-s", "1536"]
    run.note(f"cat >{conf} <<END\n{Path(conf).read_text()}\nEND")
    run.note(argv)
    process = run.start(name, argv)
    path = run.path(f"{disk}.sock")
    process.await_that(lambda: _listens(path), "ready")
    return Backend(process, {disk: path})


def _listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _quoted(value):
    return f'"{value}"' if isinstance(value, str) and "/" in value else value


def warmed(run, backend):
    """A JVM's compiler takes its share of the first seconds at a low depth: this is what a daemon is like after them."""
    if not run.quick:
        run.bench([backend.socket("vda")], "--rw=randread", "--iodepth=32", seconds=WARM_UP_SECONDS)
    return backend
