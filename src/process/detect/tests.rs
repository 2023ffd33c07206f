//! Detection in real directories, and what it runs in a real shell.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Catalog, DetectOptions, Found, Manager, RunnerChoice, Script};
use crate::process::spec::{ProcessSpec, Program};

struct Project {
    dir: tempfile::TempDir,
    options: DetectOptions,
}

/// A project with these files, and a PATH on which these tools, and the shell's own, are found.
fn project(files: &[(&str, &str)], tools: &[&str]) -> Project {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join("p").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // A repository of its own: nothing above it counts.
    std::fs::create_dir_all(dir.path().join("p/.git")).unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for tool in tools {
        executable(&bin.join(tool), "#!/bin/sh\n");
    }
    let options = DetectOptions { path: bin.into_os_string(), ..DetectOptions::default() };
    Project { dir, options }
}

fn executable(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl Project {
    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("p").join(path)
    }

    fn scan(&self) -> Catalog {
        Catalog::scan(&self.at(""), &self.options).unwrap()
    }

    /// The same, with the shell's own programs on PATH: for what is then run.
    fn scan_to_run(&mut self) -> Catalog {
        self.options.path.push(":/usr/bin:/bin");
        self.options.runner = RunnerChoice::Direct;
        self.scan()
    }
}

fn titles(catalog: &Catalog) -> Vec<&str> {
    catalog.scripts().iter().map(|script| script.title.as_str()).collect()
}

fn script<'c>(catalog: &'c Catalog, name: &str) -> &'c Script {
    catalog.find(name).script(name).unwrap()
}

fn typed(catalog: &Catalog, name: &str, args: &[&str]) -> String {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
    catalog.spec(script(catalog, name), &args).program.display()
}

/// Runs a spec to its end: what it printed, and its exit code.
fn run(spec: &ProcessSpec) -> (String, i32) {
    let Program::Shell(line) = &spec.program else { panic!("{:?} is not run by the shell", spec.program) };
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).current_dir(&spec.cwd).env("npm_execpath", "/inherited");
    for (key, value) in &spec.env {
        match value {
            Some(value) => command.env(key, value),
            None => command.env_remove(key),
        };
    }
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

const TWO: &str = "{\n  \"name\": \"app\",\n  \"scripts\": {\n    \"z\": \"echo z\",\n    \"a\": \"echo a\"\n  }\n}\n";

#[test]
fn scripts_are_listed_in_the_order_of_the_file_with_their_line() {
    let project = project(&[("package.json", TWO)], &["npm"]);
    let catalog = project.scan();
    let seen: Vec<_> = catalog.scripts().iter().map(|s| (s.title.as_str(), s.command.as_str(), s.line)).collect();
    assert_eq!(seen, [("z", "echo z", 4), ("a", "echo a", 5)]);
    let first = &catalog.scripts()[0];
    assert_eq!((first.package.as_str(), first.runner, first.source), ("app", "npm", "npm"));
    assert_eq!(first.file, project.at("package.json"));
    let spec = catalog.spec(first, &["--x".to_owned()]);
    assert_eq!(spec.program, Program::Argv(["npm", "run", "z", "--", "--x"].map(str::to_owned).to_vec()));
    assert_eq!((spec.name.as_str(), spec.cwd), ("z", project.at("")));
    assert!(spec.env.is_empty());
}

