//! A webhook: one POST of JSON, tried again where that may help.
//!
//! Certificates are judged by what this machine trusts. No redirect is followed: the message would go to a place that nobody
//! has configured, maybe without TLS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Event;
use super::address::Address;
use crate::error::{Error, Result};

/// How patient a webhook is.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long one attempt may take, from the look-up of the name to the answer.
    pub attempt: Duration,
    /// How long to wait before each further attempt.
    pub waits: [Duration; 3],
}

impl Default for Timing {
    fn default() -> Self {
        Self { attempt: Duration::from_secs(15), waits: [1, 5, 25].map(Duration::from_secs) }
    }
}

/// Where to tell of a run.
#[derive(Clone, Debug)]
pub struct Webhook {
    address: Address,
    timing: Timing,
}

/// Why an attempt was in vain.
enum Failure {
    /// The same message may be taken later.
    Passing(String),
    /// It will not.
    Lasting(String),
}

impl Webhook {
    /// The webhook at a URL: https, unless it leads to this machine or `allow_http` is given.
    ///
    /// # Errors
    /// When the URL is no such thing. The text does not hold it.
    pub fn new(url: &str, allow_http: bool) -> Result<Self> {
        Ok(Self { address: Address::parse(url, allow_http)?, timing: Timing::default() })
    }

    /// The same, more or less patient.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Self {
        Self { timing, ..self }
    }

    /// Sends a message. Where the network, or a receiver that is overloaded or broken (408, 429, 5xx), is the reason that
    /// it does not arrive, it is tried again after a while: `wait` lets that time pass, and says whether to go on.
    ///
    /// # Errors
    /// When no attempt was answered with 2xx. The text names scheme, host and port of the receiver and nothing else of the
    /// URL.
    pub fn send(&self, event: &Event, wait: &dyn Fn(Duration) -> bool) -> Result<()> {
        let agent = self.agent(&if self.address.is_https() { trusted()? } else { Vec::new() });
        let body = event.to_json();
        let mut waits = self.timing.waits.iter();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let why = match self.attempt(&agent, &body) {
                Ok(()) => return Ok(()),
                Err(Failure::Lasting(why)) => return Err(self.gave_up(attempts, &why)),
                Err(Failure::Passing(why)) => why,
            };
            if !waits.next().is_some_and(|time| wait(*time)) {
                return Err(self.gave_up(attempts, &why));
            }
        }
    }

    fn attempt(&self, agent: &Agent, body: &str) -> Result<(), Failure> {
        let mut request = agent.post(self.address.uri()).content_type("application/json");
        if let Some(authorization) = self.address.authorization() {
            request = request.header("Authorization", authorization);
        }
        let status = request.send(body).map_err(|error| self.failure(&error))?.status();
        if status.is_success() {
            return Ok(());
        }
        let code = status.as_u16();
        if status.is_redirection() {
            let why = format!(
                "it answered {code}, and redirects are not followed: configure the URL to which it leads"
            );
            return Err(Failure::Lasting(why));
        }
        let why = format!("it answered {code}");
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Failure::Passing(why)),
            _ if status.is_server_error() => Err(Failure::Passing(why)),
            _ => Err(Failure::Lasting(why)),
        }
    }

    /// Why there was no answer. Only texts that cannot hold the URL are repeated.
    fn failure(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Timeout(_) => {
                Failure::Passing(format!("no answer within {:?}", self.timing.attempt))
            }
            ureq::Error::HostNotFound => Failure::Passing("its name is not known".to_owned()),
            ureq::Error::Io(error) => match tls_error(error) {
                Some(error) => Failure::Lasting(tls(error)),
                None => Failure::Passing(error.to_string()),
            },
            ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
                Failure::Passing("no connection".to_owned())
            }
            ureq::Error::Protocol(_) => Failure::Passing("its answer is no HTTP".to_owned()),
            ureq::Error::Rustls(error) => Failure::Lasting(tls(error)),
            ureq::Error::Tls(_) => Failure::Lasting("TLS cannot be used with it".to_owned()),
            ureq::Error::InvalidProxyUrl => {
                Failure::Lasting("the proxy that the environment names is none".to_owned())
            }
            _ => Failure::Lasting("the request cannot be made".to_owned()),
        }
    }

    fn gave_up(&self, attempts: u32, why: &str) -> Error {
        let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
        Error::new(format!("cannot notify {} (tried {times}): {why}", self.address))
    }

    /// What makes connections, to receivers whose certificates lead back to these.
    fn agent(&self, trusted: &[Certificate<'static>]) -> Agent {
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(trusted))
            .build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(self.timing.attempt))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("jwtriage/", env!("CARGO_PKG_VERSION")));
        if self.address.is_loopback() {
            config = config.proxy(None);
        }
        config.build().into()
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// The certificates that this machine trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
fn trusted() -> Result<Vec<Certificate<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Error::new(
            "expected certificates that this machine trusts, to know the webhook by, found none: install ca-certificates, \
             or name a file of them in SSL_CERT_FILE",
        ));
    }
    Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}

/// What TLS has to say, where it comes in the guise of an error of the connection.
fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls(error: &rustls::Error) -> String {
    format!("TLS: {error}")
}

#[cfg(test)]
mod tests;
