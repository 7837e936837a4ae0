//! Finds circular imports of modules, from the paths that begin with `crate`, `super`, `self` or a submodule.
//!
//! A folder's `mod.rs` joins its modules, so its uses of them do not form a circle, and a use of its re-exports counts as a use of
//! the module that it comes from.

use std::collections::{BTreeMap, BTreeSet};

/// A module's path from its crate's root; the root has none.
type Module = Vec<String>;

/// The modules of one crate.
pub struct Crate {
    /// The text of each, without its tests.
    texts: BTreeMap<Module, String>,
    /// The re-exports of each: the name, and the path of its source.
    exports: BTreeMap<(Module, String), Vec<String>>,
}

impl Crate {
    /// Reads modules, each as its path below `src` and its text.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<Module, String> = files
            .into_iter()
            .filter(|(path, _)| !path.ends_with("tests.rs"))
            .map(|(path, text)| (module(&path), code(&text)))
            .collect();
        let mut exports = BTreeMap::new();
        for (module, text) in &texts {
            for (is_export, path) in paths(text) {
                if let (true, Some(name)) = (is_export, path.last()) {
                    exports.insert((module.clone(), name.clone()), path.clone());
                }
            }
        }
        Self { texts, exports }
    }

    /// One circle of the modules, and one of the crate's folders, if there are any: each as its modules in order.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut modules = BTreeMap::<String, BTreeSet<String>>::new();
        let mut folders = BTreeMap::<String, BTreeSet<String>>::new();
        for (from, is_export, to) in self.uses() {
            if !is_export && !to.starts_with(from) {
                modules
                    .entry(from.join("::"))
                    .or_default()
                    .insert(to.join("::"));
            }
            if let (Some(from), Some(to)) = (from.first(), to.first())
                && from != to
            {
                folders.entry(from.clone()).or_default().insert(to.clone());
            }
        }
        [circle(&modules), circle(&folders)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What contradicts the layers, each a module or a folder such as `a/b`, the lowest first: a use of a higher layer, a module in no layer, and a layer
    /// without a module. A module belongs to the longest layer that its path begins with; the crate's root is above all.
    pub fn against_layers(&self, layers: &[String]) -> Vec<String> {
        let paths: Vec<Module> = layers
            .iter()
            .map(|layer| layer.split('/').map(str::to_owned).collect())
            .collect();
        let layer_of = |module: &Module| {
            let holds = |(_, path): &(usize, &Module)| module.starts_with(path);
            let found = paths.iter().enumerate().filter(holds);
            found.max_by_key(|(_, path)| path.len()).map(|(at, _)| at)
        };
        let mut found = BTreeSet::new();
        for module in self.texts.keys().filter(|module| !module.is_empty()) {
            if layer_of(module).is_none() {
                found.insert(format!("{} is in no layer", module.join("/")));
            }
        }
        for (layer, path) in layers.iter().zip(&paths) {
            if !self.texts.keys().any(|module| module.starts_with(path)) {
                found.insert(format!("the layer {layer} holds no module"));
            }
        }
        for (from, _, to) in self.uses() {
            if layer_of(from).is_some_and(|below| layer_of(&to).is_none_or(|above| above > below))
                && !to.starts_with(from)
            {
                found.insert(format!("{} uses {}", from.join("/"), to.join("/")));
            }
        }
        found.into_iter().collect()
    }

    /// Every use of another module: from where, whether it is exported again, and to where.
    fn uses(&self) -> impl Iterator<Item = (&Module, bool, Module)> {
        self.texts.iter().flat_map(move |(from, text)| {
            let uses = paths(text)
                .into_iter()
                .filter_map(move |(is_export, path)| {
                    let to = self.resolve(from, &path)?;
                    (to != *from).then_some((from, is_export, to))
                });
            uses.collect::<Vec<_>>()
        })
    }

    /// The module in which the path ends; none if it is outside of the crate.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<Module> {
        let (mut module, rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from.split_last()?.1.to_vec(), &path[1..]),
            _ => (from.clone(), path),
        };
        let mut is_inside = path.len() > rest.len();
        for (index, name) in rest.iter().enumerate() {
            if name == "super" {
                module.pop()?;
                continue;
            }
            let below = [module.as_slice(), std::slice::from_ref(name)].concat();
            if self.texts.contains_key(&below) {
                module = below;
                is_inside = true;
                continue;
            }
            if !is_inside {
                return None;
            }
            if let Some(source) = self.exports.get(&(module.clone(), name.clone())) {
                let whole = [source.as_slice(), &rest[index + 1..]].concat();
                return self.resolve(&module, &whole);
            }
            break;
        }
        Some(module)
    }
}

