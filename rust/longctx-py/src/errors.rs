//! Errors of the engine as Python exceptions.

use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;

use longctx_core::Error;
use longctx_core::error::ErrorKind;

pyo3::create_exception!(
    longctx._core,
    LongctxError,
    PyException,
    "Something went wrong that the engine foresaw."
);

/// The exception for an error, with the attributes that the stub promises.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let exit_code = match error.kind() {
        ErrorKind::Interrupted => return PyKeyboardInterrupt::new_err(()),
        ErrorKind::Usage => 2,
        ErrorKind::Failure => 1,
    };
    let message = error.to_string();
    let exception = LongctxError::new_err(message.clone());
    let value = exception.value(py);
    let attributes = value
        .setattr("message", message)
        .and_then(|()| value.setattr("hint", error.hint()))
        .and_then(|()| value.setattr("exit_code", exit_code));
    match attributes {
        Ok(()) => exception,
        Err(error) => error,
    }
}
