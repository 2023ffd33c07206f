//! The manager: its decisions with a clock that is moved by hand, and its thread against real sockets.

use std::time::{Duration, Instant};

use super::core::{CONNECT_LIMIT, Core, Effect, Input};
use super::*;
use crate::error::{Code, Error};
use crate::mcp::client::Options;
use crate::mcp::client::fake::{self, PATIENCE, Server};
use crate::mcp::registry::{Instance, sample};

/// A core with a clock that stands until it is moved.
struct Lab {
    core: Core,
    now: Instant,
}

fn gone() -> Error {
    Error::new("mcp", Code::Network, "nothing answers")
}

impl Lab {
    fn new(settings: Settings) -> Lab {
        Lab { core: Core::new(settings, 7), now: Instant::now() }
    }

    fn then(&mut self, input: Input) -> Vec<String> {
        let name = |effect: Effect| match effect {
            Effect::Connect { instance, turn } => format!("connect {} {turn}", instance.id),
            Effect::Check { id, turn } => format!("check {id} {turn}"),
            Effect::Close { id, turn } => format!("close {id} {turn}"),
            Effect::Answer { waiter, outcome } => match outcome {
                Ok(()) => format!("yes {waiter}"),
                Err(error) => format!("no {waiter} {}", error.code()),
            },
        };
        self.core.handle(input, self.now).into_iter().map(name).collect()
    }

    fn wait(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.then(Input::Time)
    }

    fn register(&mut self, id: &str) -> Vec<String> {
        self.then(Input::Register(Box::new(sample(id))))
    }

    fn connected(&mut self, turn: u64, well: bool) -> Vec<String> {
        let outcome = if well { Ok(()) } else { Err(gone()) };
        self.then(Input::Connected { id: "a".into(), turn, outcome })
    }

    fn checked(&mut self, turn: u64, well: bool) -> Vec<String> {
        let outcome = if well { Ok(()) } else { Err(gone()) };
        self.then(Input::Checked { id: "a".into(), turn, outcome })
    }

    fn route(&mut self, session: &str, waiter: u64) -> Vec<String> {
        self.then(Input::Route { session: session.into(), instance: "a".into(), waiter })
    }

    fn row(&self) -> Row {
        self.core.view().instances.remove(0)
    }

