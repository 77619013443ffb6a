//! Which nodes of each grammar define something.

use super::SymbolKind::{self, *};
use crate::graph::Lang;

/// What a node means for the definitions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing itself, perhaps something inside.
    None,
    /// Nothing, inside neither.
    Skip,
    /// Nothing, and by the grammar nothing inside either.
    Barren,
    /// Belongs in front of the definition that ends where it ends.
    Wrapper,
    /// A function without a name.
    Anonymous,
    /// Defines something.
    Define(SymbolKind),
    /// Defines something unless it stands in a function.
    DefineGlobal(SymbolKind),
}

pub(super) fn rule(lang: Lang, node: &str) -> Rule {
    use Rule::{Define, DefineGlobal, None, Skip};
    if matches!(node, "comment" | "line_comment" | "block_comment" | "string" | "string_literal") {
        return Skip;
    }
    match lang {
        Lang::Python => match node {
            "function_definition" => Define(Function),
            "class_definition" => Define(Class),
            "decorated_definition" => Rule::Wrapper,
            "assignment" => DefineGlobal(Variable),
            "type_alias_statement" => DefineGlobal(Type),
            "parameters" | "argument_list" | "return_statement" => Skip,
            "attribute"
            | "await"
            | "binary_operator"
            | "boolean_operator"
            | "call"
            | "comparison_operator"
            | "concatenated_string"
            | "conditional_expression"
            | "dictionary"
            | "dictionary_comprehension"
            | "generator_expression"
            | "list"
            | "list_comprehension"
            | "named_expression"
            | "not_operator"
            | "parenthesized_expression"
            | "set"
            | "set_comprehension"
            | "subscript"
            | "tuple"
            | "type"
            | "unary_operator"
            | "yield"
            | "assert_statement"
            | "delete_statement"
            | "future_import_statement"
            | "import_from_statement"
            | "import_statement"
            | "raise_statement" => Rule::Barren,
            _ => None,
        },
        Lang::Rust => match node {
            "function_item" | "function_signature_item" => Define(Function),
            "struct_item" | "union_item" => Define(Struct),
            "enum_item" => Define(Enum),
            "trait_item" => Define(Trait),
            "impl_item" => Define(Impl),
            "mod_item" => Define(Module),
            "type_item" => Define(Type),
            "const_item" => DefineGlobal(Constant),
            "static_item" => DefineGlobal(Variable),
            "macro_definition" => Define(Macro),
            "token_tree" | "use_declaration" | "attribute_item" | "parameters" => Skip,
            _ => None,
        },
        Lang::JavaScript | Lang::TypeScript | Lang::Tsx => match node {
            "function_declaration" | "generator_function_declaration" | "function_signature" => {
                Define(Function)
            }
            "class_declaration" | "abstract_class_declaration" => Define(Class),
            "method_definition" | "method_signature" | "abstract_method_signature" => Define(Method),
            "interface_declaration" => Define(Interface),
            "enum_declaration" => Define(Enum),
            "type_alias_declaration" => Define(Type),
            "internal_module" | "module" => Define(Module),
            "lexical_declaration" | "variable_declaration" => Define(Variable),
            "export_statement" => Rule::Wrapper,
            "arrow_function" | "function_expression" | "generator_function" => Rule::Anonymous,
            "import_statement" => Skip,
            _ => None,
        },
        Lang::Go => match node {
            "function_declaration" => Define(Function),
            "method_declaration" => Define(Method),
            "type_spec" | "type_alias" => Define(Type),
            "const_spec" => DefineGlobal(Constant),
            "var_spec" => DefineGlobal(Variable),
            "func_literal" => Rule::Anonymous,
            "import_declaration" => Skip,
            _ => None,
        },
        Lang::Java => match node {
            "class_declaration" | "record_declaration" => Define(Class),
            "interface_declaration" | "annotation_type_declaration" => Define(Interface),
            "enum_declaration" => Define(Enum),
            "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
                Define(Method)
            }
            "import_declaration" => Skip,
            "lambda_expression" => Rule::Anonymous,
            _ => None,
        },
        Lang::Kotlin => match node {
            "class_declaration" | "object_declaration" | "companion_object" => Define(Class),
            "function_declaration" => Define(Function),
            "property_declaration" => DefineGlobal(Variable),
            "type_alias" => Define(Type),
            "import" => Skip,
            "lambda_literal" | "anonymous_function" => Rule::Anonymous,
            _ => None,
        },
        Lang::C | Lang::Cpp => c_rule(node),
        Lang::CSharp => match node {
            "class_declaration" | "record_declaration" => Define(Class),
            "struct_declaration" => Define(Struct),
            "interface_declaration" => Define(Interface),
            "enum_declaration" => Define(Enum),
            "delegate_declaration" => Define(Type),
            "method_declaration" | "constructor_declaration" | "property_declaration" => Define(Method),
            "local_function_statement" => Define(Function),
            "namespace_declaration" | "file_scoped_namespace_declaration" => Define(Module),
            "using_directive" => Skip,
            "lambda_expression" | "anonymous_method_expression" => Rule::Anonymous,
            _ => None,
        },
        Lang::Ruby => match node {
            "class" => Define(Class),
            "module" => Define(Module),
            "method" | "singleton_method" => Define(Function),
            "assignment" => DefineGlobal(Constant),
            "do_block" | "block" | "lambda" => Rule::Anonymous,
            _ => None,
        },
        Lang::Php => match node {
            "class_declaration" => Define(Class),
            "interface_declaration" => Define(Interface),
            "trait_declaration" => Define(Trait),
            "enum_declaration" => Define(Enum),
            "function_definition" => Define(Function),
            "method_declaration" => Define(Method),
            "const_element" => DefineGlobal(Constant),
            "anonymous_function" | "arrow_function" => Rule::Anonymous,
            "namespace_use_declaration" => Skip,
            _ => None,
        },
        Lang::Shell => match node {
            "function_definition" => Define(Function),
            _ => None,
        },
    }
}

