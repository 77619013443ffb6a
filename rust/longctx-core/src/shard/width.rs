//! How wide a token is on disk.

/// Bytes of a token on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenWidth {
    /// `uint16`.
    Two,
    /// `uint32`.
    Four,
}

impl TokenWidth {
    /// The narrowest that holds every id of a vocabulary of `vocab_size` entries.
    pub fn for_vocabulary(vocab_size: u32) -> Self {
        if vocab_size <= 1 << 16 { Self::Two } else { Self::Four }
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// numpy's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Two => "uint16",
            Self::Four => "uint32",
        }
    }

    /// Replaces `ids` by what lies in `bytes`.
    pub fn parse(self, bytes: &[u8], ids: &mut Vec<u32>) {
        ids.clear();
        match self {
            Self::Two => ids.extend(bytes.as_chunks().0.iter().map(|&id| u32::from(u16::from_le_bytes(id)))),
            Self::Four => ids.extend(bytes.as_chunks().0.iter().map(|&id| u32::from_le_bytes(id))),
        }
    }

    /// Appends `ids`, little-endian.
    pub fn extend(self, out: &mut Vec<u8>, ids: &[u32]) {
        match self {
            Self::Two => extend(out, ids, |id| (id as u16).to_le_bytes()),
            Self::Four => extend(out, ids, u32::to_le_bytes),
        }
    }
}

fn extend<const WIDTH: usize>(out: &mut Vec<u8>, ids: &[u32], bytes: impl Fn(u32) -> [u8; WIDTH]) {
    let old = out.len();
    out.resize(old + ids.len() * WIDTH, 0);
    for (place, &id) in out[old..].as_chunks_mut().0.iter_mut().zip(ids) {
        *place = bytes(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_follows_the_vocabulary() {
        assert_eq!(TokenWidth::for_vocabulary(65_536), TokenWidth::Two);
        assert_eq!(TokenWidth::for_vocabulary(65_537), TokenWidth::Four);
    }
}
