//! The wording of questions. No wording says that there is an answer where there may be none.

use super::dice::Dice;

const DEFINITION: &[&str] = &[
    "Which snippet defines `{name}`, which `{by}` in {path} calls?",
    "`{by}` in {path} calls `{name}`. In which snippet is `{name}` defined?",
    "Where is the definition of `{name}`, called by `{by}` ({path})?",
    "{path} has `{by}`, and that calls `{name}`. Which snippet has its definition?",
    "Find the definition of `{name}` that `{by}` in {path} relies on: which snippet is it in?",
];
const CALLER: &[&str] = &[
    "Which snippet calls `{name}`?",
    "In which snippet is `{name}` called?",
    "`{name}` is defined in {path}. Which of the snippets calls it?",
    "Which of the snippets contains a call of `{name}`?",
    "If the parameters of `{name}` in {path} changed, a call in which snippet would have to follow?",
    "If the parameters of `{name}` changed, a call in which snippet would have to follow?",
];
const CALLEE: &[&str] = &[
    "One of the snippets shows `{name}`. Which other snippet defines something that it calls?",
    "Which snippet has a definition that `{name}` calls?",
    "`{name}` calls something that is defined in another of the snippets. In which one?",
    "To follow a call from `{name}`, which other snippet has to be read?",
    "Where among the snippets does a call in `{name}` lead?",
];
const CHAIN: &[&str] = &[
    "Follow the calls from `{name}` to `{to}`: which snippets have the definitions along the way, `{name}` first?",
    "Starting from `{name}`, in which snippets are the definitions that the calls lead through to `{to}`? Begin with the one of `{name}`.",
    "By which snippets, in order, does a call of `{name}` reach `{to}`? Name the first and the last too.",
    "`{name}` leads to `{to}` by way of other calls. List the snippets from the definition of `{name}` to that of `{to}`.",
];
const IMPORT: &[&str] = &[
    "Which snippet's file imports {path}?",
    "The import lines of which snippet lead to {path}?",
    "Which of the snippets shows an import of {path}?",
    "Which snippet begins a file that depends on {path}?",
    "Something from {path} is used by the file of which snippet, by its import lines?",
];
const COMMIT: &[&str] = &[
    "Which commit introduced the line `{line}` into {path}?",
    "With which of the commits did the line `{line}` come into {path}?",
    "In which snippet is the commit that added `{line}` to {path}?",
    "Looking for the origin of the line `{line}` in {path}, at which commit does one arrive?",
    "Which commit introduced the line `{line}`?",
    "In which snippet is the commit that added `{line}`?",
    "With which of the commits did the line `{line}` appear?",
    "The line `{line}` was added by which commit?",
];

/// What a question names, by the word in braces. Wordings that need other words are not drawn.
pub type Names<'n> = &'n [(&'static str, &'n str)];

/// A wording for "who defines".
pub fn definition(dice: &mut Dice, names: Names<'_>) -> String {
    fill(DEFINITION, dice, names)
}

/// A wording for "who calls".
pub fn caller(dice: &mut Dice, names: Names<'_>) -> String {
    fill(CALLER, dice, names)
}

/// A wording for "what is called".
pub fn callee(dice: &mut Dice, names: Names<'_>) -> String {
    fill(CALLEE, dice, names)
}

/// A wording for "through what".
pub fn chain(dice: &mut Dice, names: Names<'_>) -> String {
    fill(CHAIN, dice, names)
}

/// A wording for "who imports".
pub fn import(dice: &mut Dice, names: Names<'_>) -> String {
    fill(IMPORT, dice, names)
}

/// A wording for "which commit".
pub fn commit(dice: &mut Dice, names: Names<'_>) -> String {
    fill(COMMIT, dice, names)
}

/// One of the templates that `names` can fill, filled; what fills the braces may have braces of its own.
fn fill(templates: &[&'static str], dice: &mut Dice, names: Names<'_>) -> String {
    let known = |word: &str| names.iter().any(|(name, _)| *name == word);
    let words = |template: &'static str| {
        template.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(word, _)| word)
    };
    let fitting: Vec<&'static str> =
        templates.iter().copied().filter(|template| words(template).all(known)).collect();
    let mut rest = dice.pick(&fitting).copied().unwrap_or_default();
    let mut out = String::with_capacity(rest.len() + 64);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (word, after) = after.split_once('}').unwrap_or((after, ""));
        let value = names.iter().find(|(name, _)| *name == word);
        out.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_brace_is_filled_and_every_type_has_several_wordings() {
        let names: Names<'_> =
            &[("name", "N{x}"), ("by", "B"), ("path", "P"), ("to", "T"), ("line", "L {line}")];
        for templates in [DEFINITION, CALLER, CALLEE, CHAIN, IMPORT, COMMIT] {
            assert!(templates.len() >= 4);
            for template in templates {
                let text = fill(&[*template], &mut Dice::new(1), names);
                assert!(!text.replace("N{x}", "").replace("L {line}", "").contains(['{', '}']), "{text}");
            }
        }
    }

    #[test]
    fn wordings_without_a_path_do_where_the_path_would_tell() {
        for templates in [CALLER, COMMIT] {
            let bare = templates.iter().filter(|template| !template.contains("{path}")).count();
            assert!(bare >= 4, "{bare}");
        }
        for seed in 0..50 {
            let text = caller(&mut Dice::new(seed), &[("name", "f")]);
            assert!(text.contains("`f`") && !text.contains("  "), "{text}");
        }
    }
}
