//! The words of a text that may be names.

/// The words of `text` with the byte where each begins: runs of letters, digits and underscores that do not begin with
/// a digit.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        loop {
            let start = rest.find(is_word)?;
            let tail = &rest[start..];
            let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
            let (word, begins) = (&tail[..end], at + start);
            at = begins + end;
            rest = &tail[end..];
            if !word.starts_with(|c: char| c.is_numeric()) {
                return Some((begins, word));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_can_be_a_name() {
        let found: Vec<_> = words("x1 = foo_bar(2e, größe)\n_").collect();
        assert_eq!(found, [(0, "x1"), (5, "foo_bar"), (17, "größe"), (26, "_")]);
        assert_eq!(words("12 34").count(), 0);
    }
}
