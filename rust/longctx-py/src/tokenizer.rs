//! `longctx._core.Tokenizer`.

use std::path::PathBuf;

use numpy::{AllowTypeChange, IntoPyArray, PyArray1, PyArrayLike1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::call::call;
use longctx_core::Error;
use longctx_core::tokenize::{Encoded, Scratch, Tokenizer as Inner};

#[pyclass(frozen, module = "longctx._core")]
pub struct Tokenizer {
    inner: Inner,
}

impl Tokenizer {
    pub fn inner(&self) -> &Inner {
        &self.inner
    }

    fn check(&self, py: Python<'_>, id: u32) -> PyResult<()> {
        let size = self.inner.vocab_size_with_markers();
        if id < size {
            return Ok(());
        }
        call(py, None, |_| Err(Error::usage(format!("token {id} is not in the vocabulary of {size}"))))
    }
}

#[pymethods]
impl Tokenizer {
    #[staticmethod]
    fn default(py: Python<'_>) -> PyResult<Self> {
        call(py, None, |_| Ok(Self { inner: Inner::embedded() }))
    }

    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let name = path.to_string_lossy().into_owned();
        call(py, None, |_| Ok(Self { inner: Inner::from_file(&path, &name)? }))
    }

    fn encode<'py>(&self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let ids = call(py, None, |_| {
            let mut encoded = Encoded::default();
            self.inner
                .encode(text, &mut Scratch::default(), &mut encoded)
                .map_err(|_| Error::usage("the tokenizer has no tokens for a part of the text"))?;
            Ok(encoded.ids)
        })?;
        Ok(ids.into_pyarray(py))
    }

    fn decode(&self, py: Python<'_>, ids: PyArrayLike1<'_, u32, AllowTypeChange>) -> PyResult<String> {
        let ids: Vec<u32> = ids.as_array().iter().copied().collect();
        for &id in &ids {
            self.check(py, id)?;
        }
        call(py, None, |_| Ok(self.inner.decode(&ids)))
    }

    fn token_bytes<'py>(&self, py: Python<'py>, id: u32) -> PyResult<Bound<'py, PyBytes>> {
        self.check(py, id)?;
        match self.inner.token_bytes(id) {
            Some(bytes) => Ok(PyBytes::new(py, bytes)),
            None => Ok(PyBytes::new(py, self.inner.decode(&[id]).as_bytes())),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    fn with_markers(&self, py: Python<'_>) -> PyResult<Self> {
        call(py, None, |_| Ok(Self { inner: self.inner.with_markers()? }))
    }

    #[getter]
    fn vocab_size(&self) -> u32 {
        self.inner.vocab_size()
    }

    #[getter]
    fn backend(&self) -> String {
        self.inner.backend()
    }

    #[getter]
    fn sha256(&self) -> &str {
        self.inner.sha256()
    }

    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }
}
