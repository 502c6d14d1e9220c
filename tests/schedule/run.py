#!/usr/bin/env python3
"""Do systemd, Kubernetes and Prometheus take what jwtriage writes for them?

usage: tests/schedule/run.py BINARY

Asks about what `jwtriage schedule` prints, for a configuration with a webhook and one without, and about the sample of metrics that
the unit tests hold the program to:

- `systemd-analyze verify` has nothing to say, and `systemd-analyze security` finds an exposure below 2.0;
- each document validates, strictly, against the schema of Kubernetes (kubernetes-validate, from PyPI, which brings the schemas);
- `promtool check metrics` has nothing to say (from PATH, else from Debian's package prometheus, unpacked and not installed).

Who is not there and cannot be had is named and left out. Exit code 0 when all agree, 1 when not, 77 when nobody could be asked.
Needs Python 3.9; a network, unless all are installed.
"""
import glob, os, re, shutil, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAX_EXPOSURE = 2.0
STATE = "state = '/var/lib/jwtriage/state.db'\nreports = '/var/lib/jwtriage/reports'\n"
CONFIGURATIONS = {
    "silent": STATE + "paths = ['/var/log/app']\n",
    "telling": STATE + "paths = ['/var/log/app', '/srv/my logs/50%/*.gz', \"/srv/it's {a}\"]\nmetrics = '/var/lib/node_exporter/jwtriage.prom'\n"
    "[scan]\nmemory = '256MiB'\n[notify]\nurl = 'https://alerts.example.com/'\n",
}

failed = asked = 0


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def installed(*command, **options):
    """Whether a command that installs something went well."""
    try:
        return run(*command, timeout=300, **options)[0] == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def tell(name, right, said=""):
    global failed, asked
    asked += 1
    failed += not right
    print(f"ok     {name}" if right else f"FAILED {name}: {said.strip()}")


def systemd(binary, configuration, name, directory):
    units = os.path.join(directory, f"units-{name}")
    os.mkdir(units)
    subprocess.run([binary, "schedule", "systemd", "--config", configuration, "--tz", "Europe/Berlin", "--out", units], check=True, stderr=subprocess.DEVNULL)
    code, said = run("systemd-analyze", "verify", "./jwtriage.service", "./jwtriage.timer", cwd=units)
    tell(f"systemd-analyze verify, {name}", code == 0 and not said, said)
    _, said = run("systemd-analyze", "security", "--offline=true", "--no-pager", "./jwtriage.service", cwd=units)
    level = re.search(r"exposure level for jwtriage.service: ([0-9.]+)", said)
    tell(f"systemd-analyze security, {name}: exposure {level[1] if level else 'unknown'}", bool(level) and float(level[1]) < MAX_EXPOSURE, said)


def kubernetes(binary, configuration, name, validate, directory):
    documents = os.path.join(directory, f"{name}.yaml")
    with open(documents, "wb") as out:
        subprocess.run([binary, "schedule", "kubernetes", "--config", configuration, "--tz", "Europe/Berlin"], check=True, stdout=out)
    code, said = run(validate, "--strict", documents)
    with open(documents) as text:
        kinds = text.read().count("\nkind: ")
    tell(f"kubernetes-validate --strict, {name}", code == 0 and kinds == (2 if name == "telling" else 3), said)


def promtool(directory):
    """The program, where it is or could be had."""
    found = shutil.which("promtool")
    if not found and shutil.which("apt-get") and installed("apt-get", "download", "-qq", "prometheus", cwd=directory):
        packages = glob.glob(os.path.join(directory, "prometheus_*.deb"))
        if packages and installed("dpkg-deb", "-x", packages[0], os.path.join(directory, "prometheus")):
            found = os.path.join(directory, "prometheus", "usr", "bin", "promtool")
    return found


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        configurations = {}
        for name, text in CONFIGURATIONS.items():
            os.mkdir(os.path.join(directory, name))
            configurations[name] = os.path.join(directory, name, "nightly.toml")
            with open(configurations[name], "w") as out:
                out.write(text)

        if shutil.which("systemd-analyze"):
            for name, configuration in configurations.items():
                systemd(binary, configuration, name, directory)
        else:
            print("systemd-analyze is not installed")

        environment = os.path.join(directory, "venv")
        python = os.path.join(environment, "bin", "python")
        if installed(sys.executable, "-m", "venv", environment) and installed(python, "-m", "pip", "install", "--quiet", "kubernetes-validate"):
            for name, configuration in configurations.items():
                kubernetes(binary, configuration, name, os.path.join(environment, "bin", "kubernetes-validate"), directory)
        else:
            print("kubernetes-validate could not be installed")

        program = promtool(directory)
        if program:
            with open(os.path.join(ROOT, "testdata", "tell", "metrics.prom")) as sample:
                code, said = run(program, "check", "metrics", stdin=sample)
            tell("promtool check metrics", code == 0 and not said, said)
        else:
            print("promtool could not be had")
    return 1 if failed else 0 if asked else 77


if __name__ == "__main__":
    sys.exit(main())