#[test]
fn the_manager_is_that_of_the_field_then_of_the_lock_file_then_of_the_settings() {
    let field = |field: &str| TWO.replacen("\"name\"", &format!("\"packageManager\": \"{field}\", \"name\""), 1);
    let all = ["npm", "yarn", "pnpm", "bun", "deno"];
    let berry = "# generated\n\n__metadata:\n  version: 8\n";
    type Case<'c> = (&'c [(&'c str, &'c str)], Manager);
    let cases: [Case<'_>; 12] = [
        (&[], Manager::Npm),
        (&[("package.json", &field("pnpm@9.0.0")), ("yarn.lock", "")], Manager::Pnpm),
        (&[("package.json", &field("yarn@4.1.0"))], Manager::YarnBerry),
        (&[("package.json", &field("yarn@1.22.0"))], Manager::Yarn),
        (&[("package.json", &field("unknown@1")), ("bun.lock", "")], Manager::Bun),
        (&[("package-lock.json", "{}")], Manager::Npm),
        (&[("yarn.lock", "# yarn lockfile v1\n")], Manager::Yarn),
        (&[("yarn.lock", berry)], Manager::YarnBerry),
        (&[("yarn.lock", ""), (".yarnrc.yml", "")], Manager::YarnBerry),
        (&[("pnpm-lock.yaml", ""), ("package-lock.json", "{}")], Manager::Pnpm),
        (&[("bun.lockb", "")], Manager::Bun),
        (&[("deno.lock", "{}")], Manager::Deno),
    ];
    for (files, manager) in cases {
        let mut with = vec![("package.json", TWO)];
        with.extend(files);
        let catalog = project(&with, &all).scan();
        assert_eq!(script(&catalog, "a").runner, manager.program(), "{files:?}");
    }
    let mut preferring = project(&[("package.json", TWO)], &all);
    preferring.options.preferred = Manager::Bun;
    assert_eq!(script(&preferring.scan(), "a").runner, "bun");
    preferring.options.runner = RunnerChoice::Use(Manager::Yarn);
    assert_eq!(typed(&preferring.scan(), "a", &["-x"]), "yarn run a -x");
}

#[test]
fn without_the_manager_the_script_is_run_directly_and_an_explicit_wish_is_reported() {
    let mut project = project(&[("package.json", TWO), ("pnpm-lock.yaml", "")], &["npm"]);
    let catalog = project.scan();
    assert_eq!(script(&catalog, "a").runner, "direct");
    assert_eq!(typed(&catalog, "a", &["two words"]), "echo a 'two words'");
    assert!(catalog.problems().is_empty());
    project.options.runner = RunnerChoice::Use(Manager::Bun);
    let catalog = project.scan();
    assert_eq!(script(&catalog, "a").runner, "direct");
    assert_eq!(catalog.problems().len(), 1);
    assert!(catalog.problems()[0].to_string().contains("run scripts with bun: it is not on PATH"));
    let member = r#"{"name":"m","scripts":{"a":"true"}}"#;
    let files =
        [("package.json", r#"{"workspaces":["m","n"]}"#), ("m/package.json", member), ("n/package.json", member)];
    let mut members = self::project(&files, &["npm"]);
    members.options.runner = RunnerChoice::Use(Manager::Bun);
    assert_eq!(members.scan().problems().len(), 1, "said once, wherever the scripts are");
}

#[test]
fn a_direct_script_finds_the_environment_that_npm_makes() {
    let shown = [
        "npm_lifecycle_event",
        "npm_lifecycle_script",
        "npm_package_name",
        "npm_package_version",
        "npm_package_json",
        "INIT_CWD",
        "npm_package_config_port",
        "npm_command",
        "npm_execpath-none",
    ];
    let show = shown.map(|name| format!("printf '%s\\\\n' \\\"${{{name}}}\\\"; ")).concat();
    let package = format!(
        r#"{{"name": "@me/app", "version": "1.2.3", "packageManager": "pnpm@9.1.0+sha512.x", "config": {{"port": 80}},
        "scripts": {{"show": "tool; {show} echo \"$npm_config_user_agent\""}}}}"#
    );
    let mut project = project(&[("package.json", &package), ("src/x", "")], &[]);
    executable(&project.at("node_modules/.bin/tool"), "#!/bin/sh\necho own tool\n");
    project.options.path.push(":/usr/bin:/bin");
    project.options.runner = RunnerChoice::Direct;
    std::fs::remove_dir(project.at(".git")).unwrap();
    let started_in = project.at("src");
    let catalog = Catalog::scan(&started_in, &project.options).unwrap();
    assert_eq!(catalog.root(), project.at("").components().as_path());
    let (shown, code) = run(&catalog.spec(script(&catalog, "show"), &[]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!((lines[0], code), ("own tool", 0));
    let file = catalog.root().join("package.json");
    let text = &script(&catalog, "show").command;
    let (file, started_in) = (file.display().to_string(), started_in.display().to_string());
    let expected = ["show", text, "@me/app", "1.2.3", &file, &started_in, "80", "run-script", "none"];
    assert_eq!(lines[1..lines.len() - 1], expected);
    assert!(lines[lines.len() - 1].starts_with("pnpm/9.1.0 brummer/"));
}

#[test]
fn hooks_run_around_the_script_and_only_it_gets_the_arguments() {
    let package = r#"{"scripts": {
        "prex": "echo before:$npm_lifecycle_event $#",
        "x": "true; printf '[%s]'",
        "postx": "echo; echo after:$npm_lifecycle_event",
        "prebad": "echo no; exit 3", "bad": "echo never", "only": "exit 4", "preonly": "true # a comment"}}"#;
    let mut project = project(&[("package.json", package)], &[]);
    let catalog = project.scan_to_run();
    let args = ["it's".to_owned(), "$HOME \"x\"".to_owned(), String::new()];
    let (shown, code) = run(&catalog.spec(script(&catalog, "x"), &args));
    assert_eq!((shown.as_str(), code), ("before:prex 0\n[it's][$HOME \"x\"][]\nafter:postx\n", 0));
    assert_eq!(run(&catalog.spec(script(&catalog, "bad"), &[])), ("no\n".to_owned(), 3));
    assert_eq!(run(&catalog.spec(script(&catalog, "only"), &[])), (String::new(), 4));
}

