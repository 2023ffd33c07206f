//! A source map: its mappings are decoded only as far as a question needs, so a map costs what its text costs.

use std::sync::Arc;

use serde_json::Value;

use crate::proxy::telemetry::Original;

/// Maps within maps are followed so deep.
const DEPTH_MAX: usize = 3;

/// A source map.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sections: Vec<Section>,
}

/// A part of the generated text that has a map of its own.
#[derive(Clone, Debug)]
struct Section {
    /// Where it begins: line and column, from 0.
    start: (u32, u32),
    sources: Vec<String>,
    names: Vec<String>,
    mappings: String,
}

/// The fields of a segment; each is a difference to the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    column: i64,
    source: i64,
    line: i64,
    original_column: i64,
    name: i64,
    has_source: bool,
    has_name: bool,
}

impl SourceMap {
    /// Reads a map, also one of sections; `None` if it is none.
    pub fn parse(bytes: &[u8]) -> Option<SourceMap> {
        // A line that keeps scripts from reading it may stand first.
        let bytes = match bytes.strip_prefix(b")]}'") {
            Some(rest) => &rest[rest.iter().position(|byte| *byte == b'\n')?..],
            None => bytes,
        };
        let mut map = SourceMap::default();
        map.read(serde_json::from_slice(bytes).ok()?, (0, 0), DEPTH_MAX);
        map.sections.sort_by_key(|section| section.start);
        Some(map).filter(|map| !map.sections.is_empty())
    }

    fn read(&mut self, mut value: Value, start: (u32, u32), depth: usize) {
        if let Some(Value::Array(sections)) = value.get_mut("sections").map(Value::take) {
            for mut section in sections {
                let number = |path| section.pointer(path).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
                let (line, column) = (number("/offset/line").unwrap_or(0), number("/offset/column").unwrap_or(0));
                let start =
                    (start.0.saturating_add(line), if line == 0 { start.1.saturating_add(column) } else { column });
                if let Some(map) = section.get_mut("map").map(Value::take)
                    && depth > 0
                {
                    self.read(map, start, depth - 1);
                }
            }
            return;
        }
        let root = value.get("sourceRoot").and_then(Value::as_str).unwrap_or_default();
        let texts = |field: &str| -> Vec<String> {
            let list = value.get(field).and_then(Value::as_array);
            list.map_or_else(Vec::new, |list| {
                list.iter().map(|text| text.as_str().unwrap_or_default().into()).collect()
            })
        };
        let join = |source: String| match root {
            "" => source,
            root => format!("{}/{source}", root.trim_end_matches('/')),
        };
        let (sources, names) = (texts("sources").into_iter().map(join).collect(), texts("names"));
        if let Some(Value::String(mappings)) = value.get_mut("mappings").map(Value::take) {
            self.sections.push(Section { start, sources, names, mappings });
        }
    }

    /// The original of a place; lines and columns count from 1.
    ///
    /// ```
    /// use brummer::proxy::telemetry::sourcemap::map::SourceMap;
    ///
    /// let map = br#"{"version":3,"sources":["a.ts"],"names":["f"],"mappings":"AAAA;IACIA"}"#;
    /// let map = SourceMap::parse(map).unwrap();
    /// let original = map.find(2, 9).unwrap();
    /// assert_eq!((&*original.file, original.line, original.column), ("a.ts", 2, 5));
    /// assert_eq!(original.name.as_deref(), Some("f"));
    /// assert_eq!(map.find(2, 2), None);
    /// ```
    pub fn find(&self, line: u32, column: u32) -> Option<Original> {
        let at = (line.checked_sub(1)?, column.checked_sub(1)?);
        let section = self.sections.iter().rev().find(|section| section.start <= at)?;
        let line = at.0 - section.start.0;
        let column = if line == 0 { at.1 - section.start.1 } else { at.1 };
        section.find(line, column)
    }
}

impl Section {
    fn find(&self, line: u32, column: u32) -> Option<Original> {
        let mut now = Segment::default();
        for (number, text) in self.mappings.split(';').enumerate() {
            now.column = 0;
            let wanted = number == line as usize;
            let mut best: Option<Segment> = None;
            for segment in text.split(',').filter(|segment| !segment.is_empty()) {
                now.advance(segment)?;
                if wanted && now.column <= i64::from(column) && best.is_none_or(|best| best.column <= now.column) {
                    best = Some(now);
                }
            }
            if wanted {
                return self.original(best.filter(|best| best.has_source)?);
            }
        }
        None
    }

