//! What the chips of the Web view let through, and the filter words that say so.

/// What kind of answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    All,
    Pages,
    Api,
    Images,
    Other,
    Sockets,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] = [Kind::All, Kind::Pages, Kind::Api, Kind::Images, Kind::Other, Kind::Sockets];

    pub(crate) fn title(self) -> &'static str {
        ["all", "pages", "api", "images", "other", "ws"][self as usize]
    }

    /// In the words of a request filter.
    fn words(self) -> &'static str {
        match self {
            Kind::All => "",
            Kind::Pages => "~ts \"text/html\"",
            Kind::Api => "~ts json",
            Kind::Images => "~ts \"image/\"",
            Kind::Other => "!(~ts \"text/html\" | ~ts json | ~ts \"image/\" | ~ws | ~sse)",
            Kind::Sockets => "(~ws | ~sse)",
        }
    }
}

/// How the shown requests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ended {
    #[default]
    All,
    Well,
    Badly,
    NotYet,
}

impl Ended {
    pub(crate) const ALL: [Ended; 4] = [Ended::All, Ended::Well, Ended::Badly, Ended::NotYet];

    pub(crate) fn title(self) -> &'static str {
        ["all", "ok", "failed", "open"][self as usize]
    }

    /// In the words of a request filter.
    fn words(self) -> &'static str {
        match self {
            Ended::All => "",
            Ended::Well => "(~s & !~e)",
            Ended::Badly => "~e",
            Ended::NotYet => "~q",
        }
    }
}

/// The kinds of events that have a chip; none of them: all.
pub(crate) const EVENT_KINDS: [&str; 6] = ["error", "console", "web-vital", "navigation", "interaction", "resource"];

/// The filter that all of them make; the person's words stand first, so that an error names the right column.
pub(crate) fn filter(text: &str, kind: Kind, ended: Ended) -> String {
    let words = [text, kind.words(), ended.words()];
    words.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::Filter;

    #[test]
    fn every_choice_of_chips_is_a_filter() {
        for kind in Kind::ALL {
            for ended in Ended::ALL {
                for text in ["", "~m GET | ~m HEAD /api"] {
                    let filter = filter(text, kind, ended);
                    assert!(Filter::parse(&filter).is_ok(), "{filter}");
                }
            }
        }
        assert_eq!(filter(" ", Kind::All, Ended::All), "");
    }
}
