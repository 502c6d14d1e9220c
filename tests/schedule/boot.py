#!/usr/bin/env python3
"""Does the service that `jwtriage schedule systemd` prints do its work, when systemd itself starts it?

usage: tests/schedule/boot.py BINARY

Boots systemd in a container (systemd-nspawn, without network) on an overlay over this machine's root filesystem, of which nothing is
changed, and starts the service there: as its own passing user, with all that the unit forbids. The logs belong to root and may be read
by the group adm, and hold more tokens than memory has room for. The service is started twice: then there are two reports, of which the
second has nothing to count, and they belong to that user. Last, a shell under the same unit is asked whether it can write elsewhere, see homes, use a network, have capabilities or make namespaces.

Exit code 0 when all is as promised, 1 when not, 77 when no systemd could be booted here. Needs root, systemd-nspawn and Python 3.9.
"""
import base64, json, os, shutil, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKENS = 100_000
TIMEOUT = 180

CONFIGURATION = """paths = ["/var/log/app"]
state = "/var/lib/jwtriage/state.db"
reports = "/var/lib/jwtriage/reports"

[scan]
memory = "64MiB"
"""

# What must not be possible: each line behind the first is a complaint.
PROBE = """#!/bin/bash
exec > /var/lib/jwtriage/probe.txt 2>/dev/null
id -u
for place in /etc /usr/local/bin /var/log/app /var/lib /run; do
  (: > $place/written) && echo "can write to $place"
done
[ -z "$(ls -A /home)$(ls -A /root)" ] || echo "can see homes"
(: < /dev/tcp/127.0.0.1/9) 2>&1 | grep -q refused && echo "can use a network"
grep -q '^CapBnd:.*[1-9a-f]' /proc/self/status && echo "can have capabilities"
unshare --user true && echo "can make namespaces"
exit 0
"""

# The container ends by itself, whatever happens in it.
TARGET = """[Unit]
Requires=asked.service
After=asked.service
AllowIsolate=yes
"""
ASKED = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=append:/told.txt
ExecStart=/bin/sh -c ': > /booted'
ExecStart=-/bin/sh -c 'systemctl start jwtriage.service; systemctl show jwtriage.service -p Result,ExecMainStatus,DynamicUser'
ExecStart=-/bin/sh -c 'systemctl start jwtriage.service; systemctl show jwtriage.service -p Result,ExecMainStatus,DynamicUser'
ExecStart=-/bin/sh -c 'mkdir /etc/systemd/system/jwtriage.service.d; cp /probe.conf /etc/systemd/system/jwtriage.service.d/; systemctl daemon-reload; systemctl start jwtriage.service'
ExecStart=-/bin/sh -c 'journalctl --no-pager -o cat -u jwtriage > /journal.txt; systemctl --force --force poweroff'
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)


def logs(directory):
    """Logs as Debian keeps them: of root, for the group adm."""
    shutil.copytree(os.path.join(ROOT, "testdata", "incident", "logs"), directory)
    part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    header = part(b'{"alg":"HS256"}')
    with open(os.path.join(directory, "many.log"), "w") as out:
        for number in range(TOKENS):
            claims = part(json.dumps({"sub": f"u-{number}", "exp": 1781222400}).encode())
            out.write(f"2026-06-12T01:00:00Z api refused token={header}.{claims}.{part(number.to_bytes(32, 'big'))} \n")
    for place, _, names in os.walk(directory):
        shutil.chown(place, "root", "adm")
        os.chmod(place, 0o750)
        for name in names:
            shutil.chown(os.path.join(place, name), "root", "adm")
            os.chmod(os.path.join(place, name), 0o640)