    fn original(&self, segment: Segment) -> Option<Original> {
        let file = self.sources.get(usize::try_from(segment.source).ok()?)?;
        let name =
            usize::try_from(segment.name).ok().filter(|_| segment.has_name).and_then(|name| self.names.get(name));
        Some(Original {
            file: file.as_str().into(),
            line: u32::try_from(segment.line).ok()?.checked_add(1)?,
            column: u32::try_from(segment.original_column).ok()?.checked_add(1)?,
            name: name.map(|name| Arc::from(name.as_str())),
        })
    }
}

impl Segment {
    /// Moves on by one segment; `None` if it is none.
    fn advance(&mut self, text: &str) -> Option<()> {
        let mut fields = [0; 5];
        let (mut count, mut value, mut shift) = (0, 0_i64, 0);
        for byte in text.bytes() {
            let digit = i64::from(digit(byte)?);
            value |= (digit & 31) << shift;
            if digit & 32 != 0 {
                shift += 5;
                if shift > 40 {
                    return None;
                }
                continue;
            }
            *fields.get_mut(count)? = if value & 1 == 1 { -(value >> 1) } else { value >> 1 };
            count += 1;
            (value, shift) = (0, 0);
        }
        let [column, source, line, original_column, name] = fields;
        self.column = self.column.checked_add(column)?;
        self.has_source = count >= 4;
        self.has_name = count == 5;
        if self.has_source {
            self.source = self.source.checked_add(source)?;
            self.line = self.line.checked_add(line)?;
            self.original_column = self.original_column.checked_add(original_column)?;
        }
        self.name = self.name.checked_add(name)?;
        Some(())
    }
}

fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn told(map: &SourceMap, line: u32, column: u32) -> Option<String> {
        map.find(line, column).map(|found| format!("{}:{}:{}", found.file, found.line, found.column))
    }

    #[test]
    fn the_nearest_segment_before_a_place_is_its_original() {
        let map = json!({"version": 3, "sourceRoot": "src/", "sources": ["a.ts", "b.ts"], "mappings": "AAAA,KAAK;;KCED,E,IAEF"});
        let map = SourceMap::parse(format!(")]}}'\n{map}").as_bytes()).unwrap();
        assert_eq!(told(&map, 1, 1).unwrap(), "src/a.ts:1:1");
        assert_eq!(told(&map, 1, 5).unwrap(), "src/a.ts:1:1");
        assert_eq!(told(&map, 1, 100).unwrap(), "src/a.ts:1:6");
        assert_eq!(told(&map, 2, 1), None);
        assert_eq!(told(&map, 3, 7).unwrap(), "src/b.ts:3:5");
        assert_eq!(told(&map, 3, 8), None, "a segment without a source says that there is none");
        assert_eq!(told(&map, 4, 1), None);
        assert_eq!(told(&map, 0, 0), None);
    }

    #[test]
    fn sections_have_their_places() {
        let part = |source: &str| json!({"version": 3, "sources": [source], "mappings": "AAAA;AACA"});
        let map = json!({"version": 3, "sections": [
            {"offset": {"line": 0, "column": 0}, "map": part("a.ts")},
            {"offset": {"line": 1, "column": 10}, "map": part("b.ts")},
            {"offset": {"line": 9, "column": 0}, "map": {"sections": [{"offset": {"line": 1, "column": 2}, "map": part("c.ts")}]}},
        ]});
        let map = SourceMap::parse(map.to_string().as_bytes()).unwrap();
        assert_eq!(told(&map, 1, 7).unwrap(), "a.ts:1:1");
        assert_eq!(told(&map, 2, 3).unwrap(), "a.ts:2:1");
        assert_eq!(told(&map, 2, 12).unwrap(), "b.ts:1:1");
        assert_eq!(told(&map, 3, 1).unwrap(), "b.ts:2:1");
        assert_eq!(told(&map, 11, 4).unwrap(), "c.ts:1:1");
    }

    #[test]
    fn what_is_no_map_is_none() {
        for text in ["", "{}", "[]", "null", "{\"mappings\":1}", "{\"sections\":[]}", ")]}'"] {
            assert!(SourceMap::parse(text.as_bytes()).is_none(), "{text}");
        }
        let odd = |mappings: &str| {
            SourceMap::parse(json!({"sources": ["a"], "mappings": mappings}).to_string().as_bytes()).unwrap()
        };
        for mappings in ["%", "gggggggggggggA", "AAAAAA", "ADDD", "AADA", "g"] {
            assert_eq!(told(&odd(mappings), 1, 1), None, "{mappings}");
        }
    }

    proptest! {
        #[test]
        fn no_mappings_make_it_panic(mappings in "[A-Za-z0-9+/,;%]{0,80}", line in 0u32..9, column in 0u32..200) {
            let map = json!({"sources": ["a", "b"], "names": ["n"], "mappings": mappings});
            let map = SourceMap::parse(map.to_string().as_bytes()).unwrap();
            let _ = map.find(line, column);
        }
    }
}
