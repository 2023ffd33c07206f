//! Whether servers answer: asked by the pool while somebody looks at them, and at no other time.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::app::view::Answer;
use crate::io::local::{self, Target};
use crate::runtime::Priority;
use crate::runtime::timer::TimerId;
use crate::wire::http1::{Parsed, ResponseHead, parse_response};

/// So often it is looked whether each still takes connections.
const EVERY: Duration = Duration::from_secs(5);
/// And so long a status is believed meanwhile: each question is a line in some server's log, or has it build a page.
const FRESH: Duration = Duration::from_secs(60);
/// A server has so long to answer; that of a test, on a busy machine, longer.
const WITHIN: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });
/// How soon it is noticed that nobody looks any more.
const SLICE: Duration = Duration::from_millis(100);
/// So many are asked at once.
const AT_ONCE: usize = 2;
/// So many are asked at all, the newest.
const SERVERS_MAX: usize = 50;
/// A longer head of an answer is none.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What is known of the servers, by their URLs.
#[derive(Default)]
pub(crate) struct Answers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watched: bool,
    timer: Option<TimerId>,
    /// Those that are still to be asked in this round, and who asks them.
    queue: VecDeque<Arc<str>>,
    workers: usize,
    known: HashMap<Arc<str>, Known>,
}

/// What came of a question.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    answer: Answer,
    asked: Option<Instant>,
    /// The address at which others of the network reach it.
    network: Option<Arc<str>>,
}

impl Answers {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the server of a URL, and where others of the network reach it.
    pub(super) fn of(&self, url: &str) -> (Answer, Option<Arc<str>>) {
        self.state().known.get(url).map_or_else(Default::default, |known| (known.answer, known.network.clone()))
    }

    fn is_watched(&self) -> bool {
        self.state().watched
    }

    /// The next one of the round with what is known of it. When there is none, who asks has ended.
    fn next(&self) -> Option<(Arc<str>, Known)> {
        let mut state = self.state();
        let next = state.queue.pop_front().filter(|_| state.watched);
        if next.is_none() {
            state.workers -= 1;
        }
        next.map(|url| (url.clone(), state.known.get(&url).cloned().unwrap_or_default()))
    }

    /// Answers whether it says something new.
    fn keep(&self, url: Arc<str>, known: Known) -> bool {
        let said = |known: &Known| (known.answer, known.network.clone());
        let mut state = self.state();
        let before = state.known.get(&url).map(said).unwrap_or_default();
        let news = before != said(&known);
        state.known.insert(url, known);
        news
    }
}

impl App {
    /// Asks from now on, or no longer.
    pub(super) fn watch_servers(&self, on: bool) {
        let mut state = self.answers.state();
        if state.watched == on {
            return;
        }
        state.watched = on;
        state.queue.clear();
        if let Some(timer) = state.timer.take() {
            self.timer.cancel(timer);
        }
        if on {
            let (pool, me) = (self.pool.clone(), self.me.clone());
            let look = move || {
                let me = me.clone();
                // A look that the pool refuses is a look that is not shown.
                let _ = pool.spawn(Priority::Low, move || me.upgrade().into_iter().for_each(|app| app.ask_servers()));
            };
            look();
            state.timer = Some(self.timer.every(EVERY, look));
        }
    }

    /// Begins a round, unless nobody looks or the last one still goes on.
    pub(super) fn ask_servers(&self) {
        if !self.answers.is_watched() {
            return;
        }
        let runs = |id| self.manager.get_process(id).is_some_and(|process| !process.status.is_ended());
        let mut urls: VecDeque<Arc<str>> = VecDeque::new();
        for (process, url) in self.web.announced() {
            if urls.len() < SERVERS_MAX && process.is_none_or(runs) && !urls.contains(&url) {
                urls.push_back(url);
            }
        }
        let mut state = self.answers.state();
        // What is not asked any more is not known any more.
        state.known.retain(|url, _| urls.contains(url));
        if !state.watched || state.workers > 0 {
            return;
        }
        state.workers = AT_ONCE.min(urls.len());
        state.queue = urls;
        for _ in 0..state.workers {
            let me = self.me.clone();
            let work = move || {
                let Some(app) = me.upgrade() else { return };
                while let Some((url, known)) = app.answers.next() {
                    let known = look(&url, known, &|| app.answers.is_watched());
                    if app.answers.keep(url, known) {
                        app.changes.bump(Thing::Urls);
                    }
                }
            };
            if self.pool.spawn(Priority::Low, work).is_err() {
                state.workers -= 1;
            }
        }
    }
}

/// Looks whether it takes connections, and asks it where that was long ago.
fn look(url: &str, known: Known, goes_on: &dyn Fn() -> bool) -> Known {
    let Some(target) = Target::of(url) else { return Known::default() };
    let answered = matches!(known.answer, Answer::Status(_) | Answer::Open);
    let is_fresh = answered && known.asked.is_some_and(|asked| asked.elapsed() < FRESH);
    let Ok(stream) = target.connect(Instant::now() + WITHIN) else {
        return Known { answer: Answer::Nobody, ..Known::default() };
    };
    if is_fresh {
        return known;
    }
    let answer = if target.is_secure { Answer::Open } else { ask(&target, stream, goes_on) };
    Known { answer, asked: Some(Instant::now()), network: in_network(url, &target) }
}

