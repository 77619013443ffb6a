//! The whole of the history against the `git` command.

mod chains;
mod filters;
mod kinds;
mod known;
mod packs;
mod report;
use super::sandbox;
