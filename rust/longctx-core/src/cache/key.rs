//! Keys: hashes of all that a value depends on.

/// What a value is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(super) [u8; 16]);

/// A key in the making.
pub struct KeyMaker(blake3::Hasher);

impl KeyMaker {
    /// Values of different purposes never share a key, nor do those of different builds.
    pub fn new(purpose: &str) -> Self {
        let mut maker = Self(blake3::Hasher::new());
        maker.add(env!("LONGCTX_SOURCES").as_bytes()).add(purpose.as_bytes());
        maker
    }

    /// Adds something that the value depends on; where one thing ends and the next begins counts.
    pub fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// The key.
    pub fn key(&self) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        Key(key)
    }
}
