//! Whether two texts differ in layout only.
//!
//! Two texts are alike if they have the same characters once whitespace is taken away; but whitespace between two
//! word characters, or between two equal signs (`- -1`), counts as one space, so that no two tokens become one.
//! A comma before a closing bracket is taken away too where another comma in the same brackets makes it mean
//! nothing, in languages that allow it. Where indentation is meaning, the lines that begin outside of brackets must
//! besides begin at the same places and be nested alike. Whitespace inside literals is not told apart.

use super::similarity::is_binary;

/// Languages in which a comma may follow the last of several items.
const TRAILING_COMMAS: [&[u8]; 18] = [
    b"py", b"pyi", b"rs", b"js", b"jsx", b"mjs", b"cjs", b"ts", b"tsx", b"vue", b"go", b"kt", b"kts",
    b"swift", b"dart", b"php", b"rb", b"scala",
];

/// Languages in which indentation is meaning.
const INDENTED: [&[u8]; 20] = [
    b"py", b"pyi", b"pyx", b"yml", b"yaml", b"haml", b"slim", b"pug", b"jade", b"coffee", b"nim", b"hs",
    b"elm", b"fs", b"fsx", b"sass", b"styl", b"md", b"rst", b"mk",
];

/// Whether `old` and `new`, two versions of the file at `path`, differ in layout only.
pub(super) fn same_but_for_layout(path: &[u8], old: &[u8], new: &[u8]) -> bool {
    if is_binary(old) || is_binary(new) {
        return false;
    }
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let extension = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let rules = Rules {
        commas: TRAILING_COMMAS.contains(&extension),
        indented: INDENTED.contains(&extension) || name.ends_with(b"Makefile"),
    };
    Skeleton::of(old, rules) == Skeleton::of(new, rules)
}

#[derive(Clone, Copy)]
struct Rules {
    commas: bool,
    indented: bool,
}

/// What is left of a text without its layout.
#[derive(PartialEq, Eq)]
struct Skeleton {
    text: Vec<u8>,
    /// Where lines begin in `text`, and how deeply they are nested; only where indentation is meaning.
    lines: Vec<(usize, usize)>,
}

impl Skeleton {
    fn of(text: &[u8], rules: Rules) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut skeleton = Self { text: Vec::with_capacity(text.len()), lines: Vec::new() };
        let mut brackets: Vec<usize> = Vec::new();
        let mut nesting: Vec<usize> = Vec::new();
        let (mut spaced, mut line_start, mut indent) = (false, true, 0usize);
        for &byte in text {
            if byte.is_ascii_whitespace() || byte == 0x0b {
                spaced = true;
                match byte {
                    b'\n' => (line_start, indent) = (true, 0),
                    b'\t' => indent = indent / 8 * 8 + 8,
                    _ => indent += 1,
                }
                continue;
            }
            let outside = brackets.is_empty();
            if matches!(byte, b')' | b']' | b'}') {
                let commas = brackets.pop().unwrap_or(0);
                let before_last = skeleton.text.len().checked_sub(2).map(|at| skeleton.text[at]);
                if rules.commas
                    && commas > 1
                    && skeleton.text.last() == Some(&b',')
                    && before_last != Some(b',')
                {
                    skeleton.text.pop();
                }
            }
            if spaced && skeleton.text.last().is_some_and(|&last| must_stay_apart(last, byte)) {
                skeleton.text.push(b' ');
            }
            if line_start && rules.indented && outside {
                while nesting.last().is_some_and(|&outer| outer >= indent) {
                    nesting.pop();
                }
                nesting.push(indent);
                skeleton.lines.push((skeleton.text.len(), nesting.len()));
            }
            (spaced, line_start) = (false, false);
            match byte {
                b'(' | b'[' | b'{' => brackets.push(0),
                b',' => {
                    if let Some(commas) = brackets.last_mut() {
                        *commas += 1;
                    }
                }
                _ => {}
            }
            skeleton.text.push(byte);
        }
        skeleton
    }
}

fn must_stay_apart(before: u8, after: u8) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    word(before) && word(after)
        || before == after && !matches!(before, b'(' | b')' | b'[' | b']' | b'{' | b'}')
}

#[cfg(test)]
mod tests {
    use super::same_but_for_layout;

    #[test]
    fn layout_alone_is_recognised() {
        assert!(same_but_for_layout(
            b"a.rs",
            b"fn f(a:u8,b:u8){g(a)}",
            b"fn f(\n    a: u8,\n    b: u8,\n) {\n    g(a)\n}\n"
        ));
        assert!(same_but_for_layout(b"a.c", b"int x;\r\n", b"int x;\n"));
        assert!(same_but_for_layout(
            b"a.py",
            b"if x:\n  f(1, 2)\n",
            b"if x:\n    f(\n        1,\n        2,\n    )\n"
        ));
    }

    #[test]
    fn tokens_never_run_together() {
        assert!(!same_but_for_layout(b"a.c", b"return x;", b"returnx;"));
        assert!(!same_but_for_layout(b"a.c", b"a - -b", b"a --b"));
    }

    #[test]
    fn a_comma_that_makes_a_tuple_counts() {
        assert!(!same_but_for_layout(b"a.py", b"x = (1,)\n", b"x = (1)\n"));
        assert!(!same_but_for_layout(b"a.js", b"[1,,]", b"[1,]"));
        assert!(!same_but_for_layout(b"a.json", b"[1, 2,]", b"[1, 2]"));
    }

    #[test]
    fn another_nesting_is_another_program() {
        let inside = b"if x:\n    a()\n    b()\n";
        let outside = b"if x:\n    a()\nb()\n";
        assert!(!same_but_for_layout(b"a.py", inside, outside));
        assert!(!same_but_for_layout(b"a.py", b"a = 1\nb\n", b"a = 1 \\\nb"));
    }

    #[test]
    fn binary_files_have_no_layout() {
        assert!(!same_but_for_layout(b"a.bin", b"\0 ", b"\0"));
    }
}
