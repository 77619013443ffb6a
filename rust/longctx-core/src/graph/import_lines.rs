//! Where in a file its imports stand.

use std::ops::Range;

use super::Known;

/// An import statement is followed over at most so many lines.
const LONGEST: usize = 60;

impl Known<'_> {
    /// The bytes of the lines with imports that always or only sometimes happen, statements over several lines as a
    /// whole; sorted, neighbours joined. `text` is the file's.
    pub fn import_lines(&self, text: &str) -> Vec<Range<usize>> {
        let mut out: Vec<Range<usize>> = Vec::new();
        let (mut number, mut start) = (1, 0);
        for &line in self.import_lines {
            while number < line {
                let Some(end) = line_end(text, start) else { return out };
                (number, start) = (number + 1, end);
            }
            let end = statement_end(text, start);
            match out.last_mut() {
                Some(last) if start <= last.end || text[last.end..start].trim().is_empty() => {
                    last.end = last.end.max(end);
                }
                _ => out.push(start..end),
            }
        }
        out
    }
}

/// The byte after the line that begins at `start`; none at the end of the text.
fn line_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    Some(rest.find('\n').map_or(text.len(), |at| start + at + 1))
}

/// The end of the line on which the brackets that `start` opens are closed.
fn statement_end(text: &str, start: usize) -> usize {
    let (mut end, mut depth) = (start, 0_i32);
    for _ in 0..LONGEST {
        let Some(next) = line_end(text, end) else { break };
        for byte in text[end..next].bytes() {
            match byte {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        end = next;
        if depth <= 0 {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use crate::graph::testing::graph;

    fn lines(path: &str, text: &str) -> Vec<String> {
        let graph = graph(&[(path, text)]);
        graph.facts(0).unwrap().import_lines(text).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn statements_over_several_lines_are_whole() {
        let text = "\"\"\"Doc.\"\"\"\nimport os\nfrom a import (\n    b,\n    c,\n)\n\nx = 1\nimport late\n";
        assert_eq!(lines("a.py", text), ["import os\nfrom a import (\n    b,\n    c,\n)\n", "import late\n"]);
        assert_eq!(lines("a.rs", "use a::{\n    b,\n};\nfn f() { c::d(); }\n"), ["use a::{\n    b,\n};\n"]);
    }

    #[test]
    fn a_bracket_that_is_never_closed_ends_with_the_text() {
        assert_eq!(lines("a.py", "import a\nx = ("), ["import a\n"]);
        assert!(lines("a.py", "").is_empty());
    }
}
