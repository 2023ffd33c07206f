//! The command line's one definition: the parser, `--help`, the completions and the man page are made from it.

use std::path::PathBuf;
use std::time::Duration;

use super::mcp::Tool;
use clap::{ArgAction, Args as ClapArgs, Command, CommandFactory, Parser, ValueEnum};

/// What stands on the command line.
#[derive(Parser, Debug, PartialEq)]
#[command(
    name = "brummer",
    version,
    disable_version_flag = true,
    about = "Runs a project's scripts, keeps every line and shows them",
    override_usage = "brummer [OPTIONS] [SCRIPT…] [-- ARG…]\n       brummer [OPTIONS] -- COMMAND [ARG…]\n       \
                      brummer COMMAND",
    after_help = AFTER_HELP,
    after_long_help = AFTER_LONG_HELP,
    max_term_width = 100
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) flags: Flags,

    /// Scripts to start: names of package.json, of `.brum.toml`, or a quoted command ("node server.js --port 3000")
    #[arg(value_name = "SCRIPT")]
    pub(super) scripts: Vec<String>,

    /// After `--`: a command and its arguments; behind one script, more arguments for it
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) rest: Vec<String>,

    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// The options that every way of starting shares.
#[derive(ClapArgs, Debug, Clone, Default, PartialEq)]
pub(super) struct Flags {
    /// The project's folder; configuration is looked for from here upwards
    #[arg(short, long, value_name = "DIR", default_value = ".", hide_default_value = true, global = true)]
    pub(super) dir: PathBuf,

    /// Print lines instead of opening the terminal UI; ends when everything that was started has ended
    #[arg(long, global = true)]
    pub(super) no_tui: bool,

    /// What is printed without the terminal UI: lines to read, or one JSON object a line (implies --no-tui)
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(super) output: Option<Output>,

    /// Who runs the scripts of package.json: the project's manager, one of these, or no manager at all
    #[arg(long, value_name = "WHO", global = true)]
    pub(super) runner: Option<Runner>,

    /// Whether processes get a terminal of their own (colours, prompts) or pipes
    #[arg(long, value_name = "WHEN", global = true)]
    pub(super) terminal: Option<When>,

    /// Whether printed lines are coloured; NO_COLOR is respected
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true, global = true)]
    pub(super) color: When,

    /// The time before each line
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(super) time: Option<Time>,

    /// Whose requests the proxy takes: those to the servers of processes, those of all who use it as their proxy, or none
    #[arg(long, value_name = "MODE", global = true)]
    pub(super) proxy_mode: Option<ProxyMode>,

    /// The proxy's own port
    #[arg(long, value_name = "PORT", global = true)]
    pub(super) proxy_port: Option<u16>,

    /// Let other machines of the network use the proxy's addresses
    #[arg(long, global = true)]
    pub(super) lan: bool,

    /// Give this URL an address of the proxy at the start
    #[arg(long, value_name = "URL")]
    pub(super) proxy_url: Option<String>,

    /// The same as --proxy-mode full
    #[arg(long, hide = true, conflicts_with_all = ["proxy_mode", "no_proxy"])]
    pub(super) standard_proxy: bool,

    /// The same as --proxy-mode off
    #[arg(long, conflicts_with = "proxy_mode")]
    pub(super) no_proxy: bool,

    /// Serve all running instances to an AI tool, on standard input and output
    #[arg(long, conflicts_with_all = ["output", "settings"])]
    pub(super) mcp: bool,

    /// The port of the server for AI tools (MCP); the next free one is taken
    #[arg(short, long, value_name = "PORT")]
    pub(super) port: Option<u16>,

    /// Run no server for AI tools
    #[arg(long, global = true)]
    pub(super) no_mcp: bool,

    /// Print every setting with its value and where it comes from
    #[arg(long)]
    pub(super) settings: bool,

    /// Print the version
    #[arg(short = 'V', short_alias = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// What else there is than to run the scripts that are named.
