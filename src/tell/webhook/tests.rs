//! Receivers on this machine that fail in their own ways.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::*;
use crate::tell::{Counts, Figures};
use crate::timestamp::Timestamp;

/// What a receiver does with a connection, once it has read the request.
#[derive(Clone, Copy)]
enum Answer {
    Says(&'static str),
    HangsUp,
    Hangs,
}

const OK: Answer = Answer::Says("204 No Content");

/// A receiver that answers its connections in turn, and then is gone; and the requests that it has read.
fn receiver(answers: &'static [Answer]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let (sent, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut hanging = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            sent.send(request(&mut stream)).unwrap();
            match answer {
                Answer::Says(status) => {
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        .unwrap();
                }
                Answer::HangsUp => {}
                Answer::Hangs => hanging.push(stream),
            }
        }
        drop(listener);
        // Whoever waits for an answer waits as long as the test goes on.
        while !hanging.is_empty() && sent.send(String::new()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    (place, requests)
}

/// A request, up to the end of its body.
fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        read.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole || length == 0 {
            return text;
        }
    }
}

fn event() -> Event {
    Event {
        run: 7,
        figures: Figures {
            started: Timestamp::from_seconds(1_781_229_600),
            duration: Duration::from_secs(2),
            exit_code: 1,
            bytes: 10,
            sources: Counts::default(),
            occurrences: [("expired", 3)].into_iter().collect(),
            live_tokens: Counts::default(),
            news: [("new", 1)].into_iter().collect(),
        },
        fingerprints: Vec::new(),
    }
}

/// Sends to a URL; what came of it, and how long it wanted to wait before each further attempt.
fn send(url: &str) -> (Result<(), String>, Vec<u64>) {
    send_within(url, Timing::default().attempt)
}

fn send_within(url: &str, attempt: Duration) -> (Result<(), String>, Vec<u64>) {
    let timing = Timing { attempt, ..Timing::default() };
    let waited = RefCell::new(Vec::new());
    let wait = |time: Duration| {
        waited.borrow_mut().push(time.as_secs());
        true
    };
    let sent = Webhook::new(url, false).unwrap().with_timing(timing).send(&event(), &wait);
    (sent.map_err(|error| error.to_string()), waited.into_inner())
}

#[test]
fn a_message_is_posted_as_json_with_the_urls_own_credentials() {
    let (place, requests) = receiver(&[OK]);
    assert_eq!(send(&format!("http://ann:s3cret@{place}/hook?key=k")), (Ok(()), vec![]));
    let request = requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?key=k HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    for header in
        ["content-type: application/json", "authorization: basic yw5uonmzy3jlda==", "user-agent: jwtriage/"]
    {
        assert!(head.contains(header), "{head}");
    }
    assert_eq!(body, event().to_json());
}

#[test]
fn a_receiver_that_fails_twice_gets_the_message_at_the_third_attempt() {
    let (place, requests) = receiver(&[Answer::Says("503 Service Unavailable"), Answer::HangsUp, OK]);
    assert_eq!(send(&format!("http://{place}/")), (Ok(()), vec![1, 5]));
    let all: Vec<_> = requests.iter().collect();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|request| request == &all[0]));
}

#[test]
fn a_receiver_that_is_overloaded_four_times_is_given_up() {
    let (place, requests) = receiver(&[Answer::Says("429 Too Many Requests"); 4]);
    let (sent, waited) = send(&format!("http://ann:s3cret@{place}/s3cret?s3cret"));
    assert_eq!(sent.unwrap_err(), format!("cannot notify http://{place} (tried 4 times): it answered 429"));
    assert_eq!((waited, requests.iter().count()), (vec![1, 5, 25], 4));
}

#[test]
fn a_receiver_that_hangs_is_left_after_the_time_of_an_attempt() {
    let (place, requests) = receiver(&[Answer::Hangs, OK]);
    assert_eq!(send_within(&format!("http://{place}/"), Duration::from_secs(2)), (Ok(()), vec![1]));
    drop(requests);
    let (place, _requests) = receiver(&[Answer::Hangs; 4]);
    let (sent, _) = send_within(&format!("http://{place}/"), Duration::from_millis(500));
    assert!(sent.unwrap_err().ends_with("(tried 4 times): no answer within 500ms"));
}

