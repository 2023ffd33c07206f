//! Shell completions and the man page, from the definition of the command line; scripts are completed by their names.

use std::io::{self, Write};

use clap_complete::Shell;

use super::args::definition;

/// Bash and zsh ask `brummer list --names` when the word is no option; the folder named with `-d` is respected.
const BASH_SCRIPTS: &str = r#"
_brummer_with_scripts() {
    _brummer "$@"
    local word="${COMP_WORDS[COMP_CWORD]}" dir=. at
    [[ $word == -* || ${COMP_WORDS[COMP_CWORD-1]} == -* ]] && return
    for ((at = 1; at < COMP_CWORD; at++)); do
        [[ ${COMP_WORDS[at]} == -- ]] && return
        [[ ${COMP_WORDS[at]} == -d || ${COMP_WORDS[at]} == --dir ]] && dir="${COMP_WORDS[at+1]}"
    done
    local IFS=$'\n'
    COMPREPLY+=($(compgen -W "$(brummer list --names -d "$dir" 2>/dev/null)" -- "$word"))
    type __ltrim_colon_completions &>/dev/null && __ltrim_colon_completions "$word"
    return 0
}
complete -F _brummer_with_scripts -o nosort -o bashdefault -o default brummer 2>/dev/null ||
    complete -F _brummer_with_scripts -o bashdefault -o default brummer
"#;

const FISH_SCRIPTS: &str = r#"
complete -c brummer -f -n "not contains -- -- (commandline -opc)" -a "(brummer list --names 2>/dev/null)" -d script
"#;

const ZSH_SCRIPTS: &str = r#"
_brummer_scripts() {
    local -a names
    names=(${(f)"$(brummer list --names 2>/dev/null)"})
    compadd -a names
}
"#;

/// The completions for a shell.
pub(super) fn completions(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut definition(), "brummer", &mut bytes);
    let made = String::from_utf8_lossy(&bytes);
    match shell {
        Shell::Bash => format!("{made}{BASH_SCRIPTS}"),
        Shell::Fish => format!("{made}{FISH_SCRIPTS}"),
        Shell::Zsh => zsh(&made),
        _ => made.into_owned(),
    }
}

/// In zsh the word for a script is completed by a function; it stands behind the first line, which names the command.
fn zsh(made: &str) -> String {
    let lines = made.lines().map(|line| match line.strip_suffix(":_default' \\") {
        Some(head) if head.contains("scripts --") => format!("{head}:_brummer_scripts' \\\n"),
        _ => format!("{line}\n"),
    });
    let text: String = lines.collect();
    match text.split_once('\n') {
        Some((first, rest)) => format!("{first}\n{ZSH_SCRIPTS}{rest}"),
        None => text,
    }
}

/// The man page, as roff: what the definition says, and the blocks of the long help as sections.
pub(super) fn man() -> Vec<u8> {
    let mut page = Vec::new();
    // Writing into a Vec cannot fail.
    let _ = write_man(&mut page);
    page
}

fn write_man(page: &mut Vec<u8>) -> io::Result<()> {
    let definition = definition();
    let man = clap_mangen::Man::new(definition.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_options_section(page)?;
    writeln!(page, ".SH COMMANDS")?;
    for command in definition.get_subcommands().filter(|command| !command.is_hide_set()) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(page, ".TP\n\\fB{}\\fR\n{}", command.get_name(), roff(&about))?;
    }
    let help = definition.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for block in help.split("\n\n") {
        let (heading, text) = block.split_once('\n').unwrap_or((block, ""));
        writeln!(page, ".SH {}\n.nf\n{}\n.fi", heading.trim_end_matches(':').to_uppercase(), roff(text))?;
    }
    man.render_version_section(page)
}

/// Text as it is to be seen, for roff.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let lines = escaped.lines().map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_options_and_three_of_them_scripts() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let text = completions(shell);
            assert!(text.contains("no-tui"), "{shell}");
            assert!(!text.contains("demo-part"), "{shell}");
        }
        assert!(completions(Shell::Zsh).matches("_brummer_scripts'").count() >= 1);
        assert!(completions(Shell::Bash).contains("list --names"));
        assert!(completions(Shell::Fish).contains("list --names"));
    }

    #[test]
    fn the_man_page_has_the_options_and_the_exit_codes() {
        let page = String::from_utf8(man()).unwrap();
        assert!(page.contains("\\-\\-no\\-tui") && page.contains(".SH EXIT CODES"), "{page}");
    }
}
