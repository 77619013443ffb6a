//! The words of a text that may be names.

/// Which of the first 128 characters are part of words.
const IN_WORD: [bool; 128] = {
    let mut table = [false; 128];
    let mut at = 0;
    while at < 128 {
        table[at] = at as u8 == b'_' || (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    table
};

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
    while let Some(&byte) = text.as_bytes().get(at) {
        let (found, length) = match IN_WORD.get(usize::from(byte)) {
            Some(&found) => (found, 1),
            None => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(wide) => (wide.is_alphanumeric(), wide.len_utf8()),
                None => return at,
            },
        };
        if found != in_word {
            break;
        }
        at += length;
    }
    at
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
