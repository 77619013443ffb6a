//! Keys: hashes of all that a value depends on.

/// What a value is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(super) [u8; 16]);

/// Bytes that are hashed together: several times as fast as one after the other.
const BUFFER: usize = 1 << 14;

/// A key in the making.
pub struct KeyMaker {
    /// Of what the buffer had no room for.
    hasher: Option<blake3::Hasher>,
    buffer: Vec<u8>,
}

impl KeyMaker {
    /// Values of different purposes never share a key, nor do those of different builds.
    pub fn new(purpose: &str) -> Self {
        let mut maker = Self { hasher: None, buffer: Vec::with_capacity(256) };
        maker.add(env!("LONGCTX_SOURCES").as_bytes()).add(purpose.as_bytes());
        maker
    }

    /// Adds something that the value depends on; where one thing ends and the next begins counts.
    pub fn add(&mut self, part: &[u8]) -> &mut Self {
        self.number(part.len() as u64);
        if self.buffer.len() + part.len() > BUFFER {
            let hasher = self.hasher.get_or_insert_default();
            hasher.update(&self.buffer);
            self.buffer.clear();
            if part.len() > BUFFER {
                hasher.update(part);
                return self;
            }
        }
        self.buffer.extend_from_slice(part);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.buffer.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// The key.
    pub fn key(&self) -> Key {
        let hash = match &self.hasher {
            Some(hasher) => hasher.clone().update(&self.buffer).finalize(),
            None => blake3::hash(&self.buffer),
        };
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_hash_of_all_that_was_added_however_long() {
        let parts =
            [0, 1, 300, BUFFER - 100, BUFFER, BUFFER + 1, 5, 3 * BUFFER, 7, 2 * BUFFER / 3, BUFFER / 2];
        let mut maker = KeyMaker::new("test");
        let mut all = Vec::new();
        let mut note = |part: &[u8]| {
            all.extend((part.len() as u64).to_le_bytes());
            all.extend(part);
            all.clone()
        };
        note(env!("LONGCTX_SOURCES").as_bytes());
        note(b"test");
        for (number, length) in parts.into_iter().enumerate() {
            let part = vec![number as u8; length];
            maker.add(&part);
            let hash = blake3::hash(&note(&part));
            assert_eq!(maker.key().0, hash.as_bytes()[..16], "part {number}");
        }
    }
}