#[derive(clap::Subcommand, Debug, PartialEq)]
pub(super) enum Verb {
    /// Start scripts; the word for a script that is called like one of these commands
    Run {
        /// Scripts to start
        #[arg(value_name = "SCRIPT", required = true)]
        scripts: Vec<String>,
        /// After `--`: more arguments for the script
        #[arg(last = true, value_name = "ARG")]
        rest: Vec<String>,
    },
    /// List the scripts that can be started
    List {
        /// As JSON: an array of objects
        #[arg(long)]
        json: bool,
        /// The names alone, one a line
        #[arg(long, hide = true, conflicts_with = "json")]
        names: bool,
    },
    /// Run a built-in sample project: a web server, an API that fails at times, a worker, a test
    Demo {
        /// End after so many seconds
        #[arg(long, value_name = "N", value_parser = seconds)]
        seconds: Option<Duration>,
    },
    /// Run the proxy alone: in front of one server, or for programs that use it as their proxy
    #[command(group = clap::ArgGroup::new("whom").required(true).args(["upstream", "forward"]))]
    Proxy {
        /// The server that it stands in front of: `http://localhost:3000`
        #[arg(long, value_name = "URL")]
        upstream: Option<String>,
        /// Be a forward proxy, with CONNECT and a PAC file
        #[arg(long)]
        forward: bool,
        /// The port that it listens on; without it one is chosen
        #[arg(long, short, value_name = "PORT")]
        port: Option<u16>,
        /// Leave pages as they are: no telemetry script
        #[arg(long)]
        no_telemetry: bool,
        /// Serve AI tools as well: what goes through it, and the scripts of this folder
        #[arg(long)]
        mcp: bool,
    },
    /// Open a page in a browser of its own, with an empty profile; it ends with Brummer
    Browser {
        /// The page: `http://localhost:3000`
        #[arg(value_name = "URL")]
        url: String,
        /// Without a window
        #[arg(long)]
        headless: bool,
        /// Write a picture of the page to this file (PNG) and end
        #[arg(long, value_name = "FILE")]
        screenshot: Option<PathBuf>,
    },
    /// Serve AI tools alone, set them up, and find out what is wrong
    #[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
    Mcp {
        /// Speak to one client on standard input and output
        #[arg(long, required = true)]
        stdio: bool,
        /// What to do
        #[command(subcommand)]
        command: Option<McpVerb>,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// What there is to do about AI tools.
#[derive(clap::Subcommand, Debug, PartialEq)]
pub(super) enum McpVerb {
    /// Put Brummer into the settings of an AI tool: the change is shown, the rest of the file stays, and --undo takes it back
    Install {
        /// The tool
        tool: Tool,
        /// All projects' Brummers, in the user's settings; without it the one of this project, in the project's settings if there are such
        #[arg(long)]
        hub: bool,
        /// Bring back what stood there before
        #[arg(long)]
        undo: bool,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at instances, ports, permissions and the settings of AI tools, and say what is wrong and what to do
    Doctor,
}

/// How lines are printed.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Output {
    /// `[14:02:28] web │ text`
    #[default]
    Text,
    /// One object a line
    Json,
}

/// Whose requests the proxy takes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyMode {
    /// Those to the addresses of servers
    Reverse,
    /// Those too of programs that use it as their proxy
    Full,
    /// None
    Off,
}

/// Yes, no, or by what stdout is.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

/// The time before a line.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// 14:02:28
    Clock,
    /// 14:02:28.700
    Ms,
    /// Since the process was started
    Relative,
    /// Since the line before
    Delta,
    /// None
    Off,
}

/// Who runs the scripts of a package.json.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    Auto,
    Direct,
    Npm,
    Yarn,
    Pnpm,
    Bun,
    Deno,
}

/// The word of a choice, as it is written on the command line.
pub(super) fn word<T: ValueEnum>(choice: T) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds is expected".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// The definition, for what is made from it.
pub(super) fn definition() -> Command {
    Args::command()
}

/// Parses, or answers what is to be printed and the exit code: 0 for help and version, 2 for a wrong command line.
pub(super) fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Args, clap::Error> {
    Args::try_parse_from(words)
}

/// What is wrong with the command line, as Brummer says it.
pub(super) fn explain(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    format!("brummer: {text}")
}

const AFTER_HELP: &str = "\
Examples:
  brummer                      open the project's scripts
  brummer dev api              start two scripts and show their lines
  brummer test -- --watch      arguments for one script
  brummer -- node server.js    start any command
  brummer --no-tui dev         print lines, end when `dev` ends";

const AFTER_LONG_HELP: &str = "\
Examples:
  brummer                      open the project's scripts
  brummer dev api              start two scripts and show their lines
  brummer test -- --watch      arguments for one script
  brummer -- node server.js    start any command
  brummer --no-tui dev         print lines, end when `dev` ends
  brummer run list             start a script that is called like a command

Printed lines:
  [14:02:28] web │ a line of its standard output
  [14:02:28] web ┃ a line of its standard error
  [14:02:28] web ● what Brummer has to say of it