/// The address of this machine in its network, if the server listens there as well.
fn in_network(url: &str, target: &Target<'_>) -> Option<Arc<str>> {
    let (own, port) = (local::own_address().filter(|_| target.is_loopback())?, local::port(url)?);
    let scheme = if target.is_secure { "https" } else { "http" };
    let there = format!("{scheme}://{own}:{port}");
    Target::of(&there)?.connect(Instant::now() + WITHIN).ok()?;
    Some(there.into())
}

/// What was heard of a server.
#[derive(Debug, PartialEq)]
enum Heard {
    Status(u16),
    /// The connection ended, or it does not speak HTTP.
    Nothing,
    Late,
}

/// Asks for the head alone, and where that is refused, for all of it.
fn ask(target: &Target<'_>, stream: TcpStream, goes_on: &dyn Fn() -> bool) -> Answer {
    let head = request("HEAD", target, stream, goes_on);
    let heard = match head {
        Heard::Status(..400) | Heard::Late => head,
        Heard::Status(_) | Heard::Nothing => match target.connect(Instant::now() + WITHIN) {
            Ok(stream) => request("GET", target, stream, goes_on),
            Err(_) => Heard::Nothing,
        },
    };
    match heard {
        Heard::Status(status) => Answer::Status(status),
        Heard::Nothing => Answer::Open,
        Heard::Late => Answer::Late,
    }
}

/// Sends a request and reads the head of its answer.
fn request(method: &str, target: &Target<'_>, mut stream: TcpStream, goes_on: &dyn Fn() -> bool) -> Heard {
    let slash = if target.path.starts_with('/') { "" } else { "/" };
    let text = format!(
        "{method} {slash}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: brummer\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target.path, target.authority
    );
    if stream.write_all(text.as_bytes()).is_err() || stream.set_read_timeout(Some(SLICE)).is_err() {
        return Heard::Nothing;
    }
    let until = Instant::now() + WITHIN;
    let (mut bytes, mut room, mut head) = (Vec::new(), [0; 4096], ResponseHead::default());
    while Instant::now() < until && goes_on() {
        match stream.read(&mut room) {
            Ok(0) => return Heard::Nothing,
            Ok(count) => bytes.extend_from_slice(&room[..count]),
            Err(error) if is_slice(error.kind()) => continue,
            Err(_) => return Heard::Nothing,
        }
        match parse_response(&bytes, &mut head) {
            Ok(Parsed::Complete { .. }) => return Heard::Status(head.status()),
            Ok(Parsed::Partial) if bytes.len() < HEAD_BYTES_MAX => {}
            _ => return Heard::Nothing,
        }
    }
    Heard::Late
}

/// The time of one read is over; systems call that differently.
fn is_slice(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind;
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that answers HEAD and GET so, for as many connections as there are answers; an empty one ends the connection.
    /// What it was asked is in the answer.
    fn asked(answers: &[&str], known: Known) -> (Known, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/a?b", listener.local_addr().unwrap().port());
        std::thread::scope(|scope| {
            let server = scope.spawn(|| {
                let mut asked = Vec::new();
                for answer in answers {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut room = [0; 1024];
                    let count = stream.read(&mut room).unwrap_or(0);
                    let text = String::from_utf8_lossy(&room[..count]).into_owned();
                    asked.push(text.lines().next().unwrap_or_default().to_owned());
                    let _ = stream.write_all(answer.as_bytes());
                }
                asked
            });
            let known = look(&url, known, &|| true);
            (known, server.join().unwrap())
        })
    }

    #[test]
    fn the_status_is_that_of_a_head_or_else_of_the_whole() {
        let (known, asked_for) = asked(&["HTTP/1.1 204 No\r\n\r\n"], Known::default());
        assert_eq!((known.answer, asked_for), (Answer::Status(204), vec!["HEAD /a?b HTTP/1.1".to_owned()]));
        for head in ["HTTP/1.1 405 No\r\n\r\n", "HTTP/1.1 404 No\r\n\r\n", ""] {
            let (known, asked_for) = asked(&[head, "HTTP/1.1 200 OK\r\n\r\nbody"], Known::default());
            assert_eq!((known.answer, &*asked_for[1]), (Answer::Status(200), "GET /a?b HTTP/1.1"), "{head:?}");
        }
        let (known, _) = asked(&["HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 503 No\r\n\r\n"], Known::default());
        assert_eq!(known.answer, Answer::Status(503));
        assert_eq!(asked(&["SSH-2.0-x\r\n", "SSH-2.0-x\r\n"], Known::default()).0.answer, Answer::Open);
    }

    #[test]
    fn a_status_is_believed_for_a_while_as_long_as_connections_are_taken() {
        let known = Known { answer: Answer::Status(200), asked: Some(Instant::now()), network: None };
        let (same, asked_for) = asked(&[""], known.clone());
        assert_eq!((same, asked_for), (known, vec![String::new()]), "nothing is asked");
        let late = Known { answer: Answer::Late, asked: Some(Instant::now()), network: None };
        assert_eq!(asked(&["HTTP/1.1 200 OK\r\n\r\n"], late).0.answer, Answer::Status(200));
    }

    #[test]
    fn who_is_not_there_or_says_nothing_or_is_elsewhere_is_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
        // Nobody looks any more: the answer is not waited for.
        assert_eq!(look(&url, Known::default(), &|| false).answer, Answer::Late);
        let secure = url.replace("http:", "https:");
        assert_eq!(look(&secure, Known::default(), &|| true).answer, Answer::Open);
        // A port that no program takes by chance.
        assert_eq!(look("http://127.0.0.1:1/", Known::default(), &|| true).answer, Answer::Nobody);
        assert_eq!(look("http://example.com/", Known::default(), &|| true), Known::default());
    }
}
