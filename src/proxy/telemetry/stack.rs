//! Takes the stack of a JavaScript error apart, as Chromium, Firefox and Safari write it.

use std::sync::Arc;

/// One frame of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StackFrame {
    /// The function; empty at the top of a script.
    pub function: Arc<str>,
    /// The script.
    pub url: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
}

impl StackFrame {
    /// Whether its script is a module that a bundle evaluates: it has no address of its own.
    pub fn is_evaluated(&self) -> bool {
        self.url.starts_with("webpack-internal:")
    }
}

/// Frames after these are left out.
const FRAMES_MAX: usize = 50;

/// The frames of a stack, innermost first.
///
/// ```
/// let stack = "TypeError: x\n    at load (http://localhost:20888/src/app.ts?t=17:12:9)\n    at http://localhost:20888/a.js:3:1";
/// let frames = brummer::proxy::telemetry::stack::frames(stack);
/// assert_eq!((&*frames[0].function, &*frames[0].url), ("load", "http://localhost:20888/src/app.ts?t=17"));
/// assert_eq!((frames[0].line, frames[0].column), (12, 9));
/// assert_eq!(frames.len(), 2);
/// ```
pub fn frames(stack: &str) -> Vec<StackFrame> {
    stack.lines().filter_map(frame).take(FRAMES_MAX).collect()
}

fn frame(line: &str) -> Option<StackFrame> {
    let line = line.trim();
    let (function, place) = if let Some(rest) = line.strip_prefix("at ") {
        match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
            Some((function, place)) => (function, place),
            None => ("", rest.strip_prefix("async ").unwrap_or(rest)),
        }
    } else {
        line.split_once('@')?
    };
    let (rest, column) = place.rsplit_once(':')?;
    let (url, line) = rest.rsplit_once(':')?;
    // `eval at f (http://…:1:2), <anonymous>:3:4`: what is evaluated has no file.
    let known = url.contains("://") || url.starts_with('/');
    if !known || url.contains(", ") {
        return None;
    }
    let function = function.strip_prefix("async ").unwrap_or(function);
    Some(StackFrame {
        function: function.into(),
        url: url.into(),
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stack: &str) -> Vec<String> {
        frames(stack).iter().map(|f| format!("{}|{}|{}|{}", f.function, f.url, f.line, f.column)).collect()
    }

    #[test]
    fn chromium_firefox_and_safari_are_understood() {
        let chromium = "Error: no (really)\n    at a (http://h:1/x.js:1:2)\n    at async Promise.all (index 0)\n    \
            at async b.c [as d] (webpack-internal:///./src/x.js:3:4)\n    at new K (http://[::1]:2/x.js?v=1:5:6)\n    \
            at eval (eval at f (http://h/x.js:1:2), <anonymous>:3:4)\n    at <anonymous>\n    at async http://h/y.js:7:8";
        let expected = [
            "a|http://h:1/x.js|1|2",
            "b.c [as d]|webpack-internal:///./src/x.js|3|4",
            "new K|http://[::1]:2/x.js?v=1|5|6",
            "|http://h/y.js|7|8",
        ];
        assert_eq!(told(chromium), expected);
        let firefox = "a@http://h:1/x.js:1:2\n@http://h:1/y.js:3:4\nasync*b/<@http://h/z.js:5:6\n";
        assert_eq!(told(firefox), ["a|http://h:1/x.js|1|2", "|http://h:1/y.js|3|4", "async*b/<|http://h/z.js|5|6"]);
        let safari = "a@http://h/x.js:1:2\nglobal code@http://h/x.js:9:1\n[native code]";
        assert_eq!(told(safari), ["a|http://h/x.js|1|2", "global code|http://h/x.js|9|1"]);
    }

    #[test]
    fn what_is_no_stack_has_no_frames() {
        for text in ["", "at", "at :", "a@b", "at x (y:1)", "@:1:1", "mail me@home:1:2", "at f (http://h/x.js:a:b)"] {
            assert_eq!(frames(text), [], "{text}");
        }
        assert_eq!(frames(&"at f (http://h/x.js:1:1)\n".repeat(500)).len(), FRAMES_MAX);
    }
}
