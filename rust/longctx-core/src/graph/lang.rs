//! The languages that have a grammar, and which one a path is written in.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tree_sitter::Language;

/// A language whose files can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Lang {
    Python,
    Rust,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    Java,
    Kotlin,
    C,
    Cpp,
    CSharp,
    Ruby,
    Php,
    Shell,
}

impl Lang {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// The language of a file by its name; `.h` counts as C++ because its grammar reads both.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some((stem, extension)) = name.rsplit_once('.') else {
            return matches!(name, "Rakefile" | "Gemfile" | "Vagrantfile").then_some(Self::Ruby);
        };
        let lang = match extension {
            "py" | "pyi" | "pyw" => Self::Python,
            "rs" => Self::Rust,
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "go" => Self::Go,
            "java" => Self::Java,
            "kt" | "kts" => Self::Kotlin,
            "c" => Self::C,
            "cc" | "cpp" | "cxx" | "c++" | "h" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "tpp"
            | "cu" | "cuh" => Self::Cpp,
            "C" | "H" if !stem.is_empty() => Self::Cpp,
            "cs" => Self::CSharp,
            "rb" | "rake" | "gemspec" => Self::Ruby,
            "php" => Self::Php,
            "sh" | "bash" | "ksh" | "zsh" => Self::Shell,
            _ => return None,
        };
        Some(lang)
    }

    /// Whether files of the two languages may import one another.
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Python => Family::Python,
            Self::Rust => Family::Rust,
            Self::JavaScript | Self::TypeScript | Self::Tsx => Family::Ecma,
            Self::Go => Family::Go,
            Self::Java | Self::Kotlin => Family::Jvm,
            Self::C | Self::Cpp => Family::C,
            Self::CSharp => Family::CSharp,
            Self::Ruby => Family::Ruby,
            Self::Php => Family::Php,
            Self::Shell => Family::Shell,
        }
    }

    /// The grammar; none where it was left out of the build. C falls back on nothing: its grammar is always there.
    pub fn grammar(self) -> Option<&'static Language> {
        static LOADED: [OnceLock<Option<Language>>; Lang::COUNT] = [const { OnceLock::new() }; Lang::COUNT];
        LOADED[self as usize].get_or_init(|| self.load()).as_ref()
    }

    fn load(self) -> Option<Language> {
        let language = match self {
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::Rust => tree_sitter_rust::LANGUAGE,
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Go => tree_sitter_go::LANGUAGE,
            Self::Java => tree_sitter_java::LANGUAGE,
            #[cfg(feature = "kotlin")]
            Self::Kotlin => tree_sitter_kotlin_ng::LANGUAGE,
            #[cfg(not(feature = "kotlin"))]
            Self::Kotlin => return None,
            Self::C => tree_sitter_c::LANGUAGE,
            #[cfg(feature = "cpp")]
            Self::Cpp => tree_sitter_cpp::LANGUAGE,
            #[cfg(not(feature = "cpp"))]
            Self::Cpp => tree_sitter_c::LANGUAGE,
            #[cfg(feature = "c-sharp")]
            Self::CSharp => tree_sitter_c_sharp::LANGUAGE,
            #[cfg(not(feature = "c-sharp"))]
            Self::CSharp => return None,
            Self::Ruby => tree_sitter_ruby::LANGUAGE,
            Self::Php => tree_sitter_php::LANGUAGE_PHP,
            Self::Shell => tree_sitter_bash::LANGUAGE,
        };
        Some(language.into())
    }
}

/// Languages that share one way of importing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Python,
    Rust,
    Ecma,
    Go,
    Jvm,
    C,
    CSharp,
    Ruby,
    Php,
    Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grammar_of_the_build_loads() {
        for (path, loads) in [
            ("a.py", true),
            ("a.rs", true),
            ("a.js", true),
            ("a.ts", true),
            ("a.tsx", true),
            ("a.go", true),
            ("a.java", true),
            ("a.kt", cfg!(feature = "kotlin")),
            ("a.c", true),
            ("a.cpp", true),
            ("a.cs", cfg!(feature = "c-sharp")),
            ("a.rb", true),
            ("a.php", true),
            ("a.sh", true),
        ] {
            let lang = Lang::of(path).expect(path);
            let mut parser = tree_sitter::Parser::new();
            assert_eq!(
                lang.grammar().is_some_and(|grammar| parser.set_language(grammar).is_ok()),
                loads,
                "{path}"
            );
        }
        assert_eq!(Lang::of("README"), None);
    }
}
