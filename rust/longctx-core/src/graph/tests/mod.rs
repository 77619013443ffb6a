//! Every trap of resolution as a small project, one file for each way of importing.

mod c;
mod ecma;
mod go;
mod jvm;
mod order;
mod others;
mod python;
mod rust;
mod whole;
