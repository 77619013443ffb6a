//! The Python module `longctx._core`: registration and conversion, nothing else.

mod call;
mod errors;
mod tokenizer;

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use call::{call, to_json};
use errors::LongctxError;
use longctx_core::graph::report as of_graph;
use longctx_core::history::report as of_history;
use longctx_core::pack::PackOptions;
use longctx_core::sequence as sequences;
use longctx_core::sequence::{Answer, BuiltSequence, TextVersion};
use longctx_core::shard::DatasetReader;
use tokenizer::Tokenizer;

#[pyfunction]
#[pyo3(signature = (options, progress=None))]
fn pack(py: Python<'_>, options: &str, progress: Option<Py<PyAny>>) -> PyResult<String> {
    call(py, progress, |watch| {
        let options = PackOptions::from_json(options)?;
        to_json(&longctx_core::pack::pack(&options, watch)?)
    })
}

#[pyfunction]
#[pyo3(signature = (dataset, repository=None, threads=None, progress=None))]
fn verify(
    py: Python<'_>,
    dataset: PathBuf,
    repository: Option<PathBuf>,
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    call(py, progress, |watch| {
        to_json(&longctx_core::verify::verify(&dataset, repository.as_deref(), threads, watch)?)
    })
}

#[pyfunction]
#[pyo3(signature = (repository, options, progress=None))]
fn history(
    py: Python<'_>,
    repository: PathBuf,
    options: &str,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    call(py, progress, |watch| {
        let options = of_history::ReportOptions::from_json(options)?;
        to_json(&of_history::report(&repository, &options, watch)?)
    })
}

#[pyfunction]
#[pyo3(signature = (repository, options, progress=None))]
fn graph(
    py: Python<'_>,
    repository: PathBuf,
    options: &str,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    call(py, progress, |watch| {
        let options = of_graph::ReportOptions::from_json(options)?;
        to_json(&of_graph::report(&repository, &options, watch)?)
    })
}

#[pyfunction]
#[pyo3(signature = (dataset, checksums=true))]
fn open_manifest(py: Python<'_>, dataset: PathBuf, checksums: bool) -> PyResult<String> {
    call(py, None, |watch| Ok(DatasetReader::open(&dataset, checksums, watch)?.manifest_text))
}

/// Ids, where loss starts, and the rest as JSON.
type Built<'py> = (Bound<'py, PyArray1<u32>>, u32, String);

fn built<'py>(
    py: Python<'py>,
    build: impl FnOnce() -> longctx_core::Result<BuiltSequence> + Send,
) -> PyResult<Built<'py>> {
    let (sequence, json) = call(py, None, |_| {
        let sequence = build()?;
        let json = to_json(&sequence)?;
        Ok((sequence, json))
    })?;
    Ok((sequence.ids.into_pyarray(py), sequence.loss_start, json))
}

#[pyfunction]
fn build_file_sequence<'py>(
    py: Python<'py>,
    tokenizer: &Tokenizer,
    files: Vec<(String, String)>,
    max_length: u32,
) -> PyResult<Built<'py>> {
    let inner = tokenizer.inner();
    built(py, || sequences::build_file_sequence(inner, &files, max_length))
}

#[pyfunction]
fn build_commit_chain_sequence<'py>(
    py: Python<'py>,
    tokenizer: &Tokenizer,
    path: String,
    versions: Vec<(String, String, String)>,
    max_length: u32,
) -> PyResult<Built<'py>> {
    let inner = tokenizer.inner();
    let versions = versions.into_iter();
    let versions: Vec<TextVersion> =
        versions.map(|(commit, subject, text)| TextVersion { commit, subject, text }).collect();
    built(py, || sequences::build_commit_chain_sequence(inner, &path, &versions, max_length))
}

#[pyfunction]
fn build_qa_sequence<'py>(
    py: Python<'py>,
    tokenizer: &Tokenizer,
    snippets: Vec<(String, String)>,
    question: String,
    answer: AnswerArgument,
    max_length: u32,
) -> PyResult<Built<'py>> {
    let inner = tokenizer.inner();
    let answer = match answer {
        AnswerArgument::Text(text) => Answer::Text(text),
        AnswerArgument::Snippets(numbers) => Answer::Snippets(numbers),
    };
    built(py, || sequences::build_qa_sequence(inner, &snippets, &question, &answer, max_length))
}

#[derive(FromPyObject)]
enum AnswerArgument {
    Text(String),
    Snippets(Vec<usize>),
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    longctx_alloc::install_for_parsers();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("LongctxError", module.py().get_type::<LongctxError>())?;
    module.add_class::<Tokenizer>()?;
    module.add_function(wrap_pyfunction!(pack, module)?)?;
    module.add_function(wrap_pyfunction!(verify, module)?)?;
    module.add_function(wrap_pyfunction!(history, module)?)?;
    module.add_function(wrap_pyfunction!(graph, module)?)?;
    module.add_function(wrap_pyfunction!(open_manifest, module)?)?;
    module.add_function(wrap_pyfunction!(build_file_sequence, module)?)?;
    module.add_function(wrap_pyfunction!(build_commit_chain_sequence, module)?)?;
    module.add_function(wrap_pyfunction!(build_qa_sequence, module)?)
}
