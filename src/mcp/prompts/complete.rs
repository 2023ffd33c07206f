//! Values for arguments of prompts and for names in URIs: what there is, what fits first.

use std::sync::Arc;

use crate::app::view::Backend;
use crate::mcp::call::CompletionAsk;
use crate::mcp::protocol::Completion;
use crate::mcp::tools::errors;
use crate::mcp::tools::toolbox::Toolbox;

/// More values are not looked through.
const VALUES_MAX: usize = 1000;

/// Values for an argument; none for an argument that can be anything.
pub(crate) fn complete(toolbox: &Arc<Toolbox>, of: &str, ask: &CompletionAsk) -> Completion {
    let all: Vec<String> = match (of, ask.argument.as_str()) {
        ("logs://process/{name}", _) => toolbox.app.processes().iter().rev().map(|row| row.name.to_string()).collect(),
        ("env://{process}", _) => {
            let running = toolbox.app.processes().into_iter().rev().map(|row| row.name.to_string());
            let scripts = toolbox.app.scripts();
            running.chain(scripts.iter().map(|row| row.name.clone())).collect()
        }
        ("errors://{id}", _) => errors::findings(toolbox).into_iter().map(|finding| finding.id).collect(),
        ("proxy://request/{id}", _) => {
            let all = toolbox.app.exchanges("").unwrap_or_default();
            all.iter().map(|exchange| exchange.id.0.to_string()).collect()
        }
        (_, "error_message") => errors::findings(toolbox).into_iter().map(|finding| finding.message).collect(),
        (_, "session_id") => toolbox.app.telemetry().sessions().iter().map(|session| session.id.to_string()).collect(),
        (_, "endpoint") => {
            let all = toolbox.app.exchanges("").unwrap_or_default();
            all.iter().map(|exchange| exchange.path().to_owned()).collect()
        }
        (_, "status_code") => {
            let all = toolbox.app.exchanges("").unwrap_or_default();
            all.iter().filter_map(|exchange| Some(exchange.status?.to_string())).collect()
        }
        (_, "metric_type") => words(&["LCP", "CLS", "INP", "FCP", "TTFB", "memory", "requests"]),
        (_, "task_type") => words(&["build", "dev", "test", "lint", "format", "deploy"]),
        (_, "framework") => words(&["vite", "next", "react", "vue", "svelte", "django", "flask", "cargo", "go"]),
        _ => Vec::new(),
    };
    let values = fitting(all, &ask.value);
    Completion { total: Some(values.len()), values }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Those that hold what was typed, each once; those that begin with it first.
fn fitting(all: Vec<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut found: Vec<String> = Vec::new();
    for value in all.into_iter().take(VALUES_MAX) {
        if value.to_lowercase().contains(&typed) && !found.contains(&value) {
            found.push(value);
        }
    }
    found.sort_by_key(|value| !value.to_lowercase().starts_with(&typed));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_what_was_typed_comes_first_and_nothing_twice() {
        let all = words(&["my-web", "web", "api", "Web-2", "web"]);
        assert_eq!(fitting(all.clone(), "we"), ["web", "Web-2", "my-web"]);
        assert_eq!(fitting(all, "").len(), 4);
    }
}
