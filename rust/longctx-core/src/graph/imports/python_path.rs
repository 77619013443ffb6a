//! Edits of Python's `sys.path`: works out the folders they name, as far as that can be read from the text.

use std::collections::HashMap;

use tree_sitter::Node;

use crate::graph::parse::text_of;
use crate::graph::resolve::join;

/// How deep an expression is followed, variables included.
const MAX_DEPTH: u32 = 24;

/// Follows the statements of one file.
pub(super) struct SearchPath<'t, 's> {
    path: &'s str,
    text: &'s str,
    /// The latest value of each variable seen so far.
    variables: HashMap<&'s str, Node<'t>>,
    roots: Vec<Box<str>>,
}

/// A value that can be worked out.
enum Value {
    /// A path of the repository, known in full.
    Place(String),
    /// Text of which it is not known what it is relative to.
    Text(String),
}

impl<'t, 's> SearchPath<'t, 's> {
    pub fn new(path: &'s str, text: &'s str) -> Self {
        Self { path, text, variables: HashMap::new(), roots: Vec::new() }
    }

    pub fn into_roots(self) -> Vec<Box<str>> {
        self.roots
    }

    /// Reads an expression statement: an assignment is remembered, an edit of `sys.path` worked out.
    pub fn statement(&mut self, node: Node<'t>) {
        let Some(expression) = node.named_child(0) else { return };
        match expression.kind() {
            "call" => self.call(expression),
            "assignment" | "augmented_assignment" => {
                let left = expression.child_by_field_name("left");
                let right = expression.child_by_field_name("right");
                let (Some(left), Some(right)) = (left, right) else { return };
                if text_of(left, self.text).starts_with("sys.path") {
                    self.each(right);
                } else if left.kind() == "identifier" {
                    self.variables.insert(text_of(left, self.text), right);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: Node<'t>) {
        let (Some(function), Some(arguments)) =
            (call.child_by_field_name("function"), call.child_by_field_name("arguments"))
        else {
            return;
        };
        let argument = match text_of(function, self.text) {
            "sys.path.insert" => arguments.named_child(1),
            "sys.path.append" | "sys.path.extend" | "site.addsitedir" => arguments.named_child(0),
            _ => None,
        };
        if let Some(argument) = argument {
            self.each(argument);
        }
    }

    /// The folder that an expression stands for, or those in a list.
    fn each(&mut self, node: Node<'t>) {
        if matches!(node.kind(), "list" | "tuple") {
            let mut cursor = node.walk();
            for item in node.named_children(&mut cursor) {
                self.add(item);
            }
        } else {
            self.add(node);
        }
    }

    fn add(&mut self, node: Node<'t>) {
        let place = match self.value(node, 0) {
            Some(Value::Place(place)) => Some(place),
            // The folder it is run from: nearly always the repository's root.
            Some(Value::Text(text)) if !text.starts_with('/') => join("", &text),
            _ => None,
        };
        if let Some(place) = place
            && !self.roots.iter().any(|root| **root == *place)
        {
            self.roots.push(place.into());
        }
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let value = |node| self.value(node, depth + 1);
        match node.kind() {
            "string" => {
                let mut cursor = node.walk();
                let content = node.named_children(&mut cursor).find(|part| part.kind() == "string_content");
                Some(Value::Text(content.map_or("", |content| text_of(content, self.text)).to_owned()))
            }
            "identifier" if text_of(node, self.text) == "__file__" => {
                Some(Value::Place(self.path.to_owned()))
            }
            "identifier" => value(*self.variables.get(text_of(node, self.text))?),
            "parenthesized_expression" => value(node.named_child(0)?),
            "attribute" => match text_of(node.child_by_field_name("attribute")?, self.text) {
                "parent" => above(value(node.child_by_field_name("object")?)?, 1),
                _ => None,
            },
            "subscript" => {
                let object = node.child_by_field_name("value")?;
                let levels: usize =
                    text_of(node.child_by_field_name("subscript")?, self.text).parse().ok()?;
                if text_of(object.child_by_field_name("attribute")?, self.text) != "parents" {
                    return None;
                }
                above(value(object.child_by_field_name("object")?)?, levels.checked_add(1)?)
            }
            "binary_operator" if text_of(node.child_by_field_name("operator")?, self.text) == "/" => {
                joined(value(node.child_by_field_name("left")?)?, value(node.child_by_field_name("right")?)?)
            }
            "binary_operator" if text_of(node.child_by_field_name("operator")?, self.text) == "+" => {
                joined(value(node.child_by_field_name("left")?)?, value(node.child_by_field_name("right")?)?)
            }
            "call" => self.called(node, depth),
            _ => None,
        }
    }

    fn called(&self, node: Node<'t>, depth: u32) -> Option<Value> {
        let value = |node| self.value(node, depth + 1);
        let function = node.child_by_field_name("function")?;
        let arguments = node.child_by_field_name("arguments")?;
        let name = text_of(function, self.text);
        match name.rsplit('.').next().unwrap_or(name) {
            "dirname" => above(value(arguments.named_child(0)?)?, 1),
            "abspath" | "realpath" | "normpath" | "str" | "fspath" | "Path" | "PurePath" => {
                value(arguments.named_child(0)?)
            }
            "resolve" | "absolute" | "as_posix" => value(function.child_by_field_name("object")?),
            "joinpath" => {
                joined(value(function.child_by_field_name("object")?)?, value(arguments.named_child(0)?)?)
            }
            "join" => {
                let mut cursor = arguments.walk();
                let mut parts = arguments.named_children(&mut cursor);
                let first = value(parts.next()?)?;
                parts.try_fold(first, |whole, part| {
                    // `os.pardir` is the one name that often stands among the parts.
                    let part = match text_of(part, self.text) {
                        "os.pardir" | "os.path.pardir" => Value::Text("..".to_owned()),
                        "os.curdir" | "os.path.curdir" => Value::Text(".".to_owned()),
                        _ => value(part)?,
                    };
                    joined(whole, part)
                })
            }
            "getcwd" | "cwd" => Some(Value::Place(String::new())),
            _ => None,
        }
    }
}

fn above(value: Value, levels: usize) -> Option<Value> {
    match value {
        Value::Place(mut place) => {
            for _ in 0..levels {
                if place.is_empty() {
                    return None;
                }
                place.truncate(place.rfind('/').unwrap_or(0));
            }
            Some(Value::Place(place))
        }
        Value::Text(_) => None,
    }
}

fn joined(left: Value, right: Value) -> Option<Value> {
    match (left, right) {
        (_, Value::Text(right))
            if right.starts_with('/') && right.len() > 1 && right.as_bytes()[1] == b'/' =>
        {
            None
        }
        (Value::Place(left), Value::Text(right)) => join(&left, &right).map(Value::Place),
        (Value::Text(left), Value::Text(right)) => Some(Value::Text(format!("{left}/{right}"))),
        (_, Value::Place(_)) => None,
    }
}
