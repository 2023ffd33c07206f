//! The one table of tools: names, what they are for, what they take and give, what they do to the world, and who does it.

use std::sync::Arc;

use super::answer::{Answer, Done, Refusal};
use super::schema::Kind::{Any, Choice, Count, Flag, List, Object, Text, Texts, Whole};
use super::schema::{Arguments, Field, fits, input, may, must, output};
use super::toolbox::Toolbox;
use super::waits::Wait;
use super::{about, browser, errors, library, logs, proxy, queue, repl, scripts, telemetry, test_run};
use crate::mcp::protocol::{self, Annotations};

/// What a tool's work is: done, or to be waited for.
pub(crate) enum Work {
    /// It is done.
    Done(Done),
    /// It is under way.
    Wait(Box<dyn Wait>),
}

impl Work {
    /// What was begun, or why it was not.
    pub(crate) fn of(begun: Result<Box<dyn Wait>, Refusal>) -> Work {
        match begun {
            Ok(wait) => Work::Wait(wait),
            Err(refusal) => Work::Done(Err(refusal)),
        }
    }
}

/// What a person is asked.
pub(crate) struct Question {
    pub(crate) text: String,
    /// The page of theirs that a yes is for, from then on.
    pub(crate) page: Option<Arc<str>>,
}

impl From<String> for Question {
    fn from(text: String) -> Question {
        Question { text, page: None }
    }
}

/// A row of the table.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    title: &'static str,
    /// Its first sentence decides whether a model takes it.
    about: &'static str,
    hints: Annotations,
    pub(crate) input: &'static [Field],
    output: &'static [Field],
    /// What to ask the person before it is done, where the client can ask; `None`: nothing.
    pub(crate) confirm: Option<fn(&Toolbox, &Arguments) -> Option<Question>>,
    pub(crate) run: fn(&Arc<Toolbox>, &Arguments) -> Work,
}

impl Tool {
    /// Whether it only reads.
    pub(crate) fn reads(&self) -> bool {
        self.hints.read_only_hint
    }

    /// As it is listed.
    pub(crate) fn listed(&self) -> protocol::Tool {
        protocol::Tool {
            name: self.name.to_owned(),
            title: Some(self.title.to_owned()),
            description: self.about.to_owned(),
            input_schema: input(self.input),
            output_schema: Some(output(self.output)),
            annotations: Some(self.hints),
            meta: None,
        }
    }
}

/// What a tool has done; in builds that tests are run with, an answer that is not as its schema says is a failure.
pub(crate) fn as_promised(name: &str, done: Done) -> Done {
    let why = |answer: &Answer| fits(&output(tool(name)?.output), &answer.value).err();
    match done {
        Ok(answer) if cfg!(debug_assertions) => match why(&answer) {
            None => Ok(answer),
            Some(why) => Err(Refusal(format!("The answer of {name} is not as its schema says: {why}."))),
        },
        done => done,
    }
}

/// The tool of this name.
pub(crate) fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

const fn hints(read_only: bool, destructive: bool, idempotent: bool, open_world: bool) -> Annotations {
    Annotations {
        read_only_hint: read_only,
        destructive_hint: destructive,
        idempotent_hint: idempotent,
        open_world_hint: open_world,
    }
}

/// Changes nothing.
const READ: Annotations = hints(true, false, true, false);
/// Adds something; once more changes nothing more.
const START: Annotations = hints(false, false, true, false);
/// Adds something each time.
const ADD: Annotations = hints(false, false, false, false);
/// Ends or removes something.
const END: Annotations = hints(false, true, true, false);
/// Ends something, and each time.
const DESTROY: Annotations = hints(false, true, false, false);
/// Does what its input says, here or elsewhere.
const OPEN: Annotations = hints(false, true, false, true);
/// Shows something of the world.
const LOOK: Annotations = hints(false, false, true, true);
/// Goes somewhere in the world; what was typed into a page may be lost.
const GO: Annotations = hints(false, true, true, true);
/// Begins something in the world, each time.
const SHOW: Annotations = hints(false, false, false, true);