#[test]
fn yarn_2_has_no_hooks_when_its_scripts_are_run_directly() {
    let package = r#"{"packageManager": "yarn@4.0.0", "scripts": {"prex": "echo before", "x": "echo x"}}"#;
    let mut project = project(&[("package.json", package)], &[]);
    let catalog = project.scan_to_run();
    assert_eq!(run(&catalog.spec(script(&catalog, "x"), &[])).0, "x\n");
}

#[test]
fn packages_of_a_workspace_are_listed_and_run_in_their_directory() {
    let root = r#"{"name": "root", "workspaces": {"packages": ["packages/*", "tools/{one,two}", "!packages/skip"]},
        "scripts": {"dev": "echo root", "api:dev": "echo shadow"}}"#;
    let member =
        |name: &str| format!(r#"{{"name": "{name}", "scripts": {{"dev": "pwd; tool", "build:all": "echo"}}}}"#);
    let mut project = project(
        &[
            ("package.json", root),
            ("packages/web/package.json", &member("@acme/web")),
            ("packages/api/package.json", &member("@acme/api")),
            ("packages/skip/package.json", &member("skip")),
            ("packages/empty/readme", ""),
            ("packages/web/node_modules/dep/package.json", &member("dep")),
            ("tools/one/package.json", r#"{"scripts": {"gen": "echo gen"}}"#),
        ],
        &[],
    );
    executable(&project.at("node_modules/.bin/tool"), "#!/bin/sh\necho shared tool\n");
    let catalog = project.scan_to_run();
    let expected = ["dev", "api:dev", "@acme/api:dev", "api:build:all", "web:dev", "web:build:all", "one:gen"];
    assert_eq!(titles(&catalog), expected);
    for (index, title) in expected.iter().enumerate() {
        assert!(std::ptr::eq(script(&catalog, title), &catalog.scripts()[index]), "{title}");
    }
    let web = script(&catalog, "packages/web:dev");
    assert_eq!((web.package.as_str(), web.relative_dir.as_str()), ("@acme/web", "packages/web"));
    let (shown, _) = run(&catalog.spec(web, &[]));
    assert_eq!(shown, format!("{}\nshared tool\n", project.at("packages/web").canonicalize().unwrap().display()));
    assert_eq!(script(&catalog, "tools/one:gen").title, "one:gen");
    assert!(matches!(catalog.find("dev"), Found::Script(script) if script.relative_dir.is_empty()));
    let error = catalog.find("build:all").script("build:all").unwrap_err();
    assert!(error.message().ends_with("say `api:build:all` or `web:build:all`"), "{error}");
}

#[test]
fn pnpm_names_its_packages_in_a_file_of_its_own_and_a_member_knows_its_manager() {
    let member = r#"{"name": "deep", "scripts": {"dev": "echo"}}"#;
    let project = project(
        &[
            ("pnpm-workspace.yaml", "packages:\n  - 'apps/**'\n  - '!**/test/**'\n"),
            ("package.json", r#"{"private": true}"#),
            ("apps/a/b/package.json", member),
            ("apps/a/test/c/package.json", member),
        ],
        &["pnpm", "npm"],
    );
    let catalog = project.scan();
    assert_eq!(titles(&catalog), ["deep:dev"]);
    assert_eq!(script(&catalog, "dev").runner, "pnpm");
    let inside = Catalog::scan(&project.at("apps/a/b"), &project.options).unwrap();
    assert_eq!(titles(&inside), ["dev"]);
    assert_eq!(script(&inside, "dev").runner, "pnpm");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let project = project(&[("package.json", &TWO.replace("\"z\"", "\"deploy\""))], &["npm"]);
    let catalog = project.scan();
    let error = catalog.find("delpoy").script("delpoy").unwrap_err();
    assert_eq!(error.code(), crate::error::Code::NotFound);
    assert_eq!(error.message(), "no script is named `delpoy`; the nearest is `deploy`");
    assert!(matches!(catalog.find("something else"), Found::NotFound { nearest: None }));
    assert!(matches!(catalog.find("d"), Found::NotFound { nearest: Some(name) } if name == "deploy"));
}

#[test]
fn a_broken_file_is_a_problem_with_its_place_and_the_rest_still_works() {
    let files = [
        ("package.json", "{\n  \"scripts\": {\n    \"a\": \"b\"\n    \"c\": \"d\"\n  }\n}"),
        ("Procfile", "web: echo hi\n# worker: no\nbad line\nworker : sleep 1\n"),
        ("Cargo.toml", "[package\n"),
        ("deno.json", "{"),
    ];
    let catalog = project(&files, &["cargo"]).scan();
    assert_eq!(titles(&catalog), ["web", "worker"]);
    let problems: Vec<String> = catalog.problems().iter().map(|problem| problem.to_string()).collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].contains("package.json:4:5: expected `,` or `}`"), "{}", problems[0]);
    assert!(problems[1].contains("deno.json:1:1: EOF"), "{}", problems[1]);
    assert!(problems[2].contains("Cargo.toml:1:9: "), "{}", problems[2]);
}

