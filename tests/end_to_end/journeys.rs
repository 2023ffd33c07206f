//! What people do most, from the first key to the last, in a real terminal.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{Project, Screen, is_installed, nobody_is_left, until};

const SETTINGS: &str = r#"
grace = '300ms'
[processes.ticker]
command = 'n=0; while :; do n=$((n+1)); echo "tick $n"; sleep 0.1; done'
[processes.broken]
command = 'echo "TypeError: total of undefined"; echo "    at checkout (src/checkout.ts:42:18)"; exit 3'
[processes.noisy]
command = 'echo "one apple"; echo "two pears"; echo "three apples"; sleep 1000'
[processes.verses]
command = 'seq -f "verse %g" 1 500; sleep 1000'
[processes.stubborn]
command = 'trap "" TERM; echo "never mind"; sleep 1000 & wait; sleep 1000'
[processes.asks]
command = 'printf "Name: "; read name; echo "hello $name"; sleep 1000'
"#;

fn terminal() -> Option<(Project, Screen)> {
    Screen::with(SETTINGS)
}

#[test]
fn a_script_is_run_and_its_error_is_read() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("");
    screen.wait_for("broken");
    screen.press(&["Down", "Enter"]);
    screen.wait_for("TypeError: total of undefined");
    screen.press(&["2"]);
    screen.wait_for("failed (3)");
    screen.press(&["Enter"]);
    screen.wait_for("TypeError: total of undefined");
    screen.press(&["q"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
}

#[test]
fn what_was_typed_in_one_run_is_at_hand_in_the_next() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("asks");
    screen.wait_for("Name:");
    for command in ["mark here it is", "input asks secret-of-mine", "exec echo API_KEY=abc"] {
        screen.command(command);
    }
    screen.wait_for("API_KEY=abc");
    screen.quit(&project);
    screen.brummer("");
    screen.wait_for("broken");
    screen.press(&["/"]);
    screen.wait_for("Tab complete");
    // They may not have been read yet; the oldest one is as far as it goes.
    screen.wait_until("the oldest is there", |text| {
        screen.press(&["Up"]);
        text.contains("/mark here it is")
    });
    screen.press(&["Down"]);
    screen.wait_until("the newest is there", |text| text.contains("/input asks") && !text.contains("secret-of-mine"));
    screen.press(&["Down"]);
    screen.wait_until("the line is empty again", |text| !text.contains("/mark here") && !text.contains("/input asks"));
    screen.close("Tab complete");
    screen.press(&["q"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
    let folder = project.home().join(".local/state/brummer/history");
    let files: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    let mode = |path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!((mode(file), mode(&folder)), (0o600, 0o700));
    assert_eq!(std::fs::read_to_string(file).expect("a text"), "mark here it is\ninput asks\n");
}

#[test]
fn a_newcomer_is_told_what_a_view_is_for_and_is_shown_around() {
    let Some((project, screen)) = terminal() else { return };
    let seen = project.home().join(".local/state/brummer/hints.txt");
    std::fs::remove_file(&seen).expect("it was there");
    screen.brummer("");
    screen.wait_for("Enter runs a script");
    until("the visit is counted", || std::fs::read_to_string(&seen).is_ok_and(|text| text.contains("scripts 1")));
    screen.command("tour");
    for step in ["Getting around", "The views", "Keys and commands"] {
        screen.wait_for(step);
        screen.press(&["Enter"]);
    }
    screen.wait_gone("Keys and commands");
    screen.press(&["q"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
}

#[test]
fn lines_are_filtered_paused_and_copied() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("noisy");
    screen.wait_for("three apples");
    screen.command("show apple");
    screen.wait_gone("two pears");
    screen.press(&["Space"]);
    screen.wait_for("PAUSED");
    screen.press(&["y"]);
    screen.wait_for("copied");
    screen.press(&["\\"]);
    screen.wait_for("two pears");
    screen.quit(&project);
}

#[test]
fn a_word_is_found_while_lines_go_on_and_following_goes_on_after_it() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("noisy ticker");
    screen.wait_for("three apples");
    screen.wait_for("tick 2");
    screen.press(&["C-f"]);
    screen.type_text("apple");
    screen.wait_until("both are counted", |text| text.contains("find: apple") && text.contains("W   2  "));
    // Looking for something holds nothing up.
    let newest =
        |text: &str| text.split("tick ").filter_map(|rest| rest.split_whitespace().next()?.parse::<u32>().ok()).max();
    let before = newest(&screen.text());
    screen.wait_until("lines go on", |text| newest(text) > before.map(|tick| tick + 3));
    screen.press(&["Enter"]);
    screen.wait_for("PAUSED");
    screen.wait_for("three apples");
    screen.press(&["N"]);
    screen.wait_until("the match before is the current one", |text| text.contains("1/2"));
    screen.press(&["End"]);
    screen.wait_for("FOLLOW");
    screen.close("find: ");
    screen.quit(&project);
}

#[test]
fn leaving_asks_while_children_run_and_then_leaves_none_however_stubborn() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker stubborn");
    screen.wait_for("never mind");
    screen.wait_for("tick 2");
    for refuse in [&["n"][..], &["Enter"], &["Escape"]] {
        screen.press(&["q"]);
        screen.wait_for("Quit brummer?");
        screen.wait_for("2 processes run and will be stopped");
        screen.press(refuse);
        screen.wait_gone("Quit brummer?");
    }
    screen.press(&["2"]);
    wait_both_run(&screen);
    screen.press(&["q"]);
    screen.wait_for("Quit brummer?");
    screen.press(&["Right", "Enter"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
}

#[test]
fn what_is_read_stays_where_it_is_when_the_terminal_gets_another_size() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("verses");
    screen.wait_for("verse 500");
    screen.press(&["Space"]);
    screen.wait_for("PAUSED");
    let top =
        |text: &str| text.split("verse ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    for _ in 0..3 {
        let lower = top(&screen.text());
        assert!(lower.is_some());
        screen.press(&["PPage"]);
        screen.wait_until("a page above is shown", |text| top(text) < lower);
    }
    let before = top(&screen.text());
    for (columns, rows) in [(80, 24), (60, 16), (150, 45), (110, 30)] {
        screen.resize(columns, rows);
        let fits = |text: &str| text.lines().count() >= usize::from(rows) - 2 && top(text) == before;
        screen.wait_until("the same line is the first one", fits);
    }
    screen.quit(&project);
}

#[test]
fn all_that_runs_is_restarted_by_one_key() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker noisy");
    screen.wait_for("tick 2");
    screen.press(&["2"]);
    wait_both_run(&screen);
    screen.press(&["C-r"]);
    let restarted = |name: &str, text: &str| {
        let row = text.lines().find(|line| line.contains(&format!(" {name} ")) && line.contains("running"));
        row.is_some_and(|line| line.split_whitespace().any(|word| word == "1"))
    };
    screen
        .wait_until("both run again, started once more", |text| restarted("ticker", text) && restarted("noisy", text));
    screen.quit(&project);
}

/// Waits until the table shows two processes that run.
fn wait_both_run(screen: &Screen) {
    screen.wait_until("both run", |text| text.matches(" running ").count() >= 2);
}

#[test]
fn several_are_marked_and_stopped_after_a_question() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker noisy");
    screen.wait_for("tick 2");
    screen.press(&["2"]);
    wait_both_run(&screen);
    screen.press(&["Space"]);
    screen.wait_for("selected: 1");
    screen.press(&["Space"]);
    screen.wait_for("selected: 2");
    screen.press(&["s"]);
    screen.wait_for("2 processes run and will be stopped");
    screen.press(&["y"]);
    screen.wait_until("both are stopped", |text| text.matches("stopped").count() >= 2);
    screen.press(&["q"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
}

#[test]
fn a_shell_is_attached_typed_into_resized_and_left() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.command("term");
    screen.wait_for("all keys go to the process");
    // The shell is asked for its size; it answers that of its part of the screen.
    screen.enter("echo an''swer $((6*7)); stty size");
    screen.wait_for("answer 42");
    screen.wait_for("27 110");
    screen.resize(90, 25);
    screen.wait_for("terminal 90x22");
    screen.enter("stty size");
    screen.wait_for("22 90");
    // Keys that would do something in brummer are the shell's here.
    screen.enter("cat");
    screen.type_text("q1?");
    screen.wait_for("q1?");
    screen.press(&["C-d"]);
    // Once echoed by the terminal, once by the program that has read it. A Ctrl+C would throw away what is on its way.
    screen.wait_for("q1?q1?");
    screen.press(&["C-c"]);
    screen.leave_process();
    screen.press(&["2"]);
    screen.wait_for("running");
    screen.quit(&project);
}

#[test]
fn a_prompt_is_answered_in_the_terminal_of_its_process() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("asks");
    screen.wait_for("Name:");
    screen.press(&["a"]);
    screen.wait_for("all keys go to the process");
    // What was written before is there.
    screen.wait_for("Name:");
    screen.enter("Ada");
    screen.wait_for("hello Ada");
    screen.press(&["C-c"]);
    screen.wait_for("r starts it again");
    screen.press(&["r"]);
    screen.wait_for("LIVE");
    screen.wait_for("Name:");
    screen.press(&["C-]", "Escape"]);
    screen.wait_gone("all keys go to the process");
    screen.wait_for("hello Ada");
    screen.quit(&project);
}