const UNTIL: &[&str] = &["ready", "exit", "started"];
const PROCESS: Field = may("processId", Text, "name or id");
const LIMIT: Field = may("limit", Whole(1, 500), "");
const CURSOR: Field = may("cursor", Text, "");
const SESSION: Field = may("sessionId", Text, "default: newest");
const TIMEOUT: Field = may("timeout", Whole(0, 600), "seconds");
const LEVEL: Field = may("level", Choice(logs::LEVELS), "at least");
const FOLLOW: Field = may("follow", Flag, "wait for new ones");

/// Every tool, in the order of their names.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "about",
        title: "About",
        about: "What this brummer runs, and how to use its tools.",
        hints: READ,
        input: &[],
        output: &[must("version", Text, ""), must("processes", Text, "")],
        confirm: None,
        run: about::about,
    },
    Tool {
        name: "browser_navigate",
        title: "Go to a URL",
        about: "Sends an open page to another URL.",
        hints: GO,
        input: &[must("url", Text, ""), SESSION],
        output: &[must("sessionId", Text, ""), must("url", Text, "")],
        confirm: Some(browser::confirm_drive),
        run: browser::navigate,
    },
    Tool {
        name: "browser_open",
        title: "Open a page",
        about: "Opens a URL in a browser, through the proxy where it can, so that telemetry hears the page. headless needs no screen.",
        hints: SHOW,
        input: &[must("url", Text, ""), may("browser", Choice(browser::BROWSERS), "")],
        output: &[must("url", Text, ""), may("sessionId", Text, "")],
        confirm: None,
        run: browser::open,
    },
    Tool {
        name: "browser_refresh",
        title: "Reload a page",
        about: "Loads an open page again.",
        hints: GO,
        input: &[SESSION],
        output: &[must("sessionId", Text, "")],
        confirm: Some(browser::confirm_drive),
        run: browser::refresh,
    },
    Tool {
        name: "browser_screenshot",
        title: "Screenshot",
        about: "Takes a picture of a page. With url in a headless browser.",
        hints: LOOK,
        input: &[
            SESSION,
            may("url", Text, ""),
            may("fullPage", Flag, ""),
            may("selector", Text, ""),
            may("format", Choice(browser::FORMATS), ""),
            may("quality", Whole(0, 100), ""),
        ],
        output: &[must("mimeType", Text, ""), must("url", Text, ""), must("approximate", Flag, "")],
        confirm: None,
        run: browser::screenshot,
    },
    Tool {
        name: "errors_list",
        title: "Errors",
        about: "Lists errors of processes and pages, grouped, newest first, with frames and source. With the last cursor: only new ones.",
        hints: READ,
        input: &[PROCESS, CURSOR, may("limit", Whole(1, 100), "")],
        output: &[must("errors", List, ""), must("total", Count, ""), must("cursor", Text, "")],
        confirm: None,
        run: errors::list,
    },
    Tool {
        name: "logs_search",
        title: "Search logs",
        about: "Finds log lines by text or regex, newest first.",
        hints: READ,
        input: &[
            must("query", Text, ""),
            may("regex", Flag, ""),
            LEVEL,
            PROCESS,
            may("since", Text, "RFC 3339 or 10m"),
            may("context", Whole(0, 20), "lines around"),
            LIMIT,
            CURSOR,
        ],
        output: &[must("logs", List, ""), must("total", Count, ""), may("cursor", Text, "")],
        confirm: None,
        run: logs::search,
    },
    Tool {
        name: "logs_stream",
        title: "Read logs",
        about: "Reads the newest log lines; with a cursor those since then.",
        hints: READ,
        input: &[PROCESS, LEVEL, LIMIT, CURSOR, FOLLOW, TIMEOUT],
        output: &[must("logs", List, ""), must("cursor", Text, ""), must("more", Flag, "")],
        confirm: None,
        run: logs::stream,
    },
    Tool {
        name: "proxy_replay",
        title: "Replay a request",
        about: "Sends a captured request again, changed if wanted, and compares the answers.",
        hints: OPEN,
        input: &[
            must("id", Whole(1, u32::MAX as u64), ""),
            may("times", Whole(1, 20), ""),
            may("method", Text, ""),
            may("url", Text, ""),
            may("headers", Object, "null removes"),
            may("body", Any, "text"),
            TIMEOUT,
        ],
        output: &[must("answers", List, ""), must("unanswered", Count, "")],
        confirm: Some(proxy::confirm_replay),
        run: proxy::replay,
    },
    Tool {
        name: "proxy_requests",
        title: "HTTP requests",
        about: "Lists HTTP requests that went through the proxy, newest first; by id in full with bodies.",
        hints: READ,
        input: &[
            may("id", Whole(1, u32::MAX as u64), ""),
            may("filter", Text, "/api, ~m POST & ~c 5xx, ~e, ~slow 1s"),
            may("processName", Text, ""),
            may("status", Choice(proxy::STATUSES), ""),
            LIMIT,
            CURSOR,
        ],
        output: &[must("requests", List, ""), must("total", Count, ""), may("cursor", Text, "")],
        confirm: None,
        run: proxy::requests,
    },
    Tool {
        name: "queue_receive",
        title: "Receive messages",
        about: "Reads messages of a channel after the cursor; without a channel lists the channels.",
        hints: READ,
        input: &[may("channel", Text, ""), CURSOR, LIMIT, may("blocking", Flag, ""), TIMEOUT],
        output: &[must("messages", List, ""), may("cursor", Text, "")],
        confirm: None,
        run: queue::receive,
    },
    Tool {
        name: "queue_send",
        title: "Send a message",
        about: "Sends a message to a channel that other agents read.",
        hints: ADD,
        input: &[
            must("channel", Text, ""),
            must("payload", Object, ""),
            may("type", Text, ""),
            may("ttl", Whole(0, 86_400), "seconds"),
        ],
        output: &[must("id", Text, ""), must("success", Flag, "")],
        confirm: None,
        run: queue::send,
    },
    Tool {
        name: "repl_execute",
        title: "Run JavaScript",
        about: "Runs JavaScript in an open page and returns its value; await works.",
        hints: OPEN,
        input: &[must("code", Text, ""), SESSION, may("timeout", Whole(1, 120), "seconds")],
        output: &[must("result", Any, ""), must("type", Text, ""), must("console", List, "")],
        confirm: Some(browser::confirm_drive),
        run: repl::execute,
    },
    Tool {
        name: "repl_library",
        title: "Script library",
        about: "Keeps JavaScript functions for pages: list, search, get, add, update, remove, inject.",
        hints: END,
        input: &[
            may("operation", Choice(library::OPERATIONS), ""),
            may("name", Text, ""),
            may("code", Text, "a function expression"),
            may("description", Text, ""),
            may("category", Text, ""),
            may("tags", Texts, ""),
            may("examples", Texts, ""),
            may("parameters", Object, ""),
            may("returnType", Text, ""),
            may("author", Text, ""),
            may("version", Text, ""),
            may("query", Text, ""),
            SESSION,
        ],
        output: &[must("scripts", List, ""), must("total", Count, "")],
        confirm: Some(library::confirm_remove),
        run: library::library,
    },
    Tool {
        name: "scripts_list",
        title: "Scripts",
        about: "Lists what can be run here, and what of it runs.",
        hints: READ,
        input: &[],
        output: &[must("scripts", List, ""), must("project", Object, "")],
        confirm: None,
        run: scripts::list,
    },
    Tool {
        name: "scripts_restart",
        title: "Restart a process",
        about: "Ends a process, starts it again and waits until it is ready.",
        hints: DESTROY,
        input: &[
            must("processId", Text, "name or id"),
            may("until", Choice(UNTIL), ""),
            may("pattern", Text, "regex of a line"),
            TIMEOUT,
        ],
        output: &[must("processId", Text, ""), must("state", Text, ""), must("ready", Flag, "")],
        confirm: Some(scripts::confirm_end),
        run: scripts::restart,
    },
    Tool {
        name: "scripts_run",
        title: "Run a script",
        about: "Starts a script and waits until it is ready, has ended or the time is up; tells its URL and first errors.",
        hints: START,
        input: &[
            must("name", Text, ""),
            may("args", Texts, ""),
            may("until", Choice(UNTIL), ""),
            may("pattern", Text, "ready at a line like this regex"),
            TIMEOUT,
        ],
        output: &[
            must("processId", Text, ""),
            must("state", Text, ""),
            must("ready", Flag, ""),
            must("duplicate", Flag, ""),
            may("url", Text, ""),
            must("errorList", List, ""),
        ],
        confirm: None,
        run: scripts::run,
    },
    Tool {
        name: "scripts_status",
        title: "Processes",
        about: "Tells how processes stand: status, exit, CPU, memory, ports, URLs.",
        hints: READ,
        input: &[may("name", Text, "name or id")],
        output: &[must("processes", List, ""), must("summary", Text, "")],
        confirm: None,
        run: scripts::status,
    },
    Tool {
        name: "scripts_stop",
        title: "Stop a process",
        about: "Ends a process and all below it.",
        hints: END,
        input: &[must("processId", Text, "name, id or all")],
        output: &[must("success", Flag, ""), must("processes", List, "")],
        confirm: Some(scripts::confirm_end),
        run: scripts::stop,
    },
    Tool {
        name: "telemetry_events",
        title: "Page events",
        about: "Tells what a page did: errors, console, network, performance, interaction.",
        hints: READ,
        input: &[SESSION, may("eventType", Choice(telemetry::EVENT_TYPES), ""), LIMIT, CURSOR, FOLLOW, TIMEOUT],
        output: &[must("events", List, ""), must("sessionId", Text, ""), must("cursor", Text, "")],
        confirm: None,
        run: telemetry::events,
    },
    Tool {
        name: "telemetry_sessions",
        title: "Pages",
        about: "Lists browser pages that came through the proxy, with counts and web vitals.",
        hints: READ,
        input: &[may("processName", Text, ""), may("sessionId", Text, ""), LIMIT],
        output: &[must("sessions", List, ""), must("total", Count, "")],
        confirm: None,
        run: telemetry::sessions,
    },
    Tool {
        name: "tests_run",
        title: "Run tests",
        about: "Runs the test script: one line when all pass, the failures otherwise.",
        hints: START,
        input: &[may("name", Text, "default: test"), may("args", Texts, ""), may("timeout", Whole(1, 3600), "seconds")],
        output: &[
            must("passed", Flag, ""),
            must("exit", Text, ""),
            may("failures", List, ""),
            may("errorList", List, ""),
        ],
        confirm: None,
        run: test_run::run,
    },
    Tool {
        name: "urls_list",
        title: "URLs",
        about: "Lists the servers' URLs and their addresses through the proxy.",
        hints: READ,
        input: &[],
        output: &[must("urls", List, ""), must("proxy", Object, "")],
        confirm: None,
        run: proxy::urls,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_small_enough_for_every_client() {
        let listed: Vec<protocol::Tool> = TOOLS.iter().map(Tool::listed).collect();
        let bytes = serde_json::to_string(&listed).unwrap().len();
        assert!(bytes / 4 < 4000, "{bytes} bytes");
        assert!(TOOLS.len() <= 25 && TOOLS.iter().all(|tool| tool.name.len() <= 40));
        assert!(TOOLS.is_sorted_by_key(|tool| tool.name), "sorted");
    }

    #[test]
    fn every_tool_says_what_it_is_for_and_what_it_does() {
        for tool in TOOLS {
            let first = tool.about.split(['.', ';', ':']).next().unwrap_or_default();
            assert!((15..=120).contains(&first.len()), "{}: {first}", tool.name);
            assert!(!tool.title.is_empty() && !tool.output.is_empty(), "{}", tool.name);
            let hints = tool.hints;
            assert!(!(hints.read_only_hint && hints.destructive_hint), "{}", tool.name);
            assert!(tool.confirm.is_none() || hints.destructive_hint, "{}", tool.name);
        }
    }
}