def boot(binary, root):
    """What the container tells, or None when it did not get so far."""
    units = os.path.join(root, "etc", "systemd", "system")
    shutil.copy(binary, os.path.join(root, "usr", "local", "bin", "jwtriage"))
    shutil.rmtree(os.path.join(root, "var", "log", "app"), ignore_errors=True)
    logs(os.path.join(root, "var", "log", "app"))
    write(os.path.join(root, "home", "somebody", "file"), "")
    for name in ("jwtriage.service", "jwtriage.timer"):
        if os.path.exists(os.path.join(units, name)):
            os.remove(os.path.join(units, name))
    shutil.rmtree(os.path.join(units, "jwtriage.service.d"), ignore_errors=True)
    write(os.path.join(root, "etc", "jwtriage", "nightly.toml"), CONFIGURATION)
    command = ["chroot", root, "/usr/local/bin/jwtriage", "schedule", "systemd", "--program", "/usr/local/bin/jwtriage", "--out", "/etc/systemd/system"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    write(os.path.join(root, "usr", "local", "bin", "probe"), PROBE, 0o755)
    write(os.path.join(root, "probe.conf"), "[Service]\nExecStart=\nExecStart=/usr/local/bin/probe\n")
    write(os.path.join(units, "asked.target"), TARGET)
    write(os.path.join(units, "asked.service"), ASKED)
    container = ["systemd-nspawn", "--quiet", "--directory", root, "--register=no", "--keep-unit", "--private-network", "--boot", "systemd.unit=asked.target"]
    try:
        subprocess.run(container, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        if os.path.exists(os.path.join(root, "booted")):
            raise SystemExit(f"systemd was booted, and the service did not end: {error}")
        return None
    if not os.path.exists(os.path.join(root, "booted")):
        return None
    return [open(os.path.join(root, name)).read() for name in ("told.txt", "journal.txt")]


def rows(report, name):
    with open(os.path.join(report, name)) as table:
        return sum(1 for _ in table) - 1


def wrong(root, told, journal):
    """What is not as promised."""
    for expected in ("Result=success", "ExecMainStatus=0", "DynamicUser=yes"):
        if told.count(expected) != 2:
            yield f"expected {expected} twice, found {told!r}"
    state = os.path.join(root, "var", "lib", "jwtriage")
    shelf = os.path.join(state, "reports")
    reports = sorted(name for name in os.listdir(shelf) if name.startswith("2")) if os.path.isdir(shelf) else []
    if len(reports) != 2:
        yield f"expected two reports, found {reports}\n{journal}"
        return
    first, second = (os.path.join(shelf, name) for name in reports)
    if rows(first, "tokens.csv") <= TOKENS:
        yield f"expected more than {TOKENS} tokens, found {rows(first, 'tokens.csv')}"
    if rows(second, "tokens.csv"):
        yield f"expected nothing to count in the second run, found {rows(second, 'tokens.csv')} tokens"
    if os.stat(first).st_uid == 0 or os.stat(first).st_mode & 0o007:
        yield f"expected a report of another user than root, that others cannot read: {os.stat(first)}"
    with open(os.path.join(state, "probe.txt")) as probe:
        user, *complaints = probe.read().splitlines()
    if user == "0":
        yield "it runs as root"
    yield from (f"the service {complaint}" for complaint in complaints)


def main():
    binary = os.path.abspath(sys.argv[1])
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        print("systemd-nspawn is not installed, or this is not root")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        upper, root = (os.path.join(directory, name) for name in ("upper", "root"))
        os.mkdir(upper)
        os.mkdir(root)
        mounts = [["mount", "-t", "tmpfs", "tmpfs", upper], ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper}/data,workdir={upper}/work", root]]
        mounted = []
        try:
            for mount in mounts:
                if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
                    print("no overlay can be mounted here")
                    return 77
                mounted.append(mount[-1])
                for name in ("data", "work") if mount[-1] == upper else ():
                    os.mkdir(os.path.join(upper, name))
            said = boot(binary, root)
            if said is None:
                print("no systemd could be booted here")
                return 77
            complaints = list(wrong(root, *said))
            print("\n".join(complaints) or "ok     the service does its work under systemd, and can do nothing else")
            return 1 if complaints else 0
        finally:
            for place in reversed(mounted):
                subprocess.run(["umount", place])


if __name__ == "__main__":
    sys.exit(main())
