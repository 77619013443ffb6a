//! Packs git repositories into long-context training sets: the engine of longctx.
//!
//! Data flows one way:
//! walk -> source -> sequence -> tokenize -> pack -> shard.

pub mod error;
pub mod graph;
pub mod interrupt;
pub mod path;
pub mod symbols;

pub use error::{Error, Result};
