//! The words of a text that may be names.

/// What a byte is: no part of a word, part of one, or part of a character outside ASCII.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = if byte.is_ascii() { (byte == b'_' || byte.is_ascii_alphanumeric()) as u8 } else { WIDE };
        at += 1;
    }
    table
};
const WIDE: u8 = 2;

/// The words of `text` with the byte where each begins: runs of letters, digits and underscores that do not begin with
/// a digit.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    std::iter::from_fn(move || {
        loop {
            let start = end_of_run(text, end, false);
            end = end_of_run(text, start, true);
            let word = text.get(start..end)?;
            let &first = word.as_bytes().first()?;
            let is_number = match first.is_ascii() {
                true => first.is_ascii_digit(),
                false => word.starts_with(char::is_numeric),
            };
            if !is_number {
                return Some((start, word));
            }
        }
    })
}

/// Where a run of characters ends that are all part of words, or all are not.
fn end_of_run(text: &str, mut at: usize, in_word: bool) -> usize {
    let class = u8::from(in_word);
    loop {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        at += rest.iter().take_while(|&&byte| CLASSES[usize::from(byte)] == class).count();
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(wide) if !wide.is_ascii() && wide.is_alphanumeric() == in_word => at += wide.len_utf8(),
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_the_runs_between_other_characters(text in "[ab_1é９ -€\n]{0,40}") {
            let runs = text.split(|c: char| c != '_' && !c.is_alphanumeric());
            let runs = runs.map(|run| (run.as_ptr() as usize - text.as_ptr() as usize, run));
            let expected: Vec<_> =
                runs.filter(|(_, run)| !run.is_empty() && !run.starts_with(char::is_numeric)).collect();
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn words_are_what_can_be_a_name() {
        let found: Vec<_> = words("x1 = foo_bar(2e, größe)\n_").collect();
        assert_eq!(found, [(0, "x1"), (5, "foo_bar"), (17, "größe"), (26, "_")]);
        assert_eq!(words("12 34").count(), 0);
    }
}
