//! How long a line, a header or a record may be in what logs pass through: the limits at which tokens are cut.
//!
//! Facts of the projects' sources and manuals, which each entry names. Limits at which a record is dropped or split into
//! marked parts, rather than cut, are not here; a record whose further parts were lost counts as cut at 16 KiB.

/// A limit, and what has it.
pub(super) struct Pipeline {
    /// Bytes that are left.
    pub(super) bytes: u32,
    /// What cuts there.
    pub(super) name: &'static str,
}

/// Known limits, ascending.
pub(super) const PIPELINES: [Pipeline; 16] = [
    // RFC 3164 §4.1; HAProxy's include/haproxy/defaults.h, MAX_SYSLOG_LEN.
    Pipeline { bytes: 1024, name: "BSD syslog, and HAProxy's log lines" },
    // NGX_MAX_ERROR_STR in nginx's src/core/ngx_log.h; RFC 5424 §6.1 asks receivers for as much.
    Pipeline { bytes: 2048, name: "nginx's error_log, and syslog by RFC 5424" },
    // LOGGER_ENTRY_MAX_PAYLOAD in Android's log/log.h.
    Pipeline { bytes: 4068, name: "Android's logcat" },
    // Gunicorn's setting limit_request_line.
    Pipeline { bytes: 4094, name: "Gunicorn's request line" },
    // uWSGI's option buffer-size, 4k by default; one page, as many a small buffer is.
    Pipeline { bytes: 4096, name: "uWSGI's request headers (buffer-size), and buffers of one page" },
    // maxMessageSize in rsyslog's runtime/glbl.c.
    Pipeline { bytes: 8096, name: "rsyslog's maxMessageSize" },
    // DEFAULT_LIMIT_REQUEST_LINE and _FIELDSIZE in Apache's include/httpd.h.
    Pipeline { bytes: 8190, name: "Apache's request line and header fields" },
    // Apache's error log (MAX_STRING_LEN); the datagrams of GELF over UDP.
    Pipeline { bytes: 8192, name: "Apache's error log, GELF over UDP, and 8 KiB header buffers" },
    // TRUNCATE in Splunk's props.conf.
    Pipeline { bytes: 10_000, name: "Splunk's TRUNCATE" },
    // moby's daemon/logger/copier.go; containerd's internal/cri/config.
    Pipeline { bytes: 16_384, name: "Docker and containerd, whose further parts of a record were lost" },
    // ReportEventW, bytes of one string.
    Pipeline { bytes: 31_839, name: "the Windows event log" },
    // EventLog.WriteEntry of .NET.
    Pipeline { bytes: 32_766, name: "the Windows event log from .NET" },
    // Buffer_Max_Size in fluent-bit's plugins/in_tail/tail.h.
    Pipeline { bytes: 32_768, name: "fluent-bit's tail buffer" },
    // LineMax in systemd's journald.conf.
    Pipeline { bytes: 49_152, name: "journald's LineMax" },
    // The event size of CloudWatch Logs until April 2025, without the 26 bytes of overhead.
    Pipeline { bytes: 262_118, name: "CloudWatch Logs and Docker's awslogs" },
    Pipeline { bytes: 262_144, name: "CloudWatch Logs" },
];

/// How many bytes a line in a file may have more or fewer than the record that was cut: a priority in front of it that is
/// not stored, a time or a host that was put there instead.
const FRAME: u32 = 64;

/// What is known to cut at a length, and whether it is this very length. Of lines, a length near by counts as well.
pub(super) fn known(bytes: u32, of_lines: bool) -> Option<(&'static Pipeline, bool)> {
    let frame = if of_lines { FRAME } else { 0 };
    let apart = |pipeline: &Pipeline| pipeline.bytes.abs_diff(bytes);
    let nearest = PIPELINES.iter().min_by_key(|pipeline| apart(pipeline))?;
    (apart(nearest) <= frame).then_some((nearest, nearest.bytes == bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_known_exactly_or_of_lines_nearly() {
        assert!(PIPELINES.is_sorted_by(|a, b| a.bytes < b.bytes));
        let told = |bytes, of_lines| known(bytes, of_lines).map(|(pipeline, exact)| (pipeline.bytes, exact));
        assert_eq!(told(4096, false), Some((4096, true)));
        assert_eq!(told(4097, false), None);
        assert_eq!(told(1019, true), Some((1024, false)));
        assert_eq!(told(1024 + FRAME, true), Some((1024, false)));
        assert_eq!(told(1024 + FRAME + 1, true), None);
        assert_eq!(told(4093, true), Some((4094, false)));
        assert_eq!(told(256, true), None);
    }
}
