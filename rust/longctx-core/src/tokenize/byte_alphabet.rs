//! The printable stand-ins for bytes in the vocabulary of a byte-level BPE (GPT-2's `bytes_to_unicode`).

/// The character that stands for `byte`.
pub fn to_char(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        _ => {
            // The others are numbered in order from U+0100: 0-32, 127-160, 173.
            let rank = match byte {
                0..=32 => u32::from(byte),
                127..=160 => u32::from(byte) - 127 + 33,
                _ => 33 + 34,
            };
            char::from_u32(256 + rank).unwrap_or('\u{FFFD}')
        }
    }
}

/// The byte that `c` stands for.
pub fn to_byte(c: char) -> Option<u8> {
    let code = u32::from(c);
    match code {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => u8::try_from(code).ok(),
        0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        0x121..=0x142 => u8::try_from(code - 0x121 + 127).ok(),
        0x143 => Some(173),
        _ => None,
    }
}

/// The bytes that a whole vocabulary entry stands for, if each of its characters stands for one.
pub fn to_bytes(token: &str) -> Option<Vec<u8>> {
    token.chars().map(to_byte).collect()
}

/// The vocabulary entry for `bytes`.
pub fn to_token(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| to_char(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character_and_back() {
        let alphabet = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        let ours: ahash::AHashSet<char> = (0..=255).map(to_char).collect();
        assert_eq!(ours, alphabet.into_iter().collect());
        for byte in 0..=255 {
            assert_eq!(to_byte(to_char(byte)), Some(byte));
        }
        assert_eq!(to_token(b" a\n"), "ĠaĊ");
        assert_eq!(to_byte('\u{144}'), None);
    }
}
