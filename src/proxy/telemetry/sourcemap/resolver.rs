//! Takes the frames of an error to their originals: fetches scripts and maps once for a burst of errors, and remembers them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::fetch::{fetch, is_here};
use super::map::SourceMap;
use super::script::{self, Place};
use crate::proxy::telemetry::{Original, StackFrame};

/// A script and its map have to come within this time.
const FETCH_WITHIN: Duration = Duration::from_secs(5);
/// The innermost frames alone are resolved.
const FRAMES_MAX: usize = 10;
/// What was fetched is believed for so long: a build may replace it under the same name. A page tells what happens in it
/// every two seconds, so the errors of one batch share it, and those of the next see the next build.
const FRESH: Duration = Duration::from_secs(1);
/// Maps and bundles that are remembered, in number and bytes.
const KEPT_MAX: usize = 32;
const KEPT_BYTES_MAX: usize = 64 << 20;
/// Bundles that are searched for an evaluated module.
const BUNDLES_MAX: usize = 20;

/// Says which server stands behind an origin of ours: `http://localhost:20888` → `http://127.0.0.1:5173`.
pub(crate) type Servers = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What is remembered.
struct Kept {
    key: String,
    since: Instant,
    bytes: usize,
    /// `None` for what is not there.
    map: Option<Arc<Mapped>>,
}

/// A map, and the lines of its script that stand before those that frames count.
struct Mapped {
    map: SourceMap,
    lines_before: u32,
}

/// The resolver. It blocks on the network: never to be called on the reactor.
pub(crate) struct Resolver {
    servers: Servers,
    fresh: Duration,
    kept: Mutex<Vec<Kept>>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    pub(crate) fn new(servers: Servers) -> Resolver {
        Resolver { servers, fresh: FRESH, kept: Mutex::default() }
    }

    /// The originals of the innermost frames, one for each. `scripts` are those of the page, for modules that are evaluated.
    pub(crate) fn resolve(&self, frames: &[StackFrame], scripts: &[Arc<str>]) -> Vec<Option<Original>> {
        frames.iter().take(FRAMES_MAX).map(|frame| self.original(frame, scripts)).collect()
    }

    fn original(&self, frame: &StackFrame, scripts: &[Arc<str>]) -> Option<Original> {
        let map = match frame.url.starts_with("http") {
            true => self.map(&frame.url, || self.map_of_script(&frame.url)),
            false => self.map(&frame.url, || self.map_of_module(&frame.url, scripts)),
        };
        let mapped = map?;
        let found = mapped.map.find(frame.line.checked_add(mapped.lines_before)?, frame.column)?;
        let file = script::source_name(&frame.url, &found.file);
        Some(Original { file: file.into(), ..found })
    }

    /// The map under a key, remembered or made.
    fn map(&self, key: &str, make: impl FnOnce() -> Option<(Mapped, usize)>) -> Option<Arc<Mapped>> {
        {
            let mut kept = self.kept.lock();
            kept.retain(|kept| kept.since.elapsed() < self.fresh);
            if let Some(known) = kept.iter().find(|kept| kept.key == key) {
                return known.map.clone();
            }
        }
        let made = make();
        let bytes = made.as_ref().map_or(0, |(_, bytes)| *bytes);
        let map = made.map(|(map, _)| Arc::new(map));
        let mut kept = self.kept.lock();
        kept.push(Kept { key: key.to_owned(), since: Instant::now(), bytes, map: map.clone() });
        while kept.len() > KEPT_MAX || kept.iter().map(|kept| kept.bytes).sum::<usize>() > KEPT_BYTES_MAX {
            kept.remove(0);
        }
        map
    }

    fn map_of_script(&self, url: &str) -> Option<(Mapped, usize)> {
        let text = self.fetch(url)?;
        let lines_before = match script::module_in_url(url) {
            Some(module) => script::lines_before_module(&text, &module)?,
            None => 0,
        };
        let bytes = match script::of_script(&text)? {
            Place::Inline(bytes) => bytes,
            Place::At(relative) => self.fetch(&script::join(url, &relative))?,
        };
        Some((Mapped { map: SourceMap::parse(&bytes)?, lines_before }, bytes.len()))
    }

    fn map_of_module(&self, name: &str, scripts: &[Arc<str>]) -> Option<(Mapped, usize)> {
        let bundles = scripts.iter().take(BUNDLES_MAX).filter_map(|url| self.fetch(url));
        let bytes = bundles.into_iter().find_map(|bundle| script::of_module(&bundle, name))?;
        Some((Mapped { map: SourceMap::parse(&bytes)?, lines_before: 0 }, bytes.len()))
    }

