//! What a file of the registry says about one running instance, and whether that can be true.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::platform;

/// A heartbeat that is older says nothing any more, where the start time of the process is not known.
const STALE_AFTER: Duration = Duration::from_secs(5 * 60);
/// Clocks may differ by so much before a time counts as one of the future.
const FUTURE_MAX: Duration = Duration::from_secs(60);
/// No field is longer.
const TEXT_BYTES_MAX: usize = 4096;

/// One running Brummer, as it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Unique for one run: the folder's name and sixteen hexadecimal digits.
    pub id: String,
    /// The project's name.
    pub name: String,
    /// The project's folder, absolute.
    pub directory: String,
    /// The port of its MCP server.
    pub port: u16,
    /// When it was started.
    #[serde(with = "moment")]
    pub started_at: Timestamp,
    /// Its last heartbeat.
    #[serde(with = "moment")]
    pub last_ping: Timestamp,
    /// The process that it is.
    pub process_info: ProcessInfo,
    /// Where its MCP server is: `http://127.0.0.1:7777/mcp`.
    #[serde(default)]
    pub url: String,
    /// The file with the token that its server asks for, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_path: Option<String>,
    /// The version of Brummer.
    #[serde(default)]
    pub version: String,
}

/// A process that no other is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: u32,
    /// Its program.
    pub executable: String,
    /// When it began, in the system's own unit; 0: not known.
    #[serde(default)]
    pub started: u64,
}

impl ProcessInfo {
    /// This process.
    pub fn own() -> ProcessInfo {
        let pid = std::process::id();
        let executable = std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        ProcessInfo { pid, executable, started: start_time(pid).unwrap_or_default() }
    }
}

/// When the living process of this number began.
fn start_time(pid: u32) -> Option<u64> {
    platform::entry(i32::try_from(pid).ok()?).filter(|entry| !entry.zombie).map(|entry| entry.started)
}

impl Instance {
    /// Reads a file's text.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &[u8], now: Timestamp) -> Result<Instance, String> {
        let mut instance: Instance =
            serde_json::from_slice(text).map_err(|error| format!("it is not a registration: {error}"))?;
        if instance.url.is_empty() {
            instance.url = format!("http://127.0.0.1:{}/mcp", instance.port);
        }
        match instance.fault(now) {
            Some(fault) => Err(fault.to_owned()),
            None => Ok(instance),
        }
    }

    fn fault(&self, now: Timestamp) -> Option<&'static str> {
        let texts = [&self.id, &self.name, &self.directory, &self.url, &self.process_info.executable, &self.version];
        let future = |time: Timestamp| time.as_second() > now.as_second() + FUTURE_MAX.as_secs() as i64;
        match () {
            () if self.id.is_empty() || self.name.is_empty() || self.directory.is_empty() => {
                Some("id, name or directory is empty")
            }
            () if !is_file_name(&self.id) => Some("the id is no plain file name"),
            () if texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) => Some("a field has more than 4096 bytes"),
            () if self.port == 0 => Some("the port is 0"),
            () if self.process_info.pid == 0 => Some("the pid is 0"),
            () if future(self.started_at) || future(self.last_ping) => Some("a time lies in the future"),
            () => None,
        }
    }

    /// Whether the process that wrote this lives. Its start time tells it from one that got its number; where that is not
    /// known, a living process and a recent heartbeat are asked for.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        match (start_time(self.process_info.pid), self.process_info.started) {
            (None, _) => false,
            (Some(_), 0) => self.silence(now) < STALE_AFTER,
            (Some(started), told) => started == told,
        }
    }

    /// How long ago the last heartbeat was.
    pub fn silence(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.last_ping)).unwrap_or_default()
    }
}

/// Whether an id can be the name of a file, and of nothing else.
pub(super) fn is_file_name(id: &str) -> bool {
    let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    id.len() <= 200 && !id.starts_with('.') && id.chars().all(plain)
}

/// Times as RFC 3339 texts.
mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) fn sample(id: &str) -> Instance {
    let now = Timestamp::now();
    Instance {
        id: id.to_owned(),
        name: "shop".to_owned(),
        directory: "/home/a/shop".to_owned(),
        port: 7777,
        started_at: now,
        last_ping: now,
        process_info: ProcessInfo::own(),
        url: "http://127.0.0.1:7777/mcp".to_owned(),
        token_path: None,
        version: "0.1.0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let one = sample("shop-1");
        let text = serde_json::to_vec(&one).unwrap();
        assert_eq!(Instance::parse(&text, Timestamp::now()), Ok(one));
    }

    #[test]
    fn a_file_of_an_earlier_brummer_is_read_as_well() {
        let text = br#"{"id":"shop-00112233445566ff","name":"shop","directory":"/a","port":7778,
            "started_at":"2026-01-02T03:04:05.123456789+02:00","last_ping":"2026-01-02T03:04:05Z",
            "process_info":{"pid":12,"executable":"/usr/bin/brum"}}"#;
        let instance = Instance::parse(text, Timestamp::now()).unwrap();
        assert_eq!(instance.url, "http://127.0.0.1:7778/mcp");
        assert_eq!(instance.process_info.started, 0);
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        let now = Timestamp::now();
        let refused = |change: fn(&mut Instance)| {
            let mut one = sample("shop-1");
            change(&mut one);
            Instance::parse(&serde_json::to_vec(&one).unwrap(), now).unwrap_err()
        };
        assert!(refused(|one| one.name.clear()).contains("empty"));
        assert!(refused(|one| one.id = "../x".into()).contains("file name"));
        assert!(refused(|one| one.port = 0).contains("port"));
        assert!(refused(|one| one.process_info.pid = 0).contains("pid"));
        assert!(refused(|one| one.directory = "x".repeat(5000)).contains("4096"));
        assert!(refused(|one| one.last_ping += jiff::SignedDuration::from_secs(120)).contains("future"));
        assert!(Instance::parse(b"{", now).unwrap_err().contains("not a registration"));
    }

    #[test]
    fn a_process_that_got_an_old_number_is_not_taken_for_the_one_before() {
        let now = Timestamp::now();
        let mut one = sample("shop-1");
        assert!(one.is_alive(now));
        one.process_info.started += 1;
        assert!(!one.is_alive(now), "the same pid, another start time");
        one.process_info.started = 0;
        assert!(one.is_alive(now), "no start time, a living process and a fresh heartbeat");
        assert!(!one.is_alive(now + jiff::SignedDuration::from_secs(301)));
    }
}
