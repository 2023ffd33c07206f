//! Brummer in a terminal runs the project's script, and a browser shows the page by the proxy's address.

use std::fs;
use std::time::{Duration, Instant};

use brummer::proxy::browser::{Browser, BrowserOptions, Tab};
use serde_json::{Value, json};

use crate::harness::{Project, Screen, until};
use crate::kit::Kit;

/// Generous: a first page is compiled while it is asked for, and the machine may be busy.
const SOON: Duration = Duration::from_secs(120);

/// An update that did not come within this time was lost.
const UPDATED: Duration = Duration::from_secs(12);

/// All of it; it ends with the value.
pub(crate) struct Shop {
    tab: Tab,
    browser: Browser,
    pub(crate) screen: Screen,
    project: Project,
    url: String,
    _kit: Kit,
}

impl Shop {
    /// The page of a project, when its script runs; `None`, and a reason, where something is missing.
    pub(crate) fn open(name: &str, script: &str) -> Option<Shop> {
        let kit = Kit::unpack(name)?;
        let project = Project::at(kit.dir.clone());
        let screen = Screen::open(&project, 160, 45);
        screen.brummer("");
        screen.wait_for(&format!(" {script}"));
        screen.type_text(&format!("/run {script}"));
        screen.press(&["Enter"]);
        screen.press(&["5"]);
        let url = proxied(&screen);
        let browser =
            Browser::start(&BrowserOptions { headless: true, ..BrowserOptions::default() }).expect("a browser");
        let tab = browser.open(&url, SOON).expect("the page");
        let shop = Shop { tab, browser, screen, project, url, _kit: kit };
        shop.screen.press(&["6"]);
        shop.screen.press(&["v"]);
        shop.shows("version 1");
        Some(shop)
    }

    /// Goes to another page of the server.
    pub(crate) fn visit(&self, path: &str) {
        self.tab.navigate(&format!("{}{path}", self.url), SOON).expect("the page");
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&self, code: &str) -> Value {
        self.tab.evaluate(code, SOON).expect("a value").value
    }

    /// Waits until an expression has this value in the page, which may be on its way.
    pub(crate) fn wait(&self, code: &str, wanted: &Value) {
        let end = Instant::now() + SOON;
        loop {
            let found = self.tab.evaluate(code, SOON).map(|found| found.value);
            if found.as_ref().is_ok_and(|found| found == wanted) {
                return;
            }
            assert!(
                Instant::now() < end,
                "`{code}` is {found:?} in\n{}\nthe screen:\n{}",
                self.value("document.body.innerText"),
                self.screen.text()
            );
            std::thread::yield_now();
        }
    }

    /// Waits until the page shows a greeting.
    pub(crate) fn shows(&self, greeting: &str) {
        let code = format!("document.querySelector('#greeting')?.textContent.includes({})", json!(greeting));
        self.wait(&code, &json!(true));
    }

    /// Has the page do one of its actions.
    pub(crate) fn act(&self, name: &str) {
        self.wait("typeof window.act", &json!("function"));
        self.value(&format!("act('{name}'), 0"));
    }

    /// Changes a source file at once: a server that reads a file while it is written would take half of it.
    pub(crate) fn edit(&self, file: &str, changes: &[(&str, &str)]) {
        let (path, fresh) = (self.project.dir().join(file), self.project.dir().join(".edited"));
        let mut text = fs::read_to_string(&path).expect("a file");
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no `{from}`");
            text = text.replace(from, to);
        }
        fs::write(&fresh, text).expect("a file");
        fs::rename(fresh, path).expect("a file");
    }

    /// Changes the greeting until the page shows it. Next does not hear of a change that is made while its page connects to
    /// it, with a proxy or without.
    pub(crate) fn update(&self, file: &str) {
        for version in 2..12 {
            let (from, to) = (format!("version {}", version - 1), format!("version {version}"));
            self.edit(file, &[(&from, &to)]);
            let end = Instant::now() + UPDATED;
            while Instant::now() < end {
                if self.greeting().contains(&format!("version {version}")) {
                    return;
                }
            }
        }
        panic!("the page is not updated; the screen:\n{}", self.screen.text());
    }

    fn greeting(&self) -> String {
        let found = self.tab.evaluate("document.querySelector('#greeting')?.textContent", SOON);
        found.ok().and_then(|found| found.value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The line of a source file that holds this.
    fn line_of(&self, file: &str, text: &str) -> usize {
        let source = fs::read_to_string(self.project.dir().join(file)).expect("a file");
        1 + source.lines().position(|line| line.contains(text)).expect("it is there")
    }

    /// Waits until the Web view lists an event whose line holds all of this, the first being what is looked for.
    pub(crate) fn told(&self, words: &[&str]) {
        self.found(words, |_| true);
    }

    /// Waits until the Web view shows an error with its place in the source as it was written.
    pub(crate) fn told_with_place(&self, message: &str, file: &str) {
        let place = format!("{file}:{}:", self.line_of(file, "throw new"));
        self.found(&[message, "error"], |screen| screen.contains(&place));
    }

    fn found(&self, words: &[&str], more: impl Fn(&str) -> bool) {
        self.screen.press(&["C-f"]);
        self.screen.type_text(words[0]);
        let what = format!("{words:?} is told");
        self.screen.wait_until(&what, |screen| {
            let listed = |line: &str| !line.contains("find") && words.iter().all(|word| line.contains(word));
            screen.contains(" found") && screen.lines().any(listed) && more(screen)
        });
        self.screen.press(&["Escape"]);
        // A key that follows an Escape at once is one with Alt to a terminal.
        self.screen.wait_gone(" found");
    }

    /// Leaves: the browser, then Brummer with all that it runs.
    pub(crate) fn close(self) {
        self.browser.stop().expect("the browser ends");
        self.screen.press(&["q"]);
        self.screen.wait_for("Quit brummer?");
        self.screen.press(&["y"]);
        self.screen.wait_for("ready$");
        until("nobody is left", || {
            let own = |command: &str| command.starts_with("tmux") || command.starts_with("sh -i");
            self.project.living().iter().all(|living| own(&living.command))
        });
    }
}

/// The first address of the proxy that the URLs view shows.
fn proxied(screen: &Screen) -> String {
    let address = |text: &str| {
        let (_, rest) = text.split_once("proxied  ")?;
        rest.split_whitespace().next().filter(|url| url.starts_with("http://localhost:")).map(str::to_owned)
    };
    screen.wait_until("the server has an address of the proxy", |text| address(text).is_some());
    address(&screen.text()).expect("it stays")
}
