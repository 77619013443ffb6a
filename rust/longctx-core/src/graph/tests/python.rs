use crate::graph::testing::{edges, graph, unresolved};

#[test]
fn from_import_leads_to_the_module_or_to_the_package() {
    let files = [
        ("pkg/__init__.py", "VALUE = 1\n"),
        ("pkg/mod.py", ""),
        ("pkg/sub/__init__.py", ""),
        ("main.py", "from pkg import mod, VALUE\nimport pkg.sub\nimport os.path\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "main.py -> pkg/__init__.py (top-level)",
            "main.py -> pkg/mod.py (top-level)",
            "main.py -> pkg/sub/__init__.py (top-level)"
        ]
    );
    assert_eq!(unresolved(&files), ["main.py:3 os.path (external)"]);
    let graph = graph(&files);
    assert!(graph.edges().any(|edge| edge.kind == crate::graph::EdgeKind::Package));
}

#[test]
fn relative_imports_go_by_folder_with_or_without_init() {
    let files = [
        ("a/b/c.py", "from . import d\nfrom ..x import y\nfrom .gone import z\nfrom .... import far\n"),
        ("a/b/d.py", ""),
        ("a/x.py", "y = 1\n"),
    ];
    assert_eq!(edges(&files), ["a/b/c.py -> a/b/d.py (top-level)", "a/b/c.py -> a/x.py (top-level)"]);
    assert_eq!(unresolved(&files), ["a/b/c.py:3 .gone (missing)", "a/b/c.py:4 .... (missing)"]);
}

#[test]
fn kinds_tell_where_an_import_stands() {
    let text = "\
import typing
if typing.TYPE_CHECKING:
    import a
else:
    import b
def f():
    import c
    if TYPE_CHECKING:
        import a
try:
    import d
except ImportError:
    pass
if __name__ == '__main__':
    import e
";
    let files = [("a.py", ""), ("b.py", ""), ("c.py", ""), ("d.py", ""), ("e.py", ""), ("main.py", text)];
    assert_eq!(
        edges(&files),
        [
            "main.py -> a.py (type-checking)",
            "main.py -> b.py (top-level)",
            "main.py -> c.py (function-local)",
            "main.py -> d.py (top-level)",
            "main.py -> e.py (main-guard)"
        ]
    );
}

#[test]
fn the_standard_library_is_not_a_neighbour_of_the_same_name() {
    let inside = [("pkg/__init__.py", ""), ("pkg/collections.py", ""), ("pkg/a.py", "import collections\n")];
    assert_eq!(edges(&inside), Vec::<String>::new());
    assert_eq!(unresolved(&inside), ["pkg/a.py:1 collections (external)"]);
    let loose = [
        ("tools/collections.py", ""),
        ("tools/a.py", "import collections, helper\n"),
        ("tools/helper.py", ""),
    ];
    assert_eq!(edges(&loose), ["tools/a.py -> tools/helper.py (top-level)"]);
}

#[test]
fn a_class_of_the_package_hides_the_submodule_of_its_name() {
    let files = [
        ("pkg/__init__.py", "class thing:\n    pass\n"),
        ("pkg/thing.py", ""),
        ("main.py", "from pkg import thing\nimport pkg.thing\n"),
        ("other.py", "from pkg import thing\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "main.py -> pkg/__init__.py (top-level)",
            "main.py -> pkg/thing.py (top-level)",
            "other.py -> pkg/__init__.py (top-level)"
        ]
    );
}

#[test]
fn what_an_init_takes_from_its_package_is_passed_on() {
    let files = [
        ("pkg/__init__.py", "from .core import run\nfrom pkg import late\nimport pkg.plain\n"),
        ("pkg/core.py", ""),
        ("pkg/late.py", ""),
        ("pkg/plain.py", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "pkg/__init__.py -> pkg/core.py (re-export)",
            "pkg/__init__.py -> pkg/late.py (re-export)",
            "pkg/__init__.py -> pkg/plain.py (top-level)"
        ]
    );
}

#[test]
fn edits_of_the_search_path_are_followed() {
    let script = "\
import os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'vendor'))
from pathlib import Path
sys.path.append(str(Path(__file__).resolve().parents[1] / 'extra'))
sys.path += ['plain']
import one, two, three
";
    let files = [
        ("bin/run.py", script),
        ("vendor/one.py", ""),
        ("extra/two.py", ""),
        ("plain/three.py", ""),
        ("other/one.py", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "bin/run.py -> extra/two.py (top-level)",
            "bin/run.py -> plain/three.py (top-level)",
            "bin/run.py -> vendor/one.py (top-level)"
        ]
    );
}

#[test]
fn source_roots_come_from_the_configuration() {
    let files = [
        ("pyproject.toml", "[tool.setuptools.packages.find]\nwhere = ['source']\n"),
        ("source/ns/mod.py", ""),
        ("tests/test_it.py", "import ns.mod\nimport inner.deep\n"),
        ("py/setup.py", "setup(package_dir={'': 'code'})"),
        ("py/code/inner/deep.py", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "tests/test_it.py -> py/code/inner/deep.py (top-level)",
            "tests/test_it.py -> source/ns/mod.py (top-level)"
        ]
    );
}

#[test]
fn of_two_equal_packages_neither_is_guessed() {
    let files = [
        ("x/lib/same/__init__.py", ""),
        ("y/lib/same/__init__.py", ""),
        ("x/app/main.py", "import same\n"),
        ("z/main.py", "import same\n"),
    ];
    assert_eq!(edges(&files), ["x/app/main.py -> x/lib/same/__init__.py (top-level)"]);
    assert_eq!(unresolved(&files), ["z/main.py:1 same (ambiguous)"]);
}

#[test]
fn a_file_that_does_not_parse_still_gives_what_it_can() {
    let files =
        [("a.py", "import b\ndef f(:\n  x = \nclass (\nprint 'x'\nimport c\n"), ("b.py", ""), ("c.py", "")];
    assert_eq!(edges(&files), ["a.py -> b.py (top-level)", "a.py -> c.py (top-level)"]);
}