fn module(path: &str) -> Module {
    let path = path.trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

/// A module's text without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next();
    let lines = text.unwrap_or_default().lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Every path that a text imports or uses directly, and whether it is re-exported.
fn paths(text: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = String::new();
    for statement in text.split_inclusive(';') {
        let start = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .filter_map(|word| {
                let at = statement.rfind(&format!("\n{word}"))?;
                Some((at, at + word.len() + 1, word.starts_with("pub")))
            })
            .max();
        match start {
            Some((at, body, is_export)) => {
                rest.push_str(&statement[..at]);
                let tree = statement[body..].trim_end_matches(';');
                found.extend(expand(tree).into_iter().map(|path| (is_export, path)));
            }
            None => rest.push_str(statement),
        }
    }
    let is_path = |char: char| char.is_alphanumeric() || char == '_' || char == ':';
    for word in rest.split(|char| !is_path(char)) {
        if ["crate::", "super::", "self::"]
            .iter()
            .any(|start| word.starts_with(start))
        {
            found.extend(expand(word).into_iter().map(|path| (false, path)));
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::d as e}`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let names = path.split("::").map(str::trim);
        // A path that ends in `self` is its module.
        let names: Vec<String> = names.map(str::to_owned).collect();
        return match names.split_last() {
            Some((last, module)) if last == "self" && !module.is_empty() => vec![module.to_vec()],
            _ => vec![names],
        };
    };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let mut depth = 0;
    let parts = group.split(|char| {
        depth += i32::from(char == '{') - i32::from(char == '}');
        char == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expand(&format!("{head}{}", part.trim())))
        .collect()
}

/// The first circle in the graph.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    edges
        .keys()
        .find_map(|start| walk(start, edges, &mut Vec::new(), &mut done))
}

fn walk(
    module: &str,
    edges: &BTreeMap<String, BTreeSet<String>>,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(at) = way.iter().position(|one| one == module) {
        return Some(way[at..].to_vec());
    }
    if !done.insert(module.to_owned()) {
        return None;
    }
    way.push(module.to_owned());
    for next in edges.get(module).into_iter().flatten() {
        if let Some(circle) = walk(next, edges, way, done) {
            return Some(circle);
        }
    }
    way.pop();
    None
}

#[test]
fn a_circle_through_a_folders_exports_is_found() {
    let file = |path: &str, text: &str| (path.to_owned(), format!("\n{text}"));
    let modules = |last: &str| {
        Crate::new([
            file("lib.rs", "pub mod a;\npub mod b;"),
            file("a/mod.rs", "pub use low::Low;"),
            file("a/low.rs", last),
            file("a/high.rs", "use super::Low;\nuse crate::b::{self, B};"),
            file("b.rs", "use std::fmt;\nuse crate::a::Low;"),
        ])
    };
    assert_eq!(
        modules("pub struct Low;").circles(),
        [["a".to_owned(), "b".to_owned()]],
        "the folders' circle alone"
    );
    let circles = modules("fn f() { crate::b::B::new() }").circles();
    assert_eq!(circles[0], ["a::low", "b"]);
    assert!(modules("use super::high::X;").circles().len() == 2);
}

#[test]
fn a_use_of_a_higher_layer_is_found() {
    let file = |path: &str, text: &str| (path.to_owned(), format!("\n{text}"));
    let modules = Crate::new([
        file("lib.rs", "pub mod a;\npub mod b;"),
        file("a/mod.rs", "mod low;\nmod high;"),
        file("a/low.rs", "use super::high::High;"),
        file("a/high.rs", "use crate::b::B;"),
        file("b.rs", "pub struct B;"),
        file("c.rs", "pub struct C;"),
    ]);
    let layers = ["b", "a/low", "a", "d"].map(str::to_owned);
    assert_eq!(
        modules.against_layers(&layers),
        [
            "a/low uses a/high",
            "c is in no layer",
            "the layer d holds no module"
        ]
    );
}