fn c_rule(node: &str) -> Rule {
    use Rule::{Define, DefineGlobal, None};
    match node {
        "function_definition" => Define(Function),
        "struct_specifier" | "union_specifier" => Define(Struct),
        "class_specifier" => Define(Class),
        "enum_specifier" => Define(Enum),
        "type_definition" | "alias_declaration" | "concept_definition" => Define(Type),
        "namespace_definition" => Define(Module),
        "preproc_def" => DefineGlobal(Constant),
        "preproc_function_def" => Define(Macro),
        "declaration" | "field_declaration" => DefineGlobal(Function),
        "template_declaration" => Rule::Wrapper,
        "lambda_expression" => Rule::Anonymous,
        "preproc_include" | "parameter_list" | "initializer_list" => Rule::Skip,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// By kind what can stand directly in a node of it, as the grammar says.
    fn children(node_types: &str) -> BTreeMap<String, BTreeSet<String>> {
        let all: Vec<Value> = serde_json::from_str(node_types).unwrap();
        let types = |value: &Value| -> Vec<String> {
            let types = value.as_array().into_iter().flatten();
            types.map(|one| one["type"].as_str().unwrap().to_owned()).collect()
        };
        let one = |node: &Value| {
            let fields = node["fields"].as_object().into_iter().flatten().map(|(_, field)| &field["types"]);
            let parts = fields.chain([&node["children"]["types"], &node["subtypes"]]);
            (node["type"].as_str().unwrap().to_owned(), parts.flat_map(types).collect())
        };
        all.iter().filter(|node| node["named"] == true).map(one).collect()
    }

    #[test]
    fn the_grammar_has_no_definition_inside_of_what_is_barren() {
        let children = children(tree_sitter_python::NODE_TYPES);
        let mut barren = 0;
        for kind in children.keys().filter(|kind| rule(Lang::Python, kind) == Rule::Barren) {
            barren += 1;
            let (mut reached, mut left) = (BTreeSet::new(), vec![kind]);
            while let Some(next) = left.pop() {
                assert!(
                    matches!(
                        rule(Lang::Python, next),
                        Rule::None | Rule::Skip | Rule::Barren | Rule::Anonymous
                    ),
                    "{kind} may hold {next}"
                );
                if reached.insert(next) {
                    left.extend(children.get(next).into_iter().flatten());
                }
            }
        }
        assert!(barren > 20);
        assert!(children["function_definition"].contains("block"));
    }
}
