//! Package managers: which one a project uses, and how each is told to run a script.

use std::io::Read;
use std::path::Path;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manager {
    /// npm.
    Npm,
    /// yarn 1.
    Yarn,
    /// yarn 2 and later.
    YarnBerry,
    /// pnpm.
    Pnpm,
    /// bun.
    Bun,
    /// deno.
    Deno,
}

/// Who is to run package scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunnerChoice {
    /// The project's manager; Brummer itself where that is not installed.
    #[default]
    Auto,
    /// Brummer itself, always.
    Direct,
    /// This manager, whatever the project says.
    Use(Manager),
}

impl RunnerChoice {
    /// From `auto`, `direct` or the name of a manager.
    pub fn from_name(name: &str) -> Option<RunnerChoice> {
        match name {
            "auto" => Some(RunnerChoice::Auto),
            "direct" => Some(RunnerChoice::Direct),
            _ => Manager::from_name(name).map(RunnerChoice::Use),
        }
    }
}

/// Where a project has several lock files, the one of the manager that nobody runs by accident comes first.
const LOCK_FILES: [(&str, Manager); 7] = [
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
    ("deno.lock", Manager::Deno),
];

impl Manager {
    /// From its name as it stands in settings; `yarn` becomes yarn 2 where the project's files say so.
    pub fn from_name(name: &str) -> Option<Manager> {
        match name {
            "npm" => Some(Manager::Npm),
            "yarn" => Some(Manager::Yarn),
            "pnpm" => Some(Manager::Pnpm),
            "bun" => Some(Manager::Bun),
            "deno" => Some(Manager::Deno),
            _ => None,
        }
    }

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Manager::Npm => "npm",
            Manager::Yarn | Manager::YarnBerry => "yarn",
            Manager::Pnpm => "pnpm",
            Manager::Bun => "bun",
            Manager::Deno => "deno",
        }
    }

    /// From the field `packageManager`: `pnpm@9.1.0+sha512…`.
    pub(super) fn from_field(field: &str) -> Option<Manager> {
        let (name, version) = field.split_once('@').unwrap_or((field, ""));
        let manager = Manager::from_name(name.trim())?;
        let classic = version.is_empty() || version.starts_with("1.") || version == "1";
        Some(if manager == Manager::Yarn && !classic { Manager::YarnBerry } else { manager })
    }

    /// From the lock file of a directory.
    pub(super) fn from_lock_file(dir: &Path) -> Option<Manager> {
        let locked = LOCK_FILES.iter().find(|(name, _)| dir.join(name).is_file()).map(|(_, manager)| *manager);
        match locked {
            Some(manager) => Some(manager.in_dir(dir)),
            None => dir.join("pnpm-workspace.yaml").is_file().then_some(Manager::Pnpm),
        }
    }

    /// Yarn is yarn 2 where a directory holds its settings or its form of the lock file.
    pub(super) fn in_dir(self, dir: &Path) -> Manager {
        match self {
            Manager::Yarn if dir.join(".yarnrc.yml").is_file() || has_berry_lock(dir) => Manager::YarnBerry,
            other => other,
        }
    }

    /// What is typed to run a script with arguments.
    pub(super) fn argv(self, script: &str, args: &[String]) -> Vec<String> {
        let verb = if self == Manager::Deno { "task" } else { "run" };
        let mut argv = vec![self.program().to_owned(), verb.to_owned(), script.to_owned()];
        // npm alone keeps options for itself until a `--`; the others pass on everything behind the name.
        if self == Manager::Npm && !args.is_empty() {
            argv.push("--".to_owned());
        }
        argv.extend_from_slice(args);
        argv
    }
}

fn has_berry_lock(dir: &Path) -> bool {
    // `__metadata:` stands behind a comment of two lines.
    let mut head = Vec::new();
    let read = std::fs::File::open(dir.join("yarn.lock")).and_then(|file| file.take(256).read_to_end(&mut head));
    read.is_ok() && head.windows(11).any(|part| part == b"__metadata:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_names_manager_and_generation() {
        let cases = [
            ("npm@10.2.0", Some(Manager::Npm)),
            ("pnpm@9.1.0+sha512.abc", Some(Manager::Pnpm)),
            ("yarn@1.22.22", Some(Manager::Yarn)),
            ("yarn@4.1.0", Some(Manager::YarnBerry)),
            ("yarn@berry", Some(Manager::YarnBerry)),
            ("yarn", Some(Manager::Yarn)),
            ("bun@1.1", Some(Manager::Bun)),
            ("cnpm@9", None),
        ];
        cases.iter().for_each(|(field, manager)| assert_eq!(Manager::from_field(field), *manager, "{field}"));
    }

    #[test]
    fn arguments_are_passed_in_each_managers_way() {
        let args = ["--port".to_owned(), "3000".to_owned()];
        let typed = |manager: Manager| manager.argv("dev", &args).join(" ");
        assert_eq!(typed(Manager::Npm), "npm run dev -- --port 3000");
        assert_eq!(typed(Manager::Yarn), "yarn run dev --port 3000");
        assert_eq!(typed(Manager::YarnBerry), "yarn run dev --port 3000");
        assert_eq!(typed(Manager::Pnpm), "pnpm run dev --port 3000");
        assert_eq!(typed(Manager::Bun), "bun run dev --port 3000");
        assert_eq!(typed(Manager::Deno), "deno task dev --port 3000");
        assert_eq!(Manager::Npm.argv("dev", &[]).join(" "), "npm run dev");
    }
}
