//! What the mock has for the MCP view.

use crate::app::view::{Again, McpCall, McpClient, McpEnd, McpInstance, McpKind, McpRow};
use crate::tui::testing::NOW;

/// A call that was answered; so many milliseconds ago.
pub(crate) fn call(
    number: u64,
    ago: u64,
    client: &str,
    name: &str,
    arguments: &str,
    end: Option<(u64, bool, &str)>,
) -> McpCall {
    McpCall {
        number,
        time_ms: NOW - ago,
        client: client.into(),
        kind: if name.contains("://") { McpKind::Resource } else { McpKind::Tool },
        name: name.into(),
        arguments: arguments.into(),
        again: match () {
            () if name.contains("://") => Again::NoTool,
            () if arguments.contains("‹masked") => Again::Masked,
            () if arguments.contains("… (+") => Again::Cut,
            () if name.starts_with("scripts_") || !name.is_ascii() => Again::Changes,
            () => Again::Reads,
        },
        end: end.map(|(took_ms, is_good, text)| McpEnd { took_ms, is_good, text: text.into() }),
    }
}

fn client(name: &str, version: &str, calls: u64, ago: u64) -> McpClient {
    McpClient { name: name.into(), version: version.into(), calls, last_ms: NOW - ago }
}

fn instance(id: &str, name: &str, port: u16, (started, seen): (u64, u64)) -> McpInstance {
    McpInstance {
        id: id.into(),
        name: name.into(),
        directory: format!("/home/me/code/{name}").into(),
        port,
        url: format!("http://127.0.0.1:{port}/mcp").into(),
        pid: 48_000 + u32::from(port),
        version: "0.1.0".into(),
        started_ms: NOW - started,
        seen_ms: NOW - seen,
        needs_token: name == "docs",
        is_own: name == "shop",
    }
}

/// A client begins a call.
pub(crate) fn begin(row: &mut McpRow, client: &str, name: &str, arguments: &str) {
    row.total.0 += 1;
    row.calls.insert(0, call(row.total.0, 0, client, name, arguments, None));
    let known = row.clients.iter().position(|other| *other.name == *client);
    let calls = known.map_or(0, |at| row.clients.remove(at).calls) + 1;
    row.clients.insert(0, self::client(client, name, calls, 0));
}

/// A kept call is made again.
pub(crate) fn again(row: &mut McpRow, number: u64) {
    if let Some(call) = row.calls.iter().find(|call| call.number == number).cloned() {
        begin(row, McpCall::OWN_CLIENT, &call.name, &call.arguments);
    }
}

/// One of the calls that go on is answered.
pub(crate) fn end(row: &mut McpRow, at: usize, is_good: bool, text: &str) {
    let mut open: Vec<&mut McpCall> = row.calls.iter_mut().filter(|call| call.end.is_none()).collect();
    let count = open.len().max(1);
    if let Some(call) = open.get_mut(at % count) {
        call.end = Some(McpEnd { took_ms: at as u64 * 999, is_good, text: text.into() });
        row.total.1 += u64::from(!is_good);
    }
}

/// Instances of these names are those that run; without any, there is no server either.
pub(crate) fn live(row: &mut McpRow, names: &[String]) {
    let one = |(at, name): (usize, &String)| instance(name, name, at as u16, (9_000, at as u64 * 90_000));
    row.instances = names.iter().enumerate().map(one).collect();
    row.address = names.first().map(|name| format!("http://127.0.0.1:1/{name}").into());
}

/// A server that has just begun.
pub(crate) fn quiet() -> McpRow {
    McpRow { address: Some("http://127.0.0.1:7777/mcp".into()), ..McpRow::default() }
}

/// One that two clients use.
pub(crate) fn full() -> McpRow {
    let lines: Vec<String> = (10..22).map(|at| format!("14:02:{at}.402 POST /api/checkout 500 in {at}ms")).collect();
    let lines = format!("12 matches in api\n{}", lines.join("\n"));
    McpRow {
        clients: vec![
            client("claude-code", "1.0.12", 38, 980),
            client("cursor", "0.42.3", 9, 10_000),
            client("inspector", "", 1, 900_000),
        ],
        calls: vec![
            call(48, 500, "claude-code", "scripts_run", r#"{"name":"build","until":"exit"}"#, None),
            call(
                47,
                980,
                "claude-code",
                "logs_search",
                r#"{"pattern":"checkout","processId":"api","limit":20,"context":3,"since":"10m","level":"info"}"#,
                Some((14, true, &lines)),
            ),
            call(
                46,
                2_600,
                "claude-code",
                "scripts_run",
                r#"{"name":"web"}"#,
                Some((88, true, "web runs already: http://localhost:3000")),
            ),
            call(
                45,
                10_000,
                "cursor",
                "browser_screenshot",
                r#"{"url":"http://localhost:3000/checkout"}"#,
                Some((1204, true, "a picture, image/png, 88 KB")),
            ),
            call(
                44,
                10_886,
                "cursor",
                "proxy_requests",
                r#"{"filter":"~z"}"#,
                Some((9, false, "`filter`: ~z is no operator; expected one of ~m ~c ~u")),
            ),
            call(43, 89_000, "claude-code", "logs://process/web", "", Some((2, true, "GET / 200"))),
        ],
        total: (48, 1),
        instances: vec![
            instance("shop-a1b2c3d4e5f60718", "shop", 7777, (724_000, 400)),
            instance("blog-77aa0b1c2d3e4f50", "blog", 7778, (9_000_000, 1_100)),
            instance("docs-c2d3e4f506172839", "docs", 7779, (90_000_000, 132_000)),
        ],
        ..quiet()
    }
}