    /// Waits until the next thing is due, and answers how long that was.
    fn wait_until_due(&mut self) -> (Duration, Vec<String>) {
        let time = self.core.due().expect("something is due") - self.now;
        (time, self.wait(time))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn mc08_an_instance_is_checked_every_30_s_and_retried_three_times_with_growing_waits() {
    let mut lab = Lab::new(Settings::default());
    assert_eq!(lab.register("a"), ["connect a 1"]);
    assert_eq!(lab.row().state, State::Connecting);
    assert!(lab.connected(1, true).is_empty());
    assert_eq!(lab.row().state, State::Active);
    for _ in 0..3 {
        assert!(lab.wait(29 * SECOND).is_empty());
        assert_eq!(lab.wait(SECOND), ["check a 1"]);
        assert!(lab.wait(100 * SECOND).is_empty(), "one check at a time");
        lab.checked(1, true);
    }
    lab.wait(30 * SECOND);
    assert_eq!(lab.checked(1, false), ["close a 1"]);
    assert_eq!((lab.row().state, lab.row().error.as_deref()), (State::Retrying, Some("nothing answers")));
    let mut waits = Vec::new();
    for turn in 2..5 {
        let (wait, effects) = lab.wait_until_due();
        assert_eq!(effects, [format!("connect a {turn}")]);
        waits.push(wait.as_secs_f64());
        assert_eq!(lab.connected(turn, false), [format!("close a {turn}")]);
    }
    for (wait, base) in waits.iter().zip([0.5, 1.0, 2.0]) {
        assert!((base * 0.8..=base * 1.2).contains(wait), "{waits:?}");
    }
    assert_ne!(waits[0] * 2.0, waits[1], "no two waits are exactly in step");
    assert_eq!((lab.row().state, lab.row().retries), (State::Dead, 3));
    assert!(lab.core.due().is_none(), "a dead instance is not asked");
    assert_eq!(lab.row().entered, [1, 4, 1, 3, 1]);
}

#[test]
fn mc08_waits_grow_up_to_a_cap_and_are_not_in_step() {
    let settings = Settings { retries_max: 40, ..Settings::default() };
    let mut lab = Lab::new(settings);
    lab.register("a");
    lab.connected(1, false);
    let mut waits = Vec::new();
    for turn in 2..42 {
        waits.push(lab.wait_until_due().0);
        lab.connected(turn, false);
    }
    assert_eq!(lab.row().state, State::Dead);
    assert!(waits.iter().all(|wait| *wait <= settings.backoff_max), "{waits:?}");
    let mut late = waits.split_off(10);
    assert!(late.iter().all(|wait| *wait >= settings.backoff_max / 2), "{late:?}");
    late.sort_unstable();
    late.dedup();
    assert!(late.len() > 10, "many instances do not try at the same moments: {late:?}");
}

#[test]
fn mc08_a_dead_instance_is_asked_again_when_its_file_says_anew_that_it_lives() {
    let mut lab = Lab::new(Settings { retries_max: 0, ..Settings::default() });
    let mut one = sample("a");
    lab.then(Input::Register(Box::new(one.clone())));
    lab.connected(1, false);
    assert_eq!(lab.row().state, State::Dead);
    assert!(lab.then(Input::Register(Box::new(one.clone()))).is_empty(), "the same heartbeat");
    one.last_ping += jiff::SignedDuration::from_secs(30);
    assert_eq!(lab.then(Input::Register(Box::new(one.clone()))), ["connect a 2"]);
    lab.connected(2, true);
    one.url = "http://127.0.0.1:7779/mcp".to_owned();
    let moved = lab.then(Input::Register(Box::new(one)));
    assert_eq!(moved, ["close a 2", "connect a 3"], "another port");
    assert_eq!(lab.connected(2, true), ["close a 2"], "the word of an old connection changes nothing");
    assert_eq!(lab.row().state, State::Connecting);
}

#[test]
fn mc08_a_broken_call_has_the_instance_checked_at_once() {
    let mut lab = Lab::new(Settings::default());
    lab.register("a");
    lab.connected(1, true);
    assert_eq!(lab.then(Input::Suspect { id: "a".into(), turn: 1 }), ["check a 1"]);
    assert!(lab.then(Input::Suspect { id: "a".into(), turn: 1 }).is_empty());
    lab.checked(1, true);
    assert!(lab.then(Input::Suspect { id: "a".into(), turn: 0 }).is_empty(), "of an old connection");
}

#[test]
fn mc08_a_session_that_is_silent_for_five_minutes_is_not_routed_any_more() {
    let mut lab = Lab::new(Settings::default());
    lab.register("a");
    lab.connected(1, true);
    assert_eq!(lab.route("s", 1), ["yes 1"]);
    for _ in 0..20 {
        lab.wait(15 * SECOND);
        lab.checked(1, true);
    }
    assert!(lab.core.view().of_session("s").is_none());
    lab.route("s", 2);
    lab.wait(299 * SECOND);
    assert!(lab.core.view().of_session("s").is_some());
    lab.core.view().sessions["s"].activity.touch(lab.now);
    lab.wait(299 * SECOND);
    assert!(lab.core.view().of_session("s").is_some(), "it was used");
    lab.wait(SECOND);
    assert!(lab.core.view().of_session("s").is_none());
}

#[test]
fn mc02_a_session_waits_for_its_instance_up_to_10_s() {
    let mut lab = Lab::new(Settings::default());
    assert_eq!(lab.route("s", 0), ["no 0 NOT_FOUND"]);
    lab.register("a");
    assert!(lab.route("s", 1).is_empty());
    assert_eq!(lab.connected(1, true), ["yes 1"]);
    assert_eq!(lab.core.view().of_session("s").unwrap().sessions, ["s"]);
    lab.then(Input::Suspect { id: "a".into(), turn: 1 });
    lab.checked(1, false);
    assert!(lab.route("t", 2).is_empty());
    lab.wait(SECOND);
    assert_eq!(lab.wait(CONNECT_LIMIT), ["no 2 TIMEOUT"]);
    assert!(lab.core.view().of_session("t").is_none());
    lab.core = Core::new(Settings { retries_max: 0, ..Settings::default() }, 1);
    lab.register("a");
    assert!(lab.route("t", 3).is_empty());
    assert_eq!(lab.connected(1, false), ["close a 1", "no 3 NETWORK"]);
}

fn instance(id: &str, server: &Server) -> Instance {
    Instance { url: server.url(), port: server.port, version: String::new(), ..sample(id) }
}

fn manager() -> Manager {
    let settings = Settings { backoff_first: Duration::from_millis(5), ..Settings::default() };
    Manager::start(settings, Options::new("test"), |_| ()).unwrap()
}

fn wait_for(manager: &Manager, id: &str, state: State) -> Row {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(row) = manager.view().instance(id).filter(|row| row.state == state) {
            return row.clone();
        }
        assert!(Instant::now() < end, "{id} is not {state}: {:?}", manager.view());
        std::thread::yield_now();
    }
}

#[test]
fn mc01_a_registered_instance_is_managed_or_refused() {
    let server = fake::Instance { name: "a", ..Default::default() }.start();
    let manager = manager();
    manager.register_instance(instance("a", &server)).unwrap();
    assert!(manager.view().instance("a").is_some(), "as soon as it was registered");
    let row = wait_for(&manager, "a", State::Active);
    assert!(row.client.is_some_and(|client| client.is_connected()) && row.connected_at.is_some());
    let far = Instance { url: "http://192.0.2.1:80/mcp".to_owned(), ..sample("far") };
    assert_eq!(manager.register_instance(far).unwrap_err().code(), Code::InvalidState);
    manager.stop().unwrap();
    assert_eq!(manager.register_instance(instance("b", &server)).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn mc02_mc03_mc04_a_session_is_routed_until_it_leaves() {
    let (one, two) = (
        fake::Instance { name: "a", ..Default::default() }.start(),
        fake::Instance { name: "b", ..Default::default() }.start(),
    );
    let manager = manager();
    manager.register_instance(instance("a", &one)).unwrap();
    manager.register_instance(instance("b", &two)).unwrap();
    assert!(manager.get_client("s").is_none());
    manager.connect_session("s", "a").unwrap();
    assert_eq!(manager.get_client("s").unwrap().target().port(), one.port);
    manager.connect_session("s", "b").unwrap();
    assert_eq!(manager.get_client("s").unwrap().target().port(), two.port);
    assert!(manager.view().instance("a").unwrap().sessions.is_empty());
    assert_eq!(manager.connect_session("s", "c").unwrap_err().code(), Code::NotFound);
    manager.disconnect_session("s");
    manager.disconnect_session("s");
    assert!(manager.get_client("s").is_none());
    manager.connect_session("s", "b").unwrap();
    manager.forget_instance("b").unwrap();
    assert!(manager.get_client("s").is_none(), "its instance is gone");
}

#[test]
fn mc05_the_list_is_consistent_while_instances_come_and_go() {
    let server = fake::Instance { name: "a", ..Default::default() }.start();
    let manager = manager();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..50 {
                let id = format!("i{}", round % 5);
                manager.register_instance(instance(&id, &server)).unwrap();
                let _ = manager.connect_session(&id, &id);
                manager.forget_instance(&id).unwrap();
            }
        });
        while !writer.is_finished() {
            for row in manager.list_instances() {
                assert_eq!(row.client.is_some(), row.state == State::Active);
                assert_eq!(row.connected_at.is_some(), row.state == State::Active);
                assert!(row.sessions.iter().all(|session| *session == row.instance.id));
            }
        }
    });
    assert!(manager.list_instances().is_empty());
}

