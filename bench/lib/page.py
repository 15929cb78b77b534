"""What a group writes: tables, how they came about, and a plot, between its two marks in docs/performance.md."""
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import plot as plots


@dataclass
class Table:
    header: list
    rows: list

    def text(self):
        line = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |\n"
        return line(self.header) + "|" + "---|" * len(self.header) + "\n" + "".join(map(line, self.rows))


@dataclass
class Outcome:
    tables: list
    plot: plots.Plot


def section(run, outcome):
    """The text between the marks, without the plot's address."""
    tables = "\n".join(table.text() for table in outcome.tables)
    commands = "\n\n".join(run.commands)
    return (f"{tables}\n{run.rounds} rounds of {run.seconds} s, {_circumstances(run.home)}\n\n"
            f"<details><summary>commands</summary>\n\n```sh\n{commands}\n```\n\n</details>\n")


def write(page, group, text, plot):
    """Puts both into the page; the plot into a folder named like it."""
    old = page.read_text()
    mark = re.compile(rf"(<!-- group:{group} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not mark.search(old):
        raise SystemExit(f"compare: {page} has no <!-- group:{group} --> ... <!-- end -->")
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    (pictures / f"{group}.svg").write_text(plot.svg())
    body = f"![{plot.title}]({pictures.name}/{group}.svg)\n\n{text}"
    page.write_text(mark.sub(lambda found: found[1] + body + found[2], old))


def _circumstances(home):
    commit = _first("git", "-C", str(home), "rev-parse", "--short", "HEAD") or "unknown"
    # The page itself changes from group to group, and is not what is measured.
    changed = " with changes" if _first("git", "-C", str(home), "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs") else ""
    qemu = re.search(r"version (\S+)", _first("qemu-storage-daemon", "--version"))
    fio = _first("fio", "--version")
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    parts = [date.today().isoformat(), f"commit {commit}{changed}", f"QEMU {qemu[1]}" if qemu else "", fio,
             f"Linux {platform.release().split('-')[0]}", f"{os.cpu_count()} processors, {cpu[1] if cpu else platform.machine()}"]
    return ", ".join(part for part in parts if part)


def _first(*argv):
    """The first line that a command says; empty where there is no such command."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.split("\n")[0].strip() if done.returncode == 0 else ""
