//! Where a webhook is: a URL that may hold secrets, as it is used and as it is shown.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::BASE64;
use ureq::http::Uri;

use crate::error::{Error, Result};

/// The address of a webhook. What is shown of it is scheme, host and port: user, password, query and even the path may be
/// secrets.
#[derive(Clone)]
pub(super) struct Address {
    /// The URL without user and password.
    uri: Uri,
    /// What `Authorization` says, if the URL has a user.
    authorization: Option<String>,
}

impl Address {
    /// Understands a URL. Without `allow_http`, it is https, unless it leads to this machine.
    ///
    /// # Errors
    /// When it is none of these. The text does not hold the URL.
    pub(super) fn parse(url: &str, allow_http: bool) -> Result<Self> {
        let expected = "expected the URL of a webhook, such as https://alerts.example.com/jwtriage";
        let none =
            || Error::new(format!("{expected}, found something else (not shown: it may hold a secret)"));
        let uri: Uri = url.parse().map_err(|_| none())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(none());
        };
        let (user, place) = match authority.as_str().rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority.as_str()),
        };
        match scheme {
            "https" => {}
            "http" if allow_http || is_loopback(authority.host()) => {}
            "http" => {
                return Err(Error::new(format!(
                    "{expected}, found http://{place}, which anybody on the way can read: use https, or allow_http = true"
                )));
            }
            _ => return Err(none()),
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let without_user = format!("{scheme}://{place}{path}").parse().map_err(|_| none())?;
        let authorization = user.map(|user| format!("Basic {}", BASE64.encode(&decoded(user))));
        Ok(Self { uri: without_user, authorization })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether it is on this machine, so that no proxy leads there.
    pub(super) fn is_loopback(&self) -> bool {
        self.uri.host().is_some_and(is_loopback)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{place}", self.uri.scheme_str().unwrap_or(""))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a host is this machine, by its name alone: who answers to other names is for others to say.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// What `%2F` and its like stand for.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |at: usize| behind.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leads_out_of_the_machine_unless_http_is_allowed() {
        for (url, by_default) in [
            ("https://alerts.example.com/hook", true),
            ("HTTPS://alerts.example.com", true),
            ("http://localhost:9093/hook", true),
            ("http://127.0.0.1:9093/hook", true),
            ("http://127.8.0.1/hook", true),
            ("http://[::1]:9093/hook", true),
            ("http://alerts.example.com/hook", false),
            ("http://10.0.0.1/hook", false),
            ("http://localhost.example.com/hook", false),
            ("http://localhost@alerts.example.com/hook", false),
            ("http://127.0.0.1.example.com/hook", false),
        ] {
            assert_eq!(Address::parse(url, false).is_ok(), by_default, "{url}");
            assert!(Address::parse(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_the_web_is_refused_and_not_repeated() {
        for url in [
            "",
            "hook-s3cret",
            "//x/s3cret",
            "ftp://s3cret.example.com",
            "https://",
            "file:///s3cret",
            "https://a b",
        ] {
            let error = Address::parse(url, true).unwrap_err().to_string();
            assert!(
                error.starts_with("expected the URL of a webhook") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_but_scheme_host_and_port_is_shown() {
        let url = "https://ann:s3cret@alerts.example.com:8443/services/s3cret?key=s3cret#s3cret";
        let address = Address::parse(url, false).unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "https://alerts.example.com:8443 https://alerts.example.com:8443"
        );
        assert_eq!(address.uri().to_string(), "https://alerts.example.com:8443/services/s3cret?key=s3cret");
        let refused =
            Address::parse("http://ann:s3cret@alerts.example.com/s3cret", false).unwrap_err().to_string();
        assert!(refused.contains("http://alerts.example.com") && !refused.contains("s3cret"), "{refused}");
    }

    #[test]
    fn user_and_password_become_basic_authorization() {
        let authorization =
            |url: &str| Address::parse(url, false).unwrap().authorization().map(str::to_owned);
        assert_eq!(authorization("https://alerts.example.com/"), None);
        // RFC 7617 §2: Aladdin, open sesame.
        let expected = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
        assert_eq!(authorization("https://Aladdin:open%20sesame@alerts.example.com/"), expected);
    }

    #[test]
    fn a_percent_sign_without_two_digits_stands_for_itself() {
        assert_eq!(decoded("a%2Fb%zz%4"), b"a/b%zz%4");
    }
}
