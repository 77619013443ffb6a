//! Bytes to text.
//!
//! UTF-8 without NUL is text. What is not UTF-8 is UTF-16 if a byte order mark or a clear pattern of zero bytes says
//! so, or a Western single-byte encoding if its bytes above ASCII stand as the accented letters of words do; text of
//! other encodings (Shift-JIS, GBK, KOI8) comes in long runs of such bytes and is refused rather than garbled.

use serde::Serialize;

use super::SkipReason;

/// How the bytes of a file were decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8Bom,
    /// UTF-16, little end first.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
    /// ISO 8859-1.
    Latin1,
    /// Windows' extension of ISO 8859-1, with quotation marks and dashes.
    Windows1252,
}

impl Encoding {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Utf8, Self::Utf8Bom, Self::Utf16Le, Self::Utf16Be, Self::Latin1, Self::Windows1252];
}

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// How many bytes are looked at for the pattern of UTF-16 without a byte order mark.
const PATTERN_WINDOW: usize = 4096;

/// Rejects what is certainly binary, quickly.
pub(super) fn check(bytes: &[u8]) -> Result<(), SkipReason> {
    if memchr::memchr(0, bytes).is_some() && utf16(bytes).is_none() {
        return Err(SkipReason::Binary);
    }
    Ok(())
}

/// The text of a file that [`check`] let through.
pub(super) fn decode(bytes: Vec<u8>) -> Result<(String, Encoding), SkipReason> {
    if let Some((big, skip)) = utf16(&bytes) {
        let text = decode_utf16(&bytes[skip..], big)?;
        return Ok((text, if big { Encoding::Utf16Be } else { Encoding::Utf16Le }));
    }
    match String::from_utf8(bytes) {
        Ok(mut text) if text.as_bytes().starts_with(UTF8_BOM) => {
            text.drain(..UTF8_BOM.len());
            Ok((text, Encoding::Utf8Bom))
        }
        Ok(text) => Ok((text, Encoding::Utf8)),
        Err(error) => single_byte(&error.into_bytes()),
    }
}

/// Whether the bytes are UTF-16: with the big end first, and the length of the byte order mark.
fn utf16(bytes: &[u8]) -> Option<(bool, usize)> {
    match bytes {
        // A byte order mark of UTF-32.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some((false, 2)),
        [0xfe, 0xff, ..] => Some((true, 2)),
        _ => pattern(bytes).map(|big| (big, 0)),
    }
}

/// Text in a Latin script has a zero in (nearly) every second byte and none between them.
fn pattern(bytes: &[u8]) -> Option<bool> {
    if bytes.len() < 4 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let window = &bytes[..bytes.len().min(PATTERN_WINDOW)];
    let mut zeros = [0; 2];
    for pair in window.chunks_exact(2) {
        zeros[0] += usize::from(pair[0] == 0);
        zeros[1] += usize::from(pair[1] == 0);
    }
    let most = window.len() / 2 * 3 / 4;
    match zeros {
        [0, low] if low > most => Some(false),
        [high, 0] if high > most => Some(true),
        _ => None,
    }
}

fn decode_utf16(bytes: &[u8], big: bool) -> Result<String, SkipReason> {
    if !bytes.len().is_multiple_of(2) {
        return Err(SkipReason::Undecodable);
    }
    let read = if big { u16::from_be_bytes } else { u16::from_le_bytes };
    let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    let text =
        char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| SkipReason::Undecodable)?;
    if text.bytes().any(is_binary_control) { Err(SkipReason::Binary) } else { Ok(text) }
}

/// Control characters that no text holds. Tab, line ends, form feed and escape (terminal colours) are text's own.
fn is_binary_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)) || byte == 0x7f
}

/// Where windows-1252 puts the bytes 0x80 to 0x9f; NUL where it puts nothing.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// The longest run of accented letters that a Western word has.
const MAX_RUN: usize = 3;

