//! No circles of files: if a file uses another that uses it in turn, neither can be read or changed
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::paths::Named;

/// Longest chain of re-exports that is followed.
const MAX_HOPS: usize = 8;

/// One file of a crate.
struct File {
    path: String,
    named: Named,
}

/// The files of one crate's `src`, by the path of their module.
#[derive(Default)]
pub struct Crate {
    files: BTreeMap<Vec<String>, File>,
}

/// From one file to another: the names that it uses from there.
type Arrows<'a> = BTreeMap<&'a [String], BTreeMap<&'a [String], BTreeSet<&'a str>>>;

impl Crate {
    /// Adds a file; `below` is its path from `src`.
    pub fn add(&mut self, path: &str, below: &str, named: Named) {
        let mut module: Vec<String> =
            below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let is_root = module.len() == 1 && matches!(&*module[0], "lib" | "main");
        if is_root || module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        self.files.insert(module, File { path: path.to_owned(), named });
    }

    /// A finding for each group of files that use one another in a circle.
    pub fn check(&self) -> Vec<Finding> {
        let arrows = self.arrows();
        let mut seen: BTreeSet<&[String]> = BTreeSet::new();
        let mut findings = Vec::new();
        for from in arrows.keys() {
            if seen.contains(from) {
                continue;
            }
            let there = reached(&arrows, from);
            let circle: BTreeSet<&[String]> =
                there.into_iter().filter(|it| reached(&arrows, it).contains(from)).collect();
            if !circle.is_empty() {
                findings.push(self.finding(&arrows, &circle));
            }
            seen.extend(circle);
        }
        findings
    }

    fn finding(&self, arrows: &Arrows<'_>, circle: &BTreeSet<&[String]>) -> Finding {
        let mut lines = Vec::new();
        for from in circle {
            for (to, names) in arrows.get(from).into_iter().flatten() {
                if circle.contains(to) {
                    let names: Vec<&str> = names.iter().copied().collect();
                    let (from, to) = (&self.files[*from].path, &self.files[*to].path);
                    lines.push(format!("\n    {from} takes {} from {to}", names.join(", ")));
                }
            }
        }
        let first = circle.first().map_or("", |module| &*self.files[*module].path);
        let text = format!(
            "files use one another in a circle: move what both need below them{}",
            lines.concat()
        );
        Finding::new(first, 1, text)
    }

    fn arrows(&self) -> Arrows<'_> {
        let mut arrows = Arrows::new();
        for (module, file) in &self.files {
            if self.is_for_tests(module) {
                continue;
            }
            let imports = file.named.imports.iter().filter(|it| !it.is_handed_on);
            let taken = imports.map(|it| &it.path).chain(&file.named.inline);
            for path in taken {
                let Some((to, name)) = self.resolve(module, path, 0) else { continue };
                if to != module.as_slice() && !self.is_for_tests(to) {
                    arrows
                        .entry(module.as_slice())
                        .or_default()
                        .entry(to)
                        .or_default()
                        .insert(name);
                }
            }
        }
        arrows
    }

    /// The file that defines what a path names, and its name there; `None` for names that other
    /// crates define and for modules themselves.
    fn resolve<'a>(
        &'a self,
        from: &[String],
        path: &'a [String],
        hops: usize,
    ) -> Option<(&'a [String], &'a str)> {
        let (first, rest) = path.split_first()?;
        if hops > MAX_HOPS {
            return None;
        }
        match first.as_str() {
            "crate" => return self.resolve_in(&[], rest, hops),
            "self" => return self.resolve_in(from, rest, hops),
            "super" => return self.resolve_above(from, rest, hops),
            _ => {}
        }
        self.resolve_in(from, path, hops)
    }

    fn resolve_above<'a>(
        &'a self,
        from: &[String],
        rest: &'a [String],
        hops: usize,
    ) -> Option<(&'a [String], &'a str)> {
        let (_, parent) = from.split_last()?;
        match rest.first().map(String::as_str) {
            Some("super") => self.resolve_above(parent, &rest[1..], hops),
            _ => self.resolve_in(parent, rest, hops),
        }
    }

    fn resolve_in<'a>(
        &'a self,
        module: &[String],
        path: &'a [String],
        hops: usize,
    ) -> Option<(&'a [String], &'a str)> {
        let (first, rest) = path.split_first()?;
        let below: Vec<String> = module.iter().chain([first]).cloned().collect();
        if self.files.contains_key(&below) {
            return self.resolve_in(&below, rest, hops);
        }
        let (module, file) = self.files.get_key_value(module)?;
        if file.named.defined.contains(first) {
            return Some((module, first));
        }
        let import = file.named.imports.iter().find(|it| it.name == *first)?;
        // Behind a module's other name, the path continues there.
        match self.module(module, &import.path) {
            Some(named) => self.resolve_in(&named, rest, hops + 1),
            None => self.resolve(module, &import.path, hops + 1),
        }
    }

    /// The module that a path names, if it names one.
    fn module(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let (mut at, mut rest) = (from.to_vec(), path);
        if let Some((first, behind)) = path.split_first()
            && matches!(first.as_str(), "crate" | "self")
        {
            rest = behind;
            if first == "crate" {
                at.clear();
            }
        }
        for segment in rest {
            if segment == "super" {
                at.pop()?;
            } else {
                at.push(segment.clone());
            }
        }
        self.files.contains_key(&at).then_some(at)
    }

    fn is_for_tests(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|length| {
            let (name, parent) = module[..length].split_last().expect("a length of at least one");
            let parent = self.files.get(parent);
            parent.is_some_and(|parent| parent.named.test_modules.contains(name))
        })
    }
}

