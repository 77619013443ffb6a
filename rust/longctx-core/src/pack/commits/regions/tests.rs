use proptest::prelude::*;

use super::*;
use crate::interrupt::Watch;

fn shown(path: &str, before: &str, after: &str, extent: Extent) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (old, new) = (Version::of_text(path, before), Version::of_text(path, after));
    let pair = Pair::new(&old, &new, Watch::none());
    let rows = regions(&pair, extent);
    let lines = |age| rows.iter().map(|rows| pair.alignment().lines(age, rows)).collect::<Vec<_>>();
    let text = |version: &Version, parts: &[Range<u32>]| -> Vec<String> {
        parts.iter().map(|lines| version.line_text(lines).to_owned()).collect()
    };
    let heads = heads(&pair, &lines(Age::Before), extent);
    let heads: Vec<Range<u32>> = heads.into_iter().map(|head| head.lines).collect();
    (text(&old, &lines(Age::Before)), text(&new, &lines(Age::After)), text(&old, &heads))
}

const CLASS: &str = "import a\n\n\nclass A:\n    \"\"\"Long.\n\n    Story.\n    \"\"\"\n\n    x = 1\n\n    @deco\n    def f(self):\n        y = 1\n        return y\n\n    def g(self):\n        return 2\n\n\ndef h():\n    return 3\n";

#[test]
fn a_small_definition_is_shown_whole_and_a_large_one_is_named() {
    let after = CLASS.replace("y = 1", "y = 7");
    let extent = Extent { definition: 80, ..Extent::wide(1000) };
    let (old, new, heads) = shown("a.py", CLASS, &after, extent);
    assert_eq!(old, ["    @deco\n    def f(self):\n        y = 1\n        return y\n"]);
    assert_eq!(new, ["    @deco\n    def f(self):\n        y = 7\n        return y\n"]);
    assert_eq!(heads, ["class A:\n", "    def g(self):\n", "def h():\n"]);
    let narrow = shown("a.py", CLASS, &after, Extent::narrow());
    assert_eq!(narrow.0, ["    def f(self):\n        y = 1\n        return y\n"]);
    assert_eq!(narrow.2, [] as [&str; 0]);
}

#[test]
fn a_new_definition_is_shown_between_its_neighbours() {
    let after = CLASS.replace("\n\ndef h", "\n\ndef new():\n    pass\n\n\ndef h");
    let extent = Extent { definition: 60, ..Extent::wide(1000) };
    let (old, new, _) = shown("a.py", CLASS, &after, extent);
    assert_eq!(old.len(), 1);
    assert!(old[0].contains("return 2") && old[0].contains("def h()"), "{old:?}");
    assert!(new[0].contains("def new():\n    pass\n"), "{new:?}");
}

#[test]
fn a_part_that_begins_just_below_a_head_begins_with_it() {
    let body: String = (0..40).map(|n| format!("    let x{n} = {n};\n")).collect();
    let before = format!("fn long(\n    a: u8,\n) {{\n{body}}}\n");
    let after = before.replace("x4 = 4", "x4 = 5");
    let extent = Extent { definition: 100, ..Extent::wide(1000) };
    let (old, _, heads) = shown("a.rs", &before, &after, extent);
    assert!(old[0].starts_with("fn long(\n"), "{old:?}");
    assert_eq!(heads, [] as [&str; 0]);
    let far = shown("a.rs", &before, &before.replace("x30 = 30", "x30 = 5"), extent);
    assert_eq!((far.0[0].lines().count(), far.2), (7, vec!["fn long(\n    a: u8,\n) {\n".to_owned()]));
}

#[test]
fn text_without_a_grammar_is_placed_by_the_line_above_that_is_indented_less_or_by_its_heading() {
    let yaml = "jobs:\n  build:\n    a: 1\n    b: 2\n    c: 3\n    d: 4\n    e: 5\n    f: 6\n";
    let heads = shown("a.yml", yaml, &yaml.replace("f: 6", "f: 7"), Extent::wide(1000)).2;
    assert_eq!(heads, ["  build:\n"]);
    let prose = "Title\n=====\n\nMore\n----\n\none\n\ntwo\n\nthree\n\nfour\n";
    let heads = shown("a.rst", prose, &prose.replace("four", "five"), Extent::wide(1000)).2;
    assert_eq!(heads, ["More\n"]);
    let heads = shown("a.rst", prose, &prose.replace("one", "1"), Extent::wide(1000)).2;
    assert_eq!(heads, [] as [&str; 0], "the part begins with its heading");
}

fn python(numbers: &[u8], end: bool) -> String {
    let part = |&n: &u8| match n {
        0 => "import a\n".to_owned(),
        1 => "\n".to_owned(),
        2 => "class C:\n    x = 1\n\n".to_owned(),
        n => format!("    def f{n}(self):\n        y = {n}\n        return y\n\n"),
    };
    let mut text: String = numbers.iter().map(part).collect();
    text.push_str(if end { "end" } else { "end\n" });
    text
}

proptest! {
    #[test]
    fn replacing_the_parts_before_by_those_after_makes_the_new_text(
        before in prop::collection::vec(0u8..9, 0..25),
        after in prop::collection::vec(0u8..9, 0..25),
        ends in any::<(bool, bool)>(),
        definition in 0usize..400,
        around in 1u32..4,
        path in prop::sample::select(vec!["a.py", "a.txt"]),
    ) {
        let (old, new) = (python(&before, ends.0), python(&after, ends.1));
        let (old, new) = (Version::of_text(path, &old), Version::of_text(path, &new));
        let pair = Pair::new(&old, &new, Watch::none());
        let extent = Extent { definition, around, heads: 200, beside: true };
        let rows = regions(&pair, extent);
        let (mut made, mut at) = (String::new(), 0);
        let mut parts = Vec::new();
        for rows in &rows {
            let [before, after] = [Age::Before, Age::After].map(|age| pair.alignment().lines(age, rows));
            made.push_str(old.line_text(&(at..before.start)));
            made.push_str(new.line_text(&after));
            at = before.end;
            parts.push(before);
        }
        made.push_str(old.line_text(&(at..old.lines.count())));
        prop_assert_eq!(&made, &new.text);
        // Heads lie apart from the parts and from each other.
        let mut all: Vec<Range<u32>> = heads(&pair, &parts, extent).into_iter().map(|head| head.lines).collect();
        all.extend(parts.iter().filter(|lines| !lines.is_empty()).cloned());
        all.sort_by_key(|lines| lines.start);
        prop_assert!(all.windows(2).all(|two| two[0].end <= two[1].start));
    }
}
