//! Real package managers in real projects, without a network.

use crate::harness::{Project, is_installed};

fn project(lock: Option<(&str, &str)>) -> Project {
    let project = Project::new();
    let text = r#"{
  "name": "shop",
  "version": "1.2.3",
  "private": true,
  "scripts": {
    "prehello": "echo before",
    "hello": "echo hello from $npm_lifecycle_event of $npm_package_name",
    "fail": "exit 7",
    "tool": "tool"
  }
}
"#;
    project.write("package.json", text);
    let tool = project.write("node_modules/.bin/tool", "#!/bin/sh\necho tool ran with INIT_CWD ${INIT_CWD:+set}\n");
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    if let Some((name, text)) = lock {
        project.write(name, text);
    }
    project
}

fn works_with(runner: &str, project: &Project) {
    let hello = project.brummer(&["--no-tui", "--runner", runner, "hello"]).finish();
    assert_eq!(hello.code(), 0, "{}{}", hello.stdout, hello.stderr);
    assert!(hello.stdout.contains("hello │ hello from hello of shop\n"), "{}", hello.stdout);
    let fail = project.brummer(&["--no-tui", "--runner", runner, "fail"]).finish();
    assert!(fail.code() != 0 && fail.stdout.contains("fail ● exited with code "), "{}", fail.stdout);
    let tool = project.brummer(&["--no-tui", "--runner", runner, "tool"]).finish();
    assert!(tool.stdout.contains("tool │ tool ran with INIT_CWD set\n"), "{}{}", tool.stdout, tool.stderr);
}

#[test]
fn without_a_manager_scripts_run_with_hooks_tools_and_variables() {
    let project = project(None);
    works_with("direct", &project);
    let out = project.brummer(&["--no-tui", "--runner", "direct", "hello"]).finish().expect(0);
    assert!(out.contains("hello │ before\n"), "{out}");
    assert_eq!(project.brummer(&["--no-tui", "--runner", "direct", "fail"]).finish().code(), 7);
}

#[test]
fn scripts_run_with_npm() {
    if is_installed("npm") {
        works_with("npm", &project(Some(("package-lock.json", "{\"lockfileVersion\":3,\"packages\":{}}\n"))));
    }
}

#[test]
fn scripts_run_with_yarn() {
    if is_installed("yarn") {
        works_with("yarn", &project(Some(("yarn.lock", "# yarn lockfile v1\n"))));
    }
}

#[test]
fn scripts_run_with_pnpm() {
    if is_installed("pnpm") {
        works_with("pnpm", &project(Some(("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"))));
    }
}

#[test]
fn a_manager_that_is_not_installed_is_replaced_by_none() {
    let runs = |tool: &&str| std::process::Command::new(tool).arg("--version").output().is_ok();
    let Some(missing) = ["bun", "pnpm", "yarn"].into_iter().find(|tool| !runs(tool)) else {
        return;
    };
    let lock = match missing {
        "bun" => "bun.lock",
        "pnpm" => "pnpm-lock.yaml",
        _ => "yarn.lock",
    };
    let project = project(Some((lock, "")));
    for args in [&["--no-tui", "hello"][..], &["--no-tui", "--runner", missing, "hello"]] {
        let out = project.brummer(args).finish().expect(0);
        assert!(out.contains("hello │ hello from hello of shop\n"), "{out}");
    }
}
