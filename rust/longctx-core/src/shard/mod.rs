//! The dataset on disk: numpy shards, their metadata, and the manifest that vouches for them.

pub mod manifest;
pub mod npy;
mod reader;
mod staging;
mod syncing;
mod width;
mod writer;

pub use reader::{DatasetReader, MetaRow, ProofRow, QuestionRow, SegmentRow, ShardReader};
pub use staging::Staging;
pub use syncing::while_syncing;
pub use width::TokenWidth;
pub use writer::{HashedFile, SequenceRow, ShardWriter};
