//! The browser that tools drive: started on the first wish, asked on a thread of its own, gone with the server.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::answer::{Done, Refusal};
use super::waits::{Look, Wait};
use crate::proxy::browser::{Browser, BrowserOptions, Tab};

/// Pages that are open at once; the oldest is closed for a new one.
const TABS_MAX: usize = 8;

/// A page has so long to load.
pub(crate) const LOAD_WITHIN: Duration = Duration::from_secs(30);

/// The script in a page has so long to say which session it is.
const SESSION_WITHIN: Duration = Duration::from_secs(20);

/// A page of the browser.
#[derive(Clone)]
pub(crate) struct Driven {
    /// `browser-1`; the session's id is as good.
    pub(crate) label: String,
    /// The session that it is to telemetry, if it is one.
    pub(crate) session: Option<String>,
    pub(crate) url: String,
    pub(crate) tab: Tab,
}

type Job = Box<dyn FnOnce(&mut State) + Send>;

/// What the thread has.
#[derive(Default)]
pub(crate) struct State {
    browser: Option<(Browser, bool)>,
    opened: usize,
    shown: Arc<Mutex<Vec<Driven>>>,
}

/// The browser, from elsewhere.
pub(crate) struct Driver {
    thread: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
    shown: Arc<Mutex<Vec<Driven>>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Driver {
    /// One that has not begun.
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Driver {
        Driver { thread: Mutex::default(), shown: Arc::default(), wake }
    }

    /// The pages of the browser, the newest last.
    pub(crate) fn pages(&self) -> Vec<Driven> {
        self.shown.lock().clone()
    }

    /// The page with this label or session.
    pub(crate) fn page(&self, id: &str) -> Option<Driven> {
        self.shown.lock().iter().find(|page| page.label == id || page.session.as_deref() == Some(id)).cloned()
    }

    /// Has something done on the thread; it is looked for within `limit`.
    pub(crate) fn ask(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut State) -> Done + Send + 'static,
    ) -> Result<Box<dyn Wait>, Refusal> {
        let slot = Arc::new(Mutex::new(None));
        let (own, wake) = (Arc::clone(&slot), Arc::clone(&self.wake));
        let job: Job = Box::new(move |state| {
            let done = work(state);
            *own.lock() = Some(done);
            wake();
        });
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let (sender, jobs) = channel::<Job>();
            let mut state = State { shown: Arc::clone(&self.shown), ..State::default() };
            let run = move || jobs.into_iter().for_each(|job| job(&mut state));
            let spawned = std::thread::Builder::new().name("brummer-mcp-browser".into()).spawn(run);
            let spawned = spawned.map_err(|error| Refusal(format!("no thread for a browser: {error}")))?;
            *thread = Some((sender, spawned));
        }
        let sent = thread.as_ref().is_some_and(|(sender, _)| sender.send(job).is_ok());
        match sent {
            true => Ok(Box::new(Asked { slot, until: Instant::now() + limit })),
            false => Err("the browser's thread has ended; restart brummer".into()),
        }
    }

    /// Ends the browser.
    pub(crate) fn stop(&self) {
        if let Some((sender, thread)) = self.thread.lock().take() {
            drop(sender);
            // A panic of it has been told.
            let _ = thread.join();
        }
        self.shown.lock().clear();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Looks for what the thread has done.
struct Asked {
    slot: Arc<Mutex<Option<Done>>>,
    until: Instant,
}

impl Wait for Asked {
    fn look(&mut self, now: Instant) -> Look {
        match self.slot.lock().take() {
            Some(done) => Look::Done(done),
            None if now >= self.until => Look::Done(Err("the browser did not answer in time".into())),
            None => Look::Not,
        }
    }

    fn next(&self) -> Instant {
        self.until
    }
}

impl State {
    /// Opens a page, in a browser that is started first if none runs.
    ///
    /// # Errors
    /// There is no browser, or the page cannot be loaded.
    pub(crate) fn open(&mut self, url: &str, headless: bool) -> Result<Driven, Refusal> {
        let usable =
            self.browser.as_ref().is_some_and(|(browser, without)| browser.is_running() && *without == headless);
        if !usable {
            self.shown.lock().clear();
            // The old one ends before its place is taken.
            self.browser = None;
            let options = BrowserOptions { headless, ..BrowserOptions::default() };
            self.browser = Some((Browser::start(&options)?, headless));
        }
        let Some((browser, _)) = &self.browser else { return Err("no browser runs".into()) };
        let old = Some(self.shown.lock()).filter(|shown| shown.len() >= TABS_MAX).map(|mut shown| shown.remove(0));
        if let Some(old) = old {
            // One that is gone already is as good as closed.
            let _ = old.tab.close();
        }
        let tab = browser.open(url, LOAD_WITHIN)?;
        self.opened += 1;
        let label = format!("browser-{}", self.opened);
        let page = Driven { label, session: session(&tab), url: url.to_owned(), tab };
        self.shown.lock().push(page.clone());
        Ok(page)
    }

    /// Says which session a page is now, after it went elsewhere.
    pub(crate) fn went(&self, label: &str, url: Option<&str>) -> Option<String> {
        let tab = self.shown.lock().iter().find(|page| page.label == label).map(|page| page.tab.clone())?;
        let session = session(&tab);
        if let Some(page) = self.shown.lock().iter_mut().find(|page| page.label == label) {
            page.session.clone_from(&session);
            if let Some(url) = url {
                page.url = url.to_owned();
            }
        }
        session
    }
}

fn session(tab: &Tab) -> Option<String> {
    let code = "window.__brummer && window.__brummer.session";
    let found = tab.evaluate(code, SESSION_WITHIN).ok()?;
    found.value.as_str().map(str::to_owned)
}