#[test]
fn mc06_activity_is_moved_for_instances_that_are_known() {
    let server = fake::Instance { name: "a", ..Default::default() }.start();
    let manager = manager();
    manager.register_instance(instance("a", &server)).unwrap();
    let before = wait_for(&manager, "a", State::Active).last_activity();
    let end = Instant::now() + PATIENCE;
    while manager.list_instances()[0].last_activity() <= before {
        assert!(manager.update_activity("a") && Instant::now() < end);
    }
    assert!(!manager.update_activity("b"));
}

#[test]
fn mc07_stop_closes_all_connections_and_their_sessions() {
    let servers: Vec<Server> =
        (0..3).map(|_| fake::Instance { name: "a", legacy: true, ..Default::default() }.start()).collect();
    let manager = manager();
    for (number, server) in servers.iter().enumerate() {
        manager.register_instance(instance(&number.to_string(), server)).unwrap();
    }
    let clients: Vec<_> =
        (0..3).map(|number| wait_for(&manager, &number.to_string(), State::Active).client.unwrap()).collect();
    manager.stop().unwrap();
    manager.stop().unwrap();
    assert!(clients.iter().all(|client| !client.is_connected()) && manager.list_instances().is_empty());
    for server in &servers {
        assert_eq!(server.heard().last().unwrap().verb, "DELETE", "the session was ended");
    }
    assert_eq!(manager.connect_session("s", "0").unwrap_err().code(), Code::InvalidState);
}

