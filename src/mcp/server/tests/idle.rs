//! Connections over which nothing happens cost nothing and delay nobody.

use super::*;

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "brummer-mcp"))
        .count()
}

#[test]
fn idle_and_half_sent_and_listening_connections_delay_nobody() {
    let bench = start();
    let mut others = Vec::new();
    let listen =
        modern(1, "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }), &json!({}));
    for number in 0..256 {
        let mut client = bench.client();
        match number % 4 {
            0 => {}
            1 => client.write("POST /mcp HTTP/1.1\r\nHos"),
            2 => client.write("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"),
            _ => {
                client.send(&listen.0, &listen.1);
                assert_eq!(client.head().0, 200);
                assert_eq!(client.message()["method"], "notifications/subscriptions/acknowledged");
            }
        }
        others.push(client);
    }
    let mut client = bench.client();
    let best = (0..50)
        .map(|id| {
            let begun = Instant::now();
            assert_eq!(client.post("", &tool(id, "echo", &json!({}))).status, 200);
            begun.elapsed()
        })
        .min()
        .unwrap();
    // How quick it is, the harness of the benchmarks measures.
    assert!(best < Duration::from_secs(10), "{best:?}");
    #[cfg(target_os = "linux")]
    assert!(threads() >= 1 && threads() < 100, "{} threads for all servers of this test run", threads());
}

#[test]
fn when_there_is_no_room_the_one_that_was_idle_longest_goes() {
    let bench = start_limited(Limits { connections: 4, ..Limits::default() });
    let mut clients: Vec<Client> = (0..4)
        .map(|id| {
            let mut client = bench.client();
            client.post("", &tool(id, "echo", &json!({})));
            client
        })
        .collect();
    let mut late = bench.client();
    assert_eq!(late.post("", &tool(9, "echo", &json!({}))).status, 200);
    assert!(clients[0].is_closed());
    assert_eq!(clients[3].post("", &tool(3, "echo", &json!({}))).status, 200);
}

#[test]
fn a_stop_answers_what_goes_on_and_ends_streams() {
    let bench = start();
    let mut client = bench.client();
    client.send("", &tool(1, "hold", &json!({})));
    let call = bench.held();
    let mut listener = bench.client();
    let (fields, message) = modern("l", "subscriptions/listen", json!({ "notifications": {} }), &json!({}));
    listener.send(&fields, &message);
    listener.head();
    listener.message();
    let (cancelled, heard) = channel();
    let guard = call.on_cancel(move || cancelled.send(()).unwrap());
    let stopping = std::thread::spawn(move || bench.server.stop(SOON));
    heard.recv_timeout(SOON).unwrap();
    drop(guard);
    call.say("cancelled");
    assert_eq!(client.reply().json()["result"]["content"][0]["text"], "cancelled");
    let end = listener.message();
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!("l"), &json!("complete")));
    drop((client, listener));
    stopping.join().unwrap();
}