/// The files that can be reached from a file along one arrow or more.
fn reached<'a>(arrows: &Arrows<'a>, from: &[String]) -> BTreeSet<&'a [String]> {
    let mut there = BTreeSet::new();
    let mut next: Vec<&[String]> =
        arrows.get(from).into_iter().flat_map(BTreeMap::keys).copied().collect();
    while let Some(module) = next.pop() {
        if there.insert(module) {
            next.extend(arrows.get(module).into_iter().flat_map(BTreeMap::keys));
        }
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::mask::Masked;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let mut files_of_crate = Crate::default();
        for (below, source) in files {
            files_of_crate.add(below, below, Named::of(&Masked::of(source)));
        }
        files_of_crate.check().into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn two_files_that_use_one_another_are_a_circle() {
        let lib = ("lib.rs", "mod a;\nmod b;\npub use a::A;");
        let a = ("a.rs", "use crate::b::B;\npub struct A(B);");
        let by_name = ("b.rs", "pub struct B;\nfn f() -> crate::A { todo() }");
        let found = findings(&[lib, a, by_name]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("a.rs takes B from b.rs"), "{found:?}");
        assert!(found[0].contains("b.rs takes A from a.rs"), "{found:?}");
        assert_eq!(findings(&[lib, a, ("b.rs", "pub struct B;")]), [""; 0]);
    }

    #[test]
    fn a_module_behind_its_parent_and_three_files_are_found() {
        let parent = ("a/mod.rs", "mod b;\nuse b::B;\npub struct A(B);");
        let child = ("a/b.rs", "use super::A;\npub struct B;\nfn f(_: A) {}");
        assert_eq!(findings(&[("lib.rs", "mod a;"), parent, child]).len(), 1);
        let three = [
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use super::b;\npub fn f() { b::f() }"),
            ("b.rs", "use crate::c::f as g;\npub fn f() { g() }"),
            ("c.rs", "pub fn f() { crate::a::f() }"),
        ];
        assert_eq!(findings(&three).len(), 1);
    }

    #[test]
    fn re_exports_and_tests_make_no_circle() {
        let lib = ("lib.rs", "mod a;\n#[cfg(test)]\nmod samples;\npub use a::A;\npub struct L;");
        let a =
            ("a.rs", "use crate::L;\npub struct A(L);\n#[cfg(test)]\nmod tests { use crate::A; }");
        let samples = ("samples.rs", "use crate::A;\npub fn f() -> A { g() }");
        assert_eq!(findings(&[lib, a, samples]), [""; 0]);
    }
}
