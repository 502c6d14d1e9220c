//! A CronJob for Kubernetes, with what it stands on.

use std::ffi::OsStr;

use super::needs::{Needs, STATE};
use super::quote::yaml;
use super::{Kubernetes, name_of};

/// The user of the container, as in the Containerfile.
const USER: u32 = 65532;

/// The documents: a volume claim, a network policy unless there is a webhook, and the CronJob.
pub fn text(args: &Kubernetes, config: Option<&OsStr>, needs: &Needs) -> String {
    let claim = claim(args);
    let policy = if needs.notifies { "" } else { NO_NETWORK };
    let job = cron_job(args, &name_of(config), needs);
    let secret = if needs.notifies {
        "# Its webhook may hold a secret: then `kubectl create secret generic` takes the same files, and the volume is\n\
         #   secret: {secretName: jwtriage}\n"
    } else {
        ""
    };
    format!(
        "\
# The configuration, the policy and its keys are files of a ConfigMap. It has no directories: keys lie beside the policy.
#   kubectl create configmap jwtriage --from-file=/etc/jwtriage
{secret}{claim}{policy}{job}"
    )
}

fn claim(args: &Kubernetes) -> String {
    let size = args.state_size.as_u64().div_ceil(1 << 20);
    format!(
        "---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: jwtriage
  labels:
    app.kubernetes.io/name: jwtriage
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: {size}Mi
"
    )
}

/// Pods without a webhook neither call nor are called.
const NO_NETWORK: &str = "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: jwtriage
  labels:
    app.kubernetes.io/name: jwtriage
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: jwtriage
  policyTypes: [Ingress, Egress]
";

fn cron_job(args: &Kubernetes, config: &str, needs: &Needs) -> String {
    let (minute, hour) = (args.common.at.minute(), args.common.at.hour());
    let zone = yaml(args.common.tz.as_deref().unwrap_or("Etc/UTC"));
    let image = yaml(&args.image);
    let config = yaml(&format!("/etc/jwtriage/{config}"));
    let state = yaml(STATE);
    let (memory, seconds) = (needs.memory_limit_mib(), needs.seconds);
    let logs = needs.logs.iter().enumerate();
    let mounts: String = logs
        .clone()
        .map(|(number, path)| {
            let path = yaml(path);
            format!(
                "                - name: logs-{number}\n                  mountPath: {path}\n                  readOnly: true\n"
            )
        })
        .collect();
    let volumes: String = logs
        .map(|(number, path)| {
            let path = yaml(path);
            format!(
                "            - name: logs-{number}\n              hostPath:\n                path: {path}\n"
            )
        })
        .collect();
    format!(
        "---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: jwtriage
  labels:
    app.kubernetes.io/name: jwtriage
spec:
  schedule: \"{minute} {hour} * * *\"
  timeZone: {zone}
  concurrencyPolicy: Forbid
  # A night that could not begin in time is left out: the next reads what it would have read.
  startingDeadlineSeconds: 7200
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 7
  jobTemplate:
    spec:
      activeDeadlineSeconds: {seconds}
      backoffLimit: 2
      # News (1), a wrong configuration (2) and damaged sources (3) do not go away by running again; another run (75) does.
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes:
              containerName: jwtriage
              operator: In
              values: [1, 2, 3]
      template:
        metadata:
          labels:
            app.kubernetes.io/name: jwtriage
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          enableServiceLinks: false
          # On SIGTERM a run keeps what it has read.
          terminationGracePeriodSeconds: 120
          # The state is for one node, and so are the logs: say here which, if there are several.
          # nodeSelector: {{kubernetes.io/hostname: node-1}}
          securityContext:
            runAsNonRoot: true
            runAsUser: {USER}
            runAsGroup: {USER}
            fsGroup: {USER}
            fsGroupChangePolicy: OnRootMismatch
            # A group that may read the node's logs; 4 is adm on Debian, 0 has those of containers.
            supplementalGroups: [4]
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: jwtriage
              image: {image}
              imagePullPolicy: IfNotPresent
              args:
                - nightly
                - --config
                - {config}
              securityContext:
                allowPrivilegeEscalation: false
                privileged: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [ALL]
              resources:
                requests:
                  cpu: 500m
                  memory: {memory}Mi
                limits:
                  memory: {memory}Mi
              volumeMounts:
{mounts}                - name: config
                  mountPath: /etc/jwtriage
                  readOnly: true
                - name: state
                  mountPath: {state}
                - name: tmp
                  mountPath: /tmp
          # Directories of the node: the namespace's pod security level has to be privileged for that.
          volumes:
{volumes}            - name: config
              configMap:
                name: jwtriage
            - name: state
              persistentVolumeClaim:
                claimName: jwtriage
            - name: tmp
              emptyDir: {{}}
"
    )
}
