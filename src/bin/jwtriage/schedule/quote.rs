//! Paths in the languages of schedulers. None of them holds a control character: that is refused before.

/// A word in a systemd unit: in quotes where it needs them, with `%` as the only thing that means something inside.
pub fn systemd(word: &str) -> String {
    let word = word.replace('%', "%%");
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The same in a command line of a unit, where `$` names a variable.
pub fn systemd_argument(word: &str) -> String {
    systemd(word).replace('$', "$$")
}

/// A word in a line of a crontab: one of the shell, in which `%` would begin the input of the command.
pub fn crontab(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // cron takes the backslash away before the shell sees the line.
    format!("'{}'", word.replace('\'', r"'\''").replace('%', r"\%"))
}

/// A text in YAML: what is a string in JSON is one there too.
pub fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_quotes_gets_none() {
        let path = "/var/log/app-1.0_x/nightly.toml";
        assert_eq!([systemd(path), systemd_argument(path), crontab(path)], [path; 3]);
    }

    #[test]
    fn what_means_something_to_the_scheduler_is_taken_by_its_letters() {
        let path = r#"/a b/100%/$HOME/'q'/"d"/back\slash"#;
        assert_eq!(systemd(path), r#""/a b/100%%/$HOME/'q'/\"d\"/back\\slash""#);
        assert_eq!(systemd_argument(path), r#""/a b/100%%/$$HOME/'q'/\"d\"/back\\slash""#);
        assert_eq!(crontab(path), r#"'/a b/100\%/$HOME/'\''q'\''/"d"/back\slash'"#);
        assert_eq!(yaml(path), r#""/a b/100%/$HOME/'q'/\"d\"/back\\slash""#);
        assert_eq!((systemd(""), crontab("")), ("\"\"".to_owned(), "''".to_owned()));
    }
}
