//! What is asked on the command line and answered at once: version, help, list, settings, completions, errors.

use crate::harness::{Project, Run};

#[test]
fn the_version_is_printed_by_every_spelling() {
    let project = Project::new();
    let expected = format!("brummer {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["--version", "-V", "-v"] {
        assert_eq!(project.brummer(&[flag]).finish().expect(0), expected);
    }
}

#[test]
fn help_shows_every_option_and_command() {
    let text = Project::new().brummer(&["--help"]).finish().expect(0);
    for word in ["--no-tui", "--output", "--runner", "--terminal", "--settings", "demo", "completions", "Exit codes"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    assert!(!text.contains("demo-part"), "{text}");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_is_allowed() {
    let project = Project::new();
    let wrong = project.brummer(&["--runner", "npn"]).finish();
    assert_eq!((wrong.code(), wrong.stdout.as_str()), (2, ""));
    assert!(
        wrong.stderr.starts_with("brummer: invalid value 'npn'") && wrong.stderr.contains("pnpm"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let run = Project::new().brummer(&["-d", "/no/such/folder", "list"]).finish();
    assert_eq!(run.code(), 1);
    assert!(run.stderr.starts_with("brummer: ") && run.stderr.contains("/no/such/folder"), "{}", run.stderr);
}

#[test]
fn an_unknown_script_is_answered_with_the_nearest_name() {
    let project = Project::configured("[processes.server]\ncommand = 'echo hi'\n");
    let run = project.brummer(&["--no-tui", "servr"]).finish();
    assert_eq!((run.code(), run.stdout.as_str()), (1, ""));
    assert!(run.stderr.starts_with("brummer: ") && run.stderr.contains("`server`"), "{}", run.stderr);
    assert_eq!(project.living(), []);
}

#[test]
fn a_runner_that_is_not_installed_is_said_and_the_script_is_run_without_it() {
    let project = Project::new();
    project.write("package.json", r#"{"name":"shop","scripts":{"hello":"echo hello you"}}"#);
    let run = |args: &[&str]| {
        let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), args);
        command.env("PATH", "/usr/bin:/bin");
        Run::start(command).finish()
    };
    let told = "run scripts with bun: it is not on PATH; they are run without a manager instead";
    let list = run(&["list", "--runner", "bun"]);
    assert!(list.stdout.contains("shop (direct)") && list.stderr.contains(told), "{list:?}");
    let lines = run(&["--no-tui", "--runner", "bun", "hello"]);
    assert!(lines.stdout.contains("hello you") && lines.stdout.contains(told), "{lines:?}");
}

#[test]
fn list_shows_scripts_and_processes_of_the_settings() {
    let project = Project::configured("[processes.worker]\ncommand = 'echo hi'\n");
    project.write("package.json", r#"{"name":"shop","scripts":{"dev":"node .","list":"ls"}}"#);
    let text = project.brummer(&["list", "--runner", "direct"]).finish().expect(0);
    assert!(text.contains("shop (direct)\n") && text.contains("  dev ") && text.contains("node ."), "{text}");
    assert!(text.contains("  worker"), "{text}");
    let json = project.brummer(&["list", "--json"]).finish().expect(0);
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(["dev", "list", "worker"].iter().all(|name| names.contains(name)), "{names:?}");
    let names = project.brummer(&["list", "--names"]).finish().expect(0);
    assert!(names.lines().any(|name| name == "worker"), "{names}");
}

#[test]
fn cf_settings_prints_every_value_with_its_source() {
    let project = Project::configured("[log_store]\nmax_entries = 777\n");
    project.write("below/file", "");
    let below = project.dir().join("below").display().to_string();
    let text = project.brummer(&["--settings", "-d", &below, "--runner", "direct"]).finish().expect(0);
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}:\n{text}"));
    assert!(line("max_entries = 777").contains(".brum.toml:2"), "{text}");
    assert!(line("runner = \"direct\"").contains("--runner"), "{text}");
    assert!(line("max_total_entries = 200000").contains("default"), "{text}");
}

#[test]
fn cf_a_wrong_setting_names_file_line_key_and_what_is_allowed() {
    let project = Project::configured("[log_store]\nmax_entries = 5\nmax_entires = 100\n");
    let run = project.brummer(&["--settings"]).finish();
    assert_eq!((run.code(), run.stdout.as_str()), (1, ""));
    for part in ["brummer: ", ".brum.toml:2", "from 100 to", ".brum.toml:3", "`max_entries`"] {
        assert!(run.stderr.contains(part), "{part} is not in\n{}", run.stderr);
    }
}

#[test]
fn completions_are_made_for_every_shell_and_the_man_page_is_one() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(project.brummer(&["completions", shell]).finish().expect(0).contains("no-tui"), "{shell}");
    }
    assert!(project.brummer(&["man"]).finish().expect(0).contains(".TH brummer 1"));
}

#[test]
fn bash_completes_options_commands_and_the_projects_scripts() {
    let project = Project::configured("[processes.worker]\ncommand = 'echo hi'\n");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_brummer"));
    let script = "PATH=\"$1:$PATH\"; eval \"$(brummer completions bash)\"; COMP_WORDS=(brummer wor); COMP_CWORD=1; \
                  COMP_LINE='brummer wor'; COMP_POINT=11; _brummer_with_scripts brummer wor brummer; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let folder = program.parent().expect("a folder").display().to_string();
    let output = project.command("bash", &["-c", script, "bash", &folder]).output().expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().any(|line| line == "worker"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