#[test]
fn a_directory_that_is_not_there_is_an_error_and_an_empty_one_is_not() {
    let empty = project(&[], &[]);
    assert!(empty.scan().scripts().is_empty());
    let error = Catalog::scan(&empty.at("none"), &empty.options).unwrap_err();
    assert_eq!(error.code(), crate::error::Code::NotFound);
}

#[test]
fn deno_tasks_run_behind_the_tasks_that_they_depend_on() {
    let deno = r#"{
  // tasks
  "tasks": {
    "dev": { "command": "echo dev", "dependencies": ["gen", "lint"] },
    "gen": "echo gen",
    "lint": { "command": "echo lint", "dependencies": ["gen", "dev"] },
    "all": { "dependencies": ["gen"] },
  },
}"#;
    let mut project = project(&[("deno.jsonc", deno)], &["deno"]);
    let catalog = project.scan();
    assert_eq!(titles(&catalog), ["dev", "gen", "lint", "all"]);
    assert_eq!(typed(&catalog, "dev", &["-x"]), "deno task dev -x");
    assert_eq!(script(&catalog, "lint").line, 6);
    let catalog = project.scan_to_run();
    assert_eq!(run(&catalog.spec(script(&catalog, "dev"), &["-x".to_owned()])).0, "gen\nlint\ndev -x\n");
    assert_eq!(run(&catalog.spec(script(&catalog, "all"), &[])).0, "gen\n");
}