#[test]
fn a_redirect_is_not_followed_wherever_it_leads() {
    for status in [
        "302 Found\r\nLocation: http://127.0.0.1:9/",
        "307 Temporary Redirect\r\nLocation: https://alerts.example.com/",
        "308 Permanent Redirect\r\nLocation: http://alerts.example.com/s3cret",
        "301 Moved Permanently\r\nLocation: /elsewhere",
    ] {
        let status: &'static [Answer] = Vec::leak(vec![Answer::Says(status)]);
        let (place, requests) = receiver(status);
        let (sent, waited) = send(&format!("http://{place}/"));
        let error = sent.unwrap_err();
        assert!(error.contains("(tried once)") && error.contains("redirects are not followed"), "{error}");
        assert_eq!((waited, requests.iter().count()), (vec![], 1));
    }
}

#[test]
fn what_the_receiver_refuses_is_not_repeated() {
    let (place, requests) = receiver(&[Answer::Says("403 Forbidden")]);
    let (sent, waited) = send(&format!("http://{place}/"));
    assert_eq!(sent.unwrap_err(), format!("cannot notify http://{place} (tried once): it answered 403"));
    assert_eq!((waited, requests.iter().count()), (vec![], 1));
}

#[test]
fn nobody_there_is_a_reason_to_try_again() {
    let (place, requests) = receiver(&[]);
    assert!(requests.recv().is_err(), "it is gone");
    let (sent, waited) = send(&format!("http://{place}/s3cret"));
    let error = sent.unwrap_err();
    assert!(
        error.starts_with(&format!("cannot notify http://{place} (tried 4 times): "))
            && !error.contains("s3cret"),
        "{error}"
    );
    assert_eq!(waited, [1, 5, 25]);
}

#[test]
fn who_no_longer_wants_to_wait_ends_it() {
    let (place, requests) = receiver(&[Answer::Says("500 Internal Server Error")]);
    let sent = Webhook::new(&format!("http://{place}/"), false).unwrap().send(&event(), &|_| false);
    assert!(sent.unwrap_err().to_string().contains("(tried once): it answered 500"));
    assert_eq!(requests.iter().count(), 1);
}

#[test]
fn to_a_receiver_without_tls_nothing_is_said_but_hello() {
    let (place, requests) = receiver(&[Answer::HangsUp]);
    let webhook = Webhook::new(&format!("https://ann:s3cret@{place}/s3cret"), false).unwrap();
    // The receiver waits for a request, which never comes.
    let timing = Timing { attempt: Duration::from_millis(500), ..Timing::default() };
    let webhook = webhook.with_timing(timing);
    assert!(webhook.attempt(&webhook.agent(&[]), &event().to_json()).is_err());
    let hello = requests.recv().unwrap();
    assert!(!hello.contains("jwtriage") && !hello.contains("s3cret"), "{hello}");
}

/// A receiver with TLS under the name localhost that answers so many connections; its certificate, and the requests that
/// it has read.
fn receiver_with_tls(connections: usize) -> (String, Certificate<'static>, Receiver<String>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = Certificate::from_der(made.cert.der()).to_owned();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, requests) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut buffer = [0; 4096];
            let mut read = Vec::new();
            // A client that does not trust the certificate goes away, which is an error here.
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                read.extend_from_slice(&buffer[..length]);
                if read.ends_with(b"}") {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        .unwrap();
                    break;
                }
            }
            sent.send(String::from_utf8(read).unwrap()).unwrap();
        }
    });
    (format!("https://localhost:{port}/hook"), certificate, requests)
}

#[test]
fn with_tls_a_message_arrives_where_the_certificate_is_trusted() {
    let (url, certificate, requests) = receiver_with_tls(1);
    let webhook = Webhook::new(&url, false).unwrap();
    assert!(webhook.attempt(&webhook.agent(&[certificate]), &event().to_json()).is_ok());
    assert!(requests.recv().unwrap().ends_with(&event().to_json()));
}

#[test]
fn to_a_receiver_whose_certificate_is_not_trusted_nothing_is_said_and_it_is_not_tried_again() {
    let (url, _, requests) = receiver_with_tls(1);
    let (_, another, _) = receiver_with_tls(0);
    let webhook = Webhook::new(&url, false).unwrap();
    let failure = webhook.attempt(&webhook.agent(&[another]), &event().to_json());
    assert!(
        matches!(&failure, Err(Failure::Lasting(why)) if why.starts_with("TLS: ") && why.contains("certificate"))
    );
    assert_eq!(requests.recv().unwrap(), "");
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let (url, certificate, requests) = receiver_with_tls(1);
    let webhook = Webhook::new(&url.replace("localhost", "127.0.0.1"), false).unwrap();
    let failure = webhook.attempt(&webhook.agent(&[certificate]), &event().to_json());
    assert!(matches!(&failure, Err(Failure::Lasting(why)) if why.starts_with("TLS: ")));
    assert_eq!(requests.recv().unwrap(), "");
}
