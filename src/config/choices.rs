//! The settings that are one word out of a few, as enums made from one list of words each.

/// A setting that is one word out of a few.
pub(super) trait Choice: Copy + Sized + 'static {
    /// The words that a file may hold.
    const NAMES: &'static [&'static str];
    /// The variant of a word; `None` for a word that is not in [`Choice::NAMES`].
    fn from_name(name: &str) -> Option<Self>;
}

macro_rules! choices {
    ($( $(#[$doc:meta])+ $Type:ident { $( $(#[$item_doc:meta])+ $Variant:ident = $name:literal ),+ $(,)? } )+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Type { $( $(#[$item_doc])+ $Variant ),+ }

        impl $Type {
            /// The word that stands in the file.
            pub fn name(self) -> &'static str {
                match self { $( Self::$Variant => $name ),+ }
            }
        }

        impl Choice for $Type {
            const NAMES: &'static [&'static str] = &[$($name),+];
            fn from_name(name: &str) -> Option<Self> {
                match name { $( $name => Some(Self::$Variant), )+ _ => None }
            }
        }
    )+};
}

choices! {
    /// Who runs the scripts of a package.json.
    Runner {
        /// The project's own manager, or no manager where it is not installed.
        Auto = "auto",
        /// No manager: `sh -c` with the environment that a manager would have made.
        Direct = "direct",
        /// npm.
        Npm = "npm",
        /// yarn, classic or berry.
        Yarn = "yarn",
        /// pnpm.
        Pnpm = "pnpm",
        /// bun.
        Bun = "bun",
        /// deno.
        Deno = "deno",
    }
    /// The package manager of a project that does not say which it uses.
    PackageManager {
        /// npm.
        Npm = "npm",
        /// yarn, classic or berry.
        Yarn = "yarn",
        /// pnpm.
        Pnpm = "pnpm",
        /// bun.
        Bun = "bun",
        /// deno.
        Deno = "deno",
    }
    /// What the event bus does when a queue is full.
    Backpressure {
        /// The oldest event makes room.
        DropOldest = "drop_oldest",
        /// The new event is refused.
        DropNewest = "drop_newest",
        /// An event of the lowest class makes room.
        DropLowPriority = "drop_low_priority",
        /// The publisher waits, then fails with TIMEOUT.
        Block = "block",
    }
    /// How the state of a process is read.
    StatusRead {
        /// From the seqlock table, without a lock.
        Atomic = "atomic",
    }
    /// The characters that lines and marks are drawn with.
    Glyphs {
        /// Box drawing and marks.
        Unicode = "unicode",
        /// ASCII alone.
        Ascii = "ascii",
    }
    /// How text is copied.
    Clipboard {
        /// Native where there is one, else through the terminal.
        Auto = "auto",
        /// The desktop's own program.
        Native = "native",
        /// The terminal's escape sequence OSC 52.
        Osc52 = "osc52",
        /// Not at all.
        Off = "off",
    }
    /// How the terminal is asked for a desktop notice.
    Notify {
        /// As the terminal is known to take it, else by its bell.
        Auto = "auto",
        /// Not at all.
        Off = "off",
        /// By its bell.
        Bell = "bell",
        /// The escape sequence OSC 9.
        Osc9 = "osc9",
        /// The escape sequence OSC 777.
        Osc777 = "osc777",
    }
    /// The time before a log line.
    Timestamps {
        /// `14:02:28`.
        Clock = "clock",
        /// `14:02:28.700`.
        Ms = "ms",
        /// Since the start of the process.
        Relative = "relative",
        /// Since the line before.
        Delta = "delta",
        /// None.
        Off = "off",
    }
    /// Whose requests the proxy takes.
    ProxyMode {
        /// Those to the addresses that it gives to the servers of processes.
        Reverse = "reverse",
        /// Those too of programs that use it as their HTTP proxy.
        Full = "full",
        /// None: no proxy.
        Off = "off",
    }
    /// The view that is shown first.
    StartView {
        /// The scripts of the project.
        Scripts = "scripts",
        /// The processes.
        Processes = "processes",
        /// The log lines.
        Logs = "logs",
        /// What went wrong.
        Errors = "errors",
        /// The addresses of servers.
        Urls = "urls",
        /// What went through the proxy.
        Web = "web",
        /// What AI tools have called for.
        Mcp = "mcp",
        /// The settings.
        Settings = "settings",
    }
}