#[test]
fn other_ecosystems_offer_what_their_installed_tools_can_run() {
    let files = [
        ("Makefile", "build: x\n\techo\ntest:\n\techo\n"),
        ("justfile", "fmt:\n  echo\n"),
        ("Cargo.toml", "[package]\nname = \"app\"\n"),
        ("src/main.rs", ""),
        ("src/bin/extra.rs", ""),
        ("go.mod", "module x\n"),
        ("cmd/srv/main.go", "// x\npackage main\n"),
        ("cmd/lib/lib.go", "package lib\n"),
        ("pyproject.toml", "[tool.poe.tasks]\nserve = 'x'\n[project.scripts]\ncli = 'a:b'\nother = 'a:c'\n"),
        ("composer.json", "{\n \"scripts\": {\n  \"post-install-cmd\": \"x\",\n  \"stan\": [\"a\", \"b\"]\n }\n}"),
    ];
    let all = ["make", "just", "cargo", "go", "uv", "composer"];
    let mut project = project(&files, &all);
    executable(&project.at(".venv/bin/cli"), "#!/bin/sh\n");
    let catalog = project.scan();
    let expected = [
        "make:build",
        "make:test",
        "fmt",
        "app",
        "extra",
        "cargo:build",
        "cargo:test",
        "check",
        "srv",
        "go:build",
        "go:test",
        "vet",
        "cli",
        "other",
        "stan",
    ];
    assert_eq!(titles(&catalog), expected);
    assert!(catalog.problems().is_empty());
    assert_eq!(typed(&catalog, "make:test", &["V=1"]), "make test V=1");
    assert_eq!(typed(&catalog, "extra", &["-v"]), "cargo run --bin extra -- -v");
    assert_eq!(typed(&catalog, "cargo:test", &["name"]), "cargo test name");
    assert_eq!(typed(&catalog, "srv", &[]), "go run ./cmd/srv");
    assert_eq!(typed(&catalog, "cli", &["-v"]), ".venv/bin/cli -v");
    assert_eq!(typed(&catalog, "other", &[]), "uv run other");
    assert_eq!(typed(&catalog, "stan", &["x"]), "composer run-script stan -- x");
    assert_eq!(script(&catalog, "stan").line, 4);
    assert!(matches!(catalog.find("test"), Found::Ambiguous(scripts) if scripts.len() == 3));
    project.options.path = "/nowhere".into();
    assert_eq!(titles(&project.scan()), ["cli"]);
}

#[test]
fn a_script_of_package_json_is_meant_before_a_target_of_the_same_name() {
    let project = project(&[("package.json", TWO), ("Makefile", "a:\n\techo make\n")], &["npm", "make"]);
    let catalog = project.scan();
    assert_eq!(titles(&catalog), ["z", "a", "make:a"]);
    assert_eq!(script(&catalog, "a").runner, "npm");
    assert_eq!(script(&catalog, "npm:a").runner, "npm");
    assert_eq!(script(&catalog, "make:a").runner, "make");
}

#[test]
fn tasks_of_the_editor_run_with_their_directory_and_environment() {
    let tasks = r#"{
  // comment
  "tasks": [
    {"label": "say it", "type": "shell", "command": "echo $WHO in `pwd`", "args": ["a b"],
     "options": {"cwd": "${workspaceFolder}/sub", "env": {"WHO": "me"}}, "group": "build"},
    {"label": "asks", "type": "shell", "command": "echo ${input:x}"},
    {"label": "npm", "type": "npm", "script": "x"},
  ]
}"#;
    let mut project = project(&[(".vscode/tasks.json", tasks), ("sub/x", "")], &[]);
    let catalog = project.scan_to_run();
    assert_eq!(titles(&catalog), ["say it"]);
    let (shown, _) = run(&catalog.spec(script(&catalog, "say it"), &[]));
    assert_eq!(shown, format!("me in {} a b\n", project.at("sub").canonicalize().unwrap().display()));
    assert_eq!(script(&catalog, "say it").line, 4);
    assert_eq!(script(&catalog, "say it").variables().collect::<Vec<_>>(), ["WHO"]);
}