    /// Fetches a file from the server itself where it is known, so that it is no exchange of the page's; nothing if it fails.
    fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        let path_at = url.find("://").map(|at| url[at + 3..].find('/').map_or(url.len(), |slash| at + 3 + slash))?;
        let (origin, path) = url.split_at(path_at);
        // Where the server cannot be asked in plain HTTP, the proxy can.
        let server = (self.servers)(origin).filter(|server| is_here(server));
        let base = server.as_deref().unwrap_or(origin).trim_end_matches('/');
        fetch(&format!("{base}{path}"), FETCH_WITHIN).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers so many requests, and counts them.
    fn server(files: &'static [(&'static str, &'static str)], requests: usize) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let count = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&count);
        std::thread::spawn(move || {
            for stream in listener.incoming().take(requests) {
                let (mut stream, mut request) = (stream.unwrap(), [0; 1024]);
                let length = stream.read(&mut request).unwrap();
                asked.fetch_add(1, Ordering::Relaxed);
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or_default();
                let body = files.iter().find(|(name, _)| *name == path).map_or("", |(_, body)| body);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        });
        (address, count)
    }

    fn frame(url: String, line: u32, column: u32) -> StackFrame {
        StackFrame { function: "f".into(), url: url.into(), line, column }
    }

    #[test]
    fn frames_come_to_their_originals_and_a_burst_fetches_once() {
        let files = &[
            ("/src/a.js?t=1", "f()\n//# sourceMappingURL=maps/a.json"),
            ("/src/maps/a.json", r#"{"version":3,"sources":["a.ts"],"mappings":"AAAA;AAEE"}"#),
        ];
        let (address, count) = server(files, 2);
        let servers: Servers =
            Arc::new(move |origin| (origin == "http://localhost:20888").then(|| format!("http://{address}")));
        let resolver = Resolver { fresh: Duration::MAX, ..Resolver::new(servers) };
        let frames = [frame("http://localhost:20888/src/a.js?t=1".into(), 2, 5), frame("nonsense://x".into(), 1, 1)];
        for _ in 0..3 {
            let found = resolver.resolve(&frames, &[]);
            let first = found[0].as_ref().expect("an original");
            assert_eq!((&*first.file, first.line, first.column), ("src/a.ts", 3, 3));
            assert_eq!(found[1], None);
        }
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_evaluated_module_is_looked_for_in_the_scripts_of_the_page() {
        // The map says: source `webpack://app/./src/a.js`, first line.
        let files = &[(
            "/main.js",
            concat!(
                "eval(\"x\\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,",
                "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbIndlYnBhY2s6Ly9hcHAvLi9zcmMvYS5qcyJdLCJtYXBwaW5ncyI6IkFBQUEifQ==",
                "\\n//# sourceURL=webpack-internal:///./src/a.js\\n\")"
            ),
        )];
        let (address, _) = server(files, 2);
        let resolver = Resolver::new(Arc::new(|_| None));
        let scripts = [Arc::from(format!("http://{address}/other.js")), Arc::from(format!("http://{address}/main.js"))];
        let found = resolver.resolve(&[frame("webpack-internal:///./src/a.js".into(), 1, 4)], &scripts);
        assert_eq!(found[0].as_ref().map(|found| (&*found.file, found.line)), Some(("src/a.js", 1)));
    }

    #[test]
    fn a_module_that_turbopack_evaluates_anew_is_found_in_its_chunk() {
        let path = "/_next/static/chunks/a.js?id=%255Bproject%255D/app/a.ts+%255Bclient%255D+(ecmascript)";
        let other = "/_next/static/chunks/a.js?id=%255Bproject%255D/app/b.ts+%255Bclient%255D+(ecmascript)";
        let chunk = "push([\n\"[project]/app/a.ts [client] (ecmascript)\", ((t) => {\nf()\n}),\n]);\n//# sourceMappingURL=a.js.map";
        let files = Box::leak(Box::new([
            (path, chunk),
            (other, chunk),
            (
                "/_next/static/chunks/a.js.map",
                r#"{"version":3,"sources":["turbopack:///[project]/app/a.ts"],"mappings":";;AAOA"}"#,
            ),
        ]));
        let (address, _) = server(files, 3);
        let resolver = Resolver::new(Arc::new(|_| None));
        let at = |path: &str| resolver.resolve(&[frame(format!("http://{address}{path}"), 2, 1)], &[]).remove(0);
        assert_eq!(at(path).map(|found| (found.file.to_string(), found.line)), Some(("app/a.ts".to_owned(), 8)));
        assert_eq!(at(other), None, "no place is better than a wrong one");
    }
}