Without a terminal on standard input and output, or with TERM=dumb, lines are printed as with --no-tui.
Standard input then goes to the process that was named, if it is one alone.

Exit codes:
  0    everything that was started ended with success, or the terminal UI was left
  N    the code of the first process that failed (128 + N: ended by signal N)
  1    Brummer itself failed
  2    the command line is wrong
  129, 130, 143    ended by SIGHUP, SIGINT (Ctrl+C), SIGTERM";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Args {
        parse(line.split(' ').map(Into::into)).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn refused(line: &str) -> String {
        explain(&parse(line.split(' ').map(Into::into)).expect_err(line))
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn scripts_stand_before_the_dashes_and_arguments_behind_them() {
        let args = parsed("brummer -d /tmp web api -- --port 3000");
        assert_eq!(args.scripts, ["web", "api"]);
        assert_eq!(args.rest, ["--port", "3000"]);
        assert_eq!(args.flags.dir, PathBuf::from("/tmp"));
        let args = parsed("brummer --no-tui -- node server.js --port 3000");
        assert!(args.scripts.is_empty() && args.flags.no_tui);
        assert_eq!(args.rest, ["node", "server.js", "--port", "3000"]);
    }

    #[test]
    fn a_command_word_wins_only_in_the_first_place_and_run_starts_its_namesake() {
        assert_eq!(parsed("brummer list").verb, Some(Verb::List { json: false, names: false }));
        assert_eq!(parsed("brummer web list").scripts, ["web", "list"]);
        let run = Verb::Run { scripts: vec!["list".into()], rest: vec!["-x".into()] };
        assert_eq!(parsed("brummer run list -- -x").verb, Some(run));
    }

    #[test]
    fn options_work_on_both_sides_of_a_command_word() {
        assert!(parsed("brummer --no-tui demo").flags.no_tui);
        let args = parsed("brummer demo --no-tui --seconds 0.5 --color never");
        assert!(args.flags.no_tui && args.flags.color == When::Never);
        assert_eq!(args.verb, Some(Verb::Demo { seconds: Some(Duration::from_millis(500)) }));
    }

    #[test]
    fn the_proxy_alone_needs_to_know_for_whom_it_is() {
        let args = parsed("brummer proxy --upstream http://localhost:3000 --port 8080 --no-tui");
        let upstream = Some("http://localhost:3000".to_owned());
        let verb = Verb::Proxy { upstream, forward: false, port: Some(8080), no_telemetry: false, mcp: false };
        assert!(args.verb == Some(verb) && args.flags.no_tui);
        assert!(matches!(parsed("brummer proxy --forward").verb, Some(Verb::Proxy { forward: true, .. })));
        assert!(refused("brummer proxy").contains("--forward"));
        assert!(refused("brummer proxy --forward --upstream http://a").contains("cannot be used with"));
    }

    #[test]
    fn ai_tools_are_named_and_set_up() {
        assert!(parsed("brummer --mcp").flags.mcp);
        let verb = |command| Some(Verb::Mcp { stdio: false, command: Some(command) });
        let install = McpVerb::Install { tool: Tool::ClaudeCode, hub: true, undo: false, dry_run: false };
        assert_eq!(parsed("brummer mcp install claude-code --hub").verb, verb(install));
        assert_eq!(parsed("brummer mcp doctor").verb, verb(McpVerb::Doctor));
        assert!(refused("brummer mcp install emacs").contains("claude-desktop"));
    }

    #[test]
    fn the_server_for_ai_tools_has_a_port_or_is_not_there() {
        assert_eq!(parsed("brummer -p 7800 dev").flags.port, Some(7800));
        assert!(parsed("brummer list --no-mcp").flags.no_mcp);
        assert_eq!(parsed("brummer mcp --stdio").verb, Some(Verb::Mcp { stdio: true, command: None }));
        assert!(refused("brummer mcp").contains("--stdio"));
    }

    #[test]
    fn a_wrong_option_is_named_with_what_is_allowed() {
        let text = refused("brummer --runner npn");
        assert!(text.starts_with("brummer: invalid value 'npn'") && text.contains("pnpm"), "{text}");
        assert!(refused("brummer --nope").starts_with("brummer: unexpected argument '--nope'"));
    }

    #[test]
    fn the_version_is_asked_for_in_three_ways() {
        for flag in ["-V", "-v", "--version"] {
            let error = parse(["brummer", flag].map(Into::into)).expect_err("version");
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayVersion);
        }
    }
}
