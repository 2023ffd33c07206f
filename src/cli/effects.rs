//! Holds every setting to its effect: each key is changed, and the one place that it is for must come out different.

use std::collections::BTreeSet;

use super::{serving, terminal};
use crate::app::Setup;
use crate::config::{Config, Kind, Setting, Value, table};
use crate::event::ProcessId;
use crate::tui::{Handle, View};

/// Which key reaches which field of what a service or the UI is started with.
const EFFECTS: &[(&str, &str)] = &[
    ("preferred_package_manager", "detect"),
    ("runner", "detect"),
    ("terminal", "terminal"),
    ("grace", "grace"),
    ("mcp_port", "mcp.port"),
    ("no_mcp", "mcp.is_on"),
    ("mcp_token", "mcp.needs_token"),
    ("eventbus.worker_pool_size", "pool"),
    ("eventbus.queue_sizes", "bus"),
    ("eventbus.backpressure_strategy", "bus"),
    ("eventbus.enable_monitoring", "bus"),
    ("pool.pin", "pool"),
    ("process_manager.max_concurrent_starts", "starts"),
    ("process_manager.worker_timeout", "stop_limit"),
    ("log_store.buffer_size", "reading"),
    ("log_store.batch_size", "batch_lines"),
    ("log_store.worker_count", "scan_workers"),
    ("log_store.timeout_ms", "reading"),
    ("log_store.max_entries", "store"),
    ("log_store.max_total_entries", "store"),
    ("log_store.max_bytes", "store"),
    ("proxy_server.mode", "web"),
    ("proxy_server.port", "web"),
    ("proxy_server.first_port", "web"),
    ("proxy_server.lan", "web"),
    ("proxy_server.allowed_hosts", "web"),
    ("proxy_server.forward_to", "web"),
    ("proxy_server.rewrite", "web"),
    ("proxy_server.telemetry", "web"),
    ("proxy_server.loosen_csp", "web"),
    ("proxy_server.via", "web"),
    ("proxy_server.request_buffer_size", "web"),
    ("proxy_server.max_bytes", "web"),
    ("proxy_server.max_body_bytes", "web"),
    ("proxy_server.connection_timeout_ms", "web"),
    ("proxy_server.max_ws_clients", "web"),
    ("mcp_manager.health_check_interval_ms", "hub.settings"),
    ("mcp_manager.session_timeout_ms", "hub.settings"),
    ("mcp_manager.max_retry_attempts", "hub.settings"),
    ("mcp_manager.list_each_instance", "hub.each"),
    ("resources.max_threads", "pool"),
    ("resources.memory_limit_mb", "memory"),
    ("resources.monitoring_interval_ms", "memory"),
    ("ui.theme", "ui.theme"),
    ("ui.glyphs", "ui.ascii"),
    ("ui.mouse", "ui.mouse"),
    ("ui.hints", "ui.hints"),
    ("ui.sync_output", "ui.sync_output"),
    ("ui.copy_on_select", "ui.copy_on_select"),
    ("ui.clipboard", "ui.clipboard"),
    ("ui.notify", "ui.notify"),
    ("ui.timestamps", "ui.timestamps"),
    ("ui.wrap", "ui.wrap"),
    ("ui.scroll_lines", "ui.scroll_lines"),
    ("ui.max_fps", "ui.input_slot"),
    ("ui.flood_fps", "ui.data_slot"),
    ("ui.reduced_motion", "ui.reduced_motion"),
    ("ui.start_view", "ui.start_view"),
    ("ui.confirm_quit", "ui.confirm_quit"),
    ("ui.toast_seconds", "ui.toast"),
];

/// Keys that can have no effect, and say so.
fn says_that_it_has_none(row: &Setting) -> bool {
    let one_value = matches!(row.kind, Kind::Choice([_]));
    one_value && row.about.ends_with("there is one way.")
}

/// Another value that is allowed.
fn another(row: &Setting) -> String {
    match (&row.kind, &row.default) {
        (Kind::Bool, Value::Bool(flag)) => (!flag).to_string(),
        (Kind::Auto, _) => "true".to_owned(),
        (Kind::Count(low, _), Value::Count(default)) if default == low => (low + 1).to_string(),
        (Kind::Count(low, _) | Kind::Size(low, _), _) => low.to_string(),
        (Kind::Time(_, high), _) => format!("\"{}ms\"", high.as_millis()),
        (Kind::Counts(..), _) => "[7, 8, 9]".to_owned(),
        (Kind::Theme, _) => "\"dark\"".to_owned(),
        (Kind::Texts, _) => "[\"other.test\"]".to_owned(),
        (Kind::Choice(words), Value::Choice(default)) => {
            let other = words.iter().rfind(|word| *word != default);
            format!("{:?}", other.unwrap_or_else(|| panic!("{} has one value", row.name())))
        }
        (kind, default) => panic!("{} is {kind:?} with {default:?}", row.name()),
    }
}

