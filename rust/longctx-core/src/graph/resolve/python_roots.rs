//! Where Python modules begin: what `pyproject.toml`, `setup.cfg` and `setup.py` say, and the usual folders.

use toml::{Table, Value};

use super::World;
use super::tree::{join, parent};

/// Folders that modules are looked for in, the nearest to the repository's root first.
pub(super) fn configured(world: &World<'_>) -> Vec<String> {
    let tree = world.tree;
    let mut roots: Vec<String> = Vec::new();
    let mut add = |folder: &str, rest: &str| {
        if let Some(root) = join(folder, rest)
            && tree.is_folder(&root)
            && !roots.contains(&root)
        {
            roots.push(root);
        }
    };
    add("", "");
    add("", "src");
    let mut configs: Vec<&str> = ["pyproject.toml", "setup.cfg", "setup.py"]
        .iter()
        .flat_map(|name| tree.named(name))
        .map(|&file| tree.path(file))
        .collect();
    configs.sort_by_key(|path| (path.matches('/').count(), *path));
    for path in configs {
        let folder = parent(path);
        let Some(text) = world.text(path) else { continue };
        if path.ends_with(".toml") {
            if let Ok(table) = text.parse::<Table>() {
                from_pyproject(&table, |rest| add(folder, rest));
            }
        } else {
            from_setup(text, |rest| add(folder, rest));
        }
        add(folder, "");
        add(folder, "src");
    }
    roots
}

fn at<'t>(table: &'t Table, keys: &[&str]) -> Option<&'t Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    value.and_then(Value::as_str).into_iter().chain(list)
}

fn from_pyproject(table: &Table, mut add: impl FnMut(&str)) {
    for keys in [
        &["tool", "setuptools", "packages", "find", "where"][..],
        &["tool", "setuptools", "package-dir", ""],
        &["tool", "pdm", "build", "package-dir"],
        &["tool", "maturin", "python-source"],
        &["tool", "pytest", "ini_options", "pythonpath"],
        &["tool", "ruff", "src"],
        &["tool", "isort", "src_paths"],
        &["tool", "mypy", "mypy_path"],
        &["tool", "uv", "build-backend", "module-root"],
    ] {
        texts(at(table, keys)).for_each(&mut add);
    }
    for package in texts(at(table, &["tool", "hatch", "build", "targets", "wheel", "packages"])) {
        add(parent(package));
    }
    for package in at(table, &["tool", "poetry", "packages"]).and_then(Value::as_array).into_iter().flatten()
    {
        if let Some(from) = package.get("from").and_then(Value::as_str) {
            add(from);
        }
    }
}

/// `package_dir = {"": "lib"}` of `setup.py`, `package_dir =\n  = lib` and `where = lib` of `setup.cfg`; and
/// `find_packages("lib")`. The file is read, never run.
fn from_setup(text: &str, mut add: impl FnMut(&str)) {
    for (at, _) in text.match_indices("package_dir") {
        let rest = text[at + "package_dir".len()..].trim_start_matches([' ', '=', '{', '(', '\n']);
        let quoted = rest.strip_prefix("''").or_else(|| rest.strip_prefix("\"\""));
        let value = match quoted {
            Some(rest) => rest.trim_start_matches([' ', ':', '"', '\'']),
            // In `setup.cfg` the key may be nothing at all: all that stood before the value is gone.
            None if rest.len() < text.len() - at && text[..text.len() - rest.len()].ends_with("= ") => rest,
            None => continue,
        };
        add(value.split(['"', '\'', '\n', '}']).next().unwrap_or_default().trim());
    }
    for mark in ["find_packages(", "find_namespace_packages(", "where"] {
        for (at, _) in text.match_indices(mark) {
            let rest =
                text[at + mark.len()..].trim_start_matches(['=', ' ', '\n']).trim_start_matches("where=");
            let end = rest.find(['"', '\'', '\n', ')', ',']).unwrap_or(0);
            let value = match rest.strip_prefix(['"', '\'']) {
                Some(quoted) => quoted.split(['"', '\'']).next().unwrap_or_default(),
                None if mark == "where" => rest[..end].trim(),
                None => continue,
            };
            if !value.is_empty()
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
            {
                add(value);
            }
        }
    }
}

/// A module of the standard library (3.8 to 3.14).
pub(super) fn is_standard(name: &str) -> bool {
    STANDARD.binary_search(&name).is_ok()
}

#[rustfmt::skip]
const STANDARD: [&str; 228] = [
    "__future__", "__main__", "_thread", "abc", "aifc", "annotationlib", "antigravity", "argparse", "array",
    "ast", "asynchat", "asyncio", "asyncore", "atexit", "audioop", "base64", "bdb", "binascii", "binhex",
    "bisect", "builtins", "bz2", "cProfile", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code",
    "codecs", "codeop", "collections", "colorsys", "compileall", "compression", "concurrent", "configparser",
    "contextlib", "contextvars", "copy", "copyreg", "crypt", "csv", "ctypes", "curses", "dataclasses",
    "datetime", "dbm", "decimal", "difflib", "dis", "distutils", "doctest", "dummy_threading", "email",
    "encodings", "ensurepip", "enum", "errno", "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch",
    "formatter", "fractions", "ftplib", "functools", "gc", "genericpath", "getopt", "getpass", "gettext",
    "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http", "idlelib", "imaplib",
    "imghdr", "imp", "importlib", "inspect", "io", "ipaddress", "itertools", "json", "keyword", "lib2to3",
    "linecache", "locale", "logging", "lzma", "macpath", "mailbox", "mailcap", "marshal", "math", "mimetypes",
    "mmap", "modulefinder", "msilib", "msvcrt", "multiprocessing", "netrc", "nis", "nntplib", "nt", "ntpath",
    "nturl2path", "numbers", "opcode", "operator", "optparse", "os", "ossaudiodev", "parser", "pathlib",
    "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib", "poplib", "posix",
    "posixpath", "pprint", "profile", "pstats", "pty", "pwd", "py_compile", "pyclbr", "pydoc", "pydoc_data",
    "pyexpat", "queue", "quopri", "random", "re", "readline", "reprlib", "resource", "rlcompleter", "runpy",
    "sched", "secrets", "select", "selectors", "shelve", "shlex", "shutil", "signal", "site", "smtpd",
    "smtplib", "sndhdr", "socket", "socketserver", "spwd", "sqlite3", "sre_compile", "sre_constants",
    "sre_parse", "ssl", "stat", "statistics", "string", "stringprep", "struct", "subprocess", "sunau",
    "symbol", "symtable", "sys", "sysconfig", "syslog", "tabnanny", "tarfile", "telnetlib", "tempfile",
    "termios", "textwrap", "this", "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib",
    "trace", "traceback", "tracemalloc", "tty", "turtle", "turtledemo", "types", "typing", "unicodedata",
    "unittest", "urllib", "uu", "uuid", "venv", "warnings", "wave", "weakref", "webbrowser", "winreg",
    "winsound", "wsgiref", "xdrlib", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of_setup(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        from_setup(text, |root| out.push(root.to_owned()));
        out
    }

    #[test]
    fn setup_files_name_their_package_folder() {
        assert!(STANDARD.is_sorted());
        assert_eq!(of_setup("setup(package_dir={'': 'lib'}, packages=find_packages('lib'))"), ["lib", "lib"]);
        assert_eq!(of_setup("setup(packages=find_packages(where=\"source\"))"), ["source", "source"]);
        assert_eq!(
            of_setup("[options]\npackage_dir =\n    = src\n[options.packages.find]\nwhere = src\n"),
            ["src", "src"]
        );
    }
}