fn single_byte(bytes: &[u8]) -> Result<(String, Encoding), SkipReason> {
    let (mut high, mut in_runs, mut run, mut windows) = (0_usize, 0_usize, 0_usize, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if is_binary_control(byte) {
            return Err(SkipReason::Binary);
        }
        if byte < 0x80 {
            run = 0;
            continue;
        }
        let undefined = byte < 0xa0 && WINDOWS[usize::from(byte - 0x80)] == '\0';
        // Damaged UTF-8: what comes next is a letter of it.
        let utf8 =
            matches!(byte, 0xc2..=0xdf) && bytes.get(at + 1).is_some_and(|next| matches!(next, 0x80..=0xbf));
        run += 1;
        if undefined || utf8 || run > MAX_RUN {
            return Err(SkipReason::Undecodable);
        }
        high += 1;
        in_runs += match run {
            1 => 0,
            2 => 2,
            _ => 1,
        };
        windows |= byte < 0xa0;
    }
    if in_runs * 4 > high * 3 || high * 3 > bytes.len() {
        return Err(SkipReason::Undecodable);
    }
    let text = bytes
        .iter()
        .map(|&byte| match byte {
            0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
            _ => char::from(byte),
        })
        .collect();
    Ok((text, if windows { Encoding::Windows1252 } else { Encoding::Latin1 }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<(String, Encoding), SkipReason> {
        check(bytes)?;
        decode(bytes.to_vec())
    }

    fn units(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn utf8_keeps_line_ends_and_loses_its_byte_order_mark() {
        assert_eq!(decoded("é\r\nb".as_bytes()), Ok(("é\r\nb".to_owned(), Encoding::Utf8)));
        assert_eq!(decoded(b"\xef\xbb\xbfa"), Ok(("a".to_owned(), Encoding::Utf8Bom)));
        assert_eq!(decoded(b"\x1b[31mred\x07"), Ok(("\x1b[31mred\x07".to_owned(), Encoding::Utf8)));
    }

    #[test]
    fn a_zero_byte_makes_it_binary() {
        assert_eq!(decoded(b"ab\0c"), Err(SkipReason::Binary));
        assert_eq!(decoded(b"\x7fELF\x02\x01\x01\0"), Err(SkipReason::Binary));
        assert_eq!(decoded(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Err(SkipReason::Binary));
        assert_eq!(decoded(b"\xff\xfe\0\0a\0\0\0"), Err(SkipReason::Binary), "UTF-32");
    }

    #[test]
    fn utf16_is_known_by_its_mark_or_by_its_zero_bytes() {
        let text = "using System;\r\nclass Ä {}";
        let little = units(text, u16::to_le_bytes);
        let big = units(text, u16::to_be_bytes);
        assert_eq!(decoded(&little), Ok((text.to_owned(), Encoding::Utf16Le)));
        assert_eq!(decoded(&big), Ok((text.to_owned(), Encoding::Utf16Be)));
        assert_eq!(decoded(&[b"\xff\xfe", &*little].concat()), Ok((text.to_owned(), Encoding::Utf16Le)));
        let japanese = units("日本語", u16::to_be_bytes);
        assert_eq!(
            decoded(&[b"\xfe\xff", &*japanese].concat()),
            Ok(("日本語".to_owned(), Encoding::Utf16Be))
        );
    }

    #[test]
    fn broken_utf16_is_refused() {
        assert_eq!(decoded(b"\xff\xfea\0b"), Err(SkipReason::Undecodable));
        assert_eq!(decoded(b"\xff\xfe\x00\xd8a\0"), Err(SkipReason::Undecodable), "a lone surrogate");
        assert_eq!(decoded(b"\xfe\xff\0\0\0a"), Err(SkipReason::Binary));
    }

    #[test]
    fn accented_letters_in_ascii_words_are_latin1() {
        let expected = Ok(("/* Größe, déjà, ação */\n".to_owned(), Encoding::Latin1));
        assert_eq!(decoded(b"/* Gr\xf6\xdfe, d\xe9j\xe0, a\xe7\xe3o */\n"), expected);
        let expected = Ok(("it’s".to_owned(), Encoding::Windows1252));
        assert_eq!(decoded(b"it\x92s"), expected);
    }

    #[test]
    fn other_encodings_are_refused_rather_than_garbled() {
        let shift_jis = b"// \x93\xfa\x96{\x8c\xea\x82\xcc\x83R\x83\x81\x83\x93\x83g\n";
        let koi8 = b"// \xeb\xcf\xcd\xcd\xc5\xce\xd4\xc1\xd2\xc9\xca\n";
        let gbk = b"// \xd6\xd0\xce\xc4\xd7\xa2\xca\xcd\n";
        for bytes in [&shift_jis[..], koi8, gbk, b"caf\xc3\xa9 and \xc3\xa4 and caf\xe9"] {
            assert_eq!(decoded(bytes), Err(SkipReason::Undecodable), "{bytes:x?}");
        }
        assert_eq!(decoded(b"\x01\x02\xff\xe9abc"), Err(SkipReason::Binary));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((text, _)) = decoded(&bytes) {
                prop_assert!(!text.contains('\0'));
            }
        }

        #[test]
        fn any_text_without_nul_comes_back(text in "[^\0]{0,80}") {
            prop_assume!(!text.starts_with('\u{feff}'));
            let (back, _) = decoded(text.as_bytes()).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