fn settings(text: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.toml");
    std::fs::write(&file, text).unwrap();
    Config::load_files(&[file], &Default::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What services and UI are started with, field by field.
fn fields(config: &Config) -> Vec<(String, String)> {
    let setup = format!("{:#?}", Setup::of(config));
    let ui = format!("{:#?}", terminal::options(config, &[], Handle::default()));
    let hub = format!("{:#?}", super::mcp::hub_options(config, std::path::Path::new("/")));
    let mcp = format!("{:#?}", serving::wish(config));
    let parts = [("", setup), ("ui.", ui), ("hub.", hub), ("mcp.", mcp)];
    parts.into_iter().flat_map(|(prefix, text)| split(prefix, &text)).collect()
}

/// The fields of a struct, from its pretty form.
fn split(prefix: &str, text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("    ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())) {
            Some(rest) => {
                let (name, value) = rest.split_once(": ").unwrap_or_else(|| panic!("{rest}"));
                fields.push((format!("{prefix}{name}"), value.to_owned()));
            }
            None => fields.iter_mut().last().into_iter().for_each(|(_, value)| value.push_str(line)),
        }
    }
    fields
}

#[test]
fn cf_colours_and_themes_reach_the_ui() {
    let theme = |text: &str| {
        let fields = fields(&settings(text));
        fields.into_iter().find(|(name, _)| name == "ui.theme").expect("the colours").1
    };
    let own = "[ui.themes.dusk]\nbase = 'dark'\nok = 3\n";
    let texts = ["", "[ui.colors]\nok = 3\n", own, &format!("[ui]\ntheme = 'dusk'\n{own}")].map(theme);
    assert!(texts[0] != texts[1] && texts[0] == texts[2] && texts[0] != texts[3], "{texts:#?}");
}

#[test]
fn cf_every_key_has_an_effect_or_says_that_it_has_none() {
    // A machine of one core has fewer threads by default than the pool has workers.
    let base = "[resources]\nmax_threads = 60\n";
    let before = fields(&settings(base));
    let mut listed: BTreeSet<&str> = EFFECTS.iter().map(|(key, _)| *key).collect();
    assert_eq!(listed.len(), EFFECTS.len(), "a key is listed twice");
    for row in table() {
        let name = row.name();
        let Some((_, place)) = EFFECTS.iter().find(|(key, _)| *key == name) else {
            assert!(says_that_it_has_none(row), "{name} has no effect that is listed here, and does not say so");
            continue;
        };
        listed.remove(name.as_str());
        let line = format!("{} = {}\n", row.key, another(row));
        let text = match row.section {
            "" => format!("{line}{base}"),
            "resources" if row.key == "max_threads" => format!("[resources]\n{line}"),
            "resources" => format!("{base}{line}"),
            section => format!("{base}[{section}]\n{line}"),
        };
        let after = fields(&settings(&text));
        let changed: Vec<&str> =
            before.iter().zip(&after).filter(|(old, new)| old != new).map(|((name, _), _)| name.as_str()).collect();
        assert!(changed.contains(place), "{name} is to change {place}, and changed {changed:?}");
    }
    assert!(listed.is_empty(), "not in the table of settings: {listed:?}");
}

#[test]
fn every_view_can_be_the_first_one() {
    let row = table().iter().find(|row| row.name() == "ui.start_view").expect("the setting");
    let Kind::Choice(words) = row.kind else { panic!("{:?}", row.kind) };
    assert_eq!(words.len(), 8);
    for word in words {
        let config = settings(&format!("[ui]\nstart_view = \"{word}\"\n"));
        let shown = terminal::options(&config, &[], Handle::default()).start_view;
        assert_eq!(Some(shown), View::of_name(word), "{word}");
    }
    let named = terminal::options(&settings(""), &[ProcessId(1)], Handle::default());
    assert_eq!(named.start_view, View::Logs);
}
