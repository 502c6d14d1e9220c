//! What `[[issuer.keys]]` names → key sets over time: JWKS documents, snapshots of them, PEM files and secrets.

use std::sync::Arc;

use super::file::KeysEntry;
use super::jwks;
use super::key::Key;
use super::keys::{ALWAYS_RETIRED, KeySet};
use super::meaning::Reader;
use super::pem;
use super::problem::{Warning, Written};
use super::secret_file::{self, Encoding};
use super::snapshots::{self, Snapshot};
use crate::timestamp::Timestamp;
use zeroize::Zeroizing;

/// When the keys of a file are published, and where the policy says so.
#[derive(Clone, Copy)]
struct Window {
    line: Option<usize>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Window {
    fn set(self, file: String, keys: Vec<Key>) -> KeySet {
        let Self { line, from, until } = self;
        KeySet { file, line, from, until, keys: keys.into_iter().map(Arc::new).collect() }
    }
}

impl Reader<'_> {
    /// The key sets of one table; what is wrong with it is noted.
    pub(super) fn key_sets(
        &mut self,
        entry: &KeysEntry,
        algorithms: Option<&[String]>,
    ) -> Option<Vec<KeySet>> {
        let from = self.time(entry.from.as_ref());
        let until = if entry.always_retired { Some(ALWAYS_RETIRED) } else { self.time(entry.until.as_ref()) };
        if let (Some(from), Some(until), Some(written)) = (from, until, &entry.until)
            && from.millis() >= until.millis()
        {
            self.problems
                .with(written, format_args!("expected an instant after from ({from}), found {until}"));
        }
        let given = [&entry.jwks, &entry.jwks_snapshots, &entry.pem, &entry.secret_file];
        let mut given = given.into_iter().flatten();
        // Absent or refused: the reader of the file has said so.
        let first = given.next()?;
        if let Some(second) = given.next() {
            let advice = format_args!(
                "expected {} or {}, found both; write two [[issuer.keys]] tables",
                first.key, second.key
            );
            self.problems.with(second, advice);
            return None;
        }
        self.check_beside(entry);
        let window = Window { line: entry.line, from, until };
        match entry {
            KeysEntry { jwks: Some(jwks), .. } => self.jwks(jwks, algorithms, window),
            KeysEntry { jwks_snapshots: Some(pattern), .. } => self.snapshots(pattern, algorithms, window),
            KeysEntry { pem: Some(pem), kid, .. } => {
                let (file, bytes) = self.key_file(pem)?;
                // It may hold a private key too.
                let bytes = Zeroizing::new(bytes);
                let kid = kid.as_ref().map(|written| written.value.clone());
                let key = pem::parse(&bytes, kid, &file, &mut self.warnings);
                let key = self.or_problem(pem, &file, key)?;
                Some(vec![window.set(file, vec![key])])
            }
            KeysEntry { secret_file: Some(secret), encoding, kid, .. } => {
                let encoding = self.word(encoding.as_ref(), &Encoding::WORDS).unwrap_or_default();
                let (file, bytes) = self.key_file(secret)?;
                let bytes = Zeroizing::new(bytes);
                let kid = kid.as_ref().map(|written| written.value.clone());
                let key = secret_file::parse(&bytes, encoding, kid, &file, &mut self.warnings);
                let key = self.or_problem(secret, &file, key)?;
                secret_file::warn_if_short(&key, algorithms, &file, &mut self.warnings);
                Some(vec![window.set(file, vec![key])])
            }
            _ => None,
        }
    }

    /// What is written beside a key file that says it itself.
    fn check_beside(&mut self, entry: &KeysEntry) {
        let KeysEntry { secret_file, pem, encoding, kid, from, until, jwks_snapshots, .. } = entry;
        if let (None, Some(only)) = (secret_file, encoding) {
            self.problems.with(only, "expected beside secret_file only; the other files say it themselves");
        }
        if let (None, None, Some(only)) = (secret_file, pem, kid) {
            self.problems
                .with(only, "expected beside secret_file or pem only; a JWKS document says it itself");
        }
        for only in [from, until].into_iter().flatten().filter(|_| jwks_snapshots.is_some()) {
            self.problems.with(only, "expected no window beside jwks_snapshots: the snapshots tell it");
        }
    }

    fn jwks(
        &mut self,
        written: &Written<String>,
        algorithms: Option<&[String]>,
        window: Window,
    ) -> Option<Vec<KeySet>> {
        let (file, bytes) = self.key_file(written)?;
        let keys = self.jwks_keys(written, &file, bytes, algorithms)?;
        Some(vec![window.set(file, keys)])
    }

    fn jwks_keys(
        &mut self,
        written: &Written<String>,
        file: &str,
        bytes: Vec<u8>,
        algorithms: Option<&[String]>,
    ) -> Option<Vec<Key>> {
        let bytes = Zeroizing::new(bytes);
        let keys = jwks::parse(&bytes, file, &mut self.warnings);
        let keys = self.or_problem(written, file, keys)?;
        // A key that names its algorithm has been measured by that one.
        for key in keys.iter().filter(|key| key.alg.is_none()) {
            secret_file::warn_if_short(key, algorithms, file, &mut self.warnings);
        }
        Some(keys)
    }

    fn snapshots(
        &mut self,
        pattern: &Written<String>,
        algorithms: Option<&[String]>,
        window: Window,
    ) -> Option<Vec<KeySet>> {
        let found = snapshots::find(self.files, self.dir, &pattern.value);
        let found = self.or_problem(pattern, &pattern.value, found)?;
        let mut read = Vec::with_capacity(found.len());
        let before = self.warnings.len();
        for Snapshot { path, at, is_by_modification } in found {
            let file = path.display().to_string();
            if is_by_modification {
                let message = "no date in its name; its modification time is taken";
                self.warnings.push(Warning::new(&*file, message));
            }
            let bytes = self.files.read(&path).map_err(|error| format!("cannot read it: {error}"));
            let bytes = self.or_problem(pattern, &file, bytes)?;
            let keys = self.jwks_keys(pattern, &file, bytes, algorithms)?;
            read.push((at, file, keys.into_iter().map(Arc::new).collect()));
        }
        // The same keys stand in snapshot after snapshot.
        let warnings = self.warnings.split_off(before);
        self.warnings.extend(snapshots::told_once(warnings));
        Some(snapshots::key_sets(&snapshots::united(read), window.line))
    }

    /// The bytes of a key file, and its path as seen from here.
    fn key_file(&mut self, written: &Written<String>) -> Option<(String, Vec<u8>)> {
        let path = self.dir.join(&written.value);
        let file = path.display().to_string();
        let bytes = self.files.read(&path).map_err(|error| format!("cannot read it: {error}"));
        let bytes = self.or_problem(written, &file, bytes)?;
        Some((file, bytes))
    }
}
