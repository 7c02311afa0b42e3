//! Reads Rust just well enough for the rules: what is code, what is a string, what is a test,
//! and which paths are named. Text that is not Rust is kept as it is.

use std::ops::Range;

use super::Violation;

mod lexer;
mod paths;

pub(super) use paths::NamedPath;

/// A file of the repository.
pub(super) struct Source {
    /// Relative to the repository's root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and the insides of literals blanked, byte for byte as long.
    pub(super) code: String,
    /// Where each string literal stands, and what is between its quotes.
    pub(super) strings: Vec<(usize, String)>,
    tests: Vec<Range<usize>>,
    is_test_file: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: String) -> Self {
        let lexed = if is_rust(path) {
            lexer::lex(&text)
        } else {
            lexer::Lexed::default()
        };
        let tests = test_items(&lexed.code);
        let is_test_file = path.split('/').any(|part| {
            matches!(
                part.trim_end_matches(".rs"),
                "tests" | "testing" | "conformance"
            )
        });
        Self {
            path: path.to_owned(),
            text,
            code: lexed.code,
            strings: lexed.strings,
            tests,
            is_test_file,
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    pub(super) fn is_under(&self, directory: &str) -> bool {
        self.path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The module at `stem`, as a file or as a directory: `src/store` is `src/store.rs` too.
    pub(super) fn is_module(&self, stem: &str) -> bool {
        self.is_under(stem) || self.path.strip_suffix(".rs") == Some(stem)
    }

    /// Whether this place is compiled for tests only.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        self.is_test_file || self.tests.iter().any(|test| test.contains(&offset))
    }

    /// Where the first test of the file begins, or where the file ends.
    pub(super) fn start_of_tests(&self) -> usize {
        self.tests
            .first()
            .map_or(self.text.len(), |test| test.start)
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }

    pub(super) fn violation(&self, offset: usize, rule: impl Into<String>) -> Violation {
        Violation {
            path: self.path.clone(),
            line: self.line_of(offset),
            rule: rule.into(),
        }
    }

    /// Every identifier of the code, with where it stands.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        lexer::words(&self.code)
    }

    /// Every path that the code names, groups of a `use` written out.
    pub(super) fn paths(&self) -> Vec<NamedPath> {
        paths::named_in(&self.code)
    }

    /// Where the bracket that opens here is closed: the offset after it.
    pub(super) fn end_of_block(&self, opening: usize) -> usize {
        lexer::end_of_block(&self.code, opening)
    }

    /// The inline modules around a place, from the outside in.
    pub(super) fn inline_modules(&self, offset: usize) -> Vec<&str> {
        let words: Vec<_> = self
            .words()
            .take_while(|(start, _)| *start < offset)
            .collect();
        let pairs = words.windows(2).filter(|pair| pair[0].1 == "mod");
        pairs
            .map(|pair| pair[1])
            .filter(|(start, name)| {
                let after = start + name.len();
                let opening =
                    after + self.code[after..].len() - self.code[after..].trim_start().len();
                self.code[opening..].starts_with('{') && self.end_of_block(opening) > offset
            })
            .map(|(_, name)| name)
            .collect()
    }

    /// The modules that this file declares for tests only, as path stems.
    pub(super) fn test_modules(&self) -> Vec<String> {
        let Some(stem) = self.path.strip_suffix(".rs") else {
            return Vec::new();
        };
        let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        let directory = if matches!(name, "mod" | "lib" | "main") {
            parent
        } else {
            stem
        };
        let declared = self.tests.iter().filter_map(|test| {
            let words: Vec<_> = lexer::words(&self.code[test.clone()]).collect();
            let at = words.iter().position(|(_, word)| *word == "mod")?;
            Some(format!("{directory}/{}", words.get(at + 1)?.1))
        });
        declared.collect()
    }

    pub(super) fn become_test_if_in(&mut self, test_modules: &[String]) {
        if test_modules.iter().any(|stem| self.is_module(stem)) {
            self.is_test_file = true;
        }
    }
}

fn is_rust(path: &str) -> bool {
    path.strip_suffix(".rs").is_some()
}

/// The items under `#[cfg(test)]` and its like.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let attributes = code.match_indices("#[cfg(").filter_map(|(start, _)| {
        let end = lexer::end_of_block(code, start + 1);
        let condition = &code[start..end];
        let for_tests = lexer::words(condition).any(|(_, word)| word == "test");
        (for_tests && !condition.contains("not(test")).then(|| start..end_of_item(code, end))
    });
    attributes.collect()
}

fn end_of_item(code: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b'{' => return lexer::end_of_block(code, at),
            b'(' | b'[' => at = lexer::end_of_block(code, at),
            b';' | b'}' => return at,
            _ => at += 1,
        }
    }
    at
}

#[test]
fn code_strings_and_tests_are_told_apart() {
    let source = Source::new(
        "src/http/a.rs",
        [
            "// tokio in a comment /* and an open one",
            "const A: &str = \"tokio \\\" still\"; const B: &[u8] = br#\"raw \" tokio\"#;",
            "fn f<'a>(x: &'a str) -> char { '\"' }",
            "#[cfg(test)] #[allow(x)] mod tests { fn g() { used_in_test(); } }",
            "#[cfg(not(test))] fn real() {} /* a /* nested */ tokio */",
            "#[cfg(test)] mod fixtures;",
        ]
        .join("\n"),
    );
    assert_eq!(source.code.len(), source.text.len());
    assert!(!source.code.contains("tokio"), "{}", source.code);
    let strings: Vec<_> = source
        .strings
        .iter()
        .map(|(_, content)| content.as_str())
        .collect();
    assert_eq!(strings, ["tokio \\\" still", "raw \" tokio"]);
    let offset = |word: &str| source.code.find(word).unwrap();
    assert!(source.is_test(offset("used_in_test")));
    assert!(!source.is_test(offset("real")));
    assert_eq!(source.line_of(offset("real")), 5);
    assert_eq!(source.inline_modules(offset("used_in_test")), ["tests"]);
    assert_eq!(
        source.test_modules(),
        ["src/http/a/tests", "src/http/a/fixtures"]
    );
}
