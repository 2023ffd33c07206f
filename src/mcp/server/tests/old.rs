//! HTTP+SSE, as clients of 2024-11-05 speak it.

use super::*;

#[test]
fn answers_come_over_the_stream_that_says_where_to_post() {
    let bench = start();
    let mut stream = bench.client();
    let text = stream.request("GET", "/sse", "Accept: text/event-stream\r\n", "");
    stream.write(&text);
    assert_eq!(stream.head().0, 200);
    let first = stream.chunk();
    let path = first.strip_prefix("event: endpoint\ndata: ").expect("the endpoint first").trim().to_owned();
    let mut client = bench.client();
    let post = |client: &mut Client, message: &Value| {
        let text = client.request("POST", &path, "Content-Type: application/json\r\n", &message.to_string());
        client.write(&text);
        client.reply()
    };
    assert_eq!(post(&mut client, &initialize("2024-11-05", &json!({}))).status, 202);
    assert_eq!(stream.message()["result"]["protocolVersion"], "2024-11-05");
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(&mut client, &told).status, 202);
    assert_eq!(post(&mut client, &tool(1, "hold", &json!({}))).status, 202);
    assert_eq!(post(&mut client, &tool(2, "echo", &json!({ "text": "a" }))).status, 202);
    assert_eq!(stream.message()["id"], 2);
    let held = bench.held();
    held.say("end");
    assert_eq!(stream.message()["id"], 1);
    bench.server.notifier().list_changed(crate::mcp::protocol::ListKind::Tools);
    assert_eq!(stream.message()["method"], "notifications/tools/list_changed");
    assert_eq!(post(&mut client, &json!(7)).status, 400);
    drop(stream);
    until("the session ends with its stream", || post(&mut client, &told).status == 404);
}