#[test]
fn a_direct_run_gives_a_script_the_same_words_and_variables_as_npm() {
    let show = "for name in npm_lifecycle_event npm_lifecycle_script npm_package_name npm_package_version \
                npm_package_config_port npm_package_engines_node INIT_CWD NODE; do printenv $name || echo none; done; \
                echo ${PATH%%:*}; printf '[%s]'";
    let package = serde_json::json!({
        "name": "app", "version": "1.0.0", "config": { "port": 8080, "off": false }, "engines": { "node": ">=1" },
        "scripts": { "preshow": "echo before $#", "show": show, "postshow": "exit 7" },
    });
    let mut project = project(&[("package.json", &package.to_string())], &[]);
    project.options.path = std::env::var_os("PATH").unwrap_or_default();
    let args = ["a b", "it's", "$x", "", "*", "-n"].map(str::to_owned);
    let npm =
        Command::new("npm").args(["run", "--silent", "show", "--"]).args(&args).current_dir(project.at("")).output();
    let Ok(npm) = npm else {
        eprintln!("skipped: npm is not installed");
        return;
    };
    project.options.runner = RunnerChoice::Direct;
    let catalog = project.scan();
    let (shown, code) = run(&catalog.spec(script(&catalog, "show"), &args));
    assert_eq!(shown, String::from_utf8(npm.stdout).unwrap());
    assert_eq!((code, npm.status.code()), (7, Some(7)));
}

#[test]
fn a_package_run_by_deno_and_its_deno_json_are_told_apart() {
    let files = [
        ("package.json", r#"{"scripts": {"predev": "echo before", "dev": "echo npm"}}"#),
        ("deno.json", r#"{"tasks": {"predev": "echo no", "dev": "echo deno"}}"#),
        ("deno.lock", "{}"),
    ];
    let mut project = project(&files, &["deno"]);
    let catalog = project.scan();
    assert_eq!(titles(&catalog), ["npm:predev", "npm:dev", "deno:predev", "deno:dev"]);
    assert!(catalog.scripts().iter().all(|script| script.runner == "deno"));
    assert!(matches!(catalog.find("dev"), Found::Ambiguous(scripts) if scripts.len() == 2));
    let catalog = project.scan_to_run();
    assert_eq!(run(&catalog.spec(script(&catalog, "npm:dev"), &[])).0, "before\nnpm\n");
    assert_eq!(run(&catalog.spec(script(&catalog, "deno:dev"), &[])).0, "deno\n");
}

#[test]
fn a_folder_or_an_endless_file_where_a_package_json_belongs_is_told() {
    let folder = project(&[("package.json/x", "")], &[]).scan();
    assert!(folder.problems()[0].message().contains("package.json"), "{:?}", folder.problems());
    let long = project(&[("package.json", "")], &[]);
    std::fs::File::create(long.at("package.json")).unwrap().set_len(17 << 20).unwrap();
    let long = long.scan();
    assert!(long.problems()[0].message().contains("longer than 16 MiB"), "{:?}", long.problems());
}

#[test]
fn twenty_thousand_scripts_are_read_in_a_moment() {
    let scripts: Vec<String> = (0..20_000).map(|i| format!("\n  \"s{i}\": \"echo {i}\"")).collect();
    let text = format!("{{\"scripts\": {{{}\n}}}}", scripts.join(","));
    let begin = std::time::Instant::now();
    let project = project(&[("package.json", &text)], &["npm"]);
    let catalog = project.scan();
    assert_eq!(catalog.scripts().last().map(|script| (script.title.as_str(), script.line)), Some(("s19999", 20_001)));
    assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{:?}", begin.elapsed());
}
