//! A systemd service that may do what a nightly run does and nothing else, and its timer.

use super::Systemd;
use super::needs::{Needs, STATE};
use super::quote::{systemd as quoted, systemd_argument as argument};

/// Directories that the service sees empty.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Whether a path is hidden from the service.
pub fn is_hidden(path: &str) -> bool {
    HIDDEN.iter().any(|hidden| std::path::Path::new(path).starts_with(hidden))
}

/// The units by name.
pub fn units(args: &Systemd, program: &str, config: &str, needs: &Needs) -> [(&'static str, String); 2] {
    [("jwtriage.service", service(args, program, config, needs)), ("jwtriage.timer", timer(args))]
}

fn timer(args: &Systemd) -> String {
    let at = args.common.at.strftime("%H:%M:%S");
    let zone = args.common.tz.as_ref().map_or_else(String::new, |zone| format!(" {zone}"));
    format!(
        "\
# Starts jwtriage.service: systemctl enable --now jwtriage.timer

[Unit]
Description=Every night: what is new among the JSON Web Tokens in logs

[Timer]
OnCalendar=*-*-* {at}{zone}
# A night on which the machine was off is made up for.
Persistent=true
# Machines with the same timer do not all read their disks, and call the webhook, at once.
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
"
    )
}

fn service(args: &Systemd, program: &str, config: &str, needs: &Needs) -> String {
    let user = match &args.user {
        Some(user) => format!("# It has to be able to read the configuration, and the files that that names.\nUser={user}"),
        None => "# A user that is there only meanwhile: the configuration, and the files that it names, must be readable by all, or by one\n\
                 # of the groups below. What it has written, only root can read; with --user NAME, another user can."
            .to_owned()
            + "\nDynamicUser=yes",
    };
    let groups = if args.group.is_empty() { "adm".to_owned() } else { args.group.join(" ") };
    let paths =
        |paths: &[String]| paths.iter().map(|path| quoted(&format!("-{path}"))).collect::<Vec<_>>().join(" ");
    let mounts = needs.logs.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" ");
    let logs = paths(&needs.logs);
    let writes = match needs.writes.as_slice() {
        [] => String::new(),
        writes => format!(
            "# The configuration writes there too. The user, or a group above, has to be allowed to.\nReadWritePaths={}\n",
            paths(writes)
        ),
    };
    let (wants_network, network) = if needs.notifies {
        (
            "Wants=network-online.target\nAfter=network-online.target\n",
            "# The webhook is called. IPAddressAllow= with its address, and IPAddressDeny=any, would let nothing else be.\n\
             RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        )
    } else {
        (
            "",
            "# The configuration has no webhook, so there is no network.\n\
             PrivateNetwork=yes\nIPAddressDeny=any\nRestrictAddressFamilies=none",
        )
    };
    // A variable can stand in an argument, and not in the program's own path.
    let (program, config) = (quoted(program), argument(config));
    let (memory, seconds) = (needs.memory_limit_mib(), needs.seconds);
    format!(
        "\
# Started by jwtriage.timer; to run it now: systemctl start jwtriage.service
# It fails with exit code 1 on news (if the configuration says so), 2 on a wrong configuration, 3 when some source could not
# be read to its end, 75 when another run is under way, 130 when it was stopped. OnFailure=UNIT in [Unit] tells whoever is to know.

[Unit]
Description=What is new among the JSON Web Tokens in logs
RequiresMountsFor={mounts}
{wants_network}
[Service]
Type=oneshot
ExecStart={program} nightly --config {config}
{user}
# Groups that may read the logs: adm has Debian's, systemd-journal those of journald.
SupplementaryGroups={groups}
# State and reports: {STATE}
StateDirectory=jwtriage
StateDirectoryMode=0750
UMask=0027
WorkingDirectory=%S/jwtriage
# What is known of more tokens than memory has room for is sorted there; /tmp may itself be memory.
Environment=TMPDIR=/var/tmp

# Others go first, and a run that hangs is ended. On SIGTERM it keeps what it has read.
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
CPUSchedulingPolicy=batch
TimeoutStartSec={seconds}s
TimeoutStopSec=2min
MemoryMax={memory}M
TasksMax=512

# The machine can be read, as far as the user may, and not be written to.
ProtectSystem=strict
ReadOnlyPaths={logs}
{writes}ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
PrivateMounts=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
{network}

# It becomes nobody else, and calls nothing that such a program has no use for.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"
    )
}
