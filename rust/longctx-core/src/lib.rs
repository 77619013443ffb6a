//! Packs git repositories into long-context training sets: the engine of longctx.
//!
//! Data flows one way: walk -> source -> tokenize -> sequence -> pack -> shard; history and graph
//! stand beside it.

mod buckets;
pub mod cache;
pub mod difficulty;
pub mod error;
pub mod graph;
pub mod history;
pub mod interrupt;
mod list;
pub mod pack;
pub mod path;
pub mod positioned;
pub mod sequence;
pub mod shard;
pub mod source;
mod strings;
pub mod symbols;
pub mod threads;
pub mod tokenize;
pub mod verify;
pub mod walk;

pub use error::{Error, Result};
pub use interrupt::Watch;
