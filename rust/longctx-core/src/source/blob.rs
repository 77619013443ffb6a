//! The ids that git gives to blobs.

use sha1::Digest;

/// The hash that names the objects of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectHash {
    /// What nearly every repository uses.
    Sha1,
    /// `git init --object-format=sha256`.
    Sha256,
}

impl ObjectHash {
    /// The id of a blob of these bytes, in hexadecimal.
    pub fn blob_id(self, bytes: &[u8]) -> String {
        let head = format!("blob {}\0", bytes.len());
        match self {
            Self::Sha1 => hex(&sha1::Sha1::new().chain_update(head).chain_update(bytes).finalize()),
            Self::Sha256 => hex(&sha2::Sha256::new().chain_update(head).chain_update(bytes).finalize()),
        }
    }

    /// The text form: git's own name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

/// The id of a blob, or how to compute it. Versions that come out of a repository have theirs already.
#[derive(Debug, Clone, Copy)]
pub enum BlobId<'a> {
    /// It is known.
    Known(&'a gix::oid),
    /// It is to be computed.
    Hash(ObjectHash),
}

impl From<ObjectHash> for BlobId<'_> {
    fn from(hash: ObjectHash) -> Self {
        Self::Hash(hash)
    }
}

impl<'a> From<&'a gix::oid> for BlobId<'a> {
    fn from(id: &'a gix::oid) -> Self {
        Self::Known(id)
    }
}

impl<'a> From<&'a gix::ObjectId> for BlobId<'a> {
    fn from(id: &'a gix::ObjectId) -> Self {
        Self::Known(id)
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git_hash_object() {
        assert_eq!(ObjectHash::Sha1.blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(ObjectHash::Sha1.blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(
            ObjectHash::Sha256.blob_id(b""),
            "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
        );
    }
}