#[test]
fn a_program_that_draws_a_whole_screen_is_drawn_and_gives_it_back() {
    let Some((project, screen)) = terminal() else { return };
    if !is_installed("less") {
        return;
    }
    project.write("poem.txt", (1..=200).map(|line| format!("verse {line}\n")).collect::<String>());
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.command("term");
    screen.wait_for("all keys go to the process");
    screen.enter("less poem.txt");
    screen.wait_for("verse 20");
    screen.press(&["G"]);
    screen.wait_for("verse 200");
    // Left and looked at again, it is drawn anew.
    screen.leave_process();
    screen.command("term sh");
    screen.wait_for("all keys go to the process");
    screen.wait_for("verse 200");
    screen.press(&["q"]);
    screen.wait_gone("verse 200");
    screen.leave_process();
    screen.quit(&project);
}

#[test]
fn a_flood_in_an_attached_terminal_neither_stops_the_child_nor_the_screen() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("noisy");
    screen.wait_for("three apples");
    screen.command("term");
    screen.wait_for("all keys go to the process");
    screen.enter("seq -f 'row %g' 1 400000; echo all do''ne");
    screen.wait_for("all done");
    screen.wait_for("row 400000");
    screen.leave_process();
    screen.quit(&project);
}

#[test]
fn a_click_and_the_wheel_do_what_keys_do() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    let place = |wanted: &str| {
        screen.wait_for(wanted);
        let text = screen.text();
        let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(wanted)).expect("it is shown");
        let before = &line[..line.find(wanted).expect("it is there")];
        (before.chars().count() + 1, row + 1)
    };
    let (x, y) = place("2 Processes");
    screen.click(x, y);
    screen.wait_for("running");
    let (x, y) = place("[Stop]");
    screen.click(x, y);
    screen.wait_for("stopped");
    let (x, y) = place("3 Logs");
    screen.click(x, y);
    screen.wait_for("FOLLOW");
    screen.type_text("\x1b[<64;20;10M");
    screen.wait_for("PAUSED");
    screen.press(&["q"]);
    screen.wait_for("ready$");
    nobody_is_left(&project);
}

