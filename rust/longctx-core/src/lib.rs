//! Packs git repositories into long-context training sets: the engine of longctx.
//!
//! Data flows one way:
//! walk -> source -> sequence -> tokenize -> pack -> shard.

pub mod error;
pub mod interrupt;
pub mod path;
pub mod source;
pub mod walk;

pub use error::{Error, Result};
pub use interrupt::Watch;
