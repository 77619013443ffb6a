//! Minified files.

use super::language::Kind;

/// Linguist's limit for the average length of a line of JavaScript or CSS.
const MAX_AVERAGE: usize = 110;

/// A line of code that is longer than this many bytes was not written by hand.
const LONG_LINE: usize = 10_000;

/// Whether a file is minified.
///
/// `.js` and `.css`: by linguist's rule, if its lines have more than 110 characters on average (rounded down, without
/// the line ends). Any other code or markup, data and prose excepted: if lines of more than 10,000 bytes make up more than
/// half of it.
pub(super) fn is_minified(path: &[u8], text: &[u8], kind: Kind) -> bool {
    let extension = super::generated::extension(path);
    if extension.eq_ignore_ascii_case(b".js") || extension.eq_ignore_ascii_case(b".css") {
        let ends = memchr::memchr_iter(b'\n', text).count();
        if (text.len() - ends) / (ends + 1) > MAX_AVERAGE {
            // Bytes are at least as many as characters, so that characters are counted for few files.
            let characters = text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
            if (characters - ends) / (ends + 1) > MAX_AVERAGE {
                return true;
            }
        }
    }
    matches!(kind, Kind::Programming | Kind::Markup) && in_long_lines(text) * 2 > text.len()
}

/// How many bytes lie in lines longer than [`LONG_LINE`].
fn in_long_lines(text: &[u8]) -> usize {
    let mut long = 0;
    let mut at = 0;
    while text.len() - at > LONG_LINE {
        // From the far end of the window: the search is short where lines are.
        if let Some(end) = memchr::memrchr(b'\n', &text[at..=at + LONG_LINE]) {
            at += end + 1;
        } else {
            let length = memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
            long += length;
            at = (at + length + 1).min(text.len());
        }
    }
    long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_styles_are_judged_by_their_average_line() {
        let line = |length: usize| "x".repeat(length) + "\n";
        assert!(is_minified(b"a.js", line(400).repeat(3).as_bytes(), Kind::Programming));
        assert!(!is_minified(b"a.js", line(100).repeat(3).as_bytes(), Kind::Programming));
        assert!(!is_minified(b"a.ts", line(400).repeat(3).as_bytes(), Kind::Programming));
        let wide = "ä".repeat(100) + "\n";
        assert!(
            !is_minified(b"a.CSS", wide.repeat(9).as_bytes(), Kind::Markup),
            "characters count, not bytes"
        );
    }

    #[test]
    fn code_in_endless_lines_is_minified_and_data_is_not() {
        let endless = "x".repeat(20_001);
        assert!(is_minified(b"a.py", endless.as_bytes(), Kind::Programming));
        assert!(!is_minified(b"a.json", endless.as_bytes(), Kind::Data));
        let mostly_code = format!("{endless}\n{}", "y = 1\n".repeat(5_000));
        assert!(!is_minified(b"a.py", mostly_code.as_bytes(), Kind::Programming));
    }
}
