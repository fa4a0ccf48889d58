"""Results on disk, one file a stage, and from which run and which programs each one came."""
import hashlib
import json
import platform
import re
import secrets
import subprocess
from pathlib import Path

PACKAGES = ("libuv1-dev", "libasio-dev", "libevent-dev", "libbenchmark-dev")


def new_run_id():
    return secrets.token_hex(4)


def fingerprint(build):
    """Of every program that is measured: results of different ones are not of one kind."""
    digest = hashlib.sha256()
    for program in sorted([*Path(build, "examples").iterdir(), *Path(build, "bench").rglob("*")]):
        if program.is_file() and program.stat().st_mode & 0o111:
            digest.update(program.name.encode() + program.read_bytes())
    return digest.hexdigest()[:8]


def save(folder, stage, run, programs, command, data, gaps):
    folder.mkdir(parents=True, exist_ok=True)
    record = {"stage": stage, "run": run, "programs": programs, "command": command, "data": data,
              "gaps": gaps}
    (folder / f"{stage}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def load_all(folder):
    records = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        records[record["stage"]] = record
    return records


def last_run(folder):
    """The run that wrote last, or nothing."""
    newest = max(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, default=None)
    return json.loads(newest.read_text(encoding="utf-8"))["run"] if newest else None


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.splitlines()[0].strip() if done.stdout else ""


def version_of(package):
    return first_line("dpkg-query", "-W", "-f", "${Version}", package) or "not installed"


def machine(compiler, placement):
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.*)$", cpu, re.M)
    release = platform.freedesktop_os_release()
    return {
        "CPU": f"{model[1] if model else platform.machine()}, "
               f"{len(re.findall('^processor', cpu, re.M))} cores",
        "system": f"{release.get('PRETTY_NAME', '?')}, Linux {platform.release()}",
        "compiler": first_line(compiler, "--version"),
        "peers": ", ".join(f"{name} {version_of(name)}" for name in PACKAGES),
        "method": "; ".join(placement.notes) or
                  "lockstep on one core under SCHED_FIFO",
    }
