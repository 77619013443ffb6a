//! Character classes of the pre-tokenizers' regular expressions: letter, number, space, other, and what kind of it.
//!
//! Tables come from `regex-syntax`, the engine behind Hugging Face `tokenizers`, so that both read the same edition of
//! Unicode; they are expanded once, when the first character outside ASCII is met.

use std::sync::OnceLock;

use regex_syntax::hir::{Class, HirKind};

/// What a pre-tokenizer sees in a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CharClass {
    /// None of the others: punctuation, symbols, marks, unassigned.
    Other = 0,
    /// `\p{L}`.
    Letter = 1,
    /// `\p{N}`.
    Number = 2,
    /// `\s`, that is `White_Space`.
    Space = 3,
}

/// What a letter, or one of the others, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// None of the below.
    Plain = 0,
    /// `\p{Lu}` or `\p{Lt}`.
    Upper = 1,
    /// `\p{Ll}`.
    Lower = 2,
    /// `\p{Lm}`, `\p{Lo}` or, among the others, `\p{M}`: goes for both cases.
    Both = 3,
    /// `\p{P}`.
    Punctuation = 4,
}

const CODE_POINTS: usize = 0x11_0000;

/// A byte for each code point: the class in the lowest two bits, the kind above.
type Table = Box<[u8]>;

fn ranges(class: &str) -> Vec<(u32, u32)> {
    let parsed = regex_syntax::parse(class);
    match parsed.as_ref().map(regex_syntax::hir::Hir::kind) {
        Ok(HirKind::Class(Class::Unicode(set))) => {
            set.ranges().iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        _ => Vec::new(),
    }
}

fn expand() -> Table {
    let mut table = vec![0u8; CODE_POINTS].into_boxed_slice();
    for (set, class, kind) in [
        (r"[\p{Lu}\p{Lt}]", CharClass::Letter, Kind::Upper),
        (r"\p{Ll}", CharClass::Letter, Kind::Lower),
        (r"[\p{Lm}\p{Lo}]", CharClass::Letter, Kind::Both),
        (r"\p{N}", CharClass::Number, Kind::Plain),
        (r"\s", CharClass::Space, Kind::Plain),
        (r"\p{M}", CharClass::Other, Kind::Both),
        (r"\p{P}", CharClass::Other, Kind::Punctuation),
    ] {
        for (first, last) in ranges(set) {
            table[first as usize..=last as usize].fill(class as u8 | ((kind as u8) << 2));
        }
    }
    table
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(expand)
}

/// The class of any character.
pub fn class_of(c: char) -> CharClass {
    match table()[c as usize] & 3 {
        1 => CharClass::Letter,
        2 => CharClass::Number,
        3 => CharClass::Space,
        _ => CharClass::Other,
    }
}

/// The kind of any character.
pub fn kind_of(c: char) -> Kind {
    match table()[c as usize] >> 2 {
        1 => Kind::Upper,
        2 => Kind::Lower,
        3 => Kind::Both,
        4 => Kind::Punctuation,
        _ => Kind::Plain,
    }
}

/// The class of each byte below 128; the others are never asked for.
pub const ASCII: [CharClass; 128] = {
    let mut classes = [CharClass::Other; 128];
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphabetic() {
            classes[byte as usize] = CharClass::Letter;
        } else if byte.is_ascii_digit() {
            classes[byte as usize] = CharClass::Number;
        } else if byte == b' ' || (byte >= 9 && byte <= 13) {
            classes[byte as usize] = CharClass::Space;
        }
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ascii_table_is_the_unicode_table() {
        for byte in 0..128u8 {
            assert_eq!(ASCII[usize::from(byte)], class_of(char::from(byte)), "{byte:#x}");
        }
    }

    #[test]
    fn classes_outside_ascii_are_those_of_unicode() {
        assert_eq!(class_of('é'), CharClass::Letter);
        assert_eq!(class_of('½'), CharClass::Number);
        assert_eq!(class_of('\u{3000}'), CharClass::Space);
        assert_eq!(class_of('🦙'), CharClass::Other);
        assert_eq!(class_of('\u{301}'), CharClass::Other);
    }
}
