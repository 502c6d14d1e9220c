use proptest::prelude::*;

use super::cursor::Cursor;
use super::*;

fn rules() -> TimeRules {
    TimeRules::default().with_reference(Some("2026-11-22T00:00:00Z".parse().unwrap()))
}

fn found(line: &str, rules: &TimeRules) -> Option<(String, String)> {
    of_line(line.as_bytes(), rules, None).map(|found| (found.at.to_string(), found.format.to_string()))
}

/// Every row: the line, its instant under `rules()`, and the format's name.
const DATED: &[(&str, &str, &str)] = &[
    // RFC 3339 and its relatives
    ("2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("2026-06-12T01:02:03.1239Z x", "2026-06-12T01:02:03.123Z", "rfc3339"),
    ("2026-06-12T01:02:03.5+02:00 x", "2026-06-11T23:02:03.500Z", "rfc3339"),
    ("2026-06-12T01:02:03+0200 x", "2026-06-11T23:02:03Z", "rfc3339"),
    ("2026-06-12T01:02:03-07 x", "2026-06-12T08:02:03Z", "rfc3339"),
    ("2026-06-12T01:02:03,123456789012+02:00 x", "2026-06-11T23:02:03.123Z", "rfc3339"),
    ("2026-06-12T01:02:60Z leap", "2026-06-12T01:02:59Z", "rfc3339"),
    ("2026-06-12 01:02:03 x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026-06-12_01:02:03 x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026-06-12 01:02:03,123 ERROR [pool-1] c.e.Auth - x", "2026-06-12T01:02:03.123Z", "iso8601"),
    ("2026-06-12 01:02:03 +02:00 x", "2026-06-11T23:02:03Z", "iso8601"),
    ("2026-06-12 01:02:03.123 PDT [77] LOG:  x", "2026-06-12T08:02:03.123Z", "iso8601"),
    ("2026-06-12 01:02:03.123 CEST [77] LOG:  x", "2026-06-11T23:02:03.123Z", "iso8601"),
    ("2026-06-12 01:02:03.123 +03 [77] LOG:  x", "2026-06-11T22:02:03.123Z", "iso8601"),
    ("2026-06-12 01:02:03UTC x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026-06-12 01:02:03FOO x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026-06-12 01:02:03:317 +0100 x", "2026-06-12T00:02:03.317Z", "iso8601"),
    ("2026-06-12T02:47:11 AM UTC [1] x", "2026-06-12T02:47:11Z", "rfc3339"),
    ("2026/06/12 01:02:03 [error] 31#31: *1 x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026/06/12 01:02:03.123456 main.go:7: x", "2026-06-12T01:02:03.123Z", "iso8601"),
    ("2026/06/12 07:48:21 -05:00 767 x", "2026-06-12T12:48:21Z", "iso8601"),
    ("2026-06-12\t01:02:03\tFRA2\t1 x", "2026-06-12T01:02:03Z", "iso8601"),
    ("2026-163T01:02:03,672:DEBUG:x", "2026-06-12T01:02:03.672Z", "iso8601_ordinal"),
    ("2026-06-12T01:02:03.123456789Z stdout F x", "2026-06-12T01:02:03.123Z", "cri"),
    ("\u{feff}2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    // behind openings and prefixes
    ("[2026-06-12T01:02:03.123Z] \"GET / HTTP/1.1\" 200", "2026-06-12T01:02:03.123Z", "rfc3339"),
    ("[2026-06-12 01:02:03] local.ERROR: x", "2026-06-12T01:02:03Z", "iso8601"),
    ("(2026-06-12  1:02:03): [be] x", "2026-06-12T01:02:03Z", "iso8601"),
    ("\"2026-06-12 01:02:03\"\t\"x\"", "2026-06-12T01:02:03Z", "iso8601"),
    ("<2026-06-12 01:02:03> x", "2026-06-12T01:02:03Z", "iso8601"),
    ("[DEBUG 2026-06-12 01:02:03 main] x", "2026-06-12T01:02:03Z", "iso8601"),
    ("[my.agent 2026-06-12 01:02:03:317 +0000] x", "2026-06-12T01:02:03.317Z", "iso8601"),
    ("I, [2026-06-12T01:02:03.497736 #1265]  INFO -- : x", "2026-06-12T01:02:03.497Z", "iso8601"),
    ("level=info 2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("[4711] 2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("web-1  | 2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("db | 2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("INFO   | jvm 1    | 2026/06/12 01:02:03 | x", "2026-06-12T01:02:03Z", "iso8601"),
    ("MainThread::INFO::2026-06-12 01:02:03,101::x", "2026-06-12T01:02:03.101Z", "iso8601"),
    ("(sql.orm.Mapper): 2026-06-12 01:02:03,122 INFO x", "2026-06-12T01:02:03.122Z", "iso8601"),
    ("api.example.com 2026-06-12T01:02:03Z x", "2026-06-12T01:02:03Z", "rfc3339"),
    ("h2 2026-06-12T01:02:03.5Z app/lb/50d 10.0.0.1:1 x", "2026-06-12T01:02:03.500Z", "rfc3339"),
    ("https 2026-06-12T01:02:03.5Z app/lb/50d x", "2026-06-12T01:02:03.500Z", "rfc3339"),
    ("# Time: 2026-06-12T01:02:03.678222Z", "2026-06-12T01:02:03.678Z", "rfc3339"),
    ("# Time: 260612  1:02:03", "2026-06-12T01:02:03Z", "short_year"),
    ("  2026-06-12T01:02:03Z indented", "2026-06-12T01:02:03Z", "rfc3339"),
    // terminals' colours
    (
        "\x1b[2Kweb-1  | \x1b[32m2026-06-12\x1b[0m 01:02:03\x1b[1m.123\x1b[0m x",
        "2026-06-12T01:02:03.123Z",
        "iso8601",
    ),
    ("\x1b[0m\x1b[32mSep 19 \x1b[0m\x1b[33m09:24:04\x1b[0m host x", "2026-09-19T09:24:04Z", "syslog_rfc3164"),
    // access logs
    ("10.1.2.3 - - [12/Jun/2026:01:02:03 +0000] \"GET / HTTP/1.1\" 200 1", "2026-06-12T01:02:03Z", "clf"),
    ("10.1.2.3 - some user [12/Jun/2026:03:02:03 +0330] \"GET /\" 200", "2026-06-11T23:32:03Z", "clf"),
    ("::1 - alice [12/Jun/2026:01:02:03 +0000] \"GET /\" 200", "2026-06-12T01:02:03Z", "clf"),
    ("\"10.1.2.3, 10.9.9.9\" - - [12/Jun/2026:01:02:03 +0000] \"GET /\"", "2026-06-12T01:02:03Z", "clf"),
    ("owner0a1b bucket [12/Jun/2026:01:02:03 +0000] 10.1.2.3 arn x", "2026-06-12T01:02:03Z", "clf"),
    ("10.1.2.3:53332 [12/Jun/2026:01:02:03.123] fe be/s1 0/0/1", "2026-06-12T01:02:03.123Z", "clf"),
    ("I [12/Jun/2026:01:02:03 -0400] x", "2026-06-12T05:02:03Z", "clf"),
    ("10.1.2.3 - - [12/Jun/2026 01:02:03] \"GET / HTTP/1.1\" 200 -", "2026-06-12T01:02:03Z", "clf"),
    ("10.1.2.3 - bob [2026-06-12T01:02:03+00:00] \"GET /\"", "2026-06-12T01:02:03Z", "rfc3339"),
    (
        "[pid: 88|app: 0|req: 1/1] 10.1.2.3 () {38 vars in 6 bytes} [Fri Jun 12 01:02:03 2026] POST /",
        "2026-06-12T01:02:03Z",
        "ctime",
    ),
    // syslog
    ("Jun 12 01:02:03 web-1 gateway[812]: x", "2026-06-12T01:02:03Z", "syslog_rfc3164"),
    ("Jun  2 01:02:03.999 web-1 x", "2026-06-02T01:02:03.999Z", "syslog_rfc3164"),
    ("<34>Jun 12 01:02:03 web-1 x", "2026-06-12T01:02:03Z", "syslog_rfc3164"),
    ("<34>1 2026-06-12T01:02:03.003Z web-1 app - ID47 - x", "2026-06-12T01:02:03.003Z", "syslog_rfc5424"),
    ("Dec  6 13:01:34 web-1 x", "2025-12-06T13:01:34Z", "syslog_rfc3164"),
    ("Nov 22 00:00:00 web-1 x", "2026-11-22T00:00:00Z", "syslog_rfc3164"),
    ("Nov 22 00:00:01 web-1 x", "2025-11-22T00:00:01Z", "syslog_rfc3164"),
    ("Feb 29 01:02:03 web-1 x", "2024-02-29T01:02:03Z", "syslog_rfc3164"),
    ("Jun 12 2019 01:02:03 asa : x", "2019-06-12T01:02:03Z", "syslog_rfc3164"),
    ("Jun 12 01:02:03 2019 web-1 x", "2019-06-12T01:02:03Z", "syslog_rfc3164"),
    ("2019 Jun 12 01:02:03 web-1 x", "2019-06-12T01:02:03Z", "syslog_rfc3164"),
    ("*Jun 12 01:02:03.123: %SYS-5-CONFIG_I: x", "2026-06-12T01:02:03.123Z", "syslog_rfc3164"),
    ("août 19 11:08:37 host x", "2026-08-19T11:08:37Z", "syslog_rfc3164"),
    (
        "Jun 12 01:02:03 lb haproxy[7]: 10.1.2.3:5 [12/Jun/2026:01:02:01.323] fe",
        "2026-06-12T01:02:03Z",
        "syslog_rfc3164",
    ),
    ("haproxy[7]: 10.1.2.3:5 [12/Jun/2026:01:02:01.323] fe be", "2026-06-12T01:02:01.323Z", "clf"),
    // with a weekday
    ("[Fri Jun 12 01:02:03.123456 2026] [core:error] x", "2026-06-12T01:02:03.123Z", "ctime"),
    ("(Fri Jun 12 01:02:03:259149 2026) [sssd] x", "2026-06-12T01:02:03.259Z", "ctime"),
    ("Fri Jun 12 08:00:01 EST 2026 x", "2026-06-12T13:00:01Z", "ctime"),
    ("Fri, 12 Jun 2026 01:02:03 +0200 x", "2026-06-11T23:02:03Z", "ctime"),
    ("===== state dump at Fri Jun 12 00:01:01 UTC 2026 =====", "2026-06-12T00:01:01Z", "ctime"),
    // other shapes
    ("Jun 12, 2026 1:02:03 AM org.example.Main run", "2026-06-12T01:02:03Z", "java_util_logging"),
    ("Jun 12, 2026 12:02:03 PM org.example.Main run", "2026-06-12T12:02:03Z", "java_util_logging"),
    ("E0612 01:02:03.619632 19524 a.cc:253] x", "2026-06-12T01:02:03.619Z", "klog"),
    ("I20200308 23:47:32.089828 400441 a.cc:27] x", "2020-03-08T23:47:32.089Z", "klog"),
    ("12-Jun-2026 01:02:03.123 INFO [main] x", "2026-06-12T01:02:03.123Z", "day_month_name"),
    ("1:M 12 Jun 2026 01:02:03.018 * x", "2026-06-12T01:02:03.018Z", "day_month_name"),
    ("[3574] 13 Apr 12:52:30.731 # x", "2026-04-13T12:52:30.731Z", "day_month_name"),
    ("06/12/2026 01:02:03 x", "2026-06-12T01:02:03Z", "month_day_year"),
    ("6/12/2026 1:02:03 PM x", "2026-06-12T13:02:03Z", "month_day_year"),
    ("13/06/2026 01:02:03 x", "2026-06-13T01:02:03Z", "month_day_year"),
    ("12.06.2026 01:02:03 x", "2026-06-12T01:02:03Z", "dotted_date"),
    ("06-12 01:02:03.123  1234  5678 E tag: x", "2026-06-12T01:02:03.123Z", "logcat"),
    ("[10.30 16:49:06] x", "2026-10-30T16:49:06Z", "logcat"),
    ("20260612T010203Z x", "2026-06-12T01:02:03Z", "compact"),
    ("20260612.010203,672:DEBUG:x", "2026-06-12T01:02:03.672Z", "compact"),
    ("20260612010203 x", "2026-06-12T01:02:03Z", "compact"),
    ("20260612 01:02:03.908 - INFO x", "2026-06-12T01:02:03.908Z", "compact"),
    ("081109 203615 148 INFO x", "2008-11-09T20:36:15Z", "short_year"),
    ("17/06/09 20:10:40 INFO x", "2017-06-09T20:10:40Z", "short_year"),
    // counted from 1970
    ("1781226123 x", "2026-06-12T01:02:03Z", "epoch_s"),
    ("1781226123.456789\t1\tx", "2026-06-12T01:02:03.456Z", "epoch_s"),
    ("1781226123456 x", "2026-06-12T01:02:03.456Z", "epoch_ms"),
    ("1781226123456789 x", "2026-06-12T01:02:03.456Z", "epoch_us"),
    ("1781226123456789012 x", "2026-06-12T01:02:03.456Z", "epoch_ns"),
    ("[1781226123] SERVICE ALERT: x", "2026-06-12T01:02:03Z", "epoch_s"),
    ("10000 1781226123.000541 brk(NULL) = 0", "2026-06-12T01:02:03.000Z", "epoch_s"),
    ("1:signal-handler (1781226123) Received SIGTERM", "2026-06-12T01:02:03Z", "epoch_s"),
    ("@40000000433225833b6e1a8c tcpserver: x", "2005-09-22T03:31:05.997Z", "tai64n"),
    ("__REALTIME_TIMESTAMP=1781226123456789", "2026-06-12T01:02:03.456Z", "journald_export"),
    ("type=SYSCALL msg=audit(1781226123.243:24287): arch=c000003e", "2026-06-12T01:02:03.243Z", "audit"),
    ("#+1781226123", "2026-06-12T01:02:03Z", "shell_history"),
    ("#1781226123", "2026-06-12T01:02:03Z", "shell_history"),
    // JSON
    (
        r#"{"level":"warn","@timestamp":"2026-06-12T01:02:03.123Z","msg":"x"}"#,
        "2026-06-12T01:02:03.123Z",
        "json:@timestamp",
    ),
    (
        r#"{"log":"{\"time\":\"2020-01-01T00:00:00Z\"}\n","stream":"stderr","time":"2026-06-12T01:02:03.5Z"}"#,
        "2026-06-12T01:02:03.500Z",
        "json:time",
    ),
    (r#"{"log":"2020-01-01T00:00:00Z x","time":"2026-06-12T01:02:03Z"#, "", ""),
    (r#"{"time":"2026-06-12T01:02:03Z","msg":"cut he"#, "2026-06-12T01:02:03Z", "json:time"),
    (r#"{"ts":1781226123.3152757,"exp":1700000000}"#, "2026-06-12T01:02:03.315Z", "json:ts"),
    (r#"{"ts":1.781226123e9,"x":1}"#, "2026-06-12T01:02:03Z", "json:ts"),
    (r#"{"level":30,"time":1781226123456}"#, "2026-06-12T01:02:03.456Z", "json:time"),
    (
        r#"{ "__REALTIME_TIMESTAMP" : "1781226123456789", "MESSAGE" : "x" }"#,
        "2026-06-12T01:02:03.456Z",
        "json:__REALTIME_TIMESTAMP",
    ),
    (
        r#"{"headers":{"timestamp":"2020-01-01T00:00:00Z","date":"x"},"ts":"2026-06-12T01:02:03Z"}"#,
        "2026-06-12T01:02:03Z",
        "json:ts",
    ),
    (
        r#"{"date":"2020-01-01T00:00:00Z","created_at":"2020-01-01T00:00:00Z","ts":"2026-06-12T01:02:03Z"}"#,
        "2026-06-12T01:02:03Z",
        "json:ts",
    ),
    (r#"{"t":{"$date":"2026-06-12T01:02:03.401+00:00"},"s":"I"}"#, "2026-06-12T01:02:03.401Z", "json:t"),
    (r#"{"t":{"$date":{"$numberLong":"1781226123456"}},"s":"I"}"#, "2026-06-12T01:02:03.456Z", "json:t"),
    (
        r#"{"instant":{"epochSecond": 1781226123,"nanoOfSecond": 484000000}}"#,
        "2026-06-12T01:02:03.484Z",
        "json:instant",
    ),
    (
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1781226123456000000"}]}]}]}"#,
        "2026-06-12T01:02:03.456Z",
        "json:timeUnixNano",
    ),
    (
        r#"{"requestTime":"12/Jun/2026:01:02:03 +0000","status":"401"}"#,
        "2026-06-12T01:02:03Z",
        "json:requestTime",
    ),
    (r#"{"EventTime":"2026-06-12 01:02:03"}"#, "2026-06-12T01:02:03Z", "json:eventTime"),
    (r#"{"date":"2026-06-12","time":"01:02:03"}"#, "2026-06-12T01:02:03Z", "json:date"),
    (r#"caddy  | {"level":"info","ts":1781226123.25}"#, "2026-06-12T01:02:03.250Z", "json:ts"),
    (r#"[{"ts":"2026-06-12T01:02:03Z"}]"#, "2026-06-12T01:02:03Z", "json:ts"),
    (r#"2026-06-12T01:02:03Z stdout F {"ts":"2020-01-01T00:00:00Z"}"#, "2026-06-12T01:02:03Z", "cri"),
    // logfmt
    ("time=\"2026-06-12T01:02:03Z\" level=error msg=\"x\"", "2026-06-12T01:02:03Z", "logfmt:time"),
    (
        "logger=settings t=2026-06-12T01:02:03.5Z compiled=2020-01-01T00:00:00Z",
        "2026-06-12T01:02:03.500Z",
        "logfmt:t",
    ),
    (
        "level=warn msg=\"time=2020-01-01T00:00:00Z \\\" x\" ts=1781226123",
        "2026-06-12T01:02:03Z",
        "logfmt:ts",
    ),
    ("time=2026-06-12 01:02:03 level=info", "2026-06-12T01:02:03Z", "logfmt:time"),
    ("date=2026-06-12 time=01:02:03 devname=fw", "2026-06-12T01:02:03Z", "logfmt:date"),
    ("2026-06-12T01:02:03Z INFO session_start=2024-01-01T10:30:00Z x", "2026-06-12T01:02:03Z", "rfc3339"),
];

#[test]
fn every_shape_of_a_line_s_own_time_is_read_with_its_value() {
    for (line, at, format) in DATED {
        let expected = (!at.is_empty()).then(|| (at.to_string(), format.to_string()));
        assert_eq!(found(line, &rules()), expected, "{line}");
    }
}

#[test]
fn a_date_that_is_not_the_line_s_own_is_no_time() {
    let undated = [
        "",
        "\tat com.example.Foo(Foo.java:12)",
        "Caused by: io.jsonwebtoken.ExpiredJwtException: JWT expired at 2026-06-12T01:00:00Z. Current time: 2026-06-12T01:02:03Z",
        "com.auth0.jwt.TokenExpiredException: 2026-06-12T01:00:00Z is past",
        "The Token has expired on Fri Jun 12 01:02:03 UTC 2026.",
        "token expired 2026-06-12T01:02:03Z",
        "expires 2026-06-12T01:02:03Z",
        "exp: 2026-06-12T01:02:03Z",
        "Expires: Fri, 12 Jun 2026 01:02:03 GMT",
        "Last-Modified: Fri, 12 Jun 2026 01:02:03 GMT",
        "- 2026-06-12T01:02:03Z",
        "  \"exp\": \"2026-06-12T01:02:03Z\",",
        "  \"timestamp\": \"2026-06-12T01:02:03Z\",",
        "    {\"time\": \"2026-06-12T01:02:03Z\"}",
        "{\"exp\":1781226123,\"iat\":1781226000,\"payload\":{\"time\":\"2026-06-12T01:02:03Z\"}}",
        "{\"msg\":\"time=2026-06-12T01:02:03Z\"}",
        "{\"time\":\"soon\"}",
        "exp=2026-06-12T01:02:03Z session_start=2026-06-12T01:02:03Z",
        "GET /report?from=2026-06-12T01:02:03Z HTTP/1.1",
        "backup-2026-06-12T01:02:03Z.tar.gz was written",
        "User alice [2026-06-12 01:02:03] is gone",
        "upstream said \"x [12/Jun/2026:01:02:03 +0000]\" twice",
        "00:00:00.000 foo DEBUG x",
        "TCF 29:47.191: x",
        "478760 12:21:46.284771 execve(x)",
        "2026-06-12",
        "2026-13-12 01:02:03",
        "2026-02-29 01:02:03",
        "2026-06-12 25:02:03",
        "2026-06-12 01:60:03",
        "2026-06-12 01:02:61",
        "2026-06-12 01:02:033",
        "1969-12-31 23:59:59",
        "13/13/2026 01:02:03",
        "Jun 31 01:02:03 web-1 x",
        "31/Feb/2026:01:02:03",
        "4102444800 is the year 2100",
        "631151999 is the year 1989",
        "1781226123-abc",
        "12345678901234567890123456789",
        "E1312 01:02:03.123456 x",
        "#Version: 1.0",
        "@4000000043322583",
        "\x1b",
        "\x1b[",
    ];
    for line in undated {
        assert_eq!(found(line, &rules()), None, "{line}");
    }
}

#[test]
fn a_yearless_time_without_a_reference_is_none() {
    assert_eq!(found("Jun 12 01:02:03 web-1 x", &TimeRules::default()), None);
}

#[test]
fn a_yearless_time_takes_the_year_of_the_reference_in_the_user_s_zone() {
    let zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
    let rules =
        TimeRules::default().with_reference(Some("2025-12-31T12:00:00Z".parse().unwrap())).with_zone(zone);
    assert_eq!(found("Jan  1 00:59:00 web-1 x", &rules).unwrap().0, "2025-12-31T11:59:00Z");
    assert_eq!(found("Jan  1 01:01:00 web-1 x", &rules).unwrap().0, "2024-12-31T12:01:00Z");
}

#[test]
fn zoneless_times_are_read_in_the_user_s_zone_also_in_its_gap_and_fold() {
    let rules = rules().with_zone(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let at = |line| found(line, &rules).unwrap().0;
    assert_eq!(at("2026-06-12 01:02:03 x"), "2026-06-11T23:02:03Z");
    assert_eq!(at("2026-06-12 01:02:03Z x"), "2026-06-12T01:02:03Z");
    assert_eq!(at("2026-03-29 02:30:00 in the gap"), "2026-03-29T01:30:00Z");
    assert_eq!(at("2026-10-25 02:30:00 the first of two"), "2026-10-25T00:30:00Z");
    assert_eq!(at("2026-10-25 02:30:00 CET the second"), "2026-10-25T01:30:00Z");
    assert_eq!(at("2026-10-25 02:30:00 CEST the first"), "2026-10-25T00:30:00Z");
}

#[test]
fn an_abbreviation_means_what_the_user_s_own_zone_means_by_it() {
    let line = "2026-06-12 09:02:03 CST x";
    assert_eq!(found(line, &rules()).unwrap().0, "2026-06-12T15:02:03Z");
    let shanghai = rules().with_zone(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap());
    assert_eq!(found(line, &shanghai).unwrap().0, "2026-06-12T01:02:03Z");
}

#[test]
fn w3c_columns_are_found_by_the_fields_directive() {
    let mut fields = W3cFields::new();
    assert!(!fields.update(b"#Version: 1.0"));
    assert!(fields.update(b"#Fields: c-ip date time cs-method"));
    let at = |fields: &W3cFields, line: &str, rules: &TimeRules| {
        of_line(line.as_bytes(), rules, Some(fields)).map(|found| (found.at.to_string(), found.format))
    };
    let berlin = rules().with_zone(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let expected = Some(("2026-06-12T01:02:03Z".to_owned(), TimeFormat::W3c));
    assert_eq!(at(&fields, "10.1.2.3   2026-06-12\t01:02:03 GET", &berlin), expected, "W3C times are UTC");
    assert_eq!(at(&fields, "\"10.1 .2.3\" \"2026-06-12\" \"01:02:03\" GET", &berlin), expected);
    assert_eq!(at(&fields, "10.1.2.3", &berlin), None);

    fields.update(b"#GMT-Offset: -0800");
    assert_eq!(at(&fields, "10.1.2.3 2026-06-11 17:02:03 GET", &berlin), expected);
    assert_eq!(at(&fields, "#Date: 2026-06-11 17:02:03", &berlin), expected);

    let mut fields = W3cFields::new();
    fields.update(b"#Date: 12/Jun/2026 00:00:00");
    fields.update(b"#Fields: time c-ip");
    assert_eq!(at(&fields, "01:02:03 10.1.2.3", &berlin), expected, "the date is the header's");

    let mut fields = W3cFields::new();
    fields.update(b"#Fields:   date-local time-local   s-ip\r");
    assert_eq!(
        at(&fields, "2026-06-12 03:02:03 10.1.2.3", &berlin),
        expected,
        "local columns are in the user's zone"
    );
}

#[test]
fn a_time_format_is_found_at_the_start_or_behind_the_first_word_it_fits() {
    let check =
        |format: &str, line: &str| found(line, &rules().with_format(format).unwrap()).map(|found| found.0);
    let expected = Some("2026-06-12T01:02:03Z".to_owned());
    assert_eq!(check("%d.%m.%y %H-%M-%S", "12.06.26 01-02-03 x"), expected);
    assert_eq!(check("%d.%m.%y %H-%M-%S", "host app[12.06.26 01-02-03] x"), expected);
    assert_eq!(check("%Y%j %H:%M:%S %z", "x 2026163 03:02:03 +0200"), expected);
    assert_eq!(check("%b %d %H:%M:%S", "x Jun 12 01:02:03"), expected, "the year is inferred");
    assert_eq!(check("%s", "id=7 at 1781226123"), expected);
    assert_eq!(check("epoch_ms", "x 1781226123456").as_deref(), Some("2026-06-12T01:02:03.456Z"));
    assert_eq!(check("epoch", "x 1781226123 y"), expected);
    assert_eq!(
        check("%Y-%m-%d %H:%M:%S,%f", "2026-06-12 01:02:03,9").as_deref(),
        Some("2026-06-12T01:02:03.900Z")
    );
    assert_eq!(check("%Y-%m-%d %H:%M:%S", "12/Jun/2026:01:02:03"), None, "nothing else is tried");
    assert_eq!(check("%Y-%m-%d %H:%M:%S", "2026-06-12 01:02:033"), None, "a number that goes on is another");
}

#[test]
fn a_time_format_that_states_no_time_is_refused_with_the_reason() {
    for pattern in ["", "%Y-%m-%d", "%H:%M:%S", "%Y-%m-%d %H:%M:%!", "yesterday", "%c"] {
        let error = TimeRules::default().with_format(pattern).unwrap_err();
        assert!(error.contains("--time-format") && error.contains("expected"), "{pattern}: {error}");
    }
}

#[test]
fn a_time_key_reaches_into_json_and_logfmt_and_nothing_else_counts() {
    let check = |key: &str, line: &str| found(line, &rules().with_key(key).unwrap()).map(|found| found.0);
    let expected = Some("2026-06-12T01:02:03Z".to_owned());
    assert_eq!(check("when", r#"{"time":"2020-01-01T00:00:00Z","when":"2026-06-12T01:02:03Z"}"#), expected);
    assert_eq!(check("event.created", r#"{"event":{"created":1781226123}}"#), expected);
    assert_eq!(check("event.created", r#"{"event.created":"2026-06-12T01:02:03Z"}"#), expected);
    assert_eq!(check("at", r#"{"at":{"$date":"2026-06-12T01:02:03Z"}}"#), expected);
    assert_eq!(check("when", "level=info when=1781226123 x"), expected);
    assert_eq!(check("when", "2026-06-12T01:02:03Z level=info"), None);
    assert!(TimeRules::default().with_key("a..b").unwrap_err().contains("--time-key"));

    let both = rules().with_key("when").unwrap().with_format("%d.%m.%Y %H:%M").unwrap();
    assert_eq!(found(r#"{"when":"12.06.2026 01:02"}"#, &both).unwrap().0, "2026-06-12T01:02:00Z");
}

#[test]
fn a_line_of_a_megabyte_is_read_and_its_time_found_at_its_end() {
    let mut line = br#"{"log":""#.to_vec();
    line.resize(1 << 20, b'x');
    line.extend_from_slice(br#"\n","time":"2026-06-12T01:02:03Z"}"#);
    assert_eq!(of_line(&line, &rules(), None).unwrap().at.to_string(), "2026-06-12T01:02:03Z");
    for filler in [b"0", b"[", b"{", b"\"", b" ", b"\x1b", b"=", b"\xff", b":", b"|"] {
        assert_eq!(of_line(&filler.repeat(1 << 20), &rules(), None), None);
    }
}

/// Instants that a log can hold, at any offset that jiff writes in hours and minutes.
fn instant_and_offset() -> impl Strategy<Value = (jiff::Timestamp, i32)> {
    (86_400_i64..7_226_000_000, 0_i32..1_000_000_000, -18 * 60..=18 * 60_i32)
        .prop_map(|(second, nano, offset)| (jiff::Timestamp::new(second, nano).unwrap(), offset * 60))
}

fn cut(at: jiff::Timestamp, subsecond: bool) -> Timestamp {
    Timestamp::new(at.as_nanosecond().div_euclid(1_000_000) as i64, subsecond)
}

/// Lines whose stamps are often those of the line before, with a byte changed here and there.
fn line_of_a_few_seconds() -> impl Strategy<Value = String> {
    let stamp = prop_oneof![
        "2026-06-1[23]T01:00:0[01](\\.[0-9]{1,4})?(Z|\\+02:00)?",
        "(10\\.0\\.0\\.[12]|12\\.06\\.2026|1781226123\\.5|10\\.0) - - \\[(12/Jun/2026:01:00:0[01] \\+0[02]00|12/Jun/2026:01:00:00\\.123 \\+0[02]00|2/Jun/2026:01:00:00 \\+0000|12/Jun/2026 01:00:00 \\+0000)\\]",
    ];
    let damage = proptest::option::weighted(0.3, (0_usize..70, "[0-9:+.TZ \x1bm\\[\\]-]"));
    (stamp, "( stdout F a| stderr P b|\x1b\\[0m| INFO|x|)", damage).prop_map(|(stamp, tail, damage)| {
        let mut line = stamp + &tail;
        if let Some((place, byte)) = damage {
            let place = place % line.len();
            line.replace_range(place..=place, &byte);
        }
        line
    })
}

proptest! {
    #[test]
    fn what_jiff_writes_as_rfc_3339_is_read_as_jiff_reads_it(
        (at, offset) in instant_and_offset(), precision in 0_u8..=9, blank in any::<bool>(), tail in "( .*)?"
    ) {
        let offset = jiff::tz::Offset::from_seconds(offset).unwrap();
        let printer = jiff::fmt::temporal::DateTimePrinter::new().precision(Some(precision));
        let mut text = printer.timestamp_with_offset_to_string(&at, offset);
        if blank {
            text = text.replace('T', " ");
        }
        let again: jiff::Timestamp = text.parse().unwrap();
        let line = format!("{text}{tail}");
        prop_assert_eq!(of_line(line.as_bytes(), &rules(), None).map(|found| found.at), Some(cut(again, precision > 0)));
    }

    #[test]
    fn the_fast_path_accepts_only_what_jiff_and_the_general_path_read_alike(
        (at, offset) in instant_and_offset(), precision in 0_u8..=9, place in 0_usize..40, byte in "[0-9:+.TZ -]"
    ) {
        let offset = jiff::tz::Offset::from_seconds(offset).unwrap();
        let printer = jiff::fmt::temporal::DateTimePrinter::new().precision(Some(precision));
        let mut text = printer.timestamp_with_offset_to_string(&at, offset);
        let place = place % text.len();
        text.replace_range(place..=place, &byte);
        if let Some((fast, end)) = fast::rfc3339(text.as_bytes()) {
            let jiff: jiff::Timestamp = text[..end].parse().unwrap();
            prop_assert_eq!(fast, cut(jiff, fast.has_subsecond()));
            let mut cursor = Cursor::new(text.as_bytes(), 0);
            let general = stamp::stamp(&mut cursor).unwrap();
            prop_assert_eq!(general.format, TimeFormat::Rfc3339);
            prop_assert_eq!(general.when.settle(&rules()), Some(fast));
        }
    }

    #[test]
    fn what_is_remembered_of_the_lines_before_changes_no_answer(lines in prop::collection::vec(line_of_a_few_seconds(), 1..12)) {
        let mut recent = Recent::default();
        for line in lines {
            let alone = of_line(line.as_bytes(), &rules(), None);
            prop_assert_eq!(recent.of_line(line.as_bytes(), &rules(), None), alone, "{}", line);
        }
    }

    #[test]
    fn calendar_arithmetic_agrees_with_jiff_in_every_zone(
        (at, _) in instant_and_offset(), zone in prop::sample::select(vec!["UTC", "Etc/GMT+5", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo"])
    ) {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let civil = at.to_zoned(zone.clone()).datetime();
        let expected = civil.to_zoned(zone.clone()).unwrap().timestamp();
        let rules = TimeRules::default().with_zone(zone);
        for pattern in ["%Y-%m-%d %H:%M:%S.%9f x", "%d/%b/%Y:%H:%M:%S.%9f", "%b %d %Y %H:%M:%S.%9f", "%Y%m%dT%H%M%S.%9f", "%Y-%jT%H:%M:%S.%9f"] {
            let line = civil.strftime(pattern).to_string();
            prop_assert_eq!(of_line(line.as_bytes(), &rules, None).map(|found| found.at), Some(cut(expected, true)), "{}", line);
        }
    }

    #[test]
    fn any_bytes_at_all_are_read_without_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut fields = W3cFields::new();
        fields.update(&line);
        fields.update(b"#Fields: date time");
        let _ = of_line(&line, &rules(), Some(&fields));
        let _ = of_line(&line, &rules().with_key("a.b").unwrap(), None);
        let _ = of_line(&line, &rules().with_format("%Y-%m-%d %H:%M:%S").unwrap(), None);
    }

    #[test]
    fn a_dated_line_damaged_anywhere_is_read_without_panic(
        row in 0..DATED.len(), place in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()
    ) {
        let mut line = DATED[row].0.as_bytes().to_vec();
        let place = place.index(line.len());
        line[place] = byte;
        let _ = of_line(&line, &rules(), None);
        line.truncate(end.index(line.len()));
        let _ = of_line(&line, &rules(), None);
    }

    #[test]
    fn every_instant_found_is_in_the_range_that_logs_have(line in "[0-9]{1,4}[-/.: ]?[0-9]{0,2}[-/.: ]?[0-9]{0,4}[T: ][0-9:]{6,9}[.Z+0-9]{0,6}") {
        if let Some(found) = of_line(line.as_bytes(), &rules(), None) {
            let year = found.at.to_string()[..4].parse::<i32>().unwrap();
            prop_assert!((1969..=2200).contains(&year));
        }
    }
}

#[test]
fn an_element_of_an_indented_array_is_a_record_and_a_member_on_its_own_line_is_read_where_it_is_named() {
    let plain = TimeRules::default();
    let at =
        |line: &str, rules: &TimeRules| of_line(line.as_bytes(), rules, None).map(|time| time.at.to_string());
    let noon = Some("2026-06-12T01:00:00Z".to_owned());
    assert_eq!(at(r#"  {"timestamp":"2026-06-12T01:00:00Z","msg":"x"},"#, &plain), noon);
    assert_eq!(at(r#"  "timestamp": "2026-06-12T01:00:00Z","#, &plain), None);
    let named = TimeRules::default().with_key("timestamp").unwrap();
    assert_eq!(at(r#"  "timestamp": "2026-06-12T01:00:00Z","#, &named), noon);
    assert_eq!(at(r#"    "timestamp" : 1781226000"#, &named), noon);
    assert_eq!(at(r#"  "other": "2026-06-12T01:00:00Z","#, &named), None);
}