#[test]
fn a_key_is_bound_anew_and_the_footer_says_so() {
    let Some((project, screen)) = terminal() else { return };
    let keys = "\n[ui.keys]\n\"process.restart\" = 'f5'\n\"terminal.leave\" = ['ctrl+g', 'f10']\n";
    project.write(".brum.toml", format!("{SETTINGS}{keys}"));
    screen.brummer("asks");
    screen.wait_for("Name:");
    screen.press(&["2"]);
    screen.wait_for("F5 restart");
    screen.press(&["F5"]);
    screen.wait_until("it was restarted", |text| {
        text.lines().any(|line| line.contains(" asks ") && line.split_whitespace().any(|word| word == "1"))
    });
    screen.press(&["a"]);
    screen.wait_for("F10 leave");
    screen.press(&["C-g", "Escape"]);
    screen.wait_gone("F10 leave");
    screen.quit(&project);
}

#[test]
fn settings_that_are_changed_outside_hold_while_it_runs_and_wrong_ones_are_told() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.press(&["2"]);
    screen.wait_for("r restart");
    project.write(".brum.toml", format!("{SETTINGS}\n[ui.keys]\n\"process.restart\" = 'f5'\n"));
    screen.wait_for("F5 restart");
    project.write(".brum.toml", format!("{SETTINGS}\n[ui.keys]\n\"process.restrat\" = 'f6'\n"));
    screen.wait_for("settings as before: .brum.toml:");
    screen.wait_for("F5 restart");
    screen.quit(&project);
}
