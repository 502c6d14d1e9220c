//! What `jwtriage schedule` prints, as text, and as systemd and a shell read it, where they are installed. What Kubernetes
//! makes of it is asked in tests/schedule.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{files, jwtriage};

/// A directory with a configuration.
fn configured(text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("nightly.toml"), text).unwrap();
    dir
}

/// With a webhook, wildcards, spaces, and a directory of its own for metrics.
const TELLING: &str = "paths = ['/var/log/app', '/srv/my logs/50%/*.gz']\nstate = '/var/lib/jwtriage/state.db'\n\
    reports = '/var/lib/jwtriage/reports'\nmetrics = '/var/lib/node_exporter/jwtriage.prom'\ntimeout = '3h'\n\
    [scan]\nmemory = '256MiB'\n[notify]\nurl = 'https://ann:s3cret@alerts.example.com/s3cret'\n";

/// With nothing but logs.
const SILENT: &str =
    "paths = ['/var/log/app']\nstate = '/var/lib/jwtriage/state.db'\nreports = '/var/lib/jwtriage/reports'\n";

/// What is printed for the configuration in a directory, and what is complained about.
fn told(dir: &Path, arguments: &[&str]) -> (String, String) {
    let arguments = [&["schedule"], arguments, &["--config", "nightly.toml"]].concat();
    let done = jwtriage(dir).args(arguments).assert().success();
    let output = done.get_output();
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// The units as files.
fn units(dir: &Path, arguments: &[&str]) -> BTreeMap<String, String> {
    let out = dir.join("units");
    fs::create_dir(&out).unwrap();
    told(dir, &[&["systemd", "--out", "units"], arguments].concat());
    files(&out).into_iter().map(|(name, text)| (name, String::from_utf8(text).unwrap())).collect()
}

/// The values of a key in a unit.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

fn analyze(dir: &Path, arguments: &[&str]) -> Option<Output> {
    Command::new("systemd-analyze").args(arguments).current_dir(dir.join("units")).output().ok()
}

fn all(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Asserts that systemd, where it is installed, takes the units and finds the service as little exposed as this.
fn systemd_agrees(dir: &Path, exposure: f64) {
    let Some(verified) = analyze(dir, &["verify", "./jwtriage.service", "./jwtriage.timer"]) else { return };
    assert!(verified.status.success() && all(&verified).is_empty(), "{}", all(&verified));
    let security = analyze(dir, &["security", "--offline=true", "--no-pager", "./jwtriage.service"]).unwrap();
    let text = all(&security);
    let level =
        text.split("exposure level for jwtriage.service: ").nth(1).unwrap_or_else(|| panic!("{text}"));
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(level <= exposure, "{text}");
}

#[test]
fn units_without_a_webhook_have_no_network_and_are_hardened() {
    let dir = configured(SILENT);
    let units = units(dir.path(), &[]);
    assert_eq!(units.keys().collect::<Vec<_>>(), ["jwtriage.service", "jwtriage.timer"]);
    let service = &units["jwtriage.service"];
    for (key, expected) in [
        ("Type", "oneshot"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "jwtriage"),
        ("ProtectSystem", "strict"),
        ("ReadOnlyPaths", "-/var/log/app"),
        ("RequiresMountsFor", "/var/log/app"),
        ("SupplementaryGroups", "adm"),
        ("PrivateNetwork", "yes"),
        ("RestrictAddressFamilies", "none"),
        ("NoNewPrivileges", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryMax", "2048M"),
        ("TimeoutStartSec", "72000s"),
    ] {
        assert_eq!(values(service, key), [expected], "{key}");
    }
    for absent in ["User", "Wants", "ReadWritePaths"] {
        assert!(values(service, absent).is_empty(), "{absent}");
    }
    systemd_agrees(dir.path(), 0.5);
}

#[test]
fn units_with_a_webhook_have_a_network_and_no_secret() {
    let dir = configured(TELLING);
    let units = units(dir.path(), &["--user", "logs", "--group", "web", "--group", "systemd-journal"]);
    let service = &units["jwtriage.service"];
    for (key, expected) in [
        ("User", "logs"),
        ("SupplementaryGroups", "web systemd-journal"),
        ("ReadOnlyPaths", r#""-/srv/my logs/50%%" -/var/log/app"#),
        ("ReadWritePaths", "-/var/lib/node_exporter"),
        ("Wants", "network-online.target"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("MemoryMax", "1280M"),
        ("TimeoutStartSec", "11400s"),
    ] {
        assert_eq!(values(service, key), [expected], "{key}");
    }
    for absent in ["DynamicUser", "PrivateNetwork", "IPAddressDeny"] {
        assert!(values(service, absent).is_empty(), "{absent}");
    }
    assert!(!service.contains("s3cret") && !service.contains("alerts.example.com"));
    systemd_agrees(dir.path(), 1.3);
}

#[test]
fn the_timer_says_when_in_which_zone_and_makes_up_for_a_missed_night() {
    for (arguments, expected) in [
        (&[][..], "*-*-* 02:00:00"),
        (&["--at", "23:45", "--tz", "america/new_york"], "*-*-* 23:45:00 America/New_York"),
    ] {
        let dir = configured(SILENT);
        let timer = units(dir.path(), arguments).remove("jwtriage.timer").unwrap();
        assert_eq!(values(&timer, "OnCalendar"), [expected]);
        assert_eq!(values(&timer, "Persistent"), ["true"]);
        assert_eq!(values(&timer, "RandomizedDelaySec"), ["10min"]);
        if let Some(read) = analyze(dir.path(), &["calendar", expected]) {
            assert!(read.status.success(), "{}", all(&read));
        }
    }
}

#[test]
fn a_program_with_an_odd_name_is_found_by_systemd_as_its_file_or_refused() {
    let dir = configured(SILENT);
    let odd = dir.path().join("my tools/100%/$HOME ${HOME}");
    fs::create_dir_all(odd.parent().unwrap()).unwrap();
    // An executable of one page is enough to be one.
    fs::copy("/bin/true", &odd).or_else(|_| fs::copy("/usr/bin/true", &odd)).unwrap();
    let units = units(dir.path(), &["--program", odd.to_str().unwrap()]);
    let [command] = values(&units["jwtriage.service"], "ExecStart")[..] else { panic!("one command") };
    assert!(command.contains(r#"/my tools/100%%/$HOME ${HOME}" nightly --config "#), "{command}");
    systemd_agrees(dir.path(), 0.5);
    for program in ["/opt/it's", "/opt/\"it\"", "/opt/i\\t"] {
        let done = jwtriage(dir.path())
            .args(["schedule", "systemd", "--program", program])
            .assert()
            .code(2)
            .stdout("");
        let error = String::from_utf8(done.get_output().stderr.clone()).unwrap();
        assert!(error.contains("systemd starts no such program"), "{error}");
    }
}

#[test]
fn on_stdout_each_unit_is_headed_by_its_place() {
    let dir = configured(SILENT);
    let (printed, _) = told(dir.path(), &["systemd"]);
    let units = units(dir.path(), &[]);
    let expected = units.iter().map(|(name, text)| format!("# /etc/systemd/system/{name}\n{text}"));
    assert_eq!(printed, expected.collect::<Vec<_>>().join("\n"));
}

#[test]
fn units_that_are_there_are_not_overwritten_and_none_is_written_alone() {
    let dir = configured(SILENT);
    fs::write(dir.path().join("jwtriage.timer"), "mine").unwrap();
    let done = jwtriage(dir.path())
        .args(["schedule", "systemd", "--config", "nightly.toml", "--out", "."])
        .assert()
        .code(2);
    let error = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(error.contains("jwtriage.timer: it is there already"), "{error}");
    let files = files(dir.path());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["jwtriage.timer", "nightly.toml"]);
    assert_eq!(files["jwtriage.timer"], b"mine");
}

#[test]
fn what_the_service_could_not_see_is_complained_about() {
    let dir = configured(&SILENT.replace("/var/log/app", "/home/app/logs"));
    let (_, complaints) = told(dir.path(), &["systemd", "--program", "/opt/jwtriage"]);
    assert!(
        complaints.contains("cannot see /home/app/logs") && !complaints.contains("/opt/jwtriage"),
        "{complaints}"
    );
}

#[test]
fn without_a_configuration_what_is_usual_is_printed_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let (unit, complaints) = told(dir.path(), &["systemd"]);
    assert_eq!(values(&unit, "ReadOnlyPaths"), ["-/var/log"]);
    assert_eq!(values(&unit, "PrivateNetwork"), ["yes"]);
    assert!(
        complaints.contains("nightly.toml: cannot read it") && complaints.contains("/var/log"),
        "{complaints}"
    );
}

#[test]
fn a_configuration_that_is_none_is_refused() {
    let dir = configured("[notify\nurl = 's3cret'");
    for scheduler in ["systemd", "kubernetes"] {
        let arguments = ["schedule", scheduler, "--config", "nightly.toml"];
        let done = jwtriage(dir.path()).args(arguments).assert().code(2).stdout("");
        let error = String::from_utf8(done.get_output().stderr.clone()).unwrap();
        assert!(error.contains("nightly.toml: line 1: ") && !error.contains("s3cret"), "{error}");
    }
}

/// The command of a line as cron hands it to the shell: after five fields, up to the first `%` without a backslash.
fn command(line: &str, fields: usize) -> String {
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.split_once(' ').unwrap().1;
    }
    let unescaped = rest.replace(r"\%", "\u{0}");
    assert!(!unescaped.contains('%'), "{line}");
    unescaped.replace('\u{0}', "%")
}

fn lines(crontab: &str) -> Vec<&str> {
    crontab.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_crontab_has_one_command_that_needs_no_lock_and_yields_to_others() {
    let dir = configured(SILENT);
    let config = dir.path().join("nightly.toml");
    let (crontab, complaints) = told(dir.path(), &["cron", "--program", "/opt/jwtriage", "--at", "4:05"]);
    let expected =
        format!("5 4 * * * nice -n 10 ionice -c 2 -n 7 /opt/jwtriage nightly --config {}", config.display());
    assert_eq!((lines(&crontab), complaints.as_str()), (vec![&expected[..]], ""));
    assert!(crontab.contains("# MAILTO=") && !crontab.contains("CRON_TZ"));
}

#[test]
fn a_file_for_cron_d_names_user_zone_and_who_gets_the_mail() {
    let dir = configured(SILENT);
    let arguments = [
        "cron",
        "--program",
        "/opt/jwtriage",
        "--user",
        "logs",
        "--mail-to",
        "ops@example.com",
        "--tz",
        "Asia/Tokyo",
    ];
    let (crontab, _) = told(dir.path(), &arguments);
    let [mail, zone, line] = lines(&crontab)[..] else { panic!("{crontab}") };
    assert_eq!((mail, zone), ("MAILTO=ops@example.com", "CRON_TZ=Asia/Tokyo"));
    assert!(line.starts_with("0 2 * * * logs nice "), "{line}");
}

#[test]
fn the_shell_gets_from_cron_the_words_that_are_meant() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("it's 100% \"$HOME\" `x` \\ *");
    fs::create_dir(&odd).unwrap();
    let config: PathBuf = odd.join("nightly.toml");
    let done = jwtriage(dir.path())
        .args(["schedule", "cron", "--program", "/usr/bin/printf", "--config"])
        .arg(&config)
        .assert()
        .success();
    let crontab = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    // Instead of starting the program, the shell tells which words it would be given.
    let command = command(lines(&crontab)[0], 5)
        .replace("nice -n 10 ionice -c 2 -n 7 /usr/bin/printf", "printf '%s\\n'");
    let said = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("nightly\n--config\n{}\n", config.display()));
}

#[test]
fn a_cron_job_is_read_only_not_root_and_never_runs_twice_at_once() {
    let dir = configured(TELLING);
    let (job, _) = told(
        dir.path(),
        &["kubernetes", "--at", "23:45", "--tz", "Europe/Berlin", "--image", "r.example.com/j:1"],
    );
    for expected in [
        "\napiVersion: batch/v1\nkind: CronJob\n",
        "\n  schedule: \"45 23 * * *\"\n  timeZone: \"Europe/Berlin\"\n  concurrencyPolicy: Forbid\n",
        "\n          restartPolicy: Never\n",
        "\n            runAsNonRoot: true\n",
        "\n                readOnlyRootFilesystem: true\n",
        "\n                allowPrivilegeEscalation: false\n",
        "\n                  drop: [ALL]\n",
        "\n            seccompProfile:\n              type: RuntimeDefault\n",
        "\n              image: \"r.example.com/j:1\"\n",
        "\n                - \"/etc/jwtriage/nightly.toml\"\n",
        "\n                  memory: 1280Mi\n",
        "\n                - name: logs-0\n                  mountPath: \"/srv/my logs/50%\"\n                  readOnly: true\n",
        "\n              hostPath:\n                path: \"/var/log/app\"\n",
    ] {
        assert!(job.contains(expected), "{expected}\n{job}");
    }
    assert!(!job.contains("NetworkPolicy") && !job.contains("s3cret"), "{job}");
    let (job, _) = told(configured(SILENT).path(), &["kubernetes"]);
    assert!(job.contains("kind: NetworkPolicy") && job.contains("timeZone: \"Etc/UTC\""), "{job}");
}

#[test]
fn what_a_schedule_cannot_know_or_mount_is_complained_about() {
    let more = "policy = '/srv/policy.toml'\n";
    let dir = configured(&format!("{more}{}", SILENT.replace("['/var", "['@list', '/var")));
    let (_, why) = told(dir.path(), &["kubernetes"]);
    assert!(
        why.contains("the configuration names /srv/policy.toml") && why.contains("/list is not known"),
        "{why}"
    );
    let (_, why) = told(dir.path(), &["systemd"]);
    assert!(why.contains("/list is not known") && !why.contains("/srv/policy.toml"), "{why}");
    let wrong = configured("paths = ['-']\nstate = 's'\nreports = 'r'\n");
    for scheduler in ["systemd", "cron", "kubernetes"] {
        let arguments = ["schedule", scheduler, "--config", "nightly.toml"];
        jwtriage(wrong.path()).args(arguments).assert().code(2).stdout("");
    }
}

#[test]
fn what_no_line_can_hold_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, complaint) in [
        (
            ["systemd", "--config", "/a\nExecStart=/bin/sh"],
            "expected a path in UTF-8 without control characters",
        ),
        (
            ["cron", "--program", "/a\n* * * * * /bin/sh"],
            "expected a path in UTF-8 without control characters",
        ),
        (["systemd", "--user", "a\nb"], "expected a name of letters, digits, _ and -"),
        (["cron", "--mail-to", "a\nb"], "expected an address such as"),
        (["kubernetes", "--tz", "Europe/Atlantis"], "expected an IANA name"),
        (["cron", "--at", "25:00"], "expected a time of day"),
    ] {
        let refused = jwtriage(dir.path()).arg("schedule").args(arguments).assert().code(2).stdout("");
        let error = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(error.contains(complaint), "{arguments:?}: {error}");
    }
}

#[test]
fn the_image_is_built_by_the_oldest_rust_that_will_do_and_runs_as_the_user_of_the_cron_job() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let containerfile = fs::read_to_string(root.join("Containerfile")).unwrap();
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let (rust, version) = (&manifest["package"]["rust-version"], &manifest["package"]["version"]);
    assert!(containerfile.contains(&format!("/rust:{}-", rust.as_str().unwrap())));
    assert!(containerfile.contains(&format!("-t jwtriage:{}", version.as_str().unwrap())));
    let user = containerfile.lines().find_map(|line| line.strip_prefix("USER ")?.split(':').next());
    let (job, _) = told(configured(SILENT).path(), &["kubernetes"]);
    assert!(job.contains(&format!("runAsUser: {}\n", user.unwrap())));
}