#[test]
fn mc08_instances_that_are_gone_hang_or_talk_garbage_do_not_hold_up_the_others() {
    let hang = Server::start(|_, out| out.wait_until_closed());
    let garbage = Server::start(|_, out| {
        out.raw(b"220 mail.example ESMTP\r\n");
        out.close();
    });
    let closed = fake::Closed::new();
    let port = closed.port;
    let well = fake::Instance { name: "a", ..Default::default() }.start();
    let manager = manager();
    manager.register_instance(instance("hangs", &hang)).unwrap();
    manager.register_instance(instance("garbage", &garbage)).unwrap();
    let url = format!("http://127.0.0.1:{port}/mcp");
    manager.register_instance(Instance { url, port, ..sample("gone") }).unwrap();
    manager.register_instance(instance("well", &well)).unwrap();
    wait_for(&manager, "well", State::Active);
    let (row, other) = (wait_for(&manager, "gone", State::Dead), wait_for(&manager, "garbage", State::Dead));
    assert!(row.error.unwrap().contains("nothing answers") && other.error.unwrap().contains("HTTP"));
    assert_eq!(row.retries, 3);
    assert_eq!(manager.view().instance("hangs").unwrap().state, State::Connecting);
    let begun = Instant::now();
    manager.stop().unwrap();
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn mc08_an_instance_that_was_killed_comes_back_by_itself_at_another_port() {
    let manager = manager();
    let server = fake::Instance { name: "a", ..Default::default() }.start();
    manager.register_instance(instance("a", &server)).unwrap();
    let row = wait_for(&manager, "a", State::Active);
    drop(server);
    manager.suspect("a", row.turn);
    wait_for(&manager, "a", State::Dead);
    let server = fake::Instance { name: "a", ..Default::default() }.start();
    manager.register_instance(instance("a", &server)).unwrap();
    assert!(wait_for(&manager, "a", State::Active).turn > row.turn);
}

#[test]
fn mc08_another_instance_that_has_got_its_port_is_not_taken_for_it_in_either_era() {
    let manager = manager();
    for legacy in [false, true] {
        let server = fake::Instance { name: "a", id: Some("own"), legacy, ..Default::default() }.start();
        let told = |id: &str| Instance { version: "0.1.0".to_owned(), ..instance(id, &server) };
        manager.register_instance(told("own")).unwrap();
        wait_for(&manager, "own", State::Active);
        manager.register_instance(told("before")).unwrap();
        let row = wait_for(&manager, "before", State::Dead);
        assert!(row.error.unwrap().contains("another program has the port"), "legacy: {legacy}");
        assert!(!server.methods().iter().any(|method| method == "tools/call"));
        ["own", "before"].iter().for_each(|id| manager.forget_instance(id).unwrap());
    }
}
