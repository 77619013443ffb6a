//! Tests of the walk, against git itself and against ripgrep's walker.

mod commit;
mod damaged;
mod ignored;
mod real;
mod scratch;
